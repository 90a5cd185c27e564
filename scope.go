package capability

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability/internal/accesstoken"
	"github.com/seed-6c737938/capability/internal/jws"
	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/rule"
)

// Every error about a [Scope] wraps ErrInvalidScope.
var ErrInvalidScope = errors.New("capability: invalid scope")

// A Scope is one capability of a token, written
//
//	scope:<service>:<privilege>?<params>
//
// with the params sorted by name and form-encoded, as Twilio's Python library
// writes them. Service and Privilege are 1 or more ASCII letters, digits, '_' or
// '-'. The names and values of Params may contain anything; Params has at most 10,000
// values, the limit of package net/url.
type Scope struct {
	Service, Privilege string
	Params             url.Values
}

// ParseScope parses a scope as written by [Scope.String] or by Twilio's own libraries:
// with params in any order, a space as '+' or %20, and characters that need no escape
// in either form. Params is nil if there are none. The error wraps [ErrInvalidScope].
func ParseScope(s string) (Scope, error) { return parseScope(s) }

// parseScope is ParseScope with errors that do not contain the secrets.
func parseScope(s string, secrets ...string) (Scope, error) {
	text, hasPrefix := strings.CutPrefix(s, "scope:")
	text, query, _ := strings.Cut(text, "?")
	service, privilege, _ := strings.Cut(text, ":")
	if !hasPrefix {
		return Scope{}, fmt.Errorf("%w: %s: want scope:<service>:<privilege>?<params>", ErrInvalidScope, redact.Quote(s, secrets...))
	}
	params, err := parseParams(query)
	if err != nil {
		return Scope{}, fmt.Errorf("%w: %s: %w", ErrInvalidScope, redact.Quote(s, secrets...), err)
	}
	scope := Scope{Service: service, Privilege: privilege, Params: params}
	if err := scope.check(secrets...); err != nil {
		return Scope{}, err
	}
	return scope, nil
}

// String returns the scope as it is written in a token. It does not check that
// [ParseScope] accepts it; [Scope.MarshalText] does.
func (s Scope) String() string {
	text := "scope:" + s.Service + ":" + s.Privilege
	if params := s.Params.Encode(); params != "" {
		text += "?" + params
	}
	return text
}

// MarshalText returns the result of [Scope.String], or an error that wraps
// [ErrInvalidScope] if [ParseScope] would not accept it.
func (s Scope) MarshalText() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return []byte(s.String()), nil
}

// UnmarshalText parses text as [ParseScope] does.
func (s *Scope) UnmarshalText(text []byte) error {
	scope, err := ParseScope(string(text))
	if err != nil {
		return err
	}
	*s = scope
	return nil
}

// check returns an error, which does not contain the secrets, if the scope could
// not be read back.
func (s Scope) check(secrets ...string) error {
	params, _ := measure(s.Params)
	var err error
	if s.name() == clientOutgoing {
		_, err = s.applicationParams()
	}
	var wrong string
	switch {
	case !rule.Alphanumeric(s.Service, "_-") || !rule.Alphanumeric(s.Privilege, "_-"):
		wrong = "use 1 or more ASCII letters, digits, '_' or '-' for each"
	case params > maxParams:
		wrong = fmt.Sprintf("%d params: use at most %d", params, maxParams)
	case err != nil:
		wrong = fmt.Sprintf("appParams: %v", err)
	default:
		return nil
	}
	return fmt.Errorf("%w: service %s, privilege %s: %s",
		ErrInvalidScope, redact.Quote(s.Service, secrets...), redact.Quote(s.Privilege, secrets...), wrong)
}

// name returns the service and privilege of a scope. A device uses one scope of
// each name.
func (s Scope) name() string { return s.Service + ":" + s.Privilege }

// What Twilio defines of scopes.
const (
	clientIncoming  = "client:incoming"
	clientOutgoing  = "client:outgoing"
	streamSubscribe = "stream:subscribe"

	paramClientName        = "clientName"
	paramApplicationSID    = "appSid"
	paramApplicationParams = "appParams"
)

// maxParams is how many parameters [url.ParseQuery] accepts.
const maxParams = 10_000

// measure returns how many values params have, and their length in bytes together
// with their names.
func measure(params ...url.Values) (count, size int) {
	for _, values := range params {
		for name, list := range values {
			size += len(name)
			count += len(list)
			for _, value := range list {
				size += len(value)
			}
		}
	}
	return count, size
}

// applicationParams returns the signed params of an outgoing scope: a
// form-encoded string within the form-encoded params. Twilio's Ruby library
// escapes it once too few, so a '%' that does not start an escape is literal.
func (s Scope) applicationParams() (url.Values, error) {
	parts := strings.Split(s.Params.Get(paramApplicationParams), "%")
	for i, part := range parts[1:] {
		if _, err := hex.DecodeString(part[:min(len(part), 2)]); err != nil || len(part) < 2 {
			parts[i+1] = "25" + part
		}
	}
	return parseParams(strings.Join(parts, "%"))
}

// parseParams is [url.ParseQuery], except that ';' is an ordinary character:
// Twilio's Java library does not encode it in a client name, nor its Ruby library
// in a param.
func parseParams(query string) (url.Values, error) {
	if query == "" {
		return nil, nil
	}
	params, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if len(params) == 0 { // as in "&"
		params = nil
	}
	return params, err
}

// A grant is what one call has granted, as data: it is written out when a token
// is minted.
type grant struct {
	kind           grantKind
	refused        bool       // asked for but not kept: so nothing else is said to be missing
	applicationSID string     // of outgoing
	params         url.Values // of outgoing and events
	scope          *Scope     // of other
}

type grantKind uint8

const (
	incoming grantKind = iota
	outgoing
	events
	other
)

func (g grant) name() string {
	switch g.kind {
	case incoming:
		return clientIncoming
	case outgoing:
		return clientOutgoing
	case events:
		return streamSubscribe
	default:
		return g.scope.name()
	}
}

// size returns how many bytes the caller has granted.
func (g grant) size() int {
	_, size := measure(g.params)
	if g.scope != nil {
		_, size = measure(g.scope.Params)
		size += len(g.scope.Service) + len(g.scope.Privilege)
	}
	return size
}

// appendGrant appends a scope, its parameters sorted by name.
func (t *CapabilityToken) appendGrant(dst []byte, g grant) []byte {
	switch g.kind {
	case incoming:
		dst = append(dst, "scope:"+clientIncoming+"?"+paramClientName+"="...)
		dst = append(dst, url.QueryEscape(t.clientName)...)
	case outgoing:
		dst = append(dst, "scope:"+clientOutgoing+"?"...)
		dst = appendParams(dst, paramApplicationParams+"=", t.paramsOf(g))
		dst = append(dst, paramApplicationSID+"="...)
		dst = append(dst, g.applicationSID...)
		if t.clientName != "" {
			dst = append(dst, "&"+paramClientName+"="...)
			dst = append(dst, url.QueryEscape(t.clientName)...)
		}
	case events:
		dst = append(dst, "scope:"+streamSubscribe+"?"...)
		dst = appendParams(dst, "params=", g.params)
		dst = append(dst, "path=%2F2010-04-01%2FEvents"...)
	default:
		dst = append(dst, g.scope.String()...)
	}
	return dst
}

// appendParams appends params or filters, if there are any, as the first of a
// scope's parameters. They are form-encoded twice: once for themselves, and once
// as the value of that parameter.
func appendParams(dst []byte, name string, params url.Values) []byte {
	if len(params) == 0 {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, url.QueryEscape(params.Encode())...)
	return append(dst, '&')
}

// paramsOf returns the signed params of an outgoing grant.
func (t *CapabilityToken) paramsOf(g grant) url.Values {
	if t.paramsSet {
		return t.params
	}
	return g.params
}

// same reports whether two grants of one name are the same.
func (t *CapabilityToken) same(a, b grant) bool {
	if a.kind == outgoing && b.kind == outgoing { // their client name may still change
		return a.applicationSID == b.applicationSID && equal(t.paramsOf(a), t.paramsOf(b))
	}
	return string(t.appendGrant(nil, a)) == string(t.appendGrant(nil, b))
}

func equal(a, b url.Values) bool { return maps.EqualFunc(a, b, slices.Equal) }

// describe quotes a grant's scope for an error message.
func (t *CapabilityToken) describe(g grant) string {
	text := string(t.appendGrant(nil, g))
	if g.kind == outgoing && t.clientName == "" {
		text += "&clientName=…" // which may follow
	}
	return t.quote(text)
}

// Claims holds the verified contents of a token.
type Claims struct {
	AccountSID string
	APIKeySID  string    // of an Access Token, otherwise ""
	Scopes     []Scope   // for an Access Token, the scopes that would grant the same in a capability token
	NotBefore  time.Time // UTC; zero if absent
	ExpiresAt  time.Time // UTC

	// Extra holds all other claims, as encoding/json decodes them. For an Access Token,
	// its "grants" holds what Scopes does not: a push credential, and the grants of
	// other services.
	Extra map[string]any
}

// Verify reads a capability token of the account, signed with any of the auth
// tokens: pass several while rotating the account's auth token. It accepts
// what this package and Twilio's own libraries mint, and nothing looser:
//
//   - at most [MaxTokenSize] bytes ([ErrTokenTooLong]);
//   - only HS256, no header parameter but alg and a typ of JWT, canonical base64url
//     without padding, and JSON in UTF-8 (RFC 7515 section 2, RFC 8725 sections 3.1,
//     3.7 and 3.11);
//   - exp, iss, scope (which may be empty) and optionally nbf; times are whole seconds
//     since 1970, checked with no leeway;
//   - no aud: such a token is meant for another service (RFC 7519 section 4.1.3);
//   - exp at most [MaxTTL] and half a second from now ([ErrInvalidTTL]; Twilio error
//     31207): Twilio's C# library rounds up;
//   - scopes that can be parsed ([ErrInvalidScope]); client names and application
//     SIDs are read as they are, since Twilio's libraries mint any.
//
// Other errors wrap golang-jwt's: [jwt.ErrTokenSignatureInvalid] (Twilio error
// 31202), [jwt.ErrTokenInvalidIssuer] (31203), [jwt.ErrTokenExpired] (31205),
// [jwt.ErrTokenNotValidYet], [jwt.ErrTokenMalformed] and so on (31204). An Access
// Token is [jwt.ErrTokenUnverifiable]: use [VerifyWithAPIKey]. Text around the token,
// such as "Bearer eyJ…", or another alg is jwt.ErrTokenMalformed. An account SID or
// auth token that [New] would refuse, or no auth token, is [ErrInvalidAccountSID] or
// [ErrInvalidAuthToken]; the token is then not read.
//
// The signature is checked before the claims are parsed: refusing a forged token
// allocates at most its length plus 1 KiB, and as much again for each auth token. If a
// claim occurs twice, the last one counts (RFC 7519 section 4).
func Verify(token, accountSID string, authTokens ...string) (*Claims, error) {
	err := checkSID(ErrInvalidAccountSID, "AC", accountSID, authTokens)
	if len(authTokens) == 0 {
		err = errors.Join(err, fmt.Errorf("%w: give at least one", ErrInvalidAuthToken))
	}
	for _, authToken := range authTokens {
		err = errors.Join(err, checkSecret(ErrInvalidAuthToken, authToken))
	}
	if err != nil {
		return nil, err
	}
	claims, err := capabilityTokens.open(token, authTokens, jwt.WithIssuer(accountSID))
	if err != nil {
		return nil, err
	}
	claims.AccountSID = accountSID
	claims.Scopes, err = readScopes(claims.Extra["scope"], authTokens)
	if err != nil {
		return nil, err
	}
	delete(claims.Extra, "iss")
	delete(claims.Extra, "scope")
	return claims, nil
}

// VerifyWithAPIKey reads an Access Token with a voice grant, signed with the secret
// of the account's API key. It is as strict as [Verify], with these differences:
//
//   - the header has typ JWT and cty twilio-fpa;v=1, and may have twr, the region, but
//     nothing else besides alg;
//   - iss is the API key and sub the account ([jwt.ErrTokenInvalidIssuer],
//     [jwt.ErrTokenInvalidSubject]; Twilio error 20103);
//   - the grants include an identity, which is a client name that
//     [CapabilityToken.AllowUnsafeClientNames] would allow, and a voice grant whose
//     application and push credential, if any, are SIDs ([jwt.ErrTokenInvalidClaims];
//     Twilio error 20106). Grants of other services are ignored. Signed params may have
//     any JSON type, since twilio-go and Node write numbers; values other than strings
//     are returned as JSON text. There are at most 10,000 of them ([ErrInvalidScope]).
//
// A capability token is [jwt.ErrTokenUnverifiable]. An account SID or API key that
// [NewWithAPIKey] would refuse is [ErrInvalidAccountSID] or [ErrInvalidAPIKey]
// before the token is read.
func VerifyWithAPIKey(token, accountSID, apiKeySID, apiKeySecret string) (*Claims, error) {
	secrets := []string{apiKeySecret}
	err := errors.Join(
		checkSID(ErrInvalidAccountSID, "AC", accountSID, secrets),
		checkSID(ErrInvalidAPIKey, "SK", apiKeySID, secrets),
		checkSecret(ErrInvalidAPIKey, apiKeySecret))
	if err != nil {
		return nil, err
	}
	claims, err := accessTokens.open(token, secrets, jwt.WithIssuer(apiKeySID), jwt.WithSubject(accountSID))
	if err != nil {
		return nil, err
	}
	grants, faults := accesstoken.ParseGrants(claims.Extra["grants"])
	if faults != nil {
		return nil, fmt.Errorf("capability: %w: %v", jwt.ErrTokenInvalidClaims, faults[0])
	}
	claims.AccountSID, claims.APIKeySID = accountSID, apiKeySID
	claims.Scopes, err = scopesOf(grants)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"iss", "sub", "grants"} {
		delete(claims.Extra, name)
	}
	if len(grants.Other) > 0 {
		claims.Extra["grants"] = grants.Other
	}
	return claims, nil
}

// checkSID returns an error, which does not contain the secrets, if something is
// wrong with the SID.
func checkSID(invalid error, prefix, sid string, secrets []string) error {
	if wrong := rule.SID(prefix, sid); wrong != "" {
		return fmt.Errorf("%w: %s: %s", invalid, redact.Quote(sid, secrets...), wrong)
	}
	return nil
}

// Incoming returns the client name the device receives calls for; ok is false if
// it may not receive any. If there are several incoming scopes, it is that of the
// first.
func (c *Claims) Incoming() (clientName string, ok bool) {
	scope, ok := c.scope(clientIncoming)
	return scope.Params.Get(paramClientName), ok
}

// Outgoing returns the application through which the device calls out, and the
// signed params that Twilio passes to it; ok is false if the device may not call
// out.
func (c *Claims) Outgoing() (applicationSID string, params url.Values, ok bool) {
	scope, ok := c.scope(clientOutgoing)
	params, _ = scope.applicationParams() // Verify has checked that they can be parsed
	return scope.Params.Get(paramApplicationSID), params, ok
}

// ClientName returns the device's client name: that of its incoming scope, or
// else that of its outgoing scope; "" if the device has none.
func (c *Claims) ClientName() string {
	if name, ok := c.Incoming(); ok {
		return name
	}
	scope, _ := c.scope(clientOutgoing)
	return scope.Params.Get(paramClientName)
}

// scope returns the first scope of a name.
func (c *Claims) scope(name string) (scope Scope, ok bool) {
	i := slices.IndexFunc(c.Scopes, func(s Scope) bool { return s.name() == name })
	if i < 0 {
		return Scope{}, false
	}
	return c.Scopes[i], true
}

// open returns the claims of a token whose signature, header and registered claims
// are valid, all but its times in Extra. The options say whose token it must be.
func (k *kind) open(token string, secrets []string, options ...jwt.ParserOption) (*Claims, error) {
	if err := checkLen(len(token)); err != nil {
		return nil, err
	}
	text, err := jws.Open(token, k.usualHeader, k.checkHeader, secrets...)
	if err != nil && k.isOther(token) {
		return nil, fmt.Errorf("capability: %w: %s (%w)", jwt.ErrTokenUnverifiable, k.otherKind, err)
	}
	if err != nil {
		return nil, fmt.Errorf("capability: %w", err)
	}
	claims, err := k.decodeClaims(text)
	if err != nil {
		return nil, fmt.Errorf("capability: claims: %w", err)
	}
	if _, ok := claims["aud"]; ok {
		return nil, fmt.Errorf("capability: %w: %w: it has an aud claim, so it was issued for another service",
			jwt.ErrTokenInvalidClaims, jwt.ErrTokenInvalidAudience)
	}
	err = jwt.NewValidator(append(options, jwt.WithExpirationRequired())...).Validate(jwt.MapClaims(claims))
	if err != nil {
		return nil, fmt.Errorf("capability: %w: %w", jwt.ErrTokenInvalidClaims, err)
	}
	return takeTimes(claims)
}

// isAccessToken reports whether a token's header says that it is an Access Token.
func isAccessToken(token string) bool {
	header, _, _ := strings.Cut(token, ".")
	return contains(header, `"`+accesstoken.ContentType+`"`)
}

// isCapabilityToken reports whether a token looks like a capability token.
func isCapabilityToken(token string) bool {
	_, rest, _ := strings.Cut(token, ".")
	claims, _, _ := strings.Cut(rest, ".")
	return !isAccessToken(token) && contains(claims, `"scope":"`)
}

// contains reports whether a token's part, decoded, contains text. It serves error
// messages: nothing is parsed.
func contains(part, text string) bool {
	decoded, _ := base64.RawURLEncoding.DecodeString(part)
	return bytes.Contains(decoded, []byte(text))
}

func checkCapabilityHeader(header map[string]any) error {
	known := 1 // alg
	if typ, ok := header["typ"]; ok {
		known++
		if typ != "JWT" {
			return fmt.Errorf("%w: header typ is not JWT", jwt.ErrTokenUnverifiable)
		}
	}
	// An extension may be critical (RFC 7515 section 4.1.11), and none is known here.
	if len(header) > known {
		return fmt.Errorf("%w: header has parameters other than alg and typ", jwt.ErrTokenUnverifiable)
	}
	return nil
}

func checkAccessHeader(header map[string]any) error {
	if faults := accesstoken.CheckHeader(header); faults != nil {
		return fmt.Errorf("%w: header %v", jwt.ErrTokenUnverifiable, faults[0])
	}
	return nil
}

func decodeCapabilityClaims(text []byte) (claims map[string]any, err error) {
	err = jws.Unmarshal(text, &claims)
	return claims, err
}

// decodeAccessClaims keeps numbers in the grants as they are: an application's param
// may be an ID that no float64 can hold.
func decodeAccessClaims(text []byte) (claims map[string]any, err error) {
	if err := jws.UnmarshalNumbers(text, &claims); err != nil {
		return nil, err
	}
	for name := range claims {
		if name == "grants" {
			continue
		}
		if claims[name], err = withFloats(claims[name]); err != nil {
			return nil, fmt.Errorf("%w: a number is too large", jwt.ErrTokenMalformed)
		}
	}
	return claims, nil
}

// withFloats replaces the numbers in a value by what encoding/json usually decodes
// them to.
func withFloats(value any) (_ any, err error) {
	switch value := value.(type) {
	case json.Number:
		return value.Float64()
	case []any:
		for i := range value {
			if value[i], err = withFloats(value[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range value {
			if value[name], err = withFloats(value[name]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// takeTimes takes exp and nbf, which have been validated, out of the claims.
func takeTimes(claims map[string]any) (*Claims, error) {
	expiresAt, err := readTime(claims, "exp")
	if err != nil {
		return nil, err
	}
	// Twilio's C# library rounds exp to the nearest second.
	if expiresAt.After(time.Now().Add(MaxTTL + time.Second/2)) {
		return nil, fmt.Errorf("%w: the token expires at %v, more than %vh from now", ErrInvalidTTL, expiresAt, MaxTTL.Hours())
	}
	notBefore, err := readTime(claims, "nbf")
	if err != nil {
		return nil, err
	}
	delete(claims, "exp")
	delete(claims, "nbf")
	return &Claims{NotBefore: notBefore, ExpiresAt: expiresAt, Extra: claims}, nil
}

// readTime returns the zero time if there is no such claim. golang-jwt accepts
// fractions and any size, but Twilio's libraries write whole seconds since 1970, and
// a float64 counts no further than 2^53 of them.
func readTime(claims map[string]any, name string) (time.Time, error) {
	value, ok := claims[name]
	if !ok {
		return time.Time{}, nil
	}
	seconds, ok := value.(float64)
	if !ok || seconds != math.Trunc(seconds) || seconds < 0 || seconds > 1<<53 {
		return time.Time{}, fmt.Errorf("capability: %w: %s is not a whole number of seconds since 1970", jwt.ErrTokenInvalidClaims, name)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

func readScopes(claim any, authTokens []string) ([]Scope, error) {
	text, ok := claim.(string)
	if !ok {
		return nil, fmt.Errorf("%w: the scope claim is missing or not a string", ErrInvalidScope)
	}
	if text == "" {
		return nil, nil
	}
	var scopes []Scope
	for s := range strings.SplitSeq(text, " ") {
		scope, err := parseScope(s, authTokens...)
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

// scopesOf returns the scopes that grant the same as an Access Token.
func scopesOf(grants accesstoken.Grants) ([]Scope, error) {
	var scopes []Scope
	if grants.Voice.Incoming {
		scopes = append(scopes, Scope{"client", "incoming", url.Values{paramClientName: {grants.Identity}}})
	}
	if grants.Voice.ApplicationSID == "" {
		return scopes, nil
	}
	params := url.Values{paramApplicationSID: {grants.Voice.ApplicationSID}, paramClientName: {grants.Identity}}
	if len(grants.Voice.Params) > 0 {
		params.Set(paramApplicationParams, grants.Voice.Params.Encode())
	}
	outgoing := Scope{"client", "outgoing", params}
	return append(scopes, outgoing), outgoing.check()
}
