package exchange

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// A Recording is a recording as Twilio's REST API shows it.
type Recording struct {
	SID, CallSID  string
	ConferenceSID string // "" unless it is of a conference
	Source        string // DialVerb, RecordVerb, Conference or OutboundAPI
	Status        string // in-progress, completed or absent
	ErrorCode     int    // why it is absent, or 0
	Channels      int    // 0 until it is completed, as below
	Duration      time.Duration
	WAV           []byte
	Started       time.Time
	Ended         time.Time // zero while it is made
}

// The recordings that are kept, the newest. An hour of two channels has 115 MB.
const (
	maxRecordings     = 100
	maxRecordingBytes = 256 << 20 // of all
)

// forgetOldest returns what is remembered, without the oldest that is over if there is no room for
// one more.
func forgetOldest[T any](all []T, most int, over func(T) bool) []T {
	if len(all) < most {
		return all
	}
	if i := slices.IndexFunc(all, over); i >= 0 {
		return slices.Delete(all, i, i+1)
	}
	return all
}

// forgetRecordings forgets the recordings that ended first if there are too many. x.mu is held.
func (x *Exchange) forgetRecordings() {
	over := slices.DeleteFunc(slices.Clone(x.recordings), func(rec *recording) bool { return rec.ended.IsZero() })
	slices.SortStableFunc(over, func(a, b *recording) int { return b.ended.Compare(a.ended) })
	bytes := 0
	for i, rec := range over {
		bytes += len(rec.made.WAV)
		if i >= maxRecordings || bytes > maxRecordingBytes {
			x.recordings = slices.DeleteFunc(x.recordings, func(other *recording) bool { return other == rec })
		}
	}
}

// Recordings returns all recordings that are remembered, the newest first.
func (x *Exchange) Recordings() []Recording {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []Recording
	for _, rec := range slices.Backward(x.recordings) {
		all = append(all, rec.snapshot())
	}
	return all
}

// Recording returns a recording.
func (x *Exchange) Recording(sid string) (Recording, *Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.recordings, func(rec *recording) bool { return rec.sid == sid })
	if i < 0 {
		return Recording{}, notFound("Recordings", sid)
	}
	return x.recordings[i].snapshot(), nil
}

// DeleteRecording deletes a recording that is not being made any more.
func (x *Exchange) DeleteRecording(sid string) *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.recordings, func(rec *recording) bool { return rec.sid == sid })
	switch {
	case i < 0:
		return notFound("Recordings", sid)
	case x.recordings[i].ended.IsZero():
		return &Fault{20009, "Recording " + sid + " is being made: it cannot be deleted"}
	}
	x.recordings = slices.Delete(x.recordings, i, i+1)
	return nil
}

func (rec *recording) snapshot() Recording {
	code, _ := strconv.Atoi(rec.form.Get("ErrorCode"))
	return Recording{
		SID: rec.sid, CallSID: rec.form.Get("CallSid"), ConferenceSID: rec.form.Get("ConferenceSid"),
		Source: rec.form.Get("RecordingSource"), Status: rec.status, ErrorCode: code,
		Channels: rec.made.Channels, Duration: rec.made.Duration, WAV: rec.made.WAV,
		Started: rec.started, Ended: rec.ended,
	}
}

// recorded returns what the end of a call is reported with: the recording of the whole call, or of
// the Dial that has connected it. It is nil if there is none.
func (c *call) recorded() *recording {
	if c.branch != nil && !c.answered.IsZero() {
		return c.branch.dial.record
	}
	return c.recording
}

// describe adds what the last status callback of a call is told of its recording.
func (rec *recording) describe(form url.Values) {
	if rec == nil || rec.status != "completed" {
		return
	}
	form.Set("RecordingUrl", rec.url())
	form.Set("RecordingSid", rec.sid)
	form.Set("RecordingDuration", rec.form.Get("RecordingDuration"))
}
