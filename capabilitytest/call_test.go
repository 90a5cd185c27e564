package capabilitytest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// conversation is a call between alice and tommy that was answered.
type conversation struct {
	server                         *Server
	alice, tommy                   *page
	aliceSID, tommySID             string
	aliceReconnect, tommyReconnect string
}

func talk(t *testing.T, options ...Option) conversation {
	t.Helper()
	c := conversation{server: start(t, options...)}
	c.alice, c.tommy = openDevice(t, c.server, both("alice")), openDevice(t, c.server, both("tommy"))
	c.alice.dial("tommy")
	c.aliceSID = c.alice.expect("ringing").CallSID
	invite := c.tommy.expect("invite")
	c.tommySID, c.tommyReconnect = invite.CallSID, invite.Reconnect
	c.tommy.accept(c.tommySID)
	answer := c.alice.expect("answer")
	c.aliceReconnect = answer.Reconnect
	c.alice.hear("TJ1", answer.SDP)
	return c
}

// resume asks for a call on a new socket of the same page, as SDK 2.x does after connected.
func (p *page) resume(old *page, sid, reconnect string) {
	p.t.Helper()
	sdp := ""
	for _, key := range []string{"TJ1", sid} {
		if pc := old.media[key]; pc != nil {
			sdp = pc.LocalDescription().SDP
		}
	}
	p.send("invite", payload{CallSID: sid, Reconnect: reconnect, SDP: sdp})
}

func TestCallOutlivesSocket(t *testing.T) {
	for name, lose := range map[string]func(conversation){
		"cut by the server":   func(c conversation) { c.server.Disconnect("alice"); c.server.Disconnect("tommy") },
		"cut by the page":     func(c conversation) { c.alice.conn.CloseNow(); c.tommy.conn.CloseNow() },
		"closed by the SDK":   func(c conversation) { go c.alice.conn.Close(websocket.StatusNoStatusRcvd, ""); c.tommy.conn.CloseNow() },
		"not yet known to it": func(conversation) {},
	} {
		t.Run(name, func(t *testing.T) {
			c := talk(t)
			lose(c)
			alice, tommy := openDevice(t, c.server, both("alice")), openDevice(t, c.server, both("tommy"))
			alice.resume(c.alice, c.aliceSID, c.aliceReconnect)
			assert.Equal(t, payload{CallSID: c.aliceSID, Reconnect: c.aliceReconnect}, alice.expect("answer"))
			tommy.resume(c.tommy, c.tommySID, c.tommyReconnect)
			assert.Equal(t, payload{CallSID: c.tommySID, Reconnect: c.tommyReconnect}, tommy.expect("answer"))
			assert.Equal(t, "in-progress", c.server.Calls()[0].Status)

			tommy.send("hangup", payload{CallSID: c.tommySID})
			assert.Equal(t, c.aliceSID, alice.expect("hangup").CallSID)
			alice.resume(c.alice, c.aliceSID, c.aliceReconnect) // too late
			assert.Equal(t, payload{CallSID: c.aliceSID}, alice.expect("hangup"))
		})
	}
}

func TestCallEndsWhileSocketIsLost(t *testing.T) {
	c := talk(t)
	c.server.Disconnect("alice")
	c.alice.closed()
	c.tommy.send("hangup", payload{CallSID: c.tommySID})
	alice := openDevice(t, c.server, both("alice"))
	_, err := c.server.WaitCall(patience(t), func(call Call) bool { return call.Status == "completed" })
	require.NoError(t, err)
	alice.resume(c.alice, c.aliceSID, c.aliceReconnect)
	assert.Equal(t, payload{CallSID: c.aliceSID}, alice.expect("hangup"))
}

// The caller is still on the line while the action of the Dial is asked.
func TestCallerResumesAfterCalleeHasHungUp(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	b := startBackendFunc(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		if r.URL.Path == "/action" {
			close(asked)
			<-release
		}
		io.WriteString(w, `<Response><Dial action="/action"><Client>tommy</Client></Dial></Response>`)
	})
	defer close(release)
	c := talk(t, VoiceURL(b.URL+"/voice"))
	c.tommy.send("hangup", payload{CallSID: c.tommySID})
	await(t, asked)
	c.alice.resume(c.alice, c.aliceSID, c.aliceReconnect)
	c.alice.expect("answer")
}

func TestNobodyResumesForeignCall(t *testing.T) {
	c := talk(t)
	mallory := openDevice(t, c.server, both("mallory"))
	for sid, reconnect := range map[string]string{c.aliceSID: "guess", c.tommySID: c.aliceReconnect, "": c.aliceReconnect} {
		mallory.resume(c.alice, sid, reconnect)
		mallory.expect("hangup")
	}
	without := openPage(t, c.server)
	without.resume(c.alice, c.aliceSID, c.aliceReconnect)
	without.expect("hangup")
	c.alice.expectNothing()
	assert.Equal(t, "in-progress", c.server.Calls()[0].Status)
}

// SDK 2.x resumes its calls with each new token, even one that it is about to answer.
func TestTokenRenewedWhileAnswering(t *testing.T) {
	s := start(t)
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	alice.expect("ringing")
	invite := tommy.expect("invite")
	tommy.resume(tommy, invite.CallSID, invite.Reconnect)
	tommy.expectNothing()
	tommy.accept(invite.CallSID)
	alice.expect("answer")
}

// Before a call is answered, the SDKs lose it with their socket, but show it for
// ever unless they are told when they are back.
func TestPageIsToldOfCallThatEndedWithItsSocket(t *testing.T) {
	for _, lost := range []string{"alice", "tommy"} {
		t.Run(lost, func(t *testing.T) {
			s := start(t)
			tokens := map[string]string{"alice": mint(t, both("alice")), "tommy": mint(t, both("tommy"))}
			open := func(name string) *page { return connect(t, s, tokens[name], "") }
			otherTab := open(lost)
			pages, sids := map[string]*page{"alice": open("alice"), "tommy": open("tommy")}, map[string]string{}
			pages["tommy"].register()
			pages["tommy"].expect("ready")
			pages["alice"].dial("tommy")
			sids["alice"] = pages["alice"].expect("ringing").CallSID
			sids["tommy"] = pages["tommy"].expect("invite").CallSID

			pages[lost].conn.CloseNow()
			_, err := s.WaitCall(patience(t), func(call Call) bool { return call.Status != "ringing" })
			require.NoError(t, err)
			back := open(lost)
			assert.Equal(t, payload{CallSID: sids[lost]}, back.expect("cancel"))
			assert.Equal(t, payload{CallSID: sids[lost]}, back.expect("hangup"))
			open(lost).expectNothing() // once is enough
			otherTab.expectNothing()
		})
	}
}

func TestPageThatLeftIsToldNothing(t *testing.T) {
	s := start(t)
	token := mint(t, both("alice"))
	alice, tommy := connect(t, s, token, ""), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	alice.expect("ringing")
	tommy.accept(tommy.expect("invite").CallSID)
	alice.expect("answer")

	alice.conn.Close(websocket.StatusGoingAway, "")
	tommy.expect("hangup")
	connect(t, s, token, "").expectNothing() // after a reload
}

// SDK 1.x keeps its call, but does not say so on the new socket.
func TestCallOfSDK1OutlivesSocket(t *testing.T) {
	s := start(t)
	token := mint(t, both("alice"))
	alice, tommy := connect(t, s, token, "1.15.1"), openDevice(t, s, both("tommy"))
	alice.register()
	alice.expect("ready")
	alice.dial("tommy")
	sid := alice.expect("ringing").CallSID
	tommySID := tommy.expect("invite").CallSID
	tommy.accept(tommySID)
	alice.expect("answer")

	s.Disconnect("alice")
	require.NoError(t, s.WaitRegistered(patience(t), "alice", 0))
	connect(t, s, mint(t, both("alice").SetTTL(time.Minute)), "1.15.1").send("hangup", payload{CallSID: sid}) // another page
	connect(t, s, token, "1.15.1").send("hangup", payload{CallSID: sid})
	assert.Equal(t, tommySID, tommy.expect("hangup").CallSID)
}

// The new socket can be there before the old one is known to be lost.
func TestCallOfSDK1MovesToSocketThatCameFirst(t *testing.T) {
	c := talk(t)
	token := mint(t, both("alice"))
	pages := []*page{connect(t, c.server, token, "1.15.1"), connect(t, c.server, token, "1.15.1")}
	pages[0].resume(c.alice, c.aliceSID, c.aliceReconnect) // so that the call is the first one's
	pages[0].expect("answer")
	pages[0].register()
	pages[0].expect("ready")
	pages[0].conn.CloseNow()
	require.NoError(t, c.server.WaitRegistered(patience(t), "alice", 1))
	pages[1].send("hangup", payload{CallSID: c.aliceSID})
	assert.Equal(t, c.tommySID, c.tommy.expect("hangup").CallSID)
}

// Two tabs can have equal tokens: a capability token says nothing but what it
// grants, and until when.
func TestCallOfSDK1DoesNotMoveToOtherTab(t *testing.T) {
	s := start(t)
	token := mint(t, both("alice"))
	open := func() *page {
		p := connect(t, s, token, "1.15.1")
		p.register()
		p.expect("ready")
		return p
	}
	alice, other, tommy := open(), open(), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	sid := alice.expect("ringing").CallSID
	tommySID := tommy.expect("invite").CallSID
	tommy.accept(tommySID)
	alice.expect("answer")

	alice.conn.CloseNow()
	require.NoError(t, s.WaitRegistered(patience(t), "alice", 1))
	other.send("hangup", payload{CallSID: sid})
	other.expectNothing()
	tommy.expectNothing()
	open().send("hangup", payload{CallSID: sid})
	assert.Equal(t, tommySID, tommy.expect("hangup").CallSID)
}

func TestBusyCallerMayNotCall(t *testing.T) {
	s := start(t)
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	const calls = 100 // far fewer than make the server cut a page that reads none of its messages
	for range calls {
		alice.dial("tommy")
	}
	got := map[string]int{}
	for range calls {
		got[alice.next().Type]++
	}
	assert.Equal(t, map[string]int{"ringing": 1, "hangup": calls - 1}, got)
	tommy.expect("invite")
	tommy.expectNothing()
}

func TestDialsWhileRung(t *testing.T) {
	s := start(t)
	alice, tommy, bob := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy")), openDevice(t, s, both("bob"))
	alice.dial("tommy")
	alice.expect("ringing")
	sid := tommy.expect("invite").CallSID
	tommy.dial("bob")
	assert.Equal(t, sid, tommy.expect("cancel").CallSID)
	alice.expectFault("hangup", 31486)
	tommy.expect("ringing")
	bob.expect("invite")
}

// Alice and tommy dial each other. While alice is told how her call has ended, she is still on it.
func TestGlare(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	b := startBackendFunc(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		switch {
		case r.URL.Path == "/ended":
			<-ended.Done()
			io.WriteString(w, "<Response/>")
		case r.FormValue("From") == "client:alice":
			io.WriteString(w, `<Response><Dial answerOnBridge="true" action="/ended"><Client>tommy</Client></Dial></Response>`)
		default:
			io.WriteString(w, `<Response><Dial answerOnBridge="true"><Client>alice</Client></Dial></Response>`)
		}
	})
	defer end()
	s := start(t, VoiceURL(b.URL+"/voice"))
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	alice.expect("ringing")
	tommy.dial("alice") // before it has read that it rings
	tommy.expect("invite")
	tommy.expect("cancel")
	tommy.expectFault("hangup", 31486)
	end()
	alice.expect("hangup")
	tommy.dial("alice")
	tommy.expect("ringing")
	alice.expect("invite")
}

func TestLongParams(t *testing.T) {
	alice := openDevice(t, start(t), both("alice"))
	query := "To=tommy&Note="
	for length, code := range map[int]int{800: 31404, 801: 31103} {
		alice.dialWith(query + strings.Repeat("x", length-len(query)))
		alice.expectFault("hangup", code)
	}
}

func TestDigits(t *testing.T) {
	c := talk(t)
	c.alice.send("dtmf", payload{CallSID: c.aliceSID, DTMF: "12"})
	c.alice.send("dtmf", payload{CallSID: c.aliceSID, DTMF: "#"})
	call, err := c.server.WaitCall(patience(t), func(call Call) bool { return call.Digits == "12#" })
	require.NoError(t, err)
	assert.Equal(t, "in-progress", call.Status)
	assert.Equal(t, "client:alice", call.From)
	assert.Equal(t, "tommy", call.To)
	assert.Equal(t, c.aliceSID, call.SID)

	c.alice.send("dtmf", payload{CallSID: c.aliceSID, DTMF: strings.Repeat("1", 1000)}) // no person dials
	c.alice.send("dtmf", payload{CallSID: c.aliceSID, DTMF: "1\x1b[2J2"})
	c.alice.expectNothing()
	assert.Equal(t, "12#", c.server.Calls()[0].Digits)
}

func TestRefuse(t *testing.T) {
	s := start(t)
	s.Refuse("tommy", 31205)
	p := openPage(t, s)
	p.listen(mint(t, both("tommy")))
	p.expectFault("error", 31205)
	p.listen(mint(t, both("tommy")))
	p.expect("connected")
}

func TestExpire(t *testing.T) {
	s := start(t)
	caller := openDevice(t, s, newToken().SetClientName("caller").AllowClientOutgoing(applicationSID))
	s.Expire("caller") // which is not registered
	caller.expectFault("error", 31205)

	tommy := openDevice(t, s, both("tommy"))
	s.Expire("tommy")
	tommy.expectFault("error", 31205)
	tommy.expect("offline")
	require.NoError(t, s.WaitRegistered(patience(t), "tommy", 0))
	s.Expire("tommy") // once is enough
	tommy.listen(mint(t, both("tommy")))
	tommy.expect("connected")
}

func TestDisconnectsDeviceWhoseTokenHasExpired(t *testing.T) {
	s := start(t)
	tommy := openDevice(t, s, both("tommy"))
	s.Expire("tommy")
	s.Disconnect("tommy")
	tommy.closed()
}

func TestWaitCallMayAskTheServer(t *testing.T) {
	s := start(t)
	openDevice(t, s, both("alice")).dial("nobody")
	_, err := s.WaitCall(patience(t), func(call Call) bool { return s.Calls()[0].SID == call.SID })
	require.NoError(t, err)
}

func TestCloseOnRefusal(t *testing.T) {
	s := start(t, CloseOnRefusal())
	tommy := openDevice(t, s, both("tommy"))
	s.Expire("tommy")
	tommy.expectFault("error", 31205)
	assert.Equal(t, websocket.StatusPolicyViolation, tommy.closed())
	p := openPage(t, s)
	p.listen("hello")
	p.expectFault("error", 31204)
	assert.Equal(t, websocket.StatusPolicyViolation, p.closed())
}

func TestSocketWithoutToken(t *testing.T) {
	s := start(t, change(func(s *Server) { s.sockets.Listen = 0 }))
	silent := openPage(t, s)
	assert.Equal(t, websocket.StatusPolicyViolation, silent.closed())

	s = start(t)
	refused, expired := s.exchange.Connect(), s.exchange.Connect()
	defer refused.Leave(true)
	defer expired.Leave(true)
	refused.Refuse(&exchange.Fault{Code: 31204, Message: "no"}, nil)
	expired.Accept(&exchange.Grants{ClientName: "tommy", ExpiresAt: time.Now().Add(time.Hour)}, [32]byte{}, "")
	s.Expire("tommy")
	refused.StopUnproven()
	expired.StopUnproven()
	assert.Error(t, refused.Context().Err())
	assert.NoError(t, expired.Context().Err(), "whoever has shown a token stays")
}

func TestTooManySockets(t *testing.T) {
	s := start(t)
	for {
		d := s.exchange.Connect()
		if d == nil {
			break
		}
		defer d.Leave(true)
	}
	_, response, err := websocket.Dial(t.Context(), s.URL+"/signal", nil)
	require.Error(t, err)
	assert.Equal(t, 503, response.StatusCode)
}

func TestLongMessage(t *testing.T) {
	s := start(t)
	p := openPage(t, s)
	p.conn.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat(" ", 256<<10+1)))
	assert.Equal(t, websocket.StatusMessageTooBig, p.closed())
}

func TestWaitSaysWhatIsMissing(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := s.WaitRegistered(ctx, "tommy", 2)
	assert.EqualError(t, err, `capabilitytest: registered as "tommy": 0 devices, not 2: context deadline exceeded`)
	_, err = s.WaitCall(ctx, func(Call) bool { return true })
	assert.EqualError(t, err, `capabilitytest: no call matches: context deadline exceeded; there was no call`)
}
