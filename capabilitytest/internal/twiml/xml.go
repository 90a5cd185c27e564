package twiml

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// An element of a document, or a piece of text in it, whose name is "".
type element struct {
	name     string
	attrs    []xml.Attr // Name.Local is the whole name
	text     string
	children []*element
	line     int // 0 if the document has only one
}

func (e *element) String() string { return "<" + clip(e.name) + ">" }

func (e *element) problem(code int, format string, args ...any) *Problem {
	message := fmt.Sprintf(format, args...)
	if e.line > 0 {
		message = fmt.Sprintf("line %d: %s", e.line, message)
	}
	return &Problem{code, strings.Map(printable, message)}
}

// printable replaces what could break a line of a log.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// elements returns the children that are not text.
func (e *element) elements() []*element {
	return slices.DeleteFunc(slices.Clone(e.children), func(child *element) bool { return child.name == "" })
}

// ownText returns the text between the element's children.
func (e *element) ownText() string {
	var text strings.Builder
	for _, child := range e.children {
		text.WriteString(child.text)
	}
	return strings.TrimSpace(text.String())
}

// allText returns the text of the element and of all in it.
func (e *element) allText() string {
	text := e.text
	for _, child := range e.children {
		text += child.allText()
	}
	return text
}

// clip shortens what a message quotes of a document.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// quote quotes what a document says.
func quote(s string) string { return strconv.Quote(clip(s)) }

// maxDepth is how deep elements may be nested: TwiML needs four, and SSML in it a
// few more.
const maxDepth = 32

// xmlReader builds the tree of a document, and is stricter than encoding/xml, whose
// decoder takes text around the root, several roots, and an attribute twice.
type xmlReader struct {
	decoder  *xml.Decoder
	root     *element
	open     []*element
	oneLiner bool
}

// readXML returns the root of a document, or why it is not XML (12100).
func readXML(document []byte) (*element, *Problem) {
	source, problem := toUTF8(document)
	if problem != nil {
		return nil, problem
	}
	if len(bytes.TrimSpace(source)) == 0 {
		return nil, &Problem{12100, "the document is empty: at least answer <Response/>"}
	}
	x := &xmlReader{
		decoder:  xml.NewDecoder(bytes.NewReader(source)),
		oneLiner: !bytes.Contains(bytes.TrimSpace(source), []byte("\n")),
	}
	for {
		start := x.decoder.InputOffset()
		token, err := x.decoder.RawToken() // not Token, which rewrites prefixes
		if err == io.EOF {
			return x.root, x.atEnd()
		}
		if err == nil {
			err = x.add(token, string(source[start:x.decoder.InputOffset()]))
		}
		if err != nil {
			return nil, x.problem(err)
		}
	}
}

// problem says where the document is not XML, and why.
func (x *xmlReader) problem(err error) *Problem {
	message := err.Error()
	if said, ok := strings.CutPrefix(message, "xml: "); ok { // encoding/xml quotes the document
		message = clip(said)
	}
	if syntax, ok := err.(*xml.SyntaxError); ok {
		message = clip(syntax.Msg)
		if strings.HasPrefix(message, "invalid character entity") {
			message += ": write & as &amp;, and other characters as themselves"
		}
	}
	return x.here().problem(12100, "the document is not XML: %s", message)
}

// here is an element without a name, for the line number.
func (x *xmlReader) here() *element {
	line, _ := x.decoder.InputPos()
	if x.oneLiner {
		line = 0
	}
	return &element{line: line}
}

func (x *xmlReader) atEnd() *Problem {
	switch {
	case x.root == nil:
		return x.problem(fmt.Errorf("it has no <Response>"))
	case len(x.open) > 0:
		return x.problem(fmt.Errorf("%s is never closed", x.open[len(x.open)-1]))
	}
	return nil
}

// add adds a token, which is written as source, to the tree.
func (x *xmlReader) add(token xml.Token, source string) error {
	switch t := token.(type) {
	case xml.StartElement:
		return x.start(t, source)
	case xml.EndElement:
		return x.end(fullName(t.Name))
	case xml.CharData:
		return x.text(string(t), source)
	case xml.ProcInst:
		return x.instruction(t.Target)
	case xml.Directive:
		return fmt.Errorf("TwiML has no %s%s", quote("<!"+string(t)+">"), htmlHint(string(t)))
	}
	return nil // a comment
}

func htmlHint(directive string) string {
	if strings.HasPrefix(strings.ToLower(directive), "doctype html") {
		return ": this is a page for people, perhaps an error page or a login"
	}
	return ""
}

func (x *xmlReader) start(t xml.StartElement, source string) error {
	e := x.here()
	e.name = fullName(t.Name)
	for _, attr := range t.Attr {
		name := fullName(attr.Name)
		if slices.ContainsFunc(e.attrs, func(other xml.Attr) bool { return other.Name.Local == name }) {
			return fmt.Errorf("%s has the attribute %s twice", e, clip(name))
		}
		e.attrs = append(e.attrs, xml.Attr{Name: xml.Name{Local: name}, Value: attr.Value})
	}
	if touching(source) {
		return fmt.Errorf("%s has no space between two attributes", e)
	}
	switch {
	case len(x.open) > 0:
		parent := x.open[len(x.open)-1]
		parent.children = append(parent.children, e)
	case x.root != nil:
		return fmt.Errorf("%s stands after the end of %s: the document has one root", e, x.root)
	default:
		x.root = e
	}
	if x.open = append(x.open, e); len(x.open) > maxDepth {
		return fmt.Errorf("elements are nested more than %d deep", maxDepth)
	}
	return nil
}

// fullName returns a name as it is written.
func fullName(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	return name.Space + ":" + name.Local
}

// touching reports whether the value of an attribute in a start tag touches the
// next attribute, which encoding/xml does not mind.
func touching(tag string) bool {
	var quote byte
	for i := range len(tag) {
		switch c := tag[i]; {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote && c != 0:
			quote = 0
			if i+1 < len(tag) && !strings.ContainsRune(" \t\r\n/>", rune(tag[i+1])) {
				return true
			}
		}
	}
	return false
}

func (x *xmlReader) end(name string) error {
	if len(x.open) == 0 {
		return fmt.Errorf("</%s> closes nothing", clip(name))
	}
	last := x.open[len(x.open)-1]
	if last.name != name {
		return fmt.Errorf("%s is closed by </%s>", last, clip(name))
	}
	x.open = x.open[:len(x.open)-1]
	return nil
}

func (x *xmlReader) text(text, source string) error {
	if len(x.open) > 0 {
		parent := x.open[len(x.open)-1]
		parent.children = append(parent.children, &element{text: text})
		return nil
	}
	source = strings.TrimSpace(source) // CDATA and character references are not allowed here
	switch {
	case source == "":
		return nil
	case x.root == nil:
		return fmt.Errorf("it starts with %s", quote(source))
	}
	return fmt.Errorf("%s follows the end of %s", quote(source), x.root)
}

func (x *xmlReader) instruction(target string) error {
	if strings.EqualFold(target, "xml") { // toUTF8 has taken the one that is allowed
		return fmt.Errorf("<?xml …?> has to be the very first characters: remove the white space, or whatever else is before it")
	}
	return nil
}

// declaration is the XML declaration: XML 1.0, section 2.8.
var declaration = regexp.MustCompile(`^<\?xml\s+version\s*=\s*(?:"1\.\d"|'1\.\d')` +
	`(?:\s+encoding\s*=\s*(?:"([A-Za-z][\w.-]*)"|'([A-Za-z][\w.-]*)'))?` +
	`(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>`)

// toUTF8 returns a document in UTF-8, with its declaration blanked.
func toUTF8(document []byte) ([]byte, *Problem) {
	source, wide := fromUTF16(document)
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	found := declaration.FindSubmatch(source)
	if found == nil {
		if bytes.HasPrefix(source, []byte("<?xml ")) {
			line, _, _ := bytes.Cut(source, []byte(">"))
			return nil, &Problem{12100, fmt.Sprintf("the document is not XML: %s is not a declaration: use <?xml version=\"1.0\" encoding=\"UTF-8\"?>", quote(string(line)+">"))}
		}
		return source, nil
	}
	rest := append(bytes.Repeat([]byte("\n"), bytes.Count(found[0], []byte("\n"))), source[len(found[0]):]...)
	encoding := string(append(found[1], found[2]...))
	return decode(rest, encoding, wide)
}

// decode decodes what is left of a document, which says what it is encoded in.
func decode(source []byte, encoding string, wide bool) ([]byte, *Problem) {
	switch lower := strings.ToLower(encoding); {
	case wide: // has been decoded, whatever it says
		return source, nil
	case lower == "", lower == "utf-8", lower == "utf8":
		return source, nil
	case lower == "us-ascii", lower == "ascii", lower == "iso-8859-1", lower == "latin1":
		runes := make([]rune, len(source))
		for i, c := range source {
			runes[i] = rune(c)
		}
		return []byte(string(runes)), nil
	case strings.HasPrefix(lower, "utf-16"):
		return nil, &Problem{12100, fmt.Sprintf("the document says that it is encoded in %s, and is not: say UTF-8", encoding)}
	}
	return nil, &Problem{Unsupported, fmt.Sprintf("the stand-in does not read the encoding %s: use UTF-8", clip(encoding))}
}

// fromUTF16 returns a document that is encoded in UTF-16 in UTF-8, and whether it
// is: XML 1.0, appendix F.
func fromUTF16(document []byte) ([]byte, bool) {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(document) < 2 || len(document)%2 != 0:
		return document, false
	case document[0] == 0xff && document[1] == 0xfe, document[0] == '<' && document[1] == 0:
	case document[0] == 0xfe && document[1] == 0xff, document[0] == 0 && document[1] == '<':
		order = binary.BigEndian
	default:
		return document, false
	}
	units := make([]uint16, len(document)/2)
	for i := range units {
		units[i] = order.Uint16(document[2*i:])
	}
	return []byte(string(utf16.Decode(units))), true
}

// caseHint says what an unknown name would be in another case.
func caseHint(name string, known ...string) string {
	for _, other := range known {
		if strings.EqualFold(name, other) {
			return ": names are case-sensitive, write " + other
		}
	}
	return ""
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
