package main

import (
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
	"regexp"
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
	"github.com/seed-6c737938/capability/internal/jws"
	"github.com/seed-6c737938/capability/internal/rule"
)

const (
	accountSID   = "AC0123456789abcdef0123456789abcdef"
	authToken    = "fedcba9876543210fedcba9876543210"
	apiKeySID    = "SK0123456789abcdef0123456789abcdef"
	apiKeySecret = "Zyxwvutsrqponmlkjihgfedcba987654"

	hs256  = `{"alg":"HS256","typ":"JWT"}`
	access = `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT"}`
)

// A machine that mints Access Tokens need not hold the auth token.
var (
	live       = map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_AUTH_TOKEN": authToken}
	liveAccess = map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_API_KEY": apiKeySID, "TWILIO_API_SECRET": apiKeySecret}
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

func sign(t *testing.T, header, claims, key string) string {
	t.Helper()
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
	signature, err := jwt.SigningMethodHS256.Sign(signed, []byte(key))
	require.NoError(t, err)
	return signed + "." + enc.EncodeToString(signature)
}

// What mint prints is what the package mints for the same calls.
func TestMint(t *testing.T) {
	type token = *capability.CapabilityToken
	unusedAuthToken := maps.Clone(liveAccess)
	unusedAuthToken["TWILIO_AUTH_TOKEN"] = "with a space"
	for _, test := range []struct {
		args string
		env  map[string]string
		want func() token
	}{
		{"-incoming tommy", live, func() token { return capability.New(accountSID, authToken).AllowClientIncoming("tommy") }},
		{"-incoming=tommy -incoming tommy -ttl 24h", live, func() token {
			return capability.New(accountSID, authToken).AllowClientIncoming("tommy").SetTTL(24 * time.Hour)
		}},
		{"-outgoing AP123123 -name tommy -param a=b=c -param a= -param z=ü%", live, func() token {
			return capability.New(accountSID, authToken).SetClientName("tommy").
				AllowClientOutgoing("AP123123", url.Values{"a": {"b=c", ""}, "z": {"ü%"}})
		}},
		{"-incoming tommy -outgoing AP123123 -name tommy", live, func() token {
			return capability.New(accountSID, authToken).AllowClientIncoming("tommy").AllowClientOutgoing("AP123123")
		}},
		{"-events", live, func() token { return capability.New(accountSID, authToken).AllowEventStream() }},
		{"-events -filter To=x -claim b=1 -claim a=2=3", live, func() token {
			return capability.New(accountSID, authToken).AllowEventStream(url.Values{"To": {"x"}}).SetClaim("a", "2=3").SetClaim("b", "1")
		}},
		{"-access -outgoing AP123123 -name tommy -param a=b -param a=c -claim tenant=1 -ttl 5s -region ie1 -push-credential CR123", liveAccess, func() token {
			return capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).SetClientName("tommy").SetTTL(5*time.Second).SetClaim("tenant", "1").
				AllowClientOutgoing("AP123123", url.Values{"a": {"b", "c"}}).SetRegion("ie1").SetPushCredential("CR123")
		}},
		{"-access -incoming tommy", unusedAuthToken, func() token {
			return capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).AllowClientIncoming("tommy")
		}},
		{"-unsafe-names -incoming a@b.example", live, func() token {
			return capability.New(accountSID, authToken).AllowUnsafeClientNames().AllowClientIncoming("a@b.example")
		}},
		{"-demo -incoming tommy", live, func() token {
			return capability.New("ACdemo", "demo_auth_token_0").AllowClientIncoming("tommy")
		}},
		{"-demo -access -incoming tommy", nil, func() token {
			return capability.NewWithAPIKey("ACdemo", "SKdemo", "demo_api_key_secret").AllowClientIncoming("tommy")
		}},
	} {
		t.Run(test.args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jwt, err := test.want().ToJWT()
				require.NoError(t, err)
				status, stdout, stderr := captoken(t, test.env, "", append([]string{"mint"}, strings.Fields(test.args)...)...)
				assert.Equal(t, 0, status)
				assert.Equal(t, jwt+"\n", stdout)
				warning := ""
				if strings.Contains(test.args, "-demo") {
					warning = "captoken mint: signed with built-in example credentials, which Twilio does not accept\n"
				}
				assert.Equal(t, warning, stderr)
			})
		})
	}
}

// All mistakes are reported at once. Those that the package finds are compared
// up to the value that is wrong.
func TestMistakes(t *testing.T) {
	const (
		tooMany = "too many arguments: put flags first"
		noDemo  = ", or use -demo to try without"
	)
	long := strings.Repeat("x", 30_000)
	swapped := map[string]string{"TWILIO_ACCOUNT_SID": authToken, "TWILIO_AUTH_TOKEN": accountSID}
	newline := map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_AUTH_TOKEN": authToken + "\n"}
	quoted := map[string]string{"TWILIO_ACCOUNT_SID": "'" + accountSID + "'", "TWILIO_AUTH_TOKEN": authToken}
	badKey := map[string]string{"TWILIO_ACCOUNT_SID": "x", "TWILIO_API_KEY": accountSID, "TWILIO_API_SECRET": apiKeySecret + "\n"}
	for _, test := range []struct {
		args string // fields, with "·" for a space
		env  map[string]string
		want []string
	}{
		{"brew", nil, []string{`unknown command "brew": use inspect, explain or mint`}},

		// Credentials.
		{"mint -incoming tommy", nil, []string{"set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN" + noDemo}},
		{"mint -incoming tommy", without(live, "TWILIO_AUTH_TOKEN"), []string{"set TWILIO_AUTH_TOKEN" + noDemo}},
		{"mint -incoming a·b", without(live, "TWILIO_ACCOUNT_SID"), []string{"set TWILIO_ACCOUNT_SID" + noDemo, `invalid client name: "a b"`}},
		{"mint -incoming tommy", newline, []string{"invalid auth token: "}},
		{"mint -incoming tommy", quoted, []string{`invalid account SID: "'` + accountSID}},
		{"mint -incoming tommy", swapped, []string{"invalid account SID: (not shown", "invalid auth token: it is an SID"}},
		{"mint -access -incoming a·b", live, []string{"set TWILIO_API_KEY and TWILIO_API_SECRET" + noDemo, `invalid client name: "a b"`}},
		{"mint -access -incoming tommy", without(liveAccess, "TWILIO_API_SECRET"), []string{"set TWILIO_API_SECRET" + noDemo}},
		{"mint -access -incoming a·b", badKey, []string{`invalid account SID: "x"`, `invalid API key: "` + accountSID + `"`,
			"invalid API key: it contains white space", `invalid client name: "a b"`}},

		// Values that were never filled in, or are wrong, are shown.
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": "your_account_sid", "TWILIO_AUTH_TOKEN": authToken}, []string{
			`TWILIO_ACCOUNT_SID is "your_account_sid", a placeholder: set your own` + noDemo}},
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "TWILIO_AUTH_TOKEN": "your_auth_token_here"}, []string{
			`TWILIO_ACCOUNT_SID is "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", a placeholder: set your own` + noDemo,
			`TWILIO_AUTH_TOKEN is "your_auth_token_here", a placeholder: set your own` + noDemo}},
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": "<your-twilio-account-sid>", "TWILIO_AUTH_TOKEN": authToken}, []string{
			`TWILIO_ACCOUNT_SID is "<your-twilio-account-sid>", a placeholder: set your own` + noDemo}},
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": strings.ToLower(accountSID), "TWILIO_AUTH_TOKEN": authToken}, []string{
			`invalid account SID: "` + strings.ToLower(accountSID) + `": use AC and 1 to 32 ASCII letters or digits`}},
		{"mint -access -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_API_KEY": strings.ToLower(apiKeySID), "TWILIO_API_SECRET": apiKeySecret}, []string{
			`invalid API key: "` + strings.ToLower(apiKeySID) + `": use SK and 1 to 32 ASCII letters or digits`}},
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": accountSID[:33] + "g", "TWILIO_AUTH_TOKEN": authToken}, []string{
			`TWILIO_ACCOUNT_SID is "` + accountSID[:33] + `g": it has a character that is not a hexadecimal digit: copy it again`}},
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": "sid:" + accountSID, "TWILIO_AUTH_TOKEN": authToken}, []string{
			`invalid account SID: "sid:` + accountSID + `": use AC and 1 to 32 ASCII letters or digits`}},
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": "the sid of the account", "TWILIO_AUTH_TOKEN": "undefined"}, []string{
			`TWILIO_AUTH_TOKEN is "undefined", a placeholder: set your own` + noDemo}},
		{"mint -incoming tommy", map[string]string{"TWILIO_ACCOUNT_SID": accountSID[:33], "TWILIO_AUTH_TOKEN": authToken}, []string{
			`TWILIO_ACCOUNT_SID is "` + accountSID[:33] + `": it has 33 characters, and Twilio's have 34: copy it again`}},

		// Flags.
		{"mint -auth-token x", live, []string{"flag provided but not defined: -auth-token"}},
		{"mint -api-secret x", liveAccess, []string{"flag provided but not defined: -api-secret"}},
		{"mint -\x1b[2J\u202e\xff", live, []string{"flag provided but not defined: -" + `\u001b[2J\u202e` + "\ufffd"}},
		{"mint -incoming", live, []string{"flag needs an argument: -incoming"}},
		{"mint -demo=x", live, []string{`invalid boolean value "x" for -demo: parse error`}},
		{"mint -incoming New York", live, []string{tooMany}},
		{"mint " + authToken, live, []string{tooMany}},
		{"mint -access " + apiKeySecret, liveAccess, []string{tooMany}},
		{"mint -ttl 10m", live, []string{"nothing is granted: use -incoming, -outgoing or -events"}},
		{"mint -param a=b -name tommy -filter a=b", live, []string{
			"nothing is granted: use -incoming, -outgoing or -events", "-param needs -outgoing", "-name needs -outgoing", "-filter needs -events"}},
		{"mint -incoming= -outgoing= -ttl=", live, []string{
			`-ttl "": use a number and its unit, such as 90s, 10m or 1h30m`, `invalid client name: ""`, `invalid application SID: ""`}},
		{"mint -incoming a\x1b -name a\x1b -outgoing XX1 -param a -param =b -events -filter x -ttl 10 -ttl 25h -claim iss=x -claim c=1 -claim c=2", live, []string{
			`-param "a": use NAME=VALUE`, `-param "=b": use NAME=VALUE`, `-filter "x": use NAME=VALUE`,
			`-ttl "10": use a number and its unit, such as 90s, 10m or 1h30m`, `-ttl 25h0m0s: use 1s to 24h, such as 10m`,
			`-claim "c" is given more than once`, `invalid client name: "a\x1b"`, `invalid application SID: "XX1"`, `invalid claim: name "iss"`}},
		{"mint -access -incoming tommy -ttl 1h -ttl 2h -region ie1 -region au1 -push-credential CR1 -push-credential CR2", liveAccess, []string{
			"-region is given more than once", "-push-credential is given more than once", "-ttl is given more than once"}},
		{"mint -incoming tommy -incoming tina", live, []string{"-incoming is given more than once"}},
		{"mint -outgoing AP1 -outgoing AP2", live, []string{"-outgoing is given more than once"}},
		{"mint -incoming tommy -outgoing AP1 -name tina", live, []string{`-name "tina" is not -incoming "tommy": a device has one client name`}},
		{"mint -incoming client:tommy", live, []string{`invalid client name: "client:tommy": leave out client:, which is not part of the name`}},
		{"mint -outgoing APXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", live, []string{
			`-outgoing is "APXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX": it is a placeholder, never filled in`}},
		{"mint -incoming office-7", live, []string{`invalid client name: "office-7": use 1 to 256 ASCII letters, digits or '_'`}},
		{"mint -access -incoming office-7 -unsafe-names -push-credential CR1", liveAccess, []string{
			`invalid client name: "office-7": with a push credential, which is for mobile SDKs, use 1 to 121`}},
		{"mint -incoming tommy -ttl 600ns", live, []string{"-ttl 600ns: use 1s to 24h, such as 10m"}},
		{"mint -outgoing <your-app-sid> -name tommy -param a=b", live, []string{`-outgoing is "<your-app-sid>": it is a placeholder, never filled in`}},
		{"mint -access -incoming tommy -push-credential CR0123456789abcdef0123456789abcde", liveAccess, []string{
			`-push-credential is "CR0123456789abcdef0123456789abcde": it has 33 characters, and Twilio's have 34: copy it again`}},
		{"mint -incoming tommy -region ie1 -push-credential CR1", live, []string{
			"-region needs -access", "-push-credential needs -access"}},
		{"mint -access -outgoing AP1 -name tommy -events -claim grants=1", liveAccess, []string{
			"-events does not go with -access: an Access Token grants only calls", `invalid claim: name "grants"`}},
		{"mint -access -outgoing AP1", liveAccess, []string{"-access needs a client name: use -incoming or -name"}},
		{"mint -access -incoming tommy -outgoing AP1 -param a=\xff", liveAccess, []string{"invalid scope: "}},
		{"mint -incoming " + authToken, live, []string{"invalid auth token: "}},
		{"mint -outgoing AP1 -param a=" + authToken, live, []string{"invalid auth token: "}},
		{"mint -outgoing AP1 -param " + authToken, live, []string{`-param "(the value of TWILIO_AUTH_TOKEN)": use NAME=VALUE`}},
		{`mint -outgoing AP1 -param 0123456789"ab\cdef`, map[string]string{"TWILIO_ACCOUNT_SID": accountSID, "TWILIO_AUTH_TOKEN": `0123456789"ab\cdef`}, []string{
			`-param "(the value of TWILIO_AUTH_TOKEN)": use NAME=VALUE`}},
		{"mint -access -incoming tommy -claim a=" + apiKeySecret, liveAccess, []string{"invalid API key: "}},

		{"mint -incoming tommy -claim a=" + long + " -claim b=" + long + " -claim c=" + long, live, []string{"token too long: 90015 bytes"}},

		// The other commands.
		{"inspect x -json", nil, []string{tooMany}},
		{"inspect -x", nil, []string{"flag provided but not defined: -x"}},
		{"inspect -raw -json x", nil, []string{"-raw and -json do not go together"}},
		{"inspect -at yesterday x", nil, []string{`-at "yesterday": use a time such as 2026-11-23T09:00:00Z`}},
		{"inspect", nil, []string{"standard input is empty: give a token"}},
		{"inspect ·", nil, []string{"the argument is empty: give a token"}},
		{"inspect " + strings.Repeat("x", 1<<20+1), nil, []string{"the argument is longer than the 1048576 bytes that are searched for tokens"}},
		{"inspect -at 9999-12-31T23:59:59-14:00 x", nil, []string{`-at "9999-12-31T23:59:59-14:00": use a time such as 2026-11-23T09:00:00Z`}},
		{"inspect -at 0000-01-01T00:00:00+14:00 x", nil, []string{`-at "0000-01-01T00:00:00+14:00": use a time such as 2026-11-23T09:00:00Z`}},
		{"explain", nil, []string{"give a code or the text of an error, such as captoken explain 31204"}},
		{"explain ·", nil, []string{"give a code or the text of an error, such as captoken explain 31204"}},
		{"explain 7", nil, []string{"no entry for 7: see https://www.twilio.com/docs/api/errors/7"}},
		{"explain 99998 99999", nil, []string{
			"no entry for 99998: see https://www.twilio.com/docs/api/errors/99998", "no entry for 99999: see https://www.twilio.com/docs/api/errors/99999"}},
		{"explain no such thing", nil, []string{`no Twilio error code or error name in "no such thing": see https://www.twilio.com/docs/api/errors`}},
	} {
		t.Run(test.args[:min(len(test.args), 60)], func(t *testing.T) {
			args := strings.Fields(test.args)
			for i, arg := range args {
				args[i] = strings.ReplaceAll(arg, "·", " ")
			}
			status, stdout, stderr := captoken(t, test.env, "", args...)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			command := "captoken"
			if args[0] != "brew" {
				command += " " + args[0]
			}
			lines := strings.Split(stderr, "\n")
			require.Len(t, lines, len(test.want)+2, stderr)
			for i, want := range test.want {
				assert.True(t, strings.HasPrefix(lines[i], command+": "+want), "want %s\n got %s", want, lines[i])
			}
			assert.Equal(t, command+" -h shows help", lines[len(test.want)])
			assert.NotContains(t, stderr, authToken)
			assert.NotContains(t, stderr, apiKeySecret)
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
	for _, args := range [][]string{{"mint", "-demo", "-events"}, {"inspect", "-demo", "a.b.c"}, {"explain", "31204"}, {"-version"}} {
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
		{[]string{"explain", "-h"}, explainHelp},
	} {
		status, stdout, stderr := captoken(t, nil, "", test.args...)
		assert.Equal(t, 0, status, test.args)
		assert.Equal(t, test.want, stdout, test.args)
		assert.Empty(t, stderr, test.args)
	}
}

func TestSecretInATokenIsNotShown(t *testing.T) {
	const odd = `0123456789"ab\cdef<&`
	for _, env := range []map[string]string{live, without(live, "TWILIO_ACCOUNT_SID"), liveAccess,
		{"TWILIO_AUTH_TOKEN": odd}, {"TWILIO_AUTH_TOKEN": `"` + authToken + "\"\n"}} {
		name, secret := "TWILIO_AUTH_TOKEN", rule.Trim(env["TWILIO_AUTH_TOKEN"])
		if secret == "" {
			name, secret = "TWILIO_API_SECRET", apiKeySecret
		}
		quoted := strings.Trim(jws.Marshal(secret), `"`)
		escaped := func(format string) string { return fmt.Sprintf(format, secret[0]) + quoted[1:] }
		percent := func(times int) string {
			text := secret
			for range times {
				text = "%" + fmt.Sprintf("%02X", text[0]) + url.PathEscape(text[1:])
			}
			return strings.Trim(jws.Marshal(text), `"`)
		}
		for _, token := range []string{
			sign(t, hs256, `{"scope":"scope:a:b","iss":"`+quoted+`"}`, accountSID), // the credentials have changed places
			sign(t, hs256, `{"scope":"scope:a:b","x":[{"y":"`+escaped(`\u%04x`)+`"}]}`, authToken),
			sign(t, hs256, `{"scope":"scope:a:b","x":"`+quoted+`","x":""}`, authToken),
			sign(t, hs256, `{"scope":"scope:a:b","x":"`+escaped(`\u%04x`)+`","x":""}`, authToken),
			sign(t, hs256, `{"scope":"scope:a:b","`+quoted+`":1}`, authToken),
			sign(t, hs256, `{"scope":"scope:a:b","x":"a `+percent(1)+`"}`, authToken),
			sign(t, hs256, `{"scope":"scope:client:outgoing?appSid=AP1&appParams=a%3D`+percent(2)+`"}`, authToken),
			sign(t, hs256, `{"scope":"scope:a:b?c=`+percent(3)+`"}`, authToken),
			sign(t, `{"alg":"`+quoted+`"}`, `{"scope":"scope:a:b"}`, authToken),
			sign(t, access, `{"grants":{},"iss":"`+quoted+`"}`, apiKeySID),
			sign(t, access, `{"grants":{"identity":"`+escaped(`\u%04x`)+`"}}`, apiKeySecret),
			sign(t, `{"cty":"`+quoted+`"}`, `{"grants":{}}`, apiKeySecret),
			sign(t, hs256, `{"user":"`+quoted+`"}`, "x"), // of an unknown service
		} {
			for _, args := range [][]string{{"inspect"}, {"inspect", "-json"}, {"inspect", "-raw"}, {"inspect", "-demo"}} {
				status, stdout, stderr := captoken(t, env, token, args...)
				assert.Equal(t, 1, status)
				assert.Contains(t, strings.ReplaceAll(stdout, "\n       ", " "), "contains the value of "+name+", so nothing of it is shown")
				assert.NotContains(t, stdout+stderr, secret[1:])
				assert.NotContains(t, stdout+stderr, quoted[1:])
			}
		}
	}
}

// Nor is what else was pasted.
func TestSecretInAPasteIsNotShown(t *testing.T) {
	const odd = `0123456789"ab\cdef<&`
	for _, pasted := range []string{"TWILIO_AUTH_TOKEN=" + odd, odd, `{"error":` + jws.Marshal(odd) + `}`, `{"` + url.PathEscape(odd) + `":1}`, `{"token":` + jws.Marshal(strings.Repeat("x", 55)+odd) + `}`} {
		for _, args := range [][]string{{"inspect"}, {"inspect", "-json"}, {"inspect", "-raw"}} {
			_, stdout, stderr := captoken(t, map[string]string{"TWILIO_AUTH_TOKEN": odd}, pasted, args...)
			assert.Contains(t, stdout, "t contains the value of TWILIO_AUTH_TOKEN, so nothing of it is shown")
			assert.NotContains(t, stdout+stderr, odd[:8])
		}
	}
}

// No name or value of a token can pass for a verdict.
func TestVerdictIsNotForged(t *testing.T) {
	const forged = `\nUsable: capability token, signature valid.`
	for n := range 80 { // wherever a line is broken
		padded := strings.Repeat("x", n) + forged
		for _, token := range []string{
			sign(t, access, `{"grants":{"identity":"a","`+padded+`":{}}}`, "x"),
			sign(t, hs256, `{"scope":"scope:a:b","`+padded+`":"`+padded+`","iss":"`+padded+`"}`, "x"),
			sign(t, hs256, `{"scope":"`+padded+`"}`, "x"),
			sign(t, `{"alg":"`+padded+`","`+padded+`":1}`, `{"scope":"scope:a:b","exp":"`+padded+`"}`, "x"),
			`{"error":"` + padded + `"}`, `{"` + padded + `token":"` + padded + `"}`,
		} {
			_, stdout, _ := captoken(t, live, token, "inspect")
			for line := range strings.Lines(stdout) {
				assert.False(t, strings.HasPrefix(line, "Usable"), stdout)
			}
		}
	}
}

// No error shows a secret or a token, whether a variable holds it or not.
func TestSecretsInErrorsAreNotShown(t *testing.T) {
	const odd = `0123456789"ab\cdef`
	token := sign(t, hs256, `{"scope":"scope:a:b"}`, authToken)
	for _, env := range []map[string]string{nil, live, {"TWILIO_AUTH_TOKEN": odd, "TWILIO_API_SECRET": "'" + apiKeySecret + "'"},
		{"TWILIO_ACCOUNT_SID": authToken, "TWILIO_API_KEY": apiKeySecret}} {
		secrets := []string{token, authToken, apiKeySecret, strings.ToUpper(authToken)}
		if env["TWILIO_AUTH_TOKEN"] == odd {
			secrets = append(secrets, odd)
		}
		for _, secret := range secrets {
			for _, args := range [][]string{
				{secret}, {"-" + secret}, {"explain", secret}, {"explain", "token=" + secret}, {"explain", url.QueryEscape("token=" + secret)},
				{"explain", url.QueryEscape(url.QueryEscape(url.QueryEscape(secret)))}, {"explain", "-" + secret},
				{"inspect", "-at", secret, "x"}, {"inspect", "-at", "Bearer " + secret, "x"}, {"inspect", "-" + secret}, {"inspect", "-raw=" + secret}, {"inspect", "x", secret},
				{"mint", secret}, {"mint", "-param", secret}, {"mint", "-filter", "=" + secret}, {"mint", "-ttl", secret}, {"mint", "-claim", secret},
				{"mint", "-" + secret + "=1"}, {"mint", "-demo=" + secret}, {"mint", "-incoming", secret, "-incoming", "x"}, {"mint", "-outgoing", secret},
				{"mint", "-claim", "exp=" + secret}, {"mint", "-claim", secret + "=1", "-claim", secret + "=2"}, {"mint", "-access", "-region", secret},
				{"mint", "-access", "-push-credential", secret}, {"mint", "-incoming", "x", "-outgoing", "AP1", "-name", secret},
			} {
				status, stdout, stderr := captoken(t, env, "", args...)
				require.Equal(t, 2, status, args)
				assert.Empty(t, stdout)
				for _, form := range []string{secret, strings.Trim(strconv.Quote(secret), `"`), url.QueryEscape(secret)} {
					assert.NotContains(t, stderr, form, "%.40q", args)
				}
			}
		}
	}
	_, _, stderr := captoken(t, nil, "", token)
	assert.Contains(t, stderr, `captoken: unknown command "(not shown, as it may be a secret)": use inspect, explain or mint`)
}

// What is no secret is shown.
func TestWhatIsNoSecretIsShown(t *testing.T) {
	for _, text := range []string{accountSID, "tommy", "eyJ", "0123456789abcdef", "enableImprovedSignalingErrorPrecision"} {
		_, _, stderr := captoken(t, live, "", text)
		assert.Contains(t, stderr, strconv.Quote(text))
	}
}

func TestExplain(t *testing.T) {
	entry := regexp.MustCompile(`^\d{5}  `)
	for text, want := range map[string][]string{
		"31204":                      {"31204  InvalidJWTTokenError"},
		"20101 Invalid Access Token": {"20101  AccessTokenInvalid"},
		"AccessTokenInvalid (20101): Invalid access token": {"20101  AccessTokenInvalid"},
		"Error 31204":                              {"31204  InvalidJWTTokenError"},
		"31204 31205, 31204":                       {"31204  InvalidJWTTokenError", "31205  JWTTokenExpiredError"},
		`{"code":53000,"message":"x"}`:             {"53000  ConnectionError"},
		"https://www.twilio.com/docs/errors/11200": {"11200  HTTP retrieval failure"},
		"twilio.js:12345:10 Error: 31005":          {"31005  ConnectionError"},
		"at 10:15:30.12345 code:31005":             {"31005  ConnectionError"},
		"accesstokenexpired":                       {"20104  AccessTokenExpired"},
		"AuthorizationErrors.AccessTokenInvalid":   {"20101  AccessTokenInvalid"},
		"TwilioError: ConnectionError":             {"31005  ConnectionError", "53000  ConnectionError", "53405  ConnectionError"},
		"ERR_31009":                                {"31009  TransportError"},
		"E31404":                                   {"31404  NotFound"},
		"Invalid Access Token":                     {"20101  AccessTokenInvalid"},
		"AccessTokenExpired, then ConnectionError": {"20104  AccessTokenExpired", "31005  ConnectionError", "53000  ConnectionError", "53405  ConnectionError"},
		"connection error":                         {"31005  ConnectionError", "53000  ConnectionError", "53405  ConnectionError"},
		"JWT token expired":                        {"31205  JWTTokenExpiredError"},
		"v2.18.54321: connection declined":         {"31002  ConnectionDeclinedError"},
		"HTTP retrieval failure":                   {"11200  HTTP retrieval failure"},
	} {
		for _, args := range [][]string{{text}, strings.Fields(text)} {
			status, stdout, stderr := captoken(t, nil, "", append([]string{"explain"}, args...)...)
			assert.Equal(t, 0, status, text)
			assert.Empty(t, stderr, text)
			var got []string
			for line := range strings.Lines(stdout) {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 81)
				if entry.MatchString(line) {
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			assert.Equal(t, want, got, text)
		}
	}

	// What SDK 2.x shows in place of these has to be said of each.
	for _, code := range []string{"31202", "31203", "31207", "20107", "20157"} {
		_, stdout, _ := captoken(t, nil, "", "explain", code)
		assert.Contains(t, stdout, "53000", code)
		_, stdout, _ = captoken(t, nil, "", "explain", "53000")
		if code > "3" {
			assert.Contains(t, stdout, code)
		}
	}

	status, stdout, stderr := captoken(t, nil, "", "explain", "31204 and 99999")
	assert.Equal(t, 2, status)
	assert.Contains(t, stdout, "31204  InvalidJWTTokenError\n")
	assert.Contains(t, stderr, "captoken explain: no entry for 99999: see https://www.twilio.com/docs/api/errors/99999\n")
}

// The time of judgement is that at which the token has been read.
func TestTimeIsThatOfTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		go func() {
			time.Sleep(3 * time.Second)
			run([]string{"mint", "-demo", "-incoming", "tommy"}, nil, w, io.Discard, os.Getenv)
			w.Close()
		}()
		var out bytes.Buffer
		assert.Equal(t, 0, run([]string{"inspect", "-demo"}, r, &out, io.Discard, os.Getenv), out.String())
		assert.Contains(t, out.String(), "Usable: capability token, signature valid.")
	})
}

// JSON that nests deep is not indented: each line would be as long as it is deep.
func TestRawIsBounded(t *testing.T) {
	deep := strings.Repeat("[", 6000) + "1" + strings.Repeat(",1]", 6000)
	for _, claims := range []string{`{"scope":"scope:a:b","x":` + deep + `}`, `{"scope":"scope:a:b","x":` + strings.Repeat("[", 9) + strings.Repeat("1,", 9000) + "1" + strings.Repeat("]", 9) + `}`} {
		token := sign(t, hs256, claims, authToken)
		status, stdout, _ := captoken(t, nil, token, "inspect", "-raw")
		assert.Equal(t, 0, status)
		assert.Less(t, len(stdout), 20*len(token))
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
		status, _, stderr := captoken(t, env, "", "mint", "-access", "-incoming", "tommy")
		assert.Equal(t, 2, status)
		assert.NotContains(t, stderr, apiKeySecret)

		status, stdout, stderr := captoken(t, env, sign(t, access, `{"grants":{},"iss":"SK1","sub":"AC1"}`, "x"), "inspect")
		assert.Equal(t, 1, status)
		assert.Contains(t, stdout, "yours  Your TWILIO_")
		assert.NotContains(t, stdout+stderr, apiKeySecret)
	}
}

// TestMain makes the test binary the command, for the tests that need a process.
func TestMain(m *testing.M) {
	if os.Getenv("CAPTOKEN_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is the command as a process of its own.
func process(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(self, args...)
	command.Env = append(append(os.Environ(), "CAPTOKEN_TEST_MAIN=1"), env...)
	return command
}

// The README's first command, in FIPS-only mode too, where crypto/hmac panics on
// short keys: captoken tries some.
func TestPipe(t *testing.T) {
	for _, debug := range []string{"", "fips140=only"} {
		t.Run(debug, func(t *testing.T) {
			env := []string{"GODEBUG=" + debug}
			token, err := process(t, env, "mint", "-demo", "-incoming", "tommy", "-outgoing", "AP123123", "-ttl", "10m").Output()
			require.NoError(t, err)
			inspect := process(t, env, "inspect", "-demo")
			inspect.Stdin = bytes.NewReader(token)
			report, err := inspect.Output()
			require.NoError(t, err)
			assert.Contains(t, string(report), "Usable: capability token, signature valid.\n")
			assert.Contains(t, string(report), "Outgoing    calls out through AP123123 as tommy\n")

			other := sign(t, hs256, `{"scope":"scope:a:b","iss":"ACdemo"}`, "")
			report, err = process(t, env, "inspect", "-demo", other).Output()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			assert.Equal(t, 1, exit.ExitCode())
			assert.Contains(t, string(report), "It is signed with an empty auth token.")
		})
	}

	version, err := process(t, nil, "-version").Output()
	require.NoError(t, err)
	assert.Regexp(t, `^captoken \S+ go1\.\d+`, string(version))
}

// Whatever is pasted, what is printed can neither drive a terminal nor show a secret,
// fits on the screen, and is JSON where it should be.
func FuzzCommand(f *testing.F) {
	for _, pasted := range []string{
		"undefined", "\x1b[2J\xff.\u202e.", `{"error":"` + authToken + `"}`, "<Response>\u009b</Response>", "eyJ.eyJ.", "{\"token\":\"Bearer eyJhbGciOiJIUzI1NiJ9.e30.\u200b\"}",
		base64.RawURLEncoding.EncodeToString([]byte(hs256)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"scope":"scope:\u009b:\u202e","x":"`+authToken+`"}`)) + ".AA",
		base64.RawURLEncoding.EncodeToString([]byte(access)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"grants":{"identity":7,"voice":{"outgoing":{"params":{"a":["b",7]}}}},"exp":"1"}`)) + ".AA",
	} {
		f.Add(pasted)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		if strings.TrimSpace(pasted) == "" {
			return
		}
		for _, args := range [][]string{{"inspect"}, {"inspect", "-json"}, {"inspect", "-raw"}} {
			_, stdout, stderr := captoken(t, live, pasted, args...)
			require.Empty(t, stderr)
			assert.NotContains(t, stdout, authToken)
			for line := range strings.Lines(stdout) {
				switch len(args) {
				case 1:
					assert.LessOrEqual(t, utf8.RuneCountInString(line), 81)
				case 2:
					assert.True(t, args[1] == "-raw" || json.Valid([]byte(line)), line)
				}
			}
		}
	})
}
