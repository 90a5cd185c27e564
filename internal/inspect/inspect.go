// Package inspect finds out what a token is, what it grants and what is wrong
// with it. It returns a [Report], as data: the captoken command prints it.
//
// Unlike [capability.Verify] it goes on after a fault, needs no secret, and
// knows Access Tokens and the tokens of other services too. The two share no
// code beyond the parser of a scope; a fuzz test holds them together.
package inspect

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
)

// A Report is all that is known about one token. Its JSON form is the output of
// captoken inspect -json.
type Report struct {
	Removed []string `json:"removed,omitempty"` // what was around the token

	Kind      string    `json:"kind"`
	Usable    bool      `json:"usable"`    // no fault was found in the token
	Signature string    `json:"signature"` // valid, wrong or notChecked
	JudgedAt  time.Time `json:"judgedAt"`

	// What is wrong: with the credentials that the token was checked against,
	// and with the token.
	Credentials []Finding `json:"credentials,omitempty"`
	Problems    []Finding `json:"problems"`
	Notes       []Finding `json:"notes"`

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

	// What the fields above leave out: each claim, and each part of a grant,
	// as it is in the token.
	OtherClaims, OtherGrants map[string]any `json:"-"`

	rules     *rules
	now       time.Time
	signed    string // what the signature is of
	signature []byte // nil if there is none that can be checked
	text      string // what the token says, decoded, to search through
}

// The values of Report.Signature.
const (
	Valid      = "valid"
	Wrong      = "wrong"
	NotChecked = "notChecked"
)

// A Finding is something that is wrong, or good to know, and what to do about
// it. Code is the Twilio error that a device shows, Also what Twilio's other
// services report it as: both are as Twilio documents them, and were not checked
// against the live service.
type Finding struct {
	Code    int    `json:"twilioError,omitempty"`
	Also    []int  `json:"also,omitempty"`
	Message string `json:"message"`
	Advice  string `json:"advice"`
}

// Inspect judges a token as of a time. It checks its signature and its account
// if the credentials for its kind are complete.
func Inspect(token string, now time.Time, credentials Credentials) *Report {
	r := &Report{
		Signature: NotChecked,
		JudgedAt:  now.UTC().Truncate(time.Second),
		Problems:  []Finding{},
		Notes:     []Finding{},
		rules:     capabilityRules, // unless it turns out to be of another kind
		now:       now,
	}
	r.read(token)
	if r.judged() {
		r.checkCredentials(credentials)
	}
	r.Usable = len(r.Problems) == 0
	if r.Usable {
		r.hints()
	}
	return r
}

// judged reports whether the token is one that a device can show.
func (r *Report) judged() bool { return r.Kind == CapabilityToken || r.Kind == AccessToken }

func (r *Report) read(token string) {
	parts := strings.Split(token, ".")
	switch {
	case len(token) > capability.MaxTokenSize:
		r.Kind = Unknown
		r.problem(r.rules.malformed, fmt.Sprintf("it is longer than %d bytes", capability.MaxTokenSize),
			"A token has a few hundred bytes. Inspect the token alone.")
		return
	case len(parts) == 5:
		r.readEncrypted(parts[0])
		return
	case len(parts) != 3:
		r.readOddParts(token, len(parts))
		return
	}
	header, headerErr := decodeObject(parts[0])
	claims, claimsErr := decodeObject(parts[1])
	signature, signatureErr := decode(parts[2])
	r.Kind = kindOf(header, claims)
	if r.Kind == AccessToken {
		r.rules = accessRules
	}
	for _, part := range []struct {
		name string
		err  error
	}{{"header", headerErr}, {"claims", claimsErr}, {"signature", signatureErr}} {
		if part.err != nil {
			r.problem(r.rules.malformed, "its "+part.name+" part "+part.err.Error(),
				"The token was cut or changed on its way: copy it again, as a whole.")
		}
	}
	if headerErr == nil && claimsErr == nil {
		r.signed, r.signature = parts[0]+"."+parts[1], signature
	}
	r.Header, r.Claims = rawObject(parts[0], headerErr), rawObject(parts[1], claimsErr)
	r.text = fmt.Sprint(header, claims)
	if headerErr == nil {
		r.checkHeader(header)
	}
	if claimsErr == nil {
		r.readClaims(claims)
	}
	r.text += fmt.Sprint(r.Scopes)
}

// readOddParts is for what is not a token, or a part of one.
func (r *Report) readOddParts(token string, parts int) {
	r.Kind = Unknown
	advice := "Copy the whole token: three parts with dots between, the first of which starts with eyJ."
	switch {
	case parts == 1 && isSID(token):
		advice = "It is a SID. " + advice
	case parts == 2:
		advice = "The end, or the signature, is missing. " + advice
	}
	message := fmt.Sprintf("a token has 3 parts with dots between them, this has %d", parts)
	r.problem(r.rules.malformed, message, advice)
}

func (r *Report) readClaims(claims map[string]any) {
	r.readTimes(claims)
	switch r.Kind {
	case CapabilityToken:
		r.readSIDs(claims)
		r.readScopes(claims)
		if _, ok := claims["aud"]; ok {
			r.problem(r.rules.grants, "it has an aud claim, so it was issued for another service", "Mint it without: Twilio's own libraries write none.")
		}
	case AccessToken:
		r.readSIDs(claims)
		r.readGrants(claims)
	default:
		// The faults of a token for somebody else are of no interest.
		r.Problems = []Finding{{0, nil, "it is not a token for a Twilio Voice device", otherAdvice(r.Kind)}}
		r.Notes = []Finding{}
	}
	r.OtherClaims = claims
}

// checkHeader finds fault with what Twilio's own libraries do not write.
func (r *Report) checkHeader(header map[string]any) {
	alg, _ := header["alg"].(string)
	switch {
	case strings.EqualFold(alg, "none"):
		r.problem(r.rules.header, "it is unsigned: its alg is "+quote(header["alg"]),
			"Sign it with HS256 and the "+r.rules.secret+". Anybody can write an unsigned token.")
	case alg != "HS256":
		r.problem(r.rules.header, "its alg is "+quoteOr(header, "alg", "missing")+", not \"HS256\"",
			"Twilio accepts HS256 with the "+r.rules.secret+" as its key, and nothing else.")
	}
	if alg != "HS256" {
		r.signature = nil
	}
	if typ, ok := header["typ"]; ok && typ != "JWT" {
		r.problem(r.rules.header, "its typ is "+quote(typ)+", not \"JWT\"", "Mint it with typ JWT.")
	}
	if r.Kind == AccessToken && header["cty"] != contentType {
		r.problem(r.rules.header, "its cty is "+quoteOr(header, "cty", "missing")+", not "+quote(contentType),
			"Twilio recognizes an Access Token by its cty: mint it with a library that writes it.")
	}
	r.Region, _ = header["twr"].(string)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !slices.Contains(r.rules.headers, name) {
			r.problem(r.rules.header, "its header has "+quote(name),
				"Mint it without: Twilio's own libraries write only "+strings.Join(r.rules.headers, ", ")+".")
		}
	}
}

// hints tells what a token in which no fault was found may still be refused for.
func (r *Report) hints() {
	if !r.ExpiresAt.IsZero() && r.Kind == CapabilityToken {
		start := r.NotBefore
		if start.IsZero() {
			start = r.IssuedAt
		}
		if !start.IsZero() && r.ExpiresAt.Sub(start) == capability.MaxTTL {
			r.note("it lives exactly 24h", "Twilio's page on error 31207 says 86,399 s, the one on 20157 says 86,400 s. If Twilio answers 31207, take a second off.")
		}
	}
	if r.Region != "" && r.Region != "us1" {
		r.note("it is for region "+show(r.Region),
			"The API key must be one of that region, and the page must connect to an edge of it.")
	}
}

func (r *Report) problem(code int, message, advice string) {
	add(&r.Problems, Finding{Code: code, Also: r.rules.also(code), Message: message, Advice: advice})
}

func (r *Report) note(message, advice string) {
	add(&r.Notes, Finding{Message: message, Advice: advice})
}

// add leaves out what has been found before.
func add(findings *[]Finding, f Finding) {
	if !slices.ContainsFunc(*findings, func(g Finding) bool { return g.Code == f.Code && g.Message == f.Message }) {
		*findings = append(*findings, f)
	}
}

// Holds reports whether the token says the secret, in whatever encoding.
func (r *Report) Holds(secret string) bool { return strings.Contains(r.text, secret) }

// Conceal leaves nothing in the report of a token that holds the secret of a
// variable.
func (r *Report) Conceal(variable string) {
	*r = Report{
		Removed:   r.Removed,
		Kind:      r.Kind,
		Signature: NotChecked,
		JudgedAt:  r.JudgedAt,
		Problems: []Finding{{r.rules.issuer, nil, "it contains the value of " + variable + ", so nothing of it is shown",
			"Everybody who has the token can read that secret: change the secret at once. Did it change places with a SID?"}},
		Notes: []Finding{},
	}
}
