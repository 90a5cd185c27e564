package media_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// bubble runs f with a mixer whose time is that of a bubble.
func bubble(t *testing.T, f func(t *testing.T, m *media.Mixer)) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		f(t, m)
		require.NoError(t, m.Close())
	})
}

// pitches are what the phones of a test say.
var pitches = [...]float64{400, 700, 1000}

// speaking returns phones that say tones of their own.
func speaking(m *media.Mixer) (phones [len(pitches)]*media.Leg) {
	for i, hz := range pitches {
		phones[i] = m.Phone()
		phones[i].Speak(media.Tone(hz, time.Second).Repeat(0))
	}
	return phones
}

// assertHears checks which of the tones the leg hears, half a second from now.
func assertHears(t *testing.T, l *media.Leg, want ...float64) {
	t.Helper()
	time.Sleep(500 * time.Millisecond)
	var got []float64
	for _, hz := range pitches {
		if l.Heard().HasTone(hz) {
			got = append(got, hz)
		}
	}
	assert.Equal(t, want, got)
	assert.Equal(t, len(want) == 0, l.Heard().Silent())
}

func TestRoom(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		phones := speaking(m)
		a, b, c := phones[0], phones[1], phones[2]
		assertHears(t, a)

		r := m.NewRoom()
		r.Join(a, media.Seat{})
		assertHears(t, a)
		r.Join(b, media.Seat{})
		assertHears(t, a, 700)
		assertHears(t, b, 400)
		r.Join(c, media.Seat{})
		assertHears(t, a, 700, 1000)
		assertHears(t, b, 400, 1000)
		assertHears(t, c, 400, 700)

		// Muted in the room, and no longer.
		r.Join(b, media.Seat{Muted: true})
		assertHears(t, a, 1000)
		assertHears(t, b, 400, 1000)
		assert.True(t, says(b).HasTone(700))
		r.Join(b, media.Seat{})

		// On hold, with music, and back.
		r.Leave(c)
		music := c.Play(media.Tone(1000, time.Minute))
		assertHears(t, a, 700)
		assertHears(t, c, 1000)
		music.Stop()
		assertHears(t, c)
		r.Join(c, media.Seat{})
		assertHears(t, c, 400, 700)

		// Into another room, without a word.
		other := m.NewRoom()
		other.Join(a, media.Seat{})
		assertHears(t, a)
		assertHears(t, b, 1000)
		r.Leave(a) // it is not there
		other.Join(b, media.Seat{})
		assertHears(t, a, 700)
		assertHears(t, c)

		// Gone.
		b.Close()
		assertHears(t, a)
		assertHears(t, b, 400) // what it heard last
		other.Join(b, media.Seat{})
		assertHears(t, a)
	})
}

// A leg that takes another's place goes on with what that did.
func TestTake(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		phones := speaking(m)
		old, other, coach := phones[0], phones[1], phones[2]
		r := m.NewRoom()
		r.Join(old, media.Seat{Muted: true})
		r.Join(other, media.Seat{})
		r.Join(coach, media.Seat{Coach: old})
		prompt := old.Play(media.Tone(400, 2*time.Second))
		recorder := old.Record(media.RecordOptions{Track: media.InboundTrack})
		time.Sleep(time.Second)

		l := m.Phone()
		l.Take(old)
		l.Speak(media.Tone(400, time.Minute))
		r.Leave(other)
		assertHears(t, l, 400, 1000) // of the prompt, and of the coach
		select {
		case <-prompt.Done():
			assert.Fail(t, "the prompt was cut")
		case <-recorder.Done():
			assert.Fail(t, "the recording was cut")
		default:
		}
		r.Join(other, media.Seat{})
		assertHears(t, other) // as the leg is muted
		time.Sleep(time.Second)
		<-prompt.Done()
		assert.InDelta(t, 3, recorder.Stop().Duration.Seconds(), 0.1)
		l.Close()
		assertHears(t, other)
	})
}

func TestCoach(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		phones := speaking(m)
		agent, customer, coach := phones[0], phones[1], phones[2]
		r := m.NewRoom()
		r.Join(coach, media.Seat{Coach: agent})
		r.Join(agent, media.Seat{})
		r.Join(customer, media.Seat{})
		assertHears(t, agent, 700, 1000)
		assertHears(t, customer, 400)
		assertHears(t, coach, 400, 700)

		r.Join(coach, media.Seat{Coach: agent, Muted: true})
		assertHears(t, agent, 700)
		r.Join(coach, media.Seat{Coach: agent})
		r.Leave(agent)
		assertHears(t, agent)
		assertHears(t, customer)
		r.Leave(coach)
		assertHears(t, agent)
	})
}

func TestRoomClips(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		r := m.NewRoom()
		listener := m.Phone()
		r.Join(listener, media.Seat{})
		for range 8 { // of a quarter of full scale each
			loud := m.Phone()
			loud.Speak(media.Tone(400, time.Minute))
			r.Join(loud, media.Seat{})
		}
		time.Sleep(time.Second)
		heard := listener.Heard()
		assert.Contains(t, heard, int16(32767))
		assert.Contains(t, heard, int16(-32768))
		for i := range heard[1:] { // a sum that wraps around would jump
			assert.Less(t, max(heard[i], heard[i+1])/2-min(heard[i], heard[i+1])/2, int16(20000))
		}
	})
}

func TestPlayToRoom(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		r := m.NewRoom()
		a, b := m.Phone(), m.Phone()
		r.Join(a, media.Seat{})
		r.Join(b, media.Seat{})
		beep := r.Play(media.Tone(1000, 2*time.Second))
		assertHears(t, a, 1000)
		assertHears(t, b, 1000)
		<-beep.Done()
		assertHears(t, a)

		stopped := r.Play(media.Music())
		stopped.Stop()
		stopped.Stop()
		<-stopped.Done()
		assertHears(t, a)

		// Nobody need be there.
		a.Close()
		b.Close()
		assertMixed(t, m, 0, 0)
		beep = r.Play(media.Tone(1000, 2*time.Second))
		assertMixed(t, m, 0, 1)
		<-beep.Done()
		assertMixed(t, m, 0, 0)
	})
}

func assertMixed(t *testing.T, m *media.Mixer, legs, rooms int) {
	t.Helper()
	time.Sleep(time.Second)
	gotLegs, gotRooms := m.Mixed()
	assert.Equal(t, legs, gotLegs, "legs")
	assert.Equal(t, rooms, gotRooms, "rooms")
}

func TestPlayerTime(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		l := m.Phone()
		for _, s := range []media.Sound{
			media.Tone(1000, time.Second), media.Silence(3 * time.Second), media.Words("please hold the line").Repeat(3),
		} {
			start := time.Now()
			<-l.Play(s).Done()
			assert.InDelta(t, s.Duration().Seconds(), time.Since(start).Seconds(), 0.04)
		}
		start := time.Now()
		<-l.Play(media.Sound{}).Done()
		<-l.Play(media.Silence(0).Repeat(0)).Done()
		assert.Zero(t, time.Since(start))
	})
}

func TestEcho(t *testing.T) {
	bubble(t, func(t *testing.T, m *media.Mixer) {
		a, echo := m.Phone(), m.Phone()
		r := m.NewRoom()
		r.Join(a, media.Seat{})
		r.Join(echo, media.Seat{})
		echo.Echo(true)
		a.Speak(media.Tone(1000, time.Second))
		assertHears(t, a, 1000)
		time.Sleep(time.Second)
		assertHears(t, a)
		echo.Echo(false)
		a.Speak(media.Tone(1000, time.Second))
		assertHears(t, a)
	})
}

func TestInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{Instant: true})
		require.NoError(t, err)
		start := time.Now()
		l, r := m.Phone(), m.NewRoom()
		<-l.Play(media.Words("thank you for your patience")).Done()
		<-r.Play(media.Silence(time.Hour)).Done()
		<-l.Play(media.Beep().Repeat(1000)).Done()
		assert.Zero(t, time.Since(start))

		music := l.Play(media.Tone(1000, time.Second).Repeat(0))
		assertHears(t, l, 1000)
		music.Stop()
		<-music.Done()

		other := m.Phone()
		r.Join(l, media.Seat{})
		r.Join(other, media.Seat{})
		said := other.Speak(media.Tone(700, time.Second))
		assertHears(t, l, 700)
		<-said.Done()
		require.NoError(t, m.Close())
	})
}

func TestCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		l, r := m.Phone(), m.NewRoom()
		r.Join(l, media.Seat{})
		players := []*media.Player{l.Play(media.Music()), l.Speak(media.Music()), r.Play(media.Music())}
		recorders := []*media.Recorder{l.Record(media.RecordOptions{}), r.Record(media.RecordOptions{})}
		time.Sleep(time.Second)
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())

		// And nothing begins any more.
		l.Close()
		late := m.Phone()
		r.Join(late, media.Seat{})
		for _, p := range append(players, l.Play(media.Music()), late.Play(media.Music()), late.Speak(media.Music()), r.Play(media.Music())) {
			<-p.Done()
			p.Stop()
		}
		for _, rec := range append(recorders, l.Record(media.RecordOptions{}), late.Record(media.RecordOptions{}), r.Record(media.RecordOptions{})) {
			<-rec.Done()
			rec.Stop()
		}
		_, _, err = m.Offer()
		assert.Error(t, err)
	})
}

// Whatever is done at the same time, the race detector finds nothing, and Close ends it.
func TestConcurrentUse(t *testing.T) {
	m, err := media.New(media.Config{Addr: "127.0.0.1:0"})
	require.NoError(t, err)
	rooms := []*media.Room{m.NewRoom(), m.NewRoom()}
	shared := m.Phone()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				l, r := m.Phone(), rooms[(i+j)%2]
				if j%10 == 0 {
					page, _, err := m.Offer()
					assert.NoError(t, err)
					page.Play(media.Beep())
					r.Join(page, media.Seat{})
					defer page.Close()
				}
				r.Join(shared, media.Seat{})
				r.Join(l, media.Seat{Muted: j%3 == 0, Coach: shared})
				rec, whole := l.Record(media.RecordOptions{}), r.Record(media.RecordOptions{})
				players := []*media.Player{l.Speak(media.Beep()), l.Play(media.Music()), r.Play(media.Words("one two"))}
				l.Echo(j%2 == 0)
				time.Sleep(time.Millisecond)
				players[j%3].Stop()
				shared.Heard()
				if j%2 == 0 {
					r.Leave(l)
					l.Close()
				}
				whole.Stop()
				rec.Stop()
			}
		})
	}
	all.Wait()
	require.NoError(t, m.Close())
}
