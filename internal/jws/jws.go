// Package jws signs and opens JSON Web Signatures in compact form (RFC 7515)
// with HMAC-SHA256, the algorithm HS256, and with no other.
package jws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// Header is the usual header, as [EncodeHeader] returns it.
var Header = EncodeHeader(`{"alg":"HS256","typ":"JWT"}`)

// EncodeHeader returns the form of a header, given as JSON, that [Key.Sign] needs.
func EncodeHeader(json string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(json)) + "."
}

// Len returns the length of a token with a header and claims of n bytes.
func Len(header string, n int) int {
	return len(header) + base64.RawURLEncoding.EncodedLen(n) + len(".") + base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// A Key signs tokens. Many goroutines can use it at once.
type Key struct {
	Secret string

	// Keying an HMAC takes half as long as all the rest of a token, so keyed
	// ones are kept from the second token on. The first token, which for many
	// keys is the last, need not pay for a pool.
	signedBefore atomic.Bool
	macs         sync.Pool
}

// Sign returns a token with the claims.
func (k *Key) Sign(header string, claims []byte) string {
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	if !k.signedBefore.Load() {
		k.signedBefore.Store(true)
		return buf.sign(k.newMAC(buf), header, claims)
	}
	mac, ok := k.macs.Get().(hash.Hash)
	if !ok {
		mac = k.newMAC(buf)
	}
	token := buf.sign(mac, header, claims)
	mac.Reset()
	k.macs.Put(mac)
	return token
}

// newMAC leaves nothing of the secret in the buffer.
func (k *Key) newMAC(buf *buffer) hash.Hash {
	secret := append(buf.token[:0], k.Secret...)
	defer clear(secret)
	return hmac.New(sha256.New, secret)
}

// A buffer has room for the usual token. A longer one is allocated.
type buffer struct {
	token [1536]byte
	sum   [sha256.Size]byte
}

func (b *buffer) sign(mac hash.Hash, header string, claims []byte) string {
	token := append(b.token[:0], header...)
	token = base64.RawURLEncoding.AppendEncode(token, claims)
	mac.Write(token)
	token = append(token, '.')
	token = base64.RawURLEncoding.AppendEncode(token, mac.Sum(b.sum[:0]))
	return string(token)
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// Open returns the claims of a token signed with one of the secrets. The header
// may have alg, HS256, and typ, JWT, and nothing else.
//
// The signature is checked first: decoding JSON can take fifty times a token's
// length in memory, and a header should not influence how it is checked (RFC
// 8725 section 3.1). Errors wrap [jwt.ErrTokenMalformed],
// [jwt.ErrTokenSignatureInvalid] or [jwt.ErrTokenUnverifiable].
func Open(token string, secrets ...string) (claims []byte, err error) {
	if hasNewline(token) {
		return nil, fmt.Errorf("%w: contains a newline", jwt.ErrTokenMalformed)
	}
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: want three parts separated by dots", jwt.ErrTokenMalformed)
	}
	signature, err := Decode(parts[2])
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	if !signed(token[:len(token)-len(parts[2])-len(".")], signature, secrets) {
		return nil, fmt.Errorf("%w: signed with a different secret, or modified after signing", jwt.ErrTokenSignatureInvalid)
	}
	if !strings.HasPrefix(token, Header) {
		if err := checkHeader(parts[0]); err != nil {
			return nil, err
		}
	}
	claims, err = Decode(parts[1])
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return claims, nil
}

func signed(text string, signature []byte, secrets []string) bool {
	for _, secret := range secrets {
		if jwt.SigningMethodHS256.Verify(text, signature, []byte(secret)) == nil {
			return true
		}
	}
	return false
}

func checkHeader(part string) error {
	text, err := Decode(part)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	var header map[string]any
	if err := Unmarshal(text, &header); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if header["alg"] != "HS256" {
		return fmt.Errorf("%w: header alg is not HS256", jwt.ErrTokenSignatureInvalid)
	}
	known := 1
	if typ, ok := header["typ"]; ok {
		known++
		if typ != "JWT" {
			return fmt.Errorf("%w: header typ is not JWT", jwt.ErrTokenUnverifiable)
		}
	}
	// An extension may be critical (RFC 7515 section 4.1.11), and none is known here.
	if len(header) > known {
		return fmt.Errorf("%w: header has parameters other than alg and typ", jwt.ErrTokenUnverifiable)
	}
	return nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

// Decode decodes base64url without padding (RFC 7515 section 2). It accepts one
// spelling of each text, so that a token has only one. The error wraps
// [jwt.ErrTokenMalformed].
func Decode(part string) ([]byte, error) {
	text, err := strictBase64.DecodeString(part)
	if err != nil || hasNewline(part) {
		return nil, fmt.Errorf("%w: not base64url without padding", jwt.ErrTokenMalformed)
	}
	return text, nil
}

// hasNewline reports whether text has one of the characters that even a strict
// decoder skips.
func hasNewline(text string) bool { return strings.ContainsAny(text, "\r\n") }

// Unmarshal decodes a JSON object. Unlike encoding/json it refuses text that is
// not UTF-8 (RFC 7519 section 7.2), and the error, which wraps
// [jwt.ErrTokenMalformed], quotes nothing.
func Unmarshal(text []byte, object any) error {
	if !utf8.Valid(text) || json.Unmarshal(text, object) != nil {
		return fmt.Errorf("%w: not a JSON object in UTF-8", jwt.ErrTokenMalformed)
	}
	return nil
}
