// Command libraries asks of twilio-go what the test wants, and prints what it found as JSON.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/mail"
	"os"
	"strings"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

func main() {
	log.SetFlags(0)
	rest, err := newClient()
	check(err)
	office, url := os.Args[1], os.Args[2]
	found := map[string]any{}

	for range 120 {
		_, err := rest.Api.CreateCall((&api.CreateCallParams{}).SetTo("client:nobody").SetFrom(office).SetUrl(url))
		check(err)
	}
	calls, err := rest.Api.ListCall((&api.ListCallParams{}).SetTo("client:nobody").SetPageSize(50))
	check(err)
	sids := map[string]bool{}
	for _, call := range calls {
		sids[*call.Sid] = true
	}
	found["calls"] = len(sids)
	stream, failed := rest.Api.StreamCall((&api.ListCallParams{}).SetPageSize(7).SetLimit(100))
	each := 0
	for range stream {
		each++
	}
	check(<-failed)
	found["each"] = each
	call, err := rest.Api.FetchCall(*calls[0].Sid, &api.FetchCallParams{})
	check(err)
	_, dated := mail.ParseDate(*call.DateCreated)
	found["call"] = []any{*call.Status, *call.Direction, dated == nil, strings.Contains((*call.SubresourceUris)["recordings"].(string), *call.Sid)}
	_, err = rest.Api.UpdateCall(*call.Sid, (&api.UpdateCallParams{}).SetStatus("completed"))
	var refused *client.TwilioRestError
	if errors.As(err, &refused) {
		found["error"] = []any{refused.Status, refused.Code, refused.MoreInfo}
	}
	check(rest.Api.DeleteCall(*call.Sid, &api.DeleteCallParams{}))
	found["removed"] = true

	queue, err := rest.Api.CreateQueue((&api.CreateQueueParams{}).SetFriendlyName("shop").SetMaxSize(5))
	check(err)
	members, err := rest.Api.ListMember(*queue.Sid, &api.ListMemberParams{})
	check(err)
	check(rest.Api.DeleteQueue(*queue.Sid, &api.DeleteQueueParams{}))
	found["queue"] = []any{*queue.FriendlyName, queue.MaxSize, len(members), true}

	participant, err := rest.Api.CreateParticipant("room", (&api.CreateParticipantParams{}).
		SetFrom(office).SetTo("+15550100009").SetLabel("agent").SetBeep("false"))
	check(err)
	joined := participant
	for *joined.Status != "connected" {
		joined, err = rest.Api.FetchParticipant(*participant.ConferenceSid, "agent", &api.FetchParticipantParams{})
		check(err)
	}
	muted, err := rest.Api.UpdateParticipant(*participant.ConferenceSid, "agent", (&api.UpdateParticipantParams{}).SetMuted(true).SetHold(true))
	check(err)
	check(rest.Api.DeleteParticipant(*participant.ConferenceSid, "agent", &api.DeleteParticipantParams{}))
	found["participant"] = []any{*joined.Label, *muted.Muted, *muted.Hold, true}
	conferences, err := rest.Api.ListConference((&api.ListConferenceParams{}).SetFriendlyName("room"))
	check(err)
	found["conference"] = []any{*conferences[0].Sid == *participant.ConferenceSid, *conferences[0].FriendlyName}

	recordings, err := rest.Api.ListRecording(&api.ListRecordingParams{})
	check(err)
	found["recordings"] = len(recordings)
	numbers, err := rest.Api.ListIncomingPhoneNumber((&api.ListIncomingPhoneNumberParams{}).SetPhoneNumber(office))
	check(err)
	number, err := rest.Api.UpdateIncomingPhoneNumber(*numbers[0].Sid, (&api.UpdateIncomingPhoneNumberParams{}).SetVoiceUrl(url).SetFriendlyName("desk"))
	check(err)
	found["number"] = []any{*number.VoiceUrl == url, number.Capabilities.Voice}
	application, err := rest.Api.UpdateApplication(os.Getenv("TWILIO_TWIML_APP_SID"), (&api.UpdateApplicationParams{}).SetVoiceUrl(url).SetVoiceMethod("GET"))
	check(err)
	found["application"] = []any{*application.VoiceUrl == url, *application.VoiceMethod}
	check(json.NewEncoder(os.Stdout).Encode(found))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
