package inspect

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/internal/twilioerror"
)

const (
	columns = 80
	label   = 12 // the width of a label

	// What is shown of a list, so that a report is one screen high.
	mostFaults = 3
	most       = 5
)

// Text is the report for a person and a screen of 80 columns: what is wrong
// first, with what to do. No character in it drives a terminal.
func (r *Report) Text() string {
	var b strings.Builder
	verdict := r.verdict()
	if len(r.CredentialFaults) > 0 {
		verdict += " Your credentials have a fault."
	}
	b.WriteString(wrap("", "", verdict))
	for _, f := range r.CredentialFaults {
		b.WriteString(f.text("yours"))
	}
	for i, f := range r.Problems {
		if i == mostFaults {
			fmt.Fprintf(&b, "\nand %d more: see -json\n", len(r.Problems)-mostFaults)
			break
		}
		code := "fault"
		if f.Code > 0 {
			code = strconv.Itoa(f.Code)
		}
		b.WriteString(f.text(code))
	}
	for _, f := range r.Notes {
		b.WriteString(f.text("note "))
	}
	b.WriteByte('\n')
	for _, row := range r.rows() {
		b.WriteString(fit(fmt.Sprintf("%-*s%s", label, row[0], row[1])) + "\n")
	}
	return b.String()
}

// ErrorText is an entry of the table of errors, for a person.
func ErrorText(e twilioerror.Error) string {
	means := strings.TrimSpace(e.Means + " " + e.InPage())
	return fmt.Sprintf("%d  %s\n\n", e.Code, e.Name) + wrap("", "", means) + "\n" + wrap("What to do: ", "", e.Advice)
}

// verdict is the first line, which is often all that is read.
func (r *Report) verdict() string {
	kind := r.Kind
	if len(r.Grants) > 0 {
		kind += " (" + strings.Join(r.Grants, ", ") + ")"
	}
	switch {
	case !r.judged():
		return "Not usable: " + kind + "."
	case r.Usable && r.Signature == Valid:
		return "Usable: " + kind + ", signature valid."
	case r.Usable && len(r.Missing) > 0:
		return "No fault found: " + kind + ", but the signature was not checked. To check it, set " + twilioerror.List(r.Missing) + "."
	case r.Usable:
		return "No fault found: " + kind + ", but the signature could not be checked."
	case r.Signature == NotChecked:
		return "Not usable: " + kind + ", signature not checked."
	}
	return "Not usable: " + kind + ", signature " + r.Signature + "."
}

// text is what was found, behind its code, and below it what to do.
func (f Finding) text(code string) string {
	message := sentence(f.Message)
	if len(f.Also) > 0 {
		var codes []string
		for _, code := range f.Also {
			codes = append(codes, strconv.Itoa(code))
		}
		message += " (Elsewhere: " + strings.Join(codes, ", ") + ")"
	}
	const margin = "       "
	return "\n" + wrap(code+"  ", margin, message) + wrap(margin, margin, f.Advice)
}

// sentence turns a message into one.
func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	return string(unicode.ToUpper(first)) + message[size:] + "."
}

// wrap breaks text into lines, the first of which starts with start and the
// others with margin.
func wrap(start, margin, text string) string {
	var b strings.Builder
	line, empty := start, true
	for _, word := range strings.Fields(Escape(text)) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			b.WriteString(fit(line) + "\n")
			line, empty = margin, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return b.String() + fit(line) + "\n"
}

// fit cuts a line that is wider than the screen.
func fit(line string) string {
	line = Escape(line)
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	return string([]rune(line)[:columns-1]) + "…"
}

// rows are what the token says, each with a label.
func (r *Report) rows() [][2]string {
	var rows [][2]string
	row := func(label, text string) {
		if text != "" {
			rows = append(rows, [2]string{label, text})
		}
	}
	name := func(label, text string) {
		if text != "" {
			row(label, show(text))
		}
	}
	moment := func(label string, t time.Time) {
		if !t.IsZero() {
			row(label, fmt.Sprintf("%s (%s)", t.Format("2006-01-02 15:04:05 UTC"), r.distance(t)))
		}
	}
	values := func(label string, named map[string]any) {
		for i, name := range slices.Sorted(maps.Keys(named)) {
			if i == most {
				row("", fmt.Sprintf("and %d more: see -json", len(named)-most))
				return
			}
			row(label, show(name)+" = "+quote(named[name]))
			label = ""
		}
	}
	row("Taken off", strings.Join(r.Removed, ", "))
	name("Account", r.AccountSID)
	name("API key", r.APIKeySID)
	name("Region", r.Region)
	if len(r.Scopes) == 0 { // which name it
		name("Identity", r.Identity)
	}
	name("Push", r.PushCredentialSID)
	for i, s := range r.Scopes {
		if i == most {
			row("Scopes", fmt.Sprintf("and %d more: see -json", len(r.Scopes)-most))
			break
		}
		label, lines := describe(s)
		for _, line := range lines {
			row(label, line)
			label = ""
		}
	}
	values("Grant", r.otherGrants)
	values("Claim", r.otherClaims)
	moment("Issued", r.IssuedAt)
	moment("Not before", r.NotBefore)
	moment("Expires", r.ExpiresAt)
	if time.Since(r.JudgedAt).Abs() > time.Minute {
		row("Judged at", r.JudgedAt.Format("2006-01-02 15:04:05 UTC"))
	}
	for _, f := range r.Problems {
		if f.Code > 0 {
			row("More", fmt.Sprintf("captoken explain %d", f.Code))
			break
		}
	}
	return rows
}

// describe puts a scope into words, and its parameters on lines of their own.
func describe(s Scope) (label string, lines []string) {
	client := ""
	if s.Params.Has("clientName") {
		client = " as " + show(s.Params.Get("clientName"))
	}
	var said []string
	switch s.Name() {
	case Incoming:
		label, lines, said = "Incoming", []string{"receives calls" + client}, []string{"clientName"}
	case Outgoing:
		label, lines, said = "Outgoing", []string{"calls out through " + show(s.Params.Get("appSid")) + client}, []string{"appSid", "clientName"}
	case Events:
		label, lines, said = "Events", []string{"reads events at " + show(s.Params.Get("path"))}, []string{"path"}
	default:
		label, lines = "Scope", []string{s.Name()}
	}
	others := maps.Clone(s.Params)
	maps.DeleteFunc(others, func(name string, values []string) bool { return len(values) == 1 && slices.Contains(said, name) })
	lines = append(lines, pairs("param", s.ApplicationParams)...)
	lines = append(lines, pairs("filter", s.Filters)...)
	return label, append(lines, pairs("also", others)...)
}

func pairs(word string, params url.Values) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for _, value := range params[name] {
			lines = append(lines, fmt.Sprintf("%s %s = %s", word, show(name), show(value)))
		}
	}
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("and %d more: see -json", len(lines)-most))
	}
	return lines
}

var (
	bad  = regexp.MustCompile(`(?m)^(Not usable|fault|yours|\d{5})\b`)
	good = regexp.MustCompile(`(?m)^(Usable|No fault found)\b`)
	mild = regexp.MustCompile(`(?m)^note\b`)
)

// Paint colours the starts of lines, which are never text of a token, with the
// escapes of a terminal.
func Paint(text string) string {
	text = bad.ReplaceAllString(text, "\x1b[1;31m$0\x1b[0m")
	text = good.ReplaceAllString(text, "\x1b[1;32m$0\x1b[0m")
	return mild.ReplaceAllString(text, "\x1b[33m$0\x1b[0m")
}

// Escape escapes the characters that can't be seen, or turn the direction of
// writing. In JSON, where they can be in strings only, the escapes mean the same
// characters.
func Escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || isVisible(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func isVisible(r rune) bool {
	return unicode.IsPrint(r) && r != '\u2800' && // a Braille pattern without dots
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
