package snippets_test

import (
	"bytes"
	"expvar"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// answers counts the answers by status, at /debug/vars.
var answers = expvar.NewMap("token_answers")

// observe counts and logs what a handler answers.
func observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		recorder := &statusRecorder{w, http.StatusOK}
		next.ServeHTTP(recorder, r)
		answers.Add(strconv.Itoa(recorder.status), 1)
		slog.InfoContext(r.Context(), "token", "status", recorder.status, "took", time.Since(start))
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func TestObserve(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)

	handler := observe(tokenHandler(newTemplate(t)))
	ask(handler, "tommy")
	ask(handler, "jenny")
	ask(handler, "")
	assert.Equal(t, `{"200": 2, "401": 1}`, answers.String())
	assert.Contains(t, log.String(), "status=401")
	assert.NotContains(t, log.String(), "eyJ")
}
