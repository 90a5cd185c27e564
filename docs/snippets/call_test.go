package snippets_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

// tokenForCall answers a request to call a customer with a token for that call,
// which lives for five seconds and contains the customer as a signed param.
func tokenForCall(template *capability.CapabilityToken) http.Handler {
	return capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
		user, customer := userOf(r), r.FormValue("customer")
		if !mayCall(user, customer) {
			return nil, &capabilityhttp.Error{Status: http.StatusForbidden, Message: "not your customer"}
		}
		return template.Clone().
			SetClientName(capability.EncodeClientName(user)).
			SetParams(url.Values{"customer": {customer}}).
			SetTTL(5 * time.Second), nil
	})
}

func mayCall(user, customer string) bool { return user == "tommy" && customer == "42" }

func TestTokenForCall(t *testing.T) {
	handler := tokenForCall(newTemplate(t))
	call := func(query string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(http.MethodPost, "/call?"+query, nil)
		request.Header.Set("Test-User", "tommy")
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		return recorder
	}
	assert.Equal(t, http.StatusForbidden, call("customer=43").Code)

	claims := readAnswer(t, call("customer=42"), "secret")
	_, params, _ := claims.Outgoing()
	assert.Equal(t, url.Values{"customer": {"42"}}, params)
	assert.Equal(t, 5*time.Second, claims.ExpiresAt.Sub(claims.NotBefore))
}
