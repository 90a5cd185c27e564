package hostile

import (
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// headers must be refused even with good claims and signature.
func headers() []part {
	return slices.Concat(algHeaders(), []part{
		// Keys and where to find them: RFC 8725 sections 2.9 and 3.10.
		{"jwk, the key itself", "CVE-2018-0114", object(alg, typ, `"jwk":{"kty":"oct","k":"YXR0YWNrZXI"}`), jwt.ErrTokenUnverifiable},
		{"jku", "RFC 8725 section 2.9", object(alg, typ, `"jku":"https://attacker.example/keys"`), jwt.ErrTokenUnverifiable},
		{"x5u", "RFC 8725 section 2.9", object(alg, typ, `"x5u":"http://169.254.169.254/"`), jwt.ErrTokenUnverifiable},
		{"x5c", "RFC 7515 section 4.1.6", object(alg, typ, `"x5c":["MIIB"]`), jwt.ErrTokenUnverifiable},
		{"x5t", "RFC 7515 section 4.1.7", object(alg, typ, `"x5t":"YXR0YWNrZXI"`), jwt.ErrTokenUnverifiable},
		{"kid, a path", "RFC 8725 section 3.10", object(alg, typ, `"kid":"../../../../dev/null"`), jwt.ErrTokenUnverifiable},
		{"kid, SQL", "RFC 8725 section 3.10", object(alg, typ, `"kid":"' UNION SELECT 'attacker"`), jwt.ErrTokenUnverifiable},
		{"kid, a command", "RFC 8725 section 3.10", object(alg, typ, `"kid":"| sleep 9"`), jwt.ErrTokenUnverifiable},
		{"kid, empty", "RFC 8725 section 3.10", object(alg, typ, `"kid":""`), jwt.ErrTokenUnverifiable},

		// Extensions that Verify does not know.
		{"crit", "CVE-2025-59420", object(alg, typ, `"crit":["bork"]`, `"bork":true`), jwt.ErrTokenUnverifiable},
		{"crit, without what it names", "RFC 7515 section 4.1.11", object(alg, typ, `"crit":["exp"]`), jwt.ErrTokenUnverifiable},
		{"crit, empty", "RFC 7515 section 4.1.11", object(alg, typ, `"crit":[]`), jwt.ErrTokenUnverifiable},
		{"crit, null", "RFC 7515 section 4.1.11", object(alg, typ, `"crit":null`), jwt.ErrTokenUnverifiable},
		{"crit, without typ", "CVE-2026-32597", object(alg, `"crit":["bork"]`), jwt.ErrTokenUnverifiable},
		{"b64 false", "RFC 7797 section 6", object(alg, `"b64":false`, `"crit":["b64"]`), jwt.ErrTokenUnverifiable},
		{"b64 false, not critical", "RFC 7797 section 6", object(alg, `"b64":false`), jwt.ErrTokenUnverifiable},
		{"b64 true", "RFC 7797 section 3", object(alg, `"b64":true`), jwt.ErrTokenUnverifiable},
		{"zip", "RFC 8725 section 3.6", object(alg, typ, `"zip":"DEF"`), jwt.ErrTokenUnverifiable},
		{"enc", "CVE-2023-51774", object(alg, typ, `"enc":"A256GCM"`), jwt.ErrTokenUnverifiable},
		{"p2c", "CVE-2023-49290", object(alg, `"p2s":"c2FsdHNhbHQ"`, `"p2c":2000000000`), jwt.ErrTokenUnverifiable},
		{"claims in the header", "RFC 7519 section 5.3", object(alg, typ, iss), jwt.ErrTokenUnverifiable},

		// Another kind of token: RFC 8725 section 2.8.
		{"cty of a nested token", "RFC 7519 section 5.2", object(alg, typ, `"cty":"JWT"`), jwt.ErrTokenUnverifiable},
		{"typ of an access token", "RFC 8725 section 3.11", object(alg, `"typ":"at+jwt"`), jwt.ErrTokenUnverifiable},
		{"typ in full", "RFC 8725 section 3.11", object(alg, `"typ":"application/jwt"`), jwt.ErrTokenUnverifiable},
		{"typ in lower case", "RFC 7519 section 5.1", object(alg, `"typ":"jwt"`), jwt.ErrTokenUnverifiable},
		{"typ null", "RFC 7519 section 5.1", object(alg, `"typ":null`), jwt.ErrTokenUnverifiable},
		{"typ a number", "RFC 7519 section 5.1", object(alg, `"typ":0`), jwt.ErrTokenUnverifiable},

		// If a name appears twice, the last one counts, as RFC 7515 section 4 allows.
		{"alg twice, then none", "RFC 7515 section 4", object(alg, `"alg":"none"`), jwt.ErrTokenSignatureInvalid},
		{"alg twice, then unknown", "RFC 7515 section 4", object(alg, `"alg":""`), jwt.ErrTokenSignatureInvalid},
		{"typ twice, then another", "RFC 7515 section 4", object(alg, typ, `"typ":"at+jwt"`), jwt.ErrTokenUnverifiable},
		{"alg in another case too", "RFC 7515 section 4", object(alg, `"Alg":"none"`), jwt.ErrTokenUnverifiable},
		{"typ in another case too", "RFC 7515 section 4", object(alg, `"TYP":"JWT"`), jwt.ErrTokenUnverifiable},

		// Not a JSON object in UTF-8.
		{"empty", "RFC 7515 section 5.2", "", jwt.ErrTokenMalformed},
		{"null", "RFC 7515 section 5.2", "null", jwt.ErrTokenSignatureInvalid},
		{"array", "RFC 7515 section 5.2", "[" + header + "]", jwt.ErrTokenMalformed},
		{"more after it", "RFC 7515 section 5.2", header + header, jwt.ErrTokenMalformed},
		{"NUL after it", "RFC 7515 section 5.2", header + "\x00", jwt.ErrTokenMalformed},
		{"byte order mark", "RFC 8259 section 8.1", "\ufeff" + header, jwt.ErrTokenMalformed},
		{"UTF-16", "RFC 8725 section 2.6", utf16(header), jwt.ErrTokenMalformed},
		{"what invalid UTF-8 becomes, in alg", "RFC 8725 section 3.7", object("\"alg\":\"HS256\ufffd\"", typ), jwt.ErrTokenSignatureInvalid},
		{"what invalid UTF-8 becomes, in a name", "RFC 8725 section 3.7", object(alg, "\"typ\ufffd\":\"JWT\""), jwt.ErrTokenUnverifiable},
		{"invalid UTF-8 that doesn't count", "RFC 7515 section 5.2", object("\"alg\":\"\xff\"", alg), jwt.ErrTokenMalformed},
		{"half of a surrogate pair", "RFC 8259 section 8.2", object(alg, `"typ":"JWT\ud800"`), jwt.ErrTokenUnverifiable},
		{"10,000 brackets", "RFC 8259 section 9", object(alg, `"a":`+nest(10_000)), jwt.ErrTokenMalformed},
		{"9,000 brackets", "RFC 8259 section 9", object(alg, `"a":`+nest(9_000)), jwt.ErrTokenUnverifiable},
		{"number beyond a float", "RFC 8259 section 6", object(alg, `"a":1e400`), jwt.ErrTokenMalformed},
		{"number of 10,000 digits", "RFC 8259 section 9", object(alg, `"a":1`+strings.Repeat("0", 10_000)), jwt.ErrTokenMalformed},
	})
}

// algHeaders name other algorithms, or none at all: RFC 8725 section 3.1.
func algHeaders() []part {
	const source = "RFC 8725 section 3.1"
	all := []part{
		{"alg missing", "RFC 7515 section 4.1.1", object(typ), jwt.ErrTokenSignatureInvalid},
		{"alg by another name", "RFC 7515 section 4.1.1", object(`"ALG":"HS256"`, typ), jwt.ErrTokenSignatureInvalid},
	}
	for _, value := range []string{`"none"`, `"NONE"`, `"HS512"`, `"RS256"`, `""`, `"hs256"`, `"HS256\u0000"`, "null", "256", `["HS256"]`, `{"HS256":1}`} {
		all = append(all, part{"alg " + value, source, object(`"alg":`+value, typ), jwt.ErrTokenSignatureInvalid})
	}
	return all
}

// utf16 returns ASCII text as little-endian UTF-16.
func utf16(ascii string) string {
	var text strings.Builder
	for _, c := range []byte(ascii) {
		text.Write([]byte{c, 0})
	}
	return text.String()
}
