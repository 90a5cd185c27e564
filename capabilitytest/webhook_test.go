package capabilitytest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

// backend is a voice webhook that remembers what it was asked.
type backend struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request // with their forms parsed
}

// startBackend answers each path with the document of its name, as <Response>.
func startBackend(t *testing.T, documents map[string]string) *backend {
	t.Helper()
	return startBackendFunc(t, func(w http.ResponseWriter, r *http.Request) {
		document, ok := documents[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Response>%s</Response>`, document)
	})
}

func startBackendFunc(t *testing.T, answer http.HandlerFunc) *backend {
	t.Helper()
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		b.mu.Lock()
		b.requests = append(b.requests, r)
		b.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(b.Server.Close)
	return b
}

// asked returns the requests so far.
func (b *backend) asked() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// dialling is a server whose voice URL is /voice of a backend.
func dialling(t *testing.T, documents map[string]string, options ...Option) (*Server, *backend) {
	t.Helper()
	b := startBackend(t, documents)
	return start(t, append(options, VoiceURL(b.URL+"/voice?a=b"))...), b
}

// requireSigned checks a signature by Twilio's description of it: the URL, and
// each name and value of a POST form, sorted by name.
func requireSigned(t *testing.T, b *backend, r *http.Request) {
	t.Helper()
	text := b.URL + r.URL.String()
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		text += name + r.PostForm.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(authToken))
	io.WriteString(mac, text)
	require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), r.Header.Get("X-Twilio-Signature"))
}

// The example of https://www.twilio.com/docs/usage/webhooks/webhooks-security,
// which Twilio's libraries have in their tests.
func TestSignKnownAnswer(t *testing.T) {
	assert.Equal(t, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"},
		"From": {"+14158675309"}, "To": {"+18005551212"},
	}))
}

func TestWebhook(t *testing.T) {
	eachKind(t, func(t *testing.T, token maker) {
		s, b := dialling(t, map[string]string{"/voice": `
			<Dial callerId="client:office" answerOnBridge="true">
				<Client>tommy</Client>
				<Client><Identity>bob</Identity><Parameter name="Topic" value="tea &amp; cake"/></Client>
				<Client>nobody</Client>
			</Dial>`})
		alice := openDevice(t, s, token().SetClientName("alice").AllowClientOutgoing(applicationSID, url.Values{"Department": {"support"}}))
		tommy, bob := openDevice(t, s, both("tommy")), openDevice(t, s, both("bob"))

		alice.send("invite", payload{CallSID: "TJ1", SDP: "offer", Twilio: application{"To=tommy&Department=sales&From=boss&Note=%C3%A4+b"}})
		sid := alice.expect("ringing").CallSID
		requests := b.asked()
		require.Len(t, requests, 1)
		assert.Equal(t, http.MethodPost, requests[0].Method)
		assert.Equal(t, "/voice?a=b", requests[0].URL.String())
		assert.Equal(t, url.Values{
			"AccountSid": {accountSID}, "ApiVersion": {"2010-04-01"}, "ApplicationSid": {applicationSID},
			"CallSid": {sid}, "CallStatus": {"ringing"}, "Direction": {"inbound"},
			"From": {"client:alice"}, "Caller": {"client:alice"}, "To": {"tommy"}, "Called": {"tommy"},
			"Department": {"support"}, "Note": {"ä b"},
		}, requests[0].PostForm)
		requireSigned(t, b, requests[0])

		invite := tommy.expect("invite")
		assert.Equal(t, "client:office", invite.Parameters["From"])
		assert.Equal(t, "client:tommy", invite.Parameters["To"])
		assert.Empty(t, invite.Parameters["Params"])
		invite = bob.expect("invite")
		assert.Equal(t, "client:bob", invite.Parameters["To"])
		assert.Equal(t, "Topic=tea+%26+cake", invite.Parameters["Params"])
		bob.send("answer", payload{CallSID: invite.CallSID, SDP: "answer"})
		tommy.expect("cancel")
		alice.expect("answer")
		bob.send("hangup", payload{CallSID: invite.CallSID})
		assert.Equal(t, payload{CallSID: sid}, alice.expect("hangup"))
	})
}

func TestDialAction(t *testing.T) {
	documents := map[string]string{
		"/voice":      `<Dial action="/after/dial" timeout="1"><Client>tommy</Client></Dial><Dial><Client>bob</Client></Dial>`,
		"/after/dial": `<Redirect method="GET">../voicemail?x=1</Redirect>`,
		"/voicemail":  `<Hangup/>`,
	}
	tests := map[string]struct {
		act    func(tommy *page, sid string)
		status string
	}{
		"declined":  {func(p *page, sid string) { p.send("reject", payload{CallSID: sid}) }, "busy"},
		"no answer": {func(*page, string) {}, "no-answer"},
		"answered": {func(p *page, sid string) {
			p.send("answer", payload{CallSID: sid, SDP: "answer"})
			p.send("hangup", payload{CallSID: sid})
		}, "completed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, b := dialling(t, documents)
			alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
			alice.dial("tommy")
			alice.expect("ringing")
			sid := tommy.expect("invite").CallSID
			test.act(tommy, sid)
			if test.status == "completed" {
				alice.expect("answer")
			}
			assert.Nil(t, alice.expect("hangup").Error)
			requests := b.asked()
			require.Len(t, requests, 3)
			assert.Equal(t, "/after/dial", requests[1].URL.Path)
			assert.Equal(t, test.status, requests[1].PostForm.Get("DialCallStatus"))
			if test.status == "completed" {
				assert.Equal(t, sid, requests[1].PostForm.Get("DialCallSid"))
			}
			assert.Equal(t, http.MethodGet, requests[2].Method)
			assert.Equal(t, "/voicemail", requests[2].URL.Path)
			assert.Equal(t, "1", requests[2].Form.Get("x"))
			assert.Equal(t, "client:alice", requests[2].Form.Get("From"))
			for _, request := range requests {
				requireSigned(t, b, request)
			}
		})
	}
}

// Without an action, the verb after a Dial that nobody answered comes next.
func TestDialsInTurn(t *testing.T) {
	s, _ := dialling(t, map[string]string{"/voice": `<Dial><Client>nobody</Client></Dial><Dial><Client>tommy</Client></Dial>`})
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("x")
	alice.expect("ringing")
	sid := tommy.expect("invite").CallSID
	tommy.send("answer", payload{CallSID: sid, SDP: "answer"})
	alice.expect("answer")
}

func TestTwiMLEndsCall(t *testing.T) {
	tests := map[string]struct {
		document string
		code     int // 0 for a call that ends without an error
		message  string
	}{
		"empty":              {"", 0, ""},
		"Hangup":             {"<Hangup/>", 0, ""},
		"Reject":             {"<Reject/>", 31002, ""},
		"Reject as busy":     {`<Reject reason="busy"/>`, 31486, ""},
		"nobody there":       {"<Dial><Client>nobody</Client></Dial>", 31404, ""},
		"only itself":        {"<Dial><Client>alice</Client></Dial>", 31486, ""},
		"media":              {"<Say>Hello</Say>", 31000, "<Say>"},
		"telephone":          {"<Dial><Number>+15005550006</Number></Dial>", 31000, "<Number> in <Dial>"},
		"telephone, as text": {"<Dial>+15005550006</Dial>", 31000, "telephone number"},
		"queue":              {"<Dial><Queue>support</Queue></Dial>", 31000, "<Queue> in <Dial>"},
		"nobody to dial":     {"<Dial/>", 31000, "without a <Client>"},
		"no such verb":       {"<Dail/>", 31000, "<Dail>"},
		"timeout":            {`<Dial timeout="soon"><Client>tommy</Client></Dial>`, 13212, `"soon"`},
		"loop":               {"<Redirect>/voice</Redirect>", 11215, "20"},
		"URL":                {"<Redirect>ftp://127.0.0.1/</Redirect>", 11100, "<Redirect>"},
		"method":             {`<Redirect method="PUT">/voice</Redirect>`, 12200, `"PUT"`},
		"missing":            {"<Redirect>/missing</Redirect>", 11200, "404"},
		"broken":             {"<Dial>", 12100, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, _ := dialling(t, map[string]string{"/voice": test.document})
			alice := openDevice(t, s, both("alice"))
			openDevice(t, s, both("tommy"))
			alice.dial("tommy")
			end := alice.expect("hangup")
			assert.Equal(t, "TJ1", end.CallSID)
			if test.code == 0 {
				assert.Nil(t, end.Error)
				return
			}
			require.NotNil(t, end.Error)
			assert.Equal(t, test.code, end.Error.Code, end.Error.Message)
			assert.Contains(t, end.Error.Message, test.message)
			assert.Equal(t, test.code, s.Calls()[0].Code)
			alice.dial("tommy") // it is free again
			alice.expect("hangup")
		})
	}
}

func TestBrokenWebhook(t *testing.T) {
	answer := func(contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			io.WriteString(w, body)
		}
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		code   int
	}{
		"500":         {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", http.StatusInternalServerError) }, 11200},
		"403":         {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, 11200},
		"redirection": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, 11200},
		"cut":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 11200},
		"slow":        {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 11200},
		"no XML":      {answer("text/xml", "hello"), 12100},
		"HTML":        {answer("text/html", "<html></html>"), 12100},
		"nothing":     {answer("text/xml", ""), 12100},
		"JSON":        {answer("application/json", "{}"), 12300},
		"plain text":  {answer("text/plain", "<Response/>"), 12300},
		"too long":    {answer("text/xml", "<Response>"+strings.Repeat(" ", 64<<10)+"</Response>"), 11750},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := startBackendFunc(t, test.answer)
			s := start(t, VoiceURL(b.URL), change(func(s *Server) {
				if name == "slow" {
					s.timing.webhook = 20 * time.Millisecond
				}
			}))
			alice := openDevice(t, s, both("alice"))
			alice.dial("tommy")
			alice.expectFault("hangup", test.code)
		})
	}
	t.Run("down", func(t *testing.T) {
		b := startBackendFunc(t, nil)
		b.Server.Close()
		alice := openDevice(t, start(t, VoiceURL(b.URL)), both("alice"))
		alice.dial("tommy")
		alice.expectFault("hangup", 11200)
	})
}

// A backend sees neither an empty path nor a fragment.
func TestSignatureIsOfTheURLThatArrives(t *testing.T) {
	for _, suffix := range []string{"", "?a=b", "/voice#part"} {
		t.Run(suffix, func(t *testing.T) {
			b := startBackendFunc(t, http.NotFound)
			alice := openDevice(t, start(t, VoiceURL(b.URL+suffix)), both("alice"))
			alice.dial("tommy")
			alice.expectFault("hangup", 11200)
			requireSigned(t, b, b.asked()[0])
		})
	}
}

func TestCallerHangsUpDuringWebhook(t *testing.T) {
	asked := make(chan struct{})
	b := startBackendFunc(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	s := start(t, VoiceURL(b.URL))
	alice := openDevice(t, s, both("alice"))
	alice.dial("tommy")
	<-asked
	alice.send("hangup", payload{CallSID: "TJ1"})
	call, err := s.WaitCall(t.Context(), func(c Call) bool { return c.Status != "ringing" })
	require.NoError(t, err)
	assert.Equal(t, "canceled", call.Status)
	alice.expectNothing()
}

func TestVoiceURLIsChecked(t *testing.T) {
	for _, voiceURL := range []string{"", "127.0.0.1:3000/voice", "ftp://127.0.0.1/", "http://", "http://user:hunter2@[::1"} {
		_, err := Start(VoiceURL(voiceURL))
		require.Error(t, err, voiceURL)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestCredentialsAreChecked(t *testing.T) {
	for name, value := range map[string]string{
		"TWILIO_ACCOUNT_SID": "SK1", "TWILIO_AUTH_TOKEN": "with a blank in it", "TWILIO_TWIML_APP_SID": "app",
		"TWILIO_API_KEY": "AC1", "TWILIO_API_SECRET": "with a blank in it",
	} {
		_, err := Start(Credentials(func(other string) string {
			if other == name {
				return value
			}
			return ""
		}))
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "with a blank in it")
	}
	s, err := Start(Credentials(func(string) string { return "" }))
	require.NoError(t, err)
	defer s.Close()
	env := s.Env()
	require.NoError(t, capability.New(env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"]).AllowClientOutgoing(env["TWILIO_TWIML_APP_SID"]).Err())
	assert.GreaterOrEqual(t, len(env["TWILIO_AUTH_TOKEN"]), 14)
	assert.GreaterOrEqual(t, len(env["TWILIO_API_SECRET"]), 14)
}
