package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
)

// A Phone is a telephone that a test plays. It has one line.
type Phone struct {
	x      *Exchange
	number string
	call   *call    // that rings or goes on, or nil
	told   []string // the last texts that it has heard
	heard  string   // the last digits that it has heard
}

// Phone returns the telephone with a number, which a test plays from now on.
func (x *Exchange) Phone(number string) *Phone {
	if e164, ok := twiml.PhoneNumber(number); ok {
		number = e164
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.phones[number]
	if p == nil {
		p = &Phone{x: x, number: number}
		x.phones[number] = p
		p.pickRinging()
	}
	return p
}

// IsPhoneNumber reports whether s is a telephone number with its country code, as
// Twilio wants it (E.164).
func IsPhoneNumber(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == "" && digits[0] != '0'
}

// magic are the numbers that fail for every account, and how:
// https://www.twilio.com/docs/iam/test-credentials
var magic = map[string]*Fault{
	"+15005550001": {21217, "the number +15005550001 is not valid"},
	"+15005550002": {21214, "the number +15005550002 cannot be reached"},
	"+15005550003": {21215, "the account may not call the country of +15005550003"},
	"+15005550004": {21216, "the number +15005550004 is blocked"},
}

// ringNumber rings a telephone. x.mu is held.
func (x *Exchange) ringNumber(d *dial, number twiml.Number, from string, base *url.URL) {
	b := &branch{dial: d, whisper: number.Whisper, digits: number.SendDigits}
	to := number.Number
	leg := x.newLeg(b, from, to)
	b.start(number.StatusCallback, base)
	p, own := x.phones[to], x.number(to)
	switch {
	case own != nil && leg.hops() >= maxHops:
		leg.end(nil, faultBusy)
	case own != nil:
		x.callNumber(leg, own)
	case magic[to] != nil:
		leg.end(nil, magic[to])
	case !IsPhoneNumber(to):
		leg.end(nil, &Fault{13224, fmt.Sprintf("%q is not a telephone number: it must be like +15550100001", number.Number)})
	case p != nil && p.call != nil:
		leg.end(nil, faultBusy)
	case p != nil:
		leg.audio, leg.phone, p.call = x.mixer.Phone(), p, leg
		leg.hears("ring")
	default: // nobody plays it: it answers, and echoes what it hears
		leg.audio = x.mixer.Phone()
		leg.hears("ring")
		x.start(func() { x.answerAndEcho(leg) })
	}
	b.rings()
}

// maxHops keeps numbers whose documents dial each other from doing so for ever.
const maxHops = 5

// hops returns through how many numbers of the account a leg has come.
func (c *call) hops() int {
	n := 0
	for t := c.top().trunk; t != nil; t = t.top().trunk {
		n++
	}
	return n
}

// callNumber makes a call to a number of the account, whose far end is the leg.
func (x *Exchange) callNumber(leg *call, own *Number) {
	leg.audio = x.mixer.Phone()
	c := x.newCall(nil)
	c.direction, c.from, c.to = "inbound", leg.from, leg.to
	c.document, c.progress = x.voice(own).plan()
	c.audio = x.mixer.Phone()
	media.Patch(leg.audio, c.audio)
	leg.trunk, c.trunk = c, leg
	x.callEvent(c, CallEvent, "%s calls %s", c.from, c.to)
	x.start(func() { x.serve(c) })
}

// answerAndEcho answers a number that nobody plays, after a while.
func (x *Exchange) answerAndEcho(leg *call) {
	x.clock.sleep(leg.ctx, x.timing.PhonePicks)
	x.mu.Lock()
	defer x.mu.Unlock()
	if !leg.over() && leg.phone == nil { // nor plays it meanwhile
		leg.audio.Echo(true)
		leg.take()
		x.notify()
	}
}

var errNotRinging = errors.New("the telephone is not ringing")
var errNoCall = errors.New("the telephone is not on a call")

// WaitRing waits until the telephone rings, and returns who calls.
func (p *Phone) WaitRing(ctx context.Context) (from string, err error) {
	err = p.x.Wait(ctx, func() bool {
		p.x.mu.Lock()
		defer p.x.mu.Unlock()
		if p.rings() {
			from = p.call.from
		}
		return from != ""
	})
	if err != nil {
		return "", fmt.Errorf("%s does not ring: %w", p.number, err)
	}
	return from, nil
}

func (p *Phone) rings() bool {
	return p.call != nil && p.call.parent != nil && p.call.answered.IsZero()
}

// Accept answers the call that rings.
func (p *Phone) Accept() error {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	if !p.rings() {
		return fmt.Errorf("%s: %w", p.number, errNotRinging)
	}
	p.call.take()
	p.x.notify()
	return nil
}

// Reject declines the call that rings: whoever calls hears that the number is busy.
func (p *Phone) Reject() error {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	if !p.rings() {
		return fmt.Errorf("%s: %w", p.number, errNotRinging)
	}
	p.call.end(p.call, faultBusy)
	p.x.notify()
	return nil
}

// HangUp ends the call.
func (p *Phone) HangUp() error {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	if p.call == nil {
		return fmt.Errorf("%s: %w", p.number, errNoCall)
	}
	p.call.hangUp(faultBusy)
	p.x.notify()
	return nil
}

func checkKeys(digits string) error {
	if digits == "" || strings.Trim(digits, twiml.Keys) != "" {
		return fmt.Errorf("%q are not the keys of a telephone: 0-9, *, #, A-D", digits)
	}
	return nil
}

// Press presses keys during a call.
func (p *Phone) Press(digits string) error {
	if err := checkKeys(digits); err != nil {
		return err
	}
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	if p.call == nil || p.call.answered.IsZero() {
		return fmt.Errorf("%s: %w", p.number, errNoCall)
	}
	p.call.press(digits)
	p.x.notify()
	return nil
}

// Speak says a WAV file into the telephone, and returns when it has been said.
func (p *Phone) Speak(wav []byte) error {
	sound, err := media.ParseWAV(wav)
	if err != nil {
		return err
	}
	return p.speak(sound)
}

// Whistle says a tone into the telephone, and returns when it has been said.
func (p *Phone) Whistle(hz float64, d time.Duration) error { return p.speak(media.Tone(hz, d)) }

func (p *Phone) speak(sound media.Sound) error {
	p.x.mu.Lock()
	if p.call == nil || p.call.answered.IsZero() {
		p.x.mu.Unlock()
		return fmt.Errorf("%s: %w", p.number, errNoCall)
	}
	player := p.call.audio.Speak(sound)
	p.x.mu.Unlock()
	<-player.Done()
	return nil
}

// tell remembers a text that the telephone hears. x.mu is held, as for hear.
func (p *Phone) tell(text string) {
	p.told = append(p.told, text)
	p.told = p.told[max(0, len(p.told)-maxSaid):]
}

// hear remembers digits that the telephone hears.
func (p *Phone) hear(digits string) {
	p.heard += digits
	p.heard = p.heard[max(0, len(p.heard)-maxDigits):]
}

// Told returns the texts that were said to the telephone so far.
func (p *Phone) Told() []string {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	return slices.Clone(p.told)
}

// Keys returns the keys that the telephone has heard so far.
func (p *Phone) Keys() string {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	return p.heard
}

// WaitSound waits until the telephone hears something, or nothing.
func (p *Phone) WaitSound(ctx context.Context, loud bool) error {
	const look = 50 * time.Millisecond
	for p.Hears() != loud {
		select {
		case <-time.After(look):
		case <-ctx.Done():
			if loud {
				return fmt.Errorf("%s hears nothing: %w", p.number, context.Cause(ctx))
			}
			return fmt.Errorf("%s hears something: %w", p.number, context.Cause(ctx))
		}
	}
	return nil
}

// Hears reports whether the telephone hears something.
func (p *Phone) Hears() bool {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	return p.call != nil && p.call.audio != nil && !p.call.audio.Heard().Silent()
}

// Call calls a number of the account, whose voice URL is asked what to do, or a client,
// such as client:tommy, without asking.
func (p *Phone) Call(to string) error {
	x := p.x
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	called := x.number(to)
	switch {
	case called == nil && !strings.HasPrefix(to, clientPrefix):
		return fmt.Errorf("%q is neither a number of the account, with a voice URL, nor client: and a client name", to)
	case p.call != nil:
		return fmt.Errorf("%s is on a call", p.number)
	case x.ctx.Err() != nil:
		return errors.New(closing.Message)
	}
	c := x.newCall(nil)
	c.direction, c.from, c.to = "inbound", p.number, to
	if called != nil {
		c.document, c.progress = x.voice(called).plan()
	}
	c.audio, c.phone, p.call = x.mixer.Phone(), p, c
	c.says("call", CallEvent, fmt.Sprintf("%s calls %s", c.from, c.to))
	x.start(func() { x.serve(c) })
	return nil
}
