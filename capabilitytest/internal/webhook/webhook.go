// Package webhook makes the requests that Twilio makes of a backend: those that
// fetch what a call does next, and those that only report (status callbacks). It
// knows no call and no TwiML. What it does is documented here:
//
//	https://www.twilio.com/docs/voice/twiml#twilio-is-a-well-behaved-http-client
//	https://www.twilio.com/docs/usage/webhooks/webhooks-security
//	https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
//
// Unlike Twilio, it does not cache.
package webhook

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Error is why a request failed, for whoever runs the backend: it names the
// URL, without its password. Code is Twilio's.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// A Client makes the requests of one account.
type Client struct {
	AuthToken string         // signs
	Timeout   time.Duration  // of a request with its redirects and retries; 0 is Twilio's 15 s
	Begin     func(Exchange) // if not nil, is told of each exchange that begins, without an answer. It may be called concurrently
	Log       func(Exchange) // if not nil, is told of each exchange that is over. It may be called concurrently
}

// An Exchange is one HTTP request and its answer, for a log or a console. A
// redirect, a retry and a password each make one of their own. It does not hold
// the auth token, nor the password of the URL.
type Exchange struct {
	Method, URL string     // as requested, with the parameters of a GET request
	Form        url.Values // what the backend is told
	Signed      string     // the text that Signature is made of
	Signature   string
	Callback    bool   // a status callback
	ID          string // tells it from others
	Owner       string // that of its session
	Again       bool   // it repeats another one
	Pending     bool   // there is no answer yet
	Start       time.Time
	Duration    time.Duration

	Status      int // 0 if there is no answer
	ContentType string
	Body        []byte // at most MaxDocument bytes
	Problem     *Error // nil if the answer is what it should be

	repeat func(context.Context)
}

// String says what was requested.
func (e Exchange) String() string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return e.Method
	}
	return Target{e.Method, u}.String()
}

// Text returns the body, for people.
func (e Exchange) Text() string {
	if slices.Contains(audioTypes, e.ContentType) {
		return "(not text)"
	}
	return strings.ToValidUTF8(string(e.Body), "\uFFFD")
}

// Repeat makes the request again, signed anew. Its answer has no effect: it is only logged.
// It does nothing if the request was never made.
func (e Exchange) Repeat(ctx context.Context) {
	if e.repeat != nil {
		e.repeat(ctx)
	}
}

// MaxDocument is how long a TwiML document may be, in bytes (11750).
const MaxDocument = 64 << 10

// maxAudio is how long an audio file may be that a backend answers. Twilio
// documents no limit in bytes.
const maxAudio = 32 << 20

// A Target is what is requested, and how.
type Target struct {
	Method string // GET or POST
	URL    *url.URL
}

func (t Target) String() string { return clip(t.Method + " " + Shown(t.URL)) }

// Shown returns what errors and the log show of a URL: it has no password, and no query, which
// may hold a secret, or all that a GET request says.
func Shown(u *url.URL) string {
	shown := *u
	shown.RawQuery, shown.Fragment, shown.RawFragment = "", "", ""
	return shown.Redacted()
}

// Resolve returns the target of a URL in a document that base is the URL of. A base
// of nil is for documents without a URL, in which all have to be absolute.
func Resolve(base *url.URL, ref, method string) (Target, *Error) {
	u, err := url.Parse(ref)
	switch {
	case err != nil: // which quotes the URL with its password
		return Target{}, &Error{11100, "a URL in the document is not valid: it cannot be parsed"}
	case base != nil:
		u = base.ResolveReference(u)
	}
	shown := quote(Shown(u))
	switch {
	case base == nil && !u.IsAbs():
		return Target{}, &Error{11100, fmt.Sprintf("the URL %s is not valid: it has to be absolute", shown)}
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return Target{}, &Error{11100, fmt.Sprintf("the URL %s is not valid: it has to start with http:// or https:// and a host", shown)}
	case strings.ContainsFunc(u.RawQuery, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Target{}, &Error{11100, fmt.Sprintf("the URL %s is not valid: percent-encode spaces, and what is not ASCII, in its query", shown)}
	}
	return Target{method, u}, nil
}

// A Document is what a backend answered.
type Document struct {
	Body        []byte
	ContentType string   // the media type, without parameters
	URL         *url.URL // after redirects: what URLs in the document are relative to
	ID          string   // of the last exchange
}

// Kind is what Twilio does with a document.
type Kind int

const (
	TwiML Kind = iota // executed
	Text              // executed if it is TwiML, and else spoken
	Audio             // played
)

// Kind returns what Twilio does with the document.
func (d Document) Kind() Kind {
	switch {
	case slices.Contains(audioTypes, d.ContentType):
		return Audio
	case d.ContentType == "text/plain":
		return Text
	}
	return TwiML
}

// Media types that Twilio understands: https://www.twilio.com/docs/voice/twiml#twilio-understands-mime-types
// and https://www.twilio.com/docs/voice/twiml/play#supported-audio-file-types
var (
	documentTypes = []string{"text/xml", "application/xml", "text/html", "text/plain"}
	audioTypes    = []string{"audio/mpeg", "audio/wav", "audio/wave", "audio/x-wav", "audio/aiff", "audio/x-aifc", "audio/x-aiff",
		"audio/x-gsm", "audio/gsm", "audio/ulaw"}
)

// Fetch requests a document.
func (s *Session) Fetch(ctx context.Context, t Target, form url.Values) (Document, *Error) {
	a, problem := s.request(ctx, t, form, toDocument)
	if problem != nil {
		return Document{}, problem
	}
	return Document{a.body, a.contentType, a.url, a.id}, nil
}

// FetchAudio requests the audio file of a <Play>, to which Twilio sends no parameters:
// https://www.twilio.com/docs/voice/twiml/play. Anything else is 13420.
func (s *Session) FetchAudio(ctx context.Context, u *url.URL) (Document, *Error) {
	a, problem := s.request(ctx, Target{http.MethodGet, u}, nil, toAudio)
	if problem != nil {
		return Document{}, problem
	}
	return Document{a.body, a.contentType, a.url, a.id}, nil
}

// Fallback returns the form for a fallback URL: that of the request that failed,
// or whose document could not be executed, and why.
func Fallback(form url.Values, failed *url.URL, code int) url.Values {
	shown := *failed
	shown.User = nil
	with := url.Values{}
	maps.Copy(with, form)
	with.Set("ErrorCode", strconv.Itoa(code))
	with.Set("ErrorUrl", shown.String())
	return with
}
