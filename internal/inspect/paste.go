package inspect

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/seed-6c737938/capability/internal/rule"
)

// A Token is found in what somebody pasted. Removed says what was around it, or
// within it.
type Token struct {
	Text    string
	Removed []string

	before, after string // what is next to it, if it was in one piece
}

// tokenPattern matches the base64url of '{' and of what may follow it in JSON,
// and the other parts. Without '"' after the '{' there must be another part.
var tokenPattern = regexp.MustCompile(`eyJ[\w+/-]*={0,2}(?:\.[\w+/-]*={0,2}){0,4}|e(?:yA|w[ko0])[\w+/-]*={0,2}(?:\.[\w+/-]*={0,2}){1,4}`)

// Find finds the tokens in what was pasted: from a header, a URL, a JSON answer, a
// mail. If there is none it returns the text itself, for Inspect to find fault with.
func Find(pasted string) []Token {
	text := strings.TrimSpace(pasted)
	visible := strings.Map(func(r rune) rune {
		if !IsVisible(r) && !strings.ContainsRune(" \t\r\n", r) {
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
	removed := surroundings(outside.String())
	if folded {
		removed = append(removed, "line breaks or blanks within it")
	}
	if visible != text {
		removed = append(removed, "invisible characters")
	}
	for i := range tokens {
		tokens[i].Removed = removed
		if before, after, ok := strings.Cut(text, tokens[i].Text); ok {
			tokens[i].before, tokens[i].after = before[max(0, len(before)-near):], after[:min(len(after), near)]
		}
	}
	return tokens
}

// Limits, because searching costs time: how many tokens are found, how long one may
// be that is broken into lines, and how much of what is next to it is looked at.
const (
	maxTokens = 1000
	maxFolded = 16 << 10
	near      = 1 << 10
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
	signature, _, _ := strings.Cut(parts[2], ".")
	signature = signature[:min(len(signature), hs256Length)]
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
		case rule.IsAlphanumeric(c) || strings.IndexByte("-_.", c) >= 0:
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

// surroundings names what was around the tokens: nothing for white space, and for
// what folded lines start and end with.
func surroundings(outside string) []string {
	outside = strings.Trim(outside, "> \t\r\n\\")
	switch {
	case outside == "":
		return nil
	case strings.ContainsRune(outside, '{') && strings.ContainsRune(outside, '}'):
		return []string{"the JSON around it"}
	case strings.Contains(outside, "://"):
		return []string{"the URL around it"}
	case strings.EqualFold(outside, "bearer"):
		return []string{"Bearer"}
	case strings.Trim(outside, "\"'`“”‘’ \n") == "":
		return []string{"quotes"}
	}
	return []string{"the text around it"}
}

// checkPaste finds fault with what a page passes to the SDK beside the token. What a
// shell, a log, a header or a mail puts around a token is no fault; what stands in
// the same string is.
func (r *Report) checkPaste(token Token) {
	const seen = "The SDK takes the token alone: with anything else SDK 2.x shows 20101, SDK 1.x 31204."
	name, value := memberOf(token)
	switch {
	case value != "":
		r.problem(r.rules.malformed, "the value of "+Quote(name)+" is "+value+", not the bare token", seen+" Correct what the backend answers.")
	case pythonBytes.MatchString(token.before):
		r.problem(r.rules.malformed, "it stands in b'...', as Python writes bytes", seen+" Call decode() on it in the backend.")
	case strings.HasPrefix(token.before, "{") && strings.HasSuffix(token.after, "}"):
		r.note("it came in JSON", seen+" If the page passes the whole answer, pass what is in it.")
	}
}

var (
	pythonBytes = regexp.MustCompile(`(?:^|\W)[bB]\\?['"]$`)

	// member matches a member of an object in JSON, JavaScript or Python, in which a
	// string has no unescaped quotes.
	member = regexp.MustCompile(`["']?(\w+)["']?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')`)

	// opened matches the start of an object or list that should be a string.
	opened = regexp.MustCompile(`(?i)["']?\b(token|jwt|access_?token)["']?\s*:\s*([{\[])[^{}\[\]]*$`)

	tokenName = regexp.MustCompile(`(?i)token|jwt`)
)

// memberOf returns the name of the member that should be the token, and its value
// if it is more than that.
func memberOf(token Token) (name, value string) {
	const bare = "\x00"                         // in place of the token
	for _, quote := range []string{`"`, `\"`} { // the latter in a log
		before, after := strings.ReplaceAll(token.before, quote, `"`), strings.ReplaceAll(token.after, quote, `"`)
		if m := opened.FindStringSubmatch(before); m != nil {
			return m[1], map[string]string{"{": "an object", "[": "a list"}[m[2]]
		}
		for _, m := range member.FindAllStringSubmatch(before+bare+after, -1) {
			name, value := m[1], m[2]+m[3]
			switch {
			case value == bare:
				return "", ""
			case !strings.Contains(value, bare) || strings.Contains(value, "://"):
			case tokenName.MatchString(name) || strings.Trim(value, bare+` \rnt"'`) == "": // or blanks and quotes alone
				return name, quoteShort(unescaped(strings.ReplaceAll(value, bare, "…")))
			}
		}
	}
	return "", ""
}

// unescaped returns the text of a string in JSON.
func unescaped(text string) string {
	var value string
	if json.Unmarshal([]byte(`"`+text+`"`), &value) != nil {
		return text
	}
	return value
}
