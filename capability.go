// Package capability mints and verifies the tokens that let a browser make and receive
// calls with Twilio: capability tokens, and the Access Tokens that replace them.
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
// A backend that serves many requests keeps one template, checks it with
// [CapabilityToken.Err] at start, and mints from a [CapabilityToken.Clone] of it for
// each request. Package [github.com/seed-6c737938/capability/capabilityhttp] has an
// HTTP handler that mints what your function returns. [Verify] reads a capability
// token, whether this package or one of Twilio's libraries minted it. For Access
// Tokens, use [NewWithAPIKey] in place of [New], and [VerifyWithAPIKey] in place of
// Verify.
//
// # Guarantees
//
// A token has the same bytes as the one Twilio's Python library mints for the
// same calls at the same second, given params in alphabetical order. A token grants
// exactly what was asked, or is not minted. A value that breaks one of Twilio's
// documented rules is an error, never repaired or truncated; only AddScope bypasses
// those rules.
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
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/internal/accesstoken"
	"github.com/seed-6c737938/capability/internal/jws"
	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/rule"
)

const (
	// DefaultTTL is the lifetime of a token if SetTTL is not called.
	DefaultTTL = time.Hour

	// MaxTTL is the longest lifetime that Twilio accepts (Twilio errors 31207
	// and 20157). Twilio's page on error 31207 gives 86,399 seconds, one second less.
	MaxTTL = 24 * time.Hour

	// MaxTokenSize is the maximum length in bytes of a token that is minted or read.
	// Most tokens have 250 to 550 bytes; one with 100 signed params of 100 bytes each
	// has about 15,000. The limit is this package's own, not Twilio's.
	MaxTokenSize = 64 << 10
)

// Every error of a [CapabilityToken], and every error about an argument of [Verify] or
// [VerifyWithAPIKey], wraps one of these or [ErrInvalidScope].
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
// Its methods chain; mistakes are remembered, and reported together by
// [CapabilityToken.Err], [CapabilityToken.Mint] and [CapabilityToken.ToJWT].
//
// [New] makes one that mints capability tokens, [NewWithAPIKey] one that mints Access
// Tokens; the zero value mints nothing. A builder must not be modified concurrently.
// Clone, Err, Mint and ToJWT do not modify it and may run in many goroutines at once.
type CapabilityToken struct {
	access     bool // mints Access Tokens
	accountSID string
	apiKeySID  string
	header     string // as jws.Key.Sign needs it

	// key is a function because nothing that prints or encodes a value can
	// look into what a function has captured.
	key func() *jws.Key

	unsafeNames       bool
	clientName        string
	params            url.Values // of SetParams
	paramsSet         bool
	pushCredentialSID string
	ttl               time.Duration
	notBefore         time.Time
	notBeforeSet      bool

	// Slices are replaced, never changed in place, so that copies of the
	// struct are independent. A text that was refused is in none of the
	// fields, so that nothing can print it.
	grants   []grant
	claims   []claim // sorted by name
	mistakes []error
}

// A claim is an extra claim. Its text is what it adds to a JSON object, encoded once
// for a template and all its clones.
type claim struct {
	name, text string
}

// A kind is what differs between the two kinds of token.
type kind struct {
	name          string // in Twilio's words
	invalidSecret error
	longestName   int
	reserved      []string // names that an extra claim must not have
	onlyCalls     bool     // grants nothing but calls, and contains nothing but UTF-8
	quoteJSON     func(string) string
	usualHeader   string // as jws needs it

	checkHeader  func(header map[string]any) error
	decodeClaims func(text []byte) (map[string]any, error)
	isOther      func(token string) bool // reports whether a token is of the other kind
	otherKind    string                  // the error for one
}

var registeredClaims = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"} // RFC 7519 section 4.1

var (
	capabilityTokens = &kind{
		name:          "capability token",
		invalidSecret: ErrInvalidAuthToken,
		longestName:   rule.LongestClientName,
		reserved:      append(registeredClaims, "scope"),
		quoteJSON:     func(s string) string { return jws.Marshal(s) },
		usualHeader:   jws.EncodeHeader(`{"alg":"HS256","typ":"JWT"}`),
		checkHeader:   checkCapabilityHeader,
		decodeClaims:  decodeCapabilityClaims,
		isOther:       isAccessToken,
		otherKind:     "it is an Access Token, not a capability token: use VerifyWithAPIKey",
	}
	accessTokens = &kind{
		name:          "Access Token",
		invalidSecret: ErrInvalidAPIKey,
		longestName:   rule.LongestIdentity,
		reserved:      append(registeredClaims, "scope", "grants"),
		onlyCalls:     true,
		quoteJSON:     func(s string) string { return string(accesstoken.AppendString(nil, s)) },
		usualHeader:   jws.EncodeHeader(accesstoken.Header("")),
		checkHeader:   checkAccessHeader,
		decodeClaims:  decodeAccessClaims,
		isOther:       isCapabilityToken,
		otherKind:     "it is a capability token, not an Access Token: use Verify",
	}
)

// New returns a builder of capability tokens with a TTL of [DefaultTTL] and nothing
// granted yet.
//
// The account SID is "AC" and 1 to 32 ASCII letters or digits
// ([ErrInvalidAccountSID]; Twilio error 31203). The auth token is the account's
// secret: the live one, not a test credential. It must be printable ASCII without
// white space, must not start or end with a quote (a newline from a file and
// quotes from an env file are common causes of Twilio error 31204), and must not be
// an SID. No name, param, scope or claim may contain the auth token, since anyone who
// has a token can read them ([ErrInvalidAuthToken]); an auth token of fewer than 16
// characters, which may occur there by chance, is not checked for. In FIPS 140-3 mode
// it needs at least 14 bytes.
func New(accountSID, authToken string) *CapabilityToken {
	t := build(false, authToken)
	t.setSID(&t.accountSID, ErrInvalidAccountSID, "AC", accountSID)
	return t.fail(checkSecret(ErrInvalidAuthToken, authToken))
}

// NewWithAPIKey returns a builder of Access Tokens, Twilio's successor to
// capability tokens, that grants nothing yet and has a TTL of [DefaultTTL]. The
// Voice JavaScript SDKs, from twilio-client 1.5 on, and the mobile SDKs accept
// Access Tokens.
//
// The API key is a Standard API key of the account. Its SID is "SK" and 1 to 32 ASCII
// letters or digits; its secret follows [New]'s rules for the auth token
// ([ErrInvalidAPIKey]).
//
// An Access Token needs a client name, with at most 121 characters
// ([ErrInvalidClientName]; Twilio error 51003). It cannot express what
// AllowEventStream and AddScope grant, nor a param that is not valid UTF-8
// ([ErrInvalidScope]), nor an extra claim named "grants" ([ErrInvalidClaim]).
func NewWithAPIKey(accountSID, apiKeySID, apiKeySecret string) *CapabilityToken {
	t := build(true, apiKeySecret)
	t.setSID(&t.accountSID, ErrInvalidAccountSID, "AC", accountSID)
	t.setSID(&t.apiKeySID, ErrInvalidAPIKey, "SK", apiKeySID)
	return t.fail(checkSecret(ErrInvalidAPIKey, apiKeySecret))
}

func build(access bool, secret string) *CapabilityToken {
	key := &jws.Key{Secret: secret}
	t := &CapabilityToken{access: access, key: func() *jws.Key { return key }, ttl: DefaultTTL}
	t.header = t.kind().usualHeader
	return t
}

func (t *CapabilityToken) kind() *kind {
	if t.access {
		return accessTokens
	}
	return capabilityTokens
}

// AllowClientIncoming lets the device receive calls for clientName: 1 to 256
// ASCII letters, digits and '_' ([ErrInvalidClientName]; Twilio errors 31105 and
// 31100), or 1 to 121 in an Access Token (Twilio error 51003).
// [EncodeClientName] makes such a name from any user ID, and
// [CapabilityToken.AllowUnsafeClientNames] allows more characters. A device has one
// client name: a second one is [ErrDuplicateScope].
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
	g := grant{kind: outgoing, params: t.copyParams(clientOutgoing, params)}
	g.refused = !t.setSID(&g.applicationSID, ErrInvalidApplicationSID, "AP", applicationSID)
	if t.paramsSet && g.params != nil && !equal(g.params, t.params) {
		t.fail(fmt.Errorf("%w: SetParams has already set different params: is a Clone missing?", ErrDuplicateScope))
	}
	return t.grant(g)
}

// SetParams sets the signed params of the outgoing scope, replacing earlier ones, so
// that a template can allow the application and each clone set its own params. A token
// with SetParams but without AllowClientOutgoing is [ErrInvalidScope].
func (t *CapabilityToken) SetParams(params url.Values) *CapabilityToken {
	t.params, t.paramsSet = t.copyParams(clientOutgoing, []url.Values{params}), true
	return t
}

// AllowEventStream lets the device subscribe to the account's events, or only to
// those that match the filters. Different filters in a second call are
// [ErrDuplicateScope]. An Access Token cannot grant it ([ErrInvalidScope]).
func (t *CapabilityToken) AllowEventStream(filters ...url.Values) *CapabilityToken {
	if t.kind().onlyCalls {
		return t.failOnlyCalls("event stream")
	}
	return t.grant(grant{kind: events, params: t.copyParams(streamSubscribe, filters)})
}

// AddScope grants any other scope, exactly as given; it adds no client name. It
// bypasses the rules of the other methods, such as those for the characters of a client
// name. A scope that [ParseScope] would not accept, or any scope in an Access Token, is
// [ErrInvalidScope]; a different scope with the same service and privilege is
// [ErrDuplicateScope].
func (t *CapabilityToken) AddScope(scope Scope) *CapabilityToken {
	if t.kind().onlyCalls {
		return t.failOnlyCalls(t.quote(scope.Service + ":" + scope.Privilege))
	}
	if !t.allowsScope(&scope) {
		return t.grant(grant{kind: other, scope: &Scope{}, refused: true})
	}
	return t.grant(grant{kind: other, scope: &scope})
}

// allowsScope also replaces the params by a copy.
func (t *CapabilityToken) allowsScope(scope *Scope) bool {
	if !t.fits(len(scope.Service)+len(scope.Privilege), "") || t.hasSecret("a scope", scope.Service, scope.Privilege) {
		return false
	}
	scope.Params = t.copyParams(scope.name(), []url.Values{scope.Params})
	err := scope.check(t.secret())
	t.fail(err)
	return err == nil
}

func (t *CapabilityToken) failOnlyCalls(what string) *CapabilityToken {
	return t.fail(fmt.Errorf("%w: %s: an %s grants only incoming and outgoing calls", ErrInvalidScope, what, t.kind().name))
}

// SetClientName names a device that has no incoming scope, so that the
// application's voice URL learns who is calling. The rules are those of
// [CapabilityToken.AllowClientIncoming], which names the device too.
func (t *CapabilityToken) SetClientName(clientName string) *CapabilityToken {
	wrong := rule.ClientName(clientName, t.kind().longestName)
	if t.unsafeNames {
		wrong = rule.UnsafeClientName(clientName, t.kind().longestName)
	}
	if wrong != "" && clientName != "" && !strings.HasPrefix(clientName, "client:") {
		wrong += "; EncodeClientName makes such a name from any user ID"
	}
	switch {
	case wrong != "":
		return t.failIf(wrong, ErrInvalidClientName, clientName)
	case t.hasSecret("the client name", clientName):
		return t
	case t.clientName != "" && t.clientName != clientName:
		return t.fail(fmt.Errorf("%w: client name %s: the device is already %s: is a Clone missing?",
			ErrDuplicateScope, t.quote(clientName), t.quote(t.clientName)))
	}
	t.clientName = clientName
	return t
}

// AllowUnsafeClientNames makes later calls accept client names that do not work
// everywhere, such as office-7, +815012345678 or a@b.example. It is for backends whose
// users already have such names. A name then has 1 to 256 printable ASCII characters,
// or 1 to 121 in an Access Token, except space and <>#%"{}|\^[]`?, which Twilio forbids
// (Twilio error 31105). Mobile SDKs accept only letters, digits and '_'; Twilio's REST
// API, among others, is reported to refuse or change other characters. With
// SetPushCredential, a name must still consist of letters, digits and '_'
// ([ErrInvalidClientName]).
func (t *CapabilityToken) AllowUnsafeClientNames() *CapabilityToken {
	t.unsafeNames = true
	return t
}

// SetTTL sets how long a token is valid after it is minted: 1 second to [MaxTTL]
// ([ErrInvalidTTL]; Twilio errors 31207 and 20157). The end is rounded down to a
// whole second. Prefer short lifetimes: a page that fetches a token for each call can
// use one valid for a few seconds.
func (t *CapabilityToken) SetTTL(ttl time.Duration) *CapabilityToken {
	switch {
	case ttl > 0 && ttl <= MaxTTL/time.Second: // a number of seconds
		return t.fail(fmt.Errorf("%w: %v: use 1s to %vh, such as %d*time.Second", ErrInvalidTTL, ttl, MaxTTL.Hours(), ttl))
	case ttl < time.Second || ttl > MaxTTL:
		return t.fail(fmt.Errorf("%w: %v: use 1s to %vh", ErrInvalidTTL, ttl, MaxTTL.Hours()))
	}
	t.ttl = ttl
	return t
}

// SetNotBefore sets the time before which a token is not valid (Twilio error
// 31204). The default is the time it is minted; the zero time leaves the claim
// out. The time is rounded down to a whole second. A time before 1970, or one at or
// after the token's end, is [ErrInvalidNotBefore].
func (t *CapabilityToken) SetNotBefore(notBefore time.Time) *CapabilityToken {
	t.notBefore, t.notBeforeSet = notBefore, true
	return t
}

// SetClaim adds a claim of your own, replacing any earlier one with the same name. The
// name must not be empty, a registered claim (RFC 7519 section 4.1), "scope" or, in an
// Access Token, "grants". Name and value must be valid UTF-8 ([ErrInvalidClaim]).
// Anyone who has the token can read them.
func (t *CapabilityToken) SetClaim(name, value string) *CapabilityToken {
	reserved, quote := t.kind().reserved, t.kind().quoteJSON
	i, found := slices.BinarySearchFunc(t.claims, name, func(c claim, name string) int { return cmp.Compare(c.name, name) })
	rest, replaced := t.claims[i:], 0
	if found {
		rest, replaced = rest[1:], len(rest[0].text)
	}
	switch {
	case !t.fits(len(name)+len(value)-replaced, ""):
		return t
	case name == "" || slices.Contains(reserved, name):
		return t.fail(fmt.Errorf("%w: name %s: it must not be empty or reserved (%s)",
			ErrInvalidClaim, t.quote(name), strings.Join(reserved, " ")))
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return t.fail(fmt.Errorf("%w: name %s, value %s: use valid UTF-8", ErrInvalidClaim, t.quote(name), t.quote(value)))
	case t.hasSecret("an extra claim", name, value):
		return t
	}
	t.claims = slices.Concat(t.claims[:i], []claim{{name, "," + quote(name) + ":" + quote(value)}}, rest)
	return t
}

// SetRegion sets the Twilio region of Access Tokens, such as ie1: two lower-case
// letters and a number ([ErrInvalidRegion]). The default is us1. The API key must
// belong to the same region. Capability tokens work only in us1.
func (t *CapabilityToken) SetRegion(region string) *CapabilityToken {
	wrong := rule.Region(region)
	switch {
	case wrong != "":
	case t.access:
		t.header = jws.EncodeHeader(accesstoken.Header(region))
	case region != "us1":
		wrong = "a capability token works only in us1: use NewWithAPIKey"
	}
	return t.failIf(wrong, ErrInvalidRegion, region)
}

// SetPushCredential sets the push credential with which Twilio notifies a mobile app of
// incoming calls: "CR" and 1 to 32 ASCII letters or digits
// ([ErrInvalidPushCredential]). Only an Access Token can name one.
func (t *CapabilityToken) SetPushCredential(credentialSID string) *CapabilityToken {
	if !t.access {
		return t.fail(fmt.Errorf("%w: a capability token cannot have one: use NewWithAPIKey", ErrInvalidPushCredential))
	}
	t.setSID(&t.pushCredentialSID, ErrInvalidPushCredential, "CR", credentialSID)
	return t
}

// Clone returns an independent copy: what is later granted to one is not granted to the
// other.
func (t *CapabilityToken) Clone() *CapabilityToken {
	clone := *t
	return &clone
}

// Err returns the mistakes made so far, joined, or nil if there are none. It returns a
// dozen at most, and at most one [ErrDuplicateScope]. Only Mint and ToJWT report what is
// still missing (a scope, an Access Token's client name, an outgoing scope for params)
// and a token that is too long once encoded.
func (t *CapabilityToken) Err() error {
	return errors.Join(t.check(time.Now())...)
}

// Minted is a token, with what a page needs to know about it.
type Minted struct {
	Token      string    // in compact form (RFC 7515 section 7.1)
	ClientName string    // "" if the device has none
	ExpiresAt  time.Time // UTC, whole seconds
}

// Mint mints a token, which is valid from the time of the call. It does not modify
// the builder: the next token grants the same. The error joins those of
// [CapabilityToken.Err] and what is missing, such as [ErrNoScope] if nothing was
// granted; it is [ErrTokenTooLong] if the token would exceed [MaxTokenSize].
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
	return fmt.Sprintf("%s of %s for %v: %s", t.kind().name, t.quote(t.accountSID), t.ttl, t.quote(string(t.appendScope(nil))))
}

// GoString returns the result of String, so that %#v does not show the secret.
func (t CapabilityToken) GoString() string { return t.String() }

// Format implements fmt.Formatter: it formats the result of String, whatever the verb.
func (t CapabilityToken) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), t.String())
}

// LogValue returns String, for log/slog.
func (t CapabilityToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// maxMistakes keeps a shared template that every request modifies, instead of a
// Clone, from growing without end.
const maxMistakes = 10

// fail remembers a mistake, unless err is nil.
func (t *CapabilityToken) fail(err error) *CapabilityToken {
	known := func(mistake error) bool {
		return mistake.Error() == err.Error() || errors.Is(mistake, ErrDuplicateScope) && errors.Is(err, ErrDuplicateScope)
	}
	if err != nil && len(t.mistakes) < maxMistakes && !slices.ContainsFunc(t.mistakes, known) {
		t.mistakes = append(slices.Clip(t.mistakes), err)
	}
	return t
}

// failIf remembers a mistake if something is wrong with the value.
func (t *CapabilityToken) failIf(wrong string, invalid error, value string) *CapabilityToken {
	if wrong == "" {
		return t
	}
	return t.fail(fmt.Errorf("%w: %s: %s", invalid, t.quote(value), wrong))
}

// setSID sets a field to the SID, and reports whether nothing is wrong with it.
func (t *CapabilityToken) setSID(field *string, invalid error, prefix, sid string) bool {
	wrong := rule.SID(prefix, sid)
	t.failIf(wrong, invalid, sid)
	if wrong == "" {
		*field = sid
	}
	return wrong == ""
}

// hasSecret reports whether one of the texts, which anyone who has the token can
// read, contains the secret, and remembers that as a mistake. SIDs are not
// searched: their form is checked.
func (t *CapabilityToken) hasSecret(what string, texts ...string) bool {
	secret := t.secret()
	found := len(secret) >= rule.ShortestSearched &&
		slices.ContainsFunc(texts, func(text string) bool { return redact.Contains(text, secret) })
	if found {
		t.fail(fmt.Errorf("%w: %s contains it, and anyone who has the token could read it", t.kind().invalidSecret, what))
	}
	return found
}

// grant adds a grant. A second one of the same name must be the same.
func (t *CapabilityToken) grant(g grant) *CapabilityToken {
	for _, granted := range t.grants {
		switch {
		case g.refused, granted.refused, granted.name() != g.name():
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

// copyParams returns a copy, as one, of the params of a scope of that name; nil if
// there are none or something is wrong with them.
func (t *CapabilityToken) copyParams(name string, params []url.Values) url.Values {
	count, size := measure(params...)
	if count > maxParams {
		t.fail(fmt.Errorf("%w: %d params: use at most %d", ErrInvalidScope, count, maxParams))
		return nil
	}
	if !t.fits(size, name) {
		return nil
	}
	var copied url.Values
	for _, values := range params {
		for name, list := range values {
			if !t.allowsParam(name, list) {
				return nil
			}
			if copied == nil {
				copied = make(url.Values, len(values))
			}
			copied[name] = append(copied[name], list...)
		}
	}
	return copied
}

func (t *CapabilityToken) allowsParam(name string, values []string) bool {
	if t.hasSecret("a param", name) || t.hasSecret("a param", values...) {
		return false
	}
	if t.kind().onlyCalls && !utf8.ValidString(name+strings.Join(values, "")) {
		t.fail(fmt.Errorf("%w: param %s: an %s contains only valid UTF-8", ErrInvalidScope, t.quote(name), t.kind().name))
		return false
	}
	return true
}

// fits reports whether n more bytes can be granted: more than a token can have are
// never copied, encoded or signed. Otherwise it remembers a mistake. A grant of the
// name, if there is one, is the same or replaced, and does not count.
func (t *CapabilityToken) fits(n int, name string) bool {
	if name != clientOutgoing {
		_, size := measure(t.params)
		n += size
	}
	for _, g := range t.grants {
		if g.name() != name {
			n += g.size()
		}
	}
	for _, c := range t.claims {
		n += len(c.text)
	}
	err := checkLen(n)
	t.fail(err)
	return err == nil
}

// check returns the mistakes remembered, and those that show only now.
func (t *CapabilityToken) check(now time.Time) []error {
	mistakes := slices.Clip(t.mistakes)
	if t.key == nil { // the zero value
		mistakes = append(mistakes, fmt.Errorf("%w: it is empty", ErrInvalidAccountSID), checkSecret(ErrInvalidAuthToken, ""))
	}
	notBefore := t.notBefore.Unix()
	if !t.notBefore.IsZero() && (notBefore < 0 || notBefore >= t.expiresAt(now)) {
		mistakes = append(mistakes, fmt.Errorf("%w: %v: use a time since 1970 and before the token expires, %v after it is minted",
			ErrInvalidNotBefore, t.notBefore.UTC().Format(time.RFC3339), t.ttl))
	}
	if t.pushCredentialSID != "" && t.clientName != "" {
		if wrong := rule.ClientName(t.clientName, t.kind().longestName); wrong != "" {
			mistakes = append(mistakes, fmt.Errorf("%w: %s: with a push credential, which is for mobile SDKs, %s",
				ErrInvalidClientName, t.quote(t.clientName), wrong))
		}
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
	refused := func(err error) bool { return errors.Is(err, ErrInvalidClientName) }
	if t.access && t.clientName == "" && !slices.ContainsFunc(t.mistakes, refused) {
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
		if !g.refused {
			dst = t.appendGrant(dst, g)
		}
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
		Grants:     accesstoken.Grants{Identity: t.clientName, Voice: voice},
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
		case g.name() == clientIncoming:
			return g.scope.Params.Get(paramClientName)
		case g.name() == clientOutgoing:
			name = g.scope.Params.Get(paramClientName)
		}
	}
	return name
}

// checkSecret returns an error that wraps invalid if something is wrong with a
// secret. It does not quote it.
func checkSecret(invalid error, secret string) error {
	if wrong := rule.Secret(secret); wrong != "" {
		return fmt.Errorf("%w: %s", invalid, wrong)
	}
	return nil
}

// checkLen returns an error if n bytes are more than a token may have.
func checkLen(n int) error {
	if n > MaxTokenSize {
		return fmt.Errorf("%w: %d bytes: use at most %d", ErrTokenTooLong, n, MaxTokenSize)
	}
	return nil
}

// EncodeClientName makes a client name from any user ID, such as an e-mail
// address or a UUID, reversibly: ASCII letters and digits are kept; every other
// byte becomes '_' and two upper-case hexadecimal digits, as in Twilio Flex. Encode
// all of a backend's names or none of them. EncodeClientName does not check the length;
// the method that is given the name does.
func EncodeClientName(user string) string {
	const digits = "0123456789ABCDEF"
	size := len(user)
	for i := range len(user) {
		if !rule.IsAlphanumeric(user[i]) {
			size += len("XX")
		}
	}
	var name strings.Builder
	name.Grow(size)
	for i := range len(user) {
		if c := user[i]; rule.IsAlphanumeric(c) {
			name.WriteByte(c)
		} else {
			name.Write([]byte{'_', digits[c>>4], digits[c&0xF]})
		}
	}
	return name.String()
}

// DecodeClientName reverses [EncodeClientName]. A name that EncodeClientName does not
// make, or one of more than 256 characters, is [ErrInvalidClientName].
func DecodeClientName(clientName string) (user string, err error) {
	if len(clientName) > rule.LongestClientName {
		return "", fmt.Errorf("%w: it has %d characters: use at most %d", ErrInvalidClientName, len(clientName), rule.LongestClientName)
	}
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
