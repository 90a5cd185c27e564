package media

import "math"

// audible is the RMS below which a person hears next to nothing, and a recording is silent.
const audible = 0.005

// Audio is a piece of a leg's audio, for tests.
type Audio []int16

// RMS is the root mean square of the samples, 0 to 1 of full scale. A prompt's is 0.035; what is below 0.005 counts
// as silence.
func (a Audio) RMS() float64 {
	return math.Sqrt(a.energy() / max(1, float64(len(a))))
}

// Silent reports whether a person would hear nothing.
func (a Audio) Silent() bool {
	return a.RMS() < audible
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

func (a Audio) energy() (sum float64) {
	for _, sample := range a {
		v := float64(sample) / (1 << 15)
		sum += v * v
	}
	return sum
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

func (f *frame) silent() bool {
	return Audio(f[:]).Silent()
}

// tape keeps the last 200 ms.
type tape struct {
	frames [10]frame
	next   int // the oldest
}

func (t *tape) push(f *frame) {
	t.frames[t.next] = *f
	t.next = (t.next + 1) % len(t.frames)
}

func (t *tape) oldest() *frame {
	return &t.frames[t.next]
}

func (t *tape) newest() *frame {
	return &t.frames[(t.next+len(t.frames)-1)%len(t.frames)]
}

func (t *tape) audio() Audio {
	a := make(Audio, 0, len(t.frames)*frameSamples)
	for i := range t.frames {
		a = append(a, t.frames[(t.next+i)%len(t.frames)][:]...)
	}
	return a
}
