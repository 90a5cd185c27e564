// Package signature makes and checks the X-Twilio-Signature of Twilio's requests for
// calls:
//
//	https://www.twilio.com/docs/usage/webhooks/webhooks-security
//
// HMAC-SHA1 is Twilio's choice. In Go's FIPS 140-only mode, Sign and Check panic.
package signature

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Header is the name of the header.
const Header = "X-Twilio-Signature"

// URL returns the URL of a request as it is signed. Twilio drops the user, the
// password, the fragment and, only from https URLs, the port.
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

// Check reports whether a signature is that of a request for publicURL, which is no
// more than a scheme and a host, and for target, the path and query as they arrived,
// with one of the auth tokens. Like Twilio's libraries, it accepts a signature of the
// URL with or without its port; a URL without one has the default port of its scheme.
func Check(signature, publicURL, target string, form url.Values, authTokens []string) bool {
	for _, address := range withAndWithoutPort(publicURL) {
		text := Text(address+target, form)
		for _, authToken := range authTokens {
			if hmac.Equal([]byte(Sign(authToken, text)), []byte(signature)) {
				return true
			}
		}
	}
	return false
}

func withAndWithoutPort(publicURL string) []string {
	host, port := publicURL, ""
	if colon := strings.LastIndexByte(publicURL, ':'); !strings.ContainsAny(publicURL[colon:], "/]") {
		host, port = publicURL[:colon], publicURL[colon:]
	} else if strings.HasPrefix(publicURL, "https:") {
		port = ":443"
	} else {
		port = ":80"
	}
	return []string{host, host + port}
}

// BodyParam is the name of the query parameter with which Twilio signs a body that
// is not a form.
const BodyParam = "bodySHA256"

// CheckBody reports whether the value of [BodyParam] is that of a body.
func CheckBody(value string, body []byte) bool {
	sum := sha256.Sum256(body)
	return hmac.Equal([]byte(hex.EncodeToString(sum[:])), []byte(value))
}

// Err returns an error if [Sign] would panic.
func Err() (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("X-Twilio-Signature is made with HMAC-SHA1, which GODEBUG=fips140=only forbids")
		}
	}()
	Sign("", "")
	return nil
}
