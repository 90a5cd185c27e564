package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Twilio's own rules sign the webhook: a name is dialled as a client, with the
// params of the page and the token, a number as a number.
func TestVoice(t *testing.T) {
	b := openBrowser(t, environment(map[string]string{"TWILIO_CALLER_ID": "+15005550006"}))
	form := func(to string) url.Values {
		return url.Values{"To": {to}, "From": {"client:alice"}, "CallSid": {"CA1"}, "Department": {"support"}, "Note": {"a & b"}}
	}
	tests := map[string]struct {
		form      url.Values
		signature string // "" for a good one
		status    int
		says      string
	}{
		"client":          {form("tommy"), "", 200, `value="a &amp; b"`},
		"client's name":   {form("tommy"), "", 200, "<Dial><Client><Identity>tommy</Identity><Parameter "},
		"client, in full": {form("client:tommy"), "", 200, "<Identity>tommy</Identity>"},
		"number":          {form("+1 415 555-1234"), "", 200, `<Dial callerId="+15005550006"><Number>+1 415 555-1234</Number></Dial>`},
		"neither":         {form("to<my"), "", 200, "<Reject/>"},
		"nobody":          {form(""), "", 200, "<Reject/>"},
		"forged":          {form("tommy"), "Zm9yZ2Vk", 403, "signature"},
		"too long":        {form(strings.Repeat("x", maxForm)), "", 400, "form"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, body := b.do("POST", "/voice", test.form, "X-Twilio-Signature", cmp.Or(test.signature, signature(b.address+"/voice", test.form)))
			assert.Equal(t, test.status, response.StatusCode)
			assert.Contains(t, body, test.says)
		})
	}
}

// A tunnel replaces the host, and what Twilio signs is the URL that it was given.
func TestVoiceBehindATunnel(t *testing.T) {
	b := openBrowser(t, environment(nil))
	b.app.publicURL = "https://phone.example.com"
	form := url.Values{"To": {"tommy"}}
	ask := func(host, path string) int {
		signed := signature("https://phone.example.com/voice?shift=night", form)
		response, _ := b.do("POST", path, form, "Host", host, "X-Twilio-Signature", signed)
		return response.StatusCode
	}
	assert.Equal(t, http.StatusOK, ask("phone.example.com", "/voice?shift=night"))
	assert.Equal(t, http.StatusOK, ask("localhost", "/voice?shift=night"))
	assert.Equal(t, http.StatusForbidden, ask("phone.example.com", "/voice?shift=day"))
	assert.Equal(t, http.StatusMisdirectedRequest, ask("other.example.com", "/voice?shift=night"))
}

// signature signs a webhook as Twilio documents it.
func signature(address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(authToken))
	io.WriteString(mac, address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		io.WriteString(mac, name+form.Get(name))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
