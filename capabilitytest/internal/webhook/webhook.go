// Package webhook makes the requests that Twilio makes of a backend: those that
// fetch what a call does next, and those that only report (status callbacks). It
// knows no call and no TwiML.
//
//	https://www.twilio.com/docs/voice/twiml#twilios-request-to-your-application
//	https://www.twilio.com/docs/usage/webhooks/webhooks-security
package webhook

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// An Error is why a request failed, for whoever runs the backend. Code is
// Twilio's.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// A Target is what is requested, and how.
type Target struct {
	Method string // GET or POST
	URL    *url.URL
}

// Resolve returns the target of a URL that a document at base has. An invalid URL is 11100.
func Resolve(base *url.URL, ref, method string) (Target, *Error) { return Target{}, nil }

// A Client makes the requests of one account.
type Client struct {
	AuthToken string         // signs
	Timeout   time.Duration  // of a request with all retries; Twilio's is 15 s, which 0 means
	Log       func(Exchange) // if not nil, is told of every exchange. It may be called concurrently
}

// An Exchange is a request and its answer, for a log or a console. It holds no
// secret.
type Exchange struct {
	Method, URL string     // URL without password
	Form        url.Values // what was sent
	Signed      string     // the text that the signature is made of
	Signature   string
	Callback    bool // a status callback
	Start       time.Time
	Duration    time.Duration

	Status  int // 0 if there was no answer
	Header  http.Header
	Body    []byte // of the answer, at most MaxBody and a byte
	Problem *Error // nil if the answer is what it should be
}

// A Session is the requests of one call: they share cookies, and its status
// callbacks arrive in order.
type Session struct{}

// NewSession returns a new session. It has to be closed.
func (c *Client) NewSession() *Session { return nil }

// A Document is what a backend answered.
type Document struct {
	Body        []byte
	ContentType string   // the media type without parameters: TwiML, text/plain or audio
	URL         *url.URL // after redirects: what URLs in the document are relative to
}

// Fetch requests a document.
func (s *Session) Fetch(ctx context.Context, t Target, form url.Values) (Document, *Error) {
	return Document{}, nil
}

// Fallback returns the form for a fallback URL: that of the request that failed,
// and why.
func Fallback(form url.Values, failed *url.URL, code int) url.Values { return nil }

// Notify sends a status callback, after those that the session was given before. It
// returns at once; failures are only logged (15003).
func (s *Session) Notify(t Target, form url.Values) {}

// Close waits until all status callbacks have been sent, or ctx is done, when
// those that remain are dropped. After Close, Notify does nothing.
func (s *Session) Close(ctx context.Context) {}
