package exchange

import (
	"fmt"
	"slices"
	"time"
)

// A Queue is a queue as Twilio's REST API shows it.
type Queue struct {
	SID, Name        string
	Size, MaxSize    int
	AverageWait      time.Duration // of those who have left it
	Created, Updated time.Time
}

// A Member is a call that waits in a queue.
type Member struct {
	QueueSID, CallSID string
	Position          int // 1 is the front
	Since             time.Time
}

// The limits are Twilio's: https://www.twilio.com/docs/voice/api/queue-resource
const (
	MaxQueueSize = 5000 // members
	maxQueues    = 1000 // that are remembered: the stand-in's own
)

// queue returns the queue with a name, or nil. x.mu is held.
func (x *Exchange) queue(name string) *queue {
	for _, q := range x.queues {
		if q.name == name {
			return q
		}
	}
	return nil
}

// newQueue makes a queue. If there are too many, it forgets the oldest in which no call waits.
func (x *Exchange) newQueue(name string, size int) *queue {
	q := &queue{sid: "QU" + random(), name: name, max: size, created: time.Now(), updated: time.Now()}
	x.queues = append(forgetOldest(x.queues, maxQueues, func(old *queue) bool { return len(old.members) == 0 }), q)
	return q
}

func (q *queue) snapshot() Queue {
	return Queue{q.sid, q.name, len(q.members), q.max, q.average(), q.created, q.updated}
}

// Queues returns all queues, the newest first.
func (x *Exchange) Queues() []Queue {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []Queue
	for _, q := range slices.Backward(x.queues) {
		all = append(all, q.snapshot())
	}
	return all
}

// Queue returns a queue.
func (x *Exchange) Queue(sid string) (Queue, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	q, fault := x.findQueue(sid)
	if fault != nil {
		return Queue{}, fault
	}
	return q.snapshot(), nil
}

func (x *Exchange) findQueue(sid string) (*queue, *Fault) {
	i := slices.IndexFunc(x.queues, func(q *queue) bool { return q.sid == sid })
	if i < 0 {
		return nil, notFound("Queues", sid)
	}
	return x.queues[i], nil
}

// NewQueue makes a queue of at most size members, 0 for Twilio's default.
func (x *Exchange) NewQueue(name string, size int) (Queue, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	q := &queue{max: maxQueue}
	if fault := x.set(q, name, size); fault != nil {
		return Queue{}, fault
	}
	return x.newQueue(q.name, q.max).snapshot(), nil
}

// UpdateQueue renames a queue, unless the name is "", and sets its size, unless that is 0.
func (x *Exchange) UpdateQueue(sid, name string, size int) (Queue, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	q, fault := x.findQueue(sid)
	if fault == nil {
		fault = x.set(q, name, size)
	}
	if fault != nil {
		return Queue{}, fault
	}
	q.updated = time.Now()
	return q.snapshot(), nil
}

func (x *Exchange) set(q *queue, name string, size int) *Fault {
	switch other := x.queue(name); {
	case other != nil && other != q:
		return &Fault{0, fmt.Sprintf("there is a queue %q already, %s", name, other.sid)}
	case size < 0 || size > MaxQueueSize:
		return &Fault{0, fmt.Sprintf("MaxSize %d: it must be 1 to %d", size, MaxQueueSize)}
	}
	if name != "" {
		q.name = name
	}
	if size > 0 {
		q.max = size
	}
	return nil
}

// DeleteQueue deletes a queue in which no call waits.
func (x *Exchange) DeleteQueue(sid string) *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	q, fault := x.findQueue(sid)
	switch {
	case fault != nil:
		return fault
	case len(q.members) > 0:
		return &Fault{0, fmt.Sprintf("the queue %q cannot be deleted while calls wait in it: %d", q.name, len(q.members))}
	}
	x.queues = slices.DeleteFunc(x.queues, func(other *queue) bool { return other == q })
	return nil
}

// Members returns the calls that wait in a queue, the first one in front.
func (x *Exchange) Members(queueSID string) ([]Member, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	q, fault := x.findQueue(queueSID)
	if fault != nil {
		return nil, fault
	}
	var members []Member
	for i := range q.members {
		members = append(members, q.member(i))
	}
	return members, nil
}

func (q *queue) member(i int) Member {
	m := q.members[i]
	return Member{q.sid, m.call.sid, i + 1, m.since}
}

// Front stands for the SID of the call that waits in front.
const Front = "Front"

// Member returns the place of a call in a queue, by its SID or as Front.
func (x *Exchange) Member(queueSID, callSID string) (Member, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	q, i, fault := x.findMember(queueSID, callSID)
	if fault != nil {
		return Member{}, fault
	}
	return q.member(i), nil
}

func (x *Exchange) findMember(queueSID, callSID string) (*queue, int, *Fault) {
	q, fault := x.findQueue(queueSID)
	if fault != nil {
		return nil, 0, fault
	}
	i := slices.IndexFunc(q.members, func(m *member) bool { return callSID == Front || m.call.sid == callSID })
	if i < 0 {
		return nil, 0, notFound("Queues/"+queueSID+"/Members", callSID)
	}
	return q, i, nil
}

// Dequeue takes a call from a queue, and gives it another document. It returns the place
// that the call had.
func (x *Exchange) Dequeue(queueSID, callSID string, d *Document) (Member, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	q, i, fault := x.findMember(queueSID, callSID)
	if fault != nil {
		return Member{}, fault
	}
	m, place := q.members[i], q.member(i)
	if fault := m.call.redirect(d); fault != nil {
		return Member{}, fault
	}
	m.taken = true
	q.remove(m)
	return place, nil
}
