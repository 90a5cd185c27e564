// Package twiml reads TwiML documents for calls, as strictly as Twilio documents
// them (https://www.twilio.com/docs/voice/twiml), into typed verbs. It knows no
// call and no HTTP.
//
// Twilio's error codes are errors or warnings. A warning leaves something out, or
// takes the default, and the call goes on; so it does here. What the stand-in
// does not support is an error where the call cannot go on without it, such as
// <Sip> or <Connect>, and otherwise a warning, such as transcribe="true". Every
// sentence names the element, the attribute and its value, and says what would
// be right.
package twiml

import (
	"fmt"
	"slices"
)

// A Document is what a call, or one leg of it, does next.
type Document struct {
	Verbs    []Verb
	Warnings []Problem // in the document's order
}

// A Problem is what is wrong with a document, for whoever wrote it. Code is
// Twilio's, or [Unsupported].
type Problem struct {
	Code    int
	Message string
}

func (p *Problem) Error() string { return fmt.Sprintf("%d: %s", p.Code, p.Message) }

// Unsupported is the code of what Twilio supports and the stand-in does not: it
// is Twilio's generic error.
const Unsupported = 31000

// A Place is where a document is executed, which decides which verbs it may have.
type Place int

const (
	InCall         Place = iota // a voice URL, an action, a <Redirect>: all verbs
	InWhisper                   // url of <Client> and <Number>: no <Dial> (13201)
	InQueueWhisper              // url of <Queue>
	InQueue                     // waitUrl of <Enqueue>
	InConference                // waitUrl of <Conference> (13238)
)

// restrictions are the verbs that Twilio's pages allow, or forbid, in a place, and
// the code with which others are refused. Where Twilio documents none, it is that
// of a schema violation.
var restrictions = map[Place]struct {
	allowed, forbidden []string
	code               int
	where              string
}{
	InWhisper:      {nil, []string{"Dial"}, 13201, "a document for the called party"},
	InQueueWhisper: {[]string{"Play", "Say", "Pause", "Redirect"}, nil, 12200, "the url document of a <Queue>"},
	InQueue:        {[]string{"Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"}, nil, 12200, "the waitUrl document of an <Enqueue>"},
	InConference:   {[]string{"Play", "Say", "Pause", "Redirect"}, nil, 13238, "the waitUrl document of a <Conference>"},
}

// Parse reads a document. Its length is the caller's to limit: Twilio takes 64 KiB
// (11750).
func Parse(document []byte, place Place) (*Document, *Problem) {
	root, problem := readXML(document)
	if problem != nil {
		return nil, problem
	}
	p := parser{place: place}
	verbs := p.response(root)
	if p.refused != nil {
		return nil, p.refused
	}
	return &Document{Verbs: verbs, Warnings: p.warnings}, nil
}

// parser collects what is wrong with a document.
type parser struct {
	place    Place
	warnings []Problem
	invalid  *Problem // the first error in the verb at hand
	refused  *Problem // the first error for which the document is not executed
}

// errorCodes are those that Twilio's Error and Warning Dictionary calls errors.
// All others that are reported are warnings.
var errorCodes = []int{
	11100, 12101, 12102, 13231, 13239, 13240, 13338, 13621,
	14201, 14204, 14205, 14206, 14210, 14212, 14213, 16023,
}

// report notes what is wrong with an element.
func (p *parser) report(e *element, code int, format string, args ...any) {
	problem := e.problem(code, format, args...)
	if !slices.Contains(errorCodes, code) {
		p.warnings = append(p.warnings, *problem)
	} else if p.invalid == nil {
		p.invalid = problem
	}
}

// refuse notes why the document is not executed.
func (p *parser) refuse(e *element, code int, format string, args ...any) {
	if p.refused == nil {
		p.refused = e.problem(code, format, args...)
	}
}

// takeInvalid returns, and forgets, the first error in the verb at hand.
func (p *parser) takeInvalid() *Problem {
	invalid := p.invalid
	p.invalid = nil
	return invalid
}

// response reads the root element.
func (p *parser) response(root *element) []Verb {
	if root.name != "Response" {
		p.refuse(root, 12102, "%s: a TwiML document is a <Response>%s", root, caseHint(root.name, "Response"))
		return nil
	}
	a := p.attributes(root)
	if version := a.text("version", "2010-04-01"); version != "2010-04-01" && version != "2008-08-01" {
		p.refuse(root, 12101, "%s: leave it out, or use 2010-04-01", a.quote("version"))
	}
	a.done()
	p.noText(root, ": put it in a <Say>")
	var verbs []Verb
	for _, e := range root.elements() {
		if verb := p.verb(e); verb != nil {
			verbs = append(verbs, verb)
		}
	}
	return verbs
}

// verbs are those that the stand-in executes.
var verbs = map[string]func(*parser, *element) Verb{
	"Say":      (*parser).say,
	"Play":     (*parser).play,
	"Pause":    (*parser).pause,
	"Gather":   (*parser).gather,
	"Record":   (*parser).record,
	"Dial":     (*parser).dial,
	"Enqueue":  (*parser).enqueue,
	"Leave":    (*parser).leave,
	"Redirect": (*parser).redirect,
	"Hangup":   (*parser).hangup,
	"Reject":   (*parser).reject,
}

// unsupportedVerbs are Twilio's other verbs for calls.
var unsupportedVerbs = []string{"Connect", "Start", "Stop", "Pay", "Prompt", "Refer", "Sms", "Echo", "Annotate"}

// verb reads a verb in <Response>. It returns nil for one that is left out.
func (p *parser) verb(e *element) Verb {
	parse := verbs[e.name]
	switch {
	case slices.Contains(unsupportedVerbs, e.name):
		p.refuse(e, Unsupported, "the stand-in does not support %s", e)
		return nil
	case parse == nil:
		p.report(e, 12200, "%s is not a verb for calls, and is left out%s", e, caseHint(e.name, keys(verbs)...))
		return nil
	}
	if r, ok := restrictions[p.place]; ok && (slices.Contains(r.forbidden, e.name) || r.allowed != nil && !slices.Contains(r.allowed, e.name)) {
		p.refuse(e, r.code, "%s is not allowed in %s", e, r.where)
	}
	verb := parse(p, e)
	if invalid := p.takeInvalid(); invalid != nil && p.refused == nil {
		p.refused = invalid
	}
	return verb
}
