package media

// Room is where legs hear each other.
type Room struct {
	m *Mixer

	// Guarded by the mixer's lock.
	legs      int
	players   players
	recorders recorders
	sum       sum // what is said in this tick, by all and to all
}

// Seat is how a leg is in a room.
type Seat struct {
	Muted bool // nobody hears the leg
	Coach *Leg // of the others in the room this one alone hears the leg; nil: all do
}

// NewRoom returns an empty room. A room with nothing in it costs nothing, and need not be closed.
func (m *Mixer) NewRoom() *Room {
	return &Room{m: m}
}

// Join puts the leg into the room, and out of the one that it was in. If it is there already, it only takes another seat.
func (r *Room) Join(l *Leg, s Seat) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if l.closed {
		return
	}
	if l.room != r {
		l.leave()
		l.room = r
		r.legs++
		r.settle()
	}
	l.seat = s
}

// Leave takes the leg out of the room, if it is there: it hears nobody, and nobody hears it.
func (r *Room) Leave(l *Leg) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if l.room == r {
		l.leave()
	}
}

// Take puts the leg in the place of another, which it closes: in its room, with what is played to it, and its
// recordings.
func (l *Leg) Take(old *Leg) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	defer l.m.remove(old)
	if l.closed || old.closed {
		return
	}
	l.prompts, l.recorders = old.prompts, old.recorders
	old.prompts, old.recorders = nil, nil
	for _, other := range l.m.legs {
		if other.seat.Coach == old {
			other.seat.Coach = l
		}
	}
	if r := old.room; r != nil {
		l.room, l.seat = r, old.seat
		r.legs++
	}
}

func (l *Leg) leave() {
	if l.room == nil {
		return
	}
	l.room.legs--
	l.room.settle()
	l.room, l.seat = nil, Seat{}
}

// settle has the clock mix the room while there is anything in it.
func (r *Room) settle() {
	if r.legs == 0 && len(r.players) == 0 && len(r.recorders) == 0 {
		delete(r.m.rooms, r)
		return
	}
	r.m.rooms[r] = struct{}{}
	r.m.awake()
}

// Play plays a sound to all in the room.
func (r *Room) Play(s Sound) *Player {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	defer r.settle()
	return r.players.play(r.m, s, r.m.closed || r.m.instant && !s.endless())
}

// Record starts a recording of the room in one channel. It ends when it is stopped, at the latest with the mixer.
func (r *Room) Record(o RecordOptions) *Recorder {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	defer r.settle()
	o.Dual, o.Track = false, InboundTrack
	return r.recorders.start(r.m, o, r.m.closed)
}

func (r *Room) record() {
	if len(r.recorders) > 0 {
		f := r.sum.clip()
		r.recorders.record(&f, nil)
	}
}

func (r *Room) close() {
	r.players.close()
	r.recorders.close()
}
