package rest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// params are the parameters of a request. Those that are read are checked, and the first
// that is wrong is remembered; unknown ones are ignored, as by Twilio.
type params struct {
	report func(text string, fault *exchange.Fault) // tells the log
	values url.Values
	fault  *exchange.Fault
}

func (p *params) fail(code int, format string, args ...any) {
	if p.fault == nil {
		p.fault = &exchange.Fault{Code: code, Message: fmt.Sprintf(format, args...)}
	}
}

func (p *params) has(name string) bool { return p.values.Has(name) }

func (p *params) text(name string) string { return p.values.Get(name) }

// url returns an absolute URL, nil if there is none. It is not quoted: it may hold a password.
func (p *params) url(name string, code int) *url.URL {
	value := p.text(name)
	if value == "" {
		return nil
	}
	u := absolute(value)
	if u == nil {
		p.fail(code, "%s is not a valid URL: it needs http:// or https://, a host and a path", name)
	}
	return u
}

// method returns GET or POST.
func (p *params) method(name string, code int, otherwise string) string {
	return p.oneOf(name, code, otherwise, http.MethodGet, http.MethodPost)
}

// target returns a URL and its method. Its URL is nil if there is none.
func (p *params) target(urlName, methodName string, urlCode, methodCode int, method string) webhook.Target {
	return webhook.Target{URL: p.url(urlName, urlCode), Method: p.method(methodName, methodCode, method)}
}

func (p *params) oneOf(name string, code int, otherwise string, allowed ...string) string {
	value := cmp.Or(p.text(name), otherwise)
	if value != otherwise && !slices.Contains(allowed, value) {
		p.fail(code, "%s %q is not valid: it must be one of %s", name, clip(value), strings.Join(allowed, ", "))
	}
	return value
}

// boolean returns nil if it is not there. All but true, in any case, is false.
func (p *params) boolean(name string) *bool {
	if !p.has(name) {
		return nil
	}
	value := strings.EqualFold(p.text(name), "true")
	return &value
}

// is returns a boolean with a default.
func (p *params) is(name string, otherwise bool) bool {
	if value := p.boolean(name); value != nil {
		return *value
	}
	return otherwise
}

func (p *params) integer(name string, code, otherwise, least, most int) int {
	value := p.text(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		p.fail(code, "%s %q is not valid: it must be %d to %d", name, clip(value), least, most)
	}
	return n
}

func (p *params) seconds(name string, code, otherwise, least, most int) time.Duration {
	return time.Duration(p.integer(name, code, otherwise, least, most)) * time.Second
}

// The events of status callbacks.
var (
	callEvents       = []string{"initiated", "ringing", "answered", "completed"}
	recordingEvents  = []string{"in-progress", "completed", "absent"}
	conferenceEvents = []string{"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"}
)

// events returns the events of a status callback. Some are given in several parameters of one
// name, some in one with spaces. If one is not known, Twilio reports none at all, but does not
// refuse the request (21626).
func (p *params) events(name string, spaces bool, otherwise, known []string) []string {
	if !p.has(name) {
		return otherwise
	}
	events := p.values[name]
	if spaces {
		events = strings.Fields(strings.Join(events, " "))
	}
	for _, event := range events {
		if !slices.Contains(known, event) {
			p.report(fmt.Sprintf("warning 21626: %s %q: nothing is reported; known are %s", name, clip(event), strings.Join(known, ", ")),
				&exchange.Fault{Code: 21626, Message: "Invalid statusCallbackEvents"})
			return nil
		}
	}
	return events
}

// callback returns where the progress of a call is reported to, or nil.
func (p *params) callback(prefix string, code int, spaces bool, known []string) *exchange.Callback {
	target := p.target(prefix, prefix+"Method", code, 21209, http.MethodPost)
	if target.URL == nil {
		return nil
	}
	return &exchange.Callback{Target: target, Events: p.events(prefix+"Event", spaces, []string{"completed"}, known)}
}

// unsupported says in the log which of the parameters the stand-in leaves out.
func (p *params) unsupported(names ...string) {
	for _, name := range names {
		if p.has(name) {
			p.report(fmt.Sprintf("the stand-in does not support the parameter %s, and leaves it out", name), nil)
		}
	}
}

// period returns whether a time is within the filters NAME, NAME< and NAME>. A day is one in
// UTC; the code is that of the resource.
func (p *params) period(name string, code int) func(time.Time) bool {
	on, before, since := p.date(name, code), p.date(name+"<", code), p.date(name+">", code)
	return func(t time.Time) bool {
		t = t.UTC()
		switch {
		case on != nil && (t.Before(on.Truncate(day)) || !t.Before(on.Truncate(day).Add(day))),
			before != nil && !t.Before(*before),
			since != nil && t.Before(*since),
			t.IsZero() && (on != nil || before != nil || since != nil):
			return false
		}
		return true
	}
}

const day = 24 * time.Hour

// date returns a day, or a time, nil if there is none.
func (p *params) date(name string, code int) *time.Time {
	value := p.text(name)
	if value == "" {
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, value); err == nil {
			return &t
		}
	}
	p.fail(code, "%s %q is not valid: it must be a day in UTC, such as 2009-07-06", name, clip(value))
	return nil
}
