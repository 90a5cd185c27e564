package exchange

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// An Event is something that happened. A log, and whoever else wants to know, reads
// them in order from [Exchange.Events].
type Event struct {
	Seq      uint64 // counts all events, from 1
	At       time.Time
	Kind     EventKind
	Client   string            // the client name of the device, if it is about one
	Call     string            // the SID of the call's first leg, if it is about one
	From, To string            // the lanes of the call's ladder, of what one side tells another
	What     string            // that is told, in a word or two
	Verb     *Verb             // in whose execution it happens, or nil
	Token    *Token            // that was refused, or nil
	Fault    *Fault            // what went wrong, or nil
	Webhook  *webhook.Exchange // of a webhook
	Text     string            // the event in words, "" if another one says the same. What pages and webhooks said is in there
}

// A Verb is one that is executed for a call.
type Verb struct {
	Document string `json:"document"` // the ID of the webhook.Exchange whose answer it stands in
	Name     string `json:"name"`     // "" before the first one
	Index    int    `json:"index"`    // among the document's verbs of that name
}

// A Token is what can be shown of a token that was refused.
type Token struct {
	Kind       string `json:"kind"` // in the words of captoken inspect
	ClientName string `json:"clientName"`
	AccountSID string `json:"accountSid"`
	Start      string `json:"start"` // its first characters
	End        string `json:"end"`
	Claims     string `json:"claims"` // JSON, or ""
	Advice     string `json:"advice"`
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
	SignalEvent  EventKind = "signal"  // what a page or a telephone is told, or tells
	PageEvent    EventKind = "page"    // a page has loaded the script of the stand-in
	ResetEvent   EventKind = "reset"   // all that was before is forgotten
	RESTEvent    EventKind = "rest"    // a request of the backend, and what came of it
)

// maxUnread is how many events are kept for a reader.
const maxUnread = 10_000

// A reader keeps events until they are read, so that whoever reads them may be slow, and
// may ask the exchange.
type reader struct {
	mu     sync.Mutex
	events []Event
	lost   int // events since the last of them, of which there were too many
	closed bool
	more   chan struct{} // has room for one
}

func (q *reader) add(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.wake()
	if len(q.events) == maxUnread {
		q.lost++
		return
	}
	q.events = append(q.events, e)
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
	if q.lost > 0 {
		events = append(events, Event{At: time.Now(), Kind: PageEvent, Text: Count(q.lost, "event") + " left out, as those before were read too slowly"})
	}
	q.events, q.lost = nil, 0
	return events, !q.closed
}

// maxRecent is how many events are kept for those who come later.
const maxRecent = 4000

// readers are all who read events.
type readers struct {
	mu     sync.Mutex
	all    []*reader
	seq    uint64
	recent []Event
	more   chan struct{} // closed with the next event
}

func (r *readers) each(f func(*reader)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.all {
		f(q)
	}
}

func (r *readers) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	e.Seq = r.seq
	if r.recent = append(r.recent, e); len(r.recent) > maxRecent {
		r.recent = slices.Delete(r.recent, 0, maxRecent/10)
	}
	for _, q := range r.all {
		q.add(e)
	}
	r.wake()
}

// forget forgets all events.
func (r *readers) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent = nil
}

func (r *readers) wake() {
	close(r.more)
	r.more = make(chan struct{})
}

// event says what has happened.
func (x *Exchange) event(e Event) {
	e.At = time.Now()
	x.readers.add(e)
}

// Recent returns the events after the one that was counted seq, as far as they are kept,
// and what is closed when there are more.
func (x *Exchange) Recent(seq uint64) ([]Event, <-chan struct{}) {
	x.readers.mu.Lock()
	defer x.readers.mu.Unlock()
	i, _ := slices.BinarySearchFunc(x.readers.recent, seq+1, func(e Event, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	return slices.Clone(x.readers.recent[i:]), x.readers.more
}

// Events returns a function that calls read with each event from now on, in order, until
// the exchange is closed and the last one is read. A reader that falls behind by more than
// maxUnread events misses the next ones, and is told how many.
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
