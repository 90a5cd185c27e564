package capabilitytest

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability"
)

// grants are what a token of either kind lets a device do.
type grants struct {
	clientName         string // "" if the device has none
	incoming, outgoing bool
	applicationSID     string     // of outgoing
	params             url.Values // signed, for an outgoing call
	expiresAt          time.Time
}

// incomingName returns the client name under which the device may be rung.
func (g *grants) incomingName() string {
	if !g.incoming {
		return ""
	}
	return g.clientName
}

// verify returns what a token of either kind grants.
func (c *credentials) verify(token string) (*grants, error) {
	if isAccessToken(token) {
		return c.verifyAccessToken(token)
	}
	claims, err := capability.Verify(token, c.accountSID, c.authToken)
	if err != nil {
		return nil, err
	}
	_, incoming := claims.Incoming()
	applicationSID, params, outgoing := claims.Outgoing()
	return &grants{
		clientName:     claims.ClientName(),
		incoming:       incoming,
		outgoing:       outgoing,
		applicationSID: applicationSID,
		params:         params,
		expiresAt:      claims.ExpiresAt,
	}, nil
}

// accessClaims are the claims of an Access Token, as far as voice goes.
type accessClaims struct {
	jwt.RegisteredClaims
	Grants struct {
		Identity string `json:"identity"`
		Voice    struct {
			Incoming struct {
				Allow bool `json:"allow"`
			} `json:"incoming"`
			Outgoing struct {
				ApplicationSID string                      `json:"application_sid"`
				Params         map[string]jwt.ClaimStrings `json:"params"` // one text, or several
			} `json:"outgoing"`
		} `json:"voice"`
	} `json:"grants"`
}

// isAccessToken reports whether a token says that it is one: no capability
// token has a cty.
func isAccessToken(token string) bool {
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		return false
	}
	_, ok := parsed.Header["cty"]
	return ok
}

// verifyAccessToken checks an Access Token of the account as capability.Verify
// checks a capability token.
func (c *credentials) verifyAccessToken(token string) (*grants, error) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(), jwt.WithIssuer(c.apiKeySID), jwt.WithSubject(c.accountSID))
	var claims accessClaims
	_, err := parser.ParseWithClaims(token, &claims, func(token *jwt.Token) (any, error) {
		if cty := token.Header["cty"]; cty != "twilio-fpa;v=1" {
			return nil, fmt.Errorf("the cty of an Access Token is twilio-fpa;v=1, not %q", cty)
		}
		return []byte(c.apiKeySecret), nil
	})
	if err != nil {
		return nil, err
	}
	expiresAt := claims.ExpiresAt.Time
	if time.Until(expiresAt) > capability.MaxTTL {
		return nil, fmt.Errorf("%w: it expires at %s, over %v from now", capability.ErrInvalidTTL, expiresAt, capability.MaxTTL)
	}
	if claims.Grants.Identity == "" {
		return nil, errors.New("an Access Token for voice needs an identity")
	}
	voice := claims.Grants.Voice
	params := url.Values{}
	for name, values := range voice.Outgoing.Params {
		params[name] = values
	}
	return &grants{
		clientName:     claims.Grants.Identity,
		incoming:       voice.Incoming.Allow,
		outgoing:       voice.Outgoing.ApplicationSID != "",
		applicationSID: voice.Outgoing.ApplicationSID,
		params:         params,
		expiresAt:      expiresAt,
	}, nil
}

// tokenFault returns the fault Twilio documents for a token that was refused.
func (c *credentials) tokenFault(token string, err error) *fault {
	// Twilio has many accounts, and has to look up whose key it needs before it
	// can check a signature.
	accountSID, parseErr := unverifiedAccountSID(token)
	switch {
	case parseErr == nil && accountSID != c.accountSID:
		return faultAccount
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return faultSignature
	case errors.Is(err, jwt.ErrTokenExpired):
		return faultExpired
	case errors.Is(err, capability.ErrInvalidTTL):
		return faultLifetime
	default:
		return faultInvalid
	}
}

// unverifiedAccountSID returns the account that a token says it belongs to.
func unverifiedAccountSID(token string) (string, error) {
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		return "", err
	}
	if isAccessToken(token) {
		return claims.Subject, nil
	}
	return claims.Issuer, nil
}
