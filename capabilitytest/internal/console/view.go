package console

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
	"github.com/seed-6c737938/capability/internal/signature"
)

// A view is an event as the page gets it.
type view struct {
	Seq     uint64          `json:"seq"`
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"`
	Client  string          `json:"client,omitempty"`
	Call    string          `json:"call,omitempty"`
	Steps   []exchange.Step `json:"steps,omitempty"`
	Verb    *exchange.Verb  `json:"verb,omitempty"`
	Token   *exchange.Token `json:"token,omitempty"`
	Fault   *exchange.Fault `json:"fault,omitempty"`
	Webhook *webhookView    `json:"webhook,omitempty"`
	Text    string          `json:"text,omitempty"`
}

type webhookView struct {
	ID          string     `json:"id"`
	Method      string     `json:"method"`
	URL         string     `json:"url"`
	Form        url.Values `json:"form"`
	Signed      string     `json:"signed"`
	Signature   string     `json:"signature"`
	Callback    bool       `json:"callback"`
	Again       bool       `json:"again"`
	Pending     bool       `json:"pending"`
	Status      int        `json:"status"`
	ContentType string     `json:"contentType"`
	Body        string     `json:"body"`
	Problem     string     `json:"problem,omitempty"`
	Millis      float64    `json:"ms"`
	Curl        string     `json:"curl"` // the same request, for a shell
}

func viewOf(e exchange.Event) view {
	v := view{
		Seq: e.Seq, At: e.At, Kind: string(e.Kind), Client: e.Client, Call: e.Call,
		Steps: e.Steps(), Verb: e.Verb, Token: e.Token, Fault: e.Fault, Text: e.Text,
	}
	if e.Webhook != nil {
		v.Webhook = webhookViewOf(e.Webhook)
	}
	return v
}

func webhookViewOf(w *webhook.Exchange) *webhookView {
	v := &webhookView{
		ID: w.ID, Method: w.Method, URL: w.URL, Form: w.Form, Signed: w.Signed, Signature: w.Signature,
		Callback: w.Callback, Again: w.Again, Pending: w.Pending, Status: w.Status, ContentType: w.ContentType, Body: w.Text(),
		Millis: float64(w.Duration.Microseconds()) / 1000, Curl: curl(w),
	}
	if w.Problem != nil {
		v.Problem = w.Problem.Error()
	}
	return v
}

// curl returns the command that makes the same request.
func curl(w *webhook.Exchange) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	words := []string{"curl", "-X " + w.Method, quote(w.URL), "-H " + quote(signature.Header+": "+w.Signature)}
	if w.Method == http.MethodPost {
		for _, name := range slices.Sorted(maps.Keys(w.Form)) {
			for _, value := range w.Form[name] {
				words = append(words, "--data-urlencode "+quote(name+"="+value))
			}
		}
	}
	return strings.Join(words, " \\\n  ")
}
