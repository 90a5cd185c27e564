package hostile

import (
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability"
)

// badClaims must be refused even with a good header and signature.
func badClaims() []part {
	nuls := strings.Repeat(`\u0000`, 500)
	return slices.Concat(times(), []part{
		// The account: RFC 8725 section 3.8.
		{"iss missing", "RFC 8725 section 3.8", object(exp, scope), jwt.ErrTokenRequiredClaimMissing},
		{"iss empty", "RFC 8725 section 3.8", object(`"iss":""`, exp, scope), jwt.ErrTokenRequiredClaimMissing},
		{"iss null", "RFC 7519 section 4.1.1", object(`"iss":null`, exp, scope), jwt.ErrInvalidType},
		{"iss an array", "RFC 7519 section 4.1.1", object(`"iss":["`+accountSID+`"]`, exp, scope), jwt.ErrInvalidType},
		{"iss an object", "RFC 7519 section 4.1.1", object(`"iss":{"$ne":""}`, exp, scope), jwt.ErrInvalidType},
		{"iss another account", "RFC 8725 section 2.7", object(`"iss":"AC1"`, exp, scope), jwt.ErrTokenInvalidIssuer},
		{"iss in lower case", "RFC 7519 section 7.3", object(strings.ToLower(iss), exp, scope), jwt.ErrTokenInvalidIssuer},
		{"iss and a space", "RFC 7519 section 7.3", object(`"iss":"`+accountSID+` "`, exp, scope), jwt.ErrTokenInvalidIssuer},
		{"iss and a NUL", "RFC 7519 section 7.3", object(`"iss":"`+accountSID+`\u0000"`, exp, scope), jwt.ErrTokenInvalidIssuer},
		{"iss and what invalid UTF-8 becomes", "RFC 8725 section 3.7", object(`"iss":"`+accountSID+"\ufffd\"", exp, scope), jwt.ErrTokenInvalidIssuer},
		{"iss the auth token", "RFC 8725 section 3.8", object(`"iss":"`+authToken+`"`, exp, scope), jwt.ErrTokenInvalidIssuer},
		{"account in sub", "RFC 8725 section 3.8", object(`"sub":"`+accountSID+`"`, exp, scope), jwt.ErrTokenRequiredClaimMissing},

		// A token for another service: one that aud does not name must refuse it.
		{"aud", "RFC 7519 section 4.1.3", object(iss, exp, scope, `"aud":"https://attacker.example"`), jwt.ErrTokenInvalidAudience},
		{"aud an array", "CVE-2020-26160", object(iss, exp, scope, `"aud":["a","b"]`), jwt.ErrTokenInvalidAudience},
		{"aud an empty array", "CVE-2020-26160", object(iss, exp, scope, `"aud":[]`), jwt.ErrTokenInvalidAudience},

		{"scope missing", "RFC 8725 section 3.12", object(iss, exp), capability.ErrInvalidScope},
		{"scope null", "RFC 8725 section 3.12", object(iss, exp, `"scope":null`), capability.ErrInvalidScope},
		{"scope an array", "RFC 8725 section 3.12", object(iss, exp, `"scope":["scope:a:b"]`), capability.ErrInvalidScope},
		{"scope of another kind", "RFC 8725 section 3.12", object(iss, exp, `"scope":"openid profile"`), capability.ErrInvalidScope},
		{"scope with two spaces", "RFC 6749 section 3.3", object(iss, exp, `"scope":"scope:a:b  scope:c:d"`), capability.ErrInvalidScope},
		{"scope with a tab", "RFC 6749 section 3.3", object(iss, exp, `"scope":"scope:a:b\tscope:c:d"`), capability.ErrInvalidScope},
		{"scope with a space at its end", "RFC 6749 section 3.3", object(iss, exp, `"scope":"scope:a:b "`), capability.ErrInvalidScope},
		{"scope with the auth token", "CVE-2019-7644", object(iss, exp, `"scope":"scope:`+authToken+`"`), capability.ErrInvalidScope},
		{"scope of 40,000 letters", "RFC 8725 section 3.10", object(iss, exp, `"scope":"`+strings.Repeat("x", 40_000)+`"`), capability.ErrInvalidScope},
		{"scope of control characters", "RFC 8725 section 3.10", object(iss, exp, `"scope":"scope:`+nuls+":"+nuls+`"`), capability.ErrInvalidScope},
		{"scope of 15,000 parameters", "CVE-2025-61726",
			object(iss, exp, `"scope":"scope:a:b?`+strings.Repeat("a&", 15_000)+`"`), capability.ErrInvalidScope},

		// Names are compared exactly: RFC 7519 section 7.3.
		{"ISS", "RFC 7519 section 7.3", object(`"ISS":"`+accountSID+`"`, exp, scope), jwt.ErrTokenRequiredClaimMissing},
		{"Exp", "RFC 7519 section 7.3", object(iss, `"Exp":946684860`, scope), jwt.ErrTokenRequiredClaimMissing},
		{"SCOPE", "RFC 7519 section 7.3", object(iss, exp, `"SCOPE":"scope:a:b"`), capability.ErrInvalidScope},
		{"scope with a long s", "RFC 7519 section 7.3", object(iss, exp, `"ſcope":"scope:a:b"`), capability.ErrInvalidScope},
		{"exp and what invalid UTF-8 becomes", "RFC 7519 section 7.3", object(iss, "\"exp\ufffd\":946684860", scope), jwt.ErrTokenRequiredClaimMissing},
		{"exp and a NUL", "RFC 7519 section 7.3", object(iss, `"exp\u0000":946684860`, scope), jwt.ErrTokenRequiredClaimMissing},

		// If a name appears twice, the last one counts, as RFC 7519 section 4 allows.
		{"exp twice, then past", "RFC 7519 section 4", object(iss, exp, scope, `"exp":1`), jwt.ErrTokenExpired},
		{"exp twice, then with an escape", "RFC 7519 section 4", object(iss, exp, scope, `"\u0065xp":1`), jwt.ErrTokenExpired},
		{"exp twice, then null", "RFC 7519 section 4", object(iss, exp, scope, `"exp":null`), jwt.ErrInvalidType},
		{"nbf twice, then to come", "RFC 7519 section 4", object(iss, exp, scope, `"nbf":1`, `"nbf":946684801`), jwt.ErrTokenNotValidYet},
		{"iss twice, then another", "RFC 7519 section 4", object(iss, exp, scope, `"iss":"AC1"`), jwt.ErrTokenInvalidIssuer},
		{"scope twice, then no string", "RFC 7519 section 4", object(iss, exp, scope, `"scope":{}`), capability.ErrInvalidScope},

		// Not a JSON object in UTF-8: RFC 7519 section 7.2.
		{"empty", "RFC 7519 section 7.2", "", jwt.ErrTokenMalformed},
		{"no claims", "RFC 7519 section 7.2", "{}", jwt.ErrTokenRequiredClaimMissing},
		{"null", "RFC 7519 section 7.2", "null", jwt.ErrTokenRequiredClaimMissing},
		{"array", "RFC 7519 section 7.2", "[" + claims + "]", jwt.ErrTokenMalformed},
		{"token within", "RFC 7519 section 5.2", good, jwt.ErrTokenMalformed},
		{"token within, in quotes", "RFC 7519 section 5.2", `"` + good + `"`, jwt.ErrTokenMalformed},
		{"more after it", "RFC 7519 section 7.2", claims + claims, jwt.ErrTokenMalformed},
		{"NUL after it", "RFC 7519 section 7.2", claims + "\x00", jwt.ErrTokenMalformed},
		{"NUL before it", "RFC 7519 section 7.2", "\x00" + claims, jwt.ErrTokenMalformed},
		{"byte order mark", "RFC 8259 section 8.1", "\ufeff" + claims, jwt.ErrTokenMalformed},
		{"UTF-16", "RFC 8725 section 2.6", utf16(claims), jwt.ErrTokenMalformed},
		{"invalid UTF-8 in a value", "RFC 7519 section 7.2", object(iss, exp, scope, "\"a\":\"\xff\""), jwt.ErrTokenMalformed},
		{"invalid UTF-8 in a name", "RFC 7519 section 7.2", object(iss, exp, scope, "\"\xff\":1"), jwt.ErrTokenMalformed},
		{"two names with invalid UTF-8", "RFC 7519 section 4", object(iss, exp, scope, "\"\xfe\":1", "\"\xff\":2"), jwt.ErrTokenMalformed},
		{"invalid UTF-8 in scope", "RFC 7519 section 7.2", object(iss, exp, "\"scope\":\"scope:client:incoming?clientName=\xff\""), jwt.ErrTokenMalformed},
		{"invalid UTF-8 that doesn't count", "RFC 7519 section 7.2", object("\"iss\":\"\xff\"", iss, exp, scope), jwt.ErrTokenMalformed},
		{"NUL in too many bytes", "RFC 8725 section 3.7", object(iss, exp, scope, "\"a\":\"\xc0\x80\""), jwt.ErrTokenMalformed},
		{"surrogate in UTF-8", "RFC 8725 section 3.7", object(iss, exp, scope, "\"a\":\"\xed\xa0\x80\""), jwt.ErrTokenMalformed},

		// Expensive to decode.
		{"10,000 brackets", "RFC 8259 section 9", object(iss, exp, scope, `"a":`+nest(10_000)), jwt.ErrTokenMalformed},
		{"10,000 braces", "RFC 8259 section 9", strings.Repeat(`{"":`, 10_000), jwt.ErrTokenMalformed},
		{"40,000 brackets", "RFC 8259 section 9", strings.Repeat("[", 40_000), jwt.ErrTokenMalformed},
		{"number beyond a float", "RFC 8259 section 6", object(iss, exp, scope, `"a":1e400`), jwt.ErrTokenMalformed},
		{"number of 10,000 digits", "RFC 8259 section 9", object(iss, exp, scope, `"a":1`+strings.Repeat("0", 10_000)), jwt.ErrTokenMalformed},
		{"exp of 10,000 digits", "RFC 8259 section 9", object(iss, scope, `"exp":1`+strings.Repeat("0", 10_000)), jwt.ErrTokenMalformed},
	})
}

// times are claims whose exp or nbf is not a time, or the wrong one: RFC 7519
// sections 2, 4.1.4 and 4.1.5.
func times() []part {
	all := []part{{"exp missing", "RFC 7519 section 4.1.4", object(iss, scope), jwt.ErrTokenRequiredClaimMissing}}
	add := func(want error, before, after string, values ...string) {
		for _, value := range values {
			all = append(all, part{before + value, "RFC 7519 section 2", object(iss, scope, before+value+after), want})
		}
	}
	noNumbers := []string{
		"null", "true", "false", `""`, `"946684860"`, `"Infinity"`, `"Inf"`, `"NaN"`, `"1e400"`, `"0x7fffffff"`, `"2030-01-01T00:00:00Z"`,
		"[]", "[946684860]", "{}", `{"$gt":0}`,
	}
	add(jwt.ErrInvalidType, `"exp":`, "", noNumbers...)
	// golang-jwt calls these missing, and will call them expired: its issue 509.
	add(jwt.ErrTokenInvalidClaims, `"exp":`, "", "0", "-0", "0.0", "1e-400")
	add(jwt.ErrTokenExpired, `"exp":`, "", "1", "-1", "-946684860", "946684800", "946684799.5", "1e-300")
	add(jwt.ErrTokenInvalidClaims, `"exp":`, "",
		"946684860.5", "1e17", "1e308", "-1e308", "9007199254740994", "9223372036854775807", "9223372036854775808", "18446744073709551616")
	add(capability.ErrInvalidTTL, `"exp":`, "", "946771201", "946684860000", "2147483648", "4294967296", "9007199254740992")

	add(jwt.ErrInvalidType, exp+`,"nbf":`, "", noNumbers...)
	add(jwt.ErrTokenNotValidYet, exp+`,"nbf":`, "", "946684801", "946684800000", "9007199254740992")
	add(jwt.ErrTokenInvalidClaims, exp+`,"nbf":`, "", "-1", "-5", "0.5", "-0.5", "946684799.5", "1e308", "-1e308", "9223372036854775808", "-9223372036854775809")
	return all
}

// deep returns n nested arrays, as encoding/json decodes them.
func deep(n int) any {
	value := []any{}
	for range n - 1 {
		value = []any{value}
	}
	return value
}

var controls = []control{
	{"good", "RFC 7519 section 3", good, read(nil)},
	{"no typ", "RFC 7519 section 5.1", signed(object(alg), claims), read(nil)},
	{"white space within", "RFC 7519 section 3.1", signed("{ \"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", "\t"+claims+"\n "), read(nil)},
	{"escapes", "RFC 7519 section 7.3", signed(object(`"\u0061lg":"\u00485256"`, alg), object(iss, `"\u0065xp":946684860`, scope)), read(nil)},

	// If a name appears twice, the last one counts (RFC 7519 section 4, RFC 7515 section 4).
	{"alg twice, first none", "RFC 7515 section 4", signed(object(`"alg":"none"`, alg), claims), read(nil)},
	{"typ twice, first another", "RFC 7515 section 4", signed(object(alg, `"typ":"at+jwt"`, typ), claims), read(nil)},
	{"exp twice, first past", "RFC 7519 section 4", signed(header, object(`"exp":1`, iss, exp, scope)), read(nil)},
	{"exp twice, first no number", "RFC 7519 section 4", signed(header, object(`"exp":"x"`, iss, exp, scope)), read(nil)},
	{"iss twice, first another", "RFC 7519 section 4", signed(header, object(`"iss":"AC1"`, iss, exp, scope)), read(nil)},
	{"scope twice, first more", "RFC 7519 section 4", signed(header, object(`"scope":"scope:client:outgoing?appSid=AP1"`, iss, exp, scope)), read(nil)},
	{"another claim twice", "RFC 7519 section 4", signed(header, object(iss, exp, scope, `"a":{"b":1}`, `"a":{"c":2}`)),
		read(map[string]any{"a": map[string]any{"c": 2.0}})},

	// Claims in another letter case, and claims that Verify does not use, have no effect.
	{"other letter case", "RFC 7519 section 7.3", signed(header, object(`"ISS":"AC1"`, iss, `"Exp":1`, exp, `"NBF":4e9`, `"SCOPE":""`, scope)),
		read(map[string]any{"ISS": "AC1", "Exp": 1.0, "NBF": 4e9, "SCOPE": ""})},
	{"iat to come", "RFC 7519 section 4.1.6", signed(header, object(iss, exp, scope, `"iat":4e9`)), read(map[string]any{"iat": 4e9})},
	{"iat negative, with a fraction", "RFC 7519 section 4.1.6", signed(header, object(iss, exp, scope, `"iat":-1.5`)), read(map[string]any{"iat": -1.5})},
	{"iat in quotes", "RFC 7519 section 4.1.6", signed(header, object(iss, exp, scope, `"iat":"946684800"`)), read(map[string]any{"iat": "946684800"})},
	{"sub and jti", "RFC 7519 section 4.1", signed(header, object(iss, exp, scope, `"sub":null`, `"jti":7`)), read(map[string]any{"sub": nil, "jti": 7.0})},

	// A number can be written in several ways.
	{"exp as a float", "RFC 7519 section 2", signed(header, object(iss, `"exp":9.46684860E+8`, scope)), read(nil)},
	{"exp with zeros", "RFC 7519 section 2", signed(header, object(iss, `"exp":946684860.000`, scope)), read(nil)},
	{"nbf 0", "RFC 7519 section 2", signed(header, object(iss, exp, scope, `"nbf":0`)), readFrom(0)},
	{"nbf now", "RFC 7519 section 4.1.5", signed(header, object(iss, exp, scope, `"nbf":946684800`)), readFrom(946684800)},
	{"nbf -0", "RFC 7519 section 2", signed(header, object(iss, exp, scope, `"nbf":-0`)), readFrom(0)},

	{"9,000 brackets", "RFC 8259 section 9", signed(header, object(iss, exp, scope, `"a":`+nest(9_000))), read(map[string]any{"a": deep(9_000)})},
	{"half of a surrogate pair", "RFC 8259 section 8.2", signed(header, object(iss, exp, scope, `"a":"\ud800"`)), read(map[string]any{"a": "\ufffd"})},
}
