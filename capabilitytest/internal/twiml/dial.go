package twiml

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/internal/rule"
)

func (p *parser) dial(e *element) Verb {
	a := p.attributes(e)
	v := Dial{
		Action:         a.request("action", "method", 13210),
		Timeout:        a.seconds("timeout", 13212, 30, 1, 5, 600),
		TimeLimit:      a.seconds("timeLimit", 13216, 14_400, 1, 1, 14_400),
		CallerID:       p.callerID(a),
		AnswerOnBridge: a.boolean("answerOnBridge", 13219, false),
		HangupOnStar:   a.boolean("hangupOnStar", 13213, false),
		Sequential:     a.boolean("sequential", 13218, false),
		Record:         dialRecord(a),
		TrimSilence:    a.oneOf("trim", 12200, "do-not-trim", "do-not-trim", "trim-silence") == "trim-silence",

		RecordingTrack:          a.oneOf("recordingTrack", 12200, "both", "both", "inbound", "outbound"),
		RecordingStatusCallback: a.statusCallback("recordingStatusCallback", 13621, "completed", recordingEvents),
	}
	a.ignored("recordingConfigurationId", "", "referUrl", "", "referMethod", "POST",
		"ringTone", "", "callReason", "", "events", "", "passports", "")
	a.done()
	v.Nouns = p.nouns(e)
	v.Invalid = p.takeInvalid()
	return v
}

func dialRecord(a *attributes) DialRecord {
	switch record := a.oneOf("record", 13217, string(DoNotRecord), string(DoNotRecord), string(RecordFromAnswer), string(RecordFromRinging),
		string(RecordFromAnswerDual), string(RecordFromRingingDual), "true", "false"); record {
	case "true":
		return RecordFromAnswer
	case "false":
		return DoNotRecord
	default:
		return DialRecord(record)
	}
}

// wrongClientName returns what is wrong with a client name, or "". Twilio dials more
// names than it recommends.
func wrongClientName(name string) string {
	if strings.HasPrefix(name, "client:") {
		return "leave out client:, which belongs in From, To and callerId"
	}
	return rule.UnsafeClientName(name, rule.LongestClientName)
}

func (p *parser) callerID(a *attributes) string {
	id := a.text("callerId", "")
	if id == "" {
		return ""
	}
	if name, ok := strings.CutPrefix(id, "client:"); ok && wrongClientName(name) == "" {
		return id
	}
	if number, ok := PhoneNumber(id); ok {
		return number
	}
	p.report(a.e, 13214, "%s: use a telephone number as +15550100000, or client: and a client name; it is taken as the caller's own", a.quote("callerId"))
	return ""
}

// maxNouns is how many clients and numbers one Dial may have.
const maxNouns = 10

// nouns reads whom a Dial connects. If it is nobody, the Dial is invalid.
func (p *parser) nouns(e *element) []Noun {
	warnings := len(p.warnings)
	var nouns []Noun
	children := p.children(e, 13215, "Client", "Number", "Queue", "Conference", "Sip", "Sim", "Application", "WhatsApp")
	if text := e.ownText(); len(children) > 0 {
		p.noText(e, "")
	} else if text != "" {
		nouns = p.number(e, text, nouns)
	}
	for _, child := range children {
		nouns = p.noun(child, nouns)
	}
	nouns = p.alone(e, nouns)
	if len(nouns) > maxNouns {
		p.report(e, 12200, "%s has %d nouns: only the first %d are dialled", e, len(nouns), maxNouns)
		nouns = nouns[:maxNouns]
	}
	if len(nouns) == 0 && p.invalid == nil {
		p.invalid = e.problem(13223, "%s has nobody to dial: give it a <Client>, a <Number>, a <Queue> or a <Conference>", e)
		if n := len(p.warnings); n > warnings { // the last says why there is nobody
			p.invalid = &Problem{p.warnings[n-1].Code, p.warnings[n-1].Message}
		}
	}
	return nouns
}

func (p *parser) noun(e *element, nouns []Noun) []Noun {
	switch e.name {
	case "Client":
		return p.client(e, nouns)
	case "Number":
		return p.number(e, e.ownText(), nouns)
	case "Queue":
		return append(nouns, p.queue(e))
	case "Conference":
		return append(nouns, p.conference(e))
	}
	p.refuse(e, Unsupported, "the stand-in does not support %s in <Dial>", e)
	return nouns
}

// alone leaves out what stands beside a Queue or a Conference.
func (p *parser) alone(e *element, nouns []Noun) []Noun {
	single := slices.IndexFunc(nouns, func(noun Noun) bool {
		switch noun.(type) {
		case Queue, Conference:
			return true
		}
		return false
	})
	if single < 0 || len(nouns) == 1 {
		return nouns
	}
	p.report(e, 13000, "%s has a <Conference> or <Queue> beside other nouns: only the first of them is dialled", e)
	return nouns[single : single+1]
}

func (p *parser) client(e *element, nouns []Noun) []Noun {
	a := p.attributes(e)
	v := Client{
		Identity:       e.ownText(),
		Whisper:        a.request("url", "method", 12200),
		StatusCallback: a.statusCallback("statusCallback", 21626, "completed", callEvents),
	}
	a.ignored("clientNotificationUrl", "")
	a.done()
	for _, child := range p.children(e, 12200, "Identity", "Parameter") {
		if child.name == "Parameter" {
			v.Parameters = p.parameter(child, v.Parameters)
			continue
		}
		p.attributes(child).done()
		p.children(child, 12200)
		if v.Identity != "" {
			p.report(child, 12200, "%s names %s too: only this <Identity> is dialled", e, quote(v.Identity))
		}
		v.Identity = child.ownText()
	}
	if wrong := wrongClientName(v.Identity); wrong != "" {
		p.report(e, 12200, "%s: the client name %s cannot be dialled: %s", e, quote(v.Identity), wrong)
		return nouns
	}
	return append(nouns, v)
}

func (p *parser) parameter(e *element, parameters []Parameter) []Parameter {
	a := p.attributes(e)
	name, _ := a.get("name")
	value, _ := a.get("value")
	a.done()
	p.empty(e)
	if name == "" {
		p.report(e, 12200, "%s has no name, and is left out", e)
		return parameters
	}
	return append(parameters, Parameter{name, value})
}

// number reads a <Number>, or a Dial with a number as its text, and what is wrong
// with it.
func (p *parser) number(e *element, text string, nouns []Noun) []Noun {
	v := Number{Whisper: Request{Method: "POST"}, StatusCallback: StatusCallback{Request: Request{Method: "POST"}}}
	if e.name == "Number" {
		v = p.numberAttributes(e)
	}
	number, ok := PhoneNumber(text)
	if !ok {
		p.report(e, 13223, "%s: %s is not a telephone number like +15550100000%s", e, quote(text), clientHint(text))
		return nouns
	}
	v.Number = number
	return append(nouns, v)
}

func (p *parser) numberAttributes(e *element) Number {
	a := p.attributes(e)
	v := Number{
		SendDigits:     a.keys("sendDigits", "", dtmf, 13222),
		Whisper:        a.request("url", "method", 13221),
		StatusCallback: a.statusCallback("statusCallback", 21626, "completed", callEvents),
	}
	a.ignored("byoc", "", "machineDetection", "", "machineDetectionTimeout", "", "machineDetectionSpeechThreshold", "",
		"machineDetectionSpeechEndThreshold", "", "machineDetectionSilenceTimeout", "", "amdStatusCallback", "", "amdStatusCallbackMethod", "")
	a.done()
	p.children(e, 12200)
	return v
}

func clientHint(text string) string {
	name := strings.TrimPrefix(text, "client:")
	if strings.ContainsAny(text, phoneKeys) || wrongClientName(name) != "" {
		return ""
	}
	return ": dial a client with <Client>" + clip(name) + "</Client>"
}

var (
	international = regexp.MustCompile(`^\+[1-9]\d{0,14}$`)
	american      = regexp.MustCompile(`^1?[2-9]\d{9}$`)
	separators    = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "")
)

// PhoneNumber returns a telephone number in E.164 format. Twilio takes those of
// the United States in other formats too.
func PhoneNumber(text string) (string, bool) {
	number := separators.Replace(text)
	switch {
	case international.MatchString(number):
		return number, true
	case american.MatchString(number):
		return "+1" + number[len(number)-10:], true
	}
	return "", false
}

func (p *parser) queue(e *element) Queue {
	a := p.attributes(e)
	v := Queue{Name: e.ownText(), Whisper: a.request("url", "method", 14210)}
	a.unsupported("reservationSid", "postWorkActivitySid")
	a.done()
	p.children(e, 12200)
	p.queueName(e, v.Name, 14212, 14213)
	return v
}

// callSID matches what a participant must not be called (16023), and who can be
// coached.
var callSID = regexp.MustCompile(`^CA[0-9a-f]{32}$`)

func (p *parser) conference(e *element) Conference {
	a := p.attributes(e)
	v := Conference{
		Name:                   e.ownText(),
		Muted:                  a.boolean("muted", 13230, false),
		Beep:                   Beep(a.oneOf("beep", 13235, string(BeepAlways), string(BeepAlways), string(BeepNever), string(BeepOnEnter), string(BeepOnExit))),
		StartConferenceOnEnter: a.boolean("startConferenceOnEnter", 13232, true),
		EndConferenceOnExit:    a.boolean("endConferenceOnExit", 13231, false),
		ParticipantLabel:       a.text("participantLabel", ""),
		MaxParticipants:        a.number("maxParticipants", 12200, 250, 1, 1, 250),
		Wait:                   a.wait("waitMethod", 13234),
		Coach:                  a.text("coach", ""),
		RecordFromStart:        a.oneOf("record", 12200, "do-not-record", "do-not-record", "record-from-start") == "record-from-start",
		TrimSilence:            a.oneOf("trim", 13239, "trim-silence", "trim-silence", "do-not-trim") == "trim-silence",

		StatusCallback:          a.statusCallback("statusCallback", 21626, "", conferenceEvents),
		RecordingStatusCallback: a.statusCallback("recordingStatusCallback", 13621, "completed", recordingEvents),
	}
	a.ignored("jitterBufferSize", "large", "region", "", "eventCallbackUrl", "", "recordingConfigurationId", "")
	a.done()
	p.children(e, 12200)
	if v.Name == "" {
		p.report(e, 13237, "%s has no name", e)
	}
	if label := v.ParticipantLabel; utf8.RuneCountInString(label) > 128 || strings.Contains(label, "/") || callSID.MatchString(label) {
		p.report(e, 16023, "%s: use at most 128 characters, without / and no call SID", a.quote("participantLabel"))
	}
	if v.Coach != "" && !callSID.MatchString(v.Coach) {
		p.report(e, 13240, "%s: it is the SID of the call that is coached", a.quote("coach"))
	}
	return v
}
