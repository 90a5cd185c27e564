// Package capabilitytest runs a stand-in for the part of Twilio that browser
// phones talk to, so that a phone can be developed and tested on one machine,
// without an account, a tunnel or a phone bill.
package capabilitytest
