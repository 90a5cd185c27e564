package capabilitytest

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
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

var shortReconnect = change(func(s *Server) { s.config.Timing.Reconnect = 10 * time.Millisecond })

func start(t *testing.T, options ...Option) *Server {
	t.Helper()
	return NewServer(t, append([]Option{Credentials(testAccount)}, options...)...)
}

// message is a frame of the SDKs' signalling, in either direction.
type message struct {
	Type    string  `json:"type"`
	Version string  `json:"version"`
	Payload payload `json:"payload"`
}

type payload struct {
	CallSID     string            `json:"callsid,omitempty"`
	SDP         string            `json:"sdp,omitempty"`
	Reconnect   string            `json:"reconnect,omitempty"`
	Token       any               `json:"token,omitempty"`
	BrowserInfo map[string]string `json:"browserinfo,omitempty"`
	Media       map[string]bool   `json:"media,omitempty"`
	Twilio      map[string]string `json:"twilio,omitempty"`
	DTMF        string            `json:"dtmf,omitempty"`
	Content     any               `json:"content,omitempty"`
	ContentType string            `json:"contenttype,omitempty"`
	MessageType string            `json:"messagetype,omitempty"`
	VoiceEvent  string            `json:"voiceeventsid,omitempty"`
	AckType     string            `json:"acktype,omitempty"`
	Parameters  map[string]string `json:"parameters,omitempty"`
	Region      string            `json:"region,omitempty"`
	Edge        string            `json:"edge,omitempty"`
	Home        string            `json:"home,omitempty"`
	Gateway     string            `json:"gateway,omitempty"`
	Error       *fault            `json:"error,omitempty"`
}

type fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// page is the other end of a device's socket: it says what the SDK says.
type page struct {
	t      *testing.T
	conn   *websocket.Conn
	offers map[string]string                 // of the invites, by call SID
	last   string                            // the call SID of the last invite
	media  map[string]*webrtc.PeerConnection // by call SID
}

func openPage(t *testing.T, s *Server) *page {
	t.Helper()
	return openPageAt(t, s, "")
}

// openPageAt opens the page of an SDK that wants to connect to a host of Twilio's.
func openPageAt(t *testing.T, s *Server, host string) *page {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), s.URL+"/signal?host="+host, nil)
	require.NoError(t, err)
	t.Cleanup(func() { conn.CloseNow() })
	return &page{t: t, conn: conn, offers: map[string]string{}, media: map[string]*webrtc.PeerConnection{}}
}

// connect returns a page that has shown a token, as an SDK of that version.
func connect(t *testing.T, s *Server, token, sdk string) *page {
	t.Helper()
	p := openPage(t, s)
	p.send("listen", payload{Token: token, BrowserInfo: map[string]string{"v": sdk}})
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
	p.send("register", payload{Media: map[string]bool{"audio": true}})
}

// dial calls to with the page's own call SID "TJ1".
func (p *page) dial(to string) {
	p.t.Helper()
	p.dialWith(url.Values{"To": {to}}.Encode())
}

func (p *page) dialWith(params string) {
	p.t.Helper()
	p.send("invite", payload{CallSID: "TJ1", SDP: p.offer("TJ1"), Twilio: map[string]string{"params": params}})
}

// accept answers the call that rings.
func (p *page) accept(sid string) {
	p.t.Helper()
	p.send("answer", payload{CallSID: sid, SDP: p.answerTo(sid)})
}

// expect returns the next message, which is of the given kind. What a page is
// sent comes in order, so that it also says that nothing else was sent.
func (p *page) expect(kind string) payload {
	p.t.Helper()
	m := p.next()
	require.Equal(p.t, kind, m.Type, "%+v", m.Payload)
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
		if m.Type == "invite" {
			p.offers[m.Payload.CallSID], p.last = m.Payload.SDP, m.Payload.CallSID
		}
		return m
	}
}

func (p *page) expectFault(kind string, code int) string {
	p.t.Helper()
	fault := p.expect(kind).Error
	require.NotNil(p.t, fault)
	assert.Equal(p.t, code, fault.Code, fault.Message)
	assert.NotEmpty(p.t, fault.Message)
	return fault.Message
}

// expectNothing checks that the page has been sent nothing that is not read.
func (p *page) expectNothing() {
	p.t.Helper()
	p.register()
	p.expect("ready")
}

// closed waits until the server has closed the socket.
func (p *page) closed() websocket.StatusCode {
	p.t.Helper()
	ctx := patience(p.t)
	for {
		if _, _, err := p.conn.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// peer returns the page's side of a call's media.
func (p *page) peer(sid string) *webrtc.PeerConnection {
	p.t.Helper()
	if pc := p.media[sid]; pc != nil {
		return pc
	}
	pc, err := peerAPI().NewPeerConnection(webrtc.Configuration{})
	require.NoError(p.t, err)
	p.t.Cleanup(func() { pc.GracefulClose() })
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, "audio", "page")
	require.NoError(p.t, err)
	_, err = pc.AddTrack(track)
	require.NoError(p.t, err)
	p.media[sid] = pc
	return pc
}

var peerAPI = sync.OnceValue(func() *webrtc.API {
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(net.IP.IsLoopback)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return webrtc.NewAPI(webrtc.WithSettingEngine(settings))
})

// offer returns what the page offers for a new call that it makes.
func (p *page) offer(sid string) string {
	p.t.Helper()
	delete(p.media, sid)
	offer, err := p.peer(sid).CreateOffer(nil)
	require.NoError(p.t, err)
	require.NoError(p.t, p.peer(sid).SetLocalDescription(offer))
	return offer.SDP
}

// answerTo returns the answer to the offer of an invite.
func (p *page) answerTo(sid string) string {
	p.t.Helper()
	pc := p.peer(sid)
	require.NoError(p.t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: p.offers[sid]}))
	answer, err := pc.CreateAnswer(nil)
	require.NoError(p.t, err)
	require.NoError(p.t, pc.SetLocalDescription(answer))
	return answer.SDP
}

// hear takes the server's answer to the page's offer.
func (p *page) hear(sid, answer string) {
	p.t.Helper()
	require.NoError(p.t, p.peer(sid).SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
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
