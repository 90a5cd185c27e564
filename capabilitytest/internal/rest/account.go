package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// voice is what applications and numbers have in common, in an answer.
type voice struct {
	VoiceURL             *string `json:"voice_url"`
	VoiceMethod          string  `json:"voice_method"`
	VoiceFallbackURL     *string `json:"voice_fallback_url"`
	VoiceFallbackMethod  string  `json:"voice_fallback_method"`
	StatusCallback       *string `json:"status_callback"`
	StatusCallbackMethod string  `json:"status_callback_method"`
	VoiceCallerIDLookup  bool    `json:"voice_caller_id_lookup"`
	SMSURL               *string `json:"sms_url"` // the stand-in knows no messages
	SMSMethod            string  `json:"sms_method"`
	SMSFallbackURL       *string `json:"sms_fallback_url"`
	SMSFallbackMethod    string  `json:"sms_fallback_method"`
}

func showVoice(v exchange.Voice) voice {
	return voice{
		VoiceURL: urlOrNull(v.URL), VoiceMethod: v.Method, VoiceFallbackURL: urlOrNull(v.FallbackURL), VoiceFallbackMethod: v.FallbackMethod,
		StatusCallback: urlOrNull(v.StatusCallback), StatusCallbackMethod: v.StatusCallbackMethod,
		SMSMethod: http.MethodPost, SMSFallbackMethod: http.MethodPost,
	}
}

func urlOrNull(u *url.URL) *string {
	if u == nil {
		return nil
	}
	s := u.String()
	return &s
}

// The codes of what is wrong with a URL or a method of a number, or an application:
// https://www.twilio.com/docs/api/errors/21402
const (
	voiceURLCode    = 21402
	voiceMethodCode = 21403
)

// change returns the voice with what the request changes. An empty URL takes one away.
func (q *request) change(v exchange.Voice) exchange.Voice {
	for _, param := range []struct {
		name string
		url  **url.URL
	}{{"VoiceUrl", &v.URL}, {"VoiceFallbackUrl", &v.FallbackURL}, {"StatusCallback", &v.StatusCallback}} {
		if q.has(param.name) {
			*param.url = q.url(param.name, voiceURLCode)
		}
	}
	v.Method = q.method("VoiceMethod", voiceMethodCode, v.Method)
	v.FallbackMethod = q.method("VoiceFallbackMethod", voiceMethodCode, v.FallbackMethod)
	v.StatusCallbackMethod = q.method("StatusCallbackMethod", voiceMethodCode, v.StatusCallbackMethod)
	return v
}

// changeName returns the friendly name with what the request changes.
func (q *request) changeName(name string) string {
	if q.has("FriendlyName") {
		return q.friendlyName()
	}
	return name
}

// application is a TwiML application in an answer.
type application struct {
	SID          string `json:"sid"`
	AccountSID   string `json:"account_sid"`
	APIVersion   string `json:"api_version"`
	FriendlyName string `json:"friendly_name"`
	voice
	SMSStatusCallback               *string `json:"sms_status_callback"`
	MessageStatusCallback           *string `json:"message_status_callback"`
	PublicApplicationConnectEnabled bool    `json:"public_application_connect_enabled"`
	DateCreated                     string  `json:"date_created"`
	DateUpdated                     string  `json:"date_updated"`
	URI                             string  `json:"uri"`
}

func (a *API) application(app exchange.Application) any {
	return application{
		SID: app.SID, AccountSID: a.AccountSID, APIVersion: apiVersion, FriendlyName: app.FriendlyName, voice: showVoice(app.Voice),
		DateCreated: rfc2822(app.Created), DateUpdated: rfc2822(app.Updated), URI: a.uri("Applications", app.SID),
	}
}

func listApplications(q *request) (int, any, *exchange.Fault) {
	all := slices.DeleteFunc(q.Exchange.Applications(), func(a exchange.Application) bool { return !q.equals("FriendlyName", a.FriendlyName) })
	return page(q, "applications", all, func(a exchange.Application) string { return a.SID }, q.application)
}

func fetchApplication(q *request) (int, any, *exchange.Fault) {
	app, fault := q.Exchange.Application(q.ids[0])
	return http.StatusOK, q.application(app), fault
}

func createApplication(q *request) (int, any, *exchange.Fault) {
	app := exchange.Application{FriendlyName: q.friendlyName(), Voice: q.change(exchange.NewVoice(nil, nil))}
	if q.fault != nil {
		return 0, nil, q.fault
	}
	made, fault := q.Exchange.NewApplication(app)
	return http.StatusCreated, q.application(made), fault
}

func updateApplication(q *request) (int, any, *exchange.Fault) {
	app, fault := q.Exchange.UpdateApplication(q.ids[0], func(a *exchange.Application) *exchange.Fault {
		a.FriendlyName, a.Voice, a.Updated = q.changeName(a.FriendlyName), q.change(a.Voice), time.Now()
		return q.fault
	})
	return http.StatusOK, q.application(app), fault
}

func deleteApplication(q *request) (int, any, *exchange.Fault) {
	return http.StatusNoContent, nil, q.Exchange.DeleteApplication(q.ids[0])
}

// number is a telephone number of the account in an answer.
type number struct {
	SID          string `json:"sid"`
	AccountSID   string `json:"account_sid"`
	APIVersion   string `json:"api_version"`
	PhoneNumber  string `json:"phone_number"`
	FriendlyName string `json:"friendly_name"`
	voice
	VoiceApplicationSID    *string         `json:"voice_application_sid"`
	VoiceReceiveMode       string          `json:"voice_receive_mode"`
	Capabilities           map[string]bool `json:"capabilities"`
	SMSApplicationSID      *string         `json:"sms_application_sid"`
	AddressSID             *string         `json:"address_sid"`
	AddressRequirements    string          `json:"address_requirements"`
	BundleSID              *string         `json:"bundle_sid"`
	IdentitySID            *string         `json:"identity_sid"`
	TrunkSID               *string         `json:"trunk_sid"`
	EmergencyStatus        string          `json:"emergency_status"`
	EmergencyAddressSID    *string         `json:"emergency_address_sid"`
	EmergencyAddressStatus string          `json:"emergency_address_status"`
	Origin                 string          `json:"origin"`
	Beta                   bool            `json:"beta"`
	Status                 string          `json:"status"`
	Type                   *string         `json:"type"`
	DateCreated            string          `json:"date_created"`
	DateUpdated            string          `json:"date_updated"`
	URI                    string          `json:"uri"`
}

func (a *API) number(n exchange.Number) any {
	return number{
		SID: n.SID, AccountSID: a.AccountSID, APIVersion: apiVersion, PhoneNumber: n.Number, FriendlyName: n.FriendlyName, voice: showVoice(n.Voice),
		VoiceApplicationSID: orNull(n.ApplicationSID), VoiceReceiveMode: "voice",
		Capabilities:        map[string]bool{"voice": true, "sms": false, "mms": false, "fax": false},
		AddressRequirements: "none", EmergencyStatus: "Inactive", EmergencyAddressStatus: "unregistered", Origin: "twilio", Status: "in-use",
		DateCreated: rfc2822(n.Created), DateUpdated: rfc2822(n.Updated), URI: a.uri("IncomingPhoneNumbers", n.SID),
	}
}

func listNumbers(q *request) (int, any, *exchange.Fault) {
	wanted := strings.NewReplacer("*", "", " ", "").Replace(q.text("PhoneNumber")) // a "+" in a query that was not encoded is a space
	all := slices.DeleteFunc(q.Exchange.Numbers(), func(n exchange.Number) bool {
		return !q.equals("FriendlyName", n.FriendlyName) || !strings.Contains(n.Number, wanted)
	})
	return page(q, "incoming_phone_numbers", all, func(n exchange.Number) string { return n.SID }, q.number)
}

func fetchNumber(q *request) (int, any, *exchange.Fault) {
	n, fault := q.Exchange.Number(q.ids[0])
	return http.StatusOK, q.number(n), fault
}

func updateNumber(q *request) (int, any, *exchange.Fault) {
	n, fault := q.Exchange.UpdateNumber(q.ids[0], func(n *exchange.Number) *exchange.Fault {
		n.FriendlyName, n.Voice, n.Updated = q.changeName(n.FriendlyName), q.change(n.Voice), time.Now()
		if q.has("VoiceApplicationSid") {
			n.ApplicationSID = q.text("VoiceApplicationSid")
		}
		return q.fault
	})
	return http.StatusOK, q.number(n), fault
}
