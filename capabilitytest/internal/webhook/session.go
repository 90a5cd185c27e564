package webhook

import (
	"context"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Session is the requests of one call, in Twilio's sense: each leg is one. They
// share cookies and a login, and status callbacks arrive in order.
type Session struct {
	Owner string // whose requests they are, for the log

	client *Client
	jar    http.CookieJar
	ctx    context.Context // of status callbacks
	cancel context.CancelFunc
	sender sync.WaitGroup

	mu       sync.Mutex
	loggedIn map[string]bool // by host
	events   int             // that Progress has counted
	pending  []callback
	dropped  int
	sending  bool
	closed   bool
}

type callback struct {
	target Target
	form   url.Values
}

// maxPending is how many status callbacks of a session wait for a backend that does
// not answer. A call has a few.
const maxPending = 1000

// NewSession returns a new session. Its Close has to be called.
func (c *Client) NewSession() *Session {
	jar, _ := cookiejar.New(nil) // never fails
	s := &Session{client: c, jar: jar, loggedIn: map[string]bool{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Progress sends a call progress event, as Notify does, with Timestamp,
// CallbackSource and SequenceNumber, which counts those of the session from 0.
func (s *Session) Progress(t Target, form url.Values) {
	with := url.Values{}
	maps.Copy(with, form)
	with.Set("Timestamp", time.Now().UTC().Format(time.RFC1123Z))
	with.Set("CallbackSource", "call-progress-events")
	s.mu.Lock()
	defer s.mu.Unlock()
	with.Set("SequenceNumber", strconv.Itoa(s.events))
	s.events++
	s.enqueue(callback{t, with})
}

// Notify sends a status callback, after those that the session was given before. It
// returns at once, and calls nobody; a failure is only logged (15003). The form
// must not be changed afterwards.
func (s *Session) Notify(t Target, form url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(callback{t, form})
}

func (s *Session) enqueue(c callback) {
	switch {
	case s.closed:
		return
	case len(s.pending) == maxPending:
		s.dropped++
		return
	}
	s.pending = append(s.pending, c)
	if !s.sending {
		s.sending = true
		s.sender.Go(s.send)
	}
}

// send sends status callbacks until there are none.
func (s *Session) send() {
	for {
		next, dropped, ok := s.next()
		if !ok {
			return
		}
		if dropped > 0 {
			s.log(Exchange{Callback: true, Method: next.target.Method, URL: next.target.URL.Redacted(), Start: time.Now(), Problem: &Error{
				15002, next.target.String() + ": " + strconv.Itoa(dropped) + " status callbacks were dropped, since earlier ones are not answered"}})
		}
		s.sendOne(next)
	}
}

func (s *Session) sendOne(c callback) {
	if strings.Contains(c.target.URL.Hostname(), "_") {
		s.log(Exchange{Callback: true, Method: c.target.Method, URL: c.target.URL.Redacted(), Form: c.form, Start: time.Now(), Problem: &Error{
			11100, c.target.String() + ": the host of a status callback must not have an underscore"}})
		return
	}
	s.request(s.ctx, c.target, c.form, toReport)
}

// next returns the status callback to be sent, and how many were dropped.
func (s *Session) next() (next callback, dropped int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 || s.ctx.Err() != nil {
		s.sending = false
		return callback{}, 0, false
	}
	next, s.pending = s.pending[0], s.pending[1:]
	dropped, s.dropped = s.dropped, 0
	return next, dropped, true
}

// Close waits until all status callbacks have been sent, or ctx is done, when it
// drops those that remain. Afterwards Notify does nothing, and no goroutine is
// left.
func (s *Session) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	s.sender.Wait()
	s.cancel()
}

func (s *Session) isLoggedIn(u *url.URL) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.User != nil && s.loggedIn[u.Host]
}

func (s *Session) logIn(u *url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loggedIn[u.Host] = true
}

func (s *Session) begin(e Exchange) {
	if s.client.Begin != nil {
		e.Owner, e.Pending = s.Owner, true
		s.client.Begin(e)
	}
}

func (s *Session) log(e Exchange) {
	e.Owner = s.Owner
	if s.client.Log != nil {
		s.client.Log(e)
	}
}
