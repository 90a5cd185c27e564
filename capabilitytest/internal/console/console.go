// Package console is the page at the address of the stand-in, which shows what happens as
// it happens, and makes it happen. It holds no state: what it shows is the exchange's.
//
// Nobody but the person at this machine may use it: a page of another origin can read
// nothing and do nothing, neither a secret nor a token is in what it is sent, and what
// others have said is never markup.
package console

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

//go:embed page
var page embed.FS

// A Console is an HTTP handler for / and for what is below /console/.
type Console struct {
	Exchange    *exchange.Exchange
	About       About
	Credentials string                   // lines of an env file
	Hide        func(text string) string // takes out secrets and tokens
}

// About is what the page says of the stand-in.
type About struct {
	URL        string `json:"url"`
	AccountSID string `json:"accountSid"`
	VoiceURL   string `json:"voiceUrl,omitempty"` // without its password
}

// The page loads nothing from anywhere else, and runs nothing that is not in its files.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// maxBody is how long a request may be, in bytes. An SDP offer has some thousands.
const maxBody = 64 << 10

// Handler returns the handler.
func (c *Console) Handler() http.Handler {
	files, _ := fs.Sub(page, "page")
	serve := http.FileServerFS(files)
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", serve)
	mux.Handle("GET /console/{file}", http.StripPrefix("/console", serve))
	mux.HandleFunc("GET /console/events", c.events)
	mux.HandleFunc("POST /console/{action}", c.act)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.URL.Path != "/" && foreign(r) {
			http.Error(w, "only the console's own page may ask for this", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// foreign reports whether a page of another origin has made the request. Programs that are
// no browser send neither header.
func foreign(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "http://"+r.Host
}

// events streams what happens: what the page has missed, and then whatever comes.
func (c *Console) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	c.Exchange.Watch(func(ctx context.Context) {
		s := stream{console: c, w: w, flush: http.NewResponseController(w)}
		s.follow(r.Header.Get("Last-Event-ID"), ctx.Done(), r.Context().Done())
	})
}

const (
	keepAlive = 10 * time.Second
	pace      = 20 * time.Millisecond
	maxWait   = 2 * time.Second // for a page to read what it is sent
)

// A stream is one page's.
type stream struct {
	console *Console
	w       http.ResponseWriter
	flush   *http.ResponseController
	seq     uint64 // of the event that the page has had last
	started bool
	last    string // the state that the page has
	err     error
}

func (s *stream) follow(lastEventID string, closed, left <-chan struct{}) {
	if run, count, _ := strings.Cut(lastEventID, "-"); run == s.console.Exchange.ID {
		_, err := fmt.Sscan(count, &s.seq)
		s.started = err == nil
	}
	for {
		more := s.sendEvents()
		changed := s.sendState()
		if s.flush.Flush(); s.err != nil {
			return
		}
		select {
		case <-more:
		case <-changed:
		case <-time.After(keepAlive):
			s.write(": still here\n\n")
		case <-closed:
			return
		case <-left:
			return
		}
		time.Sleep(pace) // so that a burst is one update
	}
}

// sendEvents sends what is new, and returns what is closed when there is more. A page that
// would miss some starts anew.
func (s *stream) sendEvents() <-chan struct{} {
	events, more := s.console.Exchange.Recent(s.seq)
	if gap := len(events) > 0 && events[0].Seq != s.seq+1; gap || !s.started {
		s.started = true
		s.send("start", s.console.About)
	}
	for _, e := range events {
		s.seq = e.Seq
		s.send("event", viewOf(e))
	}
	return more
}

// sendState sends who is there, if that has changed, and returns what is closed when it may
// have again.
func (s *stream) sendState() <-chan struct{} {
	state, changed := s.console.Exchange.State()
	if text := s.console.encode(state); text != s.last {
		s.last = text
		s.write("event: state\ndata: " + text + "\n\n")
	}
	return changed
}

func (s *stream) send(name string, value any) {
	s.write(fmt.Sprintf("id: %s-%d\nevent: %s\ndata: %s\n\n", s.console.Exchange.ID, s.seq, name, s.console.encode(value)))
}

func (s *stream) write(text string) {
	if s.err == nil {
		s.flush.SetWriteDeadline(time.Now().Add(maxWait))
		_, s.err = s.w.Write([]byte(text))
	}
}

// encode returns the JSON of a value without what must not be shown.
func (c *Console) encode(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // all values are made of texts, numbers and times
	}
	if text := string(data); c.Hide(text) == text {
		return text
	}
	var tree any
	json.Unmarshal(data, &tree)
	data, _ = json.Marshal(c.hide(tree))
	return string(data)
}

// hide hides what must not be shown in each text of a tree, names included.
func (c *Console) hide(tree any) any {
	switch tree := tree.(type) {
	case string:
		return c.Hide(tree)
	case []any:
		for i := range tree {
			tree[i] = c.hide(tree[i])
		}
	case map[string]any:
		shown := map[string]any{}
		for name, value := range tree {
			shown[c.Hide(name)] = c.hide(value)
		}
		return shown
	}
	return tree
}

// act does what a button says. Its parameters are JSON.
func (c *Console) act(w http.ResponseWriter, r *http.Request) {
	do := actions[r.PathValue("action")]
	if do == nil {
		http.NotFound(w, r)
		return
	}
	var p params
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "the parameters have to be JSON", http.StatusUnsupportedMediaType)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&p); err != nil {
		http.Error(w, "the parameters cannot be read", http.StatusBadRequest)
		return
	}
	answer, err := do(c, r, p)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, answer)
}

// params are those of all actions.
type params struct {
	Client string
	Call   string
	Number string // of a telephone
	Code   int
	Keys   string
	Offer  string // SDP
	After  int    // seconds until the telephone hangs up, or 0
	Seq    uint64
}

var actions = map[string]func(c *Console, r *http.Request, p params) (answer string, err error){
	"refuse": func(c *Console, _ *http.Request, p params) (string, error) {
		c.Exchange.Refuse(p.Client, p.Code)
		return "", nil
	},
	"expire": func(c *Console, _ *http.Request, p params) (string, error) {
		c.Exchange.Expire(p.Client)
		return "", nil
	},
	"disconnect": func(c *Console, _ *http.Request, p params) (string, error) {
		c.Exchange.Disconnect(p.Client)
		return "", nil
	},
	"end": func(c *Console, _ *http.Request, p params) (string, error) {
		if _, fault := c.Exchange.Update(p.Call, exchange.Update{End: true}); fault != nil {
			return "", fault
		}
		return "", nil
	},
	"digits": func(c *Console, _ *http.Request, p params) (string, error) {
		return "", c.Exchange.Press(p.Call, p.Keys)
	},
	"reset": func(c *Console, _ *http.Request, _ params) (string, error) {
		c.Exchange.Reset()
		return "", nil
	},
	"ring": ring,
	"phone": func(c *Console, _ *http.Request, p params) (string, error) {
		if !exchange.IsPhoneNumber(p.Number) {
			return "", errNumber
		}
		c.Exchange.Phone(p.Number)
		return "", nil
	},
	"talk": func(c *Console, _ *http.Request, p params) (string, error) {
		return c.Exchange.Phone(p.Number).Talk(p.Offer)
	},
	"reject": func(c *Console, _ *http.Request, p params) (string, error) {
		return "", c.Exchange.Phone(p.Number).Reject()
	},
	"accept": func(c *Console, _ *http.Request, p params) (string, error) {
		return "", c.Exchange.Phone(p.Number).Accept()
	},
	"hangup": func(c *Console, _ *http.Request, p params) (string, error) {
		return "", c.Exchange.Phone(p.Number).HangUp()
	},
	"press": func(c *Console, _ *http.Request, p params) (string, error) {
		return "", c.Exchange.Phone(p.Number).Press(p.Keys)
	},
	"replay": func(c *Console, r *http.Request, p params) (string, error) {
		events, _ := c.Exchange.Recent(p.Seq - 1)
		if p.Seq == 0 || len(events) == 0 || events[0].Seq != p.Seq || events[0].Webhook == nil {
			return "", errors.New("this request is not kept any more")
		}
		events[0].Webhook.Repeat(r.Context())
		return "", nil
	},
	// What is copied is the only thing that the page is ever shown of a secret: its own
	// script alone can ask for it, and a program, which can read the terminal as well, cannot.
	"credentials": func(c *Console, r *http.Request, _ params) (string, error) {
		if r.Header.Get("Sec-Fetch-Site") != "same-origin" {
			return "", errors.New("only the console's own page may copy the credentials")
		}
		return c.Credentials, nil
	},
}

var errNumber = errors.New("a telephone number has to be like +15550100001")

// ring rings a client from a telephone, which then may press keys and hang up.
func ring(c *Console, _ *http.Request, p params) (string, error) {
	if !exchange.IsPhoneNumber(p.Number) {
		return "", errNumber
	}
	phone := c.Exchange.Phone(p.Number)
	if err := phone.Call("client:" + p.Client); err != nil {
		return "", err
	}
	if p.After > 0 {
		phone.HangUpAfter(time.Duration(p.After)*time.Second, p.Keys)
	}
	return "", nil
}
