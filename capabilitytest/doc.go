// Package capabilitytest runs a stand-in for the part of Twilio that browser
// phones talk to, so that a phone can be developed and tested on one machine,
// without an account, a tunnel or a phone bill. Twilio's own SDKs, unmodified,
// register with it and call each other, with audio, and it asks the backend's
// voice webhook what to do with a call.
//
// In a test, [NewServer] starts a stand-in with made-up credentials:
//
//	twilio := capabilitytest.NewServer(t, capabilitytest.VoiceURL(backend.URL+"/voice"))
//	for name, value := range twilio.Env() {
//		t.Setenv(name, value) // for the backend, which mints tokens with them
//	}
//
// Let the browser driver run [Server.Script] in each page before the page's own
// scripts. The page needs no change: new Twilio.Device(token) now talks to the
// stand-in. [Server.WaitRegistered], [Server.WaitCall] and [Server.Calls] say what
// has happened; [Server.Refuse], [Server.Expire] and [Server.Disconnect] make
// happen what is hard to bring about with the real service.
//
// Command standin, in cmd/standin, is the same as a program, for backends in any
// language. A page loads {STANDIN_URL}/standin.js while it is developed.
//
// # What it knows
//
// Twilio Client SDK 1.15.1 and Voice JavaScript SDK 2.18.5, each with capability
// tokens and with Access Tokens, in Chromium.
//
// The voice webhook is a POST request signed with X-Twilio-Signature. Of TwiML it
// knows Dial with Client nouns (text, or Identity and Parameter) and its attributes
// timeout, callerId, action and method, and Redirect, Hangup and Reject. Any other
// verb or noun ends the call with error 31000, which names it. A webhook that
// fails ends the call with the code that Twilio documents: 11200 if it is down,
// slow or answers with another status than 2xx, 12100 if it answers with no TwiML,
// 12300 if that has the wrong Content-Type, 11750 if it is longer than 64 KiB.
//
// An answered call survives the loss of either device's socket for 15 seconds, in
// which the SDK reconnects. A ringing call ends when the caller's socket is lost, or
// that of the last device still ringing; the page is told when it reconnects.
//
// # Limits
//
//   - It was compared with the SDKs and with Twilio's documentation, never with the
//     live service, which may answer other codes.
//   - It relays no media: two devices hear each other only if they reach each other
//     directly, as on one machine. There is no speech, music, recording, conference,
//     queue or telephone network, and no insights: what the SDK posts to
//     eventgw.twilio.com, and the sounds it loads from sdk.twilio.com, still go to
//     the internet, and fail quietly without it.
//   - It follows no HTTP redirects of a webhook, calls no status callbacks, and calls
//     the action of a Dial only while the caller is on the line. After a Dial that
//     was answered there can be no second one.
//   - Each Dial works as with answerOnBridge="true". Without it, Twilio answers the
//     caller at once, so that the SDK's accept event comes before anybody picks up.
//   - A caller is told why a Dial failed (31404, 31480, 31486 or 31002) if the call
//     ends with it. A client that is not registered counts as no-answer.
//   - A device that dials is busy, but one on a call is rung. Unless its page sets
//     allowIncomingWhileBusy, the SDK ignores that, and the caller hears it ring
//     until the Dial times out.
//   - ICE restarts, call messages and event streams are ignored. Calls are lost when
//     the stand-in ends.
//   - It does not check the application SID of a token.
//   - Anyone who has its credentials can do anything: it is for tests and development,
//     and listens on a loopback address unless told otherwise.
package capabilitytest
