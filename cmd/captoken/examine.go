package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability"
)

// A report is all that is found out about a token, and what -json prints.
type report struct {
	Kind       string         `json:"kind,omitempty"`
	Usable     bool           `json:"usable"`
	Signature  string         `json:"signature"` // valid, wrong or notChecked
	AccountSID string         `json:"accountSid,omitempty"`
	APIKeySID  string         `json:"apiKeySid,omitempty"`
	Region     string         `json:"region,omitempty"`
	Identity   string         `json:"identity,omitempty"`
	Scopes     []scope        `json:"scopes"`           // of an Access Token, those that say the same
	Grants     map[string]any `json:"grants,omitempty"` // what no scope says
	IssuedAt   time.Time      `json:"issuedAt,omitzero"`
	NotBefore  time.Time      `json:"notBefore,omitzero"`
	ExpiresAt  time.Time      `json:"expiresAt,omitzero"`
	Claims     map[string]any `json:"claims"` // every other claim
	Problems   []finding      `json:"problems"`
	Notes      []finding      `json:"notes"`

	kind      *tokenKind
	told      map[finding]bool
	content   string // what the token says, to search through
	signed    string // what the signature is of
	signature []byte // nil if there is none that can be checked
}

const notChecked = "notChecked"

// A tokenKind has what differs between the kinds of token, the Twilio errors
// of the same mistakes among it.
type tokenKind struct {
	name       string
	parameters []string // that its header may have
	secret     string
	others     string // of secrets, for which it may have been taken

	malformed, header, issuer, grants, signature int
	newline                                      int // in the secret
	expiry, expired, notBefore, tooLong          int
}

var (
	capabilityToken = &tokenKind{
		name:       "capability token",
		parameters: []string{"alg", "typ"},
		secret:     "auth token",
		others:     "of another account, from before a change, or a test credential",
		malformed:  31204, header: 31204, issuer: 31203, grants: 31204, signature: 31202, newline: 31204,
		expiry: 31204, expired: 31205, notBefore: 31204, tooLong: 31207,
	}
	accessToken = &tokenKind{
		name:       "Access Token",
		parameters: []string{"alg", "typ", "cty", "twr"},
		secret:     "API key secret",
		others:     "of another API key, or the auth token",
		malformed:  20101, header: 20102, issuer: 20103, grants: 20106, signature: 20107, newline: 20107,
		expiry: 20104, expired: 20104, notBefore: 20105, tooLong: 20157,
	}
)

// A finding is a problem, which makes the token unusable, or a note. The
// errors of problems are those that Twilio documents; they were not checked
// against the live service.
type finding struct {
	TwilioError int    `json:"twilioError,omitempty"`
	Message     string `json:"message"`
	Advice      string `json:"advice"`
}

func (r *report) problem(twilioError int, message, advice string) {
	r.tell(&r.Problems, finding{twilioError, message, advice})
}

func (r *report) note(message, advice string) {
	r.tell(&r.Notes, finding{0, message, advice})
}

func (r *report) tell(findings *[]finding, f finding) {
	if !r.told[f] {
		r.told[f] = true
		*findings = append(*findings, f)
	}
}

// A scope has the parameters apart that are form-encoded within another.
type scope struct {
	Service           string     `json:"service"`
	Privilege         string     `json:"privilege"`
	Params            url.Values `json:"params"`
	ApplicationParams url.Values `json:"applicationParams,omitempty"`
	Filters           url.Values `json:"filters,omitempty"`
}

const (
	incoming = "client:incoming"
	outgoing = "client:outgoing"
	events   = "stream:subscribe"
)

func (s scope) kind() string { return s.Service + ":" + s.Privilege }

func newReport() *report {
	return &report{
		Signature: notChecked,
		Scopes:    []scope{},
		Claims:    map[string]any{},
		Problems:  []finding{},
		Notes:     []finding{},
		kind:      capabilityToken, // unless it shows to be another
		told:      map[finding]bool{},
	}
}

const damaged = "It was changed or cut, or there is something around it: quotes, JSON, line breaks, a word such as Bearer."

// examine finds what can be found without a secret. It goes on after a
// problem, where [capability.Verify] stops.
func examine(token string) *report {
	r := newReport()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		r.problem(r.kind.malformed, fmt.Sprintf("a token has 3 parts with dots between, and this has %d", len(parts)), damaged)
		return r
	}
	header := r.object("header", parts[0])
	if header["cty"] != nil {
		r.kind = accessToken
	}
	claims := r.object("claims", parts[1])
	if claims["grants"] != nil && claims["scope"] == nil {
		r.kind = accessToken // even if the header does not say so
	}
	r.content = fmt.Sprint(header, claims)
	r.signed, r.signature = parts[0]+"."+parts[1], r.decode("signature", parts[2])
	if header == nil || claims == nil {
		r.signature = nil // of something else than what arrived
	}
	if header != nil {
		r.Kind = r.kind.name
		r.checkHeader(header)
	}
	if claims != nil {
		r.readTimes(claims)
		r.readSIDs(claims)
		if r.kind == accessToken {
			r.readGrants(claims)
		} else {
			r.readScopes(claims)
		}
		r.Claims = claims
	}
	return r
}

// object returns nil if the part is no JSON object.
func (r *report) object(name, part string) map[string]any {
	data := r.decode(name, part)
	if data == nil {
		return nil
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		r.problem(r.kind.malformed, "its "+name+" part is not a JSON object", damaged)
		return nil
	}
	return object
}

// decode returns nil if the part can't be decoded.
func (r *report) decode(name, part string) []byte {
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") { // even a strict decoder skips newlines
		r.problem(r.kind.malformed, "its "+name+" part is not base64url", damaged)
		return nil
	}
	return data
}

func (r *report) checkHeader(header map[string]any) {
	if alg := header["alg"]; alg != "HS256" {
		r.signature = nil
		r.problem(r.kind.header, "its algorithm is "+quote(alg)+", not \"HS256\"",
			"Twilio takes tokens that are signed with HS256 and the "+r.kind.secret+", and no others.")
	}
	if typ, ok := header["typ"]; ok && typ != "JWT" {
		r.problem(r.kind.header, "its typ is "+quote(typ)+", not \"JWT\"", "Is it a token of another service?")
	}
	const twilio = "twilio-fpa;v=1"
	if cty := header["cty"]; r.kind == accessToken && cty != twilio {
		r.problem(r.kind.header, "its cty is "+quote(cty)+", not "+quote(twilio), "Twilio knows an Access Token by its cty.")
	}
	r.Region, _ = header["twr"].(string)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !slices.Contains(r.kind.parameters, name) {
			r.problem(r.kind.header, "its header has "+quote(name),
				"Twilio's own libraries write "+strings.Join(r.kind.parameters, ", ")+" alone. Is it a token of another service?")
		}
	}
}

// readTimes takes the times out of the claims.
func (r *report) readTimes(claims map[string]any) {
	if _, ok := claims["exp"]; !ok {
		r.problem(r.kind.expiry, "it has no exp, the time when it expires", "Mint it with a TTL.")
	}
	r.ExpiresAt = r.readTime(claims, "exp", r.kind.expiry, 20157)
	r.NotBefore = r.readTime(claims, "nbf", r.kind.notBefore, r.kind.notBefore)
	if issuedAt, ok := wholeSeconds(claims["iat"]); ok { // which nobody checks
		r.IssuedAt = issuedAt
		delete(claims, "iat")
	}
	now := time.Now()
	switch {
	case r.ExpiresAt.IsZero():
	case !now.Before(r.ExpiresAt):
		r.problem(r.kind.expired, "it expired "+distance(r.ExpiresAt),
			"Mint a new one; a page fetches its next token before the last one expires."+
				" If this one is new, the clock where it was minted is slow, or local time was taken for UTC.")
	case r.ExpiresAt.After(now.Add(capability.MaxTTL)):
		r.problem(r.kind.tooLong, "it lives longer than 24h: it expires "+distance(r.ExpiresAt),
			"Mint it with a TTL of 24h or less. If it was, the clock where it was minted is fast.")
	}
	if now.Before(r.NotBefore) {
		r.problem(r.kind.notBefore, "it is not valid yet, but "+distance(r.NotBefore),
			"Its nbf is later than now: the clock where it was minted is fast, or local time was taken for UTC.")
	}
}

// readTime takes a time out of the claims, and returns the zero time if there
// is none.
func (r *report) readTime(claims map[string]any, name string, malformed, inMilliseconds int) time.Time {
	value, present := claims[name]
	delete(claims, name)
	t, ok := wholeSeconds(value)
	if ok || !present {
		return t
	}
	message := fmt.Sprintf("its %s is %s, not a number of whole seconds since 1970", name, quote(value))
	if number, _ := value.(float64); number >= milliseconds {
		r.problem(inMilliseconds, message, "It looks like milliseconds: divide by 1000.")
	} else {
		r.problem(malformed, message, "Write a number without quotes, sign or fraction.")
	}
	return t
}

// milliseconds is what no claim in seconds reaches before the year 5138, and
// each one in milliseconds has reached since 1973.
const milliseconds = 1e11

func wholeSeconds(value any) (time.Time, bool) {
	seconds, ok := value.(float64)
	if !ok || seconds < 0 || seconds >= milliseconds || seconds != math.Trunc(seconds) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// readSIDs takes out of the claims whose token it is.
func (r *report) readSIDs(claims map[string]any) {
	account := "iss"
	if r.kind == accessToken {
		account = "sub"
		r.APIKeySID = r.readSID(claims, "iss", "the API key that it is signed with",
			func(sid string) error { return checkAPIKey(sid, noAuthToken) })
	}
	r.AccountSID = r.readSID(claims, account, "the account that it is of",
		func(sid string) error { return capability.New(sid, noAuthToken).Err() })
}

// readSID returns "" if there is none or a wrong one.
func (r *report) readSID(claims map[string]any, name, what string, check func(string) error) string {
	advice := "Its " + name + " is to be the SID of " + what + "."
	sid, ok := claims[name].(string)
	if !ok {
		r.problem(r.kind.issuer, "it has no "+name+", "+what, advice)
		return ""
	}
	delete(claims, name)
	if err := check(sid); err != nil {
		r.problem(r.kind.issuer, plain(err), advice)
		return ""
	}
	return sid
}

// readScopes takes the scopes out of the claims.
func (r *report) readScopes(claims map[string]any) {
	text, _ := claims["scope"].(string)
	if text == "" {
		r.problem(r.kind.grants, "it has no scope, so it grants nothing", "Grant something when minting it. Or is it a token of another service?")
		return
	}
	delete(claims, "scope")
	first := map[string]scope{}
	for text := range strings.SplitSeq(text, " ") {
		s, err := readScope(text)
		if err != nil {
			r.problem(r.kind.grants, plain(err), "A space stands between two scopes."+
				" Within one, in a client name or a parameter, it must be form-encoded, as must '%' and '&'.")
			continue
		}
		r.Scopes = append(r.Scopes, s)
		r.checkScope(s)
		if _, ok := first[s.kind()]; ok {
			r.note("it has more than one scope "+s.kind(), "A device reads one of a kind. If they differ, mint a token for each.")
			continue
		}
		first[s.kind()] = s
	}
	r.compareNames(first)
}

// readScope parses a scope, and what is form-encoded within a parameter.
// Twilio's Node and Java libraries write the filters of an event stream as
// appParams, the others as params.
func readScope(text string) (scope, error) {
	parsed, err := capability.ParseScope(text)
	if err != nil {
		return scope{}, err
	}
	s := scope{Service: parsed.Service, Privilege: parsed.Privilege, Params: url.Values{}}
	maps.Copy(s.Params, parsed.Params)
	switch s.kind() {
	case outgoing:
		s.ApplicationParams, err = s.unpack("appParams")
	case events:
		name := "params"
		if !s.Params.Has(name) {
			name = "appParams"
		}
		s.Filters, err = s.unpack(name)
	}
	return s, err
}

// unpack takes the parameter out of the others, and reads what it holds. A ';'
// is the character that it is: Twilio's Ruby library leaves it as it stands.
func (s scope) unpack(name string) (url.Values, error) {
	inner, err := url.ParseQuery(strings.ReplaceAll(s.Params.Get(name), ";", "%3B"))
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", name, s.kind(), err)
	}
	s.Params.Del(name)
	return inner, nil
}

func (r *report) checkScope(s scope) {
	if s.kind() == incoming || s.kind() == outgoing && s.Params.Has("clientName") {
		if err := rules().SetClientName(s.Params.Get("clientName")).Err(); err != nil {
			r.problem(31105, plain(err), "With others, calls were seen to fail, or to go nowhere in silence.")
		}
	}
	if s.kind() == outgoing {
		if err := rules().AllowClientOutgoing(s.Params.Get("appSid")).Err(); err != nil {
			r.problem(31001, plain(err), "Take the SID of a TwiML application of the account.")
		}
	}
}

func (r *report) compareNames(first map[string]scope) {
	in, receives := first[incoming]
	out, calls := first[outgoing]
	name := in.Params.Get("clientName")
	if receives && calls && name != out.Params.Get("clientName") {
		r.note("it receives calls as "+show(name)+", but does not call out as "+show(name),
			"The application sees another caller, or an anonymous one: Twilio's Node, Ruby and Java libraries leave the name out.")
	}
}

// hide leaves nothing of a token that holds the secret of a variable.
func (r *report) hide(variable string) {
	kind := r.kind
	*r = *newReport()
	r.problem(kind.issuer, "it holds the value of "+variable+", so nothing of it is shown",
		"Everybody who has it can read that: change the secret at once. Perhaps it changed places with a SID.")
}

// checkSignature checks what needs the credentials.
func (r *report) checkSignature(creds credentials) {
	if r.AccountSID != "" && r.AccountSID != creds.accountSID {
		r.problem(r.kind.issuer, "it is not of the account of the credentials, "+creds.accountSID,
			"Use the credentials of the account that the token is for.")
	}
	if r.APIKeySID != "" && r.APIKeySID != creds.apiKeySID {
		r.problem(r.kind.issuer, "it is not of the API key of the credentials, "+creds.apiKeySID,
			"Use the API key that the token is signed with.")
	}
	if r.signature == nil {
		return
	}
	r.Signature = "valid"
	if twilioError, cause := r.wrongKey(creds.secret); cause != "" {
		r.Signature = "wrong"
		r.problem(twilioError, "its signature is wrong", cause)
	}
}

// wrongKey returns no cause if the token was signed with the secret, and the
// likely one if it was not.
func (r *report) wrongKey(secret string) (twilioError int, cause string) {
	signedWith := func(key string) bool {
		return jwt.SigningMethodHS256.Verify(r.signed, r.signature, []byte(key)) == nil
	}
	switch {
	case signedWith(secret):
		return 0, ""
	case signedWith(""):
		return r.kind.signature, "It was signed with an empty " + r.kind.secret + ": the variable or setting that holds it was not read."
	case signedWith(secret + "\n"), signedWith(secret + "\r\n"):
		return r.kind.newline, "It was signed with the " + r.kind.secret + " and a newline after it, from a file or variable: trim it."
	}
	return r.kind.signature, "It was signed with another " + r.kind.secret + " (" + r.kind.others + "), or was changed since."
}

// rules is for asking the package what it says to a value. It mints nothing.
func rules() *capability.CapabilityToken { return capability.New("AC0", noAuthToken) }

const noAuthToken = "captoken:no-auth-token"

func checkAPIKey(sid, secret string) error {
	return capability.NewWithAPIKey("AC0", sid, secret).Err()
}

// plain is the message of one of the package's errors.
func plain(err error) string {
	return strings.ReplaceAll(err.Error(), "capability: ", "")
}
