package media

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// maxLate is how far the clock catches up. After a longer pause, as when a laptop sleeps, it goes on from there.
const maxLate = time.Second

var errClosed = errors.New("media: closed")

// Config is how a Mixer is made.
type Config struct {
	// Addr is the UDP address at which pages send and receive audio, such as 127.0.0.1:0. Without it there is no
	// socket: only phones can be made, and time can be that of a testing/synctest bubble.
	Addr string
	// PublicIP is the address at which pages reach Addr, if that is not an address of this machine, as in a container.
	PublicIP netip.Addr
	// Instant makes each sound that is played end at once, unheard, unless it is endless. What a phone says still
	// takes its time, and so do recordings.
	Instant bool
}

// Mixer owns all legs and rooms.
type Mixer struct {
	instant bool
	socket  *socket // nil without Config.Addr
	wake    chan struct{}
	stop    chan struct{}
	running sync.WaitGroup // the clock, and what the legs run

	mu     sync.Mutex // no code of others is called with it held, and nothing is sent
	closed bool
	legs   []*Leg
	rooms  map[*Room]struct{} // those with something to mix
	ticks  uint32
	live   []*Leg // scratch of tick
}

// New returns a Mixer, which listens at once and must be closed.
func New(c Config) (*Mixer, error) {
	m := &Mixer{
		instant: c.Instant,
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		rooms:   map[*Room]struct{}{},
	}
	if c.Addr != "" {
		var err error
		if m.socket, err = listen(c.Addr, c.PublicIP); err != nil {
			return nil, fmt.Errorf("media: %w", err)
		}
	}
	m.running.Go(m.clock)
	return m, nil
}

// Close closes all legs and the socket, and stops what plays and records. No goroutine or timer outlives it by more
// than a moment.
func (m *Mixer) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	legs := slices.Clone(m.legs)
	for _, l := range legs {
		m.remove(l)
	}
	for r := range m.rooms {
		r.close()
	}
	m.closed = true
	m.mu.Unlock()

	close(m.stop)
	m.running.Wait()
	if m.socket == nil {
		return nil
	}
	return m.socket.close()
}

// start runs f in a goroutine that Close waits for; not at all after Close.
func (m *Mixer) start(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.running.Go(f)
	}
}

// add has the clock serve the leg.
func (m *Mixer) add(l *Leg) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		l.closed = true
		return errClosed
	}
	m.legs = append(m.legs, l)
	m.awake()
	return nil
}

// remove forgets the leg, and ends its connection in a goroutine of its own.
func (m *Mixer) remove(l *Leg) {
	i := slices.Index(m.legs, l)
	if i < 0 {
		return
	}
	m.legs = slices.Delete(m.legs, i, i+1)
	l.closed = true
	l.leave()
	l.prompts.close()
	l.speech.close()
	l.recorders.close()
	if l.pc != nil {
		m.running.Go(func() { l.pc.GracefulClose() }) // the leg is over, whatever it says
	}
}

func (m *Mixer) awake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// clock mixes a frame every 20 ms while there is something to mix. It follows an absolute schedule, so that a late
// frame delays none of the next.
func (m *Mixer) clock() {
	for {
		select {
		case <-m.wake:
		case <-m.stop:
			return
		}
		for next := time.Now(); m.tick(); {
			next = next.Add(frameTime)
			if time.Since(next) > maxLate {
				next = time.Now()
			}
			select {
			case <-time.After(time.Until(next)):
			case <-m.stop:
				return
			}
		}
	}
}

// tick mixes one frame of every leg and room, and reports whether there is any.
func (m *Mixer) tick() bool {
	m.mu.Lock()
	m.ticks++
	timestamp := m.ticks * frameSamples
	m.mix()
	live := m.live[:0]
	for _, l := range m.legs {
		if l.pc != nil {
			live = append(live, l)
		}
	}
	m.live = live
	some := len(m.legs)+len(m.rooms) > 0
	m.mu.Unlock()

	for _, l := range live {
		l.send(timestamp)
	}
	clear(live)
	return some
}

func (m *Mixer) mix() {
	for r := range m.rooms {
		r.sum = sum{}
		r.players.mixInto(&r.sum)
	}
	for _, l := range m.legs {
		l.say()
	}
	for _, l := range m.legs {
		l.hear()
	}
	for r := range m.rooms {
		r.record()
		r.settle()
	}
}
