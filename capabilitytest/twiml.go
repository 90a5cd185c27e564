package capabilitytest

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// TwiML, as far as it needs neither media nor the telephone network.

// An element is a verb or noun of a TwiML document.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, attr := range e.Attrs {
		if attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}

func (e element) text() string { return strings.TrimSpace(e.Text) }

// A client is whom a Dial rings, and what its page is told as customParameters.
type client struct {
	name   string
	params url.Values
}

// parseTwiML returns the verbs of a document.
func parseTwiML(data []byte) ([]element, *fault) {
	var document element
	if err := xml.Unmarshal(data, &document); err != nil {
		return nil, &fault{12100, fmt.Sprintf("the TwiML cannot be parsed: %v", err)}
	}
	if document.XMLName.Local != "Response" {
		return nil, &fault{12100, fmt.Sprintf("a TwiML document is a <Response>, not a <%s>", document.XMLName.Local)}
	}
	return document.Children, nil
}

func unsupported(what string) *fault {
	return &fault{31000, "the stand-in does not support " + what}
}

// clients returns whom a Dial rings.
func (e element) clients() ([]client, *fault) {
	if e.text() != "" {
		return nil, unsupported("<Dial> of a telephone number")
	}
	var clients []client
	for _, noun := range e.Children {
		if noun.XMLName.Local != "Client" {
			return nil, unsupported(fmt.Sprintf("<%s> in <Dial>", noun.XMLName.Local))
		}
		clients = append(clients, noun.client())
	}
	if len(clients) == 0 {
		return nil, unsupported("<Dial> without a <Client>")
	}
	return clients, nil
}

func (e element) client() client {
	c := client{name: e.text(), params: url.Values{}}
	for _, child := range e.Children {
		switch child.XMLName.Local {
		case "Identity":
			c.name = child.text()
		case "Parameter":
			c.params.Add(child.attr("name"), child.attr("value"))
		}
	}
	return c
}

// timeout returns how long a Dial rings, if it says so. Twilio's maximum is 600 s.
func (e element) timeout(fallback time.Duration) (time.Duration, *fault) {
	text := e.attr("timeout")
	if text == "" {
		return fallback, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 || seconds > 600 {
		return 0, &fault{13212, fmt.Sprintf("<Dial> has the timeout %q: it must be 1 to 600 seconds", text)}
	}
	return time.Duration(seconds) * time.Second, nil
}
