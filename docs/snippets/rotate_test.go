package snippets_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

// A minter mints with the auth token that was set last.
type minter struct {
	accountSID, applicationSID string
	template                   atomic.Pointer[capability.CapabilityToken]
}

// setAuthToken replaces the auth token while requests are served. If it returns an
// error, the old auth token stays in use.
func (m *minter) setAuthToken(authToken string) error {
	template := capability.New(m.accountSID, authToken).
		AllowClientOutgoing(m.applicationSID).
		SetTTL(10 * time.Minute)
	if err := template.Err(); err != nil {
		return err
	}
	m.template.Store(template)
	return nil
}

func (m *minter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, err := tokenFor(m.template.Load(), userOf(r))
	capabilityhttp.Write(w, r, token, err)
}

func TestRotate(t *testing.T) {
	m := &minter{accountSID: "AC123", applicationSID: "AP123123"}
	require.NoError(t, m.setAuthToken("old_secret"))

	done := make(chan struct{})
	go func() { // the race detector watches
		defer close(done)
		for range 100 {
			assert.Equal(t, http.StatusOK, ask(m, "tommy").Code)
		}
	}()
	require.NoError(t, m.setAuthToken("new_secret"))
	<-done
	readAnswer(t, ask(m, "tommy"), "new_secret")

	require.ErrorIs(t, m.setAuthToken("newer_secret\n"), capability.ErrInvalidAuthToken)
	readAnswer(t, ask(m, "tommy"), "new_secret")
}

// verifyDuringRotation reads a token from before or after the rotation.
func verifyDuringRotation(token, accountSID, newAuthToken, oldAuthToken string) (*capability.Claims, error) {
	return capability.Verify(token, accountSID, newAuthToken, oldAuthToken)
}

func TestVerifyDuringRotation(t *testing.T) {
	for _, authToken := range []string{"old_secret", "new_secret"} {
		token, err := capability.New("AC123", authToken).AllowClientIncoming("tommy").ToJWT()
		require.NoError(t, err)
		_, err = verifyDuringRotation(token, "AC123", "new_secret", "old_secret")
		require.NoError(t, err)
	}
}
