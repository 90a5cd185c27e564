package capabilitytest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilitytest"
)

// A program starts a stand-in and closes it; a test calls NewServer.
func Example() {
	twilio, err := capabilitytest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer twilio.Close()

	env := twilio.Env()
	token := capability.New(env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"]).
		AllowClientOutgoing(env["TWILIO_TWIML_APP_SID"])
	fmt.Println(token.Err())
	// Output: <nil>
}

func ExampleVoiceURL() {
	voice := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<Response><Dial><Client>tommy</Client></Dial></Response>`)
	}))
	defer voice.Close()

	twilio, err := capabilitytest.Start(capabilitytest.VoiceURL(voice.URL + "/voice"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer twilio.Close()
	fmt.Println(twilio.Calls())
	// Output: []
}

func ExampleCredentials() {
	_, err := capabilitytest.Start(capabilitytest.Credentials(func(name string) string {
		if name == "TWILIO_TWIML_APP_SID" {
			return "SK00000000000000000000000000000001"
		}
		return os.Getenv("UNSET_" + name) // made up
	}))
	fmt.Println(strings.Contains(err.Error(), "invalid application SID"))
	// Output: true
}
