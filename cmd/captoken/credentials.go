package main

import (
	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/inspect"
)

var credentialVars = []string{inspect.AccountSIDVar, inspect.AuthTokenVar, inspect.APIKeySIDVar, inspect.APIKeySecretVar}

// demo stands in for the environment.
var demo = inspect.Credentials{
	inspect.AccountSIDVar:   "ACdemo",
	inspect.AuthTokenVar:    "demo_auth_token_0",
	inspect.APIKeySIDVar:    "SKdemo",
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
