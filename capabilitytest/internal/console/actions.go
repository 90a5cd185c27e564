package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

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
	"refuse":     do(func(x *exchange.Exchange, p params) { x.Refuse(p.Client, p.Code) }),
	"expire":     do(func(x *exchange.Exchange, p params) { x.Expire(p.Client) }),
	"disconnect": do(func(x *exchange.Exchange, p params) { x.Disconnect(p.Client) }),
	"reset":      do(func(x *exchange.Exchange, _ params) { x.Reset() }),
	"end": func(c *Console, _ *http.Request, p params) (string, error) {
		if _, fault := c.Exchange.Update(p.Call, exchange.Update{End: true}); fault != nil {
			return "", fault
		}
		return "", nil
	},
	"digits": func(c *Console, _ *http.Request, p params) (string, error) {
		return "", c.Exchange.Press(p.Call, p.Keys)
	},
	"replay": replay,

	"phone":  with(func(*exchange.Phone, params) (string, error) { return "", nil }), // is played from now on
	"ring":   with(ring),
	"talk":   with(func(phone *exchange.Phone, p params) (string, error) { return phone.Talk(p.Offer) }),
	"accept": with(func(phone *exchange.Phone, _ params) (string, error) { return "", phone.Accept() }),
	"reject": with(func(phone *exchange.Phone, _ params) (string, error) { return "", phone.Reject() }),
	"hangup": with(func(phone *exchange.Phone, _ params) (string, error) { return "", phone.HangUp() }),
	"press":  with(func(phone *exchange.Phone, p params) (string, error) { return "", phone.Press(p.Keys) }),

	// What is copied is the only thing that the page is ever shown of a secret.
	"credentials": func(c *Console, r *http.Request, _ params) (string, error) {
		if r.Header.Get("Sec-Fetch-Site") != "same-origin" {
			return "", errors.New("only the console's own page may copy the credentials")
		}
		return c.Credentials, nil
	},
}

// do makes an action of what cannot fail.
func do(f func(x *exchange.Exchange, p params)) func(*Console, *http.Request, params) (string, error) {
	return func(c *Console, _ *http.Request, p params) (string, error) {
		f(c.Exchange, p)
		return "", nil
	}
}

// with makes an action of what is done with a telephone.
func with(f func(phone *exchange.Phone, p params) (string, error)) func(*Console, *http.Request, params) (string, error) {
	return func(c *Console, _ *http.Request, p params) (string, error) {
		if !exchange.IsPhoneNumber(p.Number) {
			return "", errors.New("a telephone number has to be like +15550100001")
		}
		return f(c.Exchange.Phone(p.Number), p)
	}
}

// ring rings a client from a telephone, which then may press keys and hang up.
func ring(phone *exchange.Phone, p params) (string, error) {
	if err := phone.Call("client:" + p.Client); err != nil {
		return "", err
	}
	if p.After > 0 {
		phone.HangUpAfter(time.Duration(p.After)*time.Second, p.Keys)
	}
	return "", nil
}

// replay makes a request of the backend again. The answer has no effect, and is an event.
func replay(c *Console, r *http.Request, p params) (string, error) {
	events, _ := c.Exchange.Recent(p.Seq - 1)
	if p.Seq == 0 || len(events) == 0 || events[0].Seq != p.Seq || events[0].Webhook == nil {
		return "", errors.New("this request is not kept any more")
	}
	events[0].Webhook.Repeat(r.Context())
	return "", nil
}
