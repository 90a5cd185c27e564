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
	"github.com/seed-6c737938/capability/internal/inspect"
	"github.com/seed-6c737938/capability/internal/rule"
)

const mintHelp = `captoken mint prints a capability token or, with -access, an Access Token.

  -incoming NAME       receive calls for this client name
  -outgoing APPSID     call out through this TwiML application
  -param NAME=VALUE    sign a parameter for the application's voice URL (repeatable)
  -name NAME           the client name of a device that only calls out
  -unsafe-names        allow names such as office-7, which do not work everywhere
  -events              read the account's events
  -filter NAME=VALUE   read only the events that match (repeatable)
  -ttl DURATION        how long the token is valid, 1s to 24h (default 1h)
  -claim NAME=VALUE    add a claim of your own, which anybody can read (repeatable)
  -demo                use built-in example credentials, which Twilio does not accept
  -access              mint an Access Token, which needs -incoming or -name and
                       does not allow -events
  -region REGION       with -access: the region of the API key, such as ie1
  -push-credential SID with -access: CR..., for calls to a mobile app

Without -demo the credentials come from the environment: TWILIO_ACCOUNT_SID and
TWILIO_AUTH_TOKEN or, with -access, TWILIO_ACCOUNT_SID, TWILIO_API_KEY and
TWILIO_API_SECRET. They must be the live ones, not test credentials.

Examples:
  captoken mint -incoming tommy -outgoing $TWILIO_TWIML_APP_SID -ttl 10m
  captoken mint -outgoing AP123123 -name tommy -param order=42 -param "city=New York"
  captoken mint -events -filter To=client:tommy
  captoken mint -access -incoming tommy -outgoing AP123123 -region ie1

Exit status: 0 if a token was printed, 2 if not.
`

func (c cli) mint(args []string) error {
	r := request{params: url.Values{}, filters: url.Values{}, claims: url.Values{}}
	if err := r.parse(args); err != nil {
		return err
	}
	kind := inspect.CapabilityToken
	if r.access {
		kind = inspect.AccessToken
	}
	credentials := c.credentials(r.demo)
	if missing := credentials.Missing(kind); missing != nil {
		r.mistake("set %s, or use -demo to try without", strings.Join(missing, " and "))
		credentials = demo // to find the other mistakes too
	}
	r.check()
	given := credentials
	for _, name := range inspect.Variables(kind) {
		if value := given[name]; rule.IsPlaceholder(value) {
			r.mistake("%s is %q, a placeholder: set your own, or use -demo to try without", name, value)
			credentials = demo
		}
	}
	r.checkSIDs(inspect.AccountSIDVar, "AC", []string{credentials[inspect.AccountSIDVar]})
	if r.access {
		r.checkSIDs(inspect.APIKeySIDVar, "SK", []string{credentials[inspect.APIKeySIDVar]})
	}
	token := r.token(builder(kind, credentials))
	err := errors.Join(append(r.mistakes, token.Err())...)
	jwt := ""
	if err == nil {
		jwt, err = token.ToJWT()
	}
	if err != nil {
		return err
	}
	if r.demo {
		fmt.Fprintln(c.stderr, "captoken mint: signed with built-in example credentials, which Twilio does not accept")
	}
	_, err = fmt.Fprintln(c.stdout, jwt)
	return err
}

// A request is what the flags of mint ask for. A flag that is given twice is kept
// twice, for check to see.
type request struct {
	access, demo, events      bool
	unsafeNames               bool
	incoming, outgoing, names []string
	regions, pushCredentials  []string
	params, filters, claims   url.Values
	ttls                      []time.Duration
	mistakes                  []error
}

func (r *request) mistake(format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf(format, args...))
}

// parse reports what only the flag package can find. A value that is not
// right is remembered, so that all are reported at once.
func (r *request) parse(args []string) error {
	var flags flag.FlagSet
	flags.BoolVar(&r.access, "access", false, "")
	flags.BoolVar(&r.demo, "demo", false, "")
	flags.BoolVar(&r.events, "events", false, "")
	flags.BoolVar(&r.unsafeNames, "unsafe-names", false, "")
	for name, values := range map[string]*[]string{
		"incoming": &r.incoming, "outgoing": &r.outgoing, "name": &r.names,
		"region": &r.regions, "push-credential": &r.pushCredentials,
	} {
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
		if ttl < time.Second || ttl > capability.MaxTTL {
			r.mistake("-ttl %v: use 1s to %vh, such as 10m", ttl, capability.MaxTTL.Hours())
			return nil
		}
		r.ttls = append(r.ttls, ttl)
		return nil
	})
	return parse(&flags, args, 0)
}

// check finds the flags that would have no effect, or do not go together.
func (r *request) check() {
	if len(r.incoming)+len(r.outgoing) == 0 && !r.events {
		r.mistake("nothing is granted: use -incoming, -outgoing or -events")
	}
	needs := func(given bool, name string, other bool, otherName string) {
		if given && !other {
			r.mistake("-%s needs -%s", name, otherName)
		}
	}
	needs(len(r.params) > 0, "param", len(r.outgoing) > 0, "outgoing")
	needs(len(r.names) > 0, "name", len(r.outgoing) > 0, "outgoing")
	needs(len(r.filters) > 0, "filter", r.events, "events")
	needs(len(r.regions) > 0, "region", r.access, "access")
	needs(len(r.pushCredentials) > 0, "push-credential", r.access, "access")
	if r.access && r.events {
		r.mistake("-events does not go with -access: an Access Token grants only calls")
	}
	if r.access && len(r.outgoing) > 0 && len(r.incoming)+len(r.names) == 0 {
		r.mistake("-access needs a client name: use -incoming or -name")
	}
	once := func(name string, n int) {
		if n > 1 {
			r.mistake("-%s is given more than once", name)
		}
	}
	for _, repeated := range []struct {
		name   string
		values *[]string
	}{
		{"incoming", &r.incoming}, {"name", &r.names}, {"outgoing", &r.outgoing}, {"region", &r.regions}, {"push-credential", &r.pushCredentials},
	} {
		*repeated.values = slices.Compact(*repeated.values)
		once(repeated.name, len(*repeated.values))
	}
	once("ttl", len(r.ttls))
	for _, name := range slices.Sorted(maps.Keys(r.claims)) {
		once(fmt.Sprintf("claim %q", name), len(r.claims[name]))
	}
	if len(r.incoming) == 1 && len(r.names) == 1 && r.incoming[0] != r.names[0] {
		r.mistake("-name %q is not -incoming %q: a device has one client name", r.names[0], r.incoming[0])
	}
	r.outgoing = r.checkSIDs("-outgoing", "AP", r.outgoing)
	r.pushCredentials = r.checkSIDs("-push-credential", "CR", r.pushCredentials)
}

// checkSIDs returns the SIDs without those that it finds fault with. The package finds
// the others.
func (r *request) checkSIDs(name, prefix string, sids []string) []string {
	return slices.DeleteFunc(sids, func(sid string) bool {
		wrong := inspect.WrongSID(prefix, sid)
		if wrong == "" || wrong == rule.SID(prefix, sid) {
			return false
		}
		r.mistake("%s is %q: %s", name, sid, wrong)
		return true
	})
}

// token asks for what check finds no fault with.
func (r *request) token(token *capability.CapabilityToken) *capability.CapabilityToken {
	if r.unsafeNames {
		token.AllowUnsafeClientNames()
	}
	for _, name := range r.incoming[:min(len(r.incoming), 1)] {
		token.AllowClientIncoming(name)
	}
	for _, applicationSID := range r.outgoing[:min(len(r.outgoing), 1)] {
		token.AllowClientOutgoing(applicationSID, r.params)
	}
	if len(r.incoming) == 0 && len(r.names) > 0 {
		token.SetClientName(r.names[0])
	}
	if r.events && !r.access {
		token.AllowEventStream(r.filters)
	}
	if r.access {
		for _, region := range r.regions {
			token.SetRegion(region)
		}
		for _, sid := range r.pushCredentials {
			token.SetPushCredential(sid)
		}
	}
	for _, ttl := range r.ttls {
		token.SetTTL(ttl)
	}
	for _, name := range slices.Sorted(maps.Keys(r.claims)) {
		token.SetClaim(name, r.claims.Get(name))
	}
	return token
}
