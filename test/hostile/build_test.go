// Package hostile attacks [capability.Verify] with what has broken JSON Web Token
// libraries before. Each token names its source: a section of an RFC, or a CVE.
// The package contains only tests and a benchmark.
package hostile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
)

const (
	accountSID   = "AC0123456789abcdef0123456789abcdef"
	authToken    = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	apiKeySID    = "SK0123456789abcdef0123456789abcdef"
	apiKeySecret = "fmcJrUrwV0Sg7VyBpOzNYkJC1ZXQ2hRg"
)

// The members of a good token, which expires a minute after the start of a
// synctest bubble.
const (
	alg   = `"alg":"HS256"`
	typ   = `"typ":"JWT"`
	iss   = `"iss":"` + accountSID + `"`
	exp   = `"exp":946684860`
	scope = `"scope":"scope:client:incoming?clientName=tommy"`
)

var (
	header = object(alg, typ)
	claims = object(iss, exp, scope)
	good   = signed(header, claims)
)

// read returns what Verify should read from a good token with extra claims.
func read(extra map[string]any) *capability.Claims {
	if extra == nil {
		extra = map[string]any{}
	}
	incoming, err := capability.ParseScope("scope:client:incoming?clientName=tommy")
	if err != nil {
		panic(err)
	}
	return &capability.Claims{
		AccountSID: accountSID,
		Scopes:     []capability.Scope{incoming},
		ExpiresAt:  time.Unix(946684860, 0).UTC(),
		Extra:      extra,
	}
}

// readFrom is read for a token with an nbf claim.
func readFrom(seconds int64) *capability.Claims {
	claims := read(nil)
	claims.NotBefore = time.Unix(seconds, 0).UTC()
	return claims
}

// object returns a JSON object with the given members, valid JSON or not.
func object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signed returns a token with a valid signature, whatever it contains.
func signed(header, claims string) string { return signedWith(authToken, header, claims) }

// forged returns a token signed by somebody who doesn't know the auth token.
func forged(header, claims string) string { return signedWith("attacker", header, claims) }

func signedWith(key, header, claims string) string {
	return seal(key, encode(header)+"."+encode(claims))
}

// seal signs text that is already encoded, correctly or not.
func seal(key, text string) string { return text + "." + encode(sum(key, text)) }

func sum(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	io.WriteString(mac, text)
	return string(mac.Sum(nil))
}

// split returns the signed text and the signature. The token may have no dot.
func split(token string) (text, signature string) {
	if dot := strings.LastIndexByte(token, '.'); dot >= 0 {
		return token[:dot], token[dot+1:]
	}
	return token, ""
}

// nest returns n pairs of brackets, one inside the other.
func nest(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// rest is the length of a token without its claims.
var rest = len(encode(header)) + len("..") + base64.RawURLEncoding.EncodedLen(sha256.Size)

// padded returns a correctly signed token of exactly size bytes.
func padded(size int) string {
	text, _ := strings.CutSuffix(claims, "}")
	text += `,"pad":"`
	pad := base64.RawURLEncoding.DecodedLen(size-rest) - len(text+`"}`)
	return signed(header, text+strings.Repeat("x", pad)+`"}`)
}
