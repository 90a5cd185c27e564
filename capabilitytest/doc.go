// Package capabilitytest is a stand-in for the part of Twilio that browser phones talk to.
// With it, you develop and test a phone on one machine, without an account, a tunnel or a
// phone bill. Twilio's own SDKs register with it, unmodified, and call each other and
// telephones, with audio. It asks your voice webhook what to do with each call.
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
// stand-in. [Server.WaitRegistered], [Server.WaitCall] and [Server.Calls] report what has
// happened; [Server.Refuse], [Server.Expire] and [Server.Disconnect] cause failures that are
// hard to provoke with the real service. With a [Phone], a test plays the far end of a call;
// with [Instant], speech takes no time.
//
// Command standin, in cmd/standin, runs the same stand-in as a program, for backends in any
// language. During development, let the page load {STANDIN_URL}/standin.js before the SDK.
//
// The console, a page at [Server.ConsoleURL], shows events as they happen: each call as a
// ladder diagram, each request to the backend with the text that was signed and the outcome,
// each token that was refused and why. There you can also ring a client, answer a telephone
// with the browser's microphone, and do what the methods of [Server] do. The error of
// [Server.WaitCall] contains the ladders of the last calls. [Server.Reset] returns the
// stand-in to its initial state between tests.
//
// # What it supports
//
// Twilio Client SDK 1.15.1 and Voice JavaScript SDK 2.18.5, each with capability
// tokens and with Access Tokens, in Chromium: registering and unregistering, calls, digits,
// call messages, ICE restarts, and taking over a call with its connectToken. A token is
// refused if captoken inspect would call it not usable, with the code of Twilio's voice side:
// 31202, for example, where captoken inspect says 20107.
//
// The stand-in is the other end of each page's audio, as Twilio's media servers are: pages do
// not connect to each other. The page itself answers what the SDK posts to eventgw.twilio.com,
// and the stand-in serves the sounds that the SDK loads from sdk.twilio.com: the SDK sends
// nothing outside the machine. The stand-in requests only the URLs that you and your TwiML
// give it.
//
// An answered call survives the loss of a device's socket for 15 seconds, in
// which the SDK reconnects. A ringing call ends when the socket of its caller, or of the last
// device that rings, is lost; the page learns of it when it reconnects. A socket counts as
// lost after 15 seconds of silence, without even the echo of a heartbeat.
//
// # TwiML
//
// Requests to the voice webhook are signed with X-Twilio-Signature. The stand-in executes the
// TwiML verbs Say, Play, Pause, Gather with digits, Record, Dial with Client, Number, Queue
// and Conference, Enqueue, Leave, Redirect, Hangup and Reject, with the attributes that Twilio
// documents, and logs a warning for each that it ignores. TwiML that Twilio would not execute
// ends the call with the documented code. Action URLs and status callbacks are requested as
// Twilio documents, signed and in order.
//
// Without a voice URL, the stand-in dials the client or telephone number that the
// parameter To names, as a Dial with answerOnBridge does.
//
// With answerOnBridge, a Dial of a Client or Number answers the caller's call when the other
// side answers; without it, one second after the other side starts to ring, and the caller
// hears the ringing. Say, Gather, Record, Enqueue, Conference and Queue answer at once, except
// a Queue with answerOnBridge; Play answers when it has its file. Pause, Redirect, Hangup and
// Reject do not answer. The call of a caller who gives up while a Dial rings is completed, as
// Twilio counts a Dial as in progress; earlier, it is no-answer.
//
// A call to a number of the account (see [Number]) executes the TwiML of that number's voice
// URL. Any other number that no test plays answers after two seconds and echoes. Twilio's
// magic numbers +15005550001 to +15005550004 fail.
//
// # REST API
//
// Twilio's REST API, at {STANDIN_URL}/2010-04-01, accepts the account SID and auth token, or
// an API key and its secret. It can call clients and numbers, list calls, redirect them (also
// a leg of a Dial, or a call in a queue) and end them, moderate conferences, and read and
// change queues, recordings, numbers and the application. Errors have the codes that Twilio
// documents. A Go test may use [Server.Call] and [Server.Hangup] instead.
//
// # Limits
//
//   - It was compared with the SDKs, with Twilio's tests of them and with Twilio's
//     documentation, never with the live service, which may answer other codes.
//   - It has one account, and the numbers that [Number] gives it. It checks only the form of a
//     token's application SID, and treats an unknown one as TWILIO_TWIML_APP_SID. It does not
//     check whose telephone number a callerId is.
//   - It serves only these resources of the REST API, and only as JSON: Calls, their
//     UserDefinedMessages and UserDefinedMessageSubscriptions, Queues and Members, Conferences
//     and Participants, Recordings (WAV), IncomingPhoneNumbers and Applications. Anything else
//     is status 404, error 20404, and is logged. Parameters that it ignores, such as
//     MachineDetection, are logged. A participant who is called joins on answer, whatever
//     EarlyMedia says, and requests are not rate-limited.
//   - Say plays a quiet tone for each word; there is no speech recognition. Play plays WAV
//     files, 16-bit PCM or µ-law, and a tone in place of any other. The only codec is PCMU.
//   - A warning names each documented attribute that the stand-in ignores: transcription,
//     speech in addition to digits, ringTone, jitterBufferSize, region. A Gather of speech
//     alone ends the call with error 31000.
//   - Nothing is cached: a file is requested each time it is played. The status callbacks of a
//     conference do not report who speaks.
//   - A recording is at most an hour long. Its URL has the host 127.0.0.1 if the stand-in
//     listens on all addresses.
//   - Sip, Stream, Pay, Connect, TaskRouter and whatever else needs another service end
//     the call with error 31000, which names them.
//   - Each ringing device has its own leg and call SID; the status callbacks of a Client
//     report them as one leg.
//   - If a Dial fails and the call ends with it, a caller who was not answered gets the reason
//     (31404, 31480, 31486 or 31002). Dialling a client that is not registered is no-answer.
//   - A device that is dialling is busy; one that is on a call still rings. Unless the page
//     sets allowIncomingWhileBusy, the SDK ignores the second call, and its caller hears
//     ringing until the Dial times out.
//   - Event streams are ignored. Calls are lost when the stand-in ends. It keeps the last
//     10,000 calls, each leg of a Dial counted, 1,000 queues, 1,000 conferences, and 100
//     recordings of 256 MB together.
//   - The console shows the last 200 calls and 4,000 events. Closing a page that plays a
//     telephone does not hang up: hang up first.
//   - It does not run with GODEBUG=fips140=only, as WebSocket and X-Twilio-Signature need
//     SHA-1.
//   - Anyone who has its credentials, or can reach its console, controls it: it is for tests
//     and development, and listens on a loopback address unless told otherwise.
package capabilitytest
