package media_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"time"
)

func TestPageCalls(t *testing.T) {
	m := newMixer(t)
	p := newPage(t)
	leg, answer, err := m.Answer(p.offer(nil))
	require.NoError(t, err)
	assert.Contains(t, answer, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n")
	assert.Contains(t, answer, "a=ice-lite\r\n")
	t.Log(answer)
	start := time.Now()
	p.accept(answer)
	wait(t, leg.Connected())
	t.Log(time.Since(start))
	p.say(440)
	until(t, func() bool { return leg.Said().HasTone(440) }, "said")
	leg.Play(media.Tone(1000, time.Minute))
	until(t, func() bool { return p.hears().HasTone(1000) }, "heard")
	assert.False(t, p.hears().HasTone(440))
}

func TestPageIsCalled(t *testing.T) {
	m := newMixer(t)
	p := newPage(t)
	leg, offer, err := m.Offer()
	require.NoError(t, err)
	t.Log(offer)
	require.NoError(t, leg.Accept(p.answer(offer)))
	wait(t, leg.Connected())
	p.say(440)
	until(t, func() bool { return leg.Said().HasTone(440) }, "said")
	leg.Play(media.Tone(1000, time.Minute))
	until(t, func() bool { return p.hears().HasTone(1000) }, "heard")
}
