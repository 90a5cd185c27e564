package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

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
			b := openBrowser(t, environment(nil))
			status, _ := b.signIn("tommy", test.grants...)
			require.Equal(t, http.StatusOK, status)

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

func TestSessionsEnd(t *testing.T) {
	b := openBrowser(t, noEnvironment)
	status, _ := b.signIn("tommy", "incoming", "outgoing")
	require.Equal(t, http.StatusOK, status)
	wide := b.session
	status, _ = b.signIn("tommy", "incoming")
	require.Equal(t, http.StatusOK, status)
	assert.NotContains(t, b.app.sessions, wide, "its grants outlast a new sign-in")

	for id, s := range b.app.sessions {
		s.ends = time.Now().Add(-time.Second)
		b.app.sessions[id] = s
	}
	response, _ := b.do("GET", "/clients/tommy/token", nil)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)

	for i := range maxSessions {
		b.app.sessions[fmt.Sprint(i)] = session{ends: time.Now().Add(time.Hour)}
	}
	b.logged.Reset()
	status, _ = b.signIn("tommy", "incoming")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	b.assertLogged("too many")
	status, _ = b.signInWith("tommy", url.Values{"incoming": {strings.Repeat("x", maxForm)}})
	assert.Equal(t, http.StatusBadRequest, status)
	b.assertLogged("too large")
}

func TestAccessToken(t *testing.T) {
	b := openBrowser(t, environment(map[string]string{"TWILIO_API_KEY": apiKeySID, "TWILIO_API_SECRET": apiKeySecret}))
	status, body := b.signInWith("tommy", url.Values{"incoming": {"yes"}, "outgoing": {"yes"}, "token": {"access"}})
	require.Equal(t, http.StatusOK, status, body)

	_, body = b.do("GET", "/clients/tommy/token", nil)
	var answer struct{ Identity, Token string }
	require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
	assert.Equal(t, "tommy", answer.Identity)
	_, err := capability.Verify(answer.Token, accountSID, authToken)
	assert.ErrorContains(t, err, "Access Token")
}

func TestAccessTokenNeedsAnAPIKey(t *testing.T) {
	b := openBrowser(t, environment(nil))
	status, body := b.signInWith("tommy", url.Values{"incoming": {"yes"}, "token": {"access"}})
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "TWILIO_API_KEY")
	b.assertLogged("TWILIO_API_KEY")
}

func TestTokenNeedsASession(t *testing.T) {
	tab := openBrowser(t, noEnvironment)
	other := *tab // of the same browser
	token := func(b *browser, name string) int {
		response, _ := b.do("GET", "/clients/"+name+"/token", nil)
		return response.StatusCode
	}

	assert.Equal(t, http.StatusUnauthorized, token(tab, "tommy"))
	tab.assertLogged("sign in first", "path=/clients/tommy/token")
	tab.signIn("tommy", "incoming")
	other.signIn("tommy", "outgoing")
	assert.Equal(t, http.StatusOK, token(tab, "tommy"))
	assert.Equal(t, http.StatusUnauthorized, token(tab, "alice"))
	assert.Equal(t, http.StatusOK, token(&other, "tommy"))

	tab.do("DELETE", "/clients/tommy/session", nil)
	assert.Equal(t, http.StatusUnauthorized, token(tab, "tommy"))
	assert.Equal(t, http.StatusOK, token(&other, "tommy"), "a tab signs out for itself")
}

func TestSignInRefuses(t *testing.T) {
	b := openBrowser(t, environment(nil))
	for _, name := range []string{"a b", "a-b", "élise", "a/b", strings.Repeat("a", 257), "+15005550006"} {
		status, body := b.signIn(name, "incoming", "outgoing")
		assert.Equal(t, http.StatusBadRequest, status, name)
		assert.Contains(t, body, "invalid client name")
		b.assertLogged("invalid client name")
	}
	status, body := b.signIn("12345", "incoming")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "phone number")
	b.assertLogged("phone number")
	status, body = b.signIn("tommy")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "no scope")
	b.assertLogged("no scope")
}
