package media_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// channel returns one of the channels of a recording.
func channel(rec media.Recording, i int) (a media.Audio) {
	for ; 44+2*i < len(rec.WAV); i += rec.Channels {
		a = append(a, int16(binary.LittleEndian.Uint16(rec.WAV[44+2*i:])))
	}
	return a
}

func TestRecordLeg(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		phones := speaking(m)
		l, other := phones[0], phones[1]
		time.Sleep(time.Millisecond) // all begin between the same two frames
		dual := l.Record(media.RecordOptions{Dual: true})
		both := l.Record(media.RecordOptions{})
		inbound := l.Record(media.RecordOptions{Track: media.InboundTrack})
		outbound := l.Record(media.RecordOptions{Track: media.OutboundTrack})
		time.Sleep(time.Second)
		r := m.NewRoom()
		r.Join(l, media.Seat{})
		r.Join(other, media.Seat{})
		time.Sleep(time.Second)
		r.Leave(other)
		l.Play(media.Tone(1000, time.Minute))
		time.Sleep(time.Second)

		d := dual.Stop()
		assert.Equal(t, 2, d.Channels)
		assert.InDelta(t, 3, d.Duration.Seconds(), 0.04)
		said, heard := channel(d, 0), channel(d, 1)
		assert.True(t, said.HasTone(400))
		assert.False(t, said.HasTone(700))
		assert.Zero(t, heard[:7800].RMS(), "alone")
		assert.True(t, heard[8200:15800].HasTone(700), "with the other")
		assert.False(t, heard[8200:].HasTone(400), "itself")
		assert.True(t, heard[16200:].HasTone(1000), "what is played to it")

		mono := both.Stop()
		assert.Equal(t, 1, mono.Channels)
		assert.True(t, channel(mono, 0)[8200:15800].HasTone(400))
		assert.True(t, channel(mono, 0)[8200:15800].HasTone(700))
		assert.Equal(t, said, channel(inbound.Stop(), 0))
		assert.Equal(t, heard, channel(outbound.Stop(), 0))
		assert.Equal(t, d, dual.Stop(), "it can be asked again")
	})
}

func TestRecordRoom(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		phones := speaking(m)
		r := m.NewRoom()
		rec := r.Record(media.RecordOptions{Dual: true, Track: media.OutboundTrack}) // of which a room has neither
		r.Join(phones[0], media.Seat{})
		r.Join(phones[1], media.Seat{Muted: true})
		r.Play(media.Tone(1000, time.Minute))
		time.Sleep(time.Second)
		got := rec.Stop()
		assert.Equal(t, 1, got.Channels)
		assert.True(t, channel(got, 0).HasTone(400))
		assert.False(t, channel(got, 0).HasTone(700))
		assert.True(t, channel(got, 0).HasTone(1000))
	})
}

func TestRecordEnds(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		start := time.Now()
		elapsed := func() time.Duration { return time.Since(start).Round(50 * time.Millisecond) }
		l := m.Phone()
		silent := l.Record(media.RecordOptions{MaxSilence: 2 * time.Second})
		spoken := l.Record(media.RecordOptions{MaxSilence: 3 * time.Second, Track: media.InboundTrack})
		whole := l.Record(media.RecordOptions{MaxLength: 10 * time.Second})
		ending := l.Record(media.RecordOptions{MaxLength: -time.Second, MaxSilence: -time.Second}) // as if not set

		<-silent.Done()
		assert.Equal(t, 2*time.Second, elapsed())
		got := silent.Stop()
		assert.True(t, got.Silent)
		assert.Equal(t, 2*time.Second, got.Duration)

		l.Play(media.Music()) // which is not what it says
		l.Speak(media.Tone(400, time.Second))
		<-spoken.Done()
		assert.Equal(t, 6*time.Second, elapsed())
		assert.False(t, spoken.Stop().Silent)

		<-whole.Done()
		assert.Equal(t, 10*time.Second, elapsed())
		assert.Equal(t, 10*time.Second, whole.Stop().Duration)

		l.Close()
		<-ending.Done()
		assert.InDelta(t, 10, ending.Stop().Duration.Seconds(), 0.04)
	})
}

func TestRecordTrim(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		l := m.Phone()
		silent := l.Record(media.RecordOptions{Trim: true})
		time.Sleep(time.Second)
		assert.Equal(t, media.Recording{WAV: silent.Stop().WAV, Channels: 1, Silent: true}, silent.Stop())
		assert.Len(t, silent.Stop().WAV, 44)

		rec := l.Record(media.RecordOptions{Trim: true})
		time.Sleep(time.Second)
		for range 2 {
			<-l.Speak(media.Tone(400, time.Second)).Done()
			time.Sleep(time.Second)
		}
		got := rec.Stop()
		assert.InDelta(t, 3, got.Duration.Seconds(), 0.06)
		a := channel(got, 0)
		assert.False(t, a[:320].Silent())
		assert.False(t, a[len(a)-320:].Silent())
		require.False(t, got.Silent)
	})
}

// No frame is lost in an hour, and no recording is longer.
func TestHour(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		start := time.Now()
		long := m.Phone().Record(media.RecordOptions{MaxLength: 2 * media.MaxRecording})
		<-long.Done()
		assert.InDelta(t, time.Hour.Seconds(), time.Since(start).Seconds(), 0.02)
		assert.Equal(t, time.Hour, long.Stop().Duration)
	})
}
