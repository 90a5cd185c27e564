// Package media is the audio of the stand-in: it ends each leg of a call, as Twilio's media servers do. It knows no
// call, no TwiML and no HTTP.
//
// A [Mixer] has one UDP port and one clock. A [Leg] is one party's audio: a page's, over WebRTC, or a phone's, which
// exists only here. Every 20 ms each leg says a frame, and hears the sum of what all others in its [Room] say. A leg
// that has joined no room is alone. A Dial is a room of two, a conference one of many; holding somebody is taking
// their leg out of the room for a while.
//
// A [Sound] is what can be played: a WAV file, a quiet tone for each word of a text, wait music. It is played to one
// leg, wherever that leg is, or to a room. A [Recorder] records one leg, through all the rooms that it passes, or a room.
//
// All methods can be called from any goroutine, under any lock: they wait for no network and call nothing back.
// What happens later closes a channel.
package media

import (
	"net/netip"
	"time"
)

const (
	sampleRate   = 8000                  // Hz; G.711's, RFC 3551 section 4.5.14
	frameTime    = 20 * time.Millisecond // of one RTP packet
	frameSamples = sampleRate / 50       // in frameTime
)

// Config is how a Mixer is made.
type Config struct {
	// Addr is the UDP address at which pages send and receive audio, such as 127.0.0.1:0. Without it there is no
	// socket: only phones can be made, and time can be that of a testing/synctest bubble.
	Addr string
	// PublicIP is the address at which pages reach Addr, if it is none of this machine's, as in a container.
	PublicIP netip.Addr
	// Instant makes each sound that is played end at once, unheard, unless it is endless. What a phone says, and
	// recordings, take their time.
	Instant bool
}

// New returns a Mixer, which listens at once and must be closed.
func New(c Config) (*Mixer, error) { panic("TODO") }

// Mixer owns all legs and rooms.
type Mixer struct{}

// Addr returns the UDP address that the mixer listens on.
func (m *Mixer) Addr() netip.AddrPort { panic("TODO") }

// Close closes all legs, and waits until no goroutine or socket is left. It may take as long as a DTLS alert takes.
func (m *Mixer) Close() error { panic("TODO") }

// Answer makes a leg from a page's SDP offer, and the answer for the page. It fails if the offer cannot be
// understood, or has no audio in PCMU.
func (m *Mixer) Answer(offer string) (leg *Leg, answer string, err error) { panic("TODO") }

// Offer makes a leg for a page that is to be rung, and the SDP offer for it. The page's answer goes to [Leg.Accept].
// Each page that rings needs a leg of its own.
func (m *Mixer) Offer() (leg *Leg, offer string, err error) { panic("TODO") }

// Phone makes a leg that ends here: it says what [Leg.Speak] and [Leg.Echo] have it say.
func (m *Mixer) Phone() *Leg { panic("TODO") }

// NewRoom returns an empty room. A room that nobody is in costs nothing, and need not be closed.
func (m *Mixer) NewRoom() *Room { panic("TODO") }

// Leg is one party's audio.
type Leg struct{}

// Accept takes the page's answer to the offer of a leg that [Mixer.Offer] made.
func (l *Leg) Accept(answer string) error { panic("TODO") }

// Restart answers a further offer of the page, such as that of an ICE restart. The leg stays where it is.
func (l *Leg) Restart(offer string) (answer string, err error) { panic("TODO") }

// Connected is closed once audio can flow, about a tenth of a second after the page has the SDP; a phone's, at once.
func (l *Leg) Connected() <-chan struct{} { panic("TODO") }

// Close takes the leg out of its room and ends its connection, what is played to it, and its recordings.
func (l *Leg) Close() { panic("TODO") }

// Play plays a sound to this leg alone, on top of what it hears in its room. What is played at the same time is mixed.
func (l *Leg) Play(s Sound) *Player { panic("TODO") }

// Speak has a phone say a sound, in its own time. It panics if the leg is a page's.
func (l *Leg) Speak(s Sound) *Player { panic("TODO") }

// Echo has a phone say what it hears, a fifth of a second later, or stop that.
func (l *Leg) Echo(on bool) { panic("TODO") }

// Record starts a recording of the leg. It ends with the leg at the latest.
func (l *Leg) Record(o RecordOptions) *Recorder { panic("TODO") }

// Said returns the last 200 ms of what the leg said, muted or not.
func (l *Leg) Said() Audio { panic("TODO") }

// Heard returns the last 200 ms of what the leg was sent to hear.
func (l *Leg) Heard() Audio { panic("TODO") }

// Room is where legs hear each other.
type Room struct{}

// Seat is how a leg is in a room.
type Seat struct {
	Muted bool // nobody hears the leg
	Coach *Leg // of the others in the room this one alone hears the leg; nil: all do
}

// Join puts the leg into the room, and out of the one that it was in. If it is there already it only takes another seat.
func (r *Room) Join(l *Leg, s Seat) { panic("TODO") }

// Leave takes the leg out of the room, if it is there: it hears nobody, and nobody hears it.
func (r *Room) Leave(l *Leg) { panic("TODO") }

// Play plays a sound to all in the room.
func (r *Room) Play(s Sound) *Player { panic("TODO") }

// Record starts a recording of the room in one channel, until it is stopped.
func (r *Room) Record(o RecordOptions) *Recorder { panic("TODO") }

// Player is a sound being played.
type Player struct{}

// Stop ends it now, as when a key interrupts a prompt. It may be called again, and after the end.
func (p *Player) Stop() { panic("TODO") }

// Done is closed when the sound has ended, was stopped, or its leg was closed.
func (p *Player) Done() <-chan struct{} { panic("TODO") }

// Sound is audio that can be played, any number of times. The zero Sound is empty.
type Sound struct{}

// Words is a text read out without a voice: a quiet tone for each word, as long as the word takes to say.
func Words(text string) Sound { panic("TODO") }

// Tone is a sine of a frequency in Hz, a quarter of full scale.
func Tone(hz float64, d time.Duration) Sound { panic("TODO") }

// Silence is a pause.
func Silence(d time.Duration) Sound { panic("TODO") }

// Digits is the tones of a telephone's keys, 0-9, A-D, * and #; w is a pause of half a second, W of a whole one. Any
// other character is an error.
func Digits(digits string) (Sound, error) { panic("TODO") }

// Beep is the tone before a recording.
func Beep() Sound { panic("TODO") }

// Ringing is the endless tone that a caller hears while the other side rings.
func Ringing() Sound { panic("TODO") }

// Music is endless wait music.
func Music() Sound { panic("TODO") }

// ParseWAV reads a WAV file, 16 bit PCM or µ-law, at any rate, mono or stereo. The error says what else it is, such as MP3.
func ParseWAV(file []byte) (Sound, error) { panic("TODO") }

// Repeat returns the sound n times in a row; 0 makes it endless.
func (s Sound) Repeat(n int) Sound { panic("TODO") }

// Duration is how long the sound plays; 0 if it is endless.
func (s Sound) Duration() time.Duration { panic("TODO") }

// MaxRecording is how long a recording may be; it ends then.
const MaxRecording = time.Hour

// Track is a direction of a leg's audio, seen from the stand-in, as in Twilio's recordingTrack.
type Track int

const (
	BothTracks    Track = iota
	InboundTrack        // what the leg says
	OutboundTrack       // what it hears
)

// RecordOptions are for both kinds of recording, but a room is recorded in one channel, and whole.
type RecordOptions struct {
	Track      Track
	Dual       bool          // what the leg says in the first channel, what it hears in the second
	Trim       bool          // leave out silence at the start and the end
	MaxLength  time.Duration // 0: MaxRecording
	MaxSilence time.Duration // end after as much silence; 0: never
}

// Recorder is a recording being made.
type Recorder struct{}

// Done is closed when the recording has ended.
func (r *Recorder) Done() <-chan struct{} { panic("TODO") }

// Stop ends the recording, if it has not ended by itself, and returns it.
func (r *Recorder) Stop() Recording { panic("TODO") }

// Recording is a finished recording.
type Recording struct {
	WAV      []byte // 8 kHz, 16 bit PCM
	Channels int
	Duration time.Duration
	Silent   bool // nothing in it was louder than silence
}

// Audio is a piece of a leg's audio, for tests.
type Audio []int16

// RMS is the root mean square of the samples, 0 to 1 of full scale. Below 0.001 a person hears silence.
func (a Audio) RMS() float64 { panic("TODO") }

// HasTone reports whether most of what can be heard is a tone of about this frequency in Hz.
func (a Audio) HasTone(hz float64) bool { panic("TODO") }
