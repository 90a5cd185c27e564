package capabilitytest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// The limits are far above what pages need; they keep one that runs wild from
// taking the machine.
const (
	maxSockets      = 1000
	maxMessageBytes = 256 << 10
	outboxSize      = 256
)

// Why a socket is closed, as its context's cause.
var (
	errCut     = errors.New("the test cut the socket")
	errRefused = errors.New("the token has expired or was refused")
	errSlow    = errors.New("the page does not read what it is sent")
	errNoToken = errors.New("no valid token was shown in time")
)

// serveSocket serves one device for as long as its socket lasts.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.ctx.Err() != nil || len(s.devices) == maxSockets {
		s.mu.Unlock()
		http.Error(w, "too many sockets are open", http.StatusServiceUnavailable)
		return
	}
	ctx, stop := context.WithCancelCause(s.ctx)
	d := &device{outbox: make(chan []byte, outboxSize), stop: stop, opened: time.Now(), refusal: faultNoToken}
	s.devices[d] = true
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		stop(nil)
		delete(s.devices, d)
		s.notify()
	}()

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
	conn.SetReadLimit(maxMessageBytes)

	unproven := time.AfterFunc(s.timing.listen, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !d.proven {
			stop(errNoToken)
		}
	})
	defer unproven.Stop()
	reading, abandon := context.WithCancel(context.Background())
	defer abandon()
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, abandon) }) // if the page does not answer a close frame
	written := make(chan struct{})
	go func() {
		defer close(written)
		write(ctx, conn, d.outbox, s.timing.heartbeat)
	}()
	defer func() { stop(nil); <-written }()

	left := s.read(reading, conn, d)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(d, left)
}

// read handles what the page says until the socket closes, and reports whether
// the page itself left: it was closed or reloaded, and will not come back.
func (s *Server) read(ctx context.Context, conn *websocket.Conn, d *device) (left bool) {
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return websocket.CloseStatus(err) == websocket.StatusGoingAway
		}
		if string(data) == "\n" { // the page's answer to a heartbeat
			continue
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			s.event("closed a socket: what it sent is not a signalling message")
			conn.Close(websocket.StatusInvalidFramePayloadData, "not a signalling message")
			return true
		}
		s.handle(d, m)
	}
}

// write alone sends what the server has to say, so that nobody who has locked the
// server waits for a slow page.
func write(ctx context.Context, conn *websocket.Conn, outbox <-chan []byte, heartbeat time.Duration) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		data := []byte("\n")
		select {
		case <-ctx.Done():
			finish(conn, outbox, context.Cause(ctx))
			return
		case data = <-outbox:
		case <-beat.C:
		}
		if !send(conn, data) {
			return
		}
	}
}

// finish closes a socket, after what is left to say.
func finish(conn *websocket.Conn, outbox <-chan []byte, cause error) {
	if errors.Is(cause, errCut) || errors.Is(cause, errSlow) {
		conn.CloseNow()
		return
	}
	for len(outbox) > 0 {
		if !send(conn, <-outbox) {
			return
		}
	}
	switch {
	case errors.Is(cause, errRefused), errors.Is(cause, errNoToken):
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
