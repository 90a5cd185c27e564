package signature_test

import (
	"crypto/fips140"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/internal/signature"
	"github.com/seed-6c737938/capability/test/vector"
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

// Twilio's libraries make the same signatures, but for what is listed.
func TestLibrariesSignTheSame(t *testing.T) {
	vectors, err := vector.Signatures("../../testdata/signatures")
	require.NoError(t, err)
	otherwise := map[string]string{
		"form-7":        "python", // takes no name twice
		"form-8":        "python",
		"form-9":        "python",
		"form-18":       "node", // sorts by UTF-16, others by code points
		"form-19":       "python node",
		"form-not-utf8": "python node", // read U+FFFD
	}
	found := map[string]string{}
	for _, v := range vectors {
		var form url.Values
		if strings.HasPrefix(v.Signed.Type, "application/x-www-form-urlencoded") {
			// What Go takes for no form is read as the other libraries do.
			form, err = url.ParseQuery(strings.NewReplacer("%&", "%25&", "%zz", "%25zz", ";", "%3B").Replace(v.Signed.Body))
			require.NoError(t, err, v.ID)
		}
		made := signature.Sign(v.Signed.AuthToken, signature.Text(v.Signed.URL, form))
		var others []string
		if v.Python.Signature != made {
			others = append(others, "python")
		}
		if v.Node.Signature != made {
			others = append(others, "node")
		}
		if len(others) > 0 {
			found[v.ID] = strings.Join(others, " ")
		}
	}
	assert.Equal(t, otherwise, found)
	assert.GreaterOrEqual(t, len(vectors), 200)
}

func TestCheck(t *testing.T) {
	const target = "/voice?a=1"
	form := url.Values{"To": {"tommy"}}
	sign := func(address string) string { return signature.Sign(authToken, signature.Text(address+target, form)) }
	tests := map[string]struct {
		publicURL string
		signedFor []string // and for nothing else of what is tried
	}{
		"https":           {"https://example.com", []string{"https://example.com", "https://example.com:443"}},
		"https, own port": {"https://example.com:443", []string{"https://example.com", "https://example.com:443"}},
		"https, port":     {"https://example.com:8443", []string{"https://example.com", "https://example.com:8443"}},
		"http":            {"http://example.com", []string{"http://example.com", "http://example.com:80"}},
		"http, port":      {"http://example.com:8443", []string{"http://example.com", "http://example.com:8443"}},
		"IPv6":            {"https://[::1]", []string{"https://[::1]", "https://[::1]:443"}},
		"IPv6, port":      {"http://[::1]:8443", []string{"http://[::1]", "http://[::1]:8443"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, scheme := range []string{"http://", "https://"} {
				for _, host := range []string{"example.com", "[::1]", "["} {
					for _, port := range []string{"", ":80", ":443", ":8443", ":"} {
						address := scheme + host + port
						signed := sign(address)
						want := slices.Contains(test.signedFor, address)
						assert.Equal(t, want, signature.Check(signed, test.publicURL, target, form, []string{"other", authToken}), address)
						assert.False(t, signature.Check(signed, test.publicURL, target, form, []string{"other"}), address)
					}
				}
			}
		})
	}
	for _, wrong := range []string{"", " ", sign("https://example.com") + "=", sign("https://example.com")[:27]} {
		assert.False(t, signature.Check(wrong, "https://example.com", target, form, []string{authToken}), wrong)
	}
}

func TestCheckBody(t *testing.T) {
	const ofEmptyObject = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	assert.True(t, signature.CheckBody(ofEmptyObject, []byte("{}")))
	assert.False(t, signature.CheckBody(ofEmptyObject, []byte("[]")))
	assert.False(t, signature.CheckBody(strings.ToUpper(ofEmptyObject), []byte("{}")))
	assert.False(t, signature.CheckBody("", nil))
}

// With GODEBUG=fips140=only, crypto/hmac panics on SHA-1.
func TestErr(t *testing.T) {
	if fips140.Enabled() {
		require.ErrorContains(t, signature.Err(), "fips140=only forbids")
		return
	}
	require.NoError(t, signature.Err())
	command := exec.Command(os.Args[0], "-test.run=^TestErr$", "-test.v")
	command.Env = append(os.Environ(), "GODEBUG=fips140=only")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: TestErr")
}
