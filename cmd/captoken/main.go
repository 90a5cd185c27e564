// Captoken mints and inspects the tokens of Twilio Client devices: capability
// tokens and their successor, Access Tokens.
//
//	captoken mint -demo -incoming tommy -outgoing AP123123 -ttl 10m | captoken inspect -demo
//
// The credentials come from the environment: TWILIO_ACCOUNT_SID and
// TWILIO_AUTH_TOKEN or, for Access Tokens, TWILIO_API_KEY and TWILIO_API_SECRET.
// A secret is never a flag, since everybody on a machine can list its processes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

const usage = `captoken mints and inspects the tokens of Twilio Client devices: capability
tokens and Access Tokens.

  captoken inspect [flags] [token]   what a token is, what is wrong with it, and
                                     what it grants
  captoken explain CODE... | TEXT    what a Twilio error means, and what to do
  captoken mint [flags]              mint a token
  captoken -version                  print the version

captoken inspect -h, captoken explain -h and captoken mint -h say more.

Exit status: 0 if all is well, 1 if inspect found a fault, 2 for a usage error or
any other failure.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// A cli is what a sub-command reads and writes.
type cli struct {
	stdin          io.Reader
	stdout, stderr output
	getenv         func(string) string
}

// errFault makes the exit status 1, once the report has said why.
var errFault = errors.New("a fault was found")

// run returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	secrets := secretsIn(getenv)
	c := cli{
		stdin:  stdin,
		stdout: output{w: stdout, secrets: secrets, colour: showsColour(stdout, getenv)},
		stderr: output{w: stderr, secrets: secrets, strict: true},
		getenv: getenv,
	}
	var name string
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "mint":
		return c.finish("captoken mint", mintHelp, c.mint(args))
	case "inspect":
		return c.finish("captoken inspect", inspectHelp, c.inspect(args))
	case "explain":
		return c.finish("captoken explain", explainHelp, c.explain(args))
	case "-version", "--version", "version":
		return c.finish("captoken", usage, c.version())
	case "-h", "-help", "--help", "help":
		return c.finish("captoken", usage, flag.ErrHelp)
	case "":
		fmt.Fprint(c.stderr, usage)
		return 2
	}
	return c.finish("captoken", usage, fmt.Errorf("unknown command %q: use inspect, explain or mint", name))
}

// finish prints what a command returned and gives the exit status for it.
func (c cli) finish(command, help string, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFault):
		return 1
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(c.stdout, help)
		return 0
	}
	var printed []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		line = strings.TrimPrefix(line, "capability: ")
		if !slices.Contains(printed, line) {
			printed = append(printed, line)
			fmt.Fprintf(c.stderr, "%s: %s\n", command, line)
		}
	}
	fmt.Fprintf(c.stderr, "%s -h shows help\n", command)
	return 2
}

func (c cli) version() error {
	version := "(unknown version)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version + " " + info.GoVersion
	}
	_, err := fmt.Fprintln(c.stdout, "captoken "+version)
	return err
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
		// Not quoted, as it may be a secret that is in no variable yet.
		return errors.New("too many arguments: put flags first, and quote values that contain spaces")
	}
	return nil
}
