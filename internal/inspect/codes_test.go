package inspect_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/internal/inspect"
)

func TestCodes(t *testing.T) {
	codes := inspect.Codes()
	assert.True(t, slices.IsSortedFunc(codes, func(a, b inspect.Code) int { return a.Number - b.Number }))
	for _, code := range codes {
		found, ok := inspect.Explain(code.Number)
		assert.True(t, ok)
		assert.Equal(t, code, found)
		assert.NotEmpty(t, code.Name, code.Number)
		assert.NotEmpty(t, code.Means, code.Number)
		assert.NotEmpty(t, code.Advice, code.Number)
	}
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

	// Known from Twilio's pages only.
	pages := []int{20154, 20156, 20160, 51003}
	for _, code := range inspect.Codes() {
		name, ok := names[code.Number]
		assert.Equal(t, slices.Contains(pages, code.Number), !ok, "%d is in errors.json: %v", code.Number, ok)
		if ok {
			assert.Equal(t, name, code.Name, code.Number)
		}
	}
	for number, name := range names {
		aboutTokens := number/100 == 201 || number/1000 == 51 || 31201 <= number && number <= 31207
		_, known := inspect.Explain(number)
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
