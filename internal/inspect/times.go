package inspect

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
)

// readTimes moves the times from the claims to the report.
func (r *Report) readTimes(claims map[string]any) {
	if _, ok := claims["exp"]; !ok {
		r.missing(r.rules.expiry, "it has no exp, the time when it expires", "Mint it with a TTL.")
	}
	r.ExpiresAt = r.readTime(claims, "exp", r.rules.expiry, r.rules.tooLong)
	r.NotBefore = r.readTime(claims, "nbf", r.rules.notBefore, r.rules.notBefore)
	if issuedAt, ok := wholeSeconds(claims["iat"]); ok { // which nobody checks
		r.IssuedAt = issuedAt
		delete(claims, "iat")
	}
	switch {
	case r.ExpiresAt.IsZero():
	case !r.now.Before(r.ExpiresAt):
		r.problem(r.rules.expired, "it expired "+r.distance(r.ExpiresAt),
			"Mint a new one. A page should fetch its next token before the old one expires."+
				" If this one was new, the clock where it was minted is slow, or local time was used instead of UTC.")
	case r.ExpiresAt.After(r.now.Add(capability.MaxTTL + time.Second/2)): // as Twilio's C# library rounds up
		r.problem(r.rules.tooLong, "it expires "+r.distance(r.ExpiresAt)+", later than the 24h that are allowed",
			"Mint it with a TTL of 24h or less. If it was, the clock where it was minted is fast.")
	}
	if r.now.Before(r.NotBefore) {
		r.problem(r.rules.notBefore, "it is not valid yet: its nbf is "+r.distance(r.NotBefore),
			"If it was just minted, the clock there is fast, or local time was used instead of UTC.")
	}
	if !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(r.NotBefore) {
		r.problem(r.rules.expiry, "its exp is before its nbf, so it is never valid", "Mint it again, with nbf set to now or left out.")
	}
}

// readTime removes a time from the claims and returns it, or the zero time if
// there is none.
func (r *Report) readTime(claims map[string]any, name string, malformed, inMilliseconds int) time.Time {
	value, present := claims[name]
	delete(claims, name)
	t, ok := wholeSeconds(value)
	if ok || !present {
		return t
	}
	message := fmt.Sprintf("its %s is %s, not a whole number of seconds since 1970", name, quote(value))
	number, _ := value.(json.Number)
	if seconds, err := number.Float64(); err == nil && seconds >= milliseconds {
		r.problem(inMilliseconds, message, "It looks like milliseconds: divide by 1000.")
		return t
	}
	r.problem(malformed, message, "Write a number without quotes, sign or fraction.")
	return t
}

// milliseconds is what no claim in seconds reaches before the year 5138, and
// each one in milliseconds has reached since 1973.
const milliseconds = 1e11

func wholeSeconds(value any) (time.Time, bool) {
	number, ok := value.(json.Number)
	seconds, err := number.Float64()
	if !ok || err != nil || seconds < 0 || seconds >= milliseconds || seconds != math.Trunc(seconds) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// distance is how far t is from the time at which the token is judged, such as
// "3m ago".
func (r *Report) distance(t time.Time) string {
	seconds := t.Unix() - r.now.Unix()
	if seconds > 0 {
		return "in " + span(seconds)
	}
	return span(-seconds) + " ago"
}

func span(seconds int64) string {
	const hour, day = 60 * 60, 24 * 60 * 60
	switch {
	case seconds > 2*day:
		return fmt.Sprintf("%d days", seconds/day)
	case seconds > day+hour:
		seconds -= seconds % 60
	}
	text := (time.Duration(seconds) * time.Second).String()
	text = strings.Replace(text, "m0s", "m", 1)
	return strings.Replace(text, "h0m", "h", 1)
}
