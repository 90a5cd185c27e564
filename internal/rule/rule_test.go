package rule_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-6c737938/capability/internal/rule"
)

const hex32 = "0123456789abcdefABCDEF0123456789"

func TestSID(t *testing.T) {
	for _, test := range []struct{ name, sid, wrong string }{
		{"whole", "AC" + hex32, ""},
		{"short", "AC1", ""},
		{"letters", "AC" + strings.Repeat("z", 32), ""},
		{"empty", "", "it is empty: use AC and 1 to 32 ASCII letters or digits"},
		{"prefix alone", "AC", "use AC and 1 to 32 ASCII letters or digits"},
		{"too long", "AC" + hex32 + "0", "use AC and 1 to 32 ASCII letters or digits"},
		{"lower case", "ac1", "use AC and 1 to 32 ASCII letters or digits"},
		{"other kind", "SK1", "use AC and 1 to 32 ASCII letters or digits"},
		{"other letters", "AC1é1", "use AC and 1 to 32 ASCII letters or digits"},
		{"newline", "AC1\n", "it has quotes, white space or invisible characters around it: trim it"},
		{"quotes", `"AC1"`, "it has quotes, white space or invisible characters around it: trim it"},
		{"byte order mark", "\ufeffAC1", "it has quotes, white space or invisible characters around it: trim it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.wrong, rule.SID("AC", test.sid))
		})
	}
}

func TestIsWholeSID(t *testing.T) {
	for _, sid := range []string{"AC" + hex32, "SK" + hex32, "ZZ" + hex32} {
		assert.True(t, rule.IsWholeSID(sid), sid)
	}
	for _, s := range []string{
		"", "AC1", "aC" + hex32, "Ac" + hex32, hex32, "AC" + hex32 + "0", "AC" + hex32[1:],
		"SKcJrUrwV0Sg7VyBpOzNYkJC1ZXQ2hRgXy", // an API key's secret has letters of all kinds
	} {
		assert.False(t, rule.IsWholeSID(s), s)
	}
}

func TestHasSecretForm(t *testing.T) {
	for _, s := range []string{"0123456789abcdef0123456789abcdef", "fmcJrUrwV0Sg7VyBpOzNYkJC1ZXQ2hRg"} {
		assert.True(t, rule.HasSecretForm(s), s)
		assert.False(t, rule.HasSecretForm(s[1:]), s[1:])
		assert.False(t, rule.HasSecretForm(s+"0"), s+"0")
		assert.False(t, rule.HasSecretForm(s[:31]+"-"), s[:31]+"-")
	}
	assert.False(t, rule.HasSecretForm("abcdefghijklmnopqrstuvwxyzabcdef"))
}

func TestSecret(t *testing.T) {
	for _, test := range []struct{ name, secret, wrong string }{
		{"auth token", "0123456789abcdef0123456789abcdef", ""},
		{"all characters", `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`, ""},
		{"starts like an SID", "SKcJrUrwV0Sg7VyBpOzNYkJC1ZXQ2hRg", ""},
		{"empty", "", "it is empty"},
		{"SID", "CR" + hex32, "it is an SID (CR…): two arguments or variables may have changed places"},
		{"newline", "0123456789abcdef\n", "it contains white space or a control character, such as a trailing newline: trim it"},
		{"control", "0123456789\x7fabcdef", "it contains white space or a control character, such as a trailing newline: trim it"},
		{"byte order mark", "\ufeff0123456789abcdef", "it contains a character that is not ASCII, such as a byte order mark or a zero-width space: remove it"},
		{"quote at the start", `'0123456789abcdef`, "it starts or ends with a quote: remove it"},
		{"quote at the end", `0123456789abcdef"`, "it starts or ends with a quote: remove it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.wrong, rule.Secret(test.secret))
		})
	}
}

func TestClientName(t *testing.T) {
	const safe, unsafe = "use 1 to 9 ASCII letters, digits or '_'", "use 1 to 9 printable ASCII characters other than space and <>#%\"{}|\\^[]`?"
	for _, test := range []struct{ name, safe, unsafe string }{
		{"tommy_1", "", ""},
		{"office-7", safe, ""},
		{"+81501234", safe, ""},
		{"a@b.c", safe, ""},
		{"a/b:c;d=", safe, ""},
		{"123456789", "", ""},
		{"1234567890", safe, unsafe},
		{"office-789", safe, unsafe},
		{"", "it is empty: " + safe, "it is empty: " + unsafe},
		{"a b", safe, unsafe},
		{"a\x00", safe, unsafe},
		{"a\x7f", safe, unsafe},
		{"é", safe, unsafe},
		{"client:to", "leave out client:, which is not part of the name", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.safe, rule.ClientName(test.name, 9))
			assert.Equal(t, test.unsafe, rule.UnsafeClientName(test.name, 9))
		})
	}
	for _, c := range "<>#%\"{}|\\^[]`?" {
		assert.Equal(t, unsafe, rule.UnsafeClientName("a"+string(c), 9))
	}
}

func TestRegion(t *testing.T) {
	for _, region := range []string{"us1", "ie1", "au12", "zz123456"} {
		assert.Empty(t, rule.Region(region), region)
	}
	for _, region := range []string{"", "us", "u1", "IE1", "dublin", "ie1 ", "1ie", "zz1234567"} {
		assert.Equal(t, "use two lower-case letters and a number, such as ie1", rule.Region(region), region)
	}
}

func TestIsPlaceholder(t *testing.T) {
	for _, s := range []string{
		"AC" + strings.Repeat("X", 32), "ACxxxxxxxx", "ACXXXX...", "xxxxxxxx", "your_auth_token", "YOUR-API-SECRET", "<your-sid>",
		`"your_auth_token"`, "${TWILIO_AUTH_TOKEN}", "{{account_sid}}", "[AccountSid]", "%TWILIO_ACCOUNT_SID%",
		"AC_your_account_sid", "changeme", "replace_with_your_sid", "TWILIO_AUTH_TOKEN", "auth_token", "API_SECRET", "********", "undefined", "null", "None",
	} {
		assert.True(t, rule.IsPlaceholder(s), s)
	}
	for _, s := range []string{"", "AC1", "AC" + hex32, "0123456789abcdef0123456789abcdef", "ACxx", "tommy", "you", "application", "Zyourwvutsrqponmlkjihgfedcba9876"} {
		assert.False(t, rule.IsPlaceholder(s), s)
	}
}
