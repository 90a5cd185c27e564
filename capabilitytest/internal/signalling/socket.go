// Package signalling speaks with the SDKs in pages, over one WebSocket for each
// device. It reads their wire format, judges the tokens that they show, and passes on
// what they want to the exchange. It holds no state.
package signalling

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

const (
	maxFrame  = 256 << 10 // bytes; an SDP has some thousands
	maxCallID = 64        // bytes of what a page calls a call; an SID has 34

	maxVersion = 32 // bytes of the version of an SDK
)

// A Server is an HTTP handler for the sockets of devices.
type Server struct {
	Exchange    *exchange.Exchange
	Credentials Credentials
	Heartbeat   time.Duration // between two; the SDK gives up a socket that is silent for 15 s
	Echo        time.Duration // in which a page has to say something, if only a heartbeat's echo
	Listen      time.Duration // in which a socket has to show a valid token
}

// ServeHTTP serves one device for as long as its socket lasts.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := s.Exchange.Connect()
	if d == nil {
		http.Error(w, "too many sockets are open", http.StatusServiceUnavailable)
		return
	}
	left := true // unless its socket was lost
	defer func() { d.Leave(left) }()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		// The page has another origin than the stand-in, on another port at least.
		// That is safe: a socket can do nothing without a token, which no browser
		// adds by itself, and a token is of an account that lives on this machine.
		InsecureSkipVerify: true,
	})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)

	unproven := time.AfterFunc(s.Listen, d.StopUnproven)
	defer unproven.Stop()
	reading, abandon := context.WithCancel(context.Background())
	defer abandon()
	var writing sync.WaitGroup
	writing.Go(func() { s.write(conn, d, placeOf(r.URL.Query().Get("host"))) })
	writing.Go(func() { abandonLater(reading, d.Context(), abandon) })
	left = s.read(reading, conn, d)
	abandon()
	d.Stop(nil)
	writing.Wait()
}

// abandonLater ends the reading of a page that does not answer a close frame.
func abandonLater(reading, open context.Context, abandon func()) {
	select {
	case <-open.Done():
	case <-reading.Done():
		return
	}
	select {
	case <-time.After(time.Second):
		abandon()
	case <-reading.Done():
	}
}

// read handles what the page says until the socket closes, and reports whether
// the page itself left: it was closed or reloaded, and will not come back.
func (s *Server) read(ctx context.Context, conn *websocket.Conn, d *exchange.Device) (left bool) {
	for {
		data, err := s.next(ctx, conn)
		if err != nil {
			return websocket.CloseStatus(err) == websocket.StatusGoingAway
		}
		if string(data) == "\n" { // the page's answer to a heartbeat
			continue
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil || max(len(m.Payload.CallSID), len(m.Payload.VoiceEvent)) > maxCallID {
			conn.Close(websocket.StatusInvalidFramePayloadData, "not a signalling message")
			return true
		}
		s.handle(d, m.Type, m.Payload)
	}
}

// next returns the next frame. A page that says nothing for so long is gone, though its
// socket may not have been closed.
func (s *Server) next(ctx context.Context, conn *websocket.Conn) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Echo)
	defer cancel()
	_, data, err := conn.Read(ctx)
	return data, err
}

func (s *Server) handle(d *exchange.Device, kind string, p payload) {
	switch kind {
	case "listen":
		token, _ := p.Token.(string)
		granted, fault := s.Credentials.judge(token)
		if fault != nil {
			d.Refuse(fault, s.Credentials.shown(token))
			return
		}
		d.Accept(granted, hash(token), p.BrowserInfo.Version[:min(len(p.BrowserInfo.Version), maxVersion)])
	case "register":
		d.Register(p.Media.Audio)
	case "invite":
		if p.Reconnect != "" {
			d.Resume(p.CallSID, p.Reconnect, p.SDP)
		} else {
			d.Invite(p.CallSID, p.SDP, p.Twilio.Params)
		}
	case "answer":
		d.Answer(p.CallSID, p.SDP)
	case "reinvite":
		d.Restart(p.CallSID, p.SDP)
	case "hangup", "reject":
		d.HangUp(p.CallSID)
	case "dtmf":
		d.Digits(p.CallSID, p.DTMF)
	case "message":
		d.SendMessage(p.CallSID, exchange.VoiceEvent{
			SID: p.VoiceEvent, Type: p.MessageType, ContentType: p.ContentType, Content: p.Content,
		})
	}
}

// write alone sends what the exchange has to say, so that nobody who has locked it waits for
// a slow page.
func (s *Server) write(conn *websocket.Conn, d *exchange.Device, at place) {
	beat := time.NewTicker(s.Heartbeat)
	defer beat.Stop()
	for {
		data := []byte("\n")
		select {
		case <-d.Context().Done():
			finish(conn, d, at)
			return
		case m := <-d.Outbox():
			data = encode(m, at)
		case <-beat.C:
		}
		if !send(conn, data) {
			return
		}
	}
}

// finish closes a socket, after what is left to say.
func finish(conn *websocket.Conn, d *exchange.Device, at place) {
	cause := context.Cause(d.Context())
	if errors.Is(cause, exchange.ErrCut) || errors.Is(cause, exchange.ErrSlow) {
		conn.CloseNow()
		return
	}
	for len(d.Outbox()) > 0 {
		if !send(conn, encode(<-d.Outbox(), at)) {
			return
		}
	}
	switch {
	case errors.Is(cause, exchange.ErrRefused), errors.Is(cause, exchange.ErrNoToken):
		conn.Close(websocket.StatusPolicyViolation, cause.Error())
	default:
		conn.Close(websocket.StatusGoingAway, "the stand-in goes away")
	}
}

func send(conn *websocket.Conn, data []byte) bool {
	// Not the socket's context: what is half written when it ends would cut the socket.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := conn.Write(ctx, websocket.MessageText, data); err != nil {
		conn.CloseNow()
		return false
	}
	return true
}
