package capabilityhttp

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/rule"
	"github.com/seed-6c737938/capability/internal/signature"
)

const (
	maxWebhook = 64 << 10 // bytes of a request's body
	maxShown   = 2000     // bytes of a URL in the log
)

// FromTwilio returns middleware that passes on only requests that Twilio has signed
// with one of the auth tokens, as described in
//
//	https://www.twilio.com/docs/usage/webhooks/webhooks-security
//
// publicURL is the scheme and host, and the port if there is one, at which Twilio
// reaches this program, such as https://phone.example.com. It must be given, since a
// request that came through a proxy or a tunnel does not show it. The path and query
// are the request's own, as they arrived: a proxy must not change them. As in Twilio's
// libraries, the signature may or may not cover the port.
//
// Twilio signs with the auth token of the account, even if its devices have Access
// Tokens. While rotating it, pass both the old and the new one.
//
// A request passes if it is a GET, HEAD or POST request, and the signature covers its
// URL and its body of at most 64 KiB: a form, or any other body whose hash is in the
// query parameter bodySHA256. The handler finds the form parsed, and can read the
// body again. A signature does not expire: whoever has seen a signed request can send
// it again.
//
// Any other request is answered with status 403 and {"error":"not signed by Twilio"}.
// The URL that was checked and the likely cause are logged with [slog.WarnContext];
// the signature and the auth tokens never are.
//
// FromTwilio fails if publicURL is not an http or https URL with only a host and port,
// if there is no auth token or [capability.New] would refuse one
// ([capability.ErrInvalidAuthToken]), or under GODEBUG=fips140=only, which forbids the
// HMAC-SHA1 of Twilio's signatures.
func FromTwilio(publicURL string, authTokens ...string) (func(http.Handler) http.Handler, error) {
	c := &checker{publicURL, slices.Clone(authTokens)}
	if err := cmp.Or(c.checkPublicURL(), c.checkAuthTokens(), signature.Err()); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if cause := c.refusal(w, r); cause != "" {
				slog.WarnContext(r.Context(), "capabilityhttp: not signed by Twilio",
					"cause", cause, "method", r.Method, "url", c.shown(publicURL+target(r)))
				writeError(w, &Error{http.StatusForbidden, "not signed by Twilio"})
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// A checker holds what FromTwilio was given.
type checker struct {
	publicURL  string
	authTokens []string
}

func (c *checker) checkPublicURL() error {
	u, err := url.Parse(c.publicURL)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && isPort(u.Port()) &&
		!strings.HasSuffix(u.Host, ":") && c.publicURL == u.Scheme+"://"+u.Host {
		return nil
	}
	shown := redact.Quote(c.publicURL, c.authTokens...)
	if strings.Contains(c.publicURL, "@") {
		shown = "(not shown, as it may hold a password)"
	}
	return fmt.Errorf("capabilityhttp: public URL %s: use a scheme and a host, and nothing after them, such as https://phone.example.com", shown)
}

func isPort(port string) bool {
	number, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && number > 0
}

func (c *checker) checkAuthTokens() error {
	if len(c.authTokens) == 0 {
		return fmt.Errorf("%w: there is none", capability.ErrInvalidAuthToken)
	}
	for _, authToken := range c.authTokens {
		if wrong := rule.Secret(authToken); wrong != "" {
			return fmt.Errorf("%w: %s", capability.ErrInvalidAuthToken, wrong)
		}
	}
	return nil
}

// refusal returns why a request does not pass, or "". It parses the request's form.
func (c *checker) refusal(w http.ResponseWriter, r *http.Request) (cause string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default: // the method is not signed: a signed request must not become another
		return "Twilio sends only GET and POST requests"
	}
	signed := r.Header.Get(signature.Header)
	if signed == "" {
		return "there is no " + signature.Header + " header: Twilio has not sent the request, or a proxy has removed it"
	}
	if r.Body == nil { // of a request that no server has read
		r.Body = http.NoBody
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		return fmt.Sprintf("the body cannot be read, or has more than %d bytes: %v", maxWebhook, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, cause := parseForm(r, body)
	r.Body = io.NopCloser(bytes.NewReader(body)) // for the handler
	if cause != "" || signature.Check(signed, c.publicURL, target(r), form, c.authTokens) {
		return cause
	}
	for _, scheme := range []string{"https://", "http://"} {
		if signature.Check(signed, scheme+r.Host, target(r), form, c.authTokens) {
			return "it is signed for " + scheme + r.Host + ", the URL that Twilio was given: use that as publicURL"
		}
	}
	return "publicURL is not what Twilio was given, a proxy has changed the path or the query, or Twilio uses another auth token"
}

// parseForm parses a request's form, and returns what of it is signed. A body that is
// neither a form nor that of a signed hash could be anybody's.
func parseForm(r *http.Request, body []byte) (form url.Values, cause string) {
	r.ParseForm() // a query that cannot be parsed is signed all the same
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method == http.MethodPost && contentType == "application/x-www-form-urlencoded" {
		if _, err := url.ParseQuery(string(body)); err != nil {
			return nil, "the form cannot be parsed: " + err.Error()
		}
		return r.PostForm, ""
	}
	query := r.URL.Query()
	if len(body) > 0 || query.Has(signature.BodyParam) {
		if !signature.CheckBody(query.Get(signature.BodyParam), body) {
			return nil, "the body is not a form, and its hash is not in the query parameter " + signature.BodyParam
		}
	}
	return nil, ""
}

// target returns path and query as they arrived. r.URL may have lost a prefix, to a
// router.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // of a URL with a host, as a proxy gets it
}

// shown returns what the log may show of a URL.
func (c *checker) shown(url string) string {
	for _, authToken := range c.authTokens {
		if redact.Contains(url, authToken) {
			return "(not shown, as it holds an auth token)"
		}
	}
	return url[:min(len(url), maxShown)]
}
