package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-6c737938/capability"
)

const (
	minters = 64
	samples = 20 // taken at equal distances, and one more at the start

	// mayGrow is how much more heap may be in use at the end than after the first
	// tenth. Nothing is minted during a measurement, so only what was kept is in
	// use, which varies by some 200 KiB with the contents of the pools. Ten minutes
	// mint tens of millions of tokens: a leak of one bit per token is more than this.
	mayGrow = 1 << 20

	// mayStart is how many more goroutines there may be: the runtime and this
	// program start some of their own. One kept for each token would be millions.
	mayStart = 10
)

// A sample is the memory in use at one moment.
type sample struct {
	at         time.Duration
	tokens     int64
	heap       uint64
	goroutines int
}

// soak mints and verifies in many goroutines at once, prints the memory in use,
// and fails if it grows.
func soak(ctx context.Context, duration time.Duration) error {
	log.Printf("minting and verifying for %v", duration)
	ctx, cancel := context.WithCancelCause(ctx)
	template := capability.New(accountSID, authToken).AllowClientOutgoing(applicationSID).SetTTL(ttl)
	access := capability.NewWithAPIKey(accountSID, apiKeySID, authToken).AllowClientOutgoing(applicationSID).SetTTL(ttl)
	var tokens atomic.Int64
	var pause sync.RWMutex // held for reading while a token is made
	var running sync.WaitGroup
	for id := range minters {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				pause.RLock()
				name := fmt.Sprintf("soak_%d_%d", id, n)
				err := mint(template, name)
				if n%100 == 0 {
					_, accessErr := access.Clone().AllowClientIncoming(name).ToJWT()
					err = errors.Join(err, accessErr)
				}
				pause.RUnlock()
				if err != nil {
					cancel(err)
				}
				tokens.Add(1)
			}
		})
	}

	var taken []sample
	begin := time.Now()
	for i := 0; i <= samples && ctx.Err() == nil; i++ {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(begin.Add(duration * time.Duration(i) / samples))):
		}
		pause.Lock()
		taken = append(taken, take(time.Since(begin), tokens.Load()))
		pause.Unlock()
		log.Print(taken[i])
	}
	err := context.Cause(ctx)
	cancel(nil)
	running.Wait()
	if err != nil {
		return fmt.Errorf("soak: %w", err)
	}

	fmt.Printf("%d goroutines mint and verify for %v:\n\n", minters, duration)
	for i := 0; i <= samples; i += samples / 4 {
		fmt.Printf("- %v\n", taken[i])
	}
	return taken[samples].compare(taken[samples/10])
}

// take takes a sample. It collects garbage first, so that only what was kept
// counts.
func take(at time.Duration, tokens int64) sample {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return sample{at, tokens, stats.HeapAlloc, runtime.NumGoroutine()}
}

func (s sample) String() string {
	return fmt.Sprintf("after %v: %d tokens, a heap of %d KiB, %d goroutines",
		s.at.Round(time.Second/10), s.tokens, s.heap>>10, s.goroutines)
}

// compare fails if more is in use than earlier.
func (s sample) compare(earlier sample) error {
	if s.heap > earlier.heap+mayGrow || s.goroutines > earlier.goroutines+mayStart {
		return fmt.Errorf("soak: more is in use at the end than there was: %v; %v", earlier, s)
	}
	return nil
}

// mint mints a token for a client name and verifies it.
func mint(template *capability.CapabilityToken, name string) error {
	token, err := template.Clone().AllowClientIncoming(name).ToJWT()
	if err != nil {
		return err
	}
	claims, err := capability.Verify(token, accountSID, authToken)
	if err != nil {
		return err
	}
	if claims.ClientName() != name {
		return fmt.Errorf("a token for %q is for %q", name, claims.ClientName())
	}
	return nil
}
