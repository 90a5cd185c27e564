// Package signature makes the X-Twilio-Signature of Twilio's requests for calls:
//
//	https://www.twilio.com/docs/usage/webhooks/webhooks-security
//
// HMAC-SHA1 is Twilio's choice. In Go's FIPS 140-only mode, Sign panics.
package signature

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Header is the name of the header.
const Header = "X-Twilio-Signature"

// URL returns the URL of a request as it is signed. Twilio drops the user, the
// password, the fragment and, from https URLs alone, the port.
func URL(u *url.URL) string {
	signed := *u
	signed.User, signed.Fragment, signed.RawFragment = nil, "", ""
	if signed.Scheme == "https" {
		signed.Host = strings.TrimSuffix(signed.Host, ":"+signed.Port())
	}
	if signed.Path == "" {
		signed.Path = "/" // as the request has it
	}
	return signed.String()
}

// Text returns what is signed of a request: its URL, as [URL] returns it, and its
// form, which is empty for a GET request.
func Text(signedURL string, form url.Values) string {
	var text strings.Builder
	text.WriteString(signedURL)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		// Twilio's libraries sort the values of one name, and drop equal ones.
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			text.WriteString(name)
			text.WriteString(value)
		}
	}
	return text.String()
}

// Sign returns the signature of a text.
func Sign(authToken, text string) string {
	mac := hmac.New(sha1.New, []byte(authToken))
	io.WriteString(mac, text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
