package capabilitytest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const agent = "+15550100002"

// api is the REST API of a server, as a backend uses it. Each answer is held against the
// specification.
type api struct {
	t *testing.T
	s *Server
}

func (a api) do(method, path string, form url.Values) (int, map[string]any) {
	a.t.Helper()
	u := a.s.URL + "/2010-04-01/Accounts/" + accountSID + "/" + path
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		u += "?" + form.Encode()
	}
	r, err := http.NewRequestWithContext(patience(a.t), method, u, body)
	require.NoError(a.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(accountSID, authToken)
	response, err := http.DefaultClient.Do(r)
	require.NoError(a.t, err)
	defer response.Body.Close()
	answer := map[string]any{}
	if response.StatusCode == http.StatusNoContent {
		return response.StatusCode, answer
	}
	require.NoError(a.t, json.NewDecoder(response.Body).Decode(&answer), path)
	if response.StatusCode < 400 {
		a.checkAnswer(path, answer)
	}
	return response.StatusCode, answer
}

func pairs(of ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(of); i += 2 {
		form.Add(of[i], of[i+1])
	}
	return form
}

// post creates or updates a resource.
func (a api) post(path string, of ...string) map[string]any {
	a.t.Helper()
	status, answer := a.do(http.MethodPost, path+".json", pairs(of...))
	require.Less(a.t, status, 300, "%v", answer)
	return answer
}

func (a api) get(path string, of ...string) map[string]any {
	a.t.Helper()
	status, answer := a.do(http.MethodGet, path+".json", pairs(of...))
	require.Equal(a.t, 200, status, "%v", answer)
	return answer
}

func (a api) list(path string, of ...string) []map[string]any {
	a.t.Helper()
	var all []map[string]any
	for name, value := range a.get(path, of...) {
		if items, ok := value.([]any); ok && slices.Contains(slices.Collect(maps.Values(lists)), name) {
			for _, item := range items {
				all = append(all, item.(map[string]any))
			}
		}
	}
	return all
}

// fails checks that a request is refused in Twilio's form.
func (a api) fails(status, code int, method, path string, of ...string) string {
	a.t.Helper()
	got, answer := a.do(method, path, pairs(of...))
	assert.Equal(a.t, status, got, "%s %s %v: %v", method, path, of, answer)
	assert.EqualValues(a.t, status, answer["status"])
	if code == 0 {
		assert.NotContains(a.t, answer, "code")
	} else {
		assert.EqualValues(a.t, code, answer["code"], "%s %s %v: %v", method, path, of, answer)
		assert.Equal(a.t, fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), answer["more_info"])
	}
	return fmt.Sprint(answer["message"])
}

// waitStatus waits until a call has a status, and returns it.
func (a api) waitStatus(sid, status string) map[string]any {
	a.t.Helper()
	var call map[string]any
	require.Eventually(a.t, func() bool {
		call = a.get("Calls/" + sid)
		return call["status"] == status
	}, 20*time.Second, 5*time.Millisecond, "%s", status)
	return call
}

// checkAnswer holds an answer against the specification.
func (a api) checkAnswer(path string, answer map[string]any) {
	a.t.Helper()
	segments := strings.Split(strings.TrimSuffix(path, ".json"), "/")
	resource := segments[(len(segments)-1)/2*2]
	items, isPage := answer[lists[resource]].([]any)
	if !isPage {
		a.checkFields(path, answer, schemas[resource])
		return
	}
	fields := maps.Clone(answer)
	delete(fields, lists[resource])
	a.checkFields(path, fields, pageSchema)
	for _, item := range items {
		a.checkFields(path, item.(map[string]any), schemas[resource])
	}
}

func (a api) checkFields(path string, answer map[string]any, schema map[string]string) {
	a.t.Helper()
	require.Equal(a.t, slices.Sorted(maps.Keys(schema)), slices.Sorted(maps.Keys(answer)), path)
	for name, kind := range schema {
		kind, mayBeNull := strings.CutSuffix(kind, "?")
		if answer[name] == nil {
			assert.True(a.t, mayBeNull, "%s: %s is null", path, name)
			continue
		}
		assert.True(a.t, isOf(kind, answer[name]), "%s: %s is %v, not %s", path, name, answer[name], kind)
	}
}

var wholeSID = regexp.MustCompile(`^[A-Z]{2}[0-9a-fA-F]{32}$`)

func isOf(kind string, value any) bool {
	s, isText := value.(string)
	switch kind {
	case "text":
		return isText
	case "int":
		n, ok := value.(float64)
		return ok && n == float64(int(n))
	case "bool":
		_, ok := value.(bool)
		return ok
	case "time":
		_, err := mail.ParseDate(s)
		return err == nil && strings.HasSuffix(s, " +0000")
	case "uri":
		_, err := url.ParseRequestURI(s)
		return err == nil
	case "uris", "bools":
		_, ok := value.(map[string]any)
		return ok
	}
	if len(kind) == 2 {
		return wholeSID.MatchString(s) && s[:2] == kind
	}
	return isText && slices.Contains(strings.Split(kind, "|"), s)
}

func startAPI(t *testing.T, documents map[string]string, options ...Option) (api, *backend) {
	t.Helper()
	b := startBackend(t, documents)
	s := start(t, append(options, Number(office, b.URL+"/voice"), VoiceURL(b.URL+"/voice"), Instant())...)
	return api{t, s}, b
}

func sid(resource map[string]any) string { return resource["sid"].(string) }

func TestRESTCallsTelephone(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/hello": `<Say>Hello</Say><Pause length="60"/><Gather/>`, "/status": ""})
	phone := a.s.Phone(agent)
	call := a.post("Calls", "To", agent, "From", office, "Url", b.URL+"/hello?a=b", "SendDigits", "12#", "Unknown", "x",
		"StatusCallback", b.URL+"/status",
		"StatusCallbackEvent", "initiated", "StatusCallbackEvent", "ringing", "StatusCallbackEvent", "answered", "StatusCallbackEvent", "completed")
	assert.Equal(t, "queued", call["status"])
	assert.Equal(t, "(555) 010-0002", call["to_formatted"])
	from, err := phone.WaitRing(patience(t))
	require.NoError(t, err)
	assert.Equal(t, office, from)
	assert.Equal(t, "ringing", a.waitStatus(sid(call), "ringing")["status"])
	assert.NotContains(t, asked(b), "/hello", "Url is requested when the call connects")

	require.NoError(t, phone.Accept())
	form := b.waitAsked(t, "/hello")
	for name, want := range map[string]string{
		"CallSid": sid(call), "Direction": "outbound-api", "From": office, "To": agent, "CallStatus": "in-progress", "a": "b", "ParentCallSid": "",
	} {
		assert.Equal(t, want, form.Get(name), name)
	}
	waitTold(t, phone, "Hello")
	assert.Equal(t, "12#", phone.Keys())
	during := a.get("Calls/" + sid(call))
	assert.Equal(t, "in-progress", during["status"])
	assert.Nil(t, during["duration"])
	a.fails(400, 20009, "DELETE", "Calls/"+sid(call)+".json")

	require.NoError(t, phone.HangUp())
	after := a.waitStatus(sid(call), "completed")
	assert.Equal(t, "0", after["duration"])
	assert.NotNil(t, after["end_time"])
	var events []string
	b.waitAsked(t, "/status", "CallStatus", "completed")
	for _, r := range b.asked() {
		if r.URL.Path == "/status" {
			events = append(events, r.Form.Get("SequenceNumber")+r.Form.Get("CallStatus"))
			assert.Equal(t, "call-progress-events", r.Form.Get("CallbackSource"))
		}
	}
	assert.Equal(t, []string{"0initiated", "1ringing", "2in-progress", "3completed"}, events)
	assert.Equal(t, a.s.Calls()[0].SID, sid(call))
	status, _ := a.do("DELETE", "Calls/"+sid(call)+".json", nil)
	assert.Equal(t, 204, status)
	a.fails(404, 20404, "GET", "Calls/"+sid(call)+".json")
}

func asked(b *backend) []string {
	var paths []string
	for _, r := range b.asked() {
		paths = append(paths, r.URL.Path)
	}
	return paths
}

func TestRESTCallsClient(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/hello": `<Say>Hello</Say><Gather timeout="60"/>`, "/message": ""})
	first, second, tommy := openDevice(t, a.s, both("bob")), openDevice(t, a.s, both("bob")), openDevice(t, a.s, both("tommy"))
	call := a.post("Calls", "To", "client:bob?topic=tea+%26+cake&z=1&a=2", "From", "client:shop", "Url", b.URL+"/hello")
	assert.Equal(t, "client:bob", call["to"])
	for _, page := range []*page{first, second} {
		invite := page.expect("invite")
		assert.Equal(t, sid(call), invite.CallSID, "one call, whichever device answers")
		assert.Equal(t, "client:shop", invite.Parameters["From"])
		assert.Equal(t, "topic=tea+%26+cake&z=1&a=2", invite.Parameters["Params"])
	}
	tommy.expectNothing()
	assert.Empty(t, b.asked())
	first.accept(sid(call))
	assert.Equal(t, sid(call), second.expect("cancel").CallSID)
	b.waitAsked(t, "/hello")
	assert.Equal(t, "in-progress", a.waitStatus(sid(call), "in-progress")["status"])
	assert.Len(t, a.list("Calls"), 1)
	first.waitConnected(sid(call))

	message := a.post("Calls/"+sid(call)+"/UserDefinedMessages", "Content", `{"a":1}`)
	assert.Equal(t, sid(call), message["call_sid"])
	first.expect("message")

	messages := "Calls/" + sid(call) + "/UserDefinedMessageSubscriptions"
	subscription := sid(a.post(messages, "Callback", b.URL+"/message"))
	for range 2 {
		first.send("message", payload{CallSID: sid(call), VoiceEvent: "KX1", MessageType: "user-defined-message", Content: json.RawMessage(`{"z":1,"a":"é"}`)})
		first.expect("ack")
	}
	a.do("DELETE", messages+"/"+subscription+".json", nil)
	first.send("message", payload{CallSID: sid(call), VoiceEvent: "KX2", MessageType: "user-defined-message", Content: json.RawMessage(`{}`)})
	first.expect("ack")
	for _, n := range []string{"1", "2"} {
		form := b.waitAsked(t, "/message", "SequenceNumber", n)
		assert.Equal(t, []string{sid(call), "KX1", "application/json", `{"z":1,"a":"é"}`},
			[]string{form.Get("CallSid"), form.Get("Sid"), form.Get("ContentType"), form.Get("Content")})
	}

	ended := a.post("Calls/"+sid(call), "Status", "completed")
	assert.Equal(t, "completed", ended["status"])
	assert.Equal(t, sid(call), first.expect("hangup").CallSID)
}

// How calls end that nobody answers.
func TestRESTCallIsNotAnswered(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/hello": ``, "/status": ""})
	phone, busy := a.s.Phone(agent), a.s.Phone("+15550100003")
	call := func(to string) string {
		return sid(a.post("Calls", "To", to, "From", office, "Url", b.URL+"/hello", "StatusCallback", b.URL+"/status", "Timeout", "10"))
	}
	sids := map[string]string{}
	sids["declined"] = call("client:tommy")
	a.waitStatus(sids["declined"], "no-answer") // nobody is registered
	tommy := openDevice(t, a.s, both("tommy"))
	sids["rejected"] = call("client:tommy")
	tommy.send("reject", payload{CallSID: tommy.expect("invite").CallSID})
	a.waitStatus(sids["rejected"], "busy")

	sids["first"] = call("+15550100003")
	_, err := busy.WaitRing(patience(t))
	require.NoError(t, err)
	sids["busy"] = call("+15550100003")
	a.waitStatus(sids["busy"], "busy")
	for _, status := range []string{"canceled", "completed"} {
		sids[status] = call(agent)
		_, err := phone.WaitRing(patience(t))
		require.NoError(t, err)
		assert.Equal(t, "canceled", a.post("Calls/"+sids[status], "Status", status)["status"])
		assert.ErrorContains(t, phone.Accept(), "is not ringing")
	}
	sids["late"] = call(agent)
	_, err = phone.WaitRing(patience(t))
	require.NoError(t, err)
	a.waitStatus(sids["late"], "ringing")
	a.s.FastForward(15 * time.Second) // 10 and Twilio's 5
	late := a.waitStatus(sids["late"], "no-answer")
	assert.Nil(t, late["duration"])
	for name, want := range map[string][]string{"declined": {"no-answer", "404"}, "late": {"no-answer", "487"}, "busy": {"busy", ""}, "canceled": {"canceled", ""}} {
		form := b.waitAsked(t, "/status", "CallSid", sids[name])
		assert.Equal(t, append(want, "0", "0", "0"),
			[]string{form.Get("CallStatus"), form.Get("SipResponseCode"), form.Get("CallDuration"), form.Get("Duration"), form.Get("SequenceNumber")}, name)
	}
	assert.NotContains(t, asked(b), "/hello")
}

func TestRESTTimeLimit(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/hello": `<Gather timeout="600"/><Hangup/>`})
	phone := a.s.Phone(agent)
	for _, updated := range []bool{false, true} {
		form := []string{"To", agent, "From", office, "Url", b.URL + "/hello"}
		if !updated {
			form = append(form, "TimeLimit", "300")
		}
		call := sid(a.post("Calls", form...))
		_, err := phone.WaitRing(patience(t))
		require.NoError(t, err)
		require.NoError(t, phone.Accept())
		b.waitAsked(t, "/hello", "CallSid", call)
		if updated {
			a.post("Calls/"+call, "TimeLimit", "300")
		}
		a.s.FastForward(299 * time.Second)
		assert.Equal(t, "in-progress", a.get("Calls/" + call)["status"])
		a.s.FastForward(time.Second)
		a.waitStatus(call, "completed")
	}
}

func TestRESTDocuments(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/voice": `<Say>Welcome</Say>`, "/fallback": `<Say>Sorry</Say>`, "/broken": `<Say>`})
	phone := a.s.Phone(agent)
	app := sid(a.post("Applications", "VoiceUrl", b.URL+"/voice", "VoiceMethod", "GET", "FriendlyName", "shop"))
	told := []string{}
	for _, test := range []struct {
		form []string
		says string
	}{
		{[]string{"Twiml", "<Response><Say>Hi</Say></Response>"}, "Hi"},
		{[]string{"Twiml", "<Response><Say>Hi</Say></Response>", "Url", b.URL + "/voice"}, "Welcome"},
		{[]string{"ApplicationSid", app}, "Welcome"},
		{[]string{"Url", b.URL + "/missing", "FallbackUrl", b.URL + "/fallback"}, "Sorry"},
		{[]string{"Url", b.URL + "/broken", "FallbackUrl", b.URL + "/fallback", "FallbackMethod", "GET"}, "Sorry"},
		{[]string{"Twiml", "nonsense", "FallbackUrl", b.URL + "/fallback"}, "Sorry"},
		{[]string{"Twiml", "<Response><Gather action='relative' numDigits='1'/></Response>"}, ""},
		{[]string{"Twiml", "<Response><Redirect/></Response>"}, ""},
		{[]string{"Twiml", "<Response><Redirect>" + b.URL + "/voice</Redirect></Response>"}, "Welcome"},
	} {
		call := sid(a.post("Calls", append(test.form, "To", agent, "From", office)...))
		_, err := phone.WaitRing(patience(t))
		require.NoError(t, err)
		require.NoError(t, phone.Accept())
		if test.says != "" {
			told = append(told, test.says)
		}
		if strings.Contains(test.form[1], "Gather") {
			a.waitStatus(call, "in-progress")
			require.Eventually(t, func() bool { return phone.Press("1") != nil }, 20*time.Second, time.Millisecond)
		}
		a.waitStatus(call, "completed")
		waitTold(t, phone, told...)
	}
	form := b.waitAsked(t, "/fallback")
	assert.Equal(t, []string{"11200", b.URL + "/missing"}, []string{form.Get("ErrorCode"), form.Get("ErrorUrl")})
}

// The caller's Dial is interrupted: its action is requested first, and its answer dropped.
func TestRESTRedirectsCaller(t *testing.T) {
	a, b := startAPI(t, map[string]string{
		"/voice": `<Dial action="/after"><Number>` + agent + `</Number></Dial>`, "/after": `<Say>After</Say>`,
		"/moved": `<Say>Moved</Say><Gather timeout="60"/>`,
	})
	from, to := a.s.Phone(caller), a.s.Phone(agent)
	require.NoError(t, from.Call(office))
	_, err := to.WaitRing(patience(t))
	require.NoError(t, err)
	parent := a.list("Calls", "From", caller, "To", office)[0]
	child := a.list("Calls", "ParentCallSid", sid(parent))[0]
	assert.Equal(t, []any{"in-progress", "inbound", "ringing", "outbound-dial", sid(parent)},
		[]any{parent["status"], parent["direction"], child["status"], child["direction"], child["parent_call_sid"]})
	a.fails(400, 21220, "POST", "Calls/"+sid(child)+".json", "Url", b.URL+"/moved")
	require.NoError(t, to.Accept())
	a.waitStatus(sid(child), "in-progress")
	assert.Equal(t, "in-progress", a.post("Calls/"+sid(parent), "Url", b.URL+"/moved", "Method", "GET")["status"])
	waitTold(t, from, "Moved")
	assert.Equal(t, []string{"/voice", "/after", "/moved"}, asked(b))
	assert.Equal(t, "completed", b.waitAsked(t, "/after").Get("DialCallStatus"))
	a.waitStatus(sid(child), "completed")
	assert.Equal(t, "in-progress", a.get("Calls/" + sid(parent))["status"])

	a.post("Calls/"+sid(parent), "Twiml", "<Response><Say>Bye</Say></Response>")
	waitTold(t, from, "Moved", "Bye")
	a.waitStatus(sid(parent), "completed")
	for _, form := range [][]string{{"Url", b.URL + "/moved"}, {"Status", "completed"}} {
		assert.Equal(t, "Call is not in-progress. Cannot redirect.", a.fails(400, 21220, "POST", "Calls/"+sid(parent)+".json", form...))
	}
	assert.Equal(t, "completed", a.post("Calls/"+sid(parent), "Status", "canceled")["status"])
}

// The dialled leg leaves the Dial, and outlives the caller.
func TestRESTRedirectsDialledLeg(t *testing.T) {
	a, b := startAPI(t, map[string]string{
		"/voice": `<Dial action="/after"><Number statusCallback="/leg">` + agent + `</Number></Dial>`, "/after": `<Say>Alone</Say><Gather timeout="60"/>`,
		"/moved": `<Say>Moved</Say><Gather timeout="60"/>`, "/leg": "",
	})
	from, to := a.s.Phone(caller), a.s.Phone(agent)
	require.NoError(t, from.Call(office))
	_, err := to.WaitRing(patience(t))
	require.NoError(t, err)
	require.NoError(t, to.Accept())
	child := sid(a.list("Calls", "To", agent)[0])
	a.waitStatus(child, "in-progress")
	a.post("Calls/"+child, "Url", b.URL+"/moved")
	waitTold(t, to, "Moved")
	waitTold(t, from, "Alone")
	form := b.waitAsked(t, "/after")
	assert.Equal(t, []string{"completed", child, ""}, []string{form.Get("DialCallStatus"), form.Get("DialCallSid"), form.Get("DialCallDuration")})
	assert.Equal(t, child, b.waitAsked(t, "/moved").Get("CallSid"))
	require.NoError(t, from.HangUp())
	waitOver(t, a.s, 0)
	assert.Equal(t, "in-progress", a.get("Calls/" + child)["status"])
	require.NoError(t, to.Press("1"))
	require.NoError(t, to.HangUp())
	a.waitStatus(child, "completed")
	assert.Equal(t, "completed", b.waitAsked(t, "/leg").Get("CallStatus"))
}

// A leg that rings is ended, and a status callback given to a call that goes on.
func TestRESTEndsDialledLeg(t *testing.T) {
	a, b := startAPI(t, map[string]string{
		"/voice": `<Dial action="/after"><Number>` + agent + `</Number></Dial>`, "/after": `<Gather timeout="60"/>`, "/status": "",
	})
	from, to := a.s.Phone(caller), a.s.Phone(agent)
	require.NoError(t, from.Call(office))
	_, err := to.WaitRing(patience(t))
	require.NoError(t, err)
	child := sid(a.list("Calls", "To", agent)[0])
	assert.Equal(t, "canceled", a.post("Calls/"+child, "Status", "completed")["status"])
	assert.Equal(t, "canceled", b.waitAsked(t, "/after").Get("DialCallStatus"))
	parent := a.s.Calls()[0].SID
	assert.Equal(t, "in-progress", a.post("Calls/"+parent, "Status", "canceled", "StatusCallback", b.URL+"/status")["status"], "it was answered")
	require.NoError(t, from.HangUp())
	assert.Equal(t, parent, b.waitAsked(t, "/status").Get("CallSid"))
}

// REST calls a number of the account, which does what its document says.
func TestRESTCallsOwnNumber(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/voice": `<Gather numDigits="1" action="/pressed"/>`, "/pressed": `<Hangup/>`, "/hello": `<Play digits="7"/><Pause length="60"/><Gather timeout="60"/>`})
	call := sid(a.post("Calls", "To", office, "From", office, "Url", b.URL+"/hello"))
	assert.Equal(t, call, b.waitAsked(t, "/hello").Get("CallSid"))
	inbound := a.list("Calls", "To", office)
	require.Len(t, inbound, 2)
	assert.NotNil(t, inbound[0]["phone_number_sid"])
	assert.Equal(t, "7", b.waitAsked(t, "/pressed").Get("Digits"))
	for _, leg := range a.list("Calls") {
		a.waitStatus(sid(leg), "completed")
	}
}

func TestRESTQueues(t *testing.T) {
	a, b := startAPI(t, map[string]string{
		"/voice": `<Enqueue action="/left">shop</Enqueue>`, "/left": ``,
		"/moved": `<Say>Moved</Say><Gather timeout="60"/>`, "/agent": `<Dial><Queue>shop</Queue></Dial>`,
	})
	queue := a.post("Queues", "FriendlyName", "shop", "MaxSize", "2")
	assert.EqualValues(t, 2, queue["max_size"])
	assert.Equal(t, "support", a.post("Queues/"+sid(queue), "FriendlyName", "support", "MaxSize", "3")["friendly_name"])
	a.post("Queues/"+sid(queue), "FriendlyName", "shop")
	members := "Queues/" + sid(queue) + "/Members"
	a.fails(404, 20404, "GET", members+"/Front.json")

	phones := []*Phone{a.s.Phone(caller), a.s.Phone(agent), a.s.Phone("+15550100003")}
	for i, phone := range phones {
		require.NoError(t, phone.Call(office))
		require.Eventually(t, func() bool { return len(a.list(members)) == i+1 }, 20*time.Second, time.Millisecond)
	}
	calls := a.s.Calls()
	front := a.get(members + "/Front")
	assert.Equal(t, calls[0].SID, front["call_sid"])
	assert.EqualValues(t, 1, front["position"])
	assert.EqualValues(t, 2, a.get(members + "/" + calls[1].SID)["position"])
	assert.EqualValues(t, 3, a.get("Queues/" + sid(queue))["current_size"])
	a.fails(400, 0, "DELETE", "Queues/"+sid(queue)+".json")
	a.fails(400, 21205, "POST", members+"/Front.json")

	for i, key := range []string{"Front", calls[1].SID} { // by REST's Members
		assert.Equal(t, calls[i].SID, a.post(members+"/"+key, "Url", b.URL+"/moved")["call_sid"])
		waitTold(t, phones[i], "Moved")
	}
	a.post("Calls/"+calls[2].SID, "Url", b.URL+"/moved") // by Calls
	waitTold(t, phones[2], "Moved")
	for _, call := range calls {
		assert.Equal(t, "redirected", b.waitAsked(t, "/left", "CallSid", call.SID).Get("QueueResult"))
	}
	assert.Empty(t, a.list(members))

	// An agent is called, who dials the queue; the caller is taken out of their talk.
	require.NoError(t, phones[0].HangUp())
	require.Eventually(t, func() bool { return phones[0].Call(office) == nil }, 20*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return len(a.list(members)) == 1 }, 20*time.Second, time.Millisecond)
	tommy := openDevice(t, a.s, both("tommy"))
	call := sid(a.post("Calls", "To", "client:tommy", "From", office, "Url", b.URL+"/agent"))
	tommy.accept(tommy.expect("invite").CallSID)
	require.Eventually(t, func() bool { return len(a.list(members)) == 0 }, 20*time.Second, time.Millisecond)
	tommy.waitConnected(call)
	last := a.s.Calls()[3].SID
	a.post("Calls/"+last, "Url", b.URL+"/moved")
	assert.Equal(t, call, tommy.expect("hangup").CallSID)
	assert.Equal(t, "redirected-from-bridged", b.waitAsked(t, "/left", "CallSid", last).Get("QueueResult"))
	waitTold(t, phones[0], "Moved", "Moved")

	status, _ := a.do("DELETE", "Queues/"+sid(queue)+".json", nil)
	assert.Equal(t, 204, status)
	assert.Empty(t, a.list("Queues"))
}
