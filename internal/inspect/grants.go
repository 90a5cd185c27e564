package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/accesstoken"
	"github.com/seed-6c737938/capability/internal/rule"
)

// A Scope is a [capability.Scope] with its nested form-encoded parameters decoded.
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

// readScopes moves the scopes of a capability token to the report.
func (r *Report) readScopes(claims map[string]any) {
	value, present := claims["scope"]
	text, isText := value.(string)
	switch {
	case !present:
		r.problem(r.rules.grants, "it has no scope claim, so it grants nothing", "Grant something when minting it.")
		return
	case !isText:
		r.problem(r.rules.grants, "its scope claim is "+Quote(value)+", not a string", "Write all scopes into one string, with a space between.")
		return
	case text == "":
		r.note("its scope claim is empty, so it grants nothing", "Grant something when minting it.")
		return
	}
	delete(claims, "scope")
	seen := map[string]bool{}
	for text := range strings.SplitSeq(text, " ") {
		s, err := readScope(text)
		if err != nil {
			r.problem(r.rules.grants, "part of its scope claim is not a scope: "+Quote(text),
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
		if filters, err := capability.ParseScope("scope:" + s.Name() + "?" + s.Params.Get(name)); err == nil {
			s.Filters = filters.Params
			s.Params.Del(name)
		}
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

const namesNone = "it allows outgoing calls, but names no application"

func (r *Report) checkApplication(s Scope) {
	sid := s.Params.Get("appSid")
	if sid == "" {
		r.problem(badApplication, namesNone, "Name a TwiML application of the account when minting it.")
		return
	}
	r.checkSID(badApplication, "application SID", "AP", sid, "Use the SID of a TwiML application of the account.")
}

// checkClientName finds fault with what Twilio documents to be forbidden, and
// notes what works not everywhere.
func (r *Report) checkClientName(name string) {
	advice := "EncodeClientName in this Go module makes a name that works everywhere, from any user ID."
	if noValue.MatchString(name) {
		advice = "It looks like a value that was not there: check what the backend reads as its user."
	}
	unsafe, wrong := rule.UnsafeClientName(name, r.rules.longestName), rule.ClientName(name, r.rules.longestName)
	switch {
	case name == "":
		r.problem(badName, "its client name is empty", "Mint it with one, or without clientName.")
	case len(name) > r.rules.longestName:
		r.problem(r.rules.longName, fmt.Sprintf("its client name has %d characters: a Voice device may have %d", len(name), r.rules.longestName), "Use a shorter one.")
	case unsafe != "":
		r.problem(badName, "its client name is "+Quote(name)+": "+unsafe, advice)
	case strings.HasPrefix(name, "client:"):
		r.note("its client name is "+Quote(name)+": "+wrong, "From and To have client: before a name. With it, nobody who calls the name alone reaches the device.")
	case wrong != "":
		r.note("its client name is "+Quote(name)+": "+wrong, "With other characters, calls can fail: in mobile apps, in TwiML or over REST. "+advice)
	case noValue.MatchString(name):
		r.note("its client name is "+Quote(name), advice)
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
		r.note("it receives calls as "+Show(r.Identity)+", but does not call out as "+Show(r.Identity),
			"The voice URL sees another caller, or an anonymous one: Twilio's Node, Ruby and Java libraries leave the name out.")
	}
}

// grantNames are the grants' names in Twilio's documentation, where they differ.
var grantNames = map[string]string{"data_sync": "sync", "task_router": "taskrouter", "rtc": "conversations", "ip_messaging": "chat"}

// readGrants moves the grants of an Access Token to the report.
func (r *Report) readGrants(claims map[string]any) {
	claim := claims["grants"]
	grants, faults := accesstoken.ParseGrants(claim)
	for _, f := range faults {
		r.grantFault(f, at(claim, f.Name))
	}
	if object, ok := claim.(map[string]any); ok {
		delete(claims, "grants")
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if name != "identity" {
				r.Grants = append(r.Grants, cmp.Or(grantNames[name], name))
			}
		}
	}
	r.Identity, r.PushCredentialSID, r.OtherGrants = grants.Identity, grants.Voice.PushCredentialSID, grants.Other
	if rest, ok := grants.Other["voice"].(map[string]any); ok {
		if delete(rest, "push_credential_sid"); len(rest) == 0 {
			delete(r.OtherGrants, "voice")
		}
	}
	if r.PushCredentialSID != "" {
		r.checkSID(badPush, "push credential SID", "CR", r.PushCredentialSID, pushAdvice)
	}
	add := func(s Scope) {
		s.Service = "client"
		if r.Identity != "" {
			s.Params["clientName"] = []string{r.Identity}
			r.checkClientName(r.Identity)
		}
		r.Scopes = append(r.Scopes, s)
	}
	if grants.Voice.Incoming {
		add(Scope{Privilege: "incoming", Params: url.Values{}})
	}
	if sid := grants.Voice.ApplicationSID; sid != "" {
		s := Scope{Privilege: "outgoing", Params: url.Values{"appSid": {sid}}, ApplicationParams: grants.Voice.Params}
		add(s)
		r.checkApplication(s)
	}
	if len(r.Scopes) == 0 && len(faults) == 0 {
		r.note("its voice grant allows neither incoming nor outgoing calls, so it grants nothing", "Allow one of them when minting it.")
	}
}

// grantFault reports a fault of the grants. Those that the report has words of its own
// for are left out.
func (r *Report) grantFault(f accesstoken.Fault, value any) {
	message := "its " + f.String()
	if text, isText := value.(string); isText && text == "" {
		message = "its " + f.Name + " is empty"
	} else if value != nil {
		message = "its " + f.Name + ", " + quoteShort(value) + ", " + f.Wrong
	}
	code, advice := r.rules.grants, `Twilio's own libraries write {"identity":"tommy","voice":{"incoming":{"allow":true},`+
		`"outgoing":{"application_sid":"AP123","params":{"a":"b"}}}}.`
	switch text, isText := value.(string); f.Name {
	case "grants":
		r.missingClaim(code, strings.Replace(message, "grants", "grants claim", 1), "Add a voice grant when minting it.")
		return
	case "grants.identity":
		advice = "The identity is the client name of the device: mint it with one, as a string."
		if isText && text != "" {
			r.checkClientName(text)
			return
		}
	case "grants.voice":
		if value == nil {
			advice = "Without one it is of no use to a device that makes or receives calls. Add it when minting."
		}
	case "grants.voice.outgoing.application_sid":
		if text != "" { // which checkApplication reports
			return
		}
		code, advice, message = badApplication, "Name a TwiML application of the account when minting it.", namesNone
	case "grants.voice.push_credential_sid":
		if text != "" {
			return
		}
		code, advice = badPush, pushAdvice
	}
	r.problem(code, message, advice)
}

const pushAdvice = "Use the SID of a push credential of the account. A page in a browser needs none."

// at returns what stands at a path of names, the first of which is that of the
// value.
func at(value any, path string) any {
	for _, name := range strings.Split(path, ".")[1:] {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}
