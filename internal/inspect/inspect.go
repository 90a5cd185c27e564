// Package inspect finds out what a token is, what it grants and what is wrong
// with it. It returns a [Report], which is data: the command prints it.
//
// Unlike [capability.Verify] it goes on after a fault, needs no secret, and also says
// what a text is that is not a token. It asks the packages that mint and verify tokens
// what a token may contain.
package inspect

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/accesstoken"
	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/twilioerror"
)

// A Report is all that is known about one token. Its JSON form is the output of
// captoken inspect -json.
type Report struct {
	Removed []string `json:"removed,omitempty"` // what was around the token

	Kind      string    `json:"kind"`
	Usable    bool      `json:"usable"`            // no fault was found in the token
	Signature string    `json:"signature"`         // valid, wrong or notChecked
	Missing   []string  `json:"missing,omitempty"` // the variables without which it was not checked
	JudgedAt  time.Time `json:"judgedAt"`

	// What is wrong: with the credentials that the token was checked against,
	// and with the token.
	CredentialFaults []Finding `json:"credentialFaults,omitempty"`
	Problems         []Finding `json:"problems"`
	Notes            []Finding `json:"notes"`

	AccountSID        string    `json:"accountSid,omitempty"`
	APIKeySID         string    `json:"apiKeySid,omitempty"`
	Region            string    `json:"region,omitempty"`
	PushCredentialSID string    `json:"pushCredentialSid,omitempty"`
	Identity          string    `json:"identity,omitempty"`
	Grants            []string  `json:"grants,omitempty"` // voice, video and so on: what an Access Token is for
	Scopes            []Scope   `json:"scopes,omitempty"` // of an Access Token, those that say the same as its voice grant
	IssuedAt          time.Time `json:"issuedAt,omitzero"`
	NotBefore         time.Time `json:"notBefore,omitzero"`
	ExpiresAt         time.Time `json:"expiresAt,omitzero"`

	// The token's own JSON.
	Header json.RawMessage `json:"header,omitempty"`
	Claims json.RawMessage `json:"claims,omitempty"`

	// What the fields above leave out of the claims and the grants, numbers as
	// [json.Number].
	OtherClaims map[string]any `json:"-"`
	OtherGrants map[string]any `json:"-"`

	rules     *rules
	now       time.Time
	found     map[string]bool
	signed    string // what the signature is of
	signature []byte // nil if there is none that can be checked
	text      string // what is known of the token's text, to search through
	leak      string // the claim in which a secret seems to stand
}

// The values of Report.Signature.
const (
	Valid      = "valid"
	Wrong      = "wrong"
	NotChecked = "notChecked"
)

// A Finding is something that is wrong, or good to know, and what to do about
// it. Code is the error that Twilio documents for it, SDK2 what a page with SDK 2.x
// sees in its place, Also what Twilio's other services report it as. None was
// checked against the live service.
type Finding struct {
	Code    int    `json:"twilioError,omitempty"`
	SDK2    int    `json:"sdk2,omitempty"`
	Also    []int  `json:"also,omitempty"`
	Message string `json:"message"`
	Advice  string `json:"advice"`
}

// Inspect judges a token as of a time. It checks its signature and its account
// if the credentials for its kind are complete.
func Inspect(token Token, now time.Time, credentials Credentials) *Report {
	r := &Report{
		Removed:   token.Removed,
		Signature: NotChecked,
		JudgedAt:  now.UTC().Truncate(time.Second),
		Problems:  []Finding{},
		Notes:     []Finding{},
		rules:     capabilityRules, // unless it turns out to be of another kind
		now:       now,
		found:     map[string]bool{},
	}
	r.read(token.Text, credentials)
	if r.Judged() {
		r.checkCredentials(credentials)
		r.checkPaste(token)
	}
	r.Usable = len(r.Problems) == 0
	if r.Usable {
		r.hints()
	}
	if r.leak != "" {
		r.conceal("its " + r.leak + " looks like an auth token or the secret of an API key")
	}
	return r
}

// Judged reports whether the token is one that a device can show.
func (r *Report) Judged() bool { return r.Kind == CapabilityToken || r.Kind == AccessToken }

func (r *Report) read(token string, credentials Credentials) {
	parts := strings.Split(token, ".")
	switch {
	case len(token) > capability.MaxTokenSize:
		r.Kind = Unknown
		r.problem(r.rules.malformed, fmt.Sprintf("it is longer than %d bytes", capability.MaxTokenSize),
			"A token has a few hundred bytes. Inspect the token alone.")
		return
	case len(parts) == 5:
		r.readEncrypted(token, parts[0])
		return
	case len(parts) != 3:
		r.readOther(token, parts)
		return
	}
	header, rawHeader, headerErr := decodeObject(parts[0])
	claims, rawClaims, claimsErr := decodeObject(parts[1])
	signature, signatureErr := decode(parts[2])
	if header == nil && claims == nil && !strings.HasPrefix(token, "ey") {
		r.readOther(token, parts)
		return
	}
	r.Kind, r.Header, r.Claims = kindOf(header, claims), rawHeader, rawClaims
	if r.Kind == AccessToken {
		r.rules = accessRules
	}
	r.malformed(headerErr, claimsErr, signatureErr)
	r.text = searchable(rawHeader) + searchable(rawClaims)
	if header != nil {
		r.checkHeader(header)
	}
	if header["alg"] == "HS256" && headerErr == nil && claimsErr == nil && signatureErr == nil {
		if len(signature) == sha256.Size {
			r.signed, r.signature = parts[0]+"."+parts[1], signature
		} else {
			r.problem(r.rules.malformed, fmt.Sprintf("its signature has %d bytes, not %d", len(signature), sha256.Size),
				"The end of the token was cut, or something was added: copy it again, as a whole.")
		}
	}
	if claims != nil {
		r.readClaims(claims, credentials)
	}
}

// malformed reports which parts are not encoded as they must be, those with
// the same fault together.
func (r *Report) malformed(header, claims, signature error) {
	parts := map[error][]string{}
	for _, part := range []struct {
		name string
		err  error
	}{{"header", header}, {"claims", claims}, {"signature", signature}} {
		parts[part.err] = append(parts[part.err], part.name)
	}
	for _, err := range []error{errNotBase64, errPadded, errStandard, errNotUTF8, errNotObject} {
		if parts[err] == nil {
			continue
		}
		advice := "The token was cut or changed on its way: copy it again, as a whole."
		if err == errPadded || err == errStandard || err == errNotUTF8 {
			advice = "It was minted that way: use a library that follows RFC 7515."
		}
		r.problem(r.rules.malformed, fmt.Sprintf("it is malformed: %v (%s)", err, twilioerror.List(parts[err])), advice)
	}
}

func (r *Report) readClaims(claims map[string]any, credentials Credentials) {
	r.readTimes(claims)
	if !r.Judged() {
		// The faults of a token for somebody else are of no interest.
		r.Problems = []Finding{{Message: "it is not a token for a Twilio Voice device", Advice: otherAdvice(r.Kind, claims)}}
		r.Notes = []Finding{}
		r.OtherClaims = claims
		return
	}
	r.readSIDs(claims, credentials)
	if r.Kind == AccessToken {
		r.readGrants(claims)
	} else {
		r.readScopes(claims)
	}
	if _, ok := claims["aud"]; ok {
		r.problem(r.rules.malformed, "it has an aud claim, so it was issued for another service", "Mint it without: Twilio's own libraries write none.")
	}
	r.OtherClaims = claims
}

// checkHeader finds fault with what Twilio's own libraries do not write.
func (r *Report) checkHeader(header map[string]any) {
	alg, _ := header["alg"].(string)
	switch {
	case strings.EqualFold(alg, "none"):
		r.problem(r.rules.header, "it is unsigned: its alg is "+Quote(alg),
			"Sign it with HS256 and the "+r.rules.secret+". Anybody can write an unsigned token.")
	case alg != "HS256":
		r.problem(r.rules.header, "its alg is "+quoteOr(header, "alg", "missing")+", not \"HS256\"",
			"Twilio accepts HS256 with the "+r.rules.secret+" as its key, and nothing else.")
	}
	if r.Kind == AccessToken {
		r.Region, _ = header["twr"].(string)
		for _, f := range accesstoken.CheckHeader(header) {
			message := "its " + f.String()
			if value, ok := header[f.Name]; ok {
				message = "its " + f.Name + ", " + Quote(value) + ", " + f.Wrong
			}
			advice := "Mint it with a library that writes the header as Twilio's own do, such as this Go module."
			if f.Name == "twr" {
				advice = "The names of edges, such as dublin, are for the page."
			}
			r.problem(r.rules.header, message, advice)
		}
		return
	}
	if typ, ok := header["typ"]; ok && typ != "JWT" {
		r.problem(r.rules.header, "its typ is "+Quote(typ)+", not \"JWT\"", "Mint it with typ JWT.")
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if name != "alg" && name != "typ" {
			r.problem(r.rules.header, "its header has "+Quote(name), "Mint it without: Twilio's own libraries write only alg and typ.")
		}
	}
}

// hints adds notes on why Twilio may refuse a token in which no fault was found.
func (r *Report) hints() {
	if !r.ExpiresAt.IsZero() && r.Kind == CapabilityToken {
		start := r.NotBefore
		if start.IsZero() {
			start = r.IssuedAt
		}
		if !start.IsZero() && r.ExpiresAt.Sub(start) == capability.MaxTTL {
			r.note("it is valid for exactly 24h", "Twilio's page on error 31207 says 86,399 s, the one on 20157 says 86,400 s. If Twilio answers 31207, take a second off.")
		}
	}
	if r.Region != "" && r.Region != "us1" {
		r.note("it is for region "+r.Region,
			"The API key must be one of that region, and the page must connect to an edge of it.")
	}
	if r.Kind == AccessToken {
		r.note("a token does not show the state of its API key",
			"If Twilio answers 20160, 31204 or 20103 anyway, the key may be a Restricted one, or deleted: check it in the Twilio Console.")
	}
}

func (r *Report) problem(code int, message, advice string) {
	r.add(&r.Problems, Finding{code, r.rules.sdk2(code), r.rules.elsewhere[code], message, advice})
}

// missingClaim is a problem with an Access Token's claims that Twilio also calls an
// invalid claim set.
func (r *Report) missingClaim(code int, message, advice string) {
	also := r.rules.elsewhere[code]
	if r.Kind == AccessToken {
		also = append(slices.Clone(also), 20154)
	}
	r.add(&r.Problems, Finding{code, r.rules.sdk2(code), also, message, advice})
}

func (r *Report) note(message, advice string) {
	r.add(&r.Notes, Finding{Message: message, Advice: advice})
}

// add leaves out what has been found before.
func (r *Report) add(findings *[]Finding, f Finding) {
	if !r.found[f.Message] {
		r.found[f.Message] = true
		*findings = append(*findings, f)
	}
}

// Says reports whether the token says the secret, in whatever way it is written.
func (r *Report) Says(secret string) bool { return redact.Contains(r.text, secret) }

// Conceal removes from the report everything that the token says: it contains the
// secret of a variable.
func (r *Report) Conceal(variable string) { r.conceal("it contains the value of " + variable) }

func (r *Report) conceal(why string) {
	code, advice := r.rules.issuer, "Everybody who has the token can read that secret: change the secret at once. Did it change places with an SID?"
	if r.Kind == Unknown {
		code, advice = r.rules.malformed, "It is not a token. Keep that secret to yourself: no page needs it."
	}
	*r = Report{
		Removed:   r.Removed,
		Kind:      r.Kind,
		Signature: NotChecked,
		JudgedAt:  r.JudgedAt,
		Notes:     []Finding{},
		rules:     r.rules,
		found:     map[string]bool{},
		text:      r.text,
	}
	r.problem(code, why+", so nothing of it is shown", advice)
}
