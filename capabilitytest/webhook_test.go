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

func TestWebhook(t *testing.T) {
	eachKind(t, func(t *testing.T, token maker) {
		s, b := dialling(t, map[string]string{"/voice": `
			<Dial callerId="client:office" answerOnBridge="true">
				<Client>tommy</Client>
				<Client><Identity>bob</Identity><Parameter name="Topic" value="tea &amp; cake"/><Parameter name="custom + param" value="1"/><Parameter name="A" value="2"/></Client>
				<Client>nobody</Client>
			</Dial>`})
		alice := openDevice(t, s, token().SetClientName("alice").AllowClientOutgoing(applicationSID, url.Values{"Department": {"support"}}))
		tommy, bob := openDevice(t, s, both("tommy")), openDevice(t, s, both("bob"))

		alice.dialWith("To=tommy&Department=sales&From=boss&Note=%C3%A4+b")
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
		assert.Equal(t, "Topic=tea+%26+cake&custom + param=1&A=2", invite.Parameters["Params"])
		bob.accept(invite.CallSID)
		tommy.expect("cancel")
		alice.expect("answer")
		bob.send("hangup", payload{CallSID: invite.CallSID})
		assert.Equal(t, payload{CallSID: sid}, alice.expect("hangup"))
	})
}

func TestDialAction(t *testing.T) {
	documents := map[string]string{
		"/voice":      `<Dial action="/after/dial" timeout="20" answerOnBridge="true"><Client>tommy</Client></Dial><Dial><Client>bob</Client></Dial>`,
		"/after/dial": `<Redirect method="GET">../voicemail?x=1</Redirect>`,
		"/voicemail":  `<Hangup/>`,
	}
	tests := map[string]struct {
		act    func(s *Server, tommy *page, sid string)
		status string
	}{
		"declined":  {func(_ *Server, p *page, sid string) { p.send("reject", payload{CallSID: sid}) }, "busy"},
		"no answer": {func(s *Server, _ *page, _ string) { s.FastForward(25 * time.Second) }, "no-answer"}, // 5 s more than it says
		"answered": {func(_ *Server, p *page, sid string) {
			p.accept(sid)
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
			test.act(s, tommy, sid)
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
	var log strings.Builder
	s, _ := dialling(t, map[string]string{"/voice": `<Dial answerOnBridge="true"><Client>nobody</Client></Dial><Dial answerOnBridge="true"><Client>tommy</Client></Dial>`}, Log(&log))
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("x")
	alice.expect("ringing")
	tommy.accept(tommy.expect("invite").CallSID)
	alice.expect("answer")
	s.Close()
	assert.Contains(t, log.String(), `<Dial> of client:alice ends: no-answer, 31404: no device is registered as "nobody"`, "though the call goes on")
}

func TestTwiMLEndsCall(t *testing.T) {
	tests := map[string]struct {
		document string
		code     int // 0 for a call that ends without an error
		message  string
		status   string
	}{
		"empty":              {"", 0, "", ""},
		"Hangup":             {"<Hangup/>", 0, "", ""},
		"Reject":             {"<Reject/>", 31002, "", "no-answer"},
		"Reject as busy":     {`<Reject reason="busy"/>`, 31486, "", "busy"},
		"nobody there":       {`<Dial answerOnBridge="true"><Client>nobody</Client></Dial>`, 31404, `"nobody"`, ""},
		"only itself":        {`<Dial answerOnBridge="true"><Client>alice</Client></Dial>`, 31486, "", ""},
		"nobody to dial":     {"<Dial/>", 13223, "nobody to dial", ""},
		"names":              {"<dial><Client>tommy</Client></dial>", 0, "", ""},
		"number of a client": {"<Dial>+15550100001</Dial>", 13214, "callerId", ""},
		"loop":               {"<Redirect>/voice</Redirect>", 11215, "20", ""},
		"URL":                {"<Redirect>ftp://127.0.0.1/</Redirect>", 11100, "ftp://127.0.0.1/", ""},
		"missing":            {"<Redirect>/missing</Redirect>", 11200, "404", ""},
		"broken":             {"<Dial>", 12100, "", ""},
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
			if test.status != "" {
				assert.Equal(t, test.status, s.Calls()[0].Status)
			}
			alice.dial("tommy") // it is free again
			alice.expect("hangup")
		})
	}
}

// A caller who was answered is told of no Dial that was not.
func TestDialWithoutAnswerOnBridge(t *testing.T) {
	s, b := dialling(t, map[string]string{
		"/voice": `<Dial action="/after"><Client>tommy</Client></Dial>`,
		"/after": `<Dial><Client>nobody</Client></Dial>`,
	}, change(func(s *Server) { s.config.Timing.Answer = time.Millisecond }))
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	sid := alice.expect("ringing").CallSID
	alice.hear("TJ1", alice.expect("answer").SDP)
	tommy.accept(tommy.expect("invite").CallSID)
	alice.expectNothing()
	_, err := s.WaitCall(patience(t), func(c Call) bool { return c.Status == "in-progress" })
	require.NoError(t, err)
	tommy.send("hangup", payload{CallSID: tommy.last})
	assert.Equal(t, payload{CallSID: sid}, alice.expect("hangup"))
	assert.Equal(t, []string{"completed", "true"}, []string{b.asked()[1].PostForm.Get("DialCallStatus"), b.asked()[1].PostForm.Get("DialBridged")})
	assert.Equal(t, [2]any{"completed", 0}, [2]any{s.Calls()[0].Status, s.Calls()[0].Code})
}

// Twilio requests the action of a Dial of a caller who has hung up too, and drops the answer.
func TestCallerHangsUpDuringDial(t *testing.T) {
	b := startBackend(t, map[string]string{
		"/voice": `<Dial action="/after" answerOnBridge="true"><Client>tommy</Client></Dial>`, "/after": "<Say>Hello</Say>", "/status": "",
	})
	s := start(t, VoiceURL(b.URL+"/voice"), StatusCallback(b.URL+"/status"), change(func(s *Server) { s.logWriter = io.Discard }))
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	sid := alice.expect("ringing").CallSID
	tommy.expect("invite")
	alice.send("hangup", payload{CallSID: sid})
	tommy.expect("cancel")
	form := b.waitAsked(t, "/after")
	assert.Equal(t, []string{"canceled", "completed"}, []string{form.Get("DialCallStatus"), form.Get("CallStatus")})
	alice.expectNothing()
	assert.Equal(t, "completed", s.Calls()[0].Status)
	assert.Equal(t, "completed", b.waitAsked(t, "/status").Get("CallStatus"))
}

// A Dial of a queue counts the same.
func TestCallerHangsUpWhileQueueIsEmpty(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/voice": `<Dial action="/after" answerOnBridge="true"><Queue>shop</Queue></Dial>`, "/after": ""})
	a.post("Queues", "FriendlyName", "shop")
	phone := a.s.Phone(caller)
	require.NoError(t, phone.Call(office))
	a.waitStatus(a.s.Calls()[0].SID, "in-progress")
	require.NoError(t, phone.HangUp())
	form := b.waitAsked(t, "/after")
	assert.Equal(t, []string{"canceled", "completed"}, []string{form.Get("DialCallStatus"), form.Get("CallStatus")})
}

func TestBrokenWebhook(t *testing.T) {
	tests := map[string]struct {
		answer http.HandlerFunc
		code   int
	}{
		"500":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", http.StatusInternalServerError) }, 11200},
		"slow": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 11205},
		"JSON": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/json") }, 12300},
		"HTML": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html></html>") }, 12102},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := startBackendFunc(t, test.answer)
			s := start(t, VoiceURL(b.URL), change(func(s *Server) {
				if name == "slow" {
					s.config.Timing.Webhook = time.Second // in which it is asked, whatever else the machine does
				}
			}))
			alice := openDevice(t, s, both("alice"))
			alice.dial("tommy")
			alice.expectFault("hangup", test.code)
			require.Len(t, b.asked(), 1)
			requireSigned(t, b, b.asked()[0])
		})
	}
}

func TestCallEndsDuringWebhook(t *testing.T) {
	for status, end := range map[string]func(*Server, *page){
		"no-answer": func(_ *Server, alice *page) { alice.send("hangup", payload{CallSID: "TJ1"}) },
		"canceled": func(s *Server, alice *page) {
			require.NoError(t, s.Hangup(s.Calls()[0].SID))
			assert.Equal(t, payload{CallSID: "TJ1"}, alice.expect("hangup"))
		},
	} {
		t.Run(status, func(t *testing.T) {
			asked := make(chan struct{})
			b := startBackendFunc(t, func(_ http.ResponseWriter, r *http.Request) {
				close(asked)
				<-r.Context().Done()
			})
			s := start(t, VoiceURL(b.URL))
			alice := openDevice(t, s, both("alice"))
			alice.dial("tommy")
			await(t, asked)
			end(s, alice)
			call, err := s.WaitCall(patience(t), func(c Call) bool { return c.Status != "ringing" })
			require.NoError(t, err)
			assert.Equal(t, status, call.Status)
			alice.expectNothing()
		})
	}
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
		require.ErrorContains(t, err, name+": ")
		assert.NotContains(t, err.Error(), "\n", "one mistake, one line")
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
