package inspect

import (
	"slices"
	"strings"

	"github.com/seed-6c737938/capability/internal/accesstoken"
	"github.com/seed-6c737938/capability/internal/rule"
)

// The kinds of token that a device can show, and others.
const (
	CapabilityToken = "capability token"
	AccessToken     = "Access Token"
	Unknown         = "not a JSON Web Token"

	taskRouter       = "TaskRouter token"
	clientValidation = "Twilio Public Key Client Validation token"
	verifyPush       = "Twilio Verify Push token"
	passport         = "STIR/SHAKEN PASSporT"
	otherJWT         = "JSON Web Token of another service"
)

// contentTypes are the cty of Twilio's tokens.
var contentTypes = map[string]string{
	accesstoken.ContentType: AccessToken,
	"twilio-pkrv;v=1":       clientValidation, // Twilio error 20152
	"twilio-pba;v=1":        verifyPush,       // twilio/twilio-verify-android and -ios, AuthenticationProvider
}

// kindOf distinguishes tokens by their header and claims, either of which may be
// nil. The surest sign is tried first.
func kindOf(header, claims map[string]any) string {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return claims[name] == nil })
	}
	cty, _ := header["cty"].(string)
	iss, _ := claims["iss"].(string)
	isAccount, isAPIKey := rule.SID("AC", iss) == "", rule.SID("SK", iss) == ""
	scope, hasScope := claims["scope"].(string)
	_, hasGrants := claims["grants"].(map[string]any)
	switch {
	case contentTypes[cty] != "":
		return contentTypes[cty]
	case strings.Contains(cty, ";v=") && !strings.HasPrefix(cty, "twilio-"): // as Plivo and Stringee write it
		return otherJWT
	case header["typ"] == "passport": // RFC 8225 section 4
		return passport
	case strings.HasPrefix(scope, "scope:"), hasScope && scope == "" && isAccount:
		return CapabilityToken
	case has("policies", "workspace_sid"): // twilio 6.2.0, lib/jwt/taskrouter
		return taskRouter
	case hasGrants || isAPIKey:
		return AccessToken
	case isAccount:
		return CapabilityToken // C# writes no scope claim if nothing is granted
	case claims == nil:
		return "damaged JSON Web Token"
	}
	return otherJWT
}

// otherAdvice is what to do with a token that is not for a device.
func otherAdvice(kind string, claims map[string]any) string {
	about := "It is not one of Twilio's (iss " + quoteOr(claims, "iss", "missing") + ")."
	switch kind {
	case taskRouter:
		about = "It is for TaskRouter.js, for workers and queues."
	case clientValidation:
		about = "A server sends it to Twilio's REST API, in the header Twilio-Client-Validation."
	case verifyPush:
		about = "A mobile app sends it to Twilio Verify."
	case passport:
		about = "It says who vouches for a caller's number: Twilio passes it to webhooks as StirPassportToken."
	}
	return about + " Look for the token that the page passes to Twilio.Device."
}

// readEncrypted says what a token of five parts is (RFC 7516 section 7.1): what
// is in it cannot be seen.
func (r *Report) readEncrypted(token, part string) {
	header, raw, _ := decodeObject(part)
	if header["enc"] == nil {
		r.readOther(token, strings.Split(token, "."))
		return
	}
	r.Kind, r.Header, r.text = "encrypted token (JWE)", raw, searchable(raw)
	advice := "Only its recipient can read it. Look for the token that the page passes to Twilio.Device."
	if header["cty"] == accesstoken.ContentType {
		r.Kind = "encrypted Twilio token (JWE)"
		advice = "Twilio makes such tokens for Flex and Verify Push, and only Twilio can read them. The token of a Voice device has three parts."
	}
	r.Problems = []Finding{{Message: "it is encrypted: what it grants cannot be seen", Advice: advice}}
}
