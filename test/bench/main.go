// Command bench mints tokens with this module and with other libraries side by
// side, and prints what they cost as Markdown. The benchmarks' own output goes to
// standard error while they run.
//
// Run it in its own folder: go run .
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/test/bench/command"
)

// The contestants that the goals name.
const (
	byClone   = "capability by Clone"
	fromNew   = "capability from New"
	golangJWT = "golang-jwt struct"

	golangJWTMaps   = "golang-jwt MapClaims"
	cristalhqOnce   = "cristalhq"
	cristalhqFresh  = "cristalhq, keyed each time"
	capabilityToken = "capability token"
	accessToken     = "Access Token"

	floorKeyed = "floor: HMAC keyed once"
	floorFresh = "floor: HMAC keyed each time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	rounds := flag.Int("rounds", 50, "how often each benchmark runs")
	benchtime := flag.Duration("benchtime", 20*time.Millisecond, "how long it runs each time")
	flag.Parse()
	if err := run(*rounds, *benchtime); err != nil {
		log.Fatal(err)
	}
}

func run(rounds int, benchtime time.Duration) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	raw, err := measure(filepath.Join(dir, "bench.test"), rounds, benchtime)
	if err != nil {
		return err
	}
	results, err := parse(raw)
	if err != nil {
		return err
	}
	modules, err := command.Output(context.Background(), ".", "go", "list", "-m", "-f",
		"{{if not (or .Main .Indirect .Replace)}}{{.Path}} {{.Version}}{{end}}", "all")
	if err != nil {
		return err
	}
	rawFile := filepath.Join(dir, "raw")
	if err := os.WriteFile(rawFile, raw, 0o600); err != nil {
		return err
	}
	benchstat, err := command.Output(context.Background(), ".", "go", "tool", "-modfile=../../.ci/tools/go.mod", "benchstat",
		"-filter", ".unit:sec/op", "time="+rawFile)
	if err != nil {
		return err
	}

	fmt.Printf("%s, %d cores, %s/%s, %s.\n", cpu(raw), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	fmt.Printf("Modules: %s.\n", strings.Join(strings.Split(strings.TrimSpace(modules), "\n"), ", "))
	fmt.Printf("Fastest of %d interleaved rounds of %v each, on one core.\n", rounds, benchtime)
	fmt.Print("\nLook at the ratios (÷), not at the times, which differ from machine to machine.\n\n")
	writeTable(os.Stdout, results, "Mint/")
	fmt.Print("\nThe same as an Access Token:\n\n")
	writeTable(os.Stdout, results, "MintAccess/")
	fmt.Print("\nA request through the handler:\n\n")
	writeTable(os.Stdout, results, "Handler/")
	fmt.Print("\nGoals:\n\n")
	writeGoals(os.Stdout, results)
	fmt.Printf("\nMedians of the rounds, and how far they spread:\n\n```\n%s```\n", benchstat)
	return nil
}

// measure runs every benchmark once in each round, so that a busy moment affects
// all contestants alike.
func measure(binary string, rounds int, benchtime time.Duration) ([]byte, error) {
	if _, err := command.Output(context.Background(), ".", "go", "test", "-c", "-o", binary, "."); err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	for range rounds {
		for _, args := range [][]string{
			{"-test.bench=.", "-test.skip=Parallel", "-test.cpu=1"},
			{"-test.bench=Parallel", "-test.cpu=1,2"},
		} {
			cmd := exec.Command(binary, append(args, "-test.run=^$", "-test.benchtime="+benchtime.String())...)
			cmd.Stdout = io.MultiWriter(&raw, os.Stderr)
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return nil, fmt.Errorf("running the benchmarks: %w", err)
			}
		}
	}
	return raw.Bytes(), nil
}

// A result is what one operation costs.
type result struct {
	time, bytes, allocs float64 // time in nanoseconds
}

// parse returns the fastest round of each benchmark: noise only ever adds.
func parse(raw []byte) (map[string]result, error) {
	fastest := map[string]result{}
	for line := range strings.Lines(string(raw)) {
		name, found := strings.CutPrefix(line, "Benchmark")
		if !found {
			continue
		}
		// The name, how many, then time, bytes and allocations, each with its unit.
		fields := strings.Fields(name)
		if len(fields) != 8 {
			return nil, fmt.Errorf("not the line of a benchmark: %q", line)
		}
		var r result
		for i, value := range []*float64{&r.time, &r.bytes, &r.allocs} {
			var err error
			if *value, err = strconv.ParseFloat(fields[2+2*i], 64); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		}
		name = strings.ReplaceAll(fields[0], "_", " ") // package testing writes it so
		if best, ok := fastest[name]; !ok || r.time < best.time {
			fastest[name] = r
		}
	}
	if len(fastest) == 0 {
		return nil, errors.New("no benchmark ran: use 1 round or more")
	}
	return fastest, nil
}

// writeTable writes what one token costs with each contestant of a benchmark,
// cheapest first.
func writeTable(w io.Writer, results map[string]result, benchmark string) {
	clone, fresh := results["Mint/"+byClone], results["Mint/"+fromNew]
	fmt.Fprintln(w, "| contestant | time | ÷ Clone | ÷ New | allocations | bytes |")
	fmt.Fprintln(w, "| --- | ---: | ---: | ---: | ---: | ---: |")
	names := slices.SortedFunc(maps.Keys(results), func(a, b string) int {
		return cmp.Compare(results[a].time, results[b].time)
	})
	for _, name := range names {
		if contestant, ok := strings.CutPrefix(name, benchmark); ok {
			r := results[name]
			fmt.Fprintf(w, "| %s | %.2f µs | %.2f | %.2f | %.0f | %.0f |\n",
				contestant, r.time/1000, r.time/clone.time, r.time/fresh.time, r.allocs, r.bytes)
		}
	}
}

// writeGoals writes this module's goals, and whether they were met.
func writeGoals(w io.Writer, results map[string]result) {
	clone, fresh, library := results["Mint/"+byClone], results["Mint/"+fromNew], results["Mint/"+golangJWT]
	best, keyedEachTime := fastestLibrary(results), fastestLibrary(results, cristalhqOnce)
	ratio := func(a, b string) float64 { return results[a].time / results[b].time }
	for _, goal := range []struct {
		what     string
		measured float64
		bound    string
		limit    float64
	}{
		{golangJWT + " / " + fromNew, library.time / fresh.time, atLeast, 2.5},
		{"fastest library / " + fromNew + ", which alone keys its HMAC for the token", best.time / fresh.time, atLeast, 0.9},
		{"fastest library that does so too / " + fromNew, keyedEachTime.time / fresh.time, atLeast, 1.2},
		{golangJWT + " / " + byClone, library.time / clone.time, atLeast, 4},
		{"fastest library / " + byClone, best.time / clone.time, atLeast, 1.7},
		{byClone + " / " + floorKeyed, ratio("Mint/"+byClone, "Mint/"+floorKeyed), atMost, 1.5},
		{"allocations of " + fromNew, fresh.allocs, atMost, 13},
		{"allocations of " + byClone, clone.allocs, atMost, 5},
		{"Verify / golang-jwt's parser", ratio("Verify/capability", "Verify/golang-jwt"), atMost, 1.25},
		{"VerifyWithAPIKey / golang-jwt's parser, into structs", ratio("VerifyAccess/capability", "VerifyAccess/golang-jwt"), atMost, 1.5},
		{"100 parameters / 1 parameter", ratio("MintParams/100", "MintParams/1"), atMost, 25},
		{"a request / " + byClone, ratio("Handler/"+capabilityToken, "Mint/"+byClone), atMost, 3.5},
		{"allocations of a request", results["Handler/"+capabilityToken].allocs, atMost, 13},
		{"a request, Access Token / " + byClone, ratio("Handler/"+accessToken, "MintAccess/"+byClone), atMost, 3},
		{"the same Access Token, " + golangJWT + " / " + byClone, ratio("MintAccess/"+golangJWT, "MintAccess/"+byClone), atLeast, 2},
		{"the same Access Token, " + golangJWTMaps + " / " + byClone, ratio("MintAccess/"+golangJWTMaps, "MintAccess/"+byClone), atLeast, 2},
		{"tokens a second, two cores / one core", ratio("MintParallel", "MintParallel-2"), atLeast, 1.7},
	} {
		met := goal.bound == atLeast && goal.measured >= goal.limit || goal.bound == atMost && goal.measured <= goal.limit
		verdict := "met"
		if !met {
			verdict = "**missed**"
		}
		fmt.Fprintf(w, "- %s: %.3g (%s %v, %s)\n", goal.what, goal.measured, goal.bound, goal.limit, verdict)
	}
}

const (
	atLeast = "at least"
	atMost  = "at most"
)

// fastestLibrary returns the result of the best contestant that is neither this
// module, nor a floor, nor one of those left out.
func fastestLibrary(results map[string]result, leftOut ...string) result {
	leftOut = append(leftOut, byClone, fromNew, floorKeyed, floorFresh)
	best := result{time: math.Inf(1)}
	for name, r := range results {
		contestant, ok := strings.CutPrefix(name, "Mint/")
		if ok && r.time < best.time && !slices.Contains(leftOut, contestant) {
			best = r
		}
	}
	return best
}

// cpu returns the processor's name as package testing found it.
func cpu(raw []byte) string {
	_, rest, _ := strings.Cut(string(raw), "\ncpu: ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}
