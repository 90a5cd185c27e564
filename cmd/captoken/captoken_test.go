package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
		{"-demo -incoming tommy", live, func() token {
			return capability.New("ACXXXXXXXXXXXXXXX", "demo_auth_token_0").AllowClientIncoming("tommy")
		}},
		{"-demo -access -incoming tommy", nil, func() token {
			return capability.NewWithAPIKey("ACXXXXXXXXXXXXXXX", "SKXXXXXXXXXXXXXXX", "demo_api_key_secret").AllowClientIncoming("tommy")
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
			`-ttl "10": use a number and its unit, such as 90s, 10m or 1h30m`, `-claim "c" is given more than once`,
			`invalid client name: "a\x1b"`, `invalid application SID: "XX1"`, `invalid TTL: 25h0m0s`, `invalid claim: name "iss"`}},
		{"mint -access -incoming tommy -ttl 1h -ttl 2h -region ie1 -region au1 -push-credential CR1 -push-credential CR2", liveAccess, []string{
			"-ttl is given more than once", "-region is given more than once", "-push-credential is given more than once"}},
		{"mint -incoming tommy -incoming tina", live, []string{`duplicate scope: client name "tina"`}},
		{"mint -outgoing AP1 -outgoing AP2", live, []string{`duplicate scope: "scope:client:outgoing?appSid=AP2`}},
		{"mint -incoming tommy -region ie1 -push-credential CR1", live, []string{
			`invalid region: "ie1": a capability token works only in us1: use -access`, "invalid push credential SID: a capability token cannot have one: use -access"}},
		{"mint -access -outgoing AP1 -name tommy -events -claim grants=1", liveAccess, []string{"invalid scope: ", `invalid claim: name "grants"`}},
		{"mint -access -outgoing AP1", liveAccess, []string{"invalid client name: an Access Token needs one: use -name"}},
		{"mint -access -incoming tommy -outgoing AP1 -param a=\xff", liveAccess, []string{"invalid scope: "}},
		{"mint -incoming " + authToken, live, []string{"invalid auth token: "}},
		{"mint -outgoing AP1 -param a=" + authToken, live, []string{"invalid auth token: "}},
		{"mint -outgoing AP1 -param " + authToken, live, []string{"a mistake that is not shown, as it contains the value of TWILIO_AUTH_TOKEN"}},
		{"mint -access -incoming tommy -claim a=" + apiKeySecret, liveAccess, []string{"invalid API key: "}},

		// The other commands.
		{"inspect x -json", nil, []string{tooMany}},
		{"inspect -x", nil, []string{"flag provided but not defined: -x"}},
		{"inspect -raw -json x", nil, []string{"-raw and -json do not go together"}},
		{"inspect -at yesterday x", nil, []string{`-at "yesterday": use a time such as 2026-11-23T09:00:00Z`}},
		{"inspect", nil, []string{"standard input is empty: give a token"}},
		{"inspect ·", nil, []string{"the argument is empty: give a token"}},
		{"inspect " + strings.Repeat("x", 1<<20+1), nil, []string{"the argument is longer than the 1048576 bytes that are searched for tokens"}},
		{"explain", nil, []string{`no entry for "": for what is not about a token see https://www.twilio.com/docs/api/errors, or use one of 11100 `}},
		{"explain 7", nil, []string{`no entry for "7": for what is not about a token see https://www.twilio.com/docs/api/errors, or use one of 11100 `}},
		{"explain 0", nil, []string{`no entry for "0": for what is not about a token see https://www.twilio.com/docs/api/errors, or use one of 11100 `}},
		{"explain 31204 31205", nil, []string{tooMany}},
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
	for _, env := range []map[string]string{live, without(live, "TWILIO_ACCOUNT_SID"), liveAccess} {
		name, secret := "TWILIO_AUTH_TOKEN", authToken
		if env["TWILIO_AUTH_TOKEN"] == "" {
			name, secret = "TWILIO_API_SECRET", apiKeySecret
		}
		escaped := func(format string) string { return fmt.Sprintf(format, secret[0]) + secret[1:] }
		for _, token := range []string{
			sign(t, hs256, `{"scope":"scope:a:b","iss":"`+secret+`"}`, accountSID), // the credentials have changed places
			sign(t, hs256, `{"scope":"scope:a:b","x":[{"y":"`+escaped(`\u%04x`)+`"}]}`, authToken),
			sign(t, hs256, `{"scope":"scope:a:b?c=`+escaped("%%%02x")+`"}`, authToken),
			sign(t, hs256, `{"scope":"scope:client:outgoing?appSid=AP1&appParams=a%3D`+escaped("%%25%02x")+`"}`, authToken),
			sign(t, `{"alg":"`+secret+`"}`, `{"scope":"scope:a:b"}`, authToken),
			sign(t, access, `{"grants":{},"iss":"`+secret+`"}`, apiKeySID),
			sign(t, access, `{"grants":{"identity":"`+escaped(`\u%04x`)+`"}}`, apiKeySecret),
			sign(t, `{"cty":"`+secret+`"}`, `{"grants":{}}`, apiKeySecret),
			sign(t, hs256, `{"user":"`+secret+`"}`, "x"), // of an unknown service
		} {
			for _, args := range [][]string{{"inspect"}, {"inspect", "-json"}, {"inspect", "-raw"}, {"inspect", "-demo"}} {
				status, stdout, stderr := captoken(t, env, token, args...)
				assert.Equal(t, 1, status)
				assert.Contains(t, strings.ReplaceAll(stdout, "\n       ", " "), "contains the value of "+name+", so nothing of it is shown")
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
		status, _, stderr := captoken(t, env, "", "mint", "-access", "-incoming", "tommy")
		assert.Equal(t, 2, status)
		assert.NotContains(t, stderr, apiKeySecret)

		status, stdout, stderr := captoken(t, env, sign(t, access, `{"grants":{},"iss":"SK1","sub":"AC1"}`, "x"), "inspect")
		assert.Equal(t, 1, status)
		assert.Contains(t, stdout, "yours  Your TWILIO_")
		assert.NotContains(t, stdout+stderr, apiKeySecret)
	}
}

// build returns the command's path.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "captoken")
	output, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

// The README's first command, in FIPS-only mode too, where crypto/hmac panics on
// short keys: captoken tries some.
func TestPipe(t *testing.T) {
	binary := build(t)
	for _, debug := range []string{"", "fips140=only"} {
		t.Run(debug, func(t *testing.T) {
			t.Setenv("GODEBUG", debug)
			token, err := exec.Command(binary, "mint", "-demo", "-incoming", "tommy", "-outgoing", "AP123123", "-ttl", "10m").Output()
			require.NoError(t, err)
			inspect := exec.Command(binary, "inspect", "-demo")
			inspect.Stdin = bytes.NewReader(token)
			report, err := inspect.Output()
			require.NoError(t, err)
			assert.Contains(t, string(report), "Usable: capability token, signature valid.\n")
			assert.Contains(t, string(report), "Outgoing    calls out through AP123123 as tommy\n")

			other := sign(t, hs256, `{"scope":"scope:a:b","iss":"ACXXXXXXXXXXXXXXX"}`, "")
			report, err = exec.Command(binary, "inspect", "-demo", other).Output()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			assert.Equal(t, 1, exit.ExitCode())
			assert.Contains(t, string(report), "It is signed with an empty auth token.")
		})
	}

	version, err := exec.Command(binary, "-version").Output()
	require.NoError(t, err)
	assert.Regexp(t, `^captoken \S+ go1\.\d+`, string(version))
}

// Colour is for a terminal whose user does not object.
func TestColour(t *testing.T) {
	script, err := exec.LookPath("script")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("there is no script command to make a terminal with")
	}
	binary := build(t)
	const red = "\x1b[1;31mNot usable\x1b[0m: not a JSON Web Token."
	inTerminal := func() *exec.Cmd { return exec.Command(script, "-qec", binary+" inspect hello", os.DevNull) }
	for _, test := range []struct {
		name    string
		command *exec.Cmd
		env     string
		colour  bool
	}{
		{"terminal", inTerminal(), "TERM=xterm", true},
		{"NO_COLOR", inTerminal(), "NO_COLOR=1", false},
		{"dumb terminal", inTerminal(), "TERM=dumb", false},
		{"pipe", exec.Command(binary, "inspect", "hello"), "TERM=xterm", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.command.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=", test.env)
			output, _ := test.command.Output() // status 1
			assert.Equal(t, test.colour, strings.HasPrefix(string(output), red), "%q", output)
			assert.Equal(t, test.colour, strings.Contains(string(output), "\x1b"), "%q", output)
			assert.Contains(t, string(output), "not a JSON Web Token.")
		})
	}
}
