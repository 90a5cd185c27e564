package exchange

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A conference is a room with a name. It lasts from the first participant to the last.
type conference struct {
	x            *Exchange
	sid, name    string
	room         *media.Room
	participants []*participant // the oldest first
	started      bool           // two are there, one of whom may start it
	ended        bool
	callback     *callback // that of the participant who named one first
	hooks        *webhook.Session
	reports      int // how many were made
	recording    *recording

	invited          []*invitation // who are called into it
	created, updated time.Time
	reason           string // why it ended, or ""
	endedBy          string // the SID of the call that ended it, or ""
}

// A participant is a call in a conference.
type participant struct {
	call    *call
	noun    twiml.Conference
	base    *url.URL        // of the document
	started chan struct{}   // closed when the conference is
	ctx     context.Context // until the participant leaves it
	leave   context.CancelFunc

	joined, updated time.Time
	hold            context.CancelFunc // ends the hold; nil if there is none
	kicked          bool
	failed          bool // to join, as the wait document failed
}

// confer puts the call into a conference until it leaves.
func (r *runner) confer(v twiml.Dial, noun twiml.Conference) (*outcome, *Fault) {
	if fault := r.c.pickUp(); fault != nil {
		return nil, fault
	}
	limit := r.x.clock.after(v.TimeLimit)
	defer limit.stop()
	keys, stop := r.c.listen()
	defer stop()
	conf, p, fault := r.enter(noun)
	if p == nil {
		return &outcome{status: "failed", fault: fault}, nil
	}
	waited := make(chan *Fault, 1)
	go func() {
		fault := r.waitForStart(noun, p)
		if fault != nil {
			p.leave()
		}
		waited <- fault
	}()
	r.talk(v, p.ctx, limit, keys)
	p.leave()
	fault = <-waited
	p.failed = fault != nil
	recorded := r.exit(conf, p)
	if fault != nil {
		return &outcome{status: "failed", fault: fault}, nil
	}
	return &outcome{status: "answered", bridged: true, recording: recorded}, nil
}

// enter returns the conference and the call's place in it, nil if it cannot enter.
func (r *runner) enter(noun twiml.Conference) (*conference, *participant, *Fault) {
	x := r.x
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	if r.c.over() {
		return nil, nil, nil
	}
	conf := x.conferences[noun.Name]
	if conf == nil {
		conf = x.newConference(noun.Name)
	}
	conf.uninvite(r.c)
	label := noun.ParticipantLabel
	switch {
	case noun.MaxParticipants > 0 && len(conf.participants) >= noun.MaxParticipants:
		x.callEvent(r.c, VerbEvent, "the conference %q is full", noun.Name)
		return conf, nil, nil
	case label != "" && slices.ContainsFunc(conf.participants, func(p *participant) bool { return p.noun.ParticipantLabel == label }):
		x.callEvent(r.c, VerbEvent, "warning 16025: the participantLabel %q is in use in the conference %q", label, noun.Name)
		return conf, nil, nil
	}
	p := &participant{call: r.c, noun: noun, base: r.self.URL, started: make(chan struct{}), joined: time.Now(), updated: time.Now()}
	p.ctx, p.leave = context.WithCancel(r.ctx)
	conf.participants = append(conf.participants, p)
	if conf.callback == nil {
		conf.callback = r.c.newCallback(noun.StatusCallback, r.self.URL)
	}
	r.c.enters(conf.lane(), fmt.Sprintf("%s joins the conference %q (%s)", r.c.party(), noun.Name, Count(len(conf.participants), "participant")))
	conf.start(r.c)
	if conf.started {
		conf.seat(p)
		conf.settleCoaches(p)
	}
	if fault := conf.mayCoach(noun.Coach); fault != nil {
		x.callEvent(r.c, VerbEvent, "warning 13240: %s", fault.Message)
	}
	conf.report(p, "join", "participant-join", nil)
	return conf, p, nil
}

// lane is what the ladders of its calls name the conference.
func (conf *conference) lane() string { return "conference " + conf.name }

// start starts the conference if enough are there.
func (conf *conference) start(by *call) {
	mayStart := slices.ContainsFunc(conf.participants, func(p *participant) bool { return p.noun.StartConferenceOnEnter })
	if conf.started || len(conf.participants) < 2 || !mayStart {
		return
	}
	conf.started, conf.updated = true, time.Now()
	conf.x.callEvent(by, VerbEvent, "the conference %q starts", conf.name)
	conf.report(nil, "start", "conference-start", nil)
	for _, p := range conf.participants {
		conf.seat(p)
	}
}

// seat puts a participant into the room.
func (conf *conference) seat(p *participant) {
	select {
	case <-p.started:
		return
	default:
	}
	close(p.started)
	conf.settle(p)
	if p.noun.Beep == twiml.BeepAlways || p.noun.Beep == twiml.BeepOnEnter {
		conf.room.Play(media.Beep())
	}
	if p.noun.RecordFromStart && conf.recording == nil {
		recorder := conf.room.Record(media.RecordOptions{Trim: p.noun.TrimSilence})
		conf.recording = p.call.newRecording(recorder, "Conference", p.call.newCallback(p.noun.RecordingStatusCallback, p.base))
		conf.recording.form.Set("ConferenceSid", conf.sid)
		conf.recording.hooks = conf.hooks // which outlives the call
		conf.recording.start()
	}
}

// settleCoaches lets those who were there before the call that they coach be heard by it.
func (conf *conference) settleCoaches(coached *participant) {
	for _, p := range conf.participants {
		if p.noun.Coach == coached.call.sid {
			conf.settle(p)
		}
	}
}

// waitForStart lets the participant hear the wait document, once, until the conference
// starts. If that fails, the participant does not join.
func (r *runner) waitForStart(noun twiml.Conference, p *participant) *Fault {
	select {
	case <-p.started:
		return nil
	default:
	}
	w := r.forCall(r.c, twiml.InConference)
	var stop context.CancelFunc
	w.ctx, stop = context.WithCancel(p.ctx)
	defer stop()
	waited := make(chan *Fault, 1)
	go func() { waited <- w.conferenceMusic(noun.Wait) }()
	select {
	case <-p.started:
		stop()
		<-waited
	case fault := <-waited:
		return fault
	}
	return nil
}

func (r *runner) conferenceMusic(wait *twiml.Request) *Fault {
	switch {
	case wait == nil:
		return r.waitMusic(nil)
	case wait.URL == "":
		return nil
	}
	target, fault := r.resolve(*wait)
	if fault != nil {
		return fault
	}
	s, fault := r.fetch(target, nil)
	if fault != nil {
		return fault
	}
	return r.run(s)
}

// exit takes a participant from the conference, which ends with the last one, or with
// one whose document says so. It returns the URL of the recording, if it was the last.
func (r *runner) exit(conf *conference, p *participant) string {
	r.x.mu.Lock()
	p.leave()
	p.call.leaveRoom()
	conf.participants = slices.DeleteFunc(conf.participants, func(other *participant) bool { return other == p })
	r.c.leaves(conf.lane(), fmt.Sprintf("%s leaves the conference %q (%s still in it)", r.c.party(), conf.name, Count(len(conf.participants), "participant")))
	if conf.started && (p.noun.Beep == twiml.BeepAlways || p.noun.Beep == twiml.BeepOnExit) {
		conf.room.Play(media.Beep())
	}
	conf.report(p, "leave", "participant-leave", url.Values{
		"ParticipantCallStatus": {p.call.status}, "ReasonParticipantLeft": {conf.reasonLeft(p)},
	})
	conf.endWithout(p)
	var recording *recording
	last := len(conf.participants) == 0
	if last {
		recording, conf.recording = conf.recording, nil
	}
	r.x.notify()
	r.x.mu.Unlock()
	address := recording.finish()
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if last && conf.ended { // else somebody is still called into it
		conf.closeHooks()
	}
	return address
}

// end ends the conference for all who are in it; p, if not nil, is the participant whose leaving
// ends it.
func (conf *conference) end(p *participant, reason string) {
	conf.ended, conf.reason, conf.updated = true, reason, time.Now()
	if conf.x.conferences[conf.name] == conf {
		delete(conf.x.conferences, conf.name)
	}
	form := url.Values{"ReasonConferenceEnded": {reason}}
	if p != nil {
		conf.endedBy = p.call.sid
		form.Set("CallSidEndingConference", conf.endedBy)
	}
	for _, other := range conf.participants {
		other.leave()
	}
	for _, i := range slices.Clone(conf.invited) {
		i.call.abort()
	}
	conf.report(nil, "end", "conference-end", form)
	if len(conf.participants) == 0 && p == nil {
		conf.closeHooks()
	}
}

// closeHooks ends the session of the callbacks when they have all been made, or at once if the
// exchange is closed. x.mu is held.
func (conf *conference) closeHooks() {
	if conf.x.ctx.Err() != nil {
		conf.hooks.Close(conf.x.ctx)
		return
	}
	conf.x.start(func() { conf.hooks.Close(conf.x.ctx) })
}

// report reports an event of the conference, or of a participant, if p is not nil.
func (conf *conference) report(p *participant, event, name string, more url.Values) {
	if !conf.callback.wants(event) {
		return
	}
	form := url.Values{
		"ConferenceSid":       {conf.sid},
		"FriendlyName":        {conf.name},
		"AccountSid":          {conf.x.config.AccountSID},
		"StatusCallbackEvent": {name},
	}
	if p != nil {
		form.Set("CallSid", p.call.sid)
		form.Set("Muted", strconv.FormatBool(p.noun.Muted))
		form.Set("Hold", strconv.FormatBool(p.hold != nil))
		form.Set("Coaching", strconv.FormatBool(p.noun.Coach != ""))
		form.Set("StartConferenceOnEnter", strconv.FormatBool(p.noun.StartConferenceOnEnter))
		form.Set("EndConferenceOnExit", strconv.FormatBool(p.noun.EndConferenceOnExit))
		if p.noun.ParticipantLabel != "" {
			form.Set("ParticipantLabel", p.noun.ParticipantLabel)
		}
	}
	for name, values := range more {
		form[name] = values
	}
	form.Set("SequenceNumber", strconv.Itoa(conf.reports))
	form.Set("Timestamp", time.Now().UTC().Format(time.RFC1123Z))
	conf.reports++
	conf.hooks.Notify(conf.callback.target, form)
}
