package exchange

import (
	"fmt"
	"net/http"
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
		form.Set("CallDuration", seconds(c.duration()))
		form.Set("Duration", strconv.Itoa(int((c.duration()+time.Minute-1)/time.Minute)))
	}
	session.Progress(to.target, form)
}

// reportEnd reports the end of a first leg to the application.
func (c *call) reportEnd() {
	if to := c.x.config.StatusCallback; to != nil {
		c.report(c.hooks, &callback{webhook.Target{Method: http.MethodPost, URL: to}, []string{"completed"}}, "completed", c.status)
	}
}
