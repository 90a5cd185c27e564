// Package capability mints and reads capability tokens: the JSON Web Tokens
// with which a Twilio Client device in a browser proves what it may do.
//
// A web backend collects what a device may do in a [CapabilityToken], signs it
// with the account's auth token, and hands the result to the page:
//
//	token, err := capability.New(accountSID, authToken).
//		AllowClientIncoming("tommy").
//		AllowClientOutgoing(applicationSID).
//		SetTTL(10 * time.Minute).
//		ToJWT()
//
// Backends with many requests keep one checked template and [CapabilityToken.Clone]
// it for each. [Verify] reads a token back, from this package or from any of
// Twilio's own libraries. [CapabilityToken.ToAccessToken] mints the same as an
// Access Token, to which Twilio asks its customers to move.
//
// # What is promised
//
// A token has the same bytes as the one that Twilio's Python library writes
// for the same calls at the same second. A token that breaks one of Twilio's
// documented rules, or that grants other than what was asked, is never minted:
// each mistake is an error that wraps one of this package's, and nothing is
// repaired or cut to size in silence.
//
// The auth token is kept where neither fmt, log/slog, encoding/json nor a
// printer built on reflection finds it, and no error holds it.
//
// # What is not
//
// No call is made to Twilio: whether the account, its auth token and the
// application exist shows only when the device connects. Test credentials do
// not work, and capability tokens work in Twilio's region US1 alone. Rules of
// Twilio's are cited with the number of the error that Twilio documents for
// them; they were not checked against the live service.
package capability

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// DefaultTTL is the lifetime of a token for which SetTTL was not called.
	DefaultTTL = time.Hour

	// MaxTTL is the longest lifetime that Twilio accepts (Twilio error 31207).
	MaxTTL = 24 * time.Hour

	// MaxTokenSize is the length in bytes of the longest token that is minted
	// or read. Most have 250 to 400, and a hundred signed parameters of a
	// hundred bytes make it fifteen thousand; the limit is this package's own,
	// not Twilio's.
	MaxTokenSize = 64 << 10
)

// Each mistake in the use of a [CapabilityToken], and in the arguments of
// [Verify], is reported as an error that wraps one of these, or
// [ErrInvalidScope].
var (
	ErrInvalidAccountSID     = errors.New("capability: invalid account SID")
	ErrInvalidAuthToken      = errors.New("capability: invalid auth token")
	ErrInvalidApplicationSID = errors.New("capability: invalid application SID")
	ErrInvalidClientName     = errors.New("capability: invalid client name")
	ErrInvalidTTL            = errors.New("capability: invalid TTL")
	ErrInvalidNotBefore      = errors.New("capability: invalid not before")
	ErrInvalidClaim          = errors.New("capability: invalid claim")
	ErrDuplicateScope        = errors.New("capability: duplicate scope")
	ErrNoScope               = errors.New("capability: no scope")
	ErrInvalidAPIKey         = errors.New("capability: invalid API key")
	ErrTokenTooLong          = errors.New("capability: token too long") // see MaxTokenSize
)

// A CapabilityToken collects what a device may do and mints tokens that say
// so. Its methods chain; a mistake is remembered, and reported by
// [CapabilityToken.Err] and [CapabilityToken.ToJWT] together with all others.
//
// Make one with [New]: the zero value has no account, and mints nothing. While
// it is being changed it is for one goroutine; Clone, Err, ToJWT and
// ToAccessToken change nothing and may run in many at once.
type CapabilityToken struct {
	accountSID string

	// key is a function because nothing that prints or encodes a value can
	// look into what a function has captured.
	key func() *signingKey

	clientName   string
	ttl          time.Duration
	notBefore    time.Time
	notBeforeSet bool

	// The first grants, which for most devices are all, stand in the struct:
	// minting then allocates nothing for them.
	few  [2]grant
	n    int // of few
	more []grant

	// Slices, more among them, are replaced, never changed in place, so that
	// copies of the struct are independent.
	claims   []claim // sorted by name
	mistakes []error
}

// A grant is a scope in the form in which it will be signed, in two parts so
// that what is constant need not be copied before a token is minted.
type grant struct {
	prefix, rest string

	// named says that the device's client name, which may not be known yet, is
	// to follow as the last parameter.
	named bool
}

func (g grant) scope() string { return g.prefix + g.rest }

// String is the scope for an error message.
func (g grant) String() string {
	if g.named {
		return g.scope() + "&clientName=…"
	}
	return g.scope()
}

// kind is what a device reads one scope of.
func (g grant) kind() string {
	kind, _, _ := strings.Cut(g.prefix, "?")
	return kind
}

// A claim is one of the backend's own, and what it adds to a token.
type claim struct {
	name, text string
}

// New returns a builder that grants nothing yet, with a TTL of [DefaultTTL].
//
// The account SID is "AC", then 1 to 32 ASCII letters or digits
// ([ErrInvalidAccountSID]; Twilio error 31203). The auth token is the
// account's secret: a live one, not a test credential, and without white space
// or control characters ([ErrInvalidAuthToken]), since a newline that came
// along from a file or a variable is a common cause of Twilio error 31204.
func New(accountSID, authToken string) *CapabilityToken {
	// One allocation for both, since each token needs a key.
	made := &struct {
		token CapabilityToken
		key   signingKey
	}{
		token: CapabilityToken{
			accountSID: accountSID,
			ttl:        DefaultTTL,
			mistakes:   checkCredentials(accountSID, authToken),
		},
		key: signingKey{authToken: authToken},
	}
	made.token.key = func() *signingKey { return &made.key }
	return &made.token
}

// AllowClientIncoming lets the device receive calls for clientName: 1 to 256
// ASCII letters, digits and '_', as Twilio documents ([ErrInvalidClientName];
// Twilio error 31105). A device has one client name: another one is
// [ErrDuplicateScope].
func (t *CapabilityToken) AllowClientIncoming(clientName string) *CapabilityToken {
	t.SetClientName(clientName)
	return t.grant(t.incoming())
}

// AllowClientOutgoing lets the device call out through the TwiML application
// applicationSID: "AP", then 1 to 32 ASCII letters or digits
// ([ErrInvalidApplicationSID]). Twilio passes the params, which are signed
// with the token, to the application's voice URL. Another application or other
// params for the same device are [ErrDuplicateScope].
func (t *CapabilityToken) AllowClientOutgoing(applicationSID string, params ...url.Values) *CapabilityToken {
	if !isSID("AP", applicationSID) {
		t.fail(fmt.Errorf("%w: %s: use AP, then 1 to 32 ASCII letters or digits",
			ErrInvalidApplicationSID, t.quote(applicationSID)))
	}
	if appParams, ok := encodeParams(params); ok {
		return t.grant(grant{
			prefix: "scope:client:outgoing?appParams=",
			rest:   appParams + "&appSid=" + applicationSID,
			named:  true,
		})
	}
	return t.grant(grant{prefix: "scope:client:outgoing?appSid=", rest: applicationSID, named: true})
}

// AllowEventStream lets the device subscribe to the account's events, and to
// those alone that match the filters if there are any. Other filters for the
// same device are [ErrDuplicateScope].
func (t *CapabilityToken) AllowEventStream(filters ...url.Values) *CapabilityToken {
	const path = "path=%2F2010-04-01%2FEvents"
	if params, ok := encodeParams(filters); ok {
		return t.grant(grant{prefix: "scope:stream:subscribe?params=", rest: params + "&" + path})
	}
	return t.grant(grant{prefix: "scope:stream:subscribe?" + path})
}

// AddScope grants any other scope, which is written as given: no client name
// is added to it. It is the way round the rules of the other methods, such as
// for a client name with other characters. [ErrInvalidScope] says that its
// service or privilege can't be written, [ErrDuplicateScope] that a different
// scope with the same service and privilege has been granted.
func (t *CapabilityToken) AddScope(scope Scope) *CapabilityToken {
	if err := scope.check(t.authToken()); err != nil {
		t.fail(err)
	}
	return t.grant(grant{prefix: scope.String()})
}

// SetClientName names a device that has no incoming scope, so that the voice
// URL sees who calls. The rules are those of
// [CapabilityToken.AllowClientIncoming], which names the device too.
func (t *CapabilityToken) SetClientName(clientName string) *CapabilityToken {
	if !consistsOf(clientName, "_") || len(clientName) > 256 {
		t.fail(fmt.Errorf("%w: %s: use 1 to 256 ASCII letters, digits or '_'", ErrInvalidClientName, t.quote(clientName)))
	}
	if t.clientName != "" && t.clientName != clientName {
		return t.fail(fmt.Errorf("%w: client name %s: the device is %s already",
			ErrDuplicateScope, t.quote(clientName), t.quote(t.clientName)))
	}
	t.clientName = clientName
	return t
}

// SetTTL sets how long a token is valid from the moment at which it is minted,
// 1 second to [MaxTTL] ([ErrInvalidTTL]; Twilio error 31207). The end is
// rounded down to a whole second. A short one is a good one: a page that only
// calls out needs its token for no more than a few seconds.
func (t *CapabilityToken) SetTTL(ttl time.Duration) *CapabilityToken {
	if ttl < time.Second || ttl > MaxTTL {
		t.fail(fmt.Errorf("%w: %v: use 1s to 24h", ErrInvalidTTL, ttl))
	}
	t.ttl = ttl
	return t
}

// SetNotBefore sets the time before which a token is not valid (Twilio error
// 31204), by default the moment at which it is minted; for the zero time there is
// no such claim. It is rounded down to a whole second, and is
// [ErrInvalidNotBefore] if it is before 1970 or not before the token's end.
func (t *CapabilityToken) SetNotBefore(notBefore time.Time) *CapabilityToken {
	t.notBefore, t.notBeforeSet = notBefore, true
	return t
}

// SetClaim adds a claim of the backend's own, in the place of an earlier one
// with the same name. The name is not empty and neither "scope" nor one of the
// registered claims of RFC 7519 section 4.1; both name and value are valid
// UTF-8 ([ErrInvalidClaim]). Everybody who holds the token can read it.
func (t *CapabilityToken) SetClaim(name, value string) *CapabilityToken {
	switch {
	case name == "" || slices.Contains(reservedClaims, name):
		return t.fail(fmt.Errorf("%w: name %s: use one that is neither empty nor any of %s",
			ErrInvalidClaim, t.quote(name), strings.Join(reservedClaims, " ")))
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return t.fail(fmt.Errorf("%w: name %s, value %s: use valid UTF-8", ErrInvalidClaim, t.quote(name), t.quote(value)))
	}
	i, found := slices.BinarySearchFunc(t.claims, name, func(c claim, name string) int { return cmp.Compare(c.name, name) })
	rest := t.claims[i:]
	if found {
		rest = rest[1:]
	}
	t.claims = slices.Concat(t.claims[:i], []claim{{name, "," + encodeJSON(name) + ":" + encodeJSON(value)}}, rest)
	return t
}

// reservedClaims are the registered claims of RFC 7519 section 4.1, and scope.
var reservedClaims = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope"}

// Clone returns an independent copy: what is granted to one is not granted to
// the other. A backend makes one template, checks it with
// [CapabilityToken.Err] when it starts, and clones it for each request.
func (t *CapabilityToken) Clone() *CapabilityToken {
	clone := *t
	return &clone
}

// Err returns all mistakes so far, joined, or nil if there are none. That
// nothing has been granted yet, or too much for [MaxTokenSize], is left to ToJWT
// to report.
func (t *CapabilityToken) Err() error {
	return errors.Join(t.check(time.Now())...)
}

// ToJWT mints a token: an HS256 JSON Web Token in compact form. It changes
// nothing, so that each call returns a token of the same kind, which starts at
// the moment of the call. The error holds all mistakes, joined, and
// [ErrNoScope] if nothing was granted; or it is [ErrTokenTooLong].
func (t *CapabilityToken) ToJWT() (string, error) {
	now := time.Now()
	if err := t.checkComplete(now); err != nil {
		return "", err
	}
	return checkSize(t.sign(now))
}

// ToAccessToken mints the same capabilities as an Access Token, Twilio's
// successor to capability tokens, which the Voice JavaScript SDK 2.x and the
// mobile SDKs take. It is signed with the secret of an API key of the same
// account: "SK", then 1 to 32 ASCII letters or digits, and a secret without
// white space or control characters ([ErrInvalidAPIKey]).
//
// An Access Token needs a client name ([ErrInvalidClientName]), and has no form
// for what AllowEventStream and AddScope grant, for a parameter that is not
// valid UTF-8 ([ErrInvalidScope]), nor for an extra claim named grants
// ([ErrInvalidClaim]). Otherwise it is as for ToJWT: the same TTL, not before
// and errors, and nothing is changed.
func (t *CapabilityToken) ToAccessToken(apiKeySID, apiKeySecret string) (string, error) {
	now := time.Now()
	err := errors.Join(t.checkComplete(now), t.checkAPIKey(apiKeySID, apiKeySecret), t.checkVoice())
	if err != nil {
		return "", err
	}
	voice, err := t.voiceGrant()
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, []byte(apiKeySecret))
	return checkSize(compact(mac, new(buffer), accessTokenHeader, t.accessClaims(apiKeySID, voice, now)))
}

// String describes the token without its auth token.
func (t CapabilityToken) String() string {
	return fmt.Sprintf("capability token of %s for %v: %s",
		t.quote(t.accountSID), t.ttl, t.quote(string(t.appendScope(nil))))
}

// GoString is String: %#v must not show the auth token either.
func (t CapabilityToken) GoString() string { return t.String() }

// Format formats String with any verb and flag.
func (t CapabilityToken) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), t.String())
}

// LogValue is String, for log/slog.
func (t CapabilityToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

func (t *CapabilityToken) fail(err error) *CapabilityToken {
	t.mistakes = append(slices.Clip(t.mistakes), err)
	return t
}

// grant adds a scope. One of the same kind must be the same.
func (t *CapabilityToken) grant(g grant) *CapabilityToken {
	for _, granted := range t.grants() {
		switch {
		case granted.kind() != g.kind():
		case granted.named == g.named && granted.scope() == g.scope():
			return t
		default:
			return t.fail(fmt.Errorf("%w: %s: a device reads one of a kind, and has %s",
				ErrDuplicateScope, t.quote(g.String()), t.quote(granted.String())))
		}
	}
	if t.n < len(t.few) {
		t.few[t.n] = g
		t.n++
	} else {
		t.more = append(slices.Clip(t.more), g)
	}
	return t
}

// grants returns all scopes in the order in which they were granted.
func (t *CapabilityToken) grants() []grant {
	if len(t.more) == 0 {
		return t.few[:t.n]
	}
	return slices.Concat(t.few[:], t.more)
}

// checkComplete returns the mistakes that stand against minting.
func (t *CapabilityToken) checkComplete(now time.Time) error {
	mistakes := t.check(now)
	if t.n == 0 {
		mistakes = append(mistakes,
			fmt.Errorf("%w: grant something, for example with AllowClientIncoming", ErrNoScope))
	}
	return errors.Join(mistakes...)
}

// check returns the mistakes remembered, and those that show only now.
func (t *CapabilityToken) check(now time.Time) []error {
	mistakes := slices.Clip(t.mistakes)
	if t.key == nil {
		mistakes = append(mistakes, checkCredentials("", "")...)
	}
	notBefore := t.notBefore.Unix()
	if !t.notBefore.IsZero() && (notBefore < 0 || notBefore >= t.expiresAt(now)) {
		mistakes = append(mistakes, fmt.Errorf("%w: %v: use a time since 1970 and before the token expires, %v after it is minted",
			ErrInvalidNotBefore, t.notBefore.UTC().Format(time.RFC3339), t.ttl))
	}
	return mistakes
}

func (t *CapabilityToken) expiresAt(now time.Time) int64 {
	return now.Add(t.ttl).Unix()
}

// startsAt returns the time of the nbf claim; ok is false if there is to be none.
func (t *CapabilityToken) startsAt(now time.Time) (seconds int64, ok bool) {
	if !t.notBeforeSet {
		return now.Unix(), true
	}
	return t.notBefore.Unix(), !t.notBefore.IsZero()
}

// authToken returns "" for the zero CapabilityToken.
func (t *CapabilityToken) authToken() string {
	if t.key == nil {
		return ""
	}
	return t.key().authToken
}

// quote is [quote] for a value that may be this token's auth token by mistake.
func (t *CapabilityToken) quote(value string) string {
	return quote(value, t.authToken())
}

// encodeParams returns the merged params, form-encoded twice: once as they are,
// and once as the value of a scope's parameter. It reports whether there are
// any.
func encodeParams(params []url.Values) (encoded string, ok bool) {
	merged := merge(params)
	return url.QueryEscape(merged.Encode()), len(merged) > 0
}

func merge(params []url.Values) url.Values {
	switch len(params) {
	case 0:
		return nil
	case 1:
		return params[0]
	}
	merged := url.Values{}
	for _, values := range params {
		for name, list := range values {
			merged[name] = append(merged[name], list...)
		}
	}
	return merged
}

// appendClaims appends the claims of a token that is minted now, in the order
// and form in which Twilio's Python library writes them. Nothing but the extra
// claims can hold a character that JSON escapes.
func (t *CapabilityToken) appendClaims(dst []byte, now time.Time) []byte {
	dst = append(dst, `{"scope":"`...)
	dst = t.appendScope(dst)
	dst = append(dst, `","iss":"`...)
	dst = append(dst, t.accountSID...)
	dst = append(dst, `","exp":`...)
	dst = strconv.AppendInt(dst, t.expiresAt(now), 10)
	if notBefore, ok := t.startsAt(now); ok {
		dst = append(dst, `,"nbf":`...)
		dst = strconv.AppendInt(dst, notBefore, 10)
	}
	for _, c := range t.claims {
		dst = append(dst, c.text...)
	}
	return append(dst, '}')
}

// appendScope appends the value of the scope claim.
func (t *CapabilityToken) appendScope(dst []byte) []byte {
	for i, g := range t.grants() {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, g.prefix...)
		dst = append(dst, g.rest...)
		if g.named && t.clientName != "" {
			dst = append(dst, "&clientName="...)
			dst = append(dst, t.clientName...)
		}
	}
	return dst
}

// incoming returns the grant of AllowClientIncoming.
func (t *CapabilityToken) incoming() grant {
	return grant{prefix: "scope:client:incoming?clientName=", rest: t.clientName}
}

// encodeJSON returns what the value is in JSON, in which '&', '<' and '>' stand
// as themselves. The value is one of strings, numbers, and maps and structs of
// these, so that there is nothing to fail.
func encodeJSON(value any) string {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.Encode(value)
	return strings.TrimSuffix(text.String(), "\n")
}

// What every token starts with.
var (
	capabilityHeader  = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "."
	accessTokenHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT"}`)) + "."
)

// A signingKey is shared by a token and its clones.
type signingKey struct {
	authToken string

	// Keying an HMAC takes half as long as all the rest of a token, so that
	// keyed ones are kept from the second token on. The first, which for many
	// keys is the last, need not pay for a pool.
	signedBefore atomic.Bool
	macs         sync.Pool
}

// sign returns a token with the claims of now.
func (t *CapabilityToken) sign(now time.Time) string {
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	claims := t.appendClaims(buf.claims[:0], now)

	key := t.key()
	if !key.signedBefore.Load() {
		key.signedBefore.Store(true)
		return compact(key.newMAC(buf), buf, capabilityHeader, claims)
	}
	mac, ok := key.macs.Get().(hash.Hash)
	if !ok {
		mac = key.newMAC(buf)
	}
	token := compact(mac, buf, capabilityHeader, claims)
	mac.Reset()
	key.macs.Put(mac)
	return token
}

// newMAC leaves nothing of the auth token in the buffer.
func (k *signingKey) newMAC(buf *buffer) hash.Hash {
	authToken := append(buf.token[:0], k.authToken...)
	defer clear(authToken)
	return hmac.New(sha256.New, authToken)
}

// compact returns a JSON Web Token in compact form (RFC 7515 section 7.1).
func compact(mac hash.Hash, buf *buffer, header string, claims []byte) string {
	token := append(buf.token[:0], header...)
	token = base64.RawURLEncoding.AppendEncode(token, claims)
	mac.Write(token)
	token = append(token, '.')
	token = base64.RawURLEncoding.AppendEncode(token, mac.Sum(buf.sum[:0]))
	return string(token)
}

// checkSize returns the token, or an error if Verify would not read it.
func checkSize(token string) (string, error) {
	if len(token) > MaxTokenSize {
		return "", fmt.Errorf("%w: %d bytes: use at most %d", ErrTokenTooLong, len(token), MaxTokenSize)
	}
	return token, nil
}

// A buffer has room for a token in the making. What is longer is allocated.
type buffer struct {
	claims [1024]byte
	token  [1536]byte
	sum    [sha256.Size]byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// accessClaims are the claims of an Access Token, in the order in which Twilio's
// Python library writes them.
type accessClaims struct {
	ID        string       `json:"jti"`
	Grants    accessGrants `json:"grants"`
	Issuer    string       `json:"iss"`
	ExpiresAt int64        `json:"exp"`
	NotBefore *int64       `json:"nbf,omitempty"`
	Subject   string       `json:"sub"`
}

type accessGrants struct {
	Voice    voiceGrant `json:"voice"`
	Identity string     `json:"identity"`
}

type voiceGrant struct {
	Incoming *voiceIncoming `json:"incoming,omitempty"`
	Outgoing *voiceOutgoing `json:"outgoing,omitempty"`
}

type voiceIncoming struct {
	Allow bool `json:"allow"`
}

type voiceOutgoing struct {
	ApplicationSID string         `json:"application_sid"`
	Params         map[string]any `json:"params,omitempty"` // a string each, or several
}

func (t *CapabilityToken) checkAPIKey(apiKeySID, apiKeySecret string) error {
	var err error
	if !isSID("SK", apiKeySID) {
		err = fmt.Errorf("%w: SID %s: use SK, then 1 to 32 ASCII letters or digits",
			ErrInvalidAPIKey, quote(apiKeySID, apiKeySecret, t.authToken()))
	}
	return errors.Join(err, checkSecret(ErrInvalidAPIKey, apiKeySecret))
}

// checkVoice returns what an Access Token has no form for.
func (t *CapabilityToken) checkVoice() error {
	var mistakes []error
	if t.clientName == "" {
		mistakes = append(mistakes, fmt.Errorf("%w: an Access Token needs one: use SetClientName", ErrInvalidClientName))
	}
	for _, g := range t.grants() {
		if g != t.incoming() && !g.named {
			mistakes = append(mistakes, fmt.Errorf("%w: %s: an Access Token has no form for it",
				ErrInvalidScope, t.quote(g.scope())))
		}
	}
	if slices.ContainsFunc(t.claims, func(c claim) bool { return c.name == "grants" }) {
		mistakes = append(mistakes, fmt.Errorf(`%w: name "grants": an Access Token has one of its own`, ErrInvalidClaim))
	}
	return errors.Join(mistakes...)
}

// voiceGrant takes apart the grants that checkVoice has let pass.
func (t *CapabilityToken) voiceGrant() (voiceGrant, error) {
	var voice voiceGrant
	var mistakes []error
	for _, g := range t.grants() {
		if g == t.incoming() {
			voice.Incoming = &voiceIncoming{Allow: true}
			continue
		}
		scope, scopeErr := ParseScope(g.scope())
		values, valuesErr := scope.applicationParams()
		mistakes = append(mistakes, scopeErr, valuesErr)
		params := map[string]any{}
		for name, list := range values {
			if !utf8.ValidString(name + strings.Join(list, "")) {
				mistakes = append(mistakes, fmt.Errorf("%w: parameter %s: an Access Token holds valid UTF-8 alone",
					ErrInvalidScope, t.quote(name)))
			}
			params[name] = list
			if len(list) == 1 {
				params[name] = list[0]
			}
		}
		voice.Outgoing = &voiceOutgoing{ApplicationSID: scope.Params.Get("appSid"), Params: params}
	}
	return voice, errors.Join(mistakes...)
}

// accessClaims returns the claims of an Access Token that is minted now.
func (t *CapabilityToken) accessClaims(apiKeySID string, voice voiceGrant, now time.Time) []byte {
	claims := accessClaims{
		ID:        fmt.Sprintf("%s-%d", apiKeySID, now.Unix()),
		Grants:    accessGrants{voice, t.clientName},
		Issuer:    apiKeySID,
		ExpiresAt: t.expiresAt(now),
		Subject:   t.accountSID,
	}
	if notBefore, ok := t.startsAt(now); ok {
		claims.NotBefore = &notBefore
	}
	text := strings.TrimSuffix(encodeJSON(claims), "}")
	for _, c := range t.claims {
		text += c.text
	}
	return toASCII(text + "}")
}

// toASCII escapes in JSON what Python does: all but the printable ASCII.
func toASCII(text string) []byte {
	var ascii []byte
	for _, r := range text {
		if r < 0x7f {
			ascii = append(ascii, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			ascii = fmt.Appendf(ascii, `\u%04x`, unit)
		}
	}
	return ascii
}

// Claims is what a token says, as [Verify] returns it.
type Claims struct {
	AccountSID string
	Scopes     []Scope
	NotBefore  time.Time // UTC; zero if absent
	ExpiresAt  time.Time // UTC

	// Extra holds every other claim, in the types of encoding/json.
	Extra map[string]any
}

// Verify reads a capability token of the account, signed with any of the auth
// tokens: several, so that those out there stay good while the account's auth
// token is rotated. It takes what this package and Twilio's own libraries
// write, and nothing looser:
//
//   - at most [MaxTokenSize] bytes ([ErrTokenTooLong]);
//   - HS256 and no other algorithm, no header parameter but alg and a typ of
//     JWT, and the one base64url spelling of the token, in UTF-8 (RFC 7515
//     section 2, RFC 8725 sections 3.1, 3.7 and 3.11);
//   - exp, iss and scope, which must be there, though scope may be empty, and
//     nbf if it is there, without leeway for the clock;
//   - no aud, which would be somebody else's (RFC 7519 section 4.1.3);
//   - exp at most [MaxTTL] from now ([ErrInvalidTTL]; Twilio error 31207);
//   - scopes that can be parsed ([ErrInvalidScope]).
//
// Other errors wrap golang-jwt's: [jwt.ErrTokenSignatureInvalid] (Twilio error
// 31202), [jwt.ErrTokenInvalidIssuer] (31203), [jwt.ErrTokenExpired] (31205),
// [jwt.ErrTokenNotValidYet], [jwt.ErrTokenMalformed] and so on (31204). An
// account SID or an auth token that [New] would refuse, or no auth token at
// all, is [ErrInvalidAccountSID] or [ErrInvalidAuthToken] before the token is
// looked at.
//
// The signature is checked before any JSON is decoded, so that refusing a forged
// token takes at most its own length in memory, plus its length and about a
// kilobyte for each auth token. Of claims with the same name the last counts (RFC
// 7519 section 4).
func Verify(token, accountSID string, authTokens ...string) (*Claims, error) {
	if mistakes := checkCredentials(accountSID, authTokens...); len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	if _, err := checkSize(token); err != nil {
		return nil, err
	}
	claims, err := parse(token, accountSID, authTokens)
	if err != nil {
		return nil, fmt.Errorf("capability: %w", err)
	}
	return readClaims(claims, authTokens)
}

// Incoming returns the client name of which the device receives the calls; ok
// is false if it receives none. A device reads one scope of a kind, which is
// the first here.
func (c *Claims) Incoming() (clientName string, ok bool) {
	scope, ok := c.scope("client", "incoming")
	return scope.Params.Get("clientName"), ok
}

// Outgoing returns the application through which the device calls out, and the
// signed parameters that Twilio passes to it; ok is false if it may not.
func (c *Claims) Outgoing() (applicationSID string, params url.Values, ok bool) {
	scope, ok := c.scope("client", "outgoing")
	params, _ = scope.applicationParams() // Verify has seen to it that it can be parsed
	return scope.Params.Get("appSid"), params, ok
}

// ClientName returns the device's client name: that of its incoming scope, or
// else the one that its outgoing scope names; "" if the device has none.
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

// parse returns the claims of a token after checking its signature, its header
// and the registered claims. They are golang-jwt's checks, but the signature
// comes first: decoding JSON can take fifty times a token's length in memory,
// and no header should have a say before it is known whose it is.
func parse(token, accountSID string, authTokens []string) (jwt.MapClaims, error) {
	if strings.ContainsAny(token, "\r\n") { // which even a strict decoder skips
		return nil, fmt.Errorf("%w: it holds a newline", jwt.ErrTokenMalformed)
	}
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: want three parts with a dot between", jwt.ErrTokenMalformed)
	}
	if err := checkSignature(token, parts, authTokens); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(token, capabilityHeader) { // with which most tokens start
		if err := checkHeader(parts[0]); err != nil {
			return nil, err
		}
	}
	claims := jwt.MapClaims{}
	if err := decode(parts[1], &claims); err != nil {
		return nil, err
	}
	if _, ok := claims["aud"]; ok {
		return nil, fmt.Errorf("%w: %w: it has an aud, so it is for somebody else",
			jwt.ErrTokenInvalidClaims, jwt.ErrTokenInvalidAudience)
	}
	err := jwt.NewValidator(jwt.WithExpirationRequired(), jwt.WithIssuer(accountSID)).Validate(claims)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", jwt.ErrTokenInvalidClaims, err)
	}
	return claims, nil
}

// strictBase64 takes one spelling of each text, as a token has one.
var strictBase64 = base64.RawURLEncoding.Strict()

func checkSignature(token string, parts, authTokens []string) error {
	signature, err := strictBase64.DecodeString(parts[2])
	if err != nil {
		return fmt.Errorf("%w: signature: %w", jwt.ErrTokenMalformed, err)
	}
	signed := token[:len(token)-len(parts[2])-1] // without the dot
	for _, authToken := range authTokens {
		if jwt.SigningMethodHS256.Verify(signed, signature, []byte(authToken)) == nil {
			return nil
		}
	}
	// An Access Token is signed with another kind of key: say so, rather than that this one is wrong.
	if text, _ := strictBase64.DecodeString(parts[0]); bytes.Contains(text, []byte(`"cty"`)) {
		return fmt.Errorf("%w: %w: it is an Access Token, not a capability token, as its header has a cty",
			jwt.ErrTokenSignatureInvalid, jwt.ErrTokenUnverifiable)
	}
	return fmt.Errorf("%w: it was signed with another auth token, or changed since", jwt.ErrTokenSignatureInvalid)
}

// checkHeader takes the header of a capability token and no other.
func checkHeader(part string) error {
	var header map[string]any
	if err := decode(part, &header); err != nil {
		return err
	}
	if header["alg"] != "HS256" {
		return fmt.Errorf("%w: the alg of its header is not HS256", jwt.ErrTokenSignatureInvalid)
	}
	known := 1
	if typ, ok := header["typ"]; ok {
		known++
		if typ != "JWT" {
			return fmt.Errorf("%w: the typ of its header is not JWT", jwt.ErrTokenUnverifiable)
		}
	}
	// An extension may be critical (RFC 7515 section 4.1.11), and none is known here.
	if len(header) > known {
		return fmt.Errorf("%w: its header has more than alg and typ", jwt.ErrTokenUnverifiable)
	}
	return nil
}

// decode reads a part of a token. It checks for UTF-8, as encoding/json would put
// right in silence what is not, and hides the cause of an error, which may quote
// what stands in the token at any length.
func decode(part string, value any) error {
	text, err := strictBase64.DecodeString(part)
	if err != nil || !utf8.Valid(text) || json.Unmarshal(text, value) != nil {
		return fmt.Errorf("%w: its header or claims are no JSON object in UTF-8 and base64url", jwt.ErrTokenMalformed)
	}
	return nil
}

// readClaims takes apart claims whose issuer, exp and nbf have been checked.
func readClaims(claims jwt.MapClaims, authTokens []string) (*Claims, error) {
	expiresAt, err := readTime(claims, "exp")
	if err != nil {
		return nil, err
	}
	if expiresAt.After(time.Now().Add(MaxTTL)) {
		return nil, fmt.Errorf("%w: the token expires at %v: want at most 24h from now", ErrInvalidTTL, expiresAt)
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

// readTime returns the zero time if there is no such claim. golang-jwt takes
// fractions and any size, but Twilio writes whole seconds, and a size that does
// not fit an int64 would wrap round.
func readTime(claims jwt.MapClaims, name string) (time.Time, error) {
	value, ok := claims[name]
	if !ok {
		return time.Time{}, nil
	}
	seconds, ok := value.(float64)
	if !ok || seconds != math.Trunc(seconds) || math.Abs(seconds) > 1<<53 {
		return time.Time{}, fmt.Errorf("capability: %w: %s is no whole number of seconds", jwt.ErrTokenInvalidClaims, name)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

func readScopes(claim any, authTokens []string) ([]Scope, error) {
	text, ok := claim.(string)
	if !ok {
		return nil, fmt.Errorf("%w: claim scope is missing or no string", ErrInvalidScope)
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
		if scope.is("client", "outgoing") {
			if _, err := scope.applicationParams(); err != nil {
				return nil, err
			}
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

// checkCredentials returns what is wrong with the arguments of [New] and
// [Verify]: an empty key, above all, would sign and verify as well as any other.
func checkCredentials(accountSID string, authTokens ...string) []error {
	var mistakes []error
	if !isSID("AC", accountSID) {
		mistakes = append(mistakes, fmt.Errorf("%w: %s: use AC, then 1 to 32 ASCII letters or digits",
			ErrInvalidAccountSID, quote(accountSID, authTokens...)))
	}
	if len(authTokens) == 0 {
		mistakes = append(mistakes, fmt.Errorf("%w: give at least one", ErrInvalidAuthToken))
	}
	for _, authToken := range authTokens {
		if err := checkSecret(ErrInvalidAuthToken, authToken); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return mistakes
}

// checkSecret returns what is wrong with a key, wrapping invalid.
func checkSecret(invalid error, secret string) error {
	switch {
	case secret == "":
		return fmt.Errorf("%w: it is empty", invalid)
	case consistsOf(secret, ""): // as Twilio's are: there is no need to look closer
		return nil
	case strings.ContainsFunc(secret, isSpaceOrControl):
		return fmt.Errorf("%w: it holds white space or a control character, such as a newline from a file: trim it", invalid)
	}
	return nil
}

// isSID reports whether s is the prefix, then 1 to 32 letters or digits: 32
// hexadecimal digits in practice, but fewer in Twilio's own examples.
func isSID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && consistsOf(rest, "") && len(rest) <= 32
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// quote quotes the start of a value for an error message, but not if there may
// be a secret in it, as there is when two arguments or variables have changed
// places.
func quote(value string, secrets ...string) string {
	if mayHoldSecret(value, secrets) {
		return "(not shown, as it may hold a secret)"
	}
	const most = 500
	if len(value) > most {
		return strconv.Quote(value[:most]) + "…"
	}
	return strconv.Quote(value)
}

// likeAuthToken matches the form of Twilio's auth tokens, alone or in a text.
var likeAuthToken = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

func mayHoldSecret(value string, secrets []string) bool {
	for _, secret := range secrets {
		secret = strings.TrimFunc(secret, isSpaceOrControl)
		isSIDInstead := strings.HasPrefix(secret, "AC") || strings.HasPrefix(secret, "SK")
		if isSIDInstead || secret != "" && strings.Contains(value, secret) {
			return true
		}
	}
	return likeAuthToken.MatchString(value)
}
