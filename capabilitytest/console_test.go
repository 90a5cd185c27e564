package capabilitytest

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A feed is what the page of the console is sent.
type feed struct {
	t     *testing.T
	lines *bufio.Reader
	read  strings.Builder
}

// news is one message of a feed.
type news struct{ kind, id, data string }

// follow opens the stream of the console, as a page that has had an event last.
func follow(t *testing.T, s *Server, last string) *feed {
	t.Helper()
	request, err := http.NewRequestWithContext(patience(t), http.MethodGet, s.ConsoleURL()+"console/events", nil)
	require.NoError(t, err)
	request.Header.Set("Last-Event-ID", last)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { response.Body.Close() })
	require.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	return &feed{t: t, lines: bufio.NewReader(response.Body)}
}

func (f *feed) next() (news, error) {
	var n news
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return n, err
		}
		f.read.WriteString(line)
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			n.kind = value
		case "id":
			n.id = value
		case "data":
			n.data = value
		case "":
			if n.kind != "" { // else it was a comment
				return n, nil
			}
		}
	}
}

// until reads until a message of a kind has a text, and returns it.
func (f *feed) until(kind, text string) news {
	f.t.Helper()
	for {
		n, err := f.next()
		require.NoError(f.t, err, "no %s %q in %s", kind, text, f.read.String())
		if n.kind == kind && strings.Contains(n.data, text) {
			return n
		}
	}
}

func TestConsoleStream(t *testing.T) {
	b := startBackend(t, map[string]string{"/voice": `<Say>hello</Say><Hangup/>`})
	s := start(t, VoiceURL(b.URL+"/voice"), Instant())
	f := follow(t, s, "")
	first, err := f.next()
	require.NoError(t, err)
	assert.Equal(t, "start", first.kind)
	assert.JSONEq(t, fmt.Sprintf(`{"url": %q, "accountSid": %q, "voiceUrl": %q}`, s.URL, accountSID, b.URL+"/voice"), first.data)

	alice := openDevice(t, s, both("alice"))
	f.until("state", `"clientName":"alice"`)
	alice.dial("tommy")
	over := f.until("event", "is over: completed")
	if !strings.Contains(f.read.String(), `"status":"completed"`) { // the state can come first
		f.until("state", `"status":"completed"`)
	}

	var says []string
	for line := range strings.Lines(f.read.String()) {
		data, ok := strings.CutPrefix(line, "data: ")
		var e struct{ Steps []struct{ Says string } }
		if ok && json.Unmarshal([]byte(data), &e) == nil {
			for _, step := range e.Steps {
				says = append(says, step.Says)
			}
		}
	}
	for i := range says {
		says[i], _, _ = strings.Cut(says[i], " ms")
		says[i] = strings.TrimRight(says[i], "0123456789")
	}
	assert.Equal(t, []string{
		"alice to stand-in, invite", "stand-in asks your backend, POST /voice, signed", "your backend answers, 200, <Say> <Hangup>, ",
		"stand-in to alice, ringing", "stand-in to alice, answer", `client:alice is told "hello"`, "stand-in to alice, hangup",
		"the call of client:alice is over: completed",
	}, says)

	alice.dial("nobody")
	again := follow(t, s, over.id) // what it has seen is not sent again
	n, err := again.next()
	require.NoError(t, err)
	assert.Contains(t, []string{"event", "state"}, n.kind)
	again.until("event", "is over: completed")
	assert.Contains(t, f.read.String(), `"seq":1,`)
	assert.NotContains(t, again.read.String(), `"seq":1,`)

	other := follow(t, s, "another-1") // of a stand-in that was here before
	n, err = other.next()
	require.NoError(t, err)
	assert.Equal(t, "start", n.kind)
	s.Close()
	_, err = io.ReadAll(other.lines)
	assert.NoError(t, err, "Close ends a stream as it should")
}

// Whatever a page or a backend says, no secret and no token of this account is sent.
func TestConsoleShowsNoSecret(t *testing.T) {
	b := startBackendFunc(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, "<Response><Say>%s %s %s</Say></Response>", authToken, apiKeySecret, r.PostFormValue("To"))
	})
	s := start(t, VoiceURL(b.URL+"/voice"), Instant())
	f := follow(t, s, "")
	token := mint(t, both("alice"))
	alice := openPage(t, s)
	alice.listen(sign(t, authToken, map[string]any{"scope": "everything " + authToken, "note": apiKeySecret}))
	alice.expectFault("error", 31204)
	alice.listen(token[:len(token)-2])
	alice.expect("error")
	alice.listen(token)
	alice.expect("connected")
	for _, secret := range []string{authToken, apiKeySecret, strings.ReplaceAll(authToken, "-", "%2D"), `"` + apiKeySecret, token} {
		alice.dial(secret)
		f.until("event", "is over")
		for alice.next().Type != "hangup" {
		}
	}
	sent := f.read.String()
	for _, secret := range []string{authToken, apiKeySecret, token, strings.Split(token, ".")[1], strings.Split(token, ".")[2]} {
		assert.NotContains(t, sent, secret)
	}
	assert.Contains(t, sent, "it contains a secret")
	assert.Contains(t, sent, "(a token, not shown)")
}

// ask makes a request of the console with some headers, given as name: value.
func ask(t *testing.T, s *Server, method, path, body string, headers ...string) (status int, answer string, header http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
		if name == "Host" {
			request.Host = value
		}
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	if response.Header.Get("Content-Type") == "text/event-stream" {
		return response.StatusCode, "", response.Header
	}
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(data), response.Header
}

func TestConsoleRefusesStrangers(t *testing.T) {
	s := start(t)
	own := "Origin: " + s.URL
	for _, test := range []struct {
		method, path string
		headers      []string
		status       int
	}{
		{"GET", "/", nil, 200},
		{"GET", "/", []string{"Sec-Fetch-Site: cross-site"}, 200}, // a link
		{"GET", "/", []string{"Host: evil.example"}, 421},
		{"GET", "/console/console.js", []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"GET", "/console/events", []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"GET", "/console/events", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET", "/console/events", []string{"Sec-Fetch-Site: same-site"}, 403}, // another port of this machine
		{"GET", "/console/events", []string{"Origin: http://evil.example"}, 403},
		{"GET", "/console/events", []string{"Host: evil.example"}, 421},
		{"POST", "/console/reset", nil, 200}, // a program
		{"POST", "/console/reset", []string{own}, 200},
		{"POST", "/console/reset", []string{own, "Sec-Fetch-Site: same-origin"}, 200},
		{"POST", "/console/reset", []string{own, "Sec-Fetch-Site: cross-site"}, 403},
		{"POST", "/console/reset", []string{"Origin: null"}, 403},
		{"POST", "/console/reset", []string{"Origin: http://127.0.0.1:1"}, 403},
		{"POST", "/console/reset", []string{"Origin: http://evil.example", "Host: evil.example"}, 421},
		{"POST", "/console/reset", []string{"Content-Type: text/plain"}, 415}, // of a form
		{"POST", "/console/credentials", nil, 409},
		{"POST", "/console/credentials", []string{own}, 409},
		{"POST", "/console/credentials", []string{own, "Sec-Fetch-Site: same-origin"}, 200},
		{"GET", "/console/credentials", []string{"Sec-Fetch-Site: same-origin"}, 404},
		{"POST", "/", nil, 405},
		{"POST", "/console/events", nil, 404},
		{"GET", "/console/nothing", nil, 404},
	} {
		status, answer, header := ask(t, s, test.method, test.path, "{}", test.headers...)
		assert.Equal(t, test.status, status, "%+v: %s", test, answer)
		assert.Equal(t, test.status == 200 && test.path == "/console/credentials", strings.Contains(answer, authToken), "%+v", test)
		assert.Empty(t, header.Get("Access-Control-Allow-Origin"), "%+v", test)
		if status != 421 {
			policy := header.Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"} {
				assert.Contains(t, policy, part, "%+v", test)
			}
			assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), "%+v", test)
		}
	}
}

// The page takes what it is told as text, and one can read it in a sitting.
func TestConsolePage(t *testing.T) {
	lines := 0
	for _, name := range []string{"index.html", "console.css", "console.js"} {
		data, err := os.ReadFile("internal/console/page/" + name)
		require.NoError(t, err)
		text := string(data)
		lines += strings.Count(text, "\n")
		for _, unsafe := range []string{"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "srcdoc", "style=", "<style", "javascript:", "https://"} {
			assert.NotContains(t, text, unsafe, name)
		}
	}
	assert.Less(t, lines, 600)
}

func TestConsoleWhereOthersCanReachIt(t *testing.T) {
	s := start(t, Addr("0.0.0.0:0"))
	assert.Empty(t, s.ConsoleURL())
	for _, path := range []string{"/", "/console/events", "/console/console.js"} {
		status, _, _ := ask(t, s, "GET", path, "")
		assert.Equal(t, 404, status, path)
	}

	s = start(t, Addr("0.0.0.0:0"), Console())
	assert.Equal(t, s.URL+"/", s.ConsoleURL())
	for host, want := range map[string]int{"": 200, "192.0.2.1:4010": 200, "[2001:db8::1]:80": 200, "standin:4010": 200, "evil.example": 421, "evil.example:4010": 421} {
		status, _, _ := ask(t, s, "GET", "/", "", "Host: "+cmp.Or(host, "127.0.0.1"))
		assert.Equal(t, want, status, host)
	}
}

func TestConsoleActions(t *testing.T) {
	s := start(t, change(func(s *Server) { s.config.Timing.PhonePicks = time.Hour })) // so that the test does
	do := func(action, params string, want int) string {
		t.Helper()
		status, answer, _ := ask(t, s, "POST", "/console/"+action, params)
		assert.Equal(t, want, status, "%s %s: %s", action, params, answer)
		return answer
	}
	alice := openDevice(t, s, both("alice"))

	do("ring", `{"number": "+15550100001", "client": "alice", "after": 1, "keys": "12#"}`, 200)
	assert.Equal(t, "+15550100001", alice.expect("invite").Parameters["From"])
	assert.Contains(t, do("ring", `{"number": "+15550100001", "client": "alice"}`, 409), "is on a call")
	alice.accept(alice.last)
	call, err := s.WaitCall(patience(t), func(c Call) bool { return c.Digits == "12#" })
	require.NoError(t, err)
	alice.expect("hangup")

	alice.dial("+15550100002")
	alice.expect("ringing")
	do("phone", `{"number": "+15550100002"}`, 200) // before it answers by itself
	do("accept", `{"number": "+15550100002"}`, 200)
	alice.hear("TJ1", alice.expect("answer").SDP)
	do("press", `{"number": "+15550100002", "keys": "7"}`, 200)
	calls := s.Calls()
	sid := calls[len(calls)-1].SID
	do("digits", fmt.Sprintf(`{"call": %q, "keys": "8"}`, sid), 200)
	assert.Equal(t, "78", s.Calls()[len(calls)-1].Digits)
	do("end", fmt.Sprintf(`{"call": %q}`, sid), 200)
	alice.expect("hangup")
	do("end", fmt.Sprintf(`{"call": %q}`, call.SID), 409)
	do("digits", fmt.Sprintf(`{"call": %q, "keys": "8"}`, sid), 409)

	do("refuse", `{"client": "alice", "code": 31202}`, 200)
	alice.listen(mint(t, both("alice")))
	alice.expectFault("error", 31202)
	do("reset", `{}`, 200)
	alice.closed()
	assert.Empty(t, s.Calls())

	do("nothing", `{}`, 404)
	do("end", `{`, 400)
	do("end", `{"call": 1}`, 400)
	do("end", `{"call": "`+strings.Repeat("x", 64<<10)+`"}`, 400)
	do("phone", `{"number": "5"}`, 409)
	do("ring", `{"number": "<b>", "client": "alice"}`, 409)
	do("replay", `{"seq": 0}`, 409)
	do("replay", `{"seq": 18446744073709551615}`, 409)
	do("talk", `{"number": "+15550100009", "offer": "x"}`, 409)
	for _, action := range []string{"accept", "reject", "hangup", "press"} {
		do(action, `{"number": "+15550100009", "keys": "1"}`, 409)
	}
}

func TestWaitShowsWhatHasHappened(t *testing.T) {
	b := startBackend(t, map[string]string{"/voice": `<Say>` + authToken + `</Say><Dial><Client>tommy</Client></Dial>`})
	s := start(t, VoiceURL(b.URL+"/voice"), Instant())
	alice := openDevice(t, s, both("alice"))
	alice.dial("tommy")
	for alice.next().Type != "hangup" {
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.WaitCall(ctx, func(c Call) bool { return c.Status == "busy" })
	require.ErrorIs(t, err, context.Canceled)
	for _, row := range []string{"client:alice → tommy, completed", "0 ms  alice to stand-in, invite", "your backend answers, 200, <Say> <Dial>", "it contains a secret", "31404"} {
		assert.ErrorContains(t, err, row)
	}
	assert.NotContains(t, err.Error(), authToken)

	alice.listen(mint(t, both("alice")) + "x")
	alice.expect("error")
	err = s.WaitRegistered(ctx, "alice", 1)
	require.ErrorIs(t, err, context.Canceled)
	assert.ErrorContains(t, err, "refused a token: 3120")
}

func TestReset(t *testing.T) {
	b := startBackend(t, map[string]string{"/voice": `<Dial><Conference>standup</Conference></Dial>`})
	s := start(t, VoiceURL(b.URL+"/voice"), Instant())
	alice := openDevice(t, s, both("alice"))
	tommy := openDevice(t, s, both("tommy"))
	alice.dial("x")
	tommy.dial("x")
	_, err := s.WaitCall(patience(t), func(c Call) bool { return c.From == "client:tommy" && c.Status == "in-progress" })
	require.NoError(t, err)
	s.Phone("+15550100001")
	s.Refuse("alice", 31205)
	s.Reset()
	alice.closed()
	tommy.closed()
	assert.Empty(t, s.Calls())
	require.NoError(t, s.WaitRegistered(patience(t), "alice", 0))

	alice = openDevice(t, s, both("alice")) // whose token is not refused
	require.NoError(t, s.WaitRegistered(patience(t), "alice", 1))
	alice.dial("y")
	call, err := s.WaitCall(patience(t), func(c Call) bool { return c.Status == "in-progress" })
	require.NoError(t, err)
	assert.Equal(t, "y", call.To)
	require.Error(t, s.Press(call.SID, "x"))
	require.NoError(t, s.Press(call.SID, "1"))
	assert.Equal(t, "1", s.Calls()[0].Digits)
	require.Error(t, s.Press("CA1", "1"))
}

func TestPhoneCallsClient(t *testing.T) {
	s := start(t)
	tommy := openDevice(t, s, both("tommy"))
	phone := s.Phone("+15550100001")
	require.NoError(t, phone.Call("client:tommy"))
	assert.Equal(t, "+15550100001", tommy.expect("invite").Parameters["From"])
	tommy.accept(tommy.last)
	_, err := s.WaitCall(patience(t), func(c Call) bool { return c.Status == "in-progress" && c.To == "client:tommy" })
	require.NoError(t, err)
	require.NoError(t, phone.HangUp())
	tommy.expect("hangup")
}

func TestLadderShowsRESTAndRooms(t *testing.T) {
	s := start(t, Instant())
	tommy := openDevice(t, s, both("tommy"))
	post := func(path string, form url.Values) {
		t.Helper()
		request, err := http.NewRequest(http.MethodPost, s.URL+"/2010-04-01/Accounts/"+accountSID+"/"+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		request.SetBasicAuth(accountSID, authToken)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		response.Body.Close()
		require.Less(t, response.StatusCode, 300)
	}
	post("Calls.json", url.Values{"To": {"client:tommy"}, "From": {"+15550100000"}, "Twiml": {"<Response><Enqueue>support</Enqueue></Response>"}})
	tommy.expect("invite")
	tommy.accept(tommy.last)
	call, err := s.WaitCall(patience(t), func(c Call) bool { return c.Status == "in-progress" })
	require.NoError(t, err)
	waitEvent(t, s, "waits in the queue")
	post("Calls/"+call.SID+".json", url.Values{"Status": {"completed"}})
	tommy.expect("hangup")
	for _, row := range []string{
		"your backend asks over REST, POST Calls.json, answered 201", "stand-in to tommy, invite", "tommy to stand-in, answer",
		"tommy to queue support, joins", "answered 200", "queue support to tommy, leaves", "stand-in to tommy, hangup",
	} {
		require.Eventually(t, func() bool { return strings.Contains(s.ladders(), row) }, 20*time.Second, time.Millisecond, "%s", row)
	}
}

func TestLadderShowsNoArrowToNobody(t *testing.T) {
	s := start(t)
	alice := openDevice(t, s, both("alice"))
	alice.dial("nobody")
	alice.expectFault("hangup", 31404)
	waitEvent(t, s, "is over")
	ladder := s.ladders()
	assert.Contains(t, ladder, "stand-in to alice, hangup")
	assert.NotContains(t, ladder, "to nobody")
}
