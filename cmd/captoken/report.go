package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-6c737938/capability/internal/inspect"
	"github.com/seed-6c737938/capability/internal/twilioerror"
)

const (
	columns = 80
	label   = 12 // the width of a label

	// What is shown of a list, so that a report is one screen high.
	mostFaults = 3
	most       = 5
)

// report is a report for a person and a screen of 80 columns: what is wrong first,
// with what to do.
func report(r *inspect.Report) string {
	var b strings.Builder
	verdict := verdict(r)
	if len(r.CredentialFaults) > 0 {
		verdict += " Your credentials have a fault."
	}
	b.WriteString(wrap("", "", verdict))
	for _, f := range r.CredentialFaults {
		b.WriteString(finding("yours", f))
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
		b.WriteString(finding(code, f))
	}
	for _, f := range r.Notes {
		b.WriteString(finding("note ", f))
	}
	b.WriteByte('\n')
	for _, row := range rows(r) {
		b.WriteString(fit(fmt.Sprintf("%-*s%s", label, row[0], row[1])) + "\n")
	}
	return b.String()
}

// verdict is the first line, which is often all that is read.
func verdict(r *inspect.Report) string {
	kind := r.Kind
	// A name from the token must not look like a part of the verdict.
	odd := func(name string) bool { return inspect.Show(name) != name }
	if len(r.Grants) > 0 && !slices.ContainsFunc(r.Grants, odd) {
		kind += " (" + strings.Join(r.Grants, ", ") + ")"
	}
	switch {
	case !r.Judged():
		return "Not usable: " + kind + "."
	case r.Usable && r.Signature == inspect.Valid:
		return "Usable: " + kind + ", signature valid."
	case r.Usable && len(r.Missing) > 0:
		return "No fault found: " + kind + ", but the signature was not checked. To check it, set " + twilioerror.List(r.Missing) + "."
	case r.Usable:
		return "No fault found in the token: " + kind + ". Its signature could not be checked."
	case r.Signature == inspect.NotChecked:
		return "Not usable: " + kind + ", signature not checked."
	}
	return "Not usable: " + kind + ", signature " + r.Signature + "."
}

// finding is what was found, behind its code, and below it what to do.
func finding(code string, f inspect.Finding) string {
	message := sentence(f.Message)
	var seen []string
	if f.SDK2 != 0 {
		seen = append(seen, fmt.Sprintf("SDK 2.x shows %d", f.SDK2))
	}
	if len(f.Also) > 0 {
		seen = append(seen, "elsewhere: "+strings.ReplaceAll(strings.Trim(fmt.Sprint(f.Also), "[]"), " ", ", "))
	}
	if len(seen) > 0 {
		message += " (" + sentence(strings.Join(seen, "; ")) + ")"
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
	for _, word := range strings.Fields(escape(text)) {
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
	line = escape(line)
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	return string([]rune(line)[:columns-1]) + "…"
}

// rows returns the labelled lines of the report.
func rows(r *inspect.Report) [][2]string {
	var rows [][2]string
	row := func(label, text string) {
		if text != "" {
			rows = append(rows, [2]string{label, text})
		}
	}
	name := func(label, text string) {
		if text != "" {
			row(label, inspect.Show(text))
		}
	}
	moment := func(label string, t time.Time) {
		if !t.IsZero() {
			row(label, fmt.Sprintf("%s (%s)", t.Format("2006-01-02 15:04:05 UTC"), inspect.Distance(r.JudgedAt, t)))
		}
	}
	values := func(label string, named map[string]any) {
		for i, name := range slices.Sorted(maps.Keys(named)) {
			if i == most {
				row("", fmt.Sprintf("and %d more: see -json", len(named)-most))
				return
			}
			row(label, inspect.Show(name)+" = "+inspect.Quote(named[name]))
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
	none := func(label, scope string) {
		if r.Judged() && r.Claims != nil && !slices.ContainsFunc(r.Scopes, func(s inspect.Scope) bool { return s.Name() == scope }) {
			row(label, "none")
		}
	}
	none("Incoming", inspect.Incoming)
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
	none("Outgoing", inspect.Outgoing)
	values("Grant", r.OtherGrants)
	values("Claim", r.OtherClaims)
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
func describe(s inspect.Scope) (label string, lines []string) {
	client := ""
	if s.Params.Has("clientName") {
		client = " as " + inspect.Show(s.Params.Get("clientName"))
	}
	var said []string
	switch s.Name() {
	case inspect.Incoming:
		label, lines, said = "Incoming", []string{"receives calls" + client}, []string{"clientName"}
	case inspect.Outgoing:
		label, lines, said = "Outgoing", []string{"calls out through " + inspect.Show(s.Params.Get("appSid")) + client}, []string{"appSid", "clientName"}
	case inspect.Events:
		label, lines, said = "Events", []string{"reads events at " + inspect.Show(s.Params.Get("path"))}, []string{"path"}
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
			lines = append(lines, fmt.Sprintf("%s %s = %s", word, inspect.Show(name), inspect.Show(value)))
		}
	}
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("and %d more: see -json", len(lines)-most))
	}
	return lines
}
