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
	Usable     bool           `json:"usable"`
	Signature  string         `json:"signature"` // valid, wrong or notChecked
	AccountSID string         `json:"accountSid,omitempty"`
	Scopes     []scope        `json:"scopes"`
	IssuedAt   time.Time      `json:"issuedAt,omitzero"`
	NotBefore  time.Time      `json:"notBefore,omitzero"`
	ExpiresAt  time.Time      `json:"expiresAt,omitzero"`
	Claims     map[string]any `json:"claims"` // every other claim
	Problems   []finding      `json:"problems"`
	Notes      []finding      `json:"notes"`

	told      map[finding]bool
	content   string // what the token says, to search through
	signed    string // what the signature is of
	signature []byte // nil if there is none that can be checked
}

const notChecked = "notChecked"

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
		told:      map[finding]bool{},
	}
}

const damaged = "It was changed or cut, or there is something around it: quotes, JSON, line breaks."

// examine finds what can be found without the auth token. It goes on after a
// problem, where [capability.Verify] stops.
func examine(token string) *report {
	r := newReport()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		r.problem(31204, fmt.Sprintf("a token has 3 parts with dots between, and this has %d", len(parts)), damaged)
		return r
	}
	header, claims := r.object("header", parts[0]), r.object("claims", parts[1])
	r.content = fmt.Sprint(header, claims)
	r.signed, r.signature = parts[0]+"."+parts[1], r.decode("signature", parts[2])
	if header == nil || claims == nil {
		r.signature = nil // of something else than what arrived
	}
	if header != nil {
		r.checkHeader(header)
	}
	if claims != nil {
		r.readTimes(claims)
		if _, isAccessToken := header["cty"]; !isAccessToken {
			r.readIssuer(claims)
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
		r.problem(31204, "its "+name+" part is not a JSON object", damaged)
		return nil
	}
	return object
}

// decode returns nil if the part can't be decoded.
func (r *report) decode(name, part string) []byte {
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") { // even a strict decoder skips newlines
		r.problem(31204, "its "+name+" part is not base64url", damaged)
		return nil
	}
	return data
}

func (r *report) checkHeader(header map[string]any) {
	if cty, ok := header["cty"]; ok {
		r.signature = nil // made with the secret of an API key
		r.problem(20102, "it is an Access Token, not a capability token, as its header has cty "+quote(cty),
			"Only its times were looked at. Give it to what takes Access Tokens, or mint a capability token.")
		return
	}
	if alg := header["alg"]; alg != "HS256" {
		r.signature = nil
		r.problem(31204, "its algorithm is "+quote(alg)+", not \"HS256\"",
			"Twilio takes tokens that are signed with HS256 and the auth token, and no others.")
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if name != "alg" && name != "typ" {
			r.problem(31204, "its header has "+quote(name),
				"Twilio's own libraries write alg and typ alone. Is it a token of another service?")
		}
	}
}

// readTimes takes the times out of the claims.
func (r *report) readTimes(claims map[string]any) {
	if _, ok := claims["exp"]; !ok {
		r.problem(31204, "it has no exp, the time when it expires", "Mint it with a TTL.")
	}
	r.ExpiresAt = r.readTime(claims, "exp", 20157)
	r.NotBefore = r.readTime(claims, "nbf", 31204)
	if issuedAt, ok := wholeSeconds(claims["iat"]); ok { // which nobody checks
		r.IssuedAt = issuedAt
		delete(claims, "iat")
	}
	now := time.Now()
	switch {
	case r.ExpiresAt.IsZero():
	case !now.Before(r.ExpiresAt):
		r.problem(31205, "it expired "+distance(r.ExpiresAt),
			"Mint a new one; a page fetches its next token before the last one expires."+
				" If this one is new, the clock where it was minted is slow, or local time was taken for UTC.")
	case r.ExpiresAt.After(now.Add(capability.MaxTTL)):
		r.problem(31207, "it lives longer than 24h: it expires "+distance(r.ExpiresAt),
			"Mint it with a TTL of 24h or less. If it was, the clock where it was minted is fast.")
	}
	if now.Before(r.NotBefore) {
		r.problem(31204, "it is not valid yet, but "+distance(r.NotBefore),
			"Its nbf is later than now: the clock where it was minted is fast, or local time was taken for UTC.")
	}
}

// readTime takes a time out of the claims, and returns the zero time if there
// is none.
func (r *report) readTime(claims map[string]any, name string, inMilliseconds int) time.Time {
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
		r.problem(31204, message, "Write a number without quotes, sign or fraction.")
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

// readIssuer takes the account out of the claims.
func (r *report) readIssuer(claims map[string]any) {
	issuer, ok := claims["iss"].(string)
	if !ok {
		r.problem(31203, "it has no iss, the account that it is of", "Mint it with the account SID as issuer.")
		return
	}
	delete(claims, "iss")
	if err := capability.New(issuer, noAuthToken).Err(); err != nil {
		r.problem(31203, plain(err), "The issuer is the account, not a name nor the SID of an API key.")
		return
	}
	r.AccountSID = issuer
}

// readScopes takes the scopes out of the claims.
func (r *report) readScopes(claims map[string]any) {
	text, _ := claims["scope"].(string)
	if text == "" {
		r.problem(31204, "it has no scope, so it grants nothing", "Grant something when minting it. Or is it a token of another service?")
		return
	}
	delete(claims, "scope")
	first := map[string]scope{}
	for text := range strings.SplitSeq(text, " ") {
		s, err := readScope(text)
		if err != nil {
			r.problem(31204, plain(err), "A space stands between two scopes."+
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

// unpack takes the parameter out of the others, and reads what it holds the
// way in which the package reads the parameters of a scope.
func (s scope) unpack(name string) (url.Values, error) {
	inner, err := capability.ParseScope("scope:" + s.kind() + "?" + s.Params.Get(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s.Params.Del(name)
	return inner.Params, nil
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

// checkSignature checks what needs the credentials.
func (r *report) checkSignature(accountSID, authToken string) {
	if strings.Contains(r.content+fmt.Sprint(r.Scopes), authToken) {
		*r = *newReport()
		r.problem(31203, "it holds the auth token, so nothing of it is shown",
			"Everybody who has it can read that: change the auth token at once. Perhaps it changed places with the account SID.")
		return
	}
	if r.AccountSID != "" && r.AccountSID != accountSID {
		r.problem(31203, "it is not of the account of the credentials, "+accountSID, "Use the credentials of the account that the token is for.")
	}
	if r.signature == nil {
		return
	}
	r.Signature = "valid"
	if cause := r.wrongKey(authToken); cause != "" {
		r.Signature = "wrong"
		r.problem(31202, "its signature is wrong", cause)
	}
}

// wrongKey returns "" if the token was signed with the auth token, and the
// likely cause if it was not.
func (r *report) wrongKey(authToken string) string {
	signedWith := func(key string) bool {
		return jwt.SigningMethodHS256.Verify(r.signed, r.signature, []byte(key)) == nil
	}
	switch {
	case signedWith(authToken):
		return ""
	case signedWith(""):
		return "It was signed with an empty auth token: the variable or setting that holds it was not read."
	case signedWith(authToken + "\n"), signedWith(authToken + "\r\n"):
		return "It was signed with the auth token and a newline after it, from a file or variable: trim it."
	}
	return "It was signed with another auth token (of another account, from before a change, or a test credential), or was changed since."
}

// rules is for asking the package what it says to a value. It mints nothing.
func rules() *capability.CapabilityToken { return capability.New("AC0", noAuthToken) }

const noAuthToken = "captoken:no-auth-token"

// plain is the message of one of the package's errors.
func plain(err error) string {
	return strings.ReplaceAll(err.Error(), "capability: ", "")
}
