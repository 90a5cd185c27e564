package capabilitytest_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilitytest"
	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

var ctx = context.Background()

// A program starts a stand-in and closes it; a test calls NewServer.
func ExampleStart() {
	twilio, err := capabilitytest.Start(
		capabilitytest.Addr("127.0.0.1:0"),
		capabilitytest.CloseOnRefusal(),
		capabilitytest.Log(os.Stderr),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer twilio.Close()
	fmt.Println(twilio.URL != "")
	// Output: true
}

func ExampleNewServer() {
	var t *testing.T // the test's

	backend := httptest.NewServer(http.DefaultServeMux)
	defer backend.Close()
	twilio := capabilitytest.NewServer(t, capabilitytest.VoiceURL(backend.URL+"/voice"))
	for name, value := range twilio.Env() {
		t.Setenv(name, value)
	}
}

func ExampleVoiceURL() {
	voice := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("%s calls %s\n", r.FormValue("From"), r.FormValue("To"))
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<Response><Reject/></Response>`)
	}))
	defer voice.Close()

	twilio := start(capabilitytest.VoiceURL(voice.URL))
	defer twilio.Close()
	open(twilio, "alice").dial("tommy")
	twilio.WaitCall(ctx, isOver)
	// Output: client:alice calls tommy
}

func ExampleCredentials() {
	twilio := start(capabilitytest.Credentials(func(name string) string {
		if name == "TWILIO_ACCOUNT_SID" {
			return "AC00000000000000000000000000000001"
		}
		return "" // is made up
	}))
	defer twilio.Close()
	fmt.Println(twilio.Env()["TWILIO_ACCOUNT_SID"])
	// Output: AC00000000000000000000000000000001
}

func ExampleServer_Env() {
	twilio := start()
	defer twilio.Close()
	for _, name := range slices.Sorted(maps.Keys(twilio.Env())) {
		fmt.Println(name)
	}
	// Output:
	// STANDIN_URL
	// TWILIO_ACCOUNT_SID
	// TWILIO_API_KEY
	// TWILIO_API_SECRET
	// TWILIO_AUTH_TOKEN
	// TWILIO_TWIML_APP_SID
}

// A browser driver runs the script before those of the page, with Playwright for
// example by addInitScript. A page can also load it from the server.
func ExampleServer_Script() {
	twilio := start()
	defer twilio.Close()
	response, err := http.Get(twilio.URL + "/standin.js")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	script, err := io.ReadAll(response.Body)
	fmt.Println(string(script) == twilio.Script(), err)
	// Output: true <nil>
}

func ExampleServer_WaitRegistered() {
	twilio := start()
	defer twilio.Close()
	open(twilio, "tommy")
	fmt.Println(twilio.WaitRegistered(ctx, "tommy", 1))
	// Output: <nil>
}

func ExampleServer_WaitCall() {
	twilio := start()
	defer twilio.Close()
	open(twilio, "tommy")
	twilio.WaitRegistered(ctx, "tommy", 1)
	open(twilio, "alice").dial("tommy")
	call, err := twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return call.To == "tommy" })
	fmt.Println(call.From, call.Status, err)
	// Output: client:alice ringing <nil>
}

func ExampleServer_Calls() {
	twilio := start()
	defer twilio.Close()
	open(twilio, "alice").dial("nobody")
	twilio.WaitCall(ctx, isOver)
	for _, call := range twilio.Calls() {
		fmt.Println(call.From, call.To, call.Status, call.Code)
	}
	// Output: client:alice nobody no-answer 31404
}

func ExampleServer_Reset() {
	twilio := start()
	defer twilio.Close()
	open(twilio, "alice").dial("nobody")
	twilio.WaitCall(ctx, isOver)
	fmt.Println(len(twilio.Calls()))
	twilio.Reset()
	fmt.Println(len(twilio.Calls()))
	// Output:
	// 1
	// 0
}

func ExampleServer_ConsoleURL() {
	local, shared := start(), start(capabilitytest.Addr("0.0.0.0:0"))
	defer local.Close()
	defer shared.Close()
	fmt.Println(local.ConsoleURL() == local.URL+"/")
	fmt.Println(shared.ConsoleURL() == "") // unless Console is given
	// Output:
	// true
	// true
}

// The page should fetch a new token.
func ExampleServer_Refuse() {
	twilio := start()
	defer twilio.Close()
	twilio.Refuse("tommy", 31205)
	fmt.Println(open(twilio, "tommy").next())
	// Output: {"type":"error","version":"1.5","payload":{"error":{"code":31205,"message":"refused as asked"}}}
}

// The page should fetch a new token.
func ExampleServer_Expire() {
	twilio := start()
	defer twilio.Close()
	open(twilio, "tommy")
	twilio.WaitRegistered(ctx, "tommy", 1)
	twilio.Expire("tommy")
	fmt.Println(twilio.WaitRegistered(ctx, "tommy", 0))
	// Output: <nil>
}

// The SDK connects again by itself; the page should show that it is offline meanwhile.
func ExampleServer_Disconnect() {
	twilio := start()
	defer twilio.Close()
	open(twilio, "tommy")
	twilio.WaitRegistered(ctx, "tommy", 1)
	twilio.Disconnect("tommy")
	fmt.Println(twilio.WaitRegistered(ctx, "tommy", 0))
	// Output: <nil>
}

// The test plays the telephone that a page calls.
func ExampleServer_Phone() {
	twilio := start()
	defer twilio.Close()
	phone := twilio.Phone("+15550100001")
	open(twilio, "alice").dial("%2B15550100001")
	from, err := phone.WaitRing(ctx)
	fmt.Println(from, err)
	fmt.Println(phone.Reject())
	call, _ := twilio.WaitCall(ctx, isOver)
	fmt.Println(call.Status)
	// Output:
	// client:alice <nil>
	// <nil>
	// busy
}

// The test plays both ends: one telephone calls a number of the account, whose document
// rings the other.
func ExamplePhone() {
	twilio, caller := dialIn(`<Dial answerOnBridge="true">+15550100002</Dial>`)
	defer twilio.Close()
	callee := twilio.Phone("+15550100002")
	from, _ := callee.WaitRing(ctx)
	callee.Accept()
	twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return call.Status == "in-progress" })
	callee.Press("5")
	fmt.Println(from, caller.Keys())
	callee.HangUp()
	call, _ := twilio.WaitCall(ctx, isOver)
	fmt.Println(call.Status)
	// Output:
	// +15550100001 5
	// completed
}

// A number of the account answers with TwiML.
func ExampleNumber() {
	twilio, phone := dialIn(`<Say>We are closed.</Say>`)
	defer twilio.Close()
	twilio.WaitCall(ctx, isOver)
	fmt.Println(phone.Told())
	// Output: [We are closed.]
}

func ExamplePhone_Press() {
	twilio, phone := dialIn(`<Gather numDigits="1" action="/pressed"><Say>Press 1 for sales.</Say></Gather>`)
	defer twilio.Close()
	twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return len(call.Said) > 0 })
	fmt.Println(phone.Press("1"))
	call, _ := twilio.WaitCall(ctx, isOver)
	fmt.Println(call.Digits, call.Said)
	// Output:
	// <nil>
	// 1 [Press 1 for sales. You pressed 1.]
}

// Nobody presses a key for five seconds, which the test does not wait for.
func ExampleServer_FastForward() {
	twilio, phone := dialIn(`<Gather numDigits="1"><Say>Press 1 for sales.</Say></Gather><Say>Goodbye.</Say>`)
	defer twilio.Close()
	twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return len(call.Said) > 0 })
	twilio.FastForward(5 * time.Second)
	twilio.WaitCall(ctx, isOver)
	fmt.Println(phone.Told())
	// Output: [Press 1 for sales. Goodbye.]
}

// What one side says, the other hears.
func ExamplePhone_WaitSound() {
	twilio, phone := dialIn(`<Dial answerOnBridge="true">+15550100002</Dial>`)
	defer twilio.Close()
	other := twilio.Phone("+15550100002")
	other.WaitRing(ctx)
	other.Accept()
	twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return call.Status == "in-progress" })
	whistled := make(chan error)
	go func() { whistled <- phone.Whistle(440, time.Second) }()
	fmt.Println(other.WaitSound(ctx, true))
	fmt.Println(<-whistled)
	fmt.Println(other.WaitSound(ctx, false))
	// Output:
	// <nil>
	// <nil>
	// <nil>
}

// A message on the answering machine.
func ExamplePhone_Whistle() {
	twilio, phone := dialIn(`<Record playBeep="false" action="/recorded"/><Say>You said nothing.</Say>`)
	defer twilio.Close()
	twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return call.Status == "in-progress" })
	fmt.Println(phone.Whistle(440, time.Second))
	fmt.Println(phone.Press("#"))
	twilio.WaitCall(ctx, isOver)
	fmt.Println(phone.Told())
	// Output:
	// <nil>
	// <nil>
	// [Thank you for your message.]
}

var hello = media.Tone(440, time.Second).WAV()

// The same with a file.
func ExamplePhone_Speak() {
	twilio, phone := dialIn(`<Record playBeep="false" action="/recorded"/><Say>You said nothing.</Say>`)
	defer twilio.Close()
	twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return call.Status == "in-progress" })
	fmt.Println(phone.Speak(hello)) // what os.ReadFile("hello.wav") returns
	fmt.Println(phone.Press("#"))
	twilio.WaitCall(ctx, isOver)
	fmt.Println(phone.Told())
	// Output:
	// <nil>
	// <nil>
	// [Thank you for your message.]
}

// A page is rung from outside, without a backend.
func ExamplePhone_Call() {
	twilio := start()
	defer twilio.Close()
	phone := twilio.Phone("+15550100001")
	tommy := open(twilio, "tommy")
	twilio.WaitRegistered(ctx, "tommy", 1)
	fmt.Println(phone.Call("client:tommy"))
	fmt.Println(strings.Contains(tommy.await("invite"), `"From":"+15550100001"`))
	phone.HangUp()
	fmt.Println(phone.Call("+15550100000")) // which has no voice URL
	// Output:
	// <nil>
	// true
	// capabilitytest: "+15550100000" is neither a number of the account, with a voice URL, nor client: and a client name
}

// Whoever is called is told something first, which the caller does not hear.
func ExamplePhone_Told() {
	twilio, caller := dialIn(`<Say>One moment.</Say><Dial><Number url="/whisper">+15550100002</Number></Dial>`)
	defer twilio.Close()
	callee := twilio.Phone("+15550100002")
	callee.WaitRing(ctx)
	callee.Accept()
	twilio.WaitCall(ctx, func(capabilitytest.Call) bool { return len(callee.Told()) > 0 })
	fmt.Println(caller.Told(), callee.Told())
	// Output: [One moment.] [A call from the shop.]
}

// A key is pressed in place of whoever calls, such as a page.
func ExampleServer_Press() {
	twilio, _ := dialIn(`<Gather numDigits="1" action="/pressed"><Say>Press 1 for sales.</Say></Gather>`)
	defer twilio.Close()
	call, _ := twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return len(call.Said) > 0 })
	fmt.Println(twilio.Press(call.SID, "1"))
	call, _ = twilio.WaitCall(ctx, isOver)
	fmt.Println(call.Said)
	// Output:
	// <nil>
	// [Press 1 for sales. You pressed 1.]
}

// A pause of an hour takes no time.
func ExampleInstant() {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<Response><Say>One moment.</Say><Pause length="3600"/><Say>Goodbye.</Say></Response>`)
	}))
	defer backend.Close()
	twilio := start(capabilitytest.Instant(), capabilitytest.Number("+15550100000", backend.URL))
	defer twilio.Close()
	twilio.Phone("+15550100001").Call("+15550100000")
	call, _ := twilio.WaitCall(ctx, isOver)
	fmt.Println(call.Said)
	// Output: [One moment. Goodbye.]
}

// An address is for one server.
func ExampleAddr() {
	twilio := start(capabilitytest.Addr("127.0.0.1:0"))
	defer twilio.Close()
	_, err := capabilitytest.Start(capabilitytest.Addr(strings.TrimPrefix(twilio.URL, "http://")))
	fmt.Println(err != nil)
	// Output: true
}

// What a page on another machine is offered for its audio.
func ExamplePublicIP() {
	twilio := start(capabilitytest.PublicIP("203.0.113.7"))
	defer twilio.Close()
	tommy := open(twilio, "tommy")
	twilio.WaitRegistered(ctx, "tommy", 1)
	twilio.Phone("+15550100001").Call("client:tommy")
	fmt.Println(strings.Contains(tommy.await("invite"), " 203.0.113.7 "))
	// Output: true
}

func ExampleLog() {
	var log strings.Builder
	twilio := start(capabilitytest.Log(&log))
	open(twilio, "alice").dial("tommy")
	twilio.WaitCall(ctx, isOver)
	twilio.Close() // so that all has been written
	for line := range strings.Lines(log.String()) {
		if _, what, _ := strings.Cut(line, " "); strings.HasPrefix(what, "client:alice calls") {
			fmt.Print(what)
		}
	}
	// Output: client:alice calls "tommy"
}

// The page has to connect again, with a new token.
func ExampleCloseOnRefusal() {
	twilio := start(capabilitytest.CloseOnRefusal())
	defer twilio.Close()
	tommy := open(twilio, "tommy")
	twilio.WaitRegistered(ctx, "tommy", 1)
	twilio.Expire("tommy")
	for range tommy.heard { // until the socket is closed
	}
	fmt.Println("closed")
	// Output: closed
}

// On an address that other machines reach, the console has to be asked for.
func ExampleConsole() {
	twilio := start(capabilitytest.Addr("0.0.0.0:0"), capabilitytest.Console())
	defer twilio.Close()
	fmt.Println(twilio.ConsoleURL() == twilio.URL+"/")
	// Output: true
}

func ExampleStatusCallback() {
	reports := make(chan string)
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reports <- r.FormValue("CallStatus") + " " + r.FormValue("To")
	}))
	defer backend.Close()
	twilio := start(capabilitytest.StatusCallback(backend.URL))
	defer twilio.Close()
	open(twilio, "alice").dial("nobody")
	fmt.Println(<-reports)
	// Output: no-answer nobody
}

// A message of the backend for a page, as over Twilio's UserDefinedMessages resource.
func ExampleServer_SendMessage() {
	twilio := start()
	defer twilio.Close()
	alice := open(twilio, "alice")
	twilio.Phone("+15550100001")
	alice.dial("%2B15550100001")
	call, _ := twilio.WaitCall(ctx, func(capabilitytest.Call) bool { return true })
	fmt.Println(twilio.SendMessage(call.SID, `{"topic":"tea"}`))
	fmt.Println(strings.Contains(alice.await("message"), `{"topic":"tea"}`))
	// Output:
	// <nil>
	// true
}

// dialIn starts a stand-in with a number that answers with verbs, and a telephone that
// has called it.
func dialIn(verbs string) (*capabilitytest.Server, *capabilitytest.Phone) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		verbs := verbs
		switch r.URL.Path {
		case "/pressed":
			verbs = "<Say>You pressed " + r.FormValue("Digits") + ".</Say>"
		case "/recorded":
			verbs = "<Say>Thank you for your message.</Say>"
		case "/whisper":
			verbs = "<Say>A call from the shop.</Say>"
		}
		fmt.Fprint(w, "<Response>"+verbs+"</Response>")
	}))
	twilio := start(capabilitytest.Instant(), capabilitytest.Number("+15550100000", backend.URL+"/voice"))
	phone := twilio.Phone("+15550100001")
	twilio.Phone("+15550100002")
	if err := phone.Call("+15550100000"); err != nil {
		panic(err)
	}
	return twilio, phone
}

func isOver(call capabilitytest.Call) bool {
	return call.Status != "ringing" && call.Status != "in-progress"
}

func start(options ...capabilitytest.Option) *capabilitytest.Server {
	return must(capabilitytest.Start(options...))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// A page says what the SDK says in a browser.
type page struct {
	socket *websocket.Conn
	heard  chan string
}

// open opens a page whose device registers.
func open(twilio *capabilitytest.Server, clientName string) page {
	env := twilio.Env()
	token := must(capability.New(env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"]).
		AllowClientIncoming(clientName).
		AllowClientOutgoing(env["TWILIO_TWIML_APP_SID"]).
		ToJWT())
	socket, _, err := websocket.Dial(ctx, twilio.URL+"/signal", nil)
	p := page{must(socket, err), make(chan string, 100)}
	go p.listen()
	p.say(`{"type":"listen","payload":{"token":"` + token + `"}}`)
	p.say(`{"type":"register","payload":{"media":{"audio":true}}}`)
	return p
}

func (p page) dial(clientName string) {
	p.say(`{"type":"invite","payload":{"callsid":"TJ1","sdp":"v=0","twilio":{"params":"To=` + clientName + `"}}}`)
}

func (p page) say(message string) {
	must(0, p.socket.Write(ctx, websocket.MessageText, []byte(message)))
}

func (p page) listen() {
	for {
		_, message, err := p.socket.Read(ctx)
		if err != nil {
			close(p.heard)
			return
		}
		p.heard <- string(message)
	}
}

// next returns what the server says next.
func (p page) next() string { return <-p.heard }

// await returns the next message of a type.
func (p page) await(kind string) string {
	for message := range p.heard {
		if strings.Contains(message, `"type":"`+kind+`"`) {
			return message
		}
	}
	return ""
}

// What a backend does over the REST API, without HTTP.
func ExampleServer_Call() {
	twilio := start()
	defer twilio.Close()
	phone := twilio.Phone("+15550100001")
	call, err := twilio.Call("+15550100001", "+15550100000", `<Response><Say>Your taxi is here</Say><Pause length="60"/></Response>`)
	if err != nil {
		fmt.Println(err)
		return
	}
	phone.WaitRing(ctx)
	phone.Accept()
	twilio.WaitCall(ctx, func(c capabilitytest.Call) bool { return len(c.Said) > 0 })
	fmt.Println(phone.Told(), twilio.Hangup(call.SID), twilio.Calls()[0].Status)

	_, err = twilio.Call("client:nobody at all", "+15550100000", "<Response/>")
	fmt.Println(err != nil)
	// Output:
	// [Your taxi is here] <nil> completed
	// true
}

func ExampleServer_Hangup() {
	twilio := start()
	defer twilio.Close()
	twilio.Phone("+15550100001") // rings until a test answers it
	call, _ := twilio.Call("+15550100001", "+15550100000", "https://shop.example/voice")
	twilio.WaitCall(ctx, func(c capabilitytest.Call) bool { return c.Status == "ringing" })
	fmt.Println(twilio.Hangup(call.SID), twilio.Calls()[0].Status)
	fmt.Println(twilio.Hangup(call.SID))
	// Output:
	// <nil> canceled
	// capabilitytest: 21220: Call is not in-progress. Cannot redirect.
}
