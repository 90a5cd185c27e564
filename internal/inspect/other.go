package inspect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/rule"
)

const wholeToken = "Copy the whole token, which starts with eyJ."

// readOther is for what is not a token, or only a part of one.
func (r *Report) readOther(text string, parts []string) {
	r.Kind, r.text = Unknown, text
	message, advice := whatIs(text)
	if header, raw, _ := decodeObject(parts[0]); header != nil && len(parts) <= 2 {
		r.Kind, r.Header, r.text = "part of a JSON Web Token", raw, searchable(raw)
		missing := "end"
		if header["alg"] == nil { // then it is the claims
			missing = "start"
		}
		message, advice = fmt.Sprintf("its %s is missing: it has %d of 3 parts", missing, len(parts)), wholeToken
	}
	r.problem(r.rules.malformed, message, advice)
}

var (
	noValue  = regexp.MustCompile(`^(undefined|null|NaN|None|nil|<nil>|\[object \w+\])$`)
	twiML    = regexp.MustCompile(`<Response[\s/>]`)
	html     = regexp.MustCompile(`(?i)<(!doctype html|html|head|body|title|pre)[\s>]`)
	xml      = regexp.MustCompile(`^<(\?xml|\w+)`)
	unfilled = regexp.MustCompile(`(?i)^(<[a-z_ -]+>|\$\{?\w+\}?|\{\{ *\w+ *\}\}|your[\w-]+)$`)
	aURL     = regexp.MustCompile(`^\w+://\S+$`)
	refusal  = regexp.MustCompile(`(?i)^(http/\S+ )?[45]\d\d\b|unauthori[sz]ed|forbidden|not (found|auth|allowed)|denied|refused|cannot (get|post)|bad (gateway|request)|\b\w*(error|exception)\b`)
	aFile    = regexp.MustCompile(`^[\w./\\:-]+\.(txt|json|jwt|log|env|html|xml|mail|eml)$`)
	dotted   = regexp.MustCompile(`^[\w+/=-]*(\.[\w+/=-]*)+$`)
	tokenKey = regexp.MustCompile(`(?i)(token|jwt)$`)
)

// whatIs says what a text without a token is, and what to do.
func whatIs(text string) (message, advice string) {
	const lookAt = " Look at the request in the browser's developer tools, under Network."
	switch {
	case rule.IsWholeSID(text):
		return "it is an SID, not a token", wholeToken
	case rule.HasSecretForm(text):
		return "it looks like an auth token or the secret of an API key, not a token for a page",
			"Keep it secret: no page needs it. " + wholeToken
	case noValue.MatchString(text):
		return "it is " + Quote(text) + ", a value of the program instead of a token",
			"Check what the page reads from your backend's answer and passes to Twilio.Device. An answer has to be awaited and parsed first."
	case twiML.MatchString(text):
		return "it is TwiML, with which a voice URL answers Twilio, not a token",
			"The page asked the voice URL, which is for Twilio. Have it ask the URL that mints tokens."
	case html.MatchString(text):
		return "it is HTML, a web page, not a token",
			"The page asked the wrong URL, or got a page for signing in or for an error." + lookAt
	case unfilled.MatchString(text):
		return "it is a placeholder, never filled in, not a token", wholeToken
	case xml.MatchString(text):
		return "it is XML, not a token", "The page asked the wrong URL, or was refused." + lookAt
	}
	for _, start := range []string{"{", "["} {
		if _, rest, found := strings.Cut(text, start); found {
			if message, advice := aboutJSON(start + rest); message != "" {
				return message, advice + lookAt
			}
		}
	}
	switch parts := strings.Count(text, ".") + 1; {
	case aURL.MatchString(text):
		return "it is a URL, not a token", "Request it, and inspect the answer."
	case aFile.MatchString(text):
		return "it looks like the name of a file, not a token", "Inspect what is in it: captoken inspect <FILE."
	case dotted.MatchString(text) && parts != 3:
		return fmt.Sprintf("a token has 3 parts with dots between them, this has %d", parts), wholeToken
	case refusal.MatchString(text):
		return "there is no token in it: it looks like an error message", "The page asked the wrong URL or was refused, or the backend failed: look in its log too." + lookAt
	}
	return "there is no token in it", "A token starts with eyJ and has two dots. Copy what the page passes to Twilio.Device."
}

// aboutJSON says what JSON without a token says, or returns "" if it is none.
func aboutJSON(text string) (message, advice string) {
	var value any
	if json.NewDecoder(strings.NewReader(text)).Decode(&value) != nil {
		return "", ""
	}
	object, _ := value.(map[string]any)
	if reason := saidIn(object); reason != "" {
		return "it is JSON without a token: it says " + reason, "The page was refused, or asked the wrong URL: does it have to sign in first?"
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if tokenKey.MatchString(name) {
			return "it is JSON whose " + redact.Quote(name) + " is " + quoteShort(object[name]) + ", not a token",
				"The backend minted no token, or answers with it elsewhere or in another form: look in its log."
		}
	}
	return "it is JSON without a token",
		"The page asked the wrong URL, or the backend has the token elsewhere: capabilityhttp answers with it as \"token\"."
}

// saidIn quotes what an object says to people, or returns "" if it says nothing.
func saidIn(object map[string]any) string {
	for _, name := range []string{"error_description", "message", "msg", "detail", "reason", "title", "error", "errors"} {
		switch value := object[name].(type) {
		case nil:
		case map[string]any:
			return cmp.Or(saidIn(value), quoteShort(value))
		default:
			return quoteShort(value)
		}
	}
	return ""
}
