package inspect

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/seed-6c737938/capability/internal/rule"
)

// WrongSID is [rule.SID], and finds those too that Twilio cannot have given out:
// placeholders, and whole ones that were cut or mistyped. Short ones pass, as in
// Twilio's own examples.
func WrongSID(prefix, sid string) (wrong string) {
	const short = 16
	switch wrong = rule.SID(prefix, sid); {
	case rule.IsPlaceholder(sid):
		return "it is a placeholder, as in an example"
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
func (r *Report) readSIDs(claims map[string]any) {
	account := "iss"
	if r.Kind == AccessToken {
		iss, _ := claims["iss"].(string)
		sub, _ := claims["sub"].(string)
		if rule.SID("AC", iss) == "" && rule.SID("SK", sub) == "" {
			r.problem(r.rules.issuer, "its iss and sub have changed places", "iss must be the SID of the API key that signs it, sub that of the account.")
			return
		}
		account = "sub"
		r.APIKeySID = r.readSID(claims, "iss", "SK", "an API key SID", "Mint it with the SID of the API key that signs it as its iss.")
	}
	r.AccountSID = r.readSID(claims, account, "AC", "an account SID", "Mint it with the SID of the account as its "+account+".")
}

// readSID returns "" if there is none, or one that is wrong.
func (r *Report) readSID(claims map[string]any, name, prefix, what, advice string) string {
	value, present := claims[name]
	sid, _ := value.(string)
	if !present {
		r.missingClaim(r.rules.issuer, "it has no "+name+", which must be "+what, advice)
		return ""
	}
	if wrong := r.wrongSID(name, prefix, sid); wrong != "" {
		if _, ok := value.(string); ok {
			what += ": " + wrong
		}
		r.problem(r.rules.issuer, "its "+name+" is "+Quote(value)+", not "+what, advice)
		return ""
	}
	delete(claims, name)
	return sid
}

// secretLike has the form of an auth token or the secret of an API key.
var secretLike = regexp.MustCompile(`^\W*[0-9A-Za-z]{32}\W*$`)

// wrongSID is [WrongSID] for a claim, and sees a secret there.
func (r *Report) wrongSID(claim, prefix, sid string) string {
	if secretLike.MatchString(sid) && strings.ContainsAny(sid, "0123456789") && rule.SID(prefix, sid) != "" {
		r.leak = claim
	}
	return WrongSID(prefix, sid)
}
