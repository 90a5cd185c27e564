// Package twilioerror is the table of Twilio's error codes about tokens, calls
// and webhooks. Names are Twilio's; what a code means and what to do is in our
// own words, after Twilio's pages and public reports. We did not check which code the
// live service sends for which fault.
package twilioerror

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An Error is one of Twilio's error codes.
type Error struct {
	Code   int
	Name   string // as in npm @twilio/voice-errors, or the title of Twilio's page
	Means  string
	Advice string // what to do

	// SDK2 is the code that a page with SDK 2.x sees in place of this one; 0 if
	// it sees this one, or none.
	SDK2 int
}

// Lookup returns the entry for a code.
func Lookup(code int) (e Error, ok bool) {
	i, ok := slices.BinarySearchFunc(table, code, func(e Error, code int) int { return e.Code - code })
	if !ok {
		return Error{}, false
	}
	return table[i], true
}

// All returns all entries, by code.
func All() []Error { return slices.Clone(table) }

// InPage says what a page with SDK 2.x sees, or returns "" if it sees the code
// itself, and for nothing else.
func (e Error) InPage() string {
	var hidden []string
	for _, other := range table {
		if other.SDK2 == e.Code {
			hidden = append(hidden, strconv.Itoa(other.Code))
		}
	}
	const option = "enableImprovedSignalingErrorPrecision"
	switch {
	case e.SDK2 != 0 && isVague(e.SDK2):
		return fmt.Sprintf("SDK 2.x shows %d in its place, unless the page sets the option %s.", e.SDK2, option)
	case e.SDK2 != 0:
		return fmt.Sprintf("SDK 2.x shows %d in its place, whichever kind the token is.", e.SDK2)
	case len(hidden) > 0 && isVague(e.Code):
		return fmt.Sprintf("SDK 2.x shows it in place of %s. With the option %s it shows these themselves.", List(hidden), option)
	case len(hidden) > 0:
		return fmt.Sprintf("SDK 2.x shows it in place of %s, whichever kind the token is.", List(hidden))
	}
	return ""
}

// isVague reports whether SDK 2.x shows the code in place of many others, unless
// a page wants to see them (lib/twilio/errors/index.ts of 2.18.5).
func isVague(code int) bool { return code == connectionError || code == signalingError }

const (
	connectionError = 31005 // of a call
	signalingError  = 53000 // of a device
)

// List joins names as in a sentence.
func List(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
