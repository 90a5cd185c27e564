package capabilitytest

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// The SDKs take Device.edge, Device.home and the host of their next socket from it.
func TestConnectedSaysWhere(t *testing.T) {
	p := openPageAt(t, start(t), "voice-js.sydney.twilio.com")
	p.listen(mint(t, both("tommy")))
	connected := p.expect("connected")
	assert.Equal(t, [3]string{"sydney", "ASIAPAC_SYDNEY", "us1"}, [3]string{connected.Edge, connected.Region, connected.Home})
}

// With the connectToken of a call, another page takes it over: one that rings, or one
// that goes on.
func TestConnectToken(t *testing.T) {
	for _, test := range []string{"ringing", "answered"} {
		t.Run(test, func(t *testing.T) {
			s := start(t)
			alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
			alice.dial("tommy")
			alice.expect("ringing")
			invite := tommy.expect("invite")
			if test == "answered" {
				tommy.accept(invite.CallSID)
				alice.expect("answer")
			}
			other := connect(t, s, mint(t, both("tommy")), "2.18.5")
			offer := other.offer("new")
			other.send("invite", payload{CallSID: invite.CallSID, Reconnect: invite.Reconnect, SDP: offer})
			answer := other.expect("answer")
			assert.Equal(t, invite.CallSID, answer.CallSID)
			other.hear("new", answer.SDP)
			assert.Equal(t, payload{CallSID: invite.CallSID}, tommy.expect("cancel"))
			if test == "ringing" {
				alice.expect("answer")
			}
			other.waitConnected("new")
			tommy.send("hangup", payload{CallSID: invite.CallSID}) // it is not tommy's any more
			alice.expectNothing()
			other.send("hangup", payload{CallSID: invite.CallSID})
			alice.expect("hangup")
		})
	}
}

// waitConnected waits until audio can flow.
func (p *page) waitConnected(sid string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		return p.peer(sid).ConnectionState() == webrtc.PeerConnectionStateConnected
	}, 20*time.Second, 10*time.Millisecond)
}

func TestCallMessages(t *testing.T) {
	c := talk(t)
	send := func(kind string, content any) {
		c.alice.send("message", payload{CallSID: c.aliceSID, Content: content, ContentType: "application/json", MessageType: kind, VoiceEvent: "KX1"})
	}
	send("user-defined-message", map[string]string{"hello": "world"})
	assert.Equal(t, payload{CallSID: c.aliceSID, AckType: "message", VoiceEvent: "KX1"}, c.alice.expect("ack"))
	assert.Equal(t, []string{`{"hello":"world"}`}, c.server.Calls()[0].Messages)

	send("another-message", "hello")
	refused := c.alice.expect("error")
	assert.Equal(t, 31210, refused.Error.Code)
	assert.Equal(t, [2]string{c.aliceSID, "KX1"}, [2]string{refused.CallSID, refused.VoiceEvent})
	send(strings.Repeat("x", 200_000), "hello")
	assert.Less(t, len(c.alice.expectFault("error", 31210)), 200)
	send("user-defined-message", strings.Repeat("x", 10_000))
	assert.Equal(t, 31212, c.alice.expect("error").Error.Code)

	require.NoError(t, c.server.SendMessage(c.aliceSID, `{"message":"ahoy"}`))
	got := c.alice.expect("message")
	assert.Equal(t, c.aliceSID, got.CallSID)
	assert.Equal(t, map[string]any{"message": "ahoy"}, got.Content)
	assert.Equal(t, [2]string{"user-defined-message", "application/json"}, [2]string{got.MessageType, got.ContentType})
	assert.Regexp(t, "^KX[0-9a-f]{32}$", got.VoiceEvent)

	c.tommy.send("message", payload{CallSID: c.tommySID, Content: 1, ContentType: "application/json", MessageType: "user-defined-message", VoiceEvent: "KX2"})
	c.tommy.expect("ack")
	assert.Equal(t, []string{`{"hello":"world"}`, `1`}, c.server.Calls()[0].Messages)
	require.ErrorContains(t, c.server.SendMessage("CA1", `{}`), "CA1")
	require.ErrorContains(t, c.server.SendMessage(c.aliceSID, `{`), "JSON")
}

func TestICERestart(t *testing.T) {
	c := talk(t)
	c.alice.waitConnected("TJ1")
	pc := c.alice.peer("TJ1")
	offer, err := pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	require.NoError(t, err)
	require.NoError(t, pc.SetLocalDescription(offer))
	c.alice.send("reinvite", payload{CallSID: c.aliceSID, SDP: offer.SDP})
	c.alice.hear("TJ1", c.alice.expect("answer").SDP)
	c.alice.waitConnected("TJ1")

	c.alice.send("reinvite", payload{CallSID: c.aliceSID, SDP: "nonsense"})
	c.alice.expectNothing()
	c.tommy.expectNothing()
}

// A page that goes to the back/forward cache closes its socket, and opens another one
// when it comes back.
func TestPageComesBackFromCache(t *testing.T) {
	s := start(t)
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	go tommy.conn.Close(websocket.StatusNoStatusRcvd, "")
	require.NoError(t, s.WaitRegistered(patience(t), "tommy", 0))
	tommy = openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	alice.expect("ringing")
	tommy.expect("invite")
	tommy.expectNothing()
}

func TestLongCallSID(t *testing.T) {
	alice := openDevice(t, start(t), both("alice"))
	alice.send("hangup", payload{CallSID: strings.Repeat("x", 64)})
	alice.expectNothing()
	alice.send("hangup", payload{CallSID: strings.Repeat("x", 65)})
	assert.Equal(t, websocket.StatusInvalidFramePayloadData, alice.closed())
}

func TestStrangerIsEchoedNothing(t *testing.T) {
	p := openPage(t, start(t))
	p.dial("tommy")
	assert.Empty(t, p.expect("hangup").CallSID)
	p.send("invite", payload{CallSID: "CA1", Reconnect: "x", SDP: "x"})
	assert.Empty(t, p.expect("hangup").CallSID)
}

// What is remembered of calls is small, whatever the page sent.
func TestCallsAreRememberedBriefly(t *testing.T) {
	s := start(t)
	alice := openDevice(t, s, both("alice"))
	const calls = 20
	before := heap()
	for range calls {
		alice.send("invite", payload{CallSID: "TJ1", SDP: strings.Repeat("x", 200<<10), Twilio: map[string]string{"params": "To=nobody"}})
		alice.expectFault("hangup", 31404)
	}
	require.Len(t, s.Calls(), calls)
	assert.Less(t, heap()-before, int64(1<<20))
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A wrong name in the TwiML is the most common reason why nobody is rung.
func TestNobodyIsRegistered(t *testing.T) {
	s := start(t)
	alice := openDevice(t, s, both("alice"))
	openDevice(t, s, both("tommy_40example_2Ecom"))
	require.NoError(t, s.WaitRegistered(patience(t), "tommy_40example_2Ecom", 1))
	for params, want := range map[string]string{
		"To=tommy%40example.com": `no device is registered as "tommy@example.com", but "tommy_40example_2Ecom" is: encode the name that is dialled (registered: "alice", "tommy_40example_2Ecom")`,
		"To=bob":                 `no device is registered as "bob" (registered: "alice", "tommy_40example_2Ecom")`,
		"to=tommy":               "the call has no parameter To, which says whom to dial",
	} {
		alice.dialWith(params)
		assert.Contains(t, alice.expectFault("hangup", 31404), want)
	}
}

// wavTime returns how long a WAV file plays.
func wavTime(t *testing.T, file []byte) time.Duration {
	t.Helper()
	sound, err := media.ParseWAV(file)
	require.NoError(t, err)
	const header, second = 44, 2 * 8000 // bytes
	return time.Duration(len(sound.WAV())-header) * time.Second / second
}

func TestSounds(t *testing.T) {
	s := start(t)
	for _, name := range []string{"incoming", "dtmf-1", "dtmf-star", "dtmf-hash", "dtmf-" + strings.Repeat("1", 1000)} {
		response, err := http.Get(s.URL + "/sounds/" + name)
		require.NoError(t, err)
		wav, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Body.Close()
		assert.GreaterOrEqual(t, wavTime(t, wav), 100*time.Millisecond)
		assert.LessOrEqual(t, wavTime(t, wav), time.Second)
		assert.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"))
	}
}
