package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// askVoice sends a signed webhook.
func (b *browser) askVoice(form url.Values) (status int, body string) {
	b.t.Helper()
	response, body := b.do("POST", "/voice", form, "X-Twilio-Signature", signature(b.app.publicURL+"/voice", form))
	return response.StatusCode, body
}

// callTo is the webhook of a call that alice's page makes.
func callTo(to string) url.Values {
	return url.Values{"To": {to}, "From": {"client:alice"}, "CallSid": {"CA1"}, "Department": {"support"}, "Note": {"a & b"}}
}

// A name is dialled as a client, with the params of the page and the token, a
// number as a number.
func TestVoice(t *testing.T) {
	b := openBrowser(t, environment(map[string]string{"TWILIO_CALLER_ID": "+15005550006"}))
	tests := map[string]struct {
		to   string
		says string
	}{
		"client's params":  {"tommy", `value="a &amp; b"`},
		"client's name":    {"tommy", `<Dial answerOnBridge="true"><Client><Identity>tommy</Identity><Parameter `},
		"client, in full":  {"client:tommy", "<Identity>tommy</Identity>"},
		"number":           {"+1 415 555-1234", `<Dial answerOnBridge="true" callerId="+15005550006"><Number>+1 415 555-1234</Number></Dial>`},
		"one's own number": {"+15005550006", `<Dial answerOnBridge="true" callerId="+15005550006"><Number>+15005550006</Number></Dial>`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, body := b.askVoice(callTo(test.to))
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, test.says)
		})
	}
	assert.Empty(t, b.logged.String())
}

// A call that cannot be connected is rejected, and the log says why.
func TestVoiceRejects(t *testing.T) {
	b := openBrowser(t, environment(nil))
	tests := map[string]struct {
		form url.Values
		says []string
	}{
		"no To":               {url.Values{"From": {"client:alice"}}, []string{"To is empty", "from=client:alice"}},
		"empty To":            {callTo(""), []string{"To is empty", "Department", "Note"}},
		"only client:":        {callTo("client:"), []string{"To is empty"}},
		"another name for To": {url.Values{"From": {"client:alice"}, "PhoneNumber": {"tommy"}}, []string{"To is empty", "PhoneNumber"}},
		"a lower-case to":     {url.Values{"From": {"client:alice"}, "to": {"tommy"}}, []string{"To is empty", "to"}},
		"blank":               {callTo("La Lavie"), []string{"invalid client name", "La Lavie"}},
		"e-mail address":      {callTo("tommy@example.com"), []string{"invalid client name", "tommy@example.com"}},
		"mark-up":             {callTo("to<my"), []string{"invalid client name", "to<my"}},
		"SIP address":         {callTo("sip:tommy@example.com"), []string{"invalid client name", "sip:tommy@example.com"}},
		"too long":            {callTo(strings.Repeat("x", 257)), []string{"invalid client name"}},
		"no caller ID":        {callTo("+14155551234"), []string{"TWILIO_CALLER_ID", "+14155551234"}},
		"two lines":           {callTo("tommy\nlevel=INFO"), []string{`tommy\`, "invalid client name"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b.t = t
			status, body := b.askVoice(test.form)
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, "<Response><Reject></Reject></Response>")
			b.assertLogged(append(test.says, "call rejected")...)
		})
	}
}

// What is no call of Twilio's is refused, and the log says why.
func TestVoiceRefuses(t *testing.T) {
	b := openBrowser(t, environment(nil))
	ask := func(method, path string, form url.Values, signature string) int {
		response, body := b.do(method, path, form, "X-Twilio-Signature", signature)
		assert.NotContains(t, body, "<Response>")
		return response.StatusCode
	}
	for _, method := range []string{"GET", "HEAD"} {
		assert.Equal(t, http.StatusMethodNotAllowed, ask(method, "/voice?To=tommy", nil, signature(b.address+"/voice?To=tommy", nil)))
		b.assertLogged("POST", "method="+method, "path=/voice")
	}
	form := callTo("tommy")
	right := signature(b.address+"/voice", form)
	assert.Equal(t, http.StatusForbidden, ask("POST", "/voice", form, "Zm9yZ2Vk"))
	b.assertLogged("not signed by Twilio", "publicURL", b.address+"/voice")
	assert.Equal(t, http.StatusForbidden, ask("POST", "/voice", form, ""))
	b.assertLogged("not signed by Twilio")
	assert.Equal(t, http.StatusForbidden, ask("POST", "/voice", callTo("jenny"), right))
	b.assertLogged("not signed by Twilio")
}

// A call from outside rings whom it can. If it dialled its To, as a page's does, a
// number would call itself for ever.
func TestCallFromOutside(t *testing.T) {
	call := func(from, direction string) url.Values {
		return url.Values{"From": {from}, "To": {"+15005550006"}, "Direction": {direction}, "CallSid": {"CA1"}}
	}
	calls := []url.Values{
		call("+15005550001", "inbound"),
		call("+15005550006", "inbound"), // by oneself
		call("", "inbound"),
		call("anonymous", "inbound"),
		call("sip:alice@example.com", "inbound"),
		call("alice", "inbound"),
		call("Client:alice", "inbound"),
		call("+15005550001", ""),
		call("+15005550006", "outbound-api"),
		call("client:alice", "outbound-api"),
		call("client:alice", "outbound-dial"),
	}
	for name, env := range map[string]map[string]string{"caller ID": {"TWILIO_CALLER_ID": "+15005550006"}, "no caller ID": nil} {
		t.Run(name, func(t *testing.T) {
			b := openBrowser(t, environment(env))
			signIn := func(name string, grants ...string) {
				b.session = "" // in another tab
				status, body := b.signIn(name, grants...)
				assert.Equal(t, http.StatusOK, status, body)
			}
			signIn("caller", "outgoing")
			for _, form := range calls {
				_, body := b.askVoice(form)
				assert.Contains(t, body, "<Response><Reject></Reject></Response>", form)
				b.assertLogged("call rejected", "nobody", form.Get("From"))
			}
			signIn("tommy", "incoming")
			signIn("alice", "incoming", "outgoing")
			for _, form := range calls {
				_, body := b.askVoice(form)
				assert.Contains(t, body, `<Response><Dial answerOnBridge="true"><Client><Identity>alice</Identity></Client><Client><Identity>tommy</Identity></Client></Dial></Response>`, form)
				assert.Contains(t, b.logged.String(), `clients="[alice tommy]"`)
				b.logged.Reset()
			}
		})
	}
}

// A <Dial> takes ten clients: those who signed in last, each once.
func TestCallFromOutsideRingsTen(t *testing.T) {
	b := openBrowser(t, environment(nil))
	now := time.Now()
	for i := range 14 {
		b.app.sessions[fmt.Sprint(i)] = session{user{clientName: fmt.Sprintf("c%02d", i/2*2), incoming: true}, now.Add(time.Duration(i) * time.Minute)}
	}
	for i := 20; i < 26; i++ {
		b.app.sessions[fmt.Sprint(i)] = session{user{clientName: fmt.Sprintf("c%d", i), incoming: true}, now.Add(time.Duration(i) * time.Minute)}
	}
	b.app.sessions["over"] = session{user{clientName: "over", incoming: true}, now.Add(-time.Second)}
	_, body := b.askVoice(url.Values{"From": {"+15005550001"}, "To": {"+15005550006"}})
	var rung []string
	for _, match := range regexp.MustCompile(`<Identity>(\w+)</Identity>`).FindAllStringSubmatch(body, -1) {
		rung = append(rung, match[1])
	}
	assert.Equal(t, []string{"c25", "c24", "c23", "c22", "c21", "c20", "c12", "c10", "c08", "c06"}, rung)
}

// A tunnel replaces the host, and what Twilio signs is the URL that it was given.
func TestVoiceBehindATunnel(t *testing.T) {
	b := openBrowser(t, environment(nil), "https://phone.example.com")
	form := callTo("tommy")
	ask := func(host, path string) int {
		signed := signature("https://phone.example.com/voice?shift=night", form)
		response, _ := b.do("POST", path, form, "Host", host, "X-Twilio-Signature", signed)
		return response.StatusCode
	}
	assert.Equal(t, http.StatusOK, ask("phone.example.com", "/voice?shift=night"))
	assert.Equal(t, http.StatusOK, ask("localhost", "/voice?shift=night"))
	assert.Empty(t, b.logged.String())
	assert.Equal(t, http.StatusForbidden, ask("phone.example.com", "/voice?shift=day"))
	b.assertLogged("https://phone.example.com/voice?shift=day")
	assert.Equal(t, http.StatusMisdirectedRequest, ask("other.example.com", "/voice?shift=night"))
	b.assertLogged("host=other.example.com", "-public-url")
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
