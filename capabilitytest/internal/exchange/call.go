package exchange

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

const (
	apiVersion = "2010-04-01"

	maxCalls       = 10_000 // legs that are remembered, in about 16 MB; those that go on are not forgotten
	maxDigits      = 1000   // of a call
	maxSaid        = 1000   // texts, of a call
	maxParamsBytes = 800    // of what a page passes to connect: Twilio error 31103
	maxMessageSize = 10_000 // bytes of a call message: Twilio error 31212
	maxQuoted      = 80     // characters of what a page says, in an error
)

// A Call is what is known of a call.
type Call struct {
	SID      string
	From, To string
	Params   url.Values // of the page, To included: what the token signs wins over what the page says
	Status   string     // in Twilio's words
	Code     int        // the error code that the caller was told, or 0
	Digits   string     // what either side has dialled during the call
	Said     []string   // the texts of <Say> and <Play> that the caller was to hear
	Messages []string   // the contents of the call messages of all its pages, as JSON
}

// A call is one leg: a page's, or a telephone's. The first leg runs documents; those
// that it dials are its children.
type call struct {
	x      *Exchange
	ctx    context.Context // until the call is over
	cancel context.CancelFunc
	stay   context.Context // until then, or until REST gives it another document
	leave  context.CancelFunc
	hooks  *webhook.Session // of the first leg and its children

	sid, tempSID   string // tempSID is the caller's own, until it has been told sid
	told           bool
	parent         *call // nil for a first leg
	branch         *branch
	direction      string
	from, to       string
	params         url.Values // of a first leg
	custom         parameters // the same in the page's order, without To
	applicationSID string
	document       *Document   // what a first leg does, nil to dial To; of others, what REST has them do
	progress       *callback   // of a first leg, or nil
	recording      *recording  // of the whole call, or nil
	invitedTo      *conference // over REST, until the call is in it, or nil

	device    *Device // or
	phone     *Phone
	offer     string // of the page, until it is answered
	peer      string // the fingerprint of the page's media
	audio     *media.Leg
	reconnect string // what SDK 2.x shows to resume the call on a new socket
	room      *media.Room

	status        string
	canceled      bool // over REST, before anybody answered
	code          int
	fault         *Fault   // why it ended, or nil
	signed        []string // the names of the params that the token signs
	digits        string
	said          []string
	messages      []string
	subscriptions []*subscription
	verb          atomic.Pointer[Verb] // that is executed, or nil
	keys          chan byte            // of whoever waits for digits, or nil
	dial          *dial                // in progress, or nil
	other         *call                // with whom the call is connected, or nil
	trunk         *call                // its other end within the exchange, or nil

	started, answered, ended time.Time
}

// The faults of calls that are not connected.
var (
	faultDeclined   = &Fault{31002, "the call was declined"}
	faultRejected   = &Fault{31002, "the call was rejected"} // by <Reject>
	faultLongParams = &Fault{31103, fmt.Sprintf("the parameters are longer than %d bytes", maxParamsBytes)}
	faultBadRequest = &Fault{31400, "the parameters cannot be read"}
	faultNoAnswer   = &Fault{31480, "nobody answered"}
	faultBusy       = &Fault{31486, "the other side is busy"}
	faultCallerBusy = &Fault{31486, "this device is on a call"}
)

// notConnected are the codes of how a Dial can end without an answer. A caller who was
// answered before has had a call that ended well, as far as Twilio tells.
var notConnected = map[int]string{31002: "busy", 31404: "no-answer", 31480: "no-answer", 31486: "busy"}

func (c *call) over() bool { return !c.ended.IsZero() }

// talks reports whether the far end of the leg has been answered, or has answered.
func (c *call) talks() bool { return !c.answered.IsZero() && !c.over() && c.device != nil }

// top returns the first leg of the call.
func (c *call) top() *call {
	if c.parent != nil {
		return c.parent
	}
	return c
}

// party is what the events call the far end.
func (c *call) party() string {
	if c.parent != nil || c.direction == outboundAPI {
		return c.to
	}
	return c.from
}

// remain renews what ends when the call is over, or REST gives it another document.
func (c *call) remain() { c.stay, c.leave = context.WithCancel(c.ctx) }

// staying returns what ends when the call is over, or REST gives it another document.
func (c *call) staying() context.Context {
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	return c.stay
}

func (x *Exchange) callEvent(c *call, kind EventKind, format string, args ...any) {
	x.event(Event{Kind: kind, Call: c.top().sid, Verb: c.doing(), Text: fmt.Sprintf(format, args...)})
}

// newCall returns a leg that is remembered. x.mu is held.
func (x *Exchange) newCall(parent *call) *call {
	c := &call{x: x, sid: "CA" + random(), parent: parent, status: "ringing", started: time.Now()}
	c.ctx, c.cancel = context.WithCancel(x.ctx)
	c.remain()
	if parent == nil {
		c.hooks = x.hooks.NewSession()
		c.hooks.Owner = c.sid
	} else {
		c.hooks = parent.hooks
	}
	x.calls = append(forgetOldest(x.calls, maxCalls, (*call).over), c)
	return c
}

// Invite starts a call, and does with it what the voice URL says. The params are
// form-encoded, and tempSID is what the page calls the call until it is told its SID.
func (d *Device) Invite(tempSID, offer, query string) {
	x := d.x
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	if d.gone {
		return
	}
	params, custom, refusal := d.mayCall(query)
	if refusal != nil {
		x.event(Event{Kind: CallEvent, Client: d.clientName, Fault: refusal,
			Text: fmt.Sprintf("refused a call of %s: %d: %s", d.name(), refusal.Code, refusal.Message)})
		if !d.proven {
			tempSID = "" // nothing that a stranger sends is echoed
		}
		d.send(Message{Kind: HungUp, CallSID: tempSID, Fault: refusal})
		return
	}
	for _, c := range slices.Clone(d.legs) { // these are ringing; their callers hear busy
		d.send(Message{Kind: Cancelled, CallSID: c.sid})
		c.hangUp(faultBusy)
	}
	c := x.newCall(nil)
	c.tempSID, c.offer, c.peer = tempSID, offer, fingerprint(offer)
	c.direction = "inbound"
	c.from = "client:" + cmp.Or(d.grants.ClientName, "Anonymous")
	c.to = params.Get("To")
	c.params, c.custom = params, custom
	c.signed = slices.Sorted(maps.Keys(d.grants.Params))
	c.applicationSID = d.grants.ApplicationSID
	c.document, c.progress = x.application(c.applicationSID).Voice.plan()
	c.moveTo(d)
	c.says("invite", CallEvent, fmt.Sprintf("%s calls %q", c.from, c.to))
	x.start(func() { x.serve(c) })
}

// mayCall returns the parameters of a call that the device may make.
func (d *Device) mayCall(query string) (url.Values, parameters, *Fault) {
	if d.refusal != nil {
		return nil, nil, d.refusal
	}
	if !d.grants.Outgoing {
		return nil, nil, faultNoOutgoing
	}
	if d.busy() {
		return nil, nil, faultCallerBusy
	}
	if len(query) > maxParamsBytes {
		return nil, nil, faultLongParams
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return nil, nil, faultBadRequest
	}
	maps.Copy(params, d.grants.Params) // what the backend signed wins over what the page says
	return params, inOrder(params, query), nil
}

// inOrder returns the params in the order of the query, those of the token last.
func inOrder(params url.Values, query string) parameters {
	var names []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err == nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var ordered parameters
	for _, name := range names {
		for _, value := range params[name] {
			if name != "To" {
				ordered = append(ordered, parameter{Name: name, Value: value})
			}
		}
	}
	return ordered
}

// fingerprint returns what tells one page's media from another's.
func fingerprint(sdp string) string { return fingerprintLine.FindString(sdp) }

var fingerprintLine = regexp.MustCompile(`(?m)^a=fingerprint:.*$`)

// moveTo gives the leg to a device, and takes it from the one that had it.
func (c *call) moveTo(d *Device) {
	if c.device == d {
		return
	}
	back := c.device != nil
	c.drop()
	c.device = d
	if c.reconnect == "" {
		c.reconnect = random()
	}
	d.legs = append(d.legs, c)
	if back {
		c.x.callEvent(c, DeviceEvent, "%s is back in its call", d.name())
	}
}

// drop takes the leg from its device, and reports whether it was still there.
func (c *call) drop() bool {
	if c.device == nil {
		return false
	}
	legs := len(c.device.legs)
	c.device.legs = slices.DeleteFunc(c.device.legs, func(other *call) bool { return other == c })
	return len(c.device.legs) < legs
}

// knownSID returns the SID under which the page knows the call.
func (c *call) knownSID() string {
	if c.tempSID != "" && !c.told {
		return c.tempSID
	}
	return c.sid
}

// rings tells the caller, once, that it rings somewhere. x.mu is held.
func (c *call) rings() {
	if c.device != nil && c.answered.IsZero() && !c.told {
		c.told = true
		c.device.send(Message{Kind: Ringing, CallSID: c.sid})
	}
}

// pickUp answers a first leg, if nobody has yet.
func (c *call) pickUp() *Fault {
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	defer c.x.notify()
	if c.over() || !c.answered.IsZero() {
		return nil
	}
	if c.device != nil {
		audio, answer, err := c.x.mixer.Answer(c.offer)
		if err != nil {
			return &Fault{31000, fmt.Sprintf("the page's SDP offer is of no use: %v", err)}
		}
		c.audio, c.offer = audio, ""
		c.rings()
		c.device.send(Message{Kind: Answered, CallSID: c.sid, SDP: answer, Reconnect: c.reconnect})
	}
	c.answered, c.status = time.Now(), "in-progress"
	if t := c.trunk; t != nil && t.answered.IsZero() && !t.over() {
		t.take()
	}
	return nil
}

// Resume continues a call on a new socket, or on another page that has been given its
// connectToken. SDK 2.x asks for it whenever it has shown a token, even on the old
// socket, and for a call that it is about to answer.
func (d *Device) Resume(callSID, reconnect, offer string) {
	x := d.x
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	i := slices.IndexFunc(x.calls, func(c *call) bool {
		return !c.over() && c.device != nil && c.sid == callSID && c.reconnect == reconnect
	})
	if i < 0 || d.refusal != nil {
		if !d.proven {
			callSID = ""
		}
		d.send(Message{Kind: HungUp, CallSID: callSID}) // it is over
		return
	}
	switch c := x.calls[i]; {
	case c.answered.IsZero() && (c.device == d || c.parent == nil):
	case !c.answered.IsZero() && c.peer == fingerprint(offer):
		c.moveTo(d)
		d.send(Message{Kind: Answered, CallSID: c.sid, Reconnect: c.reconnect})
	default:
		c.handOver(d, offer)
	}
}

// handOver gives a leg to another page, which answers it if nobody has yet.
func (c *call) handOver(d *Device, offer string) {
	audio, answer, err := c.x.mixer.Answer(offer)
	if err != nil {
		d.send(Message{Kind: HungUp, CallSID: c.sid, Fault: &Fault{31000, fmt.Sprintf("the page's SDP offer is of no use: %v", err)}})
		return
	}
	c.device.send(Message{Kind: Cancelled, CallSID: c.knownSID()})
	c.moveTo(d)
	audio.Take(c.audio)
	c.audio, c.peer, c.told = audio, fingerprint(offer), true
	d.send(Message{Kind: Answered, CallSID: c.sid, SDP: answer, Reconnect: c.reconnect})
	if c.answered.IsZero() {
		c.take()
	}
}

// Restart answers a further offer of a page, such as that of an ICE restart.
func (d *Device) Restart(callSID, offer string) {
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	c := d.leg(callSID)
	if c == nil || !c.talks() {
		return
	}
	answer, err := c.audio.Restart(offer)
	if err != nil {
		d.x.callEvent(c, DeviceEvent, "the offer of %s cannot be answered: %v", d.name(), err)
		return
	}
	d.send(Message{Kind: Answered, CallSID: c.sid, SDP: answer, Reconnect: c.reconnect})
}

// HangUp ends the device's part in a call, or declines it.
func (d *Device) HangUp(callSID string) {
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	defer d.x.notify()
	if c := d.leg(callSID); c != nil {
		if c.parent != nil && c.answered.IsZero() {
			c.decline()
		} else {
			c.hangUp(faultDeclined)
		}
	}
}

// Digits are what the page dials during a call.
func (d *Device) Digits(callSID, digits string) {
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	defer d.x.notify()
	if c := d.leg(callSID); c != nil && twiml.KeysAndPauses(digits) {
		c.press(digits)
	}
}

// press takes what the far end dials: keys, and pauses between them.
func (c *call) press(digits string) {
	top := c.top()
	if len(top.digits)+len(digits) > maxDigits {
		return
	}
	top.digits += digits
	c.says("digits "+digits, DigitsEvent, fmt.Sprintf("%s dials the digits %s", c.party(), digits))
	if c.keys != nil {
		for _, key := range []byte(keysOf(digits)) {
			select {
			case c.keys <- key:
			default:
			}
		}
	}
	if c.other != nil {
		c.other.hearDigits(digits)
	}
}

// keysOf returns digits without the pauses.
func keysOf(digits string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(twiml.Keys, r) {
			return r
		}
		return -1
	}, digits)
}

// takeDigits lets the far end know what is dialled.
func (c *call) takeDigits(digits string) {
	if c.phone != nil {
		c.phone.hear(digits)
	}
	if c.trunk != nil && !c.trunk.over() {
		c.trunk.press(digits)
	}
}

// hearDigits plays what the other side dials.
func (c *call) hearDigits(digits string) {
	c.takeDigits(digits)
	if sound, err := media.Digits(digits); err == nil && c.audio != nil {
		c.audio.Play(sound)
	}
}

// listen returns a channel of the keys that the far end presses from now on, and what
// stops that.
func (c *call) listen() (keys <-chan byte, stop func()) {
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	own, before := make(chan byte, maxDigits), c.keys
	c.keys = own
	return own, func() {
		c.x.mu.Lock()
		defer c.x.mu.Unlock()
		c.keys = before
	}
}

// SendMessage takes a call message of the page. Twilio takes those of one type only,
// and passes them to whoever has subscribed to them over REST.
func (d *Device) SendMessage(callSID string, e VoiceEvent) {
	x := d.x
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	c := d.leg(callSID)
	if c == nil {
		return
	}
	var fault *Fault
	switch {
	case e.Type != userDefinedMessage:
		fault = &Fault{31210, fmt.Sprintf("call messages of the type %.*q are not known: it must be %s", maxQuoted, e.Type, userDefinedMessage)}
	case len(e.Content) > maxMessageSize:
		fault = &Fault{31212, fmt.Sprintf("the call message is longer than %d bytes", maxMessageSize)}
	}
	reply := VoiceEvent{SID: e.SID}
	if fault != nil {
		x.event(Event{Kind: MessageEvent, Call: c.top().sid, Fault: fault,
			Text: fmt.Sprintf("refused a call message of %s: %d: %s", c.party(), fault.Code, fault.Message)})
		d.send(Message{Kind: Refused, CallSID: callSID, VoiceEvent: reply, Fault: fault})
		return
	}
	if top := c.top(); len(top.messages) < maxSaid {
		top.messages = append(top.messages, string(e.Content))
	}
	c.says("message", MessageEvent, fmt.Sprintf("%s sends the call message %s", c.party(), e.Content))
	d.send(Message{Kind: Ack, CallSID: callSID, VoiceEvent: reply})
	c.reportMessage(e)
}

// hangUp ends a leg whose far end has left. The reason is why nobody answers, if
// nobody has.
func (c *call) hangUp(reason *Fault) {
	if c.parent == nil {
		c.end(c, nil)
		return
	}
	c.end(c, reason)
}

// end ends a leg and those that it has dialled. The page is told, unless by is the leg
// itself. Of the reason only the caller learns.
func (c *call) end(by *call, reason *Fault) {
	if c.over() {
		return
	}
	c.status = c.endStatus(by, reason)
	c.ended = time.Now()
	c.cancel()
	if c.dial != nil {
		c.dial.hangUp()
	}
	c.tellEnd(by, reason)
	if t := c.trunk; t != nil && t.parent == nil {
		t.end(t, nil)
	} else if t != nil {
		t.end(t, cmp.Or(reason, faultDeclined))
	}
	if c.audio != nil {
		c.audio.Close()
	}
	if c.branch != nil {
		c.branch.ended(c, reason)
	}
	if c.invitedTo != nil {
		c.invitedTo.uninvite(c)
	}
	// Many calls are remembered.
	c.device, c.phone, c.audio, c.room, c.other, c.trunk, c.dial = nil, nil, nil, nil, nil, nil, nil
	c.subscriptions = nil
	c.offer, c.peer, c.tempSID = "", "", ""
}

// tellEnd tells the far end, and the log, that the leg is over.
func (c *call) tellEnd(by *call, reason *Fault) {
	told := reason
	if reason != nil && notConnected[reason.Code] != "" && !c.answered.IsZero() {
		told = nil
	}
	c.signalEnd(by, told)
	c.fault = reason
	sid := c.knownSID()
	if c.device != nil && c.drop() && by != c {
		if c.parent != nil && c.answered.IsZero() {
			c.device.send(Message{Kind: Cancelled, CallSID: sid})
		} else {
			c.device.send(Message{Kind: HungUp, CallSID: sid, Fault: told})
		}
	}
	if c.phone != nil {
		c.phone.call = nil
	}
	if c.parent != nil && c.document == nil {
		return
	}
	if told != nil {
		c.code = told.Code
	}
	e := Event{Kind: CallEvent, Call: c.sid, Verb: c.verb.Load(), Fault: reason, Text: fmt.Sprintf("the call of %s is over: %s", c.party(), c.status)}
	if reason != nil {
		e.Text += fmt.Sprintf(", %d: %s", reason.Code, reason.Message)
	}
	c.x.event(e)
}

// endStatus returns the status of a leg that ends. A caller who gives up while a Dial rings has
// a completed call, since Twilio counts such a call as in progress, and reports it so to the
// action: https://www.twilio.com/docs/voice/api/call-resource
func (c *call) endStatus(by *call, reason *Fault) string {
	switch {
	case !c.answered.IsZero():
		return "completed"
	case c.canceled, by == c.parent && c.parent != nil && reason == nil:
		return "canceled"
	case by == c && c.parent == nil && !c.inProgress(): // a caller who gives up
		return "no-answer"
	case reason == nil:
		return "completed"
	case reason == faultRejected:
		return "no-answer"
	}
	return cmp.Or(notConnected[reason.Code], "failed")
}

// duration returns how long the leg has been, or was, connected.
func (c *call) duration() time.Duration {
	switch {
	case c.answered.IsZero():
		return 0
	case c.over():
		return c.ended.Sub(c.answered)
	}
	return time.Since(c.answered)
}

// snapshot returns what is known of the call. x.mu is held.
func (c *call) snapshot() Call {
	params := url.Values{}
	for name, values := range c.params {
		params[name] = slices.Clone(values)
	}
	return Call{
		SID: c.sid, From: c.from, To: c.to, Params: params,
		Status: c.status, Code: c.code, Digits: c.digits,
		Said: slices.Clone(c.said), Messages: slices.Clone(c.messages),
	}
}
