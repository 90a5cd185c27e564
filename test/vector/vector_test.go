package vector

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A test that reads no vectors would pass without testing anything.
func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "no vectors",
		`{"calls":[["mint"]`:        "unexpected EOF",
		`{"calls":[[7]],"ttl":"1"}`: "ttl of type int64",
	} {
		path := filepath.Join(t.TempDir(), "vectors.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Read(path)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, path)
	}
}

// A misspelled call would otherwise be a case with fewer grants.
func TestBuildRefusesUnknownCalls(t *testing.T) {
	_, err := Vector{Calls: []Call{{Method: "allowClientincoming"}}}.Build()
	assert.ErrorContains(t, err, `unknown call "allowClientincoming"`)
}
