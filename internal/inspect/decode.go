package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/internal/jws"
)

var (
	errPadded    = errors.New("padded with '='")
	errStandard  = errors.New("standard base64, with '+' and '/' instead of '-' and '_'")
	errNotBase64 = errors.New("not base64url")
	errNotUTF8   = errors.New("not UTF-8")
	errNotObject = errors.New("not a JSON object")
)

// decode decodes a part of a token. Only one spelling of each text is right; of
// another it returns what is meant, with an error.
func decode(part string) ([]byte, error) {
	if data, err := jws.Decode(part); err == nil {
		return data, nil
	}
	err := errNotBase64
	switch {
	case strings.ContainsAny(part, "+/"):
		err = errStandard
	case strings.HasSuffix(part, "="):
		err = errPadded
	}
	unusual := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(part, "="))
	data, lax := base64.RawURLEncoding.DecodeString(unusual)
	if lax != nil {
		return nil, errNotBase64
	}
	return data, err
}

// decodeObject decodes a part that should be a JSON object; object is nil if it is
// not one. Numbers keep their form, since a float64 would alter those over 2^53.
func decodeObject(part string) (object map[string]any, raw json.RawMessage, err error) {
	data, err := decode(part)
	if data == nil {
		return nil, nil, err
	}
	var ordinary map[string]any
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber()
	// What others can't read, such as 1e400, is no use, so try without UseNumber first.
	if json.Unmarshal(data, &ordinary) != nil || numbers.Decode(&object) != nil || object == nil {
		return nil, nil, errNotObject
	}
	if !utf8.Valid(data) {
		return object, bytes.ToValidUTF8(data, []byte("\ufffd")), errNotUTF8
	}
	return object, data, err
}

// quote is a value as it is in the token, so a number is unchanged.
func quote(value any) string {
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(value) // it was JSON before
	return strings.TrimSuffix(b.String(), "\n")
}

func quoteOr(object map[string]any, name, missing string) string {
	value, ok := object[name]
	if !ok {
		return missing
	}
	return quote(value)
}

// show quotes text unless it is plain to see where it begins and ends.
func show(text string) string {
	plain := text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("_.:/@+-", r) && !(r < utf8.RuneSelf && isAlphanumeric(byte(r)))
	}) < 0
	if plain {
		return text
	}
	return strconv.Quote(text)
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
