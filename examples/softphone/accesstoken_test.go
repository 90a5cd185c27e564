package main

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func TestVerifyAccessToken(t *testing.T) {
	many := url.Values{"a": {"1", "2"}, "b": {"&="}}
	tests := map[string]struct {
		token *capability.CapabilityToken
		want  grants
	}{
		"incoming": {newAccessToken().AllowClientIncoming("tommy"), grants{incoming: true, params: url.Values{}}},
		"outgoing": {newAccessToken().SetClientName("tommy").AllowClientOutgoing(applicationSID), grants{outgoing: true, params: url.Values{}}},
		"both":     {allowBoth(newAccessToken(), "tommy"), grants{incoming: true, outgoing: true, params: url.Values{}}},
		"params":   {newAccessToken().SetClientName("tommy").AllowClientOutgoing(applicationSID, many), grants{outgoing: true, params: many}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := time.Now().Truncate(time.Second)
			token := mint(t, test.token.SetTTL(time.Minute))
			assert.True(t, isAccessToken(token))
			granted, err := verifyAccessToken(token, testAccount)
			require.NoError(t, err)
			assert.WithinRange(t, granted.expiresAt, before.Add(time.Minute), time.Now().Add(time.Minute))
			test.want.clientName, test.want.expiresAt = "tommy", granted.expiresAt
			assert.Equal(t, &test.want, granted)
		})
	}
	assert.False(t, isAccessToken(mint(t, both("tommy"))))
	assert.False(t, isAccessToken("hello"))
}
