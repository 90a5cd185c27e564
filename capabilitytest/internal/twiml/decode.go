package twiml

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// children returns the elements in e that have one of the names, and reports the
// others.
func (p *parser) children(e *element, code int, names ...string) []*element {
	return slices.DeleteFunc(e.elements(), func(child *element) bool {
		if slices.Contains(names, child.name) {
			return false
		}
		p.report(child, code, "%s has no %s in it, which is left out%s", e, child, caseHint(child.name, names...))
		return true
	})
}

// noText reports text where there should be none.
func (p *parser) noText(e *element, hint string) {
	if text := e.ownText(); text != "" {
		p.report(e, 12200, "%s has no text in it: %s is left out%s", e, quote(text), hint)
	}
}

// empty reports whatever is in an element that should be empty.
func (p *parser) empty(e *element) {
	p.noText(e, "")
	p.children(e, 12200)
}

// ssml are the elements of SSML that Twilio's helper libraries write.
var ssml = []string{"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w", "amazon:effect", "amazon:domain"}

func (p *parser) say(e *element) Verb {
	a := p.attributes(e)
	v := Say{
		Text:     strings.Join(strings.Fields(e.allText()), " "),
		Voice:    a.text("voice", "man"),
		Language: a.text("language", "en-US"),
		Loop:     a.loop(13510),
	}
	a.done()
	p.ssml(e)
	if v.Text == "" {
		p.report(e, 13520, "%s has no text, and is left out", e)
		return nil
	}
	most := 4096
	if strings.HasPrefix(v.Voice, "Polly.") {
		most = 3000
	}
	if n := utf8.RuneCountInString(v.Text); n > most {
		p.report(e, 13521, "%s has %d characters: Twilio takes %d with this voice", e, n, most)
	}
	return v
}

func (p *parser) ssml(e *element) {
	for _, child := range p.children(e, 12200, ssml...) {
		p.ssml(child)
	}
}

func (p *parser) play(e *element) Verb {
	a := p.attributes(e)
	v := Play{URL: e.ownText(), Digits: a.keys("digits", "", dtmf, 13430), Loop: a.loop(13410)}
	a.done()
	p.children(e, 12200)
	if v.URL == "" && v.Digits == "" {
		p.report(e, 11100, "%s has neither a URL nor digits", e)
	}
	return v
}

func (p *parser) pause(e *element) Verb {
	a := p.attributes(e)
	v := Pause{Length: a.seconds("length", 13910, 1, 1, 1, unlimited)}
	a.done()
	p.empty(e)
	return v
}

func (p *parser) gather(e *element) Verb {
	a := p.attributes(e)
	v := Gather{
		Action:              a.request("action", "method", 13312),
		Timeout:             a.seconds("timeout", 13313, 5, 1, 1, unlimited),
		NumDigits:           a.number("numDigits", 13314, 0, 1, 1, unlimited),
		FinishOnKey:         a.keys("finishOnKey", "#", phoneKeys, 13310),
		ActionOnEmptyResult: a.boolean("actionOnEmptyResult", 13338, false),
	}
	if len(v.FinishOnKey) > 1 {
		p.report(e, 13311, "%s: use one key; it is taken as #", a.quote("finishOnKey"))
		v.FinishOnKey = "#"
	}
	switch a.oneOf("input", 13326, "dtmf", "dtmf", "speech", "dtmf speech", "speech dtmf") {
	case "speech":
		p.refuse(e, Unsupported, "%s: the stand-in does not understand speech: use dtmf", a.quote("input"))
	case "dtmf speech", "speech dtmf":
		p.report(e, Unsupported, "%s: the stand-in does not understand speech, only digits", a.quote("input"))
	}
	// What follows is about speech alone.
	a.known = append(a.known, "bargeIn", "debug", "enhanced", "hints", "language", "maxSpeechTime", "partialResultCallback",
		"partialResultCallbackMethod", "profanityFilter", "speechModel", "speechTimeout")
	a.done()
	p.noText(e, ": put it in a <Say>")
	for _, child := range p.children(e, 13320, "Say", "Play", "Pause") {
		if verb := p.prompt(child); verb != nil {
			v.Prompt = append(v.Prompt, verb)
		}
	}
	return v
}

// prompt reads a verb in <Gather>.
func (p *parser) prompt(e *element) Verb {
	switch e.name {
	case "Say":
		return p.say(e)
	case "Play":
		return p.play(e)
	default:
		return p.pause(e)
	}
}

func (p *parser) record(e *element) Verb {
	a := p.attributes(e)
	v := Record{
		Action:         a.request("action", "method", 13610),
		Timeout:        a.seconds("timeout", 13611, 5, 0, 0, unlimited),
		FinishOnKey:    a.keys("finishOnKey", "1234567890*#", phoneKeys, 13613),
		MaxLength:      a.seconds("maxLength", 13612, 3600, 1, 2, 14_400),
		PlayBeep:       a.boolean("playBeep", 13616, true),
		TrimSilence:    a.oneOf("trim", 13699, "trim-silence", "trim-silence", "do-not-trim") == "trim-silence",
		StatusCallback: a.statusCallback("recordingStatusCallback", 13621, "completed", recordingEvents),
	}
	a.ignored("transcribe", "false", "transcribeCallback", "", "recordingConfigurationId", "")
	a.done()
	p.empty(e)
	return v
}

func (p *parser) enqueue(e *element) Verb {
	a := p.attributes(e)
	v := Enqueue{
		Name:   e.ownText(),
		Action: a.request("action", "method", 14201),
		Wait:   a.wait("waitUrlMethod", 14206),
	}
	a.ignored("maxQueueSize", "")
	a.unsupported("workflowSid")
	a.done()
	for _, task := range p.children(e, 12200, "Task") {
		p.refuse(task, Unsupported, "the stand-in does not support %s", task)
	}
	p.queueName(e, v.Name, 14204, 14205)
	v.Invalid = p.takeInvalid()
	return v
}

func (p *parser) queueName(e *element, name string, short, long int) {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		p.report(e, short, "%s names no queue", e)
	case n > 64:
		p.report(e, long, "%s names a queue with %d characters: use at most 64", e, n)
	}
}

func (p *parser) leave(e *element) Verb {
	p.attributes(e).done()
	p.empty(e)
	return Leave{}
}

func (p *parser) redirect(e *element) Verb {
	a := p.attributes(e)
	v := Redirect{Request{URL: e.ownText(), Method: a.method("method", 13710, "POST")}}
	a.done()
	p.children(e, 12200)
	return v
}

func (p *parser) hangup(e *element) Verb {
	p.attributes(e).done()
	p.empty(e)
	return Hangup{}
}

func (p *parser) reject(e *element) Verb {
	a := p.attributes(e)
	v := Reject{Busy: a.oneOf("reason", 13810, "rejected", "rejected", "busy") == "busy"}
	a.done()
	for _, parameter := range p.children(e, 12200, "Parameter") {
		p.report(parameter, Unsupported, "the stand-in ignores %s in %s", parameter, e)
	}
	p.noText(e, "")
	return v
}
