package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
)

// A Conference is a conference as Twilio's REST API shows it.
type Conference struct {
	SID, Name        string
	Status           string // init, in-progress or completed
	Reason           string // why it ended, or ""
	EndedBy          string // the SID of the call that ended it, or ""
	Created, Updated time.Time
}

// A Participant is a call in a conference, or one that is called into it.
type Participant struct {
	ConferenceSID, CallSID string
	Label                  string // or ""
	Coached                string // the SID of the call that it coaches, or ""
	Status                 string // queued, ringing, connecting or connected
	Muted, Hold            bool
	StartConferenceOnEnter bool
	EndConferenceOnExit    bool
	Created, Updated       time.Time
}

// An invitation is a call into a conference that is not in it yet.
type invitation struct {
	call    *call
	noun    twiml.Conference
	created time.Time
}

// maxConferenceName is the stand-in's own limit, in bytes.
const maxConferenceName = 256

// maxConferences is how many are remembered; one that goes on is not forgotten.
const maxConferences = 1000

// newConference returns a conference that is remembered. x.mu is held.
func (x *Exchange) newConference(name string) *conference {
	conf := &conference{
		x: x, sid: "CF" + random(), name: name, room: x.mixer.NewRoom(), hooks: x.hooks.NewSession(),
		created: time.Now(), updated: time.Now(),
	}
	x.conferences[name] = conf
	x.held = append(forgetOldest(x.held, maxConferences, func(old *conference) bool { return old.ended }), conf)
	return conf
}

func (conf *conference) snapshot() Conference {
	c := Conference{conf.sid, conf.name, "init", conf.reason, conf.endedBy, conf.created, conf.updated}
	switch {
	case conf.ended:
		c.Status = "completed"
	case conf.started:
		c.Status = "in-progress"
	}
	return c
}

// Conferences returns all conferences that are remembered, the newest first.
func (x *Exchange) Conferences() []Conference {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []Conference
	for _, conf := range slices.Backward(x.held) {
		all = append(all, conf.snapshot())
	}
	return all
}

// Conference returns a conference.
func (x *Exchange) Conference(sid string) (Conference, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	conf, fault := x.findConference(sid)
	if fault != nil {
		return Conference{}, fault
	}
	return conf.snapshot(), nil
}

func (x *Exchange) findConference(sid string) (*conference, *Fault) {
	i := slices.IndexFunc(x.held, func(conf *conference) bool { return conf.sid == sid })
	if i < 0 {
		return nil, notFound("Conferences", sid)
	}
	return x.held[i], nil
}

// UpdateConference ends a conference, or lets all who are in it hear an announcement, or both.
func (x *Exchange) UpdateConference(sid string, end bool, announcement *Document) (Conference, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	conf, fault := x.findConference(sid)
	switch {
	case fault != nil:
		return Conference{}, fault
	case conf.ended && (end || announcement != nil):
		return Conference{}, &Fault{16022, fmt.Sprintf("the conference %q is over", conf.name)}
	case announcement != nil && len(conf.participants) == 0:
		return Conference{}, &Fault{16001, fmt.Sprintf("nobody is in the conference %q", conf.name)}
	case announcement != nil:
		r := &runner{x: x, c: conf.participants[0].call, ctx: conf.participants[0].ctx, place: twiml.InConference, audience: conf}
		x.announce(conf, nil, r, announcement)
	}
	if end {
		conf.end(nil, "conference-ended-via-api")
	}
	return conf.snapshot(), nil
}

// announce runs a document for a conference, or for a participant.
func (x *Exchange) announce(conf *conference, p *participant, r *runner, d *Document) {
	x.start(func() {
		name := "announcement-end"
		if fault := r.serve(d); fault != nil {
			x.callEvent(r.c, VerbEvent, "the announcement fails: %d: %s", fault.Code, fault.Message)
			name = "announcement-fail"
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		conf.report(p, "announcement", name, nil)
	})
}

// Participants returns who is in a conference, or called into it, the newest first.
func (x *Exchange) Participants(conferenceSID string) ([]Participant, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	conf, fault := x.findConference(conferenceSID)
	if fault != nil {
		return nil, fault
	}
	var all []Participant
	for _, i := range slices.Backward(conf.invited) {
		all = append(all, conf.invitee(i))
	}
	for _, p := range slices.Backward(conf.participants) {
		all = append(all, conf.participant(p))
	}
	return all, nil
}

func (conf *conference) participant(p *participant) Participant {
	return Participant{
		ConferenceSID: conf.sid, CallSID: p.call.sid, Label: p.noun.ParticipantLabel, Coached: p.noun.Coach,
		Status: "connected", Muted: p.noun.Muted, Hold: p.hold != nil,
		StartConferenceOnEnter: p.noun.StartConferenceOnEnter, EndConferenceOnExit: p.noun.EndConferenceOnExit,
		Created: p.joined, Updated: p.updated,
	}
}

func (conf *conference) invitee(i *invitation) Participant {
	p := conf.participant(&participant{call: i.call, noun: i.noun, joined: i.created, updated: i.created})
	if p.Status = i.call.status; p.Status == "in-progress" {
		p.Status = "connecting"
	}
	return p
}

// Participant returns a participant, by the SID of the call or by the label.
func (x *Exchange) Participant(conferenceSID, key string) (Participant, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	conf, p, i, fault := x.findParticipant(conferenceSID, key)
	switch {
	case fault != nil:
		return Participant{}, fault
	case p == nil:
		return conf.invitee(i), nil
	}
	return conf.participant(p), nil
}

// findParticipant returns a participant, or an invitation.
func (x *Exchange) findParticipant(conferenceSID, key string) (*conference, *participant, *invitation, *Fault) {
	conf, fault := x.findConference(conferenceSID)
	if fault != nil {
		return nil, nil, nil, fault
	}
	for _, p := range conf.participants {
		if key != "" && (p.call.sid == key || p.noun.ParticipantLabel == key) {
			return conf, p, nil, nil
		}
	}
	for _, i := range conf.invited {
		if key != "" && (i.call.sid == key || i.noun.ParticipantLabel == key) {
			return conf, nil, i, nil
		}
	}
	return nil, nil, nil, notFound("Conferences/"+conferenceSID+"/Participants", key)
}

// Invite calls somebody into a conference, which is made if there is none with this SID or name.
func (x *Exchange) Invite(conferenceKey string, o Origin, seat twiml.Conference) (Participant, *Fault) {
	noun, fault := o.noun()
	if fault != nil {
		return Participant{}, fault
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	conf, fault := x.findConference(conferenceKey)
	switch {
	case fault == nil && conf.ended:
		return Participant{}, &Fault{16022, fmt.Sprintf("the conference %q is over", conf.name)}
	case fault == nil:
	case strings.HasPrefix(conferenceKey, "CF") && len(conferenceKey) == 34:
		return Participant{}, fault
	case len(conferenceKey) > maxConferenceName:
		return Participant{}, &Fault{16003, fmt.Sprintf("the name of the conference is longer than %d bytes", maxConferenceName)}
	case x.conferences[conferenceKey] != nil:
		conf = x.conferences[conferenceKey]
	default:
		conf = x.newConference(conferenceKey)
	}
	if fault := conf.admits(seat); fault != nil {
		conf.endIfEmpty()
		return Participant{}, fault
	}
	seat.Name = conf.name
	o.Document = &Document{verbs: []twiml.Verb{twiml.Dial{TimeLimit: 4 * time.Hour, Nouns: []twiml.Noun{seat}}}}
	c := x.originate(o, noun)
	i := &invitation{c, seat, time.Now()}
	c.invitedTo, conf.invited = conf, append(conf.invited, i)
	return conf.invitee(i), nil
}

// admits reports what keeps somebody from being called into the conference.
func (conf *conference) admits(seat twiml.Conference) *Fault {
	label := seat.ParticipantLabel
	switch {
	case len(conf.participants)+len(conf.invited) >= seat.MaxParticipants:
		return &Fault{16020, fmt.Sprintf("the conference %q is full", conf.name)}
	case label != "" && slices.ContainsFunc(conf.participants, func(p *participant) bool { return p.noun.ParticipantLabel == label }),
		label != "" && slices.ContainsFunc(conf.invited, func(i *invitation) bool { return i.noun.ParticipantLabel == label }):
		return &Fault{16026, fmt.Sprintf("the label %q is in use in the conference %q", label, conf.name)}
	}
	return conf.mayCoach(seat.Coach)
}

func (conf *conference) mayCoach(sid string) *Fault {
	if sid == "" {
		return nil
	}
	i := slices.IndexFunc(conf.participants, func(p *participant) bool { return p.call.sid == sid })
	switch {
	case i < 0:
		return &Fault{16028, fmt.Sprintf("the call %s, which is to be coached, is not in the conference %q", sid, conf.name)}
	case conf.participants[i].hold != nil:
		return &Fault{16027, fmt.Sprintf("the call %s, which is to be coached, is on hold", sid)}
	}
	return nil
}

// uninvite forgets the invitation of a call, which is in the conference, or over.
func (conf *conference) uninvite(c *call) {
	c.invitedTo = nil
	conf.invited = slices.DeleteFunc(conf.invited, func(i *invitation) bool { return i.call == c })
	if c.over() {
		conf.endIfEmpty()
	}
}

// endIfEmpty ends a conference in which nobody is, nor is called into it.
func (conf *conference) endIfEmpty() {
	if !conf.ended && len(conf.participants)+len(conf.invited) == 0 {
		conf.end(nil, "last-participant-left")
	}
}

// A Change is what REST changes about a participant. Its zero value changes nothing.
type Change struct {
	Muted, Hold, EndConferenceOnExit, BeepOnExit, Coaching *bool
	HoldMusic                                              *Document // instead of Twilio's, or nil
	Announcement                                           *Document // for the participant alone, or nil
	Coach                                                  string    // the SID of the call to coach
}

// UpdateParticipant changes a participant who is in the conference.
func (x *Exchange) UpdateParticipant(conferenceSID, key string, u Change) (Participant, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	conf, p, _, fault := x.findParticipant(conferenceSID, key)
	switch {
	case fault != nil:
		return Participant{}, fault
	case p == nil:
		return Participant{}, &Fault{16099, "Participant is not connected"}
	}
	if fault := conf.coach(p, u); fault != nil {
		return Participant{}, fault
	}
	p.updated = time.Now()
	conf.change(p, u)
	return conf.participant(p), nil
}

func (conf *conference) coach(p *participant, u Change) *Fault {
	sid := u.Coach
	switch {
	case u.Coaching != nil && !*u.Coaching:
		sid = ""
	case u.Coaching != nil && sid == "":
		return &Fault{16002, "Coaching needs CallSidToCoach"}
	case sid == "":
		return nil
	}
	if fault := conf.mayCoach(sid); fault != nil {
		return fault
	}
	p.noun.Coach = sid
	return nil
}

func (conf *conference) change(p *participant, u Change) {
	if u.Hold != nil && *u.Hold != (p.hold != nil) {
		conf.setHold(p, *u.Hold, u.HoldMusic)
	}
	if u.Muted != nil && *u.Muted != p.noun.Muted {
		p.noun.Muted = *u.Muted
		conf.report(p, "mute", map[bool]string{true: "participant-mute", false: "participant-unmute"}[p.noun.Muted], nil)
	}
	// The service answers as if it did it for a participant on hold, but does not:
	// https://github.com/twilio-professional-services/flex-dialpad-addon-plugin/issues/60
	if u.EndConferenceOnExit != nil && p.hold == nil {
		p.noun.EndConferenceOnExit = *u.EndConferenceOnExit
		conf.report(p, "modify", "participant-modify", nil)
	}
	if u.BeepOnExit != nil {
		p.noun.Beep = map[bool]twiml.Beep{true: twiml.BeepOnExit, false: twiml.BeepNever}[*u.BeepOnExit]
	}
	if u.Announcement != nil {
		r := &runner{x: conf.x, c: p.call, ctx: p.ctx, place: twiml.InConference}
		conf.x.announce(conf, p, r, u.Announcement)
	}
	if conf.started {
		conf.settle(p)
	}
}

// settle puts a participant into the room, or takes one on hold out of it.
func (conf *conference) settle(p *participant) {
	if p.hold != nil {
		p.call.leaveRoom()
		return
	}
	seat := media.Seat{Muted: p.noun.Muted}
	if coached := p.noun.Coach; coached != "" {
		i := slices.IndexFunc(conf.participants, func(other *participant) bool { return other.call.sid == coached })
		if i < 0 { // nobody else may hear the coach
			seat.Muted = true
		} else {
			seat.Coach = conf.participants[i].call.audio
		}
	}
	p.call.join(conf.room, seat)
}

// setHold puts a participant on hold, with music, or ends that.
func (conf *conference) setHold(p *participant, on bool, music *Document) {
	x := conf.x
	if !on {
		p.hold()
		p.hold = nil
		conf.report(p, "hold", "participant-unhold", nil)
		return
	}
	r := &runner{x: x, c: p.call, place: twiml.InConference}
	r.ctx, p.hold = context.WithCancel(p.ctx)
	x.callEvent(p.call, VerbEvent, "%s is on hold", p.call.party())
	conf.report(p, "hold", "participant-hold", nil)
	x.start(func() {
		fault := r.waitMusicOr(music)
		if fault != nil {
			x.callEvent(p.call, VerbEvent, "the hold music fails: %d: %s", fault.Code, fault.Message)
		}
	})
}

func (r *runner) waitMusicOr(d *Document) *Fault {
	if d == nil {
		return r.waitMusic(nil)
	}
	return r.serve(d)
}

// Kick takes a participant out of the conference. A call that REST has made is over then; any
// other goes on after its <Dial>.
func (x *Exchange) Kick(conferenceSID, key string) *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.notify()
	_, p, i, fault := x.findParticipant(conferenceSID, key)
	switch {
	case fault != nil:
		return fault
	case p == nil:
		i.call.endByREST()
	default:
		x.callEvent(p.call, RESTEvent, "%s is kicked out of the conference over REST", p.call.party())
		p.kicked = true
		p.leave()
	}
	return nil
}

// reasonLeft returns why a participant leaves.
func (conf *conference) reasonLeft(p *participant) string {
	switch {
	case conf.ended && conf.reason == "conference-ended-via-api":
		return "conference_ended_via_api"
	case conf.ended:
		return "moderator_ended_conference"
	case p.kicked, p.call.stay.Err() != nil && !p.call.over():
		return "participant_updated_via_api"
	case p.failed:
		return "participant_add_failed"
	}
	return "participant_hung_up"
}

// endWithout ends the conference if that is due now that a participant has left.
func (conf *conference) endWithout(p *participant) {
	how := "left"
	if p.kicked {
		how = "kicked"
	}
	switch {
	case conf.ended:
	case p.noun.EndConferenceOnExit:
		conf.end(p, "participant-with-end-conference-on-exit-"+how)
	case len(conf.participants)+len(conf.invited) == 0:
		conf.end(p, "last-participant-"+how)
	}
}
