package exchange

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A call that has gone through as many documents within as much time, without a key
// pressed, goes round in circles.
const (
	maxDocuments = 20
	circleTime   = 5 * time.Second
)

// A script is a document that is to be executed.
type script struct {
	verbs []twiml.Verb
	from  webhook.Target // where it comes from: URLs in it are relative to that
	id    string         // of the request that fetched it
}

// Instead of a document to go on with:
var (
	finish = &script{} // there is none: the call is over, or the document for a while is
	leave  = &script{} // the same, by <Leave>
)

// A runner executes documents for a call.
type runner struct {
	x      *Exchange
	c      *call
	ctx    context.Context // until the call is over, or the documents of no use
	place  twiml.Place
	self   webhook.Target    // where the present document comes from
	more   func() url.Values // what each request is told beside the call, or nil
	last   *Fault            // why the last Dial was not connected, or nil
	recent []time.Time       // when the last documents began
	hungUp bool              // by <Hangup>
	left   bool              // by <Leave>
	within *Verb             // of the same call, in which the documents are executed, or nil

	audience *conference // which hears the documents, rather than the call, or nil
}

// forCall returns a runner for documents of another kind, or for another call.
func (r *runner) forCall(c *call, place twiml.Place) *runner {
	w := &runner{x: r.x, c: c, ctx: r.ctx, place: place, self: r.self}
	if c != r.c {
		w.ctx = c.staying()
		return w
	}
	w.within = c.verb.Load()
	return w
}

// dialTo dials the client that the parameter To names, or the telephone.
func (r *runner) dialTo() *Fault {
	to := strings.TrimPrefix(r.c.to, "client:")
	if to == "" {
		return &Fault{31404, "the call has no parameter To, which says whom to dial: connect({params: {To: 'tommy'}})"}
	}
	v := twiml.Dial{Timeout: r.x.timing.Ring - r.x.timing.Grace, TimeLimit: 4 * time.Hour, AnswerOnBridge: true}
	if e164, ok := twiml.PhoneNumber(to); ok && IsPhoneNumber(e164) && strings.HasPrefix(to, "+") { // else it may be a client's name
		v.Nouns = []twiml.Noun{twiml.Number{Number: e164}}
	} else {
		v.Nouns = []twiml.Noun{twiml.Client{Identity: to, Parameters: r.c.custom}}
	}
	return r.dialNouns(v).fault
}

// run executes a document, and those that it leads to. It returns why the call ends, or
// nil.
func (r *runner) run(s *script) *Fault {
	defer r.resumeVerb()
	for s != finish && s != leave {
		if r.circles() {
			return &Fault{11215, fmt.Sprintf("the call went through %d documents within %v", maxDocuments, circleTime)}
		}
		next, fault := r.execute(s)
		if fault != nil {
			return fault
		}
		s = next
	}
	r.left = s == leave
	return nil
}

// circles reports whether documents follow each other too fast.
func (r *runner) circles() bool {
	r.recent = append(r.recent, time.Now())
	if len(r.recent) <= maxDocuments {
		return false
	}
	r.recent = r.recent[1:]
	return time.Since(r.recent[0]) < circleTime
}

// execute does what a document says, and returns the document to go on with.
func (r *runner) execute(s *script) (*script, *Fault) {
	r.self, r.last = s.from, nil
	begun := map[string]int{} // how many verbs of a name
	for _, verb := range s.verbs {
		if r.ctx.Err() != nil {
			return finish, nil
		}
		name := nameOf(verb)
		r.beginVerb(&Verb{Document: s.id, Name: name, Index: begun[name]})
		begun[name]++
		next, fault := r.verb(verb)
		if next != nil || fault != nil {
			return next, fault
		}
	}
	return finish, r.last
}

// beginVerb says which verb of a document is executed now.
func (r *runner) beginVerb(v *Verb) {
	r.c.verb.Store(v)
	r.x.event(Event{Kind: VerbEvent, Call: r.c.top().sid, Verb: v})
}

// nameOf returns the name of a verb's element.
func nameOf(verb twiml.Verb) string { return strings.TrimPrefix(fmt.Sprintf("%T", verb), "twiml.") }

// resumeVerb says that the verb goes on in which the documents were executed.
func (r *runner) resumeVerb() {
	if r.within != nil {
		r.c.verb.Store(r.within)
	}
}

// verb does what a verb says. It returns nil to go on with the next one.
func (r *runner) verb(verb twiml.Verb) (*script, *Fault) {
	switch v := verb.(type) {
	case twiml.Say:
		return nil, r.say(r.ctx, v)
	case twiml.Play:
		return nil, r.play(r.ctx, v)
	case twiml.Pause:
		r.pause(r.ctx, v)
		return nil, nil
	case twiml.Gather:
		return r.gather(v)
	case twiml.Record:
		return r.record(v)
	case twiml.Dial:
		return r.dialVerb(v)
	case twiml.Enqueue:
		return r.enqueue(v)
	case twiml.Leave:
		return leave, nil
	case twiml.Redirect:
		target, fault := r.target(v.Request)
		if fault != nil {
			return nil, fault
		}
		return r.fetch(target, nil)
	case twiml.Hangup:
		r.hungUp = true
		return finish, nil
	case twiml.Reject:
		r.hungUp = true
		if v.Busy {
			return nil, faultBusy
		}
		return nil, faultRejected
	}
	return nil, &Fault{twiml.Unsupported, fmt.Sprintf("the stand-in does not support %T", verb)}
}

// target returns the target of a request of which no URL is the document's own.
func (r *runner) target(request twiml.Request) (webhook.Target, *Fault) {
	if request.URL != "" || r.self.URL == nil {
		return r.resolve(request)
	}
	return webhook.Target{Method: request.Method, URL: r.self.URL}, nil
}

// say lets the far end hear a text. Without a voice it is a tone for each word; what a
// test wants to know is the text.
func (r *runner) say(ctx context.Context, v twiml.Say) *Fault {
	return r.hear(ctx, v.Text, fmt.Sprintf("%s is told %q", r.c.party(), v.Text), media.Words(v.Text).Repeat(v.Loop))
}

func (r *runner) play(ctx context.Context, v twiml.Play) *Fault {
	if v.Digits != "" {
		return r.playDigits(ctx, v)
	}
	target, fault := r.resolve(twiml.Request{URL: v.URL, Method: http.MethodGet})
	if fault != nil {
		return fault
	}
	file, err := r.c.hooks.FetchAudio(ctx, target.URL)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return (*Fault)(err)
	}
	return r.hear(ctx, v.URL, fmt.Sprintf("%s hears %s", r.c.party(), webhook.Shown(target.URL)), r.decode(file.Body).Repeat(v.Loop))
}

// playDigits lets the far end hear digits. A number of the account takes them when they have
// been heard, for what it asks.
func (r *runner) playDigits(ctx context.Context, v twiml.Play) *Fault {
	sound, err := media.Digits(v.Digits)
	if err != nil {
		return &Fault{13430, fmt.Sprintf("<Play> has the digits %q: %v", v.Digits, err)}
	}
	fault := r.hear(ctx, "", fmt.Sprintf("%s hears the digits %s", r.c.party(), v.Digits), sound.Repeat(v.Loop))
	if fault == nil && ctx.Err() == nil {
		r.x.mu.Lock()
		defer r.x.mu.Unlock()
		defer r.x.notify()
		r.c.takeDigits(v.Digits)
	}
	return fault
}

// decode returns the sound of a file, or a tone if it cannot be decoded.
func (r *runner) decode(file []byte) media.Sound {
	sound, err := media.ParseWAV(file)
	if err != nil {
		r.x.callEvent(r.c, VerbEvent, "the file cannot be decoded, so that a tone takes its place: %v", err)
		return media.Tone(440, time.Second)
	}
	return sound
}

// hear lets the far end hear a sound, to its end. The text is what was said, if any.
func (r *runner) hear(ctx context.Context, text, event string, sound media.Sound) *Fault {
	if fault := r.c.pickUp(); fault != nil {
		return fault
	}
	r.x.mu.Lock()
	if r.c.over() {
		r.x.mu.Unlock()
		return nil
	}
	r.x.callEvent(r.c, VerbEvent, "%s", event)
	player := r.perform(text, sound)
	r.x.notify()
	r.x.mu.Unlock()
	defer player.Stop()
	select {
	case <-player.Done():
	case <-ctx.Done():
	}
	return nil
}

// perform plays a sound to the far end, or to the audience. x.mu is held.
func (r *runner) perform(text string, sound media.Sound) *media.Player {
	if r.audience == nil {
		r.c.tell(text)
		return r.c.audio.Play(sound)
	}
	for _, p := range r.audience.participants {
		p.call.tell(text)
	}
	return r.audience.room.Play(sound)
}

// tell remembers what the far end was told, unless it is nothing.
func (c *call) tell(text string) {
	if text == "" {
		return
	}
	if len(c.said) < maxSaid {
		c.said = append(c.said, text)
	}
	if c.phone != nil {
		c.phone.tell(text)
	}
}

// pause waits. As the first verb it delays the pick-up.
func (r *runner) pause(ctx context.Context, v twiml.Pause) {
	if !r.x.config.Media.Instant {
		r.x.clock.sleep(ctx, v.Length)
	}
}

// gather collects digits while it prompts for them.
func (r *runner) gather(v twiml.Gather) (*script, *Fault) {
	keys, stop := r.c.listen() // before whoever calls can know
	defer stop()
	if fault := r.c.pickUp(); fault != nil {
		return nil, fault
	}
	timeout := r.x.clock.after(v.Timeout) // before anybody can know that it is gathering
	prompting, interrupt := context.WithCancel(r.ctx)
	defer interrupt()
	prompted := make(chan *Fault, 1)
	go func() { prompted <- r.prompt(prompting, v.Prompt) }()
	first, fault := "", (*Fault)(nil)
	select {
	case key := <-keys:
		interrupt()
		<-prompted
		first = string(key)
	case fault = <-prompted:
	}
	if fault != nil {
		timeout.stop()
		return nil, fault
	}
	digits := r.collect(v, keys, first, timeout.restart())
	if r.ctx.Err() != nil {
		return finish, nil
	}
	r.recent = nil
	if digits == "" && !v.ActionOnEmptyResult {
		return nil, nil
	}
	target, fault := r.target(v.Action)
	if fault != nil {
		return nil, fault
	}
	return r.fetch(target, url.Values{"Digits": {digits}})
}

// prompt executes what stands in a Gather.
func (r *runner) prompt(ctx context.Context, verbs []twiml.Verb) (fault *Fault) {
	for _, verb := range verbs {
		if ctx.Err() != nil || fault != nil {
			break
		}
		switch v := verb.(type) {
		case twiml.Say:
			fault = r.say(ctx, v)
		case twiml.Play:
			fault = r.play(ctx, v)
		case twiml.Pause:
			r.pause(ctx, v)
		}
	}
	return fault
}

// collect returns the digits of a Gather, without the finish key.
func (r *runner) collect(v twiml.Gather, keys <-chan byte, digits string, timeout *timer) string {
	for {
		if n := len(digits); n > 0 && digits[n-1:] == v.FinishOnKey {
			timeout.stop()
			return digits[:n-1]
		}
		if v.NumDigits > 0 && len(digits) >= v.NumDigits {
			timeout.stop()
			return digits
		}
		select {
		case key := <-keys:
			digits += string(key)
			timeout.stop()
			timeout = r.x.clock.after(v.Timeout)
		case <-timeout.C:
			return digits
		case <-r.ctx.Done():
			timeout.stop()
			return digits
		}
	}
}

// fetch asks a webhook what to do next.
func (r *runner) fetch(target webhook.Target, more url.Values) (*script, *Fault) {
	document, err := r.c.hooks.Fetch(r.ctx, target, r.form(more))
	if r.ctx.Err() != nil { // nobody waits for it any more
		return finish, nil
	}
	if err != nil {
		return nil, (*Fault)(err)
	}
	s := &script{from: webhook.Target{Method: target.Method, URL: document.URL}, id: document.ID}
	r.c.verb.Store(&Verb{Document: s.id})
	if document.Kind() == webhook.Audio {
		return s, r.hear(r.ctx, "", fmt.Sprintf("%s hears %s", r.c.party(), webhook.Shown(target.URL)), r.decode(document.Body))
	}
	verbs, fault := r.parse(document.Body)
	if fault != nil && document.Kind() == webhook.Text {
		verbs, fault = []twiml.Verb{twiml.Say{Text: string(bytes.TrimSpace(document.Body)), Loop: 1}}, nil
	}
	s.verbs = verbs
	return s, fault
}

// parse reads a document.
func (r *runner) parse(document []byte) ([]twiml.Verb, *Fault) {
	parsed, problem := twiml.Parse(document, r.place)
	if problem != nil {
		return nil, (*Fault)(problem)
	}
	for _, warning := range parsed.Warnings {
		r.warn(warning)
	}
	return parsed.Verbs, nil
}

// warn says what is wrong with a document that is executed all the same.
func (r *runner) warn(p twiml.Problem) {
	r.x.event(Event{Kind: VerbEvent, Call: r.c.top().sid, Verb: r.c.doing(), Fault: (*Fault)(&p), Text: fmt.Sprintf("warning %d: %s", p.Code, p.Message)})
}

// report requests a document that has no effect, as the call is over.
func (r *runner) report(target webhook.Target, more url.Values) {
	r.c.hooks.Fetch(r.x.ctx, target, r.form(more))
}

// form returns what a webhook is told.
func (r *runner) form(more url.Values) url.Values {
	r.x.mu.Lock()
	form := r.c.form()
	r.x.mu.Unlock()
	if r.more != nil {
		maps.Copy(form, r.more())
	}
	maps.Copy(form, more)
	return form
}

// form returns what every webhook is told of a call. The caller's parameters cannot
// take the place of what Twilio says.
func (c *call) form() url.Values {
	form := url.Values{}
	for name, values := range c.params {
		form[name] = slices.Clone(values)
	}
	for name, value := range map[string]string{
		"AccountSid": c.x.config.AccountSID,
		"ApiVersion": apiVersion,
		"CallSid":    c.sid,
		"CallStatus": c.status,
		"Direction":  c.direction,
		"From":       c.from,
		"Caller":     c.from,
		"To":         c.to,
		"Called":     c.to,
	} {
		form.Set(name, value)
	}
	if c.applicationSID != "" {
		form.Set("ApplicationSid", c.applicationSID)
	}
	if c.parent != nil {
		form.Set("ParentCallSid", c.parent.sid)
	}
	return form
}

// beginWebhook makes an event of a webhook that has no answer yet.
func (x *Exchange) beginWebhook(e webhook.Exchange) {
	x.event(Event{Kind: WebhookEvent, Call: callOf(e), Webhook: &e})
}

// callOf returns the SID of the call that a webhook is about. The callbacks of a conference
// name a participant, if one.
func callOf(e webhook.Exchange) string {
	return cmp.Or(e.Owner, e.Form.Get("CallSid"), e.Form.Get("CallSidEndingConference"))
}

// logWebhook makes an event of a webhook.
func (x *Exchange) logWebhook(e webhook.Exchange) {
	event := Event{Kind: WebhookEvent, Call: callOf(e), Webhook: &e}
	text := fmt.Sprintf("%s: %d", e, e.Status)
	switch {
	case e.Problem != nil:
		event.Fault = (*Fault)(e.Problem)
		text = fmt.Sprintf("%d: %s", e.Problem.Code, e.Problem.Message)
	case e.Callback:
		text += fmt.Sprintf(" (%s)", callbackEvent(e.Form))
	default:
		answer := e.Text()
		text += ": " + strings.Join(strings.Fields(answer[:min(len(answer), 1000)]), " ")
	}
	event.Text = text
	x.event(event)
}
