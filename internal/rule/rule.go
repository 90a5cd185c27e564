// Package rule says what an SID, a secret, a client name and a region may be. The
// builder, Verify and every other judge of tokens ask it and have no rules of
// their own.
//
// A function whose result is called wrong returns "" for a value that may be used,
// and otherwise what is wrong with it and what would be right, in words that follow
// the value and a colon. The words do not quote the value, which may be a secret.
package rule

import (
	"crypto/fips140"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const (
	LongestClientName = 256 // Twilio errors 31105 and 31100
	LongestIdentity   = 121 // of an Access Token: Twilio error 51003
	LongestSID        = 34  // "AC" and 32 hexadecimal digits

	// ShortestSearched is the length of the shortest secret that is looked for in
	// what a token would contain, and in the output of captoken. A shorter one, as in
	// an example, may occur there by chance.
	ShortestSearched = 16
)

// SID checks an SID that starts with the prefix, such as "AC". Twilio's own have 32
// hexadecimal digits after it, but its examples have fewer, and other letters.
func SID(prefix, s string) (wrong string) {
	if isSID(prefix, s) {
		return ""
	}
	form := fmt.Sprintf("use %s and 1 to %d ASCII letters or digits", prefix, LongestSID-len(prefix))
	switch {
	case s == "":
		return "it is empty: " + form
	case isSID(prefix, Trim(s)):
		return "it has quotes, white space or invisible characters around it: trim it"
	}
	return form
}

func isSID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && len(s) <= LongestSID && Alphanumeric(rest, "")
}

// IsWholeSID reports whether s has the form of Twilio's own SIDs, two capital
// letters and 32 hexadecimal digits, which no secret has.
func IsWholeSID(s string) bool {
	return len(s) == LongestSID && strings.Trim(s[:2], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" &&
		strings.Trim(s[2:], "0123456789abcdefABCDEF") == ""
}

// HasSecretForm reports whether s has the form of Twilio's auth tokens and API key
// secrets: 32 ASCII letters and digits, at least one of them a digit.
func HasSecretForm(s string) bool {
	return len(s) == 32 && Alphanumeric(s, "") && strings.ContainsAny(s, "0123456789")
}

// Secret checks an auth token or the secret of an API key.
func Secret(s string) (wrong string) {
	switch {
	case s == "":
		return "it is empty"
	case IsWholeSID(s):
		return "it is an SID (" + s[:2] + "…): two arguments or variables may have changed places"
	case len(s) < 14 && fips140.Enabled():
		return "it is shorter than the 14 bytes that FIPS 140-3 mode requires"
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }):
		return "it contains a character that is not ASCII, such as a byte order mark or a zero-width space: remove it"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "it contains white space or a control character, such as a trailing newline: trim it"
	case strings.Trim(s, `"'`) != s:
		return "it starts or ends with a quote: remove it"
	}
	return ""
}

// ClientName checks a client name of at most longest characters for what works with
// every SDK, in TwiML and over REST.
func ClientName(s string, longest int) (wrong string) {
	if len(s) <= longest && Alphanumeric(s, "_") {
		return ""
	}
	return nameForm(s, fmt.Sprintf("use 1 to %d ASCII letters, digits or '_'", longest))
}

// forbidden are the characters that a client name must not have. Twilio's page on
// error 31105 names white space, delims and unwise characters (RFC 2396 section
// 2.4.3); after a question mark, its REST API reads params.
const forbidden = `<>#%"` + `{}|\^[]` + "`" + `?`

// UnsafeClientName checks a client name of at most longest characters for what
// Twilio documents to be forbidden. Not every name that passes works everywhere.
func UnsafeClientName(s string, longest int) (wrong string) {
	bad := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(forbidden, r) }
	if s != "" && len(s) <= longest && !strings.ContainsFunc(s, bad) {
		return ""
	}
	return nameForm(s, fmt.Sprintf("use 1 to %d printable ASCII characters other than space and %s", longest, forbidden))
}

func nameForm(s, form string) string {
	switch {
	case s == "":
		return "it is empty: " + form
	case strings.HasPrefix(s, "client:"): // as in From and To
		return "leave out client:, which is not part of the name"
	}
	return form
}

// Region checks the name of a Twilio region, such as ie1.
func Region(s string) (wrong string) {
	if len(s) >= 3 && len(s) <= 8 && strings.Trim(s[:2], "abcdefghijklmnopqrstuvwxyz") == "" && strings.Trim(s[2:], "0123456789") == "" {
		return ""
	}
	return "use two lower-case letters and a number, such as ie1"
}

// Alphanumeric reports whether s is one or more ASCII letters, digits and characters
// of more.
func Alphanumeric(s, more string) bool {
	for i := range len(s) {
		if !IsAlphanumeric(s[i]) && strings.IndexByte(more, s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// IsAlphanumeric reports whether c is an ASCII letter or digit.
func IsAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Trim removes what a file, a shell or a mail may have left around a value: quotes,
// white space, and whatever is not printable ASCII.
func Trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r == '"' || r == '\'' || r == '`' || r <= ' ' || r > '~' })
}

// IsPlaceholder reports whether s stands for a value that was never filled in, as in
// documentation: ACXXXXXXXX, your_auth_token, <your-sid>, ${TWILIO_ACCOUNT_SID}.
func IsPlaceholder(s string) bool {
	s = strings.ToLower(Trim(s))
	if rest := strings.TrimLeft(strings.TrimRight(s, "."), "acpskr"); len(rest) >= 4 && strings.Trim(rest, "x") == "" {
		return true
	}
	for _, start := range []string{
		"your", "my_", "my-", "changeme", "change_", "change-", "replace_", "replace-", "insert_", "insert-", "twilio_", "auth_", "account_", "api_", "app_",
		"<", "[", "{", "$", "%", "**", "process.env", "os.getenv", "os.environ",
	} {
		if strings.HasPrefix(s, start) {
			return true
		}
	}
	// No value of Twilio's has these, within which "your" occurs by chance.
	return strings.Contains(s, "your_") || strings.Contains(s, "your-") || slices.Contains([]string{"undefined", "null", "none", "nil"}, s)
}
