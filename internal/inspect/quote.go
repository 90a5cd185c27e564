package inspect

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/seed-6c737938/capability/internal/jws"
	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/rule"
)

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

// quoteShort quotes a value that may be long or secret.
func quoteShort(value any) string {
	text, isText := value.(string)
	if !isText {
		text = Quote(value)
	}
	switch hidden := redact.Quote(text); {
	case !strings.HasPrefix(hidden, `"`):
		return hidden
	case isText:
		return Quote(cut(text))
	}
	return cut(text)
}

// cut returns the start of a text that is too long to be quoted.
func cut(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
