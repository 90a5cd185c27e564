package media_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

func TestPageCalls(t *testing.T) {
	m := newMixer(t)
	p := newPage(t)
	leg, answer, err := m.Answer(p.offer(nil))
	require.NoError(t, err)
	assert.Contains(t, answer, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", "PCMU alone")
	assert.Contains(t, answer, "a=ice-lite\r\n")
	assert.Contains(t, answer, fmt.Sprintf(" udp 2130706431 127.0.0.1 %d typ host ", m.Addr().Port()))
	p.accept(answer)
	wait(t, leg.Connected())
	assertTalk(t, p, leg)
}

func TestPageIsCalled(t *testing.T) {
	m := newMixer(t)
	p := newPage(t)
	leg, offer, err := m.Offer()
	require.NoError(t, err)
	assert.Contains(t, offer, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", "PCMU alone")
	require.NoError(t, leg.Accept(p.answer(offer)))
	wait(t, leg.Connected())
	assertTalk(t, p, leg)
	assert.Error(t, leg.Accept("v=0\r\n"), "a second time")
}

// assertTalk checks that the page and its leg hear each other.
func assertTalk(t *testing.T, p *page, leg *media.Leg) {
	t.Helper()
	stop := p.say(440)
	until(t, func() bool { return says(leg).HasTone(440) }, "the page is not heard")
	tone := leg.Play(media.Tone(1000, time.Minute))
	until(t, func() bool { return p.hears().HasTone(1000) }, "the page does not hear")
	assert.False(t, p.hears().HasTone(440), "the page hears itself")
	tone.Stop()
	until(t, func() bool { return p.hears().Silent() }, "the tone does not stop")
	stop()
	until(t, func() bool { return says(leg).Silent() }, "a page that sends nothing is silent")
}

func TestPagesTalk(t *testing.T) {
	m := newMixer(t)
	a, legA := call(t, m)
	b, legB := call(t, m)
	r := m.NewRoom()
	r.Join(legA, media.Seat{})
	r.Join(legB, media.Seat{})
	a.say(440)
	b.say(1000)
	until(t, func() bool { return a.hears().HasTone(1000) && b.hears().HasTone(440) }, "they do not hear each other")
	legB.Close()
	until(t, func() bool { return a.hears().Silent() }, "who has left is heard")
	until(t, func() bool { return b.pc.ConnectionState() == webrtc.PeerConnectionStateClosed }, "the page is not told")
}

func TestRestart(t *testing.T) {
	m := newMixer(t)
	caller, legA := call(t, m)
	callee := newPage(t)
	legB, offer, err := m.Offer()
	require.NoError(t, err)
	require.NoError(t, legB.Accept(callee.answer(offer)))
	r := m.NewRoom()
	r.Join(legA, media.Seat{})
	r.Join(legB, media.Seat{})
	for p, leg := range map[*page]*media.Leg{caller: legA, callee: legB} {
		before := p.pc.LocalDescription().SDP
		restart := p.offer(&webrtc.OfferOptions{ICERestart: true})
		require.NotEqual(t, ufrag(before), ufrag(restart))
		answer, err := leg.Restart(restart)
		require.NoError(t, err)
		assert.Contains(t, answer, fmt.Sprintf(" udp 2130706431 127.0.0.1 %d typ host ", m.Addr().Port()))
		p.accept(answer)
	}
	stop := caller.say(440)
	callee.say(1000)
	until(t, func() bool { return caller.hears().HasTone(1000) && callee.hears().HasTone(440) }, "they do not hear each other")
	stop()

	// An offer that cannot be understood changes nothing.
	_, err = legA.Restart("v=0\r\n")
	assert.Error(t, err)
	answer, err := legA.Restart(caller.offer(nil))
	require.NoError(t, err)
	caller.accept(answer)
	legs, _ := m.Mixed()
	assert.Equal(t, 2, legs)
	caller.say(700)
	until(t, func() bool { return callee.hears().HasTone(700) }, "they do not hear each other")
}

func ufrag(sdp string) string {
	return regexp.MustCompile(`a=ice-ufrag:(.*)\r`).FindString(sdp)
}

func TestAnswerErrors(t *testing.T) {
	m := newMixer(t)
	offer := newPage(t).offer(nil)
	_, _, err := m.Answer(offer)
	require.NoError(t, err)
	for name, change := range map[string]struct{ old, new, want string }{
		"nothing":       {offer, "", "media: the page's offer: "},
		"no SDP":        {offer, "hello", "media: the page's offer: "},
		"no audio":      {"m=audio", "m=video", "media: the page offers no audio in PCMU that goes both ways"},
		"no PCMU":       {"SAVPF 111 9 0 8\r\n", "SAVPF 111 9 8\r\n", "media: the page offers no audio in PCMU that goes both ways"},
		"hears nothing": {"a=sendrecv", "a=sendonly", "media: the page offers no audio in PCMU that goes both ways"},
		"no key":        {"a=fingerprint", "a=x-fingerprint", "media: the page's offer: "},
		"no ICE":        {"a=ice-ufrag", "a=x-ufrag", "media: the page's offer: "},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(offer, change.old, change.new, 1)
			require.NotEqual(t, offer, changed)
			leg, answer, err := m.Answer(changed)
			assert.ErrorContains(t, err, change.want)
			assert.Nil(t, leg)
			assert.Empty(t, answer)
		})
	}
}

// Whatever the page's SDP says, the first packet of a connection is the page's.
func TestSendsNothingFirst(t *testing.T) {
	m := newMixer(t)
	victim, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer victim.Close()
	candidate := fmt.Sprintf("a=candidate:1 1 udp 2130706431 127.0.0.1 %d typ host\r\n", victim.LocalAddr().(*net.UDPAddr).Port)
	for _, lite := range []string{"", "a=ice-lite\r\n"} {
		offer := strings.Replace(newPage(t).offer(nil), "m=audio", lite+"m=audio", 1) + candidate
		_, _, err = m.Answer(offer)
		require.NoError(t, err)
	}
	assertTalkOnce(t, m) // so much later
	require.NoError(t, victim.SetReadDeadline(time.Now().Add(time.Second)))
	n, from, err := victim.ReadFrom(make([]byte, 1500))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "%d bytes from %v", n, from)
}

func assertTalkOnce(t *testing.T, m *media.Mixer) {
	t.Helper()
	p, leg := call(t, m)
	assertTalk(t, p, leg)
}

func TestAddresses(t *testing.T) {
	for _, test := range []struct {
		name string
		c    media.Config
		want []string // candidates
		not  string
	}{
		{"loopback", media.Config{Addr: "127.0.0.1:0"}, []string{"127.0.0.1"}, "::1"},
		{"by name", media.Config{Addr: "localhost:0"}, []string{"127.0.0.1"}, ""},
		{"all", media.Config{Addr: ":0"}, []string{"127.0.0.1"}, ""},
		{"another address", media.Config{Addr: "127.0.0.1:0", PublicIP: netip.MustParseAddr("192.0.2.7")}, []string{"192.0.2.7"}, "127.0.0.1"},
		{"all, by another address", media.Config{Addr: ":0", PublicIP: netip.MustParseAddr("192.0.2.7")}, []string{"192.0.2.7"}, "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := media.New(test.c)
			require.NoError(t, err)
			defer m.Close()
			_, offer, err := m.Offer()
			require.NoError(t, err)
			for _, ip := range test.want {
				assert.Contains(t, offer, fmt.Sprintf(" udp 2130706431 %s %d typ host ", ip, m.Addr().Port()))
			}
			if test.not != "" {
				assert.NotContains(t, offer, " "+test.not+" ")
			}
		})
	}
}

func TestNewErrors(t *testing.T) {
	m := newMixer(t)
	for _, addr := range []string{"nonsense", "127.0.0.1", "192.0.2.7:0", m.Addr().String()} {
		_, err := media.New(media.Config{Addr: addr})
		assert.ErrorContains(t, err, "media: ", addr)
	}
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	assert.Zero(t, m.Addr())
	_, _, err = m.Offer()
	assert.EqualError(t, err, "media: no page can be called without an address")
	_, _, err = m.Answer(newPage(t).offer(nil))
	assert.EqualError(t, err, "media: no page can be called without an address")
}

// All legs share a socket, and nothing is left of them.
func TestCloseLeavesNothing(t *testing.T) {
	m, err := media.New(media.Config{Addr: "127.0.0.1:0"})
	require.NoError(t, err)
	addr := m.Addr()
	lost := newPage(t)
	gathered := webrtc.GatheringCompletePromise(lost.pc)
	offer := lost.offer(nil)
	wait(t, gathered) // its own socket is open
	sockets := countSockets(t)
	_, _, err = m.Offer() // and nobody answers
	require.NoError(t, err)
	_, _, err = m.Answer(offer) // and the page is gone
	require.NoError(t, err)
	assert.Equal(t, sockets, countSockets(t))

	p, leg := call(t, m)
	assertTalk(t, p, leg)
	closed, closedLeg := call(t, m)
	closedLeg.Close()
	closedLeg.Close()
	for _, page := range []*page{lost, p, closed} {
		require.NoError(t, page.pc.GracefulClose())
	}
	require.NoError(t, m.Close())

	stacks := make([]byte, 1<<20)
	until(t, func() bool { // some of pion's goroutines end a moment later than Close
		found := string(stacks[:runtime.Stack(stacks, true)])
		return !strings.Contains(found, "github.com/pion/") && !strings.Contains(found, "internal/media.")
	}, "goroutines are left")
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func countSockets(t *testing.T) (n int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, entry := range entries {
		if link, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}
