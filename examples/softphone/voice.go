package main

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/twilio/twilio-go/client"
	"github.com/twilio/twilio-go/twiml"
)

// voice tells Twilio, or the stand-in, what to do with an outgoing call: to dial
// the client or the phone number that the page asked for.
func (s *softphone) voice(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	form := map[string]string{}
	for name := range r.PostForm {
		form[name] = r.PostForm.Get(name)
	}
	// Twilio signs the URL that it was given: its query counts, and so does the host that a tunnel replaces.
	signed := s.publicURL + r.URL.RequestURI()
	validator := client.NewRequestValidator(s.account.authToken)
	if !validator.Validate(signed, form, r.Header.Get("X-Twilio-Signature")) {
		slog.Warn("a voice webhook was refused: its signature is not for this URL and auth token. Is -public-url what Twilio was given?", "url", signed)
		http.Error(w, "the signature is not valid", http.StatusForbidden)
		return
	}
	answer, err := twiml.Voice([]twiml.Element{s.route(form)})
	if err != nil {
		slog.Error("no TwiML", "error", err)
		http.Error(w, "no TwiML", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, answer)
}

var (
	clientName  = regexp.MustCompile(`^\w{1,256}$`)
	phoneNumber = regexp.MustCompile(`^[+(]?[0-9][0-9 ()-]{2,19}$`) // as in messages.js
)

// route returns what the call with a webhook's form is to do.
func (s *softphone) route(form map[string]string) twiml.Element {
	to := strings.TrimPrefix(form["To"], "client:")
	switch {
	case phoneNumber.MatchString(to):
		return &twiml.VoiceDial{CallerId: s.account.callerID, InnerElements: []twiml.Element{&twiml.VoiceNumber{PhoneNumber: to}}}
	case clientName.MatchString(to):
		return &twiml.VoiceDial{InnerElements: []twiml.Element{&twiml.VoiceClient{InnerElements: withParams(to, form)}}}
	default:
		return &twiml.VoiceReject{}
	}
}

// withParams returns what a <Client> contains: its name, and the params of the page
// and of the token, which the called page sees.
func withParams(to string, form map[string]string) []twiml.Element {
	elements := []twiml.Element{&twiml.VoiceIdentity{ClientIdentity: to}}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if !slices.Contains(twilioParams, name) {
			elements = append(elements, &twiml.VoiceParameter{Name: name, Value: form[name]})
		}
	}
	return elements
}

// twilioParams are those of each webhook.
var twilioParams = []string{
	"AccountSid", "ApiVersion", "ApplicationSid", "CallSid", "CallStatus", "Called", "Caller", "Direction", "From", "To",
}
