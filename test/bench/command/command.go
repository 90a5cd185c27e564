// Package command runs the programs that the benchmarks need.
package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Output runs a command in a folder and returns what it prints.
func Output(ctx context.Context, folder, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), nil
}
