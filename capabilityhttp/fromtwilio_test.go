package capabilityhttp_test

import (
	"bufio"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
	"github.com/seed-6c737938/capability/test/vector"
)

const (
	publicURL    = "https://phone.example.com"
	oldAuthToken = "f0e1d2c3b4a5968778695a4b3c2d1e0f"
	formType     = "application/x-www-form-urlencoded"
)

// sign signs as Twilio documents it, in words of its own.
func sign(authToken, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(authToken))
	io.WriteString(mac, text(address, form))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func text(address string, form url.Values) string {
	var pairs [][2]string
	for name, values := range form {
		for _, value := range values {
			pairs = append(pairs, [2]string{name, value})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, pair := range slices.Compact(pairs) {
		address += pair[0] + pair[1]
	}
	return address
}

// received returns a request as a server reads it.
func received(t testing.TB, method, target, contentType, body string) *http.Request {
	t.Helper()
	r, err := read(method, target, contentType, body)
	require.NoError(t, err)
	return r
}

func read(method, target, contentType, body string) (*http.Request, error) {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", method, target, contentType, len(body))
	return http.ReadRequest(bufio.NewReader(strings.NewReader(head + body)))
}

func middleware(t testing.TB, publicURL string, authTokens ...string) func(http.Handler) http.Handler {
	t.Helper()
	fromTwilio, err := capabilityhttp.FromTwilio(publicURL, authTokens...)
	require.NoError(t, err)
	return fromTwilio
}

// passes reports whether a request gets through.
func passes(t testing.TB, fromTwilio func(http.Handler) http.Handler, r *http.Request) bool {
	t.Helper()
	passed := false
	recorder := httptest.NewRecorder()
	fromTwilio(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { passed = true })).ServeHTTP(recorder, r)
	if !passed {
		assert.Equal(t, http.StatusForbidden, recorder.Code)
		assert.Equal(t, `{"error":"not signed by Twilio"}`, recorder.Body.String())
		assert.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
		assert.Equal(t, "no-store", recorder.Header().Get("Cache-Control"))
		assert.Equal(t, "nosniff", recorder.Header().Get("X-Content-Type-Options"))
	}
	return passed
}

// Twilio's Python and Node libraries let the same requests pass, but for what is
// listed.
func TestLibrariesPassTheSame(t *testing.T) {
	captureLog(t)
	vectors, err := vector.Signatures("../testdata/signatures")
	require.NoError(t, err)
	// What passes here, where not both libraries do the same.
	apart := map[string]bool{
		"get-30": true, "post-30": true, // Python drops a "?" without a query
		"form-7": true, "form-8": true, "form-9": true, // nor does it take a name twice
		"form-18": true, "form-19": false, // Node sorts by UTF-16, others by code points
		"port-https-ipv6-own-removed": true, "port-https-ipv6-8443-removed": true, // Python cuts such a host in two
		"port-http-ipv6-own-removed": true, "port-http-ipv6-8443-removed": true,
		"hostile-query-3": false, "hostile-query-4": false, "hostile-query-5": false, // Node encodes a query otherwise too
		"form-not-utf8": false, "form-percent": false, "form-semicolon": false, // what net/http takes for no form, or they for other text
	}
	found := map[string]bool{}
	for _, v := range vectors {
		scheme, rest, _ := strings.Cut(v.URL, "://")
		host, path, _ := strings.Cut(rest, "/")
		r := received(t, v.Method, "/"+path, v.Type, v.Body)
		r.Header.Set("X-Twilio-Signature", v.Header)
		passed := passes(t, middleware(t, scheme+"://"+host, v.AuthToken), r)
		if passed != v.Python.Valid || passed != v.Node.Valid {
			found[v.ID] = passed
		}
		assert.False(t, passed && strings.HasPrefix(v.ID, "hostile"), v.ID)
	}
	assert.Equal(t, apart, found)
}

// The handler behind it finds the form parsed, and the body where it was.
func TestHandlerGetsTheRequest(t *testing.T) {
	sum := sha256.Sum256([]byte(`{"a":1}`))
	withHash := "/voice?bodySHA256=" + hex.EncodeToString(sum[:])
	tests := map[string]struct {
		method, target, contentType, body string
		signedForm                        url.Values
		wantForm, wantPostForm            url.Values
	}{
		"form": {"POST", "/voice?a=1&To=x", formType, "To=tommy&Digits=2&Digits=1&Note=", url.Values{"To": {"tommy"}, "Digits": {"1", "2"}, "Note": {""}},
			url.Values{"a": {"1"}, "To": {"tommy", "x"}, "Digits": {"2", "1"}, "Note": {""}}, url.Values{"To": {"tommy"}, "Digits": {"2", "1"}, "Note": {""}}},
		"form with a charset":       {"POST", "/voice", formType + "; charset=UTF-8", "To=tommy", url.Values{"To": {"tommy"}}, url.Values{"To": {"tommy"}}, url.Values{"To": {"tommy"}}},
		"form with a wrong charset": {"POST", "/voice", formType + "; charset", "To=tommy", url.Values{"To": {"tommy"}}, url.Values{"To": {"tommy"}}, url.Values{"To": {"tommy"}}},
		"query that is no form":     {"POST", "/voice?a;b=%zz&c=1", formType, "To=tommy", url.Values{"To": {"tommy"}}, url.Values{"c": {"1"}, "To": {"tommy"}}, url.Values{"To": {"tommy"}}},
		"GET":                       {"GET", "/voice?To=tommy&To=&a=%20b", "", "", nil, url.Values{"To": {"tommy", ""}, "a": {" b"}}, url.Values{}},
		"HEAD":                      {"HEAD", "/voice?To=tommy", "", "", nil, url.Values{"To": {"tommy"}}, url.Values{}},
		"POST without a body":       {"POST", "/voice", "", "", nil, url.Values{}, url.Values{}},
		"JSON":                      {"POST", withHash, "application/json", `{"a":1}`, nil, url.Values{"bodySHA256": {hex.EncodeToString(sum[:])}}, url.Values{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			logged := captureLog(t)
			r := received(t, test.method, test.target, test.contentType, test.body)
			r.Header.Set("X-Twilio-Signature", sign(authToken, publicURL+test.target, test.signedForm))
			recorder := httptest.NewRecorder()
			middleware(t, publicURL, authToken)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, test.wantForm, r.Form)
				assert.Equal(t, test.wantPostForm, r.PostForm)
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				assert.Equal(t, test.body, string(body))
				w.WriteHeader(http.StatusTeapot)
			})).ServeHTTP(recorder, r)
			assert.Equal(t, http.StatusTeapot, recorder.Code)
			assert.Empty(t, logged.String())
		})
	}
}

// What does not pass is logged with the URL and the likely cause.
func TestRefusedWebhook(t *testing.T) {
	form := url.Values{"To": {"tommy"}}
	right := sign(authToken, publicURL+"/voice?a=1", form)
	post := func(target, contentType, body, signature string) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			r := received(t, "POST", target, contentType, body)
			r.Header.Set("X-Twilio-Signature", signature)
			return r
		}
	}
	signedFor := func(address string) string { return sign(authToken, address+"/voice?a=1", form) }
	empty := sha256.Sum256(nil)
	const other = "publicURL is not what Twilio was given, a proxy has changed the path or the query, or Twilio uses another auth token"
	tests := map[string]struct {
		request func(*testing.T) *http.Request
		says    string
	}{
		"another auth token":   {post("/voice?a=1", formType, "To=tommy", sign(oldAuthToken, publicURL+"/voice?a=1", form)), other},
		"another query":        {post("/voice?a=2", formType, "To=tommy", right), other},
		"another path":         {post("/api/voice?a=1", formType, "To=tommy", right), other},
		"another form":         {post("/voice?a=1", formType, "To=jenny", right), other},
		"another host":         {post("/voice?a=1", formType, "To=tommy", signedFor("https://old.example.com")), other},
		"the request's host":   {post("/voice?a=1", formType, "To=tommy", signedFor("http://10.0.0.7:8080")), "it is signed for http://10.0.0.7:8080, the URL that Twilio was given: use that as publicURL"},
		"the same, with TLS":   {post("/voice?a=1", formType, "To=tommy", signedFor("https://10.0.0.7")), "it is signed for https://10.0.0.7:8080"},
		"signature cut":        {post("/voice?a=1", formType, "To=tommy", right[:27]), other},
		"no signature":         {post("/voice?a=1", formType, "To=tommy", ""), "there is no X-Twilio-Signature header: Twilio has not sent the request, or a proxy has removed it"},
		"form cut":             {post("/voice?a=1", formType, "To=tommy&a=%4", right), "the form cannot be parsed: invalid URL escape"},
		"form with more in it": {post("/voice?a=1", formType, "To=tommy&a;b", right), "the form cannot be parsed: invalid semicolon"},
		"form that says not so": {post("/voice?a=1", "text/plain", "To=tommy", right),
			"the body is not a form, and its hash is not in the query parameter bodySHA256"},
		"multipart form":       {post("/voice", "multipart/form-data; boundary=x", "--x--", sign(authToken, publicURL+"/voice", nil)), "the body is not a form"},
		"JSON without a hash":  {post("/voice", "application/json", "{}", sign(authToken, publicURL+"/voice", nil)), "the body is not a form"},
		"JSON of another hash": {post("/voice?bodySHA256=x", "application/json", "{}", sign(authToken, publicURL+"/voice?bodySHA256=x", nil)), "the body is not a form"},
		"hash without a body":  {post("/voice?bodySHA256=x", "application/json", "", sign(authToken, publicURL+"/voice?bodySHA256=x", nil)), "the body is not a form"},
		"too long by a byte": {post("/voice?bodySHA256=x", formType, "To="+strings.Repeat("x", 64<<10-2), right),
			"the body cannot be read, or has more than 65536 bytes: http: request body too large"},
		"body that breaks off": {func(t *testing.T) *http.Request {
			r := post("/voice?a=1", formType, "To=tommy", right)(t)
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("To=tommy"), errorReader{}))
			return r
		}, "has more than 65536 bytes: out of cheese"},
		"GET with a form": {func(t *testing.T) *http.Request {
			r := received(t, "GET", "/voice", formType, "To=tommy")
			r.Header.Set("X-Twilio-Signature", sign(authToken, publicURL+"/voice", nil))
			return r
		}, "the body is not a form"},
		"PUT": {func(t *testing.T) *http.Request {
			r := received(t, "PUT", "/voice?a=1", formType, "To=tommy")
			r.Header.Set("X-Twilio-Signature", right)
			return r
		}, "Twilio sends only GET and POST requests"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			logged := captureLog(t)
			r := test.request(t)
			signature := r.Header.Get("X-Twilio-Signature")
			assert.False(t, passes(t, middleware(t, publicURL, authToken), r))
			assert.Contains(t, logged.String(), "level=WARN")
			assert.Contains(t, logged.String(), test.says)
			assert.Contains(t, logged.String(), "method="+r.Method)
			assert.Contains(t, logged.String(), publicURL+r.RequestURI)
			assert.NotContains(t, logged.String(), authToken)
			if signature != "" {
				assert.NotContains(t, logged.String(), signature)
			}
		})
	}
	empties := "/voice?bodySHA256=" + hex.EncodeToString(empty[:])
	assert.True(t, passes(t, middleware(t, publicURL, authToken), post(empties, "application/json", "", sign(authToken, publicURL+empties, nil))(t)))
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, fmt.Errorf("out of cheese") }

func TestLongestWebhook(t *testing.T) {
	form := url.Values{"To": {strings.Repeat("x", 64<<10-3)}}
	r := received(t, "POST", "/voice", formType, form.Encode())
	r.Header.Set("X-Twilio-Signature", sign(authToken, publicURL+"/voice", form))
	assert.True(t, passes(t, middleware(t, publicURL, authToken), r))
}

// During a rotation Twilio signs with one auth token or the other.
func TestSeveralAuthTokens(t *testing.T) {
	captureLog(t)
	tokens := []string{oldAuthToken, authToken}
	fromTwilio := middleware(t, publicURL, tokens...)
	tokens[0], tokens[1] = "changed", "changed"
	for signedWith, want := range map[string]bool{oldAuthToken: true, authToken: true, "changed": false} {
		r := received(t, "GET", "/voice", "", "")
		r.Header.Set("X-Twilio-Signature", sign(signedWith, publicURL+"/voice", nil))
		assert.Equal(t, want, passes(t, fromTwilio, r), signedWith)
	}
}

// A router may cut the path that it gives to a handler.
func TestPathAsItArrived(t *testing.T) {
	captureLog(t)
	const arrived = "/twilio/%76oice?b=2&a=%31"
	fromTwilio := middleware(t, publicURL, authToken)
	for target, want := range map[string]bool{
		arrived:                              true,
		"http://phone.example.com" + arrived: true, // as a proxy may ask
		"/twilio/voice?b=2&a=%31":            false,
		"/twilio/%76oice?b=2&a=1":            false,
		"/twilio/%76oice?a=%31&b=2":          false,
	} {
		r := received(t, "GET", target, "", "")
		r.Header.Set("X-Twilio-Signature", sign(authToken, publicURL+arrived, nil))
		assert.Equal(t, want, passes(t, fromTwilio, r), target)
		if strings.HasPrefix(target, "/") {
			r.URL.Path, r.URL.RawPath = "/voice", ""
			assert.Equal(t, want, passes(t, fromTwilio, r), target)
		}
	}
}

// A test may make a request that no server has read.
func TestWebhookWithoutABody(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1/voice?a=%31", nil)
	require.NoError(t, err)
	r.Header.Set("X-Twilio-Signature", sign(authToken, publicURL+"/voice?a=%31", nil))
	assert.True(t, passes(t, middleware(t, publicURL, authToken), r))
}

// What has parsed the form before does no harm.
func TestFormThatHasBeenParsed(t *testing.T) {
	captureLog(t)
	form := url.Values{"To": {"tommy"}}
	for signed, want := range map[string]bool{"tommy": true, "jenny": false} {
		r := received(t, "POST", "/voice", formType, form.Encode())
		require.NoError(t, r.ParseForm())
		r.Header.Set("X-Twilio-Signature", sign(authToken, publicURL+"/voice", url.Values{"To": {signed}}))
		assert.Equal(t, want, passes(t, middleware(t, publicURL, authToken), r))
	}
}

// A URL in the log is not endless, and shows no auth token.
func TestLoggedURL(t *testing.T) {
	logged := captureLog(t)
	passes(t, middleware(t, publicURL, authToken), received(t, "GET", "/voice?"+strings.Repeat("x", 100_000), "", ""))
	assert.Less(t, logged.Len(), 3000)
	logged.Reset()
	for _, target := range []string{"/voice?token=" + authToken, "/voice?token=%30" + authToken[1:]} {
		passes(t, middleware(t, publicURL, oldAuthToken, authToken), received(t, "GET", target, "", ""))
		assert.NotContains(t, logged.String(), authToken[1:])
		assert.Contains(t, logged.String(), "auth token")
		logged.Reset()
	}
}

func TestFromTwilioFails(t *testing.T) {
	tests := map[string]struct {
		publicURL  string
		authTokens []string
		says       string
	}{
		"nothing":               {"", []string{authToken}, `capabilityhttp: public URL "": use a scheme and a host`},
		"no scheme":             {"phone.example.com", []string{authToken}, `public URL "phone.example.com": use`},
		"no scheme, but a port": {"phone.example.com:443", []string{authToken}, `public URL "phone.example.com:443": use`},
		"no host":               {"https://", []string{authToken}, "use"},
		"only a port":           {"https://:8443", []string{authToken}, "use"},
		"another scheme":        {"wss://phone.example.com", []string{authToken}, "use"},
		"upper-case scheme":     {"HTTPS://phone.example.com", []string{authToken}, "use"},
		"slash":                 {publicURL + "/", []string{authToken}, "and nothing after them"},
		"path":                  {publicURL + "/voice", []string{authToken}, "nothing after them"},
		"query":                 {publicURL + "?a=1", []string{authToken}, "nothing after them"},
		"empty query":           {publicURL + "?", []string{authToken}, "nothing after them"},
		"fragment":              {publicURL + "#a", []string{authToken}, "nothing after them"},
		"empty port":            {publicURL + ":", []string{authToken}, "use"},
		"port 0":                {publicURL + ":0", []string{authToken}, "use"},
		"port too high":         {publicURL + ":65536", []string{authToken}, "use"},
		"white space":           {publicURL + " ", []string{authToken}, "use"},
		"newline":               {publicURL + "\n", []string{authToken}, "use"},
		"escaped":               {"https://phone%2eexample.com", []string{authToken}, "use"},
		"user":                  {"https://user:pa55word@phone.example.com", []string{authToken}, "not shown"},
		"wrong user":            {"https://user:pa55word%zz@phone.example.com", []string{authToken}, "not shown"},
		"changed places":        {authToken, []string{publicURL}, "not shown"},
		"auth token in it":      {publicURL + "/" + authToken, []string{authToken}, "not shown"},
		"no auth token":         {publicURL, nil, "capability: invalid auth token: there is none"},
		"empty auth token":      {publicURL, []string{authToken, ""}, "invalid auth token: it is empty"},
		"newline after it":      {publicURL, []string{authToken + "\n"}, "trailing newline"},
		"account SID":           {publicURL, []string{accountSID}, "it is an SID (AC…)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fromTwilio, err := capabilityhttp.FromTwilio(test.publicURL, test.authTokens...)
			assert.Nil(t, fromTwilio)
			require.ErrorContains(t, err, test.says)
			assert.NotContains(t, err.Error(), authToken)
			assert.NotContains(t, err.Error(), "pa55word")
			assert.NotContains(t, err.Error(), "\n")
			if strings.HasPrefix(err.Error(), "capability:") {
				assert.ErrorIs(t, err, capability.ErrInvalidAuthToken)
			}
		})
	}
	for _, right := range []string{"http://localhost", "http://127.0.0.1:8080", "https://[::1]:65535", "https://Phone.Example.com", "https://xn--bcher-kva.example"} {
		middleware(t, right, authToken)
	}
}

// With GODEBUG=fips140=only, crypto/hmac panics on SHA-1.
func TestFromTwilioInFIPSMode(t *testing.T) {
	if !fips140.Enabled() {
		command := exec.Command(os.Args[0], "-test.run=^TestFromTwilioInFIPSMode$", "-test.v")
		command.Env = append(os.Environ(), "GODEBUG=fips140=only")
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s", output)
		require.Contains(t, string(output), "--- PASS: TestFromTwilioInFIPSMode")
		return
	}
	_, err := capabilityhttp.FromTwilio(publicURL, authToken)
	assert.ErrorContains(t, err, "fips140=only")
}

// What is signed passes; what differs by a byte does not.
func FuzzFromTwilio(f *testing.F) {
	for _, seed := range []struct{ target, body, token string }{
		{"/voice", "CallSid=CA1&From=client%3Aalice&To=tommy", authToken},
		{"/voice?a=1&b=%20c", "Digits=2&Digits=1&Digits=2&a=&=b", "12345"},
		{"/%76oice?", "a+b=c%26d&%C3%A9=%F0%9F%98%80", oldAuthToken},
		{"/?q=%zz;&'", "", authToken},
		{"//voice?bodySHA256=x", "a=%FF&b", authToken},
	} {
		for _, changed := range []uint16{0, 7, 20, 40} {
			f.Add(seed.target, seed.body, seed.token, changed, byte(1))
		}
	}
	captureLog(f)
	f.Fuzz(func(t *testing.T, target, body, token string, at uint16, by byte) {
		fromTwilio, err := capabilityhttp.FromTwilio(publicURL, token)
		form, formErr := url.ParseQuery(body)
		if err != nil || formErr != nil || len(body) > 64<<10 || by == 0 || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \r\n") {
			t.Skip()
		}
		signed := sign(token, publicURL+target, form)
		// send sends the request, and reports whether it can be sent at all.
		send := func(target, body, signature string) (passed, sent bool) {
			r, err := read("POST", target, formType, body)
			if err != nil || r.RequestURI != target || strings.ContainsAny(signature, "\r\n") {
				return false, false
			}
			r.Header.Set("X-Twilio-Signature", signature)
			return passes(t, fromTwilio, r), true
		}
		passed, sent := send(target, body, signed)
		if !sent {
			t.Skip()
		}
		assert.True(t, passed)

		all := []byte(target + body + signed)
		at %= uint16(min(len(all), 1<<16-1))
		all[at] ^= by
		otherTarget, otherBody, otherSigned := string(all[:len(target)]), string(all[len(target):len(target)+len(body)]), string(all[len(target)+len(body):])
		if strings.ContainsAny(otherTarget, " \r\n") {
			return
		}
		if otherForm, err := url.ParseQuery(otherBody); err == nil && otherSigned == signed {
			// Another spelling of the same form, such as %20 for a plus, says the same.
			passed, sent = send(otherTarget, otherBody, signed)
			assert.Equal(t, sent && text(otherTarget, otherForm) == text(target, form), passed)
			return
		}
		passed, _ = send(otherTarget, otherBody, otherSigned)
		assert.False(t, passed)
	})
}
