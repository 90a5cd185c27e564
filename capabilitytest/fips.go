package capabilitytest

import (
	"crypto/sha1"
	"errors"
)

// checkFIPS reports that the stand-in cannot do without SHA-1, which Go refuses with
// GODEBUG=fips140=only.
func checkFIPS() (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("GODEBUG=fips140=only forbids SHA-1, which the X-Twilio-Signature and a WebSocket need: use fips140=on")
		}
	}()
	sha1.Sum(nil)
	return nil
}
