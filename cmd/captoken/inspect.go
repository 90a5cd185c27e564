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
	"github.com/seed-6c737938/capability/internal/jws"
)

const inspectHelp = `captoken inspect says what a token is, what is wrong with it, what to do about
it, and what it grants, for how long. It needs neither network nor secret. Give
the token as the argument or on standard input, just as you copied it from a log,
a header, a URL, a JSON answer or a mail.

  -at TIME   judge it at another time, such as a log's: 2026-11-23T09:00:00Z
  -raw       print its header and claims as they are, indented, and judge nothing
  -json      print everything for programs: one line for each token
  -demo      check it against the built-in credentials of captoken mint -demo

It also checks the signature, the account and the API key if these variables are
set: for a capability token TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, for an
Access Token TWILIO_ACCOUNT_SID, TWILIO_API_KEY and TWILIO_API_SECRET.

Examples:
  captoken inspect eyJhbGciOi...
  captoken inspect <mail.txt
  captoken inspect -at 2026-11-23T09:00:00Z <token.txt
  captoken inspect -json <token.txt | jq .expiresAt
  captoken mint -demo -incoming tommy | captoken inspect -demo

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
	var judgedAt time.Time
	if *at != "" {
		var err error
		judgedAt, err = time.Parse(time.RFC3339, *at)
		if year := judgedAt.UTC().Year(); err != nil || year < 1 || year > 9999 { // as in JSON
			return fmt.Errorf("-at %q: use a time such as 2026-11-23T09:00:00Z", *at)
		}
	}
	text, err := c.read(flags.Args())
	if err != nil {
		return err
	}
	credentials := c.credentials(*demo)
	if *demo {
		fmt.Fprintln(c.stderr, "captoken inspect: checked against built-in example credentials")
	}
	if *at == "" {
		judgedAt = time.Now() // a pipe may have taken a while
	}
	tokens, faults := inspect.Find(text), false
	for i, token := range tokens {
		r := inspect.Inspect(token, judgedAt, credentials)
		for _, s := range c.stdout.secrets {
			if r.Says(s.value) {
				r.Conceal(s.variable)
			}
		}
		var output string
		switch {
		case *asJSON:
			output = jws.Marshal(r) + "\n"
		case *raw:
			output = rawJSON(r)
		default:
			output = report(r)
		}
		if len(tokens) > 1 && !*asJSON {
			output = fmt.Sprintf("%sToken %d of %d\n%s", strings.Repeat("\n", min(i, 1)), i+1, len(tokens), output)
		}
		if err := c.stdout.print(output, !*asJSON && !*raw); err != nil {
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
	} else if isTerminal(c.stdin) {
		fmt.Fprintln(c.stderr, "captoken inspect: paste a token, then Ctrl-D")
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

// rawJSON is the header and the claims with their own names, numbers and order.
func rawJSON(r *inspect.Report) string {
	var b bytes.Buffer
	for _, part := range []json.RawMessage{r.Header, r.Claims} {
		switch {
		case part == nil:
			continue
		case depth(part) > mostIndented:
			b.Write(part)
		default:
			json.Indent(&b, part, "", "  ")
		}
		b.WriteByte('\n')
	}
	if r.Header == nil || r.Claims == nil {
		for _, problem := range r.Problems {
			fmt.Fprintf(&b, "Not shown: %s.\n", problem.Message)
		}
	}
	return b.String()
}

// mostIndented is how deep JSON is indented: each level makes each line longer.
const mostIndented = 10

func depth(text []byte) (deepest int) {
	level := 0
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := dec.Token()
		switch {
		case err != nil:
			return deepest
		case token == json.Delim('{') || token == json.Delim('['):
			level++
			deepest = max(deepest, level)
		case token == json.Delim('}') || token == json.Delim(']'):
			level--
		}
	}
}
