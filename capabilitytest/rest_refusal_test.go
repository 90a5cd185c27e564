package capabilitytest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// send makes a request as it is given.
func (a api) send(method, path, contentType, body string, login ...string) (int, http.Header, string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(patience(a.t), method, a.s.URL+path, strings.NewReader(body))
	require.NoError(a.t, err)
	r.Header.Set("Content-Type", contentType)
	if len(login) == 2 {
		r.SetBasicAuth(login[0], login[1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(a.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(a.t, err)
	return response.StatusCode, response.Header, string(text)
}

const (
	account  = "/2010-04-01/Accounts/" + accountSID + "/"
	formType = "application/x-www-form-urlencoded"
)

func TestRESTAuthentication(t *testing.T) {
	a, _ := startAPI(t, nil)
	for name, test := range map[string]struct {
		path   string
		login  []string
		status int
	}{
		"auth token":         {account + "Calls.json", []string{accountSID, authToken}, 200},
		"API key":            {account + "Calls.json", []string{apiKeySID, apiKeySecret}, 200},
		"none":               {account + "Calls.json", nil, 401},
		"wrong token":        {account + "Calls.json", []string{accountSID, authToken + "x"}, 401},
		"no token":           {account + "Calls.json", []string{accountSID, ""}, 401},
		"the other's secret": {account + "Calls.json", []string{apiKeySID, authToken}, 401},
		"stranger":           {account + "Calls.json", []string{"AC1", authToken}, 401},
		"nowhere":            {"/2010-04-01/Nothing.json", nil, 401},
		"another account":    {"/2010-04-01/Accounts/AC00000000000000000000000000000009/Calls.json", []string{accountSID, authToken}, 401},
		"the account":        {"/2010-04-01/Accounts/" + accountSID + ".json", []string{accountSID, authToken}, 404},
		"no account":         {"/2010-04-01/Accounts.json", []string{accountSID, authToken}, 404},
	} {
		status, header, body := a.send("GET", test.path, formType, "", test.login...)
		assert.Equal(t, test.status, status, name)
		if test.status == 401 {
			assert.Contains(t, body, `"code":20003`, name)
			assert.Equal(t, `Basic realm="Twilio API"`, header.Get("WWW-Authenticate"))
		}
		assert.NotContains(t, body, authToken)
	}
}

// Each code that the API answers.
func TestRESTRefuses(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/hello": ""})
	u := b.URL + "/hello"
	const nobody = "CA00000000000000000000000000000000"
	long := strings.Repeat("x", 65)
	call := func(more ...string) []string { return append([]string{"To", agent, "From", office, "Url", u}, more...) }
	number := "IncomingPhoneNumbers/" + sid(a.list("IncomingPhoneNumbers")[0]) + ".json"
	app := "Applications/" + applicationSID + ".json"
	queue := "Queues/" + sid(a.post("Queues", "FriendlyName", "taken")) + ".json"
	a.post("Queues", "FriendlyName", "other")
	for _, test := range []struct {
		status, code int
		method, path string
		form         []string
	}{
		{400, 21201, "POST", "Calls.json", nil},
		{400, 21201, "POST", "Calls.json", []string{"From", office, "Url", u}},
		{400, 21213, "POST", "Calls.json", []string{"To", agent, "Url", u}},
		{400, 21200, "POST", "Calls.json", []string{"To", agent, "From", office}},
		{400, 21205, "POST", "Calls.json", []string{"To", agent, "From", office, "Url", "/hello"}},
		{400, 21205, "POST", "Calls.json", []string{"To", agent, "From", office, "Url", "ftp://127.0.0.1/"}},
		{400, 21205, "POST", "Calls.json", call("StatusCallback", "nowhere")},
		{400, 21209, "POST", "Calls.json", call("Method", "PUT")},
		{400, 21209, "POST", "Calls.json", call("FallbackMethod", "get")},
		{400, 32018, "POST", "Calls.json", []string{"To", agent, "From", office, "Twiml", strings.Repeat("x", 4001)}},
		{400, 21218, "POST", "Calls.json", []string{"To", agent, "From", office, "ApplicationSid", "AP00000000000000000000000000000009"}},
		{400, 21206, "POST", "Calls.json", call("SendDigits", "12x")},
		{400, 21206, "POST", "Calls.json", call("SendDigits", strings.Repeat("1", 33))},
		{400, 21208, "POST", "Calls.json", call("Timeout", "0")},
		{400, 21208, "POST", "Calls.json", call("Timeout", "601")},
		{400, 21208, "POST", "Calls.json", call("Timeout", "soon")},
		{400, 21200, "POST", "Calls.json", call("TimeLimit", "-1")},
		{400, 21200, "POST", "Calls.json", call("RecordingChannels", "stereo")},
		{400, 21211, "POST", "Calls.json", []string{"To", "tommy", "From", office, "Url", u}},
		{400, 21211, "POST", "Calls.json", []string{"To", "client:tom-my", "From", office, "Url", u}},
		{400, 21211, "POST", "Calls.json", []string{"To", "client:", "From", office, "Url", u}},
		{400, 21211, "POST", "Calls.json", []string{"To", "client:tommy?%zz", "From", office, "Url", u}},
		{400, 21211, "POST", "Calls.json", []string{"To", "client:tommy?a=" + strings.Repeat("x", 800), "From", office, "Url", u}},
		{400, 21210, "POST", "Calls.json", []string{"To", agent, "From", "client:tommy", "Url", u}},
		{400, 21212, "POST", "Calls.json", []string{"To", agent, "From", "shop", "Url", u}},
		{400, 21212, "POST", "Calls.json", []string{"To", "client:tommy", "From", "client:a b", "Url", u}},
		{400, 21212, "POST", "Calls.json", []string{"To", agent, "From", "+15005550001", "Url", u}},
		{400, 21217, "POST", "Calls.json", []string{"To", "+15005550001", "From", office, "Url", u}},
		{400, 21214, "POST", "Calls.json", []string{"To", "+15005550002", "From", office, "Url", u}},
		{400, 21215, "POST", "Calls.json", []string{"To", "+15005550003", "From", office, "Url", u}},
		{400, 21216, "POST", "Calls.json", []string{"To", "+15005550004", "From", office, "Url", u}},
		{400, 21200, "GET", "Calls.json", []string{"Status", "over"}},
		{400, 21200, "GET", "Calls.json", []string{"StartTime>", "yesterday"}},
		{400, 0, "GET", "Calls.json", []string{"PageSize", "0"}},
		{400, 0, "GET", "Calls.json", []string{"Page", "-1"}},
		{400, 20007, "GET", "Calls.json", []string{"PageSize", "1001"}},
		{400, 21481, "GET", "Calls.json", []string{"PageToken", "2"}},
		{404, 20404, "GET", "Calls/" + nobody + ".json", nil},
		{404, 20404, "POST", "Calls/" + nobody + ".json", []string{"Status", "completed"}},
		{400, 21200, "POST", "Calls/" + nobody + ".json", []string{"Status", "busy"}},
		{400, 21200, "POST", "Calls/" + nobody + ".json", []string{"Url", u, "Twiml", "<Response/>"}},
		{404, 20404, "DELETE", "Calls/" + nobody + ".json", nil},
		{404, 20404, "GET", "Calls/" + nobody + "/Recordings.json", nil},
		{400, 0, "POST", "Calls/" + nobody + "/UserDefinedMessages.json", []string{"Content", "hello"}},
		{400, 31209, "POST", "Calls/" + nobody + "/UserDefinedMessages.json", []string{"Content", `"` + strings.Repeat("x", 10_000) + `"`}},
		{404, 20404, "POST", "Calls/" + nobody + "/UserDefinedMessages.json", []string{"Content", "{}"}},
		{400, 21200, "POST", "Calls/" + nobody + "/UserDefinedMessageSubscriptions.json", nil},
		{404, 20404, "POST", "Calls/" + nobody + "/UserDefinedMessageSubscriptions.json", []string{"Callback", "http://127.0.0.1/message"}},
		{404, 20404, "DELETE", "Calls/" + nobody + "/UserDefinedMessageSubscriptions/ZY1.json", nil},
		{405, 20004, "POST", "Calls/" + nobody + "/Recordings.json", nil},
		{405, 20004, "PUT", "Calls.json", nil},
		{405, 20004, "POST", "IncomingPhoneNumbers.json", []string{"PhoneNumber", "+15550100009"}},
		{404, 20404, "GET", "calls.json", nil},
		{404, 20404, "GET", "Calls", nil},
		{404, 20404, "GET", "Calls/.json", nil},
		{404, 20404, "GET", "Messages.json", nil},
		{400, 20002, "POST", "Queues.json", nil},
		{400, 20002, "POST", "Queues.json", []string{"FriendlyName", long}},
		{400, 0, "POST", "Queues.json", []string{"FriendlyName", "q", "MaxSize", "5001"}},
		{400, 0, "POST", "Queues.json", []string{"FriendlyName", "taken"}},
		{400, 0, "POST", queue, []string{"FriendlyName", "other"}},
		{404, 20404, "GET", "Queues/QU1.json", nil},
		{404, 20404, "GET", "Queues/QU1/Members.json", nil},
		{404, 20404, "POST", "Queues/QU1/Members/Front.json", []string{"Url", u}},
		{404, 20404, "DELETE", "Queues/QU1.json", nil},
		{404, 20404, "GET", "Conferences/CF00000000000000000000000000000000.json", nil},
		{404, 20404, "POST", "Conferences/CF00000000000000000000000000000000/Participants.json", []string{"To", agent, "From", office}},
		{400, 16002, "POST", "Conferences/CF00000000000000000000000000000000.json", []string{"Status", "over"}},
		{400, 16002, "POST", "Conferences/room/Participants.json", []string{"To", agent, "From", office, "Beep", "loud"}},
		{400, 16002, "POST", "Conferences/room/Participants.json", []string{"To", agent, "From", office, "MaxParticipants", "1"}},
		{400, 16024, "POST", "Conferences/room/Participants.json", []string{"To", agent, "From", office, "Label", "a/b"}},
		{400, 16003, "POST", "Conferences/" + strings.Repeat("x", 257) + "/Participants.json", []string{"To", agent, "From", office}},
		{400, 16028, "POST", "Conferences/room/Participants.json", []string{"To", agent, "From", office, "CallSidToCoach", nobody}},
		{400, 21201, "POST", "Conferences/room/Participants.json", []string{"From", office}},
		{404, 20404, "GET", "Recordings/RE1.json", nil},
		{404, 20404, "GET", "Recordings/RE1", nil},
		{404, 20404, "DELETE", "Recordings/RE1.json", nil},
		{400, 21402, "POST", number, []string{"VoiceUrl", "voice"}},
		{400, 21403, "POST", number, []string{"VoiceMethod", "HEAD"}},
		{400, 21420, "POST", number, []string{"VoiceApplicationSid", "AP00000000000000000000000000000009"}},
		{404, 20404, "GET", "IncomingPhoneNumbers/PN1.json", nil},
		{400, 21402, "POST", app, []string{"VoiceFallbackUrl", "//host"}},
		{400, 20002, "POST", app, []string{"FriendlyName", long}},
		{404, 20404, "GET", "Applications/AP1.json", nil},
		{400, 0, "DELETE", app, nil},
	} {
		a.fails(test.status, test.code, test.method, test.path, test.form...)
	}
	assert.Empty(t, a.s.Calls())
	assert.Equal(t, b.URL+"/voice", a.get("IncomingPhoneNumbers/" + sid(a.list("IncomingPhoneNumbers")[0]))["voice_url"], "nothing is half changed")
	for _, conference := range a.list("Conferences") {
		assert.Equal(t, "completed", conference["status"])
	}

	without := sid(a.post("Applications", "FriendlyName", "without a URL"))
	a.fails(400, 21205, "POST", "Calls.json", "To", agent, "From", office, "ApplicationSid", without)
}

func TestRESTRefusesBodies(t *testing.T) {
	a, _ := startAPI(t, nil)
	for name, test := range map[string]struct {
		contentType, body string
		status            int
	}{
		"too long":      {formType, "FriendlyName=" + strings.Repeat("x", 64<<10), 413},
		"too long JSON": {"application/json", `"` + strings.Repeat("x", 64<<10) + `"`, 413},
		"not a form":    {formType, "FriendlyName=%zz", 400},
		"JSON":          {"application/json", `{"FriendlyName": "shop"}`, 400},
		"empty":         {"", "", 400},
		"with a query":  {formType, "MaxSize=3", 400},
	} {
		status, _, body := a.send("POST", account+"Queues.json", test.contentType, test.body, accountSID, authToken)
		assert.Equal(t, test.status, status, "%s: %s", name, body)
	}
	assert.Empty(t, a.list("Queues"))
}

// What the stand-in does not serve is named in the log.
func TestRESTLog(t *testing.T) {
	var log strings.Builder // the server writes one line at a time
	a, b := startAPI(t, map[string]string{"/hello": ""}, Log(&log))
	a.fails(404, 20404, "GET", "Messages.json")
	a.fails(405, 20004, "POST", "Calls/CA1/Recordings.json")
	a.send("POST", account+"Queues.json", "application/json", `{"FriendlyName": "shop"}`, accountSID, authToken)
	a.post("Calls", "To", agent, "From", office, "Url", b.URL+"/hello", "MachineDetection", "Enable",
		"StatusCallback", b.URL+"/status", "StatusCallbackEvent", "initiated ringing")
	a.send("GET", account+"Calls%0aX/"+authToken+".json", formType, "", accountSID, authToken)
	a.s.Close()
	for _, want := range []string{
		"GET Messages.json: 404: 20404: The requested resource Messages.json was not found",
		"POST Calls/CA1/Recordings.json: 405: 20004: Method not allowed: the stand-in has no POST of Calls/CA1/Recordings.json",
		"the stand-in does not support the parameter MachineDetection",
		`the body is not read, as its Content-Type is "application/json"`,
		`warning 21626: StatusCallbackEvent "initiated ringing"`,
		"POST Calls.json: 201",
	} {
		assert.Contains(t, log.String(), want)
	}
	assert.NotContains(t, log.String(), authToken)
}

func TestRESTLists(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/hello": ""})
	const calls = 120
	var made []string
	for range calls {
		made = append(made, sid(a.post("Calls", "To", "client:nobody", "From", office, "Url", b.URL+"/hello")))
	}
	slices.Reverse(made) // the newest first
	var read []string
	pages := 0
	for next := "Calls.json?PageSize=50&To=client%3Anobody"; next != ""; pages++ {
		status, _, body := a.send("GET", account+next, formType, "", accountSID, authToken)
		require.Equal(t, 200, status, body)
		path, query, _ := strings.Cut(next, "?")
		form, _ := url.ParseQuery(query)
		page := a.get(strings.TrimSuffix(path, ".json"), flat(form)...)
		for _, item := range page["calls"].([]any) {
			read = append(read, sid(item.(map[string]any)))
		}
		assert.EqualValues(t, pages, page["page"])
		assert.EqualValues(t, pages*50, page["start"])
		assert.EqualValues(t, min(pages*50+49, calls-1), page["end"])
		assert.Equal(t, pages > 0, page["previous_page_uri"] != nil)
		a.post("Calls", "To", "client:nobody", "From", office, "Url", b.URL+"/hello") // meanwhile
		uri, _ := page["next_page_uri"].(string)
		next = strings.TrimPrefix(uri, account)
	}
	assert.Equal(t, 3, pages)
	assert.Equal(t, made, read)
	assert.Len(t, a.list("Calls", "PageSize", "1000"), calls+3)
	assert.Len(t, a.list("Calls", "PageSize", "100", "Page", "1"), 23)

	today := time.Now().UTC().Format(time.DateOnly)
	for want, filters := range map[int][][]string{
		0: {{"To", "client:x"}, {"From", agent}, {"ParentCallSid", made[0]}, {"Status", "busy"}, {"StartTime<", "2020-01-01"}, {"StartTime", "2020-01-01"}, {"EndTime>", "2999-01-01"}},
		calls + 3: {{"To", "client:nobody"}, {"From", office, "Status", "no-answer"}, {"StartTime", today}, {"StartTime>", "2020-01-01", "StartTime<", "2999-01-01"},
			{"EndTime>", "2020-01-01T00:00:00Z"}, {"EndTime", today}},
	} {
		for _, filter := range filters {
			require.Eventually(t, func() bool { return len(a.list("Calls", append(filter, "PageSize", "1000")...)) == want }, 20*time.Second, 10*time.Millisecond, "%v", filter)
		}
	}
}

func flat(form url.Values) []string {
	var all []string
	for name, values := range form {
		all = append(all, name, values[0])
	}
	return all
}

// What a script does that sets an account up.
func TestRESTAccount(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/first": `<Say>First</Say>`, "/second": `<Say>Second</Say>`, "/ended": ""})
	own := a.get("Applications/" + applicationSID)
	assert.Equal(t, []any{b.URL + "/voice", "POST", nil}, []any{own["voice_url"], own["voice_method"], own["status_callback"]})
	assert.Equal(t, b.URL+"/second", a.post("Applications/"+applicationSID, "VoiceUrl", b.URL+"/second", "VoiceMethod", "GET",
		"StatusCallback", b.URL+"/ended", "FriendlyName", "shop", "SmsUrl", "http://127.0.0.1/sms")["voice_url"])
	assert.Len(t, a.list("Applications", "FriendlyName", "shop"), 1)
	made := a.post("Applications", "FriendlyName", "other")
	assert.Len(t, a.list("Applications"), 2)
	status, _ := a.do("DELETE", "Applications/"+sid(made)+".json", nil)
	assert.Equal(t, 204, status)

	number := "IncomingPhoneNumbers/" + sid(a.list("IncomingPhoneNumbers", "PhoneNumber", office)[0])
	assert.Empty(t, a.list("IncomingPhoneNumbers", "PhoneNumber", agent))
	a.post(number, "VoiceUrl", b.URL+"/first", "FriendlyName", "front desk")
	phone := a.s.Phone(caller)
	require.NoError(t, phone.Call(office))
	waitTold(t, phone, "First")
	waitOver(t, a.s, 0)
	assert.Equal(t, applicationSID, a.post(number, "VoiceApplicationSid", applicationSID)["voice_application_sid"])
	require.NoError(t, phone.Call(office))
	waitTold(t, phone, "First", "Second")
	assert.Equal(t, http.MethodGet, method(b, "/second"))
	assert.Equal(t, "completed", b.waitAsked(t, "/ended").Get("CallStatus"))
	assert.Nil(t, a.post(number, "VoiceApplicationSid", "", "VoiceUrl", "")["voice_url"])

	alice := openDevice(t, a.s, both("alice")) // a page's calls follow the application too
	alice.dial("anybody")
	b.waitAsked(t, "/second", "From", "client:alice")
}

// Calls are made, hung up, redirected and listed at once.
func TestRESTAtOnce(t *testing.T) {
	a, b := startAPI(t, map[string]string{"/hello": `<Enqueue waitUrl="">shop</Enqueue>`, "/moved": `<Dial><Conference waitUrl="">room</Conference></Dial>`})
	tommy := openDevice(t, a.s, both("tommy"))
	const calls = 20
	var working sync.WaitGroup
	for i := range calls {
		working.Go(func() {
			to := []string{agent, "client:tommy", "client:nobody", "+15550100003"}[i%4]
			_, call := a.do("POST", "Calls.json", pairs("To", to, "From", office, "Url", b.URL+"/hello"))
			path := "Calls/" + sid(call)
			for _, form := range [][]string{{"Url", b.URL + "/moved"}, {"Status", "canceled"}, {"Twiml", "<Response><Redirect>" + b.URL + "/hello</Redirect></Response>"}, {"Url", b.URL + "/moved"}, {"Status", "completed"}} {
				status, answer := a.do("POST", path+".json", pairs(form...))
				if status != 200 {
					assert.EqualValues(t, 21220, answer["code"])
				}
				a.list("Calls")
				a.list("Queues")
				a.list("Conferences")
			}
			a.do("DELETE", path+".json", nil)
		})
	}
	working.Wait()
	for _, call := range a.s.Calls() {
		assert.NotContains(t, []string{"queued", "ringing", "in-progress"}, call.Status)
	}
	require.NoError(t, tommy.conn.CloseNow())
}

var aSID = regexp.MustCompile(`[A-Z]{2}[0-9a-f]{32}`)

// Requests at random end in a status that is documented, and leave nothing behind.
func TestRESTAtRandom(t *testing.T) {
	requests := 10_000
	if testing.Short() {
		requests = 1000
	}
	a, b := startAPI(t, map[string]string{"/hello": `<Say>Hello</Say>`, "/wait": `<Enqueue waitUrl="">shop</Enqueue>`, "/room": `<Dial><Conference waitUrl="">room</Conference></Dial>`})
	a.post("Queues", "FriendlyName", "shop")
	phone := a.s.Phone(caller)
	require.NoError(t, phone.Call(office))
	before := runtime.NumGoroutine()
	source := rand.New(rand.NewPCG(1, 2)) // the same requests each time
	pick := func(of ...string) string { return of[source.IntN(len(of))] }
	known := []string{"Front", "room", "shop", applicationSID, "CA1", "..", "%2e%2e", "%00", "%F0%9F", strings.Repeat("x", 300)}
	paths := []string{
		"Calls", "Calls/*", "Calls/*/Recordings", "Calls/*/UserDefinedMessages", "Calls/*/UserDefinedMessageSubscriptions", "Calls/*/UserDefinedMessageSubscriptions/*", "Queues", "Queues/*", "Queues/*/Members", "Queues/*/Members/*", "Conferences", "Conferences/*",
		"Conferences/*/Recordings", "Conferences/*/Participants", "Conferences/*/Participants/*", "Recordings", "Recordings/*", "IncomingPhoneNumbers", "IncomingPhoneNumbers/*",
		"Applications", "Applications/*", "Messages", "Calls//", "*/*/*", "",
	}
	sids := map[string][]string{} // of each resource, that answers have shown
	somePath := func() string {
		segments := strings.Split(pick(paths...), "/")
		for i, segment := range segments {
			if segment == "*" {
				segments[i] = pick(append(sids[segments[max(0, i-1)]], pick(known...))...)
			}
		}
		return strings.Join(segments, "/")
	}
	value := func() string {
		return pick("", "true", "completed", "canceled", "-1", "1", "50", "1000000000000000000000", "POST", "client:tommy?a=b", "client:", agent, office, "+15005550001",
			b.URL+"/hello", b.URL+"/wait", b.URL+"/room", "<Response><Say>x</Say></Response>", "<Response>", "{}", "2020-01-01", "\x00\xff", strings.Repeat("é", 300), pick(known...))
	}
	names := []string{"To", "From", "Url", "Twiml", "Method", "Status", "Timeout", "TimeLimit", "SendDigits", "Record", "StatusCallback", "StatusCallbackEvent", "FriendlyName", "MaxSize",
		"Muted", "Hold", "HoldUrl", "AnnounceUrl", "Coaching", "CallSidToCoach", "Label", "Beep", "WaitUrl", "EndConferenceOnExit", "Content", "VoiceUrl", "VoiceMethod", "PageSize", "Page",
		"PageToken", "StartTime>", "EndTime<", "ParentCallSid", "ApplicationSid", "FallbackUrl", "MaxParticipants", "DateCreated"}
	found := map[int]int{}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range requests {
		path := account + somePath()
		form := url.Values{}
		for range source.IntN(6) {
			form.Add(pick(names...), value())
		}
		body := form.Encode()
		switch source.IntN(20) {
		case 0:
			body = "%" + body
		case 1:
			body = strings.Repeat("a", 70_000)
		}
		path += pick(".json", ".json", ".json", ".json", ".json", ".json", ".json", ".json", "", ".xml", ".wav")
		if source.IntN(2) == 0 {
			path += pick("?", "?", "?", "?&;%") + form.Encode()
		}
		r, err := http.NewRequest(pick("GET", "GET", "GET", "POST", "POST", "POST", "POST", "POST", "DELETE", "PUT", "HEAD", "BREW"), a.s.URL+path, strings.NewReader(body))
		if err != nil {
			continue // not a URL at all
		}
		r.Header.Set("Content-Type", pick(formType, formType, formType, "application/json", "multipart/form-data; boundary=x", ""))
		r.Header.Set(pick("Accept", "X-Twilio-Signature", "Range", "If-None-Match"), pick("*/*", "bytes=0-", "x", ""))
		if source.IntN(20) > 0 {
			r.SetBasicAuth(accountSID, authToken)
		}
		response, err := client.Do(r)
		require.NoError(t, err, "%s %s", r.Method, path)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Body.Close()
		found[response.StatusCode]++
		require.Contains(t, []int{200, 201, 204, 400, 401, 404, 405, 413}, response.StatusCode, "%s %s %s: %s", r.Method, path, body, answer)
		for _, found := range aSID.FindAllString(string(answer), -1) {
			resource := map[string]string{"CA": "Calls", "QU": "Queues", "CF": "Conferences", "RE": "Recordings", "PN": "IncomingPhoneNumbers", "AP": "Applications"}[found[:2]]
			if few := sids[resource]; resource != "" && !slices.Contains(few, found) {
				sids[resource] = append(few[max(0, len(few)-4):], found)
				sids["Members"], sids["Participants"] = sids["Calls"], sids["Calls"]
			}
		}
	}
	t.Log(found)
	for _, status := range []int{200, 201, 204, 400, 401, 404, 405, 413} {
		assert.NotZero(t, found[status], status)
	}
	for _, call := range a.list("Calls", "PageSize", "1000") {
		a.do("POST", "Calls/"+sid(call)+".json", pairs("Status", "completed"))
	}
	for _, conference := range a.list("Conferences", "PageSize", "1000") {
		a.do("POST", "Conferences/"+sid(conference)+".json", pairs("Status", "completed"))
	}
	for _, call := range a.s.Calls() {
		assert.NotContains(t, []string{"queued", "ringing", "in-progress"}, call.Status, fmt.Sprint(call))
	}
	client.CloseIdleConnections()
	http.DefaultClient.CloseIdleConnections()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+5 }, 20*time.Second, 50*time.Millisecond, "%d goroutines, and %d before", runtime.NumGoroutine(), before)
}
