// Package snippets_test contains the Go code of the pages in docs/, so that it
// compiles and is tested.
package snippets_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

// tokenFor returns what a user may do; "" is a browser that has not signed in.
func tokenFor(template *capability.CapabilityToken, user string) (*capability.CapabilityToken, error) {
	if user == "" {
		return nil, &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: "sign in first"}
	}
	return template.Clone().AllowClientIncoming(capability.EncodeClientName(user)), nil
}

// userOf is a session for tests: the request names its user.
func userOf(r *http.Request) string { return r.Header.Get("Test-User") }

func newTemplate(t *testing.T) *capability.CapabilityToken {
	template := capability.New("AC123", "secret").AllowClientOutgoing("AP123123").SetTTL(10 * time.Minute)
	require.NoError(t, template.Err())
	return template
}

// ask requests a token of a user, "" for nobody.
func ask(handler http.Handler, user string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, "/token", nil)
	request.Header.Set("Test-User", user)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// readAnswer returns the verified claims of an answer that has a token.
func readAnswer(t *testing.T, answer *httptest.ResponseRecorder, authTokens ...string) *capability.Claims {
	t.Helper()
	require.Equal(t, http.StatusOK, answer.Code)
	var body struct{ Token string }
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &body))
	claims, err := capability.Verify(body.Token, "AC123", authTokens...)
	require.NoError(t, err)
	return claims
}
