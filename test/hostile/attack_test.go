package hostile

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

// An attack is a token that must be refused.
type attack struct {
	name, source, token string
	want                error
}

// A part is a header or claims that must be refused even if well signed.
type part struct {
	name, source, text string
	want               error
}

// A control is a token that must be accepted. Controls show that the helpers
// here can build good tokens, and how Verify reads tokens at the edge of the
// rules.
type control struct {
	name, source, token string
	want                *capability.Claims
}

func attacks(t *testing.T) []attack {
	all := slices.Concat(badTokens(), otherAlgorithms(t), keys(t), encodings(), oversized(), []attack{
		// Verify checks the signature before anything else, so three forged tokens are enough.
		{"forged", "RFC 8725 section 3.3", forged(header, claims), jwt.ErrTokenSignatureInvalid},
		{"forged header", "RFC 8725 section 3.10", forged(object(alg, `"kid":"../../../../dev/null"`), claims), jwt.ErrTokenSignatureInvalid},
		{"forged claims", "CVE-2024-51744", forged(header, object(iss, scope, `"exp":1`)), jwt.ErrTokenSignatureInvalid},
	})
	for _, h := range headers() {
		all = append(all, attack{"header: " + h.name, h.source, signed(h.text, claims), h.want})
	}
	for _, c := range badClaims() {
		all = append(all, attack{"claims: " + c.name, c.source, signed(header, c.text), c.want})
	}
	return all
}

func TestAttacks(t *testing.T) {
	for _, a := range attacks(t) {
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { assertRefused(t, a) })
		})
	}
}

func assertRefused(t *testing.T, a attack) {
	t.Helper()
	got, err := capability.Verify(a.token, accountSID, authToken)
	require.ErrorIs(t, err, a.want, a.source)
	assert.Nil(t, got)
	if !isAboutClaims(a.want) {
		// A caller that tests for one error, such as expiry, must not mistake it for the only one (CVE-2024-51744).
		assert.False(t, isAboutClaims(err), "%v", err)
	}
	assert.True(t, strings.HasPrefix(err.Error(), "capability: "), "%.100s", err)
	// The error may quote a service and a privilege, 500 bytes of each; escaping makes them up to four times as long.
	assert.Less(t, len(err.Error()), 5000, "%.100s", err)
	assert.False(t, strings.Contains(err.Error(), authToken), "the error contains the auth token")
	// Whoever knows the correct signature can forge this token (CVE-2019-7644).
	text, _ := split(a.token)
	assert.False(t, strings.Contains(err.Error(), encode(sum(authToken, text))), "the error contains a valid signature")
}

func isAboutClaims(err error) bool {
	return slices.ContainsFunc([]error{
		jwt.ErrTokenInvalidClaims, jwt.ErrTokenRequiredClaimMissing, jwt.ErrInvalidType, jwt.ErrTokenExpired,
		jwt.ErrTokenNotValidYet, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience,
		capability.ErrInvalidTTL, capability.ErrInvalidScope,
	}, func(target error) bool { return errors.Is(err, target) })
}

func TestControls(t *testing.T) {
	for _, c := range controls {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := capability.Verify(c.token, accountSID, authToken)
				require.NoError(t, err, c.source)
				assert.Equal(t, c.want, got)
			})
		})
	}
}

// An empty key must not verify a token that was signed with it: RFC 8725
// section 3.5, CVE-2019-20933.
func TestNoKey(t *testing.T) {
	for _, authTokens := range [][]string{nil, {""}, {"", authToken}, {authToken, ""}} {
		got, err := capability.Verify(signedWith("", header, claims), accountSID, authTokens...)
		assert.ErrorIs(t, err, capability.ErrInvalidAuthToken)
		assert.Nil(t, got)
	}
}

// No error contains the auth token, even if the token contains it as a number.
func TestNumberThatIsTheAuthToken(t *testing.T) {
	const digits = "1000000000000000000"
	for claims, want := range map[string]error{
		object(iss, exp, scope, `"a":`+digits+"e999"): jwt.ErrTokenMalformed,
		object(iss, scope, `"exp":`+digits):           jwt.ErrTokenInvalidClaims,
	} {
		_, err := capability.Verify(signedWith(digits, header, claims), accountSID, digits)
		require.ErrorIs(t, err, want)
		assert.NotContains(t, err.Error(), digits)
		assert.NotContains(t, err.Error(), "1e+18")
	}
}

// A token of another kind, signed with either secret: RFC 8725 section 2.8.
func TestAccessToken(t *testing.T) {
	for _, key := range []string{apiKeySecret, authToken} {
		token, err := capability.NewWithAPIKey(accountSID, apiKeySID, key).AllowClientIncoming("tommy").ToJWT()
		require.NoError(t, err)
		assertRefused(t, attack{"", "RFC 8725 section 2.8", token, jwt.ErrTokenUnverifiable})
		if key != authToken {
			_, err = capability.Verify(token, accountSID, authToken)
			assert.ErrorContains(t, err, "it is an Access Token")
		}
	}
}

// A copy of a token is useless "on or after" its exp: RFC 7519 section 4.1.4.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(60*time.Second - 1)
		_, err := capability.Verify(good, accountSID, authToken)
		require.NoError(t, err)
		for _, later := range []time.Duration{1, time.Second, 24 * time.Hour, 50 * 365 * 24 * time.Hour} {
			time.Sleep(later)
			assertRefused(t, attack{"", "RFC 7519 section 4.1.4", good, jwt.ErrTokenExpired})
		}
		_, signature := split(good)
		longer := encode(header) + "." + encode(object(iss, `"exp":2524608000`, scope)) + "." + signature
		assertRefused(t, attack{"", "RFC 8725 section 2.1", longer, jwt.ErrTokenSignatureInvalid})
	})
}
