// Command softphone is the web backend of a browser phone: it signs users in, hands
// tokens to the page, and answers Twilio's voice webhook. Without credentials it
// makes some up and runs a stand-in for Twilio, so that it needs no account. With
// TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_TWIML_APP_SID in the environment
// the same page talks to Twilio; with TWILIO_API_KEY and TWILIO_API_SECRET too it
// can do so with Access Tokens, and with TWILIO_CALLER_ID it can call phone numbers.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
	"github.com/seed-6c737938/capability/capabilitytest"
)

//go:embed static
var static embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run serves until ctx is done, and returns the exit status: 2 for a mistake in
// the flags or the environment, 1 if it cannot listen or serve.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("softphone", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	ttl := flags.Duration("ttl", capability.DefaultTTL, "lifetime of a token, 1s to 24h")
	publicURL := flags.String("public-url", "", "`URL` at which Twilio reaches this program, such as https://phone.example.com")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "softphone: unknown argument %q: there are only flags\n", flags.Arg(0))
		return 2
	}
	listener, err := net.Listen("tcp", *addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w: choose another with -addr, such as -addr 127.0.0.1:0", err)
	}
	if err != nil {
		fmt.Fprintln(stderr, "softphone:", err)
		return 1
	}
	app, err := newSoftphone(getenv, *ttl, cmp.Or(*publicURL, "http://"+listener.Addr().String()), stderr)
	if err != nil {
		listener.Close()
		fmt.Fprintln(stderr, "softphone:", err)
		return 2
	}
	if err := app.serve(ctx, listener, stdout); err != nil {
		fmt.Fprintln(stderr, "softphone:", err)
		return 1
	}
	return 0
}

// account is what tokens are minted with, and webhooks checked.
type account struct {
	sid, authToken, applicationSID string
	apiKeySID, apiKeySecret        string // for Access Tokens; "" if there are none
	callerID                       string // for calls to phone numbers; "" if there are none
}

// The variables that say who the account is. If none of them is set, the stand-in
// is used.
var (
	accountVariables = []string{"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_TWIML_APP_SID"}
	apiKeyVariables  = []string{"TWILIO_API_KEY", "TWILIO_API_SECRET"}
)

func accountFrom(getenv func(string) string) (account, error) {
	credentials, credentialsErr := allOrNone(getenv, accountVariables...)
	apiKey, apiKeyErr := allOrNone(getenv, apiKeyVariables...)
	if err := errors.Join(credentialsErr, apiKeyErr); err != nil {
		return account{}, err
	}
	if credentials == nil {
		return account{}, fmt.Errorf("an API key without an account: set %s too", strings.Join(accountVariables, ", "))
	}
	acct := account{sid: credentials[0], authToken: credentials[1], applicationSID: credentials[2], callerID: getenv("TWILIO_CALLER_ID")}
	if apiKey != nil {
		acct.apiKeySID, acct.apiKeySecret = apiKey[0], apiKey[1]
	}
	return acct, nil
}

// allOrNone returns the values of variables that belong together, nil if none
// of them is set.
func allOrNone(getenv func(string) string, names ...string) ([]string, error) {
	var values, missing []string
	for _, name := range names {
		if value := getenv(name); value != "" {
			values = append(values, value)
		} else {
			missing = append(missing, name)
		}
	}
	if len(values) > 0 && len(missing) > 0 {
		return nil, fmt.Errorf("%s not set: set all of %s, or none", strings.Join(missing, ", "), strings.Join(names, ", "))
	}
	return values, nil
}

// softphone is the web backend.
type softphone struct {
	account    account
	publicURL  string                          // at which the voice webhook is asked
	fromTwilio func(http.Handler) http.Handler // refuses what Twilio has not signed for it
	standIn    *capabilitytest.Server          // nil if the page talks to Twilio

	// Templates, checked once and cloned for each request: of capability tokens
	// and, if there is an API key, of Access Tokens.
	template, access *capability.CapabilityToken

	mu       sync.Mutex
	sessions map[string]session // by ID
}

// newSoftphone starts a stand-in for Twilio unless there are credentials. The
// caller must call Close.
func newSoftphone(getenv func(string) string, ttl time.Duration, publicURL string, stderr io.Writer) (*softphone, error) {
	app := &softphone{publicURL: publicURL, sessions: map[string]session{}}
	if !slices.ContainsFunc(slices.Concat(accountVariables, apiKeyVariables), func(name string) bool { return getenv(name) != "" }) {
		standIn, err := capabilitytest.Start(capabilitytest.VoiceURL(publicURL+"/voice"), capabilitytest.Log(stderr))
		if err != nil {
			return nil, err
		}
		app.standIn = standIn
		env := standIn.Env()
		env["TWILIO_CALLER_ID"] = "+15550100000" // the stand-in takes any number
		getenv = func(name string) string { return env[name] }
	}
	if err := app.configure(getenv, ttl); err != nil {
		app.Close()
		return nil, err
	}
	return app, nil
}

func (s *softphone) configure(getenv func(string) string, ttl time.Duration) error {
	acct, err := accountFrom(getenv)
	if err != nil {
		return err
	}
	s.account = acct
	if s.fromTwilio, err = capabilityhttp.FromTwilio(s.publicURL, acct.authToken); err != nil {
		return err
	}
	s.template = capability.New(acct.sid, acct.authToken).SetTTL(ttl)
	if acct.apiKeySID != "" {
		s.access = capability.NewWithAPIKey(acct.sid, acct.apiKeySID, acct.apiKeySecret).SetTTL(ttl)
	}
	// The application SID is checked too, although not every token contains it.
	for _, access := range []bool{false, s.access != nil} {
		if err := s.token(user{clientName: "anybody", outgoing: true, accessToken: access}).Err(); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the stand-in.
func (s *softphone) Close() {
	if s.standIn != nil {
		s.standIn.Close()
	}
}

// serve returns after ctx is done and the last request has been answered.
func (s *softphone) serve(ctx context.Context, listener net.Listener, stdout io.Writer) error {
	defer s.Close()
	fmt.Fprintf(stdout, "Softphone on http://%s/ (%s)\n", listener.Addr(), s.gatewayName())
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.Close() // which tells the pages, whose sockets Shutdown does not know
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close() // browsers open connections that they may never use
}

func (s *softphone) gatewayName() string {
	if s.standIn == nil {
		return "Twilio"
	}
	return "local stand-in for Twilio"
}

func (s *softphone) handler() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.notFound)
	// Each file has a route of its own, so that no folder is listed.
	mux.Handle("GET /{$}", http.FileServerFS(files))
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			mux.Handle("GET /"+name, http.FileServerFS(files))
		}
		return err
	})
	if err != nil {
		panic(err) // the same
	}
	mux.HandleFunc("GET /config", s.config)
	mux.HandleFunc("POST /clients/{name}/session", s.signIn)
	mux.HandleFunc("DELETE /clients/{name}/session", s.signOut)
	mux.Handle("/clients/{name}/token", capabilityhttp.Handler(s.mint))
	mux.Handle("/voice", s.fromTwilio(http.HandlerFunc(s.voice)))
	if s.standIn != nil {
		mux.Handle("GET /standin.js", s.toStandIn())
		mux.Handle("GET /signal", s.toStandIn())
	}
	return s.protect(mux)
}

// toStandIn passes requests on to the stand-in, so that the page has one origin
// for all and finds the stand-in again after a restart.
func (s *softphone) toStandIn() http.Handler {
	target, err := url.Parse(s.standIn.URL)
	if err != nil {
		panic(err) // it is the stand-in's own
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
}

// protect lets the page load nothing but its own files, and talk to nobody but
// this server and, if it is used, Twilio.
func (s *softphone) protect(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if s.standIn == nil {
		policy = strings.Replace(policy, "connect-src 'self'", "connect-src 'self' https://*.twilio.com wss://*.twilio.com", 1)
		policy = strings.Replace(policy, "media-src 'self'", "media-src 'self' https://*.twilio.com", 1)
	}
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusForbidden, "a page of another site has sent it", "origin", r.Header.Get("Origin"))
	}))
	return sameOrigin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.isOurs(r) {
			refuse(w, r, http.StatusMisdirectedRequest, "this address serves only localhost, and the host of -public-url", "publicURL", s.publicURL)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	}))
}

// isOurs reports whether a request may have come from this page. On a loopback
// address its Host must be one too, or the public one: a page of somebody else's
// could point its own host name here, and read tokens (DNS rebinding).
func (s *softphone) isOurs(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if ok && !local.IP.IsLoopback() {
		return true
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil { // no port
		host = strings.Trim(r.Host, "[]")
	}
	public, err := url.Parse(s.publicURL)
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback() || err == nil && strings.EqualFold(host, public.Hostname())
}

func (s *softphone) notFound(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, http.StatusNotFound, "not found: the voice URL of the TwiML application is POST "+s.publicURL+"/voice")
}

// refuse answers a request with an error, and logs why: all that Twilio's Console
// shows, and a caller hears, is that something went wrong.
func refuse(w http.ResponseWriter, r *http.Request, status int, reason string, attrs ...any) {
	logRefusal(r, "request refused", reason, attrs...)
	http.Error(w, reason, status)
}

func logRefusal(r *http.Request, what, reason string, attrs ...any) {
	attrs = append([]any{"reason", reason, "method", r.Method, "host", r.Host, "path", r.URL.Path}, attrs...)
	slog.WarnContext(r.Context(), what, attrs...)
}

// config tells the page what is not in its files.
func (s *softphone) config(w http.ResponseWriter, _ *http.Request) {
	console := "" // the address of the stand-in's
	if s.standIn != nil {
		console = s.standIn.URL
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]any{
		"gateway":      s.gatewayName(),
		"local":        s.standIn != nil,
		"console":      console,
		"accessTokens": s.access != nil,
	})
}
