package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
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
