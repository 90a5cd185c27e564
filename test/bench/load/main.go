// Command load measures this module as a backend uses it: behind an HTTP server
// with many clients at once, next to Node servers that mint the same tokens with
// Twilio's own library, and next to a server that does not mint at all. Then it
// mints and verifies for minutes, to see whether memory leaks. It prints Markdown,
// and stops with status 1 after the first server with a wrong answer or token.
//
// Run it in the folder of its module: go run ./load
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/test/bench/command"
)

const (
	accountSID     = "AC0123456789abcdef0123456789abcdef"
	authToken      = "0123456789abcdef0123456789abcdef"
	applicationSID = "AP0123456789abcdef0123456789abcdef"
	apiKeySID      = "SK0123456789abcdef0123456789abcdef"
	ttl            = capability.MaxTTL // so that the first token still holds when the last is verified

	folder     = "load"          // where the scripts are
	clientPath = "/load_1_1"     // of one client
	warmUp     = 3 * time.Second // before each measurement
	rounds     = 2               // interleaved, so that noise shows
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("load: ")
	duration := flag.Duration("duration", time.Minute, "how long each server is measured, in whole seconds")
	connections := flag.Int("connections", 256, "how many connections ask at once")
	soakFor := flag.Duration("soak", 10*time.Minute, "how long to mint and verify without a server")
	flag.Parse()
	switch {
	case flag.NArg() == 0:
	case flag.Arg(0) == serveArgument || flag.Arg(0) == bareArgument:
		log.Fatal(serve(flag.Arg(0) == bareArgument))
	default:
		log.Fatalf("unknown argument %q: there are only flags", flag.Arg(0))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *duration, *connections, *soakFor)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, duration time.Duration, connections int, soakFor time.Duration) error {
	for program, debian := range map[string]string{"wrk": "wrk", "node": "nodejs", "npm": "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: install Debian's package %s", err, debian)
		}
	}
	// npm writes this file last.
	if _, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err != nil {
		log.Print("installing Twilio's library for Node")
		if _, err := command.Output(ctx, folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
			return err
		}
	}
	versions, err := command.Output(ctx, folder, "node", "-p", "`Node ${process.version}, twilio ${require('twilio/package.json').version}`")
	if err != nil {
		return err
	}
	fmt.Printf("%d cores, for server and wrk together; %s/%s, %s, %s.\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.TrimSpace(versions))
	fmt.Printf("%d connections for %v, after a warm-up of %v; %d rounds.\n\n", connections, duration, warmUp, rounds)
	if err := compare(ctx, duration, connections); err != nil {
		return err
	}
	if err := compareBare(ctx, duration, connections); err != nil {
		return err
	}
	return soak(ctx, soakFor)
}

// compare measures each server in each round.
func compare(ctx context.Context, duration time.Duration, connections int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	script := filepath.Join(folder, "server.mjs")
	servers := []struct {
		name    string
		command []string
	}{
		{"Go, capability", []string{self, serveArgument}},
		{"Node, twilio", []string{"node", script}},
		{"Node, twilio with a KeyObject", []string{"node", script, "keyobject"}},
	}

	fmt.Println("| server | tokens a second | p50 | p99 | max | peak memory | errors | sampled tokens verified |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	var ratios strings.Builder
	for round := range rounds {
		var ours result
		for i, server := range servers {
			log.Printf("round %d: %s", round+1, server.name)
			r, err := measure(ctx, duration, connections, server.command)
			if r.Requests > 0 {
				fmt.Printf("| %s | %.0f | %.1f ms | %.1f ms | %.1f ms | %.0f MiB | %d | %d |\n", server.name,
					r.rate(), r.P50/1000, r.P99/1000, r.Max/1000, r.memory/1024, r.errors(), r.verified)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", server.name, err)
			}
			if i == 0 {
				ours = r
				continue
			}
			fmt.Fprintf(&ratios, "| %s | %.2f | %.1f | %.1f |\n", server.name,
				ours.rate()/r.rate(), r.P99/ours.P99, r.memory/ours.memory)
		}
	}
	fmt.Println("\n| Go beside | tokens a second × | p99 ÷ | peak memory ÷ |")
	fmt.Println("| --- | ---: | ---: | ---: |")
	fmt.Println(&ratios)
	return nil
}

// compareBare compares the server with one that only writes the same bytes. wrk
// runs without its script, which would cost it more than the answers cost the
// servers.
func compareBare(ctx context.Context, duration time.Duration, connections int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Println("| answers a second | capability | the same bytes, not minted | ratio |")
	fmt.Println("| --- | ---: | ---: | ---: |")
	for round := range rounds {
		var rates [2]float64
		for i, argument := range []string{serveArgument, bareArgument} {
			log.Printf("round %d: %s, without a script", round+1, argument)
			if rates[i], err = measureRate(ctx, duration, connections, []string{self, argument}); err != nil {
				return fmt.Errorf("%s: %w", argument, err)
			}
		}
		fmt.Printf("| round %d | %.0f | %.0f | %.2f |\n", round+1, rates[0], rates[1], rates[0]/rates[1])
	}
	fmt.Println()
	return nil
}

// measureRate returns how many requests a server answers in a second.
func measureRate(ctx context.Context, duration time.Duration, connections int, command []string) (rate float64, err error) {
	server, err := start(ctx, command)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	out, err := wrk(ctx, duration, connections, server.address+clientPath)
	if err != nil {
		return 0, err
	}
	return parseRate(out)
}

// A result is how a server performed while it was measured.
type result struct {
	figures
	memory   float64 // in KiB
	verified int
}

// rate returns how many tokens were minted in a second.
func (r result) rate() float64 { return r.Requests / r.Duration * 1e6 }

// measure starts a server, warms it up and asks it for tokens.
func measure(ctx context.Context, duration time.Duration, connections int, command []string) (r result, err error) {
	server, err := start(ctx, command)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if _, _, err := ask(ctx, server.address, warmUp, connections); err != nil {
		return r, err
	}
	r.figures, r.verified, err = ask(ctx, server.address, duration, connections)
	var memoryErr error
	r.memory, memoryErr = peakMemory(server.pids)
	return r, errors.Join(err, memoryErr)
}
