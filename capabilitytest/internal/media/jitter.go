package media

import "sync"

const (
	jitterDelay  = 2 * frameSamples  // how long a packet is kept, so that the next may be late
	jitterMax    = 10 * frameSamples // how far ahead of its time a packet may come
	jitterWindow = 100               // packets after which a delay that none of them needed is shortened
	jitterSize   = 1 << 12           // of the ring: more than jitterMax and any packet together
)

// jitter evens out what a page sends: packets go in as they come, and a frame comes out every 20 ms. What has not
// come is silence. It follows a sender whose clock is fast or slow.
type jitter struct {
	mu     sync.Mutex
	ring   [jitterSize]int16 // by timestamp; what was taken is zero
	next   uint32            // timestamp of the sample to be taken next
	end    uint32            // timestamp after the last one
	begun  bool
	least  int32 // the shortest that a packet was ahead of its time, in this window
	window int
}

// push takes a packet's payload of PCMU, and when it is due, in samples since some time.
func (j *jitter) push(timestamp uint32, payload []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(payload) > jitterSize-jitterMax {
		return
	}
	ahead := int32(timestamp - j.next)
	late := ahead < 0
	if j.begun && late && int32(timestamp-j.end) < 0 && ahead > -jitterSize {
		return // overtaken by a later one
	}
	if !j.begun || late || ahead > jitterMax {
		j.begun = true
		j.ring = [jitterSize]int16{}
		j.next, j.end = timestamp-jitterDelay, timestamp
		j.window, j.least = 0, jitterMax
		ahead = jitterDelay
	}
	for i, b := range payload {
		j.ring[(timestamp+uint32(i))%jitterSize] = decodeULaw(b)
	}
	if end := timestamp + uint32(len(payload)); int32(end-j.end) > 0 {
		j.end = end
	}
	j.catchUp(ahead)
}

// catchUp leaves out a frame if all packets of a while were earlier than they had to be.
func (j *jitter) catchUp(ahead int32) {
	j.least = min(j.least, ahead)
	if j.window++; j.window < jitterWindow {
		return
	}
	if j.least > jitterDelay+frameSamples {
		j.take(&frame{})
	}
	j.window, j.least = 0, jitterMax
}

// pop takes the next frame.
func (j *jitter) pop(f *frame) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.take(f)
}

func (j *jitter) take(f *frame) {
	for i := range f {
		sample := &j.ring[j.next%jitterSize]
		f[i], *sample = *sample, 0
		j.next++
	}
}
