// Package exchange is the telephone exchange of the stand-in: it knows which devices
// are registered and which calls there are, runs the TwiML that a backend answers,
// and connects legs in rooms, queues and conferences. It is the only state of the
// stand-in, behind one lock. It knows no HTTP and no page: a [Device] is told
// [Message]s, and tells by its methods what its page wants.
//
// Whoever holds the lock calls nobody else's code, but for package media, which calls
// nothing back and waits for no page: it takes half a millisecond to make a page's leg.
// What happens is put into a queue of [Event]s, and what a page is told into the outbox of
// its device.
package exchange

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// A Fault is why something is refused or fails. Code is one of Twilio's.
type Fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (f *Fault) Error() string { return fmt.Sprintf("%d: %s", f.Code, f.Message) }

// Config is how an Exchange is made.
type Config struct {
	AccountSID     string
	AuthToken      string // signs webhooks
	ApplicationSID string
	VoiceURL       *url.URL            // of the application; nil to dial the client that To names
	StatusCallback *url.URL            // of the application, or nil
	Numbers        map[string]*url.URL // the voice URLs of the account's telephone numbers
	RecordingURL   string              // the SID of a recording is appended
	CloseOnRefusal bool                // the socket of a device whose token expires or is refused
	Media          media.Config
	Timing         Timing
}

// Timing is what tests shorten. A zero field is the default.
type Timing struct {
	Ring       time.Duration // 30 s, of a Dial without a document
	Grace      time.Duration // 5 s, by which Twilio rings longer than a Dial says
	Answer     time.Duration // 1 s, after which a caller is answered who does not wait for the other side
	Reconnect  time.Duration // 15 s, for a device on a call to come back
	Webhook    time.Duration // 15 s, in which Twilio wants TwiML
	PhonePicks time.Duration // 2 s, after which a number that nobody plays answers
}

func (t Timing) withDefaults(instant bool) Timing {
	if instant {
		t.Answer, t.PhonePicks = cmp.Or(t.Answer, 1), cmp.Or(t.PhonePicks, 1)
	}
	return Timing{
		Ring:       cmp.Or(t.Ring, 30*time.Second),
		Grace:      cmp.Or(t.Grace, 5*time.Second),
		Answer:     cmp.Or(t.Answer, time.Second),
		Reconnect:  cmp.Or(t.Reconnect, 15*time.Second),
		Webhook:    cmp.Or(t.Webhook, 15*time.Second),
		PhonePicks: cmp.Or(t.PhonePicks, 2*time.Second),
	}
}

// Exchange is the telephone exchange of one account. All its methods may be called
// concurrently.
type Exchange struct {
	ID      string // tells it from others at the same address
	config  Config
	timing  Timing
	mixer   *media.Mixer
	hooks   *webhook.Client
	clock   clock
	readers readers
	ctx     context.Context // until Close
	cancel  context.CancelFunc
	running sync.WaitGroup // what Close waits for

	mu          sync.Mutex           // guards all below, and every device and call
	devices     map[*Device]bool     // one for each socket
	clients     map[string][]*Device // by client name, the oldest registration first
	refusals    map[string]int       // by client name, what its next token is answered
	lost        []lostCall
	calls       []*call // the oldest first
	phones      map[string]*Phone
	queues      []*queue // the oldest first, as all below
	conferences map[string]*conference
	held        []*conference // all that are remembered
	recordings  []*recording
	apps        []*Application
	numbers     []*Number
	changed     chan struct{} // closed when something changes
}

// New returns an Exchange. It must be closed.
func New(config Config) (*Exchange, error) {
	mixer, err := media.New(config.Media)
	if err != nil {
		return nil, err
	}
	x := &Exchange{
		ID:          random(),
		config:      config,
		timing:      config.Timing.withDefaults(config.Media.Instant),
		mixer:       mixer,
		devices:     map[*Device]bool{},
		clients:     map[string][]*Device{},
		refusals:    map[string]int{},
		phones:      map[string]*Phone{},
		conferences: map[string]*conference{},
		changed:     make(chan struct{}),
		readers:     readers{more: make(chan struct{})},
	}
	x.openAccount()
	x.hooks = &webhook.Client{AuthToken: config.AuthToken, Timeout: x.timing.Webhook, Begin: x.beginWebhook, Log: x.logWebhook}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x, nil
}

// closing is what calls end with when the exchange is closed.
var closing = &Fault{31000, "the stand-in has been closed"}

// Close ends all calls and devices, and waits until no goroutine and no timer is left.
func (x *Exchange) Close() {
	x.mu.Lock()
	for _, c := range x.calls {
		c.end(nil, closing)
	}
	x.cancel()
	x.mu.Unlock()
	x.running.Wait()
	x.clock.stop()
	x.mixer.Close()
	x.readers.each((*reader).close)
}

// start runs f in a goroutine that Close waits for, unless it is too late. x.mu is held.
func (x *Exchange) start(f func()) {
	if x.ctx.Err() == nil {
		x.running.Go(f)
	}
}

// Watch runs f, which has to return when its context is done: Close waits for it.
func (x *Exchange) Watch(f func(context.Context)) {
	x.mu.Lock()
	if x.ctx.Err() != nil {
		x.mu.Unlock()
		return
	}
	x.running.Add(1)
	x.mu.Unlock()
	defer x.running.Done()
	f(x.ctx)
}

// notify wakes those who wait for a change. x.mu is held.
func (x *Exchange) notify() {
	close(x.changed)
	x.changed = make(chan struct{})
}

// Wait waits until done returns true. A test's function may ask the exchange, or not
// return at all, so x.mu is not held when done is called.
func (x *Exchange) Wait(ctx context.Context, done func() bool) error {
	for {
		x.mu.Lock()
		changed := x.changed // before done looks, so that no change is missed
		x.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Calls returns all calls so far, the oldest first, without the legs that they dialled.
func (x *Exchange) Calls() []Call {
	x.mu.Lock()
	defer x.mu.Unlock()
	var calls []Call
	for _, c := range x.calls {
		if c.parent == nil {
			calls = append(calls, c.snapshot())
		}
	}
	return calls
}

// Registered returns how many devices are registered under a client name.
func (x *Exchange) Registered(clientName string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.clients[clientName])
}

// Refuse makes the exchange refuse the next token of a client.
func (x *Exchange) Refuse(clientName string, code int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refusals[clientName] = code
}

// Expire tells a client's devices that their tokens have expired.
func (x *Exchange) Expire(clientName string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, d := range x.devicesOf(clientName) {
		if d.grants != nil {
			d.expire()
		}
	}
}

// Disconnect cuts the sockets of a client.
func (x *Exchange) Disconnect(clientName string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, d := range x.devicesOf(clientName) {
		d.stop(ErrCut)
	}
}

// devicesOf returns the devices that have shown a token of the client, whether they
// are registered or not. x.mu is held.
func (x *Exchange) devicesOf(clientName string) []*Device {
	var devices []*Device
	for d := range x.devices {
		if d.proven && d.clientName == clientName {
			devices = append(devices, d)
		}
	}
	return devices
}

// SendMessage sends a message to the page of a call, as the REST resource
// UserDefinedMessages does, and returns the SID of the message. The content is JSON.
func (x *Exchange) SendMessage(callSID string, content []byte) (sid string, fault *Fault) {
	if !json.Valid(content) {
		return "", &Fault{0, "the content of a call message must be JSON"}
	}
	if len(content) > maxMessageSize {
		return "", &Fault{31209, fmt.Sprintf("the content of a call message must not be longer than %d bytes", maxMessageSize)}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	c, fault := x.find(callSID)
	switch {
	case fault != nil:
		return "", fault
	case c.over() || c.device == nil:
		return "", &Fault{21220, fmt.Sprintf("no page is on the call %s", callSID)}
	}
	sid = "KX" + random()
	c.device.send(Message{Kind: CallMessage, CallSID: c.knownSID(), VoiceEvent: VoiceEvent{
		SID: sid, Type: userDefinedMessage, ContentType: "application/json", Content: content,
	}})
	x.event(Event{Kind: MessageEvent, Call: c.top().sid, Text: fmt.Sprintf("%s is sent a call message", c.party())})
	return sid, nil
}

// ScriptLoaded says that a page has loaded the script of the stand-in.
func (x *Exchange) ScriptLoaded() {
	x.event(Event{Kind: PageEvent, Text: "a page loads standin.js"})
}

// FastForward makes all that calls wait for come earlier by d: the ringing of a Dial,
// the timeout of a Gather, a Pause, a time limit.
func (x *Exchange) FastForward(d time.Duration) { x.clock.fastForward(d) }

// parameters are the custom parameters of a client, in the document's order.
type (
	parameter  = twiml.Parameter
	parameters = []parameter
)

func random() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// Count returns a number of things, in words.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
