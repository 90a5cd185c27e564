package exchange_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

const (
	office = "+15550100000"
	caller = "+15550100001"
	callee = "+15550100002"
)

// A script is a telephone that executes a document, once it is answered, and what happens.
type script struct {
	*exchange.Exchange
	phone *exchange.Phone
	sid   string

	mu     sync.Mutex
	events []string
}

// execute runs a test in a bubble, with a telephone that has begun to execute a document.
func execute(t *testing.T, document string, prepare func(*exchange.Exchange), test func(*testing.T, *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &script{Exchange: newExchange(t, exchange.Config{})}
		go s.Events(func(e exchange.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e.Text)
		})()
		if prepare != nil {
			prepare(s.Exchange)
		}
		s.phone, s.sid = answers(t, s.Exchange, caller, document)
		test(t, s)
	})
}

// answers returns a telephone that is called, has answered, and has begun to execute a document.
func answers(t *testing.T, x *exchange.Exchange, number, document string) (p *exchange.Phone, sid string) {
	t.Helper()
	p = x.Phone(number)
	leg, fault := x.Originate(exchange.Origin{
		From: office, To: number, Timeout: exchange.RingTimeout,
		Document: &exchange.Document{TwiML: "<Response>" + document + "</Response>"},
	})
	require.Nil(t, fault)
	synctest.Wait()
	require.NoError(t, p.Accept())
	synctest.Wait()
	return p, leg.SID
}

// happened reports whether an event contains a text.
func (s *script) happened(text string) bool {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.events, func(event string) bool { return strings.Contains(event, text) })
}

// A noun that fails at once does not end a Dial of others.
func TestDialRingsAlthoughOneFailsAtOnce(t *testing.T) {
	for _, nouns := range []string{
		"<Number>+15005550001</Number><Number>" + callee + "</Number>",
		"<Number>" + callee + "</Number><Number>+15005550001</Number>",
		"<Client>nobody</Client><Number>" + callee + "</Number>",
	} {
		var phone *exchange.Phone
		execute(t, "<Dial>"+nouns+"</Dial>", func(x *exchange.Exchange) { phone = x.Phone(callee) }, func(t *testing.T, s *script) {
			require.NoError(t, phone.Accept(), nouns)
			assert.True(t, s.happened("are connected"), nouns)
		})
	}
}

// Whoever is called hangs up, and the caller's document goes on.
func TestSecondDialAfterAnsweredOne(t *testing.T) {
	var first, second *exchange.Phone
	prepare := func(x *exchange.Exchange) { first, second = x.Phone(callee), x.Phone("+15550100003") }
	execute(t, `<Dial>`+callee+`</Dial><Dial>+15550100003</Dial><Say>After</Say>`, prepare, func(t *testing.T, s *script) {
		for _, phone := range []*exchange.Phone{first, second} {
			require.NoError(t, phone.Accept())
			time.Sleep(time.Second)
			go phone.Whistle(440, time.Second)
			time.Sleep(time.Second / 2)
			assert.True(t, s.phone.Hears())
			require.NoError(t, phone.HangUp())
			synctest.Wait()
		}
		assert.Equal(t, []string{"After"}, s.phone.Told())
	})
}

// A client whom no device is registered as has a leg all the same, as with Twilio.
func TestUnregisteredClientHasLeg(t *testing.T) {
	execute(t, "<Dial><Client>nobody</Client></Dial>", nil, func(t *testing.T, s *script) {
		legs := s.Legs()
		require.Len(t, legs, 2)
		assert.Equal(t, [3]string{s.sid, "client:nobody", "no-answer"}, [3]string{legs[0].ParentSID, legs[0].To, legs[0].Status})
		assert.True(t, s.happened(`ends: no-answer, 31404: no device is registered as "nobody"`))
	})
}

// A callee who leaves before the two are connected was not connected.
func TestCalleeLeavesWhileDigitsAreSent(t *testing.T) {
	var phone *exchange.Phone
	execute(t, `<Dial answerOnBridge="true"><Number sendDigits="1W1">`+callee+`</Number></Dial>`, func(x *exchange.Exchange) { phone = x.Phone(callee) }, func(t *testing.T, s *script) {
		require.NoError(t, phone.Accept())
		synctest.Wait()
		require.NoError(t, phone.HangUp())
		time.Sleep(time.Minute)
		assert.True(t, s.happened("ends: completed"))
		assert.False(t, s.happened("are connected"))
	})
}

// Whoever waits for a conference to start can leave it, too.
func TestStarWhileConferenceIsAwaited(t *testing.T) {
	for _, wait := range []string{``, `waitUrl=""`} {
		execute(t, `<Dial hangupOnStar="true"><Conference `+wait+`>room</Conference></Dial><Say>After</Say>`, nil, func(t *testing.T, s *script) {
			require.NoError(t, s.phone.Press("*"))
			synctest.Wait()
			assert.Equal(t, []string{"After"}, s.phone.Told())
		})
	}
}

// A coach who enters before the call to coach is heard by nobody, and then by that alone.
func TestCoachEntersFirst(t *testing.T) {
	const conference = `<Conference beep="false" %s>room</Conference>`
	execute(t, `<Pause length="60"/><Dial>`+fmt.Sprintf(conference, "")+`</Dial>`, nil, func(t *testing.T, s *script) {
		coach, _ := answers(t, s.Exchange, "+15550100003", `<Dial>`+fmt.Sprintf(conference, `coach="`+s.sid+`"`)+`</Dial>`)
		other, _ := answers(t, s.Exchange, "+15550100004", `<Dial>`+fmt.Sprintf(conference, "")+`</Dial>`)
		heard := func() [2]bool {
			go coach.Whistle(440, time.Second)
			time.Sleep(time.Second / 2)
			defer time.Sleep(time.Second)
			return [2]bool{s.phone.Hears(), other.Hears()}
		}
		time.Sleep(time.Second)
		assert.Equal(t, [2]bool{false, false}, heard())
		time.Sleep(time.Minute)
		assert.Equal(t, [2]bool{true, false}, heard())
	})
}

// Time that is skipped ends a recording that is as long as it may be.
func TestFastForwardEndsRecording(t *testing.T) {
	execute(t, `<Record maxLength="60" timeout="600" playBeep="false"/><Say>After</Say>`, nil, func(t *testing.T, s *script) {
		s.FastForward(60 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"After"}, s.phone.Told())
	})
}

// Of what is too short, or silent, there is no recording:
// https://support.twilio.com/hc/en-us/articles/360014251313
func TestAbsentRecordings(t *testing.T) {
	for code, say := range map[int]func(*exchange.Phone){
		16101: func(p *exchange.Phone) { assert.NoError(t, p.Whistle(440, 40*time.Millisecond)) },
		16102: func(*exchange.Phone) { time.Sleep(time.Second) },
	} {
		execute(t, `<Record playBeep="false"/><Say>After</Say>`, nil, func(t *testing.T, s *script) {
			say(s.phone)
			require.NoError(t, s.phone.Press("#"))
			synctest.Wait()
			assert.Equal(t, []string{"After"}, s.phone.Told())
			require.Len(t, s.Recordings(), 1)
			assert.Equal(t, code, s.Recordings()[0].ErrorCode)
		})
	}
	execute(t, `<Record playBeep="false"/>`, nil, func(t *testing.T, s *script) {
		require.NoError(t, s.phone.Press("#"))
		synctest.Wait()
		assert.Equal(t, 16101, s.Recordings()[0].ErrorCode, "it is empty")
	})
}

// Nothing waits for the digits of a Gather whose prompt fails.
func TestFailedPromptEndsGather(t *testing.T) {
	execute(t, `<Gather timeout="30"><Play>relative.wav</Play></Gather>`, nil, func(t *testing.T, s *script) {
		assert.True(t, s.happened("11100"))
	})
}

// A telephone number may be written with blanks and hyphens.
func TestNumberIsOneHoweverWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t, exchange.Config{})
		assert.Same(t, x.Phone("+15550100001"), x.Phone("+1 (555) 010-0001"))
		assert.Same(t, x.Phone("tommy"), x.Phone("tommy"))
	})
}
