package signalling

import (
	"encoding/json"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

// The wire format of the SDKs' signalling socket: each frame is a message in
// JSON, or a newline, which is a heartbeat that the page echoes.

const version = "1.5"

// message is a frame in either direction.
type message struct {
	Type    string  `json:"type"`
	Version string  `json:"version"`
	Payload payload `json:"payload"`
}

type payload struct {
	CallSID   string `json:"callsid,omitempty"`
	SDP       string `json:"sdp,omitempty"`
	Reconnect string `json:"reconnect,omitempty"` // with which SDK 2.x resumes a call

	// From a page.
	Token       any         `json:"token,omitempty"` // of listen, a string; of connected, an identity
	BrowserInfo browserInfo `json:"browserinfo,omitzero"`
	Media       audio       `json:"media,omitzero"`  // of register
	Twilio      application `json:"twilio,omitzero"` // of invite
	DTMF        string      `json:"dtmf,omitempty"`

	// Of a call message.
	Content     json.RawMessage `json:"content,omitempty"`
	ContentType string          `json:"contenttype,omitempty"`
	MessageType string          `json:"messagetype,omitempty"`
	VoiceEvent  string          `json:"voiceeventsid,omitempty"`
	AckType     string          `json:"acktype,omitempty"`

	// To a page.
	Parameters map[string]string `json:"parameters,omitempty"` // of invite
	Region     string            `json:"region,omitempty"`     // of connected
	Edge       string            `json:"edge,omitempty"`
	Home       string            `json:"home,omitempty"`
	Gateway    string            `json:"gateway,omitempty"`
	Fault      *exchange.Fault   `json:"error,omitempty"` // of error and hangup
}

// identity is what connected says of the token that was accepted. SDK 2.x
// takes Device.identity and the time of tokenWillExpire from it.
type identity struct {
	Identity string `json:"identity"`
	TTL      int    `json:"ttl"` // in seconds
}

type browserInfo struct {
	Version string `json:"v"` // of the SDK
}

type audio struct {
	Audio bool `json:"audio"`
}

type application struct {
	Params string `json:"params"`
}

// encode returns the frame of a message.
func encode(m exchange.Message, at place) []byte {
	p := payload{CallSID: m.CallSID, SDP: m.SDP, Reconnect: m.Reconnect, Parameters: m.Parameters, Fault: m.Fault}
	switch e := m.VoiceEvent; m.Kind {
	case exchange.Connected:
		p.Token = identity{m.ClientName, int(m.TTL.Round(time.Second).Seconds())}
		p.Edge, p.Region, p.Home, p.Gateway = at.edge, at.region, home, "standin"
	case exchange.CallMessage:
		p.Content, p.ContentType, p.MessageType, p.VoiceEvent = e.Content, e.ContentType, e.Type, e.SID
	case exchange.Ack:
		p.AckType, p.VoiceEvent = "message", e.SID
	case exchange.Refused:
		p.VoiceEvent = e.SID
	}
	frame, err := json.Marshal(message{Type: string(m.Kind), Version: version, Payload: p})
	if err != nil {
		panic(err) // the content of a call message was read as JSON, and all else can be marshalled
	}
	return frame
}
