package main

import (
	"net/http"
	"net/url"
	"os"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
)

// newClient returns a client of Twilio's REST API that uses the stand-in if STANDIN_URL is set,
// and Twilio otherwise.
func newClient() (*twilio.RestClient, error) {
	standin := os.Getenv("STANDIN_URL")
	if standin == "" {
		return twilio.NewRestClient(), nil // with TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN
	}
	u, err := url.Parse(standin)
	if err != nil {
		return nil, err
	}
	accountSID, authToken := os.Getenv("TWILIO_ACCOUNT_SID"), os.Getenv("TWILIO_AUTH_TOKEN")
	base := &client.Client{
		Credentials: client.NewCredentials(accountSID, authToken),
		HTTPClient:  &http.Client{Transport: standinTransport{u}},
	}
	base.SetAccountSid(accountSID)
	return twilio.NewRestClientWithParams(twilio.ClientParams{Client: base}), nil
}

// standinTransport sends all requests to the stand-in.
type standinTransport struct{ url *url.URL }

func (t standinTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.url.Scheme, t.url.Host, ""
	return http.DefaultTransport.RoundTrip(r)
}
