package exchange

import (
	"errors"
	"fmt"
	"slices"
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
	c.audio.Close()
	c.audio = audio
	if c.room != nil {
		c.room.Join(audio, c.seat)
	}
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
		p.x.End(c.sid)
	})
}

var errNoSuchCall = errors.New("there is no such call, or it is over")

// find returns a call that is not over. x.mu is held.
func (x *Exchange) find(sid string) (*call, error) {
	i := slices.IndexFunc(x.calls, func(c *call) bool { return c.sid == sid && !c.over() })
	if i < 0 {
		return nil, errNoSuchCall
	}
	return x.calls[i], nil
}

// End ends a call.
func (x *Exchange) End(sid string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	c, err := x.find(sid)
	if err == nil {
		c.end(nil, nil)
	}
	return err
}

// Press presses keys in place of the caller.
func (x *Exchange) Press(sid, keys string) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	c, err := x.find(sid)
	if err == nil && c.answered.IsZero() {
		return errors.New("the call has not been answered")
	}
	if err == nil {
		c.press(keys)
	}
	return err
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
	}
	x.calls, x.lost, x.recorded = nil, nil, nil
	clear(x.refusals)
	clear(x.phones)
	clear(x.queues)
	clear(x.conferences)
	clear(x.recordings)
	x.readers.forget()
	x.event(Event{Kind: ResetEvent, Text: "all calls and devices are forgotten"})
}
