package inspect

import (
	"cmp"
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

// tokenPattern matches the base64url of '{' and of what may follow it in JSON,
// and the other parts. Without '"' after the '{' there must be another part.
var tokenPattern = regexp.MustCompile(`eyJ[\w+/-]*={0,2}(?:\.[\w+/-]*={0,2}){0,4}|e(?:yA|w[ko0])[\w+/-]*={0,2}(?:\.[\w+/-]*={0,2}){1,4}`)

// Find finds the tokens in what was pasted: from a header, a URL, a JSON answer, a
// mail. If there is none it returns the text itself, for Inspect to find fault with.
func Find(pasted string) []Token {
	text := strings.TrimSpace(pasted)
	visible := strings.Map(func(r rune) rune {
		if !isVisible(r) && !strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, text)
	var tokens []Token
	var outside strings.Builder
	folded, part, rest := false, "", visible
	for range maxTokens {
		at := tokenPattern.FindStringIndex(rest)
		if at == nil {
			break
		}
		token, length, wasFolded := unfold(rest[at[0]:], rest[at[0]:at[1]])
		outside.WriteString(rest[:at[0]] + "\n")
		rest = rest[at[0]+length:]
		if !strings.Contains(token, ".") { // as in a sentence about eyJ
			part = cmp.Or(part, token)
			continue
		}
		folded = folded || wasFolded
		tokens = append(tokens, Token{Text: token})
	}
	if tokens == nil {
		tokens = []Token{{Text: cmp.Or(part, strings.Trim(visible, "\"'`,; "))}}
		rest = ""
	}
	outside.WriteString(rest)
	removed := surroundingsOf(outside.String())
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

// Limits, because searching costs time: how many tokens are found, and how long
// one may be that is broken into lines.
const (
	maxTokens = 1000
	maxFolded = 16 << 10
)

// hs256Length is the length of an HS256 signature in base64url.
const hs256Length = 43

// unfold joins a token that a mail or a terminal has broken into lines. The text
// starts with it; match is what comes before the first break, which is the token
// if it can be one. length is how much of the text is the token.
func unfold(text, match string) (token string, length int, folded bool) {
	if isWhole(match) {
		return match, len(match), false
	}
	joined, ends := join(text[:min(len(text), maxFolded)])
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
	short := len(signature) < hs256Length && isReadable(match) // so what follows is text
	if len(joined) <= len(match) || short || !decodes(parts[0]) || !decodes(parts[1]) {
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
	_, _, err := decodeObject(part)
	return err == nil
}

// isReadable reports whether the token has three parts, and a header and claims.
func isReadable(token string) bool {
	parts := strings.Split(token, ".")
	return len(parts) == 3 && decodes(parts[0]) && decodes(parts[1])
}

// isWhole reports whether nothing of the token is missing.
func isWhole(token string) bool {
	signature := token[strings.LastIndexByte(token, '.')+1:]
	return strings.Count(token, ".") == 4 || isReadable(token) && len(signature) >= hs256Length
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

// surroundingsOf names what was around the tokens: nothing for white space, and
// for what folded lines start and end with.
func surroundingsOf(outside string) []string {
	outside = strings.Trim(outside, "> \t\r\n\\")
	if outside == "" {
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
