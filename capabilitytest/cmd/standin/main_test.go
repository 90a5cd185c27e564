package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func getenv(string) string { return "" }

func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	output, stdout := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		defer stdout.Close()
		status <- run(ctx, []string{"-addr", "127.0.0.1:0", "-voice", "http://127.0.0.1:9/voice"}, func(name string) string {
			return map[string]string{"TWILIO_ACCOUNT_SID": "AC1"}[name]
		}, stdout, &stderr)
	}()
	lines := bufio.NewScanner(output)
	env := map[string]string{}
	for range 6 {
		require.True(t, lines.Scan())
		name, value, ok := strings.Cut(lines.Text(), "=")
		require.True(t, ok)
		env[name] = value
	}
	assert.Equal(t, "AC1", env["TWILIO_ACCOUNT_SID"])
	response, err := http.Get(env["STANDIN_URL"] + "/standin.js") // it listens by now
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)

	stop()
	assert.Equal(t, 0, <-status)
	assert.False(t, lines.Scan(), "no more than the variables")
	assert.Contains(t, stderr.String(), env["STANDIN_URL"]+"/standin.js")
	assert.Contains(t, stderr.String(), "standin: console "+env["STANDIN_URL"]+"/\n")
	assert.NotContains(t, stderr.String(), env["TWILIO_AUTH_TOKEN"])
}

func TestMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	tests := map[string]struct {
		args   []string
		status int
		says   string
	}{
		"port in use":      {[]string{"-addr", taken.Addr().String()}, 1, "choose another address with -addr"},
		"address":          {[]string{"-addr", "nowhere"}, 1, "nowhere"},
		"voice URL":        {[]string{"-voice", "localhost:3000/voice"}, 2, "must be an http or https URL"},
		"unknown flag":     {[]string{"-port", "1"}, 2, "-addr"},
		"unknown argument": {[]string{"serve"}, 2, `"serve"`},
		"help":             {[]string{"-help"}, 0, "voice URL"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, test.status, run(t.Context(), test.args, getenv, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Contains(t, stderr.String(), test.says)
		})
	}
	t.Run("variable", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 2, run(t.Context(), nil, func(name string) string { return "not an SID" }, &stdout, &stderr))
		assert.Contains(t, stderr.String(), "TWILIO_ACCOUNT_SID: ")
	})
}
