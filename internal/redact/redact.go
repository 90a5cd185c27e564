// Package redact quotes values in error messages without showing secrets.
package redact

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-6c737938/capability/internal/rule"
)

// maxQuoted is how many bytes of a value are quoted.
const maxQuoted = 500

// Quote quotes the start of value, unless value may contain a secret: one of
// secrets, something that looks like one of Twilio's or like a token, or anything at
// all if a secret is an SID, as two arguments have then changed places.
func Quote(value string, secrets ...string) string {
	if mayContainSecret(value, secrets) {
		return "(not shown, as it may hold a secret)"
	}
	if len(value) > maxQuoted {
		return strconv.Quote(value[:maxQuoted]) + "…"
	}
	return strconv.Quote(value)
}

// maxEncoded is how often a secret may be percent-encoded in a text and still be
// found. Params of an application are, twice.
const maxEncoded = 3

// Contains reports whether text contains the secret: as it is, quoted as in Go or
// JSON, or percent-encoded up to three times.
func Contains(text, secret string) bool {
	if len(text) < len(secret) { // as most are
		return false
	}
	for range maxEncoded {
		if containsQuoted(text, secret) {
			return true
		}
		if !strings.Contains(text, "%") {
			return false
		}
		text = percentDecoded(text)
	}
	return containsQuoted(text, secret)
}

func containsQuoted(text, secret string) bool {
	if strings.Contains(text, secret) {
		return true
	}
	if rule.Alphanumeric(secret, "") { // as Twilio's are: quoting changes nothing
		return false
	}
	inGo := strconv.Quote(secret)
	inJSON, _ := json.Marshal(secret)
	return strings.Contains(text, inGo[1:len(inGo)-1]) || strings.Contains(text, string(inJSON[1:len(inJSON)-1]))
}

// percentDecoded decodes what [url.PathUnescape] would, and leaves a '%' that starts
// no escape.
func percentDecoded(text string) string {
	parts := strings.Split(text, "%")
	for i, part := range parts[1:] {
		char, err := url.PathUnescape("%" + part[:min(len(part), 2)])
		if err != nil {
			parts[i+1] = "%" + part
			continue
		}
		parts[i+1] = char + part[2:]
	}
	return strings.Join(parts, "")
}

// secretLike matches what is as long as Twilio's secrets, and the start of a JSON Web
// Token.
var secretLike = regexp.MustCompile(`(?:\b|%[0-9A-Fa-f]{2})([0-9A-Za-z]{32})\b|\beyJ`)

// token matches a JSON Web Token: two parts of JSON, and a signature.
var token = regexp.MustCompile(`eyJ[\w-]*\.[\w-]+\.[\w-]*`)

// Tokens takes what looks like a token out of text.
func Tokens(text string) string { return token.ReplaceAllString(text, "(a token, not shown)") }

func mayContainSecret(value string, secrets []string) bool {
	for _, secret := range secrets {
		secret = rule.Trim(secret)
		if rule.IsWholeSID(secret) || secret != "" && Contains(value, secret) {
			return true
		}
	}
	// Only the start is quoted. Beyond it, enough is searched to see a match
	// that the cut would halve.
	for _, match := range secretLike.FindAllStringSubmatch(value[:min(len(value), maxQuoted+64)], -1) {
		if match[1] == "" || rule.HasSecretForm(match[1]) {
			return true
		}
	}
	return false
}
