package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
)

const mintHelp = `captoken mint prints a capability token or, with -access, an Access Token.

  -incoming NAME       receive calls for this client name
  -outgoing APPSID     call out through this TwiML application
  -param NAME=VALUE    sign a parameter for the application's voice URL (repeatable)
  -name NAME           the client name of a device that only calls out
  -events              read the account's events
  -filter NAME=VALUE   read only the events that match (repeatable)
  -ttl DURATION        how long the token lives, 1s to 24h (default 1h)
  -claim NAME=VALUE    add a claim of your own, which anybody can read (repeatable)
  -access              mint an Access Token, which has a client name and no -events
  -demo                use built-in example credentials, which Twilio does not accept

Without -demo the credentials come from the environment: TWILIO_ACCOUNT_SID and
TWILIO_AUTH_TOKEN or, with -access, TWILIO_ACCOUNT_SID, TWILIO_API_KEY_SID and
TWILIO_API_KEY_SECRET. They must be the live ones, not test credentials.

Examples:
  captoken mint -incoming tommy
  captoken mint -incoming tommy -outgoing AP123123 -ttl 10m
  captoken mint -outgoing AP123123 -name tommy -param order=42 -param "city=New York"
  captoken mint -events -filter To=client:tommy
  captoken mint -access -incoming tommy -outgoing AP123123
  captoken mint -demo -incoming tommy | captoken inspect -demo

Exit status: 0 if a token was printed, 2 if not.
`

func (c cli) mint(args []string) error {
	r := request{params: url.Values{}, filters: url.Values{}, claims: url.Values{}}
	if err := r.parse(args); err != nil {
		return err
	}
	r.check()
	kind := capabilityToken
	if r.access {
		kind = accessToken
	}
	creds, missing := c.credentials(kind, r.demo)
	if missing != "" {
		r.mistake("set %s, or use -demo to try without", missing)
		creds, _ = c.credentials(kind, true) // to find the other mistakes too
	}
	token := r.token(creds.builder())
	if err := errors.Join(append(r.mistakes, token.Err())...); err != nil {
		return err
	}
	jwt, err := token.ToJWT()
	if err != nil {
		return err
	}
	if r.demo {
		fmt.Fprintln(c.stderr, "captoken mint: signed with built-in example credentials, which Twilio does not accept")
	}
	_, err = fmt.Fprintln(c.stdout, jwt)
	return err
}

// A request is what the flags of mint ask for. All are kept that may be given
// only once, too: the package knows which may not differ, and says so.
type request struct {
	access, demo, events      bool
	incoming, outgoing, names []string
	params, filters, claims   url.Values
	ttls                      []time.Duration
	mistakes                  []error
}

func (r *request) mistake(format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf(format, args...))
}

// parse reports what only the flag package can find. A value that is not
// right is remembered, so that all are told at once.
func (r *request) parse(args []string) error {
	var flags flag.FlagSet
	flags.BoolVar(&r.access, "access", false, "")
	flags.BoolVar(&r.demo, "demo", false, "")
	flags.BoolVar(&r.events, "events", false, "")
	for name, values := range map[string]*[]string{"incoming": &r.incoming, "outgoing": &r.outgoing, "name": &r.names} {
		flags.Func(name, "", func(value string) error {
			*values = append(*values, value)
			return nil
		})
	}
	for name, values := range map[string]url.Values{"param": r.params, "filter": r.filters, "claim": r.claims} {
		flags.Func(name, "", func(pair string) error {
			key, value, ok := strings.Cut(pair, "=")
			if !ok || key == "" {
				r.mistake("-%s %q: use NAME=VALUE", name, pair)
				return nil
			}
			values.Add(key, value)
			return nil
		})
	}
	flags.Func("ttl", "", func(text string) error {
		ttl, err := time.ParseDuration(text)
		if err != nil {
			r.mistake("-ttl %q: use a number and its unit, such as 90s, 10m or 1h30m", text)
			return nil
		}
		r.ttls = append(r.ttls, ttl)
		return nil
	})
	return parse(&flags, args, 0)
}

// check finds the flags that would have no effect, and those that do not go
// with -access.
func (r *request) check() {
	if len(r.incoming)+len(r.outgoing) == 0 && !r.events {
		r.mistake("nothing is granted: use -incoming, -outgoing or -events")
	}
	if len(r.params) > 0 && len(r.outgoing) == 0 {
		r.mistake("-param needs -outgoing")
	}
	if len(r.names) > 0 && len(r.outgoing) == 0 {
		r.mistake("-name needs -outgoing")
	}
	if len(r.filters) > 0 && !r.events {
		r.mistake("-filter needs -events")
	}
	if r.access && len(r.outgoing) > 0 && len(r.incoming)+len(r.names) == 0 {
		r.mistake("-access needs a client name: use -name or -incoming")
	}
	if r.access && r.events {
		r.mistake("-access and -events do not go together: an Access Token has no form for events")
	}
	if r.access && r.claims.Has("grants") {
		r.mistake("-access and -claim grants do not go together: an Access Token has a claim of that name")
	}
	if len(r.ttls) > 1 {
		r.mistake("-ttl is given more than once")
	}
	for _, name := range slices.Sorted(maps.Keys(r.claims)) {
		if len(r.claims[name]) > 1 {
			r.mistake("-claim %q is given more than once", name)
		}
	}
}

func (r *request) token(token *capability.CapabilityToken) *capability.CapabilityToken {
	for _, name := range r.incoming {
		token.AllowClientIncoming(name)
	}
	for _, applicationSID := range r.outgoing {
		token.AllowClientOutgoing(applicationSID, r.params)
	}
	for _, name := range r.names {
		token.SetClientName(name)
	}
	if r.events {
		token.AllowEventStream(r.filters)
	}
	for _, ttl := range r.ttls {
		token.SetTTL(ttl)
	}
	for _, name := range slices.Sorted(maps.Keys(r.claims)) {
		token.SetClaim(name, r.claims.Get(name))
	}
	return token
}
