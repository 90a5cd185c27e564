package exchange_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
