package twiml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// attributes reads the attributes of an element, each at most once, and knows which
// it has been asked for.
type attributes struct {
	p     *parser
	e     *element
	known []string
}

func (p *parser) attributes(e *element) *attributes { return &attributes{p: p, e: e} }

// get returns the value of an attribute, and whether the document has it.
func (a *attributes) get(name string) (string, bool) {
	a.known = append(a.known, name)
	for _, attr := range a.e.attrs {
		if attr.Name.Local == name {
			return attr.Value, true
		}
	}
	return "", false
}

// quote returns the element with an attribute, as in the document.
func (a *attributes) quote(name string) string {
	for _, attr := range a.e.attrs {
		if attr.Name.Local == name {
			return fmt.Sprintf("<%s %s=%s>", clip(a.e.name), clip(name), quote(attr.Value))
		}
	}
	return a.e.String()
}

func (a *attributes) text(name, fallback string) string {
	if value, ok := a.get(name); ok {
		return strings.TrimSpace(value)
	}
	return fallback
}

// oneOf returns an attribute that has one of some values.
func (a *attributes) oneOf(name string, code int, fallback string, values ...string) string {
	value := a.text(name, fallback)
	if value == fallback || slices.Contains(values, value) {
		return value
	}
	a.p.report(a.e, code, "%s: use %s; it is taken as %s", a.quote(name), strings.Join(values, ", "), orNone(fallback))
	return fallback
}

func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

func (a *attributes) boolean(name string, code int, fallback bool) bool {
	return a.oneOf(name, code, strconv.FormatBool(fallback), "true", "false") == "true"
}

// number returns an attribute that is a whole number. Too small or too large a one
// is taken as the least or the most; whatever is no number, or less than floor, as
// the default.
func (a *attributes) number(name string, code, fallback, floor, least, most int) int {
	value, ok := a.get(name)
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(strings.TrimSpace(value))
	switch {
	case err != nil || n < floor:
		n = fallback
	case n < least:
		n = least
	case n > most:
		n = most
	default:
		return n
	}
	a.p.report(a.e, code, "%s: use a whole number%s; it is taken as %d", a.quote(name), span(least, most), n)
	return n
}

// unlimited is the most of a number without a limit.
const unlimited = 1<<31 - 1

func span(least, most int) string {
	if most == unlimited {
		return fmt.Sprintf(", %d or more", least)
	}
	return fmt.Sprintf(" from %d to %d", least, most)
}

// seconds returns an attribute that is a whole number of seconds.
func (a *attributes) seconds(name string, code, fallback, floor, least, most int) time.Duration {
	return time.Duration(a.number(name, code, fallback, floor, least, most)) * time.Second
}

// loop returns how often something is played.
func (a *attributes) loop(code int) int {
	n := a.number("loop", code, 1, 0, 0, MaxLoop)
	if n == 0 {
		return MaxLoop
	}
	return n
}

// request returns what a URL and its method ask for.
func (a *attributes) request(url, method string, code int) Request {
	return Request{URL: a.text(url, ""), Method: a.method(method, code, "POST")}
}

func (a *attributes) method(name string, code int, fallback string) string {
	value := a.text(name, fallback)
	if upper := strings.ToUpper(value); upper != value && (upper == "GET" || upper == "POST") {
		a.p.report(a.e, code, "%s: write %s", a.quote(name), upper)
		return upper
	}
	return a.oneOf(name, code, fallback, "GET", "POST")
}

// wait returns what a caller hears who waits: nil if the document leaves it to
// Twilio.
func (a *attributes) wait(method string, code int) *Request {
	request := a.request("waitUrl", method, code)
	if _, ok := a.get("waitUrl"); !ok {
		return nil
	}
	return &request
}

var (
	callEvents       = []string{"initiated", "ringing", "answered", "completed"}
	recordingEvents  = []string{"in-progress", "completed", "absent"}
	conferenceEvents = []string{"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"}
)

// statusCallback returns the status callback whose attributes start with a name.
// Twilio reports nothing at all if an event is not valid.
func (a *attributes) statusCallback(name string, code int, fallback string, events []string) StatusCallback {
	c := StatusCallback{Request: a.request(name, name+"Method", 12200)}
	c.Events = strings.Fields(a.text(name+"Event", fallback))
	for _, event := range c.Events {
		if !slices.Contains(events, event) {
			a.p.report(a.e, code, "%s: use %s, with blanks between them; nothing is reported", a.quote(name+"Event"), strings.Join(events, ", "))
			c.Events = nil
			break
		}
	}
	if c.URL == "" {
		c.Events = nil
	}
	return c
}

// keys returns an attribute that lists keys of a telephone.
func (a *attributes) keys(name, fallback, allowed string, code int) string {
	value := a.text(name, fallback)
	if strings.Trim(value, allowed) == "" {
		return value
	}
	a.p.report(a.e, code, "%s: use characters of %s; it is taken as %s", a.quote(name), allowed, orNone(fallback))
	return fallback
}

// Keys are all that a telephone can have.
const Keys = phoneKeys + "ABCD"

const (
	phoneKeys = "0123456789*#"
	dtmf      = Keys + "wW" // w is half a second of silence, W one second
)

// KeysAndPauses reports whether digits are what a page, or a document, may dial.
func KeysAndPauses(digits string) bool { return strings.Trim(digits, dtmf) == "" }

// ignored names the attributes that the stand-in does nothing about, each with its
// default, which asks for nothing.
func (a *attributes) ignored(namesAndDefaults ...string) {
	for i := 0; i < len(namesAndDefaults); i += 2 {
		name, fallback := namesAndDefaults[i], namesAndDefaults[i+1]
		if a.text(name, fallback) != fallback {
			a.p.report(a.e, Unsupported, "%s: the stand-in ignores %s", a.quote(name), name)
		}
	}
}

// unsupported names the attributes that the stand-in cannot do without.
func (a *attributes) unsupported(names ...string) {
	for _, name := range names {
		if _, ok := a.get(name); ok {
			a.p.refuse(a.e, Unsupported, "%s: the stand-in does not support %s", a.quote(name), name)
		}
	}
}

// done reports the attributes that the element does not have, but for those that
// belong to XML itself.
func (a *attributes) done() {
	for _, attr := range a.e.attrs {
		name := attr.Name.Local
		prefix, _, _ := strings.Cut(name, ":")
		if slices.Contains(a.known, name) || prefix == "xmlns" || prefix == "xml" || prefix == "xsi" {
			continue
		}
		a.p.report(a.e, 12200, "%s has no attribute %s%s", a.e, clip(name), caseHint(name, a.known...))
	}
}
