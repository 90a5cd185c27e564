package inspect

import (
	"strings"
	"unicode"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability/internal/rule"
)

// The environment variables that the credentials come from. The names are those
// of Twilio's own command and quickstarts.
const (
	AccountSIDVar   = "TWILIO_ACCOUNT_SID"
	AuthTokenVar    = "TWILIO_AUTH_TOKEN"
	APIKeySIDVar    = "TWILIO_API_KEY"
	APIKeySecretVar = "TWILIO_API_SECRET"
)

// Credentials are what a token is checked against, by the name of their variable.
type Credentials map[string]string

// Variables returns those that a kind of token needs, the secret's last.
func Variables(kind string) []string {
	if kind == AccessToken {
		return []string{AccountSIDVar, APIKeySIDVar, APIKeySecretVar}
	}
	return []string{AccountSIDVar, AuthTokenVar}
}

// Missing returns the variables that are not set, of those that a kind of token
// needs.
func (c Credentials) Missing(kind string) []string {
	var missing []string
	for _, name := range Variables(kind) {
		if c[name] == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

// checkCredentials finds out whether the token is signed with the credentials,
// and whose fault it is if it is not. What is wrong with the credentials
// themselves is no fault of the token.
func (r *Report) checkCredentials(given Credentials) {
	names := Variables(r.Kind)
	if r.Missing = given.Missing(r.Kind); r.Missing != nil {
		return
	}
	secretVar := names[len(names)-1]
	c := r.tidy(given, names)
	if c == nil {
		return
	}
	faults := len(r.CredentialFaults)
	if r.signature != nil && r.signedWith(c[secretVar]) {
		r.Signature = Valid
	}
	r.checkOwner("account", r.AccountSID, AccountSIDVar, c[AccountSIDVar])
	if r.Kind == AccessToken {
		r.checkOwner("API key", r.APIKeySID, APIKeySIDVar, c[APIKeySIDVar])
	}
	if r.signature == nil || r.Signature == Valid || len(r.CredentialFaults) > faults {
		return
	}
	r.Signature = Wrong
	for _, likely := range r.likelyKeys(given, c[secretVar], secretVar) {
		if r.signedWith(likely.key) {
			r.problem(likely.code, "it is signed with "+likely.what, likely.advice)
			return
		}
	}
	r.problem(r.rules.signature, "it is signed with a different "+r.rules.secret+", or was changed after signing", r.otherSecret())
}

// checkOwner compares whose token it is with a variable. The signature decides
// which of the two is at fault.
func (r *Report) checkOwner(what, sid, variable, want string) {
	switch {
	case sid == "" || sid == want:
	case r.Signature == Valid:
		r.problem(r.rules.issuer, "it is for "+what+" "+sid+", but signed with your "+r.rules.secret+", and your "+variable+" is "+want,
			"One of the two SIDs is wrong: mint the token with the one that the "+r.rules.secret+" belongs to, or correct the variable.")
	default:
		r.fault("your "+variable+" is "+want+": the token is for "+what+" "+sid,
			"Set the credentials of the token's "+what+" to check its signature.")
	}
}

// tidy returns the credentials without what is often around them by mistake,
// and in their right places. It returns nil if they are no use.
func (r *Report) tidy(given Credentials, names []string) Credentials {
	c := Credentials{}
	for _, name := range names {
		c[name] = rule.Trim(given[name])
		if c[name] != given[name] {
			r.fault("your "+name+" has "+around(given[name])+" around its value",
				"Remove them where the variable is set, here and where tokens are minted. The token was checked without them.")
		}
	}
	secretVar := names[len(names)-1]
	for _, name := range names[:len(names)-1] {
		if rule.IsWholeSID(c[secretVar]) && wrongValue(name, c[secretVar]) == "" && wrongValue(name, c[name]) != "" {
			r.fault("your "+name+" and "+secretVar+" have changed places", "Swap them. The token was checked as if you had.")
			c[name], c[secretVar] = c[secretVar], c[name]
		}
	}
	for _, name := range names {
		if wrong := wrongValue(name, c[name]); wrong != "" {
			r.fault("your "+name+" "+wrong, "Set it to the "+valueOf[name]+", from the Twilio Console.")
			return nil
		}
	}
	return c
}

var valueOf = map[string]string{
	AccountSIDVar:   "account SID, which starts with AC",
	AuthTokenVar:    "auth token of the account",
	APIKeySIDVar:    "SID of the API key, which starts with SK",
	APIKeySecretVar: "secret of the API key, which was shown when the key was created",
}

// wrongValue returns what is wrong with the value of a variable, in words that
// follow its name, or "".
func wrongValue(variable, value string) string {
	wrong, what := rule.Secret(value), "cannot be used"
	switch variable {
	case AccountSIDVar:
		wrong, what = WrongSID("AC", value), "is not an account SID"
	case APIKeySIDVar:
		wrong, what = WrongSID("SK", value), "is not the SID of an API key"
	}
	switch {
	case rule.IsPlaceholder(value):
		return "is a placeholder, never filled in"
	case wrong == "":
		return ""
	case variable == AccountSIDVar && WrongSID("SK", value) == "":
		return "is the SID of an API key"
	case rule.IsWholeSID(value) && (variable == AuthTokenVar || variable == APIKeySecretVar):
		return "is an SID, which is a name and not a secret"
	}
	return what + ": " + wrong
}

func (r *Report) fault(message, advice string) {
	r.add(&r.CredentialFaults, Finding{Message: message, Advice: advice})
}

// around names what is around a value.
func around(value string) string {
	quotes := strings.ContainsAny(value, "\"'`“”‘’")
	blanks := strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !IsVisible(r) })
	switch {
	case quotes && blanks:
		return "quotes and white space"
	case quotes:
		return "quotes"
	}
	return "white space or invisible characters"
}

func (r *Report) otherSecret() string {
	if r.Kind == AccessToken {
		return "It may be the secret of another API key, or of a deleted one. Twilio shows it only once, when the key is created."
	}
	return "It may be the auth token of another account, an old one, or a test credential."
}

type likelyKey struct {
	key          string
	code         int
	what, advice string
}

// likelyKeys are the keys that people sign with by mistake.
func (r *Report) likelyKeys(given Credentials, secret, secretVar string) []likelyKey {
	name := "the " + r.rules.secret
	untrimmed := func(key, around string) likelyKey {
		return likelyKey{key, r.rules.untrimmed, name + " and " + around, "Trim the value where tokens are minted: it came from a file or a variable."}
	}
	instead := func(key, what, advice string) likelyKey {
		return likelyKey{key, r.rules.signature, what, advice}
	}
	const swapped = "The arguments or variables have changed places where tokens are minted."
	other, otherVar, otherName := given[APIKeySecretVar], APIKeySecretVar, "an API key secret"
	if r.Kind == AccessToken {
		other, otherVar, otherName = given[AuthTokenVar], AuthTokenVar, "the auth token"
	}
	return []likelyKey{
		untrimmed(given[secretVar], "the "+around(given[secretVar])+" around it"),
		untrimmed(secret+"\n", "a newline after it"),
		untrimmed(secret+"\r\n", "a newline after it"),
		untrimmed(secret+" ", "a space after it"),
		untrimmed(`"`+secret+`"`, "quotes around it"),
		untrimmed("'"+secret+"'", "quotes around it"),
		instead("", "an empty "+r.rules.secret, "The variable or setting for it was not read where tokens are minted."),
		instead(given[AccountSIDVar], "the account SID instead of "+name, swapped),
		instead(given[APIKeySIDVar], "the SID of the API key instead of its secret", swapped),
		instead(other, otherName+" (your "+otherVar+") instead of "+name,
			"Capability tokens are signed with the auth token, Access Tokens with the secret of an API key."),
	}
}

// signedWith pads a short key with the zero bytes that HMAC pads it with anyway
// (RFC 2104 section 2), as in FIPS-only mode crypto/hmac panics on one.
func (r *Report) signedWith(key string) bool {
	const block = 64
	padded := key + strings.Repeat("\x00", max(0, block-len(key)))
	return jwt.SigningMethodHS256.Verify(r.signed, r.signature, []byte(padded)) == nil
}
