package twiml_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/twiml"
)

var (
	post   = twiml.Request{Method: "POST"}
	noCall = twiml.StatusCallback{Request: post}
)

// dial returns a Dial of nouns without attributes.
func dial(nouns ...twiml.Noun) twiml.Dial {
	return twiml.Dial{
		Action: post, Timeout: 30 * time.Second, TimeLimit: 4 * time.Hour, Record: twiml.DoNotRecord, RecordingTrack: "both",
		RecordingStatusCallback: noCall, Nouns: nouns,
	}
}

func client(name string, parameters ...twiml.Parameter) twiml.Client {
	return twiml.Client{Identity: name, Parameters: parameters, Whisper: post, StatusCallback: noCall}
}

func number(digits string) twiml.Number {
	return twiml.Number{Number: digits, Whisper: post, StatusCallback: noCall}
}

func conference(name string) twiml.Conference {
	return twiml.Conference{
		Name: name, Beep: twiml.BeepAlways, StartConferenceOnEnter: true, MaxParticipants: 250, TrimSilence: true,
		StatusCallback: noCall, RecordingStatusCallback: noCall,
	}
}

func say(text string) twiml.Say {
	return twiml.Say{Text: text, Voice: "man", Language: "en-US", Loop: 1}
}

func gather(prompt ...twiml.Verb) twiml.Gather {
	return twiml.Gather{Action: post, Timeout: 5 * time.Second, FinishOnKey: "#", Prompt: prompt}
}

func record() twiml.Record {
	return twiml.Record{
		Action: post, Timeout: 5 * time.Second, FinishOnKey: "1234567890*#", MaxLength: time.Hour,
		PlayBeep: true, TrimSilence: true, StatusCallback: noCall,
	}
}

// with returns a value with some fields changed.
func with[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

// goodVerbs has each verb and noun with nothing, and with all attributes.
var goodVerbs = map[string]struct {
	verbs string // what stands in <Response>
	want  []twiml.Verb
}{
	"nothing": {``, nil},
	"Say":     {`<Say>Hello</Say>`, []twiml.Verb{say("Hello")}},
	"Say with all": {`<Say voice="Polly.Amy" language="en-GB" loop="3">Hello</Say>`,
		[]twiml.Verb{twiml.Say{Text: "Hello", Voice: "Polly.Amy", Language: "en-GB", Loop: 3}}},
	"Say for ever": {`<Say loop="0">Hello</Say>`, []twiml.Verb{with(say("Hello"), func(v *twiml.Say) { v.Loop = twiml.MaxLoop })}},
	"Say, on lines": {"<Say>\n  Hello,\n  world!\n</Say>",
		[]twiml.Verb{say("Hello, world!")}},
	"Say with SSML": {`<Say>Hello <emphasis level="strong">dear <amazon:effect name="whispered">Tommy</amazon:effect></emphasis>,<break time="1s"/> <sub alias="as soon as">ASAP</sub></Say>`,
		[]twiml.Verb{say("Hello dear Tommy, ASAP")}},
	"CDATA and references": {`<Say><![CDATA[<1 & 2>]]> &lt;3&gt; &#65;&#x42; &amp;&quot;&apos;</Say>`,
		[]twiml.Verb{say(`<1 & 2> <3> AB &"'`)}},
	"comments and instructions": {`<!-- a --><Say>Hel<!-- b -->lo</Say><?php a ?>`, []twiml.Verb{say("Hello")}},
	"Play":                      {`<Play>cowbell.mp3</Play>`, []twiml.Verb{twiml.Play{URL: "cowbell.mp3", Loop: 1}}},
	"Play digits":               {`<Play digits="1w2W#*A" loop="2"/>`, []twiml.Verb{twiml.Play{Digits: "1w2W#*A", Loop: 2}}},
	"Pause":                     {`<Pause/>`, []twiml.Verb{twiml.Pause{Length: time.Second}}},
	"Pause with all":            {`<Pause length="10"></Pause>`, []twiml.Verb{twiml.Pause{Length: 10 * time.Second}}},
	"Gather":                    {`<Gather/>`, []twiml.Verb{gather()}},
	"Gather with all": {`<Gather action="/a?b=1&amp;c=2" method="GET" timeout="9" numDigits="4" finishOnKey="*" actionOnEmptyResult="true" input="dtmf"
			hints="a" language="de-DE" speechTimeout="auto" enhanced="true" profanityFilter="false" speechModel="default" partialResultCallback="/p">
			<Say>Press</Say><Pause/><Play>a.wav</Play></Gather>`,
		[]twiml.Verb{twiml.Gather{
			Action: twiml.Request{URL: "/a?b=1&c=2", Method: "GET"}, Timeout: 9 * time.Second, NumDigits: 4, FinishOnKey: "*", ActionOnEmptyResult: true,
			Prompt: []twiml.Verb{say("Press"), twiml.Pause{Length: time.Second}, twiml.Play{URL: "a.wav", Loop: 1}}}}},
	"Gather without a finish key": {`<Gather finishOnKey=""/>`, []twiml.Verb{with(gather(), func(v *twiml.Gather) { v.FinishOnKey = "" })}},
	"Record":                      {`<Record/>`, []twiml.Verb{record()}},
	"Record with all": {`<Record action="/a" method="GET" timeout="0" finishOnKey="#1" maxLength="20" playBeep="false" trim="do-not-trim" transcribe="false"
			recordingStatusCallback="/r" recordingStatusCallbackMethod="GET" recordingStatusCallbackEvent="in-progress completed absent"/>`,
		[]twiml.Verb{twiml.Record{
			Action: twiml.Request{URL: "/a", Method: "GET"}, FinishOnKey: "#1", MaxLength: 20 * time.Second,
			StatusCallback: twiml.StatusCallback{Request: twiml.Request{URL: "/r", Method: "GET"}, Events: []string{"in-progress", "completed", "absent"}}}}},
	"Record with a callback": {`<Record recordingStatusCallback="/r"/>`, []twiml.Verb{with(record(), func(v *twiml.Record) {
		v.StatusCallback = twiml.StatusCallback{Request: twiml.Request{URL: "/r", Method: "POST"}, Events: []string{"completed"}}
	})}},
	"Enqueue": {`<Enqueue>support</Enqueue>`, []twiml.Verb{twiml.Enqueue{Name: "support", Action: post}}},
	"Enqueue with all": {`<Enqueue action="/a" method="GET" waitUrl="/w" waitUrlMethod="GET">support</Enqueue>`, []twiml.Verb{twiml.Enqueue{
		Name: "support", Action: twiml.Request{URL: "/a", Method: "GET"}, Wait: &twiml.Request{URL: "/w", Method: "GET"}}}},
	"Enqueue in silence":  {`<Enqueue waitUrl="">support</Enqueue>`, []twiml.Verb{twiml.Enqueue{Name: "support", Action: post, Wait: &post}}},
	"Leave":               {`<Leave/>`, []twiml.Verb{twiml.Leave{}}},
	"Redirect":            {`<Redirect>/next</Redirect>`, []twiml.Verb{twiml.Redirect{Request: twiml.Request{URL: "/next", Method: "POST"}}}},
	"Redirect to itself":  {`<Redirect/>`, []twiml.Verb{twiml.Redirect{Request: post}}},
	"Redirect with all":   {`<Redirect method="GET"> ../next </Redirect>`, []twiml.Verb{twiml.Redirect{Request: twiml.Request{URL: "../next", Method: "GET"}}}},
	"Hangup":              {`<Hangup/>`, []twiml.Verb{twiml.Hangup{}}},
	"Reject":              {`<Reject/>`, []twiml.Verb{twiml.Reject{}}},
	"Reject as rejected":  {`<Reject reason="rejected"/>`, []twiml.Verb{twiml.Reject{}}},
	"Reject as busy":      {`<Reject reason="busy"/>`, []twiml.Verb{twiml.Reject{Busy: true}}},
	"Dial a number":       {`<Dial>+1 (555) 010-0000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}},
	"Dial as in the U.S.": {`<Dial>415-523-4567</Dial><Dial>1.415.523.4567</Dial>`, []twiml.Verb{dial(number("+14155234567")), dial(number("+14155234567"))}},
	"Dial with all": {`<Dial action="/a" method="GET" timeout="5" timeLimit="60" callerId="client:alice" answerOnBridge="true" hangupOnStar="true" sequential="true"
			record="record-from-ringing-dual" trim="trim-silence" recordingTrack="outbound"
			recordingStatusCallback="/r" recordingStatusCallbackMethod="GET" recordingStatusCallbackEvent="absent"><Client>tommy</Client></Dial>`,
		[]twiml.Verb{twiml.Dial{
			Action: twiml.Request{URL: "/a", Method: "GET"}, Timeout: 5 * time.Second, TimeLimit: time.Minute, CallerID: "client:alice",
			AnswerOnBridge: true, HangupOnStar: true, Sequential: true, Record: twiml.RecordFromRingingDual, TrimSilence: true, RecordingTrack: "outbound",
			RecordingStatusCallback: twiml.StatusCallback{Request: twiml.Request{URL: "/r", Method: "GET"}, Events: []string{"absent"}},
			Nouns:                   []twiml.Noun{client("tommy")}}}},
	"Dial with a number as caller ID": {`<Dial callerId="+15550100001">+15550100000</Dial>`, []twiml.Verb{
		with(dial(number("+15550100000")), func(v *twiml.Dial) { v.CallerID = "+15550100001" })}},
	"Dial, recorded": {`<Dial record="true"><Client>tommy</Client></Dial><Dial record="false"><Client>tommy</Client></Dial>`, []twiml.Verb{
		with(dial(client("tommy")), func(v *twiml.Dial) { v.Record = twiml.RecordFromAnswer }), dial(client("tommy"))}},
	"Client with parameters": {`<Dial><Client><Identity> tommy </Identity><Parameter name="b" value="1 "/><Parameter name="a" value="2"/><Parameter name="b" value=""/></Client></Dial>`,
		[]twiml.Verb{dial(client("tommy", twiml.Parameter{"b", "1 "}, twiml.Parameter{"a", "2"}, twiml.Parameter{"b", ""}))}},
	"Client with all": {`<Dial><Client url="/w" method="GET" statusCallback="/s" statusCallbackMethod="GET" statusCallbackEvent="initiated ringing answered completed">tommy</Client></Dial>`,
		[]twiml.Verb{dial(twiml.Client{
			Identity: "tommy", Whisper: twiml.Request{URL: "/w", Method: "GET"},
			StatusCallback: twiml.StatusCallback{Request: twiml.Request{URL: "/s", Method: "GET"}, Events: []string{"initiated", "ringing", "answered", "completed"}}})}},
	"several Clients and a Number": {`<Dial><Client>tommy</Client><Number>+15550100000</Number><Client>alice</Client></Dial>`,
		[]twiml.Verb{dial(client("tommy"), number("+15550100000"), client("alice"))}},
	"Number with all": {`<Dial><Number sendDigits="wW12#" url="/w" method="GET" statusCallback="/s">+15550100000</Number></Dial>`,
		[]twiml.Verb{dial(twiml.Number{
			Number: "+15550100000", SendDigits: "wW12#", Whisper: twiml.Request{URL: "/w", Method: "GET"},
			StatusCallback: twiml.StatusCallback{Request: twiml.Request{URL: "/s", Method: "POST"}, Events: []string{"completed"}}})}},
	"Queue": {`<Dial><Queue>support</Queue></Dial>`, []twiml.Verb{dial(twiml.Queue{Name: "support", Whisper: post})}},
	"Queue with all": {`<Dial><Queue url="/w" method="GET">support</Queue></Dial>`,
		[]twiml.Verb{dial(twiml.Queue{Name: "support", Whisper: twiml.Request{URL: "/w", Method: "GET"}})}},
	"Conference": {`<Dial><Conference>room 1</Conference></Dial>`, []twiml.Verb{dial(conference("room 1"))}},
	"Conference with all": {`<Dial><Conference muted="true" beep="onEnter" startConferenceOnEnter="false" endConferenceOnExit="true" participantLabel="agent" maxParticipants="3"
			waitUrl="" waitMethod="GET" coach="CA0123456789abcdef0123456789abcdef" record="record-from-start" trim="do-not-trim" jitterBufferSize="large"
			statusCallback="/s" statusCallbackEvent="start end join leave mute hold modify speaker announcement" recordingStatusCallback="/r">room</Conference></Dial>`,
		[]twiml.Verb{dial(twiml.Conference{
			Name: "room", Muted: true, Beep: twiml.BeepOnEnter, EndConferenceOnExit: true, ParticipantLabel: "agent", MaxParticipants: 3,
			Wait: &twiml.Request{Method: "GET"}, Coach: "CA0123456789abcdef0123456789abcdef", RecordFromStart: true,
			StatusCallback: twiml.StatusCallback{Request: twiml.Request{URL: "/s", Method: "POST"},
				Events: []string{"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"}},
			RecordingStatusCallback: twiml.StatusCallback{Request: twiml.Request{URL: "/r", Method: "POST"}, Events: []string{"completed"}}})}},
	"Conference without events": {`<Dial><Conference statusCallback="/s">room</Conference></Dial>`, []twiml.Verb{dial(with(conference("room"), func(v *twiml.Conference) {
		v.StatusCallback = twiml.StatusCallback{Request: twiml.Request{URL: "/s", Method: "POST"}, Events: []string{}}
	}))}},
	"several verbs": {`<Say>Hello</Say><Dial><Client>tommy</Client></Dial><Redirect>/voicemail</Redirect>`,
		[]twiml.Verb{say("Hello"), dial(client("tommy")), twiml.Redirect{Request: twiml.Request{URL: "/voicemail", Method: "POST"}}}},
}

func TestVerbs(t *testing.T) {
	for name, test := range goodVerbs {
		t.Run(name, func(t *testing.T) {
			document, problem := twiml.Parse([]byte("<Response>"+test.verbs+"</Response>"), twiml.InCall)
			require.Nil(t, problem)
			assert.Equal(t, test.want, document.Verbs)
			assert.Empty(t, document.Warnings)
		})
	}
}

const tommy = `<Response><Dial><Client>tommy</Client></Dial></Response>`

// TestXML has documents that are the same as tommy.
func TestXML(t *testing.T) {
	utf16 := func(order string, s string) string {
		var b strings.Builder
		for _, c := range s {
			if order == "LE" {
				b.WriteString(string([]byte{byte(c), 0}))
			} else {
				b.WriteString(string([]byte{0, byte(c)}))
			}
		}
		return b.String()
	}
	for name, document := range map[string]string{
		"bare":                       tommy,
		"declaration":                `<?xml version="1.0" encoding="UTF-8"?>` + tommy,
		"declaration, single quotes": `<?xml version='1.0' encoding='utf-8' standalone='yes' ?>` + "\r\n" + tommy + "\r\n",
		"declaration only":           `<?xml version="1.0"?>` + tommy,
		"white space without one":    "\n\n  " + tommy + "\n\n",
		"byte order mark":            "\ufeff" + `<?xml version="1.0"?>` + tommy,
		"comments around":            `<?xml version="1.0"?><!-- a -->` + tommy + `<!-- b --><?c d?>`,
		"ISO-8859-1":                 `<?xml version="1.0" encoding="ISO-8859-1"?>` + tommy,
		"US-ASCII":                   `<?xml version="1.0" encoding="us-ascii"?>` + tommy,
		"UTF-16, little-endian":      "\xff\xfe" + utf16("LE", `<?xml version="1.0" encoding="UTF-16"?>`+tommy),
		"UTF-16, big-endian":         "\xfe\xff" + utf16("BE", tommy),
		"UTF-16, no mark":            utf16("LE", tommy),
		"namespaces":                 `<Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="twiml.xsd" xml:lang="en"><Dial><Client>tommy</Client></Dial></Response>`,
		"version":                    strings.Replace(tommy, "<Response>", `<Response version="2010-04-01">`, 1),
		"space in tags":              "<Response\n><Dial ><Client\t>tommy</Client ></Dial\n></Response >",
	} {
		t.Run(name, func(t *testing.T) {
			got, problem := twiml.Parse([]byte(document), twiml.InCall)
			require.Nil(t, problem)
			assert.Equal(t, []twiml.Verb{dial(client("tommy"))}, got.Verbs)
			assert.Empty(t, got.Warnings)
		})
	}
}

func TestLatin1(t *testing.T) {
	document, problem := twiml.Parse([]byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Response><Say>Gr\xfc\xdf Gott</Say></Response>"), twiml.InCall)
	require.Nil(t, problem)
	assert.Equal(t, []twiml.Verb{say("Grüß Gott")}, document.Verbs)
}

// notXML has documents that Twilio cannot parse.
var notXML = map[string]struct{ document, want string }{
	"nothing":                    {"", "the document is empty: at least answer <Response/>"},
	"white space":                {" \r\n\t", "empty"},
	"text":                       {"OK", `it starts with "OK"`},
	"JSON":                       {`{"ok":true}`, `it starts with "{\"ok\":true}"`},
	"a comment":                  {"<!-- a -->", "it has no <Response>"},
	"only a declaration":         {`<?xml version="1.0"?>`, "empty"},
	"an HTML page":               {"<!DOCTYPE html><html><body>Not found</body></html>", "this is a page for people"},
	"line before declaration":    {"\n" + `<?xml version="1.0" encoding="UTF-8"?>` + tommy, "<?xml …?> has to be the very first characters: remove the white space"},
	"space before declaration":   {" " + `<?xml version="1.0"?>` + tommy, "has to be the very first"},
	"text before declaration":    {`Notice: x <?xml version="1.0"?>` + tommy, `it starts with "Notice: x"`},
	"comment before declaration": {`<!-- a --><?xml version="1.0"?>` + tommy, "<?xml …?> has to be the very first"},
	"two declarations":           {`<?xml version="1.0"?><?xml version="1.0"?>` + tommy, "<?xml …?> has to be the very first"},
	"declaration in the middle":  {`<Response><?xml version="1.0"?></Response>`, "<?xml …?> has to be the very first"},
	"declaration in capitals":    {`<?XML version="1.0"?>` + tommy, "has to be the very first"},
	"declaration without":        {`<?xml encoding="UTF-8"?>` + tommy, "is not a declaration"},
	"declaration, wrong order":   {`<?xml encoding="UTF-8" version="1.0"?>` + tommy, "is not a declaration"},
	"declaration, no quotes":     {`<?xml version=1.0?>` + tommy, "is not a declaration"},
	"declaration, version 2":     {`<?xml version="2.0"?>` + tommy, "is not a declaration"},
	"PHP warning before":         {"<br />\n<b>Warning</b>: x" + tommy, "<b> stands after the end of <br>"},
	"text before":                {"debug " + tommy, `it starts with "debug"`},
	"PHP warning after":          {tommy + "\n<b>Warning</b>: something", "line 2: the document is not XML: <b> stands after the end of <Response>"},
	"text after":                 {tommy + "\ndebug", `"debug" follows the end of <Response>`},
	"CDATA after":                {tommy + "<![CDATA[ ]]>", "follows the end of <Response>"},
	"space as a reference after": {tommy + "&#32;", "follows the end of <Response>"},
	"two roots":                  {tommy + tommy, "<Response> stands after the end of <Response>"},
	"never closed":               {"<Response><Dial><Client>tommy</Client></Dial>", "<Response> is never closed"},
	"cut off in a tag":           {"<Response><Dial", "unexpected EOF"},
	"closed wrongly":             {"<Response><Dial><Client>tommy</Dial></Client></Response>", "<Client> is closed by </Dial>"},
	"closed in another case":     {"<Response><Say>Hello</say></Response>", "<Say> is closed by </say>"},
	"closed twice":               {"<Response></Response></Response>", "</Response> closes nothing"},
	"attribute twice":            {`<Response><Dial timeout="10" timeout="20">+15550100000</Dial></Response>`, "<Dial> has the attribute timeout twice"},
	"attributes touch":           {`<Response><Dial timeout="10"method="GET">+15550100000</Dial></Response>`, "<Dial> has no space between two attributes"},
	"attribute without quotes":   {`<Response><Dial timeout=10>+15550100000</Dial></Response>`, "attribute value"},
	"attribute without value":    {`<Response><Dial record>+15550100000</Dial></Response>`, "attribute name without"},
	"< in an attribute":          {`<Response><Dial action="/<x>">+15550100000</Dial></Response>`, "unescaped <"},
	"& in text":                  {`<Response><Say>Tom & Jerry</Say></Response>`, "write & as &amp;"},
	"& in a URL":                 {`<Response><Redirect>/a?b=1&c=2</Redirect></Response>`, "write & as &amp;"},
	"HTML's entity":              {`<Response><Say>a&nbsp;b</Say></Response>`, "invalid character entity &nbsp;: write"},
	"<":                          {`<Response><Say>a < b</Say></Response>`, "the document is not XML"},
	"]]>":                        {`<Response><Say>a ]]> b</Say></Response>`, "]]>"},
	"-- in a comment":            {`<Response><!-- a -- b --></Response>`, "--"},
	"control character":          {"<Response><Say>\x01</Say></Response>", "illegal character"},
	"control reference":          {"<Response><Say>&#0;</Say></Response>", "illegal character"},
	"not UTF-8":                  {"<Response><Say>Gr\xfc\xdf</Say></Response>", "invalid UTF-8"},
	"UTF-16 that is not":         {`<?xml version="1.0" encoding="utf-16"?>` + tommy, "says that it is encoded in utf-16, and is not: say UTF-8"},
	"DOCTYPE":                    {`<!DOCTYPE Response>` + tommy, `TwiML has no "<!DOCTYPE Response>`},
	"a billion laughs": {`<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><Response><Say>&lol2;</Say></Response>`,
		"TwiML has no"},
	"an entity file": {`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Response><Say>&x;</Say></Response>`, "TwiML has no"},
	"too deep":       {"<Response><Say>" + strings.Repeat("<s>", 40) + strings.Repeat("</s>", 40) + "</Say></Response>", "more than 32 deep"},
}

func TestNotXML(t *testing.T) {
	for name, test := range notXML {
		t.Run(name, func(t *testing.T) {
			document, problem := twiml.Parse([]byte(test.document), twiml.InCall)
			require.NotNil(t, problem, "%+v", document)
			assert.Equal(t, 12100, problem.Code)
			assert.Contains(t, problem.Message, test.want)
		})
	}
}

// refused has documents that are XML, and not executed.
var refused = map[string]struct {
	document string
	code     int
	want     string
}{
	"another root":         {`<Dial><Client>tommy</Client></Dial>`, 12102, "<Dial>: a TwiML document is a <Response>"},
	"root in small":        {`<response/>`, 12102, "names are case-sensitive, write Response"},
	"an HTML page":         {`<html><body>Not found</body></html>`, 12102, "<html>"},
	"version":              {`<Response version="2.0"/>`, 12101, `<Response version="2.0">: leave it out`},
	"encoding":             {`<?xml version="1.0" encoding="windows-1251"?>` + tommy, twiml.Unsupported, "does not read the encoding windows-1251: use UTF-8"},
	"Connect":              {`<Response><Connect><Stream url="wss://example.com"/></Connect></Response>`, twiml.Unsupported, "the stand-in does not support <Connect>"},
	"Start":                {`<Response><Start/></Response>`, twiml.Unsupported, "does not support <Start>"},
	"Sms":                  {`<Response><Sms>Hello</Sms></Response>`, twiml.Unsupported, "does not support <Sms>"},
	"Sip":                  {`<Response><Dial><Sip>sip:tommy@example.com</Sip></Dial></Response>`, twiml.Unsupported, "does not support <Sip> in <Dial>"},
	"Application":          {`<Response><Dial><Application/></Dial></Response>`, twiml.Unsupported, "<Application>"},
	"speech":               {`<Response><Gather input="speech"/></Response>`, twiml.Unsupported, `<Gather input="speech">: the stand-in does not understand speech`},
	"TaskRouter":           {`<Response><Enqueue workflowSid="WW0"><Task>{}</Task></Enqueue></Response>`, twiml.Unsupported, `<Enqueue workflowSid="WW0">`},
	"Task":                 {`<Response><Enqueue>support<Task>{}</Task></Enqueue></Response>`, twiml.Unsupported, "<Task>"},
	"reservation":          {`<Response><Dial><Queue reservationSid="WR0"/></Dial></Response>`, twiml.Unsupported, "reservationSid"},
	"Play of nothing":      {`<Response><Play/></Response>`, 11100, "<Play> has neither a URL nor digits"},
	"in Gather":            {`<Response><Gather><Play> </Play></Gather></Response>`, 11100, "<Play>"},
	"empty result":         {`<Response><Gather actionOnEmptyResult="yes"/></Response>`, 13338, `<Gather actionOnEmptyResult="yes">: use true, false`},
	"recording events":     {`<Response><Record recordingStatusCallback="/r" recordingStatusCallbackEvent="in-progress,completed"/></Response>`, 13621, "with blanks between them"},
	"the line":             {"<Response>\n<Say>Hello</Say>\n<Connect/>\n</Response>", twiml.Unsupported, "line 3: "},
	"the first of two":     {`<Response><Connect/><Start/></Response>`, twiml.Unsupported, "<Connect>"},
	"a long name, clipped": {`<` + strings.Repeat("a", 1000) + `/>`, 12102, strings.Repeat("a", 80) + "…>: a TwiML"},
}

func TestRefused(t *testing.T) {
	for name, test := range refused {
		t.Run(name, func(t *testing.T) {
			document, problem := twiml.Parse([]byte(test.document), twiml.InCall)
			require.NotNil(t, problem, "%+v", document)
			assert.Equal(t, test.code, problem.Code, problem.Message)
			assert.Contains(t, problem.Message, test.want)
		})
	}
}

// TestPlaces has documents that are refused for where they are executed.
func TestPlaces(t *testing.T) {
	all := map[string]string{
		"Say": "<Say>Hello</Say>", "Play": "<Play>a.wav</Play>", "Pause": "<Pause/>", "Gather": "<Gather/>", "Record": "<Record/>",
		"Dial": "<Dial>+15550100000</Dial>", "Enqueue": "<Enqueue>support</Enqueue>", "Leave": "<Leave/>", "Redirect": "<Redirect/>",
		"Hangup": "<Hangup/>", "Reject": "<Reject/>",
	}
	for place, test := range map[twiml.Place]struct {
		allowed string
		code    int
	}{
		twiml.InCall:         {"Say Play Pause Gather Record Dial Enqueue Leave Redirect Hangup Reject", 0},
		twiml.InWhisper:      {"Say Play Pause Gather Record Enqueue Leave Redirect Hangup Reject", 13201},
		twiml.InQueueWhisper: {"Say Play Pause Redirect", 12200},
		twiml.InQueue:        {"Say Play Pause Redirect Hangup Leave Gather", 12200},
		twiml.InConference:   {"Say Play Pause Redirect", 13238},
	} {
		for name, verb := range all {
			_, problem := twiml.Parse([]byte("<Response>"+verb+"</Response>"), place)
			if strings.Contains(test.allowed, name) {
				assert.Nil(t, problem, "%s in %d", name, place)
			} else if assert.NotNil(t, problem, "%s in %d", name, place) {
				assert.Equal(t, test.code, problem.Code)
				assert.Contains(t, problem.Message, "<"+name+"> is not allowed in ")
			}
		}
	}
}

var a65 = strings.Repeat("a", 65)

// doubtful has documents in which Twilio leaves something out, or takes the
// default.
var doubtful = map[string]struct {
	verbs string
	want  []twiml.Verb
	code  int
	words string
}{
	"text in Response":      {`Hello<Pause/>`, []twiml.Verb{twiml.Pause{Length: time.Second}}, 12200, `<Response> has no text in it: "Hello" is left out: put it in a <Say>`},
	"Response in Response":  {`<Response/>`, nil, 12200, "<Response> is not a verb for calls, and is left out"},
	"verb in small":         {`<dial><Client>tommy</Client></dial>`, nil, 12200, "<dial> is not a verb for calls, and is left out: names are case-sensitive, write Dial"},
	"unknown verb":          {`<Ring/>`, nil, 12200, "<Ring> is not a verb"},
	"a prefix":              {`<t:Dial/>`, nil, 12200, "<t:Dial> is not a verb"},
	"a message":             {`<Message>Hello</Message>`, nil, 12200, "<Message> is not a verb for calls"},
	"a noun as verb":        {`<Client>tommy</Client>`, nil, 12200, "<Client> is not a verb"},
	"unknown attribute":     {`<Pause lenght="3"/>`, []twiml.Verb{twiml.Pause{Length: time.Second}}, 12200, "<Pause> has no attribute lenght"},
	"attribute in small":    {`<Dial callerid="+15550100001">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 12200, "<Dial> has no attribute callerid: names are case-sensitive, write callerId"},
	"attribute of Response": {`<Hangup reason="busy"/>`, []twiml.Verb{twiml.Hangup{}}, 12200, "<Hangup> has no attribute reason"},
	"verb in a verb":        {`<Hangup><Say>Hello</Say></Hangup>`, []twiml.Verb{twiml.Hangup{}}, 12200, "<Hangup> has no <Say> in it, which is left out"},
	"text in Hangup":        {`<Hangup>now</Hangup>`, []twiml.Verb{twiml.Hangup{}}, 12200, `<Hangup> has no text in it: "now" is left out`},
	"Say without text":      {`<Say> </Say>`, nil, 13520, "<Say> has no text, and is left out"},
	"Say of too much":       {`<Say>` + strings.Repeat("ä", 4097) + `</Say>`, []twiml.Verb{say(strings.Repeat("ä", 4097))}, 13521, "4097 characters: Twilio takes 4096"},
	"Polly of too much": {`<Say voice="Polly.Amy">` + strings.Repeat("a", 3001) + `</Say>`, []twiml.Verb{
		with(say(strings.Repeat("a", 3001)), func(v *twiml.Say) { v.Voice = "Polly.Amy" })}, 13521, "Twilio takes 3000"},
	"Say with an unknown element": {`<Say>Hello <b>Tommy</b></Say>`, []twiml.Verb{say("Hello Tommy")}, 12200, "<Say> has no <b> in it"},
	"Say with no loop":            {`<Say loop="x">Hello</Say>`, []twiml.Verb{say("Hello")}, 13510, `<Say loop="x">: use a whole number from 0 to 1000; it is taken as 1`},
	"Say with a negative loop":    {`<Say loop="-1">Hello</Say>`, []twiml.Verb{say("Hello")}, 13510, "taken as 1"},
	"Play with too many loops":    {`<Play loop="1001">a.wav</Play>`, []twiml.Verb{twiml.Play{URL: "a.wav", Loop: 1000}}, 13410, "taken as 1000"},
	"Play of no keys":             {`<Play digits="1-2">a.wav</Play>`, []twiml.Verb{twiml.Play{URL: "a.wav", Loop: 1}}, 13430, `<Play digits="1-2">`},
	"Play of small letters":       {`<Play digits="1a">a.wav</Play>`, []twiml.Verb{twiml.Play{URL: "a.wav", Loop: 1}}, 13430, `<Play digits="1a">`},
	"Pause of nothing":            {`<Pause length="0"/>`, []twiml.Verb{twiml.Pause{Length: time.Second}}, 13910, `<Pause length="0">: use a whole number, 1 or more; it is taken as 1`},
	"Pause of a fraction":         {`<Pause length="1.5"/>`, []twiml.Verb{twiml.Pause{Length: time.Second}}, 13910, "1.5"},
	"Pause of too much":           {`<Pause length="99999999999999999999"/>`, []twiml.Verb{twiml.Pause{Length: time.Second}}, 13910, "99999"},
	"method in small":             {`<Redirect method="get">/a</Redirect>`, []twiml.Verb{twiml.Redirect{Request: twiml.Request{URL: "/a", Method: "GET"}}}, 13710, `<Redirect method="get">: write GET`},
	"method":                      {`<Redirect method="PUT">/a</Redirect>`, []twiml.Verb{twiml.Redirect{Request: twiml.Request{URL: "/a", Method: "POST"}}}, 13710, `<Redirect method="PUT">: use GET, POST; it is taken as POST`},
	"Reject for a reason":         {`<Reject reason="no-answer"/>`, []twiml.Verb{twiml.Reject{}}, 13810, "use rejected, busy"},
	"Reject with a parameter":     {`<Reject><Parameter name="a" value="b"/></Reject>`, []twiml.Verb{twiml.Reject{}}, twiml.Unsupported, "ignores <Parameter>"},
	"Gather, method":              {`<Gather method="PATCH"/>`, []twiml.Verb{gather()}, 13312, "PATCH"},
	"Gather, timeout":             {`<Gather timeout="auto"/>`, []twiml.Verb{gather()}, 13313, "taken as 5"},
	"Gather, numDigits":           {`<Gather numDigits="0"/>`, []twiml.Verb{gather()}, 13314, `numDigits="0"`},
	"Gather, finishOnKey":         {`<Gather finishOnKey="x"/>`, []twiml.Verb{gather()}, 13310, "taken as #"},
	"Gather, two keys":            {`<Gather finishOnKey="#*"/>`, []twiml.Verb{gather()}, 13311, "use one key"},
	"Gather, input":               {`<Gather input="voice"/>`, []twiml.Verb{gather()}, 13326, "taken as dtmf"},
	"Gather, speech too":          {`<Gather input="dtmf speech"/>`, []twiml.Verb{gather()}, twiml.Unsupported, "only digits"},
	"Gather, speech first":        {`<Gather input="speech dtmf"/>`, []twiml.Verb{gather()}, twiml.Unsupported, "only digits"},
	"Gather, Dial in it":          {`<Gather><Dial>+15550100000</Dial></Gather>`, []twiml.Verb{gather()}, 13320, "<Gather> has no <Dial> in it"},
	"Gather, text in it":          {`<Gather>Press</Gather>`, []twiml.Verb{gather()}, 12200, "put it in a <Say>"},
	"Record, method":              {`<Record method="x"/>`, []twiml.Verb{record()}, 13610, ""},
	"Record, timeout":             {`<Record timeout="-1"/>`, []twiml.Verb{record()}, 13611, "0 or more; it is taken as 5"},
	"Record, maxLength": {`<Record maxLength="86400"/>`, []twiml.Verb{with(record(), func(v *twiml.Record) { v.MaxLength = 4 * time.Hour })},
		13612, "from 2 to 14400; it is taken as 14400"},
	"Record, finishOnKey": {`<Record finishOnKey="any"/>`, []twiml.Verb{record()}, 13613, ""},
	"Record, playBeep":    {`<Record playBeep="no"/>`, []twiml.Verb{record()}, 13616, "taken as true"},
	"Record, trim":        {`<Record trim="true"/>`, []twiml.Verb{record()}, 13699, "taken as trim-silence"},
	"Record, transcribed": {`<Record transcribe="true"/>`, []twiml.Verb{record()}, twiml.Unsupported, `<Record transcribe="true">: the stand-in ignores transcribe`},
	"Dial, method":        {`<Dial method="x">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13210, ""},
	"Dial, timeout":       {`<Dial timeout="abc">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13212, `<Dial timeout="abc">: use a whole number from 5 to 600; it is taken as 30`},
	"Dial, short timeout": {`<Dial timeout="1">+15550100000</Dial>`, []twiml.Verb{with(dial(number("+15550100000")), func(v *twiml.Dial) { v.Timeout = 5 * time.Second })}, 13212, "taken as 5"},
	"Dial, long timeout":  {`<Dial timeout="999">+15550100000</Dial>`, []twiml.Verb{with(dial(number("+15550100000")), func(v *twiml.Dial) { v.Timeout = 600 * time.Second })}, 13212, "taken as 600"},
	"Dial, timeLimit":     {`<Dial timeLimit="0">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13216, "taken as 14400"},
	"Dial, answerOnBridge": {`<Dial answerOnBridge="True">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13219,
		`<Dial answerOnBridge="True">: use true, false; it is taken as false`},
	"Dial, hangupOnStar": {`<Dial hangupOnStar="1">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13213, ""},
	"Dial, sequential":   {`<Dial sequential="yes">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13218, ""},
	"Dial, record":       {`<Dial record="dual">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13217, "record-from-answer-dual"},
	"Dial, callerId": {`<Dial callerId="alice">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13214,
		`<Dial callerId="alice">: use a telephone number as +15550100000, or client: and a client name`},
	"Dial, ringTone":    {`<Dial ringTone="at">+15550100000</Dial>`, []twiml.Verb{dial(number("+15550100000"))}, twiml.Unsupported, "ignores ringTone"},
	"Dial, text beside": {`<Dial>+15550100001<Number>+15550100000</Number></Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 12200, `"+15550100001" is left out`},
	"Dial, one of two nouns": {`<Dial><Client>client:tommy</Client><Client>alice</Client></Dial>`, []twiml.Verb{dial(client("alice"))}, 12200,
		`<Client>: the client name "client:tommy" cannot be dialled: leave out client:`},
	"Dial, a verb in it":  {`<Dial><Say>Hello</Say><Client>tommy</Client></Dial>`, []twiml.Verb{dial(client("tommy"))}, 13215, "<Dial> has no <Say> in it"},
	"Dial, eleven":        {`<Dial>` + strings.Repeat("<Client>tommy</Client>", 11) + `</Dial>`, []twiml.Verb{dial(tommies(10)...)}, 12200, "only the first 10"},
	"Client, events":      {`<Dial><Client statusCallback="/s" statusCallbackEvent="initiated,ringing">tommy</Client></Dial>`, []twiml.Verb{dial(with(client("tommy"), func(v *twiml.Client) { v.StatusCallback.URL = "/s" }))}, 21626, "with blanks between them; nothing is reported"},
	"Client, method":      {`<Dial><Client method="x">tommy</Client></Dial>`, []twiml.Verb{dial(client("tommy"))}, 12200, ""},
	"Client, push":        {`<Dial><Client clientNotificationUrl="/n">tommy</Client></Dial>`, []twiml.Verb{dial(client("tommy"))}, twiml.Unsupported, "ignores clientNotificationUrl"},
	"Client, two names":   {`<Dial><Client>alice<Identity>tommy</Identity></Client></Dial>`, []twiml.Verb{dial(client("tommy"))}, 12200, `names "alice" too`},
	"Client, no name":     {`<Dial><Client>tommy<Parameter value="1"/></Client></Dial>`, []twiml.Verb{dial(client("tommy"))}, 12200, "<Parameter> has no name"},
	"Number, method":      {`<Dial><Number method="x">+15550100000</Number></Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13221, ""},
	"Number, sendDigits":  {`<Dial><Number sendDigits="12,3">+15550100000</Number></Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 13222, "taken as none"},
	"Number, a machine":   {`<Dial><Number machineDetection="Enable">+15550100000</Number></Dial>`, []twiml.Verb{dial(number("+15550100000"))}, twiml.Unsupported, "ignores machineDetection"},
	"Number, action":      {`<Dial><Number action="/a">+15550100000</Number></Dial>`, []twiml.Verb{dial(number("+15550100000"))}, 12200, "<Number> has no attribute action"},
	"Conference, muted":   {`<Dial><Conference muted="x">room</Conference></Dial>`, []twiml.Verb{dial(conference("room"))}, 13230, ""},
	"Conference, start":   {`<Dial><Conference startConferenceOnEnter="x">room</Conference></Dial>`, []twiml.Verb{dial(conference("room"))}, 13232, ""},
	"Conference, wait":    {`<Dial><Conference waitMethod="x">room</Conference></Dial>`, []twiml.Verb{dial(conference("room"))}, 13234, ""},
	"Conference, beep":    {`<Dial><Conference beep="on">room</Conference></Dial>`, []twiml.Verb{dial(conference("room"))}, 13235, "onEnter, onExit; it is taken as true"},
	"Conference, no name": {`<Dial><Conference/></Dial>`, []twiml.Verb{dial(conference(""))}, 13237, "<Conference> has no name"},
	"Conference, most":    {`<Dial><Conference maxParticipants="251">room</Conference></Dial>`, []twiml.Verb{dial(conference("room"))}, 12200, "taken as 250"},
	"Conference, region":  {`<Dial><Conference region="ie1">room</Conference></Dial>`, []twiml.Verb{dial(conference("room"))}, twiml.Unsupported, "ignores region"},
	"Conference, beside":  {`<Dial><Client>tommy</Client><Conference>room</Conference></Dial>`, []twiml.Verb{dial(conference("room"))}, 13000, "only the first of them"},
	"Queue, beside":       {`<Dial><Queue>support</Queue><Conference>room</Conference></Dial>`, []twiml.Verb{dial(twiml.Queue{Name: "support", Whisper: post})}, 13000, ""},
	"Enqueue, size":       {`<Enqueue maxQueueSize="9">support</Enqueue>`, []twiml.Verb{twiml.Enqueue{Name: "support", Action: post}}, twiml.Unsupported, "ignores maxQueueSize"},
	"a default namespace": {`<Say xmlns="http://example.com">Hello</Say>`, []twiml.Verb{say("Hello")}, 0, ""},
	"a long value":        {`<Pause length="` + a65 + a65 + `"/>`, []twiml.Verb{twiml.Pause{Length: time.Second}}, 13910, strings.Repeat("a", 80) + "…"},
}

func TestWarnings(t *testing.T) {
	for name, test := range doubtful {
		t.Run(name, func(t *testing.T) {
			document, problem := twiml.Parse([]byte("<Response>"+test.verbs+"</Response>"), twiml.InCall)
			require.Nil(t, problem)
			assert.Equal(t, test.want, document.Verbs)
			if test.code == 0 {
				assert.Empty(t, document.Warnings)
				return
			}
			require.Len(t, document.Warnings, 1)
			assert.Equal(t, test.code, document.Warnings[0].Code)
			assert.Contains(t, document.Warnings[0].Message, test.words)
		})
	}
}

// tommies returns n clients named tommy.
func tommies(n int) []twiml.Noun {
	nouns := make([]twiml.Noun, n)
	for i := range nouns {
		nouns[i] = client("tommy")
	}
	return nouns
}

// invalid has verbs that cannot be executed, while the call goes on.
var invalid = map[string]struct {
	verb string
	code int
	want string
}{
	"Dial of nobody":          {`<Dial/>`, 13223, "<Dial> has nobody to dial"},
	"Dial of no number":       {`<Dial>12345</Dial>`, 13223, `<Dial>: "12345" is not a telephone number`},
	"Dial of a client":        {`<Dial>tommy</Dial>`, 13223, "dial a client with <Client>tommy</Client>"},
	"Dial of client:":         {`<Dial>client:tommy</Dial>`, 13223, "dial a client with <Client>tommy</Client>"},
	"Dial of too many digits": {`<Dial>+1234567890123456</Dial>`, 13223, "+1234567890123456"},
	"client in small":         {`<Dial><client>tommy</client></Dial>`, 13215, "names are case-sensitive, write Client"},
	"Client with client:":     {`<Dial><Client>client:tommy</Client></Dial>`, 12200, "leave out client:"},
	"Client of nobody":        {`<Dial><Client statusCallbackEvent="x"> </Client></Dial>`, 12200, `the client name "" cannot be dialled: it is empty`},
	"Number of nothing":       {`<Dial><Number/></Dial>`, 13223, `<Number>: "" is not a telephone number`},
	"recording events":        {`<Dial recordingStatusCallback="/r" recordingStatusCallbackEvent="x"><Client>tommy</Client></Dial>`, 13621, ""},
	"Queue of nothing":        {`<Dial><Queue/></Dial>`, 14212, "<Queue> names no queue"},
	"Queue of too much":       {`<Dial><Queue>` + strings.Repeat("ä", 65) + `</Queue></Dial>`, 14213, "65 characters"},
	"Queue, method":           {`<Dial><Queue method="x">support</Queue></Dial>`, 14210, ""},
	"endConferenceOnExit":     {`<Dial><Conference endConferenceOnExit="x">room</Conference></Dial>`, 13231, ""},
	"Conference, trim":        {`<Dial><Conference trim="x">room</Conference></Dial>`, 13239, ""},
	"Conference, coach":       {`<Dial><Conference coach="x">room</Conference></Dial>`, 13240, "the SID of the call"},
	"Conference, label":       {`<Dial><Conference participantLabel="a/b">room</Conference></Dial>`, 16023, "without /"},
	"Enqueue of nothing":      {`<Enqueue/>`, 14204, "<Enqueue> names no queue"},
	"Enqueue of too much":     {`<Enqueue>` + strings.Repeat("a", 65) + `</Enqueue>`, 14205, "use at most 64"},
	"Enqueue, method":         {`<Enqueue method="x">support</Enqueue>`, 14201, ""},
	"Enqueue, waitUrlMethod":  {`<Enqueue waitUrlMethod="x">support</Enqueue>`, 14206, `<Enqueue waitUrlMethod="x">: use GET, POST`},
}

func TestInvalid(t *testing.T) {
	for name, test := range invalid {
		t.Run(name, func(t *testing.T) {
			document, problem := twiml.Parse([]byte("<Response>"+test.verb+"<Hangup/></Response>"), twiml.InCall)
			require.Nil(t, problem)
			require.Len(t, document.Verbs, 2)
			var invalid *twiml.Problem
			switch verb := document.Verbs[0].(type) {
			case twiml.Dial:
				invalid = verb.Invalid
			case twiml.Enqueue:
				invalid = verb.Invalid
			}
			require.NotNil(t, invalid)
			assert.Equal(t, test.code, invalid.Code)
			assert.Contains(t, invalid.Message, test.want)
		})
	}
}

// FuzzParse looks for documents that break Parse, or what it promises.
func FuzzParse(f *testing.F) {
	add := func(document string) {
		f.Add([]byte(document), int(twiml.InCall))
		f.Add([]byte(document), int(twiml.InConference))
	}
	for _, test := range notXML {
		add(test.document)
	}
	for _, test := range refused {
		add(test.document)
	}
	for _, test := range goodVerbs {
		add("<Response>" + test.verbs + "</Response>")
	}
	for _, test := range doubtful {
		add("<Response>" + test.verbs + "</Response>")
	}
	for _, test := range invalid {
		add("<Response>" + test.verb + "</Response>")
	}
	add("\xff\xfe<\x00R\x00/\x00>\x00")
	add("\xfe\xff\x00<\x00R\x00/\x00>")
	add(`<?xml version="1.0" encoding="ISO-8859-1"?>` + tommy)
	f.Add([]byte("<?xml version='"+strings.Repeat("\xed", 400)+"1.0'?><Response/>"), 0)
	f.Fuzz(func(t *testing.T, document []byte, place int) {
		got, problem := twiml.Parse(document, twiml.Place(place))
		if problem != nil {
			require.Nil(t, got)
			checkProblem(t, *problem)
			return
		}
		for _, warning := range got.Warnings {
			checkProblem(t, warning)
		}
		for _, verb := range got.Verbs {
			checkVerb(t, verb)
		}
	})
}

// checkProblem fails if a message could break a line of a log, or fill it.
func checkProblem(t *testing.T, p twiml.Problem) {
	require.NotZero(t, p.Code)
	require.Less(t, len(p.Message), 1000)
	require.True(t, utf8.ValidString(p.Message))
	require.NotRegexp(t, `\p{Cc}`, p.Message)
}

// checkVerb fails if a verb has what it must not have.
func checkVerb(t *testing.T, verb twiml.Verb) {
	between := func(least, got, most int) { require.True(t, least <= got && got <= most, "%d in %+v", got, verb) }
	switch v := verb.(type) {
	case twiml.Say:
		require.NotEmpty(t, v.Text)
		between(1, v.Loop, twiml.MaxLoop)
	case twiml.Play:
		require.NotEqual(t, v.URL, v.Digits, "one of them is not empty")
		between(1, v.Loop, twiml.MaxLoop)
	case twiml.Pause:
		require.GreaterOrEqual(t, v.Length, time.Second)
	case twiml.Gather:
		require.GreaterOrEqual(t, v.Timeout, time.Second)
		between(0, len(v.FinishOnKey), 1)
		for _, verb := range v.Prompt {
			checkVerb(t, verb)
		}
	case twiml.Record:
		between(2, int(v.MaxLength.Seconds()), 14400)
	case twiml.Dial:
		between(5, int(v.Timeout.Seconds()), 600)
		between(1, int(v.TimeLimit.Seconds()), 14400)
		between(0, len(v.Nouns), 10)
		require.True(t, len(v.Nouns) > 0 || v.Invalid != nil)
		require.NotRegexp(t, `^[^+c]`, v.CallerID)
	case twiml.Enqueue:
		require.True(t, v.Name != "" || v.Invalid != nil)
	case twiml.Redirect:
		require.Contains(t, []string{"GET", "POST"}, v.Method)
	}
}
