package snippets_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest"
)

// A page is called over the REST API, to be told something, and to take a caller from a queue.
func TestREST(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	browser := newBrowser(t).Context(ctx)
	backend := httptest.NewServer(newBackend())
	defer backend.Close()
	twilio := capabilitytest.NewServer(t)
	for name, value := range twilio.Env() {
		t.Setenv(name, value)
	}
	page := browser.MustPage()
	page.MustEvalOnNewDocument(twilio.Script())
	page.MustNavigate(backend.URL + "/?user=tommy")
	require.NoError(t, twilio.WaitRegistered(ctx, "tommy", 1))

	_, err := twilio.Call("client:tommy?topic=tea", "+15550100000", `<Response><Say>Hello, Tommy</Say></Response>`)
	require.NoError(t, err)
	call, err := twilio.WaitCall(ctx, func(call capabilitytest.Call) bool { return call.Status == "completed" })
	require.NoError(t, err)
	require.Equal(t, []string{"Hello, Tommy"}, call.Said)

	t.Run("queue", func(t *testing.T) {
		caller := twilio.Phone("+15550100001")
		_, err := twilio.Call("+15550100001", "+15550100000", `<Response><Enqueue>support</Enqueue></Response>`)
		require.NoError(t, err)
		_, err = caller.WaitRing(ctx)
		require.NoError(t, err)
		require.NoError(t, caller.Accept())
		require.NoError(t, caller.WaitSound(ctx, true)) // the queue's music
		_, err = twilio.Call("client:tommy?topic=tea", "+15550100000", `<Response><Dial><Queue>support</Queue></Dial></Response>`)
		require.NoError(t, err)
		require.NoError(t, caller.WaitSound(ctx, false)) // the music stops: tommy has answered
	})
}
