package capabilityhttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
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
func serve(t *testing.T, mint mintFunc) (address string, logged *bytes.Buffer) {
	t.Helper()
	logged = captureLog(t)
	server := httptest.NewServer(capabilityhttp.Handler(mint))
	t.Cleanup(server.Close)
	return server.URL, logged
}

func captureLog(t testing.TB) *bytes.Buffer {
	t.Helper()
	logged := new(bytes.Buffer)
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return logged
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
		{"name that JSON escapes", token.Clone().AddScope(capability.Scope{
			Service: "client", Privilege: "incoming", Params: url.Values{"clientName": {`"tommy" <t@example.com>`}},
		}), `"tommy" <t@example.com>`},
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

func TestAccessToken(t *testing.T) {
	address, _ := serve(t, always(capability.NewWithAPIKey(accountSID, "SK0123", "secret").AllowClientIncoming("tommy"), nil))
	response, body := do(t, http.MethodGet, address)
	require.Equal(t, http.StatusOK, response.StatusCode)
	var answer struct{ Identity, Token string }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	assert.Equal(t, "tommy", answer.Identity)
	claims, err := capability.VerifyWithAPIKey(answer.Token, accountSID, "SK0123", "secret")
	require.NoError(t, err)
	assert.Equal(t, "tommy", claims.ClientName())
}

// A framework's handler has called mint itself.
func TestWrite(t *testing.T) {
	for status, write := range map[int]func(http.ResponseWriter, *http.Request){
		http.StatusOK: func(w http.ResponseWriter, r *http.Request) {
			capabilityhttp.Write(w, r, capability.New(accountSID, authToken).AllowClientIncoming("tommy"), nil)
		},
		http.StatusUnauthorized: func(w http.ResponseWriter, r *http.Request) {
			capabilityhttp.Write(w, r, nil, &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: `sign in "first"`})
		},
	} {
		recorder := httptest.NewRecorder()
		write(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
		assert.Equal(t, status, recorder.Code)
		assert.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
		assertHeader(t, recorder.Header())
		assert.True(t, json.Valid(recorder.Body.Bytes()), recorder.Body)
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
		assert.Equal(t, `{"error":"method not allowed"}`, body)
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
		{"not signed in", &capabilityhttp.Error{Status: 401, Message: "sign in first"}, 401, `{"error":"sign in first"}`, ""},
		{"wrapped", fmt.Errorf("tommy: %w", &capabilityhttp.Error{Status: 403, Message: "no calls for you"}), 403, `{"error":"no calls for you"}`, ""},
		{"lowest status", &capabilityhttp.Error{Status: 400, Message: "oops"}, 400, `{"error":"oops"}`, ""},
		{"highest status", &capabilityhttp.Error{Status: 599, Message: "oops"}, 599, `{"error":"oops"}`, ""},
		{"database is away", errors.New("dial tcp: 10.0.0.7 is away"), 500, `{"error":"no token"}`, `"capabilityhttp: no token minted" error="dial tcp: 10.0.0.7 is away"`},
		{"something else was cancelled", fmt.Errorf("database: %w", context.Canceled), 500, `{"error":"no token"}`, "database"},
		{"nil of this type", (*capabilityhttp.Error)(nil), 500, `{"error":"no token"}`, "<nil>"},
		{"no status", &capabilityhttp.Error{Message: "oops"}, 500, `{"error":"no token"}`, "oops"},
		{"a status of success", &capabilityhttp.Error{Status: 200, Message: "oops"}, 500, `{"error":"no token"}`, "oops"},
		{"a status too low", &capabilityhttp.Error{Status: 399, Message: "oops"}, 500, `{"error":"no token"}`, "oops"},
		{"a status too high", &capabilityhttp.Error{Status: 600, Message: "oops"}, 500, `{"error":"no token"}`, "oops"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, logged := serve(t, always(nil, tt.err))
			response, body := do(t, http.MethodGet, address)
			assert.Equal(t, tt.wantStatus, response.StatusCode)
			assert.Equal(t, tt.wantBody, body)
			assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
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
			assert.Equal(t, `{"error":"no token"}`, body)
			assertHeader(t, response.Header)
			assert.Contains(t, logged.String(), tt.wantLogged)
			assert.NotContains(t, logged.String(), authToken)
			assert.NotContains(t, logged.String(), "eyJ", "token")
		})
	}
}

// net/http's own way to drop a connection stays.
func TestAbort(t *testing.T) {
	address, _ := serve(t, func(*http.Request) (*capability.CapabilityToken, error) { panic(http.ErrAbortHandler) })
	_, err := http.Get(address)
	assert.ErrorIs(t, err, io.EOF)
}

// A request that its sender has left, or that has taken too long.
var overRequests = map[string]struct {
	end  func(context.Context) (context.Context, func())
	body string
}{
	"cancelled":              {end: cancelled(nil), body: `{"error":"request cancelled"}`},
	"cancelled with a cause": {end: cancelled(errors.New("shutting down")), body: `{"error":"request cancelled"}`},
	"timed out":              {end: timedOut(nil), body: `{"error":"request timed out"}`},
	"timed out with a cause": {end: timedOut(errors.New("too slow")), body: `{"error":"request timed out"}`},
}

func cancelled(cause error) func(context.Context) (context.Context, func()) {
	return func(parent context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancelCause(parent)
		return ctx, func() { cancel(cause) }
	}
}

// timedOut lets a minute pass, in a synctest bubble.
func timedOut(cause error) func(context.Context) (context.Context, func()) {
	return func(parent context.Context) (context.Context, func()) {
		ctx, cancel := context.WithTimeoutCause(parent, time.Minute, cause)
		return ctx, func() {
			<-ctx.Done()
			cancel()
		}
	}
}

func TestRequestThatIsOverMintsNothing(t *testing.T) {
	for name, test := range overRequests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logged := captureLog(t)
				ctx, end := test.end(t.Context())
				end()
				recorder := httptest.NewRecorder()
				capabilityhttp.Handler(func(*http.Request) (*capability.CapabilityToken, error) {
					t.Error("minted")
					return nil, nil
				}).ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
				assert.Equal(t, http.StatusServiceUnavailable, recorder.Code)
				assert.Equal(t, test.body, recorder.Body.String())
				assert.Empty(t, logged.String())
			})
		})
	}
}

// What mint returns after the end of the request is not its fault.
func TestRequestThatEndsMeanwhile(t *testing.T) {
	mints := map[string]func(context.Context) (*capability.CapabilityToken, error){
		"token": func(context.Context) (*capability.CapabilityToken, error) {
			return capability.New(accountSID, authToken).AllowClientIncoming("tommy"), nil
		},
		"error": func(ctx context.Context) (*capability.CapabilityToken, error) { return nil, ctx.Err() },
		"wrapped error": func(ctx context.Context) (*capability.CapabilityToken, error) {
			return nil, fmt.Errorf("database: %w", ctx.Err())
		},
		"cause": func(ctx context.Context) (*capability.CapabilityToken, error) { return nil, context.Cause(ctx) },
		"derived": func(ctx context.Context) (*capability.CapabilityToken, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			return nil, ctx.Err()
		},
	}
	for name, test := range overRequests {
		for returned, mint := range mints {
			t.Run(name+", "+returned, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					logged := captureLog(t)
					ctx, end := test.end(t.Context())
					recorder := httptest.NewRecorder()
					capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
						end()
						return mint(r.Context())
					}).ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
					assert.Equal(t, http.StatusServiceUnavailable, recorder.Code)
					assert.Equal(t, test.body, recorder.Body.String())
					assert.Empty(t, logged.String())
				})
			})
		}
	}
}

// http.TimeoutHandler ends the request's context, and answers itself.
func TestTimeoutHandlerLogsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := captureLog(t)
		handler := capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		recorder := httptest.NewRecorder()
		http.TimeoutHandler(handler, time.Second, "too slow").ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
		synctest.Wait()
		assert.Equal(t, "too slow", recorder.Body.String())
		assert.Empty(t, logged.String())
	})
}

// An outage must not be silent, even if the request is over by then.
func TestFailureOfItsOwnIsLogged(t *testing.T) {
	deadline := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		<-ctx.Done()
		return fmt.Errorf("database: %w", ctx.Err())
	}
	tests := map[string]struct {
		end  func(context.Context) (context.Context, func())
		fail func(context.Context) error
		says string
	}{
		"timeout of its own":                          {nil, deadline, "database: context deadline exceeded"},
		"something else cancelled":                    {nil, func(context.Context) error { return fmt.Errorf("database: %w", context.Canceled) }, "database: context canceled"},
		"request cancelled, panic":                    {cancelled(nil), func(context.Context) error { panic("out of cheese") }, "out of cheese"},
		"request cancelled, timeout of its own":       {cancelled(nil), func(context.Context) error { return deadline(context.Background()) }, "database: context deadline exceeded"},
		"request cancelled, any error":                {cancelled(nil), func(context.Context) error { return errors.New("out of cheese") }, "out of cheese"},
		"request timed out, something else cancelled": {timedOut(nil), func(context.Context) error { return context.Canceled }, "context canceled"},
		"request timed out, any error":                {timedOut(nil), func(context.Context) error { return errors.New("out of cheese") }, "out of cheese"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logged := captureLog(t)
				ctx, end := t.Context(), func() {}
				if test.end != nil {
					ctx, end = test.end(ctx)
				}
				recorder := httptest.NewRecorder()
				capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
					end()
					return nil, test.fail(r.Context())
				}).ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
				assert.Equal(t, http.StatusInternalServerError, recorder.Code)
				assert.Equal(t, `{"error":"no token"}`, recorder.Body.String())
				assert.Contains(t, logged.String(), test.says)
			})
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
