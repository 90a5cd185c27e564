package snippets_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
	"github.com/seed-6c737938/capability/internal/signature"
)

// twiml is an answer to Twilio.
type twiml struct {
	XMLName xml.Name `xml:"Response"`
	Dial    *dial
	Reject  *struct{}
}

type dial struct {
	AnswerOnBridge bool   `xml:"answerOnBridge,attr"` // otherwise the caller's call counts as answered while it rings
	CallerID       string `xml:"callerId,attr,omitempty"`
	Client         string `xml:",omitempty"`
	Number         string `xml:",omitempty"`
}

var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// answerCall connects a call from a page to the user or phone number that the page asks
// for, and an incoming phone call to the front desk.
func answerCall(callerID, frontDesk string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, to := r.FormValue("From"), r.FormValue("To")
		answer := twiml{Dial: &dial{AnswerOnBridge: true}}
		switch {
		case !strings.HasPrefix(from, "client:"):
			answer.Dial.Client = capability.EncodeClientName(frontDesk)
		case phoneNumber.MatchString(to):
			answer.Dial.CallerID, answer.Dial.Number = callerID, to
		case to != "":
			answer.Dial.Client = capability.EncodeClientName(to)
		default:
			answer = twiml{Reject: &struct{}{}}
		}
		w.Header().Set("Content-Type", "text/xml")
		xml.NewEncoder(w).Encode(answer)
	}
}

// serveVoice answers at https://phone.example.com/voice.
func serveVoice(mux *http.ServeMux, authToken string) error {
	fromTwilio, err := capabilityhttp.FromTwilio("https://phone.example.com", authToken)
	if err != nil {
		return err
	}
	mux.Handle("POST /voice", fromTwilio(answerCall("+15550100000", "desk@example.com")))
	return nil
}

func chiVoice(router chi.Router, fromTwilio func(http.Handler) http.Handler, answer http.HandlerFunc) {
	router.With(fromTwilio).Post("/voice", answer)
}

func ginVoice(router gin.IRouter, fromTwilio func(http.Handler) http.Handler, answer http.HandlerFunc) {
	router.POST("/voice", gin.WrapH(fromTwilio(answer)))
}

func echoVoice(router *echo.Echo, fromTwilio func(http.Handler) http.Handler, answer http.HandlerFunc) {
	router.POST("/voice", echo.WrapHandler(answer), echo.WrapMiddleware(fromTwilio))
}

// askVoice sends a handler what Twilio would.
func askVoice(handler http.Handler, authToken string, form url.Values) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/voice?a=1", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set(signature.Header, signature.Sign(authToken, signature.Text("https://phone.example.com/voice?a=1", form)))
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestAnswerCall(t *testing.T) {
	mux := http.NewServeMux()
	require.Error(t, serveVoice(mux, ""))
	require.NoError(t, serveVoice(mux, "secret"))
	for name, test := range map[string]struct{ from, to, want string }{
		"user":             {"client:alice", "tommy@example.com", `<Dial answerOnBridge="true"><Client>tommy_40example_2Ecom</Client></Dial>`},
		"mark-up":          {"client:alice", "</Client>", `<Dial answerOnBridge="true"><Client>_3C_2FClient_3E</Client></Dial>`},
		"phone number":     {"client:alice", "+15550123456", `<Dial answerOnBridge="true" callerId="+15550100000"><Number>+15550123456</Number></Dial>`},
		"nobody":           {"client:alice", "", "<Reject></Reject>"},
		"call from phone":  {"+15550123456", "+15550100000", `<Dial answerOnBridge="true"><Client>desk_40example_2Ecom</Client></Dial>`},
		"anonymous caller": {"", "+15550100000", `<Dial answerOnBridge="true"><Client>desk_40example_2Ecom</Client></Dial>`},
	} {
		t.Run(name, func(t *testing.T) {
			answer := askVoice(mux, "secret", url.Values{"From": {test.from}, "To": {test.to}})
			assert.Equal(t, http.StatusOK, answer.Code)
			assert.Equal(t, "text/xml", answer.Header().Get("Content-Type"))
			assert.Equal(t, "<Response>"+test.want+"</Response>", answer.Body.String())
		})
	}
}

func TestVoiceInEachRouter(t *testing.T) {
	gin.SetMode(gin.TestMode)
	fromTwilio, err := capabilityhttp.FromTwilio("https://phone.example.com", "old_secret", "new_secret")
	require.NoError(t, err)
	answer := answerCall("+15550100000", "desk")
	chiRouter, ginRouter, echoRouter := chi.NewRouter(), gin.New(), echo.New()
	chiVoice(chiRouter, fromTwilio, answer)
	ginVoice(ginRouter, fromTwilio, answer)
	echoVoice(echoRouter, fromTwilio, answer)
	for name, router := range map[string]http.Handler{"chi": chiRouter, "gin": ginRouter, "echo": echoRouter} {
		t.Run(name, func(t *testing.T) {
			for secret, want := range map[string]int{"old_secret": 200, "new_secret": 200, "secret": 403} {
				answer := askVoice(router, secret, url.Values{"From": {"client:alice"}, "To": {"tommy"}})
				assert.Equal(t, want, answer.Code)
				assert.Equal(t, want == 200, strings.Contains(answer.Body.String(), "<Client>tommy</Client>"))
			}
		})
	}
}
