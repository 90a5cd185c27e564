package snippets_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/kevinburke/twilio-go/v2/twilioclient"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func mint(accountSID, authToken, applicationSID string) (string, error) {
	return capability.New(accountSID, authToken).
		AllowClientIncoming("tommy").
		AllowClientOutgoing(applicationSID, url.Values{"plan": {"gold"}}).
		SetTTL(10 * time.Minute).
		ToJWT()
}

func mintWithTwilioclient(accountSID, authToken, applicationSID string) (string, error) {
	token := twilioclient.NewCapability(accountSID, authToken)
	token.AllowClientIncoming("tommy")
	token.AllowClientOutgoing(applicationSID, map[string]string{"plan": "gold"})
	return token.GenerateToken(10 * time.Minute)
}

type capabilityClaims struct {
	Scope string `json:"scope"`
	jwt.RegisteredClaims
}

func mintWithGolangJWT(accountSID, authToken, applicationSID string) (string, error) {
	params := url.Values{"plan": {"gold"}}
	outgoing := url.Values{
		"appSid":     {applicationSID},
		"appParams":  {params.Encode()},
		"clientName": {"tommy"},
	}
	claims := capabilityClaims{
		Scope: "scope:client:incoming?clientName=tommy scope:client:outgoing?" + outgoing.Encode(),
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    accountSID,
			ExpiresAt: jwt.NewNumericDate(time.Now().Add(10 * time.Minute)),
		},
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(authToken))
}

// What was minted before and what is minted after grant the same.
func TestComingFrom(t *testing.T) {
	for name, mint := range map[string]func(accountSID, authToken, applicationSID string) (string, error){
		"capability":   mint,
		"twilioclient": mintWithTwilioclient,
		"golang-jwt":   mintWithGolangJWT,
	} {
		t.Run(name, func(t *testing.T) {
			token, err := mint("AC123", "a_secret_of_32_characters_1234567", "AP123123")
			require.NoError(t, err)
			claims, err := capability.Verify(token, "AC123", "a_secret_of_32_characters_1234567")
			require.NoError(t, err)
			assert.Equal(t, []capability.Scope{
				{Service: "client", Privilege: "incoming", Params: url.Values{"clientName": {"tommy"}}},
				{Service: "client", Privilege: "outgoing", Params: url.Values{
					"appParams": {"plan=gold"}, "appSid": {"AP123123"}, "clientName": {"tommy"},
				}},
			}, claims.Scopes)
		})
	}
}

// The page says that a second GenerateToken repeats the scopes.
func TestTwilioclientRepeatsScopes(t *testing.T) {
	token := twilioclient.NewCapability("AC123", "secret")
	token.AllowClientIncoming("tommy")
	for want := range 2 {
		text, err := token.GenerateToken(time.Minute)
		require.NoError(t, err)
		claims, err := capability.Verify(text, "AC123", "secret")
		require.NoError(t, err)
		assert.Len(t, claims.Scopes, want+1)
	}
}
