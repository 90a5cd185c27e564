package capability_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
)

func TestScopeString(t *testing.T) {
	tests := []struct {
		name  string
		scope capability.Scope
		want  string
	}{
		{"no params", capability.Scope{Service: "client", Privilege: "incoming"}, "scope:client:incoming"},
		{
			"params sorted by name",
			capability.Scope{Service: "client", Privilege: "outgoing", Params: url.Values{"clientName": {"tommy"}, "appSid": {"AP123123"}}},
			"scope:client:outgoing?appSid=AP123123&clientName=tommy",
		},
		{
			"params form-encoded",
			capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"k &": {"v=é", "+"}}},
			"scope:a:b?k+%26=v%3D%C3%A9&k+%26=%2B",
		},
		{"a name without a value", capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"k": nil}}, "scope:a:b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.scope.String())
		})
	}
}

func TestParseScope(t *testing.T) {
	tests := []struct {
		name, text string
		want       capability.Scope
	}{
		{"no params", "scope:client:incoming", capability.Scope{Service: "client", Privilege: "incoming"}},
		{"params without any", "scope:client:incoming?&", capability.Scope{Service: "client", Privilege: "incoming"}},
		{"empty params", "scope:client:incoming?", capability.Scope{Service: "client", Privilege: "incoming"}},
		{
			"any order",
			"scope:client:outgoing?clientName=tommy&appSid=AP123123",
			capability.Scope{Service: "client", Privilege: "outgoing", Params: url.Values{"clientName": {"tommy"}, "appSid": {"AP123123"}}},
		},
		{"plus", "scope:a:b?k=v+w", capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"k": {"v w"}}}},
		{"%20", "scope:a:b?k=v%20w", capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"k": {"v w"}}}},
		{"unescaped path", "scope:a:b?path=/2010-04-01/Events", capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"path": {"/2010-04-01/Events"}}}},
		{"unescaped semicolon", "scope:a:b?k=v;w", capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"k": {"v;w"}}}},
		{"a colon and a question mark in a value", "scope:a:b?k=c:d?e", capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"k": {"c:d?e"}}}},
		{"several values", "scope:a:b?k=2&k=1", capability.Scope{Service: "a", Privilege: "b", Params: url.Values{"k": {"2", "1"}}}},
		{"longest alphabet", "scope:aZ_-9:9-_Za", capability.Scope{Service: "aZ_-9", Privilege: "9-_Za"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := capability.ParseScope(tt.text)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

// malformedScopes are refused wherever a scope is read.
var malformedScopes = []string{
	"",
	"scope",
	"scope:",
	"scope:client",
	"scope:client:",
	"scope::incoming",
	"scope:client?clientName=tommy",
	"Scope:client:incoming",
	" scope:client:incoming",
	"scope:client:incoming:now",
	"scope:cli ent:incoming",
	"scope:client:in\x00coming",
	"scope:clïent:incoming",
	"scope:client:incoming?clientName=%",
	"scope:client:incoming?clientName=%zz",
	"scope:client:incoming?%zz=tommy",
}

func TestParseScopeRefuses(t *testing.T) {
	for _, text := range malformedScopes {
		t.Run(text, func(t *testing.T) {
			scope, err := capability.ParseScope(text)
			assert.ErrorIs(t, err, capability.ErrInvalidScope)
			assert.Empty(t, scope)
		})
	}
}

func TestScopeMarshalsAsText(t *testing.T) {
	scope := capability.Scope{Service: "client", Privilege: "incoming", Params: url.Values{"clientName": {"tommy"}}}

	data, err := json.Marshal(map[string]capability.Scope{"scope": scope})
	require.NoError(t, err)
	assert.Equal(t, `{"scope":"scope:client:incoming?clientName=tommy"}`, string(data))

	var got map[string]capability.Scope
	require.NoError(t, json.Unmarshal(data, &got))
	assert.Equal(t, scope, got["scope"])
}

func TestScopeMarshalRefuses(t *testing.T) {
	for _, scope := range []capability.Scope{
		{},
		{Service: "client"},
		{Privilege: "incoming"},
		{Service: "client:outgoing", Privilege: "x"},
		{Service: "client", Privilege: "incoming?clientName=tommy"},
		{Service: "a", Privilege: "b", Params: url.Values{"a": make([]string, 5_001), "b": make([]string, 5_000)}},
		outgoingScope(strings.Repeat("&a", 10_001)),
	} {
		_, err := scope.MarshalText()
		assert.ErrorIs(t, err, capability.ErrInvalidScope, "%.100q", scope.String())
	}
}

func TestScopeUnmarshalKeepsValueOnError(t *testing.T) {
	scope := capability.Scope{Service: "client", Privilege: "incoming"}
	require.ErrorIs(t, scope.UnmarshalText([]byte("scope:")), capability.ErrInvalidScope)
	assert.Equal(t, capability.Scope{Service: "client", Privilege: "incoming"}, scope)
}

// FuzzParseScope checks that what can be parsed is written in one form, which
// reads back as the same scope.
func FuzzParseScope(f *testing.F) {
	for _, text := range malformedScopes {
		f.Add(text)
	}
	f.Add("scope:client:incoming?clientName=tommy")
	f.Add("scope:a:b?&")
	f.Add("scope:client:outgoing?appSid=AP123123&appParams=a%3D1%26b%3D2&clientName=to%20m+y;")
	f.Add("scope:stream:subscribe?path=/2010-04-01/Events&=&&k")
	f.Add("scope:client:outgoing?appParams=a%3D10%25%26b%3D%25zz")
	f.Fuzz(func(t *testing.T, text string) {
		scope, err := capability.ParseScope(text)
		if err != nil {
			require.ErrorIs(t, err, capability.ErrInvalidScope)
			return
		}
		written, err := scope.MarshalText()
		require.NoError(t, err)
		again, err := capability.ParseScope(string(written))
		require.NoError(t, err)
		require.Equal(t, scope, again)
		require.Equal(t, string(written), again.String())
	})
}

func TestEncodeClientName(t *testing.T) {
	for user, want := range map[string]string{
		"":                  "",
		"tommy":             "tommy",
		"azAZ09":            "azAZ09",
		"a_b":               "a_5Fb",
		"tommy@example.com": "tommy_40example_2Ecom",
		"josé":              "jos_C3_A9",
		"\xff\x00 ":         "_FF_00_20",
		"c56a4180-65aa":     "c56a4180_2D65aa",
	} {
		assert.Equal(t, want, capability.EncodeClientName(user))
		got, err := capability.DecodeClientName(want)
		assert.NoError(t, err)
		assert.Equal(t, user, got)
	}
}

// It costs what its length does.
func TestEncodeClientNameOfAnyLength(t *testing.T) {
	user := strings.Repeat("@", 1<<20)
	assert.Len(t, capability.EncodeClientName(user), 3<<20)
	assert.Equal(t, 1.0, testing.AllocsPerRun(1, func() { capability.EncodeClientName(user) }))
}

// A name has one spelling, so that two users cannot have the same.
func TestDecodeClientNameRefuses(t *testing.T) {
	for _, name := range []string{"_", "_4", "a_", "_4g", "_g0", "_c3", "_61", "_5f", "_5", "a b", "tommy@example.com", "é", "__", "_5F_", "_+1"} {
		user, err := capability.DecodeClientName(name)
		assert.ErrorIs(t, err, capability.ErrInvalidClientName, name)
		assert.Empty(t, user)
	}
	_, err := capability.DecodeClientName(strings.Repeat("a", 256))
	assert.NoError(t, err)
	_, err = capability.DecodeClientName(strings.Repeat("a", 257))
	assert.EqualError(t, err, "capability: invalid client name: it has 257 characters: use at most 256")
	_, err = capability.DecodeClientName("to my")
	assert.EqualError(t, err, `capability: invalid client name: "to my": not made by EncodeClientName: `+
		`use ASCII letters and digits, and _XX with upper-case hexadecimal digits for any other byte`)
}

// FuzzClientName checks that every user ID has a client name of its own, and every
// client name at most one user ID.
func FuzzClientName(f *testing.F) {
	for _, text := range []string{"", "tommy", "tommy@example.com", "jos_C3_A9", "_", "_c3", "_61", "\xff\x00_"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := capability.EncodeClientName(text)
		require.Regexp(t, `^\w*$`, name)
		user, err := capability.DecodeClientName(name)
		if len(name) <= 256 {
			require.NoError(t, err)
			require.Equal(t, text, user)
		}
		if user, err := capability.DecodeClientName(text); err == nil {
			require.Equal(t, text, capability.EncodeClientName(user))
		} else {
			require.ErrorIs(t, err, capability.ErrInvalidClientName)
		}
	})
}
