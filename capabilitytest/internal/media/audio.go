package media

import "math"

// audible is the RMS below which a person hears next to nothing, and a recording is silent.
const audible = 0.005

// Audio is a piece of a leg's audio.
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

func (a Audio) energy() (sum float64) {
	for _, sample := range a {
		v := float64(sample) / (1 << 15)
		sum += v * v
	}
	return sum
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
