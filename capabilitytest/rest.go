package capabilitytest

import (
	"slices"
	"strings"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// Call calls a client, such as client:tommy, or a telephone number, such as +15550100001, as
// Twilio's REST API does with a POST to Calls.json. A query after a client name sets
// customParameters: client:tommy?topic=tea. The from argument is a client or a number; a call
// to a number must come from a number.
//
// The document is a URL that the server requests by POST when the call is answered, or TwiML,
// which begins with "<". Call returns at once, with the call queued; use [Server.WaitCall] to
// wait for what becomes of it. An error names the code that Twilio would answer.
func (s *Server) Call(to, from, document string) (Call, error) {
	d := &exchange.Document{TwiML: document}
	if !strings.HasPrefix(document, "<") {
		u, err := webhookURL("document", document)
		if err != nil {
			return Call{}, wrap(err)
		}
		d.Target = webhook.Target{Method: "POST", URL: u}
	}
	leg, fault := s.exchange.Originate(exchange.Origin{To: to, From: from, Document: d, Timeout: exchange.RingTimeout})
	if fault != nil {
		return Call{}, refused(fault)
	}
	calls := s.Calls()
	i := slices.IndexFunc(calls, func(c Call) bool { return c.SID == leg.SID })
	return calls[i], nil
}

// Hangup ends a call, as Twilio's REST API does with Status=completed. A call that rings is
// canceled. The SID may be that of a leg that a Dial has made. It fails if the call is over or
// unknown.
func (s *Server) Hangup(callSID string) error {
	_, fault := s.exchange.Update(callSID, exchange.Update{End: true})
	return refused(fault)
}

// refused returns an error that names the code of a fault, or nil.
func refused(fault *exchange.Fault) error {
	if fault == nil {
		return nil
	}
	return wrap(fault)
}
