package rest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// conferenceCode is that of what is wrong with a parameter of a conference or participant that
// has no code of its own: https://www.twilio.com/docs/api/errors/16002
const conferenceCode = 16002

// conference is a conference in an answer.
type conference struct {
	SID                     string            `json:"sid"`
	AccountSID              string            `json:"account_sid"`
	FriendlyName            string            `json:"friendly_name"`
	Status                  string            `json:"status"`
	Region                  string            `json:"region"`
	ReasonConferenceEnded   *string           `json:"reason_conference_ended"`
	CallSIDEndingConference *string           `json:"call_sid_ending_conference"`
	APIVersion              string            `json:"api_version"`
	DateCreated             string            `json:"date_created"`
	DateUpdated             string            `json:"date_updated"`
	URI                     string            `json:"uri"`
	SubresourceURIs         map[string]string `json:"subresource_uris"`
}

func (a *API) conference(c exchange.Conference) any {
	return conference{
		SID: c.SID, AccountSID: a.AccountSID, FriendlyName: c.Name, Status: c.Status, Region: "us1",
		ReasonConferenceEnded: orNull(c.Reason), CallSIDEndingConference: orNull(c.EndedBy),
		APIVersion: apiVersion, DateCreated: rfc2822(c.Created), DateUpdated: rfc2822(c.Updated),
		URI: a.uri("Conferences", c.SID),
		SubresourceURIs: map[string]string{
			"participants": a.uri("Conferences", c.SID, "Participants"),
			"recordings":   a.uri("Conferences", c.SID, "Recordings"),
		},
	}
}

func listConferences(q *request) (int, any, *exchange.Fault) {
	status := q.oneOf("Status", conferenceCode, "", "init", "in-progress", "completed")
	created, updated := q.period("DateCreated", conferenceCode), q.period("DateUpdated", conferenceCode)
	all := slices.DeleteFunc(q.Exchange.Conferences(), func(c exchange.Conference) bool {
		return !q.equals("FriendlyName", c.Name) || status != "" && c.Status != status || !created(c.Created) || !updated(c.Updated)
	})
	return page(q, "conferences", all, func(c exchange.Conference) string { return c.SID }, q.conference)
}

var conferenceSID = regexp.MustCompile(`^CF[0-9a-fA-F]{32}$`)

// namesConference reports a conference in the path that is not an SID. Twilio answers that as if
// the method were wrong: https://github.com/twilio/twilio-php/issues/474
func (q *request) namesConference() *exchange.Fault {
	if !conferenceSID.MatchString(q.ids[0]) {
		return &exchange.Fault{Code: 20004, Message: "Method not allowed: the path has to name the conference by its SID, CF and 32 digits"}
	}
	return nil
}

func fetchConference(q *request) (int, any, *exchange.Fault) {
	if fault := q.namesConference(); fault != nil {
		return 0, nil, fault
	}
	c, fault := q.Exchange.Conference(q.ids[0])
	return http.StatusOK, q.conference(c), fault
}

func updateConference(q *request) (int, any, *exchange.Fault) {
	if fault := q.namesConference(); fault != nil {
		return 0, nil, fault
	}
	status := q.oneOf("Status", conferenceCode, "", "completed")
	announcement := q.sound("Announce", http.MethodPost)
	if q.fault != nil {
		return 0, nil, q.fault
	}
	c, fault := q.Exchange.UpdateConference(q.ids[0], status == "completed", announcement)
	return http.StatusOK, q.conference(c), fault
}

// sound returns the document of AnnounceUrl or HoldUrl, or nil.
func (q *request) sound(prefix, method string) *exchange.Document {
	target := q.target(prefix+"Url", prefix+"Method", conferenceCode, conferenceCode, method)
	if target.URL == nil {
		return nil
	}
	return &exchange.Document{Target: target}
}

// participant is a participant in an answer.
type participant struct {
	AccountSID             string  `json:"account_sid"`
	CallSID                string  `json:"call_sid"`
	Label                  *string `json:"label"`
	CallSIDToCoach         *string `json:"call_sid_to_coach"`
	Coaching               bool    `json:"coaching"`
	ConferenceSID          string  `json:"conference_sid"`
	DateCreated            string  `json:"date_created"`
	DateUpdated            string  `json:"date_updated"`
	EndConferenceOnExit    bool    `json:"end_conference_on_exit"`
	Muted                  bool    `json:"muted"`
	Hold                   bool    `json:"hold"`
	StartConferenceOnEnter bool    `json:"start_conference_on_enter"`
	Status                 string  `json:"status"`
	QueueTime              *string `json:"queue_time"`
	URI                    string  `json:"uri"`
}

func (a *API) participant(p exchange.Participant) any {
	return participant{
		AccountSID: a.AccountSID, CallSID: p.CallSID, Label: orNull(p.Label), CallSIDToCoach: orNull(p.Coached), Coaching: p.Coached != "",
		ConferenceSID: p.ConferenceSID, DateCreated: rfc2822(p.Created), DateUpdated: rfc2822(p.Updated),
		EndConferenceOnExit: p.EndConferenceOnExit, Muted: p.Muted, Hold: p.Hold, StartConferenceOnEnter: p.StartConferenceOnEnter,
		Status: p.Status, URI: a.uri("Conferences", p.ConferenceSID, "Participants", p.CallSID),
	}
}

func listParticipants(q *request) (int, any, *exchange.Fault) {
	if fault := q.namesConference(); fault != nil {
		return 0, nil, fault
	}
	all, fault := q.Exchange.Participants(q.ids[0])
	if fault != nil {
		return 0, nil, fault
	}
	muted, hold, coaching := q.boolean("Muted"), q.boolean("Hold"), q.boolean("Coaching")
	all = slices.DeleteFunc(all, func(p exchange.Participant) bool {
		return muted != nil && p.Muted != *muted || hold != nil && p.Hold != *hold || coaching != nil && (p.Coached != "") != *coaching
	})
	return page(q, "participants", all, func(p exchange.Participant) string { return p.CallSID }, q.participant)
}

func fetchParticipant(q *request) (int, any, *exchange.Fault) {
	if fault := q.namesConference(); fault != nil {
		return 0, nil, fault
	}
	p, fault := q.Exchange.Participant(q.ids[0], q.ids[1])
	return http.StatusOK, q.participant(p), fault
}

func deleteParticipant(q *request) (int, any, *exchange.Fault) {
	if fault := q.namesConference(); fault != nil {
		return 0, nil, fault
	}
	return http.StatusNoContent, nil, q.Exchange.Kick(q.ids[0], q.ids[1])
}

func createParticipant(q *request) (int, any, *exchange.Fault) {
	o := q.origin()
	o.StatusCallback = q.callback("StatusCallback", 21205, true, callEvents)
	o.Record = q.record()
	seat := q.seat()
	q.unsupported("EarlyMedia", "MachineDetection", "SipAuthUsername", "SipAuthPassword", "Byoc", "CallerId", "CallToken",
		"ClientNotificationUrl", "CallerDisplayName")
	if q.fault != nil {
		return 0, nil, q.fault
	}
	p, fault := q.Exchange.Invite(q.ids[0], o, seat)
	return http.StatusCreated, q.participant(p), fault
}

// seat returns how a participant is in the conference.
func (q *request) seat() twiml.Conference {
	seat := twiml.Conference{
		Muted: q.is("Muted", false),
		Beep: twiml.Beep(q.oneOf("Beep", conferenceCode, string(twiml.BeepAlways),
			string(twiml.BeepAlways), string(twiml.BeepNever), string(twiml.BeepOnEnter), string(twiml.BeepOnExit))),
		StartConferenceOnEnter: q.is("StartConferenceOnEnter", true),
		EndConferenceOnExit:    q.is("EndConferenceOnExit", false),
		ParticipantLabel:       q.text("Label"),
		MaxParticipants:        q.integer("MaxParticipants", conferenceCode, 250, 2, 250),
		RecordFromStart: slices.Contains([]string{"true", "record-from-start"},
			q.oneOf("ConferenceRecord", conferenceCode, "false", "true", "false", "record-from-start", "do-not-record")),
		TrimSilence:             q.oneOf("ConferenceTrim", conferenceCode, "trim-silence", "trim-silence", "do-not-trim") == "trim-silence",
		StatusCallback:          q.reports("ConferenceStatusCallback", []string{"start", "end"}, conferenceEvents),
		RecordingStatusCallback: q.reports("ConferenceRecordingStatusCallback", []string{"completed"}, recordingEvents),
	}
	if q.is("Coaching", q.has("CallSidToCoach")) {
		if seat.Coach = q.text("CallSidToCoach"); seat.Coach == "" {
			q.fail(conferenceCode, "Coaching needs CallSidToCoach")
		}
	}
	if label := seat.ParticipantLabel; utf8.RuneCountInString(label) > 128 || strings.Contains(label, "/") || isCallSID.MatchString(label) {
		q.fail(16024, "Label is not valid: it must be at most 128 characters, without / and no call SID")
	}
	if q.has("WaitUrl") {
		wait := requestOf(q.target("WaitUrl", "WaitMethod", conferenceCode, conferenceCode, http.MethodPost))
		seat.Wait = &wait
	}
	return seat
}

var isCallSID = regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`)

// reports returns a status callback of the conference.
func (q *request) reports(prefix string, otherwise, known []string) twiml.StatusCallback {
	target := q.target(prefix, prefix+"Method", conferenceCode, conferenceCode, http.MethodPost)
	return twiml.StatusCallback{Request: requestOf(target), Events: q.events(prefix+"Event", true, otherwise, known)}
}

func requestOf(t webhook.Target) twiml.Request {
	if t.URL == nil {
		return twiml.Request{Method: t.Method}
	}
	return twiml.Request{URL: t.URL.String(), Method: t.Method}
}

func updateParticipant(q *request) (int, any, *exchange.Fault) {
	if fault := q.namesConference(); fault != nil {
		return 0, nil, fault
	}
	u := exchange.Change{
		Muted: q.boolean("Muted"), Hold: q.boolean("Hold"), EndConferenceOnExit: q.boolean("EndConferenceOnExit"),
		BeepOnExit: q.boolean("BeepOnExit"), Coaching: q.boolean("Coaching"),
		HoldMusic: q.sound("Hold", http.MethodGet), Announcement: q.sound("Announce", http.MethodPost),
		Coach: q.text("CallSidToCoach"),
	}
	q.unsupported("WaitUrl")
	if q.fault != nil {
		return 0, nil, q.fault
	}
	p, fault := q.Exchange.UpdateParticipant(q.ids[0], q.ids[1], u)
	return http.StatusOK, q.participant(p), fault
}
