// Package accesstoken writes the header and claims of an Access Token with a
// voice grant, byte for byte as Twilio's Python library does, and reads them.
package accesstoken

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// ContentType is the cty of an Access Token's header.
const ContentType = "twilio-fpa;v=1"

// Header returns the header of a token for a region, "" for the default.
func Header(region string) string {
	if region != "" {
		region = `"twr":"` + region + `",`
	}
	return `{"alg":"HS256","cty":"` + ContentType + `",` + region + `"typ":"JWT"}`
}

// Claims are the claims of an Access Token. Its SIDs need no escape in JSON.
type Claims struct {
	APIKeySID, AccountSID string
	Grants                Grants
	IssuedAt, ExpiresAt   int64 // in seconds since 1970
	NotBefore             int64 // likewise; negative for no such claim
}

// Grants are the grants claim.
type Grants struct {
	Identity string
	Voice    Voice

	// Other is what [ParseGrants] has found besides the identity and the grants of
	// calls, as in the token: a push credential, or other services' grants.
	Other map[string]any
}

// Voice is a voice grant.
type Voice struct {
	Incoming          bool
	ApplicationSID    string     // of outgoing calls; "" for none
	Params            url.Values // signed params for the application
	PushCredentialSID string     // "" for none
}

// AppendOpen appends the claims as a JSON object without its closing brace, so
// that other claims can follow.
func (c Claims) AppendOpen(dst []byte) []byte {
	dst = append(dst, `{"jti":"`...)
	dst = append(dst, c.APIKeySID...)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, c.IssuedAt, 10)
	dst = append(dst, `","grants":{"voice":{`...)
	dst = c.Grants.Voice.appendMembers(dst)
	dst = append(dst, `},"identity":`...)
	dst = AppendString(dst, c.Grants.Identity)
	dst = append(dst, `},"iss":"`...)
	dst = append(dst, c.APIKeySID...)
	dst = append(dst, `","exp":`...)
	dst = strconv.AppendInt(dst, c.ExpiresAt, 10)
	if c.NotBefore >= 0 {
		dst = append(dst, `,"nbf":`...)
		dst = strconv.AppendInt(dst, c.NotBefore, 10)
	}
	dst = append(dst, `,"sub":"`...)
	dst = append(dst, c.AccountSID...)
	return append(dst, '"')
}

func (v Voice) appendMembers(dst []byte) []byte {
	start := len(dst)
	if v.Incoming {
		dst = append(dst, `"incoming":{"allow":true},`...)
	}
	if v.ApplicationSID != "" {
		dst = append(dst, `"outgoing":{"application_sid":"`...)
		dst = append(dst, v.ApplicationSID...)
		dst = append(dst, '"')
		if len(v.Params) > 0 {
			dst = append(dst, `,"params":`...)
			dst = appendParams(dst, v.Params)
		}
		dst = append(dst, "},"...)
	}
	if v.PushCredentialSID != "" {
		dst = append(dst, `"push_credential_sid":"`...)
		dst = append(dst, v.PushCredentialSID...)
		dst = append(dst, `",`...)
	}
	return dst[:max(start, len(dst)-1)] // without the last comma
}

func appendParams(dst []byte, params url.Values) []byte {
	separator := byte('{')
	for _, name := range slices.Sorted(maps.Keys(params)) {
		dst = append(dst, separator)
		separator = ','
		dst = AppendString(dst, name)
		dst = append(dst, ':')
		dst = appendValues(dst, params[name])
	}
	return append(dst, '}')
}

// appendValues appends a single value as a string, and several or none as an array.
func appendValues(dst []byte, values []string) []byte {
	if len(values) == 1 {
		return AppendString(dst, values[0])
	}
	dst = append(dst, '[')
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, value)
	}
	return append(dst, ']')
}

// AppendString appends s as a JSON string in which, as in Python's, all but
// printable ASCII is escaped.
func AppendString(dst []byte, s string) []byte {
	const short, letters = "\b\t\n\f\r", "btnfr"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case ' ' <= r && r <= '~':
			dst = append(dst, byte(r))
		case strings.ContainsRune(short, r):
			dst = append(dst, '\\', letters[strings.IndexRune(short, r)])
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				dst = fmt.Appendf(dst, `\u%04x`, unit)
			}
		}
	}
	return append(dst, '"')
}
