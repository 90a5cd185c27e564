package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
)

// The limits are far above what pages need; they keep one that runs wild from
// taking the machine.
const (
	maxDevices = 1000
	outboxSize = 256
)

// maxRegistrations is how many devices Twilio documents to ring under one
// client name: one more drops the oldest registration.
const maxRegistrations = 10

// Why a device is to be given up, as the cause of its context.
var (
	ErrCut     = errors.New("the test cut the socket")
	ErrRefused = errors.New("the token has expired or was refused")
	ErrSlow    = errors.New("the page does not read what it is sent")
	ErrNoToken = errors.New("no valid token was shown in time")
)

// Grants are what a token lets a device do.
type Grants struct {
	ClientName         string // "" if the device has none
	AccessToken        bool   // rather than a capability token
	Incoming, Outgoing bool
	ApplicationSID     string     // of Outgoing
	Params             url.Values // signed, for an outgoing call
	ExpiresAt          time.Time
}

// incomingName returns the client name under which the device may be rung.
func (g *Grants) incomingName() string {
	if !g.Incoming {
		return ""
	}
	return g.ClientName
}

// A Device is one socket: a page on which the SDK runs.
type Device struct {
	x      *Exchange
	ctx    context.Context
	stop   context.CancelCauseFunc
	outbox chan Message
	opened time.Time
	gone   bool

	token      [32]byte // the hash of the token that was shown
	sdk        string   // its version
	grants     *Grants
	shown      time.Time // when the last valid token was
	proven     bool      // it has shown a valid token
	clientName string    // of the token, valid or not any more
	refusal    *Fault    // why the device may do nothing, or nil
	expiry     *time.Timer
	registered string // the client name under which it can be rung
	dropped    bool   // by a newer registration, until it shows a token again
	legs       []*call
}

// A Message is what a page is told. Which fields count depends on the kind.
type Message struct {
	Kind       Kind
	CallSID    string
	SDP        string
	Reconnect  string        // what SDK 2.x shows to resume the call on a new socket
	ClientName string        // of Connected
	TTL        time.Duration // of Connected: how long the token is valid
	Parameters map[string]string
	Fault      *Fault
	VoiceEvent VoiceEvent
}

// Kind is the kind of a message, in the words of the SDKs.
type Kind string

const (
	Connected   Kind = "connected" // a token was accepted
	Refused     Kind = "error"     // a token, or a request
	Ready       Kind = "ready"     // the device is registered, or may call
	Offline     Kind = "offline"   // the device is not registered any more
	Invite      Kind = "invite"    // the device is rung
	Ringing     Kind = "ringing"   // the call of the device rings
	Answered    Kind = "answer"
	Cancelled   Kind = "cancel" // the device is not rung any more
	HungUp      Kind = "hangup"
	CallMessage Kind = "message"
	Ack         Kind = "ack" // of a call message
)

// A VoiceEvent is a call message.
type VoiceEvent struct {
	SID         string
	Type        string
	ContentType string
	Content     []byte // JSON
}

// userDefinedMessage is the only type of call messages: Twilio error 31210.
const userDefinedMessage = "user-defined-message"

// The faults of tokens and requests. For a missing grant there is no code of its own,
// only that of authorization in general.
var (
	faultNoToken    = &Fault{31204, "no valid token was shown"}
	faultExpired    = &Fault{31205, "the token has expired"}
	faultNoOutgoing = &Fault{31201, "the token grants no outgoing calls"}
)

// Connect returns a device for a new socket, nil if there are too many. Leave must be
// called when the socket is closed.
func (x *Exchange) Connect() *Device {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx.Err() != nil || len(x.devices) == maxDevices {
		return nil
	}
	d := &Device{x: x, outbox: make(chan Message, outboxSize), opened: time.Now(), refusal: faultNoToken}
	d.ctx, d.stop = context.WithCancelCause(x.ctx)
	x.devices[d] = true
	x.running.Add(1) // until Leave
	return d
}

// Context is done when the socket is to be closed. What is left in the outbox should be
// sent before, unless the cause is ErrCut or ErrSlow.
func (d *Device) Context() context.Context { return d.ctx }

// Outbox returns what the page is to be told.
func (d *Device) Outbox() <-chan Message { return d.outbox }

// Stop makes the socket be closed.
func (d *Device) Stop(cause error) { d.stop(cause) }

// StopUnproven makes the socket be closed if it has not shown a valid token by now.
func (d *Device) StopUnproven() {
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	if !d.proven {
		d.stop(ErrNoToken)
	}
}

// name is what the events call the device.
func (d *Device) name() string {
	if !d.proven {
		return "a device without a valid token"
	}
	return cmp.Or(d.clientName, "a device without a client name")
}

// send queues a message. A device that reads none of them is given up.
func (d *Device) send(m Message) {
	if d.gone {
		return
	}
	d.x.signalled(m)
	select {
	case d.outbox <- m:
	default:
		d.stop(ErrSlow)
	}
}

func (x *Exchange) deviceEvent(d *Device, kind EventKind, format string, args ...any) {
	x.event(Event{Kind: kind, Client: d.clientName, Text: fmt.Sprintf(format, args...)})
}

// Accept gives the device what its token grants, the first one or one that renews it.
// The hash is the token's, and sdk the version of the SDK.
func (d *Device) Accept(granted *Grants, hash [32]byte, sdk string) {
	x := d.x
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	if d.gone {
		return
	}
	if code, ok := x.refusals[granted.ClientName]; ok {
		delete(x.refusals, granted.ClientName)
		reason := &Fault{code, "refused as asked"}
		x.event(Event{Kind: TokenEvent, Client: granted.ClientName, Fault: reason, Token: &Token{ClientName: granted.ClientName},
			Text: fmt.Sprintf("refused a token of %s with %d, as asked", granted.ClientName, code)})
		d.refuse(reason)
		return
	}
	d.token, d.grants, d.refusal, d.proven, d.dropped, d.sdk = hash, granted, nil, true, false, sdk
	d.clientName, d.shown = granted.ClientName, time.Now()
	if granted.incomingName() != d.registered {
		d.unregister()
	}
	ttl := time.Until(granted.ExpiresAt)
	d.expireIn(ttl, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		if d.grants == granted { // and not renewed since
			d.expire()
		}
	})
	x.deviceEvent(d, TokenEvent, "%s shows a token that is valid for %v", d.name(), ttl.Round(time.Second))
	d.send(Message{Kind: Connected, ClientName: granted.ClientName, TTL: ttl})
	d.catchUp()
}

// Refuse refuses a token.
func (d *Device) Refuse(reason *Fault, token *Token) {
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	defer d.x.notify()
	if d.gone {
		return
	}
	d.x.event(Event{Kind: TokenEvent, Client: d.clientName, Fault: reason, Token: token,
		Text: fmt.Sprintf("refused a token: %d: %s", reason.Code, reason.Message)})
	d.refuse(reason)
}

// refuse leaves the device with its calls and nothing else. The socket stays
// open, unless that is asked for: the SDK comes back at once with the same token.
func (d *Device) refuse(reason *Fault) {
	registered := d.registered != ""
	d.unregister()
	d.grants, d.refusal = nil, reason
	d.expireIn(0, nil)
	d.send(Message{Kind: Refused, Fault: reason})
	switch {
	case d.x.config.CloseOnRefusal:
		d.stop(ErrRefused)
	case registered:
		d.send(Message{Kind: Offline}) // else SDK 2.x does not register again
	}
}

func (d *Device) expire() {
	d.x.event(Event{Kind: TokenEvent, Client: d.clientName, Fault: faultExpired, Text: fmt.Sprintf("the token of %s has expired", d.name())})
	d.refuse(faultExpired)
	d.x.notify()
}

// expireIn replaces the timer of the device's token; nil only stops it.
func (d *Device) expireIn(ttl time.Duration, expire func()) {
	if d.expiry != nil {
		d.expiry.Stop()
	}
	d.expiry = nil
	if expire != nil {
		d.expiry = time.AfterFunc(ttl, expire)
	}
}

// Register makes a device ready, and lets it ring if its token says so. Without
// audio it is not to ring any more. The SDK registers anew every 30 s.
func (d *Device) Register(audio bool) {
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	defer d.x.notify()
	switch {
	case d.refusal != nil:
		d.send(Message{Kind: Refused, Fault: d.refusal})
	case !audio:
		d.unregister()
		d.send(Message{Kind: Offline})
	case !d.dropped:
		if name := d.grants.incomingName(); name != d.registered {
			d.unregister()
			d.register(name)
		}
		d.send(Message{Kind: Ready})
	}
}

func (d *Device) register(name string) {
	if name == "" {
		return
	}
	x := d.x
	if others := x.clients[name]; len(others) == maxRegistrations {
		oldest := others[0]
		oldest.unregister()
		oldest.dropped = true
		oldest.send(Message{Kind: Offline})
	}
	x.clients[name] = append(x.clients[name], d)
	d.registered = name
	x.deviceEvent(d, DeviceEvent, "%s is registered (%s)", name, Count(len(x.clients[name]), "device"))
}

func (d *Device) unregister() {
	x := d.x
	if d.registered == "" {
		return
	}
	others := slices.DeleteFunc(x.clients[d.registered], func(other *Device) bool { return other == d })
	if x.clients[d.registered] = others; len(others) == 0 {
		delete(x.clients, d.registered)
	}
	x.deviceEvent(d, DeviceEvent, "%s is no longer registered (%s left)", d.registered, Count(len(others), "device"))
	d.registered = ""
}

// Leave forgets a device whose socket is closed. A call that was answered goes on
// for a while, since the SDK comes back on another socket, unless its page left.
func (d *Device) Leave(left bool) {
	x := d.x
	defer x.running.Done()
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	d.stop(nil)
	d.forget()
	for _, c := range slices.Clone(d.legs) {
		if !left && c.answered.IsZero() {
			x.lose(c)
		}
		if left || c.answered.IsZero() || x.ctx.Err() != nil {
			c.hangUp(faultDeclined)
			continue
		}
		x.callEvent(c, DeviceEvent, "%s lost its connection during a call", d.name())
		x.start(func() { x.endUnlessBack(c, d) })
	}
	for other := range x.devices { // the page may be back before its old socket is known to be lost
		if other.proven && other.token == d.token {
			other.catchUp()
		}
	}
}

// forget takes a device off the exchange. What its page has said already, and nobody has read
// yet, comes too late.
func (d *Device) forget() {
	d.unregister()
	d.expireIn(0, nil)
	d.grants, d.refusal, d.gone = nil, faultNoToken, true
	delete(d.x.devices, d)
}

// endUnlessBack ends a call whose device does not come back in time.
func (x *Exchange) endUnlessBack(c *call, d *Device) {
	x.clock.sleep(c.ctx, x.timing.Reconnect)
	x.mu.Lock()
	defer x.mu.Unlock()
	if c.device == d {
		c.hangUp(nil)
		x.notify()
	}
}

// A lostCall is one that ended with its device's socket, before it was answered.
type lostCall struct {
	sid    string // as the page knows it
	token  [32]byte
	opened time.Time // the device's
}

const maxLost = 1000

func (x *Exchange) lose(c *call) {
	x.lost = append(x.lost, lostCall{c.knownSID(), c.device.token, c.device.opened})
	x.lost = x.lost[max(0, len(x.lost)-maxLost):]
}

// catchUp deals with the calls of a page that may be back on a new socket.
func (d *Device) catchUp() {
	d.adopt()
	d.tellLost()
}

// adopt continues, on a new socket, the calls of a page with SDK 1.x, which keeps
// them but says nothing of them: it shows the same token.
func (d *Device) adopt() {
	if !strings.HasPrefix(d.sdk, "1.") {
		return
	}
	for _, c := range d.x.calls {
		// A tab that was open before the call is another one: tokens are equal
		// if they grant the same and were minted in the same second.
		if c.talks() && c.device.gone && c.device.token == d.token && d.opened.After(c.answered) {
			c.moveTo(d)
		}
	}
}

// tellLost tells a page that is back that a call ended with its old socket,
// before it was answered. The SDKs do not find out by themselves.
func (d *Device) tellLost() {
	d.x.lost = slices.DeleteFunc(d.x.lost, func(c lostCall) bool {
		if c.token != d.token || !d.opened.After(c.opened) {
			return false
		}
		d.send(Message{Kind: Cancelled, CallSID: c.sid}) // SDK 2.x takes no hangup,
		d.send(Message{Kind: HungUp, CallSID: c.sid})    // and 1.x no cancel until it rings.
		return true
	})
}

// leg returns the device's part in the call, nil if that is over.
func (d *Device) leg(sid string) *call {
	i := slices.IndexFunc(d.legs, func(c *call) bool { return sid != "" && (c.sid == sid || c.tempSID == sid) })
	if i < 0 {
		return nil
	}
	return d.legs[i]
}

// busy reports whether the device makes a call or has answered one.
func (d *Device) busy() bool {
	return slices.ContainsFunc(d.legs, func(c *call) bool { return c.parent == nil || !c.answered.IsZero() })
}

// dials reports whether the device makes a call that nobody has answered yet.
func (d *Device) dials() bool {
	return slices.ContainsFunc(d.legs, func(c *call) bool { return c.parent == nil && c.answered.IsZero() })
}

// canRing reports whether the device can be rung by one more call. During a call
// it can: it is the SDK that ignores that, unless allowIncomingWhileBusy is set. A
// device that dials is not rung: when two dial each other, both SDKs would ignore
// the ring, and neither caller would be told.
//
// Many calls that are made and hung up at once must not overflow its outbox: each
// is one message now, and one when it ends.
func (d *Device) canRing() bool {
	return !d.dials() && len(d.outbox)+len(d.legs) < outboxSize/2
}

// encodedHint says that a client is registered under the encoded form of a name.
func (x *Exchange) encodedHint(name string) string {
	if encoded := capability.EncodeClientName(name); encoded != name && len(x.clients[encoded]) > 0 {
		return fmt.Sprintf(", but %q is: encode the name that is dialled", encoded)
	}
	return ""
}

// registeredNames lists who is registered, for a message.
func (x *Exchange) registeredNames() string {
	const most = 10
	var names []string
	for name := range x.clients {
		names = append(names, fmt.Sprintf("%q", name))
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "nobody is registered"
	case len(names) > most:
		return fmt.Sprintf("registered are %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "registered: " + strings.Join(names, ", ")
}
