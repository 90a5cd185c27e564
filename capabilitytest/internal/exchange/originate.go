package exchange

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/internal/rule"
)

// An Origin is a call that the exchange is to make.
type Origin struct {
	To, From       string // a telephone number or client:NAME. A query on To is custom parameters
	ApplicationSID string // if its document and callback are an application's
	Document       *Document
	StatusCallback *Callback     // or nil
	Timeout        time.Duration // of the ringing
	TimeLimit      time.Duration // 0 for none
	SendDigits     string        // once it is answered
	Record         *Record       // the whole call, or nil
}

// A Record says how a call is recorded.
type Record struct {
	Options  media.RecordOptions
	Callback *Callback // or nil. The events are in-progress, completed, absent
}

// RingTimeout is how long a call over REST rings, unless it says otherwise.
const RingTimeout = time.Minute

// outboundAPI is the direction of a call that REST has made.
const outboundAPI = "outbound-api"

// clientPrefix is how client names are told from telephone numbers.
const clientPrefix = "client:"

// Originate makes a call. It is queued, and rings soon.
func (x *Exchange) Originate(o Origin) (Leg, *Fault) {
	noun, fault := o.noun()
	if fault != nil {
		return Leg{}, fault
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	if o.ApplicationSID != "" {
		if fault := x.useApplication(&o); fault != nil {
			return Leg{}, fault
		}
	}
	return x.originate(o, noun).leg(), nil
}

func (x *Exchange) originate(o Origin, noun twiml.Noun) *call {
	c := x.newCall(nil)
	c.direction, c.status = outboundAPI, "queued"
	c.from, c.document, c.applicationSID = o.From, o.Document, o.ApplicationSID
	c.to, _, _ = strings.Cut(o.To, "?")
	if o.StatusCallback != nil {
		c.progress = &callback{o.StatusCallback.Target, o.StatusCallback.Events}
	}
	x.callEvent(c, CallEvent, "%s is called over REST, from %s", c.to, c.from)
	x.start(func() {
		if fault := x.ringAndAwait(c, o, noun); fault != nil {
			x.mu.Lock()
			c.end(nil, fault)
			c.reportEnd()
			x.notify()
			x.mu.Unlock()
			c.hooks.Close(x.ctx)
			return
		}
		x.serve(c)
	})
	return c
}

func (x *Exchange) useApplication(o *Origin) *Fault {
	i := x.indexApplication(o.ApplicationSID)
	if i < 0 {
		return &Fault{21218, "the account has no application " + o.ApplicationSID}
	}
	d, end := x.apps[i].Voice.plan()
	if d == nil {
		return &Fault{21205, fmt.Sprintf("the application %s has no VoiceUrl", o.ApplicationSID)}
	}
	o.Document, o.StatusCallback = d, nil
	if end != nil {
		o.StatusCallback = &Callback{end.target, end.events}
	}
	return nil
}

// noun returns whom the call is made to, and what is wrong with that. The codes are those of
// https://www.twilio.com/docs/iam/test-credentials and of the Calls resource.
func (o Origin) noun() (twiml.Noun, *Fault) {
	const form = "it must be like +15550100001 (in a form, its + is %2B), or client: and a client name"
	name, toClient := strings.CutPrefix(o.To, clientPrefix)
	from, fromClient := strings.CutPrefix(o.From, clientPrefix)
	switch {
	case o.From == "":
		return nil, &Fault{21213, "A From number is required"}
	case o.To == "":
		return nil, &Fault{21201, "No to number is specified"}
	case !toClient && magic[o.To] != nil:
		return nil, magic[o.To]
	case !toClient && !IsPhoneNumber(o.To):
		return nil, &Fault{21211, fmt.Sprintf("The 'To' number %q is not a valid phone number: %s", o.To, form)}
	case !toClient && fromClient:
		return nil, &Fault{21210, "From is not a valid phone number: to call a number, From has to be one"}
	case o.From == "+15005550001", !fromClient && !IsPhoneNumber(o.From):
		return nil, &Fault{21212, fmt.Sprintf("The 'From' number %q is not valid: %s", o.From, form)}
	}
	if fromClient {
		if wrong := rule.UnsafeClientName(from, rule.LongestClientName); wrong != "" {
			return nil, &Fault{21212, "From is not a client name: " + wrong}
		}
	}
	if !toClient {
		return twiml.Number{Number: o.To}, nil
	}
	return clientNoun(name)
}

// clientNoun returns the client that To names, with its custom parameters.
func clientNoun(to string) (twiml.Noun, *Fault) {
	name, query, _ := strings.Cut(to, "?")
	if wrong := rule.ClientName(name, rule.LongestClientName); wrong != "" {
		return nil, &Fault{21211, "To is not a client name: " + wrong}
	}
	params, err := url.ParseQuery(query)
	switch {
	case err != nil:
		return nil, &Fault{21211, "To is not valid: its custom parameters are not a query"}
	case len(query) > maxParamsBytes:
		return nil, &Fault{21211, fmt.Sprintf("To is not valid: its custom parameters are longer than %d bytes", maxParamsBytes)}
	}
	return twiml.Client{Identity: name, Parameters: inOrder(params, query)}, nil
}

// ringAndAwait rings whom a call is made to, and returns why nobody has answered, or nil.
func (x *Exchange) ringAndAwait(c *call, o Origin, noun twiml.Noun) *Fault {
	r := &runner{x: x, c: c, ctx: c.ctx}
	unanswered := x.clock.after(o.Timeout + x.timing.Grace)
	defer unanswered.stop()
	d, result := x.ringItself(c, noun)
	if result == nil {
		tone := &ringback{c: c}
		_, result = r.awaitAnswer(d, unanswered, true, tone)
		tone.stop()
		r.hangUpDial(d)
	}
	x.mu.Lock()
	x.calls = slices.DeleteFunc(x.calls, func(other *call) bool { return other.doubles() && other.parent == c })
	answered := !c.answered.IsZero() && !c.over()
	if answered {
		c.begin(o)
	}
	x.mu.Unlock()
	switch {
	case answered && o.SendDigits != "":
		return r.play(r.ctx, twiml.Play{Digits: o.SendDigits, Loop: 1})
	case result != nil && result.fault != nil:
		return result.fault
	case !answered: // it has been ended meanwhile
		return faultNoAnswer
	}
	return nil
}

// ringItself rings the devices of a client, or a telephone, for a call to them.
func (x *Exchange) ringItself(c *call, noun twiml.Noun) (*dial, *outcome) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	if c.over() { // canceled while queued, of which Twilio reports nothing
		c.progress = nil
		return nil, &outcome{}
	}
	c.report(c.hooks, c.progress, "initiated", "initiated")
	d := &dial{parent: c, itself: true, picked: make(chan *call, 1), failed: make(chan *outcome, 1)}
	c.dial = d
	x.ringNoun(d, noun, c.from, nil)
	if failed := d.failedAtOnce(); failed != nil {
		return d, failed
	}
	c.status = "ringing"
	x.callEvent(c, RingEvent, "REST rings %s", d.describe())
	c.report(c.hooks, c.progress, "ringing", "ringing")
	return d, nil
}

// doubles reports whether the leg is one of the devices that a call over REST rings: each has
// media of its own, but to all pages, and to the backend, it is one call.
func (c *call) doubles() bool { return c.branch != nil && c.branch.dial.itself }

// become makes the call the leg that was answered. x.mu is held.
func (c *call) become(leg *call) {
	c.answered, c.status, c.told = leg.answered, leg.status, true
	c.audio, c.peer, c.reconnect, c.custom = leg.audio, leg.peer, leg.reconnect, leg.custom
	if leg.device != nil {
		leg.drop()
		c.moveTo(leg.device)
	}
	if c.phone = leg.phone; c.phone != nil {
		c.phone.call = c
	}
	if c.trunk = leg.trunk; c.trunk != nil {
		c.trunk.trunk = c
	}
	leg.branch.dial.forget(leg)
	leg.audio, leg.device, leg.phone, leg.trunk = nil, nil, nil, nil
	leg.ended = leg.answered
	leg.cancel()
}

// begin does what is due when a call over REST is answered. x.mu is held.
func (c *call) begin(o Origin) {
	c.report(c.hooks, c.progress, "answered", "in-progress")
	if o.TimeLimit > 0 {
		c.limit(o.TimeLimit)
	}
	if o.Record != nil {
		recorder := c.audio.Record(o.Record.Options)
		c.recording = c.newRecording(recorder, "OutboundAPI", nil)
		if to := o.Record.Callback; to != nil {
			c.recording.callback = &callback{to.Target, to.Events}
		}
		c.recording.start()
	}
}
