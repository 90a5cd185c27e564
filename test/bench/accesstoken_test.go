package main

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/client/jwt"

	"github.com/seed-6c737938/capability"
)

const apiKeySecret = "fedcba9876543210fedcba9876543210"

// Twilio's Go library reads this module's Access Tokens. The test is here because
// only this module depends on that library.
func TestTwilioGoReadsOurAccessTokens(t *testing.T) {
	params := url.Values{"To": {"+15551234567"}, "é &": {"<b>", "a"}}
	incoming := twilio.Incoming{Allow: true}
	outgoing := twilio.Outgoing{ApplicationSid: applicationSID}
	outgoingParams := twilio.Outgoing{
		ApplicationSid:    applicationSID,
		ApplicationParams: map[string]any{"To": "+15551234567", "é &": []any{"<b>", "a"}},
	}
	tests := []struct {
		name  string
		grant func(*capability.CapabilityToken)
		ttl   time.Duration
		want  twilio.VoiceGrant
	}{
		{
			"incoming",
			func(t *capability.CapabilityToken) { t.AllowClientIncoming(clientName) },
			time.Hour,
			twilio.VoiceGrant{Incoming: incoming},
		},
		{
			"outgoing",
			func(t *capability.CapabilityToken) { t.AllowClientOutgoing(applicationSID).SetClientName(clientName) },
			capability.MaxTTL,
			twilio.VoiceGrant{Outgoing: outgoing},
		},
		{
			"both, with params",
			func(t *capability.CapabilityToken) {
				t.AllowClientOutgoing(applicationSID, params).AllowClientIncoming(clientName)
			},
			time.Hour,
			twilio.VoiceGrant{Incoming: incoming, Outgoing: outgoingParams},
		},
		{
			"a lifetime that twilio-go would raise to an hour",
			func(t *capability.CapabilityToken) { t.AllowClientIncoming(clientName) },
			5 * time.Second,
			twilio.VoiceGrant{Incoming: incoming},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				builder := capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).SetTTL(test.ttl)
				test.grant(builder)
				token, err := builder.ToJWT()
				require.NoError(t, err)

				reader := new(twilio.AccessToken)
				read, err := reader.FromJwt(token, apiKeySecret)
				require.NoError(t, err)
				assert.Equal(t, clientName, read.Identity)
				assert.Equal(t, []twilio.BaseGrant{&test.want}, read.Grants)
				assert.Equal(t, apiKeySID, read.SigningKeySid)
				assert.Equal(t, accountSID, read.AccountSid)
				assert.Nil(t, read.Region)
				now := time.Now()
				assert.EqualValues(t, now.Unix(), read.Payload()["nbf"])
				assert.EqualValues(t, now.Add(test.ttl).Unix(), read.Payload()["exp"])

				_, err = reader.FromJwt(token, authToken)
				assert.Error(t, err, "with another secret")
				time.Sleep(test.ttl - 1)
				_, err = reader.FromJwt(token, apiKeySecret)
				assert.NoError(t, err, "until its end")
				time.Sleep(time.Nanosecond)
				_, err = reader.FromJwt(token, apiKeySecret)
				assert.Error(t, err, "after its end")
			})
		})
	}
}

func newTemplate(tb testing.TB, token *capability.CapabilityToken) *capability.CapabilityToken {
	template := token.AllowClientOutgoing(applicationSID).SetTTL(ttl)
	require.NoError(tb, template.Err())
	return template
}

func prepareAccessClone(tb testing.TB) minter {
	template := newTemplate(tb, capability.NewWithAPIKey(accountSID, apiKeySID, authToken))
	return func() (string, error) { return template.Clone().AllowClientIncoming(clientName).ToJWT() }
}

func prepareAccessNew(testing.TB) minter {
	return func() (string, error) {
		return capability.NewWithAPIKey(accountSID, apiKeySID, authToken).
			AllowClientIncoming(clientName).
			AllowClientOutgoing(applicationSID).
			SetTTL(ttl).
			ToJWT()
	}
}

// signAccess signs the claims with the header of an Access Token.
func signAccess(claims jwt.Claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["cty"] = "twilio-fpa;v=1"
	return token.SignedString(key)
}

// accessClaims are what a programmer would write for golang-jwt.
type (
	accessClaims struct {
		Grants accessGrants `json:"grants"`
		jwt.RegisteredClaims
	}
	accessGrants struct {
		Voice    voiceGrant `json:"voice"`
		Identity string     `json:"identity"`
	}
	voiceGrant struct {
		Incoming incomingGrant `json:"incoming"`
		Outgoing outgoingGrant `json:"outgoing"`
	}
	incomingGrant struct {
		Allow bool `json:"allow"`
	}
	outgoingGrant struct {
		ApplicationSID string `json:"application_sid"`
	}
)

func prepareAccessGolangJWT(testing.TB) minter {
	grants := accessGrants{voiceGrant{incomingGrant{true}, outgoingGrant{applicationSID}}, clientName}
	return func() (string, error) {
		now := time.Now()
		return signAccess(accessClaims{grants, jwt.RegisteredClaims{
			ID:        fmt.Sprintf("%s-%d", apiKeySID, now.Unix()),
			Issuer:    apiKeySID,
			ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
			NotBefore: jwt.NewNumericDate(now),
			Subject:   accountSID,
		}})
	}
}

func prepareAccessGolangJWTMaps(testing.TB) minter {
	return func() (string, error) {
		now := time.Now()
		return signAccess(jwt.MapClaims{
			"jti": fmt.Sprintf("%s-%d", apiKeySID, now.Unix()),
			"grants": map[string]any{
				"identity": clientName,
				"voice": map[string]any{
					"incoming": map[string]any{"allow": true},
					"outgoing": map[string]any{"application_sid": applicationSID},
				},
			},
			"iss": apiKeySID,
			"exp": now.Add(ttl).Unix(),
			"nbf": now.Unix(),
			"sub": accountSID,
		})
	}
}
