package rest

import (
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// queue is a queue in an answer.
type queue struct {
	SID             string `json:"sid"`
	AccountSID      string `json:"account_sid"`
	FriendlyName    string `json:"friendly_name"`
	CurrentSize     int    `json:"current_size"`
	MaxSize         int    `json:"max_size"`
	AverageWaitTime int    `json:"average_wait_time"` // seconds
	DateCreated     string `json:"date_created"`
	DateUpdated     string `json:"date_updated"`
	URI             string `json:"uri"`
}

func (a *API) queue(q exchange.Queue) any {
	return queue{
		SID: q.SID, AccountSID: a.AccountSID, FriendlyName: q.Name, CurrentSize: q.Size, MaxSize: q.MaxSize,
		AverageWaitTime: int(q.AverageWait.Seconds()), DateCreated: rfc2822(q.Created), DateUpdated: rfc2822(q.Updated),
		URI: a.uri("Queues", q.SID),
	}
}

func queueSID(q exchange.Queue) string { return q.SID }

func listQueues(q *request) (int, any, *exchange.Fault) {
	return page(q, "queues", q.Exchange.Queues(), queueSID, q.queue)
}

func fetchQueue(q *request) (int, any, *exchange.Fault) {
	found, fault := q.Exchange.Queue(q.ids[0])
	return http.StatusOK, q.queue(found), fault
}

func createQueue(q *request) (int, any, *exchange.Fault) {
	name, size := q.queueParams()
	if name == "" {
		q.fail(20002, "FriendlyName is required")
	}
	if q.fault != nil {
		return 0, nil, q.fault
	}
	made, fault := q.Exchange.NewQueue(name, size)
	return http.StatusCreated, q.queue(made), fault
}

func updateQueue(q *request) (int, any, *exchange.Fault) {
	name, size := q.queueParams()
	if q.fault != nil {
		return 0, nil, q.fault
	}
	updated, fault := q.Exchange.UpdateQueue(q.ids[0], name, size)
	return http.StatusOK, q.queue(updated), fault
}

func (q *request) queueParams() (name string, size int) {
	return q.friendlyName(), q.integer("MaxSize", 0, 0, 1, exchange.MaxQueueSize)
}

func (p *params) friendlyName() string {
	name := p.text("FriendlyName")
	if utf8.RuneCountInString(name) > 64 {
		p.fail(20002, "FriendlyName is longer than 64 characters")
	}
	return name
}

func deleteQueue(q *request) (int, any, *exchange.Fault) {
	return http.StatusNoContent, nil, q.Exchange.DeleteQueue(q.ids[0])
}

// member is a call that waits in a queue, in an answer.
type member struct {
	CallSID      string `json:"call_sid"`
	QueueSID     string `json:"queue_sid"`
	DateEnqueued string `json:"date_enqueued"`
	Position     int    `json:"position"`
	WaitTime     int    `json:"wait_time"` // seconds
	URI          string `json:"uri"`
}

func (a *API) member(m exchange.Member) any {
	return member{
		CallSID: m.CallSID, QueueSID: m.QueueSID, DateEnqueued: rfc2822(m.Since), Position: m.Position,
		WaitTime: int(time.Since(m.Since).Seconds()), URI: a.uri("Queues", m.QueueSID, "Members", m.CallSID),
	}
}

func listMembers(q *request) (int, any, *exchange.Fault) {
	members, fault := q.Exchange.Members(q.ids[0])
	if fault != nil {
		return 0, nil, fault
	}
	return page(q, "queue_members", members, func(m exchange.Member) string { return m.CallSID }, q.member)
}

func fetchMember(q *request) (int, any, *exchange.Fault) {
	m, fault := q.Exchange.Member(q.ids[0], q.ids[1])
	return http.StatusOK, q.member(m), fault
}

func updateMember(q *request) (int, any, *exchange.Fault) {
	d := &exchange.Document{Target: q.target("Url", "Method", 21205, 21209, http.MethodPost)}
	if d.Target.URL == nil {
		q.fail(21205, "Url is required")
	}
	if q.fault != nil {
		return 0, nil, q.fault
	}
	m, fault := q.Exchange.Dequeue(q.ids[0], q.ids[1], d)
	return http.StatusOK, q.member(m), fault
}
