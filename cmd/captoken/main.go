// Captoken mints and inspects the tokens of Twilio Client devices: capability
// tokens and their successor, Access Tokens.
//
//	captoken mint -demo -incoming tommy -outgoing AP123123 -ttl 10m | captoken inspect -demo
//
// The credentials come from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN or, for
// Access Tokens, TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET. A secret is never a
// flag, since everybody on a machine can list its processes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const usage = `captoken mints and inspects the tokens of Twilio Client devices: capability
tokens and Access Tokens.

  captoken mint [flags]               mint a token
  captoken inspect [flags] [token]    say what a token grants, and what is wrong with it

captoken mint -h and captoken inspect -h tell more.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// A cli is what a sub-command reads and writes.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// run returns the exit status: 0 if all is well, 1 if the inspected token is
// not usable, 2 for wrong use and any other failure.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	c := cli{stdin: stdin, stdout: printable{stdout}, stderr: printable{stderr}, getenv: getenv}
	var name string
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "mint":
		return c.finish("captoken mint", mintHelp, c.mint(args))
	case "inspect":
		return c.finish("captoken inspect", inspectHelp, c.inspect(args))
	case "-h", "-help", "--help", "help":
		return c.finish("captoken", usage, flag.ErrHelp)
	case "":
		fmt.Fprint(c.stderr, usage)
		return 2
	}
	return c.finish("captoken", usage, fmt.Errorf("unknown command %q: use mint or inspect", name))
}

// finish prints what a command returned and gives the exit status for it.
func (c cli) finish(command, help string, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUnusable): // the report has told why
		return 1
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(c.stdout, help)
		return 0
	}
	var told []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		line = strings.TrimPrefix(line, "capability: ")
		if name := c.secretIn(line); name != "" {
			line = "a mistake that is not shown, as it holds the value of " + name + ": secrets come from the environment alone, each in its own variable"
		}
		if !slices.Contains(told, line) {
			told = append(told, line)
			fmt.Fprintf(c.stderr, "%s: %s\n", command, line)
		}
	}
	fmt.Fprintf(c.stderr, "%s -h shows help\n", command)
	return 2
}

// parse parses the flags and allows as many arguments as most says. It leaves
// the help, and the printing of errors, to finish.
func parse(flags *flag.FlagSet, args []string, most int) error {
	flags.Init("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > most {
		// Not quoted, as it may be a secret that no variable holds yet.
		return errors.New("an argument too many: flags come first, and their values hold no unquoted space")
	}
	return nil
}

// A printable writer keeps text from driving the terminal, wherever it comes
// from: control characters, invisible ones and those that turn the direction
// of writing are escaped. In JSON, where they can stand only in strings, the
// escapes mean the same characters. Each Write holds whole characters.
type printable struct{ w io.Writer }

func (p printable) Write(text []byte) (int, error) {
	var escaped []byte
	for _, r := range string(text) {
		if r == '\n' || strconv.IsPrint(r) {
			escaped = utf8.AppendRune(escaped, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			escaped = fmt.Appendf(escaped, `\u%04x`, unit)
		}
	}
	if _, err := p.w.Write(escaped); err != nil {
		return 0, err
	}
	return len(text), nil
}
