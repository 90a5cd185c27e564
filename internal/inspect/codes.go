package inspect

import "slices"

// A Code is a Twilio error that has to do with tokens.
type Code struct {
	Number int    `json:"number"`
	Name   string `json:"name"`   // as the Voice SDKs have it, or the title of Twilio's page
	Means  string `json:"means"`  // what it says about a token
	Advice string `json:"advice"` // what to do
}

// Codes returns the errors that people meet with tokens, by number. Names are
// those of npm @twilio/voice-errors, which a test compares; what they mean and
// what to do is in our own words, after Twilio's pages and public reports.
func Codes() []Code { return slices.Clone(codes) }

// Explain returns the entry for a number.
func Explain(number int) (code Code, ok bool) {
	i, ok := slices.BinarySearchFunc(codes, number, func(c Code, number int) int { return c.Number - number })
	if !ok {
		return Code{}, false
	}
	return codes[i], true
}

// What SDK 2.x shows in place of another code is in lib/twilio/device.ts of npm
// @twilio/voice-sdk 2.18.5.
var codes = []Code{
	{20101, "AccessTokenInvalid",
		"The Access Token cannot be read, or something in it is wrong. The Voice JavaScript SDK 2.x shows it in place of 31204, for capability tokens too.",
		"Run captoken inspect on the token. If it finds nothing, check that account, API key and region belong together. SDKs before 2.18.5 could report it for a good token after a dropped connection: update."},
	{20102, "AccessTokenHeaderInvalid",
		"The header is not an Access Token's: alg HS256, typ JWT, cty twilio-fpa;v=1.",
		"Mint with a library that writes that header. A capability token, which has no cty, is of no use to mobile SDKs."},
	{20103, "AccessTokenIssuerInvalid",
		"iss is not an API key that exists, sub is not its account, or one of them is suspended.",
		"iss must be the SID of the API key (SK…) that signs, sub the account that owns it (AC…), from the live credentials. Look for a deleted key."},
	{20104, "AccessTokenExpired",
		"The token has expired, or its exp is wrong. SDK 2.x shows it in place of 31205, for capability tokens too.",
		"Have the page fetch a new token on tokenWillExpire. If new tokens are refused, set the clock where they are minted, and write exp in whole seconds of UTC."},
	{20105, "AccessTokenNotYetValid",
		"The token's nbf is in the future.",
		"Set the clock where tokens are minted, use UTC, or leave nbf out."},
	{20106, "AccessTokenGrantsInvalid",
		"The signature is good, but the grants cannot be read, or do not allow what the device tried.",
		"Add a voice grant with incoming or outgoing, and an identity."},
	{20107, "AccessTokenSignatureInvalid",
		"The signature does not match: another secret, or the token was changed.",
		"Sign with the secret of the API key that iss names: not with the auth token, nor with white space or quotes around the secret."},
	{20151, "AuthenticationFailed",
		"Twilio could not authenticate the token. SDK 2.x shows it in place of 31201.",
		"Run captoken inspect with the credentials set: header, iss, sub, times and claims can all be the cause."},
	{20154, "Invalid Claim Set",
		"The token can be read, but a claim that is needed is missing. Seen with Video.",
		"An Access Token needs jti, iss, sub, exp and grants: mint with a current library."},
	{20156, "Expired or Invalid Expiration in Token",
		"The token has expired, or its exp is wrong: Twilio's REST API says so where a device shows 20104.",
		"As for 20104: fetch a new token, set the clock where tokens are minted, write exp in whole seconds."},
	{20157, "ExpirationTimeExceedsMaxTimeAllowed",
		"The Access Token lives longer than 24 hours, 86,400 s. An exp in milliseconds is the usual cause.",
		"Use a TTL of at most 24 h, in seconds. For capability tokens the error is 31207."},
	{20160, "Invalid Token",
		"Twilio does not recognize it as a token: the header is wrong, the signature does not match its API key, or the API key is a Restricted one, which no token shows.",
		"Look in the Twilio Console for the type of the API key: Access Tokens need a Main or Standard one. Then check the rest with captoken inspect."},
	{20403, "Forbidden",
		"The account may not use the API. Most often it is suspended or closed.",
		"Check the account in the Twilio Console."},
	{21218, "InvalidApplicationSid",
		"The application that the token names does not exist, or belongs to another account.",
		"Compare the application SID (AP…) with the TwiML applications of the account that the token is for."},
	{31001, "ApplicationNotFoundError",
		"The application that the token names does not exist, or belongs to another account. It shows when a call is made, not before.",
		"Compare the application SID (AP…) with the TwiML applications of the account that the token is for."},
	{31002, "ConnectionDeclinedError",
		"The call was declined: by the application, or because the token allows no outgoing calls.",
		"Grant outgoing calls when minting, and check what the application's voice URL answers."},
	{31100, "MalformedRequestError",
		"Twilio did not understand the request. With the text \"Invalid application SID\" or \"Missing application SID\" it is about the token.",
		"Mint with the SID of a TwiML application (AP…) of the same account."},
	{31102, "AuthorizationTokenMissingError",
		"The device sent no token.",
		"Check that the page passes the token to Twilio.Device, not the whole JSON answer or undefined."},
	{31103, "MaxParameterLengthExceededError",
		"The parameters of a call are longer than 800 bytes in total. Whether signed ones count is not documented.",
		"Send less: an ID that your backend looks up."},
	{31105, "InvalidClientNameError",
		"The client name has a character that is not allowed.",
		"Use 1 to 256 ASCII letters, digits and '_', at most 121 in an Access Token. EncodeClientName in this Go module makes such a name from any user ID."},
	{31201, "AuthorizationError",
		"Twilio refused the device, without a more precise reason. SDK 2.x shows 20151 in its place.",
		"Run captoken inspect on the token with the credentials set."},
	{31202, "AccessTokenSignatureValidationFailed",
		"The signature does not match: another auth token, or the token was changed. Test credentials do not work.",
		"Sign with the live auth token of the account that iss names. After changing the auth token, restart whatever mints tokens."},
	{31203, "NoValidAccountError",
		"iss is not an account that exists and is active.",
		"iss must be the account SID (AC…), not an API key's. Look at the account's state in the Twilio Console."},
	{31204, "InvalidJWTTokenError",
		"The token cannot be read, or something in it is wrong: its form, a time, a claim, or a key with a newline after it. A Restricted API key, for Access Tokens. SDK 2.x shows 20101 in its place.",
		"Run captoken inspect on the token with the credentials set. Write times in whole seconds, and trim secrets that come from files."},
	{31205, "JWTTokenExpiredError",
		"The token has expired. SDK 2.x shows 20104 in its place; after it SDKs may show 53000 for the closed connection.",
		"Have the page fetch a new token in time: on tokenWillExpire, or at 80 % of the lifetime. If new tokens are refused, set the clock where they are minted."},
	{31206, "RateExceededError",
		"The device sent too much in too short a time.",
		"Do not register or send messages in a loop."},
	{31207, "JWTTokenExpirationTooLongError",
		"The capability token lives longer than Twilio allows: 24 hours. Twilio's page says 86,399 s for it, and 86,400 s on the page of 20157.",
		"Use a TTL of less than 24 h, in seconds, not milliseconds. For Access Tokens the error is 20157."},
	{51003, "Client Connection: identity too long",
		"The identity of the Access Token is too long: a Voice device may have 121 characters.",
		"Use a shorter client name, such as your own ID of the user."},
	{51007, "AccessTokenRejected",
		"Chat, Sync and Conversations refuse the Access Token: it has expired, was changed, is signed with the wrong secret, or has no identity or no grant for the product.",
		"Run captoken inspect on the token with the credentials set, and look at its grants."},
	{53000, "ConnectionError",
		"The connection to Twilio failed. It often follows a refusal, whose code is the cause, or comes from a token of another region.",
		"Look for an earlier error. Key, token (twr) and the page's edge must be of one region."},
}
