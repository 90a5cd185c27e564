// Licences prints the licences of all modules, direct or indirect, that the Go
// modules in the given folders need to be built and tested. It fails if one has
// no licence, or one that nobody has allowed here.
//
//	licences FOLDER...
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/google/licensecheck"
)

// allowed are the licences, by their SPDX names, that ask for no more than a
// notice.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"}

// minPercent is how much of a file has to be the text of known licences, as on
// pkg.go.dev. The rest is usually a title, or who holds which copyright.
const minPercent = 75

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]es?|copying)([-._].*)?$`)

func main() {
	log.SetFlags(0)
	log.SetPrefix("licences: ")
	if len(os.Args) < 2 {
		log.Fatal("usage: licences FOLDER...")
	}
	var failures []error
	for _, folder := range os.Args[1:] {
		failures = append(failures, report(os.Stdout, folder))
	}
	if err := errors.Join(failures...); err != nil {
		log.Fatal(err)
	}
}

// report writes a table of the modules that the one in folder needs.
func report(w io.Writer, folder string) error {
	modules, err := needed(folder)
	if err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	fmt.Fprintf(w, "%s needs %d modules:\n", folder, len(modules))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var failures []error
	for _, m := range modules {
		names, err := licences(m.Dir)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %s@%s: %w", folder, m.Path, m.Version, err))
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", m.Path, m.Version, strings.Join(names, ", "))
	}
	return errors.Join(append(failures, table.Flush())...)
}

// A module is one in the module cache.
type module struct{ Path, Version, Dir string }

// needed downloads the modules that the go.mod file in folder requires. A tidy
// one requires each that a package, a test or a tool of the module needs, on any
// platform, and no other. It leaves out what is replaced by a folder, such as
// this repository's own module.
func needed(folder string) ([]module, error) {
	cmd := exec.Command("go", "mod", "download", "-json")
	cmd.Dir = folder
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		// The output tells which module failed, and why.
		return nil, fmt.Errorf("go mod download: %w\n%s", err, out)
	}
	var modules []module
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var m module
		if err := decoder.Decode(&m); err == io.EOF {
			return modules, nil
		} else if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
}

// licences returns the names of the licences in all licence files of a module:
// code that was copied from elsewhere has its own beside it. It is an error if
// the module's folder itself has none.
func licences(dir string) ([]string, error) {
	var names []string
	var failures []error
	covered := false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !licenceFile.MatchString(entry.Name()) || filepath.Ext(path) == ".go" {
			return err
		}
		covered = covered || filepath.Dir(path) == dir
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := classify(text)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", path[len(dir)+1:], err))
		}
		names = append(names, found...)
		return nil
	})
	if !covered {
		failures = append(failures, errors.New("no licence file"))
	}
	slices.Sort(names)
	return slices.Compact(names), errors.Join(append(failures, err)...)
}

// classify returns the names of the licences in a text.
func classify(text []byte) ([]string, error) {
	coverage := licensecheck.Scan(text)
	var names []string
	var failures []error
	for _, match := range coverage.Match {
		names = append(names, match.ID)
		if !slices.Contains(allowed, match.ID) {
			failures = append(failures, fmt.Errorf("%s is not allowed", match.ID))
		}
	}
	if coverage.Percent < minPercent {
		failures = append(failures, fmt.Errorf("only %.0f %% of it is the text of a known licence", coverage.Percent))
	}
	return names, errors.Join(failures...)
}
