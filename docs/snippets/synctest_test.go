package snippets_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token, err := capability.New("AC123", "secret").AllowClientIncoming("tommy").ToJWT()
		require.NoError(t, err)
		claims, err := capability.Verify(token, "AC123", "secret")
		require.NoError(t, err)
		require.Equal(t, "2000-01-01 01:00:00 +0000 UTC", claims.ExpiresAt.String())

		time.Sleep(time.Hour) // returns at once
		_, err = capability.Verify(token, "AC123", "secret")
		require.ErrorIs(t, err, jwt.ErrTokenExpired)
	})
}
