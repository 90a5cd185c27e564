package snippets_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

// allowOrigin lets pages of one other origin read the answers of a handler.
func allowOrigin(origin string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if r.Header.Get("Origin") == origin {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true") // for a session cookie
			w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		}
		if r.Method == http.MethodOptions { // the browser asks first
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func TestAllowOrigin(t *testing.T) {
	const page = "https://phone.example.com"
	handler := allowOrigin(page, tokenHandler(newTemplate(t)))
	for _, test := range []struct {
		method, origin string
		status         int
		allowed        string
	}{
		{http.MethodGet, page, http.StatusOK, page},
		{http.MethodOptions, page, http.StatusNoContent, page},
		{http.MethodGet, "https://evil.example.com", http.StatusOK, ""},
		{http.MethodOptions, "https://evil.example.com", http.StatusNoContent, ""},
	} {
		t.Run(test.method+" "+test.origin, func(t *testing.T) {
			request := httptest.NewRequest(test.method, "/token", nil)
			request.Header.Set("Origin", test.origin)
			request.Header.Set("Test-User", "tommy")
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			assert.Equal(t, test.status, recorder.Code)
			assert.Equal(t, test.allowed, recorder.Header().Get("Access-Control-Allow-Origin"))
			assert.Contains(t, recorder.Header().Values("Vary"), "Origin")
		})
	}
}
