package exchange_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// Of what the exchange remembers, the oldest is forgotten, but never what goes on.

func TestForgetsCalls(t *testing.T) {
	execute(t, `<Pause length="3600"/>`, nil, func(t *testing.T, s *script) {
		_, over := answers(t, s.Exchange, callee, "")
		for range 5000 { // each has a leg to the client, too
			require.NoError(t, s.Phone(callee).Call("client:nobody"))
			synctest.Wait()
		}
		assert.Equal(t, 10_000, len(s.Legs()))
		_, fault := s.Leg(s.sid)
		assert.Nil(t, fault)
		_, fault = s.Leg(over)
		assert.Equal(t, 20404, fault.Code)
	})
}

func TestForgetsQueues(t *testing.T) {
	execute(t, `<Enqueue>first</Enqueue>`, nil, func(t *testing.T, s *script) {
		for i := range 1001 {
			_, fault := s.NewQueue(strconv.Itoa(i), 0)
			require.Nil(t, fault)
		}
		queues := s.Queues()
		require.Equal(t, 1000, len(queues))
		assert.Equal(t, []string{"1000", "2", "first"}, []string{queues[0].Name, queues[998].Name, queues[999].Name})
	})
}

// An agent may wait for a queue for so long that it is forgotten, and made again.
func TestWaitsForForgottenQueue(t *testing.T) {
	prepare := func(x *exchange.Exchange) { x.NewQueue("support", 0) }
	execute(t, `<Dial timeout="600"><Queue>support</Queue></Dial>`, prepare, func(t *testing.T, s *script) {
		for i := range 1000 {
			s.NewQueue(strconv.Itoa(i), 0)
		}
		require.NotContains(t, names(s.Queues()), "support")
		answers(t, s.Exchange, callee, `<Enqueue>support</Enqueue>`)
		assert.True(t, s.happened("are connected"))
	})
}

func names(queues []exchange.Queue) (all []string) {
	for _, q := range queues {
		all = append(all, q.Name)
	}
	return all
}

func TestForgetsConferences(t *testing.T) {
	execute(t, `<Dial><Conference>first</Conference></Dial>`, nil, func(t *testing.T, s *script) {
		for i := range 1001 {
			other, _ := answers(t, s.Exchange, callee, "<Dial><Conference>"+strconv.Itoa(i)+"</Conference></Dial>")
			require.NoError(t, other.HangUp())
			synctest.Wait()
		}
		conferences := s.Conferences()
		require.Equal(t, 1000, len(conferences))
		assert.Equal(t, []string{"1000", "first"}, []string{conferences[0].Name, conferences[999].Name})
	})
}

func TestForgetsRecordings(t *testing.T) {
	execute(t, `<Record timeout="0" playBeep="false"/>`, nil, func(t *testing.T, s *script) {
		for range 102 {
			other, _ := answers(t, s.Exchange, callee, `<Record playBeep="false"/>`)
			require.NoError(t, other.Whistle(440, time.Second))
			require.NoError(t, other.HangUp())
			synctest.Wait()
		}
		recordings := s.Recordings()
		require.Equal(t, 101, len(recordings))
		assert.Equal(t, []string{"in-progress", "completed"}, []string{recordings[100].Status, recordings[99].Status})
		require.NoError(t, s.phone.Whistle(440, time.Second))
		require.NoError(t, s.phone.HangUp())
		synctest.Wait()
		last, fault := s.Recording(recordings[100].SID)
		require.Nil(t, fault, "what has just been recorded is not forgotten")
		assert.Equal(t, "completed", last.Status)
	})
}

func TestForgetsTexts(t *testing.T) {
	execute(t, strings.Repeat(`<Say>a</Say>`, 1000)+`<Say>z</Say>`, nil, func(t *testing.T, s *script) {
		time.Sleep(time.Hour)
		told := s.phone.Told()
		require.Equal(t, 1000, len(told))
		assert.Equal(t, "z", told[999])
	})
}
