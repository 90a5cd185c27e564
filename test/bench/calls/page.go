package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/seed-6c737938/capability"
)

// Bytes of PCMU.
const (
	silence = 0xff
	voice   = 0xb0
)

// heard is what happens when a page first hears the other. The rest of what happens is the
// type of a message.
const heard = "heard"

var pcmu = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}

type message struct {
	Type    string  `json:"type"`
	Version string  `json:"version"`
	Payload payload `json:"payload"`
}

// payload holds what any of the messages does.
type payload struct {
	Token   any             `json:"token,omitempty"`
	CallSID string          `json:"callsid,omitempty"`
	SDP     string          `json:"sdp,omitempty"`
	Media   map[string]bool `json:"media,omitempty"`
	Twilio  map[string]any  `json:"twilio,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// page does what a browser phone does: it speaks the SDK's part of the signalling, and
// sends and hears PCMU.
type page struct {
	name     string
	socket   *websocket.Conn
	audio    *webrtc.PeerConnection
	track    *webrtc.TrackLocalStaticRTP
	received received
	callSID  string      // once there was an invite or an answer
	happened chan string // in order
	failed   chan error
	reading  sync.WaitGroup
}

// newPage opens a page that registers as a client.
func newPage(ctx context.Context, url, name string, template *capability.CapabilityToken) (p *page, err error) {
	token, err := template.Clone().AllowClientIncoming(name).ToJWT()
	if err != nil {
		return nil, err
	}
	p = &page{name: name, happened: make(chan string, 16), failed: make(chan error, 1)}
	if err := p.openAudio(); err != nil {
		return nil, err
	}
	p.socket, _, err = websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+"/signal", nil)
	if err != nil {
		p.audio.GracefulClose()
		return nil, err
	}
	p.reading.Go(p.read)
	if err := p.send(ctx, "listen", payload{Token: token}); err != nil {
		return nil, err
	}
	return p, p.send(ctx, "register", payload{Media: map[string]bool{"audio": true}})
}

func (p *page) openAudio() (err error) {
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(net.IP.IsLoopback)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	var codecs webrtc.MediaEngine
	if err := codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: pcmu}, webrtc.RTPCodecTypeAudio); err != nil {
		return err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&codecs), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	if p.audio, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return err
	}
	if p.track, err = webrtc.NewTrackLocalStaticRTP(pcmu, "audio", "page"); err != nil {
		return err
	}
	sender, err := p.audio.AddTrack(p.track)
	if err != nil {
		return err
	}
	go discard(sender)
	p.audio.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		go discard(receiver)
		p.listen(track)
	})
	return nil
}

// discard reads RTCP, which would fill a buffer, until the page is closed.
func discard(from interface {
	Read([]byte) (int, interceptor.Attributes, error)
}) {
	buf := make([]byte, 1500)
	for {
		if _, _, err := from.Read(buf); err != nil {
			return
		}
	}
}

// listen follows what the page hears until it is closed.
func (p *page) listen(track *webrtc.TrackRemote) {
	first := sync.OnceFunc(func() { p.happened <- heard })
	buf := make([]byte, 1500)
	var packet rtp.Packet
	for {
		n, _, err := track.Read(buf)
		if err != nil || packet.Unmarshal(buf[:n]) != nil {
			return
		}
		p.received.add(&packet)
		if voiced(&packet) {
			first()
		}
	}
}

// read acts on what the server says until the socket is closed.
func (p *page) read() {
	for {
		_, data, err := p.socket.Read(context.Background())
		if err == nil {
			err = p.handle(data)
		}
		if err != nil {
			p.failed <- fmt.Errorf("%s: %w", p.name, err)
			return
		}
	}
}

func (p *page) handle(data []byte) error {
	ctx := context.Background()
	if bytes.Equal(data, []byte("\n")) { // a heartbeat
		return p.socket.Write(ctx, websocket.MessageText, data)
	}
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if m.Payload.Error != nil {
		return fmt.Errorf("%s: %s", m.Type, m.Payload.Error)
	}
	var err error
	switch m.Type {
	case "invite":
		p.callSID = m.Payload.CallSID
		err = p.pickUp(ctx, m.Payload.SDP)
	case "answer":
		p.callSID = m.Payload.CallSID
		err = p.audio.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.Payload.SDP})
	}
	p.happened <- m.Type
	return err
}

func (p *page) pickUp(ctx context.Context, offer string) error {
	if err := p.audio.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return err
	}
	answer, err := p.audio.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := p.audio.SetLocalDescription(answer); err != nil {
		return err
	}
	return p.send(ctx, "answer", payload{CallSID: p.callSID, SDP: answer.SDP})
}

// call calls the other page, and returns once it is answered.
func (p *page) call(ctx context.Context, other *page) error {
	offer, err := p.audio.CreateOffer(nil)
	if err != nil {
		return err
	}
	if err := p.audio.SetLocalDescription(offer); err != nil {
		return err
	}
	err = p.send(ctx, "invite", payload{CallSID: "TJ" + p.name, SDP: offer.SDP, Twilio: map[string]any{"params": "To=" + other.name}})
	if err != nil {
		return err
	}
	return p.wait(ctx, "answer")
}

func (p *page) send(ctx context.Context, kind string, content payload) error {
	data, err := json.Marshal(message{Type: kind, Version: "1.6", Payload: content})
	if err != nil {
		return err
	}
	return p.socket.Write(ctx, websocket.MessageText, data)
}

// wait returns when this has happened.
func (p *page) wait(ctx context.Context, what string) error {
	for {
		select {
		case happened := <-p.happened:
			if happened == what {
				return nil
			}
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("%s waited in vain for %q: %w", p.name, what, ctx.Err())
		}
	}
}

func (p *page) close() {
	p.socket.CloseNow()
	p.reading.Wait()
	p.audio.GracefulClose()
}

func closeAll(pages []*page) {
	for _, p := range pages {
		p.close()
	}
}

// speak has all pages say something, every 20 ms, until stop is called.
func speak(pages []*page) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var speaking sync.WaitGroup
	speaking.Go(func() {
		packet := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: bytes.Repeat([]byte{voice}, 160)}
		for next := time.Now(); sleep(ctx, time.Until(next)) == nil; next = next.Add(20 * time.Millisecond) {
			for _, p := range pages {
				p.track.WriteRTP(&packet) // one that is not connected yet says nothing
			}
			packet.SequenceNumber++
			packet.Timestamp += 160
		}
	})
	return func() {
		cancel()
		speaking.Wait()
	}
}
