package capability

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrInvalidScope is wrapped by every error about the form of a [Scope].
var ErrInvalidScope = errors.New("capability: invalid scope")

// A Scope is one capability of a token, written
//
//	scope:<service>:<privilege>?<params>
//
// with the params sorted by name and form-encoded, as Twilio's Python library
// writes them. Service and Privilege are one or more ASCII letters, digits,
// '_' or '-' each; names and values of Params may hold anything, but there are
// at most 10,000 of them, as net/url reads no more.
type Scope struct {
	Service, Privilege string
	Params             url.Values
}

// ParseScope reads what [Scope.String] writes, and what Twilio's own
// libraries write: parameters in any order, a space as '+' or %20, and
// characters that need no escape in either form. Params is nil if there are
// none. The error wraps [ErrInvalidScope].
func ParseScope(s string) (Scope, error) { return parseScope(s) }

// parseScope is ParseScope with errors that do not hold the secrets.
func parseScope(s string, secrets ...string) (Scope, error) {
	text, hasPrefix := strings.CutPrefix(s, "scope:")
	text, query, _ := strings.Cut(text, "?")
	service, privilege, _ := strings.Cut(text, ":")
	if !hasPrefix {
		return Scope{}, fmt.Errorf("%w: %s: want scope:<service>:<privilege>?<params>", ErrInvalidScope, quote(s, secrets...))
	}
	params, err := parseParams(query)
	if err != nil {
		return Scope{}, fmt.Errorf("%w: %s: %w", ErrInvalidScope, quote(s, secrets...), err)
	}
	scope := Scope{Service: service, Privilege: privilege, Params: params}
	if err := scope.check(secrets...); err != nil {
		return Scope{}, err
	}
	return scope, nil
}

// String returns the scope as a token holds it. It does not check whether it
// can be read back; [Scope.MarshalText] does.
func (s Scope) String() string {
	text := "scope:" + s.Service + ":" + s.Privilege
	if params := s.Params.Encode(); params != "" {
		text += "?" + params
	}
	return text
}

// MarshalText returns what [Scope.String] does, or an error that wraps
// [ErrInvalidScope] if it could not be read back.
func (s Scope) MarshalText() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return []byte(s.String()), nil
}

// UnmarshalText is [ParseScope] for encoders such as encoding/json.
func (s *Scope) UnmarshalText(text []byte) error {
	scope, err := ParseScope(string(text))
	if err != nil {
		return err
	}
	*s = scope
	return nil
}

// check returns an error, which does not hold the secrets, if the scope could
// not be read back.
func (s Scope) check(secrets ...string) error {
	params := 0
	for _, values := range s.Params {
		params += len(values)
	}
	var rule string
	switch {
	case !consistsOf(s.Service, "_-") || !consistsOf(s.Privilege, "_-"):
		rule = "use 1 or more ASCII letters, digits, '_' or '-' for each"
	case params > maxParams:
		rule = fmt.Sprintf("%d parameters: use at most %d", params, maxParams)
	default:
		return nil
	}
	return fmt.Errorf("%w: service %s, privilege %s: %s",
		ErrInvalidScope, quote(s.Service, secrets...), quote(s.Privilege, secrets...), rule)
}

// maxParams is how many parameters [url.ParseQuery] reads.
const maxParams = 10_000

// is reports whether s is a scope of the given kind.
func (s Scope) is(service, privilege string) bool {
	return s.Service == service && s.Privilege == privilege
}

// applicationParams returns the signed parameters of an outgoing scope, which
// are a form-encoded string within the form-encoded params.
func (s Scope) applicationParams() (url.Values, error) {
	params, err := parseParams(s.Params.Get("appParams"))
	if err != nil {
		err = fmt.Errorf("%w: appParams: %w", ErrInvalidScope, err)
	}
	return params, err
}

// parseParams is [url.ParseQuery], but takes ';' for the character it is:
// Twilio's Java library leaves it as it stands in a client name, and its Ruby
// library in a parameter.
func parseParams(query string) (url.Values, error) {
	if query == "" {
		return nil, nil
	}
	params, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if len(params) == 0 { // as in "&"
		params = nil
	}
	return params, err
}

// consistsOf reports whether s is one or more ASCII letters, digits and
// characters of more.
func consistsOf(s, more string) bool {
	for i := range len(s) {
		if !alphanumeric[s[i]] && strings.IndexByte(more, s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// alphanumeric is a table because the letters and digits of a SID come in an
// order that no branch can be predicted from.
var alphanumeric = func() (table [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" {
		table[c] = true
	}
	return table
}()
