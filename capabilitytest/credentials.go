package capabilitytest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-6c737938/capability"
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

// names are those that Twilio's quickstarts and command line use.
func (c *credentials) names() map[string]*string {
	return map[string]*string{
		"TWILIO_ACCOUNT_SID":   &c.accountSID,
		"TWILIO_AUTH_TOKEN":    &c.authToken,
		"TWILIO_TWIML_APP_SID": &c.applicationSID,
		"TWILIO_API_KEY":       &c.apiKeySID,
		"TWILIO_API_SECRET":    &c.apiKeySecret,
	}
}

// read takes the variables that are set.
func (c *credentials) read(env func(string) string) {
	for name, value := range c.names() {
		if set := env(name); set != "" {
			*value = set
		}
	}
}

// check reports what a builder would refuse, with the names of the variables, so
// that a program learns it when it starts rather than when it mints its first token.
func (c *credentials) check() error {
	var errs []error
	for name, value := range c.names() {
		other := madeUp()
		*other.names()[name] = *value // is the only one that can be wrong
		if err := other.build(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// build returns the first error of a builder of either kind of token.
func (c *credentials) build() error {
	if err := capability.New(c.accountSID, c.authToken).AllowClientOutgoing(c.applicationSID).Err(); err != nil {
		return err
	}
	return capability.NewWithAPIKey(c.accountSID, c.apiKeySID, c.apiKeySecret).Err()
}
