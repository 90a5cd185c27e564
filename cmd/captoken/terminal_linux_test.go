package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inTerminal returns what a command shows on a terminal on which somebody types. It
// is a real one, since output that is piped has never shown what a terminal would.
func inTerminal(t *testing.T, env []string, typed string, args ...string) string {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer control.Close()
	ioctl := func(request uintptr, argument *int32) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, control.Fd(), request, uintptr(unsafe.Pointer(argument)))
		require.Zero(t, errno)
	}
	var unlocked, number int32
	ioctl(syscall.TIOCSPTLCK, &unlocked)
	ioctl(syscall.TIOCGPTN, &number)
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	defer terminal.Close()

	command := process(t, append([]string{"TERM=xterm", "NO_COLOR="}, env...), args...)
	command.Stdin, command.Stdout, command.Stderr = terminal, terminal, terminal
	require.NoError(t, command.Start())
	require.NoError(t, terminal.Close())
	_, err = io.WriteString(control, typed)
	require.NoError(t, err)
	output, err := io.ReadAll(control)
	require.True(t, err == nil || errors.Is(err, syscall.EIO), err) // EIO is the end
	command.Wait()                                                  // whose status is not of interest
	return strings.ReplaceAll(string(output), "\r\n", "\n")
}

// colours are the escapes that captoken itself writes.
var colours = regexp.MustCompile(`\x1b\[(0|33|1;31|1;32)m`)

// No character of a token, of an argument or of a variable drives the terminal.
func TestTerminalIsNotDriven(t *testing.T) {
	const hostile = "\\u001b]0;title\\u0007\u009b2J\\u009b2J\u007f\u202e\u2066\u200b\u200f\ufeff\u00ad\u2028\U000e0041x"
	token := sign(t, hs256, `{"scope":"scope:client:incoming?clientName=%1b%5b2J%c2%9b%e2%80%ae","iss":"`+accountSID+`","exp":1,"x":"`+hostile+`"}`, authToken)
	other := sign(t, hs256, `{"iss":"`+hostile+`","`+hostile+`":"`+hostile+`"}`, "x")
	for _, args := range [][]string{
		{"inspect", token}, {"inspect", "-raw", token}, {"inspect", "-json", token}, {"inspect", "-raw", other}, {"inspect", other},
		{"inspect", hostile}, {"inspect", `{"error":"` + hostile + `"}`}, {"inspect", "-at", "\u009b2J\x7f", "x"}, {"explain", "\u009b\u202e\x1b[2J"}, {"\u009b\u202e\x1b[2J"},
		{"mint", "-incoming", "\u009b\u202e\x1b[2J"},
	} {
		output := inTerminal(t, []string{"TWILIO_ACCOUNT_SID=\u009b\u202e\x1b[2J", "TWILIO_AUTH_TOKEN=x"}, "", args...)
		assert.NotEmpty(t, output)
		for _, r := range colours.ReplaceAllString(output, "") {
			require.True(t, r == '\n' || strconv.IsPrint(r), "%q in %q", r, output)
		}
	}
}

// Colour is for a terminal whose user does not object, and for reports.
func TestColour(t *testing.T) {
	const red = "\x1b[1;31mNot usable\x1b[0m: not a JSON Web Token.\n"
	assert.True(t, strings.HasPrefix(inTerminal(t, nil, "", "inspect", "hello"), red))
	for _, output := range []string{
		inTerminal(t, []string{"NO_COLOR=1"}, "", "inspect", "hello"),
		inTerminal(t, []string{"TERM=dumb"}, "", "inspect", "hello"),
		inTerminal(t, nil, "", "inspect", "-json", "hello"),
		inTerminal(t, nil, "", "inspect", "-raw", "hello"),
		inTerminal(t, nil, "", "explain", "31204"),
	} {
		assert.NotContains(t, output, "\x1b")
		assert.NotEmpty(t, output)
	}
	piped, _ := process(t, []string{"TERM=xterm", "NO_COLOR="}, "inspect", "hello").Output() // status 1
	assert.True(t, strings.HasPrefix(string(piped), "Not usable: not a JSON Web Token.\n"))
}

// A user who waits is told what for.
func TestPasteIntoATerminal(t *testing.T) {
	const endOfFile = "\x04"
	output := inTerminal(t, nil, "undefined\n"+endOfFile, "inspect")
	assert.Contains(t, output, "captoken inspect: paste a token, then Ctrl-D\n")
	assert.Contains(t, output, "It is \"undefined\", a value of the program instead of a token.")
	assert.NotContains(t, inTerminal(t, nil, "", "inspect", "x"), "Ctrl-D")
}
