package snippets_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func TestReadme(t *testing.T) {
	const accountSID, apiKeySID, apiKeySecret, applicationSID = "AC123", "SK123", "key_secret", "AP123123"

	// For a capability token: capability.New(accountSID, authToken)
	token, err := capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).
		AllowClientIncoming("tommy").
		AllowClientOutgoing(applicationSID).
		SetTTL(10 * time.Minute).
		ToJWT()

	require.NoError(t, err)
	claims, err := capability.VerifyWithAPIKey(token, accountSID, apiKeySID, apiKeySecret)
	require.NoError(t, err)
	require.Equal(t, "tommy", claims.ClientName())
}
