package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
)

const inspectHelp = `captoken inspect says what a capability token or an Access Token grants, how
long it is valid, and what is wrong with it, with the Twilio error that a device
would show. It needs neither a network nor a secret. The token is its argument,
or comes on standard input.

  -json    print the same for programs, on one line
  -demo    check against the built-in example credentials of captoken mint -demo

The signature, the account and the API key are checked too if their variables
are set: for a capability token TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, for an
Access Token TWILIO_ACCOUNT_SID, TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET.

Examples:
  captoken inspect eyJhbGciOi...
  captoken inspect <token.txt
  captoken inspect -json <token.txt | jq .expiresAt
  captoken mint -demo -incoming tommy | captoken inspect -demo
  captoken mint -demo -access -incoming tommy | captoken inspect -demo

Exit status: 0 if the token is usable, 1 if it is not, 2 if it was not read.
`

// errUnusable makes the exit status 1, once the report has told why.
var errUnusable = errors.New("the token is not usable")

func (c cli) inspect(args []string) error {
	var flags flag.FlagSet
	demo := flags.Bool("demo", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := parse(&flags, args, 1); err != nil {
		return err
	}
	token, err := c.readToken(flags.Args())
	if err != nil {
		return err
	}
	r := examine(token)
	creds, missing := c.credentials(r.kind, *demo)
	if err := creds.builder().Err(); err != nil && missing == "" {
		return err
	}
	if *demo {
		fmt.Fprintln(c.stderr, "captoken inspect: checked against built-in example credentials")
	}

	if variable := c.secretIn(r.content + fmt.Sprint(r.Scopes)); variable != "" {
		r.hide(variable)
	} else if missing == "" {
		r.checkSignature(creds)
	}
	r.Usable = len(r.Problems) == 0
	output := r.text(missing)
	if *asJSON {
		output = r.json()
	}
	if _, err := io.WriteString(c.stdout, output); err != nil {
		return err
	}
	if !r.Usable {
		return errUnusable
	}
	return nil
}

func (c cli) readToken(args []string) (string, error) {
	input, from := c.stdin, "standard input"
	if len(args) > 0 {
		input, from = strings.NewReader(args[0]), "the argument"
	}
	const most = capability.MaxTokenSize + 1024 // as there may be white space around the token
	data, err := io.ReadAll(io.LimitReader(input, most+1))
	token := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", from, err)
	case len(data) > most || len(token) > capability.MaxTokenSize:
		return "", fmt.Errorf("%s holds more than the %d bytes that are read of a token", from, capability.MaxTokenSize)
	case token == "":
		return "", fmt.Errorf("%s is empty: give a token", from)
	}
	return token, nil
}

func (r *report) json() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(r) // what was JSON, and times before the year 10000: there is nothing to fail
	return b.String()
}

// text is the report for a person. Without credentials it names the missing.
func (r *report) text(missing string) string {
	var b strings.Builder
	row := func(label, text string) {
		fmt.Fprintf(&b, "%-12s%s\n", label, text)
	}
	moment := func(label string, t time.Time, verb string) {
		if !t.IsZero() {
			row(label, fmt.Sprintf("%s (%s%s)", t.Local().Format("2006-01-02 15:04:05 MST"), verb, distance(t)))
		}
	}

	if r.Kind != "" {
		row("Kind", r.Kind)
	}
	name := func(label, text string) {
		if text != "" {
			row(label, show(text))
		}
	}
	name("Account", r.AccountSID)
	name("API key", r.APIKeySID)
	name("Region", r.Region)
	name("Identity", r.Identity)
	for _, s := range r.Scopes {
		label, lines := s.describe()
		for _, line := range lines {
			row(label, line)
			label = ""
		}
	}
	values := func(label string, named map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(named)) {
			row(label, show(name)+" = "+quote(named[name]))
		}
	}
	values("Grant", r.Grants)
	values("Claim", r.Claims)
	moment("Issued", r.IssuedAt, "")
	moment("Not before", r.NotBefore, "")
	verb := "expires "
	if !time.Now().Before(r.ExpiresAt) {
		verb = "expired "
	}
	moment("Expires", r.ExpiresAt, verb)
	row("Verdict", r.verdict(missing))

	if len(r.Problems) > 0 {
		b.WriteString("\nProblems, each with the Twilio error that a device would show:\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "\n  %d  %s\n%s", p.TwilioError, p.Message, indent(p.Advice))
	}
	if len(r.Notes) > 0 {
		b.WriteString("\nNotes:\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n  note   %s\n%s", n.Message, indent(n.Advice))
	}
	return b.String()
}

func (r *report) verdict(missing string) string {
	verdict := "not usable"
	if r.Usable {
		verdict = "usable"
	}
	switch {
	case r.Signature != notChecked:
		return verdict + ", signature " + r.Signature
	case r.Usable:
		return verdict + ", but signature not checked: set " + missing
	}
	return verdict + ", signature not checked"
}

// describe puts a scope into words, and its other parameters on lines of
// their own.
func (s scope) describe() (label string, lines []string) {
	application, client := show(s.Params.Get("appSid")), show(s.Params.Get("clientName"))
	var told []string
	switch s.kind() {
	case incoming:
		label, lines, told = "Incoming", []string{"receives calls for client " + client}, []string{"clientName"}
	case outgoing:
		label, lines, told = "Outgoing", []string{"calls out through application " + application}, []string{"appSid", "clientName"}
		if s.Params.Has("clientName") {
			lines[0] += " as client " + client
		}
	case events:
		label, lines, told = "Events", []string{"reads events at " + show(s.Params.Get("path"))}, []string{"path"}
	default:
		label, lines = "Scope", []string{s.kind()}
	}
	list := func(word string, params url.Values) {
		for _, name := range slices.Sorted(maps.Keys(params)) {
			for _, value := range params[name] {
				lines = append(lines, fmt.Sprintf("%s %s = %s", word, show(name), show(value)))
			}
		}
	}
	list("param", s.ApplicationParams)
	list("filter", s.Filters)
	others := maps.Clone(s.Params)
	maps.DeleteFunc(others, func(name string, values []string) bool { return len(values) == 1 && slices.Contains(told, name) })
	list("also", others)
	return label, lines
}

var plainText = regexp.MustCompile(`^[\w.:/@+-]+$`)

// show quotes text unless it is plain to see where it begins and ends.
func show(text string) string {
	if plainText.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}

// quote is a value as it stands in the token.
func quote(value any) string {
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	data, _ := json.Marshal(value) // it was JSON before
	return string(data)
}

// distance is how far t, a whole second, is from now.
func distance(t time.Time) string {
	seconds := t.Unix() - time.Now().Unix()
	if seconds > 0 {
		return "in " + span(seconds)
	}
	return span(-seconds) + " ago"
}

func span(seconds int64) string {
	const day = 24 * 60 * 60
	if seconds > 2*day {
		return fmt.Sprintf("%d days", seconds/day)
	}
	text := (time.Duration(seconds) * time.Second).String()
	text = strings.Replace(text, "m0s", "m", 1)
	return strings.Replace(text, "h0m", "h", 1)
}

// indent breaks advice into lines that stand below their problem or note.
func indent(advice string) string {
	const margin, width = "        ", 79
	var text strings.Builder
	line := margin
	for _, word := range strings.Fields(advice) {
		if len(line)+len(word) >= width {
			text.WriteString(line + "\n")
			line = margin
		}
		line += " " + word
	}
	return text.String() + line + "\n"
}
