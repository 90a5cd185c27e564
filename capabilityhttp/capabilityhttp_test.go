package capabilityhttp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

const (
	accountSID = "AC0123456789abcdef0123456789abcdef"
	authToken  = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

type mintFunc = func(*http.Request) (*capability.CapabilityToken, error)

func always(token *capability.CapabilityToken, err error) mintFunc {
	return func(*http.Request) (*capability.CapabilityToken, error) { return token, err }
}

// serve starts a server with the handler and returns its address, and what is
// logged meanwhile.
func serve[T capabilityhttp.Token](t *testing.T, mint func(*http.Request) (T, error)) (address string, logged *bytes.Buffer) {
	t.Helper()
	logged = new(bytes.Buffer)
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	server := httptest.NewServer(capabilityhttp.Handler(mint))
	t.Cleanup(server.Close)
	return server.URL, logged
}

func do(t *testing.T, method, address string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, address, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

func assertHeader(t *testing.T, header http.Header) {
	t.Helper()
	assert.Equal(t, "no-store", header.Get("Cache-Control"))
	assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	assert.Equal(t, "Cookie, Authorization", header.Get("Vary"))
	assert.NotContains(t, header, "Access-Control-Allow-Origin")
}

func TestAnswer(t *testing.T) {
	address, logged := serve(t, always(capability.New(accountSID, authToken).
		AllowClientIncoming("tommy").
		AllowClientOutgoing("AP123123").
		SetTTL(10*time.Minute), nil))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		response, body := do(t, method, address)
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
		assertHeader(t, response.Header)

		var answer struct{ Identity, Token, ExpiresAt string }
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		claims, err := capability.Verify(answer.Token, accountSID, authToken)
		require.NoError(t, err)
		assert.Equal(t, "tommy", claims.ClientName())
		assert.Equal(t, fmt.Sprintf(`{"identity":"tommy","token":%q,"expiresAt":%q}`,
			answer.Token, claims.ExpiresAt.Format("2006-01-02T15:04:05Z")), body)
	}
	assert.Empty(t, logged.String())
}

func TestAnswerToHead(t *testing.T) {
	address, _ := serve(t, always(capability.New(accountSID, authToken).AllowClientIncoming("tommy"), nil))
	response, body := do(t, http.MethodHead, address)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
	assert.Greater(t, response.ContentLength, int64(100))
	assertHeader(t, response.Header)
	assert.Empty(t, body)
}

func TestIdentity(t *testing.T) {
	token := capability.New(accountSID, authToken)
	tests := []struct {
		name  string
		token *capability.CapabilityToken
		want  any
	}{
		{"incoming", token.Clone().AllowClientIncoming("tommy"), "tommy"},
		{"outgoing with a name", token.Clone().AllowClientOutgoing("AP1").SetClientName("tommy"), "tommy"},
		{"outgoing without a name", token.Clone().AllowClientOutgoing("AP1"), nil},
		{"events", token.Clone().AllowEventStream(), nil},
		{"claims that differ by case", token.Clone().AllowClientIncoming("tommy").
			SetClaim("SCOPE", "scope:client:incoming?clientName=mallory").SetClaim("Exp", "never"), "tommy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, _ := serve(t, always(tt.token, nil))
			_, body := do(t, http.MethodGet, address)
			var answer map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &answer))
			assert.Equal(t, tt.want, answer["identity"])
			_, present := answer["identity"]
			assert.Equal(t, tt.want != nil, present)
		})
	}
}

func TestMintChoosesTheKindOfToken(t *testing.T) {
	template := capability.New(accountSID, authToken).AllowClientOutgoing("AP1").SetClaim("grants", "of our own")
	address, logged := serve(t, func(r *http.Request) (capabilityhttp.Token, error) {
		switch r.FormValue("kind") {
		case "access":
			token := capability.New(accountSID, authToken).AllowClientIncoming("tommy")
			return capabilityhttp.AccessToken(token, "SK0123", "secret"), nil
		case "nameless":
			return capabilityhttp.AccessToken(template.Clone(), "SK0123", "secret"), nil
		case "none":
			return nil, nil
		}
		return template.Clone().AllowClientIncoming("jenny"), nil
	})

	for query, want := range map[string]string{"": "jenny", "?kind=access": "tommy"} {
		response, body := do(t, http.MethodGet, address+query)
		require.Equal(t, http.StatusOK, response.StatusCode, logged)
		var answer struct {
			Identity, Token string
			ExpiresAt       time.Time
		}
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		assert.Equal(t, want, answer.Identity)
		assert.WithinDuration(t, time.Now().Add(time.Hour), answer.ExpiresAt, 10*time.Second)
		_, err := capability.Verify(answer.Token, accountSID, authToken)
		if query == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, "it is an Access Token")
		}
	}

	response, body := do(t, http.MethodGet, address+"?kind=nameless")
	assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
	assert.Equal(t, "no token\n", body)
	assert.Contains(t, logged.String(), "an Access Token needs one")
	do(t, http.MethodGet, address+"?kind=none")
	assert.Contains(t, logged.String(), "neither a token nor an error")
}

// A secret that a handler holds must not show in what it may be printed with.
func TestAccessTokenHidesTheSecret(t *testing.T) {
	token := capabilityhttp.AccessToken(capability.New(accountSID, authToken), "SK0123", "topsecret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed := fmt.Sprintf(verb, token)
		assert.NotContains(t, printed, "topsecret")
		assert.NotContains(t, printed, authToken)
	}
}

func TestVaryOfAnOuterHandlerStays(t *testing.T) {
	inner := capabilityhttp.Handler(always(capability.New(accountSID, authToken).AllowEventStream(), nil))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	response, _ := do(t, http.MethodGet, server.URL)
	assert.Equal(t, []string{"Origin", "Cookie, Authorization"}, response.Header.Values("Vary"))
}

func TestOtherMethods(t *testing.T) {
	address, _ := serve(t, func(*http.Request) (*capability.CapabilityToken, error) {
		t.Error("minted")
		return nil, nil
	})
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
		response, body := do(t, method, address)
		assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode, method)
		assert.Equal(t, "GET, HEAD, POST", response.Header.Get("Allow"))
		assert.Equal(t, "method not allowed\n", body)
		assertHeader(t, response.Header)
	}
}

func TestRefusal(t *testing.T) {
	tests := []struct {
		name       string
		err        error
		wantStatus int
		wantBody   string
		wantLogged string // "" for nothing
	}{
		{"not signed in", &capabilityhttp.Error{Status: 401, Message: "sign in first"}, 401, "sign in first\n", ""},
		{"wrapped", fmt.Errorf("tommy: %w", &capabilityhttp.Error{Status: 403, Message: "no calls for you"}), 403, "no calls for you\n", ""},
		{"lowest status", &capabilityhttp.Error{Status: 400, Message: "oops"}, 400, "oops\n", ""},
		{"highest status", &capabilityhttp.Error{Status: 599, Message: "oops"}, 599, "oops\n", ""},
		{"database is away", errors.New("dial tcp: 10.0.0.7 is away"), 500, "no token\n", `"capabilityhttp: no token minted" error="dial tcp: 10.0.0.7 is away"`},
		{"something else was cancelled", fmt.Errorf("database: %w", context.Canceled), 500, "no token\n", "database"},
		{"nil of this type", (*capabilityhttp.Error)(nil), 500, "no token\n", "<nil>"},
		{"no status", &capabilityhttp.Error{Message: "oops"}, 500, "no token\n", "oops"},
		{"a status of success", &capabilityhttp.Error{Status: 200, Message: "oops"}, 500, "no token\n", "oops"},
		{"a status too low", &capabilityhttp.Error{Status: 399, Message: "oops"}, 500, "no token\n", "oops"},
		{"a status too high", &capabilityhttp.Error{Status: 600, Message: "oops"}, 500, "no token\n", "oops"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, logged := serve(t, always(nil, tt.err))
			response, body := do(t, http.MethodGet, address)
			assert.Equal(t, tt.wantStatus, response.StatusCode)
			assert.Equal(t, tt.wantBody, body)
			assert.Equal(t, "text/plain; charset=utf-8", response.Header.Get("Content-Type"))
			assertHeader(t, response.Header)
			if tt.wantLogged == "" {
				assert.Empty(t, logged.String())
			} else {
				assert.Contains(t, logged.String(), tt.wantLogged)
			}
		})
	}
}

func TestFailure(t *testing.T) {
	tests := []struct {
		name       string
		mint       mintFunc
		wantLogged string
	}{
		{"nil token", always(nil, nil), "neither a token nor an error"},
		{"mistake in the token", always(capability.New(accountSID, authToken).AllowClientIncoming("to my"), nil), "invalid client name"},
		{"no scope", always(capability.New(accountSID, authToken), nil), "no scope"},
		{"zero token", always(&capability.CapabilityToken{}, nil), "invalid account SID"},
		{"nil function", nil, "nil pointer"},
		{"panic", func(*http.Request) (*capability.CapabilityToken, error) { panic("out of cheese") }, "out of cheese"},
		{"panic with a slice", func(*http.Request) (*capability.CapabilityToken, error) { panic([]string{"out of cheese"}) }, "out of cheese"},
		{
			"panic with a token",
			func(*http.Request) (*capability.CapabilityToken, error) {
				panic(capability.New(accountSID, authToken).AllowClientIncoming("tommy"))
			},
			"tommy",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, logged := serve(t, tt.mint)
			response, body := do(t, http.MethodGet, address)
			assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
			assert.Equal(t, "no token\n", body)
			assertHeader(t, response.Header)
			assert.Contains(t, logged.String(), tt.wantLogged)
			assert.NotContains(t, logged.String(), authToken)
			assert.NotContains(t, logged.String(), "eyJ", "token")
		})
	}
}

// A foreign token is of no kind that this package knows.
type foreign string

func (f foreign) ToJWT() (string, error) { return string(f), nil }

func withClaims(claims string) foreign {
	return foreign("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".")
}

func TestForeignToken(t *testing.T) {
	signed, err := capability.New(accountSID, authToken).AllowClientIncoming("tommy").ToJWT()
	require.NoError(t, err)
	for token, want := range map[foreign]int{
		foreign(signed): http.StatusOK,
		withClaims(`{"exp":1,"scope":"scope:client:incoming?clientName=tommy"}`): http.StatusOK,
		withClaims(`{"exp":1,"grants":{"identity":"tommy"}}`):                    http.StatusOK,
		withClaims(`{"exp":"1","scope":"scope:a:b"}`):                            http.StatusInternalServerError,
		withClaims(`{"exp":1,"scope":7}`):                                        http.StatusInternalServerError,
		withClaims(`{"exp":1,"scope":"tommy"}`):                                  http.StatusInternalServerError,
		withClaims(`{"exp":1,"grants":{"identity":7}}`):                          http.StatusInternalServerError,
		"":            http.StatusInternalServerError,
		"a.b.c":       http.StatusInternalServerError,
		"e30.e30.e30": http.StatusInternalServerError,
	} {
		address, logged := serve(t, func(*http.Request) (foreign, error) { return token, nil })
		response, body := do(t, http.MethodGet, address)
		assert.Equal(t, want, response.StatusCode, token)
		assert.Equal(t, want == http.StatusOK, strings.Contains(body, `{"identity":"tommy","token":"`+string(token)+`","expiresAt":`))
		assert.Equal(t, want == http.StatusOK, logged.Len() == 0)
	}
}

// net/http's own way to drop a connection stays.
func TestAbort(t *testing.T) {
	address, _ := serve(t, func(*http.Request) (*capability.CapabilityToken, error) { panic(http.ErrAbortHandler) })
	_, err := http.Get(address)
	assert.ErrorIs(t, err, io.EOF)
}

func TestCancelledRequestMintsNothing(t *testing.T) {
	minted := false
	handler := capabilityhttp.Handler(func(*http.Request) (*capability.CapabilityToken, error) {
		minted = true
		return nil, nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
	assert.False(t, minted)
	assert.Equal(t, http.StatusServiceUnavailable, recorder.Code)
	assert.Equal(t, "request cancelled\n", recorder.Body.String())
}

func TestRequestCancelledMeanwhileMintsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	handler := capabilityhttp.Handler(func(*http.Request) (*capability.CapabilityToken, error) {
		cancel()
		return capability.New(accountSID, authToken).AllowClientIncoming("tommy"), nil
	})
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
	assert.Equal(t, http.StatusServiceUnavailable, recorder.Code)
	assert.NotContains(t, recorder.Body.String(), "eyJ")
}

// An outage must not be silent, even if the client has given up by then.
func TestFailureOfACancelledRequestIsLogged(t *testing.T) {
	for name, fail := range map[string]func() error{
		"panic":             func() error { panic("out of cheese") },
		"deadline exceeded": func() error { return fmt.Errorf("database: %w", context.DeadlineExceeded) },
	} {
		t.Run(name, func(t *testing.T) {
			_, logged := serve(t, always(nil, nil))
			ctx, cancel := context.WithCancel(context.Background())
			handler := capabilityhttp.Handler(func(*http.Request) (*capability.CapabilityToken, error) {
				cancel()
				return nil, fail()
			})
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
			assert.Equal(t, http.StatusInternalServerError, recorder.Code)
			assert.Contains(t, logged.String(), name)
		})
	}
}

func TestClientThatLeavesCancelsTheRequest(t *testing.T) {
	left := make(chan error, 1)
	arrived := make(chan struct{})
	address, logged := serve(t, func(r *http.Request) (*capability.CapabilityToken, error) {
		close(arrived)
		<-r.Context().Done()
		left <- r.Context().Err()
		return nil, r.Context().Err()
	})
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	require.NoError(t, err)
	go func() {
		<-arrived
		cancel()
	}()
	_, err = http.DefaultClient.Do(request)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, <-left, context.Canceled)
	assert.Empty(t, logged.String(), "a client may leave")
}

func TestErrorText(t *testing.T) {
	assert.EqualError(t, &capabilityhttp.Error{Status: 401, Message: "sign in first"}, "401 sign in first")
}
