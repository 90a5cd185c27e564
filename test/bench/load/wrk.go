package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/seed-6c737938/capability"
)

// timeout is how late an answer may be, in seconds. wrk's default of 2 is too short
// for Node: between the answers on its connections, a worker accepts only one new
// connection at a time, so the last of many waits for long.
const timeout = "30"

// figures is what load.lua prints, with times in microseconds.
type figures struct {
	Requests, Duration float64
	P50, P99, Max      float64

	Connect, Read, Write, Timeout int // errors of sockets, as wrk counts them
	Refused                       int // answers other than a 200
	Strangers                     int // answers for a client for which none was due
	Lost                          int // requests whose answer was overdue at the end
}

func (f figures) errors() int {
	return f.Connect + f.Read + f.Write + f.Timeout + f.Refused + f.Strangers + f.Lost
}

// ask has wrk ask a server for tokens, and verifies those that it has sampled.
func ask(ctx context.Context, address string, duration time.Duration, connections int) (f figures, verified int, err error) {
	samples, err := os.MkdirTemp("", "load")
	if err != nil {
		return f, 0, err
	}
	defer os.RemoveAll(samples)

	out, err := wrk(ctx, duration, connections, "--latency", "--script", filepath.Join(folder, "load.lua"),
		address, "--", samples, timeout)
	if err != nil {
		return f, 0, err
	}
	if f, err = parse(out); err != nil {
		return f, 0, err
	}
	verified, err = verifySamples(samples)
	if f.errors() > 0 {
		err = errors.Join(fmt.Errorf("%d errors among the answers", f.errors()), err)
	}
	return f, verified, err
}

// wrk runs wrk with arguments, the last of which name what it asks.
func wrk(ctx context.Context, duration time.Duration, connections int, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "wrk", append([]string{
		"--timeout", timeout,
		"--threads", strconv.Itoa(min(runtime.NumCPU(), connections)),
		"--connections", strconv.Itoa(connections),
		"--duration", fmt.Sprintf("%.0f", duration.Seconds()),
	}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	os.Stderr.Write(out)
	if err != nil {
		return nil, fmt.Errorf("wrk: %w", err)
	}
	return out, nil
}

// parseRate reads the requests a second from what wrk prints. It is an error if
// wrk counts any other answer than a 200, or an error of a socket.
func parseRate(out []byte) (float64, error) {
	_, rest, found := bytes.Cut(out, []byte("\nRequests/sec:"))
	if !found || bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
		return 0, fmt.Errorf("not all answers are good: %s", out)
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strconv.ParseFloat(string(bytes.TrimSpace(line)), 64)
}

// parse reads the last line of what wrk prints.
func parse(out []byte) (f figures, err error) {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &f); err != nil {
		return f, fmt.Errorf("the last line of wrk's is not that of load.lua: %w", err)
	}
	return f, nil
}

// verifySamples verifies the answers in the files of a folder, one a line.
func verifySamples(folder string) (verified int, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		answers, err := os.ReadFile(file)
		if err != nil {
			return verified, err
		}
		for answer := range bytes.Lines(answers) {
			if err := verify(answer); err != nil {
				return verified, fmt.Errorf("a sampled answer: %w", err)
			}
			verified++
		}
	}
	if verified == 0 {
		return 0, errors.New("too few answers to sample any")
	}
	return verified, nil
}

// verify checks that an answer holds a good token for the client that it names.
func verify(answer []byte) error {
	var body struct{ Identity, Token string }
	if err := json.Unmarshal(answer, &body); err != nil {
		return err
	}
	claims, err := capability.Verify(body.Token, accountSID, authToken)
	if err != nil {
		return err
	}
	incoming, _ := claims.Incoming()
	if outgoing, _, _ := claims.Outgoing(); incoming != body.Identity || outgoing != applicationSID {
		return fmt.Errorf("a token for %q and %q in an answer for %q", incoming, outgoing, body.Identity)
	}
	return nil
}
