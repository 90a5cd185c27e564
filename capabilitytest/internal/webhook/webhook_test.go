package webhook_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
	"github.com/seed-6c737938/capability/internal/signature"
)

const authToken = "fedcba9876543210fedcba9876543210"

// A backend notes the requests that it gets.
type backend struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request // with their forms parsed
}

// serve starts a backend.
func serve(t *testing.T, handler http.HandlerFunc) *backend {
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		b.mu.Lock()
		b.requests = append(b.requests, r)
		b.mu.Unlock()
		handler(w, r)
	}))
	b.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(b.Close)
	return b
}

func (b *backend) got() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests
}

func twiml(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	io.WriteString(w, "<Response/>")
}

// A book holds what is logged.
type book struct {
	mu        sync.Mutex
	exchanges []webhook.Exchange
}

func (b *book) add(e webhook.Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exchanges = append(b.exchanges, e)
}

func (b *book) all() []webhook.Exchange {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.exchanges
}

func newSession(t *testing.T) (*webhook.Session, *book) {
	log := &book{}
	s := (&webhook.Client{AuthToken: authToken, Log: log.add}).NewSession()
	t.Cleanup(func() { s.Close(t.Context()) })
	return s, log
}

func target(t *testing.T, method, rawURL string) webhook.Target {
	u, err := url.Parse(rawURL)
	require.NoError(t, err)
	return webhook.Target{Method: method, URL: u}
}

var form = url.Values{"CallSid": {"CA0123456789abcdef0123456789abcdef"}, "To": {"client:tommy"}, "a": {"2", "1"}}

func TestPost(t *testing.T) {
	b := serve(t, twiml)
	s, log := newSession(t)
	document, problem := s.Fetch(t.Context(), target(t, "POST", b.URL+"/voice?z=1&a=3"), form)
	require.Nil(t, problem)
	assert.Equal(t, "<Response/>", string(document.Body))
	assert.Equal(t, "text/xml", document.ContentType)
	assert.Equal(t, webhook.TwiML, document.Kind())
	assert.Equal(t, b.URL+"/voice?z=1&a=3", document.URL.String())

	require.Len(t, b.got(), 1)
	r := b.got()[0]
	assert.Equal(t, "POST", r.Method)
	assert.Equal(t, form, r.PostForm)
	assert.Equal(t, "/voice?z=1&a=3", r.RequestURI)
	assert.Equal(t, "application/x-www-form-urlencoded; charset=UTF-8", r.Header.Get("Content-Type"))
	signed := signature.Text(b.URL+"/voice?z=1&a=3", form)
	assert.Equal(t, signature.Sign(authToken, signed), r.Header.Get("X-Twilio-Signature"))
	assert.NotEmpty(t, r.Header.Get("I-Twilio-Idempotency-Token"))

	require.Len(t, log.all(), 1)
	e := log.all()[0]
	e.Start, e.Duration = time.Time{}, 0
	assert.EqualExportedValues(t, webhook.Exchange{
		ID: document.ID, Method: "POST", URL: b.URL + "/voice?z=1&a=3", Form: form, Signed: signed, Signature: r.Header.Get("X-Twilio-Signature"),
		Status: 200, ContentType: "text/xml", Body: []byte("<Response/>"),
	}, e)
}

// A request can be seen before it is answered.
func TestBegin(t *testing.T) {
	b := serve(t, twiml)
	var told []webhook.Exchange
	note := func(e webhook.Exchange) { told = append(told, e) }
	s := (&webhook.Client{AuthToken: authToken, Begin: note, Log: note}).NewSession()
	s.Owner = "CA1"
	defer s.Close(t.Context())
	document, problem := s.Fetch(t.Context(), target(t, "POST", b.URL+"/voice"), form)
	require.Nil(t, problem)
	require.Len(t, told, 2)
	begun, over := told[0], told[1]
	assert.True(t, begun.Pending)
	assert.Zero(t, begun.Status)
	assert.False(t, over.Pending)
	assert.Equal(t, "CA1", begun.Owner)
	assert.Equal(t, "CA1", over.Owner)
	assert.Equal(t, begun.Signed, over.Signed)
	assert.Equal(t, document.ID, begun.ID)
	assert.Equal(t, document.ID, over.ID)
}

func TestRepeat(t *testing.T) {
	b := serve(t, twiml)
	s, log := newSession(t)
	for _, method := range []string{"GET", "POST"} {
		at := target(t, method, strings.Replace(b.URL, "://", "://alice:secret@", 1)+"/voice?z=1")
		_, problem := s.Fetch(t.Context(), at, form)
		require.Nil(t, problem)
		first, last := len(b.got())-1, len(log.all())-1
		log.all()[last].Repeat(t.Context())
		require.Len(t, b.got(), first+2)
		made, again := b.got()[first], b.got()[first+1]
		assert.Equal(t, made.RequestURI, again.RequestURI)
		assert.Equal(t, made.PostForm, again.PostForm)
		assert.Equal(t, made.Header.Get("X-Twilio-Signature"), again.Header.Get("X-Twilio-Signature"))
		assert.NotEqual(t, made.Header.Get("I-Twilio-Idempotency-Token"), again.Header.Get("I-Twilio-Idempotency-Token"))
		require.Len(t, log.all(), last+2)
		assert.True(t, log.all()[last+1].Again)
		assert.False(t, log.all()[last].Again)
	}
	webhook.Exchange{}.Repeat(t.Context())
}

// TestGet: Twilio appends its parameters to the query, which stays as it is.
func TestGet(t *testing.T) {
	b := serve(t, twiml)
	for _, query := range []string{"?z=1&a=%20x&a=+", "?z", "", "?"} {
		s, log := newSession(t)
		document, problem := s.Fetch(t.Context(), target(t, "GET", b.URL+"/voice"+query), form)
		require.Nil(t, problem)
		r := b.got()[len(b.got())-1]
		want := "/voice" + strings.TrimSuffix(query, "?")
		if want == "/voice" {
			want += "?"
		} else {
			want += "&"
		}
		want += form.Encode()
		assert.Equal(t, "GET", r.Method)
		assert.Equal(t, want, r.RequestURI)
		assert.Zero(t, r.ContentLength)
		assert.Equal(t, signature.Sign(authToken, b.URL+want), r.Header.Get("X-Twilio-Signature"))
		assert.Equal(t, b.URL+want, document.URL.String())
		assert.Equal(t, form, log.all()[0].Form)
	}
}

func TestRedirects(t *testing.T) {
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var n, status int
		if fmt.Sscanf(r.URL.Path, "/%d/%d", &status, &n); n == 0 {
			twiml(w, r)
			return
		}
		w.Header().Set("Location", fmt.Sprintf("../%d/%d?b=1", status, n-1))
		w.WriteHeader(status)
	})
	for status, method := range map[int]string{301: "GET", 302: "GET", 303: "GET", 307: "POST"} {
		s, _ := newSession(t)
		document, problem := s.Fetch(t.Context(), target(t, "POST", fmt.Sprintf("%s/%d/1", b.URL, status)), form)
		require.Nil(t, problem)
		last := b.got()[len(b.got())-1]
		want := fmt.Sprintf("%s/%d/0?b=1", b.URL, status)
		assert.Equal(t, want, document.URL.String())
		assert.Equal(t, method, last.Method)
		wantForm := form
		if method == "GET" {
			wantForm = url.Values{}
		}
		assert.Equal(t, wantForm, last.PostForm, "%d", status)
		assert.Equal(t, signature.Sign(authToken, signature.Text(want, wantForm)), last.Header.Get("X-Twilio-Signature"))
	}

	s, log := newSession(t)
	_, problem := s.Fetch(t.Context(), target(t, "POST", b.URL+"/302/10"), form)
	assert.Nil(t, problem, "ten redirects")
	assert.Len(t, log.all(), 11)
	_, problem = s.Fetch(t.Context(), target(t, "POST", b.URL+"/302/11"), form)
	require.NotNil(t, problem)
	assert.Equal(t, 11215, problem.Code)
	assert.Contains(t, problem.Message, "POST "+b.URL+"/302/11: there are more than 10 redirects, the last to "+b.URL+"/302/1")
	_, problem = s.Fetch(t.Context(), target(t, "POST", b.URL+"/308/1"), form)
	require.NotNil(t, problem)
	assert.Equal(t, 11216, problem.Code)
}

func TestInvalidRedirects(t *testing.T) {
	for _, location := range []string{"", "ftp://example.com/", "http://", "://"} {
		b := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(302)
		})
		s, log := newSession(t)
		_, problem := s.Fetch(t.Context(), target(t, "POST", b.URL), form)
		require.NotNil(t, problem, "%q", location)
		assert.Equal(t, 11216, problem.Code, "%q: %s", location, problem.Message)
		assert.Len(t, log.all(), 1)
	}
}

func TestCookies(t *testing.T) {
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		twiml(w, r)
	})
	s, _ := newSession(t)
	other, _ := newSession(t)
	s.Fetch(t.Context(), target(t, "POST", b.URL), form)
	s.Fetch(t.Context(), target(t, "GET", b.URL), form)
	other.Fetch(t.Context(), target(t, "POST", b.URL), form)
	require.Len(t, b.got(), 3)
	assert.Empty(t, b.got()[0].Cookies())
	assert.Len(t, b.got()[1].Cookies(), 1, "of the session")
	assert.Empty(t, b.got()[2].Cookies(), "of another session")
}

// TestPassword: Twilio shows the password of a URL only when it is asked for it, and
// leaves it out of what it signs.
func TestPassword(t *testing.T) {
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != "pass word" {
			w.Header().Set("WWW-Authenticate", `Basic realm="voice"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		twiml(w, r)
	})
	s, log := newSession(t)
	withPassword := strings.Replace(b.URL, "://", "://user:pass%20word@", 1)
	for range 2 {
		_, problem := s.Fetch(t.Context(), target(t, "POST", withPassword), form)
		require.Nil(t, problem)
	}
	require.Len(t, b.got(), 3, "asked, shown, and at once")
	assert.Empty(t, b.got()[0].Header.Get("Authorization"))
	want := signature.Sign(authToken, signature.Text(b.URL+"/", form))
	for i, r := range b.got() {
		assert.Equal(t, form, r.PostForm)
		assert.Equal(t, want, r.Header.Get("X-Twilio-Signature"))
		assert.Nil(t, log.all()[i].Problem)
		assert.NotContains(t, fmt.Sprintf("%+v", log.all()[i]), "pass")
	}

	for _, wrong := range []string{b.URL, strings.Replace(b.URL, "://", "://user:secret@", 1)} {
		_, problem := s.Fetch(t.Context(), target(t, "POST", wrong+"/voice"), form)
		if wrong != b.URL {
			s, _ = newSession(t) // one that is not logged in
			_, problem = s.Fetch(t.Context(), target(t, "POST", wrong+"/voice"), form)
		}
		require.NotNil(t, problem)
		assert.Equal(t, 11200, problem.Code)
		assert.Contains(t, problem.Message, `/voice: the answer is 401 Unauthorized: "who are you?"`)
		assert.NotContains(t, problem.Message, "secret")
	}
}

func TestAnswers(t *testing.T) {
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		kind    webhook.Kind
		code    int // 0 if it is taken
		want    string
	}{
		"application/xml": {answer(200, "application/xml", "<Response/>"), webhook.TwiML, 0, ""},
		"text/html":       {answer(200, "TEXT/HTML; charset=utf-8", "<Response/>"), webhook.TwiML, 0, ""},
		"text/plain":      {answer(200, "text/plain", "Hello"), webhook.Text, 0, ""},
		"audio":           {answer(200, "audio/mpeg", strings.Repeat("a", webhook.MaxDocument+1)), webhook.Audio, 0, ""},
		"201":             {answer(201, "text/xml", "<Response/>"), webhook.TwiML, 0, ""},
		"of 64 KiB":       {answer(200, "text/xml", strings.Repeat("a", webhook.MaxDocument)), webhook.TwiML, 0, ""},
		"longer":          {answer(200, "text/xml", strings.Repeat("a", webhook.MaxDocument+1)), 0, 11750, "the answer is longer than 65536 bytes"},
		"no Content-Type": {answer(200, "", "<Response/>"), 0, 12300, "the answer has no Content-Type: it has to be text/xml"},
		"204":             {answer(204, "", ""), 0, 12300, "no Content-Type"},
		"JSON":            {answer(200, "application/json", `{"a":1}`), 0, 12300, `the answer has the Content-Type "application/json": it has to be text/xml: "{\"a\":1}"`},
		"no media type":   {answer(200, "xml", "<Response/>"), 0, 12300, `Content-Type "xml"`},
		"404":             {answer(404, "text/plain", "404 page not found\n"), 0, 11200, `the answer is 404 Not Found: "404 page not found"`},
		"500":             {answer(500, "text/xml", ""), 0, 11200, "the answer is 500 Internal Server Error"},
		"a long line":     {answer(500, "text/plain", strings.Repeat("a", 2000)), 0, 11200, strings.Repeat("a", 200) + "…"},
		"control":         {answer(500, "text/plain", "\x1b[2Ja\u202eb\r\nc"), 0, 11200, `: "\x1b[2Ja\u202eb\r"`},
		"not UTF-8":       {answer(500, "text/plain", "\xff"), 0, 11200, `"\xff"`},
		"the auth token":  {answer(500, "text/plain", "token="+authToken), 0, 11200, "(not shown, as it may hold a secret)"},
		"Digest": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Digest realm="a"`)
			w.WriteHeader(401)
		}, 0, 11200, "asks for Digest authentication, which the stand-in does not support: use Basic"},
		"empty and chunked": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.(http.Flusher).Flush()
		}, 0, 11770, "the answer is empty"},
		"304": {answer(304, "", ""), 0, 11216, "the answer is 304 Not Modified, which is not a redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t, test.handler)
			s, log := newSession(t)
			document, problem := s.Fetch(t.Context(), target(t, "POST", b.URL+"/voice?key=1"), form)
			require.Len(t, log.all(), 1)
			assert.Equal(t, problem, log.all()[0].Problem)
			assert.LessOrEqual(t, len(log.all()[0].Body), webhook.MaxDocument)
			assert.NotContains(t, fmt.Sprintf("%+v %s", log.all()[0], log.all()[0].Body), authToken)
			if test.code == 0 {
				require.Nil(t, problem)
				assert.Equal(t, test.kind, document.Kind())
				return
			}
			require.NotNil(t, problem)
			assert.Equal(t, test.code, problem.Code)
			assert.Contains(t, problem.Message, "POST "+b.URL+"/voice: ")
			assert.Contains(t, problem.Message, test.want)
		})
	}
}

func TestFetchAudio(t *testing.T) {
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		io.WriteString(w, "RIFF")
	})
	s, log := newSession(t)
	document, problem := s.FetchAudio(t.Context(), target(t, "", b.URL+"/a.wav?type=audio/x-wav").URL)
	require.Nil(t, problem)
	assert.Equal(t, webhook.Audio, document.Kind())
	assert.Equal(t, "RIFF", string(document.Body))
	assert.Equal(t, "/a.wav?type=audio/x-wav", b.got()[0].RequestURI, "without parameters")

	for contentType, has := range map[string]string{
		"":                         "no Content-Type",
		"text/xml":                 `the Content-Type "text/xml"`,
		"text/plain":               `the Content-Type "text/plain"`,
		"application/octet-stream": `the Content-Type "application/octet-stream"`,
		"video/mp4":                `the Content-Type "video/mp4"`,
	} {
		_, problem = s.FetchAudio(t.Context(), target(t, "", b.URL+"/a.wav?type="+contentType).URL)
		require.NotNil(t, problem)
		assert.Equal(t, 13420, problem.Code)
		assert.Contains(t, problem.Message, "the answer has "+has+": <Play> has to get audio")
		assert.Equal(t, problem, log.all()[len(log.all())-1].Problem)
	}
}

// refusing returns a URL at which nobody listens.
func refusing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	return "http://" + l.Addr().String() + "/voice"
}

// raw starts a server that is none: it answers to each connection with text.
func raw(t *testing.T, text string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.ReadFull(conn, make([]byte, 16)) // of the request
			io.WriteString(conn, text)
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestNoAnswer has the codes of failures that are no answers.
func TestNoAnswer(t *testing.T) {
	plain := serve(t, twiml)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(twiml))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	expired := httptest.NewUnstartedServer(http.HandlerFunc(twiml))
	expired.Config.ErrorLog = secure.Config.ErrorLog
	expired.TLS = &tls.Config{Certificates: []tls.Certificate{expiredCertificate(t)}}
	expired.StartTLS()
	defer expired.Close()
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())

	for name, test := range map[string]struct {
		url       string
		code      int
		want      string
		exchanges int
	}{
		"refused":          {refusing(t), 11202, "is the backend running, and on this port?", 2},
		"unknown host":     {"http://a..b/", 11210, `the host "a..b" cannot be found`, 2},
		"not HTTP":         {raw(t, "SSH-2.0-OpenSSH_9.2\r\n\r\n"), 11206, "the answer is not valid HTTP", 1},
		"closed":           {raw(t, ""), 11206, "the answer is not valid HTTP", 1},
		"cut off":          {raw(t, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<Resp"), 11206, "unexpected EOF", 1},
		"self-signed":      {secure.URL, 11237, "the certificate is not trusted, perhaps as it is self-signed", 1},
		"another host":     {"https://localhost:" + port, 11235, "the certificate is for another host", 1},
		"expired":          {expired.URL, 11236, "has expired", 1},
		"https on http":    {strings.Replace(plain.URL, "http:", "https:", 1), 11220, "is the URL http:// rather than https://?", 1},
		"http on https":    {strings.Replace(secure.URL, "https:", "http:", 1), 11200, "the answer is 400 Bad Request", 1},
		"a retry policy":   {plain.URL + "#rp=4xx,6xx", 11243, "the retry policy in the URL's fragment (rp) is not valid", 1},
		"refused, no more": {refusing(t) + "#rc=0", 11202, "refused", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := newSession(t)
			_, problem := s.Fetch(t.Context(), target(t, "POST", strings.Replace(test.url, "://", "://user:secret@", 1)), form)
			require.NotNil(t, problem)
			assert.Equal(t, test.code, problem.Code, problem.Message)
			assert.Contains(t, problem.Message, test.want)
			assert.NotContains(t, problem.Message, "secret")
			assert.Len(t, log.all(), test.exchanges)
			for _, e := range log.all() {
				assert.Equal(t, problem, e.Problem)
				assert.NotContains(t, e.URL, "secret")
			}
		})
	}
}

func expiredCertificate(t *testing.T) tls.Certificate {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// stuck is a handler that answers when the client has left.
func stuck(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestTimeouts(t *testing.T) {
	b := serve(t, stuck)
	for name, test := range map[string]struct {
		timeout   time.Duration
		fragment  string
		exchanges int
	}{
		"of the client":    {50 * time.Millisecond, "", 1},
		"total":            {0, "#tt=100", 1},
		"read":             {0, "#rt=100", 1},
		"read, and again":  {0, "#rt=100&rc=2&rp=ct,rt", 3},
		"read, and always": {0, "#rt=100&rp=all", 2},
	} {
		t.Run(name, func(t *testing.T) {
			log := &book{}
			s := (&webhook.Client{Timeout: test.timeout, Log: log.add}).NewSession()
			defer s.Close(t.Context())
			_, problem := s.Fetch(t.Context(), target(t, "POST", b.URL+test.fragment), form)
			require.NotNil(t, problem)
			assert.Equal(t, 11205, problem.Code, problem.Message)
			assert.Regexp(t, "there was no answer in time: it waits (50|100)ms$", problem.Message)
			assert.Len(t, log.all(), test.exchanges)
		})
	}
}

// TestBodyTimeout has an answer that starts, and does not end.
func TestBodyTimeout(t *testing.T) {
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, "<Response>")
		w.(http.Flusher).Flush()
		stuck(w, r)
	})
	s, _ := newSession(t)
	_, problem := s.Fetch(t.Context(), target(t, "POST", b.URL+"#tt=100"), form)
	require.NotNil(t, problem)
	assert.Equal(t, 11205, problem.Code, problem.Message)
}

func TestRetries(t *testing.T) {
	for name, test := range map[string]struct {
		fragment string
		status   int
		requests int
	}{
		"5xx":                 {"#rc=2&rp=5xx", 503, 3},
		"4xx":                 {"#rp=4xx&rc=1", 429, 2},
		"all":                 {"#rp=all&rc=5", 500, 6},
		"not by default":      {"", 500, 1},
		"another policy":      {"#rc=5&rp=ct,rt,4xx", 500, 1},
		"too many":            {"#rc=6&rp=5xx", 500, 2}, // rc is not valid
		"what others do":      {"#e=ashburn&sni=y&rc=2&rp=5xx", 500, 3},
		"not after a success": {"#rc=5&rp=all", 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(test.status)
			})
			s, _ := newSession(t)
			s.Fetch(t.Context(), target(t, "POST", b.URL+test.fragment), form)
			require.Len(t, b.got(), test.requests)
			tokens := map[string]bool{}
			for _, r := range b.got() {
				assert.Equal(t, form, r.PostForm)
				tokens[r.Header.Get("I-Twilio-Idempotency-Token")] = true
			}
			assert.Len(t, tokens, 1, "the same in each retry")
		})
	}
}

func TestEndedCall(t *testing.T) {
	b := serve(t, stuck)
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := newSession(t)
	go func() {
		for len(b.got()) == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	_, problem := s.Fetch(ctx, target(t, "POST", b.URL+"#rp=all"), form)
	require.NotNil(t, problem)
	assert.Contains(t, problem.Message, "the call ended before there was an answer")
	assert.Len(t, b.got(), 1)
}

// TestCallbacks: they arrive in order, however slow the backend is, and Close waits
// for them.
func TestCallbacks(t *testing.T) {
	first := make(chan struct{})
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-first
		w.WriteHeader(204)
	})
	s, log := newSession(t)
	for i := range 100 {
		s.Notify(target(t, "POST", b.URL), url.Values{"N": {fmt.Sprint(i)}})
	}
	close(first)
	s.Close(t.Context())
	s.Notify(target(t, "POST", b.URL), form)
	s.Close(t.Context())
	require.Len(t, b.got(), 100)
	for i, r := range b.got() {
		assert.Equal(t, fmt.Sprint(i), r.PostForm.Get("N"))
		assert.Nil(t, log.all()[i].Problem)
		assert.True(t, log.all()[i].Callback)
	}
}

func TestCallbackAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		code   int
	}{
		"204": {func(w http.ResponseWriter) { w.WriteHeader(204) }, 0},
		"JSON": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, "{}")
		}, 0},
		"nothing": {func(w http.ResponseWriter) { w.Header()["Content-Type"] = nil }, 0},
		"long":    {func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("a", 100_000)) }, 0},
		"404":     {func(w http.ResponseWriter) { w.WriteHeader(404) }, 15003},
		"500":     {func(w http.ResponseWriter) { w.WriteHeader(500) }, 15003},
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t, func(w http.ResponseWriter, _ *http.Request) { test.answer(w) })
			s, log := newSession(t)
			s.Notify(target(t, "GET", b.URL), form)
			s.Close(t.Context())
			require.Len(t, log.all(), 1)
			if problem := log.all()[0].Problem; test.code == 0 {
				assert.Nil(t, problem)
			} else if assert.NotNil(t, problem) {
				assert.Equal(t, test.code, problem.Code)
			}
		})
	}
}

func TestCallbackHost(t *testing.T) {
	s, log := newSession(t)
	s.Notify(target(t, "POST", "http://my_host.localhost/"), form)
	s.Close(t.Context())
	require.Len(t, log.all(), 1)
	assert.Equal(t, 11100, log.all()[0].Problem.Code)
	assert.Contains(t, log.all()[0].Problem.Message, "must not have an underscore")
}

// TestCloseDrops: a backend that does not answer does not keep Close.
func TestCloseDrops(t *testing.T) {
	before := runtime.NumGoroutine()
	b := serve(t, stuck)
	s, _ := newSession(t)
	for range 100 {
		s.Notify(target(t, "POST", b.URL), form)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Close(ctx)
	assert.LessOrEqual(t, len(b.got()), 1)
	b.Close()
	for runtime.NumGoroutine() > before { // or the test times out
		runtime.Gosched()
	}
}

// TestTooManyCallbacks: what is dropped is said.
func TestTooManyCallbacks(t *testing.T) {
	first := make(chan struct{})
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-first
		w.WriteHeader(204)
	})
	s, log := newSession(t)
	s.Notify(target(t, "POST", b.URL), form)
	require.Eventually(t, func() bool { return len(b.got()) == 1 }, 10*time.Second, time.Millisecond)
	for range 1005 { // 1000 wait
		s.Notify(target(t, "POST", b.URL), form)
	}
	close(first)
	s.Close(t.Context())
	assert.Len(t, b.got(), 1001)
	require.Len(t, log.all(), 1002)
	require.NotNil(t, log.all()[1].Problem)
	assert.Equal(t, 15002, log.all()[1].Problem.Code)
	assert.Contains(t, log.all()[1].Problem.Message, "5 status callbacks were dropped")
}

func TestProgress(t *testing.T) {
	b := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	s, _ := newSession(t)
	for range 3 {
		s.Progress(target(t, "POST", b.URL), form)
	}
	s.Notify(target(t, "POST", b.URL), form)
	s.Close(t.Context())
	require.Len(t, b.got(), 4)
	for i, r := range b.got()[:3] {
		assert.Equal(t, fmt.Sprint(i), r.PostForm.Get("SequenceNumber"))
		assert.Equal(t, "call-progress-events", r.PostForm.Get("CallbackSource"))
		assert.Regexp(t, `^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$`, r.PostForm.Get("Timestamp"))
		assert.Equal(t, "client:tommy", r.PostForm.Get("To"))
	}
	assert.Equal(t, form, b.got()[3].PostForm, "as it was given")
}

func TestResolve(t *testing.T) {
	base, err := url.Parse("https://user:secret@example.com/phone/voice?a=1")
	require.NoError(t, err)
	for ref, want := range map[string]string{
		"":                           "https://user:secret@example.com/phone/voice?a=1",
		"next?b=2&amp":               "https://user:secret@example.com/phone/next?b=2&amp",
		"/next":                      "https://user:secret@example.com/next",
		"../next":                    "https://user:secret@example.com/next",
		"?b":                         "https://user:secret@example.com/phone/voice?b",
		"//example.org/":             "https://example.org/",
		"http://[::1]:8080/a b":      "http://[::1]:8080/a%20b",
		"http://example.org#rc=2":    "http://example.org#rc=2",
		"HTTP://example.org":         "http://example.org",
		"http://example.org/é?a=%zz": "http://example.org/%C3%A9?a=%zz",
	} {
		got, problem := webhook.Resolve(base, ref, "GET")
		require.Nil(t, problem, ref)
		assert.Equal(t, want, got.URL.String())
		assert.Equal(t, "GET", got.Method)
	}
	for ref, want := range map[string]string{
		"ftp://user:secret@example.com/": "has to start with http:// or https://",
		"mailto:tommy@example.com":       "has to start with",
		"http://":                        "and a host",
		"http://:8080/":                  "and a host",
		"http:/voice":                    "and a host",
		"/a?b=c d":                       "percent-encode spaces",
		"/a?é":                           "percent-encode spaces, and what is not ASCII, in its query",
		"https://secret:%zz@example.com": "it cannot be parsed",
		"http://secret\x7f":              "it cannot be parsed",
		strings.Repeat("x:", 1000):       "…",
	} {
		_, problem := webhook.Resolve(base, ref, "POST")
		require.NotNil(t, problem, ref)
		assert.Equal(t, 11100, problem.Code)
		assert.Contains(t, problem.Message, want)
		assert.NotContains(t, problem.Message, "secret")
	}
	_, problem := webhook.Resolve(nil, "/voice", "POST")
	require.NotNil(t, problem)
	assert.Contains(t, problem.Message, "has to be absolute")
	_, problem = webhook.Resolve(nil, "https://example.com/", "POST")
	assert.Nil(t, problem)
}

func TestFallback(t *testing.T) {
	failed, err := url.Parse("https://user:secret@example.com/voice?a=1")
	require.NoError(t, err)
	got := webhook.Fallback(url.Values{"To": {"client:tommy"}, "ErrorCode": {"1"}}, failed, 11200)
	assert.Equal(t, url.Values{"To": {"client:tommy"}, "ErrorCode": {"11200"}, "ErrorUrl": {"https://example.com/voice?a=1"}}, got)
}

// FuzzResolve looks for URLs that break Resolve, or what it promises.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"", "/voice?a=1#rc=2&rp=all", "//user:secret@example.com:80", "http://[::1]/%zz", "http:\\\\a", "x:"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://example.com/phone/voice?a=1")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, ref string) {
		got, problem := webhook.Resolve(base, ref, "POST")
		if problem != nil {
			require.Less(t, len(problem.Message), 1000)
			return
		}
		require.Contains(t, []string{"http", "https"}, got.URL.Scheme)
		require.NotEmpty(t, got.URL.Hostname())
		_, err := http.NewRequest("POST", got.URL.String(), nil)
		require.NoError(t, err)
	})
}
