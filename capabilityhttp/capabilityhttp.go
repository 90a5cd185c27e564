// Package capabilityhttp handles the two requests behind a browser phone: the page's
// request for a token, and Twilio's request that asks what to do with a call.
//
// The backend decides who is asking and what they may do; [Handler] does the rest
// of what a token endpoint needs, for capability tokens and Access Tokens, whichever
// the builder mints. It sets no CORS headers, so only pages of the same origin can
// read a token: to let other origins read it, wrap Handler in one that sets them. It
// does not authenticate users or limit request rates.
//
// A token does not limit whom a page calls: the voice URL decides. [FromTwilio] makes
// sure that a request to it comes from Twilio, not from somebody who has found the URL.
package capabilityhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/seed-6c737938/capability"
)

// An Error is the response a mint function sends instead of a token, such as 401
// for a browser that has not signed in.
type Error struct {
	Status  int    // 400 to 599; with any other, the error is logged and answered as 500
	Message string // shown to the browser, unless Status is answered as 500
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Message) }

// Handler answers GET, HEAD and POST requests with a freshly minted token, as [Write]
// does, and any other method with status 405.
//
// The function mint returns what the sender of the request may do. It may run in
// many goroutines at once. [capability.EncodeClientName] makes a client name from
// any user ID. A panic in mint, other than [http.ErrAbortHandler], is handled like
// an error. If the request has been cancelled or has timed out, mint is not called.
func Handler(mint func(*http.Request) (*capability.CapabilityToken, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodPost:
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			Write(w, r, nil, &Error{http.StatusMethodNotAllowed, "method not allowed"})
			return
		}
		token, err := call(mint, r)
		Write(w, r, token, err)
	})
}

// call calls mint. A panic becomes an error, since net/http would drop the
// connection without an answer.
func call(mint func(*http.Request) (*capability.CapabilityToken, error), r *http.Request) (token *capability.CapabilityToken, err error) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler: // asks for just that
			panic(cause)
		default:
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return mint(r)
}

// Write writes the response of [Handler], given the results of a mint function, for
// frameworks whose handlers are not http.Handlers. It mints the token and answers in
// JSON:
//
//	{"identity":"tommy","token":"eyJ…","expiresAt":"2026-11-23T12:00:00Z"}
//
// The identity is the device's client name, absent if it has none; expiresAt is
// the end of the token, in UTC. No cache may keep the answer.
//
// If err is an [*Error], that is the answer, as {"error":"sign in first"}. Any
// other error, a nil token, or a mistake in the token is logged with
// [slog.ErrorContext], and answered with status 500, without the reason.
//
// If the request's context is done, because the browser has left or
// [http.TimeoutHandler] has ended it, nothing is minted. The status is 503, and nothing
// is logged, unless err is something other than the context's error or its cause.
func Write(w http.ResponseWriter, r *http.Request, token *capability.CapabilityToken, err error) {
	w.Header().Add("Vary", "Cookie, Authorization")
	body, err := answer(r, token, err)
	if err != nil {
		refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

// answer returns the body with a token. Its first two names are those of Twilio's
// quickstart servers, so that pages written for them work.
func answer(r *http.Request, token *capability.CapabilityToken, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if token == nil {
		return nil, errors.New("mint returned neither a token nor an error")
	}
	// The request may have ended while mint asked a database.
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	minted, err := token.Mint()
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Identity  string    `json:"identity,omitempty"`
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{minted.ClientName, minted.Token, minted.ExpiresAt})
}

// refuse answers with the error, or with a bare 500 if it is not for the browser.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	ended := r.Context().Err() // nil if the request goes on
	var chosen *Error
	switch {
	case errors.As(err, &chosen) && chosen != nil && 400 <= chosen.Status && chosen.Status <= 599:
	case !errors.Is(err, ended) && !errors.Is(err, context.Cause(r.Context())):
		slog.ErrorContext(r.Context(), "capabilityhttp: no token minted", "error", err)
		chosen = &Error{http.StatusInternalServerError, "no token"}
	case ended == context.DeadlineExceeded:
		chosen = &Error{http.StatusServiceUnavailable, "request timed out"}
	default:
		chosen = &Error{http.StatusServiceUnavailable, "request cancelled"}
	}
	writeError(w, chosen)
}

func writeError(w http.ResponseWriter, e *Error) {
	body, _ := json.Marshal(struct { // a string cannot fail
		Error string `json:"error"`
	}{e.Message})
	writeJSON(w, e.Status, body)
}

// writeJSON writes an answer that is for one browser at one time.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
