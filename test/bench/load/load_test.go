package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func TestParse(t *testing.T) {
	got, err := parse([]byte(`Running 3s test @ http://127.0.0.1:44395
  2 threads and 256 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   224.59ms  299.65ms   1.91s    86.73%
    Req/Sec   194.59    145.78   621.00     82.35%
  445 requests in 3.04s, 244.91KB read
  Socket errors: connect 0, read 0, write 0, timeout 8
Requests/sec:    146.38
Transfer/sec:     80.56KB
{"requests":445,"duration":3040022,"p50":120549,"p99":1892939,"max":1910802,"connect":1,"read":2,"write":4,"timeout":8,"refused":16,"strangers":32,"lost":64}
`))
	require.NoError(t, err)
	assert.Equal(t, figures{
		Requests: 445, Duration: 3040022, P50: 120549, P99: 1892939, Max: 1910802,
		Connect: 1, Read: 2, Write: 4, Timeout: 8, Refused: 16, Strangers: 32, Lost: 64,
	}, got)
	assert.Equal(t, 127, got.errors())
	assert.InDelta(t, 146.38, result{figures: got}.rate(), 0.005)

	_, err = parse([]byte("unable to connect to 127.0.0.1:1 Connection refused\n"))
	assert.ErrorContains(t, err, "load.lua")
}

func TestParseRate(t *testing.T) {
	const good = "  445 requests in 3.04s, 244.91KB read\nRequests/sec:    146.38\nTransfer/sec:     80.56KB\n"
	rate, err := parseRate([]byte(good))
	require.NoError(t, err)
	assert.InDelta(t, 146.38, rate, 0.005)
	for _, bad := range []string{"", "  Non-2xx or 3xx responses: 7\n" + good, "  Socket errors: connect 0, read 1, write 0, timeout 8\n" + good} {
		_, err := parseRate([]byte(bad))
		assert.Error(t, err)
	}
}

func TestVerifySamples(t *testing.T) {
	answer := func(identity string, token *capability.CapabilityToken) string {
		jwt, err := token.ToJWT()
		require.NoError(t, err)
		return fmt.Sprintf("{\"identity\":%q,\"token\":%q}\n", identity, jwt)
	}
	template := capability.New(accountSID, authToken).AllowClientOutgoing(applicationSID).SetTTL(ttl)
	tommy := answer("tommy", template.Clone().AllowClientIncoming("tommy"))
	jenny := answer("jenny", template.Clone().AllowClientIncoming("jenny"))
	other := capability.New(accountSID, "another").AllowClientOutgoing(applicationSID).AllowClientIncoming("tommy")
	elsewhere := capability.New(accountSID, authToken).AllowClientOutgoing("AP123123").AllowClientIncoming("tommy")
	tests := []struct {
		name     string
		files    []string
		verified int
		err      string
	}{
		{"two files", []string{tommy + jenny, tommy}, 3, ""},
		{"none", nil, 0, "too few answers"},
		{"no answers", []string{"", ""}, 0, "too few answers"},
		{"not JSON", []string{tommy + "no token\n"}, 1, "invalid character"},
		{"another key", []string{tommy, jenny + answer("tommy", other)}, 2, "signature is invalid"},
		{"another client", []string{answer("tommy", template.Clone().AllowClientIncoming("jenny"))}, 0, `in an answer for "tommy"`},
		{"another application", []string{answer("tommy", elsewhere)}, 0, `"AP123123"`},
		{"no incoming scope", []string{answer("tommy", template)}, 0, `a token for ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			for i, answers := range tt.files {
				require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), []byte(answers), 0o600))
			}
			verified, err := verifySamples(folder)
			assert.Equal(t, tt.verified, verified)
			if tt.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, tt.err)
			}
		})
	}
}

func TestServer(t *testing.T) {
	s, err := start(t.Context(), []string{"go", "run", ".", serveArgument})
	require.NoError(t, err)
	response, err := http.Get(s.address + "/tommy")
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, string(body), `"identity":"tommy"`)
	assert.NoError(t, verify(body))

	one, err := peakMemory(s.pids)
	require.NoError(t, err)
	assert.Greater(t, one, 1024.0)
	twice, err := peakMemory([]string{s.pids[0], s.pids[0]})
	require.NoError(t, err)
	assert.Greater(t, twice, one)
	assert.Less(t, twice, 2*one, "the files' pages count once")

	require.NoError(t, s.stop())
	_, err = peakMemory(s.pids)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestServerThatEnds(t *testing.T) {
	_, err := start(t.Context(), []string{"true"})
	assert.ErrorContains(t, err, "not ready")

	s, err := start(t.Context(), []string{"go", "run", ".", serveArgument})
	require.NoError(t, err)
	require.NoError(t, exec.Command("kill", s.pids...).Run())
	assert.ErrorContains(t, s.stop(), "the server failed")
}

func TestSoak(t *testing.T) {
	assert.NoError(t, soak(t.Context(), 200*time.Millisecond))
}

func TestCompareSamples(t *testing.T) {
	earlier := sample{time.Second, 1000, 5 << 20, 67}
	tests := []struct {
		name string
		end  sample
		ok   bool
	}{
		{"the same", sample{time.Minute, 2000, 5 << 20, 67}, true},
		{"less", sample{time.Minute, 2000, 1 << 20, 60}, true},
		{"as much as may be", sample{time.Minute, 2000, 6 << 20, 67}, true},
		{"more heap", sample{time.Minute, 2000, 6<<20 + 1, 67}, false},
		{"more goroutines", sample{time.Minute, 2000, 5 << 20, 78}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.ok, tt.end.compare(earlier) == nil)
		})
	}
}
