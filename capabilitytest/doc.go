// Package capabilitytest runs a stand-in for the part of Twilio that browser
// phones talk to, so that a phone can be developed and tested on one machine,
// without an account, a tunnel or a phone bill. Twilio's own SDKs, unmodified,
// register with it and call each other, and telephones, with audio, and it asks the
// backend's voice webhook what to do with a call.
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
// happen what is hard to bring about with the real service. A test plays the far end
// of a call with a [Phone], and need not wait for speech with [Instant].
//
// Command standin, in cmd/standin, is the same as a program, for backends in any
// language. A page loads {STANDIN_URL}/standin.js while it is developed.
//
// At its own address, [Server.ConsoleURL], a console shows what happens as it happens: each
// call as a ladder, each request to the backend with the text that was signed and what
// became of the answer, each token that was refused and why. There a person can also ring
// a client, answer a telephone with the browser's microphone, and do what the methods of
// [Server] do. When [Server.WaitCall] fails, its error holds the ladders of the last calls.
// [Server.Reset] makes the stand-in as good as new between tests.
//
// # What it knows
//
// Twilio Client SDK 1.15.1 and Voice JavaScript SDK 2.18.5, each with capability
// tokens and with Access Tokens, in Chromium: registration and its end, calls, digits,
// call messages, ICE restarts, taking a call over with its connectToken. A token is
// refused for what captoken inspect says of it.
//
// Each call ends in the stand-in, as it ends in Twilio's media servers: no page reaches
// another page. What the SDK posts to eventgw.twilio.com is answered in the page, and the
// sounds that it loads from sdk.twilio.com come from the stand-in: nothing leaves the
// machine.
//
// An answered call survives the loss of a device's socket for 15 seconds, in
// which the SDK reconnects. A ringing call ends when the caller's socket is lost, or
// that of the last device still ringing; the page is told when it reconnects. A socket
// that says nothing for 15 seconds, not even a heartbeat's echo, is lost.
//
// The voice webhook is signed with X-Twilio-Signature. Of TwiML it knows Say, Play,
// Pause, Gather with digits, Record, Dial with Client, Number, Queue and Conference,
// Enqueue, Leave, Redirect, Hangup and Reject, with the attributes that Twilio
// documents, and reports what it leaves out as a warning in the log. TwiML that Twilio
// would not execute ends the call with the code that Twilio documents. It requests the
// action of a verb, and makes status callbacks, as Twilio documents them, signed and in
// order.
//
// Twilio's REST API, at {STANDIN_URL}/2010-04-01, takes the account SID and the auth token, or
// an API key and its secret. Calls are made to clients and numbers, listed, redirected (a leg
// of a Dial, or in a queue, too), and ended; conferences are moderated; queues, recordings,
// numbers and the application are read and changed. What it refuses has the code that Twilio
// documents. A Go test may use [Server.Call] and [Server.Hangup] instead.
//
// Without a voice URL, the stand-in dials the client or telephone number that the
// parameter To names, as a Dial with answerOnBridge does.
//
// A Dial of a Client or Number answers its caller when the other side answers, if it has
// answerOnBridge; else a second after the other side begins to ring, and the caller hears
// it ring. Other verbs answer at once, but for a Queue with answerOnBridge.
// The call of a caller who gives up while a Dial rings is completed, as Twilio counts a Dial
// as in progress; earlier, it is no-answer.
//
// A number of the account, see [Number], answers with its own document. Any other that no
// test plays answers after two seconds and echoes what it hears. Twilio's magic numbers
// +15005550001 to +15005550004 fail.
//
// # Limits
//
//   - It was compared with the SDKs, with Twilio's tests of them and with Twilio's
//     documentation, never with the live service, which may answer other codes.
//   - It has one account, and the numbers that [Number] gives it. It checks only the form of
//     a token's application SID: one that it does not know is taken for TWILIO_TWIML_APP_SID.
//     It does not check whose telephone number a callerId is.
//   - Of the REST API it serves, as JSON alone: Calls, their UserDefinedMessages, Queues and
//     Members, Conferences and Participants, Recordings (WAV), IncomingPhoneNumbers and
//     Applications. What else there is, is 404, error 20404, and the log names it. Parameters
//     that it leaves out, such as MachineDetection, are named by the log. A participant who is
//     called joins when they answer (EarlyMedia), and no request is queued for its rate.
//   - The call messages of pages are in their [Call]; there are no subscriptions to them.
//   - Speech is a quiet tone for each word, and none is understood. Only WAV files can
//     be played, 16 bit PCM or µ-law; a tone takes the place of others. The codec is
//     PCMU alone.
//   - An attribute that Twilio documents and the stand-in ignores is named by a
//     warning: transcription, speech beside digits, ringTone, jitterBufferSize, region. A
//     Gather of speech alone ends the call with error 31000.
//   - No answer is cached: a file is requested each time that it is played. A
//     conference reports no speaker.
//   - A recording ends after an hour. Its URL has the address 127.0.0.1 if the stand-in
//     listens on all addresses.
//   - Sip, Stream, Pay, Connect, TaskRouter and whatever else needs another service end
//     the call with error 31000, which names them.
//   - Each device that rings has a leg, and a call SID, of its own. The status callbacks of
//     a Client report those of its devices as one.
//   - A caller who was not answered is told why a Dial failed (31404, 31480, 31486 or
//     31002) if the call ends with it. A client that is not registered counts as
//     no-answer.
//   - A device that dials is busy, but one on a call is rung. Unless its page sets
//     allowIncomingWhileBusy, the SDK ignores that, and the caller hears it ring
//     until the Dial times out.
//   - Event streams are ignored. Calls are lost when the stand-in ends. It keeps the last
//     10,000 calls, each leg of a Dial counted, 1,000 queues, 1,000 conferences, and 100
//     recordings of 256 MB together.
//   - The console shows the last 200 calls and 4,000 events. A page that plays a telephone
//     has to be closed, or the call hung up, by hand: nobody notices that it is gone.
//   - It does not run with GODEBUG=fips140=only, as WebSocket and X-Twilio-Signature need
//     SHA-1.
//   - Anyone who has its credentials, or reaches its console, can do anything: it is for
//     tests and development, and listens on a loopback address unless told otherwise.
package capabilitytest
