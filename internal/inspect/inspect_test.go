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
		{"exp milliseconds", hs256, `{"exp":946688400000}`, []string{`31207 its exp is 946688400000, not a whole number of seconds since 1970`}},
		{"exp huge", hs256, `{"exp":1e300}`, []string{`31207 its exp is 1e300, not a whole number of seconds since 1970`}},
		{"exp beyond numbers", hs256, `{"exp":1e400}`, []string{"31204 it is malformed: not a JSON object (claims)"}},
		{"exp 1970", hs256, `{"exp":0}`, []string{`31205 it expired 10957 days ago`}},
		{"exp now", hs256, `{"exp":946684800}`, []string{`31205 it expired 0s ago`}},
		{"exp a day and an hour ago", hs256, `{"exp":946591199}`, []string{`31205 it expired 26h ago`}},
		{"exp in 24h", hs256, `{"exp":946771200}`, nil},
		{"exp in 24h and 1s", hs256, `{"exp":946771201}`, []string{`31207 it expires in 24h1s, later than the 24h that are allowed`}},
		{"exp before nbf", hs256, `{"exp":946688400,"nbf":946688401}`, []string{
			"31204 it is not valid yet: its nbf is in 1h1s", "31204 its exp is before its nbf, so it is never valid"}},
		{"nbf milliseconds", hs256, `{"nbf":946684800000}`, []string{`31204 its nbf is 946684800000, not a whole number of seconds since 1970`}},
		{"nbf negative", hs256, `{"nbf":-5}`, []string{`31204 its nbf is -5, not a whole number of seconds since 1970`}},
		{"iat odd", hs256, `{"iat":"now"}`, nil},
		{"no iss", hs256, `{"iss":"absent"}`, []string{`31203 it has no iss, which must be an account SID`}},
		{"iss not a string", hs256, `{"iss":7}`, []string{`31203 its iss is 7, not an account SID`}},
		{"scope empty", hs256, `{"scope":""}`, []string{`31204 its scope claim is empty, so it grants nothing`}},
		{"scope not a string", hs256, `{"scope":["scope:client:incoming"]}`, []string{`31204 its scope claim is ["scope:client:incoming"], not a string`}},
		{"bad escape", hs256, `{"scope":"scope:client:incoming?clientName=%zz"}`, []string{
			`31204 part of its scope claim is not a scope: "scope:client:incoming?clientName=%zz"`}},
		{"bad filters", hs256, `{"scope":"scope:stream:subscribe?params=%25zz"}`, []string{
			`31204 part of its scope claim is not a scope: "scope:stream:subscribe?params=%25zz"`}},
		{"no client name", hs256, `{"scope":"scope:client:incoming"}`, []string{
			`31105 its client name is "": only ASCII letters, digits and '_' are safe, 1 to 256 of them`}},
		{"no application", hs256, `{"scope":"scope:client:outgoing?clientName=tommy"}`, []string{
			"31100 it allows outgoing calls, but names no application"}},
		{"several", hs256, `{"exp":1,"nbf":1e12,"iss":null,"scope":"scope:x"}`, []string{
			`31204 its nbf is 1e12, not a whole number of seconds since 1970`,
			`31205 it expired 10956 days ago`,
			`31203 its iss is null, not an account SID`,
			`31204 part of its scope claim is not a scope: "scope:x"`}},

		{"good Access Token", access, `{}`, nil},
		{"claims not an object", access, `[]`, []string{"20101 it is malformed: not a JSON object (claims)"}},
		{"other cty", `{"alg":"HS256","cty":"twilio-fpa;v=2","typ":"JWT"}`, `{}`, []string{`20102 its cty is "twilio-fpa;v=2", not "twilio-fpa;v=1"`}},
		{"Access Token with kid", `{"alg":"HS256","cty":"twilio-fpa;v=1","kid":"x"}`, `{}`, []string{`20102 its header has "kid"`}},
		{"Access Token without exp", access, `{"exp":"absent"}`, []string{"20104 it has no exp, the time when it expires"}},
		{"Access Token, exp fraction", access, `{"exp":946688400.5}`, []string{"20104 its exp is 946688400.5, not a whole number of seconds since 1970"}},
		{"Access Token for 24h and 1s", access, `{"exp":946771201}`, []string{"20157 it expires in 24h1s, later than the 24h that are allowed"}},
		{"Access Token, not yet valid", access, `{"nbf":946685105}`, []string{"20105 it is not valid yet: its nbf is in 5m5s"}},
		{"no iss, no sub", access, `{"iss":"absent","sub":7}`, []string{
			"20103 it has no iss, which must be an API key SID", "20103 its sub is 7, not an account SID"}},
		{"no grants", access, `{"grants":"absent"}`, []string{"20106 it grants nothing"}},
		{"grants not an object", access, `{"grants":7}`, []string{"20106 its grants is 7, which is of the wrong type", "20106 it grants nothing"}},
		{"voice empty", access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":false}}}}`, []string{
			"20106 its voice grant allows neither incoming nor outgoing calls"}},
		{"identity not a string", access, `{"grants":{"identity":7,"voice":{"incoming":{"allow":true}}}}`, []string{
			"20106 its identity is 7, which is of the wrong type", "20106 it has no identity"}},
		{"identity", access, `{"grants":{"identity":"a-b","voice":{"incoming":{"allow":true},"outgoing":{"application_sid":"AP1"}}}}`, []string{
			`31105 its client name is "a-b": only ASCII letters, digits and '_' are safe, 1 to 256 of them`}},
		{"no application in a grant", access, `{"grants":{"identity":"tommy","voice":{"outgoing":{}}}}`, []string{
			"31100 it allows outgoing calls, but names no application"}},
		{"voice not an object", access, `{"grants":{"identity":"tommy","voice":true}}`, []string{"20106 its voice is true, which is of the wrong type"}},
		{"voice of other types", access, `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":"true"},"outgoing":{"application_sid":"AP1","params":"a=b"}}}}`, []string{
			`20106 its allow is "true", which is of the wrong type`, `20106 its params is "a=b", which is of the wrong type`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			claims, key := `{"scope":"scope:client:incoming?clientName=tommy","iss":"`+accountSID+`","exp":946688400}`, authToken
			if strings.Contains(test.header, "cty") {
				claims = `{"grants":{"identity":"tommy","voice":{"incoming":{"allow":true}}},"iss":"` + apiKeySID + `","sub":"` + accountSID + `","exp":946688400}`
				key = apiKeySecret
			}
			r := inspect.Inspect(sign(t, test.header, changed(t, claims, test.changes), key), year2000, live)
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
		{"Plivo token", `{"alg":"HS256","cty":"plivo;v=1"}`, `{}`},
		{"Plivo token", hs256, `{"grants":{"voice":{"incoming_allow":true}}}`},
		{"Stringee token", `{"alg":"HS256","cty":"stringee-api;v=1"}`, `{"iss":"SK1"}`},
		{"LiveKit token", hs256, `{"iss":"API1","video":{"roomJoin":true}}`},
		{"Vonage token", hs256, `{"application_id":"1","jti":"2"}`},
		{"Telnyx token", hs256, `{"iss":"telnyx_telephony"}`},
		{"Zoom Video SDK token", hs256, `{"app_key":"1","tpc":"2"}`},
		{"Jitsi token", hs256, `{"iss":"chat","aud":"jitsi"}`},
		{"Google ID token", hs256, `{"iss":"https://accounts.google.com"}`},
		{"Google ID token", hs256, `{"iss":"accounts.google.com"}`},
		{"Firebase ID token", hs256, `{"iss":"https://securetoken.google.com/project"}`},
		{"Apple ID token", hs256, `{"iss":"https://appleid.apple.com"}`},
		{"Microsoft Entra token", hs256, `{"iss":"https://login.microsoftonline.com/1/v2.0"}`},
		{"Microsoft Entra token", hs256, `{"iss":"https://sts.windows.net/1/"}`},
		{"Auth0 token", hs256, `{"iss":"https://x.eu.auth0.com/","scope":"openid"}`},
		{"Okta token", hs256, `{"iss":"https://x.okta.com/oauth2/default"}`},
		{"Amazon Cognito token", hs256, `{"iss":"https://cognito-idp.us-east-1.amazonaws.com/1"}`},
		{"Supabase token", hs256, `{"iss":"https://x.supabase.co/auth/v1"}`},
		{"Clerk token", hs256, `{"iss":"https://x.clerk.accounts.dev"}`},
		{"JSON Web Token of an unknown service", hs256, `{"iss":"https://notauth0.com/"}`},
		{"JSON Web Token of an unknown service", hs256, `{"scope":"openid","grants":7,"exp":"x"}`},
		{"damaged JSON Web Token", hs256, `[]`},
		{"not a JSON Web Token", `[]`, `[]`},
	} {
		t.Run(test.kind, func(t *testing.T) {
			r := inspect.Inspect(sign(t, test.header, test.claims, "secret"), year2000, live)
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
		"null":      `31204 it is "null", a JavaScript value instead of a token`,
	} {
		r := inspect.Inspect(token, year2000, nil)
		assert.Equal(t, []string{want}, problems(r))
		assert.Equal(t, "not a JSON Web Token", r.Kind)
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
		r := inspect.Inspect(half, year2000, live)
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
			"0 your TWILIO_ACCOUNT_SID is not an account SID: AC and 32 hexadecimal digits"}, inspect.NotChecked},
		{"API key SID", accessToken, inspect.Credentials{inspect.APIKeySIDVar: accountSID}, []string{
			"0 your TWILIO_API_KEY is not the SID of an API key: SK and 32 hexadecimal digits"}, inspect.NotChecked},
		{"API key swapped with its secret", accessToken, inspect.Credentials{inspect.APIKeySIDVar: apiKeySecret, inspect.APIKeySecretVar: apiKeySID}, []string{
			"0 your TWILIO_API_KEY and TWILIO_API_SECRET have changed places"}, inspect.Valid},
		{"a blank within", capabilityToken, inspect.Credentials{inspect.AuthTokenVar: "fedcba98 76543210"}, []string{
			"0 your TWILIO_AUTH_TOKEN cannot be used: "}, inspect.NotChecked},
		{"a changed secret", accessToken, inspect.Credentials{inspect.APIKeySecretVar: "0123456789abcdef0123456789abcdef"}, []string{
			"20107 it is signed with a different API key secret, or was changed after signing"}, inspect.Wrong},
	} {
		t.Run(test.name, func(t *testing.T) {
			credentials := maps.Clone(live)
			maps.Copy(credentials, test.change)
			r := inspect.Inspect(test.token, year2000, credentials)
			got := problems(r)
			require.Len(t, got, len(test.want), "%q", got)
			for i, want := range test.want {
				assert.True(t, strings.HasPrefix(got[i], want), "want %s: got %s", want, got[i])
			}
			assert.Equal(t, test.signature, r.Signature)
			assert.NotContains(t, r.Text(), authToken)
			assert.NotContains(t, r.Text(), apiKeySecret)
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
		r := inspect.Inspect(sign(t, hs256, `{"scope":"scope:a:b","iss":"`+accountSID+`","exp":946688400}`, key), year2000, live)
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
		{one + ",", []string{one}, []string{"a comma or semicolon"}},
		{"token=" + one, []string{one}, []string{"a name and '='"}},
		{"token%3D" + one, []string{one}, []string{"a name and '='"}},
		{`"token": "` + one + `",`, []string{one}, []string{"a name and ':'", "quotes", "a comma or semicolon"}},
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
	f.Fuzz(func(t *testing.T, header, claims string) {
		token, forged := sign(t, header, claims, authToken), sign(t, header, claims, "another secret")
		synctest.Test(t, func(t *testing.T) {
			r := inspect.Inspect(token, time.Now(), live)
			_, err := capability.Verify(token, accountSID, authToken)
			faults := problems(r)
			if err != nil && r.Kind != inspect.AccessToken {
				assert.NotEmpty(t, faults, "Verify says %v", err)
			}
			if err == nil {
				assert.Equal(t, inspect.CapabilityToken, r.Kind)
				assert.Equal(t, inspect.Valid, r.Signature)
				for _, fault := range faults {
					known := strings.HasPrefix(fault, "31105") || strings.HasPrefix(fault, "31100") || strings.HasSuffix(fault, "grants nothing") ||
						strings.HasPrefix(fault, "31204 its exp is before its nbf")
					assert.True(t, known, "Verify accepts it, but %s", fault)
				}
			}
			assert.NotContains(t, strings.Join(faults, "\n"), authToken)
			checkText(t, r)
			assert.NotEmpty(t, problems(inspect.Inspect(forged, time.Now(), live)))
		})
	})
}

// checkText checks that a report fits on a screen, does not drive a terminal, and
// is JSON.
func checkText(t *testing.T, r *inspect.Report) {
	t.Helper()
	for line := range strings.Lines(r.Text()) {
		line = strings.TrimSuffix(line, "\n")
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 80)
		assert.Equal(t, line, inspect.Escape(line))
	}
	_, err := json.Marshal(r)
	assert.NoError(t, err)
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
			checkText(t, inspect.Inspect(token.Text, year2000, live))
		}
	})
}
