package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLicences(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/licensecheck").Output()
	require.NoError(t, err)
	// sample returns the text of a licence from those that the library is tested with.
	sample := func(name string) string {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "testdata", name+".t1"))
		require.NoError(t, err)
		return string(text)
	}

	for name, test := range map[string]struct {
		files    map[string]string
		licences []string
		failures []string
	}{
		"MIT": {
			files:    map[string]string{"LICENSE": sample("MIT"), "licence_test.go": sample("GPL-3.0")},
			licences: []string{"MIT"},
		},
		"copied code": {
			files:    map[string]string{"COPYING": sample("MIT"), "internal/copied/licence.txt": sample("ISC")},
			licences: []string{"ISC", "MIT"},
		},
		"two in one file": {
			files:    map[string]string{"LICENSE.md": sample("MIT") + sample("BSD-3-Clause") + sample("MIT")},
			licences: []string{"BSD-3-Clause", "MIT"},
		},
		"GPL": {
			files:    map[string]string{"LICENSE": sample("GPL-3.0")},
			licences: []string{"GPL-3.0"},
			failures: []string{"LICENSE: GPL-3.0 is not allowed"},
		},
		"LGPL after MIT": {
			files:    map[string]string{"LICENSE": sample("MIT") + sample("LGPL-2.1")},
			licences: []string{"LGPL-2.1", "MIT"},
			failures: []string{"LICENSE: LGPL-2.1 is not allowed"},
		},
		"copied code under the AGPL": {
			files:    map[string]string{"LICENSE": sample("MIT"), "internal/copied/COPYING": sample("AGPL-3.0")},
			licences: []string{"AGPL-3.0", "MIT"},
			failures: []string{"internal/copied/COPYING: AGPL-3.0 is not allowed"},
		},
		"unknown": {
			files:    map[string]string{"LICENSE": "You may look at this, but not use it."},
			failures: []string{"LICENSE: only 0 % of it is the text of a known licence"},
		},
		"much more than MIT": {
			files:    map[string]string{"LICENSE": sample("MIT") + strings.Repeat("And you may not use it. ", 20)},
			licences: []string{"MIT"},
			failures: []string{"LICENSE: only 57 % of it is the text of a known licence"},
		},
		"none": {
			files:    map[string]string{"README.md": "Hello"},
			failures: []string{"no licence file"},
		},
		"none but that of copied code": {
			files:    map[string]string{"internal/copied/LICENSE": sample("MIT")},
			licences: []string{"MIT"},
			failures: []string{"no licence file"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for path, text := range test.files {
				path = filepath.Join(dir, path)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			}
			licences, err := licences(dir)
			assert.Equal(t, test.licences, licences)
			if test.failures == nil {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, strings.Join(test.failures, "\n"))
			}
		})
	}
}

// The repository's own module needs golang-jwt, and two others for its tests alone.
func TestReport(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, report(&out, filepath.Join("..", "..", "..")))
	assert.Regexp(t, `(?m)^  github.com/golang-jwt/jwt/v5 +v\S+ +MIT$`, out.String())
	assert.Regexp(t, `(?m)^  github.com/stretchr/testify +v\S+ +BSD-3-Clause, ISC, MIT$`, out.String())
	assert.Regexp(t, `(?m)^  go.yaml.in/yaml/v3 +v\S+ +Apache-2.0, MIT$`, out.String())
}

func TestReportOfNoModule(t *testing.T) {
	assert.ErrorContains(t, report(&bytes.Buffer{}, t.TempDir()), "go mod download")
}
