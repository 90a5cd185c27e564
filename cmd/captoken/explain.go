package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-6c737938/capability/internal/twilioerror"
)

const explainHelp = `captoken explain prints what a Twilio error means, and what to do.

  captoken explain 31204
  captoken explain "AccessTokenInvalid (20101), then ConnectionError (53000)"

It finds the codes in what a page or a log shows, or the names of errors. The
codes are those that Twilio documents for tokens, calls and webhooks. Which of
them the live service sends for which fault was not checked.

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
		return fmt.Errorf("%q has no code of Twilio's, and no name of an error: see https://www.twilio.com/docs/api/errors", text)
	}
	return nil
}

// code matches a code of Twilio's. A number behind a dot, a hyphen or a colon is more
// likely a part of a time, a version or a place in a file.
var code = regexp.MustCompile(`([.:-])?\b(\d{5})\b`)

// errorsIn finds the errors whose codes are in a text or, if there are none, whose
// names are.
func errorsIn(text string) (known []twilioerror.Error, unknown []string) {
	seen := map[string]bool{}
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		number, _ := strconv.Atoi(m[2])
		e, ok := twilioerror.Lookup(number)
		switch {
		case seen[m[2]]:
		case ok:
			known = append(known, e)
		case m[1] == "":
			unknown = append(unknown, m[2])
		}
		seen[m[2]] = true
	}
	if known != nil || unknown != nil {
		return known, unknown
	}
	for _, e := range twilioerror.All() {
		if regexp.MustCompile(`(?i)(^|\W)` + regexp.QuoteMeta(e.Name) + `($|\W)`).MatchString(text) {
			known = append(known, e)
		}
	}
	if known == nil {
		unknown = regexp.MustCompile(`^\d+$`).FindAllString(text, 1)
	}
	return known, unknown
}

func explanation(e twilioerror.Error) string {
	return fmt.Sprintf("%d  %s\n\n", e.Code, e.Name) + wrap("", "", e.Means+" "+e.InPage()) + "\n" + wrap("What to do: ", "", e.Advice)
}
