package inspect_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/internal/inspect"
)

// What Twilio's own libraries write is understood: each signature is valid, a
// token is usable only if Verify accepts it, and then both read the same
// parameters.
func TestLibraries(t *testing.T) {
	files, err := filepath.Glob("../../testdata/libraries/*.jsonl")
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, err := os.Open(file)
				require.NoError(t, err)
				defer f.Close()
				usable := 0
				lines := bufio.NewScanner(f)
				for lines.Scan() {
					var vector struct{ ID, AccountSid, AuthToken, JWT string }
					require.NoError(t, json.Unmarshal(lines.Bytes(), &vector))
					if vector.JWT == "" {
						continue // the library threw, or has no such call
					}
					credentials := inspect.Credentials{inspect.AccountSIDVar: vector.AccountSid, inspect.AuthTokenVar: vector.AuthToken}
					r := judge(vector.JWT, time.Now(), credentials)
					assert.Equal(t, inspect.CapabilityToken, r.Kind, vector.ID)
					assert.Equal(t, inspect.Valid, r.Signature, vector.ID)
					claims, err := capability.Verify(vector.JWT, vector.AccountSid, vector.AuthToken)
					if !r.Usable {
						continue
					}
					usable++
					require.NoError(t, err, vector.ID)
					require.Len(t, r.Scopes, len(claims.Scopes), vector.ID)
					if i := slices.IndexFunc(r.Scopes, func(s inspect.Scope) bool { return s.Name() == inspect.Outgoing }); i >= 0 {
						_, params, _ := claims.Outgoing()
						assert.Equal(t, params, r.Scopes[i].ApplicationParams, vector.ID)
					}
					for _, s := range r.Scopes {
						assert.NotContains(t, s.Params, "appParams", vector.ID)
						assert.NotContains(t, s.Params, "params", vector.ID)
					}
				}
				require.NoError(t, lines.Err())
				assert.Greater(t, usable, 100) // the others have client names and TTLs that Twilio would refuse
			})
		})
	}
}
