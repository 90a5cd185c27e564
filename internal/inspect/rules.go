package inspect

// rules are what differs between capability tokens and Access Tokens: the
// errors that Twilio documents for the same mistakes, above all.
type rules struct {
	headers []string // that its header may have
	secret  string

	malformed, header, issuer, grants, signature int
	expiry, expired, notBefore, tooLong          int
	clientName                                   int
	untrimmed                                    int // signed with something around the secret

	// elsewhere is what Twilio's other services report a mistake as.
	elsewhere map[int][]int
}

var (
	capabilityRules = &rules{
		headers:   []string{"alg", "typ"},
		secret:    "auth token",
		malformed: 31204, header: 31204, issuer: 31203, grants: 31204, signature: 31202,
		expiry: 31204, expired: 31205, notBefore: 31204, tooLong: 31207,
		clientName: 31105, untrimmed: 31204,
	}
	accessRules = &rules{
		headers:   []string{"alg", "typ", "cty", "twr"},
		secret:    "API key secret",
		malformed: 20101, header: 20102, issuer: 20103, grants: 20106, signature: 20107,
		expiry: 20104, expired: 20104, notBefore: 20105, tooLong: 20157,
		clientName: 31105, untrimmed: 20107,
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
	badApplication = 31100 // "Invalid application SID" (twilio-client.js issue 198)
	longIdentity   = 51003
)
