package signalling

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/internal/inspect"
	"github.com/seed-6c737938/capability/internal/rule"
)

// Credentials are those of the account whose tokens are accepted.
type Credentials struct {
	AccountSID, AuthToken   string
	APIKeySID, APIKeySecret string
}

// judge returns what a token of either kind grants, or the code and the sentence with which
// it is refused.
func (c Credentials) judge(token string) (*exchange.Grants, *exchange.Fault) {
	claims, err := capability.Verify(token, c.AccountSID, c.AuthToken)
	if err != nil {
		claims, err = capability.VerifyWithAPIKey(token, c.AccountSID, c.APIKeySID, c.APIKeySecret)
	}
	if err != nil {
		return nil, c.explain(token, err)
	}
	name := claims.ClientName()
	_, incoming := claims.Incoming()
	if wrong := rule.UnsafeClientName(name, rule.LongestClientName); (incoming || name != "") && wrong != "" {
		return nil, &exchange.Fault{Code: 31105, Message: "the client name of the token: " + wrong}
	}
	applicationSID, params, outgoing := claims.Outgoing()
	if wrong := rule.SID("AP", applicationSID); outgoing && wrong != "" {
		return nil, &exchange.Fault{Code: 31100, Message: "the application SID of the token: " + wrong}
	}
	return &exchange.Grants{
		ClientName:     name,
		AccessToken:    claims.APIKeySID != "",
		Incoming:       incoming,
		Outgoing:       outgoing,
		ApplicationSID: applicationSID,
		Params:         params,
		ExpiresAt:      claims.ExpiresAt,
	}, nil
}

// inspect returns what captoken inspect says of a token.
func (c Credentials) inspect(token string) *inspect.Report {
	return inspect.Inspect(inspect.Token{Text: token}, time.Now(), c.variables())
}

// explain returns why a token was refused. Twilio has many accounts: it has to look up
// whose token it is before it can check the signature, and checks that before all else.
func (c Credentials) explain(token string, err error) *exchange.Fault {
	finding, ok := first(c.inspect(token))
	if !ok {
		return &exchange.Fault{Code: invalid, Message: err.Error()}
	}
	return &exchange.Fault{Code: finding.Code, Message: finding.Message}
}

// first returns the finding for which a token is refused, with the code that the SDKs are
// told.
func first(report *inspect.Report) (f inspect.Finding, ok bool) {
	if len(report.CredentialFaults) > 0 {
		f = report.CredentialFaults[0]
		f.Code = foreign
		return f, true
	}
	if len(report.Problems) == 0 {
		return f, false
	}
	ofSignature := func(f inspect.Finding) bool { return signalled(f.Code) == badSignature }
	f = report.Problems[max(0, slices.IndexFunc(report.Problems, ofSignature))]
	f.Code = signalled(f.Code)
	return f, true
}

// shown returns what can be shown of a token that was refused.
func (c Credentials) shown(token string) *exchange.Token {
	const ends = 6
	report := c.inspect(token)
	finding, _ := first(report)
	shown := &exchange.Token{Kind: report.Kind, ClientName: report.Identity, AccountSID: report.AccountSID, Claims: string(report.Claims), Advice: finding.Advice}
	if len(token) > 10*ends { // else it is no token, and its ends are most of it
		shown.Start, shown.End = token[:ends], token[len(token)-ends:]
	}
	return shown
}

func (c Credentials) variables() inspect.Credentials {
	return inspect.Credentials{
		inspect.AccountSIDVar: c.AccountSID, inspect.AuthTokenVar: c.AuthToken,
		inspect.APIKeySIDVar: c.APIKeySID, inspect.APIKeySecretVar: c.APIKeySecret,
	}
}

// The codes of refused tokens that the SDKs are told.
const (
	badSignature = 31202
	foreign      = 31203
	invalid      = 31204
)

// signalled returns the code that an SDK is told in place of one of Twilio's codes of
// Access Tokens. SDK 2.x shows 31204 as 20101 and 31205 as 20104 (lib/twilio/device.ts), and
// stops registering for no other code; the real service was seen to send these two.
func signalled(code int) int {
	switch code {
	case 20103:
		return foreign
	case 20104:
		return 31205
	case 20107:
		return badSignature
	case 20151:
		return 31201
	case 20157:
		return 31207
	}
	if code < 31000 {
		return invalid
	}
	return code
}

// hash tells tokens apart without keeping them.
func hash(token string) [32]byte { return sha256.Sum256([]byte(token)) }
