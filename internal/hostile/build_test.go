// Package hostile tries on [capability.Verify] what has broken readers of JSON
// Web Tokens before: each token here names the section of an RFC or the CVE
// that it comes from. It has only tests and benchmarks.
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

// read returns what Verify reads from a good token that has more claims.
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

// readFrom is read for a token with a claim nbf.
func readFrom(seconds int64) *capability.Claims {
	claims := read(nil)
	claims.NotBefore = time.Unix(seconds, 0).UTC()
	return claims
}

// object returns a JSON object of any members, good JSON or not.
func object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signed returns a token that bears a good signature, whatever it says.
func signed(header, claims string) string { return signedWith(authToken, header, claims) }

// forged returns a token of somebody who doesn't know the auth token.
func forged(header, claims string) string { return signedWith("attacker", header, claims) }

func signedWith(key, header, claims string) string {
	return seal(key, encode(header)+"."+encode(claims))
}

// seal signs what is encoded already, well or not.
func seal(key, text string) string { return text + "." + encode(sum(key, text)) }

func sum(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	io.WriteString(mac, text)
	return string(mac.Sum(nil))
}

// split returns what is signed, and the signature. There may be no dot.
func split(token string) (text, signature string) {
	if dot := strings.LastIndexByte(token, '.'); dot >= 0 {
		return token[:dot], token[dot+1:]
	}
	return token, ""
}

// nest returns so many brackets in each other.
func nest(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// rest is the length of what stands around the claims of a token of ours.
var rest = len(encode(header)) + len("..") + base64.RawURLEncoding.EncodedLen(sha256.Size)

// padded returns a well signed token of exactly size bytes.
func padded(size int) string {
	text, _ := strings.CutSuffix(claims, "}")
	text += `,"pad":"`
	pad := base64.RawURLEncoding.DecodedLen(size-rest) - len(text+`"}`)
	return signed(header, text+strings.Repeat("x", pad)+`"}`)
}
