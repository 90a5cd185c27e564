package hostile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"hash"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

// badTokens have the wrong parts, or the signature of something else.
func badTokens() []attack {
	text, signature := split(good)
	bytes := sum(authToken, text)
	h, c := encode(header), encode(claims)
	none, es256 := encode(object(`"alg":"none"`)), encode(object(`"alg":"ES256"`))
	b64 := encode(object(alg, `"b64":false`, `"crit":["b64"]`)) + "." + claims // as RFC 7797 has it
	other, _ := split(signed(header, object(iss, exp, `"scope":""`)))
	_, another := split(signed(header, object(iss, exp, `"scope":""`)))
	return []attack{
		{"empty", "RFC 7519 section 7.2", "", jwt.ErrTokenMalformed},
		{"one dot", "RFC 7519 section 7.2", ".", jwt.ErrTokenMalformed},
		{"two dots", "RFC 7519 section 7.2", "..", jwt.ErrTokenSignatureInvalid},
		{"one part", "RFC 7519 section 7.2", h, jwt.ErrTokenMalformed},
		{"no signature", "CVE-2020-28042", text + ".", jwt.ErrTokenSignatureInvalid},
		{"no signature nor its dot", "RFC 7515 section 7.1", text, jwt.ErrTokenMalformed},
		{"signature of one byte", "CVE-2020-28042", text + "." + encode(bytes[:1]), jwt.ErrTokenSignatureInvalid},
		{"signature of half its bytes", "RFC 7518 section 3.2", text + "." + encode(bytes[:16]), jwt.ErrTokenSignatureInvalid},
		{"signature less a byte", "CVE-2020-28042", text + "." + encode(bytes[:31]), jwt.ErrTokenSignatureInvalid},
		{"signature less a letter", "RFC 7515 section 2", good[:len(good)-1], jwt.ErrTokenMalformed},
		{"signature and a byte", "RFC 7518 section 3.2", text + "." + encode(bytes+"\x00"), jwt.ErrTokenSignatureInvalid},
		{"signature twice", "RFC 7518 section 3.2", text + "." + encode(bytes+bytes), jwt.ErrTokenSignatureInvalid},
		{"signature in hexadecimal", "RFC 7515 section 2", text + "." + encode(fmt.Sprintf("%x", bytes)), jwt.ErrTokenSignatureInvalid},
		{"signature of zeros", "CVE-2022-21449", text + "." + encode(strings.Repeat("\x00", 32)), jwt.ErrTokenSignatureInvalid},
		{"signature of zeros, ES256", "CVE-2022-21449", es256 + "." + c + "." + encode(strings.Repeat("\x00", 64)), jwt.ErrTokenSignatureInvalid},
		{"signature of zeros in DER", "CVE-2022-21449", es256 + "." + c + ".MAYCAQACAQA", jwt.ErrTokenSignatureInvalid},
		{"signature of another token", "RFC 8725 section 2.1", text + "." + another, jwt.ErrTokenSignatureInvalid},
		{"claims of another token", "RFC 8725 section 2.1", other + "." + signature, jwt.ErrTokenSignatureInvalid},
		{"signature of the header", "RFC 7515 section 5.1", text + "." + encode(sum(authToken, h)), jwt.ErrTokenSignatureInvalid},
		{"signature of the claims", "RFC 7515 section 5.1", text + "." + encode(sum(authToken, c)), jwt.ErrTokenSignatureInvalid},
		{"signature of the text", "RFC 7515 section 5.1", text + "." + encode(sum(authToken, header+"."+claims)), jwt.ErrTokenSignatureInvalid},
		{"parts changed round", "RFC 7515 section 7.1", c + "." + h + "." + signature, jwt.ErrTokenSignatureInvalid},
		{"expired and forged", "CVE-2024-51744", forged(header, object(iss, scope, `"exp":1`)), jwt.ErrTokenSignatureInvalid},
		{"another account's", "RFC 8725 section 2.7", signedWith("other", header, object(`"iss":"AC1"`, exp, scope)), jwt.ErrTokenSignatureInvalid},
		{"dot before it", "RFC 7515 section 7.1", "." + good, jwt.ErrTokenMalformed},
		{"dot after it", "RFC 7515 section 7.1", good + ".", jwt.ErrTokenMalformed},
		{"twice", "RFC 7515 section 7.1", good + "." + good, jwt.ErrTokenMalformed},
		{"twice, with a comma", "RFC 7515 section 7.1", good + "," + good, jwt.ErrTokenMalformed},
		{"60,000 dots", "CVE-2025-30204", strings.Repeat(".", 60_000), jwt.ErrTokenMalformed},
		{"60,000 dots after Bearer", "CVE-2025-22868", "Bearer " + strings.Repeat(".", 60_000), jwt.ErrTokenMalformed},
		{"60,000 dots after it", "CVE-2025-27144", good + strings.Repeat(".", 60_000), jwt.ErrTokenMalformed},

		// The claims are not in the token, or not encoded.
		{"detached claims", "RFC 7515 appendix F", h + ".." + signature, jwt.ErrTokenSignatureInvalid},
		{"empty claims, well signed", "RFC 7515 appendix F", seal(authToken, h+"."), jwt.ErrTokenMalformed},
		{"empty header, well signed", "RFC 7515 section 5.2", seal(authToken, "."+c), jwt.ErrTokenMalformed},
		{"b64 false, signed as it asks", "RFC 7797 section 3", seal(authToken, b64), jwt.ErrTokenMalformed},
		{"b64 false, forged", "RFC 7797 section 3", seal("attacker", b64), jwt.ErrTokenMalformed},
		{"token within, well signed", "RFC 7519 section 5.2", signed(object(alg, `"cty":"JWT"`), good), jwt.ErrTokenUnverifiable},

		// Encrypted, RFC 7516 section 7.1, and in JSON, RFC 7515 section 7.2.
		{"JWE", "CVE-2023-51774", encode(`{"alg":"dir","enc":"A128GCM"}`) + "..aXZpdml2aXZpdml2." + c + ".dGFndGFndGFndGFndGFn", jwt.ErrTokenMalformed},
		{"JWE, without a key to unwrap", "CVE-2026-34986", encode(`{"alg":"A128KW","enc":"A128GCM"}`) + "..aXY.YQ.dGFn", jwt.ErrTokenMalformed},
		{"JWE, zip", "CVE-2024-28180", encode(`{"alg":"dir","enc":"A128GCM","zip":"DEF"}`) + "..aXY." + c + ".dGFn", jwt.ErrTokenMalformed},
		{"JWE, zip, with a key", "CVE-2024-28122", encode(`{"alg":"RSA-OAEP","enc":"A128GCM","zip":"DEF"}`) + ".a2V5.aXY." + c + ".dGFn", jwt.ErrTokenMalformed},
		{"JWE, p2c", "CVE-2023-49290",
			encode(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2000000000,"p2s":"c2FsdA"}`) + ".a2V5.aXY." + c + ".dGFn", jwt.ErrTokenMalformed},
		{"JWE, cut to three parts", "RFC 7516 section 9", encode(`{"alg":"dir","enc":"A128GCM"}`) + "." + c + ".", jwt.ErrTokenSignatureInvalid},
		{"JSON, flattened", "RFC 7515 section 7.2.2",
			object(`"protected":"`+h+`"`, `"payload":"`+c+`"`, `"signature":"`+signature+`"`), jwt.ErrTokenMalformed},
		{"JSON, general", "RFC 7515 section 7.2.1",
			object(`"payload":"`+c+`"`, `"signatures":[{"protected":"`+h+`","signature":"`+signature+`"}]`), jwt.ErrTokenMalformed},
		{"JSON, several signatures", "CVE-2016-9122", object(`"payload":"`+c+`"`,
			`"signatures":[{"protected":"`+none+`","signature":""},{"protected":"`+h+`","signature":"`+signature+`"}]`), jwt.ErrTokenMalformed},
		{"JSON, nothing protected", "CVE-2024-21664",
			object(`"payload":"`+c+`"`, `"header":`+header, `"signature":"`+signature+`"`), jwt.ErrTokenMalformed},
		{"JSON and compact at once", "CVE-2022-39227", object(`"  `+h+"."+encode(object(iss, `"exp":4e9`, scope))+`.":""`,
			`"protected":"`+h+`"`, `"payload":"`+c+`"`, `"signature":"`+signature+`"`), jwt.ErrTokenMalformed},
		{"none without signature", "CVE-2022-23540", none + "." + c + ".", jwt.ErrTokenSignatureInvalid},
		{"none with another's signature", "CVE-2022-23540", none + "." + c + "." + signature, jwt.ErrTokenSignatureInvalid},
	}
}

// otherAlgorithms are tokens with valid signatures by other algorithms: RFC 8725
// section 3.1.
func otherAlgorithms(t *testing.T) []attack {
	const source = "RFC 8725 section 3.1"
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	hmacOf := func(newHash func() hash.Hash) func([]byte) ([]byte, error) {
		return func(text []byte) ([]byte, error) {
			mac := hmac.New(newHash, []byte(authToken))
			mac.Write(text)
			return mac.Sum(nil), nil
		}
	}
	modulus := encode(string(rsaKey.N.Bytes()))
	byRSA := func(text []byte) ([]byte, error) {
		sum := sha256.Sum256(text)
		return rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, sum[:])
	}
	var attacks []attack
	for _, a := range []struct {
		name, more, source string
		sign               func(text []byte) ([]byte, error)
	}{
		{"HS384", "", source, hmacOf(sha512.New384)},
		{"HS512", "", source, hmacOf(sha512.New)},
		{"RS256", "", source, byRSA},
		{"RS256", `,"jwk":{"kty":"RSA","e":"AQAB","n":"` + modulus + `"}`, "CVE-2018-0114", byRSA},
		{"PS256", "", source, func(text []byte) ([]byte, error) {
			sum := sha256.Sum256(text)
			return rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, sum[:], nil)
		}},
		{"ES256", "", source, func(text []byte) ([]byte, error) {
			sum := sha256.Sum256(text)
			r, s, err := ecdsa.Sign(rand.Reader, ecKey, sum[:])
			if err != nil {
				return nil, err
			}
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
		}},
		{"EdDSA", "", source, func(text []byte) ([]byte, error) { return ed25519.Sign(edKey, text), nil }},
	} {
		text := encode(object(`"alg":"`+a.name+`"`+a.more, typ)) + "." + encode(claims)
		signature, err := a.sign([]byte(text))
		require.NoError(t, err)
		token := text + "." + encode(string(signature))
		attacks = append(attacks, attack{a.name + a.more + " by its own key", a.source, token, jwt.ErrTokenSignatureInvalid})
	}
	return attacks
}

// keys are HS256 tokens signed with keys that an attacker knows or can guess.
func keys(t *testing.T) []attack {
	public, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkix, err := x509.MarshalPKIXPublicKey(&public.PublicKey)
	require.NoError(t, err)
	pkcs1 := x509.MarshalPKCS1PublicKey(&public.PublicKey)
	var attacks []attack
	for _, k := range []struct{ name, source, key string }{
		{"a public key in PEM", "CVE-2015-9235", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}))},
		{"a public key in PEM of PKCS 1", "CVE-2017-11424", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}))},
		{"a public key in PEM after a space", "CVE-2026-34950", " " + string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}))},
		{"a public key in DER", "CVE-2016-10555", string(pkix)},
		{"a public key of SSH", "CVE-2022-29217", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"an empty key", "CVE-2019-20933", ""},
		{"a NUL, which is the same key", "CVE-2019-20933", "\x00"},
		{"the account SID", "RFC 8725 section 2.2", accountSID},
		{"a word", "RFC 8725 section 3.5", "secret"},
		{"the auth token in upper case", "RFC 8725 section 3.5", strings.ToUpper(authToken)},
		{"the auth token and a newline", "RFC 8725 section 3.5", authToken + "\n"},
		{"the auth token in base64", "RFC 8725 section 3.5", base64.StdEncoding.EncodeToString([]byte(authToken))},
		{"half of the auth token", "RFC 8725 section 3.5", authToken[:16]},
	} {
		attacks = append(attacks, attack{"by " + k.name, k.source, signedWith(k.key, header, claims), jwt.ErrTokenSignatureInvalid})
	}
	byFile := signedWith("", object(alg, typ, `"kid":"../../../../dev/null"`), claims)
	return append(attacks, attack{"by the empty file that its kid names", "RFC 8725 section 3.10", byFile, jwt.ErrTokenSignatureInvalid})
}

// encodings are spellings that a lax decoder would read as a good token: RFC 7515
// section 2.
func encodings() []attack {
	const source = "RFC 7515 section 2"
	// After a few tries, both claims and signature contain a character in which the alphabets differ.
	var token string
	for i := 0; !strings.ContainsAny(token, "-_") || !strings.ContainsAny(encode(sum(authToken, token)), "-_"); i++ {
		token = encode(header) + "." + encode(object(iss, exp, scope, fmt.Sprintf(`"a":"%d>>>???>>>"`, i)))
	}
	standard := strings.NewReplacer("-", "+", "_", "/")
	h, c := encode(header), encode(claims)
	odd := object(alg, typ) + " " // of a length with bits to spare
	text, signature := split(good)
	attacks := []attack{
		{"signature in standard base64", source, token + "." + standard.Replace(encode(sum(authToken, token))), jwt.ErrTokenMalformed},
		{"claims in standard base64, well signed", source, seal(authToken, standard.Replace(token)), jwt.ErrTokenMalformed},
		{"claims in standard base64, forged", source, seal("attacker", standard.Replace(token)), jwt.ErrTokenMalformed},
		{"signature with padding", source, good + "=", jwt.ErrTokenMalformed},
		{"header with padding, well signed", source, seal(authToken, encode(odd)+"==."+c), jwt.ErrTokenMalformed},
		{"claims with padding, well signed", source, seal(authToken, h+"."+encode(claims+" ")+"=="), jwt.ErrTokenMalformed},
		{"header with padding, forged", source, encode(odd) + "==." + c + "." + signature, jwt.ErrTokenMalformed},
		{"signature with other spare bits", source, spare(good), jwt.ErrTokenMalformed},
		{"header with other spare bits, well signed", source, seal(authToken, spare(encode(odd))+"."+c), jwt.ErrTokenMalformed},
		{"claims with other spare bits, well signed", source, seal(authToken, h+"."+spare(encode(claims+spaces()))), jwt.ErrTokenMalformed},
		{"a letter too many in the header, well signed", source, seal(authToken, encode(header)+"A."+c), jwt.ErrTokenMalformed},
		{"percent signs", source, strings.ReplaceAll(good, ".", "%2E"), jwt.ErrTokenMalformed},
		{"a percent sign, well signed", source, seal(authToken, "%65"+text[1:]), jwt.ErrTokenMalformed},
		{"wide dots", source, strings.ReplaceAll(good, ".", "．"), jwt.ErrTokenMalformed},
		{"wide letters", source, "ｅ" + good[1:], jwt.ErrTokenMalformed},
		{"quotes", source, `"` + good + `"`, jwt.ErrTokenMalformed},
		{"Bearer", "RFC 6750 section 2.1", "Bearer " + good, jwt.ErrTokenMalformed},
		{"base64 twice", source, encode(good), jwt.ErrTokenMalformed},
	}
	// Go's base64 decoder skips the first three, even in strict mode.
	for _, s := range []string{"\n", "\r", "\r\n", " ", "\x00", "\ufeff", "\u00a0", "\xff"} {
		attacks = append(attacks,
			attack{fmt.Sprintf("%q before it", s), source, s + good, jwt.ErrTokenMalformed},
			attack{fmt.Sprintf("%q after it", s), source, good + s, jwt.ErrTokenMalformed},
			attack{fmt.Sprintf("%q in the signature", s), source, good[:len(good)-4] + s + good[len(good)-4:], jwt.ErrTokenMalformed},
			attack{fmt.Sprintf("%q in the header, well signed", s), source, seal(authToken, text[:4]+s+text[4:]), jwt.ErrTokenMalformed},
			attack{fmt.Sprintf("%q after the claims, well signed", s), source, seal(authToken, text+s), jwt.ErrTokenMalformed})
	}
	return attacks
}

// spaces returns as many as give the encoded claims spare bits.
func spaces() string { return strings.Repeat(" ", 1+(3-len(claims)%3)%3) }

// spare sets the last spare bit, which only a strict decoder looks at.
func spare(encoded string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(encoded) - 1
	return encoded[:last] + string(alphabet[strings.IndexByte(alphabet, encoded[last])|1])
}

// oversized tokens are refused for their length, whatever else is wrong.
func oversized() []attack {
	text, _ := split(good)
	return []attack{
		{"a byte too many, well signed", "RFC 8259 section 9", padded(capability.MaxTokenSize + 1), capability.ErrTokenTooLong},
		{"a space too many", "RFC 7515 section 2", padded(capability.MaxTokenSize) + " ", capability.ErrTokenTooLong},
		{"10 MB of signature", "RFC 7518 section 3.2", text + "." + strings.Repeat("A", 10<<20), capability.ErrTokenTooLong},
	}
}
