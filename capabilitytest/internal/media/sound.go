package media

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Sound is audio that can be played, any number of times. The zero Sound is empty.
type Sound struct {
	notes   []note
	repeats int // rounds after the first; endless: without end
}

const endless = -1

// note is a piece of a recording, one or two sines, or a rest.
type note struct {
	samples int
	pcm     []int16
	hz      [2]float64
	level   float64 // of each sine, 1 is full scale
}

// Levels of what is played. A sine of a level has an RMS of 0.7 times that.
const (
	toneLevel  = 0.25
	quietLevel = 0.05
)

func (n *note) sample(i int) int16 {
	if n.pcm != nil {
		return n.pcm[i]
	}
	const fade = sampleRate / 400 // 2.5 ms against clicks
	level := n.level * float64(min(i, n.samples-1-i, fade)) / fade
	var v float64
	for _, hz := range n.hz {
		v += math.Sin(2 * math.Pi * hz * float64(i) / sampleRate)
	}
	return int16(level * v * math.MaxInt16)
}

func samples(d time.Duration) int {
	return int(max(d, 0) * sampleRate / time.Second)
}

func tone(level float64, d time.Duration, hz float64, hz2 float64) note {
	return note{samples: samples(d), level: level, hz: [2]float64{hz, hz2}}
}

func rest(d time.Duration) note {
	return note{samples: samples(d)}
}

// Words is a text read out without a voice: a quiet tone for each word, about as long as the word takes to say.
func Words(text string) Sound {
	pitches := [...]float64{392, 440, 494} // so that one hears where a word ends
	var notes []note
	for i, word := range strings.Fields(text) {
		d := time.Duration(utf8.RuneCountInString(word)) * 60 * time.Millisecond
		notes = append(notes, tone(quietLevel, 60*time.Millisecond+d, pitches[i%len(pitches)], 0), rest(60*time.Millisecond))
	}
	return Sound{notes: notes}
}

// Tone is a sine of a frequency in Hz, a quarter of full scale.
func Tone(hz float64, d time.Duration) Sound {
	return Sound{notes: []note{tone(toneLevel, d, hz, 0)}}
}

// Digits is the tones of a telephone's keys (ITU-T Q.23), 0-9, A-D, * and #; w is a pause of half a second, W of a
// whole one. Any other character is an error.
func Digits(digits string) (Sound, error) {
	const keys = "123A456B789C*0#D"
	rows, columns := [...]float64{697, 770, 852, 941}, [...]float64{1209, 1336, 1477, 1633}
	var notes []note
	for _, digit := range digits {
		switch key := strings.IndexRune(keys, digit); {
		case digit == 'w':
			notes = append(notes, rest(500*time.Millisecond))
		case digit == 'W':
			notes = append(notes, rest(time.Second))
		case key >= 0:
			notes = append(notes, tone(toneLevel, 100*time.Millisecond, rows[key/4], columns[key%4]), rest(100*time.Millisecond))
		default:
			return Sound{}, fmt.Errorf("media: %q is not a digit; allowed are 0-9, A-D, *, #, w and W", digit)
		}
	}
	return Sound{notes: notes}, nil
}

// Beep is the tone before a recording.
func Beep() Sound {
	return Tone(1000, 400*time.Millisecond)
}

// Ringing is the endless tone that a caller hears while the other side rings: that of the United States, ITU-T E.180.
func Ringing() Sound {
	return Sound{notes: []note{tone(quietLevel, 2*time.Second, 440, 480), rest(4 * time.Second)}, repeats: endless}
}

// Music is endless wait music.
func Music() Sound {
	var notes []note
	for _, hz := range [...]float64{262, 330, 392, 523, 392, 330, 294, 349, 440, 587, 440, 349} {
		notes = append(notes, tone(quietLevel, 400*time.Millisecond, hz, hz/2))
	}
	return Sound{notes: notes, repeats: endless}
}

// Repeat returns the sound n times in a row; 0 makes it endless.
func (s Sound) Repeat(n int) Sound {
	switch {
	case s.length() == 0:
		return Sound{}
	case n <= 0 || s.endless():
		s.repeats = endless
	default:
		s.repeats = (s.repeats+1)*n - 1
	}
	return s
}

func (s Sound) endless() bool {
	return s.repeats == endless
}

// length is that of one round, in samples.
func (s Sound) length() (samples int) {
	for _, n := range s.notes {
		samples += n.samples
	}
	return samples
}
