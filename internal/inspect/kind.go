package inspect

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-6c737938/capability/internal/accesstoken"
)

// The kinds of token that a device can show, and what has no name.
const (
	CapabilityToken = "capability token"
	AccessToken     = "Access Token"
	Unknown         = "not a JSON Web Token"

	taskRouter = "TaskRouter token"
	unknownJWT = "JSON Web Token of an unknown service"
)

// contentTypes are known by their cty, which is the surest sign.
var contentTypes = map[string]string{
	accesstoken.ContentType: AccessToken,

	// Twilio error 20152; it goes in a server's header Twilio-Client-Validation.
	"twilio-pkrv;v=1": "Twilio Public Key Client Validation token",
	// twilio/twilio-verify-android and -ios, AuthenticationProvider.
	"twilio-pba;v=1": "Twilio Verify Push token",

	// npm plivo 4.79.0, dist/utils/jwt.js.
	"plivo;v=1": "Plivo token",
	// Stringee's samples for each language.
	"stringee-api;v=1": "Stringee token",
}

// issuers are known by the host of their iss.
var issuers = []struct{ host, kind string }{
	{"accounts.google.com", "Google ID token"},
	{"securetoken.google.com", "Firebase ID token"},
	{"appleid.apple.com", "Apple ID token"},
	{"login.microsoftonline.com", "Microsoft Entra token"},
	{"sts.windows.net", "Microsoft Entra token"},
	{"auth0.com", "Auth0 token"},
	{"okta.com", "Okta token"},
	{"amazonaws.com", "Amazon Cognito token"},
	{"supabase.co", "Supabase token"},
	{"clerk.accounts.dev", "Clerk token"},
}

// kindOf distinguishes tokens by their header and claims, either of which may be
// nil. What the signature covers least ambiguously counts first.
func kindOf(header, claims map[string]any) string {
	text := func(name string) string { s, _ := claims[name].(string); return s }
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return claims[name] == nil })
	}
	cty, _ := header["cty"].(string)
	if kind, ok := contentTypes[cty]; ok {
		return kind
	}
	iss := text("iss")
	scope, hasScope := claims["scope"].(string)
	grants, _ := claims["grants"].(map[string]any)
	voice, _ := grants["voice"].(map[string]any)
	switch {
	case header["typ"] == "passport": // RFC 8225 section 4
		return "STIR/SHAKEN PASSporT"
	case strings.HasPrefix(scope, "scope:"), hasScope && scope == "" && isAccount(iss):
		return CapabilityToken
	case has("policies", "workspace_sid"): // twilio 6.2.0, lib/jwt/taskrouter
		return taskRouter
	case voice["incoming_allow"] != nil || voice["outgoing_allow"] != nil:
		return "Plivo token"
	case grants != nil || isAPIKey(iss):
		return AccessToken
	case isAccount(iss):
		return CapabilityToken // C# writes no scope claim if nothing is granted
	case has("video") && !has("grants"): // docs.livekit.io, token structure
		return "LiveKit token"
	case iss == "telnyx_telephony": // developers.telnyx.com, create an access token
		return "Telnyx token"
	case has("application_id", "jti"): // developer.vonage.com, vonage jwt create
		return "Vonage token"
	case has("app_key", "tpc"): // developers.zoom.us, Video SDK
		return "Zoom Video SDK token"
	case claims["aud"] == "jitsi": // developer.8x8.com/jaas
		return "Jitsi token"
	}
	host := iss
	if u, err := url.Parse(iss); err == nil && u.Host != "" {
		host = u.Host
	}
	for _, issuer := range issuers {
		if host == issuer.host || strings.HasSuffix(host, "."+issuer.host) {
			return issuer.kind
		}
	}
	switch {
	case header == nil && claims == nil:
		return Unknown
	case claims == nil:
		return "damaged JSON Web Token"
	}
	return unknownJWT
}

// otherAdvice is what to do with a token that is not for a device.
func otherAdvice(kind string) string {
	const look = "Look for the token that the page passes to Twilio.Device."
	switch kind {
	case taskRouter:
		return "It is for TaskRouter.js, for workers and queues. " + look
	case contentTypes["twilio-pkrv;v=1"]:
		return "A server sends it to Twilio's REST API, in the header Twilio-Client-Validation. " + look
	case contentTypes["twilio-pba;v=1"]:
		return "A mobile app sends it to Twilio Verify. " + look
	case "STIR/SHAKEN PASSporT":
		return "It says who vouches for a caller's number: Twilio passes it to webhooks as StirPassportToken. " + look
	case unknownJWT:
		return "It has neither a scope nor grants, as Twilio's tokens have. " + look
	}
	return "It is not one of Twilio's. " + look
}

// readEncrypted says what a token of five parts is (RFC 7516 section 7.1): what
// is in it cannot be seen.
func (r *Report) readEncrypted(part string) {
	r.Kind = "encrypted token (JWE)"
	header, raw, _ := decodeObject(part)
	if header["enc"] == nil {
		r.readOddParts(part, 5)
		return
	}
	r.Header, r.text = raw, fmt.Sprint(header)
	advice := "Only its recipient can read it. Look for the token that the page passes to Twilio.Device."
	if header["cty"] == accesstoken.ContentType {
		r.Kind = "encrypted Twilio token (JWE)"
		advice = "Twilio makes such tokens for Flex and Verify Push, and only Twilio can read them. The token of a Voice device has three parts."
	}
	r.Problems = []Finding{{0, nil, "it is encrypted: what it grants cannot be seen", advice}}
}
