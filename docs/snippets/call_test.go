package snippets_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

// tokenForCall answers a request to call a customer with a token for that call,
// which is valid for five seconds and contains the customer as a signed param.
func tokenForCall(template *capability.CapabilityToken) http.Handler {
	handler := capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
		user, customer := userOf(r), r.FormValue("customer")
		if !mayCall(user, customer) {
			return nil, &capabilityhttp.Error{Status: http.StatusForbidden, Message: "not your customer"}
		}
		return template.Clone().
			SetClientName(capability.EncodeClientName(user)).
			SetParams(url.Values{"customer": {customer}}).
			SetTTL(5 * time.Second), nil
	})
	return http.MaxBytesHandler(handler, 4<<10) // without it, FormValue reads a body of any size
}

func mayCall(user, customer string) bool { return user == "tommy" && customer == "42" }

func TestTokenForCall(t *testing.T) {
	handler := tokenForCall(newTemplate(t))
	call := func(query, body string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(http.MethodPost, "/call?"+query, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Test-User", "tommy")
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		return recorder
	}
	assert.Equal(t, http.StatusForbidden, call("", "customer=43").Code)
	assert.Equal(t, http.StatusForbidden, call("", "").Code)
	assert.Equal(t, http.StatusForbidden, call("", "customer=42&"+strings.Repeat("x", 1<<20)).Code, "too long")

	for _, answer := range []*httptest.ResponseRecorder{call("", "customer=42"), call("customer=42", "")} {
		claims := readAnswer(t, answer, "secret")
		_, params, _ := claims.Outgoing()
		assert.Equal(t, url.Values{"customer": {"42"}}, params)
		assert.Equal(t, 5*time.Second, claims.ExpiresAt.Sub(claims.NotBefore))
	}
}

// No handler of these pages reads more of a request than it needs.
func TestBodiesAreBounded(t *testing.T) {
	template := newTemplate(t)
	gin.SetMode(gin.TestMode)
	rotating := &minter{accountSID: "AC123", applicationSID: "AP123123"}
	require.NoError(t, rotating.setAuthToken("secret"))
	voice := http.NewServeMux()
	require.NoError(t, serveVoice(voice, "secret"))
	for name, handler := range map[string]http.Handler{
		"tokenForCall": tokenForCall(template),
		"tokenHandler": tokenHandler(template),
		"chi":          chiRouter(template),
		"gin":          ginRouter(template, func(*gin.Context) {}),
		"echo":         echoRouter(template, func(next echo.HandlerFunc) echo.HandlerFunc { return next }),
		"minter":       rotating,
		"voice":        voice,
	} {
		limit := int64(16 << 10)
		if name == "voice" {
			limit = 64<<10 + 1
		}
		for _, contentType := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				body := io.LimitReader(endless{}, 1<<20).(*io.LimitedReader)
				path := "/token"
				if name == "voice" {
					path = "/voice"
				}
				request := httptest.NewRequest(method, path, body)
				request.Header.Set("X-Twilio-Signature", "forged")
				request.Header.Set("Content-Type", contentType)
				request.Header.Set("Test-User", "tommy")
				handler.ServeHTTP(httptest.NewRecorder(), request)
				assert.LessOrEqual(t, 1<<20-body.N, limit, "%s read of %s %s", name, method, contentType)
			}
		}
	}
}

// endless is a body that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
