package exchange

import (
	"fmt"
	"time"
)

// Talk lets a page speak and hear in place of the telephone: it takes the page's SDP offer,
// and returns the answer. A telephone that rings answers.
func (p *Phone) Talk(offer string) (answer string, err error) {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	defer p.x.notify()
	c := p.call
	if c == nil {
		return "", fmt.Errorf("%s: %w", p.number, errNoCall)
	}
	audio, answer, err := p.x.mixer.Answer(offer)
	if err != nil {
		return "", err
	}
	audio.Take(c.audio)
	c.audio = audio
	if p.rings() {
		c.take()
	}
	return answer, nil
}

// pickRinging takes a call that rings here, and that nobody would answer but the exchange.
func (p *Phone) pickRinging() {
	for _, c := range p.x.calls {
		if p.call == nil && c.to == p.number && c.answersItself() {
			c.phone, p.call = p, c
		}
	}
}

// HangUpAfter ends the call some time after it is answered, once the keys, if any, have
// been pressed.
func (p *Phone) HangUpAfter(d time.Duration, keys string) {
	p.x.mu.Lock()
	defer p.x.mu.Unlock()
	c := p.call
	if c == nil {
		return
	}
	p.x.start(func() {
		p.x.Wait(c.ctx, func() bool {
			p.x.mu.Lock()
			defer p.x.mu.Unlock()
			return c.other != nil
		})
		if keys != "" {
			p.x.clock.sleep(c.ctx, time.Second) // as a person would
			p.Press(keys)
		}
		p.x.clock.sleep(c.ctx, d)
		if c.ctx.Err() == nil {
			p.HangUp()
		}
	})
}

// Press presses keys during a call as if the caller did.
func (x *Exchange) Press(sid, keys string) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	c, fault := x.find(sid)
	switch {
	case fault != nil:
		return fault
	case c.answered.IsZero() || c.over():
		return fmt.Errorf("call %s: %w", sid, errNoCall)
	}
	c.press(keys)
	return nil
}

// Reset ends all calls, closes all sockets, whose pages connect again by themselves, and
// forgets what there was.
func (x *Exchange) Reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	for _, c := range x.calls {
		c.end(nil, nil)
	}
	for d := range x.devices {
		d.stop(ErrCut)
		d.forget()
	}
	x.calls, x.lost, x.queues, x.held, x.recordings, x.apps, x.numbers = nil, nil, nil, nil, nil, nil, nil
	clear(x.refusals)
	clear(x.phones)
	clear(x.conferences)
	x.openAccount()
	x.readers.forget()
	x.event(Event{Kind: ResetEvent, Text: "all calls and devices are forgotten"})
}
