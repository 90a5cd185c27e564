package vector

import (
	"fmt"
	"path/filepath"
)

// A Signature is a request with its X-Twilio-Signature, and what Twilio's Python and
// Node libraries make and think of it.
type Signature struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	Request
	Header string  `json:"header"` // the signature that arrives
	Signed Request `json:"signed"` // what was signed

	Python, Node Verdict `json:"-"`
}

// A Request is as much of one as a signature says something about.
type Request struct {
	URL       string `json:"url"`
	Type      string `json:"type"` // Content-Type
	Body      string `json:"body"`
	AuthToken string `json:"authToken"`
}

// A Verdict is a library's own signature of what was signed, and whether it takes
// Header for that of the request. Error is set if it fails instead.
type Verdict struct {
	ID        string `json:"id"`
	Signature string `json:"signature"`
	Valid     bool   `json:"valid"`
	Error     string `json:"error"`
}

// Signatures reads the two files in the folder testdata/signatures.
func Signatures(folder string) ([]Signature, error) {
	requests, err := read[Signature](filepath.Join(folder, "python.jsonl"))
	if err != nil {
		return nil, err
	}
	python, err := read[Verdict](filepath.Join(folder, "python.jsonl"))
	if err != nil {
		return nil, err
	}
	node, err := read[Verdict](filepath.Join(folder, "node.jsonl"))
	if err != nil {
		return nil, err
	}
	if len(node) != len(requests) {
		return nil, fmt.Errorf("%s: %d requests, but %d verdicts", folder, len(requests), len(node))
	}
	for i := range requests {
		requests[i].Python, requests[i].Node = python[i], node[i]
		if python[i].Signature == "" { // the library cannot sign it
			requests[i].Header = node[i].Signature
		}
		if node[i].ID != requests[i].ID {
			return nil, fmt.Errorf("%s: request %d is %s, but its verdict %s", folder, i, requests[i].ID, node[i].ID)
		}
	}
	return requests, nil
}
