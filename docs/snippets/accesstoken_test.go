package snippets_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

// templateFrom mints Access Tokens if there is an API key, and capability tokens
// if there is none.
func templateFrom(getenv func(string) string) *capability.CapabilityToken {
	accountSID, apiKeySID := getenv("TWILIO_ACCOUNT_SID"), getenv("TWILIO_API_KEY")
	token := capability.New(accountSID, getenv("TWILIO_AUTH_TOKEN"))
	if apiKeySID != "" {
		token = capability.NewWithAPIKey(accountSID, apiKeySID, getenv("TWILIO_API_SECRET"))
	}
	return token.
		AllowClientOutgoing(getenv("TWILIO_TWIML_APP_SID")).
		SetTTL(10 * time.Minute)
}

func inIreland(accountSID, apiKeySID, apiKeySecret string) *capability.CapabilityToken {
	return capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).
		SetRegion("ie1")
}

func forMobileApp(accountSID, apiKeySID, apiKeySecret, pushCredentialSID string) *capability.CapabilityToken {
	return capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).
		SetPushCredential(pushCredentialSID)
}

// readAccessToken returns the header and claims of an Access Token for tommy.
func readAccessToken(t *testing.T, template *capability.CapabilityToken) (header map[string]any, claims jwt.MapClaims) {
	t.Helper()
	text, err := template.Clone().AllowClientIncoming("tommy").ToJWT()
	require.NoError(t, err)
	claims = jwt.MapClaims{}
	token, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return []byte("key_secret"), nil })
	require.NoError(t, err)
	return token.Header, claims
}

func TestTemplateFrom(t *testing.T) {
	env := map[string]string{
		"TWILIO_ACCOUNT_SID":   "AC123",
		"TWILIO_AUTH_TOKEN":    "secret",
		"TWILIO_TWIML_APP_SID": "AP123123",
	}
	getenv := func(name string) string { return env[name] }
	before, err := templateFrom(getenv).AllowClientIncoming("tommy").ToJWT()
	require.NoError(t, err)
	_, err = capability.Verify(before, "AC123", "secret")
	require.NoError(t, err)

	env["TWILIO_API_KEY"], env["TWILIO_API_SECRET"] = "SK123", "key_secret"
	_, claims := readAccessToken(t, templateFrom(getenv))
	assert.Equal(t, "SK123", claims["iss"])
	assert.Equal(t, "AC123", claims["sub"])
}

func TestInIreland(t *testing.T) {
	header, _ := readAccessToken(t, inIreland("AC123", "SK123", "key_secret"))
	assert.Equal(t, "ie1", header["twr"])
}

func TestForMobileApp(t *testing.T) {
	_, claims := readAccessToken(t, forMobileApp("AC123", "SK123", "key_secret", "CR123"))
	voice := claims["grants"].(map[string]any)["voice"].(map[string]any)
	assert.Equal(t, "CR123", voice["push_credential_sid"])
}
