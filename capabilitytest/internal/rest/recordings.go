package rest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// recording is a recording in an answer.
type recording struct {
	SID               string            `json:"sid"`
	AccountSID        string            `json:"account_sid"`
	APIVersion        string            `json:"api_version"`
	CallSID           string            `json:"call_sid"`
	ConferenceSID     *string           `json:"conference_sid"`
	Status            string            `json:"status"`
	Source            string            `json:"source"`
	Channels          *int              `json:"channels"`
	Duration          *string           `json:"duration"`
	StartTime         string            `json:"start_time"`
	ErrorCode         *int              `json:"error_code"`
	Price             *string           `json:"price"`
	PriceUnit         string            `json:"price_unit"`
	EncryptionDetails *string           `json:"encryption_details"`
	MediaURL          string            `json:"media_url"`
	DateCreated       string            `json:"date_created"`
	DateUpdated       string            `json:"date_updated"`
	URI               string            `json:"uri"`
	SubresourceURIs   map[string]string `json:"subresource_uris"`
}

func (q *request) recording(r exchange.Recording) any {
	shown := recording{
		SID: r.SID, AccountSID: q.AccountSID, APIVersion: apiVersion, CallSID: r.CallSID, ConferenceSID: orNull(r.ConferenceSID),
		Status: r.Status, Source: r.Source, StartTime: rfc2822(r.Started), PriceUnit: "USD",
		MediaURL:    "http://" + q.http.Host + q.root() + "Recordings/" + r.SID,
		DateCreated: rfc2822(r.Started), DateUpdated: rfc2822(r.Started), URI: q.uri("Recordings", r.SID),
		SubresourceURIs: map[string]string{
			"add_on_results": q.uri("Recordings", r.SID, "AddOnResults"), "transcriptions": q.uri("Recordings", r.SID, "Transcriptions"),
		},
	}
	if !r.Ended.IsZero() {
		shown.DateUpdated = rfc2822(r.Ended)
	}
	if r.ErrorCode != 0 {
		shown.ErrorCode = &r.ErrorCode
	}
	if r.Status == "completed" {
		duration := strconv.Itoa(int(r.Duration.Seconds()))
		shown.Channels, shown.Duration = &r.Channels, &duration
	}
	return shown
}

// recordingsCode: no code is documented for a wrong filter.
const recordingsCode = 0

// listRecordings answers the recordings of the account, or of the call or conference in the path.
func listRecordings(q *request) (int, any, *exchange.Fault) {
	var fault *exchange.Fault
	callSID, conferenceSID := q.text("CallSid"), q.text("ConferenceSid")
	switch {
	case strings.HasPrefix(q.path, "Calls/"):
		callSID = q.ids[0]
		_, fault = q.Exchange.Leg(callSID)
	case strings.HasPrefix(q.path, "Conferences/"):
		conferenceSID = q.ids[0]
		_, fault = q.Exchange.Conference(conferenceSID)
	}
	if fault != nil {
		return 0, nil, fault
	}
	created := q.period("DateCreated", recordingsCode)
	all := slices.DeleteFunc(q.Exchange.Recordings(), func(r exchange.Recording) bool {
		return callSID != "" && r.CallSID != callSID || conferenceSID != "" && r.ConferenceSID != conferenceSID || !created(r.Started)
	})
	return page(q, "recordings", all, func(r exchange.Recording) string { return r.SID }, q.recording)
}

func fetchRecording(q *request) (int, any, *exchange.Fault) {
	r, fault := q.Exchange.Recording(q.ids[0])
	return http.StatusOK, q.recording(r), fault
}

func deleteRecording(q *request) (int, any, *exchange.Fault) {
	return http.StatusNoContent, nil, q.Exchange.DeleteRecording(q.ids[0])
}

// wavFile is the file of a recording.
var wavFile = resource{http.MethodGet: fetchWAV}

func fetchWAV(q *request) (int, any, *exchange.Fault) {
	sid := strings.TrimSuffix(q.ids[0], ".wav")
	if strings.HasSuffix(sid, ".mp3") {
		return 0, nil, &exchange.Fault{Code: 20404, Message: "the stand-in has recordings as WAV alone, not as MP3: leave .mp3 out"}
	}
	r, fault := q.Exchange.Recording(sid)
	if fault == nil && r.WAV == nil {
		fault = &exchange.Fault{Code: 20404, Message: "the recording " + clip(sid) + " is " + r.Status}
	}
	return http.StatusOK, audio(r.WAV), fault
}
