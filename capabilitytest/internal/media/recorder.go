package media

import (
	"encoding/binary"
	"slices"
	"time"
)

// MaxRecording is how long a recording may be; it ends then.
const MaxRecording = time.Hour

// Track is a direction of a leg's audio, seen from the stand-in, in the words of Twilio's recordingTrack. "" is BothTracks.
type Track string

// The tracks of a recording.
const (
	BothTracks    Track = "both"
	InboundTrack  Track = "inbound"  // what the leg says
	OutboundTrack Track = "outbound" // what it hears
)

// RecordOptions are for both kinds of recording. A room is always recorded whole, in one channel.
type RecordOptions struct {
	Track      Track
	Dual       bool          // what the leg says in the first channel, what it hears in the second
	Trim       bool          // leave out silence at the start and the end
	MaxLength  time.Duration // 0: MaxRecording
	MaxSilence time.Duration // end after as much silence; 0: never
}

// Recorder is a recording being made.
type Recorder struct {
	m    *Mixer
	o    RecordOptions
	done chan struct{}

	// Guarded by the mixer's lock, and constant once ended.
	ended  bool
	frames [][]byte // 20 ms each, as in the file
	first  int      // the first frame that is not silent
	last   int      // the frame after the last one that is not
}

// Recording is a finished recording.
type Recording struct {
	WAV      []byte // 8 kHz, 16 bit PCM
	Channels int
	Duration time.Duration
	Silent   bool // it was not empty, but nothing in it was louder than silence
}

// Done is closed when the recording has ended.
func (r *Recorder) Done() <-chan struct{} {
	return r.done
}

// Stop ends the recording, if it has not ended by itself, and returns it.
func (r *Recorder) Stop() Recording {
	r.m.mu.Lock()
	r.end()
	r.m.mu.Unlock()

	frames := r.frames
	if r.o.Trim {
		frames = frames[r.first:r.last]
	}
	return Recording{
		WAV:      encodeWAV(r.channels(), frames),
		Channels: r.channels(),
		Duration: time.Duration(len(frames)) * frameTime,
		Silent:   len(r.frames) > 0 && r.last == 0,
	}
}

func (r *Recorder) channels() int {
	if r.o.Dual {
		return 2
	}
	return 1
}

func (r *Recorder) end() {
	if !r.ended {
		r.ended = true
		close(r.done)
	}
}

// record adds what a leg has said and heard in a tick; what was said is never nil.
func (r *Recorder) record(said, heard *frame) {
	var silence frame
	if r.o.Track == InboundTrack {
		heard = &silence
	}
	if r.o.Track == OutboundTrack {
		said = &silence
	}
	if !said.silent() || !heard.silent() {
		if r.last == 0 {
			r.first = len(r.frames)
		}
		r.last = len(r.frames) + 1
	}
	r.frames = append(r.frames, r.encode(said, heard))
	if length := time.Duration(len(r.frames)) * frameTime; length >= r.o.MaxLength {
		r.end()
	}
	silent := time.Duration(len(r.frames)-r.last) * frameTime
	if r.o.MaxSilence > 0 && silent >= r.o.MaxSilence {
		r.end()
	}
}

func (r *Recorder) encode(said, heard *frame) []byte {
	encoded := make([]byte, 0, 2*frameSamples*r.channels())
	if !r.o.Dual {
		var both sum
		both.add(said)
		both.add(heard)
		for _, v := range both.clip() {
			encoded = binary.LittleEndian.AppendUint16(encoded, uint16(v))
		}
		return encoded
	}
	for i := range said {
		encoded = binary.LittleEndian.AppendUint16(encoded, uint16(said[i]))
		encoded = binary.LittleEndian.AppendUint16(encoded, uint16(heard[i]))
	}
	return encoded
}

type recorders []*Recorder

// start returns a new recorder, which has ended already if over.
func (rs *recorders) start(m *Mixer, o RecordOptions, over bool) *Recorder {
	if o.MaxLength <= 0 || o.MaxLength > MaxRecording {
		o.MaxLength = MaxRecording
	}
	r := &Recorder{m: m, o: o, done: make(chan struct{})}
	if over {
		r.end()
		return r
	}
	*rs = append(*rs, r)
	return r
}

func (rs *recorders) record(said, heard *frame) {
	*rs = slices.DeleteFunc(*rs, func(r *Recorder) bool {
		if !r.ended {
			r.record(said, heard)
		}
		return r.ended
	})
}

func (rs *recorders) close() {
	for _, r := range *rs {
		r.end()
	}
	*rs = nil
}
