package capabilitytest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

const (
	office = "+15550100000" // a number of the account
	caller = "+15550100001"
)

// patience is how long a test waits for what takes no time on an idle machine.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// await waits until a channel is closed.
func await(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-patience(t).Done():
		require.Fail(t, "it does not come")
	}
}

// answering is a server whose number is answered by the documents, at /voice first, and a
// telephone that has called it.
func answering(t *testing.T, documents map[string]string, options ...Option) (*Server, *backend, *Phone) {
	t.Helper()
	b := startBackend(t, documents)
	s := start(t, append(options, Number(office, b.URL+"/voice"), VoiceURL(b.URL+"/voice"), StatusCallback(b.URL+"/status"))...)
	phone := s.Phone(caller)
	require.NoError(t, phone.Call(office))
	return s, b, phone
}

// waitAsked waits for a request for a path, and returns its form.
func (b *backend) waitAsked(t *testing.T, path string, match ...string) url.Values {
	t.Helper()
	var form url.Values
	require.Eventually(t, func() bool {
		for _, r := range b.asked() {
			if r.URL.Path == path && (len(match) == 0 || r.Form.Get(match[0]) == match[1]) {
				form = r.Form
				return true
			}
		}
		return false
	}, 20*time.Second, time.Millisecond, "%s is not requested", path)
	return form
}

func waitTold(t *testing.T, p *Phone, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Join(p.Told(), "|") == strings.Join(want, "|") }, 20*time.Second, time.Millisecond,
		"%q, not %q", want, p.Told())
}

func waitOver(t *testing.T, s *Server, i int) Call {
	t.Helper()
	require.Eventually(t, func() bool {
		status := s.Calls()[i].Status
		return status != "ringing" && status != "in-progress"
	}, 20*time.Second, time.Millisecond)
	return s.Calls()[i]
}

// A queued caller whom the agent has left before the two were connected was not bridged.
func TestAgentLeavesWhileQueuedCallerIsTold(t *testing.T) {
	const agents = "+15550100009"
	b := startBackend(t, map[string]string{
		"/voice": `<Enqueue waitUrl="" action="/left">shop</Enqueue>`, "/left": ``,
		"/agent": `<Dial><Queue url="/whisper">shop</Queue></Dial>`, "/whisper": `<Pause length="60"/>`,
	})
	s := start(t, Number(office, b.URL+"/voice"), Number(agents, b.URL+"/agent"))
	require.NoError(t, s.Phone(caller).Call(office))
	_, err := s.WaitCall(patience(t), func(c Call) bool { return c.Status == "in-progress" })
	require.NoError(t, err)
	agent := s.Phone("+15550100002")
	require.NoError(t, agent.Call(agents))
	b.waitAsked(t, "/whisper")
	require.NoError(t, agent.HangUp())
	require.Eventually(t, func() bool {
		s.FastForward(time.Minute)
		return slices.ContainsFunc(b.asked(), func(r *http.Request) bool { return r.URL.Path == "/left" })
	}, 20*time.Second, 10*time.Millisecond)
	assert.Equal(t, "error", b.waitAsked(t, "/left").Get("QueueResult"))
}

// What cannot ring is called, and over.
func TestCallbacksOfWhatNeverRings(t *testing.T) {
	for noun, status := range map[string]string{"<Number %s>+15005550001</Number>": "failed", "<Client %s>nobody</Client>": "no-answer"} {
		noun = fmt.Sprintf(noun, `statusCallback="/events" statusCallbackEvent="initiated ringing answered completed"`)
		_, b, _ := answering(t, map[string]string{"/voice": `<Dial action="/after">` + noun + `</Dial>`, "/after": `<Pause length="60"/>`})
		leg := b.waitAsked(t, "/after").Get("DialCallSid")
		assert.NotEmpty(t, leg, noun)
		assert.Equal(t, leg, b.waitAsked(t, "/events", "CallStatus", status).Get("CallSid"))
		var told []string
		for _, r := range b.asked() {
			if r.URL.Path == "/events" {
				told = append(told, r.Form.Get("CallStatus"))
			}
		}
		assert.Equal(t, []string{"initiated", status}, told, noun)
	}
}

// Digits that are sent to a number of the account are pressed there, but for the pauses.
func TestDigitsReachNumber(t *testing.T) {
	const branch = "+15550100009"
	b := startBackend(t, map[string]string{
		"/voice":  `<Dial><Number sendDigits="w1W2">` + branch + `</Number></Dial>`,
		"/branch": `<Gather numDigits="2" action="/digits"/>`,
		"/digits": `<Say>Thanks</Say>`,
	})
	s := start(t, Number(office, b.URL+"/voice"), Number(branch, b.URL+"/branch"), Instant())
	require.NoError(t, s.Phone(caller).Call(office))
	assert.Equal(t, "12", b.waitAsked(t, "/digits").Get("Digits"))
}

func TestSayAndPlay(t *testing.T) {
	b := startBackendFunc(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/voice":
			w.Header().Set("Content-Type", "text/xml")
			io.WriteString(w, `<Response><Say>Hello</Say><Play>chime.wav</Play><Play>song.mp3</Play><Play digits="12#"/><Pause length="60"/><Say>Goodbye</Say></Response>`)
		case "/chime.wav":
			w.Header().Set("Content-Type", "audio/wav")
			w.Write(media.Tone(440, time.Second).WAV())
		case "/song.mp3":
			w.Header().Set("Content-Type", "audio/mpeg")
			io.WriteString(w, "ID3")
		}
	})
	var log strings.Builder
	s := start(t, Number(office, b.URL+"/voice"), Instant(), Log(&log))
	phone := s.Phone(caller)
	require.NoError(t, phone.Call(office))
	waitTold(t, phone, "Hello", "chime.wav", "song.mp3", "Goodbye")
	call := waitOver(t, s, 0)
	assert.Equal(t, "completed", call.Status)
	assert.Equal(t, []string{"Hello", "chime.wav", "song.mp3", "Goodbye"}, call.Said)
	assert.Equal(t, [2]string{caller, office}, [2]string{call.From, call.To})
	assert.Equal(t, "12#", phone.Keys())
	form := b.waitAsked(t, "/voice")
	assert.Equal(t, []string{caller, office, "ringing", "inbound", ""},
		[]string{form.Get("From"), form.Get("To"), form.Get("CallStatus"), form.Get("Direction"), form.Get("ApplicationSid")})
	assert.Empty(t, b.waitAsked(t, "/chime.wav"), "a file's URL is sent no parameters")
	s.Close()
	assert.Contains(t, log.String(), "MP3")
}

func TestGather(t *testing.T) {
	documents := map[string]string{
		"/voice":  `<Gather action="/digits" numDigits="3" timeout="7"><Say>Your PIN</Say></Gather><Say>Nothing</Say>`,
		"/digits": `<Say>Thanks</Say>`,
	}
	for name, test := range map[string]struct {
		act    func(*Server, *Phone)
		digits string // "" if the action is not requested
	}{
		"all digits":    {func(_ *Server, p *Phone) { p.Press("12"); p.Press("3") }, "123"},
		"finish key":    {func(_ *Server, p *Phone) { p.Press("12#") }, "12"},
		"only that key": {func(_ *Server, p *Phone) { p.Press("#") }, ""},
		"nothing":       {func(s *Server, _ *Phone) { s.FastForward(7 * time.Second) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, b, phone := answering(t, documents, Instant())
			waitTold(t, phone, "Your PIN")
			test.act(s, phone)
			if test.digits == "" {
				waitTold(t, phone, "Your PIN", "Nothing")
				assert.False(t, slices.ContainsFunc(b.asked(), func(r *http.Request) bool { return r.URL.Path == "/digits" }))
			} else {
				waitTold(t, phone, "Your PIN", "Thanks")
				assert.Equal(t, test.digits, b.waitAsked(t, "/digits").Get("Digits"))
			}
		})
	}
	t.Run("interrupts", func(t *testing.T) {
		_, b, phone := answering(t, documents) // the prompt takes its time
		waitTold(t, phone, "Your PIN")
		phone.Press("456")
		assert.Equal(t, "456", b.waitAsked(t, "/digits").Get("Digits"))
	})
	t.Run("empty result", func(t *testing.T) {
		s, b, phone := answering(t, map[string]string{
			"/voice": `<Gather action="/digits" actionOnEmptyResult="true" finishOnKey=""><Say>Dial</Say></Gather>`, "/digits": ""}, Instant())
		waitTold(t, phone, "Dial")
		s.FastForward(5 * time.Second)
		assert.Equal(t, []string{""}, b.waitAsked(t, "/digits")["Digits"])
	})
}

func TestRecord(t *testing.T) {
	s, b, phone := answering(t, map[string]string{
		"/voice":    `<Say>Speak</Say><Record action="/recorded" maxLength="10" finishOnKey="#" recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed"/>`,
		"/recorded": `<Say>Thanks</Say>`,
	}, Instant())
	waitTold(t, phone, "Speak")
	b.waitAsked(t, "/recording", "RecordingStatus", "in-progress")
	require.NoError(t, phone.Whistle(440, 300*time.Millisecond))
	require.NoError(t, phone.Press("#"))
	form := b.waitAsked(t, "/recorded")
	assert.Equal(t, "#", form.Get("Digits"))
	assert.NotEmpty(t, form.Get("RecordingDuration"))
	callback := b.waitAsked(t, "/recording", "RecordingStatus", "completed")
	assert.Equal(t, []string{"RecordVerb", "1", form.Get("RecordingUrl"), accountSID},
		[]string{callback.Get("RecordingSource"), callback.Get("RecordingChannels"), callback.Get("RecordingUrl"), callback.Get("AccountSid")})

	get := func(user, password string) (int, []byte) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, form.Get("RecordingUrl"), nil)
		require.NoError(t, err)
		if user != "" {
			request.SetBasicAuth(user, password)
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, body
	}
	for _, wrong := range [][2]string{{}, {accountSID, "wrong"}, {accountSID, apiKeySecret}} {
		status, _ := get(wrong[0], wrong[1])
		assert.Equal(t, http.StatusUnauthorized, status)
	}
	for user, password := range map[string]string{accountSID: authToken, apiKeySID: apiKeySecret} {
		status, wav := get(user, password)
		assert.Equal(t, http.StatusOK, status)
		assert.GreaterOrEqual(t, wavTime(t, wav), 200*time.Millisecond)
	}
	waitTold(t, phone, "Speak", "Thanks")
	waitOver(t, s, 0)
}

// The usual end of a voicemail, and a caller who says nothing.
func TestRecordEnds(t *testing.T) {
	documents := map[string]string{"/voice": `<Record action="/recorded" recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress"/><Say>Nothing</Say>`, "/recording": "", "/recorded": `<Say>Thanks</Say>`}
	t.Run("hangup", func(t *testing.T) {
		s, b, phone := answering(t, documents, Instant())
		b.waitAsked(t, "/recording")
		require.NoError(t, phone.Whistle(440, 300*time.Millisecond))
		require.NoError(t, phone.HangUp())
		form := b.waitAsked(t, "/recorded")
		assert.Equal(t, []string{"hangup", "completed"}, []string{form.Get("Digits"), form.Get("CallStatus")})
		assert.Empty(t, phone.Told())
		waitOver(t, s, 0)
	})
	t.Run("silence", func(t *testing.T) {
		s, b, phone := answering(t, documents, Instant())
		b.waitAsked(t, "/recording")
		s.FastForward(5 * time.Second)
		waitTold(t, phone, "Nothing")
		assert.False(t, slices.ContainsFunc(b.asked(), func(r *http.Request) bool { return r.URL.Path == "/recorded" }))
	})
}

// waitEvent waits for an event that has a text in it.
func waitEvent(t *testing.T, s *Server, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		events, _ := s.exchange.Recent(0)
		return slices.ContainsFunc(events, func(e exchange.Event) bool { return strings.Contains(e.Text, text) })
	}, 20*time.Second, time.Millisecond, "%s", text)
}

func waitCallStatus(t *testing.T, s *Server, status string) Call {
	t.Helper()
	call, err := s.WaitCall(patience(t), func(c Call) bool { return c.Status == status })
	require.NoError(t, err)
	return call
}

func TestDialNumber(t *testing.T) {
	documents := map[string]string{
		"/voice": `<Dial action="/after" timeout="20" answerOnBridge="true"><Number sendDigits="9w9" statusCallback="/progress" statusCallbackEvent="initiated ringing answered completed">+1 (555) 010-0002</Number></Dial>`,
		"/after": `<Say>Over</Say>`,
	}
	for name, test := range map[string]struct {
		act    func(*Server, *Phone, *Phone)
		status string
		events string
	}{
		"answered": {func(_ *Server, from, to *Phone) {
			require.NoError(t, to.Accept())
		}, "completed", "initiated ringing in-progress completed"},
		"rejected":  {func(_ *Server, _, to *Phone) { require.NoError(t, to.Reject()) }, "busy", "initiated ringing busy"},
		"no answer": {func(s *Server, _, _ *Phone) { s.FastForward(25 * time.Second) }, "no-answer", "initiated ringing no-answer"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBackend(t, documents)
			s := start(t, Number(office, b.URL+"/voice"), Instant())
			from, to := s.Phone(caller), s.Phone("+15550100002")
			require.NoError(t, from.Call(office))
			who, err := to.WaitRing(patience(t))
			require.NoError(t, err)
			assert.Equal(t, caller, who)
			test.act(s, from, to)
			if test.status == "completed" {
				waitCallStatus(t, s, "in-progress")
				whistling := make(chan error, 1)
				go func() { whistling <- to.Whistle(440, 500*time.Millisecond) }()
				require.NoError(t, from.WaitSound(patience(t), true))
				require.NoError(t, <-whistling)
				require.NoError(t, to.Press("5"))
				require.Eventually(t, func() bool { return from.Keys() == "5" }, 20*time.Second, time.Millisecond)
				assert.Equal(t, "9w9", to.Keys())
				require.NoError(t, to.HangUp())
			}
			form := b.waitAsked(t, "/after")
			assert.Equal(t, test.status, form.Get("DialCallStatus"))
			assert.Regexp(t, "^CA", form.Get("DialCallSid"))
			waitTold(t, from, "Over")
			b.waitAsked(t, "/progress", "CallStatus", test.events[strings.LastIndex(test.events, " ")+1:])
			var events, numbers []string
			for _, r := range b.asked() {
				if r.URL.Path == "/progress" {
					events = append(events, r.Form.Get("CallStatus"))
					numbers = append(numbers, r.Form.Get("SequenceNumber"))
					assert.Equal(t, form.Get("DialCallSid"), r.Form.Get("CallSid"))
					assert.Equal(t, form.Get("CallSid"), r.Form.Get("ParentCallSid"))
					requireSigned(t, b, r)
				}
			}
			assert.Equal(t, test.events, strings.Join(events, " "))
			assert.Equal(t, "0123"[:len(numbers)], strings.Join(numbers, ""))
		})
	}
}

// A page calls a number that nobody plays.
func TestNumberEchoes(t *testing.T) {
	s := start(t, change(func(s *Server) { s.config.Timing.PhonePicks = time.Millisecond }))
	alice := openDevice(t, s, both("alice"))
	alice.dial("+15550100009")
	alice.expect("ringing")
	alice.hear("TJ1", alice.expect("answer").SDP)
	alice.waitConnected("TJ1")
}

func TestWhisper(t *testing.T) {
	for name, test := range map[string]struct{ document, bridged string }{
		"connects": {`<Say>A call from the shop</Say>`, "true"},
		"declines": {`<Say>A call from the shop</Say><Hangup/>`, "false"},
		"keys":     {`<Gather numDigits="1" action="/pressed"><Say>A call from the shop</Say></Gather><Hangup/>`, "true"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBackend(t, map[string]string{
				"/voice":   `<Dial action="/after" answerOnBridge="true"><Number url="/whisper">+15550100002</Number></Dial>`,
				"/whisper": test.document, "/pressed": "", "/after": "",
			})
			s := start(t, Number(office, b.URL+"/voice"), Instant())
			from, to := s.Phone(caller), s.Phone("+15550100002")
			require.NoError(t, from.Call(office))
			_, err := to.WaitRing(patience(t))
			require.NoError(t, err)
			require.NoError(t, to.Accept())
			waitTold(t, to, "A call from the shop")
			if name == "keys" {
				require.NoError(t, to.Press("1"))
				assert.Equal(t, "1", b.waitAsked(t, "/pressed").Get("Digits"))
			}
			if test.bridged == "true" {
				waitCallStatus(t, s, "in-progress")
				require.NoError(t, to.HangUp())
			}
			form := b.waitAsked(t, "/after")
			assert.Equal(t, []string{"completed", test.bridged}, []string{form.Get("DialCallStatus"), form.Get("DialBridged")})
		})
	}
}

// The caller hears it ring meanwhile, and without answerOnBridge has been answered, however
// quick the other side was.
func TestClientWhisper(t *testing.T) {
	for name, test := range map[string]struct {
		onBridge   bool
		meanwhile  string
		then       func(tommy *page, sid string)
		wasBridged string
	}{
		"connects":                       {true, "ringing", func(tommy *page, sid string) { tommy.send("dtmf", payload{CallSID: sid, DTMF: "1"}) }, "true"},
		"connects, caller answered":      {false, "in-progress", func(tommy *page, sid string) { tommy.send("dtmf", payload{CallSID: sid, DTMF: "1"}) }, "true"},
		"callee leaves":                  {true, "ringing", func(tommy *page, sid string) { tommy.send("hangup", payload{CallSID: sid}) }, "false"},
		"callee leaves, caller answered": {false, "in-progress", func(tommy *page, sid string) { tommy.send("hangup", payload{CallSID: sid}) }, "false"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBackend(t, map[string]string{
				"/voice":   fmt.Sprintf(`<Dial action="/after" answerOnBridge="%v"><Client url="/whisper">tommy</Client></Dial>`, test.onBridge),
				"/whisper": `<Gather numDigits="1" timeout="600" action="/pressed"><Say>A call from the shop</Say></Gather>`, "/pressed": "", "/after": "",
			})
			s := start(t, Number(office, b.URL+"/voice"), Instant(), change(func(s *Server) { s.config.Timing.Answer = time.Hour }))
			tommy, from := openDevice(t, s, both("tommy")), s.Phone(caller)
			require.NoError(t, from.Call(office))
			sid := tommy.expect("invite").CallSID
			tommy.accept(sid)
			tommy.waitConnected(sid)
			waitEvent(t, s, `client:tommy is told "A call from the shop"`)
			require.NoError(t, from.WaitSound(patience(t), true), "it rings")
			assert.Equal(t, test.meanwhile, s.Calls()[0].Status)
			assert.Empty(t, from.Told())

			test.then(tommy, sid)
			if test.wasBridged == "true" {
				waitEvent(t, s, "are connected")
				require.NoError(t, from.WaitSound(patience(t), false), "it rings no more")
				assert.Equal(t, "in-progress", s.Calls()[0].Status)
				tommy.send("hangup", payload{CallSID: sid})
			}
			form := b.waitAsked(t, "/after")
			assert.Equal(t, []string{"completed", sid, test.wasBridged}, []string{form.Get("DialCallStatus"), form.Get("DialCallSid"), form.Get("DialBridged")})
		})
	}
}

func TestDialAttributes(t *testing.T) {
	dial := func(t *testing.T, attributes, nouns string) (*Server, *backend, *Phone, *Phone) {
		b := startBackend(t, map[string]string{"/voice": `<Dial action="/after" answerOnBridge="true" ` + attributes + `>` + nouns + `</Dial>`, "/after": `<Say>Over</Say>`})
		s := start(t, Number(office, b.URL+"/voice"), Instant())
		from, to := s.Phone(caller), s.Phone("+15550100002")
		s.Phone("+15550100003")
		require.NoError(t, from.Call(office))
		_, err := to.WaitRing(patience(t))
		require.NoError(t, err)
		return s, b, from, to
	}
	t.Run("hangupOnStar", func(t *testing.T) {
		s, b, from, to := dial(t, `hangupOnStar="true"`, "+15550100002")
		require.NoError(t, to.Accept())
		waitCallStatus(t, s, "in-progress")
		require.NoError(t, from.Press("*"))
		assert.Equal(t, "completed", b.waitAsked(t, "/after").Get("DialCallStatus"))
		waitTold(t, from, "Over")
		assert.Error(t, to.HangUp(), "it has no call any more")
	})
	t.Run("timeLimit", func(t *testing.T) {
		s, b, _, to := dial(t, `timeLimit="60"`, "+15550100002")
		require.NoError(t, to.Accept())
		waitCallStatus(t, s, "in-progress")
		s.FastForward(time.Minute)
		assert.Equal(t, "completed", b.waitAsked(t, "/after").Get("DialCallStatus"))
	})
	t.Run("sequential", func(t *testing.T) {
		s, b, _, to := dial(t, `sequential="true"`, "<Number>+15550100002</Number><Number>+15550100003</Number>")
		third := s.Phone("+15550100003")
		require.Error(t, third.Accept(), "it does not ring yet")
		require.NoError(t, to.Reject())
		_, err := third.WaitRing(patience(t))
		require.NoError(t, err)
		require.NoError(t, third.Accept())
		require.NoError(t, third.HangUp())
		assert.Equal(t, "completed", b.waitAsked(t, "/after").Get("DialCallStatus"))
	})
	t.Run("first answer wins", func(t *testing.T) {
		s, _, _, to := dial(t, ``, "<Number>+15550100002</Number><Number>+15550100003</Number>")
		third := s.Phone("+15550100003")
		require.NoError(t, to.Accept())
		assert.Error(t, third.Accept())
		waitCallStatus(t, s, "in-progress")
	})
}

// The one who is called speaks, and the caller does not.
func TestDialRecords(t *testing.T) {
	for track, heard := range map[string]bool{"both": true, "inbound": false, "outbound": true} {
		t.Run(track, func(t *testing.T) {
			b := startBackend(t, map[string]string{
				"/voice": `<Dial action="/after" record="record-from-answer-dual" recordingTrack="` + track + `" recordingStatusCallback="/recording"
					recordingStatusCallbackEvent="in-progress completed absent"><Number statusCallback="/progress">+15550100002</Number></Dial>`,
				"/after": `<Say>Over</Say>`, "/recording": "", "/progress": "",
			})
			s := start(t, Number(office, b.URL+"/voice"), Instant())
			from, to := s.Phone(caller), s.Phone("+15550100002")
			require.NoError(t, from.Call(office))
			_, err := to.WaitRing(patience(t))
			require.NoError(t, err)
			require.NoError(t, to.Accept())
			b.waitAsked(t, "/recording", "RecordingStatus", "in-progress")
			waitEvent(t, s, "are connected")
			require.NoError(t, to.Whistle(440, 300*time.Millisecond))
			require.NoError(t, to.HangUp())
			leg, action := b.waitAsked(t, "/progress", "CallStatus", "completed"), b.waitAsked(t, "/after")
			if !heard {
				b.waitAsked(t, "/recording", "RecordingStatus", "absent")
				assert.NotContains(t, leg, "RecordingUrl")
				assert.NotContains(t, action, "RecordingUrl")
				return
			}
			form := b.waitAsked(t, "/recording", "RecordingStatus", "completed")
			assert.Equal(t, []string{"DialVerb", "2"}, []string{form.Get("RecordingSource"), form.Get("RecordingChannels")})
			assert.Equal(t, []string{form.Get("RecordingUrl"), form.Get("RecordingSid"), form.Get("RecordingDuration")},
				[]string{leg.Get("RecordingUrl"), leg.Get("RecordingSid"), leg.Get("RecordingDuration")})
			assert.Equal(t, form.Get("RecordingUrl"), action.Get("RecordingUrl"))
		})
	}
}

func TestQueue(t *testing.T) {
	b := startBackend(t, map[string]string{
		"/voice":   `<Enqueue waitUrl="/wait" action="/left">support</Enqueue><Say>After</Say>`,
		"/wait":    `<Gather numDigits="1" timeout="600" action="/pressed"><Say>Wait, or press 1 to leave</Say></Gather>`,
		"/pressed": `<Leave/>`,
		"/left":    `<Say>Left</Say>`,
		"/agent":   `<Dial action="/dialled"><Queue url="/whisper">support</Queue></Dial>`,
		"/whisper": `<Say>Here is an agent</Say>`,
		"/dialled": `<Say>Next</Say>`,
	})
	const agents = "+15550100009"
	s := start(t, Number(office, b.URL+"/voice"), Number(agents, b.URL+"/agent"), Instant())

	t.Run("leaves", func(t *testing.T) {
		phone := s.Phone(caller)
		require.NoError(t, phone.Call(office))
		waitTold(t, phone, "Wait, or press 1 to leave")
		form := b.waitAsked(t, "/wait")
		assert.Equal(t, []string{"1", "1", "1000", "0"},
			[]string{form.Get("QueuePosition"), form.Get("CurrentQueueSize"), form.Get("MaxQueueSize"), form.Get("QueueTime")})
		require.NoError(t, phone.Press("1"))
		waitTold(t, phone, "Wait, or press 1 to leave", "Left")
		assert.Equal(t, "leave", b.waitAsked(t, "/left").Get("QueueResult"))
	})
	t.Run("hangs up", func(t *testing.T) {
		phone := s.Phone("+15550100002")
		require.NoError(t, phone.Call(office))
		waitTold(t, phone, "Wait, or press 1 to leave")
		require.NoError(t, phone.HangUp())
		assert.Equal(t, "completed", b.waitAsked(t, "/left", "QueueResult", "hangup").Get("CallStatus"))
	})
	t.Run("is dialled", func(t *testing.T) {
		agent, phone := s.Phone("+15550100003"), s.Phone("+15550100004")
		require.NoError(t, agent.Call(agents)) // before anybody waits
		require.NoError(t, agent.WaitSound(patience(t), true))
		require.NoError(t, phone.Call(office))
		require.Eventually(t, func() bool { return strings.Contains(strings.Join(phone.Told(), "|"), "Here is an agent") }, 20*time.Second, time.Millisecond)
		require.NoError(t, agent.WaitSound(patience(t), false))
		whistling := make(chan error, 1)
		go func() { whistling <- phone.Whistle(440, 500*time.Millisecond) }()
		require.NoError(t, agent.WaitSound(patience(t), true))
		require.NoError(t, <-whistling)
		require.NoError(t, agent.HangUp())
		form := b.waitAsked(t, "/left", "QueueResult", "bridged")
		assert.Regexp(t, "^QU", form.Get("QueueSid"))
		require.Eventually(t, func() bool { return strings.HasSuffix(strings.Join(phone.Told(), "|"), "|Left") }, 20*time.Second, time.Millisecond)
		dialled := b.waitAsked(t, "/dialled")
		assert.Equal(t, []string{"completed", form.Get("QueueSid"), form.Get("CallSid")},
			[]string{dialled.Get("DialCallStatus"), dialled.Get("QueueSid"), dialled.Get("DialCallSid")})
		whisper := b.waitAsked(t, "/whisper")
		assert.Equal(t, dialled.Get("CallSid"), whisper.Get("DequeingCallSid"))
	})
	t.Run("nobody waits", func(t *testing.T) {
		agent := s.Phone("+15550100005")
		require.NoError(t, agent.Call(agents))
		require.NoError(t, agent.WaitSound(patience(t), true))
		s.FastForward(35 * time.Second)
		b.waitAsked(t, "/dialled", "DialCallStatus", "no-answer")
	})
	t.Run("no such queue", func(t *testing.T) {
		s, b, phone := answering(t, map[string]string{"/voice": `<Dial action="/dialled"><Queue>sales</Queue></Dial>`, "/dialled": `<Say>Sorry</Say>`}, Instant())
		waitTold(t, phone, "Sorry")
		assert.Equal(t, "failed", b.waitAsked(t, "/dialled").Get("DialCallStatus"))
		waitOver(t, s, 0)
	})
}

func TestConference(t *testing.T) {
	conference := func(attributes string) string {
		return `<Dial action="/after"><Conference ` + attributes + ` statusCallback="/events" statusCallbackEvent="start end join leave">room</Conference></Dial>`
	}
	b := startBackend(t, map[string]string{
		"/a": conference(`waitUrl="/wait" beep="false"`), "/b": conference(`muted="true" waitUrl="" beep="false"`),
		"/c": conference(`endConferenceOnExit="true" beep="false"`), "/wait": `<Say>Alone</Say>`, "/after": `<Say>Over</Say>`,
	})
	s := start(t, Number("+15550100010", b.URL+"/a"), Number("+15550100011", b.URL+"/b"), Number("+15550100012", b.URL+"/c"), Instant())
	first, muted, moderator := s.Phone("+15550100001"), s.Phone("+15550100002"), s.Phone("+15550100003")
	require.NoError(t, first.Call("+15550100010"))
	waitTold(t, first, "Alone")
	require.NoError(t, muted.Call("+15550100011"))
	b.waitAsked(t, "/events", "StatusCallbackEvent", "conference-start")
	require.NoError(t, moderator.Call("+15550100012"))
	require.Eventually(t, func() bool {
		joined := 0
		for _, r := range b.asked() {
			if r.Form.Get("StatusCallbackEvent") == "participant-join" {
				joined++
			}
		}
		return joined == 3
	}, 20*time.Second, time.Millisecond)

	hears := func(speaker, listener *Phone, want bool) {
		t.Helper()
		require.NoError(t, listener.WaitSound(patience(t), false))
		whistling := make(chan error, 1)
		go func() { whistling <- speaker.Whistle(440, 600*time.Millisecond) }()
		if want {
			require.NoError(t, listener.WaitSound(patience(t), true))
		}
		require.NoError(t, <-whistling)
		if !want {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			require.Error(t, listener.WaitSound(ctx, true))
		}
	}
	hears(first, muted, true)
	hears(first, moderator, true)
	hears(muted, first, false)
	hears(moderator, muted, true)

	require.NoError(t, moderator.HangUp())
	waitTold(t, first, "Alone", "Over")
	waitTold(t, muted, "Over")
	end := b.waitAsked(t, "/events", "StatusCallbackEvent", "conference-end")
	assert.Equal(t, []string{"room", "participant-with-end-conference-on-exit-left"}, []string{end.Get("FriendlyName"), end.Get("ReasonConferenceEnded")})
	assert.Regexp(t, "^CF", end.Get("ConferenceSid"))
	form := b.waitAsked(t, "/after")
	assert.Equal(t, []string{"answered", ""}, []string{form.Get("DialCallStatus"), form.Get("DialCallSid")})
}

// A number of the account is dialled as any other: its own document answers.
func TestDialOwnNumber(t *testing.T) {
	b := startBackend(t, map[string]string{
		"/voice": `<Dial callerId="+15550100099" action="/after" answerOnBridge="true">` + office + `</Dial>`, "/after": "",
		"/number": `<Dial answerOnBridge="true"><Client>tommy</Client></Dial>`,
		"/circle": `<Dial>+15550100077</Dial>`,
	})
	s := start(t, VoiceURL(b.URL+"/voice"), Number(office, b.URL+"/number"), Number("+15550100077", b.URL+"/circle"))
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("office")
	sid := alice.expect("ringing").CallSID
	invite := tommy.expect("invite")
	assert.Equal(t, "+15550100099", invite.Parameters["From"])
	assert.Equal(t, "TN-Validation-Passed-A", invite.Parameters["StirStatus"], "the SDK's callerInfo.isVerified")
	tommy.accept(invite.CallSID)
	alice.hear("TJ1", alice.expect("answer").SDP)
	alice.waitConnected("TJ1")
	tommy.send("dtmf", payload{CallSID: invite.CallSID, DTMF: "5"})
	_, err := s.WaitCall(patience(t), func(c Call) bool { return c.SID == sid && c.Digits == "5" })
	require.NoError(t, err)
	tommy.send("hangup", payload{CallSID: invite.CallSID})
	alice.expect("hangup")
	assert.Equal(t, "completed", b.waitAsked(t, "/after").Get("DialCallStatus"))

	phone := s.Phone(caller)
	require.NoError(t, phone.Call("+15550100077"))
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(s.Calls(), func(c Call) bool { return c.Status == "ringing" || c.Status == "in-progress" })
	}, 20*time.Second, 10*time.Millisecond, "a circle of numbers ends")
}

// A telephone rings a page.
func TestNumberRingsPage(t *testing.T) {
	b := startBackend(t, map[string]string{"/voice": `<Dial answerOnBridge="true"><Client>tommy</Client></Dial>`})
	s := start(t, Number(office, b.URL+"/voice"), StatusCallback(b.URL+"/status"))
	tommy := openDevice(t, s, both("tommy"))
	phone := s.Phone(caller)
	require.NoError(t, phone.Call(office))
	invite := tommy.expect("invite")
	assert.Equal(t, caller, invite.Parameters["From"])
	assert.Equal(t, "ringing", s.Calls()[0].Status)
	tommy.accept(invite.CallSID)
	waitCallStatus(t, s, "in-progress")
	tommy.waitConnected(invite.CallSID)
	tommy.send("dtmf", payload{CallSID: invite.CallSID, DTMF: "7"})
	require.Eventually(t, func() bool { return phone.Keys() == "7" }, 20*time.Second, time.Millisecond)
	tommy.send("hangup", payload{CallSID: invite.CallSID})
	assert.Equal(t, "completed", waitOver(t, s, 0).Status)
	form := b.waitAsked(t, "/status")
	assert.Equal(t, []string{"completed", "0", "call-progress-events"},
		[]string{form.Get("CallStatus"), form.Get("SequenceNumber"), form.Get("CallbackSource")})
}

// A Client is one called party, however many devices it has.
func TestClientStatusCallbacks(t *testing.T) {
	s, b := dialling(t, map[string]string{"/voice": `<Dial answerOnBridge="true"><Client statusCallback="/progress" statusCallbackEvent="initiated ringing answered completed">tommy</Client></Dial>`})
	alice, tommys := openDevice(t, s, both("alice")), []*page{openDevice(t, s, both("tommy")), openDevice(t, s, both("tommy"))}
	alice.dial("tommy")
	parent := alice.expect("ringing").CallSID
	tommys[0].expect("invite")
	sid := tommys[1].expect("invite").CallSID
	tommys[1].accept(sid)
	tommys[0].expect("cancel")
	alice.expect("answer")
	tommys[1].send("hangup", payload{CallSID: sid})
	alice.expect("hangup")
	b.waitAsked(t, "/progress", "CallStatus", "completed")
	var events []string
	for _, r := range b.asked()[1:] {
		events = append(events, r.Form.Get("CallStatus"))
		assert.Equal(t, []string{parent, "client:tommy", "outbound-dial"}, []string{r.Form.Get("ParentCallSid"), r.Form.Get("To"), r.Form.Get("Direction")})
		if r.Form.Get("CallStatus") == "in-progress" || r.Form.Get("CallStatus") == "completed" {
			assert.Equal(t, sid, r.Form.Get("CallSid"))
		}
	}
	assert.Equal(t, []string{"initiated", "ringing", "in-progress", "completed"}, events)
}

// An answer need not be TwiML.
func TestAnswersOfOtherKinds(t *testing.T) {
	for name, test := range map[string]struct{ contentType, body, told, log string }{
		"text":      {"text/plain", "Hello\n", "Hello", ""},
		"TwiML":     {"text/plain", "<Response><Say>Hi</Say></Response>", "Hi", ""},
		"audio":     {"audio/wav", string(media.Tone(440, time.Second).WAV()), "", "hears http://"},
		"MP3":       {"audio/mpeg", "ID3", "", "a tone takes its place"},
		"latin 1":   {"text/xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Response><Say>caf\xe9</Say></Response>", "café", "<Say>caf\uFFFD</Say>"},
		"no URL":    {"text/xml", `<Response><Redirect>ftp://shop.example/?key=hunter2</Redirect></Response>`, "", `11100: the URL "ftp://shop.example/" is not valid`},
		"no audio":  {"text/xml", `<Response><Play>/</Play></Response>`, "", "13420"},
		"no answer": {"text/xml", `<Response><Play>http://127.0.0.1:1/</Play></Response>`, "", "11202"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBackendFunc(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				io.WriteString(w, test.body)
			})
			var log strings.Builder
			s := start(t, Number(office, b.URL), Instant(), Log(&log))
			phone := s.Phone(caller)
			require.NoError(t, phone.Call(office))
			waitOver(t, s, 0)
			s.Close()
			assert.Equal(t, test.told, strings.Join(phone.Told(), "|"))
			assert.Contains(t, log.String(), test.log)
			assert.NotContains(t, log.String(), "RIFF")
		})
	}
}

func TestConferenceThatCannotBeJoined(t *testing.T) {
	room := func(attributes string) string {
		return `<Dial action="/after"><Conference ` + attributes + ` statusCallback="/joined" statusCallbackEvent="join leave">room</Conference></Dial>`
	}
	b := startBackend(t, map[string]string{
		"/a": room(`participantLabel="a" waitUrl="" record="record-from-start" recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed"`),
		"/b": room(`participantLabel="a"`), "/c": room(`maxParticipants="2" waitUrl=""`), "/d": room(`waitUrl="/missing" startConferenceOnEnter="false"`),
		"/after": `<Say>Over</Say>`,
	})
	number := func(path string) string { return "+1555010001" + path }
	s := start(t, Instant(), Number(number("0"), b.URL+"/a"), Number(number("1"), b.URL+"/b"), Number(number("2"), b.URL+"/c"),
		Number(number("3"), b.URL+"/d"))
	call := func(from, to string) *Phone {
		phone := s.Phone(from)
		require.NoError(t, phone.Call(to))
		return phone
	}
	waitTold(t, call("+15550100005", number("3")), "Over") // its wait document is missing
	b.waitAsked(t, "/joined", "ReasonParticipantLeft", "participant_add_failed")
	first := call("+15550100001", number("0"))
	joined := func(from string) {
		t.Helper()
		for _, c := range s.Calls() {
			if c.From == from {
				b.waitAsked(t, "/joined", "CallSid", c.SID)
			}
		}
	}
	joined("+15550100001")
	waitTold(t, call("+15550100002", number("1")), "Over") // the label is in use
	second := call("+15550100003", number("2"))
	b.waitAsked(t, "/c")
	require.Eventually(t, func() bool {
		return first.Whistle(440, 50*time.Millisecond) == nil && second.WaitSound(patience(t), true) == nil
	},
		20*time.Second, time.Millisecond)
	waitTold(t, call("+15550100004", number("2")), "Over") // two are there
	require.NoError(t, first.Whistle(440, 300*time.Millisecond))
	require.NoError(t, first.HangUp())
	require.NoError(t, second.HangUp())
	form := b.waitAsked(t, "/recording", "RecordingStatus", "completed")
	assert.Equal(t, "Conference", form.Get("RecordingSource"))
	assert.Regexp(t, "^CF", form.Get("ConferenceSid"))
	assert.Equal(t, form.Get("ConferenceSid"), b.waitAsked(t, "/recording", "RecordingStatus", "in-progress").Get("ConferenceSid"))
}

func TestUselessSDP(t *testing.T) {
	s, _ := dialling(t, map[string]string{"/voice": `<Dial answerOnBridge="true"><Client>tommy</Client></Dial>`})
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	alice.expect("ringing")
	sid := tommy.expect("invite").CallSID
	tommy.send("answer", payload{CallSID: sid, SDP: "v=0"})
	assert.Contains(t, tommy.expectFault("hangup", 31000), "SDP answer")
	alice.expectFault("hangup", 31002)

	alice.send("invite", payload{CallSID: "TJ1", SDP: "v=0", Twilio: map[string]string{"params": "To=tommy"}})
	alice.expect("ringing")
	invite := tommy.expect("invite")
	other := connect(t, s, mint(t, both("tommy")), "2.18.5")
	other.send("invite", payload{CallSID: invite.CallSID, Reconnect: invite.Reconnect, SDP: "v=0"})
	assert.Contains(t, other.expectFault("hangup", 31000), "SDP offer")
	tommy.accept(invite.CallSID)
	tommy.expect("hangup")
	assert.Contains(t, alice.expectFault("hangup", 31000), "SDP offer")
}

func TestStatusCallbackThatCannotBeMade(t *testing.T) {
	var log strings.Builder
	s, _ := dialling(t, map[string]string{"/voice": `<Dial answerOnBridge="true"><Client statusCallback="ftp://127.0.0.1/">tommy</Client></Dial>`}, Log(&log))
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	alice.expect("ringing")
	tommy.expect("invite")
	s.Close()
	assert.Contains(t, log.String(), "11100: the URL \"ftp://127.0.0.1/\" is not valid")
}

// It has one line.
func TestPhoneIsBusy(t *testing.T) {
	s := start(t)
	phone, alice, bob := s.Phone(caller), openDevice(t, s, both("alice")), openDevice(t, s, both("bob"))
	alice.dial(caller)
	alice.expect("ringing")
	bob.dial(caller)
	bob.expectFault("hangup", 31486)
	require.NoError(t, phone.Accept())
	alice.expect("answer")
	bob.dial(caller)
	bob.expectFault("hangup", 31486)
	require.NoError(t, phone.HangUp())
	alice.expect("hangup")
	bob.dial(caller)
	bob.expect("ringing")
}

func TestPhoneMistakes(t *testing.T) {
	s := start(t)
	phone := s.Phone(caller)
	for what, err := range map[string]error{
		"is not ringing":          phone.Accept(),
		"is not on a call":        phone.HangUp(),
		"the keys of a telephone": phone.Press("x"),
		"a number of the account": phone.Call("+15550100099"),
		"WAV":                     phone.Speak([]byte("ID3")),
	} {
		require.ErrorContains(t, err, what)
		require.ErrorContains(t, err, "capabilitytest: ")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := phone.WaitRing(ctx)
	require.ErrorContains(t, err, caller+" does not ring")
	_, err = Start(Number("5550100", "http://127.0.0.1/"))
	require.ErrorContains(t, err, "+15550100000")
	_, err = Start(PublicIP("nowhere"))
	require.ErrorContains(t, err, "nowhere")
}
