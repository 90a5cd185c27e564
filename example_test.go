package capability_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed-6c737938/capability"
)

// show mints a token and prints what it grants and for how long.
func show(token *capability.CapabilityToken) {
	signed, err := token.ToJWT()
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := capability.Verify(signed, "AC123", "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, scope := range claims.Scopes {
		fmt.Println(scope)
	}
	fmt.Println("for", time.Until(claims.ExpiresAt).Round(5*time.Second))
}

// A device that receives calls for tommy and calls out through an application.
func Example() {
	token, err := capability.New("AC123", "secret").
		AllowClientIncoming("tommy").
		AllowClientOutgoing("AP123123").
		SetTTL(10 * time.Minute).
		ToJWT()
	if err != nil {
		log.Fatal(err)
	}
	// Hand token to the page. What it says can be read back:
	claims, err := capability.Verify(token, "AC123", "secret")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.ClientName(), "of", claims.AccountSID)
	for _, scope := range claims.Scopes {
		fmt.Println(scope)
	}
	// Output:
	// tommy of AC123
	// scope:client:incoming?clientName=tommy
	// scope:client:outgoing?appSid=AP123123&clientName=tommy
}

// A page that only calls out needs its token for the moment of the call. The
// name tells the application's voice URL who calls.
func Example_outgoingOnly() {
	show(capability.New("AC123", "secret").
		AllowClientOutgoing("AP123123").
		SetClientName("tommy").
		SetTTL(5 * time.Second))
	// Output:
	// scope:client:outgoing?appSid=AP123123&clientName=tommy
	// for 5s
}

// An Access Token grants the same; only the first call differs.
func ExampleNewWithAPIKey() {
	token, err := capability.NewWithAPIKey("AC123", "SK123", "key_secret").
		AllowClientIncoming("tommy").
		AllowClientOutgoing("AP123123").
		SetTTL(10 * time.Minute).
		ToJWT()
	if err != nil {
		log.Fatal(err)
	}
	claims := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte("key_secret"), nil })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims["grants"])
	// Output:
	// map[identity:tommy voice:map[incoming:map[allow:true] outgoing:map[application_sid:AP123123]]]
}

// In a testing/synctest bubble the clock starts at 2000-01-01T00:00:00Z and moves
// only with the test, so that a test can compare whole tokens.
func TestWithAFixedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token, err := capability.New("ACXXXXXXXXXXXXXXX", "secret").AllowClientIncoming("tommy").ToJWT()
		if err != nil {
			t.Fatal(err)
		}
		const want = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." +
			"eyJzY29wZSI6InNjb3BlOmNsaWVudDppbmNvbWluZz9jbGllbnROYW1lPXRvbW15IiwiaXNzIjoiQUNYWFhYWFhYWFhYWFhYWFgiLCJleHAiOjk0NjY4ODQwMCwibmJmIjo5NDY2ODQ4MDB9." +
			"Z7Tv8dPH7YC_Sn1ENzYZ2rA1LzUJuyMHg8hQvbi8A4s"
		if token != want {
			t.Errorf("token %s, want %s", token, want)
		}

		time.Sleep(2 * time.Hour) // takes no time
		_, err = capability.Verify(token, "ACXXXXXXXXXXXXXXX", "secret")
		if !errors.Is(err, jwt.ErrTokenExpired) {
			t.Errorf("error %v, want that the token has expired", err)
		}
	})
}

func ExampleNew() {
	token := capability.New("AC123", "secret\n").AllowClientIncoming("tommy")
	fmt.Println(token.Err())
	// Output:
	// capability: invalid auth token: it contains white space or a control character, such as a trailing newline: trim it
}

func ExampleCapabilityToken_AllowClientIncoming() {
	show(capability.New("AC123", "secret").AllowClientIncoming("tommy"))
	// Output:
	// scope:client:incoming?clientName=tommy
	// for 1h0m0s
}

func ExampleCapabilityToken_AllowClientOutgoing() {
	show(capability.New("AC123", "secret").AllowClientOutgoing("AP123123"))
	// Output:
	// scope:client:outgoing?appSid=AP123123
	// for 1h0m0s
}

// The page can't change signed parameters.
func ExampleCapabilityToken_AllowClientOutgoing_params() {
	show(capability.New("AC123", "secret").
		AllowClientOutgoing("AP123123", url.Values{"plan": {"gold"}, "caller": {"+1 555"}}))
	// Output:
	// scope:client:outgoing?appParams=caller%3D%252B1%2B555%26plan%3Dgold&appSid=AP123123
	// for 1h0m0s
}

// The template allows the application; each clone has params of its own.
func ExampleCapabilityToken_SetParams() {
	template := capability.New("AC123", "secret").AllowClientOutgoing("AP123123")
	show(template.Clone().SetParams(url.Values{"plan": {"gold"}}))
	show(template.Clone().SetParams(url.Values{"plan": {"free"}}))
	// Output:
	// scope:client:outgoing?appParams=plan%3Dgold&appSid=AP123123
	// for 1h0m0s
	// scope:client:outgoing?appParams=plan%3Dfree&appSid=AP123123
	// for 1h0m0s
}

// For an API key of Twilio's region in Ireland.
func ExampleCapabilityToken_SetRegion() {
	token, err := capability.NewWithAPIKey("AC123", "SK123", "key_secret").
		AllowClientIncoming("tommy").
		SetRegion("ie1").
		ToJWT()
	if err != nil {
		log.Fatal(err)
	}
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(parsed.Header["twr"])
	// Output:
	// ie1
}

// A mobile app needs a push credential to receive calls.
func ExampleCapabilityToken_SetPushCredential() {
	app := capability.NewWithAPIKey("AC123", "SK123", "key_secret").SetPushCredential("CR123")
	fmt.Println(app.Err())
	page := capability.New("AC123", "secret").SetPushCredential("CR123")
	fmt.Println(page.Err())
	// Output:
	// <nil>
	// capability: invalid push credential SID: a capability token cannot have one: use NewWithAPIKey
}

func ExampleCapabilityToken_AllowEventStream() {
	show(capability.New("AC123", "secret").AllowEventStream(url.Values{"type": {"call"}}))
	// Output:
	// scope:stream:subscribe?params=type%3Dcall&path=%2F2010-04-01%2FEvents
	// for 1h0m0s
}

// AddScope bypasses the rules for client names.
func ExampleCapabilityToken_AddScope() {
	show(capability.New("AC123", "secret").AddScope(capability.Scope{
		Service:   "client",
		Privilege: "incoming",
		Params:    url.Values{"clientName": {"tommy@example.com"}},
	}))
	// Output:
	// scope:client:incoming?clientName=tommy%40example.com
	// for 1h0m0s
}

func ExampleCapabilityToken_SetClientName() {
	token := capability.New("AC123", "secret").AllowClientOutgoing("AP123123").SetClientName("tommy")
	show(token)
	show(token.Clone().SetClientName("jenny"))
	// Output:
	// scope:client:outgoing?appSid=AP123123&clientName=tommy
	// for 1h0m0s
	// capability: duplicate scope: client name "jenny": the device is already "tommy": is a Clone missing?
}

func ExampleCapabilityToken_AllowUnsafeClientNames() {
	show(capability.New("AC123", "secret").AllowUnsafeClientNames().AllowClientIncoming("tommy@example.com"))
	// Output:
	// scope:client:incoming?clientName=tommy%40example.com
	// for 1h0m0s
}

func ExampleCapabilityToken_SetTTL() {
	token := capability.New("AC123", "secret").AllowClientIncoming("tommy").SetTTL(48 * time.Hour)
	fmt.Println(token.Err())
	// Output:
	// capability: invalid TTL: 48h0m0s: use 1s to 24h
}

// A token for a shift that starts in half an hour.
func ExampleCapabilityToken_SetNotBefore() {
	token, err := capability.New("AC123", "secret").
		AllowClientIncoming("tommy").
		SetNotBefore(time.Now().Add(30 * time.Minute)).
		ToJWT()
	if err != nil {
		log.Fatal(err)
	}
	_, err = capability.Verify(token, "AC123", "secret")
	fmt.Println(errors.Is(err, jwt.ErrTokenNotValidYet))
	// Output:
	// true
}

func ExampleCapabilityToken_SetClaim() {
	token, err := capability.New("AC123", "secret").
		AllowClientIncoming("tommy").
		SetClaim("tenant", "blue").
		ToJWT()
	if err != nil {
		log.Fatal(err)
	}
	claims, err := capability.Verify(token, "AC123", "secret")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Extra["tenant"])
	// Output:
	// blue
}

// One template, checked when the server starts, and a clone for each request.
func ExampleCapabilityToken_Clone() {
	template := capability.New("AC123", "secret").
		AllowClientOutgoing("AP123123").
		SetTTL(10 * time.Minute)
	if err := template.Err(); err != nil {
		log.Fatal(err)
	}
	for _, user := range []string{"tommy", "jenny"} {
		show(template.Clone().AllowClientIncoming(user))
	}
	// Output:
	// scope:client:outgoing?appSid=AP123123&clientName=tommy
	// scope:client:incoming?clientName=tommy
	// for 10m0s
	// scope:client:outgoing?appSid=AP123123&clientName=jenny
	// scope:client:incoming?clientName=jenny
	// for 10m0s
}

// All mistakes come back together.
func ExampleCapabilityToken_Err() {
	err := capability.New("AC123", "secret").
		AllowClientIncoming("to my").
		AllowClientOutgoing("PN123").
		Err()
	fmt.Println(err)
	fmt.Println(errors.Is(err, capability.ErrInvalidApplicationSID))
	// Output:
	// capability: invalid client name: "to my": use 1 to 256 ASCII letters, digits or '_'; EncodeClientName makes such a name from any user ID
	// capability: invalid application SID: "PN123": use AP and 1 to 32 ASCII letters or digits
	// true
}

// Mint tells the page what it wants to know about its token.
func ExampleCapabilityToken_Mint() {
	minted, err := capability.New("AC123", "secret").AllowClientIncoming("tommy").Mint()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(minted.ClientName, time.Until(minted.ExpiresAt).Round(5*time.Second))
	// Output:
	// tommy 1h0m0s
}

func ExampleCapabilityToken_ToJWT() {
	_, err := capability.New("AC123", "secret").ToJWT()
	fmt.Println(err)
	fmt.Println(errors.Is(err, capability.ErrNoScope))
	// Output:
	// capability: no scope: grant something, for example with AllowClientIncoming
	// true
}

// What prints a builder, with any verb, never shows its secret.
func ExampleCapabilityToken_String() {
	token := capability.New("AC123", "secret").AllowClientIncoming("tommy")
	fmt.Printf("%v\n", token)
	slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})).Info("minting", "token", token)
	// Output:
	// capability token of "AC123" for 1h0m0s: "scope:client:incoming?clientName=tommy"
	// level=INFO msg=minting token="capability token of \"AC123\" for 1h0m0s: \"scope:client:incoming?clientName=tommy\""
}

// While the account's auth token is rotated, accept tokens signed with either.
func ExampleVerify() {
	token, err := capability.New("AC123", "old").AllowClientIncoming("tommy").ToJWT()
	if err != nil {
		log.Fatal(err)
	}
	claims, err := capability.Verify(token, "AC123", "new", "old")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.ClientName())

	_, err = capability.Verify(token, "AC123", "new")
	fmt.Println(errors.Is(err, jwt.ErrTokenSignatureInvalid))
	// Output:
	// tommy
	// true
}

func ExampleVerifyWithAPIKey() {
	token, err := capability.NewWithAPIKey(accountSID, apiKeySID, apiKeySecret).AllowClientIncoming("tommy").ToJWT()
	if err != nil {
		log.Fatal(err)
	}

	claims, err := capability.VerifyWithAPIKey(token, accountSID, apiKeySID, apiKeySecret)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.ClientName())

	_, err = capability.Verify(token, accountSID, authToken)
	fmt.Println(errors.Is(err, jwt.ErrTokenUnverifiable))
	// Output:
	// tommy
	// true
}

func ExampleClaims_ClientName() {
	claims := &capability.Claims{Scopes: []capability.Scope{{
		Service:   "client",
		Privilege: "outgoing",
		Params:    url.Values{"appSid": {"AP123123"}, "clientName": {"tommy"}},
	}}}
	fmt.Println(claims.ClientName())
	// Output:
	// tommy
}

func ExampleClaims_Incoming() {
	claims := &capability.Claims{Scopes: []capability.Scope{{
		Service:   "client",
		Privilege: "incoming",
		Params:    url.Values{"clientName": {"tommy"}},
	}}}
	fmt.Println(claims.Incoming())
	// Output:
	// tommy true
}

func ExampleClaims_Outgoing() {
	token, err := capability.New("AC123", "secret").
		AllowClientOutgoing("AP123123", url.Values{"plan": {"gold"}}).
		ToJWT()
	if err != nil {
		log.Fatal(err)
	}
	claims, err := capability.Verify(token, "AC123", "secret")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Outgoing())
	// Output:
	// AP123123 map[plan:[gold]] true
}

func ExampleEncodeClientName() {
	fmt.Println(capability.EncodeClientName("tommy@example.com"))
	// Output:
	// tommy_40example_2Ecom
}

func ExampleDecodeClientName() {
	fmt.Println(capability.DecodeClientName("tommy_40example_2Ecom"))
	_, err := capability.DecodeClientName("tommy_40example.com")
	fmt.Println(errors.Is(err, capability.ErrInvalidClientName))
	// Output:
	// tommy@example.com <nil>
	// true
}

func ExampleParseScope() {
	scope, err := capability.ParseScope("scope:client:outgoing?clientName=tommy&appSid=AP123123")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scope.Service, scope.Privilege, scope.Params.Get("appSid"))

	_, err = capability.ParseScope("client:outgoing")
	fmt.Println(err)
	// Output:
	// client outgoing AP123123
	// capability: invalid scope: "client:outgoing": want scope:<service>:<privilege>?<params>
}

func ExampleScope_String() {
	scope := capability.Scope{
		Service:   "client",
		Privilege: "outgoing",
		Params:    url.Values{"clientName": {"tommy"}, "appSid": {"AP123123"}},
	}
	fmt.Println(scope.String())
	// Output:
	// scope:client:outgoing?appSid=AP123123&clientName=tommy
}

func ExampleScope_MarshalText() {
	text, err := capability.Scope{Service: "client", Privilege: "incoming"}.MarshalText()
	fmt.Println(string(text), err)
	_, err = capability.Scope{Service: "client"}.MarshalText()
	fmt.Println(errors.Is(err, capability.ErrInvalidScope))
	// Output:
	// scope:client:incoming <nil>
	// true
}

func ExampleScope_UnmarshalText() {
	var device struct{ Scope capability.Scope }
	err := json.Unmarshal([]byte(`{"Scope":"scope:client:incoming?clientName=tommy"}`), &device)
	fmt.Println(device.Scope.Params.Get("clientName"), err)
	// Output:
	// tommy <nil>
}
