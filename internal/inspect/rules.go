package inspect

import (
	"cmp"

	"github.com/seed-6c737938/capability/internal/rule"
	"github.com/seed-6c737938/capability/internal/twilioerror"
)

// rules are what differs between capability tokens and Access Tokens: the
// errors that Twilio documents for the same mistakes, above all.
type rules struct {
	secret      string
	longestName int

	malformed, header, issuer, grants, signature int
	expiry, expired, notBefore, tooLong          int
	longName                                     int
	untrimmed                                    int // signed with something around the secret

	// voice is what Twilio's voice side calls a mistake, elsewhere what its other
	// services do.
	voice     map[int]int
	elsewhere map[int][]int
}

// sdk2 returns what a page with SDK 2.x sees in place of a code, 0 if it sees the
// code.
func (r *rules) sdk2(code int) int {
	e, _ := twilioerror.Lookup(cmp.Or(r.voice[code], code))
	return e.SDK2
}

var (
	capabilityRules = &rules{
		secret:      "auth token",
		longestName: rule.LongestClientName,
		malformed:   31204, header: 31204, issuer: 31203, grants: 31204, signature: 31202,
		expiry: 31204, expired: 31205, notBefore: 31204, tooLong: 31207,
		longName: badName, untrimmed: 31204,
	}
	accessRules = &rules{
		secret:      "API key secret",
		longestName: rule.LongestIdentity,
		malformed:   20101, header: 20102, issuer: 20103, grants: 20106, signature: 20107,
		expiry: 20104, expired: 20104, notBefore: 20105, tooLong: 20157,
		longName: 51003, untrimmed: 20107,
		voice: map[int]int{20102: 31204, 20103: 31203, 20105: 31204, 20106: 31204, 20107: 31202, 20157: 31207},
		elsewhere: map[int][]int{
			20101: {20160},
			20102: {20160},
			20104: {20156, 51007},
			20105: {51007},
			20106: {51007},
			20107: {20160, 51007},
		},
	}
)

// Errors that are the same for both.
const (
	badName        = 31105
	badApplication = 31100 // "Invalid application SID" (twilio-client.js issue 198)
	badPush        = 52002
)
