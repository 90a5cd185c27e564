package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/signature"
)

// A request is what one of Twilio's requests is about, however many exchanges it
// takes.
type request struct {
	session   *Session
	target    Target
	limits    limits
	transport *http.Transport
	token     string // the same in each retry
	purpose   purpose
	again     bool
}

// A purpose is what a request is made for.
type purpose int

const (
	toDocument purpose = iota
	toAudio
	toReport // a status callback, whose answer does not matter
)

// An answer is what a backend answered to one HTTP request.
type answer struct {
	url         *url.URL
	status      int
	statusText  string
	contentType string // without parameters, or as it is if that is not valid
	location    string
	challenge   string // WWW-Authenticate
	chunked     bool   // Transfer-Encoding
	body        []byte
	id          string
}

// A failure is why an exchange failed, and in which way, in the terms of a retry
// policy: ct, rt, 4xx, 5xx or "".
type failure struct {
	*Error
	kind string
}

// request makes a request, and tries again where Twilio does.
func (s *Session) request(ctx context.Context, t Target, form url.Values, purpose purpose) (answer, *Error) {
	l, problem := s.client.limits(t)
	if problem != nil {
		s.log(Exchange{Method: t.Method, URL: t.URL.Redacted(), Form: form, Callback: purpose == toReport, Start: time.Now(), Problem: problem})
		return answer{}, problem
	}
	ctx, cancel := context.WithTimeout(ctx, l.total)
	defer cancel()
	r := request{session: s, target: t, limits: l, transport: l.transport(), token: rand.Text(), purpose: purpose}
	for attempt := 0; ; attempt++ {
		a, failed := r.follow(ctx, form)
		if failed == nil {
			return a, nil
		}
		if ctx.Err() != nil || !l.retry(failed.kind, attempt) {
			return answer{}, failed.Error
		}
	}
}

// maxRedirects is how many Twilio follows (11215).
const maxRedirects = 10

// follow makes a request, and follows redirects as browsers do: 307 repeats the
// request, and the others turn it into a GET request without a form.
func (r *request) follow(ctx context.Context, form url.Values) (answer, *failure) {
	t := r.target
	if t.Method == http.MethodGet {
		t.URL = appendQuery(t.URL, form)
	}
	for redirects := 0; ; redirects++ {
		a, failed := r.exchange(ctx, t, form, redirects)
		if failed != nil || a.location == "" {
			return a, failed
		}
		t.URL, _ = t.URL.Parse(a.location) // exchange has checked it
		if a.status != http.StatusTemporaryRedirect {
			t.Method, form = http.MethodGet, nil
		}
	}
}

// appendQuery appends a form to a URL's query, which stays as it is.
func appendQuery(u *url.URL, form url.Values) *url.URL {
	with := *u
	if len(form) == 0 {
		return &with
	}
	with.RawQuery = strings.TrimPrefix(with.RawQuery+"&"+form.Encode(), "&")
	return &with
}

// exchange makes one HTTP request, and another if the first asks for the password in
// the URL. Twilio then stays logged in: https://www.twilio.com/docs/usage/security#http-authentication
func (r *request) exchange(ctx context.Context, t Target, form url.Values, redirects int) (answer, *failure) {
	login := r.session.isLoggedIn(t.URL)
	a, failed := r.once(ctx, t, form, login, redirects)
	if a.asksPassword(t.URL, login) {
		if a, failed = r.once(ctx, t, form, true, redirects); failed == nil {
			r.session.logIn(t.URL)
		}
	}
	return a, failed
}

// asksPassword reports whether the request is to be repeated with the password of
// its URL.
func (a answer) asksPassword(u *url.URL, login bool) bool {
	return a.status == http.StatusUnauthorized && !login && u.User != nil && a.scheme() == "basic"
}

// scheme returns the scheme of authentication that a backend asks for.
func (a answer) scheme() string {
	scheme, _, _ := strings.Cut(strings.ToLower(a.challenge), " ")
	return scheme
}

// once makes one HTTP request, and logs it.
func (r *request) once(ctx context.Context, t Target, form url.Values, login bool, redirects int) (answer, *failure) {
	signedURL, posted := signature.URL(t.URL), form
	if t.Method == http.MethodGet {
		posted = nil
	}
	e := Exchange{Method: t.Method, URL: t.URL.Redacted(), Form: form, Callback: r.purpose == toReport, ID: rand.Text(), Again: r.again, Start: time.Now()}
	e.repeat = func(ctx context.Context) { r.repeat(ctx, t, form, redirects) }
	e.Signed = signature.Text(signedURL, posted)
	e.Signature = signature.Sign(r.session.client.AuthToken, e.Signed)

	r.session.begin(e)
	a, err := r.send(ctx, t, posted, login, e.Signature)
	var failed *failure
	switch {
	case err != nil:
		failed = r.failed(ctx, t, err)
	case !a.asksPassword(t.URL, login):
		failed = r.judge(&a, redirects)
	}
	e.Duration = time.Since(e.Start)
	e.Status, e.ContentType = a.status, a.contentType
	e.Body = withoutSecret(a.body[:min(len(a.body), MaxDocument)], r.session.client.AuthToken)
	if failed != nil {
		e.Problem = failed.Error
	}
	r.session.log(e)
	a.id = e.ID
	return a, failed
}

// repeat makes one HTTP request again.
func (r *request) repeat(ctx context.Context, t Target, form url.Values, redirects int) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	again := *r
	again.token, again.again = rand.Text(), true
	again.once(ctx, t, form, r.session.isLoggedIn(t.URL), redirects)
}

// withoutSecret removes an auth token that a backend shows.
func withoutSecret(body []byte, secret string) []byte {
	if secret == "" {
		return body
	}
	return bytes.ReplaceAll(body, []byte(secret), []byte("(auth token)"))
}

// send sends one HTTP request, and reads the answer.
func (r *request) send(ctx context.Context, t Target, posted url.Values, login bool, signed string) (answer, error) {
	u := *t.URL
	u.User, u.Fragment, u.RawFragment = nil, "", "" // the user is sent when asked for
	var body io.Reader
	if t.Method == http.MethodPost {
		body = strings.NewReader(posted.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, t.Method, u.String(), body)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("User-Agent", "capabilitytest")
	request.Header.Set("I-Twilio-Idempotency-Token", r.token)
	request.Header.Set(signature.Header, signed)
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	}
	if login {
		password, _ := t.URL.User.Password()
		request.SetBasicAuth(t.URL.User.Username(), password)
	}
	for _, cookie := range r.session.jar.Cookies(request.URL) {
		request.AddCookie(cookie)
	}
	response, err := r.transport.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	r.session.jar.SetCookies(request.URL, response.Cookies())
	return read(response, t.URL)
}

func read(response *http.Response, u *url.URL) (answer, error) {
	a := answer{
		url:         u,
		status:      response.StatusCode,
		statusText:  response.Status,
		contentType: response.Header.Get("Content-Type"),
		location:    response.Header.Get("Location"),
		challenge:   response.Header.Get("WWW-Authenticate"),
		chunked:     slices.Contains(response.TransferEncoding, "chunked"),
	}
	if mediaType, _, err := mime.ParseMediaType(a.contentType); err == nil {
		a.contentType = mediaType
	}
	most := MaxDocument
	if slices.Contains(audioTypes, a.contentType) {
		most = maxAudio
	}
	var err error
	a.body, err = io.ReadAll(io.LimitReader(response.Body, int64(most)+1))
	return a, err
}

// judge returns what Twilio does not take. It leaves a location only where Twilio
// follows it.
func (r *request) judge(a *answer, redirects int) *failure {
	class := a.status / 100
	location := a.location
	a.location = ""
	fail := func(code int, kind, format string, args ...any) *failure {
		return &failure{&Error{code, r.target.String() + ": " + fmt.Sprintf(format, args...)}, kind}
	}
	switch {
	case class == 3 && !followed(a, location):
		return fail(11216, "", "the answer is %s, which is not a redirect that Twilio follows: use 301, 302, 303 or 307, with a Location that is an http or https URL", clip(a.statusText))
	case class == 3 && redirects == maxRedirects:
		return fail(11215, "", "there are more than %d redirects, the last to %s", maxRedirects, Shown(a.url))
	case class == 3:
		a.location = location
		return nil
	case a.status == http.StatusUnauthorized && a.scheme() == "digest":
		return fail(11200, "", "the answer is %s and asks for Digest authentication, which the stand-in does not support: use Basic", clip(a.statusText))
	case class != 2 && r.purpose == toReport:
		return fail(15003, fmt.Sprintf("%dxx", class), "the answer is %s%s", clip(a.statusText), r.firstLine(a.body))
	case class != 2:
		return fail(11200, fmt.Sprintf("%dxx", class), "the answer is %s%s", clip(a.statusText), r.firstLine(a.body))
	case r.purpose == toReport:
		return nil
	case a.contentType == "" && r.purpose == toAudio:
		return fail(13420, "", "the answer has no Content-Type: <Play> has to get audio, such as audio/wav")
	case a.contentType == "":
		return fail(12300, "", "the answer has no Content-Type: it has to be text/xml")
	case slices.Contains(audioTypes, a.contentType) && len(a.body) > maxAudio:
		return fail(11200, "", "the answer is longer than %d bytes, which is the most that the stand-in plays", maxAudio)
	case slices.Contains(audioTypes, a.contentType):
		return nil
	case r.purpose == toAudio:
		return fail(13420, "", "the answer has the Content-Type %s: <Play> has to get audio, such as audio/wav%s", redact.Quote(clip(a.contentType), r.session.client.AuthToken), r.firstLine(a.body))
	case !slices.Contains(documentTypes, a.contentType):
		return fail(12300, "", "the answer has the Content-Type %s: it has to be text/xml%s", redact.Quote(clip(a.contentType), r.session.client.AuthToken), r.firstLine(a.body))
	case len(a.body) > MaxDocument:
		return fail(11750, "", "the answer is longer than %d bytes", MaxDocument)
	case len(a.body) == 0 && a.chunked:
		return fail(11770, "", "the answer is empty, and has Transfer-Encoding: chunked")
	}
	return nil
}

// followed reports whether Twilio follows a redirect:
// https://www.twilio.com/docs/api/errors/11216
func followed(a *answer, location string) bool {
	u, err := a.url.Parse(location)
	return location != "" && err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		slices.Contains([]int{301, 302, 303, 307}, a.status)
}

// firstLine quotes the first line of a body that is text, to follow a sentence.
func (r *request) firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body[:min(len(body), 1000)])), "\n")
	if line == "" {
		return ""
	}
	return ": " + redact.Quote(clip(line), r.session.client.AuthToken)
}

// clip shortens what a message says of an answer or a URL.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func quote(s string) string { return strconv.Quote(clip(s)) }
