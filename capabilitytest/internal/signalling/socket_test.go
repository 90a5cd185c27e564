package signalling

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

var credentials = Credentials{
	AccountSID: "AC00000000000000000000000000000001", AuthToken: "fedcba9876543210fedcba9876543210",
	APIKeySID: "SK00000000000000000000000000000001", APIKeySecret: "abcdefghijklmnopqrstuvwxyz012345",
}

func TestJudge(t *testing.T) {
	token := func(names ...string) string {
		builder := capability.New(credentials.AccountSID, credentials.AuthToken)
		for _, name := range names {
			scope, err := capability.ParseScope(name)
			require.NoError(t, err)
			builder.AddScope(scope)
		}
		signed, err := builder.ToJWT()
		require.NoError(t, err)
		return signed
	}
	incoming := "scope:client:incoming?clientName="
	for text, code := range map[string]int{
		token(incoming + "tommy"):                      0,
		token(incoming + "office-7"):                   0, // works in Chromium
		token(incoming + "La%20Lavie"):                 31105,
		token("scope:client:outgoing?appSid=AP1"):      0, // as in Twilio's examples
		token("scope:client:outgoing?appSid=voice%20"): 31100,
		token(incoming+"tommy") + "\n":                 31204,
		"Bearer " + token(incoming+"tommy"):            31204,
		"":                                             31204,
	} {
		granted, fault := credentials.judge(text)
		if code == 0 {
			assert.Nil(t, fault)
			require.NotNil(t, granted)
			assert.WithinDuration(t, time.Now().Add(time.Hour), granted.ExpiresAt, time.Minute)
			continue
		}
		require.NotNil(t, fault, text)
		assert.Equal(t, code, fault.Code, fault.Message)
	}
}

// A pipe is a network without sockets, for one connection.
type pipe struct {
	accepted, dialled chan net.Conn
}

func newPipe() pipe {
	client, server := net.Pipe()
	p := pipe{make(chan net.Conn, 1), make(chan net.Conn, 1)}
	p.accepted <- server
	p.dialled <- client
	return p
}

func (p pipe) Accept() (net.Conn, error) {
	if conn := <-p.accepted; conn != nil {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipe) Close() error                                           { close(p.accepted); return nil }
func (p pipe) Addr() net.Addr                                         { return &net.TCPAddr{} }
func (p pipe) dial(context.Context, string, string) (net.Conn, error) { return <-p.dialled, nil }

// A network that is cut sends no FIN.
func TestSilentSocketIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, err := exchange.New(exchange.Config{})
		require.NoError(t, err)
		defer x.Close()
		p := newPipe()
		s := &http.Server{Handler: &Server{Exchange: x, Credentials: credentials, Heartbeat: 5 * time.Second, Echo: 15 * time.Second, Listen: 30 * time.Second}}
		go s.Serve(p)
		defer s.Close()
		conn, _, err := websocket.Dial(t.Context(), "ws://standin/signal", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: &http.Transport{DialContext: p.dial}},
		})
		require.NoError(t, err)
		defer conn.CloseNow()
		go func() { // the heartbeats are not answered
			for {
				if _, _, err := conn.Read(t.Context()); err != nil {
					return
				}
			}
		}()
		token, err := capability.New(credentials.AccountSID, credentials.AuthToken).AllowClientIncoming("tommy").ToJWT()
		require.NoError(t, err)
		send := func(text string) { require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(text))) }
		send(`{"type":"listen","payload":{"token":"` + token + `"}}`)
		send(`{"type":"register","payload":{"media":{"audio":true}}}`)
		for range 4 {
			synctest.Wait()
			assert.Equal(t, 1, x.Registered("tommy"))
			time.Sleep(5*time.Second - 1)
			send("\n")
		}
		time.Sleep(15*time.Second - 1)
		synctest.Wait()
		assert.Equal(t, 1, x.Registered("tommy"))
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.Equal(t, 0, x.Registered("tommy"))
	})
}

func TestPlaceOf(t *testing.T) {
	for host, want := range map[string]place{
		"":                                   {"ashburn", "US_EAST_VIRGINIA"},
		"voice-js.roaming.twilio.com":        {"ashburn", "US_EAST_VIRGINIA"},
		"voice-js.sydney.twilio.com":         {"sydney", "ASIAPAC_SYDNEY"},
		"voice-js.sao-paulo.twilio.com":      {"sao-paulo", "SOUTH_AMERICA_SAO_PAULO"},
		"voice-js.frankfurt-ix.twilio.com":   {"frankfurt-ix", "de1-ix"},
		"voice-js.atlantis.twilio.com":       {"ashburn", "US_EAST_VIRGINIA"},
		"chunderw-vpc-gll.twilio.com":        {"ashburn", "US_EAST_VIRGINIA"},
		"chunderw-vpc-gll-ie1.twilio.com":    {"dublin", "EU_IRELAND"},
		"chunderw-vpc-gll-us2-ix.twilio.com": {"san-jose-ix", "us2-ix"},
		"evil.example":                       {"ashburn", "US_EAST_VIRGINIA"},
	} {
		assert.Equal(t, want, placeOf(host), host)
	}
}

// Whatever a page sends, the server goes on, and can be closed.
func FuzzFrame(f *testing.F) {
	for _, frame := range []string{
		`{"type":"listen","payload":{"token":"x"}}`, `{"type":"listen","payload":{"token":1}}`,
		`{"type":"register","payload":{"media":{"audio":true}}}`, `{"type":"register"}`,
		`{"type":"invite","payload":{"callsid":"TJ1","sdp":"v=0","twilio":{"params":"To=tommy"}}}`,
		`{"type":"invite","payload":{"callsid":"CA1","reconnect":"x"}}`, `{"type":"answer","payload":{"callsid":"CA1"}}`,
		`{"type":"reinvite","payload":{"callsid":"TJ1"}}`, `{"type":"hangup","payload":{"callsid":"TJ1"}}`, `{"type":"reject"}`,
		`{"type":"dtmf","payload":{"callsid":"TJ1","dtmf":"1"}}`,
		`{"type":"message","payload":{"callsid":"TJ1","content":{"a":1},"messagetype":"user-defined-message","voiceeventsid":"KX1"}}`,
	} {
		f.Add(frame, frame)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		x, err := exchange.New(exchange.Config{})
		require.NoError(t, err)
		defer x.Close()
		s := Server{Exchange: x, Credentials: credentials}
		d := x.Connect()
		defer d.Leave(true)
		d.Accept(&exchange.Grants{ClientName: "tommy", Incoming: true, Outgoing: true, ExpiresAt: time.Now().Add(time.Hour)}, [32]byte{}, "")
		for _, frame := range []string{first, second, first} {
			var m message
			if json.Unmarshal([]byte(frame), &m) == nil {
				s.handle(d, m.Type, m.Payload)
			}
			for len(d.Outbox()) > 0 {
				assert.True(t, json.Valid(encode(<-d.Outbox(), placeOf(""))))
			}
		}
	})
}
