package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

// Limits well above what trying out the softphone needs.
const (
	maxSessions = 1000
	sessionFor  = 12 * time.Hour
	maxForm     = 16 << 10 // bytes
)

// session is a user's until its end.
type session struct {
	user
	ends time.Time
}

// user is who has signed in. Anybody may, under any name and with the grants
// that they choose: a real backend knows its users, and what they may do.
type user struct {
	clientName         string
	incoming, outgoing bool
	accessToken        bool // is what they get, rather than a capability token
}

// signIn starts a session and answers with its ID. The page keeps the ID for its tab
// and shows it in a header, where a cookie would be shared by all tabs, and sent
// by other sites' pages too.
func (s *softphone) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxForm)
	}
	if err != nil && !errors.Is(err, http.ErrNotMultipart) {
		refuse(w, r, http.StatusBadRequest, "the form cannot be read: "+err.Error())
		return
	}
	u := user{
		clientName:  r.PathValue("name"),
		incoming:    r.FormValue("incoming") != "",
		outgoing:    r.FormValue("outgoing") != "",
		accessToken: r.FormValue("token") == "access",
	}
	if u.accessToken && s.access == nil {
		refuse(w, r, http.StatusBadRequest, "Access Tokens need an API key: set TWILIO_API_KEY and TWILIO_API_SECRET")
		return
	}
	if _, err := s.token(u).ToJWT(); err != nil {
		refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if phoneNumber.MatchString(u.clientName) {
		refuse(w, r, http.StatusBadRequest, "a call to this client name would go to a phone number: use at least one letter")
		return
	}
	id := rand.Text()
	if !s.startSession(id, u, r) {
		refuse(w, r, http.StatusServiceUnavailable, "too many have signed in: try again later")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]string{"session": id})
}

// startSession ends the session that the request comes from: what it was granted
// must not outlast a new sign-in.
func (s *softphone) startSession(id string, u user, r *http.Request) bool {
	s.endSession(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sessions, func(_ string, old session) bool { return time.Now().After(old.ends) })
	if len(s.sessions) >= maxSessions {
		return false
	}
	s.sessions[id] = session{u, time.Now().Add(sessionFor)}
	return true
}

func (s *softphone) endSession(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sessionID(r))
}

// sessionID returns the ID that a request shows, "" for none.
func sessionID(r *http.Request) string {
	id, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return id
}

func (s *softphone) signOut(w http.ResponseWriter, r *http.Request) {
	s.endSession(r)
	w.WriteHeader(http.StatusNoContent)
}

// mint decides what the sender of a request may do.
func (s *softphone) mint(r *http.Request) (*capability.CapabilityToken, error) {
	s.mu.Lock()
	signedIn, ok := s.sessions[sessionID(r)]
	s.mu.Unlock()
	if !ok || signedIn.clientName != r.PathValue("name") || time.Now().After(signedIn.ends) {
		refusal := &capabilityhttp.Error{Status: http.StatusUnauthorized, Message: "sign in first"}
		logRefusal(r, "request refused", refusal.Message)
		return nil, refusal
	}
	return s.token(signedIn.user), nil
}

// receivers returns the names of the clients that receive calls, those who signed
// in last first.
func (s *softphone) receivers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lastFirst := func(a, b session) int { return b.ends.Compare(a.ends) }
	var names []string
	for _, signedIn := range slices.SortedFunc(maps.Values(s.sessions), lastFirst) {
		if signedIn.incoming && time.Now().Before(signedIn.ends) && !slices.Contains(names, signedIn.clientName) {
			names = append(names, signedIn.clientName)
		}
	}
	return names
}

// token returns what u is granted. Twilio passes the signed parameter to the
// application: the page cannot change it.
func (s *softphone) token(u user) *capability.CapabilityToken {
	template := s.template
	if u.accessToken {
		template = s.access
	}
	token := template.Clone()
	if u.incoming {
		token.AllowClientIncoming(u.clientName)
	} else {
		token.SetClientName(u.clientName)
	}
	if u.outgoing {
		token.AllowClientOutgoing(s.account.applicationSID, url.Values{"Department": {"support"}})
	}
	return token
}
