package capabilitytest

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
	Media       media       `json:"media,omitzero"`  // of register
	Twilio      application `json:"twilio,omitzero"` // of invite
	DTMF        string      `json:"dtmf,omitempty"`

	// To a page.
	Parameters map[string]string `json:"parameters,omitempty"` // of invite
	Region     string            `json:"region,omitempty"`     // of connected
	Gateway    string            `json:"gateway,omitempty"`
	Error      *fault            `json:"error,omitempty"` // of error and hangup
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

type media struct {
	Audio bool `json:"audio"`
}

type application struct {
	Params string `json:"params"`
}

// A fault is an error as the SDK reports it to the page.
type fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// The codes are those that Twilio documents or the SDK knows. For a missing
// grant there is none of its own, only that of authorization in general.
var (
	faultNoToken     = &fault{31204, "no valid token was shown"}
	faultSignature   = &fault{31202, "the token's signature is not valid"}
	faultAccount     = &fault{31203, "no valid account"}
	faultInvalid     = &fault{31204, "the token is not valid"}
	faultExpired     = &fault{31205, "the token has expired"}
	faultLifetime    = &fault{31207, "the token is valid for more than 24 hours"}
	faultNoOutgoing  = &fault{31201, "the token grants no outgoing calls"}
	faultDeclined    = &fault{31002, "the call was declined"}
	faultLongParams  = &fault{31103, "the parameters are longer than 800 bytes"}
	faultBadRequest  = &fault{31400, "the parameters cannot be read"}
	faultNotFound    = &fault{31404, "no device is registered under this client name"}
	faultNoAnswer    = &fault{31480, "nobody answered"}
	faultBusy        = &fault{31486, "the other side is busy"}
	faultCallerBusy  = &fault{31486, "this device is on a call"}
	faultUnavailable = &fault{31000, "the stand-in has been closed"}
)
