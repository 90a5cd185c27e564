package capabilitytest

import (
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/internal/twilioerror"
)

// inText matches an error code in a text of the log, or in a form.
var inText = regexp.MustCompile(`^["\x60](?:warning )?(\d{5})["\x60:]`)

// codes returns the error codes that stand in a Go file: numbers of five digits, written without
// a separator.
func codes(t *testing.T, name string) (found []int) {
	t.Helper()
	source, err := os.ReadFile(name)
	require.NoError(t, err)
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile(name, fset.Base(), len(source)), source, nil, 0)
	for {
		_, kind, text := s.Scan()
		switch {
		case kind == token.EOF:
			return found
		case kind == token.STRING && inText.MatchString(text):
			text = inText.FindStringSubmatch(text)[1]
		case kind != token.INT || len(text) != 5:
			continue
		}
		code, err := strconv.Atoi(text)
		if err == nil {
			found = append(found, code)
		}
	}
}

// Whoever is told a code can look it up.
func TestCodesAreInTable(t *testing.T) {
	n := 0
	for _, part := range []string{"exchange", "webhook", "twiml", "signalling", "rest"} {
		files, err := filepath.Glob(filepath.Join("internal", part, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, code := range codes(t, file) {
				_, ok := twilioerror.Lookup(code)
				assert.True(t, ok, "%s: %d", file, code)
				n++
			}
		}
	}
	assert.Greater(t, n, 100)
}
