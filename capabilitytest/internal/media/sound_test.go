package media_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// record plays the sound to a phone and returns what it heard.
func record(t *testing.T, s media.Sound) media.Audio {
	t.Helper()
	var file media.Recording
	bubble(t, func(t *testing.T, m *media.Mixer) {
		l := m.Phone()
		time.Sleep(time.Millisecond) // both begin between the same two frames
		rec := l.Record(media.RecordOptions{Track: media.OutboundTrack})
		<-l.Play(s).Done()
		file = rec.Stop()
	})
	return pcm(t, file.WAV)
}

func TestDuration(t *testing.T) {
	digits, err := media.Digits("1w2W")
	require.NoError(t, err)
	for _, test := range []struct {
		name string
		s    media.Sound
		want time.Duration
	}{
		{"nothing", media.Sound{}, 0},
		{"no words", media.Words(" \n"), 0},
		{"words", media.Words("a whole  sentence"), 3*120*time.Millisecond + 14*60*time.Millisecond},
		{"letters of more than a byte", media.Words("čaj"), 300 * time.Millisecond},
		{"tone", media.Tone(440, 90*time.Millisecond), 90 * time.Millisecond},
		{"negative", media.Tone(440, -time.Second), 0},
		{"silence", media.Silence(time.Second), time.Second},
		{"digits", digits, 1900 * time.Millisecond},
		{"repeated", media.Silence(time.Second).Repeat(3), 3 * time.Second},
		{"repeated twice", media.Silence(time.Second).Repeat(3).Repeat(2), 6 * time.Second},
		{"once", media.Silence(time.Second).Repeat(1), time.Second},
		{"endless", media.Silence(time.Second).Repeat(0), 0},
		{"endless twice", media.Silence(time.Second).Repeat(0).Repeat(2), 0},
		{"nothing, endless", media.Sound{}.Repeat(0), 0},
		{"music", media.Music(), 0},
		{"ringing", media.Ringing(), 0},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, test.s.Duration()) })
	}
}

func TestWordsAreHeard(t *testing.T) {
	heard := record(t, media.Words("hello there"))
	const word, rest = 360 * 8, 60 * 8
	require.GreaterOrEqual(t, len(heard), 2*word+2*rest)
	first, pause, second := heard[:word], heard[word:word+rest], heard[word+rest:2*word+rest]
	assert.True(t, first.HasTone(392))
	assert.Zero(t, pause.RMS())
	assert.True(t, second.HasTone(440))
	assert.Less(t, first.RMS(), 0.05, "quiet")
	assert.False(t, first.Silent())
}

func TestDigits(t *testing.T) {
	rows, columns := []float64{697, 770, 852, 941}, []float64{1209, 1336, 1477, 1633}
	for row, keys := range []string{"123A", "456B", "789C", "*0#D"} {
		for column, key := range keys {
			s, err := media.Digits(string(key))
			require.NoError(t, err)
			heard := record(t, s)[:800]
			for i := range 4 {
				assert.Equal(t, i == row, heard.HasTone(rows[i]), "%c at %v Hz", key, rows[i])
				assert.Equal(t, i == column, heard.HasTone(columns[i]), "%c at %v Hz", key, columns[i])
			}
		}
	}
	for _, digits := range []string{"12x", "E", "a", "+1", " ", "1,2", "\xff"} {
		_, err := media.Digits(digits)
		assert.ErrorContains(t, err, "is not a digit; allowed are 0-9, A-D, *, #, w and W", digits)
	}
	none, err := media.Digits("")
	require.NoError(t, err)
	assert.Zero(t, none)
}

func TestAudio(t *testing.T) {
	tone := record(t, media.Tone(440, time.Second))[:8000]
	assert.InDelta(t, 0.177, tone.RMS(), 0.002)
	for hz, want := range map[float64]bool{440: true, 435: true, 445: true, 400: false, 480: false, 880: false, 220: false, 0: false} {
		assert.Equal(t, want, tone.HasTone(hz), "%v Hz", hz)
	}
	assert.False(t, tone.Silent())

	for name, quiet := range map[string]media.Audio{"nothing": nil, "zeros": make(media.Audio, 1600), "noise": {3, -3, 3, -3}, "short": tone[:0]} {
		assert.True(t, quiet.Silent(), name)
		assert.False(t, quiet.HasTone(440), name)
		assert.Less(t, quiet.RMS(), 0.005, name)
	}
}
