package exchange

import (
	"cmp"
	"net/url"
	"slices"
	"time"
)

// A State is who is there, and which calls there are, for a page that shows it.
type State struct {
	Devices []DeviceState `json:"devices"` // in the order of their sockets
	Calls   []CallState   `json:"calls"`   // the last ones, the newest first
	Phones  []PhoneState  `json:"phones"`  // in the order of their numbers
}

// A DeviceState is a device that has shown a valid token.
type DeviceState struct {
	ClientName  string     `json:"clientName"`
	SDK         string     `json:"sdk"`
	AccessToken bool       `json:"accessToken"`
	Incoming    bool       `json:"incoming"`
	Outgoing    bool       `json:"outgoing"`
	Params      url.Values `json:"params,omitempty"`
	Shown       time.Time  `json:"shown"` // when it showed the token
	ExpiresAt   time.Time  `json:"expiresAt,omitzero"`
	Registered  bool       `json:"registered"`
	Status      string     `json:"status"` // ready, ringing or on a call
	Fault       *Fault     `json:"fault,omitempty"`
}

// A CallState is what is known of a call, and of where it rings.
type CallState struct {
	SID      string    `json:"sid"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Status   string    `json:"status"`
	Fault    *Fault    `json:"fault,omitempty"`
	Started  time.Time `json:"started"`
	Answered time.Time `json:"answered,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	Digits   string    `json:"digits,omitempty"`
	Signed   []string  `json:"signed,omitempty"` // the names of the parameters that the token signs
}

// A PhoneState is a telephone that somebody plays, or that rings.
type PhoneState struct {
	Number string `json:"number"`
	Status string `json:"status"` // free, ringing or on a call
	With   string `json:"with,omitempty"`
	Played bool   `json:"played"` // else it will answer by itself
}

// maxShown is how many calls a State has.
const maxShown = 200

// State returns who is there, and what is closed when that changes.
func (x *Exchange) State() (State, <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := State{Devices: []DeviceState{}, Calls: []CallState{}, Phones: []PhoneState{}}
	devices := []*Device{}
	for d := range x.devices {
		if d.proven {
			devices = append(devices, d)
		}
	}
	slices.SortFunc(devices, func(a, b *Device) int { return a.opened.Compare(b.opened) })
	for _, d := range devices {
		s.Devices = append(s.Devices, d.state())
	}
	for _, p := range x.phones {
		s.Phones = append(s.Phones, p.state())
	}
	for _, c := range slices.Backward(x.calls) {
		switch {
		case c.parent == nil && len(s.Calls) < maxShown:
			s.Calls = append(s.Calls, c.state())
		case c.answersItself():
			s.Phones = append(s.Phones, PhoneState{Number: c.to, Status: "ringing", With: c.from})
		}
	}
	slices.SortFunc(s.Phones, func(a, b PhoneState) int { return cmp.Compare(a.Number, b.Number) })
	return s, x.changed
}

func (d *Device) state() DeviceState {
	s := DeviceState{ClientName: d.clientName, SDK: d.sdk, Shown: d.shown, Registered: d.registered != "", Status: "ready", Fault: d.refusal}
	if g := d.grants; g != nil {
		s.AccessToken, s.Incoming, s.Outgoing, s.Params, s.ExpiresAt = g.AccessToken, g.Incoming, g.Outgoing, g.Params, g.ExpiresAt
	}
	switch {
	case d.busy():
		s.Status = "on a call"
	case len(d.legs) > 0:
		s.Status = "ringing"
	}
	return s
}

func (c *call) state() CallState {
	return CallState{
		SID: c.sid, From: c.from, To: c.to, Status: c.status, Fault: c.fault,
		Started: c.started, Answered: c.answered, Ended: c.ended, Digits: c.digits, Signed: c.signed,
	}
}

func (p *Phone) state() PhoneState {
	s := PhoneState{Number: p.number, Status: "free", Played: true}
	if c := p.call; c != nil {
		s.Status, s.With = "on a call", c.from
		if c.parent == nil {
			s.With = c.to
		}
		if c.answered.IsZero() && c.parent != nil {
			s.Status = "ringing"
		}
	}
	return s
}

// answersItself reports whether the leg is a telephone that rings and that nobody plays.
func (c *call) answersItself() bool {
	return c.branch != nil && c.device == nil && c.phone == nil && c.audio != nil && c.answered.IsZero() && !c.over()
}
