package twiml

import "time"

// A Verb is one of [Say], [Play], [Pause], [Gather], [Record], [Dial], [Enqueue],
// [Leave], [Redirect], [Hangup] and [Reject]. All fields hold what the document
// says or, where it is silent, Twilio's default.
type Verb interface{ verb() }

// A Request is what a URL of the document asks for. The URL stands as the document
// has it, and is relative to that of the document. "" is none, unless a field says
// otherwise.
type Request struct {
	URL    string
	Method string // GET or POST
}

// A StatusCallback is a Request that is made whenever one of the events happens.
type StatusCallback struct {
	Request
	Events []string
}

// MaxLoop is how often loop="0" plays: until the call ends, or 1,000 times.
const MaxLoop = 1000

// Say speaks. Text is without the tags of SSML, and its white space is collapsed.
type Say struct {
	Text     string
	Voice    string // "man" unless the document names one
	Language string // "en-US" unless the document names one
	Loop     int    // 1 to MaxLoop
}

// Play plays an audio file, or digits.
type Play struct {
	URL    string // "" if there are Digits
	Digits string // 0-9, A-D, #, *, w (half a second of silence), W (one second)
	Loop   int    // 1 to MaxLoop
}

// Pause waits.
type Pause struct {
	Length time.Duration
}

// Gather collects digits.
type Gather struct {
	Action              Request // URL "" is this document's
	Timeout             time.Duration
	NumDigits           int    // 0 is no limit
	FinishOnKey         string // one key, or "" for none
	ActionOnEmptyResult bool
	Prompt              []Verb // Say, Play, Pause
}

// Record records the caller.
type Record struct {
	Action         Request       // URL "" is this document's
	Timeout        time.Duration // of silence; 0 is none
	FinishOnKey    string        // all the keys that end it; "" is none
	MaxLength      time.Duration
	PlayBeep       bool
	TrimSilence    bool
	StatusCallback StatusCallback // events: in-progress, completed, absent
}

// Dial connects the call with Nouns.
type Dial struct {
	Action         Request
	Timeout        time.Duration // 5 s to 600 s. Twilio rings 5 s longer
	TimeLimit      time.Duration
	CallerID       string // a telephone number or client:NAME; "" is the caller's own
	AnswerOnBridge bool
	HangupOnStar   bool
	Sequential     bool // rings one noun after the other

	Record                  DialRecord
	TrimSilence             bool
	RecordingTrack          string         // both, inbound (what the caller says) or outbound
	RecordingStatusCallback StatusCallback // events: in-progress, completed, absent

	Nouns   []Noun   // at most 10 of Client and Number, or one Queue or Conference
	Invalid *Problem // why it cannot be executed, for nobody to dial or an error of Twilio's: DialCallStatus is failed
}

// DialRecord is what a Dial records.
type DialRecord string

const (
	DoNotRecord           DialRecord = "do-not-record"
	RecordFromAnswer      DialRecord = "record-from-answer"
	RecordFromRinging     DialRecord = "record-from-ringing"
	RecordFromAnswerDual  DialRecord = "record-from-answer-dual"
	RecordFromRingingDual DialRecord = "record-from-ringing-dual"
)

// A Noun is whom a Dial connects: [Client], [Number], [Queue] or [Conference].
type Noun interface{ noun() }

// Client is all devices that are registered under one client name.
type Client struct {
	Identity       string
	Parameters     []Parameter    // in the document's order
	Whisper        Request        // url and method: what the called party hears first
	StatusCallback StatusCallback // events: initiated, ringing, answered, completed
}

// A Parameter is one of the customParameters of a call.
type Parameter struct{ Name, Value string }

// Number is a telephone number. Text in a Dial is one without attributes.
type Number struct {
	Number         string         // in E.164 format
	SendDigits     string         // as in Play
	Whisper        Request        // url and method: what the called party hears first
	StatusCallback StatusCallback // events: initiated, ringing, answered, completed
}

// Queue is the first call of a queue.
type Queue struct {
	Name    string
	Whisper Request // url and method: what the queued caller hears first
}

// Conference is a named room.
type Conference struct {
	Name                    string
	Muted                   bool
	Beep                    Beep
	StartConferenceOnEnter  bool
	EndConferenceOnExit     bool
	ParticipantLabel        string
	MaxParticipants         int
	Wait                    *Request // nil is Twilio's music; URL "" is silence
	Coach                   string   // a call SID
	RecordFromStart         bool
	TrimSilence             bool
	StatusCallback          StatusCallback // events: start, end, join, leave, mute, hold, modify, speaker, announcement
	RecordingStatusCallback StatusCallback // events: in-progress, completed, absent
}

// Beep is when a conference announces that somebody comes or goes.
type Beep string

const (
	BeepAlways  Beep = "true"
	BeepNever   Beep = "false"
	BeepOnEnter Beep = "onEnter"
	BeepOnExit  Beep = "onExit"
)

// Enqueue puts the call into a queue.
type Enqueue struct {
	Name    string
	Action  Request
	Wait    *Request // nil is Twilio's music; URL "" is silence
	Invalid *Problem // why it cannot be executed: QueueResult is error
}

// Leave takes the call out of its queue.
type Leave struct{}

// Redirect goes on with another document.
type Redirect struct {
	Request // URL "" is this document's
}

// Hangup ends the call.
type Hangup struct{}

// Reject refuses the call.
type Reject struct {
	Busy bool // else rejected
}

func (Say) verb()      {}
func (Play) verb()     {}
func (Pause) verb()    {}
func (Gather) verb()   {}
func (Record) verb()   {}
func (Dial) verb()     {}
func (Enqueue) verb()  {}
func (Leave) verb()    {}
func (Redirect) verb() {}
func (Hangup) verb()   {}
func (Reject) verb()   {}

func (Client) noun()     {}
func (Number) noun()     {}
func (Queue) noun()      {}
func (Conference) noun() {}
