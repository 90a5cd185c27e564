package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/seed-6c737938/capability/internal/twilioerror"
)

const explainHelp = `captoken explain prints what a Twilio error means, and what to do.

  captoken explain 31204
  captoken explain "AccessTokenInvalid (20101), then ConnectionError (53000)"

It finds the codes in what a page or a log shows, or the names of errors. The
codes are those that Twilio documents for tokens, calls and webhooks. We did not
check which of them the live service sends for which fault.

Exit status: 0 if each code is known, 2 if not.
`

func (c cli) explain(args []string) error {
	var flags flag.FlagSet
	if err := parse(&flags, args, len(args)); err != nil {
		return err
	}
	text := strings.Join(flags.Args(), " ")
	if strings.TrimSpace(text) == "" {
		return errors.New("give a code or the text of an error, such as captoken explain 31204")
	}
	known, unknown := errorsIn(text)
	for i, e := range known {
		if _, err := io.WriteString(c.stdout, strings.Repeat("\n", min(i, 1))+explanation(e)); err != nil {
			return err
		}
	}
	switch {
	case len(unknown) > 0:
		var lines []error
		for _, code := range unknown {
			lines = append(lines, fmt.Errorf("no entry for %s: see https://www.twilio.com/docs/api/errors/%s", code, code))
		}
		return errors.Join(lines...)
	case len(known) == 0:
		return fmt.Errorf("no Twilio error code or error name in %q: see https://www.twilio.com/docs/api/errors", text)
	}
	return nil
}

var number = regexp.MustCompile(`(^|.)(\d+)`)

// errorsIn finds the errors whose codes are in a text or, if there are none, whose
// names are. A number that is no code and stands behind something is more likely a part
// of a time, a version or a place in a file.
func errorsIn(text string) (known []twilioerror.Error, unknown []string) {
	seen := map[string]bool{}
	for _, m := range number.FindAllStringSubmatch(text, -1) {
		code, _ := strconv.Atoi(m[2])
		e, ok := twilioerror.Lookup(code)
		switch {
		case seen[m[2]]:
		case ok:
			known = append(known, e)
		case len(m[2]) == codeLength && strings.Trim(m[1], " (/,;") == "":
			unknown = append(unknown, m[2])
		}
		seen[m[2]] = true
	}
	if known != nil || unknown != nil {
		return known, unknown
	}
	known = named(text)
	if _, err := strconv.Atoi(text); err == nil && known == nil {
		unknown = []string{text}
	}
	return known, unknown
}

const codeLength = 5

// named returns the errors whose names are words of the text, or else those whose
// longest names are made of its words in any order, as in "invalid access token".
func named(text string) []twilioerror.Error {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	var exact, made []twilioerror.Error
	longest := 0
	for _, e := range twilioerror.All() {
		name := strings.ToLower(e.Name)
		rest := name
		for _, word := range words {
			rest = strings.ReplaceAll(rest, word, "")
		}
		switch {
		case slices.Contains(words, name):
			exact = append(exact, e)
		case strings.Trim(strings.TrimSuffix(rest, "error"), " :'->()") != "" || len(name) < longest:
		case len(name) > longest:
			made, longest = []twilioerror.Error{e}, len(name)
		default:
			made = append(made, e)
		}
	}
	if exact != nil {
		return exact
	}
	return made
}

func explanation(e twilioerror.Error) string {
	return fmt.Sprintf("%d  %s\n\n", e.Code, e.Name) + wrap("", "", e.Means+" "+e.InPage()) + "\n" + wrap("What to do: ", "", e.Advice)
}
