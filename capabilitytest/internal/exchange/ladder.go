package exchange

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// The lanes of a ladder that are no party of the call, nor a queue or a conference.
const (
	StandIn = "stand-in"
	Backend = "backend"
)

// connected is what is told of two parties that talk from now on.
const connected = "connected"

// A Step is a row of the ladder of a call: what one lane tells another, or, if they are
// the same, what happens there.
type Step struct {
	At       time.Time `json:"at"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	What     string    `json:"what"`
	Detail   string    `json:"detail,omitempty"`
	Failed   bool      `json:"failed,omitempty"`
	Duration string    `json:"duration,omitempty"`
	Says     string    `json:"says"` // all that in a sentence
}

// Steps returns the rows that the event has in the ladder of its call.
func (e Event) Steps() []Step {
	steps := e.steps()
	for i := range steps {
		steps[i].Says = steps[i].sentence()
	}
	return steps
}

func (e Event) steps() []Step {
	switch {
	case e.Call == "" || e.Kind == RingEvent:
		return nil
	case e.Webhook != nil:
		return webhookSteps(e.Webhook)
	case e.What != "":
		s := Step{At: e.At, From: e.From, To: e.To, What: e.What, Failed: e.Fault != nil}
		if e.Fault != nil {
			s.Detail = e.Fault.Error()
		}
		return []Step{s}
	case e.Text != "":
		return []Step{{At: e.At, From: StandIn, To: StandIn, What: e.Text, Failed: e.Fault != nil}}
	}
	return nil
}

func webhookSteps(w *webhook.Exchange) []Step {
	var steps []Step
	if w.Pending || w.Signed == "" { // which was never made
		steps = append(steps, ask(w))
	}
	if !w.Pending {
		steps = append(steps, answer(w))
	}
	return steps
}

func ask(w *webhook.Exchange) Step {
	path := w.URL
	if u, err := url.Parse(w.URL); err == nil && u.Path != "" {
		path = u.Path
	}
	s := Step{At: w.Start, From: StandIn, To: Backend, What: w.Method + " " + path, Detail: "signed"}
	switch {
	case w.Again:
		s.Detail = "sent again"
	case w.Callback:
		s.Detail = callbackEvent(w.Form)
	}
	return s
}

func answer(w *webhook.Exchange) Step {
	s := Step{At: w.Start.Add(w.Duration), From: Backend, To: StandIn, What: strconv.Itoa(w.Status)}
	if w.Status == 0 {
		s.What = "no answer"
	}
	if w.Problem != nil {
		s.Detail, s.Failed = w.Problem.Error(), true
	} else if !w.Callback {
		s.Detail = strings.Join(verbNames(w.Body), " ")
	}
	s.Duration = fmt.Sprintf("%d ms", w.Duration.Milliseconds())
	return s
}

// callbackEvent returns what a status callback reports.
func callbackEvent(form url.Values) string {
	for _, name := range []string{"StatusCallbackEvent", "RecordingStatus", "CallStatus"} {
		if form.Get(name) != "" {
			return "reports " + form.Get(name)
		}
	}
	return "reports"
}

// verbNames returns the first verbs of a document.
func verbNames(document []byte) []string {
	const most = 3
	var names []string
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for depth := 0; len(names) < most; {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 2 {
				names = append(names, "<"+token.Name.Local+">")
			}
		case xml.EndElement:
			depth--
		}
	}
	return names
}

// doing returns the verb that is executed for the leg, or for the one that dialled it.
func (c *call) doing() *Verb {
	return cmp.Or(c.verb.Load(), c.top().verb.Load())
}

// step is an event that is a row of the call's ladder.
func (c *call) step(kind EventKind, from, to, what, text string) {
	c.x.event(Event{Kind: kind, Call: c.top().sid, From: from, To: to, What: what, Verb: c.doing(), Text: text})
}

// says is an event of something that the far end of the leg tells.
func (c *call) says(what string, kind EventKind, text string) {
	c.step(kind, c.party(), StandIn, what, text)
}

// hears is an event of something that the far end of the leg is told.
func (c *call) hears(what string) {
	c.step(SignalEvent, StandIn, c.party(), what, "")
}

// enters is an event of the leg's way into a conference or a queue.
func (c *call) enters(lane, text string) {
	c.step(VerbEvent, c.party(), lane, "joins", text)
}

// leaves is an event of the leg's way out of a conference or a queue.
func (c *call) leaves(lane, text string) {
	c.step(VerbEvent, lane, c.party(), "leaves", text)
}

// talksWith is an event of two legs that hear each other from now on.
func (c *call) talksWith(other *call) {
	c.step(CallEvent, c.party(), other.party(), connected, fmt.Sprintf("%s and %s are connected", c.party(), other.party()))
}

// signalled is the event of a message to a page that is about a call. That the call is over
// has an event of its own: telephones are told that too.
func (x *Exchange) signalled(m Message) {
	switch m.Kind {
	case Invite, Ringing, Answered, CallMessage:
	default:
		return
	}
	for _, c := range slices.Backward(x.calls) {
		if c.sid == m.CallSID || c.tempSID == m.CallSID && m.CallSID != "" {
			c.hears(string(m.Kind))
			return
		}
	}
}

// signalEnd is the event of the end of the leg.
func (c *call) signalEnd(by *call, told *Fault) {
	if c.parent != nil && c.audio == nil {
		return // nobody was rung
	}
	e := Event{Kind: SignalEvent, Call: c.top().sid, From: StandIn, To: c.party(), What: "hangup", Verb: c.doing(), Fault: told}
	if c.parent != nil && c.answered.IsZero() {
		e.What, e.Fault = "cancel", nil
	}
	if by == c {
		e.From, e.To, e.Fault = c.party(), StandIn, nil
		if e.What == "cancel" {
			e.What = "decline"
		}
	}
	c.x.event(e)
}

// Ladders returns the ladders of the last calls as text, the oldest call first.
func (x *Exchange) Ladders(most int) string {
	events, _ := x.Recent(0)
	steps := map[string][]Step{}
	for _, e := range events {
		steps[e.Call] = append(steps[e.Call], e.Steps()...)
	}
	var text strings.Builder
	calls := x.Calls()
	for _, c := range calls[max(0, len(calls)-most):] {
		fmt.Fprintf(&text, "%s → %s, %s\n", c.From, c.To, c.Status)
		rows := steps[c.SID]
		for _, s := range rows {
			fmt.Fprintf(&text, "%7d ms  %s\n", s.At.Sub(rows[0].At).Milliseconds(), s.Says)
		}
	}
	return text.String()
}

func (s Step) sentence() string {
	told := s.What
	for _, more := range []string{s.Detail, s.Duration} {
		if more != "" {
			told += ", " + more
		}
	}
	from, to := strings.TrimPrefix(s.From, "client:"), strings.TrimPrefix(s.To, "client:")
	switch {
	case s.What == connected:
		return from + " and " + to + " talk"
	case from == to:
		return told
	case to == Backend:
		return "stand-in asks your backend, " + told
	case from == Backend && s.Duration == "":
		return "your backend asks over REST, " + told
	case from == Backend:
		return "your backend answers, " + told
	}
	return from + " to " + to + ", " + told
}
