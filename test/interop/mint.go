// Command interop reads test vectors from standard input, mints the same grants with this module at the current
// time, and writes the vectors with those tokens to standard output. Then check.py and check.mjs verify them
// with Twilio's own libraries.
package main

import (
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/seed-6c737938/capability/test/vector"
)

// minTTL gives the checkers time to run before a token expires.
const minTTL = 5 * time.Minute

func main() {
	log.SetFlags(0)
	vectors, err := vector.Decode(os.Stdin)
	if err != nil {
		log.Fatalf("interop: reading vectors: %v", err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, v := range vectors {
		if !atAnyClock(v) {
			continue
		}
		token, err := v.Build()
		if err != nil {
			log.Fatalf("interop: %s: %v", v.ID, err)
		}
		if v.JWT, err = token.ToJWT(); err != nil {
			v.Error = err.Error()
		}
		if err := out.Encode(v); err != nil {
			log.Fatalf("interop: writing tokens: %v", err)
		}
	}
}

// atAnyClock reports whether the case means the same at a time other than the vectors' own.
func atAnyClock(v vector.Vector) bool {
	return (v.NBF == nil || string(v.NBF) == "null") && time.Duration(v.TTL)*time.Second >= minTTL
}
