package capabilitytest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	apiVersion    = "2010-04-01"
	maxDocuments  = 20       // of one call, or it goes round in circles
	maxTwiMLBytes = 64 << 10 // Twilio error 11750
)

// A program is what a call does next: the verbs of a document, and its URL, to
// which the URLs in it are relative.
type program struct {
	verbs []element
	url   *url.URL
}

// run does with a call what the voice URL says, and ends it.
func (s *Server) run(c *call) {
	reason := s.follow(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	c.end(nil, reason)
}

// follow returns why the call ends, or nil.
func (s *Server) follow(c *call) *fault {
	if s.voiceURL == nil {
		return s.dialTo(c)
	}
	p, reason := s.fetch(c, http.MethodPost, s.voiceURL, url.Values{"CallStatus": {"ringing"}})
	for documents := 1; p != nil; documents++ {
		if documents > maxDocuments {
			return &fault{11215, fmt.Sprintf("the call went through more than %d documents", maxDocuments)}
		}
		p, reason = s.execute(c, p)
	}
	return reason
}

// dialTo dials the client that the parameter To names.
func (s *Server) dialTo(c *call) *fault {
	params := maps.Clone(c.params)
	to := clientName(params.Get("To"))
	params.Del("To")
	return c.dial([]client{{to, params}}, "", s.timing.ring).reason
}

// execute does what a document says, and returns the document to go on with, or
// nil at the end.
func (s *Server) execute(c *call, p *program) (*program, *fault) {
	var last *fault
	for _, verb := range p.verbs {
		if c.ctx.Err() != nil { // the caller has hung up
			return nil, nil
		}
		switch verb.XMLName.Local {
		case "Dial":
			result, reason := verb.dial(c)
			if reason != nil {
				return nil, reason
			}
			if action := verb.attr("action"); action != "" && c.ctx.Err() == nil {
				return s.fetchNext(c, p, verb, action, c.dialForm(result))
			}
			last = result.reason
		case "Redirect":
			return s.fetchNext(c, p, verb, verb.text(), url.Values{"CallStatus": {c.callStatus()}})
		case "Hangup":
			return nil, nil
		case "Reject":
			if verb.attr("reason") == "busy" {
				return nil, faultBusy
			}
			return nil, faultDeclined
		default:
			return nil, unsupported(fmt.Sprintf("<%s>", verb.XMLName.Local))
		}
	}
	return nil, last
}

// dial does what a Dial says.
func (e element) dial(c *call) (outcome, *fault) {
	clients, reason := e.clients()
	if reason != nil {
		return outcome{}, reason
	}
	timeout, reason := e.timeout(c.server.timing.ring)
	if reason != nil {
		return outcome{}, reason
	}
	return c.dial(clients, e.attr("callerId"), timeout), nil
}

// dial rings the clients, and waits until the ringing has timed out, or the call
// that was answered is over.
func (c *call) dial(clients []client, callerID string, timeout time.Duration) outcome {
	dialled, result := c.ring(clients, callerID)
	if result != nil {
		return *result
	}
	unanswered := time.AfterFunc(timeout, func() { c.giveUp(dialled) })
	defer unanswered.Stop()
	select {
	case result := <-dialled:
		return result
	case <-c.ctx.Done():
		return outcome{status: "canceled"}
	}
}

// dialForm returns what the action of a Dial is told.
func (c *call) dialForm(result outcome) url.Values {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	form := url.Values{"CallStatus": {"in-progress"}, "DialCallStatus": {result.status}}
	if result.sid != "" {
		form.Set("DialCallSid", result.sid)
		form.Set("DialCallDuration", strconv.Itoa(int(time.Since(c.connected).Seconds())))
	}
	return form
}

func (c *call) callStatus() string {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.status
}

// fetchNext fetches the document that a verb names.
func (s *Server) fetchNext(c *call, p *program, verb element, ref string, form url.Values) (*program, *fault) {
	u, err := p.url.Parse(ref)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &fault{11100, fmt.Sprintf("the URL in <%s> is not valid", verb.XMLName.Local)}
	}
	method := strings.ToUpper(cmp.Or(verb.attr("method"), http.MethodPost))
	if method != http.MethodGet && method != http.MethodPost {
		return nil, &fault{12200, fmt.Sprintf("<%s> has the method %q: it must be GET or POST", verb.XMLName.Local, method)}
	}
	return s.fetch(c, method, u, form)
}

// fetch asks a webhook what to do next, as Twilio does.
func (s *Server) fetch(c *call, method string, u *url.URL, more url.Values) (*program, *fault) {
	body, reason := s.request(c.ctx, method, u, c.form(more))
	if c.ctx.Err() != nil { // the caller has hung up
		return nil, nil
	}
	where := fmt.Sprintf("%s %s", method, u.Redacted())
	if reason != nil {
		s.event("%s for the call of %s: %d: %s", where, c.from, reason.Code, reason.Message)
		return nil, reason
	}
	s.event("%s for the call of %s: %s", where, c.from, bytes.TrimSpace(body[:min(len(body), 1000)]))
	verbs, reason := parseTwiML(body)
	if reason != nil {
		return nil, reason
	}
	return &program{verbs, u}, nil
}

// form returns what a webhook is told of a call. The caller's parameters cannot
// take the place of what Twilio says.
func (c *call) form(more url.Values) url.Values {
	form := maps.Clone(c.params)
	if form == nil {
		form = url.Values{}
	}
	to := form.Get("To")
	for name, value := range map[string]string{
		"AccountSid":     c.server.credentials.accountSID,
		"ApiVersion":     apiVersion,
		"ApplicationSid": c.applicationSID,
		"CallSid":        c.caller.sid,
		"Direction":      "inbound",
		"From":           c.from,
		"Caller":         c.from,
		"To":             to,
		"Called":         to,
	} {
		form.Set(name, value)
	}
	maps.Copy(form, more)
	return form
}

// request returns the body of a webhook's answer.
func (s *Server) request(ctx context.Context, method string, u *url.URL, form url.Values) ([]byte, *fault) {
	ctx, cancel := context.WithTimeout(ctx, s.timing.webhook)
	defer cancel()
	target, signed, body := *u, form, io.Reader(strings.NewReader(form.Encode()))
	// The backend checks the signature of the URL as it arrives.
	target.Path, target.Fragment = cmp.Or(target.Path, "/"), ""
	if method == http.MethodGet {
		query := target.Query()
		maps.Copy(query, form)
		target.RawQuery = query.Encode()
		signed, body = nil, nil
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, &fault{11100, "the URL is not valid"}
	}
	request.Header.Set("User-Agent", "capabilitytest")
	request.Header.Set("X-Twilio-Signature", sign(s.credentials.authToken, target.String(), signed))
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	}
	response, err := webhooks.Do(request)
	if err == nil {
		defer response.Body.Close()
		body, readErr := io.ReadAll(io.LimitReader(response.Body, maxTwiMLBytes+1))
		if err = readErr; err == nil {
			return body, checkResponse(response, body)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &fault{11200, fmt.Sprintf("no answer within %v", s.timing.webhook)}
	}
	return nil, &fault{11200, fmt.Sprintf("no answer: %v", err)}
}

// webhooks follows no redirects, since the page that they lead to would get a
// signature for another URL.
var webhooks = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true}, // else Close would leave goroutines
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// checkResponse reports what Twilio would not take as TwiML.
func checkResponse(response *http.Response, body []byte) *fault {
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return &fault{11200, fmt.Sprintf("the answer is %s", response.Status)}
	}
	if len(body) > maxTwiMLBytes {
		return &fault{11750, fmt.Sprintf("the answer is longer than %d bytes", maxTwiMLBytes)}
	}
	contentType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case err != nil:
	case contentType == "text/xml", contentType == "application/xml", contentType == "text/html":
		return nil
	}
	return &fault{12300, fmt.Sprintf("the answer has the Content-Type %q: it must be text/xml", response.Header.Get("Content-Type"))}
}

// sign returns the X-Twilio-Signature of a request to rawURL with a form, which
// is nil for a GET request:
// https://www.twilio.com/docs/usage/webhooks/webhooks-security
func sign(authToken, rawURL string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(authToken))
	io.WriteString(mac, rawURL)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		// Twilio's libraries sort the values of one name, and drop equal ones.
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			io.WriteString(mac, name+value)
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
