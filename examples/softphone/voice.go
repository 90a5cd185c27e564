package main

import (
	"errors"
	"fmt"
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

// voice tells Twilio, or the stand-in, what to do with a call.
func (s *softphone) voice(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, r, http.StatusMethodNotAllowed, "set the method of the voice URL to POST")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuse(w, r, http.StatusBadRequest, "the form cannot be read: "+err.Error())
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
		refuse(w, r, http.StatusForbidden, "the signature is not for this URL and auth token: is -public-url what Twilio was given?", "url", signed)
		return
	}
	verb, err := s.route(form)
	if err != nil {
		logRefusal(r, "call rejected", err.Error(), "from", form["From"], "to", form["To"])
		verb = &twiml.VoiceReject{}
	}
	answer, err := twiml.Voice([]twiml.Element{verb})
	if err != nil {
		refuse(w, r, http.StatusInternalServerError, "no TwiML: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, answer)
}

var phoneNumber = regexp.MustCompile(`^[+(]?[0-9][0-9 ()-]{2,19}$`) // as in messages.js

// route returns what the call with a webhook's form is to do, or why it is rejected:
// a page's dials the client or the phone number that the page asked for.
func (s *softphone) route(form map[string]string) (twiml.Element, error) {
	byPage := strings.HasPrefix(form["From"], "client:") && !strings.HasPrefix(form["Direction"], "outbound")
	if !byPage {
		return s.ring(form)
	}
	to := strings.TrimPrefix(form["To"], "client:")
	if to == "" {
		return nil, fmt.Errorf("the parameter To is empty, and has to say whom to call: the call's own params are %q", pageParams(form))
	}
	if phoneNumber.MatchString(to) {
		if s.account.callerID == "" {
			return nil, errors.New("calls to phone numbers need TWILIO_CALLER_ID (Twilio error 13214)")
		}
		return &twiml.VoiceDial{CallerId: s.account.callerID, InnerElements: []twiml.Element{&twiml.VoiceNumber{PhoneNumber: to}}}, nil
	}
	if err := s.template.Clone().SetClientName(to).Err(); err != nil {
		return nil, fmt.Errorf("the parameter To is neither a phone number nor a client name: %w", err)
	}
	return &twiml.VoiceDial{InnerElements: []twiml.Element{dialled(to, form)}}, nil
}

// ring answers a call that no page makes, but a phone or the REST API. It has
// reached its To: to dial that would call it again, a number of one's own for ever.
func (s *softphone) ring(form map[string]string) (twiml.Element, error) {
	names := s.receivers()
	if len(names) == 0 {
		return nil, errors.New("the call comes from outside, and nobody has signed in to receive calls")
	}
	names = names[:min(len(names), maxClients)]
	slog.Info("a call from outside rings", "clients", names, "from", form["From"], "to", form["To"])
	dial := &twiml.VoiceDial{}
	for _, name := range names {
		dial.InnerElements = append(dial.InnerElements, dialled(name, nil))
	}
	return dial, nil
}

const maxClients = 10 // in one <Dial>, see twilio.com/docs/voice/twiml/client

// dialled returns a <Client> with its name, and the params of the page and of the
// token, which the called page sees.
func dialled(name string, form map[string]string) *twiml.VoiceClient {
	elements := []twiml.Element{&twiml.VoiceIdentity{ClientIdentity: name}}
	for _, param := range pageParams(form) {
		elements = append(elements, &twiml.VoiceParameter{Name: param, Value: form[param]})
	}
	return &twiml.VoiceClient{InnerElements: elements}
}

// pageParams returns the names of the params that come from the page and the token.
func pageParams(form map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(form)), func(name string) bool { return slices.Contains(twilioParams, name) })
}

// twilioParams are those of each webhook.
var twilioParams = []string{
	"AccountSid", "ApiVersion", "ApplicationSid", "CallSid", "CallStatus", "Called", "Caller", "Direction", "From", "To",
}
