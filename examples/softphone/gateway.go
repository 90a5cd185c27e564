package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability"
)

// maxRegistrations is how many devices Twilio documents to ring under one
// client name: one more drops the oldest registration.
const maxRegistrations = 10

// gateway stands in for Twilio's signalling gateway and for the TwiML
// application behind it, which here dials the client that the parameter To
// names. It is there to teach and to test with, and not for production: it
// knows one account, keeps everything in memory, and relays no media, so that
// two devices talk only if they reach each other directly.
type gateway struct {
	account   account
	heartbeat time.Duration // the SDK gives a silent socket up after 15 s
	ringFor   time.Duration // Twilio's <Dial> gives up after 30 s
	waitFor   time.Duration // for the token of a new socket

	ctx     context.Context
	cancel  context.CancelFunc
	sockets sync.WaitGroup

	mu      sync.Mutex           // guards all below, and every device and call
	open    int                  // sockets
	clients map[string][]*device // by client name, the oldest registration first
}

// A device is one socket: a page on which the SDK runs.
type device struct {
	outbox chan []byte
	stop   context.CancelFunc

	grants     *grants
	refusal    *fault // why the device may do nothing, or nil
	expiry     *time.Timer
	registered string // the client name under which it can be rung
	dropped    bool   // by a newer registration, until it shows a token again
	legs       []*leg
}

// grants are what a token of either kind lets a device do.
type grants struct {
	clientName         string // "" if the device has none
	incoming, outgoing bool
	params             url.Values // signed, for an outgoing call
	expiresAt          time.Time
}

// A call has one caller and rings many devices, one of which may answer.
type call struct {
	caller, answered *leg
	ringing          []*leg
	unanswered       *time.Timer
}

// A leg is one device's part in a call. Each has a SID of its own.
type leg struct {
	call         *call
	device       *device
	sid, tempSID string // tempSID is the caller's own, until it hears of sid
}

// A fault is an error as the SDK reports it to the page.
type fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// The codes are those that Twilio documents or the SDK knows. For a missing
// grant there is none of its own, only that of authorization in general.
var (
	faultNoToken    = &fault{31204, "no valid token was shown"}
	faultExpired    = &fault{31205, "the token has expired"}
	faultNoOutgoing = &fault{31201, "the token grants no outgoing calls"}
	faultDeclined   = &fault{31002, "the call was declined"}
	faultBadRequest = &fault{31400, "the parameters cannot be read"}
	faultNotFound   = &fault{31404, "no device is registered under this client name"}
	faultNoAnswer   = &fault{31480, "nobody answered"}
	faultBusy       = &fault{31486, "every device is on a call"}
	faultBusyCaller = &fault{31486, "the caller is on a call"}
)

// candidates are the lines of an offer that say where the caller can be reached.
// They are kept from the devices that ring: all who accept at once would reach
// the caller, and the wrong one might before the one that gets the call. That
// one is told to the caller, who reaches it.
var candidates = regexp.MustCompile(`(?m)^a=candidate:.*\n`)

// message is a frame in either direction.
type message struct {
	Type    string  `json:"type"`
	Version string  `json:"version"`
	Payload payload `json:"payload"`
}

type payload struct {
	Token   string `json:"token,omitempty"`
	CallSID string `json:"callsid,omitempty"`
	SDP     string `json:"sdp,omitempty"`

	Media  media       `json:"media,omitzero"`  // of register
	Twilio application `json:"twilio,omitzero"` // of invite from a page

	Parameters map[string]string `json:"parameters,omitempty"` // of invite to a page
	Region     string            `json:"region,omitempty"`     // of connected
	Gateway    string            `json:"gateway,omitempty"`
	Error      *fault            `json:"error,omitempty"` // of error and hangup
}

type media struct {
	Audio bool `json:"audio"`
}

type application struct {
	Params string `json:"params"`
}

func newGateway(acct account) *gateway {
	ctx, cancel := context.WithCancel(context.Background())
	return &gateway{
		account:   acct,
		heartbeat: 5 * time.Second,
		ringFor:   30 * time.Second,
		waitFor:   10 * time.Second,
		ctx:       ctx,
		cancel:    cancel,
		clients:   map[string][]*device{},
	}
}

// Close tells every page that the gateway goes away, and waits for them.
func (g *gateway) Close() {
	g.cancel()
	g.sockets.Wait()
}

// ServeHTTP serves one device for as long as its socket lasts.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		http.Error(w, "too many devices", http.StatusServiceUnavailable)
		return
	}
	defer g.exit()
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()

	ctx, stop := context.WithCancel(g.ctx)
	defer stop()
	d := &device{outbox: make(chan []byte, 64), stop: stop, refusal: faultNoToken}
	defer g.leave(d)
	noToken := time.AfterFunc(g.waitFor, stop)
	defer noToken.Stop()
	go write(ctx, conn, d.outbox, g.heartbeat)
	for {
		_, data, err := conn.Read(context.Background()) // write closes conn
		if err != nil {
			return
		}
		if string(data) == "\n" { // the page's answer to a heartbeat
			continue
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			conn.Close(websocket.StatusInvalidFramePayloadData, "not a signalling message")
			return
		}
		if g.handle(d, m) {
			noToken.Stop()
		}
	}
}

// maxSockets is more than the tabs of one browser.
const maxSockets = 200

// enter counts a socket, unless there are too many.
func (g *gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == maxSockets {
		return false
	}
	g.open++
	g.sockets.Add(1)
	return true
}

func (g *gateway) exit() {
	g.mu.Lock()
	g.open--
	g.mu.Unlock()
	g.sockets.Done()
}

// write alone sends what the gateway has to say, so that nobody who holds its
// lock has to wait for a slow page.
func write(ctx context.Context, conn *websocket.Conn, outbox <-chan []byte, heartbeat time.Duration) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		data := []byte("\n")
		select {
		case <-ctx.Done():
			conn.Close(websocket.StatusGoingAway, "the gateway goes away")
			return
		case data = <-outbox:
		case <-beat.C:
		}
		// Not ctx itself: what is half written when it ends would cut the socket.
		writing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := conn.Write(writing, websocket.MessageText, data)
		cancel()
		if err != nil {
			conn.CloseNow()
			return
		}
	}
}

// handle does what a message asks, and reports whether d has shown a good token
// by now.
func (g *gateway) handle(d *device, m message) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch m.Type {
	case "listen":
		g.listen(d, m.Payload.Token)
	case "register":
		g.register(d, m.Payload.Media.Audio)
	case "invite":
		g.invite(d, m.Payload)
	case "answer":
		d.answer(m.Payload)
	case "hangup", "reject":
		if l := d.leg(m.Payload.CallSID); l != nil {
			l.leave()
		}
	}
	return d.grants != nil
}

// listen takes a token, the first one of a device or one that renews it.
func (g *gateway) listen(d *device, token string) {
	granted, err := g.verify(token)
	if err != nil {
		slog.Warn("token refused", "error", err)
		g.refuse(d, g.tokenFault(token, err))
		return
	}
	d.grants, d.refusal, d.dropped = granted, nil, false
	if granted.incomingName() != d.registered {
		g.unregister(d)
	}
	d.expireIn(time.Until(granted.expiresAt), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if d.grants == granted { // and not renewed since
			g.refuse(d, faultExpired)
		}
	})
	d.send("connected", payload{Token: token, Region: "local", Gateway: "softphone"})
}

// verify returns what a token of either kind grants.
func (g *gateway) verify(token string) (*grants, error) {
	if isAccessToken(token) {
		return verifyAccessToken(token, g.account)
	}
	claims, err := capability.Verify(token, g.account.sid, g.account.authToken)
	if err != nil {
		return nil, err
	}
	_, incoming := claims.Incoming()
	_, params, outgoing := claims.Outgoing()
	return &grants{
		clientName: claims.ClientName(),
		incoming:   incoming,
		outgoing:   outgoing,
		params:     params,
		expiresAt:  claims.ExpiresAt,
	}, nil
}

// incomingName returns the client name under which the device may be rung.
func (g *grants) incomingName() string {
	if !g.incoming {
		return ""
	}
	return g.clientName
}

// tokenFault names the fault of a token that was refused as Twilio does.
func (g *gateway) tokenFault(token string, err error) *fault {
	// Twilio has many accounts, and has to look up whose key it needs before it
	// can check a signature.
	accountSID, parseErr := unverifiedAccountSID(token)
	switch {
	case parseErr == nil && accountSID != g.account.sid:
		return &fault{31203, "no valid account"}
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return &fault{31202, "the token's signature is not valid"}
	case errors.Is(err, jwt.ErrTokenExpired):
		return faultExpired
	case errors.Is(err, capability.ErrInvalidTTL):
		return &fault{31207, "the token is valid for more than 24 hours"}
	default:
		return &fault{31204, "the token is not valid"}
	}
}

// unverifiedAccountSID returns the account that a token says it is of.
func unverifiedAccountSID(token string) (string, error) {
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		return "", err
	}
	if isAccessToken(token) {
		return claims.Subject, nil
	}
	return claims.Issuer, nil
}

// refuse leaves the device with its calls and nothing else. The socket stays
// open: the SDK would only come back at once with the same token.
func (g *gateway) refuse(d *device, reason *fault) {
	registered := d.registered != ""
	g.unregister(d)
	d.grants, d.refusal = nil, reason
	d.send("error", payload{Error: reason})
	if registered {
		d.send("offline", payload{}) // else SDK 2.x does not register again
	}
}

// register makes a device ready, and lets it ring if its token says so. The
// SDK registers anew every 30 s.
func (g *gateway) register(d *device, audio bool) {
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
		g.unregister(d)
		g.add(d, name)
	}
	d.send("ready", payload{})
}

func (g *gateway) add(d *device, name string) {
	if name == "" {
		return
	}
	if others := g.clients[name]; len(others) == maxRegistrations {
		oldest := others[0]
		g.unregister(oldest)
		oldest.dropped = true
		oldest.send("offline", payload{})
	}
	g.clients[name] = append(g.clients[name], d)
	d.registered = name
}

func (g *gateway) unregister(d *device) {
	others := slices.DeleteFunc(g.clients[d.registered], func(other *device) bool { return other == d })
	if g.clients[d.registered] = others; len(others) == 0 {
		delete(g.clients, d.registered)
	}
	d.registered = ""
}

// leave forgets a device whose socket is closed.
func (g *gateway) leave(d *device) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unregister(d)
	d.expireIn(0, nil)
	for _, l := range slices.Clone(d.legs) {
		l.leave()
	}
}

// invite rings every free device of the client that d calls.
func (g *gateway) invite(d *device, p payload) {
	params, devices, refusal := g.route(d, p.Twilio.Params)
	if refusal != nil {
		d.send("hangup", payload{CallSID: p.CallSID, Error: refusal})
		return
	}

	c := &call{}
	c.caller = &leg{call: c, device: d, sid: newCallSID(), tempSID: p.CallSID}
	d.legs = append(d.legs, c.caller)
	d.send("ringing", payload{CallSID: c.caller.sid})
	offer := candidates.ReplaceAllString(p.SDP, "")
	from, to := cmp.Or(d.grants.clientName, "Anonymous"), params.Get("To")
	params.Del("To")
	for _, callee := range devices {
		l := &leg{call: c, device: callee, sid: newCallSID()}
		c.ringing = append(c.ringing, l)
		callee.legs = append(callee.legs, l)
		callee.send("invite", payload{CallSID: l.sid, SDP: offer, Parameters: map[string]string{
			"CallSid":    l.sid,
			"AccountSid": g.account.sid,
			"ApiVersion": "2010-04-01",
			"From":       "client:" + from,
			"To":         "client:" + to,
			"Params":     params.Encode(),
		}})
	}
	c.unanswered = time.AfterFunc(g.ringFor, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if c.answered == nil {
			c.end(nil, faultNoAnswer)
		}
	})
	slog.Info("call", "from", from, "to", to, "devices", len(devices))
}

// route returns the parameters of a call and the devices to ring.
func (g *gateway) route(d *device, query string) (url.Values, []*device, *fault) {
	if d.refusal != nil {
		return nil, nil, d.refusal
	}
	if !d.grants.outgoing {
		return nil, nil, faultNoOutgoing
	}
	if d.busy() {
		return nil, nil, faultBusyCaller
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return nil, nil, faultBadRequest
	}
	maps.Copy(params, d.grants.params) // what the backend signed wins over what the page says
	to := strings.TrimPrefix(params.Get("To"), "client:")
	params.Set("To", to)

	registered := g.clients[to]
	if len(registered) == 0 {
		return nil, nil, faultNotFound
	}
	free := slices.DeleteFunc(slices.Clone(registered), func(other *device) bool { return other == d || other.busy() })
	if len(free) == 0 {
		return nil, nil, faultBusy
	}
	return params, free, nil
}

// send queues a message. A device that reads none of them is given up.
func (d *device) send(kind string, p payload) {
	data, err := json.Marshal(message{Type: kind, Version: "1.5", Payload: p})
	if err != nil {
		panic(err) // strings and numbers can always be marshalled
	}
	select {
	case d.outbox <- data:
	default:
		d.stop()
	}
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

// answer gives the call to the device, unless the call has left it meanwhile.
func (d *device) answer(p payload) {
	l := d.leg(p.CallSID)
	if l == nil || !slices.Contains(l.call.ringing, l) {
		return
	}
	c := l.call
	c.unanswered.Stop()
	c.answered = l
	c.cancelRinging(l)
	c.caller.device.send("answer", payload{CallSID: c.caller.sid, SDP: p.SDP})
}

// leg returns the device's part in the call, nil if that is over.
func (d *device) leg(sid string) *leg {
	i := slices.IndexFunc(d.legs, func(l *leg) bool { return sid != "" && (l.sid == sid || l.tempSID == sid) })
	if i < 0 {
		return nil
	}
	return d.legs[i]
}

func (d *device) busy() bool {
	return slices.ContainsFunc(d.legs, func(l *leg) bool { return l == l.call.caller || l == l.call.answered })
}

// leave ends the leg's call, or only its ringing while others still ring.
func (l *leg) leave() {
	c := l.call
	if !slices.Contains(c.ringing, l) {
		c.end(l, nil)
		return
	}
	l.drop()
	c.ringing = slices.DeleteFunc(c.ringing, func(other *leg) bool { return other == l })
	if len(c.ringing) == 0 {
		c.end(l, faultDeclined)
	}
}

// end ends the call for everybody but the leg that ended it itself.
func (c *call) end(by *leg, reason *fault) {
	c.unanswered.Stop()
	c.cancelRinging(nil)
	for _, l := range []*leg{c.caller, c.answered} {
		if l != nil && l.drop() && l != by {
			l.device.send("hangup", payload{CallSID: l.sid, Error: reason})
		}
	}
}

// cancelRinging stops the ringing everywhere; answered rings no more as it is.
func (c *call) cancelRinging(answered *leg) {
	for _, l := range c.ringing {
		if l != answered && l.drop() {
			l.device.send("cancel", payload{CallSID: l.sid})
		}
	}
	c.ringing = nil
}

// drop takes the leg from its device, and reports whether it was still there.
func (l *leg) drop() bool {
	legs := len(l.device.legs)
	l.device.legs = slices.DeleteFunc(l.device.legs, func(other *leg) bool { return other == l })
	return len(l.device.legs) < legs
}

func newCallSID() string {
	var id [16]byte
	rand.Read(id[:])
	return "CA" + hex.EncodeToString(id[:])
}
