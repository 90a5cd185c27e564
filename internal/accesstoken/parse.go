package accesstoken

import (
	"maps"
	"net/url"
	"slices"

	"github.com/seed-6c737938/capability/internal/jws"
	"github.com/seed-6c737938/capability/internal/rule"
)

// A Fault is something wrong in the header or the grants of an Access Token.
type Fault struct {
	Name  string // the header parameter or claim, such as "grants.identity"
	Wrong string // in words that follow the name; they quote nothing
}

func (f Fault) String() string { return f.Name + " " + f.Wrong }

// CheckHeader returns what is wrong with the header of an Access Token, apart from
// its alg.
func CheckHeader(header map[string]any) []Fault {
	r := &reader{}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		switch value := header[name]; name {
		case "alg":
		case "typ":
			r.faultIf(value != "JWT", name, "is not JWT")
		case "cty":
			r.faultIf(value != ContentType, name, "is not "+ContentType)
		case "twr":
			region, _ := value.(string)
			wrong := rule.Region(region)
			r.faultIf(wrong != "", name, "is not a region: "+wrong)
		default:
			// An extension may be critical (RFC 7515 section 4.1.11).
			r.faultIf(true, name, "is not a parameter of an Access Token's header")
		}
	}
	for _, name := range []string{"typ", "cty"} {
		r.faultIf(header[name] == nil, name, "is missing")
	}
	return r.faults
}

// ParseGrants reads the grants claim of an Access Token, as encoding/json has
// decoded it. It returns what it can read even if there are faults. Params of the
// application may be of any type: Twilio's Go and Node libraries write what they
// are given.
func ParseGrants(claim any) (Grants, []Fault) {
	r := &reader{}
	members := r.object("grants", claim)
	if members == nil {
		return Grants{}, r.faults
	}
	grants := Grants{Other: maps.Clone(members)}
	delete(grants.Other, "identity")
	grants.Identity = r.identity(members["identity"])
	voice, ok := members["voice"]
	if !ok {
		r.faultIf(true, "grants.voice", "is missing: the token grants no calls")
		return grants, r.faults
	}
	var rest map[string]any
	grants.Voice, rest = r.voice(voice)
	if grants.Other["voice"] = rest; len(rest) == 0 {
		delete(grants.Other, "voice")
	}
	return grants, r.faults
}

// A reader collects the faults of a token.
type reader struct{ faults []Fault }

func (r *reader) faultIf(isFault bool, name, wrong string) {
	if isFault {
		r.faults = append(r.faults, Fault{name, wrong})
	}
}

func (r *reader) identity(value any) string {
	const name = "grants.identity"
	identity, ok := value.(string)
	switch {
	case value == nil:
		r.faultIf(true, name, "is missing")
	case !ok:
		r.faultIf(true, name, "is not a string")
	default:
		wrong := rule.UnsafeClientName(identity, rule.LongestIdentity)
		r.faultIf(wrong != "", name, "is not a client name: "+wrong)
	}
	return identity
}

// voice also returns the members that are neither incoming nor outgoing.
func (r *reader) voice(value any) (voice Voice, rest map[string]any) {
	members := r.object("grants.voice", value)
	rest = maps.Clone(members)
	delete(rest, "incoming")
	delete(rest, "outgoing")
	if incoming := members["incoming"]; incoming != nil {
		voice.Incoming = r.allowed(incoming)
	}
	if outgoing := members["outgoing"]; outgoing != nil {
		voice.ApplicationSID, voice.Params = r.outgoing(outgoing)
	}
	if sid := members["push_credential_sid"]; sid != nil {
		voice.PushCredentialSID = r.sid("grants.voice.push_credential_sid", "CR", sid)
	}
	return voice, rest
}

func (r *reader) allowed(value any) bool {
	members := r.object("grants.voice.incoming", value)
	if members == nil || members["allow"] == nil {
		return false
	}
	allow, ok := members["allow"].(bool)
	r.faultIf(!ok, "grants.voice.incoming.allow", "is not true or false")
	return allow
}

func (r *reader) outgoing(value any) (applicationSID string, params url.Values) {
	members := r.object("grants.voice.outgoing", value)
	if members == nil {
		return "", nil
	}
	applicationSID = r.sid("grants.voice.outgoing.application_sid", "AP", members["application_sid"])
	if members["params"] == nil {
		return applicationSID, nil
	}
	for name, value := range r.object("grants.voice.outgoing.params", members["params"]) {
		if params == nil {
			params = url.Values{}
		}
		params[name] = texts(value)
	}
	return applicationSID, params
}

func (r *reader) sid(name, prefix string, value any) string {
	sid, _ := value.(string)
	wrong := rule.SID(prefix, sid)
	r.faultIf(wrong != "", name, "is not an SID: "+wrong)
	return sid
}

// object returns nil, and remembers a fault, if the value is not an object.
func (r *reader) object(name string, value any) map[string]any {
	members, ok := value.(map[string]any)
	switch {
	case value == nil:
		r.faultIf(true, name, "is missing")
	case !ok:
		r.faultIf(true, name, "is not an object")
	}
	return members
}

// texts returns the values of a param: one, or those of an array.
func texts(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	values := make([]string, len(list))
	for i, value := range list {
		values[i] = text(value)
	}
	return values
}

// text returns a string as it is, and anything else as JSON.
func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	return jws.Marshal(value)
}
