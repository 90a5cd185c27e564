package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

// These arguments make this program a Go server: one that mints, and a bare one
// that writes the same bytes each time.
const (
	serveArgument = "serve"
	bareArgument  = "bare"
)

// serve answers GET /NAME with a token for the client NAME. When it is ready it
// prints its address and the id of its process; it ends when its standard input
// does.
func serve(bare bool) error {
	template := capability.New(accountSID, authToken).AllowClientOutgoing(applicationSID).SetTTL(ttl)
	if err := template.Err(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s %d\n", listener.Addr(), os.Getpid())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	handler := capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
		return template.Clone().AllowClientIncoming(r.URL.Path[1:]), nil
	})
	if bare {
		handler = replay(handler)
	}
	return http.Serve(listener, handler)
}

// replay answers every request as handler answers one.
func replay(handler http.Handler) http.Handler {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, clientPath, nil))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range recorder.Header() {
			w.Header()[name] = values
		}
		w.Write(recorder.Body.Bytes())
	})
}

// A server runs in processes of its own, so that its memory is separate from this
// program's.
type server struct {
	address string
	pids    []string
	command *exec.Cmd
	stdin   io.Closer // closed when this program ends, however it does: no server is left behind
}

// start starts a server and waits until it is ready.
func start(ctx context.Context, command []string) (*server, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "ACCOUNT_SID="+accountSID, "AUTH_TOKEN="+authToken,
		"APPLICATION_SID="+applicationSID, fmt.Sprintf("TTL=%.0f", ttl.Seconds()))
	cmd.Stderr = os.Stderr
	stdin, stdinErr := cmd.StdinPipe()
	stdout, stdoutErr := cmd.StdoutPipe()
	if err := errors.Join(stdinErr, stdoutErr); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{command: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("not ready: %w", err), s.stop())
	}
	ready := strings.Fields(line)
	s.address, s.pids = ready[0], ready[1:]
	return s, nil
}

// stop ends the server. It is an error if it has failed before.
func (s *server) stop() error {
	s.stdin.Close()
	if err := s.command.Wait(); err != nil {
		return fmt.Errorf("the server failed: %w", err)
	}
	return nil
}

// peakMemory returns the peak memory of processes, in KiB, which the kernel
// records for each of them. Pages of files, such as Node itself, are shared by all
// of them and count once.
func peakMemory(pids []string) (float64, error) {
	var sum, mostFiles float64
	for _, pid := range pids {
		status, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil {
			return 0, err
		}
		peak, peakErr := kib(status, "VmHWM")
		files, filesErr := kib(status, "RssFile")
		if err := errors.Join(peakErr, filesErr); err != nil {
			return 0, err
		}
		sum += peak - files
		mostFiles = max(mostFiles, files)
	}
	return sum + mostFiles, nil
}

// kib returns a size from the status of a process.
func kib(status []byte, name string) (float64, error) {
	_, rest, _ := strings.Cut(string(status), "\n"+name+":")
	value, _, found := strings.Cut(rest, " kB\n")
	if !found {
		return 0, fmt.Errorf("no %s: the process has ended", name)
	}
	return strconv.ParseFloat(strings.TrimSpace(value), 64)
}
