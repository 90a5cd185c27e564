// Package jws signs and opens JSON Web Signatures in compact form (RFC 7515)
// with HMAC-SHA256, the algorithm HS256, and no other.
package jws

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability/internal/rule"
)

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
	// ones are kept, from the second token on: a key that signs only one token
	// never fills the pool.
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

// Open returns the claims of a token that is signed with one of the secrets. A header
// other than usual, which is as [EncodeHeader] returns it, must have alg HS256, and is
// decoded and passed to check.
//
// The signature is checked first: decoding JSON can take fifty times a token's
// length in memory, and a header should not influence how it is checked (RFC
// 8725 section 3.1). Errors wrap [jwt.ErrTokenMalformed],
// [jwt.ErrTokenSignatureInvalid] or that of check.
func Open(token, usual string, check func(header map[string]any) error, secrets ...string) (claims []byte, err error) {
	if err := checkForm(token); err != nil {
		return nil, err
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
		return nil, refuse(parts[0])
	}
	if !strings.HasPrefix(token, usual) {
		if err := checkHeader(parts[0], check); err != nil {
			return nil, err
		}
	}
	claims, err = Decode(parts[1])
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return claims, nil
}

// checkForm refuses a text that cannot be a token, and names the likely slip.
func checkForm(token string) error {
	switch {
	case rule.Alphanumeric(token, ".-_"), token == "":
		return nil
	case strings.EqualFold(token[:min(len(token), len("Bearer"))], "Bearer"):
		return fmt.Errorf(`%w: it starts with "Bearer": the token is what follows`, jwt.ErrTokenMalformed)
	case rule.Trim(token) != token:
		return fmt.Errorf("%w: white space, quotes, a byte order mark or something like them is around it: trim it", jwt.ErrTokenMalformed)
	}
	return errNotBase64
}

func signed(text string, signature []byte, secrets []string) bool {
	for _, secret := range secrets {
		if jwt.SigningMethodHS256.Verify(text, signature, []byte(secret)) == nil {
			return true
		}
	}
	return false
}

// longestHeader is how many bytes of a forged token's header are decoded, to name its
// alg.
const longestHeader = 256

// refuse says why a signature is wrong. A forged header is decoded only if it is
// short.
func refuse(header string) error {
	var decoded struct{ Alg string }
	text, _ := Decode(header[:min(len(header), base64.RawURLEncoding.EncodedLen(longestHeader))])
	if Unmarshal(text, &decoded) == nil && decoded.Alg != "" && decoded.Alg != "HS256" {
		return errAlgorithm
	}
	return fmt.Errorf("%w: signed with a different secret, or modified after signing", jwt.ErrTokenSignatureInvalid)
}

func checkHeader(part string, check func(header map[string]any) error) error {
	text, err := Decode(part)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	var header map[string]any
	if err := Unmarshal(text, &header); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if header["alg"] != "HS256" {
		return errAlgorithm
	}
	return check(header)
}

var (
	strictBase64 = base64.RawURLEncoding.Strict()
	errNotBase64 = fmt.Errorf("%w: not base64url without padding", jwt.ErrTokenMalformed)
	errNotObject = fmt.Errorf("%w: not a JSON object in UTF-8", jwt.ErrTokenMalformed)
	errAlgorithm = fmt.Errorf("%w: header alg is not HS256 (%w)", jwt.ErrTokenMalformed, jwt.ErrTokenSignatureInvalid)
)

// Decode decodes base64url without padding (RFC 7515 section 2). It accepts one
// spelling of each text, so that a token has only one. The error wraps
// [jwt.ErrTokenMalformed].
func Decode(part string) ([]byte, error) {
	text, err := strictBase64.DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") { // which even a strict decoder skips
		return nil, errNotBase64
	}
	return text, nil
}

// Unmarshal decodes a JSON object. Unlike encoding/json it refuses text that is
// not UTF-8 (RFC 7519 section 7.2), and the error, which wraps
// [jwt.ErrTokenMalformed], quotes nothing.
func Unmarshal(text []byte, object any) error {
	if !utf8.Valid(text) || json.Unmarshal(text, object) != nil {
		return errNotObject
	}
	return nil
}

// UnmarshalNumbers is Unmarshal, but keeps numbers as they are: as [json.Number].
func UnmarshalNumbers(text []byte, object *map[string]any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if !utf8.Valid(text) || decoder.Decode(object) != nil {
		return errNotObject
	}
	if _, err := decoder.Token(); err != io.EOF { // something follows
		return errNotObject
	}
	return nil
}

// Marshal encodes a value as JSON. Unlike encoding/json it does not escape '&', '<'
// and '>'. The value must be one that can be encoded.
func Marshal(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n")
}
