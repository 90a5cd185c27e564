package exchange_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// newExchange returns an exchange without a socket, whose time can be a bubble's.
func newExchange(t *testing.T, config exchange.Config) *exchange.Exchange {
	t.Helper()
	x, err := exchange.New(config)
	require.NoError(t, err)
	t.Cleanup(x.Close)
	return x
}

// register returns a device that is registered for ttl.
func register(x *exchange.Exchange, name string, ttl time.Duration) *exchange.Device {
	d := x.Connect()
	d.Accept(&exchange.Grants{ClientName: name, Incoming: true, Outgoing: true, ExpiresAt: time.Now().Add(ttl)}, [32]byte{}, "")
	d.Register(true)
	return d
}

// told returns the kinds of the messages that a device has been told.
func told(d *exchange.Device) (kinds []exchange.Kind) {
	for len(d.Outbox()) > 0 {
		kinds = append(kinds, (<-d.Outbox()).Kind)
	}
	return kinds
}

func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t, exchange.Config{})
		stays, left := register(x, "tommy", time.Minute), register(x, "tommy", time.Minute)
		var events []string
		go x.Events(func(e exchange.Event) { events = append(events, e.Text) })()
		defer stays.Leave(true)
		assert.Equal(t, []exchange.Kind{exchange.Connected, exchange.Ready}, told(stays))
		left.Leave(true)
		told(left)

		time.Sleep(time.Minute - time.Nanosecond)
		synctest.Wait()
		assert.Empty(t, told(stays))
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.Equal(t, []exchange.Kind{exchange.Refused, exchange.Offline}, told(stays))
		assert.Empty(t, told(left))
		assert.Equal(t, []string{
			"tommy is no longer registered (1 device left)", // it left
			"the token of tommy has expired",
			"tommy is no longer registered (0 devices left)",
		}, events, "a device that has left does not expire")
	})
}

func TestDeviceThatDoesNotReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t, exchange.Config{})
		d := register(x, "tommy", time.Hour)
		defer d.Leave(true)
		for d.Context().Err() == nil {
			d.Register(true)
		}
		assert.Len(t, d.Outbox(), cap(d.Outbox()))
	})
}

// What a page says while the exchange is reset is not heard after it.
func TestResetForgetsDevices(t *testing.T) {
	x := newExchange(t, exchange.Config{})
	d := register(x, "tommy", time.Hour)
	defer d.Leave(true)
	x.Reset()
	told(d)
	d.Invite("TJ1", "", "To=alice")
	d.Refuse(&exchange.Fault{Code: 31204}, nil)
	d.Accept(&exchange.Grants{ClientName: "tommy", Incoming: true, ExpiresAt: time.Now().Add(time.Hour)}, [32]byte{}, "")
	d.Register(true)
	assert.Empty(t, x.Calls())
	assert.Zero(t, x.Registered("tommy"))
	assert.Empty(t, told(d))
	events, _ := x.Recent(0)
	require.Len(t, events, 1)
	assert.Equal(t, exchange.ResetEvent, events[0].Kind)
}

// A log that does not keep up costs no memory: it misses events, and says so.
func TestSlowReaderMissesEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t, exchange.Config{})
		reading, read := make(chan bool), make(chan string, 20_000)
		go x.Events(func(e exchange.Event) {
			<-reading
			read <- e.Text
		})()
		x.ScriptLoaded()
		synctest.Wait() // that one is being read
		for range 15_000 {
			x.ScriptLoaded()
		}
		close(reading)
		synctest.Wait()
		require.Len(t, read, 10_002)
		var last string
		for len(read) > 0 {
			last = <-read
		}
		assert.Regexp(t, "^5000 events left out, ", last)
		x.ScriptLoaded()
		assert.Equal(t, "a page loads standin.js", <-read)
	})
}
