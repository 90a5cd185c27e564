package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errPadded    = errors.New("ends in '=': base64url without padding has none")
	errNotURL    = errors.New("is base64, but not base64url: it has '+' or '/' where that has '-' or '_'")
	errNotBase64 = errors.New("is not base64url")
	errNotObject = errors.New("is not a JSON object in UTF-8")
)

// decode decodes a part of a token. Only one spelling of each text is right.
func decode(part string) ([]byte, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	switch {
	case err == nil && !strings.ContainsAny(part, "\r\n"): // which even a strict decoder skips
		return data, nil
	case strings.HasSuffix(part, "="):
		return nil, errPadded
	case strings.ContainsAny(part, "+/"):
		return nil, errNotURL
	}
	return nil, errNotBase64
}

// decodeObject decodes a part that holds a JSON object. Numbers keep the form
// that they have in it, since a float64 would alter those over 2^53.
func decodeObject(part string) (map[string]any, error) {
	data, err := decode(part)
	if err != nil {
		return nil, err
	}
	var ordinary, object map[string]any
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber()
	// What others can't read, such as 1e400, is not usable, so try without UseNumber first.
	if !utf8.Valid(data) || json.Unmarshal(data, &ordinary) != nil || numbers.Decode(&object) != nil || object == nil {
		return nil, errNotObject
	}
	return object, nil
}

// rawObject is the JSON of a part that decodeObject has decoded.
func rawObject(part string, err error) json.RawMessage {
	if err != nil {
		return nil
	}
	data, _ := decode(part)
	return data
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
