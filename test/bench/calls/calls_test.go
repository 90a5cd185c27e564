package main

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCalls(t *testing.T) {
	took, err := callOnce(t.Context())
	require.NoError(t, err)
	assert.Len(t, took, 5)
	assert.IsIncreasing(t, took)

	f, err := many(t.Context(), 2, time.Second)
	require.NoError(t, err)
	assert.InDelta(t, 200, f.got, 100)
	assert.Zero(t, f.lost)
}

func TestReceived(t *testing.T) {
	var r received
	add := func(sequence uint16, payload byte) {
		r.add(&rtp.Packet{Header: rtp.Header{SequenceNumber: sequence}, Payload: []byte{payload}})
	}
	add(65534, silence) // not counted
	r.measure(true)
	add(65535, voice)
	add(2, silence)
	r.at = r.at.Add(-time.Second)
	add(3, voice)
	assert.Equal(t, packets{got: 3, lost: 2, late: 1, silent: 1}, r.measure(false))
	add(9, silence)
	assert.Zero(t, r.measure(false))
}

func TestCheck(t *testing.T) {
	good := figures{packets: packets{got: 10_000, late: 10}, cores: 1, growth: maxGrowth}
	require.NoError(t, good.check())
	for want, change := range map[string]func(*figures){
		"1 of 10001 packets were lost":                        func(f *figures) { f.lost = 1 },
		"0 of 0 packets were lost":                            func(f *figures) { f.got = 0; f.late = 0 },
		"0.110 % of the packets were late, more than 0.100 %": func(f *figures) { f.late = 11 },
		"1.10 cores were busy, more than 1.00":                func(f *figures) { f.cores = 1.1 },
		"the heap grew by 2097153 bytes, more than 2097152":   func(f *figures) { f.growth++ },
	} {
		f := good
		change(&f)
		assert.EqualError(t, f.check(), want)
	}
}
