package main

import (
	"log"
	"net/http"
	"os"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

func main() {
	template := capability.NewWithAPIKey(os.Getenv("TWILIO_ACCOUNT_SID"), os.Getenv("TWILIO_API_KEY"), os.Getenv("TWILIO_API_SECRET")).
		AllowClientOutgoing(os.Getenv("TWILIO_TWIML_APP_SID")).
		SetTTL(10 * time.Minute)
	if err := template.Err(); err != nil {
		log.Fatal(err)
	}
	http.Handle("/token", capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
		user, ok := signedIn(r)
		if !ok {
			return nil, &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: "sign in first"}
		}
		return template.Clone().AllowClientIncoming(capability.EncodeClientName(user)), nil
	}))
	server := &http.Server{Addr: "127.0.0.1:8081", ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// signedIn returns the user who is signed in.
func signedIn(r *http.Request) (user string, ok bool) {
	return "", false // ask your own sessions here
}
