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
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	accountSID     = "AC0123456789abcdef0123456789abcdef"
	authToken      = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	applicationSID = "APfedcba9876543210fedcba9876543210"
	apiKeySID      = "SK0123456789abcdef0123456789abcdef"
	apiKeySecret   = "fmcJrUrwV0Sg7VyBpOzNYkJC1ZXQ2hRg"
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
		"public URL with a path":    {[]string{"-public-url", "https://phone.example.com/voice"}, nil, 2, "a scheme and a host"},
		"public URL with a slash":   {[]string{"-public-url", "https://phone.example.com/"}, nil, 2, "a scheme and a host"},
		"public URL with a part":    {[]string{"-public-url", "https://phone.example.com#x"}, nil, 2, "a scheme and a host"},
		"public URL without a host": {[]string{"-public-url", "https://:443"}, nil, 2, "a scheme and a host"},
		"public URL without scheme": {[]string{"-public-url", "phone.example.com"}, nil, 2, `"phone.example.com"`},
		"address in use":            {[]string{"-addr", listener.Addr().String()}, nil, 1, "in use: choose another with -addr"},
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
	unused, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(address, "http:"), "/"))
	require.NoError(t, err)
	defer unused.Close()
	response, err = http.Get(address) // after the unused connection, which is accepted too
	require.NoError(t, err)
	response.Body.Close()
	cancel()
	assert.Equal(t, 0, <-exited)
}

// browser is a tab, which shows the ID of its session. What the program logs
// meanwhile is in logged.
type browser struct {
	t       *testing.T
	app     *softphone
	address string
	session string
	logged  *bytes.Buffer
}

func openBrowser(t *testing.T, getenv func(string) string, publicURL ...string) *browser {
	t.Helper()
	logged := new(bytes.Buffer)
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	server := httptest.NewUnstartedServer(nil)
	address := "http://" + server.Listener.Addr().String()
	app, err := newSoftphone(getenv, time.Minute, append(publicURL, address)[0], io.Discard)
	require.NoError(t, err)
	server.Config.Handler = app.handler()
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(app.Close)
	return &browser{t: t, app: app, address: address, logged: logged}
}

func (b *browser) do(method, path string, form url.Values, header ...string) (*http.Response, string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.address+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Authorization", "Bearer "+b.session)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	request.Host = request.Header.Get("Host") // "" is that of the URL
	response, err := http.DefaultClient.Do(request)
	require.NoError(b.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	return response, string(body)
}

// assertLogged checks that one request more has been refused, and why.
func (b *browser) assertLogged(says ...string) {
	b.t.Helper()
	logged := b.logged.String()
	b.logged.Reset()
	assert.Equal(b.t, 1, strings.Count(logged, "\n"), "lines in the log: %s", logged)
	assert.Contains(b.t, logged, "level=WARN")
	for _, text := range says {
		assert.Contains(b.t, logged, text)
	}
	assert.NotContains(b.t, logged, authToken)
}

func (b *browser) signIn(name string, grants ...string) (status int, body string) {
	b.t.Helper()
	form := url.Values{}
	for _, grant := range grants {
		form.Set(grant, "yes")
	}
	return b.signInWith(name, form)
}

func (b *browser) signInWith(name string, form url.Values) (status int, body string) {
	b.t.Helper()
	response, body := b.do("POST", "/clients/"+url.PathEscape(name)+"/session", form)
	if response.StatusCode == http.StatusOK {
		var answer struct{ Session string }
		require.NoError(b.t, json.Unmarshal([]byte(body), &answer))
		b.session = answer.Session
	}
	return response.StatusCode, body
}

// A page of somebody else's that finds its own name at a loopback address must not
// get tokens (DNS rebinding).
func TestOtherHostsAreRefused(t *testing.T) {
	b := openBrowser(t, noEnvironment)
	port := b.address[strings.LastIndex(b.address, ":"):]
	for host, want := range map[string]int{
		"localhost" + port: http.StatusOK, "LOCALHOST": http.StatusOK, "127.0.0.1" + port: http.StatusOK, "127.1.2.3": http.StatusOK,
		"[::1]" + port: http.StatusOK, "[::1]": http.StatusOK,
		"attacker.example" + port: http.StatusMisdirectedRequest, "attacker.example": http.StatusMisdirectedRequest,
		"localhost.attacker.example": http.StatusMisdirectedRequest, "127.0.0.1.attacker.example": http.StatusMisdirectedRequest,
		"192.168.0.1": http.StatusMisdirectedRequest, "0.0.0.0" + port: http.StatusMisdirectedRequest,
	} {
		response, _ := b.do("GET", "/config", nil, "Host", host)
		assert.Equal(t, want, response.StatusCode, host)
		if want == http.StatusMisdirectedRequest {
			b.assertLogged("host="+host, "-public-url", b.address)
		}
	}
	assert.Empty(t, b.logged.String())
}

// There are the files of the page, and no folders. What else is asked for is
// logged: it may be a voice URL that is not quite right.
func TestFiles(t *testing.T) {
	b := openBrowser(t, noEnvironment)
	for _, path := range []string{"/", "/app.js", "/sdk2/twilio.min.js", "/sounds/ring.wav"} {
		for _, method := range []string{"GET", "HEAD"} {
			response, _ := b.do(method, path, nil)
			assert.Equal(t, http.StatusOK, response.StatusCode, path)
		}
	}
	assert.Empty(t, b.logged.String())
	for _, request := range []string{
		"GET /sdk1", "GET /sdk1/", "GET /sdk2/", "GET /sounds/", "GET /static/", "GET /nothing.js", "GET /clients/", "GET /clients/tommy/session",
		"POST /", "POST /app.js", "POST /voice/", "GET /voice/", "POST /Voice", "POST /voice.xml", "POST /api/voice", "POST /config", "PUT /",
	} {
		method, path, _ := strings.Cut(request, " ")
		response, body := b.do(method, path, nil)
		assert.Equal(t, http.StatusNotFound, response.StatusCode, request)
		assert.NotContains(t, body, "twilio.min.js", request)
		b.assertLogged("method="+method, "path="+path, "POST "+b.address+"/voice")
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	b := openBrowser(t, noEnvironment)
	response, _ := b.do("POST", "/clients/tommy/session", url.Values{"incoming": {"yes"}},
		"Sec-Fetch-Site", "cross-site", "Origin", "https://example.com")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	b.assertLogged("another site", "https://example.com")
}

// The page may have another name than the stand-in serves, through a tunnel for example.
func TestStandInUnderThePublicName(t *testing.T) {
	b := openBrowser(t, noEnvironment, "https://phone.example.com")
	for path, want := range map[string]int{"/standin.js": http.StatusOK, "/signal": http.StatusUpgradeRequired} {
		response, _ := b.do("GET", path, nil, "Host", "phone.example.com")
		assert.Equal(t, want, response.StatusCode, path)
	}
}

func TestGatewayIsTwilioOrLocal(t *testing.T) {
	tests := map[string]struct {
		getenv  func(string) string
		config  string
		signal  int
		connect string
	}{
		"local":  {noEnvironment, `{"gateway":"local stand-in for Twilio","local":true,"console":%q,"accessTokens":true}`, http.StatusUpgradeRequired, "connect-src 'self';"},
		"Twilio": {environment(nil), `{"gateway":"Twilio","local":false,"console":"","accessTokens":false}`, http.StatusNotFound, "connect-src 'self' https://*.twilio.com wss://*.twilio.com;"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := openBrowser(t, test.getenv)
			response, body := b.do("GET", "/config", nil)
			want := test.config
			if standIn := b.app.standIn; standIn != nil {
				want = fmt.Sprintf(want, standIn.URL)
			}
			assert.JSONEq(t, want, body)
			assert.Contains(t, response.Header.Get("Content-Security-Policy"), test.connect)
			assert.NotContains(t, response.Header.Get("Content-Security-Policy"), "unsafe")
			response, _ = b.do("GET", "/signal", nil)
			assert.Equal(t, test.signal, response.StatusCode)
		})
	}
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
