package capabilitytest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hears checks whether a telephone hears what another says.
func hears(t *testing.T, speaker, listener *Phone, want bool) {
	t.Helper()
	require.NoError(t, listener.WaitSound(patience(t), false))
	whistling := make(chan error, 1)
	go func() { whistling <- speaker.Whistle(440, 600*time.Millisecond) }()
	heard := false
	for done := false; !done; {
		select {
		case err := <-whistling:
			require.NoError(t, err)
			done = true
		case <-time.After(20 * time.Millisecond):
			heard = heard || listener.line.Hears()
		}
	}
	assert.Equal(t, want, heard)
}

func TestRESTConference(t *testing.T) {
	a, b := startAPI(t, map[string]string{
		"/voice": `<Dial action="/after"><Conference beep="false" waitUrl="" statusCallback="/events" statusCallbackEvent="start end join leave mute hold modify announcement">room</Conference></Dial>`,
		"/after": `<Say>After</Say><Gather timeout="60"/>`, "/hold": `<Say>On hold</Say>`, "/announce": `<Say>Attention</Say>`, "/leg": "",
	})
	from, to, third := a.s.Phone(caller), a.s.Phone(agent), a.s.Phone("+15550100003")
	require.NoError(t, from.Call(office))
	require.Eventually(t, func() bool { return len(a.list("Conferences")) == 1 }, 20*time.Second, time.Millisecond)
	conference := a.list("Conferences", "Status", "init", "FriendlyName", "room")[0]
	room := "Conferences/" + sid(conference)
	a.fails(405, 20004, "GET", "Conferences/room.json")
	a.fails(405, 20004, "GET", "Conferences/room/Participants.json")

	// An agent is called into it by name.
	added := a.post("Conferences/room/Participants", "From", office, "To", agent, "Label", "agent", "Beep", "false", "WaitUrl", "",
		"StatusCallback", b.URL+"/leg", "StatusCallbackEvent", "ringing completed")
	assert.Equal(t, []any{sid(conference), "queued", "agent"}, []any{added["conference_sid"], added["status"], added["label"]})
	a.fails(400, 16026, "POST", room+"/Participants.json", "From", office, "To", agent, "Label", "agent")
	_, err := to.WaitRing(patience(t))
	require.NoError(t, err)
	assert.Equal(t, "ringing", a.get(room + "/Participants/agent")["status"])
	a.fails(400, 16099, "POST", room+"/Participants/agent.json", "Muted", "true")
	require.NoError(t, to.Accept())
	b.waitAsked(t, "/events", "StatusCallbackEvent", "conference-start")
	assert.Equal(t, "in-progress", a.get(room)["status"])
	assert.Equal(t, "outbound-api", a.get("Calls/" + added["call_sid"].(string))["direction"])
	require.Eventually(t, func() bool { return a.get(room + "/Participants/agent")["status"] == "connected" }, 20*time.Second, time.Millisecond)
	hears(t, from, to, true)

	them := room + "/Participants/agent"
	assert.Equal(t, true, a.post(them, "Muted", "True")["muted"])
	hears(t, to, from, false)
	hears(t, from, to, true)
	assert.Len(t, a.list(room+"/Participants", "Muted", "true"), 1)
	a.post(them, "Muted", "false")
	hears(t, to, from, true)

	assert.Equal(t, true, a.post(them, "Hold", "true", "HoldUrl", b.URL+"/hold")["hold"])
	waitTold(t, to, "On hold")
	assert.Equal(t, http.MethodGet, method(b, "/hold"))
	hears(t, from, to, false)
	hears(t, to, from, false)
	a.post(them, "EndConferenceOnExit", "true") // without effect, while on hold
	back := a.post(them, "Hold", "false", "EndConferenceOnExit", "false")
	assert.Equal(t, []any{false, false}, []any{back["hold"], back["end_conference_on_exit"]})
	hears(t, from, to, true)

	a.post(them, "AnnounceUrl", b.URL+"/announce")
	waitTold(t, to, "On hold", "Attention")
	assert.Empty(t, from.Told())
	b.waitAsked(t, "/events", "StatusCallbackEvent", "announcement-end")
	a.post(room, "AnnounceUrl", b.URL+"/announce", "AnnounceMethod", "GET")
	waitTold(t, to, "On hold", "Attention", "Attention")
	waitTold(t, from, "Attention")

	// A supervisor who coaches the agent: the caller does not hear them.
	coach := a.post(room+"/Participants", "From", office, "To", "+15550100003", "Beep", "false", "Coaching", "true", "CallSidToCoach", added["call_sid"].(string))
	assert.Equal(t, []any{true, added["call_sid"]}, []any{coach["coaching"], coach["call_sid_to_coach"]})
	_, err = third.WaitRing(patience(t))
	require.NoError(t, err)
	require.NoError(t, third.Accept())
	require.Eventually(t, func() bool { return len(a.list(room+"/Participants", "Coaching", "true")) == 1 }, 20*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		return a.get(room + "/Participants/" + coach["call_sid"].(string))["status"] == "connected"
	}, 20*time.Second, time.Millisecond)
	hears(t, third, to, true)
	hears(t, third, from, false)
	a.fails(400, 16028, "POST", them+".json", "Coaching", "true", "CallSidToCoach", "CA00000000000000000000000000000000")
	a.fails(400, 16002, "POST", them+".json", "Coaching", "true")

	// The agent is kicked: the call is over, as it has nothing else to do.
	status, _ := a.do("DELETE", them+".json", nil)
	assert.Equal(t, 204, status)
	a.waitStatus(added["call_sid"].(string), "completed")
	left := b.waitAsked(t, "/events", "StatusCallbackEvent", "participant-leave")
	assert.Equal(t, []string{"agent", "participant_updated_via_api"}, []string{left.Get("ParticipantLabel"), left.Get("ReasonParticipantLeft")})
	assert.Equal(t, "completed", b.waitAsked(t, "/leg", "CallStatus", "completed").Get("CallStatus"))
	a.fails(404, 20404, "GET", them+".json")

	// The conference is ended: the caller goes on after their Dial.
	assert.Equal(t, "completed", a.post(room, "Status", "completed")["status"])
	waitTold(t, from, "Attention", "After")
	ended := a.list("Conferences", "Status", "completed")[0]
	assert.Equal(t, []any{"conference-ended-via-api", nil}, []any{ended["reason_conference_ended"], ended["call_sid_ending_conference"]})
	require.Eventually(t, func() bool { return len(a.list(room+"/Participants")) == 0 }, 20*time.Second, time.Millisecond)
	a.fails(400, 16022, "POST", room+".json", "Status", "completed")
	a.fails(400, 16022, "POST", room+"/Participants.json", "From", office, "To", agent)
}

func method(b *backend, path string) string {
	for _, r := range b.asked() {
		if r.URL.Path == path {
			return r.Method
		}
	}
	return ""
}

// A conference into which nobody comes is over.
func TestRESTNobodyComes(t *testing.T) {
	a, _ := startAPI(t, nil)
	phone := a.s.Phone(agent)
	for name, leave := range map[string]func(participant string){
		"rejects": func(string) { require.NoError(t, phone.Reject()) },
		"removed": func(participant string) {
			status, _ := a.do("DELETE", participant+".json", nil)
			assert.Equal(t, 204, status)
		},
	} {
		added := a.post("Conferences/"+name+"/Participants", "From", office, "To", agent)
		_, err := phone.WaitRing(patience(t))
		require.NoError(t, err)
		leave("Conferences/" + added["conference_sid"].(string) + "/Participants/" + added["call_sid"].(string))
		require.Eventually(t, func() bool { return a.list("Conferences", "FriendlyName", name)[0]["status"] == "completed" }, 20*time.Second, time.Millisecond)
	}
}

// Both legs of a Dial are moved to a conference, the dialled one first.
func TestRESTMovesTalkToConference(t *testing.T) {
	const room = `<Dial><Conference beep="false" waitUrl="">room</Conference></Dial>`
	a, b := startAPI(t, map[string]string{"/voice": `<Dial action="/room"><Number>` + agent + `</Number></Dial>`, "/room": room})
	from, to := a.s.Phone(caller), a.s.Phone(agent)
	require.NoError(t, from.Call(office))
	_, err := to.WaitRing(patience(t))
	require.NoError(t, err)
	require.NoError(t, to.Accept())
	child := sid(a.list("Calls", "To", agent)[0])
	a.waitStatus(child, "in-progress")
	a.post("Calls/"+child, "Url", b.URL+"/room")
	require.Eventually(t, func() bool { return len(a.list("Conferences", "Status", "in-progress")) == 1 }, 20*time.Second, time.Millisecond)
	hears(t, from, to, true)
	hears(t, to, from, true)
	require.NoError(t, from.HangUp())
	assert.Equal(t, "in-progress", a.get("Calls/" + child)["status"])
}

func TestRESTRecordings(t *testing.T) {
	a, b := startAPI(t, map[string]string{
		"/voice": `<Record action="/done" timeout="0" finishOnKey="#" playBeep="false"/>`, "/done": "", "/hello": `<Gather timeout="60"/>`, "/recorded": "", "/status": "",
	})
	phone := a.s.Phone(caller)
	require.NoError(t, phone.Call(office))
	require.Eventually(t, func() bool { return len(a.list("Recordings")) == 1 }, 20*time.Second, time.Millisecond)
	voicemail := a.list("Recordings")[0]
	assert.Equal(t, []any{"in-progress", "RecordVerb", nil}, []any{voicemail["status"], voicemail["source"], voicemail["duration"]})
	a.fails(400, 20009, "DELETE", "Recordings/"+sid(voicemail)+".json")
	a.fails(404, 20404, "GET", "Recordings/"+sid(voicemail))
	require.NoError(t, phone.Whistle(440, 1200*time.Millisecond))
	require.NoError(t, phone.Press("#"))
	form := b.waitAsked(t, "/done")
	made := a.get("Recordings/" + sid(voicemail))
	assert.Equal(t, []any{"completed", "1", float64(1)}, []any{made["status"], made["duration"], made["channels"]})
	assert.Equal(t, form.Get("RecordingUrl"), made["media_url"])
	for _, suffix := range []string{"", ".wav"} {
		assert.Equal(t, []byte("RIFF"), a.wav(form.Get("RecordingUrl") + suffix)[:4])
	}
	assert.Contains(t, a.fails(404, 20404, "GET", "Recordings/"+sid(voicemail)+".mp3"), "MP3")
	assert.Len(t, a.list("Calls/"+form.Get("CallSid")+"/Recordings"), 1)
	assert.Len(t, a.list("Recordings", "CallSid", form.Get("CallSid"), "DateCreated>", "2020-01-01"), 1)
	assert.Empty(t, a.list("Recordings", "DateCreated<", "2020-01-01"))

	to := a.s.Phone(agent) // a whole call
	call := sid(a.post("Calls", "To", agent, "From", office, "Url", b.URL+"/hello", "Record", "true", "RecordingChannels", "dual",
		"RecordingStatusCallback", b.URL+"/recorded", "RecordingStatusCallbackEvent", "in-progress completed", "StatusCallback", b.URL+"/status"))
	_, err := to.WaitRing(patience(t))
	require.NoError(t, err)
	require.NoError(t, to.Accept())
	b.waitAsked(t, "/recorded", "RecordingStatus", "in-progress")
	require.NoError(t, to.Whistle(440, 500*time.Millisecond))
	require.NoError(t, to.HangUp())
	whole := b.waitAsked(t, "/recorded", "RecordingStatus", "completed")
	assert.Equal(t, []string{"OutboundAPI", "2", call}, []string{whole.Get("RecordingSource"), whole.Get("RecordingChannels"), whole.Get("CallSid")})
	for _, name := range []string{"RecordingUrl", "RecordingSid", "RecordingDuration"} {
		assert.Equal(t, whole.Get(name), b.waitAsked(t, "/status").Get(name), name)
	}

	call = sid(a.post("Calls", "To", agent, "From", office, "Url", b.URL+"/hello", "Record", "true", "RecordingTrack", "outbound",
		"RecordingStatusCallback", b.URL+"/recorded", "RecordingStatusCallbackEvent", "absent"))
	_, err = to.WaitRing(patience(t))
	require.NoError(t, err)
	require.NoError(t, to.Accept())
	require.Eventually(t, func() bool { return len(a.list("Calls/"+call+"/Recordings")) == 1 }, 20*time.Second, time.Millisecond)
	require.NoError(t, to.Whistle(440, 300*time.Millisecond)) // which is its other track
	require.NoError(t, to.HangUp())
	b.waitAsked(t, "/recorded", "RecordingStatus", "absent")

	status, _ := a.do("DELETE", "Recordings/"+whole.Get("RecordingSid")+".json", nil)
	assert.Equal(t, 204, status)
	assert.Len(t, a.list("Recordings"), 2)
}

// wav fetches a file with the account's API key.
func (a api) wav(u string) []byte {
	a.t.Helper()
	r, err := http.NewRequestWithContext(patience(a.t), http.MethodGet, u, nil)
	require.NoError(a.t, err)
	r.SetBasicAuth(apiKeySID, apiKeySecret)
	response, err := http.DefaultClient.Do(r)
	require.NoError(a.t, err)
	defer response.Body.Close()
	require.Equal(a.t, 200, response.StatusCode)
	assert.True(a.t, strings.HasPrefix(response.Header.Get("Content-Type"), "audio/"))
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(a.t, err)
	return body.Bytes()
}

// Twilio's own music on hold, an announcement that fails, and the last participant kicked.
func TestRESTConferenceOfOne(t *testing.T) {
	a, b := startAPI(t, map[string]string{
		"/voice":  `<Dial><Conference beep="false" waitUrl="" statusCallback="/events" statusCallbackEvent="end leave announcement">room</Conference></Dial>`,
		"/events": "",
	})
	from, to := a.s.Phone(caller), a.s.Phone(agent)
	require.NoError(t, from.Call(office))
	require.NoError(t, to.Call(office))
	require.Eventually(t, func() bool { return len(a.list("Conferences", "Status", "in-progress")) == 1 }, 20*time.Second, time.Millisecond)
	conference := sid(a.list("Conferences")[0])
	room := "Conferences/" + conference
	us, them := a.s.Calls()[0].SID, a.s.Calls()[1].SID
	require.NoError(t, from.WaitSound(patience(t), false))
	a.post(room+"/Participants/"+us, "Hold", "true")
	require.NoError(t, from.WaitSound(patience(t), true))
	require.NoError(t, to.WaitSound(patience(t), false))
	a.fails(400, 16027, "POST", room+"/Participants/"+them+".json", "CallSidToCoach", us)
	a.post(room+"/Participants/"+us, "Hold", "false")
	require.NoError(t, from.WaitSound(patience(t), false))
	assert.Equal(t, us, a.post(room+"/Participants/"+them, "CallSidToCoach", us)["call_sid_to_coach"])
	assert.Equal(t, false, a.post(room+"/Participants/"+them, "Coaching", "false")["coaching"])
	a.post(room, "AnnounceUrl", b.URL+"/missing")
	b.waitAsked(t, "/events", "StatusCallbackEvent", "announcement-fail")

	for _, call := range []string{us, them} {
		status, _ := a.do("DELETE", room+"/Participants/"+call+".json", nil)
		assert.Equal(t, 204, status)
		a.waitStatus(call, "completed")
	}
	end := b.waitAsked(t, "/events", "StatusCallbackEvent", "conference-end")
	assert.Equal(t, []string{"last-participant-kicked", them}, []string{end.Get("ReasonConferenceEnded"), end.Get("CallSidEndingConference")})
	assert.Equal(t, them, a.get(room)["call_sid_ending_conference"])
	a.fails(404, 20404, "POST", room+"/Participants/"+us+".json", "Muted", "true")
	assert.Empty(t, a.list(room+"/Recordings"))
}
