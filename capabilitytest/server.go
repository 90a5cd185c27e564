package capabilitytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/console"
	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/capabilitytest/internal/rest"
	"github.com/seed-6c737938/capability/capabilitytest/internal/signalling"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A Server is a stand-in for Twilio that knows one account. All its methods may
// be called concurrently.
type Server struct {
	URL string // base URL of the form http://ipaddr:port with no trailing slash

	credentials credentials
	addr        string
	logWriter   io.Writer // or nil
	config      exchange.Config
	sockets     signalling.Server

	loopback bool
	console  bool // even where others than this machine can reach it
	exchange *exchange.Exchange
	http     *http.Server
	running  sync.WaitGroup // the listener and the log
}

// An Option configures the server that [NewServer] or [Start] starts.
type Option func(*Server) error

// VoiceURL sets the URL that the server requests to learn what to do with an
// outgoing call, like the voice URL of a TwiML application. Without it, the server
// dials the client, or the telephone number, that the call's parameter To names.
func VoiceURL(rawURL string) Option {
	return func(s *Server) (err error) {
		s.config.VoiceURL, err = webhookURL("voice URL", rawURL)
		return err
	}
}

// StatusCallback sets the URL to which the server reports the end of each call made by a page
// or to a number of the account, like the status callback URL of a TwiML application.
func StatusCallback(rawURL string) Option {
	return func(s *Server) (err error) {
		s.config.StatusCallback, err = webhookURL("status callback URL", rawURL)
		return err
	}
}

// Number gives the account a telephone number, such as +15550100000, and sets the voice URL
// for calls to it. A [Phone] can call it.
func Number(number, voiceURL string) Option {
	return func(s *Server) error {
		if !exchange.IsPhoneNumber(number) {
			return fmt.Errorf("number %q: it must be like +15550100000", number)
		}
		u, err := webhookURL("voice URL of "+number, voiceURL)
		if s.config.Numbers == nil {
			s.config.Numbers = map[string]*url.URL{}
		}
		s.config.Numbers[number] = u
		return err
	}
}

func webhookURL(what, rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s %q: it must be an http or https URL with a host", what, redacted(rawURL))
	}
	return u, nil
}

// redacted returns what an error shows of a URL.
func redacted(rawURL string) string {
	if u, err := url.Parse(rawURL); err == nil {
		return webhook.Shown(u)
	}
	return "(unreadable)"
}

// Addr sets the address to listen on: TCP for signalling, and the same port for audio over
// UDP. Both must be free; with port 0, the two ports may differ. The default is 127.0.0.1:0, a
// free port that only this machine can reach.
func Addr(addr string) Option {
	return func(s *Server) error {
		s.addr = addr
		return nil
	}
}

// PublicIP sets the IP address at which pages on other machines reach the server's UDP port,
// for when that is not an address of the server's machine, as in a container.
func PublicIP(ip string) Option {
	return func(s *Server) (err error) {
		if s.config.Media.PublicIP, err = netip.ParseAddr(ip); err != nil {
			return fmt.Errorf("public IP %q: it must be an IP address", ip)
		}
		return nil
	}
}

// Credentials reads the account's credentials with env, such as os.Getenv, by the names that
// [Server.Env] returns. It makes up those that are empty.
func Credentials(env func(name string) string) Option {
	return func(s *Server) error { return s.credentials.read(env) }
}

// Log writes each event to w, one per line: who registers, who calls whom, what is
// refused and why, each webhook with its answer, what became of its verbs. It never writes a
// token, or a secret of 16 bytes or more. If w is slow, events are dropped, and the log says
// how many. [Server.Close] waits for Write to return; Write may call the server's other
// methods.
func Log(w io.Writer) Option {
	return func(s *Server) error {
		s.logWriter = w
		return nil
	}
}

// Console also serves the console if other machines can reach the server's address; on a
// loopback address it is always served. Anyone who can reach it can do all that the methods of
// [Server] do, and read the credentials.
func Console() Option {
	return func(s *Server) error {
		s.console = true
		return nil
	}
}

// CloseOnRefusal makes the server close the socket of a device whose token expires or is
// refused, as the real service is reported to do. A page must work with and without this.
func CloseOnRefusal() Option {
	return func(s *Server) error {
		s.config.CloseOnRefusal = true
		return nil
	}
}

// Instant makes speech, sounds and pauses take no time, and telephones that nobody
// plays answer at once. Timeouts, such as that of a Gather, still take their time: see
// [Server.FastForward].
func Instant() Option {
	return func(s *Server) error {
		s.config.Media.Instant = true
		return nil
	}
}

// Tester is the part of *testing.T that NewServer needs.
type Tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// NewServer starts a Server, by default on a free loopback port with made-up credentials, and
// closes it when the test ends.
func NewServer(t Tester, options ...Option) *Server {
	t.Helper()
	s, err := Start(options...)
	if err != nil {
		t.Fatalf("capabilitytest: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start does what [NewServer] does, for a program. The caller must call Close.
func Start(options ...Option) (*Server, error) {
	s := &Server{
		credentials: madeUp(),
		addr:        "127.0.0.1:0",
		sockets:     signalling.Server{Heartbeat: 5 * time.Second, Echo: 15 * time.Second, Listen: 30 * time.Second},
	}
	var errs []error
	for _, option := range options {
		errs = append(errs, option(s))
	}
	if err := errors.Join(append(errs, checkFIPS())...); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	if err := s.serve(listener); err != nil {
		listener.Close()
		return nil, err
	}
	return s, nil
}

// serve starts the exchange, and serves what the listener accepts.
func (s *Server) serve(listener net.Listener) (err error) {
	addr := listener.Addr().(*net.TCPAddr).AddrPort()
	s.loopback = addr.Addr().IsLoopback()
	s.URL = "http://" + reachable(addr).String()
	s.config.AccountSID, s.config.AuthToken = s.credentials.accountSID, s.credentials.authToken
	s.config.ApplicationSID = s.credentials.applicationSID
	s.config.RecordingURL = s.URL + rest.Root + "Accounts/" + s.credentials.accountSID + "/Recordings/"
	if s.exchange, err = s.openExchange(addr); err != nil {
		return err
	}
	s.sockets.Exchange = s.exchange
	s.sockets.Credentials = signalling.Credentials{
		AccountSID: s.credentials.accountSID, AuthToken: s.credentials.authToken,
		APIKeySID: s.credentials.apiKeySID, APIKeySecret: s.credentials.apiKeySecret,
	}
	if s.logWriter != nil {
		s.running.Go(s.exchange.Events(s.log))
	}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second}
	s.running.Go(func() { s.http.Serve(listener) })
	return nil
}

// openExchange opens the UDP port of the same number, if the number does not matter any.
func (s *Server) openExchange(addr netip.AddrPort) (*exchange.Exchange, error) {
	s.config.Media.Addr = addr.String()
	x, err := exchange.New(s.config)
	if _, port, _ := net.SplitHostPort(s.addr); err != nil && port == "0" {
		s.config.Media.Addr = netip.AddrPortFrom(addr.Addr(), 0).String()
		return exchange.New(s.config)
	}
	return x, err
}

// reachable returns an address at which a page on this machine reaches a server
// that listens on addr.
func reachable(addr netip.AddrPort) netip.AddrPort {
	if addr.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
	}
	return addr
}

// Close hangs up all calls, closes all sockets, and waits until every goroutine and
// timer of the server has ended.
func (s *Server) Close() {
	s.exchange.Close()
	s.http.Close()
	s.running.Wait()
}

// Env returns environment variables for a backend: the account's credentials, and the server's
// URL as STANDIN_URL.
func (s *Server) Env() map[string]string {
	env := map[string]string{"STANDIN_URL": s.URL}
	for _, v := range s.credentials.variables() {
		env[v.name] = *v.value
	}
	return env
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /signal", &s.sockets)
	mux.HandleFunc("GET /standin.js", s.serveScript)
	mux.HandleFunc("GET /sounds/{name}", serveSound)
	if s.ConsoleURL() != "" {
		page := s.consolePage()
		mux.Handle("/{$}", page)
		mux.Handle("/console/", page)
	}
	api := &rest.API{
		Exchange: s.exchange, AccountSID: s.credentials.accountSID, AuthToken: s.credentials.authToken,
		APIKeySID: s.credentials.apiKeySID, APIKeySecret: s.credentials.apiKeySecret,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A foreign name that resolves to this machine is an attack: DNS rebinding.
		if s.loopback && !isLoopback(r.Host) {
			http.Error(w, "only localhost and loopback addresses are served", http.StatusMisdirectedRequest)
			return
		}
		if strings.HasPrefix(r.URL.Path, rest.Root) { // whose paths are taken as they are
			api.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// ConsoleURL returns the URL of the console, a page that shows each call as it happens, or
// "" if there is none. See [Console].
func (s *Server) ConsoleURL() string {
	if !s.loopback && !s.console {
		return ""
	}
	return s.URL + "/"
}

// consolePage returns the handler of the console. On an address that is not loopback, it is
// served under names without a dot alone, and under addresses: no other site can have one.
func (s *Server) consolePage() http.Handler {
	about := console.About{URL: s.URL, AccountSID: s.credentials.accountSID}
	if u := s.config.VoiceURL; u != nil {
		about.VoiceURL = u.Redacted()
	}
	var env strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Env())) {
		fmt.Fprintf(&env, "%s=%s\n", name, s.Env()[name])
	}
	page := (&console.Console{Exchange: s.exchange, About: about, Credentials: env.String(), Hide: s.hide}).Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			name = r.Host
		}
		if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err != nil && strings.Contains(name, ".") {
			http.Error(w, "the console is served under an address, or a name without a dot", http.StatusMisdirectedRequest)
			return
		}
		page.ServeHTTP(w, r)
	})
}

// isLoopback reports whether the host of a request can only mean this machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// A Call describes a call made by a page, a [Phone] or the REST API.
type Call struct {
	SID      string
	From     string     // "client:alice"
	To       string     // the parameter To
	Params   url.Values // of the call, To included; those signed by the token override those of the page
	Status   string     // in Twilio's words: queued, ringing, in-progress, completed, busy, no-answer, failed or canceled
	Code     int        // the error code that the caller was told, or 0
	Digits   string     // what either side has dialled during the call
	Said     []string   // what was played to the caller: the text of each <Say>, the URL of each <Play>
	Messages []string   // the contents of the call messages that the caller's page has sent, as JSON
}

// Calls returns all calls so far that a page, a telephone or the REST API has made, oldest
// first, not including the legs that they dialled.
func (s *Server) Calls() []Call {
	var calls []Call
	for _, c := range s.exchange.Calls() {
		calls = append(calls, Call(c))
	}
	return calls
}

// WaitRegistered waits until n devices are registered under a client name.
func (s *Server) WaitRegistered(ctx context.Context, name string, n int) error {
	registered := 0
	err := s.exchange.Wait(ctx, func() bool {
		registered = s.exchange.Registered(name)
		return registered == n
	})
	if err != nil {
		return fmt.Errorf("capabilitytest: registered as %q: %s, not %d: %w%s", name, exchange.Count(registered, "device"), n, err, s.tokens())
	}
	return nil
}

// WaitCall waits for a call that matches, and returns it. Calls that are over can match too.
func (s *Server) WaitCall(ctx context.Context, match func(Call) bool) (Call, error) {
	var found Call
	err := s.exchange.Wait(ctx, func() bool {
		calls := s.Calls()
		i := slices.IndexFunc(calls, match)
		if i >= 0 {
			found = calls[i]
		}
		return i >= 0
	})
	if err != nil {
		return Call{}, fmt.Errorf("capabilitytest: no call matches: %w%s", err, s.ladders())
	}
	return found, nil
}

// Refuse makes the server refuse the next token of a client, even a valid one, with one of
// Twilio's error codes, such as 31205.
func (s *Server) Refuse(name string, code int) { s.exchange.Refuse(name, code) }

// Expire tells a client's devices that their tokens have expired. It still accepts those
// tokens, since a new token minted in the same second is identical.
func (s *Server) Expire(name string) { s.exchange.Expire(name) }

// Disconnect cuts the sockets of a client, as if its network had failed. The SDK
// connects again by itself.
func (s *Server) Disconnect(name string) { s.exchange.Disconnect(name) }

// Reset ends and forgets all calls, and undoes whatever a test has set: refusals, telephones,
// queues, conferences, recordings. It cuts the sockets of all devices; pages that are still
// open connect again by themselves. A [Phone] from before no longer rings.
func (s *Server) Reset() { s.exchange.Reset() }

// Press presses keys during a call as if the caller did: 0-9, A-D, * and #.
func (s *Server) Press(callSID, keys string) error { return wrap(s.exchange.Press(callSID, keys)) }

// SendMessage sends a call message, whose content is JSON, to the page whose call or leg has
// the SID, as Twilio's UserDefinedMessages resource does.
func (s *Server) SendMessage(callSID, content string) error {
	_, fault := s.exchange.SendMessage(callSID, []byte(content))
	return refused(fault)
}

// FastForward brings everything that calls wait for forward by d: the timeout of a Dial, a
// Gather or a Record, a pause, a time limit. Audio plays at its usual speed.
func (s *Server) FastForward(d time.Duration) { s.exchange.FastForward(d) }
