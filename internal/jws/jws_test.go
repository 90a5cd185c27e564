package jws_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/internal/jws"
)

// The example of RFC 7515, appendix A.1.1.
const (
	header    = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}"
	claims    = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
	key       = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func TestKnownAnswer(t *testing.T) {
	secret, err := base64.RawURLEncoding.DecodeString(key)
	require.NoError(t, err)
	signer := jws.Key{Secret: string(secret)}
	for range 3 { // the keyed HMAC is kept from the second token on
		token := signer.Sign(jws.EncodeHeader(header), []byte(claims))
		require.Equal(t, signature, token[strings.LastIndexByte(token, '.')+1:])
		assert.Len(t, token, jws.Len(jws.EncodeHeader(header), len(claims)))

		accept := func(got map[string]any) error {
			assert.Equal(t, map[string]any{"typ": "JWT", "alg": "HS256"}, got)
			return nil
		}
		got, err := jws.Open(token, "", accept, string(secret))
		require.NoError(t, err)
		assert.Equal(t, claims, string(got))
	}
}
