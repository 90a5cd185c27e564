package capabilitytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever a backend answers to one call and to another, a call ends when its caller hangs up, and
// so does the server.
func FuzzDocument(f *testing.F) {
	for _, verbs := range []string{
		`<Say>Hello</Say><Play digits="1w2"/><Play>/other</Play><Pause length="9"/><Hangup/>`,
		`<Gather><Say>1</Say><Pause/></Gather><Redirect/>`,
		`<Gather numDigits="1" action="/other" actionOnEmptyResult="true"/>`,
		`<Record action="/other" timeout="1" maxLength="2"/>`,
		`<Dial action="/other" record="record-from-ringing-dual" hangupOnStar="true"><Number url="/other" sendDigits="1" statusCallback="/other" statusCallbackEvent="initiated ringing answered completed">+15550100002</Number><Client>nobody</Client></Dial>`,
		`<Dial sequential="true" timeout="5"><Number>+15550100002</Number><Number>+15550100003</Number></Dial>`,
		`<Dial><Number>` + office + `</Number></Dial>`,
		`<Dial><Queue url="/other">a</Queue></Dial>`,
		`<Dial action="/other"><Conference waitUrl="/other" record="record-from-start" statusCallback="/other" statusCallbackEvent="start end join leave">a</Conference></Dial>`,
		`<Dial><Conference waitUrl="" endConferenceOnExit="true" muted="true" startConferenceOnEnter="false">a</Conference></Dial>`,
		`<Enqueue waitUrl="/other" action="/other">a</Enqueue>`,
		`<Enqueue waitUrl="">a</Enqueue>`,
		`<Enqueue>a</Enqueue>`,
		`<Leave/>`, `<Reject/>`, `<Redirect>/other</Redirect>`, ``, `<Say/>`,
	} {
		for _, other := range []string{`<Response/>`, `<Response><Hangup/></Response>`, `<Response><Leave/></Response>`, `<Response><Redirect>/voice</Redirect></Response>`, `x`,
			`<Response><Dial><Queue>a</Queue></Dial></Response>`, `<Response><Dial hangupOnStar="true"><Conference>a</Conference></Dial></Response>`,
		} {
			f.Add("<Response>"+verbs+"</Response>", other)
		}
	}
	const branch = "+15550100009"
	f.Fuzz(func(t *testing.T, voice, other string) {
		backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			if r.URL.Path == "/voice" {
				io.WriteString(w, voice)
			} else {
				io.WriteString(w, other)
			}
		}))
		defer backend.Close()
		s := start(t, Instant(), Number(office, backend.URL+"/voice"), Number(branch, backend.URL+"/other"))
		phone, called, third := s.Phone(caller), s.Phone("+15550100002"), s.Phone("+15550100003")
		require.NoError(t, phone.Call(office))
		require.NoError(t, third.Call(branch))
		for range 3 { // how far the calls get meanwhile is left to chance
			phone.Press("1*#")
			called.Accept()
			s.FastForward(time.Hour)
			time.Sleep(time.Millisecond)
		}
		phone.HangUp()
		third.HangUp()
		deadline := time.Now().Add(20 * time.Second)
		for _, call := range s.Calls() {
			for call.Status == "ringing" || call.Status == "in-progress" {
				require.Less(t, time.Now(), deadline, "the call goes on: %s", call.From)
				time.Sleep(time.Millisecond)
				for _, now := range s.Calls() {
					if now.SID == call.SID {
						call = now
					}
				}
			}
		}
		closed := make(chan bool)
		go func() { s.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(20 * time.Second):
			require.Fail(t, "the server does not end")
		}
	})
}
