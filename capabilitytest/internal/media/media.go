// Package media is the audio of the stand-in: it ends each leg of a call, as Twilio's media servers do. It knows no
// call, no TwiML and no HTTP.
//
// A [Mixer] has one UDP port and one clock. A [Leg] is one party's audio: a page's, over WebRTC, or a phone's, which
// exists only here. Every 20 ms each leg says a frame, and hears the sum of what all others in its [Room] say. A leg
// that has joined no room is alone. A Dial is a room of two, a conference one of many; to hold somebody is to take
// their leg out of the room for a while.
//
// A [Sound] is what can be played: a WAV file, a quiet tone for each word of a text, wait music. It is played to one
// leg, wherever that leg is, or to a room. A [Recorder] records one leg, through all the rooms it passes, or a room.
//
// All methods may be called from any goroutine, holding any lock: they never wait for the network and call nothing
// back. What happens later closes a channel.
package media

import "time"

const (
	sampleRate   = 8000                  // Hz; of PCMU, RFC 3551 section 4.5.14
	frameTime    = 20 * time.Millisecond // of one RTP packet
	frameSamples = sampleRate / 50       // in frameTime
)

type (
	frame [frameSamples]int16
	sum   [frameSamples]int32 // of frames
)

func (s *sum) add(f *frame) {
	for i, v := range f {
		s[i] += int32(v)
	}
}

func (s *sum) addSum(other *sum) {
	for i, v := range other {
		s[i] += v
	}
}

func (s *sum) subtract(f *frame) {
	for i, v := range f {
		s[i] -= int32(v)
	}
}

func (s *sum) clip() (f frame) {
	for i, v := range s {
		f[i] = int16(min(max(v, -1<<15), 1<<15-1))
	}
	return f
}
