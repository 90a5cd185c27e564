package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/internal/jws"
	"github.com/seed-6c737938/capability/internal/rule"
)

var (
	errPadded    = errors.New("padded with '='")
	errStandard  = errors.New("standard base64, with '+' and '/' instead of '-' and '_'")
	errNotBase64 = errors.New("not base64url")
	errNotUTF8   = errors.New("not UTF-8")
	errNotObject = errors.New("not a JSON object")
)

// decode decodes a part of a token. Anything but canonical base64url is an error,
// but is decoded if its meaning is clear.
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

// searchable returns JSON as it is written, and each string in it as it is meant:
// those of a name that occurs twice too.
func searchable(raw json.RawMessage) string {
	text := bytes.NewBuffer(bytes.Clone(raw))
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		token, err := dec.Token()
		if err != nil {
			return text.String() + "\n"
		}
		if s, ok := token.(string); ok {
			text.WriteString("\n" + s)
		}
	}
}

// Quote is a value as it is in the token, so a number is unchanged.
func Quote(value any) string {
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	return jws.Marshal(value)
}

func quoteOr(object map[string]any, name, missing string) string {
	value, ok := object[name]
	if !ok {
		return missing
	}
	return Quote(value)
}

// Show quotes text unless it is plain to see where it begins and ends.
func Show(text string) string {
	if rule.Alphanumeric(text, "_.:/@+-") {
		return text
	}
	return strconv.Quote(text)
}

// IsVisible reports whether a character can be seen, or is a space, and neither
// moves the cursor nor turns the direction of writing.
func IsVisible(r rune) bool {
	return unicode.IsPrint(r) && r != '\u2800' && // a Braille pattern without dots
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
