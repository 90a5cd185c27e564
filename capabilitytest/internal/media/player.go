package media

import "slices"

// Player is a sound being played.
type Player struct {
	m    *Mixer
	done chan struct{}

	// Guarded by the mixer's lock.
	ended bool
	sound Sound
	round int // of Sound.Repeat
	note  int
	pos   int // sample in the note
}

// Stop ends it now, as when a key interrupts a prompt. It may be called more than once, and after the end.
func (p *Player) Stop() {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.end()
}

// Done is closed when the sound has ended, was stopped, or its leg was closed.
func (p *Player) Done() <-chan struct{} {
	return p.done
}

func (p *Player) end() {
	if !p.ended {
		p.ended = true
		close(p.done)
	}
}

// mixInto adds the next 20 ms.
func (p *Player) mixInto(s *sum) {
	for i := range s {
		for p.note < len(p.sound.notes) && p.pos == p.sound.notes[p.note].samples {
			p.note, p.pos = p.note+1, 0
			if p.note == len(p.sound.notes) && p.round != p.sound.repeats {
				p.note, p.round = 0, p.round+1
			}
		}
		if p.note == len(p.sound.notes) {
			p.end()
			return
		}
		s[i] += int32(p.sound.notes[p.note].sample(p.pos))
		p.pos++
	}
}

// players play at the same time.
type players []*Player

// play returns a new player, which has ended already if over.
func (ps *players) play(m *Mixer, s Sound, over bool) *Player {
	p := &Player{m: m, done: make(chan struct{}), sound: s}
	if over || len(s.notes) == 0 {
		p.end()
		return p
	}
	*ps = append(*ps, p)
	return p
}

func (ps *players) mixInto(s *sum) {
	*ps = slices.DeleteFunc(*ps, func(p *Player) bool {
		if !p.ended {
			p.mixInto(s)
		}
		return p.ended
	})
}

func (ps *players) close() {
	for _, p := range *ps {
		p.end()
	}
	*ps = nil
}
