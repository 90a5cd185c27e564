package capabilitytest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/seed-6c737938/capability/internal/rule"
)

// credentials are those of the one account that a server knows.
type credentials struct {
	accountSID, authToken, applicationSID string
	apiKeySID, apiKeySecret               string
}

// madeUp returns credentials in the form of Twilio's.
func madeUp() credentials {
	return credentials{
		accountSID: "AC" + random(), authToken: random(), applicationSID: "AP" + random(),
		apiKeySID: "SK" + random(), apiKeySecret: random(),
	}
}

func random() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// A variable is an environment variable, as Twilio's quickstarts and command line name
// it, and what its value may be.
type variable struct {
	name  string
	value *string
	check func(value string) (wrong string)
}

func (c *credentials) variables() []variable {
	sid := func(prefix string) func(string) string {
		return func(value string) string { return rule.SID(prefix, value) }
	}
	return []variable{
		{"TWILIO_ACCOUNT_SID", &c.accountSID, sid("AC")},
		{"TWILIO_AUTH_TOKEN", &c.authToken, rule.Secret},
		{"TWILIO_TWIML_APP_SID", &c.applicationSID, sid("AP")},
		{"TWILIO_API_KEY", &c.apiKeySID, sid("SK")},
		{"TWILIO_API_SECRET", &c.apiKeySecret, rule.Secret},
	}
}

// read takes the variables that are set, and reports what is wrong with them. No value
// is shown: two may have changed places.
func (c *credentials) read(env func(string) string) error {
	var errs []error
	for _, v := range c.variables() {
		value := env(v.name)
		if value == "" {
			continue
		}
		if wrong := v.check(value); wrong != "" {
			errs = append(errs, fmt.Errorf("%s: %s", v.name, wrong))
		}
		*v.value = value
	}
	return errors.Join(errs...)
}
