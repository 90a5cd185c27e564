package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

// Times are printed as local time: whole outputs can be compared only if that
// is the same on each machine.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

const (
	accountSID   = "AC0123456789abcdef0123456789abcdef"
	authToken    = "fedcba9876543210fedcba9876543210"
	apiKeySID    = "SK0123456789abcdef0123456789abcdef"
	apiKeySecret = "Zyxwvutsrqponmlkjihgfedcba987654"
)

// A machine that mints Access Tokens need not hold the auth token.
var (
	live       = map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_AUTH_TOKEN": authToken}
	liveAccess = map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_API_KEY_SID": apiKeySID, "TWILIO_API_KEY_SECRET": apiKeySecret}
)

// without is an environment in which a variable is unset.
func without(env map[string]string, name string) map[string]string {
	env = maps.Clone(env)
	delete(env, name)
	return env
}

// captoken runs a command as main does, and looks at every byte that it prints.
func captoken(t *testing.T, env map[string]string, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(args, strings.NewReader(stdin), &out, &errs, func(name string) string { return env[name] })
	for _, text := range []string{out.String(), errs.String()} {
		require.True(t, utf8.ValidString(text))
		i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) })
		require.Negative(t, i, "not printable: %q", text)
	}
	return status, out.String(), errs.String()
}

// at2000 runs f at the time at which synctest's clock starts,
// 2000-01-01T00:00:00Z.
func at2000(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func sign(t *testing.T, header, claims, key string) string {
	t.Helper()
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
	signature, err := jwt.SigningMethodHS256.Sign(signed, []byte(key))
	require.NoError(t, err)
	return signed + "." + enc.EncodeToString(signature)
}

const (
	hs256  = `{"alg":"HS256","typ":"JWT"}`
	access = `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT"}`
)

func TestMint(t *testing.T) {
	type token = *capability.CapabilityToken
	for _, test := range []struct {
		args string
		want func(token)
	}{
		{"-incoming tommy", func(c token) { c.AllowClientIncoming("tommy") }},
		{"-incoming=tommy -incoming tommy -ttl 24h", func(c token) { c.AllowClientIncoming("tommy").SetTTL(24 * time.Hour) }},
		{"-outgoing AP123123 -incoming tommy -ttl 10m", func(c token) {
			c.AllowClientIncoming("tommy").AllowClientOutgoing("AP123123").SetTTL(10 * time.Minute)
		}},
		{"-outgoing AP123123 -name tommy -param a=b=c -param a= -param z=ü%", func(c token) {
			c.AllowClientOutgoing("AP123123", url.Values{"a": {"b=c", ""}, "z": {"ü%"}}).SetClientName("tommy")
		}},
		{"-incoming tommy -outgoing AP123123 -name tommy", func(c token) {
			c.AllowClientIncoming("tommy").AllowClientOutgoing("AP123123")
		}},
		{"-events", func(c token) { c.AllowEventStream() }},
		{"-events -filter To=x -claim b=1 -claim a=2=3", func(c token) {
			c.AllowEventStream(url.Values{"To": {"x"}}).SetClaim("a", "2=3").SetClaim("b", "1")
		}},
	} {
		at2000(t, test.args, func(t *testing.T) {
			args := append([]string{"mint"}, strings.Fields(test.args)...)
			want := capability.New(accountSID, authToken)
			test.want(want)
			jwt, err := want.ToJWT()
			require.NoError(t, err)

			status, stdout, stderr := captoken(t, live, "", args...)
			assert.Equal(t, 0, status)
			assert.Equal(t, jwt+"\n", stdout)
			assert.Empty(t, stderr)
		})
	}

	at2000(t, "demo", func(t *testing.T) {
		jwt, err := capability.New("ACXXXXXXXXXXXXXXX", "secret").AllowClientIncoming("tommy").ToJWT()
		require.NoError(t, err)
		status, stdout, stderr := captoken(t, live, "", "mint", "-demo", "-incoming", "tommy")
		assert.Equal(t, 0, status)
		assert.Equal(t, jwt+"\n", stdout)
		assert.Equal(t, "captoken mint: signed with built-in example credentials, which Twilio does not accept\n", stderr)
	})
}

func TestMintAccess(t *testing.T) {
	mint := func(t *testing.T, accountSID, apiKeySID, apiKeySecret string, ttl time.Duration) string {
		t.Helper()
		jwt, err := capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).SetClientName("tommy").SetTTL(ttl).SetClaim("tenant", "1").
			AllowClientOutgoing("AP123123", url.Values{"a": {"b", "c"}, "z": {"ü"}}).ToJWT()
		require.NoError(t, err)
		return jwt + "\n"
	}
	args := strings.Fields("mint -access -outgoing AP123123 -name tommy -param a=b -param a=c -param z=ü -claim tenant=1 -ttl 5s")
	unusedAuthToken := maps.Clone(liveAccess)
	unusedAuthToken["TWILIO_AUTH_TOKEN"] = "with a space"
	for name, env := range map[string]map[string]string{"no auth token": liveAccess, "unused auth token": unusedAuthToken} {
		at2000(t, name, func(t *testing.T) {
			status, stdout, stderr := captoken(t, env, "", args...)
			assert.Equal(t, 0, status)
			assert.Equal(t, mint(t, accountSID, apiKeySID, apiKeySecret, 5*time.Second), stdout)
			assert.Empty(t, stderr)
		})
	}
	at2000(t, "demo", func(t *testing.T) {
		status, stdout, stderr := captoken(t, nil, "", append(args, "-demo")...)
		assert.Equal(t, 0, status)
		assert.Equal(t, mint(t, "ACXXXXXXXXXXXXXXX", "SKXXXXXXXXXXXXXXX", "api_key_secret", 5*time.Second), stdout)
		assert.Equal(t, "captoken mint: signed with built-in example credentials, which Twilio does not accept\n", stderr)
	})
}

func TestMistakes(t *testing.T) {
	swapped := map[string]string{"TWILIO_ACCOUNT_SID": authToken, "TWILIO_AUTH_TOKEN": accountSID}
	newline := map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_AUTH_TOKEN": authToken + "\n"}
	for _, test := range []struct {
		name string
		env  map[string]string
		args []string
		want []string
	}{
		{"no command", nil, []string{"brew"}, []string{`unknown command "brew": use mint or inspect`}},
		{"no credentials", nil, []string{"mint", "-incoming", "tommy"}, []string{
			"set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or use -demo to try without"}},
		{"no auth token", map[string]string{"TWILIO_ACCOUNT_SID": accountSID}, []string{"mint", "-incoming", "tommy"}, []string{
			"set TWILIO_AUTH_TOKEN, or use -demo to try without"}},
		{"no account SID", map[string]string{"TWILIO_AUTH_TOKEN": authToken}, []string{"mint", "-incoming", "a b"}, []string{
			"set TWILIO_ACCOUNT_SID, or use -demo to try without",
			`invalid client name: "a b": use 1 to 256 ASCII letters, digits or '_'`}},
		{"newline", newline, []string{"mint", "-incoming", "tommy"}, []string{
			"invalid auth token: it holds white space or a control character, such as a newline from a file: trim it"}},
		{"swapped", swapped, []string{"mint", "-incoming", "tommy"}, []string{
			"invalid account SID: (not shown, as it may hold a secret): use AC, then 1 to 32 ASCII letters or digits"}},
		{"unknown flag", live, []string{"mint", "-auth-token", "x"}, []string{"flag provided but not defined: -auth-token"}},
		{"flag that drives a terminal", live, []string{"mint", "-\x1b[2J\u202e\xff"}, []string{
			"flag provided but not defined: -" + `\u001b[2J\u202e` + "\ufffd"}},
		{"no value", live, []string{"mint", "-incoming"}, []string{"flag needs an argument: -incoming"}},
		{"no boolean", live, []string{"mint", "-demo=x"}, []string{`invalid boolean value "x" for -demo: parse error`}},
		{"stray argument", live, []string{"mint", "-incoming", "New", "York"}, []string{
			`an argument too many: flags come first, and their values hold no unquoted space`}},
		{"nothing granted", live, []string{"mint", "-ttl", "10m"}, []string{
			"nothing is granted: use -incoming, -outgoing or -events"}},
		{"no effect", live, []string{"mint", "-param", "a=b", "-name", "tommy", "-filter", "a=b"}, []string{
			"nothing is granted: use -incoming, -outgoing or -events", "-param needs -outgoing", "-name needs -outgoing",
			"-filter needs -events"}},
		{"name of other device", live, []string{"mint", "-incoming", "tommy", "-outgoing", "AP1", "-name", "tina"}, []string{
			`duplicate scope: client name "tina": the device is "tommy" already`}},
		{"incoming twice", live, []string{"mint", "-incoming", "tommy", "-incoming", "tina"}, []string{
			`duplicate scope: client name "tina": the device is "tommy" already`}},
		{"outgoing twice", live, []string{"mint", "-outgoing", "AP1", "-outgoing", "AP2"}, []string{
			`duplicate scope: "scope:client:outgoing?appSid=AP2&clientName=…": a device reads one of a kind, and has "scope:client:outgoing?appSid=AP1&clientName=…"`}},
		{"empty values", live, []string{"mint", "-incoming", "", "-outgoing", "", "-ttl", ""}, []string{
			`-ttl "": use a number and its unit, such as 90s, 10m or 1h30m`,
			`invalid client name: "": use 1 to 256 ASCII letters, digits or '_'`,
			`invalid application SID: "": use AP, then 1 to 32 ASCII letters or digits`}},
		{"all at once", live, []string{"mint", "-incoming", "a\x1b", "-name", "a\x1b", "-outgoing", "XX1", "-param", "a", "-param", "=b",
			"-events", "-filter", "x", "-ttl", "10", "-ttl", "25h", "-claim", "iss=x", "-claim", "c=1", "-claim", "c=2"}, []string{
			`-param "a": use NAME=VALUE`,
			`-param "=b": use NAME=VALUE`,
			`-filter "x": use NAME=VALUE`,
			`-ttl "10": use a number and its unit, such as 90s, 10m or 1h30m`,
			`-claim "c" is given more than once`,
			`invalid client name: "a\x1b": use 1 to 256 ASCII letters, digits or '_'`,
			`invalid application SID: "XX1": use AP, then 1 to 32 ASCII letters or digits`,
			`invalid TTL: 25h0m0s: use 1s to 24h`,
			`invalid claim: name "iss": use one that is neither empty nor any of iss sub aud exp nbf iat jti scope`}},
		{"TTL twice", live, []string{"mint", "-events", "-ttl", "1h", "-ttl", "2h"}, []string{"-ttl is given more than once"}},
		{"auth token as argument", live, []string{"mint", authToken}, []string{
			"an argument too many: flags come first, and their values hold no unquoted space"}},
		{"no API key", live, []string{"mint", "-access", "-incoming", "a b"}, []string{
			"set TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET, or use -demo to try without",
			`invalid client name: "a b": use 1 to 256 ASCII letters, digits or '_'`}},
		{"no API key secret", without(liveAccess, "TWILIO_API_KEY_SECRET"), []string{"mint", "-access", "-incoming", "tommy"}, []string{
			"set TWILIO_API_KEY_SECRET, or use -demo to try without"}},
		{"not for Access Tokens", liveAccess, []string{"mint", "-access", "-outgoing", "AX1", "-events", "-claim", "grants=1", "-ttl", "25h"}, []string{
			"-access needs a client name: use -name or -incoming",
			"-access and -events do not go together: an Access Token has no form for events",
			"-access and -claim grants do not go together: an Access Token has a claim of that name",
			`invalid application SID: "AX1": use AP, then 1 to 32 ASCII letters or digits`,
			`invalid TTL: 25h0m0s: use 1s to 24h`}},
		{"parameter for no Access Token", liveAccess, []string{"mint", "-access", "-incoming", "tommy", "-outgoing", "AP1", "-param", "a=\xff"}, []string{
			`invalid scope: parameter "a": an Access Token holds valid UTF-8 alone`}},
		{"bad API key", map[string]string{"TWILIO_ACCOUNT_SID": "x", "TWILIO_API_KEY_SID": accountSID, "TWILIO_API_KEY_SECRET": apiKeySecret + "\n"},
			[]string{"mint", "-access", "-incoming", "a b"}, []string{
				`invalid account SID: "x": use AC, then 1 to 32 ASCII letters or digits`,
				`invalid API key: SID "` + accountSID + `": use SK, then 1 to 32 ASCII letters or digits`,
				"invalid API key: it holds white space or a control character, such as a newline from a file: trim it",
				`invalid client name: "a b": use 1 to 256 ASCII letters, digits or '_'`}},
		{"API key secret is no flag", liveAccess, []string{"mint", "-api-key-secret", "x"}, []string{"flag provided but not defined: -api-key-secret"}},
		{"API key secret as argument", liveAccess, []string{"mint", "-access", apiKeySecret}, []string{
			"an argument too many: flags come first, and their values hold no unquoted space"}},
		{"inspect with bad API key", map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_API_KEY_SID": "x", "TWILIO_API_KEY_SECRET": apiKeySecret},
			[]string{"inspect", sign(t, access, `{}`, "x")}, []string{
				`invalid API key: SID "x": use SK, then 1 to 32 ASCII letters or digits`}},
		{"inspect with bad credentials", newline, []string{"inspect", "x"}, []string{
			"invalid auth token: it holds white space or a control character, such as a newline from a file: trim it"}},
		{"inspect two", nil, []string{"inspect", "x", "-json"}, []string{
			`an argument too many: flags come first, and their values hold no unquoted space`}},
		{"inspect unknown flag", nil, []string{"inspect", "-x"}, []string{"flag provided but not defined: -x"}},
		{"inspect nothing", nil, []string{"inspect"}, []string{"standard input is empty: give a token"}},
		{"inspect an empty argument", nil, []string{"inspect", " "}, []string{"the argument is empty: give a token"}},
		{"inspect a long argument", nil, []string{"inspect", strings.Repeat("x", capability.MaxTokenSize+1)}, []string{
			"the argument holds more than the 65536 bytes that are read of a token"}},
		{"inspect a token with much behind it", nil, []string{"inspect", "a.b.c" + strings.Repeat(" ", 70_000) + "d"}, []string{
			"the argument holds more than the 65536 bytes that are read of a token"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := captoken(t, test.env, "", test.args...)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			command := "captoken"
			if args := test.args; args[0] == "mint" || args[0] == "inspect" {
				command += " " + args[0]
			}
			var want string
			for _, line := range test.want {
				want += command + ": " + line + "\n"
			}
			assert.Equal(t, want+command+" -h shows help\n", stderr)
		})
	}

	t.Run("no arguments", func(t *testing.T) {
		status, stdout, stderr := captoken(t, live, "")
		assert.Equal(t, 2, status)
		assert.Empty(t, stdout)
		assert.Equal(t, usage, stderr)
	})
}

func TestInputAndOutputFail(t *testing.T) {
	var stderr bytes.Buffer
	status := run([]string{"inspect"}, iotest.ErrReader(errors.New("the line is cut")), io.Discard, &stderr, os.Getenv)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr.String(), "captoken inspect: standard input: the line is cut\n")

	_, closed, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for _, args := range [][]string{{"mint", "-demo", "-events"}, {"inspect", "-demo", "a.b.c"}} {
		stderr.Reset()
		assert.Equal(t, 2, run(args, nil, closed, &stderr, os.Getenv))
		assert.Contains(t, stderr.String(), "file already closed")
	}
}

func TestHelp(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-h"}, usage},
		{[]string{"help"}, usage},
		{[]string{"mint", "-h"}, mintHelp},
		{[]string{"mint", "-incoming", "tommy", "--help"}, mintHelp},
		{[]string{"inspect", "-h"}, inspectHelp},
	} {
		status, stdout, stderr := captoken(t, nil, "", test.args...)
		assert.Equal(t, 0, status, test.args)
		assert.Equal(t, test.want, stdout, test.args)
		assert.Empty(t, stderr, test.args)
	}
}

func TestInspect(t *testing.T) {
	const (
		full = `{"scope":"scope:client:incoming?clientName=tommy` +
			` scope:client:outgoing?appParams=z%3Dd%2Be%26a%3D%25C3%25BC%26a%3D&appSid=AP123123&clientName=tommy&x=y` +
			` scope:stream:subscribe?params=To%3Dtommy&path=%2F2010-04-01%2FEvents scope:task:queue",` +
			`"iss":"` + accountSID + `","exp":946685400,"nbf":946684800,"iat":946684740,"tenant":"a & b","list":[1,"\u202e"]}`
		hostile = `{"scope":"scope:client:incoming?clientName=%1B%5B2J%0AVerdict scope:a:b?%E2%80%AE=%C2%9B",` +
			`"iss":"AC\u001b]0;x\u0007","exp":946684620,"\nnbf\u200b":"\u2028\u0085"}`
		fullAccess = `{"jti":"SK0-946684800","grants":{"identity":"tommy","chat":{"service_sid":"IS1"},` +
			`"voice":{"push_credential_sid":"CR1","incoming":{"allow":true,"x":1},` +
			`"outgoing":{"application_sid":"AP123123","params":{"z":"d e","a":["ü",""],"n":[[7]]}}}},` +
			`"iss":"` + apiKeySID + `","sub":"` + accountSID + `","exp":946685400,"nbf":946684800}`
		hostileAccess = `{"grants":{"identity":"\u001b[2J\nVerdict","\nx":"\u2028",` +
			`"voice":{"outgoing":{"application_sid":"\u001b[2J","params":{"\n\u202e":"\u009b"}}}},` +
			`"iss":"SK1","sub":"AC1","exp":946684620}`
	)
	for _, test := range []struct {
		name   string
		env    map[string]string
		token  string
		status int
		want   string
	}{
		{"all there is", live, sign(t, hs256, full, authToken), 0, `
Kind        capability token
Account     AC0123456789abcdef0123456789abcdef
Incoming    receives calls for client tommy
Outgoing    calls out through application AP123123 as client tommy
            param a = "ü"
            param a = ""
            param z = "d e"
            also x = y
Events      reads events at /2010-04-01/Events
            filter To = tommy
Scope       task:queue
Claim       list = [1,"\u202e"]
Claim       tenant = "a & b"
Issued      1999-12-31 23:59:00 UTC (1m ago)
Not before  2000-01-01 00:00:00 UTC (0s ago)
Expires     2000-01-01 00:10:00 UTC (expires in 10m)
Verdict     usable, signature valid
`},
		{"no credentials, anonymous", nil, sign(t, hs256, `{"scope":"scope:client:outgoing?appSid=AP1 scope:client:incoming?clientName=tommy",`+
			`"iss":"AC1","exp":946771200}`, "x"), 0, `
Kind        capability token
Account     AC1
Outgoing    calls out through application AP1
Incoming    receives calls for client tommy
Expires     2000-01-02 00:00:00 UTC (expires in 24h)
Verdict     usable, but signature not checked: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN

Notes:

  note   it receives calls as tommy, but does not call out as tommy
         The application sees another caller, or an anonymous one: Twilio's
         Node, Ruby and Java libraries leave the name out.
`},
		{"expired and tampered with", live, sign(t, hs256, `{"scope":"scope:client:incoming?clientName=tommy","iss":"AC1","exp":946684620}`, "x"), 1, `
Kind        capability token
Account     AC1
Incoming    receives calls for client tommy
Expires     1999-12-31 23:57:00 UTC (expired 3m ago)
Verdict     not usable, signature wrong

Problems, each with the Twilio error that a device would show:

  31205  it expired 3m ago
         Mint a new one; a page fetches its next token before the last one
         expires. If this one is new, the clock where it was minted is slow, or
         local time was taken for UTC.

  31203  it is not of the account of the credentials, AC0123456789abcdef0123456789abcdef
         Use the credentials of the account that the token is for.

  31202  its signature is wrong
         It was signed with another auth token (of another account, from before
         a change, or a test credential), or was changed since.
`},
		{"hostile", nil, sign(t, hs256, hostile, "x"), 1, `
Kind        capability token
Incoming    receives calls for client "\x1b[2J\nVerdict"
Scope       a:b
            also "\u202e" = "\u009b"
Claim       "\nnbf\u200b" = "\u2028\u0085"
Expires     1999-12-31 23:57:00 UTC (expired 3m ago)
Verdict     not usable, signature not checked

Problems, each with the Twilio error that a device would show:

  31205  it expired 3m ago
         Mint a new one; a page fetches its next token before the last one
         expires. If this one is new, the clock where it was minted is slow, or
         local time was taken for UTC.

  31203  invalid account SID: "AC\x1b]0;x\a": use AC, then 1 to 32 ASCII letters or digits
         Its iss is to be the SID of the account that it is of.

  31105  invalid client name: "\x1b[2J\nVerdict": use 1 to 256 ASCII letters, digits or '_'
         With others, calls were seen to fail, or to go nowhere in silence.
`},
		{"Access Token", liveAccess, sign(t, `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT","twr":"ie1"}`, fullAccess, apiKeySecret), 0, `
Kind        Access Token
Account     AC0123456789abcdef0123456789abcdef
API key     SK0123456789abcdef0123456789abcdef
Region      ie1
Identity    tommy
Incoming    receives calls for client tommy
Outgoing    calls out through application AP123123 as client tommy
            param a = "ü"
            param a = ""
            param n = "[7]"
            param z = "d e"
Grant       chat = {"service_sid":"IS1"}
Grant       voice = {"incoming":{"x":1},"push_credential_sid":"CR1"}
Claim       jti = "SK0-946684800"
Not before  2000-01-01 00:00:00 UTC (0s ago)
Expires     2000-01-01 00:10:00 UTC (expires in 10m)
Verdict     usable, signature valid
`},
		{"Access Token without voice, no API key", live, sign(t, access,
			`{"grants":{"identity":"a b","video":{"room":"r"}},"iss":"SK1","sub":"AC1","exp":946771200}`, "x"), 0, `
Kind        Access Token
Account     AC1
API key     SK1
Identity    "a b"
Grant       video = {"room":"r"}
Expires     2000-01-02 00:00:00 UTC (expires in 24h)
Verdict     usable, but signature not checked: set TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET

Notes:

  note   it has no voice grant
         It is of no use to a device that receives calls or calls out.
`},
		{"hostile Access Token", liveAccess, sign(t, `{"alg":"HS256","cty":"twilio-fpa;v=1","twr":"\n"}`, hostileAccess, "x"), 1, `
Kind        Access Token
Account     AC1
API key     SK1
Region      "\n"
Identity    "\x1b[2J\nVerdict"
Outgoing    calls out through application "\x1b[2J" as client "\x1b[2J\nVerdict"
            param "\n\u202e" = "\u009b"
Grant       "\nx" = "\u2028"
Expires     1999-12-31 23:57:00 UTC (expired 3m ago)
Verdict     not usable, signature wrong

Problems, each with the Twilio error that a device would show:

  20104  it expired 3m ago
         Mint a new one; a page fetches its next token before the last one
         expires. If this one is new, the clock where it was minted is slow, or
         local time was taken for UTC.

  31105  invalid client name: "\x1b[2J\nVerdict": use 1 to 256 ASCII letters, digits or '_'
         With others, calls were seen to fail, or to go nowhere in silence.

  31001  invalid application SID: "\x1b[2J": use AP, then 1 to 32 ASCII letters or digits
         Take the SID of a TwiML application of the account.

  20103  it is not of the account of the credentials, AC0123456789abcdef0123456789abcdef
         Use the credentials of the account that the token is for.

  20103  it is not of the API key of the credentials, SK0123456789abcdef0123456789abcdef
         Use the API key that the token is signed with.

  20107  its signature is wrong
         It was signed with another API key secret (of another API key, or the
         auth token), or was changed since.
`},
	} {
		at2000(t, test.name, func(t *testing.T) {
			for _, given := range [][]string{{"", test.token}, {" " + test.token + "\r\n"}} {
				status, stdout, stderr := captoken(t, test.env, given[0], append([]string{"inspect"}, given[1:]...)...)
				assert.Equal(t, test.status, status)
				assert.Equal(t, test.want[1:], stdout)
				assert.Empty(t, stderr)
			}
		})
	}
}

func TestInspectJSON(t *testing.T) {
	at2000(t, "usable", func(t *testing.T) {
		_, token, _ := captoken(t, live, "", "mint", "-incoming", "tommy", "-outgoing", "AP1", "-param", "a=<\u202e\x7f>", "-events", "-filter", "b=c", "-claim", "d=\U000e0001")
		status, stdout, stderr := captoken(t, live, token, "inspect", "-json")
		assert.Equal(t, 0, status)
		assert.Empty(t, stderr)
		assert.Equal(t, `{"kind":"capability token","usable":true,"signature":"valid","accountSid":"AC0123456789abcdef0123456789abcdef","scopes":[`+
			`{"service":"client","privilege":"incoming","params":{"clientName":["tommy"]}},`+
			`{"service":"client","privilege":"outgoing","params":{"appSid":["AP1"],"clientName":["tommy"]},"applicationParams":{"a":["<\u202e\u007f>"]}},`+
			`{"service":"stream","privilege":"subscribe","params":{"path":["/2010-04-01/Events"]},"filters":{"b":["c"]}}],`+
			`"notBefore":"2000-01-01T00:00:00Z","expiresAt":"2000-01-01T01:00:00Z","claims":{"d":"\udb40\udc01"},"problems":[],"notes":[]}`+"\n", stdout)
	})
	at2000(t, "Access Token", func(t *testing.T) {
		_, token, _ := captoken(t, liveAccess, "", "mint", "-access", "-incoming", "tommy", "-outgoing", "AP1", "-param", "a=<&>")
		status, stdout, stderr := captoken(t, liveAccess, token, "inspect", "-json")
		assert.Equal(t, 0, status)
		assert.Empty(t, stderr)
		assert.Equal(t, `{"kind":"Access Token","usable":true,"signature":"valid","accountSid":"AC0123456789abcdef0123456789abcdef",`+
			`"apiKeySid":"SK0123456789abcdef0123456789abcdef","identity":"tommy","scopes":[`+
			`{"service":"client","privilege":"incoming","params":{"clientName":["tommy"]}},`+
			`{"service":"client","privilege":"outgoing","params":{"appSid":["AP1"],"clientName":["tommy"]},"applicationParams":{"a":["<&>"]}}],`+
			`"notBefore":"2000-01-01T00:00:00Z","expiresAt":"2000-01-01T01:00:00Z",`+
			`"claims":{"jti":"SK0123456789abcdef0123456789abcdef-946684800"},"problems":[],"notes":[]}`+"\n", stdout)
	})
	at2000(t, "not usable", func(t *testing.T) {
		status, stdout, _ := captoken(t, nil, "x", "inspect", "-json")
		assert.Equal(t, 1, status)
		assert.Equal(t, `{"usable":false,"signature":"notChecked","scopes":[],"claims":{},"problems":[{"twilioError":31204,`+
			`"message":"a token has 3 parts with dots between, and this has 1","advice":"It was changed or cut,`+
			` or there is something around it: quotes, JSON, line breaks, a word such as Bearer."}],"notes":[]}`+"\n", stdout)
	})
}

// claims are those of a good token, with some of them replaced.
func claims(t *testing.T, changes string) string {
	t.Helper()
	return replaced(t, `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+accountSID+`","exp":946688400}`, changes)
}

// accessClaims are those of a good Access Token.
func accessClaims(t *testing.T, changes string) string {
	t.Helper()
	return replaced(t, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true}}},"iss":"`+apiKeySID+`",`+
		`"sub":"`+accountSID+`","exp":946688400}`, changes)
}

func replaced(t *testing.T, claims, changes string) string {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(claims), &all))
	require.NoError(t, json.Unmarshal([]byte(changes), &all))
	for name, value := range all {
		if value == "absent" {
			delete(all, name)
		}
	}
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return string(text)
}

// inspected runs inspect -json and returns its report, with each problem as
// its error and message.
func inspected(t *testing.T, env map[string]string, token string) (status int, r report, problems []string) {
	t.Helper()
	status, stdout, _ := captoken(t, env, token, "inspect", "-json")
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	for _, p := range r.Problems {
		require.NotEmpty(t, p.Advice)
		problems = append(problems, strconv.Itoa(p.TwilioError)+" "+p.Message)
	}
	return status, r, problems
}

func TestProblems(t *testing.T) {
	good := sign(t, hs256, claims(t, `{}`), authToken)
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	changed := func(changes string) string { return sign(t, hs256, claims(t, changes), authToken) }
	headed := func(header string) string { return sign(t, header, claims(t, `{}`), authToken) }
	for _, test := range []struct {
		name, token, signature string
		want                   []string
	}{
		{"none", good, "valid", nil},
		{"no signature", header + "." + payload, "notChecked", []string{"31204 a token has 3 parts with dots between, and this has 2"}},
		{"quotes", `"` + good + `"`, "notChecked", []string{"31204 its header part is not base64url", "31204 its signature part is not base64url"}},
		{"line break", good[:50] + "\n" + good[50:], "notChecked", []string{"31204 its claims part is not base64url"}},
		{"padding", header + "." + payload + "=." + signature, "notChecked", []string{"31204 its claims part is not base64url"}},
		{"cut", good[:len(good)-1], "notChecked", []string{"31204 its signature part is not base64url"}},
		{"header no JSON", headed(`{"alg":"HS256"`), "notChecked", []string{"31204 its header part is not a JSON object"}},
		{"header null", headed(`null`), "notChecked", []string{"31204 its header part is not a JSON object"}},
		{"claims no object", sign(t, hs256, `[]`, authToken), "notChecked", []string{"31204 its claims part is not a JSON object"}},
		{"claims empty", header + ".." + signature, "notChecked", []string{"31204 its claims part is not a JSON object"}},
		{"alg none", headed(`{"alg":"none"}`), "notChecked", []string{`31204 its algorithm is "none", not "HS256"`}},
		{"alg RS256", headed(`{"alg":"RS256"}`), "notChecked", []string{`31204 its algorithm is "RS256", not "HS256"`}},
		{"alg no string", headed(`{"alg":["HS256"]}`), "notChecked", []string{`31204 its algorithm is ["HS256"], not "HS256"`}},
		{"alg absent", headed(`{}`), "notChecked", []string{`31204 its algorithm is null, not "HS256"`}},
		{"header extension", headed(`{"alg":"HS256","crit":["b64"],"b64":false}`), "valid", []string{`31204 its header has "b64"`, `31204 its header has "crit"`}},
		{"scope and grants", changed(`{"grants":{}}`), "valid", nil},
		{"no exp", changed(`{"exp":"absent"}`), "valid", []string{"31204 it has no exp, the time when it expires"}},
		{"exp null", changed(`{"exp":null}`), "valid", []string{"31204 its exp is null, not a number of whole seconds since 1970"}},
		{"exp quoted", changed(`{"exp":"946688400"}`), "valid", []string{`31204 its exp is "946688400", not a number of whole seconds since 1970`}},
		{"exp fraction", changed(`{"exp":946688400.629}`), "valid", []string{`31204 its exp is 946688400.629, not a number of whole seconds since 1970`}},
		{"exp negative", changed(`{"exp":-1}`), "valid", []string{`31204 its exp is -1, not a number of whole seconds since 1970`}},
		{"exp milliseconds", changed(`{"exp":946688400000}`), "valid", []string{`20157 its exp is 946688400000, not a number of whole seconds since 1970`}},
		{"exp huge", changed(`{"exp":1e300}`), "valid", []string{`20157 its exp is 1e+300, not a number of whole seconds since 1970`}},
		{"exp now", changed(`{"exp":946684800}`), "valid", []string{`31205 it expired 0s ago`}},
		{"exp 1970", changed(`{"exp":0}`), "valid", []string{`31205 it expired 10957 days ago`}},
		{"exp in 24h and 1s", changed(`{"exp":946771201}`), "valid", []string{`31207 it lives longer than 24h: it expires in 24h1s`}},
		{"nbf later", changed(`{"nbf":946685105}`), "valid", []string{`31204 it is not valid yet, but in 5m5s`}},
		{"nbf milliseconds", changed(`{"nbf":946684800000}`), "valid", []string{`31204 its nbf is 946684800000, not a number of whole seconds since 1970`}},
		{"nbf null", changed(`{"nbf":null}`), "valid", []string{`31204 its nbf is null, not a number of whole seconds since 1970`}},
		{"iat odd", changed(`{"iat":"now"}`), "valid", nil},
		{"no iss", changed(`{"iss":"absent"}`), "valid", []string{`31203 it has no iss, the account that it is of`}},
		{"iss no string", changed(`{"iss":7}`), "valid", []string{`31203 it has no iss, the account that it is of`}},
		{"iss API key", changed(`{"iss":"SK1"}`), "valid", []string{`31203 invalid account SID: "SK1": use AC, then 1 to 32 ASCII letters or digits`}},
		{"iss of another", changed(`{"iss":"AC1"}`), "valid", []string{`31203 it is not of the account of the credentials, ` + accountSID}},
		{"no scope", changed(`{"scope":"absent"}`), "valid", []string{`31204 it has no scope, so it grants nothing`}},
		{"scope empty", changed(`{"scope":""}`), "valid", []string{`31204 it has no scope, so it grants nothing`}},
		{"scope no string", changed(`{"scope":["scope:client:incoming"]}`), "valid", []string{`31204 it has no scope, so it grants nothing`}},
		{"space in name", changed(`{"scope":"scope:client:incoming?clientName=a b"}`), "valid", []string{
			`31204 invalid scope: "b": want scope:<service>:<privilege>?<params>`}},
		{"bad params", changed(`{"scope":"scope:client:outgoing?appSid=AP1&appParams=%25zz"}`), "valid", []string{
			`31204 appParams of client:outgoing: invalid URL escape "%zz"`}},
		{"bad filters", changed(`{"scope":"scope:stream:subscribe?params=%25zz"}`), "valid", []string{
			`31204 params of stream:subscribe: invalid URL escape "%zz"`}},
		{"no client name", changed(`{"scope":"scope:client:incoming"}`), "valid", []string{
			`31105 invalid client name: "": use 1 to 256 ASCII letters, digits or '_'`}},
		{"client names", changed(`{"scope":"scope:client:incoming?clientName=a%40b scope:client:outgoing?appSid=AP1&clientName=a-b"}`), "valid", []string{
			`31105 invalid client name: "a@b": use 1 to 256 ASCII letters, digits or '_'`,
			`31105 invalid client name: "a-b": use 1 to 256 ASCII letters, digits or '_'`}},
		{"client name twice", changed(`{"scope":"scope:client:incoming?clientName=a-b scope:client:outgoing?appSid=AP1&clientName=a-b"}`), "valid", []string{
			`31105 invalid client name: "a-b": use 1 to 256 ASCII letters, digits or '_'`}},
		{"application", changed(`{"scope":"scope:client:outgoing?appSid=CN1"}`), "valid", []string{
			`31001 invalid application SID: "CN1": use AP, then 1 to 32 ASCII letters or digits`}},
		{"several", changed(`{"exp":1,"nbf":1e12,"iss":null,"scope":"x"}`), "valid", []string{
			`31204 its nbf is 1000000000000, not a number of whole seconds since 1970`,
			`31205 it expired 10956 days ago`,
			`31203 it has no iss, the account that it is of`,
			`31204 invalid scope: "x": want scope:<service>:<privilege>?<params>`}},
	} {
		at2000(t, test.name, func(t *testing.T) {
			status, r, problems := inspected(t, live, test.token)
			assert.Equal(t, test.want, problems)
			assert.Equal(t, test.signature, r.Signature)
			assert.Equal(t, len(test.want) == 0, r.Usable)
			assert.Equal(t, len(test.want) == 0, status == 0)
		})
	}
}

func TestAccessProblems(t *testing.T) {
	good := sign(t, access, accessClaims(t, `{}`), apiKeySecret)
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	changed := func(changes string) string { return sign(t, access, accessClaims(t, changes), apiKeySecret) }
	granted := func(grants string) string { return changed(`{"grants":` + grants + `}`) }
	headed := func(header string) string { return sign(t, header, accessClaims(t, `{}`), apiKeySecret) }
	for _, test := range []struct {
		name, token, signature string
		want                   []string
	}{
		{"none", good, "valid", nil},
		{"cut", good[:len(good)-1], "notChecked", []string{"20101 its signature part is not base64url"}},
		{"padding", header + "." + payload + "=." + signature, "notChecked", []string{"20101 its claims part is not base64url"}},
		{"claims no object", sign(t, access, `[]`, apiKeySecret), "notChecked", []string{"20101 its claims part is not a JSON object"}},
		{"alg none", headed(`{"alg":"none","cty":"twilio-fpa;v=1"}`), "notChecked", []string{`20102 its algorithm is "none", not "HS256"`}},
		{"no cty", headed(hs256), "valid", []string{`20102 its cty is null, not "twilio-fpa;v=1"`}},
		{"other cty", headed(`{"alg":"HS256","cty":"twilio-fpa;v=2"}`), "valid", []string{`20102 its cty is "twilio-fpa;v=2", not "twilio-fpa;v=1"`}},
		{"header extension", headed(`{"alg":"HS256","cty":"twilio-fpa;v=1","kid":"x"}`), "valid", []string{`20102 its header has "kid"`}},
		{"no exp", changed(`{"exp":"absent"}`), "valid", []string{"20104 it has no exp, the time when it expires"}},
		{"exp quoted", changed(`{"exp":"946688400"}`), "valid", []string{`20104 its exp is "946688400", not a number of whole seconds since 1970`}},
		{"exp milliseconds", changed(`{"exp":946688400000}`), "valid", []string{`20157 its exp is 946688400000, not a number of whole seconds since 1970`}},
		{"exp now", changed(`{"exp":946684800}`), "valid", []string{`20104 it expired 0s ago`}},
		{"exp in 24h and 1s", changed(`{"exp":946771201}`), "valid", []string{`20157 it lives longer than 24h: it expires in 24h1s`}},
		{"nbf later", changed(`{"nbf":946685105}`), "valid", []string{`20105 it is not valid yet, but in 5m5s`}},
		{"nbf null", changed(`{"nbf":null}`), "valid", []string{`20105 its nbf is null, not a number of whole seconds since 1970`}},
		{"no iss, no sub", changed(`{"iss":"absent","sub":7}`), "valid", []string{
			`20103 it has no iss, the API key that it is signed with`, `20103 it has no sub, the account that it is of`}},
		{"changed places", changed(`{"iss":"AC1","sub":"SK1"}`), "valid", []string{
			`20103 invalid API key: SID "AC1": use SK, then 1 to 32 ASCII letters or digits`,
			`20103 invalid account SID: "SK1": use AC, then 1 to 32 ASCII letters or digits`}},
		{"of others", changed(`{"iss":"SK1","sub":"AC1"}`), "valid", []string{
			`20103 it is not of the account of the credentials, ` + accountSID, `20103 it is not of the API key of the credentials, ` + apiKeySID}},
		{"no grants", changed(`{"grants":"absent"}`), "valid", []string{`20106 it grants nothing`}},
		{"grants no object", granted(`7`), "valid", []string{`20106 its grants is 7, which Twilio's own libraries do not write there`, `20106 it grants nothing`}},
		{"identity alone", granted(`{"identity":"tommy"}`), "valid", []string{`20106 it grants nothing`}},
		{"voice empty", granted(`{"identity":"tommy","voice":{"incoming":{"allow":false}}}`), "valid", []string{`20106 it grants nothing`}},
		{"no identity", granted(`{"voice":{"incoming":{"allow":true}}}`), "valid", []string{`20106 it has a voice grant, but no identity`}},
		{"identity no string", granted(`{"identity":7,"voice":{}}`), "valid", []string{
			`20106 its identity is 7, which Twilio's own libraries do not write there`, `20106 it has a voice grant, but no identity`}},
		{"identity", granted(`{"identity":"a-b","voice":{"incoming":{"allow":true},"outgoing":{"application_sid":"AP1"}}}`), "valid", []string{
			`31105 invalid client name: "a-b": use 1 to 256 ASCII letters, digits or '_'`}},
		{"application", granted(`{"identity":"tommy","voice":{"outgoing":{}}}`), "valid", []string{
			`31001 invalid application SID: "": use AP, then 1 to 32 ASCII letters or digits`}},
		{"voice no object", granted(`{"identity":"tommy","voice":true}`), "valid", []string{`20106 its voice is true, which Twilio's own libraries do not write there`}},
		{"voice of other types", granted(`{"identity":"tommy","voice":{"incoming":{"allow":"true"},"outgoing":{"application_sid":"AP1","params":"a=b"}}}`),
			"valid", []string{`20106 its allow is "true", which Twilio's own libraries do not write there`, `20106 its params is "a=b", which Twilio's own libraries do not write there`}},
	} {
		at2000(t, test.name, func(t *testing.T) {
			status, r, problems := inspected(t, liveAccess, test.token)
			assert.Equal(t, test.want, problems)
			assert.Equal(t, test.signature, r.Signature)
			assert.Equal(t, len(test.want) == 0, r.Usable)
			assert.Equal(t, len(test.want) == 0, status == 0)
		})
	}
}

func TestNotes(t *testing.T) {
	for scopes, want := range map[string][]finding{
		"scope:client:outgoing?appSid=AP1": {},
		"scope:a:b scope:a:b scope:a:c": {{0, "it has more than one scope a:b",
			"A device reads one of a kind. If they differ, mint a token for each."}},
		"scope:client:incoming?clientName=a scope:client:outgoing?appSid=AP1&clientName=b": {{0,
			"it receives calls as a, but does not call out as a",
			"The application sees another caller, or an anonymous one: Twilio's Node, Ruby and Java libraries leave the name out."}},
	} {
		at2000(t, scopes, func(t *testing.T) {
			token := sign(t, hs256, claims(t, `{"scope":"`+scopes+`"}`), authToken)
			status, r, _ := inspected(t, live, token)
			assert.Equal(t, 0, status)
			assert.Equal(t, want, r.Notes)
		})
	}
}

func TestWrongKey(t *testing.T) {
	for key, want := range map[string]string{
		"":                 "It was signed with an empty auth token",
		authToken + "\n":   "It was signed with the auth token and a newline",
		authToken + "\r\n": "It was signed with the auth token and a newline",
		"another":          "It was signed with another auth token",
	} {
		at2000(t, want, func(t *testing.T) {
			status, r, problems := inspected(t, live, sign(t, hs256, claims(t, `{}`), key))
			assert.Equal(t, 1, status)
			assert.Equal(t, "wrong", r.Signature)
			code := "31202"
			if strings.HasSuffix(key, "\n") {
				code = "31204"
			}
			assert.Equal(t, []string{code + " its signature is wrong"}, problems)
			assert.Contains(t, r.Problems[0].Advice, want)
		})
	}
	for key, want := range map[string]string{
		"":                  "It was signed with an empty API key secret",
		apiKeySecret + "\n": "It was signed with the API key secret and a newline",
		authToken:           "It was signed with another API key secret (of another API key, or the auth token)",
	} {
		at2000(t, want, func(t *testing.T) {
			_, r, problems := inspected(t, liveAccess, sign(t, access, accessClaims(t, `{}`), key))
			assert.Equal(t, []string{"20107 its signature is wrong"}, problems)
			assert.Contains(t, r.Problems[0].Advice, want)
		})
	}
}

func TestOneCredentialIsNotEnoughToCheck(t *testing.T) {
	token := sign(t, hs256, claims(t, `{}`), authToken)
	at2000(t, "no auth token", func(t *testing.T) {
		_, stdout, _ := captoken(t, map[string]string{"TWILIO_ACCOUNT_SID": accountSID}, token, "inspect")
		assert.Contains(t, stdout, "Verdict     usable, but signature not checked: set TWILIO_AUTH_TOKEN\n")
	})
	at2000(t, "no account SID", func(t *testing.T) {
		_, stdout, _ := captoken(t, map[string]string{"TWILIO_AUTH_TOKEN": authToken}, token, "inspect")
		assert.Contains(t, stdout, "Verdict     usable, but signature not checked: set TWILIO_ACCOUNT_SID\n")
	})
	accessToken := sign(t, access, accessClaims(t, `{}`), apiKeySecret)
	for name := range liveAccess {
		at2000(t, name, func(t *testing.T) {
			_, stdout, _ := captoken(t, without(liveAccess, name), accessToken, "inspect")
			assert.Contains(t, stdout, "Verdict     usable, but signature not checked: set "+name+"\n")
		})
	}
}

// Each kind of token is checked with its own credentials, whatever the others are.
func TestOtherCredentialsDoNotMatter(t *testing.T) {
	for name, test := range map[string]struct {
		env   map[string]string
		token string
	}{
		"auth token": {map[string]string{"TWILIO_AUTH_TOKEN": "a b"}, sign(t, access, accessClaims(t, `{}`), apiKeySecret)},
		"API key":    {map[string]string{"TWILIO_API_KEY_SID": "x", "TWILIO_API_KEY_SECRET": "a b"}, sign(t, hs256, claims(t, `{}`), authToken)},
		"changed places": {map[string]string{"TWILIO_API_KEY_SID": apiKeySecret, "TWILIO_API_KEY_SECRET": apiKeySID},
			sign(t, hs256, claims(t, `{"x":"`+apiKeySID+`"}`), authToken)},
	} {
		at2000(t, name, func(t *testing.T) {
			env := maps.Clone(live)
			maps.Copy(env, liveAccess)
			maps.Copy(env, test.env)
			status, r, _ := inspected(t, env, test.token)
			assert.Equal(t, 0, status)
			assert.Equal(t, "valid", r.Signature)
		})
	}
}

func TestSecretInATokenIsNotShown(t *testing.T) {
	for _, env := range []map[string]string{live, without(live, "TWILIO_ACCOUNT_SID"), liveAccess} {
		name, secret := "TWILIO_AUTH_TOKEN", authToken
		if env["TWILIO_AUTH_TOKEN"] == "" {
			name, secret = "TWILIO_API_KEY_SECRET", apiKeySecret
		}
		escaped := func(format string) string { return fmt.Sprintf(format, secret[0]) + secret[1:] }
		for _, token := range []string{
			sign(t, hs256, claims(t, `{"iss":"`+secret+`"}`), accountSID), // the credentials have changed places
			sign(t, hs256, claims(t, `{"x":[{"y":"`+escaped(`\u%04x`)+`"}]}`), authToken),
			sign(t, hs256, claims(t, `{"scope":"scope:a:b?c=`+escaped("%%%02x")+`"}`), authToken),
			sign(t, `{"alg":"`+secret+`"}`, claims(t, `{}`), authToken),
			sign(t, access, accessClaims(t, `{"iss":"`+secret+`"}`), apiKeySID),
			sign(t, access, accessClaims(t, `{"grants":{"identity":"`+escaped(`\u%04x`)+`"}}`), apiKeySecret),
			sign(t, `{"cty":"`+secret+`"}`, accessClaims(t, `{}`), apiKeySecret),
		} {
			for _, args := range [][]string{{"inspect"}, {"inspect", "-json"}, {"inspect", "-demo"}} {
				status, stdout, stderr := captoken(t, env, token, args...)
				assert.Equal(t, 1, status)
				assert.Contains(t, stdout, "it holds the value of "+name+", so nothing of it is shown")
				assert.NotContains(t, stdout+stderr, secret[1:])
			}
		}
	}
}

// However the values of the variables have changed places, no secret is printed.
func TestMixedUpCredentialsAreNotShown(t *testing.T) {
	names := slices.Sorted(maps.Keys(liveAccess))
	for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		env := map[string]string{}
		for i, name := range names {
			env[name] = liveAccess[names[order[i]]] + "\n"
		}
		for _, args := range [][]string{{"mint", "-access", "-incoming", "tommy"}, {"inspect", sign(t, access, `{}`, "x")}} {
			status, stdout, stderr := captoken(t, env, "", args...)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			assert.NotContains(t, stderr, apiKeySecret)
		}
	}
}

// What Twilio's own libraries write is understood: each signature is found
// valid, a token is usable only if [capability.Verify] says so too, and then
// both read the same parameters.
func TestInspectLibraries(t *testing.T) {
	files, err := filepath.Glob("../../testdata/libraries/*.jsonl")
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, file := range files {
		at2000(t, filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			usable := 0
			lines := bufio.NewScanner(f)
			for lines.Scan() {
				var vector struct{ ID, AccountSid, AuthToken, JWT string }
				require.NoError(t, json.Unmarshal(lines.Bytes(), &vector))
				if vector.JWT == "" {
					continue // the library threw, or has no such call
				}
				env := map[string]string{"TWILIO_ACCOUNT_SID": vector.AccountSid, "TWILIO_AUTH_TOKEN": vector.AuthToken}
				status, r, _ := inspected(t, env, vector.JWT)
				assert.Equal(t, "valid", r.Signature, vector.ID)
				if status != 0 {
					continue
				}
				usable++
				claims, err := capability.Verify(vector.JWT, vector.AccountSid, vector.AuthToken)
				require.NoError(t, err, vector.ID)
				require.Len(t, r.Scopes, len(claims.Scopes), vector.ID)
				if i := slices.IndexFunc(r.Scopes, func(s scope) bool { return s.kind() == outgoing }); i >= 0 {
					_, params, _ := claims.Outgoing()
					assert.Equal(t, params, r.Scopes[i].ApplicationParams, vector.ID)
				}
				for _, s := range r.Scopes {
					assert.NotContains(t, s.Params, "appParams", vector.ID)
					assert.NotContains(t, s.Params, "params", vector.ID)
				}
			}
			require.NoError(t, lines.Err())
			assert.Greater(t, usable, 100) // the others have client names and TTLs that Twilio would refuse
		})
	}
}

// The README's first command.
func TestPipe(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "captoken")
	output, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)

	mint := exec.Command(binary, "mint", "-demo", "-incoming", "tommy", "-outgoing", "AP123123", "-ttl", "10m")
	token, err := mint.Output()
	require.NoError(t, err)
	inspect := exec.Command(binary, "inspect", "-demo")
	inspect.Stdin = bytes.NewReader(token)
	report, err := inspect.Output()
	require.NoError(t, err)
	assert.Contains(t, string(report), "Incoming    receives calls for client tommy\n"+
		"Outgoing    calls out through application AP123123 as client tommy\n")
	assert.Contains(t, string(report), "usable, signature valid\n")

	var exit *exec.ExitError
	require.ErrorAs(t, exec.Command(binary, "inspect", string(token[1:])).Run(), &exit)
	assert.Equal(t, 1, exit.ExitCode())
}

func FuzzInspect(f *testing.F) {
	for _, seed := range []string{
		"", ".", "a.b.c", "null", "[]",
		`{"scope":"scope:client:incoming?clientName=tommy","iss":"ACXXXXXXXXXXXXXXX","exp":4102444800}`,
		`{"scope":"scope:client:outgoing?appSid=AP1&appParams=a%3Db&clientName=\u001b%9b","iss":"\u202e","exp":1e400}`,
		`{"scope":"scope:stream:subscribe?params=%3B&path=%2F x","iss":7,"exp":"1","nbf":-1,"iat":1e11,"\u0007":{"\ud800":["\u200b\u007f"]}}`,
		`{"jti":"SK0-1","grants":{"voice":{"incoming":{"allow":true},"outgoing":{"application_sid":"AP1","params":{"a":["b",7]}}},"identity":"tommy"},` +
			`"iss":"SKXXXXXXXXXXXXXXX","exp":946688400,"nbf":946684800,"sub":"ACXXXXXXXXXXXXXXX"}`,
		`{"grants":{"voice":{"incoming":[],"outgoing":{"application_sid":7,"params":null}},"identity":"\u001b"},"iss":"\u202e","sub":{}}`,
		"{\"\xff\x1b[2J\":\"\u2066\xc2\x85\"}",
	} {
		f.Add(seed, seed)
		f.Add(hs256, seed)
		f.Add(access, seed)
	}
	f.Fuzz(func(t *testing.T, header, claims string) {
		signed := sign(t, header, claims, demo[authTokenVar])
		signedAccess := sign(t, header, claims, demo[apiKeySecretVar])
		for _, token := range []string{header, claims, header + "." + claims + ".", signed, signedAccess} {
			for _, args := range [][]string{{"inspect"}, {"inspect", "-demo"}, {"inspect", "-demo", "-json"}} {
				status, stdout, _ := captoken(t, nil, token, args...)
				if status == 0 && len(args) > 1 {
					assert.NoError(t, verify(token))
				}
				if status < 2 && len(args) == 3 {
					assert.True(t, json.Valid([]byte(stdout)))
				}
			}
		}
	})
}

// verify checks a token of either kind with other code than captoken's.
func verify(token string) error {
	_, capabilityErr := capability.Verify(token, demo[accountSIDVar], demo[authTokenVar])
	_, accessErr := jwt.Parse(token, func(*jwt.Token) (any, error) { return []byte(demo[apiKeySecretVar]), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithIssuer(demo[apiKeySIDVar]), jwt.WithSubject(demo[accountSIDVar]))
	if capabilityErr == nil || accessErr == nil {
		return nil
	}
	return errors.Join(capabilityErr, accessErr)
}
