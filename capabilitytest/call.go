package capabilitytest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Call is what the server knows of a call that a page has made.
type Call struct {
	SID    string
	From   string     // "client:alice"
	To     string     // the parameter To
	Params url.Values // of the call, To included: what the token signs wins over what the page says
	Status string     // in Twilio's words: ringing, in-progress, completed, busy, no-answer, failed or canceled
	Code   int        // the error code that the caller was told, or 0
	Digits string     // what either side has dialled during the call
}

// A call has one caller and rings many devices, one of which may answer.
type call struct {
	server *Server
	ctx    context.Context // until the call ends
	cancel context.CancelFunc

	from           string
	params         url.Values
	applicationSID string
	offer          string

	caller, answered *leg
	ringing          []*leg
	lost             []*leg       // whose pages lost their sockets before the call was answered
	dialled          chan outcome // receives how the Dial in progress ends
	connected        time.Time    // when somebody answered
	over             bool
	status           string
	code             int
	digits           string
}

// A leg is one device's part in a call. Each has a SID of its own.
type leg struct {
	call         *call
	device       *device
	sid, tempSID string // tempSID is the caller's own
	told         bool   // the caller has been sent sid
	reconnect    string // what SDK 2.x shows to resume the call on a new socket
}

// outcome is how a Dial ended.
type outcome struct {
	status string // DialCallStatus
	sid    string // of the leg that answered
	reason *fault // what a caller is told if this ends the call, or nil
}

// maxCalls is how many calls a server remembers.
const maxCalls = 10_000

// maxDigits is how many digits a server remembers of a call.
const maxDigits = 1000

// candidates are the lines of an offer that say where the caller can be reached.
// They are kept from the devices that ring: all who accept at once would reach
// the caller, and the wrong one might before the one that gets the call. That
// one is told to the caller, who reaches it.
var candidates = regexp.MustCompile(`(?m)^a=candidate:.*\n`)

// maxParamsBytes is Twilio's limit for what a page passes to connect.
const maxParamsBytes = 800

// invite starts a call, and does with it what the voice URL says.
func (s *Server) invite(d *device, p payload) {
	params, refusal := d.mayCall(p.Twilio.Params)
	if refusal != nil {
		s.event("refused a call of %s with %d: %s", d.name(), refusal.Code, refusal.Message)
		d.send("hangup", payload{CallSID: p.CallSID, Error: refusal})
		return
	}
	for _, l := range slices.Clone(d.legs) { // it rings: whoever calls it hears that it is busy
		d.send("cancel", payload{CallSID: l.sid})
		l.leaveAs(faultBusy)
	}
	c := &call{
		server:         s,
		from:           "client:" + cmp.Or(d.grants.clientName, "Anonymous"),
		params:         params,
		applicationSID: d.grants.applicationSID,
		offer:          candidates.ReplaceAllString(p.SDP, ""),
		status:         "ringing",
	}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	c.caller = c.newLeg(d)
	c.caller.tempSID = p.CallSID
	if s.calls = append(s.calls, c); len(s.calls) > maxCalls {
		s.calls = slices.Delete(s.calls, 0, 1)
	}
	s.event("%s calls %q", c.from, params.Get("To"))
	s.running.Go(func() { s.run(c) })
}

// mayCall returns the parameters of a call that the device may make.
func (d *device) mayCall(query string) (url.Values, *fault) {
	if d.refusal != nil {
		return nil, d.refusal
	}
	if !d.grants.outgoing {
		return nil, faultNoOutgoing
	}
	if d.busy() {
		return nil, faultCallerBusy
	}
	if len(query) > maxParamsBytes {
		return nil, faultLongParams
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return nil, faultBadRequest
	}
	maps.Copy(params, d.grants.params) // what the backend signed wins over what the page says
	return params, nil
}

func (c *call) newLeg(d *device) *leg {
	l := &leg{call: c, device: d, sid: "CA" + random(), reconnect: random()}
	d.legs = append(d.legs, l)
	return l
}

func random() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// ring rings every device of the clients that can be rung. It returns a channel
// that receives the outcome, or the outcome itself if it rings nowhere.
func (c *call) ring(clients []client, callerID string) (<-chan outcome, *outcome) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	defer c.server.notify()
	if c.over { // the caller has hung up
		return nil, &outcome{status: "canceled"}
	}
	if !c.connected.IsZero() {
		return nil, &outcome{status: "failed", reason: unsupported("a second <Dial> after one that was answered")}
	}
	registered := 0
	c.dialled = make(chan outcome, 1)
	for _, callee := range clients {
		devices := c.server.clients[callee.name]
		registered += len(devices)
		for _, d := range devices {
			if d == c.caller.device || !d.canRing() || slices.ContainsFunc(c.ringing, func(l *leg) bool { return l.device == d }) {
				continue
			}
			l := c.newLeg(d)
			c.ringing = append(c.ringing, l)
			d.send("invite", payload{CallSID: l.sid, SDP: c.offer, Reconnect: l.reconnect, Parameters: map[string]string{
				"CallSid":    l.sid,
				"AccountSid": c.server.credentials.accountSID,
				"ApiVersion": apiVersion,
				"From":       cmp.Or(callerID, c.from),
				"To":         "client:" + callee.name,
				"Params":     callee.params.Encode(),
			}})
		}
	}
	switch {
	case registered == 0:
		return nil, &outcome{status: "no-answer", reason: faultNotFound}
	case len(c.ringing) == 0:
		return nil, &outcome{status: "busy", reason: faultBusy}
	}
	c.server.event("%s rings %s", c.from, count(len(c.ringing), "device"))
	c.caller.told = true
	c.caller.device.send("ringing", payload{CallSID: c.caller.sid})
	return c.dialled, nil
}

// giveUp ends the ringing of a Dial when nobody has answered in time.
func (c *call) giveUp(dialled <-chan outcome) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	defer c.server.notify()
	if dialled == c.dialled && len(c.ringing) > 0 {
		c.cancelRinging(nil)
		c.dialled <- outcome{status: "no-answer", reason: faultNoAnswer}
	}
}

// answer gives the call to the device, unless the call has left it meanwhile.
func (s *Server) answer(d *device, p payload) {
	l := d.leg(p.CallSID)
	if l == nil || !slices.Contains(l.call.ringing, l) {
		return
	}
	c := l.call
	c.answered, c.connected, c.status = l, time.Now(), "in-progress"
	c.cancelRinging(l)
	s.event("%s answers the call of %s", d.name(), c.from)
	c.caller.device.send("answer", payload{CallSID: c.caller.sid, SDP: p.SDP, Reconnect: c.caller.reconnect})
}

// resume continues a call on a new socket. SDK 2.x asks for it whenever it has
// shown a token, even on the old socket, and for a call that it is about to answer.
func (s *Server) resume(d *device, p payload) {
	if l := d.leg(p.CallSID); l != nil && slices.Contains(l.call.ringing, l) {
		return
	}
	for _, c := range s.calls {
		for _, l := range c.talking() {
			if l.sid == p.CallSID && l.reconnect == p.Reconnect && d.refusal == nil {
				l.moveTo(d)
				d.send("answer", payload{CallSID: l.sid, Reconnect: l.reconnect})
				return
			}
		}
	}
	d.send("hangup", payload{CallSID: p.CallSID}) // it is over
}

// adopt continues, on a new socket, the calls of a page with SDK 1.x, which keeps
// them but says nothing of them: it shows the same token.
func (s *Server) adopt(d *device) {
	if !d.sdk1 {
		return
	}
	for _, c := range s.calls {
		for _, l := range c.talking() {
			// A tab that was open before the call is another one: tokens are equal
			// if they grant the same and were minted in the same second.
			if l.device.gone && l.device.token == d.token && d.opened.After(c.connected) {
				l.moveTo(d)
			}
		}
	}
}

// tellLost tells a page that is back that a call ended with its old socket,
// before it was answered. The SDKs do not find out by themselves.
func (s *Server) tellLost(d *device) {
	for _, c := range s.calls {
		c.lost = slices.DeleteFunc(c.lost, func(l *leg) bool {
			if l.device.token != d.token || !d.opened.After(l.device.opened) {
				return false
			}
			d.send("cancel", payload{CallSID: l.knownSID()}) // SDK 2.x takes no hangup,
			d.send("hangup", payload{CallSID: l.knownSID()}) // and 1.x no cancel until it rings.
			return true
		})
	}
}

// talking returns the legs of a call that was answered and goes on: that of the
// caller alone if the callee has hung up and the action of the Dial comes next.
func (c *call) talking() []*leg {
	if c.over || c.connected.IsZero() {
		return nil
	}
	if c.answered == nil {
		return []*leg{c.caller}
	}
	return []*leg{c.caller, c.answered}
}

func (l *leg) moveTo(d *device) {
	if l.device == d {
		return
	}
	l.drop()
	l.device = d
	d.legs = append(d.legs, l)
	l.call.server.event("%s is back in its call", d.name())
}

// leave ends the leg's part in the call, and thereby the call, unless others ring.
func (l *leg) leave() { l.leaveAs(faultDeclined) }

// leaveAs does what leave does; the reason is why nobody answers.
func (l *leg) leaveAs(reason *fault) {
	c := l.call
	switch {
	case c.over:
	case l == c.caller:
		c.end(l, nil)
	case l == c.answered:
		l.drop()
		c.answered = nil
		c.dialled <- outcome{status: "completed", sid: l.sid}
	default:
		l.drop()
		c.ringing = slices.DeleteFunc(c.ringing, func(other *leg) bool { return other == l })
		if len(c.ringing) == 0 {
			c.dialled <- outcome{status: "busy", reason: reason}
		}
	}
}

// end ends the call for everybody but the leg that ended it itself.
func (c *call) end(by *leg, reason *fault) {
	if c.over {
		return
	}
	c.over = true
	c.offer = "" // up to maxMessageBytes, and many calls are remembered
	c.cancel()
	c.cancelRinging(nil)
	for _, l := range []*leg{c.caller, c.answered} {
		if l != nil && l.drop() && l != by {
			l.device.send("hangup", payload{CallSID: l.knownSID(), Error: reason})
		}
	}
	c.status = c.endStatus(by, reason)
	if reason == nil {
		c.server.event("the call of %s is over: %s", c.from, c.status)
		return
	}
	c.code = reason.Code
	c.server.event("the call of %s is over: %s, %d: %s", c.from, c.status, reason.Code, reason.Message)
}

func (c *call) endStatus(by *leg, reason *fault) string {
	switch {
	case !c.connected.IsZero():
		return "completed"
	case by == c.caller:
		return "canceled"
	case reason == nil:
		return "completed"
	case reason == faultBusy, reason == faultDeclined:
		return "busy"
	case reason == faultNoAnswer, reason == faultNotFound:
		return "no-answer"
	}
	return "failed"
}

// cancelRinging stops the ringing of every leg but answered, which has stopped.
func (c *call) cancelRinging(answered *leg) {
	for _, l := range c.ringing {
		if l != answered && l.drop() {
			l.device.send("cancel", payload{CallSID: l.sid})
		}
	}
	c.ringing = nil
}

// knownSID returns the SID under which the page knows the call.
func (l *leg) knownSID() string {
	if l == l.call.caller && !l.told {
		return l.tempSID
	}
	return l.sid
}

// drop takes the leg from its device, and reports whether it was still there.
func (l *leg) drop() bool {
	legs := len(l.device.legs)
	l.device.legs = slices.DeleteFunc(l.device.legs, func(other *leg) bool { return other == l })
	return len(l.device.legs) < legs
}

func (c *call) snapshot() Call {
	params := url.Values{}
	for name, values := range c.params {
		params[name] = slices.Clone(values)
	}
	return Call{
		SID: c.caller.sid, From: c.from, To: params.Get("To"), Params: params,
		Status: c.status, Code: c.code, Digits: c.digits,
	}
}

// clientName returns the name in To, which may say that it is a client's.
func clientName(to string) string { return strings.TrimPrefix(to, "client:") }
