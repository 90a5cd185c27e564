package capabilitytest

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// A Phone is a telephone at the far end of a call, played by a test. It has one line: while it
// rings or is on a call, other callers find it busy.
type Phone struct{ line *exchange.Phone }

// Phone returns the telephone with a number, such as +15550100001. From now on, calls to it
// ring until the test answers. A number that no test plays answers after two seconds, and
// echoes what it hears.
func (s *Server) Phone(number string) *Phone { return &Phone{s.exchange.Phone(number)} }

// WaitRing waits until the telephone rings, and returns who calls.
func (p *Phone) WaitRing(ctx context.Context) (from string, err error) {
	from, err = p.line.WaitRing(ctx)
	return from, wrap(err)
}

// Accept answers the call that rings.
func (p *Phone) Accept() error { return wrap(p.line.Accept()) }

// Reject declines the ringing call as busy.
func (p *Phone) Reject() error { return wrap(p.line.Reject()) }

// Call calls a number of the account, whose voice URL says what to do with the call (see
// [Number]), or a client, as client:tommy, without asking the backend.
func (p *Phone) Call(to string) error { return wrap(p.line.Call(to)) }

// HangUp ends the call.
func (p *Phone) HangUp() error { return wrap(p.line.HangUp()) }

// Press presses keys during a call: 0-9, A-D, * and #.
func (p *Phone) Press(keys string) error { return wrap(p.line.Press(keys)) }

// Speak plays a WAV file into the telephone: 16-bit PCM or µ-law, at any sample rate. It
// returns when the file has been played.
func (p *Phone) Speak(wav []byte) error { return wrap(p.line.Speak(wav)) }

// Whistle plays a tone of hz Hz into the telephone for d, and returns after d.
func (p *Phone) Whistle(hz float64, d time.Duration) error { return wrap(p.line.Whistle(hz, d)) }

// Told returns what was played to the telephone so far, the last 1,000 at most: the text of
// each <Say>, the URL of each <Play>.
func (p *Phone) Told() []string { return p.line.Told() }

// Keys returns the keys that the other side has pressed so far.
func (p *Phone) Keys() string { return p.line.Keys() }

// WaitSound waits until the telephone hears something, or hears nothing if loud is false.
func (p *Phone) WaitSound(ctx context.Context, loud bool) error {
	return wrap(p.line.WaitSound(ctx, loud))
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("capabilitytest: %w", err)
	}
	return nil
}
