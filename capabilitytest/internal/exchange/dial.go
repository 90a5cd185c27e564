package exchange

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A dial rings devices and telephones for a call, until one leg is answered.
type dial struct {
	parent *call
	itself bool          // it rings the devices of the parent, which REST calls: see [call.doubles]
	legs   []*call       // that ring, or the one that was answered
	record *recording    // of the Dial, or nil
	picked chan *call    // the leg that was answered first
	failed chan *outcome // why no leg will be answered
}

// A branch is what a dial does for one noun: it rings all devices of a client, or a
// telephone.
type branch struct {
	dial     *dial
	legs     []*call // that ring, or the one that was answered
	whisper  twiml.Request
	callback *callback
	hooks    *webhook.Session // of the callback, or nil
	digits   string           // that are dialled when a telephone has answered
}

// outcome is how a Dial ended.
type outcome struct {
	status    string // DialCallStatus
	leg       *call  // the one that answered, or the last that did not
	bridged   bool
	fault     *Fault // what a caller is told if this ends the call, or nil
	recording string // its URL, or ""
	more      url.Values
}

// dialVerb does what a Dial says, and returns the document of its action.
func (r *runner) dialVerb(v twiml.Dial) (*script, *Fault) {
	result, fault := r.dial(v)
	if fault != nil {
		return nil, fault
	}
	r.last = result.fault
	ended := Event{Kind: VerbEvent, Call: r.c.top().sid, Fault: result.fault, Text: fmt.Sprintf("<Dial> of %s ends: %s", r.c.party(), result.status)}
	if result.fault != nil {
		ended.Text += fmt.Sprintf(", %d: %s", result.fault.Code, result.fault.Message)
	}
	r.x.event(ended)
	return r.action(v.Action, r.dialForm(result))
}

func (r *runner) dial(v twiml.Dial) (*outcome, *Fault) {
	if v.Invalid != nil {
		r.warn(*v.Invalid)
		return &outcome{status: "failed", fault: (*Fault)(v.Invalid)}, nil
	}
	switch noun := v.Nouns[0].(type) {
	case twiml.Conference:
		return r.confer(v, noun)
	case twiml.Queue:
		return r.dequeue(v, noun)
	}
	if fault := r.checkNumbers(v); fault != nil {
		return nil, fault
	}
	return r.dialNouns(v), nil
}

// dialForm returns what the action of a Dial is told.
func (r *runner) dialForm(result *outcome) url.Values {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	form := url.Values{
		"CallStatus":     {"in-progress"}, // also of a caller who was not answered, while the Dial goes on
		"DialCallStatus": {result.status},
		"DialBridged":    {strconv.FormatBool(result.bridged)},
	}
	if r.c.over() {
		form.Set("CallStatus", r.c.status)
	}
	if result.leg != nil {
		form.Set("DialCallSid", result.leg.sid)
		if result.leg.parent == nil || result.leg.document == nil { // REST has not taken it from the Dial
			form.Set("DialCallDuration", seconds(result.leg.duration()))
		}
	}
	if result.recording != "" {
		form.Set("RecordingUrl", result.recording)
	}
	for name, values := range result.more {
		form[name] = values
	}
	return form
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// dialNouns rings clients and numbers, all at once or one after the other, and
// connects the call with the one that answers.
func (r *runner) dialNouns(v twiml.Dial) *outcome {
	groups := [][]twiml.Noun{v.Nouns}
	if v.Sequential {
		groups = slices.Collect(slices.Chunk(v.Nouns, 1))
	}
	var result *outcome
	for _, nouns := range groups {
		result = r.dialGroup(v, nouns)
		if result.status == "completed" || r.ctx.Err() != nil {
			break
		}
	}
	return result
}

// checkNumbers reports what keeps a Dial from calling a telephone.
func (r *runner) checkNumbers(v twiml.Dial) *Fault {
	for _, noun := range v.Nouns {
		if _, ok := noun.(twiml.Number); !ok {
			continue
		}
		from := cmp.Or(v.CallerID, r.c.from)
		if !IsPhoneNumber(from) {
			return &Fault{13214, fmt.Sprintf("<Dial> of a number with the callerId %q: it must be a telephone number of the account, such as +15550100000", from)}
		}
	}
	return nil
}

// dialGroup rings nouns at once.
func (r *runner) dialGroup(v twiml.Dial, nouns []twiml.Noun) *outcome {
	unanswered := r.x.clock.after(v.Timeout + r.x.timing.Grace)
	defer unanswered.stop()
	d, result := r.ring(nouns, v.CallerID)
	if result != nil {
		return result
	}
	defer r.hangUpDial(d)
	recording := r.recordDial(v, d, true)
	tone := &ringback{c: r.c}
	defer tone.stop()
	leg, result := r.awaitAnswer(d, unanswered, v.AnswerOnBridge, tone)
	if leg == nil {
		recording.discard()
		return result
	}
	result = &outcome{status: "completed", leg: leg}
	if b := leg.branch; b.digits != "" || b.whisper.URL != "" {
		if fault := r.prepare(v, leg, tone); fault != nil {
			recording.discard()
			return &outcome{status: "failed", leg: leg, fault: fault}
		}
		if leg.staying().Err() != nil {
			recording.discard()
			return result
		}
	}
	tone.stop()
	if recording == nil {
		recording = r.recordDial(v, d, false)
	}
	if fault := r.bridge(v, leg); fault != nil {
		recording.discard()
		return &outcome{status: "failed", leg: leg, fault: fault}
	}
	result.bridged = true // also if the leg has left at once
	result.recording = recording.finish()
	return result
}

// awaitAnswer returns the leg that is answered first, or why none is. A caller who is not to
// wait for that is answered meanwhile, and hears the ringing.
func (r *runner) awaitAnswer(d *dial, unanswered *timer, onBridge bool, tone *ringback) (*call, *outcome) {
	pickUp := r.x.clock.after(r.x.timing.Answer)
	defer pickUp.stop()
	early := pickUp.C
	if onBridge {
		early = nil
	}
	tone.start()
	for {
		select {
		case leg := <-d.picked:
			return leg, nil
		case result := <-d.failed:
			return nil, result
		case <-early:
			early = nil
			if fault := r.answerEarly(tone); fault != nil {
				return nil, &outcome{status: "failed", leg: d.first(), fault: fault}
			}
		case <-unanswered.C:
			return r.giveUp(d)
		case <-r.ctx.Done():
			return nil, &outcome{status: "canceled", leg: d.first()}
		}
	}
}

// answerEarly answers a caller who is not to wait for the other side, and hears it ring.
func (r *runner) answerEarly(tone *ringback) *Fault {
	fault := r.c.pickUp()
	tone.start()
	return fault
}

// ringback is what a caller who was answered hears while it rings.
type ringback struct {
	c      *call
	player *media.Player
}

func (t *ringback) start() {
	t.c.x.mu.Lock()
	defer t.c.x.mu.Unlock()
	if t.c.audio != nil && t.player == nil {
		t.player = t.c.audio.Play(media.Ringing())
	}
}

func (t *ringback) stop() {
	if t.player != nil {
		t.player.Stop()
	}
}

// first returns the first leg of a dial.
func (d *dial) first() *call {
	d.parent.x.mu.Lock()
	defer d.parent.x.mu.Unlock()
	if len(d.legs) == 0 {
		return nil
	}
	return d.legs[0]
}

// giveUp ends a dial that nobody has answered in time.
func (r *runner) giveUp(d *dial) (*call, *outcome) {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	select {
	case leg := <-d.picked: // just now
		return leg, nil
	default:
	}
	result := &outcome{status: "no-answer", fault: faultNoAnswer}
	for _, leg := range slices.Clone(d.legs) {
		result.leg = leg
		leg.end(nil, faultNoAnswer)
	}
	return nil, result
}

// forget takes a leg from the dial.
func (d *dial) forget(c *call) {
	d.legs = slices.DeleteFunc(d.legs, func(other *call) bool { return other == c })
}

// hangUp ends the legs of a dial, except one that REST has given another document.
func (d *dial) hangUp() {
	for _, leg := range slices.Clone(d.legs) {
		if leg.document == nil {
			leg.end(leg.parent, nil)
		}
	}
}

// hangUpDial ends what is left of a dial.
func (r *runner) hangUpDial(d *dial) {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	defer r.x.notify()
	d.hangUp()
	for _, leg := range slices.Clone(d.legs) {
		leg.leaveDial() // now that nothing of the Dial touches it any more
	}
	if r.c.dial == d {
		r.c.dial = nil
	}
}

// ring rings every device of the clients that can be rung, and the telephones. It
// returns the outcome if it rings nowhere.
func (r *runner) ring(nouns []twiml.Noun, callerID string) (*dial, *outcome) {
	x, c := r.x, r.c
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	if c.over() { // the caller has hung up
		return nil, &outcome{status: "canceled"}
	}
	d := &dial{parent: c, picked: make(chan *call, 1), failed: make(chan *outcome, 1)}
	c.dial = d
	for _, noun := range nouns {
		x.ringNoun(d, noun, cmp.Or(callerID, c.from), r.self.URL)
	}
	if failed := d.failedAtOnce(); failed != nil {
		c.dial = nil
		return nil, failed
	}
	x.callEvent(c, RingEvent, "%s rings %s", c.from, d.describe())
	c.rings()
	return d, nil
}

// ringNoun rings the devices of a client, or a telephone. x.mu is held.
func (x *Exchange) ringNoun(d *dial, noun twiml.Noun, from string, base *url.URL) {
	switch noun := noun.(type) {
	case twiml.Client:
		x.ringClient(d, noun, from, base)
	case twiml.Number:
		x.ringNumber(d, noun, from, base)
	}
}

// failedAtOnce returns the outcome of a dial that rings nowhere, or nil. It forgets that one
// noun failed before another began to ring.
func (d *dial) failedAtOnce() *outcome {
	var failed *outcome
	select {
	case failed = <-d.failed:
	default:
	}
	if len(d.legs) > 0 {
		return nil
	}
	return failed
}

// describe says where it rings.
func (d *dial) describe() string {
	devices := 0
	var phones []string
	for _, leg := range d.legs {
		if leg.device != nil {
			devices++
		} else {
			phones = append(phones, leg.to)
		}
	}
	if devices > 0 {
		phones = append([]string{Count(devices, "device")}, phones...)
	}
	return strings.Join(phones, " and ")
}

// notRegistered says that no device is registered under the name that is dialled.
func (x *Exchange) notRegistered(name string) *Fault {
	return &Fault{31404, fmt.Sprintf("no device is registered as %q%s (%s)", name, x.encodedHint(name), x.registeredNames())}
}

// ringClient rings the devices of a client. If none can be rung, there is a leg all the same,
// which ends at once.
func (x *Exchange) ringClient(d *dial, client twiml.Client, from string, base *url.URL) {
	devices := x.clients[client.Identity]
	b := &branch{dial: d, whisper: client.Whisper}
	for _, device := range devices {
		if device == d.parent.device || !device.canRing() || slices.ContainsFunc(d.legs, func(c *call) bool { return c.device == device }) {
			continue
		}
		audio, offer, err := x.mixer.Offer()
		if err != nil {
			x.callEvent(d.parent, RingEvent, "%s cannot be rung: %v", device.name(), err)
			continue
		}
		leg := x.newLeg(b, from, "client:"+client.Identity)
		leg.audio = audio
		leg.moveTo(device)
		parameters := map[string]string{
			"CallSid":    leg.sid,
			"AccountSid": x.config.AccountSID,
			"ApiVersion": apiVersion,
			"From":       from,
			"To":         leg.to,
			"Params":     encode(client.Parameters),
		}
		if IsPhoneNumber(from) { // a call of the account's own is attested in full
			parameters["StirStatus"] = "TN-Validation-Passed-A"
		}
		device.send(Message{Kind: Invite, CallSID: leg.sid, SDP: offer, Reconnect: leg.reconnect, Parameters: parameters})
	}
	if len(b.legs) > 0 {
		b.start(client.StatusCallback, base)
		b.rings()
		return
	}
	leg := x.newLeg(b, from, "client:"+client.Identity)
	b.start(client.StatusCallback, base)
	if len(devices) == 0 {
		leg.end(nil, x.notRegistered(client.Identity))
	} else {
		leg.end(nil, faultBusy)
	}
}

// encode writes custom parameters as the SDKs read them: they decode values alone.
func encode(params parameters) string {
	var pairs []string
	for _, p := range params {
		pairs = append(pairs, p.Name+"="+url.QueryEscape(p.Value))
	}
	return strings.Join(pairs, "&")
}

// newLeg returns a leg of a branch.
func (x *Exchange) newLeg(b *branch, from, to string) *call {
	leg := x.newCall(b.dial.parent)
	leg.branch, leg.from, leg.to, leg.direction = b, from, to, "outbound-dial"
	if leg.doubles() {
		leg.sid = leg.parent.sid
	}
	leg.told = true
	b.legs = append(b.legs, leg)
	b.dial.legs = append(b.dial.legs, leg)
	return leg
}

// start reports that the branch is called.
func (b *branch) start(to twiml.StatusCallback, base *url.URL) {
	if b.callback = b.legs[0].newCallback(to, base); b.callback == nil {
		return
	}
	leg := b.legs[0]
	b.hooks = leg.x.hooks.NewSession()
	b.hooks.Owner = leg.top().sid
	leg.report(b.hooks, b.callback, "initiated", "initiated")
}

// rings reports that the branch rings, unless it is over already.
func (b *branch) rings() {
	if len(b.legs) > 0 {
		b.legs[0].report(b.hooks, b.callback, "ringing", "ringing")
	}
}

// Answer takes a page's answer to an invite, unless the call has left it meanwhile.
func (d *Device) Answer(callSID, answer string) {
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	defer d.x.notify()
	c := d.leg(callSID)
	if c == nil || c.parent == nil || !c.answered.IsZero() {
		return
	}
	if err := c.audio.Accept(answer); err != nil {
		d.x.callEvent(c, DeviceEvent, "the answer of %s is of no use: %v", d.name(), err)
		d.send(Message{Kind: HungUp, CallSID: c.sid, Fault: &Fault{31000, fmt.Sprintf("the page's SDP answer is of no use: %v", err)}})
		c.end(c, faultDeclined)
		return
	}
	c.peer = fingerprint(answer)
	c.take()
}

// take gives the call to the leg: its far end has answered.
func (c *call) take() {
	c.answered, c.status = time.Now(), "in-progress"
	c.says("answer", CallEvent, fmt.Sprintf("%s answers the call of %s", c.to, c.top().from))
	d := c.branch.dial
	for _, other := range slices.Clone(d.legs) {
		if other != c {
			other.end(other.parent, nil)
		}
	}
	d.picked <- c
	c.report(c.branch.hooks, c.branch.callback, "answered", "in-progress")
	if c.doubles() {
		c.parent.become(c)
	}
}

// decline ends the ringing of the branch: a client who declines on one device does so
// on all (https://github.com/twilio/twilio-voice.js/issues/435).
func (c *call) decline() {
	for _, other := range slices.Clone(c.branch.legs) {
		if other != c {
			other.end(other.parent, nil)
		}
	}
	c.end(c, faultDeclined)
}

// ended takes a leg that is over from the branch.
func (b *branch) ended(c *call, reason *Fault) {
	b.legs = slices.DeleteFunc(b.legs, func(other *call) bool { return other == c })
	b.dial.forget(c)
	if len(b.legs) == 0 && b.callback != nil {
		recorded := c.recorded()
		c.x.start(func() {
			recorded.wait()
			b.reportEnd(c)
		})
	}
	if len(b.dial.legs) == 0 && c.answered.IsZero() {
		select {
		case b.dial.failed <- &outcome{status: c.status, leg: c, fault: reason}:
		default:
		}
	}
}

// reportEnd reports the end of the branch's last leg.
func (b *branch) reportEnd(c *call) {
	c.x.mu.Lock()
	c.report(b.hooks, b.callback, "completed", c.status)
	c.x.mu.Unlock()
	b.hooks.Close(c.x.ctx)
}

// prepare does for a leg that was answered what is due before it is connected. It returns why
// the caller cannot be answered.
func (r *runner) prepare(v twiml.Dial, leg *call, tone *ringback) *Fault {
	if !v.AnswerOnBridge { // however soon the other side has answered
		if fault := r.answerEarly(tone); fault != nil {
			return fault
		}
	}
	b := leg.branch
	if b.digits != "" {
		r.forCall(leg, twiml.InWhisper).play(leg.staying(), twiml.Play{Digits: b.digits, Loop: 1})
	}
	if b.whisper.URL != "" {
		r.whisper(leg, b.whisper)
	}
	return nil
}

// whisper runs a document for a leg that was answered, before it is connected.
func (r *runner) whisper(leg *call, request twiml.Request) {
	w := r.forCall(leg, twiml.InWhisper)
	target, fault := r.resolve(request)
	if fault == nil {
		var s *script
		if s, fault = w.fetch(target, nil); fault == nil {
			fault = w.run(s)
		}
	}
	if fault != nil || w.hungUp {
		r.x.mu.Lock()
		defer r.x.mu.Unlock()
		leg.end(nil, fault)
		r.x.notify()
	}
}

// bridge connects the call with a leg until one of them hangs up.
func (r *runner) bridge(v twiml.Dial, leg *call) *Fault {
	limit := r.x.clock.after(v.TimeLimit)
	defer limit.stop()
	keys, stop := r.c.listen()
	defer stop()
	room := r.x.mixer.NewRoom()
	r.connect(room, leg, false) // before the caller can know, who may press a key at once
	defer r.x.disconnect(r.c, leg)
	if fault := r.c.pickUp(); fault != nil {
		return fault
	}
	if r.connect(room, leg, true) { // a page that was not answered has had no audio until now
		r.talk(v, leg.staying(), limit, keys)
	}
	return nil
}

// talk waits until the talk of a Dial is over.
func (r *runner) talk(v twiml.Dial, other context.Context, limit *timer, keys <-chan byte) {
	for {
		select {
		case <-other.Done():
			return
		case <-r.ctx.Done():
			return
		case <-limit.C:
			r.x.callEvent(r.c, CallEvent, "the time limit of the <Dial>, %v, has passed", v.TimeLimit)
			return
		case key := <-keys:
			if key == '*' && v.HangupOnStar {
				return
			}
		}
	}
}

// connect puts the call and a leg into a room of their own, unless one of them is over. It is
// an event if they can hear each other.
func (r *runner) connect(room *media.Room, leg *call, event bool) bool {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if r.c.over() || leg.over() {
		return false
	}
	r.c.join(room, media.Seat{})
	leg.join(room, media.Seat{})
	r.c.other, leg.other = leg, r.c
	if event {
		r.c.talksWith(leg)
	}
	r.x.notify()
	return true
}

func (x *Exchange) disconnect(legs ...*call) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range legs {
		c.other = nil
		c.leaveRoom()
	}
}

func (c *call) join(room *media.Room, seat media.Seat) {
	if c.audio != nil {
		c.room = room
		room.Join(c.audio, seat)
	}
}

func (c *call) leaveRoom() {
	if c.room != nil {
		c.room.Leave(c.audio)
		c.room = nil
	}
}

// action requests the action of a verb, whose answer takes the place of the rest of the
// document. Twilio requests it of a call that is over too, and drops the answer.
func (r *runner) action(action twiml.Request, form url.Values) (*script, *Fault) {
	if action.URL == "" {
		return nil, nil
	}
	target, fault := r.resolve(action)
	if fault != nil {
		return nil, fault
	}
	if r.ctx.Err() != nil {
		r.report(target, form)
		return finish, nil
	}
	return r.fetch(target, form)
}

// resolve returns the target of a URL in the document.
func (r *runner) resolve(request twiml.Request) (webhook.Target, *Fault) {
	target, err := webhook.Resolve(r.self.URL, request.URL, request.Method)
	if err != nil {
		return webhook.Target{}, (*Fault)(err)
	}
	return target, nil
}
