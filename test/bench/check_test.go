package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkCapabilities requires a capability token without parameters.
func checkCapabilities(tb testing.TB, token string) {
	tb.Helper()
	checkParams(tb, token, nil)
}

// checkParams requires the four claims of a capability token, its scopes in any
// order, and params as the signed parameters.
func checkParams(tb testing.TB, token string, params url.Values) {
	tb.Helper()
	outgoing := url.Values{"appSid": {applicationSID}, "clientName": {clientName}}
	if len(params) > 0 {
		outgoing.Set("appParams", params.Encode())
	}
	claims := decode(tb, token)
	checkLifetime(tb, claims)
	scope, _ := claims["scope"].(string)
	assert.ElementsMatch(tb, []string{
		"scope:client:incoming?clientName=" + clientName,
		"scope:client:outgoing?" + outgoing.Encode(),
	}, strings.Split(scope, " "))
	assert.Equal(tb, accountSID, claims["iss"])
	assert.Len(tb, claims, 4)
}

// checkTwilio requires the claims of Twilio's Access Token instead.
func checkTwilio(tb testing.TB, token string) {
	tb.Helper()
	claims := decode(tb, token)
	checkLifetime(tb, claims)
	assert.Equal(tb, map[string]any{
		"identity": clientName,
		"voice": map[string]any{
			"incoming": map[string]any{"allow": true},
			"outgoing": map[string]any{"application_sid": applicationSID},
		},
	}, claims["grants"])
	assert.Equal(tb, apiKeySID, claims["iss"])
	assert.Equal(tb, accountSID, claims["sub"])
}

// checkLiveKit requires the claims of LiveKit's access token instead.
func checkLiveKit(tb testing.TB, token string) {
	tb.Helper()
	claims := decode(tb, token)
	checkLifetime(tb, claims)
	assert.Equal(tb, map[string]any{"roomJoin": true, "room": applicationSID}, claims["video"])
	assert.Equal(tb, clientName, claims["identity"])
	assert.Equal(tb, clientName, claims["sub"])
	assert.Equal(tb, apiKeySID, claims["iss"])
}

func checkLifetime(tb testing.TB, claims map[string]any) {
	tb.Helper()
	exp, _ := claims["exp"].(float64)
	nbf, _ := claims["nbf"].(float64)
	assert.InDelta(tb, time.Now().Unix(), nbf, 60)
	assert.Equal(tb, ttl.Seconds(), exp-nbf)
}

// decode decodes a token without any of the contestants' code, and requires a
// valid signature.
func decode(tb testing.TB, token string) map[string]any {
	tb.Helper()
	parts := strings.Split(token, ".")
	require.Len(tb, parts, 3)
	mac := hmac.New(sha256.New, []byte(authToken))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	require.Equal(tb, mac.Sum(nil), decodePart(tb, parts[2]), "signature")

	var header, claims map[string]any
	require.NoError(tb, json.Unmarshal(decodePart(tb, parts[0]), &header))
	assert.Equal(tb, "HS256", header["alg"])
	assert.Equal(tb, "JWT", header["typ"])
	require.NoError(tb, json.Unmarshal(decodePart(tb, parts[1]), &claims))
	return claims
}

func decodePart(tb testing.TB, part string) []byte {
	tb.Helper()
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
	require.NoError(tb, err)
	return decoded
}
