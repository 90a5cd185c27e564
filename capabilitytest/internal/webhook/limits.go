package webhook

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// limits are how long Twilio waits for a backend, and when it tries again. The
// fragment of a URL may change them:
// https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
type limits struct {
	connect, read, total time.Duration
	retries              int
	policy               []string // of failures: ct, rt, 4xx, 5xx, all
}

// timeout is how long Twilio waits for an answer.
const timeout = 15 * time.Second

// limits returns those of a request.
func (c *Client) limits(t Target) (limits, *Error) {
	l := limits{connect: 5 * time.Second, read: timeout, total: timeout, retries: 1, policy: []string{"ct"}}
	if c.Timeout > 0 {
		l.total = c.Timeout
	}
	overrides, _ := url.ParseQuery(t.URL.EscapedFragment())
	l.connect = milliseconds(overrides, "ct", 10_000, l.connect)
	l.read = milliseconds(overrides, "rt", 15_000, l.read)
	l.total = milliseconds(overrides, "tt", 15_000, l.total)
	if n, err := strconv.Atoi(overrides.Get("rc")); err == nil && 0 <= n && n <= 5 {
		l.retries = n
	}
	if policy := overrides.Get("rp"); policy != "" {
		l.policy = strings.Split(policy, ",")
	}
	for _, kind := range l.policy {
		if !slices.Contains([]string{"ct", "rt", "4xx", "5xx", "all"}, kind) {
			return limits{}, &Error{11243, t.String() + ": the retry policy in the URL's fragment (rp) is not valid: use ct, rt, 4xx, 5xx or all, separated by commas"}
		}
	}
	return l, nil
}

// milliseconds returns an override from 100 to most, or what there was.
func milliseconds(overrides url.Values, name string, most int, otherwise time.Duration) time.Duration {
	n, err := strconv.Atoi(overrides.Get(name))
	if err != nil || n < 100 || n > most {
		return otherwise
	}
	return time.Duration(n) * time.Millisecond
}

// retry reports whether Twilio tries again after a failure of a kind.
func (l limits) retry(kind string, attempt int) bool {
	return kind != "" && attempt < l.retries && (slices.Contains(l.policy, kind) || slices.Contains(l.policy, "all"))
}

// transport returns a transport that keeps no connection, whose goroutines would
// outlive the session.
func (l limits) transport() *http.Transport {
	return &http.Transport{
		DisableKeepAlives:     true,
		DialContext:           (&net.Dialer{Timeout: l.connect}).DialContext,
		ResponseHeaderTimeout: l.read,
	}
}
