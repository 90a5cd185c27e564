package snippets_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
	"github.com/seed-6c737938/capability/capabilitytest"
)

// The page under test: it signs in as the user in its address, and calls.
const phonePage = `<!doctype html>
<script src="twilio.min.js"></script>
<button onclick="device.connect({ params: { To: 'tommy' } })">Call tommy</button>
<script type="module">
const user = new URLSearchParams(location.search).get('user');
const { token } = await (await fetch('token', { headers: { 'Test-User': user } })).json();
globalThis.device = new Twilio.Device(token);
device.on('incoming', (call) => call.accept());
device.register();
</script>`

// newBackend is the program under test: the page, its SDK, tokens and the voice URL.
func newBackend() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(phonePage)) })
	mux.Handle("GET /twilio.min.js", http.FileServer(http.Dir("../../examples/softphone/static/sdk2")))
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		template := capability.New(os.Getenv("TWILIO_ACCOUNT_SID"), os.Getenv("TWILIO_AUTH_TOKEN")).
			AllowClientOutgoing(os.Getenv("TWILIO_TWIML_APP_SID"))
		token, err := tokenFor(template, userOf(r))
		capabilityhttp.Write(w, r, token, err)
	})
	mux.HandleFunc("POST /voice", func(w http.ResponseWriter, r *http.Request) {
		fromTwilio, err := capabilityhttp.FromTwilio("http://"+r.Host, os.Getenv("TWILIO_AUTH_TOKEN"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fromTwilio(answerCall("", "desk")).ServeHTTP(w, r)
	})
	return mux
}

func TestPhone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	browser := newBrowser(t).Context(ctx)
	backend := httptest.NewServer(newBackend())
	defer backend.Close()

	twilio := capabilitytest.NewServer(t,
		capabilitytest.VoiceURL(backend.URL+"/voice"),
		capabilitytest.Number("+15550100000", backend.URL+"/voice"))
	for name, value := range twilio.Env() { // made-up credentials
		t.Setenv(name, value)
	}
	open := func(user string) *rod.Page {
		page := browser.MustPage()
		page.MustEvalOnNewDocument(twilio.Script()) // before the page's own scripts
		page.MustNavigate(backend.URL + "/?user=" + user)
		require.NoError(t, twilio.WaitRegistered(ctx, user, 1))
		return page
	}
	open("tommy")
	open("alice").MustElement("button").MustClick() // calls tommy

	call, err := twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return call.Status == "in-progress" })
	require.NoError(t, err)
	require.Equal(t, "client:alice", call.From)

	open("desk") // rings when a telephone calls the number
	phone := twilio.Phone("+15550123456")
	require.NoError(t, phone.Call("+15550100000"))
	_, err = twilio.WaitCall(ctx, func(call capabilitytest.Call) bool {
		return call.From == "+15550123456" && call.Status == "in-progress"
	})
	require.NoError(t, err)
}

// newBrowser starts Chromium with a microphone that beeps and that pages may use
// without asking.
func newBrowser(t *testing.T) *rod.Browser {
	path, found := launcher.LookPath()
	if !found {
		t.Skip("there is no Chromium")
	}
	chromium := launcher.New().Bin(path).NoSandbox(true).Leakless(false).
		Set("use-fake-ui-for-media-stream").
		Set("use-fake-device-for-media-stream")
	browser := rod.New().ControlURL(chromium.MustLaunch()).MustConnect()
	t.Cleanup(func() {
		browser.MustClose()
		chromium.Cleanup() // its profile
	})
	return browser
}
