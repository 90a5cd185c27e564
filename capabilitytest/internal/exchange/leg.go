package exchange

import (
	"fmt"
	"slices"
	"time"
)

// A Leg is a call as Twilio's REST API shows it: first legs, and those that a Dial has made.
type Leg struct {
	SID, ParentSID string // ParentSID is "" unless a Dial has made the leg
	From, To       string
	Direction      string // inbound, outbound-api or outbound-dial
	Status         string
	Created        time.Time
	Answered       time.Time // zero if nobody has
	Ended          time.Time // zero if it is not over
}

// Duration returns how long the leg was connected. It is 0 while it goes on.
func (l Leg) Duration() time.Duration {
	if l.Answered.IsZero() || l.Ended.IsZero() {
		return 0
	}
	return l.Ended.Sub(l.Answered)
}

// Updated returns when something last changed.
func (l Leg) Updated() time.Time {
	for _, at := range []time.Time{l.Ended, l.Answered} {
		if !at.IsZero() {
			return at
		}
	}
	return l.Created
}

// Legs returns all legs that are remembered, the newest first.
func (x *Exchange) Legs() []Leg {
	x.mu.Lock()
	defer x.mu.Unlock()
	var legs []Leg
	for _, c := range slices.Backward(x.calls) {
		if !c.doubles() {
			legs = append(legs, c.leg())
		}
	}
	return legs
}

// Leg returns a leg.
func (x *Exchange) Leg(sid string) (Leg, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c, fault := x.find(sid)
	if fault != nil {
		return Leg{}, fault
	}
	return c.leg(), nil
}

// find returns the call with an SID. x.mu is held.
func (x *Exchange) find(sid string) (*call, *Fault) {
	i := slices.IndexFunc(x.calls, func(c *call) bool { return c.sid == sid && !c.doubles() })
	if i < 0 {
		return nil, notFound("Calls", sid)
	}
	return x.calls[i], nil
}

// notFound is what REST says of something that is not there.
func notFound(resource, sid string) *Fault {
	return &Fault{20404, fmt.Sprintf("The requested resource /%s/%s was not found", resource, sid)}
}

// leg returns what REST shows of the call. x.mu is held.
func (c *call) leg() Leg {
	l := Leg{
		SID: c.sid, From: c.from, To: c.to, Direction: c.direction, Status: c.status,
		Created: c.started, Answered: c.answered, Ended: c.ended,
	}
	if c.parent != nil {
		l.ParentSID = c.parent.sid
	}
	if c.inProgress() {
		l.Status = "in-progress"
	}
	return l
}

// inProgress reports whether REST may redirect the call: it was answered, or, though it was
// not, executes a Dial, which Twilio counts the same.
func (c *call) inProgress() bool {
	return !c.over() && (!c.answered.IsZero() || c.direction == "inbound" && c.dial != nil)
}

// Forget deletes what is known of a leg that is over.
func (x *Exchange) Forget(sid string) *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	c, fault := x.find(sid)
	switch {
	case fault != nil:
		return fault
	case !c.over():
		return &Fault{20009, fmt.Sprintf("Call %s is not over: it cannot be deleted", sid)}
	}
	x.calls = slices.DeleteFunc(x.calls, func(other *call) bool { return other == c })
	return nil
}

// Report tells the log something about a request of REST.
func (x *Exchange) Report(text string, fault *Fault) {
	x.event(Event{Kind: RESTEvent, Text: text, Fault: fault})
}

// ReportRequest tells the log of a request that REST has answered, and of the call that it is
// about, if it is about one.
func (x *Exchange) ReportRequest(what string, status int, callSID string, fault *Fault) {
	x.mu.Lock()
	if c, _ := x.find(callSID); c != nil {
		callSID = c.top().sid
	}
	x.mu.Unlock()
	text := fmt.Sprintf("%s: %d", what, status)
	if fault != nil {
		text += ": " + fault.Error()
	}
	x.event(Event{Kind: RESTEvent, Call: callSID, From: Backend, To: StandIn, What: fmt.Sprintf("%s, answered %d", what, status), Fault: fault, Text: text})
}
