package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

func TestContestants(t *testing.T) {
	for _, c := range slices.Concat(contestants, accessContestants) {
		t.Run(c.name, func(t *testing.T) {
			mint := c.prepare(t)
			for range 3 { // what is prepared must not remember the token before
				token, err := mint()
				require.NoError(t, err)
				c.check(t, token)
			}
		})
	}
}

// The order changes from round to round: what runs first in a process pays for
// memory that the others reuse.
func BenchmarkMint(b *testing.B)       { compare(b, contestants) }
func BenchmarkMintAccess(b *testing.B) { compare(b, accessContestants) }

func compare(b *testing.B, contestants []contestant) {
	for _, i := range rand.Perm(len(contestants)) {
		c := contestants[i]
		b.Run(c.name, func(b *testing.B) {
			benchmark(b, c.prepare(b), c.check)
		})
	}
}

// BenchmarkHandler measures what a request costs besides net/http's own part.
func BenchmarkHandler(b *testing.B) {
	for name, template := range map[string]*capability.CapabilityToken{
		capabilityToken: newTemplate(b, capability.New(accountSID, authToken)),
		accessToken:     newTemplate(b, capability.NewWithAPIKey(accountSID, apiKeySID, authToken)),
	} {
		b.Run(name, func(b *testing.B) {
			handler := capabilityhttp.Handler(func(*http.Request) (*capability.CapabilityToken, error) {
				return template.Clone().AllowClientIncoming(clientName), nil
			})
			request, err := http.NewRequest(http.MethodGet, "/token", nil)
			require.NoError(b, err)
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				handler.ServeHTTP(w, request)
			}
			require.NotZero(b, w.written)
			require.Equal(b, http.StatusOK, w.status)
		})
	}
}

// discard only counts the bytes of answers.
type discard struct {
	header          http.Header
	written, status int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(data []byte) (int, error) {
	d.written += len(data)
	return len(data), nil
}

func BenchmarkMintParams(b *testing.B) {
	for _, n := range []int{0, 1, 10, 100} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			params := url.Values{}
			for i := range n {
				params.Set(fmt.Sprintf("name%02d", i), fmt.Sprintf("value %02d", i))
			}
			mint := func() (string, error) {
				return capability.New(accountSID, authToken).
					AllowClientIncoming(clientName).
					AllowClientOutgoing(applicationSID, params).
					SetTTL(ttl).
					ToJWT()
			}
			benchmark(b, mint, func(tb testing.TB, token string) { checkParams(tb, token, params) })
		})
	}
}

// benchmark checks the first token before it times the others.
func benchmark(b *testing.B, mint minter, check func(testing.TB, string)) {
	token, err := mint()
	require.NoError(b, err)
	check(b, token)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mint(); err != nil {
			b.Fatal(err)
		}
	}
}

// A benchmark's heap is so small that garbage is collected all the time, and the
// two cores would mostly wait for that. A server's heap is larger.
func BenchmarkMintParallel(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	mint := prepareClone(b)
	token, err := mint()
	require.NoError(b, err)
	checkCapabilities(b, token)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := mint(); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	token, err := prepareNew(b)()
	require.NoError(b, err)
	compareReaders(b, map[string]func() error{
		"golang-jwt": func() error { return parseAlone(token, jwt.MapClaims{}, jwt.WithIssuer(accountSID)) },
		"capability": func() error {
			_, err := capability.Verify(token, accountSID, authToken)
			return err
		},
	})
}

func BenchmarkVerifyAccess(b *testing.B) {
	token, err := prepareAccessNew(b)()
	require.NoError(b, err)
	compareReaders(b, map[string]func() error{
		"golang-jwt": func() error {
			return parseAlone(token, &accessClaims{}, jwt.WithIssuer(apiKeySID), jwt.WithSubject(accountSID))
		},
		"capability": func() error {
			_, err := capability.VerifyWithAPIKey(token, accountSID, apiKeySID, authToken)
			return err
		},
	})
}

func compareReaders(b *testing.B, readers map[string]func() error) {
	for name, read := range readers { // in random order, as above
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// parseAlone is golang-jwt's share of what this package does to verify a token.
func parseAlone(token string, claims jwt.Claims, options ...jwt.ParserOption) error {
	_, err := jwt.ParseWithClaims(token, claims,
		func(*jwt.Token) (any, error) { return []byte(authToken), nil },
		append(options, jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired())...)
	return err
}
