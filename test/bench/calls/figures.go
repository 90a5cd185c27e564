package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/pion/rtp"
)

// gap is how late a packet may be before a person hears it.
const gap = 60 * time.Millisecond

// packets counts what one page got, or all.
type packets struct {
	got, lost    int
	late, silent int // of those that it got: a gap after the one before; without the other page's voice
}

// figures are those of many calls.
type figures struct {
	calls    int
	duration time.Duration
	packets
	cores  float64
	growth int // of the heap, in bytes
}

func (f *figures) add(p packets) {
	f.got += p.got
	f.lost += p.lost
	f.late += p.late
	f.silent += p.silent
}

func (f *figures) print() {
	fmt.Printf("| %d calls for %v | |\n| --- | --- |\n", f.calls, f.duration)
	fmt.Printf("| packets to the pages | %d |\n", f.got)
	fmt.Printf("| lost | %d |\n", f.lost)
	fmt.Printf("| more than %v after the one before | %.3f %% |\n", gap, 100*f.share(f.late))
	fmt.Printf("| without the other's voice | %.3f %% |\n", 100*f.share(f.silent))
	fmt.Printf("| cores, of both ends | %.2f |\n", f.cores)
	fmt.Printf("| heap grown by | %.2f MiB |\n", float64(f.growth)/(1<<20))
}

func (f *figures) share(n int) float64 {
	return float64(n) / float64(max(1, f.got))
}

// check reports the figures that are beyond their limits.
func (f *figures) check() error {
	var errs []error
	if f.got == 0 || f.lost > maxLost {
		errs = append(errs, fmt.Errorf("%d of %d packets were lost", f.lost, f.got+f.lost))
	}
	if share := f.share(f.late); share > maxLate {
		errs = append(errs, fmt.Errorf("%.3f %% of the packets were late, more than %.3f %%", 100*share, 100*maxLate))
	}
	if f.cores > maxCores {
		errs = append(errs, fmt.Errorf("%.2f cores were busy, more than %.2f", f.cores, maxCores))
	}
	if f.growth > maxGrowth {
		errs = append(errs, fmt.Errorf("the heap grew by %d bytes, more than %d", f.growth, maxGrowth))
	}
	return errors.Join(errs...)
}

// received follows the packets that come to a page.
type received struct {
	mu        sync.Mutex
	measuring bool
	packets   packets
	sequence  uint16
	at        time.Time
}

// measure begins to count, or ends, and returns what was counted.
func (r *received) measure(on bool) packets {
	r.mu.Lock()
	defer r.mu.Unlock()
	counted := r.packets
	r.measuring, r.packets = on, packets{}
	return counted
}

func (r *received) add(p *rtp.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.measuring {
		r.packets.got++
		r.packets.lost += int(p.SequenceNumber - r.sequence - 1)
		if now.Sub(r.at) > gap {
			r.packets.late++
		}
		if !voiced(p) {
			r.packets.silent++
		}
	}
	r.sequence, r.at = p.SequenceNumber, now
}

// voiced reports whether there is a voice in the middle of the packet.
func voiced(p *rtp.Packet) bool {
	return len(p.Payload) > 0 && p.Payload[len(p.Payload)/2] != silence
}

// heapSize returns how many bytes are kept: the least of a few looks, as packets on their way
// come and go.
func heapSize() int {
	least := math.MaxInt
	for range 5 {
		runtime.GC()
		runtime.GC() // what is in a pool survives the first
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		least = min(least, int(m.HeapAlloc))
		time.Sleep(50 * time.Millisecond)
	}
	return least
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no reason to fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
