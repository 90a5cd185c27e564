// Command calls measures the stand-in: how long a call takes from nothing to its end, and
// what many calls at once cost, and lose, with both ends in this process. It prints
// Markdown, and stops with status 1 if a figure is beyond its limit.
//
// Run it in the folder of its module: go run ./calls
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilitytest"
)

const (
	rounds   = 11               // of a single call; the median counts
	patience = 30 * time.Second // for whatever takes a fraction of one

	// The limits of what many calls may lose and cost.
	maxLost   = 0
	maxLate   = 0.001 // of the packets
	maxCores  = 1.0
	maxGrowth = 2 << 20 // bytes
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("calls: ")
	n := flag.Int("calls", 100, "how many calls there are at once")
	duration := flag.Duration("duration", 30*time.Second, "how long they last")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("unknown argument %q: there are only flags", flag.Arg(0))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *n, *duration)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, n int, duration time.Duration) error {
	if err := single(ctx); err != nil {
		return err
	}
	f, err := many(ctx, n, duration)
	if err != nil {
		return err
	}
	f.print()
	return f.check()
}

// single prints when each step of a call is done.
func single(ctx context.Context) error {
	steps := []string{"both pages registered", "the caller answered", "the caller hears", "the call ended", "the server closed"}
	times := make([][]time.Duration, len(steps))
	for range rounds {
		took, err := callOnce(ctx)
		if err != nil {
			return err
		}
		for i, d := range took {
			times[i] = append(times[i], d)
		}
	}
	fmt.Printf("| from Start to | median of %d |\n| --- | --- |\n", rounds)
	for i, step := range steps {
		slices.Sort(times[i])
		fmt.Printf("| %s | %v |\n", step, times[i][rounds/2].Round(time.Millisecond))
	}
	fmt.Println()
	return nil
}

func callOnce(ctx context.Context) (took []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := time.Now()
	done := func() { took = append(took, time.Since(start)) }

	err = withServer(func(server *capabilitytest.Server) error {
		pages, err := open(ctx, server, 1)
		defer closeAll(pages)
		if err != nil {
			return err
		}
		done()
		if err := pages[0].call(ctx, pages[1]); err != nil {
			return err
		}
		done()
		stop := speak(pages)
		defer stop()
		if err := pages[0].wait(ctx, heard); err != nil {
			return err
		}
		done()
		if err := hangUp(ctx, pages); err != nil {
			return err
		}
		done()
		return nil
	})
	done()
	return took, err
}

// many has n calls at once for a while.
func many(ctx context.Context, n int, duration time.Duration) (f figures, err error) {
	f = figures{calls: n, duration: duration}
	before := runtime.NumGoroutine()
	var addr string
	err = withServer(func(server *capabilitytest.Server) error {
		u, err := url.Parse(server.URL)
		if err != nil {
			return err
		}
		addr = u.Host
		return f.measure(ctx, server)
	})
	if err != nil {
		return f, err
	}
	return f, checkClosed(addr, before)
}

// measure fills in the figures.
func (f *figures) measure(ctx context.Context, server *capabilitytest.Server) error {
	setUp, cancel := context.WithTimeout(ctx, 4*patience)
	defer cancel()
	pages, err := open(setUp, server, f.calls)
	defer closeAll(pages)
	if err != nil {
		return err
	}
	for i := 0; i < len(pages); i += 2 {
		if err := pages[i].call(setUp, pages[i+1]); err != nil {
			return err
		}
	}
	stop := speak(pages)
	defer stop()
	for _, p := range pages {
		if err := p.wait(setUp, heard); err != nil {
			return err
		}
	}
	if err := sleep(ctx, time.Second); err != nil { // let what the set-up has put off be done
		return err
	}

	heap := heapSize()
	cpu, start := cpuTime(), time.Now()
	for _, p := range pages {
		p.received.measure(true)
	}
	if err := sleep(ctx, f.duration); err != nil {
		return err
	}
	for _, p := range pages {
		f.add(p.received.measure(false))
	}
	f.cores = (cpuTime() - cpu).Seconds() / time.Since(start).Seconds()
	f.growth = heapSize() - heap
	return hangUp(setUp, pages)
}

func withServer(f func(*capabilitytest.Server) error) error {
	server, err := capabilitytest.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	return f(server)
}

// open returns the pages of n calls, a caller and who is called in turn, all registered.
func open(ctx context.Context, server *capabilitytest.Server, n int) (pages []*page, err error) {
	env := server.Env()
	token := capability.New(env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"]).AllowClientOutgoing(env["TWILIO_TWIML_APP_SID"])
	for i := range 2 * n {
		p, err := newPage(ctx, server.URL, fmt.Sprintf("client_%d", i), token)
		if err != nil {
			return pages, err
		}
		pages = append(pages, p)
	}
	for _, p := range pages {
		if err := p.wait(ctx, "ready"); err != nil {
			return pages, err
		}
	}
	return pages, nil
}

// hangUp has the callers hang up, and waits until the others know.
func hangUp(ctx context.Context, pages []*page) error {
	for i := 0; i < len(pages); i += 2 {
		if err := pages[i].send(ctx, "hangup", payload{CallSID: pages[i].callSID}); err != nil {
			return err
		}
	}
	for i := 1; i < len(pages); i += 2 {
		if err := pages[i].wait(ctx, "hangup"); err != nil {
			return err
		}
	}
	return nil
}

// checkClosed reports what a closed server has left.
func checkClosed(addr string, goroutines int) error {
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines; {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d goroutines are left", runtime.NumGoroutine()-goroutines)
		}
		time.Sleep(10 * time.Millisecond)
	}
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("the port is still taken: %w", err)
	}
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return errors.Join(fmt.Errorf("the port is still taken: %w", err), tcp.Close())
	}
	return errors.Join(tcp.Close(), udp.Close())
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
