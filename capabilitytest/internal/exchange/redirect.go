package exchange

import (
	"net/url"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A Document is what a call does: TwiML, or the URL at which to ask for it.
type Document struct {
	Target   webhook.Target // or, if its URL is nil,
	TwiML    string
	Fallback webhook.Target // for when the document cannot be fetched or executed; its URL may be nil
	verbs    []twiml.Verb   // what the exchange itself wants, or nil
}

// redirected reports whether REST has given the call another document than d.
func (c *call) redirected(d *Document) bool { return c.document != d && !c.over() }

// next returns what the call does now, and until when.
func (c *call) next() (*Document, *runner) {
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	if c.stay.Err() != nil {
		c.remain()
	}
	return c.document, &runner{x: c.x, c: c, ctx: c.stay}
}

// serve does with a call what its document says, and those that REST puts in its place, and
// ends it.
func (x *Exchange) serve(c *call) {
	for {
		d, r := c.next()
		if reason := r.serve(d); x.endUnlessRedirected(c, d, reason) {
			break
		}
	}
	c.recording.finish()
	x.mu.Lock()
	c.reportEnd()
	x.notify()
	x.mu.Unlock()
	c.hooks.Close(x.ctx)
}

func (x *Exchange) endUnlessRedirected(c *call, d *Document, reason *Fault) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c.redirected(d) {
		return false
	}
	c.end(nil, reason)
	x.notify()
	return true
}

// serve executes a document, and its fallback if that fails.
func (r *runner) serve(d *Document) *Fault {
	fault := r.begin(d)
	if fault == nil || d == nil || d.Fallback.URL == nil || !isWebhookFault(fault) || r.ctx.Err() != nil {
		return fault
	}
	r.x.callEvent(r.c, WebhookEvent, "%d: %s: the fallback URL is asked", fault.Code, fault.Message)
	failed := d.Target.URL
	if failed == nil {
		failed = &url.URL{}
	}
	s, fault := r.fetch(d.Fallback, webhook.Fallback(nil, failed, fault.Code))
	if fault != nil {
		return fault
	}
	return r.run(s)
}

// isWebhookFault reports whether a fault is one of a document, rather than how a Dial ended.
func isWebhookFault(f *Fault) bool { return f.Code < 20_000 }

func (r *runner) begin(d *Document) *Fault {
	switch {
	case d == nil:
		return r.dialTo()
	case d.verbs != nil:
		return r.run(&script{verbs: d.verbs})
	case d.Target.URL == nil:
		verbs, fault := r.parse([]byte(d.TwiML))
		if fault != nil {
			return fault
		}
		return r.run(&script{verbs: verbs})
	}
	s, fault := r.fetch(d.Target, nil)
	if fault != nil {
		return fault
	}
	return r.run(s)
}

// An Update is what REST changes about a call. Its zero value changes nothing.
type Update struct {
	End            bool // completed, or
	Cancel         bool // canceled: unless it was answered
	Document       *Document
	StatusCallback *Callback
	TimeLimit      time.Duration
}

// A Callback is where the progress of a call is reported to.
type Callback struct {
	Target webhook.Target
	Events []string // initiated, ringing, answered, completed
}

// Update changes a call.
func (x *Exchange) Update(sid string, u Update) (Leg, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	c, fault := x.find(sid)
	if fault != nil {
		return Leg{}, fault
	}
	if fault := c.update(u); fault != nil {
		return Leg{}, fault
	}
	return c.leg(), nil
}

func (c *call) update(u Update) *Fault {
	if u.StatusCallback != nil && c.parent == nil {
		c.progress = &callback{u.StatusCallback.Target, u.StatusCallback.Events}
	}
	if u.TimeLimit > 0 && !c.over() {
		c.limit(u.TimeLimit)
	}
	switch {
	case u.End && c.over():
		return &Fault{21220, "Call is not in-progress. Cannot redirect."}
	case u.End, u.Cancel && !c.over() && !c.inProgress():
		c.endByREST()
	case u.Document != nil:
		return c.redirect(u.Document)
	}
	return nil
}

// endByREST ends a call, and says so.
func (c *call) endByREST() {
	c.x.callEvent(c, RESTEvent, "the call of %s is ended over REST", c.party())
	c.abort()
}

// abort ends a call, which was canceled if it rang.
func (c *call) abort() {
	switch {
	case c.inProgress():
		c.end(nil, nil)
	case c.parent != nil:
		c.end(c.parent, nil)
	default:
		c.canceled = true
		c.end(nil, nil)
	}
}

// redirect takes the call from what it does, and gives it another document. One that a Dial
// has made leaves that.
func (c *call) redirect(d *Document) *Fault {
	if !c.inProgress() || c.x.ctx.Err() != nil {
		return &Fault{21220, "Call is not in-progress. Cannot redirect."}
	}
	c.x.callEvent(c, RESTEvent, "the call of %s gets another document over REST", c.party())
	c.document = d
	c.leave()
	return nil
}

// leaveDial lets a leg go on without the one that has dialled it, whose Dial is over.
func (c *call) leaveDial() {
	c.branch.dial.forget(c)
	c.hooks = c.x.hooks.NewSession()
	c.hooks.Owner = c.top().sid
	c.x.start(func() { c.x.serve(c) })
}

// limit ends the call after d.
func (c *call) limit(d time.Duration) {
	left := d
	if !c.answered.IsZero() {
		left -= c.duration()
	}
	timer := c.x.clock.after(left) // before anybody can know of the limit
	c.x.start(func() {
		defer timer.stop()
		select {
		case <-c.ctx.Done():
		case <-timer.C:
			c.x.mu.Lock()
			defer c.x.mu.Unlock()
			if c.over() {
				return
			}
			c.x.callEvent(c, CallEvent, "the time limit of the call of %s, %v, has passed", c.party(), d)
			c.end(nil, nil)
			c.x.notify()
		}
	})
}
