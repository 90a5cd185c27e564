package docs_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/internal/twilioerror"
)

var update = flag.Bool("update", false, "write the list of refused-tokens.md")

// caught says how this module catches the cause of a code. It is silent on calls,
// webhooks and the REST API, of which it makes and asks none.
var caught = map[int]string{
	20101: "`captoken inspect`",
	20102: "Every Access Token of this module has that header. `captoken inspect` finds any other.",
	20103: "`ErrInvalidAccountSID` and `ErrInvalidAPIKey`, for the form; `jwt.ErrTokenInvalidIssuer` and `jwt.ErrTokenInvalidSubject` from `VerifyWithAPIKey`. Only Twilio knows which accounts and keys exist.",
	20104: "`jwt.ErrTokenExpired` from `VerifyWithAPIKey`; `captoken inspect`; `ErrInvalidTTL` if a token would expire at once. Times are always whole seconds.",
	20105: "`jwt.ErrTokenNotValidYet` from `VerifyWithAPIKey`; `captoken inspect`. `SetNotBefore(time.Time{})` leaves `nbf` out.",
	20106: "`ErrNoScope` and `ErrInvalidClientName`, before minting; `jwt.ErrTokenInvalidClaims` from `VerifyWithAPIKey`",
	20107: "`ErrInvalidAPIKey`, for a secret that is empty, or has white space or quotes around it; `jwt.ErrTokenSignatureInvalid` from `VerifyWithAPIKey`; `captoken inspect` with the credentials set",
	20151: "`captoken inspect` with the credentials set",
	20152: "`captoken inspect` says that such a token is not for a device.",
	20154: "Every Access Token of this module has these claims. `captoken inspect` finds one without.",
	20156: "As for 20104",
	20157: "`ErrInvalidTTL`, before minting and from `VerifyWithAPIKey`; `captoken inspect`",
	20160: "`captoken inspect`, for header and signature. The type of an API key is only in the Console.",
	20403: "Not at all: only Twilio knows.",
	21218: "`ErrInvalidApplicationSID`, for the form. Only Twilio knows which applications exist.",
	31001: "`ErrInvalidApplicationSID`, for the form. Only Twilio knows which applications exist.",
	31100: "`ErrInvalidApplicationSID`, before minting",
	31102: "Not at all: the page is at fault. `capabilityhttp` answers either with a token or with an error status.",
	31103: "Not at all, since it is not documented whether signed params count.",
	31105: "`ErrInvalidClientName`, before minting; `captoken inspect`",
	31201: "`captoken inspect` with the credentials set",
	31202: "`jwt.ErrTokenSignatureInvalid` from `Verify`; `captoken inspect` with the credentials set",
	31203: "`ErrInvalidAccountSID`, for the form; `jwt.ErrTokenInvalidIssuer` from `Verify`. Only Twilio knows which accounts exist.",
	31204: "`ErrInvalidAuthToken` and `ErrInvalidNotBefore`, before minting; `jwt.ErrTokenMalformed` and `jwt.ErrTokenNotValidYet` from `Verify`; `captoken inspect`",
	31205: "`jwt.ErrTokenExpired` from `Verify`; `captoken inspect`",
	31206: "Not at all: the page is at fault.",
	31207: "`ErrInvalidTTL`, before minting and from `Verify`; `captoken inspect`",
	51003: "`ErrInvalidClientName`, before minting, for names over 121 characters",
	51007: "`captoken inspect`. This module mints no tokens for these products.",
	52002: "`ErrInvalidPushCredential`, for the form. Only Twilio knows which push credentials exist.",
	52004: "Not at all, since a browser needs none. `captoken inspect` shows the one that a token names.",
	53000: "`captoken inspect` with the credentials set; `ErrInvalidRegion`, for a capability token with a region other than us1",
}

// The list of codes in refused-tokens.md is made from the one table of errors. -update writes it anew.
func TestRefusedTokens(t *testing.T) {
	const page, marker = "refused-tokens.md", "<!-- made by go test -run TestRefusedTokens -update -->\n"
	head, list, found := strings.Cut(read(t, page), marker)
	require.True(t, found, "%s has no line %s", page, marker)

	var want strings.Builder
	listed := 0
	for _, e := range twilioerror.All() {
		fmt.Fprintf(&want, "\n### %d %s\n\n%s\n\n", e.Code, e.Name, strings.TrimSpace(e.Means+" "+e.InPage()))
		if how, ok := caught[e.Code]; ok {
			listed++
			fmt.Fprintf(&want, "- **Caught here:** %s\n", how)
		}
		fmt.Fprintf(&want, "- **What to do:** %s\n", e.Advice)
	}
	require.Len(t, caught, listed, "a code that is not in the table")

	if *update {
		require.NoError(t, os.WriteFile(page, []byte(head+marker+want.String()), 0o644))
		return
	}
	require.Equal(t, want.String(), list, "go -C docs test -run TestRefusedTokens . -update")
}
