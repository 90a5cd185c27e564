package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seed-6c737938/capability/internal/inspect"
	"github.com/seed-6c737938/capability/internal/twilioerror"
)

const explainHelp = `captoken explain prints what a Twilio error says about a token, and what to do.

  captoken explain 31204

The codes are those that Twilio documents. Which of them the live service sends
for which fault was not checked.

Exit status: 0 if the code is known, 2 if not.
`

func (c cli) explain(args []string) error {
	var flags flag.FlagSet
	if err := parse(&flags, args, 1); err != nil {
		return err
	}
	number, err := strconv.Atoi(flags.Arg(0))
	e, ok := twilioerror.Lookup(number)
	if err != nil || !ok {
		return fmt.Errorf("no entry for %q: for what is not about a token see https://www.twilio.com/docs/api/errors, or use one of %s",
			flags.Arg(0), knownCodes())
	}
	_, err = io.WriteString(c.stdout, inspect.ErrorText(e))
	return err
}

func knownCodes() string {
	var numbers []string
	for _, e := range twilioerror.All() {
		numbers = append(numbers, strconv.Itoa(e.Code))
	}
	return strings.Join(numbers, " ")
}
