package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/internal/inspect"
)

const inspectHelp = `captoken inspect says what a token is, what is wrong with it and what to do, what
it grants and for how long. It needs neither a network nor a secret. The token
is its argument or comes on standard input: as it was copied from a log, a
header, a URL, a JSON answer or a mail.

  -at TIME   judge it at another time, such as a log's: 2026-11-23T09:00:00Z
  -raw       print its header and claims as they are, indented, and judge nothing
  -json      print everything for programs: one line for each token
  -demo      check it against the built-in credentials of captoken mint -demo

If their variables are set, the signature, the account and the API key are
checked too: for a capability token TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, for
an Access Token TWILIO_ACCOUNT_SID, TWILIO_API_KEY and TWILIO_API_SECRET.

Examples:
  captoken inspect eyJhbGciOi...
  captoken inspect <mail.txt
  captoken inspect -at 2026-11-23T09:00:00Z <token.txt
  captoken inspect -json <token.txt | jq .expiresAt
  captoken mint -demo -incoming tommy | captoken inspect -demo

To install it: go install github.com/seed-6c737938/capability/cmd/captoken@latest

Exit status: 0 if no fault was found, 1 if there is one in a token or in the
credentials, 2 if no token was read.
`

func (c cli) inspect(args []string) error {
	var flags flag.FlagSet
	at := flags.String("at", "", "")
	raw := flags.Bool("raw", false, "")
	asJSON := flags.Bool("json", false, "")
	demo := flags.Bool("demo", false, "")
	if err := parse(&flags, args, 1); err != nil {
		return err
	}
	if *raw && *asJSON {
		return errors.New("-raw and -json do not go together")
	}
	now := time.Now()
	if *at != "" {
		t, err := time.Parse(time.RFC3339, *at)
		if err != nil {
			return fmt.Errorf("-at %q: use a time such as 2026-11-23T09:00:00Z", *at)
		}
		now = t
	}
	text, err := c.read(flags.Args())
	if err != nil {
		return err
	}
	credentials := c.credentials(*demo)
	if *demo {
		fmt.Fprintln(c.stderr, "captoken inspect: checked against built-in example credentials")
	}
	tokens, faults := inspect.Find(text), false
	for i, token := range tokens {
		r := inspect.Inspect(token.Text, now, credentials)
		r.Removed = token.Removed
		if variable := c.findSecret(r.Holds); variable != "" {
			r.Conceal(variable)
		}
		var output string
		switch {
		case *asJSON:
			output = encode(r)
		case *raw:
			output = rawJSON(r)
		default:
			output = r.Text()
		}
		if len(tokens) > 1 && !*asJSON {
			output = fmt.Sprintf("%sToken %d of %d\n%s", strings.Repeat("\n", min(i, 1)), i+1, len(tokens), output)
		}
		if err := c.print(output); err != nil {
			return err
		}
		if *raw {
			faults = faults || r.Header == nil || r.Claims == nil
		} else {
			faults = faults || !r.Usable || len(r.CredentialFaults) > 0
		}
	}
	if faults {
		return errFault
	}
	return nil
}

// read returns what to look for tokens in.
func (c cli) read(args []string) (string, error) {
	input, from := c.stdin, "standard input"
	if len(args) > 0 {
		input, from = strings.NewReader(args[0]), "the argument"
	}
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(input, most+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", from, err)
	case len(data) > most:
		return "", fmt.Errorf("%s is longer than the %d bytes that are searched for tokens", from, most)
	case strings.TrimSpace(string(data)) == "":
		return "", fmt.Errorf("%s is empty: give a token", from)
	}
	return string(data), nil
}

// print prints a report, in colour on a terminal.
func (c cli) print(text string) error {
	if c.terminal == nil {
		_, err := io.WriteString(c.stdout, text)
		return err
	}
	_, err := io.WriteString(c.terminal, inspect.Paint(text))
	return err
}

func encode(r *inspect.Report) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(r) // what was JSON, and times before the year 10000: there is nothing to fail
	return b.String()
}

// rawJSON is the header and the claims with their own names, numbers and order.
func rawJSON(r *inspect.Report) string {
	var b bytes.Buffer
	for _, part := range []json.RawMessage{r.Header, r.Claims} {
		if part != nil {
			json.Indent(&b, part, "", "  ")
			b.WriteByte('\n')
		}
	}
	if r.Header == nil || r.Claims == nil {
		for _, problem := range r.Problems {
			fmt.Fprintf(&b, "Not shown: %s.\n", problem.Message)
		}
	}
	return b.String()
}
