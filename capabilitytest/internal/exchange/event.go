package exchange

import (
	"sync"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// An Event is something that happened. A log, and whoever else wants to know, reads
// them in order from [Exchange.Events].
type Event struct {
	At      time.Time
	Kind    EventKind
	Client  string            // the client name of the device, if it is about one
	Call    string            // the SID of the call's first leg, if it is about one
	Fault   *Fault            // what went wrong, or nil
	Webhook *webhook.Exchange // of a webhook
	Text    string            // the event in words. What pages and webhooks said is in there
}

// EventKind is what an event is about.
type EventKind string

const (
	TokenEvent   EventKind = "token"   // shown, refused or expired
	DeviceEvent  EventKind = "device"  // its registration and its socket
	CallEvent    EventKind = "call"    // begun, refused, answered, connected, over
	RingEvent    EventKind = "ring"    // whom a Dial rings
	VerbEvent    EventKind = "verb"    // what became of a verb
	DigitsEvent  EventKind = "digits"  // that were dialled during a call
	MessageEvent EventKind = "message" // a call message
	WebhookEvent EventKind = "webhook" // a request to the backend and its answer
	RESTEvent    EventKind = "rest"    // a request of the backend, and what came of it
)

// A reader keeps events until they are read, so that whoever reads them may be slow, and
// may ask the exchange.
type reader struct {
	mu     sync.Mutex
	events []Event
	closed bool
	more   chan struct{} // has room for one
}

func (q *reader) add(events ...Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(q.events, events...)
	q.wake()
}

func (q *reader) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

func (q *reader) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take waits for events, and reports whether there can be more.
func (q *reader) take() ([]Event, bool) {
	<-q.more
	q.mu.Lock()
	defer q.mu.Unlock()
	events := q.events
	q.events = nil
	return events, !q.closed
}

// readers are all who read events.
type readers struct {
	mu  sync.Mutex
	all []*reader
}

func (r *readers) each(f func(*reader)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.all {
		f(q)
	}
}

// event says what has happened.
func (x *Exchange) event(e Event) {
	e.At = time.Now()
	x.readers.each(func(q *reader) { q.add(e) })
}

// Events returns a function that calls read with each event from now on, in order, until
// the exchange is closed and the last one is read.
func (x *Exchange) Events(read func(Event)) (run func()) {
	q := &reader{more: make(chan struct{}, 1)}
	x.readers.mu.Lock()
	x.readers.all = append(x.readers.all, q)
	x.readers.mu.Unlock()
	return func() {
		for {
			events, more := q.take()
			for _, e := range events {
				read(e)
			}
			if !more {
				return
			}
		}
	}
}
