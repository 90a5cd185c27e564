package exchange

import (
	"context"
	"sync"
	"time"
)

// clock is the timers of all calls, which a test can make come earlier.
type clock struct {
	mu     sync.Mutex
	timers map[*timer]bool
}

// A timer closes C when it is due.
type timer struct {
	C       chan struct{}
	clock   *clock
	wait    time.Duration
	skipped time.Duration // of wait, by fastForward
	enough  time.Duration // that has to be skipped to make the timer due, or 0
	due     time.Time
	timer   *time.Timer
}

// after returns a timer that is due in d.
func (k *clock) after(d time.Duration) *timer { return k.start(d, 0) }

// skipped returns a timer that is due when d has been skipped. It is for what ends by
// itself in real time.
func (k *clock) skipped(d time.Duration) *timer {
	const never = 1000 * time.Hour
	return k.start(never, d)
}

func (k *clock) start(d, enough time.Duration) *timer {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := &timer{C: make(chan struct{}), clock: k, wait: d, enough: enough, due: time.Now().Add(d)}
	t.timer = time.AfterFunc(d, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.timers[t] {
			delete(k.timers, t)
			close(t.C)
		}
	})
	if k.timers == nil {
		k.timers = map[*timer]bool{}
	}
	k.timers[t] = true
	return t
}

// stop makes the timer never be due.
func (t *timer) stop() {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	delete(t.clock.timers, t)
	t.timer.Stop()
}

// restart returns a timer that waits as long from now on, but for what was skipped.
func (t *timer) restart() *timer {
	t.stop()
	t.clock.mu.Lock()
	wait := t.wait - t.skipped
	t.clock.mu.Unlock()
	return t.clock.after(wait)
}

// sleep waits until d has passed or ctx is done.
func (k *clock) sleep(ctx context.Context, d time.Duration) {
	t := k.after(d)
	defer t.stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (k *clock) fastForward(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for t := range k.timers {
		t.skipped += d
		t.due = t.due.Add(-d)
		if t.enough > 0 && t.skipped >= t.enough {
			t.due = time.Now()
		}
		t.timer.Reset(max(0, time.Until(t.due)))
	}
}

func (k *clock) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for t := range k.timers {
		t.timer.Stop()
	}
	clear(k.timers)
}
