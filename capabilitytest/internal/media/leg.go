package media

import (
	"errors"
	"fmt"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Leg is one party's audio.
type Leg struct {
	m *Mixer

	// Of a page.
	pc        *webrtc.PeerConnection // nil of a phone
	track     *webrtc.TrackLocalStaticRTP
	in        jitter
	packet    rtp.Packet // the next one to send; the clock's
	negotiate sync.Mutex // one offer or answer after the other

	// Guarded by the mixer's lock.
	closed    bool
	room      *Room // nil: alone
	seat      Seat
	speech    players // what a phone says
	echo      bool
	patch     *Leg    // whose hearing a phone says, or nil
	prompts   players // what is played to the leg
	recorders recorders
	saying    frame // what the leg says in this tick
	hearing   sum   // what it hears
	heard     tape
}

// Answer makes a leg from a page's SDP offer, and the answer for the page. It fails if the offer cannot be
// understood, or offers no audio in PCMU that goes both ways.
func (m *Mixer) Answer(offer string) (l *Leg, answer string, err error) {
	if l, err = m.page(); err != nil {
		return nil, "", err
	}
	if answer, err = l.answer(offer); err != nil {
		l.Close()
		return nil, "", err
	}
	return l, answer, nil
}

// Offer makes a leg for a page that is to be rung, and the SDP offer for it. The page's answer goes to [Leg.Accept].
// Each page that rings needs a leg of its own.
func (m *Mixer) Offer() (l *Leg, offer string, err error) {
	if l, err = m.page(); err != nil {
		return nil, "", err
	}
	description, err := l.pc.CreateOffer(nil)
	if err == nil {
		offer, err = l.describe(description)
	}
	if err != nil {
		l.Close()
		return nil, "", fmt.Errorf("media: making an offer: %w", err)
	}
	return l, offer, nil
}

// Phone makes a leg that ends here: it says what [Leg.Speak] and [Leg.Echo] have it say.
func (m *Mixer) Phone() *Leg {
	l := &Leg{m: m}
	m.add(l) // a phone of a closed mixer is like one that was closed
	return l
}

// page makes a leg over WebRTC.
func (m *Mixer) page() (*Leg, error) {
	if m.socket == nil {
		return nil, errors.New("media: no page can be called without an address")
	}
	pc, err := m.socket.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	l := &Leg{m: m, pc: pc}
	if err := l.open(); err != nil {
		pc.GracefulClose()
		return nil, err
	}
	return l, nil
}

func (l *Leg) open() (err error) {
	if l.track, err = webrtc.NewTrackLocalStaticRTP(pcmu, "audio", "standin"); err != nil {
		return fmt.Errorf("media: %w", err)
	}
	sender, err := l.pc.AddTrack(l.track)
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	l.packet = rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, frameSamples)}
	l.pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		l.m.start(func() { discard(receiver) })
		l.m.start(func() { l.receive(track) })
	})
	if err := l.m.add(l); err != nil {
		return err
	}
	l.m.start(func() { discard(sender) })
	return nil
}

// discard reads RTCP, which the interceptors act on.
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

// receive listens to the page until the leg is closed.
func (l *Leg) receive(track *webrtc.TrackRemote) {
	buf := make([]byte, 1500)
	var packet rtp.Packet
	for {
		n, _, err := track.Read(buf)
		if err != nil {
			return
		}
		if packet.Unmarshal(buf[:n]) == nil {
			l.in.push(packet.Timestamp, packet.Payload)
		}
	}
}

// describe sets the local description, and returns it with all candidates.
func (l *Leg) describe(d webrtc.SessionDescription) (sdp string, err error) {
	gathered := webrtc.GatheringCompletePromise(l.pc)
	if err := l.pc.SetLocalDescription(d); err != nil {
		return "", err
	}
	<-gathered
	return l.pc.LocalDescription().SDP, nil
}

// Accept takes the page's answer to the offer of a leg that [Mixer.Offer] made.
func (l *Leg) Accept(answer string) error {
	l.negotiate.Lock()
	defer l.negotiate.Unlock()
	d := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: passive(answer)}
	if err := l.pc.SetRemoteDescription(d); err != nil {
		return fmt.Errorf("media: the page's answer: %w", err)
	}
	return nil
}

// Restart answers a further offer of the page, such as that of an ICE restart. The leg stays where it is, and if it
// fails, as it was.
func (l *Leg) Restart(offer string) (answer string, err error) {
	// A connection cannot forget an offer that it fails to answer, so another one tries it first.
	trial, _, err := l.m.Answer(offer)
	if err != nil {
		return "", err
	}
	trial.Close()
	return l.answer(offer)
}

func (l *Leg) answer(offer string) (sdp string, err error) {
	l.negotiate.Lock()
	defer l.negotiate.Unlock()
	d := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: passive(offer)}
	if err := l.pc.SetRemoteDescription(d); err != nil {
		return "", fmt.Errorf("media: the page's offer: %w", err)
	}
	audio := l.pc.GetTransceivers()[0] // that of our track
	if audio.Mid() == "" || len(audio.Sender().GetParameters().Codecs) == 0 {
		return "", errors.New("media: the page offers no audio in PCMU that goes both ways")
	}
	if d, err = l.pc.CreateAnswer(nil); err == nil {
		sdp, err = l.describe(d)
	}
	if err != nil {
		return "", fmt.Errorf("media: answering the page: %w", err)
	}
	return sdp, nil
}

// Close takes the leg out of its room and ends its connection, what is played to it, and its recordings.
func (l *Leg) Close() {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.remove(l)
}

// Play plays a sound to this leg alone, on top of what it hears in its room. What is played at the same time is mixed.
func (l *Leg) Play(s Sound) *Player {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.prompts.play(l.m, s, l.closed || l.m.instant && !s.endless())
}

// Speak has a phone say a sound, in its own time.
func (l *Leg) Speak(s Sound) *Player {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.speech.play(l.m, s, l.closed)
}

// Echo has a phone say what it hears, a fifth of a second later, or stop that.
func (l *Leg) Echo(on bool) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.echo = on
}

// Record starts a recording of the leg. It ends with the leg at the latest.
func (l *Leg) Record(o RecordOptions) *Recorder {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.recorders.start(l.m, o, l.closed)
}

// say takes the leg's next frame to those who hear it. The mixer's lock is held, as for hear.
func (l *Leg) say() {
	if l.pc != nil {
		l.in.pop(&l.saying)
	} else {
		l.saying = l.speak()
	}
	switch coached := l.seat.Coach; {
	case l.heardByAll():
		l.room.sum.add(&l.saying)
	case coached != nil && coached.room == l.room && !l.seat.Muted:
		coached.hearing.add(&l.saying)
	}
}

// speak is say's frame of a phone.
func (l *Leg) speak() frame {
	var s sum
	l.speech.mixInto(&s)
	if l.echo {
		s.add(l.heard.oldest())
	}
	if l.patch != nil {
		s.add(l.patch.heard.newest())
	}
	return s.clip()
}

func (l *Leg) heardByAll() bool {
	return l.room != nil && !l.seat.Muted && l.seat.Coach == nil
}

// hear completes what the leg hears, once all have said their frame.
func (l *Leg) hear() {
	if l.room != nil {
		l.hearing.addSum(&l.room.sum)
	}
	if l.heardByAll() {
		l.hearing.subtract(&l.saying)
	}
	l.prompts.mixInto(&l.hearing)
	f := l.hearing.clip()
	l.hearing = sum{} // whoever coaches the leg adds to it before the leg hears again
	l.heard.push(&f)
	l.recorders.record(&l.saying, &f)
	if l.pc != nil {
		for i, sample := range f {
			l.packet.Payload[i] = encodeULaw(sample)
		}
	}
}

// send sends what hear has left to the page. Only the clock calls it, without a lock. A page that cannot be reached
// hears nothing: its connection ends when the leg is closed.
func (l *Leg) send(timestamp uint32) {
	l.packet.SequenceNumber++
	l.packet.Timestamp = timestamp
	l.track.WriteRTP(&l.packet)
}

// Heard returns the last 200 ms of what the leg was sent to hear.
func (l *Leg) Heard() Audio {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.heard.audio()
}
