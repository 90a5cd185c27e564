package rest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// callsCode is that of what is wrong with a parameter of the Calls resource that has no code of
// its own: https://www.twilio.com/docs/api/errors/21200
const callsCode = 21200

// call is a call in an answer.
type call struct {
	SID             string            `json:"sid"`
	AccountSID      string            `json:"account_sid"`
	ParentCallSID   *string           `json:"parent_call_sid"`
	To              string            `json:"to"`
	ToFormatted     string            `json:"to_formatted"`
	From            string            `json:"from"`
	FromFormatted   string            `json:"from_formatted"`
	PhoneNumberSID  *string           `json:"phone_number_sid"`
	Status          string            `json:"status"`
	StartTime       *string           `json:"start_time"`
	EndTime         *string           `json:"end_time"`
	Duration        *string           `json:"duration"`
	Price           *string           `json:"price"`
	PriceUnit       string            `json:"price_unit"`
	Direction       string            `json:"direction"`
	AnsweredBy      *string           `json:"answered_by"`
	APIVersion      string            `json:"api_version"`
	ForwardedFrom   *string           `json:"forwarded_from"`
	GroupSID        *string           `json:"group_sid"`
	CallerName      *string           `json:"caller_name"`
	QueueTime       string            `json:"queue_time"`
	TrunkSID        *string           `json:"trunk_sid"`
	DateCreated     string            `json:"date_created"`
	DateUpdated     string            `json:"date_updated"`
	URI             string            `json:"uri"`
	SubresourceURIs map[string]string `json:"subresource_uris"`
}

// callSubresources are those whose addresses a call names.
var callSubresources = map[string]string{
	"notifications": "Notifications", "recordings": "Recordings", "payments": "Payments", "events": "Events", "siprec": "Siprec",
	"streams": "Streams", "transcriptions": "Transcriptions",
	"user_defined_message_subscriptions": "UserDefinedMessageSubscriptions", "user_defined_messages": "UserDefinedMessages",
}

func (a *API) call(l exchange.Leg) any {
	c := call{
		SID: l.SID, AccountSID: a.AccountSID, ParentCallSID: orNull(l.ParentSID),
		To: l.To, ToFormatted: formatted(l.To), From: l.From, FromFormatted: formatted(l.From),
		PhoneNumberSID: orNull(a.phoneNumberSID(l)),
		Status:         l.Status, EndTime: timeOrNull(l.Ended), PriceUnit: "USD", Direction: l.Direction, APIVersion: apiVersion,
		QueueTime: "0", DateCreated: rfc2822(l.Created), DateUpdated: rfc2822(l.Updated()),
		URI: a.uri("Calls", l.SID), SubresourceURIs: map[string]string{},
	}
	if l.Status != "queued" {
		c.StartTime = timeOrNull(l.Created)
	}
	if l.Status == "completed" {
		duration := strconv.Itoa(int(l.Duration().Seconds()))
		c.Duration = &duration
	}
	for name, path := range callSubresources {
		c.SubresourceURIs[name] = a.uri("Calls", l.SID, path)
	}
	return c
}

// phoneNumberSID returns the SID of the account's number that is called, or calls, or "".
func (a *API) phoneNumberSID(l exchange.Leg) string {
	own := l.To
	if l.Direction != "inbound" {
		own = l.From
	}
	for _, n := range a.Exchange.Numbers() {
		if n.Number == own {
			return n.SID
		}
	}
	return ""
}

const apiVersion = "2010-04-01"

// orNull returns nil, which is null in JSON, for "".
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := rfc2822(t)
	return &s
}

// rfc2822 writes a time as Twilio does: Fri, 20 Aug 2010 01:13:42 +0000.
func rfc2822(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// formatted writes numbers of the North American numbering plan as people there do.
func formatted(party string) string {
	if number, ok := strings.CutPrefix(party, "+1"); ok && len(number) == 10 {
		return fmt.Sprintf("(%s) %s-%s", number[:3], number[3:6], number[6:])
	}
	return party
}

func callSID(l exchange.Leg) string { return l.SID }

// statuses are those of a call.
var statuses = []string{"queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"}

func listCalls(q *request) (int, any, *exchange.Fault) {
	status := q.oneOf("Status", callsCode, "", statuses...)
	started, ended := q.period("StartTime", callsCode), q.period("EndTime", callsCode)
	legs := slices.DeleteFunc(q.Exchange.Legs(), func(l exchange.Leg) bool {
		return !q.equals("To", l.To) || !q.equals("From", l.From) || !q.equals("ParentCallSid", l.ParentSID) ||
			status != "" && l.Status != status || !started(l.Created) || !ended(l.Ended)
	})
	return page(q, "calls", legs, callSID, q.call)
}

// equals reports whether a filter, if there is one, lets a value pass.
func (q *request) equals(name, value string) bool { return cmp.Or(q.text(name), value) == value }

func fetchCall(q *request) (int, any, *exchange.Fault) {
	leg, fault := q.Exchange.Leg(q.ids[0])
	return http.StatusOK, q.call(leg), fault
}

func deleteCall(q *request) (int, any, *exchange.Fault) {
	return http.StatusNoContent, nil, q.Exchange.Forget(q.ids[0])
}

func createCall(q *request) (int, any, *exchange.Fault) {
	o := q.origin()
	o.Record = q.record()
	if o.ApplicationSID = q.text("ApplicationSid"); o.ApplicationSID == "" {
		o.Document = q.document()
		o.StatusCallback = q.callback("StatusCallback", 21205, false, callEvents)
		if o.Document == nil {
			q.fail(callsCode, "one of Url, Twiml and ApplicationSid is required")
		}
	}
	q.unsupported("MachineDetection", "SipAuthUsername", "SipAuthPassword", "Byoc", "CallerId", "CallToken", "ClientNotificationUrl")
	if q.fault != nil {
		return 0, nil, q.fault
	}
	leg, fault := q.Exchange.Originate(o)
	return http.StatusCreated, q.call(leg), fault
}

// origin returns what calls and participants have in common.
func (q *request) origin() exchange.Origin {
	for _, required := range []struct {
		name string
		code int
		says string
	}{
		{"To", 21201, "No to number is specified"},
		{"From", 21213, "No from number is specified"},
	} {
		if q.text(required.name) == "" {
			q.fail(required.code, "%s", required.says)
		}
	}
	o := exchange.Origin{
		To: q.text("To"), From: q.text("From"),
		Timeout:    q.seconds("Timeout", 21208, int(exchange.RingTimeout.Seconds()), 1, 600),
		TimeLimit:  q.seconds("TimeLimit", callsCode, 0, 1, 24*60*60),
		SendDigits: q.text("SendDigits"),
	}
	if utf8.RuneCountInString(o.SendDigits) > 32 || strings.Trim(o.SendDigits, "0123456789ABCD#*wW") != "" {
		q.fail(21206, "SendDigits is not valid: it must be at most 32 of 0-9, A-D, #, *, w and W")
	}
	return o
}

// document returns what a call does: Url wins over Twiml. It is nil if there is neither.
func (q *request) document() *exchange.Document {
	d := &exchange.Document{
		Target:   q.target("Url", "Method", 21205, 21209, http.MethodPost),
		TwiML:    q.text("Twiml"),
		Fallback: q.target("FallbackUrl", "FallbackMethod", 21205, 21209, http.MethodPost),
	}
	switch {
	case d.Target.URL == nil && d.TwiML == "":
		return nil
	case utf8.RuneCountInString(d.TwiML) > maxTwiML:
		q.fail(32018, "Twiml is longer than %d characters", maxTwiML)
	}
	return d
}

// maxTwiML is how long Twiml may be, in characters: https://www.twilio.com/docs/api/errors/32018
const maxTwiML = 4000

// record returns how a call is recorded, or nil.
func (q *request) record() *exchange.Record {
	channels := q.oneOf("RecordingChannels", callsCode, "mono", "mono", "dual")
	track := q.oneOf("RecordingTrack", callsCode, "both", "inbound", "outbound", "both")
	trim := q.oneOf("Trim", callsCode, "trim-silence", "trim-silence", "do-not-trim")
	callback := q.callback("RecordingStatusCallback", 21205, true, recordingEvents)
	if !q.is("Record", false) {
		return nil
	}
	return &exchange.Record{
		Options: media.RecordOptions{
			Dual: channels == "dual", Trim: trim == "trim-silence",
			Track: media.Track(track),
		},
		Callback: callback,
	}
}

func updateCall(q *request) (int, any, *exchange.Fault) {
	status := q.oneOf("Status", callsCode, "", "canceled", "completed")
	u := exchange.Update{
		End: status == "completed", Cancel: status == "canceled",
		Document:       q.document(),
		StatusCallback: q.callback("StatusCallback", 21205, false, callEvents),
		TimeLimit:      q.seconds("TimeLimit", callsCode, 0, 1, 24*60*60),
	}
	if q.has("Url") && q.has("Twiml") {
		q.fail(callsCode, "Url and Twiml are mutually exclusive")
	}
	if q.fault != nil {
		return 0, nil, q.fault
	}
	leg, fault := q.Exchange.Update(q.ids[0], u)
	return http.StatusOK, q.call(leg), fault
}

// userDefinedMessage is a call message in an answer.
type userDefinedMessage struct {
	AccountSID  string `json:"account_sid"`
	CallSID     string `json:"call_sid"`
	SID         string `json:"sid"`
	DateCreated string `json:"date_created"`
}

func createUserDefinedMessage(q *request) (int, any, *exchange.Fault) {
	sid, fault := q.Exchange.SendMessage(q.ids[0], []byte(q.text("Content")))
	return http.StatusCreated, userDefinedMessage{q.AccountSID, q.ids[0], sid, rfc2822(time.Now())}, fault
}

// subscription is one to the call messages of a page, in an answer.
type subscription struct {
	userDefinedMessage
	URI string `json:"uri"`
}

func createSubscription(q *request) (int, any, *exchange.Fault) {
	to := q.target("Callback", "Method", callsCode, 21209, http.MethodPost)
	if to.URL == nil {
		q.fail(callsCode, "Callback is required")
	}
	if q.fault != nil {
		return 0, nil, q.fault
	}
	sid, fault := q.Exchange.Subscribe(q.ids[0], to)
	return http.StatusCreated, subscription{
		userDefinedMessage{q.AccountSID, q.ids[0], sid, rfc2822(time.Now())},
		q.uri("Calls", q.ids[0], "UserDefinedMessageSubscriptions", sid),
	}, fault
}

func deleteSubscription(q *request) (int, any, *exchange.Fault) {
	return http.StatusNoContent, nil, q.Exchange.Unsubscribe(q.ids[0], q.ids[1])
}
