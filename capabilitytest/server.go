package capabilitytest

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server is a stand-in for Twilio that knows one account. All its methods may
// be called concurrently.
type Server struct {
	URL string // base URL of the form http://ipaddr:port with no trailing slash

	credentials credentials
	voiceURL    *url.URL // nil to dial the client that To names
	addr        string
	log         io.Writer
	logging     sync.Mutex
	closeSocket bool // when a token expires or is refused
	timing      timing

	loopback bool
	http     *http.Server
	ctx      context.Context // until Close
	cancel   context.CancelFunc
	running  sync.WaitGroup // the listener, each socket, each call

	mu       sync.Mutex           // guards all below, and every device and call
	devices  map[*device]bool     // one for each socket
	clients  map[string][]*device // by client name, the oldest registration first
	refusals map[string]int       // by client name, what its next listen is answered
	calls    []*call              // the oldest first
	changed  chan struct{}        // closed when a device or a call changes
}

// timing is what tests shorten.
type timing struct {
	heartbeat time.Duration // the SDK gives up a socket that is silent for 15 s
	ring      time.Duration // Twilio's <Dial> gives up after 30 s
	listen    time.Duration // for a socket to show a valid token
	reconnect time.Duration // for a device on a call to come back
	webhook   time.Duration // Twilio waits 15 s for TwiML
}

// An Option changes what [NewServer] and [Start] start.
type Option func(*Server) error

// VoiceURL sets the URL that the server requests to learn what to do with an
// outgoing call, like the voice URL of a TwiML application. Without it, the server
// dials the client that the call's parameter To names.
func VoiceURL(rawURL string) Option {
	return func(s *Server) error {
		u, err := url.Parse(rawURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("voice URL %q: it must be an http or https URL with a host", redacted(rawURL))
		}
		s.voiceURL = u
		return nil
	}
}

// redacted returns a URL without its password.
func redacted(rawURL string) string {
	if u, err := url.Parse(rawURL); err == nil {
		return u.Redacted()
	}
	return "(unreadable)"
}

// Addr sets the TCP address to listen on. The default is 127.0.0.1:0, a free
// port that only this machine can reach.
func Addr(addr string) Option {
	return func(s *Server) error {
		s.addr = addr
		return nil
	}
}

// Credentials takes the account's credentials from env, such as os.Getenv, under the
// names that [Server.Env] gives them. Those that are not set are made up.
func Credentials(env func(name string) string) Option {
	return func(s *Server) error {
		s.credentials.read(env)
		return s.credentials.check()
	}
}

// Log writes each event to w, one per line: who registers, who calls whom, what is
// refused and why, each webhook with its answer. Secrets and tokens are never
// written.
func Log(w io.Writer) Option {
	return func(s *Server) error {
		s.log = w
		return nil
	}
}

// CloseOnRefusal makes the server close the socket of a device whose token
// expires or is refused, as the real service is reported to do. A page has to
// cope with either.
func CloseOnRefusal() Option {
	return func(s *Server) error {
		s.closeSocket = true
		return nil
	}
}

// NewServer starts a Server on a free loopback port, with made-up credentials. It
// is closed when the test ends.
func NewServer(t testing.TB, options ...Option) *Server {
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
		log:         io.Discard,
		timing: timing{
			heartbeat: 5 * time.Second,
			ring:      30 * time.Second,
			listen:    30 * time.Second,
			reconnect: 15 * time.Second,
			webhook:   15 * time.Second,
		},
		devices:  map[*device]bool{},
		clients:  map[string][]*device{},
		refusals: map[string]int{},
		changed:  make(chan struct{}),
	}
	for _, option := range options {
		if err := option(s); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	addr := listener.Addr().(*net.TCPAddr).AddrPort()
	s.loopback = addr.Addr().IsLoopback()
	s.URL = "http://" + reachable(addr).String()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second}
	s.running.Go(func() { s.http.Serve(listener) })
	return s, nil
}

// reachable returns an address at which a page on this machine reaches a server
// that listens on addr.
func reachable(addr netip.AddrPort) netip.AddrPort {
	if addr.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
	}
	return addr
}

// Close hangs up all calls, closes all sockets, and waits until every goroutine
// of the server has ended.
func (s *Server) Close() {
	s.mu.Lock()
	for _, c := range s.calls {
		c.end(nil, faultUnavailable)
	}
	s.cancel()
	s.mu.Unlock()
	s.http.Close()
	s.running.Wait()
}

// Env returns the credentials of the account, and the URL of the server as
// STANDIN_URL, under the names of the environment variables that hold them.
func (s *Server) Env() map[string]string {
	env := map[string]string{"STANDIN_URL": s.URL}
	for name, value := range s.credentials.names() {
		env[name] = *value
	}
	return env
}

//go:embed standin.js
var script string

// Script returns JavaScript that makes an unmodified page use the server in place
// of Twilio. It has to run before the SDK is loaded: let the browser driver run
// it in each new page, or load it as {URL}/standin.js.
func (s *Server) Script() string {
	return strings.Replace(script, "'STANDIN_URL'", "'"+s.URL+"'", 1)
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signal", s.serveSocket)
	mux.HandleFunc("GET /standin.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, s.Script())
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A foreign name that resolves to this machine is an attack: DNS rebinding.
		if s.loopback && !isLoopback(r.Host) {
			http.Error(w, "only localhost and loopback addresses are served", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
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

// WaitRegistered waits until n devices are registered under a client name.
func (s *Server) WaitRegistered(ctx context.Context, name string, n int) error {
	registered := 0
	err := s.wait(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		registered = len(s.clients[name])
		return registered == n
	})
	if err != nil {
		return fmt.Errorf("capabilitytest: registered as %q: %s, not %d: %w", name, count(registered, "device"), n, err)
	}
	return nil
}

// WaitCall waits for a call that matches, and returns it. A call that is over
// can match too.
func (s *Server) WaitCall(ctx context.Context, match func(Call) bool) (Call, error) {
	var found Call
	err := s.wait(ctx, func() bool {
		calls := s.Calls()
		i := slices.IndexFunc(calls, match)
		if i >= 0 {
			found = calls[i]
		}
		return i >= 0
	})
	if err != nil {
		return Call{}, fmt.Errorf("capabilitytest: no call matches: %w", err)
	}
	return found, nil
}

// wait waits until done returns true. A test's function may ask the server, or not
// return at all, so s.mu is not locked when done is called.
func (s *Server) wait(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed // before done looks, so that no change is missed
		s.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// notify wakes those who wait for a device or a call.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Calls returns all calls so far that a page has made, the oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = c.snapshot()
	}
	return calls
}

// Refuse makes the server refuse the next token of a client, valid as it may be,
// with one of Twilio's error codes, such as 31205.
func (s *Server) Refuse(name string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[name] = code
}

// Expire tells a client's devices that their tokens have expired. The server accepts
// the same tokens if they are shown again, since a new one minted in the same
// second is equal.
func (s *Server) Expire(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.devicesOf(name) {
		if d.grants != nil {
			s.expire(d)
		}
	}
}

// Disconnect cuts the sockets of a client, as if its network had failed. The SDK
// connects again by itself.
func (s *Server) Disconnect(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.devicesOf(name) {
		d.stop(errCut)
	}
}

// devicesOf returns the devices that have shown a token of the client, whether
// they are registered or not.
func (s *Server) devicesOf(name string) iter.Seq[*device] {
	return func(yield func(*device) bool) {
		for d := range s.devices {
			if d.proven && d.clientName == name && !yield(d) {
				return
			}
		}
	}
}

// event logs what happens. What comes from a page or a webhook is in there: it
// can neither start a line of its own nor move the cursor.
func (s *Server) event(format string, args ...any) {
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '\uFFFD'
		}
		return r
	}, fmt.Sprintf(format, args...))
	s.logging.Lock()
	defer s.logging.Unlock()
	fmt.Fprintf(s.log, "%s %s\n", time.Now().Format(time.TimeOnly), line)
}
