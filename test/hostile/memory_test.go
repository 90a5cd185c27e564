package hostile

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func TestSizeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		longest := padded(capability.MaxTokenSize)
		require.Equal(t, capability.MaxTokenSize, len(longest))
		got, err := capability.Verify(longest, accountSID, authToken)
		require.NoError(t, err)
		assert.Greater(t, len(got.Extra["pad"].(string)), capability.MaxTokenSize/2)

		tooLong := padded(capability.MaxTokenSize + 1)
		require.Equal(t, capability.MaxTokenSize+1, len(tooLong))
		got, err = capability.Verify(tooLong, accountSID, authToken)
		assert.ErrorIs(t, err, capability.ErrTokenTooLong)
		assert.Nil(t, got)
	})
}

// A shape describes a text, in most cases JSON that is expensive to decode: an
// opening, units with a separator between them, and a close.
type shape struct {
	name, open string
	unit       func(i int) string
	sep, close string
}

// Letters cannot be compressed or decoded; objects cost encoding/json more than
// forty times their length in memory.
var shapes = []shape{
	{"letters", "", randomLetter, "", ""},
	{"objects", `{"alg":"HS256","a":[`, always(`{"":0}`), ",", "]}"},
}

func always(unit string) func(int) string { return func(int) string { return unit } }

var random = rand.New(rand.NewPCG(1, 2))

func randomLetter(int) string { return string(rune('a' + random.IntN(26))) }

// fill returns n bytes of the shape.
func (s shape) fill(n int) string {
	var text strings.Builder
	text.WriteString(s.open)
	for i := 0; ; i++ {
		unit := s.unit(i)
		if i > 0 {
			unit = s.sep + unit
		}
		room := n - text.Len() - len(s.close)
		if len(unit) > room {
			return text.String() + strings.Repeat(" ", room) + s.close
		}
		text.WriteString(unit)
	}
}

// Each place builds a token of a given size with the shape in its header or
// claims.
var places = []struct {
	name  string
	token func(s shape, size int) string
}{
	{"header", func(s shape, size int) string {
		rest := "." + encode(claims) + "." + forgery
		return s.encode(size-len(rest)) + rest
	}},
	{"claims", func(s shape, size int) string {
		return encode(header) + "." + s.encode(size-rest) + "." + forgery
	}},
}

var forgery = encode(sum("attacker", ""))

// encode fills a part of a token.
func (s shape) encode(size int) string { return encode(s.fill(base64.RawURLEncoding.DecodedLen(size))) }

type sized struct{ name, token string }

// unsigned returns tokens that anybody can send, in their worst forms.
func unsigned() []sized {
	var tokens []sized
	for _, size := range []int{300, 4 << 10, capability.MaxTokenSize} {
		text := encode(header) + "." + encode(claims) + "."
		tokens = append(tokens,
			sized{fmt.Sprintf("%d/dots", size), strings.Repeat(".", size)},
			sized{fmt.Sprintf("%d/signature", size), text + strings.Repeat("A", size-len(text))})
		for _, place := range places {
			for _, s := range shapes {
				tokens = append(tokens, sized{fmt.Sprintf("%d/%s/%s", size, place.name, s.name), place.token(s, size)})
			}
		}
	}
	const over = 10 << 20
	return append(tokens, sized{fmt.Sprintf("%d/header", over), places[0].token(shapes[1], over)})
}

// allocated returns how many bytes f allocates. The least of a few runs excludes
// what other goroutines allocate, and what f allocates only once.
func allocated(f func()) int {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return int(least)
}

// bound is what Verify may allocate to refuse a token. It copies the signed text
// once for each auth token, to hash it, and decodes header and signature to three
// quarters of their length. With the allocator's rounding, that is at most the
// length of the token for each auth token, and once more. A keyed HMAC and the
// error need less than a kilobyte each. Verify does not read a token that is too
// long.
func bound(token string, authTokens int) int {
	const fixed = 1 << 10
	if len(token) > capability.MaxTokenSize {
		return fixed
	}
	return (1 + authTokens) * (len(token) + fixed)
}

func TestRefusedTokensTakeLittleMemory(t *testing.T) {
	for _, tt := range unsigned() {
		t.Run(tt.name, func(t *testing.T) {
			for _, authTokens := range [][]string{{authToken}, {"new", authToken}} {
				got := allocated(func() {
					_, err := capability.Verify(tt.token, accountSID, authTokens...)
					require.Error(t, err)
				})
				assert.LessOrEqual(t, got, bound(tt.token, len(authTokens)),
					"%.1f times the %d bytes of the token", float64(got)/float64(len(tt.token)), len(tt.token))
			}
		})
	}
}

func BenchmarkRefused(b *testing.B) {
	for _, tt := range unsigned() {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := capability.Verify(tt.token, accountSID, authToken); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
