package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// failed returns why there is no answer, with the code that Twilio's Error and
// Warning Dictionary has for it.
func (r *request) failed(ctx context.Context, t Target, err error) *failure {
	code, kind, words := r.cause(ctx, t, err)
	return &failure{&Error{code, r.target.String() + ": " + words}, kind}
}

func (r *request) cause(ctx context.Context, t Target, err error) (code int, kind, words string) {
	var (
		dns          *net.DNSError
		dial         *net.OpError
		hostname     x509.HostnameError
		certificate  x509.CertificateInvalidError
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		timeout      interface{ Timeout() bool }
	)
	dialling := errors.As(err, &dial) && dial.Op == "dial"
	isTimeout := errors.As(err, &timeout) && timeout.Timeout()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return 11200, "", "the call ended before there was an answer"
	case errors.As(err, &dns):
		return 11210, "ct", fmt.Sprintf("the host %s cannot be found", quote(t.URL.Hostname()))
	case errors.Is(err, syscall.ECONNREFUSED):
		return 11202, "ct", "the connection was refused: is the backend running, and on this port?"
	case dialling && isTimeout:
		return 11201, "ct", "there was no connection in time"
	case dialling:
		return 11205, "ct", "there is no connection: " + quote(err.Error())
	case errors.As(err, &hostname):
		return 11235, "", "the certificate is for another host: " + quote(err.Error())
	case errors.As(err, &certificate) && certificate.Reason == x509.Expired:
		return 11236, "", "the certificate has expired or is not yet valid: " + quote(err.Error())
	case errors.As(err, &verification):
		return 11237, "", "the certificate is not trusted, perhaps as it is self-signed, which Twilio does not take either: " + quote(err.Error())
	case errors.As(err, &record):
		return 11220, "", "the answer is not TLS: is the URL http:// rather than https://?"
	case isTimeout:
		return 11205, "rt", fmt.Sprintf("there was no answer in time: it waits %v", r.waited(ctx))
	}
	return 11206, "", "the answer is not valid HTTP: " + quote(err.Error())
}

// waited returns how long a request has waited for its answer.
func (r *request) waited(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return r.limits.total
	}
	return r.limits.read
}
