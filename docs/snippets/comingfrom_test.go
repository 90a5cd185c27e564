package snippets_test

import (
	"fmt"
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

// What the README and coming-from.md say about twilioclient.
func TestTwilioclient(t *testing.T) {
	mint := func(t *testing.T, ttl time.Duration, grant func(*twilioclient.Capability)) string {
		token := twilioclient.NewCapability("AC123", "secret")
		grant(token)
		text, err := token.GenerateToken(ttl)
		require.NoError(t, err)
		return text
	}
	nothing := func(*twilioclient.Capability) {}
	incoming := func(names ...string) func(*twilioclient.Capability) {
		return func(token *twilioclient.Capability) {
			for _, name := range names {
				token.AllowClientIncoming(name)
			}
		}
	}
	for _, test := range []struct {
		name  string
		grant func(*twilioclient.Capability)
		want  string
	}{
		{"nothing granted", nothing, "[]"},
		{"no name", incoming(""), "[scope:client:incoming?clientName=]"},
		{"space", incoming("a b"), "[scope:client:incoming?clientName=a+b]"},
		{"hostile name", incoming("x scope:client:outgoing?appSid=AP1"),
			"[scope:client:incoming?clientName=x+scope%3Aclient%3Aoutgoing%3FappSid%3DAP1]"},
		{"two names", incoming("tommy", "jenny"), "[scope:client:incoming?clientName=jenny]"},
		{"param", func(token *twilioclient.Capability) {
			token.AllowClientOutgoing("AP1", map[string]string{"k": "v&admin=1"})
		}, "[scope:client:outgoing?appParams=k%3Dv%2526admin%253D1&appSid=AP1]"},
		{"event filter", func(token *twilioclient.Capability) {
			token.AllowEventStream(map[string]string{"a": "1"})
		}, "[scope:stream:subscribe?params=a%253D1&path=%2F2010-04-01%2FEvents]"},
		{"second token", func(token *twilioclient.Capability) {
			token.AllowClientIncoming("tommy")
			_, err := token.GenerateToken(time.Minute)
			require.NoError(t, err)
		}, "[scope:client:incoming?clientName=tommy scope:client:incoming?clientName=tommy]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			claims, err := capability.Verify(mint(t, time.Minute, test.grant), "AC123", "secret")
			require.NoError(t, err)
			assert.Equal(t, test.want, fmt.Sprint(claims.Scopes))
		})
	}

	_, err := capability.Verify(mint(t, 0, nothing), "AC123", "secret")
	require.ErrorIs(t, err, jwt.ErrTokenExpired)
	_, err = capability.Verify(mint(t, 30*24*time.Hour, nothing), "AC123", "secret")
	require.ErrorIs(t, err, capability.ErrInvalidTTL)
}
