package media_test

import (
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// patience is for what takes a fraction of a second, on a machine that has much else to do.
const patience = 20 * time.Second

// page is a browser's side of a leg: an ordinary WebRTC connection that, like the SDKs, prefers Opus and takes PCMU.
type page struct {
	t     *testing.T
	pc    *webrtc.PeerConnection
	track *webrtc.TrackLocalStaticRTP

	mu    sync.Mutex
	heard media.Audio // the last 200 ms
	last  rtp.Header
}

var pcmu = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}

// loopback keeps a page on this machine.
func loopback() webrtc.SettingEngine {
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(net.IP.IsLoopback)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return settings
}

func newPage(t *testing.T) *page {
	t.Helper()
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(loopback())).NewPeerConnection(webrtc.Configuration{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, pc.GracefulClose()) })

	p := &page{t: t, pc: pc}
	p.track, err = webrtc.NewTrackLocalStaticRTP(pcmu, "audio", "page")
	require.NoError(t, err)
	_, err = pc.AddTrack(p.track)
	require.NoError(t, err)
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			p.hear(packet)
		}
	})
	return p
}

func (p *page) hear(packet *rtp.Packet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = packet.Header
	for _, b := range packet.Payload {
		p.heard = append(p.heard, media.DecodeULaw(b))
	}
	p.heard = p.heard[max(0, len(p.heard)-1600):]
}

// hears returns the last 200 ms that the page has heard.
func (p *page) hears() media.Audio {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(media.Audio(nil), p.heard...)
}

// offer returns what an SDK sends: an offer without candidates.
func (p *page) offer(o *webrtc.OfferOptions) string {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(o)
	require.NoError(p.t, err)
	require.NoError(p.t, p.pc.SetLocalDescription(offer))
	return offer.SDP
}

func (p *page) accept(answer string) {
	p.t.Helper()
	require.NoError(p.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
}

// answer returns what an SDK answers to an offer.
func (p *page) answer(offer string) string {
	p.t.Helper()
	require.NoError(p.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}))
	answer, err := p.pc.CreateAnswer(nil)
	require.NoError(p.t, err)
	require.NoError(p.t, p.pc.SetLocalDescription(answer))
	return answer.SDP
}

// say has the page say a tone until stop is called, or the test ends.
func (p *page) say(hz float64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		packet := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, 160)}
		for {
			for i := range packet.Payload {
				at := float64(packet.Timestamp) + float64(i)
				packet.Payload[i] = media.EncodeULaw(int16(8000 * math.Sin(2*math.Pi*hz*at/8000)))
			}
			if err := p.track.WriteRTP(&packet); err != nil {
				return
			}
			packet.SequenceNumber++
			packet.Timestamp += 160
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		close(done)
		<-ended
	})
	p.t.Cleanup(stop)
	return stop
}

// says returns 200 ms of what a leg says from now on.
func says(l *media.Leg) media.Audio {
	said := l.Record(media.RecordOptions{Track: media.InboundTrack})
	time.Sleep(200 * time.Millisecond)
	return channel(said.Stop(), 0)
}

// newMixer returns a mixer that listens on loopback, and is closed with the test.
func newMixer(t *testing.T) *media.Mixer {
	t.Helper()
	m, err := media.New(media.Config{Addr: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

// call connects a new page, which calls.
func call(t *testing.T, m *media.Mixer) (*page, *media.Leg) {
	t.Helper()
	p := newPage(t)
	leg, answer, err := m.Answer(p.offer(nil))
	require.NoError(t, err)
	p.accept(answer)
	wait(t, leg.Connected())
	return p, leg
}

func wait(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		require.Fail(t, "waited in vain")
	}
}

// until waits for what audio brings in time.
func until(t *testing.T, condition func() bool, message string) {
	t.Helper()
	require.Eventually(t, condition, patience, 10*time.Millisecond, message)
}
