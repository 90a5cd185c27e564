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
		r.missingClaim(r.rules.expiry, "it has no exp, the time when it expires", "Mint it with a TTL.")
	}
	r.ExpiresAt = r.readTime(claims, "exp", r.rules.expiry, r.rules.tooLong)
	r.NotBefore = r.readTime(claims, "nbf", r.rules.notBefore, r.rules.notBefore)
	r.readIssuedAt(claims)
	left := r.ExpiresAt.Sub(r.now)
	switch {
	case r.ExpiresAt.IsZero():
	case r.ExpiresAt.Year() < 1980:
		r.problem(r.rules.expired, fmt.Sprintf("its exp is %d, a time in %d", r.ExpiresAt.Unix(), r.ExpiresAt.Year()),
			"It looks like a lifetime. exp is a time: that of minting plus the lifetime, in seconds since 1970.")
		r.ExpiresAt = time.Time{}
	case left <= 0:
		r.problem(r.rules.expired, "it expired "+Distance(r.now, r.ExpiresAt),
			"Mint a new one. A page should fetch its next token before the old one expires."+
				" If this one was new, the clock where it was minted is slow, or local time was used instead of UTC.")
	case left > capability.MaxTTL+farthestZone:
		r.problem(r.rules.tooLong, "it expires "+Distance(r.now, r.ExpiresAt)+", later than the 24h that are allowed",
			"Mint it with a TTL of 24h or less.")
	case left > capability.MaxTTL+time.Second/2: // as Twilio's C# library rounds up
		r.problem(r.rules.tooLong, "it expires "+Distance(r.now, r.ExpiresAt)+", later than the 24h that are allowed",
			"Mint it with a TTL of 24h or less. If it was, local time was used instead of UTC where it was minted, or the clock there is fast.")
	}
	if r.now.Before(r.NotBefore) {
		r.problem(r.rules.notBefore, "it is not valid yet: its nbf is "+Distance(r.now, r.NotBefore), "If it was just minted, "+early(r.NotBefore.Sub(r.now)))
	}
	if !r.ExpiresAt.IsZero() && !r.NotBefore.IsZero() && !r.ExpiresAt.After(r.NotBefore) {
		r.problem(r.rules.expiry, "its exp is not after its nbf, so it is never valid", "Mint it again, with nbf set to now or left out.")
	}
}

// farthestZone is how far local time can be ahead of UTC.
const farthestZone = 14 * time.Hour

// early says why a time in the past seems to be in the future.
func early(by time.Duration) string {
	off := (by + 5*time.Minute) % (30 * time.Minute) // zones differ by half hours
	if by > 25*time.Minute && by < farthestZone && off < 10*time.Minute {
		return "local time was used there instead of UTC."
	}
	return "the clock there is fast."
}

// readIssuedAt notes what is odd about iat, which neither Verify nor, as far as is
// known, Twilio checks.
func (r *Report) readIssuedAt(claims map[string]any) {
	value, present := claims["iat"]
	t, ok := wholeSeconds(value)
	const about = "iat is the time when it was minted. Twilio is not known to check it."
	switch {
	case !present:
		return
	case !ok:
		r.note("its iat is "+quoteShort(value)+", not a whole number of seconds since 1970", strings.TrimSpace(r.slip(value)+" "+about))
		return
	case !r.ExpiresAt.IsZero() && t.After(r.ExpiresAt):
		r.note("its iat is after its exp", about+" One of the two is wrong: exp must be iat plus the lifetime, both in UTC.")
	case r.ExpiresAt.Sub(t) > capability.MaxTTL+time.Second && r.ExpiresAt.Sub(r.now) <= capability.MaxTTL:
		r.note("its exp is "+span(r.ExpiresAt.Unix()-t.Unix())+" after its iat", about+" It allows lifetimes of up to 24h.")
	case t.Sub(r.now) > time.Minute:
		r.note("its iat is "+Distance(r.now, t), about+" If it was just minted, "+early(t.Sub(r.now)))
	}
	r.IssuedAt = t
	delete(claims, "iat")
}

// readTime removes a time from the claims and returns it, or the zero time if
// there is none.
func (r *Report) readTime(claims map[string]any, name string, malformed, otherUnit int) time.Time {
	value, present := claims[name]
	delete(claims, name)
	t, ok := wholeSeconds(value)
	if !present {
		return t
	}
	if slip := r.slip(value); slip != "" {
		r.problem(otherUnit, "its "+name+" is "+Quote(value)+", not in seconds since 1970", slip)
		return time.Time{}
	}
	if !ok {
		r.problem(malformed, "its "+name+" is "+quoteShort(value)+", not a whole number of seconds since 1970",
			"Write a plain number: no quotes, no sign, no fraction, no date.")
	}
	return t
}

// slip says in which other unit a time seems to be, or returns "".
func (r *Report) slip(value any) string {
	number, _ := value.(json.Number)
	n, err := number.Float64()
	if err != nil {
		return ""
	}
	const year = 365 * 24 * 60 * 60
	for _, unit := range []struct {
		name      string
		perSecond float64
	}{{"milliseconds", 1e3}, {"microseconds", 1e6}, {"nanoseconds", 1e9}} {
		if n >= milliseconds && math.Abs(n/unit.perSecond-float64(r.now.Unix())) < 10*year {
			return fmt.Sprintf("It looks like %s: divide by %.0f.", unit.name, unit.perSecond)
		}
	}
	switch {
	case n >= 6e10 && n <= year*1e9 && math.Mod(n, 1e9) == 0: // a minute to a year
		return "It looks like a duration of " + span(int64(n/1e9)) + " in nanoseconds, as Go counts them. Add it to the current time, and write seconds."
	case n >= milliseconds:
		return "It is too far away for seconds. Divide milliseconds by 1000."
	}
	return ""
}

// A time of at least this many seconds, the year 5138, is taken for milliseconds, 1973
// or later.
const milliseconds = 1e11

func wholeSeconds(value any) (time.Time, bool) {
	number, ok := value.(json.Number)
	seconds, err := number.Float64()
	if !ok || err != nil || seconds < 0 || seconds >= milliseconds || seconds != math.Trunc(seconds) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// Distance is how far t is from now, such as "3m ago".
func Distance(now, t time.Time) string {
	seconds := t.Unix() - now.Unix()
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
