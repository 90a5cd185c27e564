package exchange

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A callback is where events are reported to, nil for nowhere.
type callback struct {
	target webhook.Target
	events []string
}

// newCallback returns nil if the document names no URL, or none that can be requested.
func (c *call) newCallback(to twiml.StatusCallback, base *url.URL) *callback {
	if to.URL == "" {
		return nil
	}
	target, err := webhook.Resolve(base, to.URL, to.Method)
	if err != nil {
		c.x.event(Event{Kind: VerbEvent, Call: c.top().sid, Fault: (*Fault)(err),
			Text: fmt.Sprintf("a status callback is left out: %d: %s", err.Code, err.Message)})
		return nil
	}
	return &callback{target, to.Events}
}

// wants reports whether an event is one of those asked for.
func (b *callback) wants(event string) bool { return b != nil && slices.Contains(b.events, event) }

// report reports the progress of a leg. x.mu is held.
func (c *call) report(session *webhook.Session, to *callback, event, status string) {
	if !to.wants(event) {
		return
	}
	form := c.form()
	form.Set("CallStatus", status)
	if event == "completed" {
		c.recorded().describe(form)
		if response := sipResponses[c.code]; response != "" && c.direction == outboundAPI {
			form.Set("SipResponseCode", response)
		}
		form.Set("CallDuration", seconds(c.duration()))
		form.Set("Duration", strconv.Itoa(int((c.duration()+time.Minute-1)/time.Minute)))
	}
	session.Progress(to.target, form)
}

// reportEnd reports the end of a call that runs documents.
func (c *call) reportEnd() { c.report(c.hooks, c.progress, "completed", c.status) }

// sipResponses are what Twilio documents to report of a call over REST that nobody answered:
// https://www.twilio.com/docs/voice/api/call-resource#statuscallback
var sipResponses = map[int]string{31404: "404", 31480: "487"}
