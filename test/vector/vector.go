// Package vector reads the golden vectors in testdata and makes their calls. Their
// formats are described in the README of each folder there.
package vector

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/seed-6c737938/capability"
)

// A Vector is the token that one of Twilio's libraries minted for some calls at a
// fixed time, or the reason why it could not.
type Vector struct {
	ID             string          `json:"id"`
	AccountSID     string          `json:"accountSid"`
	AuthToken      string          `json:"authToken"`
	APIKeySID      string          `json:"apiKeySid,omitempty"` // absent: a capability token
	APIKeySecret   string          `json:"apiKeySecret,omitempty"`
	Calls          []Call          `json:"calls"`
	UnsafeNames    bool            `json:"unsafeNames,omitempty"` // AllowUnsafeClientNames comes first
	TTL            int64           `json:"ttl"`                   // in seconds
	NBF            json.RawMessage `json:"nbf,omitempty"`         // absent: the default; null: no such claim
	Header         string          `json:"header"`
	Claims         string          `json:"claims"`
	JWT            string          `json:"jwt"`
	Error          string          `json:"error,omitempty"`
	NotExpressible string          `json:"notExpressible,omitempty"`
}

// Read reads a file of vectors. It is an error if there are none.
func Read(path string) ([]Vector, error) { return read[Vector](path) }

// Decode reads vectors, one per line.
func Decode(r io.Reader) ([]Vector, error) { return decode[Vector](r) }

func read[T any](path string) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := decode[T](file)
	if err == nil && len(all) == 0 {
		err = errors.New("no vectors")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

func decode[T any](r io.Reader) ([]T, error) {
	var all []T
	for lines := json.NewDecoder(r); ; {
		var v T
		if err := lines.Decode(&v); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

// Build returns a builder on which the calls have been made.
func (v Vector) Build() (*capability.CapabilityToken, error) {
	token := capability.New(v.AccountSID, v.AuthToken)
	if v.APIKeySID != "" {
		token = capability.NewWithAPIKey(v.AccountSID, v.APIKeySID, v.APIKeySecret)
	}
	if v.UnsafeNames {
		token.AllowUnsafeClientNames()
	}
	token.SetTTL(time.Duration(v.TTL) * time.Second)
	for _, c := range v.Calls {
		if err := c.apply(token); err != nil {
			return nil, err
		}
	}
	switch string(v.NBF) {
	case "":
	case "null":
		token.SetNotBefore(time.Time{})
	default:
		var seconds int64
		if err := json.Unmarshal(v.NBF, &seconds); err != nil {
			return nil, err
		}
		token.SetNotBefore(time.Unix(seconds, 0))
	}
	return token, nil
}

// A Call is a JSON array: the name of a method, its argument, and an object of
// options. Argument and options may be absent.
type Call struct {
	Method, Argument, ClientName string
	Params, Filters              url.Values
}

func (c *Call) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	var texts [2]string
	var options struct {
		ClientName      string
		Params, Filters pairs
	}
	for i, part := range parts {
		var err error
		switch {
		case part[0] == '{':
			err = json.Unmarshal(part, &options)
		case part[0] == '"' && i < len(texts): // some arguments are not strings
			err = json.Unmarshal(part, &texts[i])
		}
		if err != nil {
			return err
		}
	}
	*c = Call{texts[0], texts[1], options.ClientName, url.Values(options.Params), url.Values(options.Filters)}
	return nil
}

func (c Call) apply(token *capability.CapabilityToken) error {
	switch c.Method {
	case "allowClientIncoming":
		token.AllowClientIncoming(c.Argument)
	case "allowClientOutgoing":
		token.AllowClientOutgoing(c.Argument, c.Params)
		if c.ClientName != "" {
			token.SetClientName(c.ClientName)
		}
	case "allowEventStream":
		token.AllowEventStream(c.Filters)
	case "setRegion":
		token.SetRegion(c.Argument)
	case "setPushCredential":
		token.SetPushCredential(c.Argument)
	default:
		return fmt.Errorf("unknown call %q", c.Method)
	}
	return nil
}

// pairs are parameters as a JSON array of names and values; a value is a list or,
// in some vectors, not a string.
type pairs url.Values

func (p *pairs) UnmarshalJSON(data []byte) error {
	var list [][2]any
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	values := url.Values{}
	for _, pair := range list {
		name := fmt.Sprint(pair[0])
		several, ok := pair[1].([]any)
		if !ok {
			several = []any{pair[1]}
		}
		values[name] = nil // stays if the list is empty
		for _, value := range several {
			values.Add(name, fmt.Sprint(value))
		}
	}
	*p = pairs(values)
	return nil
}
