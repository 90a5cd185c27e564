package media_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// packet is 20 ms of a value, which the frames that come out are told apart by.
func packet(value byte) []byte {
	p := make([]byte, 160)
	for i := range p {
		p[i] = value
	}
	return p
}

// values are those of the frames that came out; 0 is silence, and -1 a frame of more than one value.
func values(frames []media.Audio) (values []int) {
	for _, f := range frames {
		value := int(media.EncodeULaw(f[0]))
		for _, sample := range f {
			if sample != f[0] {
				value = -1
			}
		}
		if f[0] == 0 {
			value = 0
		}
		values = append(values, value)
	}
	return values
}

func TestJitter(t *testing.T) {
	const none, pop = -1, -2
	for _, test := range []struct {
		name  string
		steps []int // the packets by number, as they come, from 1; and the frames that are taken
		want  []int
	}{
		{"nothing", []int{pop, pop}, []int{0, 0}},
		{"in time", []int{1, pop, 2, pop, 3, pop, 4, pop, 5, pop}, []int{0, 0, 1, 2, 3}},
		{"late by less than the delay", []int{1, pop, 2, pop, pop, 3, 4, pop, 5, pop}, []int{0, 0, 1, 2, 3}},
		{"out of order", []int{1, pop, 3, pop, 2, pop, 4, pop, 5, pop}, []int{0, 0, 1, 2, 3}},
		{"twice", []int{1, pop, 1, 2, pop, 2, 3, pop, 3, pop}, []int{0, 0, 1, 2}},
		{"one lost", []int{1, pop, pop, 3, pop, 4, pop, 5, pop, 6, pop}, []int{0, 0, 1, 0, 3, 4}},
		{"too late, after a later one", []int{1, pop, 3, pop, 4, pop, 5, pop, 2, pop, 6, pop}, []int{0, 0, 1, 0, 3, 4}},
		{"later than the delay", []int{1, pop, 2, pop, pop, pop, pop, pop, 3, 4, 5, pop, 6, pop, 7, pop, pop}, []int{0, 0, 1, 2, 0, 0, 0, 0, 3, 4}},
		{"stopped, then on", []int{1, 2, pop, pop, pop, pop, pop, pop, 3, pop, 4, pop, 5, pop}, []int{0, 0, 1, 2, 0, 0, 0, 0, 3}},
		{"a jump ahead", []int{1, pop, 2, pop, 101, pop, 102, pop, 103, pop}, []int{0, 0, 0, 0, 101}},
		{"a jump back", []int{101, pop, 102, pop, 1, pop, 2, pop, 3, pop}, []int{0, 0, 0, 0, 1}},
		{"a burst", []int{1, 2, 3, 4, 5, 6, 7, 8, pop, pop, pop, pop}, []int{0, 0, 1, 2}},
	} {
		for name, start := range map[string]uint32{"": 0, ", around zero": math.MaxUint32 - 300, ", around the middle": math.MaxInt32 - 300} {
			t.Run(test.name+name, func(t *testing.T) {
				var j media.Jitter
				var frames []media.Audio
				for _, step := range test.steps {
					if step == pop {
						frames = append(frames, j.Pop())
					} else {
						j.Push(start+uint32(step*160), packet(byte(step)))
					}
				}
				assert.Equal(t, test.want, values(frames))
			})
		}
	}
}

// A packet of any length is taken, and what is too long for a UDP packet does no harm.
func TestJitterLengths(t *testing.T) {
	for _, length := range []int{0, 1, 80, 240, 480, 1480, 10_000, 1 << 20} {
		var j media.Jitter
		var got media.Audio
		for i := range 3 {
			j.Push(uint32(i*length), make([]byte, length)) // 0 is the loudest
		}
		for range 100 {
			got = append(got, j.Pop()...)
		}
		loud := 0
		for _, sample := range got {
			if sample != 0 {
				loud++
			}
		}
		assert.LessOrEqual(t, loud, 3*length)
		if length > 0 && length <= 480 {
			assert.Equal(t, 3*length, loud, length)
		}
	}
}

// A page's clock that is fast or slow by 0.1 % costs a frame now and then, and no delay that grows.
func TestJitterFollowsDrift(t *testing.T) {
	const frames = 10 * 60 * 50 // ten minutes, 30 more or less with the page's clock
	for _, drift := range []float64{-0.001, 0.001} {
		var j media.Jitter
		sent, silent := 0, 0
		for i := range frames {
			for ; float64(sent) <= float64(i)*(1+drift); sent++ {
				j.Push(uint32(sent*160), packet(byte(1+sent%100)))
			}
			value := values([]media.Audio{j.Pop()})[0]
			if value <= 0 {
				silent++
				continue
			}
			behind := (1 + sent%100 - value + 100) % 100
			assert.LessOrEqual(t, behind, 5, "at frame %d", i)
		}
		assert.LessOrEqual(t, silent, 40, drift)
	}
}
