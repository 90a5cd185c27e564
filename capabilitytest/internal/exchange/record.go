package exchange

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
	"github.com/seed-6c737938/capability/capabilitytest/internal/webhook"
)

// maxPageRecording is how long Twilio records what a page says.
const maxPageRecording = 10 * time.Minute

// shortest is how short a recording may be. Twilio has a minimum, but does not document it.
const shortest = time.Second / 10

// A recording is being made.
type recording struct {
	x        *Exchange
	c        *call // the first leg
	recorder *media.Recorder
	sid      string
	started  time.Time
	form     url.Values // what its callbacks are told beside its status
	callback *callback
	hooks    *webhook.Session // of the callback
	status   string
	made     media.Recording // when it is completed
	ended    time.Time
	over     chan struct{} // closed when it is completed or absent
}

// newRecording returns a recording that is to be started. x.mu is held.
func (c *call) newRecording(recorder *media.Recorder, source string, to *callback) *recording {
	rec := &recording{x: c.x, c: c, recorder: recorder, sid: "RE" + random(), started: time.Now(), callback: to, hooks: c.hooks, over: make(chan struct{})}
	rec.form = url.Values{
		"AccountSid":         {c.x.config.AccountSID},
		"CallSid":            {c.sid},
		"RecordingSid":       {rec.sid},
		"RecordingUrl":       {rec.url()},
		"RecordingSource":    {source},
		"RecordingStartTime": {rec.started.UTC().Format(time.RFC1123Z)},
	}
	return rec
}

// start remembers a recording, and reports it.
func (rec *recording) start() {
	rec.x.recordings = append(rec.x.recordings, rec)
	rec.x.callEvent(rec.c, VerbEvent, "recording of the call of %s starts", rec.c.party())
	rec.report("in-progress", nil)
}

func (rec *recording) url() string { return rec.x.config.RecordingURL + rec.sid }

func (rec *recording) report(status string, more url.Values) {
	rec.status = status
	if status != "in-progress" {
		rec.ended = time.Now()
		close(rec.over)
		rec.x.forgetRecordings()
	}
	form := url.Values{"RecordingStatus": {status}}
	for _, values := range []url.Values{rec.form, more} {
		for name, value := range values {
			form[name] = value
		}
	}
	if rec.callback.wants(status) {
		rec.hooks.Notify(rec.callback.target, form)
	}
}

// wait waits until a recording, if there is one, is over.
func (rec *recording) wait() {
	if rec == nil {
		return
	}
	select {
	case <-rec.over:
	case <-rec.x.ctx.Done():
	}
}

// finish ends a recording and keeps it. It returns its URL, "" if it is absent.
func (rec *recording) finish() string {
	if rec == nil {
		return ""
	}
	made := rec.recorder.Stop()
	rec.x.mu.Lock()
	defer rec.x.mu.Unlock()
	switch {
	case made.Silent:
		rec.fail("16102", "is silent")
		return ""
	case made.Duration < shortest:
		rec.fail("16101", "is too short")
		return ""
	}
	rec.made = made
	rec.form.Set("RecordingDuration", seconds(made.Duration))
	rec.x.callEvent(rec.c, VerbEvent, "recorded %v of the call of %s: %s", made.Duration.Round(time.Second/10), rec.c.party(), rec.url())
	rec.report("completed", url.Values{"RecordingChannels": {strconv.Itoa(made.Channels)}})
	return rec.url()
}

// fail reports that there is no recording, and why.
func (rec *recording) fail(code, why string) {
	rec.x.callEvent(rec.c, VerbEvent, "the recording of the call of %s %s", rec.c.party(), why)
	rec.form.Set("ErrorCode", code)
	rec.report("absent", nil)
}

// discard ends a recording of a call that was not connected.
func (rec *recording) discard() {
	if rec == nil {
		return
	}
	rec.recorder.Stop()
	rec.x.mu.Lock()
	defer rec.x.mu.Unlock()
	rec.fail("16101", "is dropped, as nobody was connected") // no code of Twilio's says that
}

// recordDial starts the recording that a Dial asks for, if this is the time for it. d is nil if it
// dials a queue.
func (r *runner) recordDial(v twiml.Dial, d *dial, ringing bool) *recording {
	fromRinging := v.Record == twiml.RecordFromRinging || v.Record == twiml.RecordFromRingingDual
	if v.Record == twiml.DoNotRecord || v.Record == "" || ringing && !fromRinging {
		return nil
	}
	if !ringing || !v.AnswerOnBridge {
		if fault := r.c.pickUp(); fault != nil {
			return nil
		}
	}
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if r.c.audio == nil {
		return nil
	}
	dual := strings.HasSuffix(string(v.Record), "-dual")
	recorder := r.c.audio.Record(media.RecordOptions{Dual: dual, Trim: v.TrimSilence, Track: media.Track(v.RecordingTrack)})
	rec := r.c.newRecording(recorder, "DialVerb", r.c.newCallback(v.RecordingStatusCallback, r.self.URL))
	rec.start()
	if d != nil {
		d.record = rec
	}
	return rec
}

// record records what the far end says, until a key or silence ends it. Of a recording
// without a sound Twilio requests no action.
func (r *runner) record(v twiml.Record) (*script, *Fault) {
	if fault := r.c.pickUp(); fault != nil {
		return nil, fault
	}
	keys, stop := r.c.listen()
	defer stop()
	length := v.MaxLength
	if strings.HasPrefix(r.c.from, "client:") {
		length = min(length, maxPageRecording)
	}
	silence, full := r.x.clock.skipped(v.Timeout), r.x.clock.skipped(length)
	defer silence.stop()
	defer full.stop()
	if v.PlayBeep {
		if fault := r.hear(r.ctx, "", fmt.Sprintf("%s hears a beep", r.c.party()), media.Beep()); fault != nil {
			return nil, fault
		}
	}
	r.x.mu.Lock()
	if r.c.over() {
		r.x.mu.Unlock()
		return finish, nil
	}
	rec := r.c.newRecording(r.c.audio.Record(media.RecordOptions{
		Track: media.InboundTrack, MaxLength: length, MaxSilence: v.Timeout, Trim: v.TrimSilence,
	}), "RecordVerb", r.c.newCallback(v.StatusCallback, r.self.URL))
	rec.start()
	r.x.mu.Unlock()
	key := r.awaitEnd(rec, keys, v.FinishOnKey, silence, full)
	address := rec.finish()
	if address == "" {
		if r.ctx.Err() != nil {
			return finish, nil
		}
		return nil, nil
	}
	target, fault := r.target(v.Action)
	if fault != nil {
		return nil, fault
	}
	form := url.Values{"RecordingUrl": {address}, "RecordingSid": {rec.sid}, "RecordingDuration": rec.form["RecordingDuration"]}
	if key != "" {
		form.Set("Digits", key)
	}
	if r.ctx.Err() != nil {
		r.report(target, form)
		return finish, nil
	}
	return r.fetch(target, form)
}

// awaitEnd waits until a recording is over, and returns the key that ended it, or
// "hangup".
func (r *runner) awaitEnd(rec *recording, keys <-chan byte, finishOn string, silence, full *timer) string {
	for {
		select {
		case <-r.ctx.Done():
			return "hangup"
		case <-rec.recorder.Done():
			return ""
		case <-silence.C:
			return ""
		case <-full.C:
			return ""
		case key := <-keys:
			if strings.IndexByte(finishOn, key) >= 0 {
				return string(key)
			}
		}
	}
}
