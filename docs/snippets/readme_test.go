package snippets_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func TestReadme(t *testing.T) {
	const accountSID, authToken, applicationSID = "AC123", "secret", "AP123123"

	token, err := capability.New(accountSID, authToken).
		AllowClientIncoming("tommy").
		AllowClientOutgoing(applicationSID).
		SetTTL(10 * time.Minute).
		ToJWT()

	require.NoError(t, err)
	claims, err := capability.Verify(token, accountSID, authToken)
	require.NoError(t, err)
	require.Equal(t, "tommy", claims.ClientName())
}
