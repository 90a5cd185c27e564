package redact

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const notShown = "(not shown, as it may hold a secret)"

func TestQuote(t *testing.T) {
	const (
		secret   = "s3cret+value"
		someHash = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
		sid      = "AC" + someHash
	)
	long := strings.Repeat("-", maxQuoted)
	for _, tt := range []struct {
		name, value, secret, want string
	}{
		{"any value", "to my\n", secret, `"to my\n"`},
		{"a SID", sid, secret, strconv.Quote(sid)},
		{"no secret", "tommy", "", `"tommy"`},
		{"a secret of quotes", "tommy", `""`, `"tommy"`},
		{"part of the secret", "s3cret", secret, `"s3cret"`},
		{"the secret without its last character", "s3cret", "s3cret~", `"s3cret"`},
		{"the longest value that is quoted whole", long, secret, strconv.Quote(long)},
		{"a longer value", long + "-", secret, strconv.Quote(long) + "…"},

		{"the secret", secret, secret, notShown},
		{"the secret within", "a" + secret + "b", secret, notShown},
		{"the secret in a form", "a=s3cret%2Bvalue", secret, notShown},
		{"the secret without its newline", secret, secret + "\n", notShown},
		{"the secret without its space", secret, " " + secret, notShown},
		{"the secret without its quotes", secret, `"` + secret + `"`, notShown},
		{"the secret without its single quotes", secret, "'" + secret + "'", notShown},
		{"the secret without its byte order mark", secret, "\ufeff" + secret, notShown},
		{"the secret without its DEL", secret, secret + "\x7f", notShown},
		{"anything if account SID and secret are swapped", "tommy", sid, notShown},
		{"anything if API key and secret are swapped", "tommy", "SK" + someHash, notShown},
		{"any value beside a secret that starts like an SID", "tommy", "SKcJrUrwV0Sg7VyBpOzNYkJC1ZXQ2hRg", `"tommy"`},
		{"the secret encoded once", "a%3Ds3cret%2Bvalue", secret, notShown},
		{"the secret encoded twice", "s3cret%252Bvalue", secret, notShown},
		{"the secret encoded three times", "s3cret%25252Bvalue", secret, notShown},
		{"each character of the secret encoded", "%73%33%63%72%65%74%2b%76%61%6c%75%65", secret, notShown},
		{"the secret after a lone percent sign", "100% %2 %zz s3cret%2Bvalue", secret, notShown},
		{"the secret quoted", `s3\\cr\"et`, `s3\cr"et`, notShown},
		{"the secret in JSON", `s3cret\u0026value`, "s3cret&value", notShown},
		{"what looks like an auth token, encoded", "a%3D" + someHash, secret, notShown},
		{"what looks like an auth token", someHash, secret, notShown},
		{"what looks like an API key's secret", "fmcJrUrwV0Sg7VyBpOzNYkJC1ZXQ2hRg", secret, notShown},
		{"as many letters", strings.Repeat("x", 32), secret, strconv.Quote(strings.Repeat("x", 32))},
		{"a token", "Bearer eyJhbGciOiJIUzI1NiJ9", secret, notShown},
		{"what looks like an auth token, before the cut", long[:maxQuoted-33] + " " + someHash, secret, notShown},
		{"what looks like an auth token, at the cut", long[:maxQuoted-16] + someHash, secret, notShown},
		{"the secret after the cut", long + secret, secret, notShown},
	} {
		assert.Equal(t, tt.want, Quote(tt.value, tt.secret), tt.name)
	}
	assert.Equal(t, notShown, Quote(secret, "another", secret))
}

func TestTokens(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBQyJ9.c2ln-_"
	assert.Equal(t, "To=(a token, not shown)&a=b", Tokens("To="+token+"&a=b"))
	assert.Equal(t, "eyJ is how one starts", Tokens("eyJ is how one starts"))
}
