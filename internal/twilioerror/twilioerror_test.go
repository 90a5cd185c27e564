package twilioerror_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/internal/twilioerror"
)

func TestTable(t *testing.T) {
	all := twilioerror.All()
	require.Greater(t, len(all), 80)
	assert.True(t, slices.IsSortedFunc(all, func(a, b twilioerror.Error) int { return a.Code - b.Code }))
	for _, e := range all {
		found, ok := twilioerror.Lookup(e.Code)
		assert.True(t, ok, e.Code)
		assert.Equal(t, e, found, "two entries for %d", e.Code)
		for _, text := range []string{e.Name, e.Means, e.Advice} {
			assert.NotEmpty(t, text, e.Code)
		}
		for _, text := range []string{e.Means, e.Advice} {
			assert.True(t, strings.HasSuffix(text, "."), "%d: %s", e.Code, text)
			assert.NotContains(t, text, "  ", e.Code)
		}
		if e.SDK2 != 0 {
			_, ok := twilioerror.Lookup(e.SDK2)
			assert.True(t, ok, e.SDK2)
		}
	}
	for _, unknown := range []int{-1, 0, 20100, 31200, 99999} {
		_, ok := twilioerror.Lookup(unknown)
		assert.False(t, ok, unknown)
	}
}

// All returns a copy.
func TestAll(t *testing.T) {
	twilioerror.All()[0].Code = 7
	_, ok := twilioerror.Lookup(7)
	assert.False(t, ok)
}

func TestInPage(t *testing.T) {
	const option = "enableImprovedSignalingErrorPrecision"
	for code, want := range map[int]string{
		31202: "SDK 2.x shows 53000 in its place, unless the page sets the option " + option + ".",
		31404: "SDK 2.x shows 31005 in its place, unless the page sets the option " + option + ".",
		31204: "SDK 2.x shows 20101 in its place, whichever kind the token is.",
		20101: "SDK 2.x shows it in place of 31204, whichever kind the token is.",
		20151: "SDK 2.x shows it in place of 31201, whichever kind the token is.",
		53000: "SDK 2.x shows it in place of 31101, 31102, 31105, 31202, 31203 and 31207. With the option " + option + " it shows these themselves.",
		31206: "",
		11200: "",
	} {
		e, ok := twilioerror.Lookup(code)
		require.True(t, ok, code)
		assert.Equal(t, want, e.InPage(), code)
	}
}

func TestList(t *testing.T) {
	assert.Equal(t, "", twilioerror.List(nil))
	assert.Equal(t, "a", twilioerror.List([]string{"a"}))
	assert.Equal(t, "a and b", twilioerror.List([]string{"a", "b"}))
	assert.Equal(t, "a, b and c", twilioerror.List([]string{"a", "b", "c"}))
}

// Codes and names are those of npm @twilio/voice-errors, whose dist/errors.json
// VOICE_ERRORS names: test/interop/run installs it and sets the variable.
func TestCodesAreTwilios(t *testing.T) {
	file := os.Getenv("VOICE_ERRORS")
	if file == "" {
		t.Skip("VOICE_ERRORS is not set: test/interop/run runs this test")
	}
	names := readVoiceErrors(t, file)
	require.Greater(t, len(names), 50)

	// Known from Twilio's pages only, as are those of webhooks and the REST API.
	pages := []int{20002, 20003, 20004, 20007, 20009, 20152, 20154, 20156, 20160, 20404, 20429, 31006, 31007, 31208, 32018, 51003, 52002, 52004}
	for _, e := range twilioerror.All() {
		name, ok := names[e.Code]
		if ok {
			assert.Equal(t, name, e.Name, e.Code)
			continue
		}
		assert.True(t, e.Code < 20000 || e.Code/1000 == 21 || slices.Contains(pages, e.Code), "%d is not in errors.json", e.Code)
	}
	for number, name := range names {
		aboutTokens := number/100 == 201 || number/1000 == 51 || 31201 <= number && number <= 31207
		_, known := twilioerror.Lookup(number)
		assert.True(t, known || !aboutTokens, "there is no entry for %d, %s", number, name)
	}
}

// readVoiceErrors returns the names by number. A number is put together from a
// class, a subclass and an error; one that is left out follows the last.
func readVoiceErrors(t *testing.T, file string) map[int]string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var classes []struct {
		Code       int
		Subclasses []struct {
			Code   *int
			Errors []struct {
				Code *int
				Name string
			}
		}
	}
	require.NoError(t, json.Unmarshal(data, &classes))
	next := func(last int, code *int) int {
		if code != nil {
			return *code
		}
		return last + 1
	}
	names := map[int]string{}
	for _, class := range classes {
		subclass := -1
		for _, s := range class.Subclasses {
			subclass = next(subclass, s.Code)
			last := -1
			for _, e := range s.Errors {
				last = next(last, e.Code)
				names[class.Code*1000+subclass*100+last] = e.Name
			}
		}
	}
	return names
}
