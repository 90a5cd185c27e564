package twiml

import "strings"

// wrongClientName returns what is wrong with a client name, or "".
func wrongClientName(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case strings.HasPrefix(name, "client:"):
		return "leave out client:, which is not part of the name"
	}
	return ""
}
