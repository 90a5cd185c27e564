package media

import (
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

var (
	EncodeULaw = encodeULaw
	DecodeULaw = decodeULaw
)

// Jitter is what evens out a page's packets.
type Jitter = jitter

func (j *jitter) Push(timestamp uint32, payload []byte) { j.push(timestamp, payload) }

func (j *jitter) Pop() Audio {
	var f frame
	j.pop(&f)
	return f[:]
}

// Mixed returns how many legs and rooms the clock serves.
func (m *Mixer) Mixed() (legs, rooms int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.legs), len(m.rooms)
}

// Addr returns the UDP address that the mixer listens on; the zero one if it has no socket.
func (m *Mixer) Addr() netip.AddrPort {
	if m.socket == nil {
		return netip.AddrPort{}
	}
	return m.socket.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Silence is a pause.
func Silence(d time.Duration) Sound {
	return Sound{notes: []note{rest(d)}}
}

// Duration is how long the sound plays; 0 if it is endless.
func (s Sound) Duration() time.Duration {
	return time.Duration(s.length()) * time.Second / sampleRate * time.Duration(s.repeats+1)
}

// HasTone reports whether a tone of about this frequency, in Hz, is a third or more of what can be heard.
func (a Audio) HasTone(hz float64) bool {
	const window = sampleRate / 25 // 40 ms tell tones apart that are 25 Hz apart
	energy := 0.0
	for rest := a; len(rest) >= window; rest = rest[window:] {
		energy += rest[:window].energyAt(hz)
	}
	return !a.Silent() && energy > a.energy()/3
}

// energyAt is the part of energy that a sine of the frequency has: the discrete Fourier transform at one point.
func (a Audio) energyAt(hz float64) float64 {
	var re, im float64
	for i, sample := range a {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / sampleRate)
		v := float64(sample) / (1 << 15)
		re += v * cos
		im += v * sin
	}
	return (re*re + im*im) * 2 / float64(len(a))
}

// Connected is closed once audio can flow, about a tenth of a second after the page has the SDP.
func (l *Leg) Connected() <-chan struct{} {
	connected := make(chan struct{})
	done := sync.OnceFunc(func() { close(connected) })
	look := func(webrtc.PeerConnectionState) {
		if l.pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
			done()
		}
	}
	l.pc.OnConnectionStateChange(look)
	look(0) // it may have been before
	return connected
}
