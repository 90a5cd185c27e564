package snippets_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest"
)

func TestStandIn(t *testing.T) {
	backend := httptest.NewServer(http.NotFoundHandler())
	defer backend.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // there is no browser to wait for

	twilio := capabilitytest.NewServer(t, capabilitytest.VoiceURL(backend.URL+"/voice"))
	for name, value := range twilio.Env() { // made-up credentials
		t.Setenv(name, value)
	}
	// Have the browser run twilio.Script() before the page's own scripts, then:
	err := twilio.WaitRegistered(ctx, "tommy", 1)

	require.ErrorIs(t, err, context.Canceled)
}
