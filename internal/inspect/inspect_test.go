package inspect_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/inspect"
	"github.com/seed-6c737938/capability/internal/twilioerror"
)

const (
	accountSID   = "AC0123456789abcdef0123456789abcdef"
	authToken    = "fedcba9876543210fedcba9876543210"
	apiKeySID    = "SK0123456789abcdef0123456789abcdef"
	apiKeySecret = "Zyxwvutsrqponmlkjihgfedcba987654"

	hs256  = `{"alg":"HS256","typ":"JWT"}`
	access = `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT"}`
)

var (
	live = inspect.Credentials{
		inspect.AccountSIDVar: accountSID, inspect.AuthTokenVar: authToken,
		inspect.APIKeySIDVar: apiKeySID, inspect.APIKeySecretVar: apiKeySecret,
	}
	year2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
)

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func sign(t *testing.T, header, claims, key string) string {
	t.Helper()
	signed := encode(header) + "." + encode(claims)
	signature, err := jwt.SigningMethodHS256.Sign(signed, []byte(key))
	require.NoError(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func judge(token string, now time.Time, credentials inspect.Credentials) *inspect.Report {
	return inspect.Inspect(inspect.Token{Text: token}, now, credentials)
}

// problems are the codes and messages of a report.
func problems(r *inspect.Report) []string {
	all := []string{}
	for _, f := range slices.Concat(r.CredentialFaults, r.Problems) {
		all = append(all, fmt.Sprintf("%d %s", f.Code, f.Message))
	}
	return all
}

// What is wrong with a token, beyond what captoken's golden files show. A row
// changes some of the claims of a good token; "absent" removes one.
func TestProblems(t *testing.T) {
	for _, test := range []struct {
		name, header, changes string
		want                  []string
	}{
		{"good", hs256, `{}`, nil},
		{"header not JSON", `{"alg":"HS256"`, `{}`, []string{"31204 it is malformed: not a JSON object (header)"}},
		{"header null", `null`, `{}`, []string{"31204 it is malformed: not a JSON object (header)"}},
		{"header not UTF-8", "{\"alg\":\"HS256\",\"typ\":\"JWT\xff\"}", `{}`, []string{
			"31204 it is malformed: not UTF-8 (header)", "31204 its typ is \"JWT\ufffd\", not \"JWT\""}},
		{"alg RS256", `{"alg":"RS256"}`, `{}`, []string{`31204 its alg is "RS256", not "HS256"`}},
		{"alg not a string", `{"alg":["HS256"]}`, `{}`, []string{`31204 its alg is ["HS256"], not "HS256"`}},
		{"alg absent", `{}`, `{}`, []string{`31204 its alg is missing, not "HS256"`}},
		{"alg None", `{"alg":"NONE"}`, `{}`, []string{`31204 it is unsigned: its alg is "NONE"`}},
		{"typ", `{"alg":"HS256","typ":"JWS"}`, `{}`, []string{`31204 its typ is "JWS", not "JWT"`}},
		{"crit", `{"alg":"HS256","crit":["b64"],"b64":false}`, `{}`, []string{`31204 its header has "b64"`, `31204 its header has "crit"`}},
		{"scope and grants", hs256, `{"grants":{}}`, nil},
		{"no exp", hs256, `{"exp":"absent"}`, []string{"31204 it has no exp, the time when it expires"}},
		{"exp null", hs256, `{"exp":null}`, []string{"31204 its exp is null, not a whole number of seconds since 1970"}},
		{"exp fraction", hs256, `{"exp":946688400.629}`, []string{`31204 its exp is 946688400.629, not a whole number of seconds since 1970`}},
		{"exp negative", hs256, `{"exp":-1}`, []string{`31204 its exp is -1, not a whole number of seconds since 1970`}},
		{"exp milliseconds", hs256, `{"exp":946688400000}`, []string{`31207 its exp is 946688400000, not in seconds since 1970`}},
		{"exp huge", hs256, `{"exp":1e300}`, []string{`31207 its exp is 1e300, not in seconds since 1970`}},
		{"exp beyond numbers", hs256, `{"exp":1e400}`, []string{"31204 it is malformed: not a JSON object (claims)"}},
		{"exp 1970", hs256, `{"exp":0}`, []string{`31205 its exp is 0, a time in 1970`}},
		{"exp now", hs256, `{"exp":946684800}`, []string{`31205 it expired 0s ago`}},
		{"exp a day and an hour ago", hs256, `{"exp":946591199}`, []string{`31205 it expired 26h ago`}},
		{"exp in 24h", hs256, `{"exp":946771200}`, nil},
		{"exp in 24h and 1s", hs256, `{"exp":946771201}`, []string{`31207 it expires in 24h1s, later than the 24h that are allowed`}},
		{"exp before nbf", hs256, `{"exp":946688400,"nbf":946688401}`, []string{
			"31204 it is not valid yet: its nbf is in 1h1s", "31204 its exp is not after its nbf, so it is never valid"}},
		{"nbf milliseconds", hs256, `{"nbf":946684800000}`, []string{`31204 its nbf is 946684800000, not in seconds since 1970`}},
		{"nbf negative", hs256, `{"nbf":-5}`, []string{`31204 its nbf is -5, not a whole number of seconds since 1970`}},
		{"iat odd", hs256, `{"iat":"now"}`, nil},
		{"no iss", hs256, `{"iss":"absent"}`, []string{`31203 it has no iss, which must be an account SID`}},
		{"iss not a string", hs256, `{"iss":7}`, []string{`31203 its iss is 7, not an account SID`}},
		{"scope empty", hs256, `{"scope":""}`, nil},
		{"scope not a string", hs256, `{"scope":["scope:client:incoming"]}`, []string{`31204 its scope claim is ["scope:client:incoming"], not a string`}},
		{"bad escape", hs256, `{"scope":"scope:client:incoming?clientName=%zz"}`, []string{
			`31204 part of its scope claim is not a scope: "scope:client:incoming?clientName=%zz"`}},
		{"bad filters", hs256, `{"scope":"scope:stream:subscribe?params=%25zz"}`, nil},
		{"no client name", hs256, `{"scope":"scope:client:incoming"}`, []string{
			`31105 its client name is empty`}},
		{"no application", hs256, `{"scope":"scope:client:outgoing?clientName=tommy"}`, []string{
			"31100 it allows outgoing calls, but names no application"}},
		{"several", hs256, `{"exp":1,"nbf":1e12,"iss":null,"scope":"scope:x"}`, []string{
			`31204 its nbf is 1e12, not in seconds since 1970`,
			`31205 its exp is 1, a time in 1970`,
			`31203 its iss is null, not an account SID`,
			`31204 part of its scope claim is not a scope: "scope:x"`}},

		{"good Access Token", access, `{}`, nil},
		{"claims not an object", access, `[]`, []string{"20101 it is malformed: not a JSON object (claims)"}},
		{"other cty", `{"alg":"HS256","cty":"twilio-fpa;v=2","typ":"JWT"}`, `{}`, []string{`20102 its cty, "twilio-fpa;v=2", is not twilio-fpa;v=1`}},
		{"Access Token with kid", `{"alg":"HS256","cty":"twilio-fpa;v=1","kid":"x"}`, `{}`, []string{
			`20102 its kid, "x", is not a parameter of an Access Token's header`, `20102 its typ is missing`}},
		{"Access Token without exp", access, `{"exp":"absent"}`, []string{"20104 it has no exp, the time when it expires"}},
		{"Access Token, exp fraction", access, `{"exp":946688400.5}`, []string{"20104 its exp is 946688400.5, not a whole number of seconds since 1970"}},
		{"Access Token for 24h and 1s", access, `{"exp":946771201}`, []string{"20157 it expires in 24h1s, later than the 24h that are allowed"}},
		{"Access Token, not yet valid", access, `{"nbf":946685105}`, []string{"20105 it is not valid yet: its nbf is in 5m5s"}},
		{"no iss, no sub", access, `{"iss":"absent","sub":7}`, []string{
			"20103 it has no iss, which must be an API key SID", "20103 its sub is 7, not an account SID"}},
		{"no grants", access, `{"grants":"absent"}`, []string{"20106 its grants claim is missing"}},
		{"grants not an object", access, `{"grants":7}`, []string{"20106 its grants claim, 7, is not an object"}},
		{"voice empty", access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":false}}}}`, nil},
		{"identity not a string", access, `{"grants":{"identity":7,"voice":{"incoming":{"allow":true}}}}`, []string{
			"20106 its grants.identity, 7, is not a string"}},
		{"identity null", access, `{"grants":{"identity":null,"voice":{"incoming":{"allow":true}}}}`, []string{"20106 its grants.identity is missing"}},
		{"identity", access, `{"grants":{"identity":"a b","voice":{"incoming":{"allow":true},"outgoing":{"application_sid":"AP1"}}}}`, []string{
			`31105 its client name is "a b": use 1 to 121 printable ASCII characters other than space and <>#%"{}|\^[]` + "`?"}},
		{"no application in a grant", access, `{"grants":{"identity":"tommy","voice":{"outgoing":{}}}}`, []string{
			"31100 it allows outgoing calls, but names no application"}},
		{"voice not an object", access, `{"grants":{"identity":"tommy","voice":true}}`, []string{"20106 its grants.voice, true, is not an object"}},
		{"voice of other types", access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":"true"},"outgoing":{"application_sid":"AP1","params":"a=b"}}}}`, []string{
			`20106 its grants.voice.incoming.allow, "true", is not true or false`, `20106 its grants.voice.outgoing.params, "a=b", is not an object`}},
		{"no voice grant", access, `{"grants":{"identity":"tommy","video":{}}}`, []string{"20106 its grants.voice is missing: the token grants no calls"}},
		{"params of any type", access, `{"grants":{"identity":"tommy","voice":{"outgoing":{"application_sid":"AP1","params":{"a":7,"b":[true,"x"],"c":null}}}}}`, nil},
		{"Access Token with aud", access, `{"aud":"x"}`, []string{"20101 it has an aud claim, so it was issued for another service"}},

		// What Twilio cannot have given out.
		{"SID of an example", hs256, `{"iss":"ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"}`, []string{
			`31203 its iss is "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", not an account SID: it is a placeholder, never filled in`}},
		{"SID of a template", hs256, `{"iss":"${TWILIO_ACCOUNT_SID}"}`, []string{
			`31203 its iss is "${TWILIO_ACCOUNT_SID}", not an account SID: it is a placeholder, never filled in`}},
		{"identity empty", access, `{"grants":{"identity":"","voice":{"incoming":{"allow":true}}}}`, []string{"20106 its grants.identity is empty"}},
		{"SID without its last digit", hs256, `{"iss":"AC0123456789abcdef0123456789abcde"}`, []string{
			`31203 its iss is "AC0123456789abcdef0123456789abcde", not an account SID: it has 33 characters, and Twilio's have 34: copy it again`}},
		{"SID with an o", hs256, `{"iss":"ACo123456789abcdef0123456789abcdef"}`, []string{
			`31203 its iss is "ACo123456789abcdef0123456789abcdef", not an account SID: it has a character that is not a hexadecimal digit: copy it again`}},
		{"application of an Access Token", access, `{"grants":{"identity":"tommy","voice":{"outgoing":{"application_sid":"<your-app-sid>"}}}}`, []string{
			`31100 its application SID is "<your-app-sid>": it is a placeholder, never filled in`}},
		{"push credential", access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true},"push_credential_sid":"undefined"}}}`, []string{
			`52002 its push credential SID is "undefined": it is a placeholder, never filled in`}},
		{"push credential of another type", access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true},"push_credential_sid":7}}}`, []string{
			`52002 its grants.voice.push_credential_sid, 7, is not a string`}},
		{"edge", `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT","twr":"dublin"}`, `{}`, []string{
			`20102 its twr, "dublin", is not a region: use two lower-case letters and a number, such as ie1`}},
		{"region of another type", `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT","twr":7}`, `{}`, []string{
			`20102 its twr, 7, is not a region: use two lower-case letters and a number, such as ie1`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			claims, key := `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+accountSID+`","exp":946688400}`, authToken
			if strings.Contains(test.header, "cty") {
				claims = `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true}}},"iss":"` + apiKeySID + `","sub":"` + accountSID + `","exp":946688400}`
				key = apiKeySecret
			}
			r := judge(sign(t, test.header, changed(t, claims, test.changes), key), year2000, live)
			assert.ElementsMatch(t, test.want, problems(r))
			assert.Equal(t, len(test.want) == 0, r.Usable)
			for _, f := range r.Problems {
				assert.NotEmpty(t, f.Advice)
				_, ok := twilioerror.Lookup(f.Code)
				assert.True(t, ok, "no entry for %d", f.Code)
			}
		})
	}
}

// changed merges changes into the claims. Changes that are not an object are the
// claims.
func changed(t *testing.T, claims, changes string) string {
	t.Helper()
	if !strings.HasPrefix(changes, "{") {
		return changes
	}
	var all, some map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(claims), &all))
	require.NoError(t, json.Unmarshal([]byte(changes), &some))
	maps.Copy(all, some)
	maps.DeleteFunc(all, func(_ string, value json.RawMessage) bool { return string(value) == `"absent"` })
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return string(text)
}

// Kinds are told apart before anything is judged, and the faults of a token for
// somebody else are of no interest.
func TestKinds(t *testing.T) {
	for _, test := range []struct{ kind, header, claims string }{
		{inspect.CapabilityToken, hs256, `{"scope":"scope:a:b"}`},
		{inspect.CapabilityToken, hs256, `{"iss":"AC1"}`},
		{inspect.CapabilityToken, hs256, `{"iss":"AC1","scope":"","video":{},"policies":[],"workspace_sid":"WS1"}`},
		{inspect.AccessToken, access, `{}`},
		{inspect.AccessToken, access, `{"scope":"scope:a:b"}`},
		{inspect.AccessToken, hs256, `{"iss":"SK1"}`},
		{inspect.AccessToken, hs256, `{"grants":{"video":{}}}`},
		{"TaskRouter token", hs256, `{"iss":"AC1","policies":[],"workspace_sid":"WS1"}`},
		{"Twilio Public Key Client Validation token", `{"alg":"RS256","cty":"twilio-pkrv;v=1"}`, `{"iss":"SK1","sub":"AC1"}`},
		{"Twilio Verify Push token", `{"alg":"ES256","cty":"twilio-pba;v=1"}`, `{"sub":"AC1"}`},
		{"STIR/SHAKEN PASSporT", `{"alg":"ES256","typ":"passport"}`, `{}`},
		{"JSON Web Token of another service", `{"alg":"HS256","cty":"plivo;v=1"}`, `{"grants":{"voice":{"incoming_allow":true}}}`},
		{"JSON Web Token of another service", `{"alg":"HS256","cty":"stringee-api;v=1"}`, `{"iss":"SK1"}`},
		{"JSON Web Token of another service", hs256, `{"iss":"https://accounts.google.com"}`},
		{"JSON Web Token of another service", hs256, `{"iss":"API1","video":{"roomJoin":true}}`},
		{"JSON Web Token of another service", hs256, `{"iss":"https://x.eu.auth0.com/","scope":"openid"}`},
		{"JSON Web Token of another service", hs256, `{"scope":"openid","grants":7,"exp":"x"}`},
		{"damaged JSON Web Token", hs256, `[]`},
		{"not a JSON Web Token", `[]`, `[]`},
	} {
		t.Run(test.kind, func(t *testing.T) {
			r := judge(sign(t, test.header, test.claims, "secret"), year2000, live)
			assert.Equal(t, test.kind, r.Kind)
			assert.False(t, r.Usable)
			if test.kind != inspect.CapabilityToken && test.kind != inspect.AccessToken && test.claims != `[]` {
				assert.Equal(t, []string{"0 it is not a token for a Twilio Voice device"}, problems(r))
			}
		})
	}

	for token, want := range map[string]string{
		strings.Repeat("x", capability.MaxTokenSize+1): "31204 it is longer than 65536 bytes",
		"a.b":       "31204 a token has 3 parts with dots between them, this has 2",
		"a.b.c.d.e": "31204 a token has 3 parts with dots between them, this has 5",
	} {
		r := judge(token, year2000, nil)
		assert.Equal(t, []string{want}, problems(r))
		assert.Equal(t, "not a JSON Web Token", r.Kind)
	}
}

// What people paste in place of a token is known by its form.
func TestNotATokenAtAll(t *testing.T) {
	for _, test := range []struct{ pasted, want string }{
		{`<?xml version="1.0" encoding="UTF-8"?><Response><Say>Hi</Say></Response>`, "it is TwiML, with which a voice URL answers Twilio, not a token"},
		{"<Response/>", "it is TwiML, with which a voice URL answers Twilio, not a token"},
		{"<!DOCTYPE html><html><title>Sign in</title></html>", "it is HTML, a web page, not a token"},
		{"<html>\n<head><title>502 Bad Gateway</title></head></html>", "it is HTML, a web page, not a token"},
		{`<?xml version="1.0"?><error/>`, "it is XML, not a token"},
		{`{"error":"Unauthorized"}`, `it is JSON without a token: it says "Unauthorized"`},
		{`{"error":{"code":401,"message":"sign in"}}`, `it is JSON without a token: it says "sign in"`},
		{`{"error":{"authToken":"` + authToken + `"}}`, "it is JSON without a token: it says (not shown, as it may hold a secret)"},
		{`{"error":"` + strings.Repeat("-", 50) + authToken + `"}`, "it is JSON without a token: it says (not shown, as it may hold a secret)"},
		{`{"error":{"code":401}}`, `it is JSON without a token: it says {"code":401}`},
		{`{"errors":["no session"]}`, `it is JSON without a token: it says ["no session"]`},
		{`{"error":"` + authToken + `"}`, "it is JSON without a token: it says (not shown, as it may hold a secret)"},
		{"{\"token\":null}\n{\"token\":\"\"}", `it is JSON whose "token" is null, not a token`},
		{`{"identity":"alice","accessToken":{}}`, `it is JSON whose "accessToken" is {}, not a token`},
		{`{"authToken":"` + authToken + `"}`, `it is JSON whose "authToken" is (not shown, as it may hold a secret), not a token`},
		{`{"token":"` + strings.Repeat("x", 99) + `"}`, `it is JSON whose "token" is "` + strings.Repeat("x", 60) + `…", not a token`},
		{`{"identity":"alice"}`, "it is JSON without a token"},
		{`[{"identity":"alice"}]`, "it is JSON without a token"},
		{"HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"message\":\"no\"}", `it is JSON without a token: it says "no"`},
		{"https://example.com/token?identity=alice", "it is a URL, not a token"},
		{"404 page not found", "there is no token in it: it looks like an error message"},
		{"Cannot GET /token", "there is no token in it: it looks like an error message"},
		{"token.txt", "it looks like the name of a file, not a token"},
		{"<your-token>", "it is a placeholder, never filled in, not a token"},
		{"${TOKEN}", "it is a placeholder, never filled in, not a token"},
		{"undefined", `it is "undefined", a value of the program instead of a token`},
		{"[object Promise]", `it is "[object Promise]", a value of the program instead of a token`},
		{"None", `it is "None", a value of the program instead of a token`},
		{accountSID, "it is an SID, not a token"},
		{authToken, "it looks like an auth token or the secret of an API key, not a token for a page"},
		{"2026-11-29 12:00:00 INFO [token] minted {for alice}", "there is no token in it"},
		{"hello", "there is no token in it"},
		{"10.0.0.1", "a token has 3 parts with dots between them, this has 4"},
		{"1.2.3", "there is no token in it"},
	} {
		tokens := inspect.Find(test.pasted)
		require.Len(t, tokens, 1)
		r := inspect.Inspect(tokens[0], year2000, live)
		require.Len(t, r.Problems, 1, test.pasted)
		assert.Equal(t, test.want, r.Problems[0].Message)
		assert.Equal(t, 31204, r.Problems[0].Code)
		assert.Equal(t, 20101, r.Problems[0].SDK2)
		assert.NotEmpty(t, r.Problems[0].Advice)
		assert.Equal(t, inspect.Unknown, r.Kind)
	}
}

// What a shell, a log, a header or a mail puts around a token is no fault. What stands
// in the string that the page passes to the SDK is.
func TestValueIsNotTheBareToken(t *testing.T) {
	token := sign(t, hs256, `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+accountSID+`","exp":946688400}`, authToken)
	for pasted, want := range map[string]string{
		`{"token":"b'T'"}`:                            `the value of "token" is "b'…'", not the bare token`,
		`{"token":"Bearer T"}`:                        `the value of "token" is "Bearer …", not the bare token`,
		`{"token":"\"T\""}`:                           `the value of "token" is "\"…\"", not the bare token`,
		`{"token":" T"}`:                              `the value of "token" is " …", not the bare token`,
		`{"token":"T\n"}`:                             `the value of "token" is "…\n", not the bare token`,
		`{"identity":"alice","access_token":"JWT T"}`: `the value of "access_token" is "JWT …", not the bare token`,
		`{"token":{"token":"T"}}`:                     `the value of "token" is an object, not the bare token`,
		`{"token":["T"]}`:                             `the value of "token" is a list, not the bare token`,
		`{ token: 'Bearer T' }`:                       `the value of "token" is "Bearer …", not the bare token`,
		`answer: {\"token\":\"Bearer T\"}`:            `the value of "token" is "Bearer …", not the bare token`,
		`{"token":"{\"token\":\"T\"}"}`:               `the value of "token" is "{\"token\":\"…\"}", not the bare token`,
		`{'token': 'b\'T\''}`:                         `the value of "token" is "b\\'…\\'", not the bare token`,
		`{"value":"T\n"}`:                             `the value of "value" is "…\n", not the bare token`,
		`b'T'`:                                        "it stands in b'...', as Python writes bytes",
		`INFO minted b"T"`:                            "it stands in b'...', as Python writes bytes",

		`T`:                              "",
		`'T'`:                            "",
		`Authorization: Bearer T`:        "",
		`{"Authorization":"Bearer T"}`:   "",
		`{"token":"T"}`:                  "",
		`{\"token\":\"T\"}`:              "",
		`{"data":{"token":"T"}}`:         "",
		`{"token_url":"wss://a.b?t=T"}`:  "",
		`token: Bearer T`:                "",
		`level=info token="T" user=tom`:  "",
		`curl -H "Authorization: JWT T"`: "",
		`{"log":"the token is T"}`:       "",
		"> T\n> thanks":                  "",
	} {
		found := inspect.Find(strings.ReplaceAll(pasted, "T", token))
		if strings.Contains(pasted, "JWT T") {
			found = inspect.Find(strings.Replace(pasted, "JWT T", "JWT "+token, 1))
		}
		require.Len(t, found, 1, pasted)
		r := inspect.Inspect(found[0], year2000, live)
		got := ""
		if len(r.Problems) > 0 {
			got = r.Problems[0].Message
			assert.Equal(t, 31204, r.Problems[0].Code)
			assert.Equal(t, 20101, r.Problems[0].SDK2)
		}
		assert.Equal(t, want, got, pasted)
		assert.LessOrEqual(t, len(r.Problems), 1, pasted)
		assert.Equal(t, inspect.Valid, r.Signature, pasted)
	}
}

// Times in another unit, and those that are not times, are called by name.
func TestTimes(t *testing.T) {
	now := time.Date(2022, 4, 7, 11, 0, 0, 0, time.UTC) // 1649329200
	for _, test := range []struct{ name, changes, want, advice string }{
		{"milliseconds", `{"exp":1649332014000}`, "its exp is 1649332014000, not in seconds since 1970", "It looks like milliseconds: divide by 1000."},
		{"microseconds", `{"exp":1649332014000000}`, "its exp is 1649332014000000, not in seconds since 1970", "It looks like microseconds: divide by 1000000."},
		{"nanoseconds", `{"exp":1649332014000000000}`, "its exp is 1649332014000000000, not in seconds since 1970",
			"It looks like nanoseconds: divide by 1000000000."},
		{"time.Duration", `{"exp":3600000000000}`, "its exp is 3600000000000, not in seconds since 1970",
			"It looks like a duration of 1h in nanoseconds, as Go counts them. Add it to the current time, and write seconds."},
		{"short time.Duration", `{"exp":60000000000}`, "its exp is 60000000000, not in seconds since 1970",
			"It looks like a duration of 1m in nanoseconds, as Go counts them. Add it to the current time, and write seconds."},
		{"nbf in milliseconds", `{"nbf":1649328395000}`, "its nbf is 1649328395000, not in seconds since 1970", "It looks like milliseconds: divide by 1000."},
		{"far away", `{"exp":4102444800000}`, "its exp is 4102444800000, not in seconds since 1970",
			"It is too far away for seconds. Divide milliseconds by 1000."},
		{"lifetime", `{"exp":3600}`, "its exp is 3600, a time in 1970",
			"It looks like a lifetime. exp is a time: that of minting plus the lifetime, in seconds since 1970."},
		{"lifetime of a day", `{"exp":86400}`, "its exp is 86400, a time in 1970", "It looks like a lifetime. exp is a time: that of minting plus the lifetime, in seconds since 1970."},
		{"date", `{"exp":"2022-04-07T12:00:00Z"}`, `its exp is "2022-04-07T12:00:00Z", not a whole number of seconds since 1970`,
			"Write a plain number: no quotes, no sign, no fraction, no date."},
		{"26 hours", `{"exp":1649422800}`, "it expires in 26h, later than the 24h that are allowed",
			"Mint it with a TTL of 24h or less. If it was, local time was used instead of UTC where it was minted, or the clock there is fast."},
		{"30 days", `{"exp":1651921200}`, "it expires in 30 days, later than the 24h that are allowed", "Mint it with a TTL of 24h or less."},
		{"nbf in another zone", `{"nbf":1649336400,"exp":1649338000}`, "it is not valid yet: its nbf is in 2h", "If it was just minted, local time was used there instead of UTC."},
		{"nbf by a fast clock", `{"nbf":1649329320}`, "it is not valid yet: its nbf is in 2m", "If it was just minted, the clock there is fast."},
		{"nbf is exp", `{"nbf":1649329100,"exp":1649329100}`, "it expired 1m40s ago", ""},
		{"never valid", `{"nbf":1649332800}`, "it is not valid yet: its nbf is in 1h", ""},

		{"iat after exp", `{"nbf":1649328395,"iat":1649338374}`, "its iat is after its exp",
			"iat is the time when it was minted. Twilio is not known to check it. One of the two is wrong: exp must be iat plus the lifetime, both in UTC."},
		{"iat in another zone", `{"iat":1649331000}`, "its iat is in 30m",
			"iat is the time when it was minted. Twilio is not known to check it. If it was just minted, local time was used there instead of UTC."},
		{"iat by a fast clock", `{"iat":1649329500}`, "its iat is in 5m",
			"iat is the time when it was minted. Twilio is not known to check it. If it was just minted, the clock there is fast."},
		{"iat in milliseconds", `{"iat":1649329200000}`, "its iat is 1649329200000, not a whole number of seconds since 1970",
			"It looks like milliseconds: divide by 1000. iat is the time when it was minted. Twilio is not known to check it."},
		{"iat long ago", `{"iat":1649073600}`, "its exp is 2 days after its iat",
			"iat is the time when it was minted. Twilio is not known to check it. It allows lifetimes of up to 24h."},
		{"iat text", `{"iat":"now"}`, `its iat is "now", not a whole number of seconds since 1970`,
			"iat is the time when it was minted. Twilio is not known to check it."},
		{"iat now", `{"iat":1649329201}`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			claims := `{"scope":"scope:client:incoming?clientName=tommy","iss":"` + accountSID + `","exp":1649332014}`
			r := judge(sign(t, hs256, changed(t, claims, test.changes), authToken), now, live)
			all := slices.Concat(r.Problems, r.Notes)
			if test.want == "" {
				assert.Empty(t, all)
				return
			}
			require.NotEmpty(t, all)
			assert.Equal(t, test.want, all[0].Message)
			if test.advice != "" {
				assert.Len(t, all, 1, "%v", all)
				assert.Equal(t, test.advice, all[0].Advice)
			}
			assert.Equal(t, !strings.Contains(test.name, "iat"), len(r.Problems) > 0)
		})
	}
}

// Names that Twilio takes, but that do not work everywhere or look like a slip.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"tommy":                  "",
		"office-7":               `its client name is "office-7": use 1 to 121 ASCII letters, digits or '_'`,
		"client:tommy":           `its client name is "client:tommy": leave out client:, which is not part of the name`,
		"undefined":              `its client name is "undefined"`,
		"null":                   `its client name is "null"`,
		strings.Repeat("x", 122): "its client name has 122 characters: a Voice device may have 121",
	} {
		r := judge(sign(t, access, `{"grants":{"identity":"`+name+`","voice":{"incoming":{"allow":true}}},"iss":"`+apiKeySID+
			`","sub":"`+accountSID+`","exp":946688400}`, apiKeySecret), year2000, live)
		assert.Equal(t, len(name) < 122, r.Usable)
		got := ""
		if all := slices.Concat(r.Problems, r.Notes); len(all) > 1 || len(name) == 122 { // beside the note on API keys
			got = all[0].Message
		}
		assert.Equal(t, want, got)
	}
}

// What the form allows, but Twilio cannot have given out, is noted: Verify accepts it.
func TestSIDsThatCannotBe(t *testing.T) {
	voice := `{"grants":{"identity":"tommy","voice":%s},"iss":"` + apiKeySID + `","sub":"` + accountSID + `","exp":946688400}`
	for _, test := range []struct{ token, want string }{
		{sign(t, hs256, `{"scope":"scope:client:outgoing?appSid=APXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX","iss":"`+accountSID+`","exp":946688400}`, authToken),
			`its application SID is "APXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX": it is a placeholder, never filled in`},
		{sign(t, access, fmt.Sprintf(voice, `{"outgoing":{"application_sid":"AP0123456789abcdef0123456789abcdeg"}}`), apiKeySecret),
			`its application SID is "AP0123456789abcdef0123456789abcdeg": it has a character that is not a hexadecimal digit: copy it again`},
		{sign(t, access, fmt.Sprintf(voice, `{"incoming":{"allow":true},"push_credential_sid":"CR0123456789abcdef"}`), apiKeySecret),
			`its push credential SID is "CR0123456789abcdef": it has 18 characters, and Twilio's have 34: copy it again`},
	} {
		r := judge(test.token, year2000, live)
		assert.True(t, r.Usable)
		require.NotEmpty(t, r.Notes)
		assert.Equal(t, test.want, r.Notes[0].Message)
	}

	// An account that is given is the account, whatever its SID.
	const example = "ACXXXXXXXXXXXXXXX"
	token := sign(t, hs256, `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+example+`","exp":946688400}`, authToken)
	r := judge(token, year2000, inspect.Credentials{inspect.AccountSIDVar: example, inspect.AuthTokenVar: authToken})
	assert.True(t, r.Usable)
	assert.Equal(t, []string{"0 your TWILIO_ACCOUNT_SID is a placeholder, never filled in"}, problems(r))
	assert.False(t, judge(token, year2000, nil).Usable)
}

// What looks like a secret where an SID should be is not shown, with or without the
// variables.
func TestSecretInThePlaceOfAnSID(t *testing.T) {
	for _, token := range []string{
		sign(t, hs256, `{"scope":"scope:a:b","iss":"`+authToken+`"}`, accountSID),
		sign(t, hs256, `{"scope":"scope:a:b","iss":"`+apiKeySecret+`\n"}`, "x"),
		sign(t, hs256, `{"scope":"scope:client:outgoing?appSid=`+authToken+`","iss":"AC1"}`, "x"),
		sign(t, access, `{"iss":"`+apiKeySecret+`","sub":"AC1"}`, apiKeySID),
		sign(t, access, `{"iss":"SK1","sub":"'`+authToken+`'"}`, "x"),
		sign(t, access, `{"grants":{"identity":"a","voice":{"push_credential_sid":"`+authToken+`"}}}`, "x"),
	} {
		r := judge(token, year2000, nil)
		require.Len(t, r.Problems, 1)
		assert.Contains(t, r.Problems[0].Message, "looks like an auth token or the secret of an API key, so nothing of it is shown")
		text, err := json.Marshal(r)
		require.NoError(t, err)
		assert.NotContains(t, string(text), authToken)
		assert.NotContains(t, string(text), apiKeySecret)
	}
}

// Half a token is known by what is left of it.
func TestHalves(t *testing.T) {
	token := sign(t, hs256, `{"scope":"scope:a:b"}`, authToken)
	first, rest, _ := strings.Cut(token, ".")
	for half, want := range map[string]string{
		first:                 "31204 its end is missing: it has 1 of 3 parts",
		token[:len(first)+10]: "31204 its end is missing: it has 2 of 3 parts",
		rest:                  "31204 its start is missing: it has 2 of 3 parts",
	} {
		r := judge(half, year2000, live)
		assert.Equal(t, []string{want}, problems(r))
		assert.Equal(t, "part of a JSON Web Token", r.Kind)
	}
}

// Credentials that are of no use are no fault of the token.
func TestCredentials(t *testing.T) {
	capabilityToken := sign(t, hs256, `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+accountSID+`","exp":946688400}`, authToken)
	accessToken := sign(t, access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true}}},"iss":"`+apiKeySID+
		`","sub":"`+accountSID+`","exp":946688400}`, apiKeySecret)
	for _, test := range []struct {
		name, token string
		change      inspect.Credentials
		want        []string
		signature   string
	}{
		{"good", capabilityToken, nil, nil, inspect.Valid},
		{"good API key", accessToken, nil, nil, inspect.Valid},
		{"those for the other kind do not matter", capabilityToken, inspect.Credentials{inspect.APIKeySIDVar: "x", inspect.APIKeySecretVar: "a b"}, nil, inspect.Valid},
		{"those for the other kind do not matter to an Access Token", accessToken, inspect.Credentials{inspect.AuthTokenVar: "a b"}, nil, inspect.Valid},
		{"one is missing", capabilityToken, inspect.Credentials{inspect.AccountSIDVar: ""}, nil, inspect.NotChecked},
		{"one is missing of the API key", accessToken, inspect.Credentials{inspect.APIKeySIDVar: ""}, nil, inspect.NotChecked},
		{"quotes and a newline", capabilityToken, inspect.Credentials{inspect.AuthTokenVar: `"` + authToken + "\"\n"}, []string{
			"0 your TWILIO_AUTH_TOKEN has quotes and white space around its value"}, inspect.Valid},
		{"byte order mark", capabilityToken, inspect.Credentials{inspect.AuthTokenVar: "\ufeff" + authToken}, []string{
			"0 your TWILIO_AUTH_TOKEN has white space or invisible characters around its value"}, inspect.Valid},
		{"blank around the SID", capabilityToken, inspect.Credentials{inspect.AccountSIDVar: accountSID + " "}, []string{
			"0 your TWILIO_ACCOUNT_SID has white space or invisible characters around its value"}, inspect.Valid},
		{"account SID", capabilityToken, inspect.Credentials{inspect.AccountSIDVar: "x"}, []string{
			"0 your TWILIO_ACCOUNT_SID is not an account SID: use AC and 1 to 32 ASCII letters or digits"}, inspect.NotChecked},
		{"API key SID", accessToken, inspect.Credentials{inspect.APIKeySIDVar: accountSID}, []string{
			"0 your TWILIO_API_KEY is not the SID of an API key: use SK and 1 to 32 ASCII letters or digits"}, inspect.NotChecked},
		{"API key swapped with its secret", accessToken, inspect.Credentials{inspect.APIKeySIDVar: apiKeySecret, inspect.APIKeySecretVar: apiKeySID}, []string{
			"0 your TWILIO_API_KEY and TWILIO_API_SECRET have changed places"}, inspect.Valid},
		{"placeholder", capabilityToken, inspect.Credentials{inspect.AuthTokenVar: "your_auth_token"}, []string{
			"0 your TWILIO_AUTH_TOKEN is a placeholder, never filled in"}, inspect.NotChecked},
		{"placeholder of an SID", capabilityToken, inspect.Credentials{inspect.AccountSIDVar: "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"}, []string{
			"0 your TWILIO_ACCOUNT_SID is a placeholder, never filled in"}, inspect.NotChecked},
		{"SID in the place of a secret", capabilityToken, inspect.Credentials{inspect.AuthTokenVar: "PN0123456789abcdef0123456789abcdef"}, []string{
			"0 your TWILIO_AUTH_TOKEN is an SID, which is a name and not a secret"}, inspect.NotChecked},
		{"a blank within", capabilityToken, inspect.Credentials{inspect.AuthTokenVar: "fedcba98 76543210"}, []string{
			"0 your TWILIO_AUTH_TOKEN cannot be used: "}, inspect.NotChecked},
		{"a changed secret", accessToken, inspect.Credentials{inspect.APIKeySecretVar: "0123456789abcdef0123456789abcdef"}, []string{
			"20107 it is signed with a different API key secret, or was changed after signing"}, inspect.Wrong},
	} {
		t.Run(test.name, func(t *testing.T) {
			credentials := maps.Clone(live)
			maps.Copy(credentials, test.change)
			r := judge(test.token, year2000, credentials)
			got := problems(r)
			require.Len(t, got, len(test.want), "%q", got)
			for i, want := range test.want {
				assert.True(t, strings.HasPrefix(got[i], want), "want %s: got %s", want, got[i])
			}
			assert.Equal(t, test.signature, r.Signature)
			text, err := json.Marshal(r)
			require.NoError(t, err)
			assert.NotContains(t, string(text), authToken)
			assert.NotContains(t, string(text), apiKeySecret)
		})
	}
}

// Keys that people sign with by mistake, beyond those of captoken's golden files.
func TestLikelyKeys(t *testing.T) {
	for key, want := range map[string]string{
		authToken + "\n":      "the auth token and a newline after it",
		authToken + "\r\n":    "the auth token and a newline after it",
		authToken + " ":       "the auth token and a space after it",
		"'" + authToken + "'": "the auth token and quotes around it",
		accountSID:            "the account SID instead of the auth token",
		apiKeySID:             "the SID of the API key instead of its secret",
	} {
		r := judge(sign(t, hs256, `{"scope":"scope:a:b","iss":"`+accountSID+`","exp":946688400}`, key), year2000, live)
		code := "31202"
		if strings.Contains(key, authToken) {
			code = "31204"
		}
		assert.Equal(t, []string{code + " it is signed with " + want}, problems(r))
		assert.Equal(t, inspect.Wrong, r.Signature)
	}
}

// Tokens are found in what people paste, and nothing else is.
func TestFind(t *testing.T) {
	one := sign(t, hs256, `{"scope":"scope:a:b"}`, authToken)
	two := sign(t, access, `{"grants":{}}`, apiKeySecret)
	unsigned := encode(`{"alg":"none"}`) + "." + encode(`{"scope":"scope:a:b"}`) + "."
	spaced := sign(t, `{ "alg": "HS256" }`, `{ }`, authToken)
	fold := func(token, separator string) string {
		var lines []string
		for chunk := range slices.Chunk([]byte(token), 40) {
			lines = append(lines, string(chunk))
		}
		return strings.Join(lines, separator)
	}
	const folded = "line breaks or blanks within it"
	for _, test := range []struct {
		pasted  string
		want    []string
		removed []string
	}{
		{one, []string{one}, nil},
		{" \n" + one + "\r\n", []string{one}, nil},
		{spaced, []string{spaced}, nil},
		{"Bearer " + one, []string{one}, []string{"Bearer"}},
		{`'` + one + `'`, []string{one}, []string{"quotes"}},
		{one + ",", []string{one}, []string{"the text around it"}},
		{"token=" + one, []string{one}, []string{"the text around it"}},
		{"token%3D" + one, []string{one}, []string{"the text around it"}},
		{`"token": "` + one + `",`, []string{one}, []string{"the text around it"}},
		{`{"token":"` + one + `"}`, []string{one}, []string{"the JSON around it"}},
		{`{\"token\":\"` + one + `\"}`, []string{one}, []string{"the JSON around it"}},
		{"https://example.com/?t=" + one + "#x", []string{one}, []string{"the URL around it"}},
		{"<" + one + ">", []string{one}, []string{"the text around it"}},
		{"\ufeff" + one[:9] + "\u00ad" + one[9:], []string{one}, []string{"invisible characters"}},
		{fold(one, "\n"), []string{one}, []string{folded}},
		{fold(one, "\r\n  "), []string{one}, []string{folded}},
		{fold(one, " \\\n"), []string{one}, []string{folded}},
		{fold(one, "=\r\n"), []string{one}, []string{folded}},
		{"> " + fold(one, "\n> "), []string{one}, []string{folded}},
		{fold(one, " ") + " is what he sent", []string{one}, []string{"the text around it", folded}},
		{one + "\n" + two, []string{one, two}, nil},
		{fold(one, "\n") + "\n" + fold(two, "\n"), []string{one, two}, []string{folded}},
		{unsigned + " is all I got", []string{unsigned}, []string{"the text around it"}},
		{one[:70] + " is all I got", []string{one[:70]}, []string{"the text around it"}},
		{one[:20] + "\n\nthanks. Bye.", []string{one[:20]}, nil},
		{"It starts with eyJ: " + one, []string{one}, []string{"the text around it"}},
		{strings.Repeat("eyJ ", 100_000) + one, []string{"eyJ"}, nil}, // and takes no time
		{"hello", []string{"hello"}, nil},
		{`"undefined";`, []string{"undefined"}, nil},
		{"1.2.3", []string{"1.2.3"}, nil},
	} {
		t.Run(test.pasted[:min(len(test.pasted), 30)], func(t *testing.T) {
			var found []string
			for _, token := range inspect.Find(test.pasted) {
				found = append(found, token.Text)
				assert.Equal(t, test.removed, token.Removed)
			}
			assert.Equal(t, test.want, found)
		})
	}
}

// Inspect finds fault with what Verify refuses. What Verify accepts, it finds
// fault with only for what Verify does not check: client names, applications,
// and whether anything is granted.
func FuzzInspect(f *testing.F) {
	for _, header := range []string{
		hs256, access, `{"typ":"JWT","alg":"HS256"}`, `{"alg":"HS256"}`, `{"alg":"none"}`, `{"alg":"HS256","typ":"jwt"}`, `{"alg":"HS256","kid":"1"}`,
		`{"alg":"RS256"}`, `{"alg":"HS256","cty":null}`, `{"alg":"HS256","alg":"HS256"}`, `null`, "{\"\xff\":1}",
	} {
		f.Add(header, `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+accountSID+`","exp":946688400}`)
	}
	for _, claims := range []string{
		`{"scope":"scope:client:outgoing?appSid=AP1&appParams=a%3Db&clientName=tommy","iss":"` + accountSID + `","exp":946688400,"nbf":946684800}`,
		`{"scope":"scope:stream:subscribe?params=a%3Db&path=%2F2010-04-01%2FEvents","iss":"` + accountSID + `","exp":946771200}`,
		`{"scope":"","iss":"` + accountSID + `","exp":946688400}`,
		`{"scope":"","iss":"` + accountSID + `","exp":946688400,"policies":[],"workspace_sid":"WS1","video":{},"application_id":"1"}`,
		`{"iss":"` + accountSID + `","exp":946688400}`,
		`{"scope":"scope:a:b","iss":"` + accountSID + `","exp":946688400,"aud":null}`,
		`{"scope":"scope:a:b","iss":"` + accountSID + `","exp":946688400,"x":1e400}`,
		`{"scope":"scope:a:b","iss":"` + accountSID + `","exp":946688400.5}`,
		`{"scope":"scope:a:b","iss":"` + accountSID + `","exp":946688400,"nbf":-5}`,
		`{"scope":"scope:a:b","iss":"` + accountSID + `","exp":"946688400"}`,
		`{"scope":"scope:a:b","iss":"AC1","exp":0}`,
		`{"scope":"scope:a:b?%zz","iss":"` + accountSID + `","exp":946688400}`,
		`{"scope":"scope:a:b  scope:a:b","iss":"` + accountSID + `","exp":946688400,"sub":7,"iat":"x","jti":{}}`,
		`{"scope":"scope:a:b","iss":"` + accountSID + `","exp":946688400,"grants":{"voice":{"incoming_allow":true}}}`,
		"{\"scope\":\"scope:a:b\",\"iss\":\"" + accountSID + "\",\"exp\":946688400,\"x\":\"\xff\"}",
		`{"scope":"scope:a:b","scope":7,"iss":"` + accountSID + `","exp":946688400}`,
		`{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true}}},"iss":"` + apiKeySID + `","sub":"` + accountSID + `","exp":946688400}`,
	} {
		f.Add(hs256, claims)
		f.Add(access, claims)
	}
	for _, changed := range []string{
		`"exp":946771200`, `"exp":946771201`, `"exp":946688400.0`, `"exp":9.466884e8`, `"exp":0`, `"exp":6e10`, `"exp":946688400,"nbf":946688400`, `"exp":946688400,"nbf":0`,
		`"exp":946688400,"nbf":null`, `"exp":946688400,"iat":9e9`, `"exp":946688400,"iat":"x"`, `"exp":946688400,"aud":"x"`, `"exp":946688400,"Grants":{}`, `"Exp":946688400`,
		`"exp":946688400,"grants":{"identity":"a b","voice":{"incoming":{"allow":true}}}`, `"exp":946688400,"grants":{"identity":"office-7","voice":{"incoming":{"allow":true}}}`,
		`"exp":946688400,"grants":{"identity":"a","voice":null}`, `"exp":946688400,"grants":{"identity":"a","voice":{}}`, `"exp":946688400,"grants":{"identity":"a","voice":{"outgoing":{}}}`,
		`"exp":946688400,"grants":{"identity":"a","voice":{"outgoing":{"application_sid":"APXXXXXXXX","params":7}}}`, `"exp":946688400,"grants":{"identity":"a","voice":{"outgoing":{"application_sid":"APXXXXXXXX","params":{"a":[[1]],"b":{}}}}}`,
		`"exp":946688400,"grants":{"identity":"a","voice":{"incoming":{"allow":true},"push_credential_sid":null},"video":{}}`, `"exp":946688400,"iss":"SKXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"`,
	} {
		f.Add(access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true}}},"iss":"`+apiKeySID+`","sub":"`+accountSID+`",`+changed+`}`)
		f.Add(hs256, `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+accountSID+`",`+changed+`}`)
	}
	f.Add(hs256, `{"scope":"scope:stream:subscribe?params=%25zz","iss":"`+accountSID+`","exp":946688400}`)
	f.Add(hs256, `{"scope":"","iss":"`+accountSID+`","exp":946688400}`)
	for _, header := range []string{`{"alg":"HS256","cty":"twilio-fpa;v=1"}`, `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT","twr":"ie1"}`, `{"alg":"HS256","cty":"twilio-fpa;v=1","typ":"JWT","twr":"dublin"}`} {
		f.Add(header, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true}}},"iss":"`+apiKeySID+`","sub":"`+accountSID+`","exp":946688400}`)
	}
	f.Fuzz(func(t *testing.T, header, claims string) {
		token, forged := sign(t, header, claims, authToken), sign(t, header, claims, "another secret")
		synctest.Test(t, func(t *testing.T) {
			r := judge(token, time.Now(), live)
			_, err := capability.Verify(token, accountSID, authToken)
			faults := problems(r)
			if err != nil && r.Kind != inspect.AccessToken {
				assert.NotEmpty(t, faults, "Verify says %v", err)
			}
			if err == nil {
				assert.Equal(t, inspect.CapabilityToken, r.Kind)
				assert.Equal(t, inspect.Valid, r.Signature)
				for _, fault := range faults {
					known := strings.HasPrefix(fault, "31105") || strings.HasPrefix(fault, "31100")
					assert.True(t, known, "Verify accepts it, but %s", fault)
				}
			}
			assert.NotContains(t, strings.Join(faults, "\n"), authToken)
			checkAccessToken(t, sign(t, header, claims, apiKeySecret))
			_, err = json.Marshal(r)
			assert.NoError(t, err)
			assert.NotEmpty(t, problems(judge(forged, time.Now(), live)))
		})
	})
}

// checkAccessToken compares with VerifyWithAPIKey.
func checkAccessToken(t *testing.T, token string) {
	t.Helper()
	r := judge(token, time.Now(), live)
	_, err := capability.VerifyWithAPIKey(token, accountSID, apiKeySID, apiKeySecret)
	faults := problems(r)
	switch {
	case err == nil:
		assert.Equal(t, inspect.AccessToken, r.Kind)
		assert.Empty(t, faults, "VerifyWithAPIKey accepts it")
	case r.Kind == inspect.AccessToken:
		assert.NotEmpty(t, faults, "VerifyWithAPIKey says %v", err)
	}
}

// Whatever is pasted, each token found is in it, apart from what folds or hides it.
func FuzzFind(f *testing.F) {
	one := encode(hs256) + "." + encode(`{"scope":"scope:a:b","x":[1e5,"ü"]}`) + "." + strings.Repeat("A", 43)
	for _, pasted := range []string{
		one, "Bearer " + one, `{"token":"` + one + `"}`, one[:30] + "\n> " + one[30:] + " and " + one, one[:60], one + ".x.y",
		encode(`{"enc":"A256GCM"}`) + "..a.b.c", "e30.e30.", "\u200b\ufeff", "undefined", strings.ReplaceAll(one, ".", "=."), "\x1b[2J\xff.\u202e.",
		strings.Replace(one, "A", "+", 3), encode(access) + "." + encode(`{"grants":{"voice":{"outgoing":{"params":{"a":["b",7]}}}},"exp":"1"}`) + ".AA",
	} {
		f.Add(pasted)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		for _, token := range inspect.Find(pasted) {
			rest := pasted
			for _, c := range []byte(token.Text) {
				_, after, found := strings.Cut(rest, string([]byte{c}))
				require.True(t, found || !utf8.ValidString(pasted), "%q is not in what was pasted", token.Text)
				rest = after
			}
			_, err := json.Marshal(inspect.Inspect(token, year2000, live))
			assert.NoError(t, err)
		}
	})
}
