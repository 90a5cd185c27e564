package signature_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/internal/signature"
)

const authToken = "fedcba9876543210fedcba9876543210"

// TestSign has signatures that Twilio's Node library 6.3.1 makes, and its Python
// library 7.7.1 too, which takes no name twice. The first is in Twilio's
// documentation.
func TestSign(t *testing.T) {
	for _, test := range []struct {
		authToken, url string
		form           url.Values
		want           string
	}{
		{"12345", "https://example.com/myapp.php?foo=1&bar=2", url.Values{
			"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675310"}, "Digits": {"1234"}, "From": {"+14158675310"}, "To": {"+18005551212"},
		}, "L/OH5YylLD5NRKLltdqwSvS0BnU="},
		{authToken, "https://example.com/voice", nil, "GjZfBI2qAx79Sk4YKb2Y8NwGa9U="},
		{authToken, "https://example.com/voice?a=1&b=%20x", url.Values{
			"CallSid": {"CA0123456789abcdef0123456789abcdef"}, "To": {"client:tommy"},
		}, "sWN+mKiQ1wz7FHc4lGTYsfri62c="},
		{authToken, "http://127.0.0.1:8080/", url.Values{"Digits": {"2", "1", "2"}, "a": {""}, "B": {"b"}, "b": {"a"}}, "kGdzhbDt8dqfrQe0yeI8e1GKIg8="},
		{authToken, "https://example.com/voice", url.Values{"a": {"bc"}, "ab": {"c"}}, "NJ1r0bb7u1BGSKxWf4v81C6M18I="},
		{authToken, "https://example.com/voice", url.Values{"naïve": {"Grüß Gott"}, "To": {"+15550100000 & more=1"}}, "cRjS+OVIl6HGNsk3Z4MSRuWNvsI="},
	} {
		assert.Equal(t, test.want, signature.Sign(test.authToken, signature.Text(test.url, test.form)))
	}
}

func TestURL(t *testing.T) {
	for rawURL, want := range map[string]string{
		"https://example.com/voice":                     "https://example.com/voice",
		"https://example.com":                           "https://example.com/",
		"https://example.com?a=1":                       "https://example.com/?a=1",
		"https://user:secret@example.com:8443/v%2Fw?a=": "https://example.com/v%2Fw?a=",
		"http://user:secret@example.com:8080/voice?":    "http://example.com:8080/voice?",
		"https://[::1]:8443/voice":                      "https://[::1]/voice",
		"http://[::1]:8080/voice":                       "http://[::1]:8080/voice",
		"https://example.com/voice#rc=2&rp=all":         "https://example.com/voice",
	} {
		u, err := url.Parse(rawURL)
		require.NoError(t, err)
		assert.Equal(t, want, signature.URL(u))
		assert.Equal(t, rawURL, u.String(), "the URL itself")
	}
}
