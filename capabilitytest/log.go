package capabilitytest

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
	"github.com/seed-6c737938/capability/internal/redact"
)

// log writes an event.
func (s *Server) log(e exchange.Event) {
	fmt.Fprintf(s.logWriter, "%s %s\n", e.At.Format(time.TimeOnly), s.line(e.Text))
}

// line returns a text for one line of the log. What comes from a page or a webhook is in
// there: it can neither start a line of its own, nor move the cursor, nor turn the
// direction of writing, nor show a secret.
func (s *Server) line(text string) string {
	for _, secret := range []string{s.credentials.authToken, s.credentials.apiKeySecret} {
		if redact.Contains(text, secret) {
			return "(not shown, as it contains a secret)"
		}
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
