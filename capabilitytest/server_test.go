package capabilitytest

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

// The tests show tokens to a server that knows this account.
const (
	accountSID     = "AC00000000000000000000000000000001"
	authToken      = "a-secret-of-the-tests"
	applicationSID = "AP00000000000000000000000000000001"
	apiKeySID      = "SK00000000000000000000000000000001"
	apiKeySecret   = "another-secret-of-the-tests"
)

func testAccount(name string) string {
	return map[string]string{
		"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_AUTH_TOKEN": authToken, "TWILIO_TWIML_APP_SID": applicationSID,
		"TWILIO_API_KEY": apiKeySID, "TWILIO_API_SECRET": apiKeySecret,
	}[name]
}

// change is an option that only tests have.
func change(f func(*Server)) Option {
	return func(s *Server) error {
		f(s)
		return nil
	}
}

var shortReconnect = change(func(s *Server) { s.timing.reconnect = 10 * time.Millisecond })

func start(t *testing.T, options ...Option) *Server {
	t.Helper()
	return NewServer(t, append([]Option{Credentials(testAccount)}, options...)...)
}

// page is the other end of a device's socket: it says what the SDK says.
type page struct {
	t    *testing.T
	conn *websocket.Conn
}

func openPage(t *testing.T, s *Server) *page {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), s.URL+"/signal", nil)
	require.NoError(t, err)
	t.Cleanup(func() { conn.CloseNow() })
	return &page{t, conn}
}

// connect returns a page that has shown a token, as an SDK of that version.
func connect(t *testing.T, s *Server, token, sdk string) *page {
	t.Helper()
	p := openPage(t, s)
	p.send("listen", payload{Token: token, BrowserInfo: browserInfo{sdk}})
	p.expect("connected")
	return p
}

// openDevice returns a page whose device is ready.
func openDevice(t *testing.T, s *Server, token *capability.CapabilityToken) *page {
	t.Helper()
	p := connect(t, s, mint(t, token), "")
	p.register()
	p.expect("ready")
	return p
}

func (p *page) send(kind string, body payload) {
	p.t.Helper()
	data, err := json.Marshal(message{Type: kind, Version: "1.5", Payload: body})
	require.NoError(p.t, err)
	require.NoError(p.t, p.conn.Write(p.t.Context(), websocket.MessageText, data))
}

func (p *page) listen(token string) {
	p.t.Helper()
	p.send("listen", payload{Token: token})
}

func (p *page) register() {
	p.t.Helper()
	p.send("register", payload{Media: media{Audio: true}})
}

// dial calls to with the page's own call SID "TJ1".
func (p *page) dial(to string) {
	p.t.Helper()
	p.send("invite", payload{CallSID: "TJ1", SDP: "offer", Twilio: application{url.Values{"To": {to}}.Encode()}})
}

// expect returns the next message, which is of the given kind. What a page is
// sent comes in order, so that it also says that nothing else was sent.
func (p *page) expect(kind string) payload {
	p.t.Helper()
	m := p.next()
	require.Equal(p.t, kind, m.Type)
	assert.Equal(p.t, "1.5", m.Version)
	return m.Payload
}

// next returns the next message.
func (p *page) next() message {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, data, err := p.conn.Read(ctx)
		require.NoError(p.t, err)
		if string(data) == "\n" {
			continue
		}
		var m message
		require.NoError(p.t, json.Unmarshal(data, &m))
		return m
	}
}

func (p *page) expectFault(kind string, code int) {
	p.t.Helper()
	fault := p.expect(kind).Error
	require.NotNil(p.t, fault)
	assert.Equal(p.t, code, fault.Code, fault.Message)
	assert.NotEmpty(p.t, fault.Message)
}

// expectNothing checks that the page has been sent nothing that is not read.
func (p *page) expectNothing() {
	p.t.Helper()
	p.register()
	p.expect("ready")
}

func mint(t *testing.T, token *capability.CapabilityToken) string {
	t.Helper()
	signed, err := token.ToJWT()
	require.NoError(t, err)
	return signed
}

// A maker starts a token of one kind.
type maker func() *capability.CapabilityToken

func newToken() *capability.CapabilityToken { return capability.New(accountSID, authToken) }

func newAccessToken() *capability.CapabilityToken {
	return capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret)
}

func (m maker) both(name string) *capability.CapabilityToken {
	return m().AllowClientIncoming(name).AllowClientOutgoing(applicationSID)
}

func both(name string) *capability.CapabilityToken { return maker(newToken).both(name) }

func eachKind(t *testing.T, test func(*testing.T, maker)) {
	t.Run("capability token", func(t *testing.T) { test(t, newToken) })
	t.Run("Access Token", func(t *testing.T) { test(t, newAccessToken) })
}

func TestRegisters(t *testing.T) {
	eachKind(t, func(t *testing.T, token maker) {
		p := openPage(t, start(t))

		p.listen(mint(t, token.both("tommy").SetTTL(10*time.Minute)))
		connected := p.expect("connected")
		who, ok := connected.Token.(map[string]any)
		require.True(t, ok)
		assert.Equal(t, "tommy", who["identity"])
		assert.InDelta(t, 600, who["ttl"], 2)
		assert.NotEmpty(t, connected.Region)
		assert.NotEmpty(t, connected.Gateway)
		p.register()
		p.expect("ready")
		p.register() // as the SDK does every 30 s
		p.expect("ready")
	})
}

func TestRefusesTokens(t *testing.T) {
	sign := func(key string, change jwt.MapClaims) string {
		claims := jwt.MapClaims{
			"iss":   accountSID,
			"exp":   time.Now().Add(time.Hour).Unix(),
			"scope": "scope:client:incoming?clientName=tommy",
		}
		maps.Copy(claims, change)
		signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
		require.NoError(t, err)
		return signed
	}
	access := func(key string, change jwt.MapClaims, header ...string) string {
		claims := jwt.MapClaims{
			"iss": apiKeySID,
			"sub": accountSID,
			"exp": time.Now().Add(time.Hour).Unix(),
			"grants": map[string]any{
				"identity": "tommy",
				"voice":    map[string]any{"incoming": map[string]any{"allow": true}},
			},
		}
		maps.Copy(claims, change)
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
		token.Header["cty"] = append(header, "twilio-fpa;v=1")[0]
		signed, err := token.SignedString([]byte(key))
		require.NoError(t, err)
		return signed
	}
	tests := map[string]struct {
		token string
		code  int
	}{
		"tampered":               {sign("another key", nil), 31202},
		"no signature":           {strings.TrimRight(sign(authToken, nil), "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), 31202},
		"foreign":                {sign("another key", jwt.MapClaims{"iss": "AC00000000000000000000000000000002"}), 31203},
		"foreign, with our key":  {sign(authToken, jwt.MapClaims{"iss": "AC00000000000000000000000000000002"}), 31203},
		"expired":                {sign(authToken, jwt.MapClaims{"exp": time.Now().Unix() - 1}), 31205},
		"valid for over 24 h":    {sign(authToken, jwt.MapClaims{"exp": time.Now().Add(25 * time.Hour).Unix()}), 31207},
		"not valid yet":          {sign(authToken, jwt.MapClaims{"nbf": time.Now().Add(time.Minute).Unix()}), 31204},
		"scope that is not one":  {sign(authToken, jwt.MapClaims{"scope": "everything"}), 31204},
		"not a token":            {"hello", 31204},
		"empty":                  {"", 31204},
		"tampered and expired":   {sign("another key", jwt.MapClaims{"exp": time.Now().Unix() - 1}), 31202},
		"foreign and expired":    {sign("another key", jwt.MapClaims{"iss": "AC2", "exp": time.Now().Unix() - 1}), 31203},
		"issuer that is no text": {sign(authToken, jwt.MapClaims{"iss": 1}), 31204},

		"Access Token, tampered":               {access("another key", nil), 31202},
		"Access Token, with the auth token":    {access(authToken, nil), 31202},
		"Access Token, with no key":            {access("", nil), 31202},
		"Access Token, foreign":                {access("another key", jwt.MapClaims{"sub": "AC2"}), 31203},
		"Access Token, foreign, with our key":  {access(apiKeySecret, jwt.MapClaims{"sub": "AC2"}), 31203},
		"Access Token, of no account":          {access(apiKeySecret, jwt.MapClaims{"sub": nil}), 31203},
		"Access Token, of another API key":     {access(apiKeySecret, jwt.MapClaims{"iss": "SK2"}), 31204},
		"Access Token, expired":                {access(apiKeySecret, jwt.MapClaims{"exp": time.Now().Unix() - 1}), 31205},
		"Access Token, that never expires":     {access(apiKeySecret, jwt.MapClaims{"exp": nil}), 31204},
		"Access Token, valid for over 24 h":    {access(apiKeySecret, jwt.MapClaims{"exp": time.Now().Add(25 * time.Hour).Unix()}), 31207},
		"Access Token, not valid yet":          {access(apiKeySecret, jwt.MapClaims{"nbf": time.Now().Add(time.Minute).Unix()}), 31204},
		"Access Token, of another form":        {access(apiKeySecret, nil, "twilio-fpa;v=2"), 31204},
		"Access Token, without a client name":  {access(apiKeySecret, jwt.MapClaims{"grants": map[string]any{}}), 31204},
		"Access Token, with grants not JSON's": {access(apiKeySecret, jwt.MapClaims{"grants": "everything"}), 31204},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			p := openPage(t, s)
			p.listen(test.token)
			p.expectFault("error", test.code)

			// It is allowed nothing, on a socket that stays open.
			p.register()
			p.expectFault("error", test.code)
			p.dial("tommy")
			p.expectFault("hangup", test.code)
			alice := openDevice(t, s, both("alice"))
			alice.dial("tommy")
			alice.expectFault("hangup", 31404)

			p.listen(mint(t, both("tommy")))
			p.expect("connected")
			p.register()
			p.expect("ready")
		})
	}
}

func TestNeedsAToken(t *testing.T) {
	p := openPage(t, start(t))
	p.register()
	p.expectFault("error", 31204)
	p.dial("tommy")
	p.expectFault("hangup", 31204)
}

func TestRefusedRenewalEndsRegistration(t *testing.T) {
	s := start(t)
	tommy := openDevice(t, s, both("tommy"))
	alice := openDevice(t, s, both("alice"))
	tommy.listen("hello")
	tommy.expectFault("error", 31204)
	alice.dial("tommy")
	alice.expectFault("hangup", 31404)
}

func TestCall(t *testing.T) {
	s := start(t)
	alice := openDevice(t, s, both("alice"))
	tommys := []*page{
		openDevice(t, s, both("tommy")),
		openDevice(t, s, maker(newAccessToken).both("tommy")), // who shows which kind makes no difference
		openDevice(t, s, both("tommy")),
	}

	alice.send("invite", payload{CallSID: "TJ1", SDP: "v=0\r\na=candidate:1\r\na=x\r\na=candidate:2\r\n",
		Twilio: application{"To=client%3Atommy&a=b+c"}})
	ringing := alice.expect("ringing")
	assert.Regexp(t, "^CA[0-9a-f]{32}$", ringing.CallSID)
	sids := map[string]bool{ringing.CallSID: true}
	var invites []payload
	for _, tommy := range tommys {
		invite := tommy.expect("invite")
		assert.Equal(t, "v=0\r\na=x\r\n", invite.SDP, "the caller's address is for nobody who may lose")
		assert.Equal(t, map[string]string{
			"CallSid":    invite.CallSID,
			"AccountSid": accountSID,
			"ApiVersion": "2010-04-01",
			"From":       "client:alice",
			"To":         "client:tommy",
			"Params":     "a=b+c",
		}, invite.Parameters)
		sids[invite.CallSID] = true
		invites = append(invites, invite)
	}
	assert.Len(t, sids, 4, "each leg has a SID of its own")

	tommys[1].send("answer", payload{CallSID: invites[1].CallSID, SDP: "a=candidate:1"})
	answer := alice.expect("answer")
	assert.NotEmpty(t, answer.Reconnect)
	assert.Equal(t, payload{CallSID: ringing.CallSID, SDP: "a=candidate:1", Reconnect: answer.Reconnect}, answer)
	for _, i := range []int{0, 2} {
		assert.Equal(t, payload{CallSID: invites[i].CallSID}, tommys[i].expect("cancel"))
	}

	// A second answer, or the first one once more, changes nothing.
	tommys[0].send("answer", payload{CallSID: invites[0].CallSID, SDP: "late"})
	tommys[0].expectNothing()
	tommys[1].send("answer", payload{CallSID: invites[1].CallSID, SDP: "again"})
	tommys[1].expectNothing()
	alice.expectNothing()

	tommys[1].send("hangup", payload{CallSID: invites[1].CallSID})
	assert.Equal(t, payload{CallSID: ringing.CallSID}, alice.expect("hangup"))
	alice.send("hangup", payload{CallSID: ringing.CallSID})
	tommys[1].expectNothing()
	alice.expectNothing()
}

func TestFirstAnswerWins(t *testing.T) {
	s := start(t)
	alice := openDevice(t, s, both("alice"))
	tommys := []*page{openDevice(t, s, both("tommy")), openDevice(t, s, both("tommy"))}
	alice.dial("tommy")
	alice.expect("ringing")

	var answering sync.WaitGroup
	sids := map[string]*page{}
	for _, tommy := range tommys {
		sid := tommy.expect("invite").CallSID
		sids[sid] = tommy
		answering.Go(func() { tommy.send("answer", payload{CallSID: sid, SDP: sid}) })
	}
	answering.Wait()

	winner := alice.expect("answer").SDP // which is the SID here
	alice.expectNothing()
	for sid, tommy := range sids {
		if sid == winner {
			tommy.expectNothing()
		} else {
			assert.Equal(t, sid, tommy.expect("cancel").CallSID)
		}
	}
}

func TestEndsCalls(t *testing.T) {
	type call struct {
		alice, tommy, other          *page // other is tommy's too
		aliceSID, tommySID, otherSID string
	}
	startCall := func(t *testing.T, change ...Option) call {
		s := start(t, change...)
		c := call{
			alice: openDevice(t, s, both("alice")),
			tommy: openDevice(t, s, both("tommy")),
			other: openDevice(t, s, both("tommy")),
		}
		c.alice.dial("tommy")
		c.aliceSID = c.alice.expect("ringing").CallSID
		c.tommySID = c.tommy.expect("invite").CallSID
		c.otherSID = c.other.expect("invite").CallSID
		return c
	}
	answer := func(c call) {
		c.tommy.send("answer", payload{CallSID: c.tommySID, SDP: "answer"})
		c.alice.expect("answer")
		c.other.expect("cancel")
	}

	t.Run("the caller hangs up while it rings", func(t *testing.T) {
		c := startCall(t)
		c.alice.send("hangup", payload{CallSID: c.aliceSID})
		assert.Equal(t, c.tommySID, c.tommy.expect("cancel").CallSID)
		assert.Equal(t, c.otherSID, c.other.expect("cancel").CallSID)
		c.alice.expectNothing()
	})
	t.Run("the caller hangs up before it has read its call SID", func(t *testing.T) {
		c := startCall(t)
		c.alice.send("hangup", payload{CallSID: "TJ1"})
		assert.Equal(t, c.tommySID, c.tommy.expect("cancel").CallSID)
	})
	t.Run("the caller hangs up the call", func(t *testing.T) {
		c := startCall(t)
		answer(c)
		c.alice.send("hangup", payload{CallSID: c.aliceSID})
		assert.Equal(t, payload{CallSID: c.tommySID}, c.tommy.expect("hangup"))
		c.alice.expectNothing()
		c.other.expectNothing()
	})
	t.Run("all devices reject", func(t *testing.T) {
		c := startCall(t)
		c.tommy.send("reject", payload{CallSID: c.tommySID})
		c.tommy.expectNothing()
		c.alice.expectNothing() // the other one still rings
		c.other.send("reject", payload{CallSID: c.otherSID})
		c.alice.expectFault("hangup", 31002)
	})
	t.Run("one device rejects and the other answers", func(t *testing.T) {
		c := startCall(t)
		c.other.send("reject", payload{CallSID: c.otherSID})
		c.other.expectNothing()
		c.tommy.send("answer", payload{CallSID: c.tommySID, SDP: "answer"})
		c.alice.expect("answer")
	})
	t.Run("nobody answers", func(t *testing.T) {
		c := startCall(t, change(func(s *Server) { s.timing.ring = 50 * time.Millisecond }))
		c.alice.expectFault("hangup", 31480)
		c.tommy.expect("cancel")
		c.other.expect("cancel")
	})
	t.Run("the caller's socket closes", func(t *testing.T) {
		c := startCall(t, shortReconnect)
		answer(c)
		c.alice.conn.CloseNow()
		c.tommy.expect("hangup")
	})
	t.Run("the callee's socket closes", func(t *testing.T) {
		c := startCall(t, shortReconnect)
		answer(c)
		c.tommy.conn.CloseNow()
		c.alice.expect("hangup")
	})
	t.Run("the callee's page is closed", func(t *testing.T) {
		c := startCall(t)
		answer(c)
		c.tommy.conn.Close(websocket.StatusGoingAway, "")
		c.alice.expect("hangup")
	})
	t.Run("every ringing socket closes", func(t *testing.T) {
		c := startCall(t)
		c.tommy.conn.CloseNow()
		c.other.conn.CloseNow()
		c.alice.expectFault("hangup", 31002)
		c.alice.dial("tommy")
		c.alice.expectFault("hangup", 31404)
	})
	t.Run("a stranger hangs up", func(t *testing.T) {
		c := startCall(t)
		answer(c)
		c.other.send("hangup", payload{CallSID: c.tommySID})
		c.other.send("hangup", payload{})
		c.other.expectNothing()
		c.alice.expectNothing()
		c.tommy.expectNothing()
	})
}

func TestRefusesCalls(t *testing.T) {
	alice := func(token maker) *capability.CapabilityToken { return token.both("alice") }
	incomingOnly := func(token maker) *capability.CapabilityToken { return token().AllowClientIncoming("alice") }
	tests := map[string]struct {
		token func(maker) *capability.CapabilityToken
		query string
		code  int
	}{
		"no outgoing scope":    {incomingOnly, "To=tommy", 31201},
		"nobody of the name":   {alice, "To=nobody", 31404},
		"no name":              {alice, "", 31404},
		"no incoming scope":    {alice, "To=caller", 31404},
		"only itself":          {alice, "To=alice", 31486},
		"unreadable":           {alice, "To=%zz", 31400},
		"another kind of call": {alice, "To=%2B15005550006", 31404},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, token maker) {
				s := start(t)
				openDevice(t, s, token.both("tommy"))
				openDevice(t, s, token().AllowClientOutgoing(applicationSID).SetClientName("caller"))
				alice := openDevice(t, s, test.token(token))
				alice.send("invite", payload{CallSID: "TJ1", SDP: "offer", Twilio: application{test.query}})
				refusal := alice.expect("hangup")
				assert.Equal(t, "TJ1", refusal.CallSID)
				require.NotNil(t, refusal.Error)
				assert.Equal(t, test.code, refusal.Error.Code)
			})
		})
	}
}

func TestDeviceIsRungDuringCall(t *testing.T) {
	s := start(t)
	alice, tommy, bob := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy")), openDevice(t, s, both("bob"))

	alice.dial("tommy")
	alice.expect("ringing")
	first := tommy.expect("invite").CallSID
	bob.dial("alice") // who dials
	bob.expectFault("hangup", 31486)
	tommy.send("answer", payload{CallSID: first, SDP: "answer"})
	alice.expect("answer")

	bob.dial("alice") // who is on a call
	bob.expect("ringing")
	alice.send("reject", payload{CallSID: alice.expect("invite").CallSID})
	bob.expectFault("hangup", 31002)
	bob.dial("tommy")
	bob.expect("ringing")
	second := tommy.expect("invite").CallSID
	tommy.send("hangup", payload{CallSID: first})
	alice.expect("hangup")
	tommy.send("answer", payload{CallSID: second, SDP: "answer"})
	bob.expect("answer")
}

func TestNamelessCaller(t *testing.T) {
	s := start(t)
	tommy := openDevice(t, s, both("tommy"))
	caller := openDevice(t, s, newToken().AllowClientOutgoing(applicationSID))
	caller.dial("tommy")
	assert.Equal(t, "client:Anonymous", tommy.expect("invite").Parameters["From"])
}

func TestSignedParamsWin(t *testing.T) {
	eachKind(t, func(t *testing.T, token maker) {
		s := start(t)
		alice := openDevice(t, s, token().SetClientName("alice").AllowClientOutgoing(applicationSID, url.Values{
			"To": {"tommy"}, "Department": {"support"}}))
		tommy := openDevice(t, s, token.both("tommy"))
		openDevice(t, s, token.both("mallory"))

		alice.send("invite", payload{CallSID: "TJ1", SDP: "offer",
			Twilio: application{"To=mallory&Department=sales&Department=board&Note=hello"}})
		assert.Equal(t, "Department=support&Note=hello", tommy.expect("invite").Parameters["Params"])
	})
}

func TestDropsOldestRegistration(t *testing.T) {
	s := start(t)
	var tommys []*page
	for range maxRegistrations {
		tommys = append(tommys, openDevice(t, s, both("tommy")))
	}
	tommys[0].expectNothing() // registering anew makes it no younger
	tommys = append(tommys, openDevice(t, s, both("tommy")))
	tommys[0].expect("offline")

	alice := openDevice(t, s, both("alice"))
	alice.dial("tommy")
	alice.expect("ringing")
	for _, tommy := range tommys[1:] {
		tommy.expect("invite")
	}

	// The SDK registers by itself every 30 s: only a new token brings it back.
	tommys[0].register()
	tommys[0].listen(mint(t, both("tommy")))
	tommys[0].expect("connected")
	tommys[0].register()
	tommys[0].expect("ready")
	tommys[1].expect("offline")
}

func TestRenewal(t *testing.T) {
	s := start(t)
	alice := openDevice(t, s, both("alice"))
	tommy := openDevice(t, s, both("tommy"))

	t.Run("keeps the registration", func(t *testing.T) {
		tommy.listen(mint(t, both("tommy").SetTTL(time.Minute)))
		tommy.expect("connected")
		alice.dial("tommy") // before it registers anew
		alice.expect("ringing")
		sid := tommy.expect("invite").CallSID
		tommy.send("reject", payload{CallSID: sid})
		alice.expectFault("hangup", 31002)
	})
	t.Run("under another name moves it", func(t *testing.T) {
		tommy.listen(mint(t, both("thomas")))
		tommy.expect("connected")
		alice.dial("tommy") // before it registers anew
		alice.expectFault("hangup", 31404)
		tommy.register()
		tommy.expect("ready")
		alice.dial("thomas")
		alice.expect("ringing")
		tommy.expect("invite")
	})
}

func TestUnregisters(t *testing.T) {
	s := start(t)
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	tommy.send("register", payload{}) // with no media, as Device.unregisterPresence does
	tommy.expect("ready")
	alice.dial("tommy")
	alice.expectFault("hangup", 31404)
}

func TestTokenExpiresDuringCall(t *testing.T) {
	eachKind(t, func(t *testing.T, token maker) {
		s := start(t)
		alice := openDevice(t, s, token.both("alice").SetTTL(3*time.Second)) // 2 s at least, as exp is rounded down
		tommy := openDevice(t, s, token.both("tommy"))
		alice.dial("tommy")
		alice.expect("ringing")
		sid := tommy.expect("invite").CallSID
		tommy.send("answer", payload{CallSID: sid, SDP: "answer"})
		alice.expect("answer")

		alice.expectFault("error", 31205)
		alice.expect("offline")
		tommy.expectNothing()
		tommy.send("hangup", payload{CallSID: sid})
		alice.expect("hangup")

		alice.dial("tommy")
		alice.expectFault("hangup", 31205)
		tommy.dial("alice")
		tommy.expectFault("hangup", 31404)

		alice.listen(mint(t, token.both("alice")))
		alice.expect("connected")
		alice.dial("tommy")
		alice.expect("ringing")
	})
}

func TestHeartbeat(t *testing.T) {
	p := openPage(t, start(t, change(func(s *Server) { s.timing.heartbeat = 10 * time.Millisecond })))
	for range 3 {
		_, data, err := p.conn.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "\n", string(data))
		require.NoError(t, p.conn.Write(t.Context(), websocket.MessageText, data))
	}
}

func TestServesPagesOfAnyOrigin(t *testing.T) {
	conn, _, err := websocket.Dial(t.Context(), start(t).URL+"/signal", &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"https://example.com"}},
	})
	require.NoError(t, err)
	conn.CloseNow()
}

func TestServesOnlyNamesOfThisMachine(t *testing.T) {
	s := start(t)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for host, status := range map[string]int{
		"localhost" + port: http.StatusOK, "LOCALHOST": http.StatusOK, "127.0.0.1": http.StatusOK, "127.1.2.3" + port: http.StatusOK,
		"[::1]" + port: http.StatusOK, "[::1]": http.StatusOK,
		"evil.example" + port: http.StatusMisdirectedRequest, "localhost.evil.example": http.StatusMisdirectedRequest,
		"192.168.1.1" + port: http.StatusMisdirectedRequest, "0.0.0.0" + port: http.StatusMisdirectedRequest,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/standin.js", nil)
		require.NoError(t, err)
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, status, response.StatusCode, host)
		if status == http.StatusOK {
			assert.Equal(t, s.Script(), string(body))
		}
	}
	assert.Contains(t, s.Script(), "'"+s.URL+"'")
}

func TestClosesOnNonsense(t *testing.T) {
	p := openPage(t, start(t))
	require.NoError(t, p.conn.Write(t.Context(), websocket.MessageText, []byte("{")))
	_, _, err := p.conn.Read(t.Context())
	assert.Equal(t, websocket.StatusInvalidFramePayloadData, websocket.CloseStatus(err))
}

func TestClose(t *testing.T) {
	s := start(t)
	alice, tommy := openDevice(t, s, both("alice")), openDevice(t, s, both("tommy"))
	alice.dial("tommy")
	alice.expect("ringing")
	tommy.expect("invite")
	go s.Close()
	alice.expect("hangup")
	tommy.expect("cancel")
	for _, p := range []*page{alice, tommy} {
		_, _, err := p.conn.Read(t.Context())
		assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
	}
}
