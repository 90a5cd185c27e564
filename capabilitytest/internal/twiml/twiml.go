// Package twiml reads TwiML documents for calls, as strictly as Twilio documents
// them (https://www.twilio.com/docs/voice/twiml), into typed verbs. It knows no
// call and no HTTP.
//
// Twilio tells errors from warnings: with an error the document is of no use, with
// a warning Twilio leaves something out, or takes the default, and goes on. What
// the stand-in does not support is an error if the call cannot go on without it,
// such as <Sip> or <Stream>, and else a warning, such as transcribe="true". Every
// one of them names the element, the attribute and its value.
package twiml

import "fmt"

// A Document is what a call, or one leg of it, does next.
type Document struct {
	Verbs    []Verb
	Warnings []Problem
}

// A Problem is what is wrong with a document, for whoever wrote it. Code is
// Twilio's, or [Unsupported].
type Problem struct {
	Code    int
	Message string
}

func (p *Problem) Error() string { return fmt.Sprintf("%d: %s", p.Code, p.Message) }

// Unsupported is the code of what the stand-in does not support, and Twilio does:
// Twilio's generic error.
const Unsupported = 31000

// A Place is where a document is executed, which decides what verbs it may have.
type Place int

const (
	InCall         Place = iota // the voice URL, an action, a <Redirect>: all verbs
	InWhisper                   // url of <Client> and <Number>: no <Dial> (13201)
	InQueueWhisper              // url of <Queue>: Play, Say, Pause, Redirect
	InQueue                     // waitUrl of <Enqueue>: Play, Say, Pause, Hangup, Redirect, Leave, Gather
	InConference                // waitUrl of <Conference>: Play, Say, Pause, Redirect (13238)
)

// Parse reads a document. The caller limits its length to 64 KiB (11750).
func Parse(document []byte, place Place) (*Document, *Problem) {
	return nil, &Problem{Unsupported, "TwiML"}
}
