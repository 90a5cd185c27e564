package main

import (
	"fmt"
	"net/url"
)

// readGrants takes the grants of an Access Token out of the claims.
func (r *report) readGrants(claims map[string]any) {
	grants := take[map[string]any](r, claims, "grants")
	r.Identity = take[string](r, grants, "identity")
	if grants["voice"] != nil && r.Identity == "" {
		r.problem(r.kind.grants, "it has a voice grant, but no identity", "The identity is the client name of the device: set one when minting it.")
	} else {
		r.readVoice(grants)
	}
	r.Grants = grants
	switch {
	case len(r.Scopes) > 0:
	case len(grants) == 0:
		r.problem(r.kind.grants, "it grants nothing", "Grant something when minting it.")
	case grants["voice"] == nil:
		r.note("it has no voice grant", "It is of no use to a device that receives calls or calls out.")
	}
}

// readVoice takes out of the grants what a scope can say, and leaves the rest.
func (r *report) readVoice(grants map[string]any) {
	voice := take[map[string]any](r, grants, "voice")
	receives, calls := take[map[string]any](r, voice, "incoming"), take[map[string]any](r, voice, "outgoing")
	add := func(s scope) {
		s.Service, s.Params["clientName"] = "client", []string{r.Identity}
		r.Scopes = append(r.Scopes, s)
		r.checkScope(s)
	}
	if take[bool](r, receives, "allow") {
		add(scope{Privilege: "incoming", Params: url.Values{}})
	}
	if calls != nil {
		add(scope{
			Privilege:         "outgoing",
			Params:            url.Values{"appSid": {take[string](r, calls, "application_sid")}},
			ApplicationParams: texts(take[map[string]any](r, calls, "params")),
		})
	}
	putBack(voice, "incoming", receives)
	putBack(voice, "outgoing", calls)
	putBack(grants, "voice", voice)
}

// take takes a value out of an object. It returns the zero T if there is none,
// and leaves one of another type, which is a problem, where it is.
func take[T any](r *report, object map[string]any, name string) T {
	value, present := object[name]
	taken, ok := value.(T)
	if ok {
		delete(object, name)
	} else if present {
		r.problem(r.kind.grants, fmt.Sprintf("its %s is %s, which Twilio's own libraries do not write there", name, quote(value)),
			`They write {"identity":"tommy","voice":{"incoming":{"allow":true},`+
				`"outgoing":{"application_sid":"AP123","params":{"a":"b"}}}}.`)
	}
	return taken
}

// putBack leaves in the object what nobody took out of the part of it.
func putBack(object map[string]any, name string, part map[string]any) {
	if len(part) > 0 {
		object[name] = part
	}
}

// texts are parameters of an Access Token, each with a value or several. One
// that is no text stands as it does in the token.
func texts(params map[string]any) url.Values {
	values := url.Values{}
	for name, value := range params {
		list, several := value.([]any)
		if !several {
			list = []any{value}
		}
		for _, value := range list {
			text, ok := value.(string)
			if !ok {
				text = quote(value)
			}
			values.Add(name, text)
		}
	}
	return values
}
