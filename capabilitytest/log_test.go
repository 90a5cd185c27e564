package capabilitytest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writer passes each line on.
type writer func(line string)

func (w writer) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

func TestLog(t *testing.T) {
	var log strings.Builder // the server writes one line at a time
	s := start(t, Log(&log))
	token := mint(t, both("tommy"))
	p := openPage(t, s)
	p.listen(token + "x")
	p.expect("error")
	p.listen(token)
	p.expect("connected")
	p.register()
	p.expect("ready")
	p.dial("a\nb\x1b[2J\u202e\u2066")
	p.expect("hangup")
	p.dial(authToken)
	p.expect("hangup")
	p.dial(`x"` + apiKeySecret)
	p.expect("hangup")
	p.dial(token)
	p.expect("hangup")
	p.conn.CloseNow()
	s.Close()
	lines := log.String()
	for _, want := range []string{"refused a token", "tommy is registered (1 device)", "client:tommy calls", "31404", "it contains a secret"} {
		assert.Contains(t, lines, want)
	}
	for _, secret := range []string{token, authToken, apiKeySecret, "\x1b", "a\nb", "\u202e", "\u2066"} {
		assert.NotContains(t, lines, secret)
	}
}

// The query of a webhook may hold a secret, and that of a GET request holds the whole form.
func TestLogShowsNoQuery(t *testing.T) {
	b := startBackend(t, map[string]string{"/voice": `<Redirect method="GET">/next?key=hunter2</Redirect>`, "/next": `<Redirect>/missing?key=hunter2</Redirect>`})
	assert.NotContains(t, VoiceURL("ftp://shop.example/voice?key=hunter2")(new(Server)).Error(), "hunter2")
	var log strings.Builder
	s := start(t, Number(office, b.URL+"/voice?key=hunter2"), Log(&log))
	require.NoError(t, s.Phone(caller).Call(office))
	waitOver(t, s, 0)
	s.Close()
	for _, line := range []string{" POST " + b.URL + "/voice: 200: ", " GET " + b.URL + "/next: 200: ", " 11200: POST " + b.URL + "/missing: the answer is 404"} {
		assert.Contains(t, log.String(), line)
	}
	assert.NotContains(t, log.String(), "AccountSid")
	assert.NotContains(t, log.String(), b.URL+"/missing?")
}

// A scope that cannot be parsed is quoted by whoever refuses it.
func TestLogShowsNoSecretOfScope(t *testing.T) {
	var log strings.Builder
	s := start(t, Log(&log))
	p := openPage(t, s)
	for _, secret := range []string{authToken, apiKeySecret} {
		p.listen(sign(t, authToken, map[string]any{"scope": "everything " + secret}))
		message := p.expectFault("error", 31204)
		assert.NotContains(t, message, secret)
	}
	p.conn.CloseNow()
	s.Close()
	assert.NotContains(t, log.String(), authToken)
	assert.NotContains(t, log.String(), apiKeySecret)
}

// A word of a development's environment is in many lines.
func TestLogHidesNoShortSecret(t *testing.T) {
	var log strings.Builder
	s := start(t, Log(&log), Credentials(func(name string) string {
		return map[string]string{"TWILIO_AUTH_TOKEN": "secret", "TWILIO_API_SECRET": "tommy"}[name]
	}))
	s.Phone(caller)
	_, err := s.Call("client:tommy", caller, "<Response/>")
	require.NoError(t, err)
	s.Close()
	assert.Contains(t, log.String(), "client:tommy is called over REST")
}

func TestLogMayAskTheServer(t *testing.T) {
	asked := make(chan int, 100)
	var s *Server
	ready := make(chan struct{})
	s = start(t, Log(writer(func(string) {
		<-ready
		asked <- len(s.Calls())
		s.Refuse("nobody", 31205)
	})))
	close(ready)
	alice := openDevice(t, s, both("alice"))
	alice.dial("nobody")
	alice.expect("hangup")
	for len(s.Calls()) != <-asked {
	}
}

func TestSwappedCredentialsAreNotShown(t *testing.T) {
	const sid, secret = "AC0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	_, err := Start(Credentials(func(name string) string {
		return map[string]string{"TWILIO_ACCOUNT_SID": secret, "TWILIO_AUTH_TOKEN": sid}[name]
	}))
	require.ErrorContains(t, err, "TWILIO_ACCOUNT_SID: ")
	require.ErrorContains(t, err, "TWILIO_AUTH_TOKEN: ")
	assert.NotContains(t, err.Error(), secret)
}

// X-Twilio-Signature and WebSocket need SHA-1.
func TestSaysThatFIPSModeIsTooStrict(t *testing.T) {
	if os.Getenv("START") != "" {
		_, err := Start()
		os.Stdout.WriteString(err.Error() + "\n")
		return
	}
	test := exec.Command(os.Args[0], "-test.run=^TestSaysThatFIPSModeIsTooStrict$")
	test.Env = append(os.Environ(), "GODEBUG=fips140=only", "START=1")
	output, err := test.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Contains(t, string(output), "fips140=only forbids SHA-1")
}
