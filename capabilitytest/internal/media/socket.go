package media

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// socketBuffer holds the packets of some hundred legs while the program is busy elsewhere.
const socketBuffer = 1 << 20

// socket is the UDP port of all legs, and how WebRTC uses it.
type socket struct {
	conn *net.UDPConn
	mux  *ice.UDPMuxDefault
	api  *webrtc.API
}

func listen(addr string, publicIP netip.Addr) (*socket, error) {
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", udp)
	if err != nil {
		return nil, err
	}
	conn.SetReadBuffer(socketBuffer) // as much as the system allows
	conn.SetWriteBuffer(socketBuffer)

	s := &socket{conn: conn, mux: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn})}
	if s.api, err = newAPI(s.mux, publicIP); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// newAPI makes connections that wait for the page: an ICE-lite agent (RFC 8445 section 2.5) never sends first.
func newAPI(mux ice.UDPMux, publicIP netip.Addr) (*webrtc.API, error) {
	var settings webrtc.SettingEngine
	settings.SetLite(true)
	settings.SetICEUDPMux(mux)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetIncludeLoopbackCandidate(true)
	// A page that is not told that we are lite, as SDK 2.x with forceAggressiveIceNomination, leaves it to us to choose
	// a pair: any that its checks come over.
	settings.SetICEBindingRequestHandler(func(*stun.Message, ice.Candidate, ice.Candidate, *ice.CandidatePair) bool { return true })
	if publicIP.IsValid() {
		err := settings.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External:        []string{publicIP.String()},
			AsCandidateType: webrtc.ICECandidateTypeHost,
			Mode:            webrtc.ICEAddressRewriteReplace,
		})
		if err != nil {
			return nil, err
		}
	}
	var codecs webrtc.MediaEngine
	if err := codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: pcmu}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	var reports interceptor.Registry
	if err := webrtc.ConfigureRTCPReports(&reports); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(
		webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&codecs), webrtc.WithInterceptorRegistry(&reports),
	), nil
}

// pcmu is RTP's payload type 0, RFC 3551 section 6.
var pcmu = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: sampleRate}

func (s *socket) close() error {
	return s.mux.Close()
}

// passive takes out of a page's SDP what would have an ICE-lite agent send to an address that has not sent to it
// first: the page's candidates, and that it be lite too.
func passive(sdp string) string {
	lines := slices.Collect(strings.Lines(sdp))
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "a=candidate:") || strings.HasPrefix(line, "a=ice-lite")
	})
	return strings.Join(lines, "")
}
