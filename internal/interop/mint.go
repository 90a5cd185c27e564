// Command interop reads test vectors from standard input, mints the same grants with this module at the real
// clock, and writes the vectors with those tokens on standard output, for check.py and check.mjs to verify with
// Twilio's own libraries.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"time"

	"github.com/seed-6c737938/capability"
)

// minTTL leaves the checkers time to run before a token expires.
const minTTL = 5 * time.Minute

type vector struct {
	ID           string          `json:"id"`
	AccountSID   string          `json:"accountSid"`
	AuthToken    string          `json:"authToken"`
	APIKeySID    string          `json:"apiKeySid,omitempty"` // absent: a capability token
	APIKeySecret string          `json:"apiKeySecret,omitempty"`
	Calls        []call          `json:"calls"`
	TTL          int64           `json:"ttl"`           // in seconds
	NBF          json.RawMessage `json:"nbf,omitempty"` // absent: the default; null: no such claim
	Header       string          `json:"header"`
	Claims       string          `json:"claims"` // at the vectors' clock
	JWT          string          `json:"jwt"`
	Error        string          `json:"error,omitempty"` // why this module won't
}

// call is a method's name, its argument if it has one, and an object of options if there are any.
type call []any

func main() {
	log.SetFlags(0)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var v vector
		err := in.Decode(&v)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatalf("interop: reading vectors: %v", err)
		}
		if !v.atAnyClock() {
			continue
		}
		if v.JWT, err = v.mint(); err != nil {
			v.Error = err.Error()
		}
		if err := out.Encode(v); err != nil {
			log.Fatalf("interop: writing tokens: %v", err)
		}
	}
}

// atAnyClock reports whether the case means the same at another time than the vectors'.
func (v *vector) atAnyClock() bool {
	return (v.NBF == nil || string(v.NBF) == "null") && v.ttl() >= minTTL
}

func (v *vector) ttl() time.Duration { return time.Duration(v.TTL) * time.Second }

func (v *vector) mint() (string, error) {
	token := capability.New(v.AccountSID, v.AuthToken)
	if v.APIKeySID != "" {
		token = capability.NewWithAPIKey(v.AccountSID, v.APIKeySID, v.APIKeySecret)
	}
	token.SetTTL(v.ttl())
	if v.NBF != nil {
		token.SetNotBefore(time.Time{})
	}
	for _, c := range v.Calls {
		if err := c.apply(token); err != nil {
			return "", err
		}
	}
	return token.ToJWT()
}

func (c call) apply(token *capability.CapabilityToken) error {
	options, _ := c[len(c)-1].(map[string]any)
	switch c[0] {
	case "allowClientIncoming":
		token.AllowClientIncoming(c[1].(string))
	case "allowClientOutgoing":
		token.AllowClientOutgoing(c[1].(string), values(options["params"]))
		if name, ok := options["clientName"].(string); ok {
			token.SetClientName(name)
		}
	case "allowEventStream":
		token.AllowEventStream(values(options["filters"]))
	case "setRegion":
		token.SetRegion(c[1].(string))
	case "setPushCredential":
		token.SetPushCredential(c[1].(string))
	default:
		return fmt.Errorf("unknown call %v", c[0])
	}
	return nil
}

// values reads a list of names, each with its value or a list of its values; there may be no list.
func values(list any) url.Values {
	pairs, _ := list.([]any)
	v := url.Values{}
	for _, pair := range pairs {
		name, value := pair.([]any)[0].(string), pair.([]any)[1]
		several, ok := value.([]any)
		if !ok {
			several = []any{value}
		}
		v[name] = nil // stays if the list is empty
		for _, each := range several {
			v.Add(name, each.(string))
		}
	}
	return v
}
