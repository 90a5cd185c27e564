package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"net/url"
	"testing"
	"time"

	cristalhq "github.com/cristalhq/jwt/v4"
	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	kataras "github.com/kataras/jwt"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	livekit "github.com/livekit/protocol/auth"
	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/client/jwt"

	"github.com/seed-6c737938/capability"
)

const (
	accountSID     = "AC0123456789abcdef0123456789abcdef"
	authToken      = "0123456789abcdef0123456789abcdef"
	applicationSID = "AP0123456789abcdef0123456789abcdef"
	apiKeySID      = "SK0123456789abcdef0123456789abcdef"
	clientName     = "tommy"
	ttl            = time.Hour
)

// key saves the general libraries a conversion per token.
var key = []byte(authToken)

// A minter mints one token.
type minter func() (string, error)

// A contestant prepares what its library lets a backend keep from one request to
// the next, and returns what remains to be done for each.
type contestant struct {
	name    string
	prepare func(testing.TB) minter
	check   func(testing.TB, string)
}

// accessContestants mint an Access Token for the same device.
var accessContestants = []contestant{
	{byClone, prepareAccessClone, checkTwilio},
	{fromNew, prepareAccessNew, checkTwilio},
	{golangJWT, prepareAccessGolangJWT, checkTwilio},
	{golangJWTMaps, prepareAccessGolangJWTMaps, checkTwilio},
}

var contestants = []contestant{
	{byClone, prepareClone, checkCapabilities},
	{fromNew, prepareNew, checkCapabilities},
	{golangJWT, prepareGolangJWT, checkCapabilities},
	{golangJWTMaps, prepareGolangJWTMap, checkCapabilities},
	{cristalhqOnce, prepareCristalhq, checkCapabilities},
	{cristalhqFresh, prepareCristalhqFresh, checkCapabilities},
	{"kataras", prepareKataras, checkCapabilities},
	{"go-jose", prepareGoJose, checkCapabilities},
	{"jwx", prepareJWX, checkCapabilities},
	{"twilio-go AccessToken", prepareTwilio, checkTwilio},
	{"livekit AccessToken", prepareLiveKit, checkLiveKit},
	{floorKeyed, prepareFloorKeyed, checkCapabilities},
	{floorFresh, prepareFloorFresh, checkCapabilities},
}

func prepareNew(testing.TB) minter {
	return func() (string, error) {
		return capability.New(accountSID, authToken).
			AllowClientIncoming(clientName).
			AllowClientOutgoing(applicationSID).
			SetTTL(ttl).
			ToJWT()
	}
}

func prepareClone(tb testing.TB) minter {
	template := capability.New(accountSID, authToken).
		AllowClientOutgoing(applicationSID).
		SetTTL(ttl)
	require.NoError(tb, template.Err())
	return func() (string, error) {
		return template.Clone().AllowClientIncoming(clientName).ToJWT()
	}
}

// scope is the cheapest way that is still safe: the application SID never needs
// escaping, but the client name may.
func scope() string {
	name := url.QueryEscape(clientName)
	return "scope:client:incoming?clientName=" + name +
		" scope:client:outgoing?appSid=" + applicationSID + "&clientName=" + name
}

// claims is what a programmer would pass to a library that signs any struct.
type claims struct {
	Scope     string `json:"scope"`
	Issuer    string `json:"iss"`
	ExpiresAt int64  `json:"exp"`
	NotBefore int64  `json:"nbf"`
}

func newClaims() claims {
	now := time.Now()
	return claims{scope(), accountSID, now.Add(ttl).Unix(), now.Unix()}
}

func prepareGolangJWT(testing.TB) minter {
	type claims struct {
		Scope string `json:"scope"`
		jwt.RegisteredClaims
	}
	return func() (string, error) {
		now := time.Now()
		return jwt.NewWithClaims(jwt.SigningMethodHS256, claims{scope(), jwt.RegisteredClaims{
			Issuer:    accountSID,
			ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
			NotBefore: jwt.NewNumericDate(now),
		}}).SignedString(key)
	}
}

func prepareGolangJWTMap(testing.TB) minter {
	return func() (string, error) {
		now := time.Now()
		return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"scope": scope(),
			"iss":   accountSID,
			"exp":   now.Add(ttl).Unix(),
			"nbf":   now.Unix(),
		}).SignedString(key)
	}
}

func prepareCristalhq(tb testing.TB) minter {
	signer, err := cristalhq.NewSignerHS(cristalhq.HS256, key)
	require.NoError(tb, err)
	builder := cristalhq.NewBuilder(signer)
	return func() (string, error) { return buildCristalhq(builder) }
}

// A backend with several accounts keys a signer for each token, as New does.
func prepareCristalhqFresh(testing.TB) minter {
	return func() (string, error) {
		signer, err := cristalhq.NewSignerHS(cristalhq.HS256, key)
		if err != nil {
			return "", err
		}
		return buildCristalhq(cristalhq.NewBuilder(signer))
	}
}

func buildCristalhq(builder *cristalhq.Builder) (string, error) {
	token, err := builder.Build(newClaims())
	if err != nil {
		return "", err
	}
	return token.String(), nil
}

func prepareKataras(testing.TB) minter {
	return func() (string, error) {
		token, err := kataras.Sign(kataras.HS256, key, newClaims())
		return string(token), err
	}
}

// The library's jwt package decodes the struct into a map and encodes that again,
// which takes more than twice as long.
func prepareGoJose(tb testing.TB) minter {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.HS256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT"))
	require.NoError(tb, err)
	return func() (string, error) {
		payload, err := json.Marshal(newClaims())
		if err != nil {
			return "", err
		}
		signed, err := signer.Sign(payload)
		if err != nil {
			return "", err
		}
		return signed.CompactSerialize()
	}
}

// The library's own documentation says to sign a plain struct for speed.
func prepareJWX(tb testing.TB) minter {
	headers := jws.NewHeaders()
	require.NoError(tb, headers.Set("typ", "JWT"))
	signWith := jws.WithKey(jwa.HS256(), key, jws.WithProtectedHeaders(headers))
	return func() (string, error) {
		payload, err := json.Marshal(newClaims())
		if err != nil {
			return "", err
		}
		signed, err := jws.Sign(payload, signWith)
		return string(signed), err
	}
}

func prepareTwilio(testing.TB) minter {
	voice := &twilio.VoiceGrant{
		Incoming: twilio.Incoming{Allow: true},
		Outgoing: twilio.Outgoing{ApplicationSid: applicationSID},
	}
	return func() (string, error) {
		token := twilio.CreateAccessToken(twilio.AccessTokenParams{
			AccountSid:    accountSID,
			SigningKeySid: apiKeySID,
			Secret:        authToken,
			Identity:      clientName,
			Ttl:           ttl.Seconds(),
			Grants:        []twilio.BaseGrant{voice},
		})
		return token.ToJwt()
	}
}

func prepareLiveKit(testing.TB) minter {
	video := &livekit.VideoGrant{RoomJoin: true, Room: applicationSID}
	return func() (string, error) {
		return livekit.NewAccessToken(apiKeySID, authToken).
			SetIdentity(clientName).
			SetVideoGrant(video).
			SetValidFor(ttl).
			ToJWT()
	}
}

func prepareFloorKeyed(testing.TB) minter {
	mac := hmac.New(sha256.New, key)
	return prepareFloor(func() hash.Hash {
		mac.Reset()
		return mac
	})
}

func prepareFloorFresh(testing.TB) minter {
	return prepareFloor(func() hash.Hash { return hmac.New(sha256.New, key) })
}

// prepareFloor only signs: the claims are written once, and the buffers are
// reused.
func prepareFloor(newMAC func() hash.Hash) minter {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "."
	now := time.Now()
	claims := fmt.Appendf(nil, `{"scope":"%s","iss":"%s","exp":%d,"nbf":%d}`,
		scope(), accountSID, now.Add(ttl).Unix(), now.Unix())
	var token, sum []byte
	return func() (string, error) {
		mac := newMAC()
		token = append(token[:0], header...)
		token = base64.RawURLEncoding.AppendEncode(token, claims)
		mac.Write(token)
		sum = mac.Sum(sum[:0])
		token = append(token, '.')
		token = base64.RawURLEncoding.AppendEncode(token, sum)
		return string(token), nil
	}
}
