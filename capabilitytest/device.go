package capabilitytest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxRegistrations is how many devices Twilio documents to ring under one
// client name: one more drops the oldest registration.
const maxRegistrations = 10

// A device is one socket: a page on which the SDK runs.
type device struct {
	outbox chan []byte
	stop   context.CancelCauseFunc
	opened time.Time
	gone   bool

	token      string
	sdk1       bool // SDK 1.x
	grants     *grants
	proven     bool   // it has shown a valid token
	clientName string // of the token, valid or not any more
	refusal    *fault // why the device may do nothing, or nil
	expiry     *time.Timer
	registered string // the client name under which it can be rung
	dropped    bool   // by a newer registration, until it shows a token again
	legs       []*leg
}

// name is what the events call the device.
func (d *device) name() string {
	if d.grants == nil {
		return "a device without a valid token"
	}
	return cmp.Or(d.grants.clientName, "a device without a client name")
}

// send queues a message. A device that reads none of them is given up.
func (d *device) send(kind string, p payload) {
	if d.gone {
		return
	}
	data, err := json.Marshal(message{Type: kind, Version: version, Payload: p})
	if err != nil {
		panic(err) // strings and numbers can always be marshalled
	}
	select {
	case d.outbox <- data:
	default:
		d.stop(errSlow)
	}
}

func (s *Server) handle(d *device, m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	switch m.Type {
	case "listen":
		token, _ := m.Payload.Token.(string)
		s.listen(d, token, m.Payload.BrowserInfo.Version)
	case "register":
		s.register(d, m.Payload.Media.Audio)
	case "invite":
		if m.Payload.Reconnect != "" {
			s.resume(d, m.Payload)
		} else {
			s.invite(d, m.Payload)
		}
	case "answer":
		s.answer(d, m.Payload)
	case "hangup", "reject":
		if l := d.leg(m.Payload.CallSID); l != nil {
			l.leave()
		}
	case "dtmf":
		if l := d.leg(m.Payload.CallSID); l != nil && len(l.call.digits)+len(m.Payload.DTMF) <= maxDigits {
			l.call.digits += m.Payload.DTMF
			s.event("%s dials the digits %s", d.name(), m.Payload.DTMF)
		}
	}
}

// listen takes a token, the first one of a device or one that renews it.
func (s *Server) listen(d *device, token, sdk string) {
	granted, err := s.credentials.verify(token)
	if err != nil {
		s.event("refused a token: %v", err)
		s.refuse(d, s.credentials.tokenFault(token, err))
		return
	}
	if code, ok := s.refusals[granted.clientName]; ok {
		delete(s.refusals, granted.clientName)
		s.event("refused a token of %s with %d, as the test asked", granted.clientName, code)
		s.refuse(d, &fault{code, "refused by the test"})
		return
	}
	d.token, d.grants, d.refusal, d.proven, d.dropped = token, granted, nil, true, false
	d.clientName = granted.clientName
	if granted.incomingName() != d.registered {
		s.unregister(d)
	}
	ttl := time.Until(granted.expiresAt)
	d.expireIn(ttl, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.grants == granted { // and not renewed since
			s.expire(d)
		}
	})
	s.event("%s shows a token that is valid for %v", d.name(), ttl.Round(time.Second))
	d.send("connected", payload{
		Token:  identity{granted.clientName, int(ttl.Round(time.Second).Seconds())},
		Region: "local", Gateway: "standin",
	})
	d.sdk1 = strings.HasPrefix(sdk, "1.")
	s.catchUp(d)
}

func (s *Server) expire(d *device) {
	s.event("the token of %s has expired", d.name())
	s.refuse(d, faultExpired)
	s.notify()
}

// refuse leaves the device with its calls and nothing else. The socket stays
// open, unless that is asked for: the SDK comes back at once with the same token.
func (s *Server) refuse(d *device, reason *fault) {
	registered := d.registered != ""
	s.unregister(d)
	d.grants, d.refusal = nil, reason
	d.send("error", payload{Error: reason})
	switch {
	case s.closeSocket:
		d.stop(errRefused)
	case registered:
		d.send("offline", payload{}) // else SDK 2.x does not register again
	}
}

// register makes a device ready, and lets it ring if its token says so. The
// SDK registers anew every 30 s.
func (s *Server) register(d *device, audio bool) {
	if d.refusal != nil {
		d.send("error", payload{Error: d.refusal})
		return
	}
	if d.dropped {
		return
	}
	name := d.grants.incomingName()
	if !audio {
		name = ""
	}
	if name != d.registered {
		s.unregister(d)
		s.add(d, name)
	}
	d.send("ready", payload{})
}

func (s *Server) add(d *device, name string) {
	if name == "" {
		return
	}
	if others := s.clients[name]; len(others) == maxRegistrations {
		oldest := others[0]
		s.unregister(oldest)
		oldest.dropped = true
		oldest.send("offline", payload{})
	}
	s.clients[name] = append(s.clients[name], d)
	d.registered = name
	s.event("%s is registered (%s)", name, count(len(s.clients[name]), "device"))
}

func (s *Server) unregister(d *device) {
	if d.registered == "" {
		return
	}
	others := slices.DeleteFunc(s.clients[d.registered], func(other *device) bool { return other == d })
	if s.clients[d.registered] = others; len(others) == 0 {
		delete(s.clients, d.registered)
	}
	s.event("%s is no longer registered (%s left)", d.registered, count(len(others), "device"))
	d.registered = ""
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// leave forgets a device whose socket is closed. A call that was answered goes on
// for a while, since the SDK comes back on another socket, unless its page left.
func (s *Server) leave(d *device, left bool) {
	defer s.notify()
	s.unregister(d)
	d.expireIn(0, nil)
	d.gone = true
	for _, l := range slices.Clone(d.legs) {
		if !left && l.call.answered == nil {
			l.call.lost = append(l.call.lost, l)
		}
		if left || l.call.answered == nil || s.ctx.Err() != nil {
			l.leave()
			continue
		}
		s.event("%s lost its connection during a call", d.name())
		time.AfterFunc(s.timing.reconnect, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if l.device == d { // it has not come back
				l.leave()
				s.notify()
			}
		})
	}
	for other := range s.devices { // the page may be back before its old socket is known to be lost
		if other != d && !other.gone && other.token == d.token {
			s.catchUp(other)
		}
	}
}

// catchUp deals with the calls of a page that may be back on a new socket.
func (s *Server) catchUp(d *device) {
	s.adopt(d)
	s.tellLost(d)
}

// expireIn replaces the timer of the device's token; nil only stops it.
func (d *device) expireIn(ttl time.Duration, expire func()) {
	if d.expiry != nil {
		d.expiry.Stop()
	}
	if expire != nil {
		d.expiry = time.AfterFunc(ttl, expire)
	}
}

// leg returns the device's part in the call, nil if that is over.
func (d *device) leg(sid string) *leg {
	i := slices.IndexFunc(d.legs, func(l *leg) bool { return sid != "" && (l.sid == sid || l.tempSID == sid) })
	if i < 0 {
		return nil
	}
	return d.legs[i]
}

// busy reports whether the device makes a call or has answered one.
func (d *device) busy() bool {
	return slices.ContainsFunc(d.legs, func(l *leg) bool { return l == l.call.caller || l == l.call.answered })
}

// dials reports whether the device makes a call that nobody has answered yet.
func (d *device) dials() bool {
	return slices.ContainsFunc(d.legs, func(l *leg) bool { return l == l.call.caller && l.call.connected.IsZero() })
}

// canRing reports whether the device can be rung by one more call. During a call
// it can: it is the SDK that ignores that, unless allowIncomingWhileBusy is set. A
// device that dials is not rung: when two dial each other, both SDKs would ignore
// the ring, and neither caller would be told.
//
// Many calls that are made and hung up at once must not overflow its outbox: each
// is one message now, and one when it ends.
func (d *device) canRing() bool {
	return !d.dials() && len(d.outbox)+len(d.legs) < outboxSize/2
}
