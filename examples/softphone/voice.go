package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The TwiML of an answer: see twilio.com/docs/voice/twiml/dial and client.
type (
	response struct {
		XMLName xml.Name `xml:"Response"`
		Dial    *dial
		Reject  *struct{}
	}
	dial struct {
		AnswerOnBridge bool     `xml:"answerOnBridge,attr"` // the caller hears ringing until somebody answers
		CallerID       string   `xml:"callerId,attr,omitempty"`
		Number         string   `xml:",omitempty"`
		Clients        []client `xml:"Client"`
	}
	client struct {
		Identity   string
		Parameters []parameter `xml:"Parameter"` // which the called page sees
	}
	parameter struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
)

// voice tells Twilio, or the stand-in, what to do with a call. FromTwilio has parsed
// the form.
func (s *softphone) voice(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, r, http.StatusMethodNotAllowed, "set the method of the voice URL to POST")
		return
	}
	var answer response
	called, err := s.route(r.PostForm)
	if err != nil {
		logRefusal(r, "call rejected", err.Error(), "from", r.PostForm.Get("From"), "to", r.PostForm.Get("To"))
		answer.Reject = &struct{}{}
	} else {
		answer.Dial = called
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(answer)
}

var phoneNumber = regexp.MustCompile(`^[+(]?[0-9][0-9 ()-]{2,19}$`) // as in messages.js

// route returns whom the call with a webhook's form reaches, or why it is rejected:
// a page's reaches the client or the phone number that the page asked for.
func (s *softphone) route(form url.Values) (*dial, error) {
	byPage := strings.HasPrefix(form.Get("From"), "client:") && !strings.HasPrefix(form.Get("Direction"), "outbound")
	if !byPage {
		return s.ring(form)
	}
	to := strings.TrimPrefix(form.Get("To"), "client:")
	if to == "" {
		return nil, fmt.Errorf("the parameter To is empty, and has to say whom to call: the call's own params are %q", pageParams(form))
	}
	if phoneNumber.MatchString(to) {
		if s.account.callerID == "" {
			return nil, errors.New("calls to phone numbers need TWILIO_CALLER_ID (Twilio error 13214)")
		}
		return &dial{AnswerOnBridge: true, CallerID: s.account.callerID, Number: to}, nil
	}
	if err := s.template.Clone().SetClientName(to).Err(); err != nil {
		return nil, fmt.Errorf("the parameter To is neither a phone number nor a client name: %w", err)
	}
	called := client{Identity: to}
	for _, name := range pageParams(form) {
		called.Parameters = append(called.Parameters, parameter{name, form.Get(name)})
	}
	return &dial{AnswerOnBridge: true, Clients: []client{called}}, nil
}

const maxClients = 10 // in one <Dial>, see twilio.com/docs/voice/twiml/client

// ring answers a call that no page makes, but a phone or the REST API. It has
// reached its To: to dial that would call it again, a number of one's own for ever.
func (s *softphone) ring(form url.Values) (*dial, error) {
	names := s.receivers()
	if len(names) == 0 {
		return nil, errors.New("the call comes from outside, and nobody has signed in to receive calls")
	}
	names = names[:min(len(names), maxClients)]
	slog.Info("a call from outside rings", "clients", names, "from", form.Get("From"), "to", form.Get("To"))
	called := &dial{AnswerOnBridge: true}
	for _, name := range names {
		called.Clients = append(called.Clients, client{Identity: name})
	}
	return called, nil
}

// pageParams returns the names of the params that come from the page and the token.
func pageParams(form url.Values) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(form)), func(name string) bool { return slices.Contains(twilioParams, name) })
}

// twilioParams are those of each webhook.
var twilioParams = []string{
	"AccountSid", "ApiVersion", "ApplicationSid", "CallSid", "CallStatus", "Called", "Caller", "Direction", "From", "To",
}
