package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability"
)

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
// checks a capability token, and returns what it grants.
func verifyAccessToken(token string, acct account) (*grants, error) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(), jwt.WithIssuer(acct.apiKeySID), jwt.WithSubject(acct.sid))
	var claims accessClaims
	_, err := parser.ParseWithClaims(token, &claims, func(token *jwt.Token) (any, error) {
		if cty := token.Header["cty"]; cty != "twilio-fpa;v=1" {
			return nil, fmt.Errorf("the cty of an Access Token is twilio-fpa;v=1, not %q", cty)
		}
		return []byte(acct.apiKeySecret), nil
	})
	if err != nil {
		return nil, err
	}
	expiresAt := claims.ExpiresAt.Time
	if time.Until(expiresAt) > capability.MaxTTL {
		return nil, fmt.Errorf("%w: it expires at %s, over %v from now", capability.ErrInvalidTTL, expiresAt, capability.MaxTTL)
	}
	if claims.Grants.Identity == "" {
		return nil, errors.New("an Access Token for voice names its client, as identity")
	}
	voice := claims.Grants.Voice
	params := url.Values{}
	for name, values := range voice.Outgoing.Params {
		params[name] = values
	}
	return &grants{
		clientName: claims.Grants.Identity,
		incoming:   voice.Incoming.Allow,
		outgoing:   voice.Outgoing.ApplicationSID != "",
		params:     params,
		expiresAt:  expiresAt,
	}, nil
}
