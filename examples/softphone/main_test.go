package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

// environment is a getenv; by default all variables but those of an API key are set.
func environment(change map[string]string) func(string) string {
	env := map[string]string{
		"TWILIO_ACCOUNT_SID":   accountSID,
		"TWILIO_AUTH_TOKEN":    authToken,
		"TWILIO_TWIML_APP_SID": applicationSID,
	}
	for name, value := range change {
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func noEnvironment(string) string { return "" }

func TestRunRefusesMistakes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()

	tests := map[string]struct {
		args   []string
		env    map[string]string
		status int
		says   string
	}{
		"help":                      {[]string{"-h"}, nil, 0, "-addr"},
		"no such flag":              {[]string{"-nope"}, nil, 2, "-nope"},
		"an argument":               {[]string{"alice"}, nil, 2, `"alice"`},
		"TTL too long":              {[]string{"-ttl", "25h"}, nil, 2, "25h0m0s"},
		"TTL too short":             {[]string{"-ttl", "0"}, nil, 2, "0s"},
		"address in use":            {[]string{"-addr", listener.Addr().String()}, nil, 1, "in use"},
		"no account SID":            {nil, map[string]string{"TWILIO_ACCOUNT_SID": ""}, 2, "TWILIO_ACCOUNT_SID not set"},
		"no auth token":             {nil, map[string]string{"TWILIO_AUTH_TOKEN": ""}, 2, "TWILIO_AUTH_TOKEN not set"},
		"API key without a secret":  {nil, map[string]string{"TWILIO_API_KEY": apiKeySID}, 2, "TWILIO_API_SECRET not set"},
		"API key without a SID":     {nil, map[string]string{"TWILIO_API_SECRET": apiKeySecret}, 2, "TWILIO_API_KEY not set"},
		"API key SID not one":       {nil, map[string]string{"TWILIO_API_KEY": "hello", "TWILIO_API_SECRET": apiKeySecret}, 2, `"hello"`},
		"API key alone":             {nil, map[string]string{"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": "", "TWILIO_TWIML_APP_SID": "", "TWILIO_API_KEY": apiKeySID, "TWILIO_API_SECRET": apiKeySecret}, 2, "API key without an account"},
		"no application SID":        {nil, map[string]string{"TWILIO_TWIML_APP_SID": ""}, 2, "TWILIO_TWIML_APP_SID not set"},
		"only the account SID":      {nil, map[string]string{"TWILIO_AUTH_TOKEN": "", "TWILIO_TWIML_APP_SID": ""}, 2, "TWILIO_AUTH_TOKEN, TWILIO_TWIML_APP_SID not set"},
		"account SID not one":       {nil, map[string]string{"TWILIO_ACCOUNT_SID": "hello"}, 2, `"hello"`},
		"application SID not one":   {nil, map[string]string{"TWILIO_TWIML_APP_SID": "hello"}, 2, `"hello"`},
		"auth token with a newline": {nil, map[string]string{"TWILIO_AUTH_TOKEN": authToken + "\n"}, 2, "auth token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, test.status, run(t.Context(), test.args, environment(test.env), &stdout, &stderr))
			assert.Contains(t, stderr.String(), test.says)
			assert.False(t, strings.Contains(stdout.String()+stderr.String(), authToken), "the auth token was printed")
			assert.False(t, strings.Contains(stdout.String()+stderr.String(), apiKeySecret), "the API key's secret was printed")
		})
	}
}

func TestRunServesUntilItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, out := io.Pipe()
	exited := make(chan int, 1)
	go func() { exited <- run(ctx, []string{"-addr", "127.0.0.1:0"}, noEnvironment, out, io.Discard) }()

	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	address := regexp.MustCompile(`http:\S+`).FindString(line)
	assert.Contains(t, line, "local stand-in")
	response, err := http.Get(address)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)
	device := openPage(t, address+"signal")
	closed := make(chan error, 1)
	go func() {
		_, _, err := device.conn.Read(context.Background())
		closed <- err
	}()

	cancel()
	assert.Equal(t, 0, <-exited)
	assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(<-closed))
}

// browser is a client that keeps cookies.
type browser struct {
	t       *testing.T
	client  *http.Client
	address string
}

func openBrowser(t *testing.T, app *softphone) browser {
	t.Helper()
	server := httptest.NewServer(app.handler())
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return browser{t, &http.Client{Jar: jar}, server.URL}
}

func newApp(t *testing.T, getenv func(string) string) *softphone {
	t.Helper()
	app, err := newSoftphone(getenv, time.Minute)
	require.NoError(t, err)
	return app
}

func (b browser) do(method, path string, form url.Values, header ...string) (*http.Response, string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.address+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := b.client.Do(request)
	require.NoError(b.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	return response, string(body)
}

func (b browser) signIn(name string, grants ...string) (status int, body string) {
	b.t.Helper()
	form := url.Values{}
	for _, grant := range grants {
		form.Set(grant, "yes")
	}
	response, body := b.do("POST", "/clients/"+url.PathEscape(name)+"/session", form)
	return response.StatusCode, body
}

func TestToken(t *testing.T) {
	const (
		incoming = "scope:client:incoming?clientName=tommy"
		outgoing = "scope:client:outgoing?appParams=Department%3Dsupport&appSid=" + applicationSID + "&clientName=tommy"
	)
	tests := map[string]struct {
		grants []string
		scopes []string
	}{
		"both":     {[]string{"incoming", "outgoing"}, []string{incoming, outgoing}},
		"incoming": {[]string{"incoming"}, []string{incoming}},
		"outgoing": {[]string{"outgoing"}, []string{outgoing}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := openBrowser(t, newApp(t, environment(nil)))
			status, _ := b.signIn("tommy", test.grants...)
			require.Equal(t, http.StatusNoContent, status)

			response, body := b.do("GET", "/clients/tommy/token", nil)
			require.Equal(t, http.StatusOK, response.StatusCode, body)
			assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
			var answer struct {
				Identity, Token string
				ExpiresAt       time.Time
			}
			require.NoError(t, json.Unmarshal([]byte(body), &answer))
			claims, err := capability.Verify(answer.Token, accountSID, authToken)
			require.NoError(t, err)
			assert.Equal(t, "tommy", answer.Identity)
			assert.True(t, claims.ExpiresAt.Equal(answer.ExpiresAt))
			var scopes []string
			for _, scope := range claims.Scopes {
				scopes = append(scopes, scope.String())
			}
			assert.Equal(t, test.scopes, scopes)
		})
	}
}

// A page of somebody else's that finds its own name at a loopback address must not
// get tokens (DNS rebinding).
func TestOtherHostsAreRefused(t *testing.T) {
	b := openBrowser(t, newApp(t, noEnvironment))
	port := b.address[strings.LastIndex(b.address, ":"):]
	for host, want := range map[string]int{
		"localhost" + port: http.StatusOK, "LOCALHOST": http.StatusOK, "127.0.0.1" + port: http.StatusOK, "127.1.2.3": http.StatusOK,
		"[::1]" + port: http.StatusOK, "[::1]": http.StatusOK,
		"attacker.example" + port: http.StatusMisdirectedRequest, "attacker.example": http.StatusMisdirectedRequest,
		"localhost.attacker.example": http.StatusMisdirectedRequest, "127.0.0.1.attacker.example": http.StatusMisdirectedRequest,
		"192.168.0.1": http.StatusMisdirectedRequest, "0.0.0.0" + port: http.StatusMisdirectedRequest,
	} {
		request, err := http.NewRequest(http.MethodGet, b.address+"/config", nil)
		require.NoError(t, err)
		request.Host = host
		response, err := b.client.Do(request)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, want, response.StatusCode, host)
	}
}

func TestSessionsEnd(t *testing.T) {
	app := newApp(t, noEnvironment)
	b := openBrowser(t, app)
	signIn := func(grants url.Values) int {
		response, _ := b.do("POST", "/clients/tommy/session", grants)
		return response.StatusCode
	}
	require.Equal(t, http.StatusNoContent, signIn(url.Values{"incoming": {"yes"}, "outgoing": {"yes"}}))
	wide := slices.Sorted(maps.Keys(app.sessions))[0]
	require.Equal(t, http.StatusNoContent, signIn(url.Values{"incoming": {"yes"}}))
	require.Len(t, app.sessions, 1)
	assert.NotContains(t, app.sessions, wide, "its grants outlast a new sign-in")

	for id, s := range app.sessions {
		s.ends = time.Now().Add(-time.Second)
		app.sessions[id] = s
	}
	response, _ := b.do("GET", "/clients/tommy/token", nil)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)

	for i := range maxSessions {
		app.sessions[fmt.Sprint(i)] = session{ends: time.Now().Add(time.Hour)}
	}
	assert.Equal(t, http.StatusServiceUnavailable, signIn(url.Values{"incoming": {"yes"}}))
	assert.Equal(t, http.StatusBadRequest, signIn(url.Values{"incoming": {strings.Repeat("x", maxSignIn)}}))
}

func TestAccessToken(t *testing.T) {
	app := newApp(t, environment(map[string]string{"TWILIO_API_KEY": apiKeySID, "TWILIO_API_SECRET": apiKeySecret}))
	b := openBrowser(t, app)
	response, body := b.do("POST", "/clients/tommy/session", url.Values{"incoming": {"yes"}, "outgoing": {"yes"}, "token": {"access"}})
	require.Equal(t, http.StatusNoContent, response.StatusCode, body)

	_, body = b.do("GET", "/clients/tommy/token", nil)
	var answer struct {
		Identity, Token string
		ExpiresAt       time.Time
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
	granted, err := verifyAccessToken(answer.Token, testAccount)
	require.NoError(t, err)
	assert.Equal(t, "tommy", answer.Identity)
	assert.True(t, granted.expiresAt.Equal(answer.ExpiresAt))
	granted.expiresAt = time.Time{}
	assert.Equal(t, &grants{
		clientName: "tommy",
		incoming:   true,
		outgoing:   true,
		params:     url.Values{"Department": {"support"}},
	}, granted)
}

func TestAccessTokenNeedsAnAPIKey(t *testing.T) {
	b := openBrowser(t, newApp(t, environment(nil)))
	response, body := b.do("POST", "/clients/tommy/session", url.Values{"incoming": {"yes"}, "token": {"access"}})
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
	assert.Contains(t, body, "TWILIO_API_KEY")
}

func TestTokenNeedsASession(t *testing.T) {
	app := newApp(t, noEnvironment)
	b := openBrowser(t, app)
	token := func(name string, header ...string) int {
		response, _ := b.do("GET", "/clients/"+name+"/token", nil, header...)
		return response.StatusCode
	}

	assert.Equal(t, http.StatusUnauthorized, token("tommy"))
	b.signIn("tommy", "incoming")
	assert.Equal(t, http.StatusOK, token("tommy"))
	assert.Equal(t, http.StatusUnauthorized, token("alice"))
	b.signIn("alice", "incoming")
	assert.Equal(t, http.StatusOK, token("alice"), "one browser can be two clients")
	assert.Equal(t, http.StatusOK, token("tommy"))

	id := onlySession(t, app, "tommy")
	b.do("DELETE", "/clients/tommy/session", nil)
	assert.Equal(t, http.StatusUnauthorized, token("tommy"))
	assert.Equal(t, http.StatusUnauthorized, token("tommy", "Cookie", "session="+id), "the session is over, not only its cookie")
	assert.Equal(t, http.StatusUnauthorized, token("tommy", "Cookie", "session="+onlySession(t, app, "alice")))
	assert.Equal(t, http.StatusOK, token("alice"))
}

func onlySession(t *testing.T, app *softphone, clientName string) string {
	t.Helper()
	for id, u := range app.sessions {
		if u.clientName == clientName {
			return id
		}
	}
	require.Fail(t, "no session of "+clientName)
	return ""
}

func TestSignInRefuses(t *testing.T) {
	b := openBrowser(t, newApp(t, environment(nil)))
	for _, name := range []string{"a b", "a-b", "élise", "a/b", strings.Repeat("a", 257), "+15005550006"} {
		status, body := b.signIn(name, "incoming", "outgoing")
		assert.Equal(t, http.StatusBadRequest, status, name)
		assert.Contains(t, body, "invalid client name")
	}
	status, body := b.signIn("tommy")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "no scope")

	response, _ := b.do("POST", "/clients/tommy/session", url.Values{"incoming": {"yes"}},
		"Sec-Fetch-Site", "cross-site", "Origin", "https://example.com")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
}

func TestGatewayIsTwilioOrLocal(t *testing.T) {
	tests := map[string]struct {
		getenv  func(string) string
		config  string
		signal  int
		connect string
	}{
		"local":  {noEnvironment, `{"gateway":"local stand-in for Twilio","local":true,"accessTokens":true}`, http.StatusUpgradeRequired, "connect-src 'self';"},
		"Twilio": {environment(nil), `{"gateway":"Twilio","local":false,"accessTokens":false}`, http.StatusNotFound, "connect-src 'self' https://*.twilio.com wss://*.twilio.com;"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := openBrowser(t, newApp(t, test.getenv))
			response, body := b.do("GET", "/config", nil)
			assert.JSONEq(t, test.config, body)
			assert.Contains(t, response.Header.Get("Content-Security-Policy"), test.connect)
			assert.NotContains(t, response.Header.Get("Content-Security-Policy"), "unsafe")
			response, _ = b.do("GET", "/signal", nil)
			assert.Equal(t, test.signal, response.StatusCode)
		})
	}
}

func TestDemoCredentialsDiffer(t *testing.T) {
	first, err := accountFrom(noEnvironment)
	require.NoError(t, err)
	second, err := accountFrom(noEnvironment)
	require.NoError(t, err)
	assert.False(t, first.authToken == second.authToken, "two programs have one auth token")
	assert.False(t, first.apiKeySecret == second.apiKeySecret, "two programs have one API key")
}

func TestSDKIsTheOnePublished(t *testing.T) {
	for _, folder := range []string{"static/sdk1/", "static/sdk2/"} {
		sums, err := static.ReadFile(folder + "SHA256SUMS")
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(sums)), "\n")
		require.Len(t, lines, 2)
		for _, line := range lines {
			sum, name, _ := strings.Cut(line, "  ")
			file, err := static.ReadFile(folder + name)
			require.NoError(t, err)
			got := sha256.Sum256(file)
			assert.Equal(t, sum, hex.EncodeToString(got[:]), folder+name)
		}
	}
}
