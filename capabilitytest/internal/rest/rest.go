// Package rest is Twilio's REST API over the exchange, as far as the backend of a browser
// phone uses it. It holds no state. What it serves, and how, is documented here:
//
//	https://www.twilio.com/docs/voice/api
//	https://www.twilio.com/docs/usage/requests-to-twilio
//	https://www.twilio.com/docs/usage/twilios-response
//
// Names, types and formats of the answers are those of twilio_api_v2010.json in
// https://github.com/twilio/twilio-oai. It answers JSON alone: Twilio answers XML where a
// path does not end with .json, and the stand-in says that it does not.
package rest

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// An API serves the resources of one account, below /2010-04-01/Accounts/.
type API struct {
	Exchange                *exchange.Exchange
	AccountSID, AuthToken   string
	APIKeySID, APIKeySecret string
}

// Root is the path below which an API serves.
const Root = "/2010-04-01/"

// maxBody is how long the body of a request may be, in bytes.
const maxBody = 64 << 10

// A request is one that has shown credentials of the account.
type request struct {
	*API
	params
	http *http.Request
	path string   // below the account, without .json
	ids  []string // the SIDs and names in the path
}

// A handler answers a request with JSON, or with nothing if that is nil.
type handler func(*request) (status int, answer any, fault *exchange.Fault)

// A resource is what can be done with it, by HTTP method.
type resource map[string]handler

// resources are those that there are. An asterisk stands for an SID or a name.
var resources = map[string]resource{
	"Calls":                       {http.MethodGet: listCalls, http.MethodPost: createCall},
	"Calls/*":                     {http.MethodGet: fetchCall, http.MethodPost: updateCall, http.MethodDelete: deleteCall},
	"Calls/*/Recordings":          {http.MethodGet: listRecordings},
	"Calls/*/UserDefinedMessages": {http.MethodPost: createUserDefinedMessage},
	"Calls/*/UserDefinedMessageSubscriptions":   {http.MethodPost: createSubscription},
	"Calls/*/UserDefinedMessageSubscriptions/*": {http.MethodDelete: deleteSubscription},
	"Queues":                       {http.MethodGet: listQueues, http.MethodPost: createQueue},
	"Queues/*":                     {http.MethodGet: fetchQueue, http.MethodPost: updateQueue, http.MethodDelete: deleteQueue},
	"Queues/*/Members":             {http.MethodGet: listMembers},
	"Queues/*/Members/*":           {http.MethodGet: fetchMember, http.MethodPost: updateMember},
	"Conferences":                  {http.MethodGet: listConferences},
	"Conferences/*":                {http.MethodGet: fetchConference, http.MethodPost: updateConference},
	"Conferences/*/Recordings":     {http.MethodGet: listRecordings},
	"Conferences/*/Participants":   {http.MethodGet: listParticipants, http.MethodPost: createParticipant},
	"Conferences/*/Participants/*": {http.MethodGet: fetchParticipant, http.MethodPost: updateParticipant, http.MethodDelete: deleteParticipant},
	"Recordings":                   {http.MethodGet: listRecordings},
	"Recordings/*":                 {http.MethodGet: fetchRecording, http.MethodDelete: deleteRecording},
	"IncomingPhoneNumbers":         {http.MethodGet: listNumbers},
	"IncomingPhoneNumbers/*":       {http.MethodGet: fetchNumber, http.MethodPost: updateNumber},
	"Applications":                 {http.MethodGet: listApplications, http.MethodPost: createApplication},
	"Applications/*":               {http.MethodGet: fetchApplication, http.MethodPost: updateApplication, http.MethodDelete: deleteApplication},
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, answer, fault := a.answer(w, r)
	if fault != nil && status < http.StatusBadRequest {
		status = statusOf(fault)
	}
	what := r.Method + " " + clip(strings.TrimPrefix(r.URL.Path, a.root()))
	a.Exchange.ReportRequest(what, status, aboutCall(r.URL.Path, answer), fault)
	if fault == nil {
		write(w, status, answer)
		return
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	refuse(w, status, fault)
}

// aboutCall returns the SID of the call that a request is about, "" if it is about none.
func aboutCall(path string, answer any) string {
	switch answer := answer.(type) {
	case call:
		return answer.SID
	case participant:
		return answer.CallSID
	}
	return callInPath.FindString(path)
}

var callInPath = regexp.MustCompile(`\bCA[0-9a-f]{32}\b`)

// answer returns what to answer. If there is a fault, a status below 400 does not count.
func (a *API) answer(w http.ResponseWriter, r *http.Request) (status int, answer any, fault *exchange.Fault) {
	path, ours := strings.CutPrefix(r.URL.Path, a.root())
	switch {
	case !a.authentic(r):
		return 0, nil, &exchange.Fault{Code: 20003, Message: "Authenticate"}
	case !ours && strings.HasPrefix(r.URL.Path, Root+"Accounts/AC") && !strings.Contains(r.URL.Path, a.AccountSID):
		return 0, nil, &exchange.Fault{Code: 20003, Message: "Authenticate: the account in the path is another one"}
	case !ours:
		return 0, nil, notFound(r.URL.Path)
	}
	q := &request{API: a, http: r, params: params{report: a.Exchange.Report}}
	if status, fault := q.read(w); fault != nil {
		return status, nil, fault
	}
	res, fault := q.route(path)
	if fault != nil {
		return 0, nil, fault
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle := res[method]
	if handle == nil {
		return 0, nil, &exchange.Fault{Code: 20004, Message: fmt.Sprintf("Method not allowed: the stand-in has no %s of %s", clip(r.Method), clip(path))}
	}
	return handle(q)
}

func (a *API) root() string { return Root + "Accounts/" + a.AccountSID + "/" }

// authentic reports whether a request shows the account's auth token, or its API key.
func (a *API) authentic(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	secret := a.AuthToken
	if user == a.APIKeySID {
		secret = a.APIKeySecret
	} else if user != a.AccountSID {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(password), []byte(secret)) == 1
}

// read reads the parameters.
func (q *request) read(w http.ResponseWriter) (status int, fault *exchange.Fault) {
	r := q.http
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	unread, discarded := io.Copy(io.Discard, r.Body)
	if err == nil {
		err = discarded
	}
	if unread > 0 {
		q.report(fmt.Sprintf("the body is not read, as its Content-Type is %q, not application/x-www-form-urlencoded", clip(r.Header.Get("Content-Type"))), nil)
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return http.StatusRequestEntityTooLarge, &exchange.Fault{Message: fmt.Sprintf("the body is longer than %d bytes", maxBody)}
	}
	if err != nil {
		return http.StatusBadRequest, &exchange.Fault{Message: "the parameters are not form-encoded"}
	}
	q.values = r.Form
	return 0, nil
}

// route returns the resource with a path below the account.
func (q *request) route(path string) (resource, *exchange.Fault) {
	var isJSON bool
	q.path, isJSON = strings.CutSuffix(path, ".json")
	segments := strings.Split(q.path, "/")
	for i := 1; i < len(segments); i += 2 {
		if segments[i] == "" {
			return nil, notFound(path)
		}
		q.ids = append(q.ids, segments[i])
		segments[i] = "*"
	}
	pattern := strings.Join(segments, "/")
	res := resources[pattern]
	switch {
	case res == nil:
		return nil, notFound(path)
	case pattern == "Recordings/*" && !isJSON:
		return wavFile, nil
	case !isJSON:
		return nil, &exchange.Fault{Code: 20404, Message: "the stand-in answers JSON alone: the path has to end with .json"}
	}
	return res, nil
}

func notFound(path string) *exchange.Fault {
	return &exchange.Fault{Code: 20404, Message: fmt.Sprintf("The requested resource %s was not found", clip(path))}
}

// uri returns the address of a resource of the account.
func (a *API) uri(path ...string) string { return a.root() + strings.Join(path, "/") + ".json" }

func statusOf(fault *exchange.Fault) int {
	switch fault.Code {
	case 20003:
		return http.StatusUnauthorized
	case 20004:
		return http.StatusMethodNotAllowed
	case 20404:
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

// audio is an answer that is not JSON.
type audio []byte

func write(w http.ResponseWriter, status int, answer any) {
	switch answer := answer.(type) {
	case nil:
		w.WriteHeader(status)
	case audio:
		w.Header().Set("Content-Type", "audio/x-wav")
		w.Write(answer)
	default:
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false)
		encoder.Encode(answer) // of strings, numbers and maps of strings: it cannot fail
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write(body.Bytes())
	}
}

// refuse answers an error in Twilio's form, in which code and more_info are missing where
// Twilio has no code.
func refuse(w http.ResponseWriter, status int, fault *exchange.Fault) {
	body := map[string]any{"status": status, "message": fault.Message}
	if fault.Code != 0 {
		body["code"] = fault.Code
		body["more_info"] = fmt.Sprintf("https://www.twilio.com/docs/errors/%d", fault.Code)
	}
	write(w, status, body)
}

// clip shortens what is quoted.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}

// absolute returns an http or https URL with a host, nil if it is not one.
func absolute(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil
	}
	return u
}
