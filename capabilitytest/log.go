package capabilitytest

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/internal/redact"
	"github.com/seed-6c737938/capability/internal/rule"
)

// log writes an event.
func (s *Server) log(e exchange.Event) {
	if e.Text == "" {
		return
	}
	fmt.Fprintf(s.logWriter, "%s %s\n", e.At.Format(time.TimeOnly), s.line(e.Text))
}

// line returns a text for one line of the log. What comes from a page or a webhook is in
// there: it can neither start a line of its own, nor move the cursor, nor turn the
// direction of writing, nor show a secret.
func (s *Server) line(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s.hide(text))
}

// hide takes secrets and tokens out of a text.
func (s *Server) hide(text string) string {
	for _, secret := range []string{s.credentials.authToken, s.credentials.apiKeySecret} {
		if len(secret) >= rule.ShortestSearched && redact.Contains(text, secret) {
			return "(not shown, as it contains a secret)"
		}
	}
	return redact.Tokens(text)
}

// ladders returns the ladders of the last calls, to follow an error.
func (s *Server) ladders() string {
	const most = 3
	var text strings.Builder
	for line := range strings.Lines(s.exchange.Ladders(most)) {
		text.WriteString("\n\t" + s.line(strings.TrimSuffix(line, "\n")))
	}
	if text.Len() == 0 {
		return "; there was no call"
	}
	return ". The last calls:" + text.String()
}

// tokens returns why tokens were refused last, to follow an error.
func (s *Server) tokens() string {
	const most = 3
	var refused []string
	events, _ := s.exchange.Recent(0)
	for _, e := range events {
		if e.Kind == exchange.TokenEvent && e.Fault != nil {
			refused = append(refused, "\n\t"+s.line(e.Text))
		}
	}
	return strings.Join(refused[max(0, len(refused)-most):], "")
}
