// Command standin runs the stand-in for Twilio of package capabilitytest, for
// backends in any language. It takes the account's credentials from the environment
// and makes up those that are not set. On standard output it prints all of them and
// its own URL, as lines of an env file, so do not give it live ones; on standard
// error, what happens. A page loads {STANDIN_URL}/standin.js before the SDK.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-6c737938/capability/capabilitytest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run serves until ctx is done, and returns the exit status: 2 for a mistake in
// the flags or the environment, 1 if it cannot listen.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("standin", flag.ContinueOnError)
	flags.SetOutput(stderr)
	options := []capabilitytest.Option{capabilitytest.Credentials(getenv), capabilitytest.Log(stderr)}
	addr := flags.String("addr", "127.0.0.1:4010", "`address` to listen on, TCP and UDP")
	option := func(name, usage string, option func(string) capabilitytest.Option) {
		flags.Func(name, usage, func(value string) error {
			options = append(options, option(value))
			return nil
		})
	}
	option("voice", "voice `URL` to request for each call;\nwithout it, the client or number named by the parameter To is dialled", capabilitytest.VoiceURL)
	option("status", "status callback `URL` that is told when a call is over", capabilitytest.StatusCallback)
	option("public-ip", "IP `address` at which pages on other machines reach the UDP port, if it is not one of this machine's", capabilitytest.PublicIP)
	flags.Func("number", "a telephone number of the account and its voice URL, `+15550100000=URL`;\nmay be given several times", func(value string) error {
		number, voice, _ := strings.Cut(value, "=")
		options = append(options, capabilitytest.Number(number, voice))
		return nil
	})
	closes := flags.Bool("close-on-refusal", false, "close the socket when a token expires or is refused")
	console := flags.Bool("console", false, "serve the console on an address that other machines can reach, too;\nwhoever reaches it can read the credentials")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "standin: unknown argument %q: there are only flags\n", flags.Arg(0))
		return 2
	}
	options = append(options, capabilitytest.Addr(*addr))
	if *closes {
		options = append(options, capabilitytest.CloseOnRefusal())
	}
	if *console {
		options = append(options, capabilitytest.Console())
	}
	server, err := capabilitytest.Start(options...)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		fmt.Fprintf(stderr, "standin: %s is in use: choose another address with -addr, or any free port with -addr 127.0.0.1:0\n", *addr)
		return 1
	case errors.As(err, new(*net.OpError)):
		fmt.Fprintln(stderr, "standin:", err)
		return 1
	case err != nil:
		fmt.Fprintln(stderr, "standin:", err)
		return 2
	}
	defer server.Close()
	if url := server.ConsoleURL(); url != "" {
		fmt.Fprintln(stderr, "standin: console", url)
	}
	fmt.Fprintf(stderr, "standin: a page loads %s/standin.js before the SDK; Ctrl-C ends this\n", server.URL)
	env := server.Env()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(stdout, "%s=%s\n", name, env[name])
	}
	<-ctx.Done()
	return 0
}
