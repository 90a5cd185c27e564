package inspect

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-6c737938/capability"
)

// A Scope has the parameters apart that are form-encoded within another.
type Scope struct {
	Service           string     `json:"service"`
	Privilege         string     `json:"privilege"`
	Params            url.Values `json:"params"`
	ApplicationParams url.Values `json:"applicationParams,omitempty"`
	Filters           url.Values `json:"filters,omitempty"`
}

// The scopes that Twilio documents.
const (
	Incoming = "client:incoming"
	Outgoing = "client:outgoing"
	Events   = "stream:subscribe"
)

// Name is the service and the privilege.
func (s Scope) Name() string { return s.Service + ":" + s.Privilege }

// readSIDs moves the SIDs from the claims to the report.
func (r *Report) readSIDs(claims map[string]any) {
	account := "iss"
	if r.Kind == AccessToken {
		iss, _ := claims["iss"].(string)
		sub, _ := claims["sub"].(string)
		if isAccount(iss) && isAPIKey(sub) {
			r.problem(r.rules.issuer, "its iss and sub have changed places", "iss must be the SID of the API key that signs it, sub that of the account.")
			return
		}
		account = "sub"
		r.APIKeySID = r.readSID(claims, "iss", "an API key SID", isAPIKey)
	}
	r.AccountSID = r.readSID(claims, account, "an account SID", isAccount)
}

// readSID returns "" if there is none, or one that is wrong.
func (r *Report) readSID(claims map[string]any, name, what string, ok func(string) bool) string {
	value, present := claims[name]
	sid, _ := value.(string)
	advice := "Mint it with the SID of the account as its " + name + "."
	if what == "an API key SID" {
		advice = "Mint it with the SID of the API key that signs it as its " + name + "."
	}
	switch {
	case !present:
		r.missing(r.rules.issuer, "it has no "+name+", which must be "+what, advice)
	case !ok(sid):
		r.problem(r.rules.issuer, "its "+name+" is "+quote(value)+", not "+what, advice)
	default:
		delete(claims, name)
		return sid
	}
	return ""
}

// readScopes moves the scopes of a capability token to the report.
func (r *Report) readScopes(claims map[string]any) {
	value, present := claims["scope"]
	text, isText := value.(string)
	switch {
	case !present:
		r.problem(r.rules.grants, "it has no scope claim, so it grants nothing", "Grant something when minting it.")
		return
	case !isText:
		r.problem(r.rules.grants, "its scope claim is "+quote(value)+", not a string", "Write all scopes into one string, with a space between.")
		return
	case text == "":
		r.problem(r.rules.grants, "its scope claim is empty, so it grants nothing", "Grant something when minting it.")
		return
	}
	delete(claims, "scope")
	seen := map[string]bool{}
	for text := range strings.SplitSeq(text, " ") {
		s, err := readScope(text)
		if err != nil {
			r.problem(r.rules.grants, "part of its scope claim is not a scope: "+quote(text),
				"A space separates two scopes: within one, in a client name or a parameter, it must be form-encoded, as must '%' and '&'.")
			continue
		}
		if seen[s.Name()] {
			r.note("it has more than one scope "+s.Name(), "A device uses the first of them. If they differ, mint a token for each.")
		}
		seen[s.Name()] = true
		r.Scopes = append(r.Scopes, s)
		r.checkScope(s)
	}
	r.compareNames()
}

// readScope parses a scope, and what is form-encoded within a parameter of it.
// Twilio's Node and Java libraries write the filters of an event stream as
// appParams, the others as params.
func readScope(text string) (Scope, error) {
	parsed, err := capability.ParseScope(text)
	if err != nil {
		return Scope{}, err
	}
	s := Scope{Service: parsed.Service, Privilege: parsed.Privilege, Params: url.Values{}}
	maps.Copy(s.Params, parsed.Params)
	switch s.Name() {
	case Outgoing:
		claims := capability.Claims{Scopes: []capability.Scope{parsed}}
		_, s.ApplicationParams, _ = claims.Outgoing()
		s.Params.Del("appParams")
	case Events:
		name := "params"
		if !s.Params.Has(name) {
			name = "appParams"
		}
		// Filters are encoded as the parameters of a scope are.
		filters, err := capability.ParseScope("scope:" + s.Name() + "?" + s.Params.Get(name))
		if err != nil {
			return Scope{}, fmt.Errorf("the filters of %s: %w", s.Name(), err)
		}
		s.Filters = filters.Params
		s.Params.Del(name)
	}
	return s, nil
}

func (r *Report) checkScope(s Scope) {
	if s.Name() == Incoming || s.Name() == Outgoing && s.Params.Has("clientName") {
		r.checkClientName(s.Params.Get("clientName"))
	}
	if s.Name() == Outgoing {
		r.checkApplication(s)
	}
}

func (r *Report) checkApplication(s Scope) {
	switch sid := s.Params.Get("appSid"); {
	case sid == "":
		r.problem(badApplication, "it allows outgoing calls, but names no application", "Name a TwiML application of the account when minting it.")
	case token().AllowClientOutgoing(sid).Err() != nil:
		r.problem(badApplication, "its application SID is "+quote(sid)+", not AP and 32 hexadecimal digits",
			"Use the SID of a TwiML application of the account.")
	}
}

func (r *Report) checkClientName(name string) {
	if r.Kind == AccessToken && len(name) > 121 {
		r.problem(longIdentity, fmt.Sprintf("its identity has %d characters: a Voice device may have 121", len(name)), "Use a shorter client name.")
		return
	}
	if token().SetClientName(name).Err() != nil {
		r.problem(r.rules.clientName, "its client name is "+quote(name)+": only ASCII letters, digits and '_' are safe, 1 to 256 of them",
			"With other characters, calls fail or go nowhere. EncodeClientName in this Go module makes such a name from any user ID.")
	}
}

func (r *Report) compareNames() {
	scope := func(name string) (Scope, bool) {
		i := slices.IndexFunc(r.Scopes, func(s Scope) bool { return s.Name() == name })
		if i < 0 {
			return Scope{}, false
		}
		return r.Scopes[i], true
	}
	in, receives := scope(Incoming)
	out, calls := scope(Outgoing)
	r.Identity = in.Params.Get("clientName")
	if !receives {
		r.Identity = out.Params.Get("clientName")
	}
	if receives && calls && r.Identity != out.Params.Get("clientName") {
		r.note("it receives calls as "+show(r.Identity)+", but does not call out as "+show(r.Identity),
			"The voice URL sees another caller, or an anonymous one: Twilio's Node, Ruby and Java libraries leave the name out.")
	}
}

// grantNames are the grants' names in Twilio's documentation, where they differ.
var grantNames = map[string]string{"data_sync": "sync", "task_router": "taskrouter", "rtc": "conversations", "ip_messaging": "chat"}

// readGrants moves the grants of an Access Token to the report.
func (r *Report) readGrants(claims map[string]any) {
	grants := take[map[string]any](r, claims, "grants")
	r.Identity = take[string](r, grants, "identity")
	for _, name := range slices.Sorted(maps.Keys(grants)) {
		if other, ok := grantNames[name]; ok {
			name = other
		}
		r.Grants = append(r.Grants, name)
	}
	switch {
	case len(r.Grants) == 0:
		r.missing(r.rules.grants, "it grants nothing", "Add a grant when minting it: a voice grant for a Voice device.")
	case r.Identity == "":
		r.problem(r.rules.grants, "it has no identity", "The identity is the client name of the device: set one when minting it.")
	}
	_, voice := grants["voice"]
	r.readVoice(grants)
	if len(r.Grants) > 0 && !voice {
		r.note("it has no voice grant", "It is of no use to a device that makes or receives calls.")
	}
	r.otherGrants = grants
}

// readVoice moves what a scope can express, and leaves the rest in the grants.
func (r *Report) readVoice(grants map[string]any) {
	voice := take[map[string]any](r, grants, "voice")
	incoming, outgoing := take[map[string]any](r, voice, "incoming"), take[map[string]any](r, voice, "outgoing")
	add := func(s Scope) {
		s.Service = "client"
		if r.Identity != "" {
			s.Params["clientName"] = []string{r.Identity}
			r.checkClientName(r.Identity)
		}
		r.Scopes = append(r.Scopes, s)
	}
	if take[bool](r, incoming, "allow") {
		add(Scope{Privilege: "incoming", Params: url.Values{}})
	}
	if outgoing != nil {
		s := Scope{Privilege: "outgoing", Params: url.Values{"appSid": {take[string](r, outgoing, "application_sid")}}}
		s.ApplicationParams = texts(take[map[string]any](r, outgoing, "params"))
		add(s)
		r.checkApplication(s)
	}
	r.PushCredentialSID = take[string](r, voice, "push_credential_sid")
	if voice != nil && len(r.Scopes) == 0 {
		r.problem(r.rules.grants, "its voice grant allows neither incoming nor outgoing calls", "Allow one of them when minting it.")
	}
	putBack(voice, "incoming", incoming)
	putBack(voice, "outgoing", outgoing)
	putBack(grants, "voice", voice)
}

// take removes a value from an object and returns it. It returns the zero T if
// there is none; one of another type, which is a problem, stays in the object.
func take[T any](r *Report, object map[string]any, name string) T {
	value, present := object[name]
	taken, ok := value.(T)
	if ok {
		delete(object, name)
	} else if present {
		r.problem(r.rules.grants, fmt.Sprintf("its %s is %s, which is of the wrong type", name, quote(value)),
			`Twilio's own libraries write {"identity":"tommy","voice":{"incoming":{"allow":true},`+
				`"outgoing":{"application_sid":"AP123","params":{"a":"b"}}}}.`)
	}
	return taken
}

// putBack returns to an object what is left of a part of it.
func putBack(object map[string]any, name string, part map[string]any) {
	if len(part) > 0 {
		object[name] = part
	}
}

// texts are the parameters of an Access Token, each with a value or several. One
// that is not a string is shown as it is in the token.
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
