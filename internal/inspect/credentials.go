package inspect

import (
	"strings"
	"unicode"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability"
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

// Missing returns the variables that are not set, of those for a kind of token.
func (c Credentials) Missing(kind string) []string {
	var missing []string
	for _, name := range variables(kind) {
		if c[name] == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

// variables ends with the secret's.
func variables(kind string) []string {
	if kind == AccessToken {
		return []string{AccountSIDVar, APIKeySIDVar, APIKeySecretVar}
	}
	return []string{AccountSIDVar, AuthTokenVar}
}

// checkCredentials finds out whether the token is signed with the credentials,
// and whose fault it is if it is not. What is wrong with the credentials
// themselves is no fault of the token.
func (r *Report) checkCredentials(given Credentials) {
	if len(given.Missing(r.Kind)) > 0 {
		return
	}
	names := variables(r.Kind)
	secretVar := names[len(names)-1]
	c := r.tidy(given, names)
	if c == nil {
		return
	}
	r.checkOwner(AccountSIDVar, "account", r.AccountSID, c[AccountSIDVar])
	if r.Kind == AccessToken {
		r.checkOwner(APIKeySIDVar, "API key", r.APIKeySID, c[APIKeySIDVar])
	}
	if r.signature == nil {
		return
	}
	if r.signedWith(c[secretVar]) {
		r.Signature = Valid
		return
	}
	r.Signature = Wrong
	message, advice := "it is signed with a different "+r.rules.secret+", or was changed after signing", r.otherSecret()
	for _, likely := range r.likelyKeys(given, c[secretVar], secretVar) {
		if r.signedWith(likely.key) {
			message, advice = "it is signed with "+likely.what, likely.advice
			break
		}
	}
	r.problem(r.rules.signature, message, advice)
}

// tidy returns the credentials without what is often around them by mistake,
// and in their right places. It returns nil if they are no use.
func (r *Report) tidy(given Credentials, names []string) Credentials {
	c := Credentials{}
	for _, name := range names {
		c[name] = strings.TrimFunc(given[name], func(char rune) bool { return isQuote(char) || isBlank(char) })
		if c[name] != given[name] {
			r.fault("your "+name+" has "+around(given[name])+" around its value",
				"Remove them where the variable is set, here and where tokens are minted. The token was checked without them.")
		}
	}
	secretVar := names[len(names)-1]
	if isSID(c[secretVar]) && !isSID(c[AccountSIDVar]) {
		r.fault("your "+AccountSIDVar+" and "+secretVar+" have changed places", "Swap them. The token was checked as if you had.")
		c[AccountSIDVar], c[secretVar] = c[secretVar], c[AccountSIDVar]
	}
	usable := true
	wrong := func(message, advice string) {
		usable = false
		r.fault(message, advice)
	}
	if !isAccount(c[AccountSIDVar]) {
		what := "not an account SID"
		if isAPIKey(c[AccountSIDVar]) {
			what = "the SID of an API key"
		}
		wrong("your "+AccountSIDVar+" is "+what+": it must be AC and 32 hexadecimal digits", "Copy the account SID from the Twilio Console.")
	}
	if r.Kind == AccessToken && !isAPIKey(c[APIKeySIDVar]) {
		wrong("your "+APIKeySIDVar+" is not the SID of an API key: it must be SK and 32 hexadecimal digits", "Copy it from where the API key was made.")
	}
	switch secret := c[secretVar]; {
	case isSID(secret):
		wrong("your "+secretVar+" is a SID, not the "+r.rules.secret, "A SID names something, and is no secret. Set the "+r.rules.secret+".")
	case capability.New("AC0", secret).Err() != nil:
		wrong("your "+secretVar+" has a character that no "+r.rules.secret+" has", "Copy it again: white space, or an invisible character, came along.")
	}
	if !usable {
		return nil
	}
	return c
}

func (r *Report) fault(message, advice string) {
	add(&r.Credentials, Finding{Message: message, Advice: advice})
}

// around names what is around a value.
func around(value string) string {
	quotes, blanks := strings.ContainsFunc(value, isQuote), strings.ContainsFunc(value, isBlank)
	switch {
	case quotes && blanks:
		return "quotes and white space"
	case quotes:
		return "quotes"
	}
	return "white space or invisible characters"
}

func isQuote(r rune) bool { return strings.ContainsRune("\"'`“”‘’", r) }

func isBlank(r rune) bool { return unicode.IsSpace(r) || !Visible(r) }

// Visible reports whether a character can be seen, and leaves the others alone.
func Visible(r rune) bool {
	return unicode.IsPrint(r) && r != '\u2800' &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func (r *Report) checkOwner(variable, what, sid, want string) {
	if sid != "" && sid != want {
		r.problem(r.rules.issuer, "it is for another "+what+" than your "+variable+", "+want,
			"Use credentials of one account, where tokens are minted and here.")
	}
}

func (r *Report) otherSecret() string {
	if r.Kind == AccessToken {
		return "Is it the secret of another API key, or of a deleted one? The secret is shown once, when the key is made."
	}
	return "Is it the auth token of another account, one from before a change, or a test credential?"
}

type likelyKey struct{ key, what, advice string }

// likelyKeys are the keys that people sign with by mistake.
func (r *Report) likelyKeys(given Credentials, secret, secretVar string) []likelyKey {
	other, otherVar, otherName := given[APIKeySecretVar], APIKeySecretVar, "an API key secret"
	if r.Kind == AccessToken {
		other, otherVar, otherName = given[AuthTokenVar], AuthTokenVar, "the auth token"
	}
	const trim = "Trim the value where tokens are minted: it came from a file or a variable."
	name := "the " + r.rules.secret
	keys := []likelyKey{
		{given[secretVar], name + " and the " + around(given[secretVar]) + " around it", trim},
		{secret + "\n", name + " and a newline after it", trim},
		{secret + "\r\n", name + " and a newline after it", trim},
		{secret + " ", name + " and a space after it", trim},
		{`"` + secret + `"`, name + " and quotes around it", trim},
		{"'" + secret + "'", name + " and quotes around it", trim},
		{"", "an empty " + r.rules.secret, "The variable or setting that holds it was not read where tokens are minted."},
		{given[AccountSIDVar], "the account SID instead of " + name, "The arguments or variables have changed places where tokens are minted."},
		{given[APIKeySIDVar], "the SID of the API key instead of its secret", "The arguments or variables have changed places where tokens are minted."},
	}
	if other != "" {
		keys = append(keys, likelyKey{other, otherName + " (your " + otherVar + ") instead of " + name,
			"Capability tokens are signed with the auth token, Access Tokens with the secret of an API key."})
	}
	return keys
}

// signedWith pads a short key with the zero bytes that HMAC pads it with anyway
// (RFC 2104 section 2), as in FIPS-only mode crypto/hmac panics on one.
func (r *Report) signedWith(key string) bool {
	const block = 64
	padded := key + strings.Repeat("\x00", max(0, block-len(key)))
	return jwt.SigningMethodHS256.Verify(r.signed, r.signature, []byte(padded)) == nil
}

// token is for asking the package what it says to a value. It mints nothing.
func token() *capability.CapabilityToken {
	return capability.New("AC0", "0123456789abcdef-not-a-secret")
}

func isAccount(s string) bool { return capability.New(s, "0123456789abcdef-not-a-secret").Err() == nil }

// isAPIKey is the rule for account SIDs, with another prefix.
func isAPIKey(s string) bool {
	rest, ok := strings.CutPrefix(s, "SK")
	return ok && isAccount("AC"+rest)
}

// isSID reports whether s is the SID of an account or an API key, in full.
func isSID(s string) bool { return len(s) == 34 && (isAccount(s) || isAPIKey(s)) }

// plain is the message of one of the package's errors.
func plain(err error) string { return strings.ReplaceAll(err.Error(), "capability: ", "") }
