package media

var (
	EncodeULaw = encodeULaw
	DecodeULaw = decodeULaw
)

// Jitter is what evens out a page's packets.
type Jitter = jitter

func (j *jitter) Push(timestamp uint32, payload []byte) { j.push(timestamp, payload) }

func (j *jitter) Pop() Audio {
	var f frame
	j.pop(&f)
	return f[:]
}

// Mixed returns how many legs and rooms the clock serves.
func (m *Mixer) Mixed() (legs, rooms int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.legs), len(m.rooms)
}
