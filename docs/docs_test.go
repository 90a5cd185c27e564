// Package docs_test checks the pages in this folder and the README.
package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each block of Go in a page is part of a file in ./snippets, line for line, so it
// compiles and is tested.
func TestBlocksAreTested(t *testing.T) {
	var sources []string
	for _, name := range append(glob(t, "snippets/*.go"), glob(t, "snippets/*/*.go")...) {
		sources = append(sources, unindent(read(t, name)))
	}
	for _, page := range append(glob(t, "*.md"), "../README.md") {
		t.Run(page, func(t *testing.T) {
			for _, block := range blocks(read(t, page)) {
				if strings.Contains(block, "capabilitytest.") {
					continue // TODO: in a snippet as soon as the module is there
				}
				found := false
				for _, source := range sources {
					found = found || strings.Contains(source, block)
				}
				assert.True(t, found, "no file in snippets contains:\n%s", block)
			}
		})
	}
}

// blocks returns the blocks of Go in a page, without indentation.
func blocks(page string) []string {
	var found []string
	for _, part := range strings.Split(unindent(page), "\n```go\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```\n")
		found = append(found, "\n"+block+"\n")
	}
	return found
}

// unindent removes the white space at the start of each line, which differs
// between a page and a function.
func unindent(text string) string {
	lines := strings.Split("\n"+text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, " \t")
	}
	return strings.Join(lines, "\n")
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}
