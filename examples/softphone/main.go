// Command softphone is a web backend with a page on which the real Twilio
// Client SDK, or the Voice SDK that came after it, makes and takes calls. It
// needs no account: without credentials it makes some up and runs a stand-in for
// Twilio's signalling gateway. With TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and
// TWILIO_TWIML_APP_SID in the environment the same page talks to Twilio; with
// TWILIO_API_KEY and TWILIO_API_SECRET too it can do so with Access
// Tokens.
package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

//go:embed static
var static embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run serves until ctx is done, and returns the exit status: 2 for a mistake
// in how the command was called, 1 for any other failure.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("softphone", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	ttl := flags.Duration("ttl", capability.DefaultTTL, "lifetime of a token, 1s to 24h")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	app, err := newSoftphone(getenv, *ttl)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unknown argument %q: there are only flags", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(stderr, "softphone:", err)
		return 2
	}
	if err := app.serve(ctx, *addr, stdout); err != nil {
		fmt.Fprintln(stderr, "softphone:", err)
		return 1
	}
	return 0
}

// account is what a token is made with.
type account struct {
	sid, authToken, applicationSID string
	apiKeySID, apiKeySecret        string // for Access Tokens; "" if there are none
	demo                           bool   // made up, and known to no Twilio
}

func accountFrom(getenv func(string) string) (account, error) {
	credentials, credentialsErr := allOrNone(getenv, "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_TWIML_APP_SID")
	apiKey, apiKeyErr := allOrNone(getenv, "TWILIO_API_KEY", "TWILIO_API_SECRET")
	switch err := errors.Join(credentialsErr, apiKeyErr); {
	case err != nil:
		return account{}, err
	case credentials == nil && apiKey != nil:
		return account{}, errors.New("an API key without an account: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_TWIML_APP_SID too")
	case credentials == nil:
		return account{
			sid: "ACdemo" + rand.Text(), authToken: rand.Text(), applicationSID: "APdemo" + rand.Text(),
			apiKeySID: "SKdemo" + rand.Text(), apiKeySecret: rand.Text(),
			demo: true,
		}, nil
	}
	acct := account{sid: credentials[0], authToken: credentials[1], applicationSID: credentials[2]}
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
	account account
	gateway *gateway // nil if the page talks to Twilio

	// Templates, checked once and cloned for each request: of capability tokens
	// and, if there is an API key, of Access Tokens.
	template, access *capability.CapabilityToken

	mu       sync.Mutex
	sessions map[string]session // by the value of the session cookie
}

// Limits that nobody meets who tries the softphone.
const (
	maxSessions = 1000
	sessionFor  = 12 * time.Hour
	maxSignIn   = 16 << 10 // bytes
)

// session is a user's until its end.
type session struct {
	user
	ends time.Time
}

// user is who has signed in. Anybody may, under any name and with the grants
// that they choose: a real backend knows its users, and what they may do.
type user struct {
	clientName         string
	incoming, outgoing bool
	accessToken        bool // is what they get, rather than a capability token
}

func newSoftphone(getenv func(string) string, ttl time.Duration) (*softphone, error) {
	acct, err := accountFrom(getenv)
	if err != nil {
		return nil, err
	}
	app := &softphone{
		account:  acct,
		template: capability.New(acct.sid, acct.authToken).SetTTL(ttl),
		sessions: map[string]session{},
	}
	if acct.apiKeySID != "" {
		app.access = capability.NewWithAPIKey(acct.sid, acct.apiKeySID, acct.apiKeySecret).SetTTL(ttl)
	}
	// The application SID is checked too, though not every token says it.
	for _, access := range []bool{false, app.access != nil} {
		if err := app.token(user{clientName: "anybody", outgoing: true, accessToken: access}).Err(); err != nil {
			return nil, err
		}
	}
	if acct.demo {
		app.gateway = newGateway(acct)
	}
	return app, nil
}

// serve returns after ctx is done and the last request has been answered.
func (s *softphone) serve(ctx context.Context, addr string, stdout io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Softphone on http://%s/ (%s)\n", listener.Addr(), s.gatewayName())
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = server.Shutdown(ctx)
	if s.gateway != nil {
		s.gateway.Close() // Shutdown leaves WebSockets alone
	}
	return err
}

func (s *softphone) gatewayName() string {
	if s.gateway == nil {
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
	mux.Handle("/", http.FileServerFS(files))
	mux.HandleFunc("GET /config", s.config)
	mux.HandleFunc("POST /clients/{name}/session", s.signIn)
	mux.HandleFunc("DELETE /clients/{name}/session", s.signOut)
	mux.Handle("/clients/{name}/token", capabilityhttp.Handler(s.mint))
	if s.gateway != nil {
		mux.Handle("GET /signal", s.gateway)
	}
	return s.protect(mux)
}

// protect lets the page load nothing but its own files, and talk to nobody but
// this server and, if it is used, Twilio.
func (s *softphone) protect(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if s.gateway == nil {
		policy = strings.Replace(policy, "connect-src 'self'", "connect-src 'self' https://*.twilio.com wss://*.twilio.com", 1)
		policy = strings.Replace(policy, "media-src 'self'", "media-src 'self' https://*.twilio.com", 1)
	}
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isOurs(r) {
			http.Error(w, "this address serves only localhost", http.StatusMisdirectedRequest)
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

// isOurs reports whether the Host of a request on a loopback address is one too.
// Another name that leads there is of somebody else's page, which could read
// tokens as if it came from here (DNS rebinding).
func isOurs(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if ok && !local.IP.IsLoopback() {
		return true
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil { // no port
		host = strings.Trim(r.Host, "[]")
	}
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// config tells the page what is not in its files.
func (s *softphone) config(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]any{
		"gateway":      s.gatewayName(),
		"local":        s.gateway != nil,
		"accessTokens": s.access != nil,
	})
}

// signIn starts a session. Its cookie is for the client's own path, so that
// two tabs of one browser can be two clients.
func (s *softphone) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxSignIn)
	}
	if err != nil && !errors.Is(err, http.ErrNotMultipart) {
		http.Error(w, "the form cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	u := user{
		clientName:  r.PathValue("name"),
		incoming:    r.FormValue("incoming") != "",
		outgoing:    r.FormValue("outgoing") != "",
		accessToken: r.FormValue("token") == "access",
	}
	if u.accessToken && s.access == nil {
		http.Error(w, "Access Tokens need an API key: set TWILIO_API_KEY and TWILIO_API_SECRET", http.StatusBadRequest)
		return
	}
	if _, err := s.token(u).ToJWT(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := rand.Text()
	if !s.startSession(id, u, r) {
		http.Error(w, "too many have signed in: try again later", http.StatusServiceUnavailable)
		return
	}
	http.SetCookie(w, sessionCookie(u.clientName, id))
	w.WriteHeader(http.StatusNoContent)
}

// startSession ends the session that the request comes from: what it was granted
// must not outlast a new sign-in.
func (s *softphone) startSession(id string, u user, r *http.Request) bool {
	s.endSession(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sessions, func(_ string, old session) bool { return time.Now().After(old.ends) })
	if len(s.sessions) >= maxSessions {
		return false
	}
	s.sessions[id] = session{u, time.Now().Add(sessionFor)}
	return true
}

func (s *softphone) endSession(r *http.Request) {
	if cookie, err := r.Cookie("session"); err == nil {
		s.mu.Lock()
		delete(s.sessions, cookie.Value)
		s.mu.Unlock()
	}
}

func (s *softphone) signOut(w http.ResponseWriter, r *http.Request) {
	s.endSession(r)
	cookie := sessionCookie(r.PathValue("name"), "")
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	w.WriteHeader(http.StatusNoContent)
}

// sessionCookie returns the cookie of a client. Over HTTPS it would be Secure.
func sessionCookie(clientName, id string) *http.Cookie {
	return &http.Cookie{
		Name:     "session",
		Value:    id,
		Path:     "/clients/" + clientName,
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
}

// mint decides what the sender of a request may do.
func (s *softphone) mint(r *http.Request) (*capability.CapabilityToken, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: "not signed in"}
	}
	s.mu.Lock()
	signedIn, ok := s.sessions[cookie.Value]
	s.mu.Unlock()
	if !ok || signedIn.clientName != r.PathValue("name") || time.Now().After(signedIn.ends) {
		return nil, &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: "the session is over"}
	}
	return s.token(signedIn.user), nil
}

// token returns what u is granted. Twilio passes the signed parameter to the
// application: the page cannot change it.
func (s *softphone) token(u user) *capability.CapabilityToken {
	template := s.template
	if u.accessToken {
		template = s.access
	}
	token := template.Clone()
	if u.incoming {
		token.AllowClientIncoming(u.clientName)
	} else {
		token.SetClientName(u.clientName)
	}
	if u.outgoing {
		token.AllowClientOutgoing(s.account.applicationSID, url.Values{"Department": {"support"}})
	}
	return token
}
