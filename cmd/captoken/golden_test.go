package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the outputs in testdata/inspect anew")

// A golden is a file in testdata/inspect: a sentence, a command, its environment,
// then sections. Each section named token has a key, a header and claims, to be
// signed and put in the place of $token in the input. The last sections are what
// the command prints, and its exit status.
type golden struct {
	about  string
	args   []string
	env    map[string]string
	stdin  string
	stdout string
	status int
	input  string // the file up to the output
}

func TestInspect(t *testing.T) {
	files, err := filepath.Glob("testdata/inspect/*.txt")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 40)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			g := readGolden(t, file)
			status, stdout, stderr := captoken(t, g.env, g.stdin, g.args...)
			if *update {
				text := fmt.Sprintf("%s-- output --\n%s-- exit %d --\n", g.input, stdout, status)
				require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
				return
			}
			assert.Empty(t, stderr)
			assert.Equal(t, g.stdout, stdout)
			assert.Equal(t, g.status, status)

			tokens := max(1, strings.Count(stdout, "Token "))
			if !slices.Contains(g.args, "-raw") && !slices.Contains(g.args, "-json") {
				assert.LessOrEqual(t, strings.Count(stdout, "\n"), 24*tokens, "more than one screen")
				for line := range strings.Lines(stdout) {
					assert.LessOrEqual(t, utf8.RuneCountInString(line), 81, "wider than 80 columns: %s", line)
				}
				// The same for programs.
				status, stdout, _ := captoken(t, g.env, g.stdin, slices.Insert(slices.Clone(g.args), 1, "-json")...)
				assert.Equal(t, g.status, status)
				for line := range strings.Lines(stdout) {
					assert.True(t, json.Valid([]byte(line)), line)
				}
			}
		})
	}
}

var section = regexp.MustCompile(`(?m)^-- (\w+)(?: (\d+))? --\n`)

func readGolden(t *testing.T, file string) golden {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(data)
	at := section.FindAllStringSubmatchIndex(text, -1)
	require.NotEmpty(t, at, "no section")
	g := golden{env: map[string]string{}, input: text}
	for line := range strings.Lines(text[:at[0][0]]) {
		line = strings.TrimSuffix(line, "\n")
		name, value, isVariable := strings.Cut(line, "=")
		switch command, isCommand := strings.CutPrefix(line, "$ captoken "); {
		case isCommand:
			g.args = strings.Fields(command)
		case g.args != nil && isVariable:
			g.env[name] = unescape.Replace(value)
		default:
			g.about += line
		}
	}
	require.NotEmpty(t, g.about, "say what the file is about")
	tokens := []string{}
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		body := text[m[1]:end]
		switch name := text[m[2]:m[3]]; name {
		case "stdin":
			g.stdin = strings.NewReplacer(tokens...).Replace(body)
		case "output":
			g.stdout, g.input = body, text[:m[0]]
		case "exit":
			g.status, err = strconv.Atoi(text[m[4]:m[5]])
			require.NoError(t, err)
		default:
			lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
			require.Len(t, lines, 3, "want a key, a header and claims")
			for i, line := range lines {
				lines[i] = unescape.Replace(line)
			}
			tokens = append(tokens, "$"+name, sign(t, lines[1], lines[2], lines[0]))
		}
	}
	for i, arg := range g.args {
		g.args[i] = strings.NewReplacer(tokens...).Replace(arg)
	}
	return g
}

// unescape is for what a file can't show.
var unescape = strings.NewReplacer(`\n`, "\n", "<0xff>", "\xff")
