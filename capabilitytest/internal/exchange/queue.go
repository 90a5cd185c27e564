package exchange

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// maxQueue is how many calls a queue holds: Twilio's default.
const maxQueue = 1000

// A queue is made when the first call is put into it.
type queue struct {
	sid, name        string
	max              int       // members
	created, updated time.Time // by REST
	members          []*member // the first in front
	waited           []time.Duration
}

// A member is a call that waits in a queue.
type member struct {
	call     *call
	since    time.Time
	dequeued chan *pickup // has room for one
	taken    bool         // by REST
}

// A pickup is how a call is taken from its queue by one that dials it.
type pickup struct {
	whisper *webhook.Target // what the queued caller hears first, or nil
	form    url.Values      // what its URL is told
	ready   chan struct{}   // closed when they have heard it
	over    chan struct{}   // closed when the two are disconnected
	bridged bool            // they were connected; set before over is closed
}

// average returns how long calls waited in the queue.
func (q *queue) average() time.Duration {
	if len(q.waited) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range q.waited {
		sum += d
	}
	return sum / time.Duration(len(q.waited))
}

// lane is what the ladders of its calls name the queue.
func (q *queue) lane() string { return "queue " + q.name }

// remove takes a member from the queue, and reports whether it was there.
func (q *queue) remove(m *member) bool {
	n := len(q.members)
	q.members = slices.DeleteFunc(q.members, func(other *member) bool { return other == m })
	if len(q.members) == n {
		return false
	}
	m.call.leaves(q.lane(), "")
	q.waited = append(q.waited, time.Since(m.since))
	q.waited = q.waited[max(0, len(q.waited)-maxQueue):]
	return true
}

// enqueue puts the call into a queue until it is dialled, or leaves.
func (r *runner) enqueue(v twiml.Enqueue) (*script, *Fault) {
	if v.Invalid != nil {
		r.warn(*v.Invalid)
		return r.action(v.Action, url.Values{"QueueResult": {"error"}})
	}
	if fault := r.c.pickUp(); fault != nil {
		return nil, fault
	}
	q, m := r.join(v.Name)
	if m == nil {
		return r.action(v.Action, url.Values{"QueueResult": {"queue-full"}})
	}
	result, fault := r.wait(v, q, m)
	if r.ctx.Err() != nil && r.c.ctx.Err() == nil { // REST has given the call another document
		result = cmp.Or(map[string]string{"hangup": "redirected", "bridged": "redirected-from-bridged"}[result], result)
	}
	form := url.Values{"QueueResult": {result}, "QueueSid": {q.sid}, "QueueTime": {seconds(time.Since(m.since))}}
	next, actionFault := r.action(v.Action, form)
	switch {
	case fault != nil && next == nil:
		return nil, fault
	case result == "hangup" && r.ctx.Err() == nil: // by a <Hangup> of the wait document
		return finish, nil
	}
	return next, actionFault
}

// join returns the queue and the call's place in it, nil if it is full.
func (r *runner) join(name string) (*queue, *member) {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	defer r.x.notify()
	q := r.x.queue(name)
	if q == nil {
		q = r.x.newQueue(name, maxQueue)
	}
	if len(q.members) >= q.max {
		r.x.callEvent(r.c, VerbEvent, "the queue %q is full", name)
		return q, nil
	}
	m := &member{call: r.c, since: time.Now(), dequeued: make(chan *pickup, 1)}
	q.members = append(q.members, m)
	r.c.enters(q.lane(), fmt.Sprintf("%s waits in the queue %q, in place %d", r.c.party(), name, len(q.members)))
	return q, m
}

// wait lets the caller hear the wait document until the call leaves the queue. It
// returns the QueueResult.
func (r *runner) wait(v twiml.Enqueue, q *queue, m *member) (string, *Fault) {
	w := r.forCall(r.c, twiml.InQueue)
	var stop context.CancelFunc
	w.ctx, stop = context.WithCancel(r.ctx)
	defer stop()
	w.more = func() url.Values { return r.x.queueForm(q, m) }
	waited := make(chan *Fault, 1)
	go func() { waited <- w.waitMusic(v.Wait) }()

	var p *pickup
	var fault *Fault
	select {
	case p = <-m.dequeued:
		stop()
		<-waited
	case fault = <-waited:
		if !w.left && !w.hungUp && fault == nil && r.ctx.Err() == nil {
			select { // there is nothing more to hear
			case p = <-m.dequeued:
			case <-r.ctx.Done():
			}
		}
	}
	if taken := !r.x.leaveQueue(q, m); taken && p == nil && !m.taken { // just now
		p = <-m.dequeued
	}
	switch {
	case p != nil:
		return r.bePickedUp(p), nil
	case fault != nil:
		return "error", fault
	case w.left:
		return "leave", nil
	}
	return "hangup", nil
}

// leaveQueue takes a member from its queue, and reports whether nobody has yet.
func (x *Exchange) leaveQueue(q *queue, m *member) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	return q.remove(m)
}

// waitMusic lets the caller hear the wait document again and again.
func (r *runner) waitMusic(wait *twiml.Request) *Fault {
	if wait == nil {
		return r.hear(r.ctx, "", fmt.Sprintf("%s hears wait music", r.c.party()), media.Music())
	}
	for wait.URL != "" && r.ctx.Err() == nil && !r.left && !r.hungUp {
		target, fault := r.resolve(*wait)
		if fault != nil {
			return fault
		}
		s, fault := r.fetch(target, nil)
		if fault == nil {
			self := r.self
			fault = r.run(s)
			r.self = self // the wait URL is relative to the document with the <Enqueue>
		}
		if fault != nil {
			return fault
		}
		if r.x.config.Media.Instant { // once is enough, if it takes no time
			return nil
		}
		r.x.clock.sleep(r.ctx, waitPause)
	}
	return nil
}

// waitPause keeps a wait document without a sound from being requested without a pause.
const waitPause = time.Second / 2

// queueForm returns what the wait URL is told.
func (x *Exchange) queueForm(q *queue, m *member) url.Values {
	x.mu.Lock()
	defer x.mu.Unlock()
	return url.Values{
		"QueueSid":         {q.sid},
		"QueuePosition":    {strconv.Itoa(slices.Index(q.members, m) + 1)},
		"QueueTime":        {seconds(time.Since(m.since))},
		"AvgQueueTime":     {seconds(q.average())},
		"CurrentQueueSize": {strconv.Itoa(len(q.members))},
		"MaxQueueSize":     {strconv.Itoa(q.max)},
	}
}

// bePickedUp connects a queued call with the one that has dialled its queue.
func (r *runner) bePickedUp(p *pickup) string {
	if p.whisper != nil {
		w := r.forCall(r.c, twiml.InQueueWhisper)
		s, fault := w.fetch(*p.whisper, p.form)
		if fault == nil {
			fault = w.run(s)
		}
		if fault != nil {
			r.x.callEvent(r.c, VerbEvent, "what the queued caller should hear first fails: %d: %s", fault.Code, fault.Message)
		}
	}
	if r.ctx.Err() == nil {
		close(p.ready)
	}
	<-p.over // which comes when one of the two calls ends
	switch {
	case p.bridged:
		return "bridged"
	case r.ctx.Err() != nil:
		return "hangup"
	}
	return "error" // the one that has dialled the queue hung up first
}

// dequeue connects the call with the first one of a queue, for which it waits.
func (r *runner) dequeue(v twiml.Dial, noun twiml.Queue) (*outcome, *Fault) {
	if !v.AnswerOnBridge {
		if fault := r.c.pickUp(); fault != nil {
			return nil, fault
		}
	}
	late := r.x.clock.after(v.Timeout + r.x.timing.Grace)
	defer late.stop()
	d := &dial{parent: r.c}
	r.x.mu.Lock()
	known := r.x.queue(noun.Name) != nil
	r.c.rings()
	r.c.dial = d
	r.x.mu.Unlock()
	defer r.hangUpDial(d)
	if !known {
		r.x.callEvent(r.c, VerbEvent, "there is no queue %q: no call has been put into it", noun.Name)
		return &outcome{status: "failed"}, nil
	}
	p := &pickup{ready: make(chan struct{}), over: make(chan struct{})}
	if noun.Whisper.URL != "" {
		target, fault := r.resolve(noun.Whisper)
		if fault != nil {
			return nil, fault
		}
		p.whisper = &target
	}
	tone := &ringback{c: r.c}
	tone.start()
	defer tone.stop()
	q, m := r.first(noun.Name, late)
	if m == nil {
		if r.ctx.Err() != nil {
			return &outcome{status: "canceled"}, nil
		}
		return &outcome{status: "no-answer", fault: faultNoAnswer}, nil
	}
	p.form = url.Values{
		"QueueSid":        {q.sid},
		"CallSid":         {m.call.sid},
		"QueueTime":       {seconds(time.Since(m.since))},
		"DequeingCallSid": {r.c.sid}, // as Twilio spells it
	}
	defer close(p.over)
	m.dequeued <- p
	result := &outcome{status: "completed", leg: m.call, more: url.Values{
		"QueueSid": p.form["QueueSid"], "QueueTime": p.form["QueueTime"], "DequeingCallSid": p.form["DequeingCallSid"],
	}}
	select {
	case <-p.ready:
	case <-m.call.staying().Done():
		return result, nil
	case <-r.ctx.Done():
		return result, nil
	}
	tone.stop()
	recording := r.recordDial(v, nil, false)
	connected := time.Now()
	if fault := r.bridge(v, m.call); fault != nil {
		recording.discard()
		return nil, fault
	}
	result.bridged, p.bridged = true, true
	result.more.Set("DialCallDuration", seconds(time.Since(connected)))
	result.recording = recording.finish()
	return result, nil
}

// first takes the first call from the queue of a name, nil if none comes in time. The queue may
// be deleted meanwhile, and made again.
func (r *runner) first(name string, late *timer) (*queue, *member) {
	for {
		r.x.mu.Lock()
		changed := r.x.changed
		if q := r.x.queue(name); q != nil && len(q.members) > 0 && r.ctx.Err() == nil {
			m := q.members[0]
			q.remove(m)
			r.x.notify()
			r.x.mu.Unlock()
			return q, m
		}
		r.x.mu.Unlock()
		select {
		case <-changed:
		case <-late.C:
			return nil, nil
		case <-r.ctx.Done():
			return nil, nil
		}
	}
}
