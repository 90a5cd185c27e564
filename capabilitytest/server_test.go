package capabilitytest

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

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

// sign returns a capability token, changed.
func sign(t *testing.T, key string, change jwt.MapClaims) string {
	t.Helper()
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

func TestRefusesTokens(t *testing.T) {
	sign := func(key string, change jwt.MapClaims) string { return sign(t, key, change) }
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
		"no signature":           {strings.TrimRight(sign(authToken, nil), "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), 31204},
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
		"issuer that is no text": {sign(authToken, jwt.MapClaims{"iss": 1}), 31203},

		"Access Token, tampered":               {access("another key", nil), 31202},
		"Access Token, with the auth token":    {access(authToken, nil), 31202},
		"Access Token, with no key":            {access("", nil), 31202},
		"Access Token, foreign":                {access("another key", jwt.MapClaims{"sub": "AC2"}), 31203},
		"Access Token, foreign, with our key":  {access(apiKeySecret, jwt.MapClaims{"sub": "AC2"}), 31203},
		"Access Token, of no account":          {access(apiKeySecret, jwt.MapClaims{"sub": nil}), 31203},
		"Access Token, of another API key":     {access(apiKeySecret, jwt.MapClaims{"iss": "SK2"}), 31203},
		"Access Token, expired":                {access(apiKeySecret, jwt.MapClaims{"exp": time.Now().Unix() - 1}), 31205},
		"Access Token, that never expires":     {access(apiKeySecret, jwt.MapClaims{"exp": nil}), 31205},
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

	alice.dialWith("To=client%3Atommy&z=1&a=b+c")
	ringing := alice.expect("ringing")
	assert.Regexp(t, "^CA[0-9a-f]{32}$", ringing.CallSID)
	sids := map[string]bool{ringing.CallSID: true}
	var invites []payload
	for _, tommy := range tommys {
		invite := tommy.expect("invite")
		assert.Contains(t, invite.SDP, "a=ice-lite", "the server's own")
		assert.Equal(t, map[string]string{
			"CallSid":    invite.CallSID,
			"AccountSid": accountSID,
			"ApiVersion": "2010-04-01",
			"From":       "client:alice",
			"To":         "client:tommy",
			"Params":     "z=1&a=b+c",
		}, invite.Parameters)
		sids[invite.CallSID] = true
		invites = append(invites, invite)
	}
	assert.Len(t, sids, 4, "each leg has a SID of its own")

	tommys[1].accept(invites[1].CallSID)
	answer := alice.expect("answer")
	assert.NotEmpty(t, answer.Reconnect)
	assert.Equal(t, ringing.CallSID, answer.CallSID)
	alice.hear("TJ1", answer.SDP)
	for _, i := range []int{0, 2} {
		assert.Equal(t, payload{CallSID: invites[i].CallSID}, tommys[i].expect("cancel"))
	}

	// A second answer, or the first one once more, changes nothing.
	tommys[0].accept(invites[0].CallSID)
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
		c.tommy.accept(c.tommySID)
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
	t.Run("one device rejects", func(t *testing.T) { // and so does the client
		c := startCall(t)
		c.tommy.send("reject", payload{CallSID: c.tommySID})
		assert.Equal(t, c.otherSID, c.other.expect("cancel").CallSID)
		c.alice.expectFault("hangup", 31002)
		c.tommy.expectNothing()
	})
	t.Run("nobody answers", func(t *testing.T) {
		c := startCall(t, change(func(s *Server) { s.config.Timing.Ring = 50 * time.Millisecond }))
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
		"no outgoing scope":  {incomingOnly, "To=tommy", 31201},
		"nobody of the name": {alice, "To=nobody", 31404},
		"no name":            {alice, "", 31404},
		"no incoming scope":  {alice, "To=caller", 31404},
		"only itself":        {alice, "To=alice", 31486},
		"unreadable":         {alice, "To=%zz", 31400},
		"not a valid number": {alice, "To=%2B15005550001", 21217},
		"a number in parts":  {alice, "To=%2B1+500-555+0001", 21217},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, token maker) {
				s := start(t)
				openDevice(t, s, token.both("tommy"))
				openDevice(t, s, token().AllowClientOutgoing(applicationSID).SetClientName("caller"))
				alice := openDevice(t, s, test.token(token))
				alice.dialWith(test.query)
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
	tommy.accept(first)
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
	tommy.accept(second)
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

		alice.dialWith("To=mallory&Department=sales&Department=board&Note=hello")
		assert.Equal(t, "Department=support&Note=hello", tommy.expect("invite").Parameters["Params"])
	})
}

func TestDropsOldestRegistration(t *testing.T) {
	s := start(t)
	var tommys []*page
	for range 10 {
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
	tommy.send("register", payload{Media: map[string]bool{"audio": false}}) // as Device.unregister does
	tommy.expect("offline")
	alice.dial("tommy")
	alice.expectFault("hangup", 31404)
}

func TestTokenExpiresDuringCall(t *testing.T) {
	eachKind(t, func(t *testing.T, token maker) {
		s := start(t)
		alice := openDevice(t, s, token.both("alice"))
		tommy := openDevice(t, s, token.both("tommy"))
		alice.dial("tommy")
		alice.expect("ringing")
		sid := tommy.expect("invite").CallSID
		tommy.accept(sid)
		alice.expect("answer")

		s.Expire("alice")
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
	p := openPage(t, start(t, change(func(s *Server) { s.sockets.Heartbeat = 10 * time.Millisecond })))
	for range 3 {
		_, data, err := p.conn.Read(patience(t))
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
	assert.Contains(t, s.Script(), "'"+s.URL+"/'")
}

func TestClosesOnNonsense(t *testing.T) {
	p := openPage(t, start(t))
	require.NoError(t, p.conn.Write(t.Context(), websocket.MessageText, []byte("{")))
	_, _, err := p.conn.Read(patience(t))
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
		_, _, err := p.conn.Read(patience(t))
		assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
	}
}

// Neither goroutines nor the port are left.
func TestCloseLeavesNothing(t *testing.T) {
	asked := make(chan struct{})
	silent := startBackendFunc(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	c := talk(t, Number(office, "http://127.0.0.1:1/voice"))
	phone := c.server.Phone(caller)
	require.NoError(t, phone.Call(office))
	bob := openDevice(t, c.server, both("bob"))
	bob.dial("+15550100002")
	bob.expect("ringing")
	second := c.server.Phone("+15550100003")
	_, err := c.server.Call("+15550100003", office, `<Response><Dial><Conference statusCallback="`+silent.URL+`" statusCallbackEvent="join">a</Conference></Dial></Response>`)
	require.NoError(t, err)
	_, err = second.WaitRing(patience(t))
	require.NoError(t, err)
	require.NoError(t, second.Accept())
	await(t, asked)
	addr := strings.TrimPrefix(c.server.URL, "http://")
	c.server.Close()

	var stacks strings.Builder
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&stacks, 1))
	for _, room := range []string{"exchange", "signalling", "media", "webhook"} {
		assert.NotContains(t, stacks.String(), "capabilitytest/internal/"+room+".")
	}
	listener, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	listener.Close()
	packets, err := net.ListenPacket("udp", addr)
	require.NoError(t, err)
	packets.Close()
}
