package main

import (
	"strings"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/inspect"
)

var credentialVars = []string{inspect.AccountSIDVar, inspect.AuthTokenVar, inspect.APIKeySIDVar, inspect.APIKeySecretVar}

// demo stands in for the environment.
var demo = inspect.Credentials{
	inspect.AccountSIDVar:   "ACXXXXXXXXXXXXXXX",
	inspect.AuthTokenVar:    "demo_auth_token_0",
	inspect.APIKeySIDVar:    "SKXXXXXXXXXXXXXXX",
	inspect.APIKeySecretVar: "demo_api_key_secret",
}

func (c cli) credentials(isDemo bool) inspect.Credentials {
	if isDemo {
		return demo
	}
	credentials := inspect.Credentials{}
	for _, name := range credentialVars {
		credentials[name] = c.getenv(name)
	}
	return credentials
}

// builder returns a builder of tokens of a kind.
func builder(kind string, c inspect.Credentials) *capability.CapabilityToken {
	if kind == inspect.AccessToken {
		return capability.NewWithAPIKey(c[inspect.AccountSIDVar], c[inspect.APIKeySIDVar], c[inspect.APIKeySecretVar])
	}
	return capability.New(c[inspect.AccountSIDVar], c[inspect.AuthTokenVar])
}

// findSecret returns the first variable whose secret isIn reports. If variables
// have changed places, it may be one that is for an SID.
func (c cli) findSecret(isIn func(secret string) bool) string {
	for _, name := range credentialVars {
		value := strings.Trim(strings.TrimSpace(c.getenv(name)), `"'`) // common mistakes around a secret
		hasPrefix := strings.HasPrefix(value, "AC") || strings.HasPrefix(value, "SK")
		isForSID := name == inspect.AccountSIDVar || name == inspect.APIKeySIDVar
		isSID := hasPrefix && (isForSID || len(value) == 34)
		if len(value) >= minSecretLen && !isSID && isIn(value) {
			return name
		}
	}
	return ""
}

// minSecretLen keeps a short value, as in an example, from hiding what contains it
// by chance.
const minSecretLen = 16
