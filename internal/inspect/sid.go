package inspect

import (
	"fmt"

	"github.com/seed-6c737938/capability/internal/rule"
)

// WrongSID is [rule.SID], and finds those too that Twilio cannot have given out:
// placeholders, and whole ones that were cut or mistyped. Short ones pass, as in
// Twilio's own examples.
func WrongSID(prefix, sid string) (wrong string) {
	const short = 16
	switch wrong = rule.SID(prefix, sid); {
	case rule.IsPlaceholder(sid):
		return "it is a placeholder, never filled in"
	case wrong != "":
		return wrong
	case len(sid) > short && len(sid) < rule.LongestSID:
		return fmt.Sprintf("it has %d characters, and Twilio's have %d: copy it again", len(sid), rule.LongestSID)
	case len(sid) > short && !rule.IsWholeSID(sid):
		return "it has a character that is not a hexadecimal digit: copy it again"
	}
	return ""
}

// readSIDs moves the SIDs from the claims to the report.
func (r *Report) readSIDs(claims map[string]any, given Credentials) {
	account := "iss"
	if r.Kind == AccessToken {
		iss, _ := claims["iss"].(string)
		sub, _ := claims["sub"].(string)
		if rule.SID("AC", iss) == "" && rule.SID("SK", sub) == "" {
			r.problem(r.rules.issuer, "its iss and sub have changed places", "iss must be the SID of the API key that signs it, sub that of the account.")
			return
		}
		account = "sub"
		r.APIKeySID = r.readSID(claims, "iss", "SK", given[APIKeySIDVar], "an API key SID", "Mint it with the SID of the API key that signs it as its iss.")
	}
	r.AccountSID = r.readSID(claims, account, "AC", given[AccountSIDVar], "an account SID", "Mint it with the SID of the account as its "+account+".")
}

// readSID returns "" if there is none, or one that is wrong. An SID that equals the
// variable's value is accepted, even if it is a short one from an example.
func (r *Report) readSID(claims map[string]any, name, prefix, given, what, advice string) string {
	value, present := claims[name]
	sid, isText := value.(string)
	wrong := WrongSID(prefix, sid)
	r.lookForSecret(name, prefix, sid)
	switch {
	case !present:
		r.missingClaim(r.rules.issuer, "it has no "+name+", which must be "+what, advice)
		return ""
	case !isText:
		r.problem(r.rules.issuer, "its "+name+" is "+Quote(value)+", not "+what, advice)
		return ""
	case wrong != "" && (sid != rule.Trim(given) || rule.SID(prefix, sid) != ""):
		r.problem(r.rules.issuer, "its "+name+" is "+Quote(value)+", not "+what+": "+wrong, advice)
		return ""
	}
	delete(claims, name)
	return sid
}

// checkSID finds fault with the form of an SID that is granted, and notes what only
// Twilio refuses.
func (r *Report) checkSID(code int, name, prefix, sid, advice string) {
	r.lookForSecret(name, prefix, sid)
	wrong := WrongSID(prefix, sid)
	message := "its " + name + " is " + Quote(sid) + ": " + wrong
	switch {
	case rule.SID(prefix, sid) != "":
		r.problem(code, message, advice)
	case wrong != "":
		r.note(message, "Twilio has no such SID. "+advice)
	}
}

func (r *Report) lookForSecret(claim, prefix, sid string) {
	if rule.HasSecretForm(rule.Trim(sid)) && rule.SID(prefix, sid) != "" {
		r.leak = claim
	}
}
