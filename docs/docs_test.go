// Package docs_test checks the pages in this folder and the README.
package docs_test

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each block of Go in a page is part of a file in ./snippets, or of the tests with Twilio's
// libraries, line for line, so it compiles and is tested.
func TestBlocksAreTested(t *testing.T) {
	var sources []string
	for _, name := range slices.Concat(glob(t, "snippets/*.go"), glob(t, "snippets/*/*.go"), glob(t, libraries+"*.go")) {
		sources = append(sources, unindent(read(t, name)))
	}
	for _, page := range append(glob(t, "*.md"), "../README.md") {
		t.Run(page, func(t *testing.T) {
			for _, block := range blocks(read(t, page), "go") {
				found := false
				for _, source := range sources {
					found = found || strings.Contains(source, block)
				}
				assert.True(t, found, "no file in snippets contains:\n%s", block)
			}
		})
	}
}

const libraries = "../capabilitytest/e2e/libraries/"

// The recipes in other languages are tested with Twilio's libraries.
func TestRecipesForLibrariesAreTested(t *testing.T) {
	for language, name := range map[string]string{"js": "client.js", "python": "standin_client.py"} {
		found := blocks(read(t, "recipes.md"), language)
		require.Len(t, found, 1)
		assert.Contains(t, unindent(read(t, libraries+name)), found[0])
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^a-z0-9 -]`)
)

// Each link to a file or heading of the repository leads somewhere.
func TestLinks(t *testing.T) {
	for _, page := range slices.Concat(glob(t, "*.md"), glob(t, "../.github/*.md"), []string{"../README.md"}) {
		t.Run(page, func(t *testing.T) {
			for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
				name, anchor := match[1], match[2]
				if strings.Contains(name, "://") {
					continue
				}
				target := page
				if name != "" {
					target = filepath.Join(filepath.Dir(page), name)
				}
				_, err := os.Stat(target)
				require.NoError(t, err)
				if anchor != "" {
					assert.Contains(t, anchors(read(t, target)), anchor)
				}
			}
		})
	}
}

var npmInstall = regexp.MustCompile(`\bnpm (ci|i|install|add)\b.*`)

// No package that comes with a test or a page may run a program where it is installed.
func TestNPMRunsNoScripts(t *testing.T) {
	found := 0
	require.NoError(t, filepath.WalkDir("..", func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() && slices.Contains([]string{".git", "node_modules"}, entry.Name()) {
			return cmp.Or(err, fs.SkipDir)
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 256<<10 {
			return err
		}
		for _, command := range npmInstall.FindAllString(read(t, name), -1) {
			found++
			assert.Contains(t, command, "--ignore-scripts", name)
		}
		return nil
	}))
	assert.NotZero(t, found)
}

// anchors returns the fragments that GitHub makes of a page's headings.
func anchors(page string) []string {
	var found []string
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		text := dropped.ReplaceAllString(strings.ToLower(match[1]), "")
		found = append(found, "#"+strings.ReplaceAll(text, " ", "-"))
	}
	return found
}

// blocks returns the blocks of a language in a page, without indentation.
func blocks(page, language string) []string {
	var found []string
	for _, part := range strings.Split(unindent(page), "\n```"+language+"\n")[1:] {
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
