// Package capability mints the tokens with which a Twilio Client device in a
// browser proves what it may do: capability tokens, and the Access Tokens that
// replace them. It also verifies capability tokens.
//
// A backend lists what a device may do in a [CapabilityToken], mints a token
// and hands it to the page:
//
//	token, err := capability.New(accountSID, authToken).
//		AllowClientIncoming("tommy").
//		AllowClientOutgoing(applicationSID).
//		SetTTL(10 * time.Minute).
//		ToJWT()
//
// A backend with many requests keeps one template, checks it with
// [CapabilityToken.Err] when it starts, and mints from a [CapabilityToken.Clone]
// for each request. Package
// [github.com/seed-6c737938/capability/capabilityhttp] is an HTTP handler that does
// this. [Verify] reads a capability token, whether this package or one of Twilio's
// libraries minted it. [NewWithAPIKey] in place of [New] mints Access Tokens.
//
// # Guarantees
//
// A token has the same bytes as the one Twilio's Python library mints for the
// same calls at the same second, given params in alphabetical order. A token that
// breaks one of Twilio's documented rules, or that grants anything other than
// what was asked, is never minted. A mistake is an error; it is never repaired or
// truncated.
//
// The auth token and the API key secret never appear in errors, nor in what
// fmt, log/slog, encoding/json or a printer based on reflection shows of a
// CapabilityToken.
//
// # Secrets
//
// Keep the auth token or the API key secret in the environment or in a secret
// store, never in the repository or the page: anyone who has it can mint tokens,
// and anyone who has the auth token controls the account. To rotate it without a
// restart, make a new template and swap it, for example with an atomic.Pointer;
// meanwhile, [Verify] accepts both auth tokens.
//
// # Limits
//
// The package makes no request to Twilio. Whether the account, its secrets and
// the application exist shows only when the device connects. Twilio's test
// credentials do not work, and capability tokens work only in region us1. Where
// a rule is Twilio's, its error code is cited; the rules were not checked against
// the live service.
//
// Package [github.com/seed-6c737938/capability/capabilitytest], a module of its
// own, stands in for Twilio in tests and during development.
//
// See Twilio's [Capability Tokens], [Access Tokens] and [Migrate Capability Tokens
// to Access Tokens].
//
// [Capability Tokens]: https://www.twilio.com/docs/voice/sdks/deprecated-pages/client/capability-tokens
// [Access Tokens]: https://www.twilio.com/docs/iam/access-tokens
// [Migrate Capability Tokens to Access Tokens]: https://www.twilio.com/docs/voice/sdks/javascript/migrating-capability-token
package capability

import (
	"cmp"
	"crypto/fips140"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/internal/accesstoken"
	"github.com/seed-6c737938/capability/internal/jws"
	"github.com/seed-6c737938/capability/internal/redact"
)

const (
	// DefaultTTL is the lifetime of a token if SetTTL is not called.
	DefaultTTL = time.Hour

	// MaxTTL is the longest lifetime that Twilio accepts (Twilio errors 31207
	// and 20157). The page on error 31207 also says 86,399 seconds, one less.
	MaxTTL = 24 * time.Hour

	// MaxTokenSize is the length in bytes of the longest token that is minted
	// or read. Most tokens have 250 to 400 bytes; one with a hundred signed
	// params of a hundred bytes has fifteen thousand. The limit is this
	// package's own, not Twilio's.
	MaxTokenSize = 64 << 10
)

// Each error of a [CapabilityToken], and each about the arguments of [Verify],
// wraps one of these or [ErrInvalidScope].
var (
	ErrInvalidAccountSID     = errors.New("capability: invalid account SID")
	ErrInvalidAuthToken      = errors.New("capability: invalid auth token")
	ErrInvalidAPIKey         = errors.New("capability: invalid API key")
	ErrInvalidApplicationSID = errors.New("capability: invalid application SID")
	ErrInvalidClientName     = errors.New("capability: invalid client name")
	ErrInvalidTTL            = errors.New("capability: invalid TTL")
	ErrInvalidNotBefore      = errors.New("capability: invalid not before")
	ErrInvalidClaim          = errors.New("capability: invalid claim")
	ErrInvalidRegion         = errors.New("capability: invalid region")
	ErrInvalidPushCredential = errors.New("capability: invalid push credential SID")
	ErrDuplicateScope        = errors.New("capability: duplicate scope")
	ErrNoScope               = errors.New("capability: no scope")
	ErrTokenTooLong          = errors.New("capability: token too long") // see MaxTokenSize
)

// CapabilityToken is a builder: it collects grants and mints tokens from them.
// Its methods chain; a mistake is remembered, and reported with all others by
// [CapabilityToken.Err], [CapabilityToken.Mint] and [CapabilityToken.ToJWT].
//
// Make one with [New] or [NewWithAPIKey], which decide what kind of token it
// mints; the zero value mints nothing. A builder must not be modified
// concurrently. Clone, Err, Mint and ToJWT do not modify it and may run in many
// goroutines at once.
type CapabilityToken struct {
	accountSID string
	apiKeySID  string
	access     bool   // mints Access Tokens
	header     string // as jws.Key.Sign needs it

	// key is a function because nothing that prints or encodes a value can
	// look into what a function has captured.
	key func() *jws.Key

	clientName        string
	params            url.Values // of SetParams
	paramsSet         bool
	pushCredentialSID string
	ttl               time.Duration
	notBefore         time.Time
	notBeforeSet      bool

	// Slices are replaced, never changed in place, so that copies of the
	// struct are independent.
	grants   []grant
	claims   []claim // sorted by name
	mistakes []error
}

// A claim is an extra claim. Its text, encoded once for a template and its clones,
// is what it adds to a JSON object.
type claim struct {
	name, text string
}

// New returns a builder of capability tokens that grants nothing yet and has a
// TTL of [DefaultTTL].
//
// The account SID is "AC" and 1 to 32 ASCII letters or digits
// ([ErrInvalidAccountSID]; Twilio error 31203). The auth token is the account's
// secret: the live one, not a test credential. It must be printable ASCII without
// white space, must not start or end with a quote (a newline from a file and
// quotes from an env file are common causes of Twilio error 31204), must not be an
// SID, and must not occur in a name, param, scope or claim of the token
// ([ErrInvalidAuthToken]). In FIPS 140-3 mode it needs at least 14 bytes.
func New(accountSID, authToken string) *CapabilityToken {
	t := build(authToken)
	t.accountSID = accountSID
	t.header = jws.Header
	return t.
		fail(checkSID(ErrInvalidAccountSID, "AC", accountSID, authToken)).
		fail(checkSecret(ErrInvalidAuthToken, authToken))
}

// NewWithAPIKey returns a builder of Access Tokens, Twilio's successor to
// capability tokens, that grants nothing yet and has a TTL of [DefaultTTL]. The
// Voice JavaScript SDKs, from twilio-client 1.5 on, and the mobile SDKs accept
// Access Tokens.
//
// The API key is a standard one of the account: an SID, "SK" and 1 to 32 ASCII
// letters or digits, and a secret, which follows the rules of [New] for the auth
// token ([ErrInvalidAPIKey]).
//
// An Access Token needs a client name, with at most 121 characters
// ([ErrInvalidClientName]; Twilio error 51003). It cannot express what
// AllowEventStream and AddScope grant, nor a param that is not valid UTF-8
// ([ErrInvalidScope]), nor an extra claim named "grants" ([ErrInvalidClaim]).
func NewWithAPIKey(accountSID, apiKeySID, apiKeySecret string) *CapabilityToken {
	t := build(apiKeySecret)
	t.accountSID, t.apiKeySID, t.access = accountSID, apiKeySID, true
	t.header = accessTokenHeader
	return t.
		fail(checkSID(ErrInvalidAccountSID, "AC", accountSID, apiKeySecret)).
		fail(checkSID(ErrInvalidAPIKey, "SK", apiKeySID, apiKeySecret)).
		fail(checkSecret(ErrInvalidAPIKey, apiKeySecret))
}

var accessTokenHeader = jws.EncodeHeader(accesstoken.Header(""))

// build makes a builder and its key in one allocation, since each token needs both.
func build(secret string) *CapabilityToken {
	made := &struct {
		token CapabilityToken
		key   jws.Key
	}{
		token: CapabilityToken{ttl: DefaultTTL},
		key:   jws.Key{Secret: secret},
	}
	made.token.key = func() *jws.Key { return &made.key }
	return &made.token
}

// AllowClientIncoming lets the device receive calls for clientName: 1 to 256
// ASCII letters, digits and '_' ([ErrInvalidClientName]; Twilio errors 31105 and
// 31100), or 1 to 121 in an Access Token (Twilio error 51003).
// [EncodeClientName] makes such a name from any user ID. A device has one client
// name: a second one is [ErrDuplicateScope].
func (t *CapabilityToken) AllowClientIncoming(clientName string) *CapabilityToken {
	return t.SetClientName(clientName).grant(grant{kind: incoming})
}

// AllowClientOutgoing lets the device call out through the TwiML application
// applicationSID: "AP" and 1 to 32 ASCII letters or digits
// ([ErrInvalidApplicationSID]; Twilio error 31100). Twilio passes the params,
// which are signed with the token, to the application's voice URL; see
// [CapabilityToken.SetParams]. A second application, or different params, is
// [ErrDuplicateScope].
func (t *CapabilityToken) AllowClientOutgoing(applicationSID string, params ...url.Values) *CapabilityToken {
	t.fail(checkSID(ErrInvalidApplicationSID, "AP", applicationSID, t.secret()))
	merged := t.merge(params)
	if t.paramsSet && merged != nil && !equal(merged, t.params) {
		t.fail(fmt.Errorf("%w: SetParams has already set different params: is a Clone missing?", ErrDuplicateScope))
	}
	return t.grant(grant{kind: outgoing, applicationSID: applicationSID, params: merged})
}

// SetParams sets the signed params of the outgoing scope, replacing earlier
// ones: a template allows the application, and each clone has params of its own.
// A token with params but without an outgoing scope is [ErrInvalidScope].
func (t *CapabilityToken) SetParams(params url.Values) *CapabilityToken {
	t.params, t.paramsSet = t.merge([]url.Values{params}), true
	return t
}

// AllowEventStream lets the device subscribe to the account's events, or only to
// those that match the filters. Different filters in a second call are
// [ErrDuplicateScope]. An Access Token cannot express it ([ErrInvalidScope]).
func (t *CapabilityToken) AllowEventStream(filters ...url.Values) *CapabilityToken {
	if t.access {
		t.fail(fmt.Errorf("%w: event stream: an Access Token grants only incoming and outgoing calls", ErrInvalidScope))
	}
	return t.grant(grant{kind: events, params: t.merge(filters)})
}

// AddScope grants any other scope, written as given: no client name is added to
// it. It bypasses the rules of the other methods, such as those for the
// characters of a client name. It fails with [ErrInvalidScope] if the scope could
// not be parsed again, or in an Access Token, which cannot express it; and with
// [ErrDuplicateScope] if a different scope with the same service and privilege was
// already granted.
func (t *CapabilityToken) AddScope(scope Scope) *CapabilityToken {
	if t.access {
		t.fail(fmt.Errorf("%w: %s: an Access Token grants only incoming and outgoing calls",
			ErrInvalidScope, t.quote(scope.Service+":"+scope.Privilege)))
	}
	t.failIfSecretIn("a scope", scope.Service, scope.Privilege)
	scope.Params = t.merge([]url.Values{scope.Params})
	t.fail(scope.check(t.secret()))
	return t.grant(grant{kind: other, scope: &scope})
}

// SetClientName names a device that has no incoming scope, so that the
// application's voice URL learns who is calling. The rules are those of
// [CapabilityToken.AllowClientIncoming], which names the device too.
func (t *CapabilityToken) SetClientName(clientName string) *CapabilityToken {
	longest := 256
	if t.access {
		longest = 121
	}
	if len(clientName) > longest || !consistsOf(clientName, "_") {
		t.fail(fmt.Errorf("%w: %s: use 1 to %d ASCII letters, digits or '_'; EncodeClientName makes such a name from any user ID",
			ErrInvalidClientName, t.quote(clientName), longest))
	}
	t.failIfSecretIn("the client name", clientName)
	if t.clientName != "" && t.clientName != clientName {
		return t.fail(fmt.Errorf("%w: client name %s: the device is already %s: is a Clone missing?",
			ErrDuplicateScope, t.quote(clientName), t.quote(t.clientName)))
	}
	t.clientName = clientName
	return t
}

// SetTTL sets how long a token is valid after it is minted: 1 second to [MaxTTL]
// ([ErrInvalidTTL]; Twilio errors 31207 and 20157). The end
// is rounded down to a whole second. Prefer short lifetimes: a page that only
// calls out needs its token for no more than a few seconds.
func (t *CapabilityToken) SetTTL(ttl time.Duration) *CapabilityToken {
	if ttl < time.Second || ttl > MaxTTL {
		t.fail(fmt.Errorf("%w: %v: use 1s to %vh", ErrInvalidTTL, ttl, MaxTTL.Hours()))
	}
	t.ttl = ttl
	return t
}

// SetNotBefore sets the time before which a token is not valid (Twilio error
// 31204). The default is the time it is minted; the zero time leaves the claim
// out. The time is rounded down to a whole second, and is
// [ErrInvalidNotBefore] if it is before 1970 or not before the token's end.
func (t *CapabilityToken) SetNotBefore(notBefore time.Time) *CapabilityToken {
	t.notBefore, t.notBeforeSet = notBefore, true
	return t
}

// SetClaim adds a claim of the backend's own, replacing an earlier one with the
// same name. The name must not be empty, a registered claim (RFC 7519 section
// 4.1), "scope" or, in an Access Token, "grants". Name and value must be valid
// UTF-8 ([ErrInvalidClaim]). Anyone who has the token can read them.
func (t *CapabilityToken) SetClaim(name, value string) *CapabilityToken {
	if err := checkLen(len(name) + len(value)); err != nil {
		return t.fail(err)
	}
	reserved := []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "grants"}
	if !t.access {
		reserved = reserved[:len(reserved)-1]
	}
	switch {
	case name == "" || slices.Contains(reserved, name):
		return t.fail(fmt.Errorf("%w: name %s: it must not be empty or reserved (%s)",
			ErrInvalidClaim, t.quote(name), strings.Join(reserved, " ")))
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return t.fail(fmt.Errorf("%w: name %s, value %s: use valid UTF-8", ErrInvalidClaim, t.quote(name), t.quote(value)))
	}
	t.failIfSecretIn("an extra claim", name, value)
	i, found := slices.BinarySearchFunc(t.claims, name, func(c claim, name string) int { return cmp.Compare(c.name, name) })
	rest := t.claims[i:]
	if found {
		rest = rest[1:]
	}
	t.claims = slices.Concat(t.claims[:i], []claim{{name, "," + t.encodeJSON(name) + ":" + t.encodeJSON(value)}}, rest)
	return t
}

// SetRegion sets the Twilio region of Access Tokens, such as ie1: two lower-case
// letters and a number ([ErrInvalidRegion]). The default is us1. The API key must
// belong to the same region. Capability tokens work only in us1.
func (t *CapabilityToken) SetRegion(region string) *CapabilityToken {
	switch {
	case !isRegion(region):
		return t.fail(fmt.Errorf("%w: %s: use two lower-case letters and a number, such as ie1", ErrInvalidRegion, t.quote(region)))
	case t.access:
		t.header = jws.EncodeHeader(accesstoken.Header(region))
	case region != "us1":
		return t.fail(fmt.Errorf("%w: %s: a capability token works only in us1: use NewWithAPIKey", ErrInvalidRegion, t.quote(region)))
	}
	return t
}

func isRegion(s string) bool {
	if len(s) < 3 || len(s) > 8 {
		return false
	}
	letters, number := s[:2], s[2:]
	return strings.Trim(letters, "abcdefghijklmnopqrstuvwxyz") == "" && strings.Trim(number, "0123456789") == ""
}

// SetPushCredential names the push credential with which Twilio tells a mobile
// app of incoming calls: "CR" and 1 to 32 ASCII letters or digits
// ([ErrInvalidPushCredential]). Only an Access Token can name one.
func (t *CapabilityToken) SetPushCredential(credentialSID string) *CapabilityToken {
	if !t.access {
		return t.fail(fmt.Errorf("%w: a capability token cannot have one: use NewWithAPIKey", ErrInvalidPushCredential))
	}
	t.fail(checkSID(ErrInvalidPushCredential, "CR", credentialSID, t.secret()))
	t.pushCredentialSID = credentialSID
	return t
}

// Clone returns an independent copy: what is granted to one is not granted to
// the other.
func (t *CapabilityToken) Clone() *CapabilityToken {
	clone := *t
	return &clone
}

// Err returns all mistakes so far, joined, or nil. A missing scope, a missing
// client name of an Access Token, params without an outgoing scope, and a token
// that is too long are reported only by Mint and ToJWT.
func (t *CapabilityToken) Err() error {
	return errors.Join(t.check(time.Now())...)
}

// Minted is a token, with the facts about it that a page needs.
type Minted struct {
	Token      string    // in compact form (RFC 7515 section 7.1)
	ClientName string    // "" if the device has none
	ExpiresAt  time.Time // UTC, whole seconds
}

// Mint mints a token, which is valid from the time of the call. It does not modify
// the builder: the next token grants the same. The error joins all mistakes,
// including [ErrNoScope] if nothing was granted, and is [ErrTokenTooLong] if the
// token would exceed [MaxTokenSize].
func (t *CapabilityToken) Mint() (Minted, error) {
	now := time.Now()
	if err := errors.Join(append(t.check(now), t.missing()...)...); err != nil {
		return Minted{}, err
	}
	var buf [512]byte // most claims have less
	claims := t.appendClaims(buf[:0], now)
	if err := checkLen(jws.Len(t.header, len(claims))); err != nil {
		return Minted{}, err
	}
	return Minted{
		Token:      t.key().Sign(t.header, claims),
		ClientName: t.mintedName(),
		ExpiresAt:  time.Unix(t.expiresAt(now), 0).UTC(),
	}, nil
}

// ToJWT returns the Token of [CapabilityToken.Mint].
func (t *CapabilityToken) ToJWT() (string, error) {
	minted, err := t.Mint()
	return minted.Token, err
}

// String describes the builder without its secret.
func (t CapabilityToken) String() string {
	name := "capability token"
	if t.access {
		name = "Access Token"
	}
	return fmt.Sprintf("%s of %s for %v: %s", name, t.quote(t.accountSID), t.ttl, t.quote(string(t.appendScope(nil))))
}

// GoString returns String: %#v must not show the secret either.
func (t CapabilityToken) GoString() string { return t.String() }

// Format formats String with any verb and flag.
func (t CapabilityToken) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), t.String())
}

// LogValue returns String, for log/slog.
func (t CapabilityToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// fail remembers a mistake, unless err is nil.
func (t *CapabilityToken) fail(err error) *CapabilityToken {
	if err != nil {
		t.mistakes = append(slices.Clip(t.mistakes), err)
	}
	return t
}

// failIfSecretIn remembers a mistake if one of the texts, which anyone who has the
// token can read, contains the secret. A secret shorter than 16 bytes, as in an
// example, may be in a text by chance. SIDs are not searched: their form is
// checked.
func (t *CapabilityToken) failIfSecretIn(what string, texts ...string) {
	secret, invalid := t.secret(), ErrInvalidAuthToken
	if t.access {
		invalid = ErrInvalidAPIKey
	}
	if len(secret) >= 16 && slices.ContainsFunc(texts, func(text string) bool { return redact.Contains(text, secret) }) {
		t.fail(fmt.Errorf("%w: %s contains it, and anyone who has the token could read it", invalid, what))
	}
}

// grant adds a grant. A second one of the same name must be the same.
func (t *CapabilityToken) grant(g grant) *CapabilityToken {
	for _, granted := range t.grants {
		switch {
		case granted.name() != g.name():
		case t.same(granted, g):
			return t
		default:
			return t.fail(fmt.Errorf("%w: %s: conflicts with %s, and a device uses one scope of each kind: is a Clone missing?",
				ErrDuplicateScope, t.describe(g), t.describe(granted)))
		}
	}
	t.grants = append(slices.Clip(t.grants), g)
	return t
}

// merge returns a copy of the params as one, nil if there are none.
func (t *CapabilityToken) merge(params []url.Values) url.Values {
	if err := checkParams(params); err != nil {
		t.fail(err)
		return nil
	}
	var merged url.Values
	for _, values := range params {
		for name, list := range values {
			if merged == nil {
				merged = make(url.Values, len(values))
			}
			merged[name] = append(merged[name], list...)
			t.failIfSecretIn("a param", name)
			t.failIfSecretIn("a param", list...)
			if t.access && !utf8.ValidString(name+strings.Join(list, "")) {
				t.fail(fmt.Errorf("%w: param %s: an Access Token contains only valid UTF-8", ErrInvalidScope, t.quote(name)))
			}
		}
	}
	return merged
}

// checkParams returns an error if there are too many params to mint, or if they
// are too long.
func checkParams(params []url.Values) error {
	count, size := measure(params...)
	if count > maxParams {
		return fmt.Errorf("%w: %d params: use at most %d", ErrInvalidScope, count, maxParams)
	}
	return checkLen(size)
}

// check returns the mistakes remembered, and those that show only now.
func (t *CapabilityToken) check(now time.Time) []error {
	mistakes := slices.Clip(t.mistakes)
	if t.key == nil { // the zero value
		mistakes = append(mistakes, checkSID(ErrInvalidAccountSID, "AC", ""), checkSecret(ErrInvalidAuthToken, ""))
	}
	notBefore := t.notBefore.Unix()
	if !t.notBefore.IsZero() && (notBefore < 0 || notBefore >= t.expiresAt(now)) {
		mistakes = append(mistakes, fmt.Errorf("%w: %v: use a time since 1970 and before the token expires, %v after it is minted",
			ErrInvalidNotBefore, t.notBefore.UTC().Format(time.RFC3339), t.ttl))
	}
	return mistakes
}

// missing returns what t lacks to mint a token.
func (t *CapabilityToken) missing() []error {
	var mistakes []error
	if len(t.grants) == 0 {
		mistakes = append(mistakes, fmt.Errorf("%w: grant something, for example with AllowClientIncoming", ErrNoScope))
	}
	if t.paramsSet && !slices.ContainsFunc(t.grants, func(g grant) bool { return g.kind == outgoing }) {
		mistakes = append(mistakes, fmt.Errorf("%w: SetParams without an outgoing scope: call AllowClientOutgoing too", ErrInvalidScope))
	}
	if t.access && t.clientName == "" {
		mistakes = append(mistakes, fmt.Errorf("%w: an Access Token needs one: call SetClientName", ErrInvalidClientName))
	}
	return mistakes
}

func (t *CapabilityToken) expiresAt(now time.Time) int64 {
	return now.Add(t.ttl).Unix()
}

// startsAt returns the time of the nbf claim, -1 for no such claim.
func (t *CapabilityToken) startsAt(now time.Time) int64 {
	switch {
	case !t.notBeforeSet:
		return now.Unix()
	case t.notBefore.IsZero():
		return -1
	default:
		return t.notBefore.Unix()
	}
}

// secret returns "" for the zero CapabilityToken.
func (t *CapabilityToken) secret() string {
	if t.key == nil {
		return ""
	}
	return t.key().Secret
}

func (t *CapabilityToken) quote(value string) string {
	return redact.Quote(value, t.secret())
}

// appendClaims appends the claims of a token that is minted now.
func (t *CapabilityToken) appendClaims(dst []byte, now time.Time) []byte {
	if t.access {
		dst = t.accessClaims(now).AppendOpen(dst)
	} else {
		dst = t.appendCapability(dst, now)
	}
	for _, c := range t.claims {
		dst = append(dst, c.text...)
	}
	return append(dst, '}')
}

// appendCapability appends the claims of a capability token, but for the extra
// ones and the closing brace, in the order and form in which Twilio's Python
// library writes them. None of it needs an escape in JSON.
func (t *CapabilityToken) appendCapability(dst []byte, now time.Time) []byte {
	dst = append(dst, `{"scope":"`...)
	dst = t.appendScope(dst)
	dst = append(dst, `","iss":"`...)
	dst = append(dst, t.accountSID...)
	dst = append(dst, `","exp":`...)
	dst = strconv.AppendInt(dst, t.expiresAt(now), 10)
	if notBefore := t.startsAt(now); notBefore >= 0 {
		dst = append(dst, `,"nbf":`...)
		dst = strconv.AppendInt(dst, notBefore, 10)
	}
	return dst
}

// appendScope appends the value of the scope claim.
func (t *CapabilityToken) appendScope(dst []byte) []byte {
	for i, g := range t.grants {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = t.appendGrant(dst, g)
	}
	return dst
}

// accessClaims returns the claims of an Access Token that is minted now.
func (t *CapabilityToken) accessClaims(now time.Time) accesstoken.Claims {
	voice := accesstoken.Voice{PushCredentialSID: t.pushCredentialSID}
	for _, g := range t.grants {
		switch g.kind {
		case incoming:
			voice.Incoming = true
		case outgoing:
			voice.ApplicationSID, voice.Params = g.applicationSID, t.paramsOf(g)
		}
	}
	return accesstoken.Claims{
		APIKeySID:  t.apiKeySID,
		AccountSID: t.accountSID,
		Identity:   t.clientName,
		Voice:      voice,
		IssuedAt:   now.Unix(),
		ExpiresAt:  t.expiresAt(now),
		NotBefore:  t.startsAt(now),
	}
}

// mintedName returns the client name in the token, as [Claims.ClientName] does.
func (t *CapabilityToken) mintedName() string {
	if t.access {
		return t.clientName
	}
	var name string
	for _, g := range t.grants {
		switch {
		case g.kind == incoming:
			return t.clientName
		case g.kind == outgoing:
			name = t.clientName
		case g.kind == other && g.scope.is("client", "incoming"):
			return g.scope.Params.Get("clientName")
		case g.kind == other && g.scope.is("client", "outgoing"):
			name = g.scope.Params.Get("clientName")
		}
	}
	return name
}

// encodeJSON returns a string, which is valid UTF-8, in the form in which Twilio's
// Python library writes the claims of an Access Token; in a capability token '&',
// '<', '>' and non-ASCII characters are not escaped.
func (t *CapabilityToken) encodeJSON(s string) string {
	if t.access {
		return string(accesstoken.AppendString(nil, s))
	}
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.Encode(s)
	return strings.TrimSuffix(text.String(), "\n")
}

// checkSID returns an error that wraps invalid unless sid is the prefix and 1 to
// 32 letters or digits: 32 hexadecimal digits in practice, but fewer in Twilio's
// own examples.
func checkSID(invalid error, prefix, sid string, secrets ...string) error {
	rest, ok := strings.CutPrefix(sid, prefix)
	if !ok || len(rest) > 32 || !consistsOf(rest, "") {
		return fmt.Errorf("%w: %s: use %s and 1 to 32 ASCII letters or digits", invalid, redact.Quote(sid, secrets...), prefix)
	}
	return nil
}

// checkSecret returns an error that wraps invalid if something is wrong with a
// secret.
func checkSecret(invalid error, secret string) error {
	switch {
	case secret == "":
		return fmt.Errorf("%w: it is empty", invalid)
	case isWholeSID(secret):
		return fmt.Errorf("%w: it is an SID (%s…): two arguments or variables may be swapped", invalid, secret[:2])
	case len(secret) < 14 && fips140.Enabled():
		return fmt.Errorf("%w: it is shorter than the 14 bytes that FIPS 140-3 mode requires", invalid)
	case consistsOf(secret, ""): // as Twilio's secrets do: there is no need to look closer
		return nil
	case strings.ContainsFunc(secret, func(r rune) bool { return r > unicode.MaxASCII }):
		return fmt.Errorf("%w: it contains a character that is not ASCII, such as a byte order mark or a zero-width space: remove it", invalid)
	case strings.ContainsFunc(secret, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("%w: it contains white space or a control character, such as a trailing newline: trim it", invalid)
	case strings.Trim(secret, `"'`) != secret:
		return fmt.Errorf("%w: it starts or ends with a quote: remove it", invalid)
	}
	return nil
}

// isWholeSID reports whether s has the form of every SID of Twilio's: two capital
// letters, and 32 more characters.
func isWholeSID(s string) bool {
	return len(s) == 34 && strings.Trim(s[:2], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && consistsOf(s[2:], "")
}

// checkLen returns an error if n bytes are more than a token may have.
func checkLen(n int) error {
	if n > MaxTokenSize {
		return fmt.Errorf("%w: %d bytes: use at most %d", ErrTokenTooLong, n, MaxTokenSize)
	}
	return nil
}
