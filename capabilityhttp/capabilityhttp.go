// Package capabilityhttp hands capability tokens, and their successors, to
// browsers.
//
// The backend decides who asks and what they may do; [Handler] does the rest of
// what a token endpoint needs. It sets no CORS header, so only pages of the same
// origin can read a token: if others are to, wrap it in a handler that says so.
package capabilityhttp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
)

// An Error is an answer other than a token that a mint function chooses, such
// as 401 for a browser that has not signed in.
type Error struct {
	Status  int    // 400 to 599; anything else is answered as 500
	Message string // shown to the browser
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Message) }

// A Token is what a mint function returns: a [*capability.CapabilityToken], or
// an [AccessToken].
type Token interface {
	ToJWT() (string, error)
}

// AccessToken answers with the Access Token that
// [capability.CapabilityToken.ToAccessToken] mints, in the place of a
// capability token. A mint function that returns a Token can choose for each
// request:
//
//	func(r *http.Request) (capabilityhttp.Token, error) {
//		token := template.Clone().AllowClientIncoming(userOf(r))
//		if r.FormValue("sdk") == "2" {
//			return capabilityhttp.AccessToken(token, apiKeySID, apiKeySecret), nil
//		}
//		return token, nil
//	}
func AccessToken(token *capability.CapabilityToken, apiKeySID, apiKeySecret string) Token {
	return tokenFunc(func() (string, error) { return token.ToAccessToken(apiKeySID, apiKeySecret) })
}

// A tokenFunc is a function because the secret that it has captured can't be
// printed.
type tokenFunc func() (string, error)

func (f tokenFunc) ToJWT() (string, error) { return f() }

// Handler answers each GET, HEAD and POST request with a freshly minted token,
// as JSON:
//
//	{"identity":"tommy","token":"eyJ…","expiresAt":"2026-11-23T12:00:00Z"}
//
// Identity is the device's client name, absent if it has none; expiresAt is the
// token's end, in UTC. No cache may keep the answer.
//
// The function mint returns what the sender of the request may do; it may run in
// many goroutines at once. What users call themselves may have to be mapped
// first to a client name, in which only letters, digits and '_' may stand. If
// mint fails with an [*Error], that is the answer. Any other error, a mistake in
// the token, a nil token or a panic is logged with [slog.ErrorContext], and
// answered with a 500 that does not say why. For a request that has been
// cancelled nothing is minted.
func Handler[T Token](mint func(*http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Add("Vary", "Cookie, Authorization")
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodPost:
		default:
			header.Set("Allow", "GET, HEAD, POST")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		body, err := respond(r, mint)
		if err != nil {
			refuse(w, r, err)
			return
		}
		header.Set("Content-Type", "application/json")
		w.Write(body)
	})
}

// respond mints a token and returns the body that holds it. A panic becomes an
// error, since net/http would drop the connection without an answer.
func respond[T Token](r *http.Request, mint func(*http.Request) (T, error)) (body []byte, err error) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler: // asks for just that
			panic(cause)
		default:
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	token, err := mint(r)
	if err != nil {
		return nil, err
	}
	if t, ok := any(token).(*capability.CapabilityToken); ok && t == nil || any(token) == nil {
		return nil, errors.New("mint returned neither a token nor an error")
	}
	// The request may have been given up while mint asked a database.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	jwt, err := token.ToJWT()
	if err != nil {
		return nil, err
	}
	return encode(jwt)
}

// refuse answers with the error, or with a bare 500 if it is not for the browser.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var answer *Error
	switch {
	case errors.As(err, &answer) && answer != nil && 400 <= answer.Status && answer.Status <= 599:
		http.Error(w, answer.Message, answer.Status)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil: // the client has left
		http.Error(w, "request cancelled", http.StatusServiceUnavailable)
	default:
		slog.ErrorContext(r.Context(), "capabilityhttp: no token minted", "error", err)
		http.Error(w, "no token", http.StatusInternalServerError)
	}
}

// response is the body of an answer. Its first two names are those of Twilio's
// quickstart servers, so that pages written for them work.
type response struct {
	Identity  string    `json:"identity,omitempty"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// encode returns the body for a token, from which it reads what else the page
// wants to know.
func encode(jwt string) ([]byte, error) {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
	// A map, as a struct would take an extra claim Exp or SCOPE for its own.
	var claims map[string]json.RawMessage
	err = errors.Join(err, json.Unmarshal(payload, &claims))
	var expiresAt int64
	err = errors.Join(err, json.Unmarshal(claims["exp"], &expiresAt))
	identify, claim := clientName, claims["scope"]
	if claim == nil {
		identify, claim = accessTokenIdentity, claims["grants"]
	}
	identity, identityErr := identify(claim)
	body, bodyErr := json.Marshal(response{
		Identity:  identity,
		Token:     jwt,
		ExpiresAt: time.Unix(expiresAt, 0).UTC(),
	})
	return body, errors.Join(err, identityErr, bodyErr)
}

// clientName returns the client name that a capability token's scope holds.
func clientName(claim []byte) (string, error) {
	var scope string
	err := json.Unmarshal(claim, &scope)
	var device capability.Claims
	for text := range strings.SplitSeq(scope, " ") {
		s, scopeErr := capability.ParseScope(text)
		err = errors.Join(err, scopeErr)
		device.Scopes = append(device.Scopes, s)
	}
	return device.ClientName(), err
}

// accessTokenIdentity returns the client name that an Access Token's grants hold.
func accessTokenIdentity(claim []byte) (string, error) {
	var grants struct{ Identity string }
	err := json.Unmarshal(claim, &grants)
	return grants.Identity, err
}
