package capabilitytest

import (
	_ "embed"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

//go:embed standin.js
var script string

// Script returns JavaScript that makes an unmodified page use the server in place
// of Twilio. It has to run before the SDK is loaded: let the browser driver run
// it in each new page, or load it as {URL}/standin.js.
func (s *Server) Script() string {
	return strings.Replace(script, "STANDIN_URL", s.URL, 1)
}

func (s *Server) serveScript(w http.ResponseWriter, _ *http.Request) {
	s.exchange.ScriptLoaded()
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, s.Script())
}

// serveSound serves what the SDK plays in place of one of its sounds: the tone of a key,
// or a chime.
func serveSound(w http.ResponseWriter, r *http.Request) {
	sound := media.Tone(440, time.Second/4)
	if key, ok := strings.CutPrefix(r.PathValue("name"), "dtmf-"); ok {
		key = strings.NewReplacer("star", "*", "hash", "#").Replace(key)
		if digits, err := media.Digits(key); err == nil && len(key) == 1 {
			sound = digits
		}
	}
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Access-Control-Allow-Origin", "*") // the page has another origin
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(sound.WAV())
}
