package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seed-6c737938/capability"
)

const (
	accountSIDVar   = "TWILIO_ACCOUNT_SID"
	authTokenVar    = "TWILIO_AUTH_TOKEN"
	apiKeySIDVar    = "TWILIO_API_KEY_SID"
	apiKeySecretVar = "TWILIO_API_KEY_SECRET"
)

// demo stands in for the environment.
var demo = map[string]string{
	accountSIDVar:   "ACXXXXXXXXXXXXXXX",
	authTokenVar:    "secret",
	apiKeySIDVar:    "SKXXXXXXXXXXXXXXX",
	apiKeySecretVar: "api_key_secret",
}

// credentials are what a kind of token is signed with and checked against: the
// account's auth token, or the secret of an API key.
type credentials struct {
	kind                          *tokenKind
	accountSID, apiKeySID, secret string
}

// credentials names the variables that would have to be set first.
func (c cli) credentials(kind *tokenKind, isDemo bool) (creds credentials, missing string) {
	if isDemo {
		c.getenv = func(name string) string { return demo[name] }
	}
	var unset []string
	get := func(name string) string {
		value := c.getenv(name)
		if value == "" {
			unset = append(unset, name)
		}
		return value
	}
	creds = credentials{kind: kind, accountSID: get(accountSIDVar)}
	if kind == accessToken {
		creds.apiKeySID, creds.secret = get(apiKeySIDVar), get(apiKeySecretVar)
	} else {
		creds.secret = get(authTokenVar)
	}
	return creds, strings.Join(unset, " and ")
}

// builder returns a builder of tokens of the kind.
func (creds credentials) builder() *capability.CapabilityToken {
	if creds.kind == accessToken {
		return capability.NewWithAPIKey(creds.accountSID, creds.apiKeySID, creds.secret)
	}
	return capability.New(creds.accountSID, creds.secret)
}

// secretIn returns the variable of which the text holds the secret, or "". If a
// SID stands for a secret, the two have changed places.
func (c cli) secretIn(text string) string {
	value := func(name string) string { return strings.TrimSpace(c.getenv(name)) }
	names := []string{authTokenVar, apiKeySecretVar}
	if slices.ContainsFunc(names, func(name string) bool { return liveSID.MatchString(value(name)) }) {
		names = append(names, accountSIDVar, apiKeySIDVar)
	}
	for _, name := range names {
		if v := value(name); v != "" && !liveSID.MatchString(v) && strings.Contains(text, v) {
			return name
		}
	}
	return ""
}

// liveSID is longer than a secret is.
var liveSID = regexp.MustCompile(`^(AC|SK)[[:xdigit:]]{32}$`)
