//go:build unix

package media_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// BenchmarkCalls has 100 calls of two pages each, both ends in this process, for a second per iteration: run it with
// -benchtime 30x. It reports, of ten thousand packets that the pages should have got, how many were lost, came more
// than 60 ms after the one before, or were without the other page's voice; the processor time of both ends, in cores;
// and by how much the heap grew.
func BenchmarkCalls(b *testing.B) {
	m, err := media.New(media.Config{Addr: "127.0.0.1:0"})
	require.NoError(b, err)
	pages := bridged(b, m, 100)
	stop := make(chan struct{})
	var speaking sync.WaitGroup
	speaking.Go(func() { speak(pages, stop) })
	time.Sleep(time.Second) // until all hear the other
	for _, p := range pages {
		p.measuring.Store(true)
	}

	cpu, heap := cpuTime(b), heapSize()
	b.ResetTimer()
	for range b.N {
		time.Sleep(time.Second)
	}
	b.StopTimer()
	b.ReportMetric((cpuTime(b)-cpu).Seconds()/b.Elapsed().Seconds(), "cores")
	b.ReportMetric((heapSize()-heap)/(1<<20), "MiB-grown")

	close(stop)
	speaking.Wait()
	for _, p := range pages {
		require.NoError(b, p.pc.GracefulClose())
	}
	require.NoError(b, m.Close())
	var got, lost, late, silent float64
	for _, p := range pages {
		<-p.done
		got, lost, late, silent = got+p.got, lost+p.lost, late+p.late, silent+p.silent
	}
	require.NotZero(b, got)
	b.ReportMetric(lost/(got+lost)*1e4, "lost/10k")
	b.ReportMetric(late/(got+lost)*1e4, "late/10k")
	b.ReportMetric(silent/(got+lost)*1e4, "silent/10k")
}

// bridged returns the pages of calls, the two of each in a room of their own.
func bridged(b *testing.B, m *media.Mixer, calls int) (pages []*loadPage) {
	api := loadAPI(b)
	for range calls {
		r := m.NewRoom()
		for range 2 {
			p := newLoadPage(b, api, m)
			r.Join(p.leg, media.Seat{})
			pages = append(pages, p)
		}
	}
	for _, p := range pages {
		<-p.leg.Connected()
	}
	return pages
}

// loadPage is a page that costs little.
type loadPage struct {
	pc        *webrtc.PeerConnection
	track     *webrtc.TrackLocalStaticRTP
	leg       *media.Leg
	measuring atomic.Bool
	done      chan struct{}

	got, lost, late, silent float64
}

func loadAPI(b *testing.B) *webrtc.API {
	var codecs webrtc.MediaEngine
	require.NoError(b, codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: pcmu}, webrtc.RTPCodecTypeAudio))
	return webrtc.NewAPI(webrtc.WithSettingEngine(loopback()), webrtc.WithMediaEngine(&codecs), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
}

func newLoadPage(b *testing.B, api *webrtc.API, m *media.Mixer) *loadPage {
	p := &loadPage{done: make(chan struct{})}
	var err error
	p.pc, err = api.NewPeerConnection(webrtc.Configuration{})
	require.NoError(b, err)
	p.track, err = webrtc.NewTrackLocalStaticRTP(pcmu, "audio", "page")
	require.NoError(b, err)
	_, err = p.pc.AddTrack(p.track)
	require.NoError(b, err)
	p.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.listen(track) })

	offer, err := p.pc.CreateOffer(nil)
	require.NoError(b, err)
	require.NoError(b, p.pc.SetLocalDescription(offer))
	var answer string
	p.leg, answer, err = m.Answer(offer.SDP)
	require.NoError(b, err)
	require.NoError(b, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	return p
}

func (p *loadPage) listen(track *webrtc.TrackRemote) {
	defer close(p.done)
	buf := make([]byte, 1500)
	var packet rtp.Packet
	var last uint16
	var at time.Time
	for {
		n, _, err := track.Read(buf)
		if err != nil || packet.Unmarshal(buf[:n]) != nil {
			return
		}
		now := time.Now()
		if p.measuring.Load() {
			p.got++
			p.lost += float64(packet.SequenceNumber - last - 1)
			if now.Sub(at) > 60*time.Millisecond {
				p.late++
			}
			if packet.Payload[80] == media.EncodeULaw(0) {
				p.silent++
			}
		}
		last, at = packet.SequenceNumber, now
	}
}

// speak has all pages say something, every 20 ms.
func speak(pages []*loadPage, stop <-chan struct{}) {
	packet := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, 160)}
	for i := range packet.Payload {
		packet.Payload[i] = media.EncodeULaw(1000)
	}
	for next := time.Now(); ; next = next.Add(20 * time.Millisecond) {
		for _, p := range pages {
			p.track.WriteRTP(&packet)
		}
		packet.SequenceNumber++
		packet.Timestamp += 160
		select {
		case <-time.After(time.Until(next.Add(20 * time.Millisecond))):
		case <-stop:
			return
		}
	}
}

func heapSize() float64 {
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return float64(mem.HeapAlloc)
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
