package capabilityhttp_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

// A backend that keeps one checked template, asks its own session who sends the
// request, and lets its users receive calls and make them.
func ExampleHandler() {
	template := capability.New("AC123", "secret").
		AllowClientOutgoing("AP123123").
		SetTTL(10 * time.Minute)
	if err := template.Err(); err != nil {
		log.Fatal(err)
	}

	http.Handle("/token", capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
		session, err := r.Cookie("session")
		if err != nil {
			return nil, &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: "sign in first"}
		}
		return template.Clone().AllowClientIncoming(userOf(session)), nil
	}))

	// A real main ends with:
	//	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
	// This one asks for a token, without a session and with one.
	server := httptest.NewServer(nil)
	defer server.Close()
	request, err := http.NewRequest(http.MethodGet, server.URL+"/token", nil)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			fmt.Println(response.StatusCode, string(body))
		} else {
			var answer struct{ Identity, Token string }
			if err := json.Unmarshal(body, &answer); err != nil {
				log.Fatal(err)
			}
			claims, err := capability.Verify(answer.Token, "AC123", "secret")
			fmt.Println(response.StatusCode, answer.Identity, claims.Scopes, err)
		}
		request.AddCookie(&http.Cookie{Name: "session", Value: "7"})
	}
	// Output:
	// 401 {"error":"sign in first"}
	// 200 tommy [scope:client:outgoing?appSid=AP123123&clientName=tommy scope:client:incoming?clientName=tommy] <nil>
}

// userOf stands for a look-up in the backend's sessions.
func userOf(session *http.Cookie) string { return map[string]string{"7": "tommy"}[session.Value] }

// Frameworks whose handlers are not those of net/http call Write themselves.
func ExampleWrite() {
	template := capability.NewWithAPIKey("AC123", "SK123", "key_secret").AllowClientOutgoing("AP123123")
	handle := func(w http.ResponseWriter, r *http.Request, user string) {
		if user == "" {
			capabilityhttp.Write(w, r, nil, &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: "sign in first"})
			return
		}
		capabilityhttp.Write(w, r, template.Clone().SetClientName(user), nil)
	}
	for _, user := range []string{"", "tommy"} {
		recorder := httptest.NewRecorder()
		handle(recorder, httptest.NewRequest(http.MethodGet, "/token", nil), user)
		fmt.Println(recorder.Code, recorder.Body.String()[:19])
	}
	// Output:
	// 401 {"error":"sign in f
	// 200 {"identity":"tommy"
}

// A voice URL answers only Twilio.
func ExampleFromTwilio() {
	fromTwilio, err := capabilityhttp.FromTwilio("https://example.com", "12345")
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /myapp.php", fromTwilio(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<Response><Say>You pressed %s.</Say></Response>", r.PostForm.Get("Digits"))
	})))

	// The request is the one in Twilio's documentation.
	form := "CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212"
	for _, body := range []string{form, strings.Replace(form, "1234&", "4321&", 1)} {
		r := httptest.NewRequest(http.MethodPost, "/myapp.php?foo=1&bar=2", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Twilio-Signature", "L/OH5YylLD5NRKLltdqwSvS0BnU=")
		recorder := httptest.NewRecorder()
		http.DefaultServeMux.ServeHTTP(recorder, r)
		fmt.Println(recorder.Code, recorder.Body)
	}
	// Output:
	// 200 <Response><Say>You pressed 1234.</Say></Response>
	// 403 {"error":"not signed by Twilio"}
}
