package exchange

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A subscription is where the messages of the page of a call are reported to.
type subscription struct {
	sid    string
	target webhook.Target
	sent   int
}

// Subscribe has each message of the page of a call reported to a URL, as the REST resource
// UserDefinedMessageSubscriptions does, and returns the SID of the subscription.
func (x *Exchange) Subscribe(callSID string, to webhook.Target) (sid string, fault *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c, fault := x.find(callSID)
	switch {
	case fault != nil:
		return "", fault
	case c.over():
		return "", &Fault{21220, fmt.Sprintf("the call %s is over", callSID)}
	}
	s := &subscription{sid: "ZY" + random(), target: to}
	c.subscriptions = append(c.subscriptions, s)
	return s.sid, nil
}

// Unsubscribe ends a subscription.
func (x *Exchange) Unsubscribe(callSID, sid string) *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	c, fault := x.find(callSID)
	if fault != nil {
		return fault
	}
	i := slices.IndexFunc(c.subscriptions, func(s *subscription) bool { return s.sid == sid })
	if i < 0 {
		return notFound("UserDefinedMessageSubscriptions", sid)
	}
	c.subscriptions = slices.Delete(c.subscriptions, i, i+1)
	return nil
}

// reportMessage reports a message of the page. x.mu is held.
func (c *call) reportMessage(e VoiceEvent) {
	for _, s := range c.subscriptions {
		s.sent++
		c.hooks.Notify(s.target, url.Values{
			"AccountSid":     {c.x.config.AccountSID},
			"CallSid":        {c.sid},
			"Sid":            {e.SID},
			"ContentType":    {cmp.Or(e.ContentType, "application/json")},
			"Content":        {string(e.Content)},
			"SequenceNumber": {strconv.Itoa(s.sent)},
		})
	}
}
