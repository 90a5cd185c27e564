package signalling

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/inspect"
)

var account = Credentials{
	AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "fedcba9876543210fedcba9876543210",
	APIKeySID: "SK0123456789abcdef0123456789abcdef", APIKeySecret: "Zyxwvutsrqponmlkjihgfedcba987654",
}

const (
	hs256  = `{"alg":"HS256","typ":"JWT"}`
	access = `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT"}`
	claims = `"iss":"AC0123456789abcdef0123456789abcdef","exp":946688400`
	owner  = `"iss":"SK0123456789abcdef0123456789abcdef","sub":"AC0123456789abcdef0123456789abcdef","exp":946688400`
)

func base64url(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func sign(t *testing.T, key, header, claims string) string {
	t.Helper()
	text := base64url(header) + "." + base64url(claims)
	signature, err := jwt.SigningMethodHS256.Sign(text, []byte(key))
	require.NoError(t, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Builder, Verify, captoken inspect and the stand-in ask the same rules: whatever a token
// is, they agree on it.
func TestOneVerdict(t *testing.T) {
	for name, token := range oddTokens(t) {
		t.Run(name, func(t *testing.T) { checkVerdict(t, token) })
	}
	files, err := filepath.Glob("../../../cmd/captoken/testdata/inspect/*.txt")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 80)
	for _, file := range files {
		for _, token := range goldenTokens(t, file) {
			t.Run(filepath.Base(file), func(t *testing.T) { checkVerdict(t, token) })
		}
	}
}

// checkVerdict judges a token at the time at which a bubble starts, which is that of the
// golden tokens.
func checkVerdict(t *testing.T, token string) {
	synctest.Test(t, func(t *testing.T) {
		_, err := capability.Verify(token, account.AccountSID, account.AuthToken)
		if err != nil {
			_, err = capability.VerifyWithAPIKey(token, account.AccountSID, account.APIKeySID, account.APIKeySecret)
		}
		report := inspect.Inspect(inspect.Token{Text: token}, time.Now(), account.variables())
		_, fault := account.judge(token)

		usable := report.Usable && report.Signature == inspect.Valid && len(report.CredentialFaults) == 0
		assert.Equal(t, usable, fault == nil, "inspect finds %v %v, the stand-in %v", report.CredentialFaults, report.Problems, fault)
		if report.Kind == inspect.CapabilityToken && onlyOfNames(report.Problems) {
			return // Verify reads them as Twilio's libraries write them
		}
		assert.Equal(t, usable, err == nil, "inspect finds %v %v, Verify %v", report.CredentialFaults, report.Problems, err)
	})
}

// onlyOfNames reports whether all that is wrong with a token is its client name or its
// application SID.
func onlyOfNames(problems []inspect.Finding) bool {
	for _, p := range problems {
		if p.Code != 31105 && p.Code != 31100 {
			return false
		}
	}
	return len(problems) > 0
}

var tokenSection = regexp.MustCompile(`(?m)^-- token --\n(.*)\n(.*)\n(.*)\n`)

// goldenTokens returns the tokens of a golden file of captoken inspect.
func goldenTokens(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var tokens []string
	for _, m := range tokenSection.FindAllStringSubmatch(string(text), -1) {
		tokens = append(tokens, sign(t, m[1], m[2], m[3]))
	}
	return tokens
}

func oddTokens(t *testing.T) map[string]string {
	odd := func(header, claims string) string { return sign(t, account.AuthToken, header, claims) }
	oddAccess := func(header, claims string) string { return sign(t, account.APIKeySecret, header, claims) }
	voice := func(voice string) string {
		return oddAccess(access, `{"grants":{"identity":"tommy","voice":`+voice+`},`+owner+`}`)
	}
	identity := func(identity string) string {
		return oddAccess(access, `{"grants":{"identity":`+identity+`,"voice":{"incoming":{"allow":true}}},`+owner+`}`)
	}
	scope := func(scope string) string { return odd(hs256, `{"scope":"`+scope+`",`+claims+`}`) }
	incoming := scope("scope:client:incoming?clientName=tommy")
	return map[string]string{
		"good":                       incoming,
		"Bearer":                     "Bearer " + incoming,
		"newline":                    incoming + "\n",
		"byte order mark":            "\ufeff" + incoming,
		"wrong secret":               sign(t, "another", hs256, `{"scope":"",`+claims+`}`),
		"both kinds":                 odd(access, `{"scope":"scope:client:incoming?clientName=tommy",`+claims+`}`),
		"no scope":                   odd(hs256, `{`+claims+`}`),
		"empty scope":                scope(""),
		"two spaces":                 scope("scope:a:b  scope:c:d"),
		"filters that are not":       scope("scope:stream:subscribe?params=%25zz"),
		"two incoming scopes":        scope("scope:client:incoming?clientName=a scope:client:incoming?clientName=b"),
		"client name with a space":   scope("scope:client:incoming?clientName=La%20Lavie"),
		"unsafe client name":         scope("scope:client:incoming?clientName=a%40b.example"),
		"no client name":             scope("scope:client:incoming"),
		"client name undefined":      scope("scope:client:incoming?clientName=undefined"),
		"application undefined":      scope("scope:client:outgoing?appSid=undefined"),
		"application with 31 digits": scope("scope:client:outgoing?appSid=AP0123456789abcdef0123456789abcde"),
		"placeholder application":    scope("scope:client:outgoing?appSid=AP" + strings.Repeat("X", 32)),
		"exp in quotes":              odd(hs256, `{"scope":"","iss":"`+account.AccountSID+`","exp":"946688400"}`),
		"exp with a fraction":        odd(hs256, `{"scope":"","iss":"`+account.AccountSID+`","exp":946688400.5}`),
		"exp that is a float":        odd(hs256, `{"scope":"","iss":"`+account.AccountSID+`","exp":946688400.0}`),
		"exp in 26 hours":            odd(hs256, `{"scope":"","iss":"`+account.AccountSID+`","exp":946778400}`),
		"iat to come":                odd(hs256, `{"scope":"","iat":946688000,`+claims+`}`),
		"iat in milliseconds":        odd(hs256, `{"scope":"","iat":946684800000,`+claims+`}`),
		"aud":                        odd(hs256, `{"scope":"","aud":"x",`+claims+`}`),
		"iss of 31 digits":           odd(hs256, `{"scope":"","iss":"AC0123456789abcdef0123456789abcde","exp":946688400}`),
		"kid":                        odd(`{"alg":"HS256","typ":"JWT","kid":"x"}`, `{"scope":"",`+claims+`}`),
		"alg none":                   base64url(`{"alg":"none"}`) + "." + base64url(`{"scope":"",`+claims+`}`) + ".",

		"good Access Token":          voice(`{"incoming":{"allow":true}}`),
		"signed with auth token":     odd(access, `{"grants":{"identity":"tommy","voice":{}},`+owner+`}`),
		"nothing granted":            voice(`{}`),
		"no voice grant":             oddAccess(access, `{"grants":{"identity":"tommy","video":{}},`+owner+`}`),
		"only an identity":           oddAccess(access, `{"grants":{"identity":"tommy"},`+owner+`}`),
		"no identity":                oddAccess(access, `{"grants":{"voice":{"incoming":{"allow":true}}},`+owner+`}`),
		"identity null":              identity("null"),
		"identity a number":          identity("34"),
		"identity with a space":      identity(`"La Lavie"`),
		"identity an address":        identity(`"tommy@example.com"`),
		"identity with a hyphen":     identity(`"a-b"`),
		"identity of 200 letters":    identity(`"` + strings.Repeat("a", 200) + `"`),
		"params of any type":         voice(`{"outgoing":{"application_sid":"AP1","params":{"id":7,"x":true,"y":null,"u":{"id":7}}}}`),
		"params that are an array":   voice(`{"outgoing":{"application_sid":"AP1","params":[1]}}`),
		"Access Token, application":  voice(`{"outgoing":{"application_sid":"undefined"}}`),
		"push credential undefined":  voice(`{"push_credential_sid":"undefined"}`),
		"no cty":                     oddAccess(hs256, `{"grants":{"identity":"tommy","voice":{}},`+owner+`}`),
		"no typ":                     oddAccess(`{"alg":"HS256","cty":"twilio-fpa;v=1"}`, `{"grants":{"identity":"tommy","voice":{}},`+owner+`}`),
		"an edge location":           oddAccess(`{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT","twr":"dublin"}`, `{"grants":{"identity":"tommy","voice":{}},`+owner+`}`),
		"a region":                   oddAccess(`{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT","twr":"ie1"}`, `{"grants":{"identity":"tommy","voice":{}},`+owner+`}`),
		"Access Token, another key":  oddAccess(access, `{"grants":{"identity":"tommy","voice":{}},"iss":"SK1","sub":"`+account.AccountSID+`","exp":946688400}`),
		"Access Token, exp a string": oddAccess(access, `{"grants":{"identity":"tommy","voice":{}},"iss":"`+account.APIKeySID+`","sub":"`+account.AccountSID+`","exp":"946688400"}`),
	}
}
