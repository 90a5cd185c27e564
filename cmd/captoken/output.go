package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/seed-6c737938/capability/internal/inspect"
	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/rule"
)

// An output is where every line leaves. None shows a secret or drives a terminal,
// wherever it comes from. Each Write has whole lines.
type output struct {
	w       io.Writer
	secrets []secret
	strict  bool // hides what looks like a secret or a token too
	colour  bool
}

func (o output) Write(text []byte) (int, error) { return len(text), o.print(string(text), false) }

// print colours the starts of lines, which are never text of a token, if it is to
// and the output is a terminal.
func (o output) print(text string, coloured bool) error {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(escape(o.hide(line)))
	}
	text = b.String()
	if coloured && o.colour {
		text = bad.ReplaceAllString(text, "\x1b[1;31m$0\x1b[0m")
		text = good.ReplaceAllString(text, "\x1b[1;32m$0\x1b[0m")
		text = mild.ReplaceAllString(text, "\x1b[33m$0\x1b[0m")
	}
	_, err := io.WriteString(o.w, text)
	return err
}

var (
	bad  = regexp.MustCompile(`(?m)^(Not usable|fault|yours|\d{5})\b`)
	good = regexp.MustCompile(`(?m)^(Usable|No fault found)\b`)
	mild = regexp.MustCompile(`(?m)^note\b`)
)

// showsColour reports whether w is a terminal whose user does not object
// (no-color.org).
func showsColour(w io.Writer, getenv func(string) string) bool {
	return isTerminal(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// escape escapes the characters that can't be seen, or turn the direction of
// writing. In JSON, where they can be in strings only, the escapes mean the same
// characters.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || inspect.IsVisible(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// A secret is the value of a variable.
type secret struct{ variable, value string }

// secretsIn returns what must not be shown. If variables have changed places, one
// that is for an SID may hold a secret: what has a digit and is no mistyped SID. Short
// values, as in an example, may be in a text by chance.
func secretsIn(getenv func(string) string) []secret {
	var secrets []secret
	for _, variable := range credentialVars {
		value := rule.Trim(getenv(variable))
		isSecret := !rule.IsWholeSID(value)
		if variable == inspect.AccountSIDVar || variable == inspect.APIKeySIDVar {
			isSecret = strings.ContainsAny(value, "0123456789") && !likeSID.MatchString(value)
		}
		if len(value) >= rule.ShortestSearched && isSecret && !rule.IsPlaceholder(value) {
			secrets = append(secrets, secret{variable, value})
		}
	}
	return secrets
}

// likeSID matches an SID that may be mistyped, and no secret of Twilio's, which have
// 32 characters.
var likeSID = regexp.MustCompile(`^(?i:AC|SK|AP|CR)(.{0,29}|.{31,})$|(?i:AC|SK)[0-9a-fA-F]{32}`)

// hide returns a line without secrets, or instead of a line that says one in a way
// that cannot be cut out.
func (o output) hide(line string) string {
	for _, s := range o.secrets {
		for _, form := range []string{s.value, strings.Trim(strconv.Quote(s.value), `"`)} {
			line = strings.ReplaceAll(line, form, "(the value of "+s.variable+")")
		}
		if redact.Contains(line, s.value) {
			return "captoken: a line is not shown, as it contains the value of " + s.variable + "\n"
		}
	}
	if o.strict {
		line = word.ReplaceAllStringFunc(line, func(word string) string {
			if looksSecret(word) {
				return "(not shown, as it may be a secret)"
			}
			return word
		})
	}
	return line
}

var (
	word  = regexp.MustCompile(`e(?:yJ|yA|w[ko0])[\w-]{8,}[\w.+/=-]*|[0-9A-Za-z]+`)
	token = regexp.MustCompile(`^e(?:yJ|yA|w[ko0])[\w.+/=-]{32,}$`)

	// escaped matches a secret and the end of an escape before it, such as %3D.
	escaped = regexp.MustCompile(`^[0-9][0-9A-F][0-9A-Za-z]{32}$`)
)

// looksSecret reports whether a word has the form of a token, of an auth token or of
// the secret of an API key.
func looksSecret(word string) bool {
	if escaped.MatchString(word) {
		word = word[2:]
	}
	return token.MatchString(word) || rule.HasSecretForm(word)
}
