package capability

import (
	"encoding/hex"
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
)

// ErrInvalidScope is wrapped by every error about a [Scope].
var ErrInvalidScope = errors.New("capability: invalid scope")

// A Scope is one capability of a token, written
//
//	scope:<service>:<privilege>?<params>
//
// with the params sorted by name and form-encoded, as Twilio's Python library
// writes them. Service and Privilege are 1 or more ASCII letters, digits, '_' or
// '-'. The names and values of Params may contain anything, but there are at most
// 10,000 of them, the limit of package net/url.
type Scope struct {
	Service, Privilege string
	Params             url.Values
}

// ParseScope parses what [Scope.String] writes, and what Twilio's own libraries
// write: params in any order, a space as '+' or %20, and characters that need no
// escape in either form. Params is nil if there are none. The error wraps
// [ErrInvalidScope].
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

// MarshalText returns what [Scope.String] does, or an error that wraps
// [ErrInvalidScope] if it could not be parsed.
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
	if s.is("client", "outgoing") {
		_, err = s.applicationParams()
	}
	var rule string
	switch {
	case !consistsOf(s.Service, "_-") || !consistsOf(s.Privilege, "_-"):
		rule = "use 1 or more ASCII letters, digits, '_' or '-' for each"
	case params > maxParams:
		rule = fmt.Sprintf("%d params: use at most %d", params, maxParams)
	case err != nil:
		rule = fmt.Sprintf("appParams: %v", err)
	default:
		return nil
	}
	return fmt.Errorf("%w: service %s, privilege %s: %s",
		ErrInvalidScope, redact.Quote(s.Service, secrets...), redact.Quote(s.Privilege, secrets...), rule)
}

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

// is reports whether s is a scope of the given kind.
func (s Scope) is(service, privilege string) bool {
	return s.Service == service && s.Privilege == privilege
}

// applicationParams returns the signed params of an outgoing scope: a
// form-encoded string within the form-encoded params. Twilio's Ruby library
// escapes it once too few, so a '%' that does not start an escape is literal.
func (s Scope) applicationParams() (url.Values, error) {
	parts := strings.Split(s.Params.Get("appParams"), "%")
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
	kind           kind
	applicationSID string     // of outgoing
	params         url.Values // of outgoing and events
	scope          *Scope     // of other
}

type kind int

const (
	incoming kind = iota
	outgoing
	events
	other
)

// name returns the service and privilege of a grant. A device uses one scope of
// each name.
func (g grant) name() string {
	switch g.kind {
	case incoming:
		return "client:incoming"
	case outgoing:
		return "client:outgoing"
	case events:
		return "stream:subscribe"
	default:
		return g.scope.Service + ":" + g.scope.Privilege
	}
}

// appendGrant appends a scope, its parameters sorted by name.
func (t *CapabilityToken) appendGrant(dst []byte, g grant) []byte {
	switch g.kind {
	case incoming:
		dst = append(dst, "scope:client:incoming?clientName="...)
		return append(dst, t.clientName...)
	case outgoing:
		dst = append(dst, "scope:client:outgoing?"...)
		dst = appendParams(dst, "appParams=", t.paramsOf(g))
		dst = append(dst, "appSid="...)
		dst = append(dst, g.applicationSID...)
		if t.clientName != "" {
			dst = append(dst, "&clientName="...)
			dst = append(dst, t.clientName...)
		}
		return dst
	case events:
		dst = append(dst, "scope:stream:subscribe?"...)
		dst = appendParams(dst, "params=", g.params)
		return append(dst, "path=%2F2010-04-01%2FEvents"...)
	default:
		return append(dst, g.scope.String()...)
	}
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
	if a.kind == outgoing || b.kind == outgoing { // its client name may still change
		return a.kind == b.kind && a.applicationSID == b.applicationSID && equal(t.paramsOf(a), t.paramsOf(b))
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

// EncodeClientName makes a client name from any user ID, such as an e-mail
// address or a UUID, reversibly: ASCII letters and digits are kept; every other
// byte becomes '_' and two upper-case hexadecimal digits, as in Twilio Flex. Encode
// all of a backend's names or none of them. A name that is too long is reported by
// the method it is given to.
func EncodeClientName(user string) string {
	name := make([]byte, 0, len(user)+8)
	for i := range len(user) {
		if alphanumeric[user[i]] {
			name = append(name, user[i])
		} else {
			name = fmt.Appendf(name, "_%02X", user[i])
		}
	}
	return string(name)
}

// DecodeClientName returns the user ID that [EncodeClientName] made a client name
// from. Any other name is [ErrInvalidClientName].
func DecodeClientName(clientName string) (user string, err error) {
	parts := strings.Split(clientName, "_")
	for i, part := range parts[1:] {
		char, err := hex.DecodeString(part[:min(len(part), 2)])
		if err == nil && len(char) == 1 {
			parts[i+1] = string(char) + part[2:]
		}
	}
	user = strings.Join(parts, "")
	if EncodeClientName(user) != clientName {
		return "", fmt.Errorf("%w: %s: not made by EncodeClientName: use ASCII letters and digits, and _XX with upper-case hexadecimal digits for any other byte",
			ErrInvalidClientName, redact.Quote(clientName))
	}
	return user, nil
}

// consistsOf reports whether s is one or more ASCII letters, digits and
// characters of more.
func consistsOf(s, more string) bool {
	for i := range len(s) {
		if !alphanumeric[s[i]] && strings.IndexByte(more, s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// alphanumeric is a table because the letters and digits of an SID come in an
// order that no branch can be predicted from.
var alphanumeric = func() (table [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" {
		table[c] = true
	}
	return table
}()

// Claims holds the verified contents of a capability token.
type Claims struct {
	AccountSID string
	Scopes     []Scope
	NotBefore  time.Time // UTC; zero if absent
	ExpiresAt  time.Time // UTC

	// Extra holds every other claim, in the types of encoding/json.
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
//   - exp, iss and scope, of which only scope may be empty, and optionally nbf; times
//     are whole seconds since 1970, checked without leeway for the clock;
//   - no aud: such a token is meant for another service (RFC 7519 section 4.1.3);
//   - exp at most [MaxTTL] from now ([ErrInvalidTTL]; Twilio error 31207), or half
//     a second more, as Twilio's C# library rounds it up;
//   - scopes that can be parsed ([ErrInvalidScope]).
//
// Other errors wrap golang-jwt's: [jwt.ErrTokenSignatureInvalid] (Twilio error
// 31202), [jwt.ErrTokenInvalidIssuer] (31203), [jwt.ErrTokenExpired] (31205),
// [jwt.ErrTokenNotValidYet], [jwt.ErrTokenMalformed] and so on (31204). An
// account SID or auth token that [New] would refuse, or no auth token at all, is
// [ErrInvalidAccountSID] or [ErrInvalidAuthToken] before the token is read.
//
// The signature is checked before any JSON is decoded: refusing a forged token
// allocates at most its length, and for each auth token its length again and about
// a kilobyte. If a claim occurs twice, the last one counts (RFC 7519 section 4).
func Verify(token, accountSID string, authTokens ...string) (*Claims, error) {
	if err := checkArguments(accountSID, authTokens); err != nil {
		return nil, err
	}
	if err := checkLen(len(token)); err != nil {
		return nil, err
	}
	claims, err := open(token, accountSID, authTokens)
	if err != nil {
		return nil, fmt.Errorf("capability: %w", err)
	}
	return readClaims(claims, authTokens)
}

// checkArguments returns what is wrong with the arguments of Verify. An empty key in
// particular would verify tokens signed with an empty key.
func checkArguments(accountSID string, authTokens []string) error {
	err := checkSID(ErrInvalidAccountSID, "AC", accountSID, authTokens...)
	if len(authTokens) == 0 {
		err = errors.Join(err, fmt.Errorf("%w: give at least one", ErrInvalidAuthToken))
	}
	for _, authToken := range authTokens {
		err = errors.Join(err, checkSecret(ErrInvalidAuthToken, authToken))
	}
	return err
}

// Incoming returns the client name the device receives calls for; ok is false if
// it may not receive any. A device uses one scope of each kind; here it is the
// first.
func (c *Claims) Incoming() (clientName string, ok bool) {
	scope, ok := c.scope("client", "incoming")
	return scope.Params.Get("clientName"), ok
}

// Outgoing returns the application through which the device calls out, and the
// signed params that Twilio passes to it; ok is false if the device may not call
// out.
func (c *Claims) Outgoing() (applicationSID string, params url.Values, ok bool) {
	scope, ok := c.scope("client", "outgoing")
	params, _ = scope.applicationParams() // Verify has checked that they can be parsed
	return scope.Params.Get("appSid"), params, ok
}

// ClientName returns the device's client name: that of its incoming scope, or
// else that of its outgoing scope; "" if the device has none.
func (c *Claims) ClientName() string {
	if name, ok := c.Incoming(); ok {
		return name
	}
	scope, _ := c.scope("client", "outgoing")
	return scope.Params.Get("clientName")
}

// scope returns the first scope of a kind.
func (c *Claims) scope(service, privilege string) (scope Scope, ok bool) {
	i := slices.IndexFunc(c.Scopes, func(s Scope) bool { return s.is(service, privilege) })
	if i < 0 {
		return Scope{}, false
	}
	return c.Scopes[i], true
}

// open returns the claims of a token whose signature, header and registered
// claims are valid.
func open(token, accountSID string, authTokens []string) (jwt.MapClaims, error) {
	text, err := jws.Open(token, authTokens...)
	if err != nil && accesstoken.HasContentType(token) {
		return nil, fmt.Errorf("%w: it is an Access Token, not a capability token (%w)", jwt.ErrTokenUnverifiable, err)
	}
	if err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{}
	if err := jws.Unmarshal(text, &claims); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	if _, ok := claims["aud"]; ok {
		return nil, fmt.Errorf("%w: %w: it has an aud claim, so it was issued for another service",
			jwt.ErrTokenInvalidClaims, jwt.ErrTokenInvalidAudience)
	}
	err = jwt.NewValidator(jwt.WithExpirationRequired(), jwt.WithIssuer(accountSID)).Validate(claims)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", jwt.ErrTokenInvalidClaims, err)
	}
	return claims, nil
}

// readClaims takes apart claims whose issuer, exp and nbf have been validated.
func readClaims(claims jwt.MapClaims, authTokens []string) (*Claims, error) {
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
	scopes, err := readScopes(claims["scope"], authTokens)
	if err != nil {
		return nil, err
	}
	accountSID, _ := claims.GetIssuer()
	for _, name := range []string{"scope", "iss", "exp", "nbf"} {
		delete(claims, name)
	}
	return &Claims{
		AccountSID: accountSID,
		Scopes:     scopes,
		NotBefore:  notBefore,
		ExpiresAt:  expiresAt,
		Extra:      claims,
	}, nil
}

// readTime returns the zero time if there is no such claim. golang-jwt accepts
// fractions and any size, but Twilio's libraries write whole seconds since 1970, and
// a float64 counts no further than 2^53 of them.
func readTime(claims jwt.MapClaims, name string) (time.Time, error) {
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
