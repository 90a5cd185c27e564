package snippets_test

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/kevinburke/twilio-go/v2/twilioclient"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/client/jwt"

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

type joseClaims struct {
	Scope string `json:"scope"` // without the tag it is written as Scope, which grants nothing
	josejwt.Claims
}

func mintWithGoJose(accountSID, authToken, applicationSID string) (string, error) {
	key := jose.SigningKey{Algorithm: jose.HS256, Key: []byte(authToken)}
	signer, err := jose.NewSigner(key, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return "", err
	}
	params := url.Values{"plan": {"gold"}}
	outgoing := url.Values{
		"appSid":     {applicationSID},
		"appParams":  {params.Encode()},
		"clientName": {"tommy"},
	}
	return josejwt.Signed(signer).Claims(joseClaims{
		Scope: "scope:client:incoming?clientName=tommy scope:client:outgoing?" + outgoing.Encode(),
		Claims: josejwt.Claims{
			Issuer: accountSID,
			Expiry: josejwt.NewNumericDate(time.Now().Add(10 * time.Minute)),
		},
	}).Serialize()
}

func mintAccessToken(accountSID, apiKeySID, apiKeySecret, applicationSID string) (string, error) {
	return capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).
		AllowClientIncoming("tommy").
		AllowClientOutgoing(applicationSID, url.Values{"plan": {"gold"}}).
		SetRegion("ie1").
		SetTTL(time.Hour).
		ToJWT()
}

func mintWithTwilioGo(accountSID, apiKeySID, apiKeySecret, applicationSID string) (string, error) {
	token := twilio.CreateAccessToken(twilio.AccessTokenParams{
		AccountSid:    accountSID,
		SigningKeySid: apiKeySID,
		Secret:        apiKeySecret,
		Identity:      "tommy",
		Region:        "ie1",
		Ttl:           3600,
	})
	token.AddGrant(&twilio.VoiceGrant{
		Incoming: twilio.Incoming{Allow: true},
		Outgoing: twilio.Outgoing{
			ApplicationSid:    applicationSID,
			ApplicationParams: map[string]any{"plan": "gold"},
		},
	})
	return token.ToJwt()
}

// Both mint the same header and claims.
func TestComingFromTwilioGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var read [2]*jwt.Token
		for i, mint := range []func(accountSID, apiKeySID, apiKeySecret, applicationSID string) (string, error){mintAccessToken, mintWithTwilioGo} {
			token, err := mint("AC123", "SK123", "key_secret", "AP123123")
			require.NoError(t, err)
			_, err = capability.VerifyWithAPIKey(token, "AC123", "SK123", "key_secret")
			require.NoError(t, err)
			read[i], err = jwt.Parse(token, func(*jwt.Token) (any, error) { return []byte("key_secret"), nil })
			require.NoError(t, err)
			delete(read[i].Claims.(jwt.MapClaims), "nbf") // which not both write
		}
		assert.Equal(t, read[0].Header, read[1].Header)
		assert.Equal(t, read[0].Claims, read[1].Claims)
	})
}

// What coming-from.md says about twilio-go.
func TestTwilioGo(t *testing.T) {
	token := twilio.CreateAccessToken(twilio.AccessTokenParams{AccountSid: "AC123", SigningKeySid: "SK123", Secret: "key_secret", Identity: "tommy", Ttl: 600})
	token.AddGrant(&twilio.VoiceGrant{Outgoing: twilio.Outgoing{ApplicationSid: "AP1", ApplicationParams: map[string]any{"n": 1.5, "b": true, "z": nil}}})
	text, err := token.ToJwt()
	require.NoError(t, err)
	claims, err := capability.VerifyWithAPIKey(text, "AC123", "SK123", "key_secret")
	require.NoError(t, err)
	assert.Equal(t, time.Hour, claims.ExpiresAt.Sub(claims.NotBefore))
	_, params, _ := claims.Outgoing()
	assert.Equal(t, url.Values{"n": {"1.5"}, "b": {"true"}, "z": {"null"}}, params)
}

// encoding/json writes such a field as Scope.
func TestScopeWithoutATag(t *testing.T) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, struct {
		Scope string
		jwt.RegisteredClaims
	}{"scope:client:incoming?clientName=tommy", jwt.RegisteredClaims{Issuer: "AC123", ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute))}}).
		SignedString([]byte("secret"))
	require.NoError(t, err)
	_, err = capability.Verify(token, "AC123", "secret")
	assert.ErrorIs(t, err, capability.ErrInvalidScope)
}

func templateForOldNames(accountSID, authToken string) *capability.CapabilityToken {
	return capability.New(accountSID, authToken).AllowUnsafeClientNames()
}

func TestTemplateForOldNames(t *testing.T) {
	for _, name := range []string{"office-7", "+815012345678", "a@b.example"} {
		require.NoError(t, templateForOldNames("AC123", "secret").AllowClientIncoming(name).Err())
	}
	require.ErrorIs(t, templateForOldNames("AC123", "secret").AllowClientIncoming("a b").Err(), capability.ErrInvalidClientName)
}

// What was minted before and what is minted after grant the same.
func TestComingFrom(t *testing.T) {
	for name, mint := range map[string]func(accountSID, authToken, applicationSID string) (string, error){
		"capability":   mint,
		"twilioclient": mintWithTwilioclient,
		"golang-jwt":   mintWithGolangJWT,
		"go-jose":      mintWithGoJose,
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
