package inspect

import (
	"regexp"
	"slices"
	"strings"
)

// A Token is found in what somebody pasted. Removed says what was around it, or
// within it.
type Token struct {
	Text    string
	Removed []string
}

// token starts with the base64url of '{' and what may follow it in JSON. Dots
// follow: one at least, unless it surely is a header.
var tokenPattern = regexp.MustCompile(`eyJ[\w+/-]*={0,2}(?:\.[\w+/-]*={0,2}){0,4}|e(?:yA|w[ko0])[\w+/-]*={0,2}(?:\.[\w+/-]*={0,2}){1,4}`)

// Find finds the tokens in what was pasted: from a header, a URL, a JSON answer, a
// mail. If there is none it returns the text itself, for Inspect to find fault with.
func Find(pasted string) []Token {
	text := strings.TrimSpace(pasted)
	visible := strings.Map(func(r rune) rune {
		if !Visible(r) && !strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, text)
	var tokens []Token
	var outside strings.Builder
	folded := false
	rest := visible
	for {
		at := tokenPattern.FindStringIndex(rest)
		if at == nil {
			break
		}
		token, length, wasFolded := unfold(rest[at[0]:], rest[at[0]:at[1]])
		folded = folded || wasFolded
		outside.WriteString(rest[:at[0]] + "\n")
		tokens = append(tokens, Token{Text: token})
		rest = rest[at[0]+length:]
	}
	if tokens == nil {
		tokens = []Token{{Text: strings.Trim(visible, "\"'`,; ")}}
		rest = ""
	}
	outside.WriteString(rest)
	removed := describe(outside.String())
	if folded {
		removed = append(removed, "line breaks or blanks within it")
	}
	if visible != text {
		removed = append(removed, "invisible characters")
	}
	for i := range tokens {
		tokens[i].Removed = removed
	}
	return tokens
}

// hs256Length is the length of an HS256 signature in base64url.
const hs256Length = 43

// unfold joins a token that a mail or a terminal has broken into lines. It
// takes a longer token than the one that match is only if that one is cut, and
// returns how much of the text it is.
func unfold(text, match string) (token string, length int, folded bool) {
	joined, ends := join(text)
	parts := strings.SplitN(joined, ".", 3)
	if len(parts) < 3 || len(joined) <= len(match) {
		return match, len(match), false
	}
	// What follows a whole signature is not of the token.
	signature := parts[2]
	if i := strings.IndexByte(signature, '.'); i >= 0 {
		signature = signature[:i]
	}
	if len(signature) > hs256Length {
		signature = signature[:hs256Length]
	}
	joined = parts[0] + "." + parts[1] + "." + signature
	if len(joined) <= len(match) || isWhole(match) || !decodes(parts[0]) || !decodes(parts[1]) {
		return match, len(match), false
	}
	return joined, ends[len(joined)-1], true
}

// join drops white space, and the marks that quote or continue a line, until
// something comes that a token can't have. ends has the place after each character.
func join(text string) (joined string, ends []int) {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case isAlphanumeric(c) || strings.IndexByte("-_.", c) >= 0:
			b.WriteByte(c)
			ends = append(ends, i+1)
		case strings.IndexByte(" \t\r\n\\>=", c) < 0:
			return b.String(), ends
		}
	}
	return b.String(), ends
}

func decodes(part string) bool {
	_, err := decodeObject(part)
	return err == nil
}

// isWhole reports whether header and claims can be read, and the signature can
// be one.
func isWhole(token string) bool {
	parts := strings.Split(token, ".")
	return len(parts) == 5 || len(parts) == 3 && decodes(parts[0]) && decodes(parts[1]) && len(parts[2]) >= hs256Length
}

// surroundings are what tokens come in, and how to recognize it.
var surroundings = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"Bearer", regexp.MustCompile(`(?i)\bbearer\b`)},
	{"a URL", regexp.MustCompile(`\w://`)},
	{"JSON", regexp.MustCompile(`(?s)\{.*\}`)},
	{"a name and '='", regexp.MustCompile(`\w(?:=|%3[Dd])["']?\s*$`)},
	{"a name and ':'", regexp.MustCompile(`(?i)\b(?:token|jwt|authorization)["']?\s*:`)},
	{"quotes", regexp.MustCompile("[\"'`“”‘’]")},
	{"a comma or semicolon", regexp.MustCompile(`[,;]\s*$`)},
}

// describe names what was around the tokens: nothing for white space.
func describe(outside string) []string {
	if strings.TrimSpace(outside) == "" {
		return nil
	}
	var names []string
	for _, s := range surroundings {
		if s.pattern.MatchString(outside) {
			names = append(names, s.name)
		}
	}
	switch {
	case slices.Contains(names, "JSON"):
		return []string{"the JSON around it"}
	case slices.Contains(names, "a URL"):
		return []string{"the URL around it"}
	case names == nil:
		return []string{"the text around it"}
	}
	return names
}
