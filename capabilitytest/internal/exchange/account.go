package exchange

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// Voice is what a TwiML application, or a telephone number, does with a call. URLs are nil,
// methods GET or POST.
type Voice struct {
	URL                  *url.URL
	Method               string
	FallbackURL          *url.URL
	FallbackMethod       string
	StatusCallback       *url.URL
	StatusCallbackMethod string
}

// NewVoice returns a Voice with Twilio's defaults.
func NewVoice(voiceURL, statusCallback *url.URL) Voice {
	return Voice{voiceURL, http.MethodPost, nil, http.MethodPost, statusCallback, http.MethodPost}
}

// An Application is a TwiML application.
type Application struct {
	SID, FriendlyName string
	Voice             Voice
	Created, Updated  time.Time
}

// A Number is a telephone number of the account.
type Number struct {
	SID, Number, FriendlyName string
	ApplicationSID            string // whose Voice takes the place of the number's, or ""
	Voice                     Voice
	Created, Updated          time.Time
}

// maxApplications is how many an account may have: https://www.twilio.com/docs/usage/api/applications
const maxApplications = 1000

// openAccount makes the applications and numbers of the configuration.
func (x *Exchange) openAccount() {
	now := time.Now()
	x.apps = []*Application{{
		SID: cmp.Or(x.config.ApplicationSID, "AP"+random()), FriendlyName: "standin",
		Voice: NewVoice(x.config.VoiceURL, x.config.StatusCallback), Created: now, Updated: now,
	}}
	for _, number := range slices.Sorted(maps.Keys(x.config.Numbers)) {
		x.numbers = append(x.numbers, &Number{
			SID: "PN" + random(), Number: number, FriendlyName: number,
			Voice: NewVoice(x.config.Numbers[number], x.config.StatusCallback), Created: now, Updated: now,
		})
	}
}

// plan returns the document of a call, nil to dial To, and where its end is reported to, or nil.
func (v Voice) plan() (d *Document, end *callback) {
	if v.URL != nil {
		d = &Document{Target: webhook.Target{Method: v.Method, URL: v.URL}}
		d.Fallback = webhook.Target{Method: v.FallbackMethod, URL: v.FallbackURL}
	}
	if v.StatusCallback != nil {
		end = &callback{webhook.Target{Method: v.StatusCallbackMethod, URL: v.StatusCallback}, []string{"completed"}}
	}
	return d, end
}

// application returns the one with an SID, or the first: which application a token names is
// not checked. x.mu is held.
func (x *Exchange) application(sid string) *Application {
	if i := x.indexApplication(sid); i >= 0 {
		return x.apps[i]
	}
	return x.apps[0]
}

func (x *Exchange) indexApplication(sid string) int {
	return slices.IndexFunc(x.apps, func(a *Application) bool { return a.SID == sid })
}

// number returns a number of the account, or nil. x.mu is held.
func (x *Exchange) number(e164 string) *Number {
	for _, n := range x.numbers {
		if n.Number == e164 {
			return n
		}
	}
	return nil
}

// voice returns what is done with a call of the number. x.mu is held.
func (x *Exchange) voice(n *Number) Voice {
	if n.ApplicationSID != "" {
		return x.application(n.ApplicationSID).Voice
	}
	return n.Voice
}

// Applications returns all applications, the newest first.
func (x *Exchange) Applications() []Application {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []Application
	for _, a := range slices.Backward(x.apps) {
		all = append(all, *a)
	}
	return all
}

// Application returns an application.
func (x *Exchange) Application(sid string) (Application, *Fault) {
	return x.UpdateApplication(sid, func(*Application) *Fault { return nil })
}

// NewApplication adds an application.
func (x *Exchange) NewApplication(a Application) (Application, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.apps) == maxApplications {
		return Application{}, &Fault{0, fmt.Sprintf("an account has at most %d applications", maxApplications)}
	}
	a.SID, a.Created, a.Updated = "AP"+random(), time.Now(), time.Now()
	x.apps = append(x.apps, &a)
	return a, nil
}

// UpdateApplication changes an application, unless change fails. It returns the application.
func (x *Exchange) UpdateApplication(sid string, change func(*Application) *Fault) (Application, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.indexApplication(sid)
	if i < 0 {
		return Application{}, notFound("Applications", sid)
	}
	changed := *x.apps[i]
	if fault := change(&changed); fault != nil {
		return Application{}, fault
	}
	*x.apps[i] = changed
	return changed, nil
}

// DeleteApplication deletes an application, but not that of the configuration.
func (x *Exchange) DeleteApplication(sid string) *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch i := x.indexApplication(sid); {
	case i < 0:
		return notFound("Applications", sid)
	case i == 0:
		return &Fault{0, "the stand-in keeps its own application"}
	default:
		x.apps = slices.Delete(x.apps, i, i+1)
	}
	return nil
}

// Numbers returns the telephone numbers of the account.
func (x *Exchange) Numbers() []Number {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []Number
	for _, n := range x.numbers {
		all = append(all, *n)
	}
	return all
}

// Number returns a telephone number by its SID.
func (x *Exchange) Number(sid string) (Number, *Fault) {
	return x.UpdateNumber(sid, func(*Number) *Fault { return nil })
}

// UpdateNumber changes a number, unless change fails. It returns the number.
func (x *Exchange) UpdateNumber(sid string, change func(*Number) *Fault) (Number, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.numbers, func(n *Number) bool { return n.SID == sid })
	if i < 0 {
		return Number{}, notFound("IncomingPhoneNumbers", sid)
	}
	changed := *x.numbers[i]
	if fault := change(&changed); fault != nil {
		return Number{}, fault
	}
	if app := changed.ApplicationSID; app != "" && x.indexApplication(app) < 0 {
		return Number{}, &Fault{21420, "the account has no application " + app}
	}
	*x.numbers[i] = changed
	return changed, nil
}
