// Package redact quotes values in error messages without showing secrets.
package redact

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// maxQuoted is how many bytes of a value are quoted.
const maxQuoted = 500

// Quote quotes the start of value, unless value may contain a secret: one of
// secrets, something that looks like an auth token or a token, or anything at
// all if a secret looks like an SID, as two arguments have then changed places.
func Quote(value string, secrets ...string) string {
	if mayContainSecret(value, secrets) {
		return "(not shown, as it may hold a secret)"
	}
	if len(value) > maxQuoted {
		return strconv.Quote(value[:maxQuoted]) + "…"
	}
	return strconv.Quote(value)
}

// Contains reports whether text contains the secret, form-encoded or not.
func Contains(text, secret string) bool {
	if len(text) < len(secret) { // as most are: there is no need to encode the secret
		return false
	}
	return strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret))
}

// secretLike matches the form of Twilio's auth tokens and the start of a JSON
// Web Token.
var secretLike = regexp.MustCompile(`\b[0-9a-f]{32}\b|\beyJ`)

func mayContainSecret(value string, secrets []string) bool {
	for _, secret := range secrets {
		secret = strings.TrimFunc(secret, isNotPartOfSecret)
		switched := strings.HasPrefix(secret, "AC") || strings.HasPrefix(secret, "SK")
		if switched || secret != "" && Contains(value, secret) {
			return true
		}
	}
	// Only the start is quoted. Beyond it, enough is searched to see a match
	// that the cut would halve.
	return secretLike.MatchString(value[:min(len(value), maxQuoted+64)])
}

// isNotPartOfSecret reports what a file or a shell may have left around a secret.
func isNotPartOfSecret(r rune) bool {
	return r == '"' || r == '\'' || r <= ' ' || r > '~'
}
