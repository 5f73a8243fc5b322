package webapp2

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// translatePattern translates a regex of Python into one that mux can use within its own:
// without capturing groups, and with balanced braces.
func translatePattern(python string, host bool) (string, error) {
	t := translation{in: python}
	for t.at < len(t.in) {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	pattern := t.out.String()
	if pattern == "" { // a comment and nothing else
		pattern = "(?:)"
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return "", fmt.Errorf("not a regex of Go's: %w", err)
	}
	// mux matches ^regex$, which would match "aXXX" for a|b. In a host, a colon would make
	// mux compare the port too.
	if t.alternatives && !host {
		pattern = "(?:" + pattern + ")"
	}
	return pattern, nil
}

// A translation is the state of translating a regex.
type translation struct {
	in           string
	at           int // of the next byte of in
	out          strings.Builder
	depth        int  // of open groups
	alternatives bool // a | outside of all groups was seen
}

// next translates one item: an escape, a character class, a parenthesis or a character.
func (t *translation) next() error {
	switch c := t.in[t.at]; c {
	case '\\':
		return t.escape(false)
	case '[':
		return t.class()
	case '(':
		t.depth++
		return t.group()
	case ')':
		t.depth--
		t.copy(1)
	case '|':
		t.alternatives = t.alternatives || t.depth == 0
		t.copy(1)
	case '{':
		t.repeat()
	case '}':
		t.write(`\x7d`, 1)
	default:
		t.copy(1)
	}
	return nil
}

// rest returns what is not translated yet.
func (t *translation) rest() string { return t.in[t.at:] }

// copy writes the next n bytes unchanged.
func (t *translation) copy(n int) { t.write(t.in[t.at:t.at+n], n) }

// write writes text in place of the next n bytes.
func (t *translation) write(text string, n int) {
	t.out.WriteString(text)
	t.at += n
}

// pythonOpenings are the texts after "(?" that Go does not have.
var pythonOpenings = []struct{ text, name string }{
	{"=", "a lookahead"},
	{"!", "a negative lookahead"},
	{"<=", "a lookbehind"},
	{"<!", "a negative lookbehind"},
	{"P=", "a backreference"},
	{"(", "a conditional group"},
}

var groupFlags = regexp.MustCompile(`^\(\?([A-Za-z-]*)[:)]`)

// group translates the beginning of a group.
func (t *translation) group() error {
	opening, special := strings.CutPrefix(t.rest(), "(?")
	if !special {
		t.write("(?:", 1)
		return nil
	}
	for _, o := range pythonOpenings {
		if strings.HasPrefix(opening, o.text) {
			return fmt.Errorf("(?%s is %s, which Go's regexp does not have; match more, and refuse in the handler", o.text, o.name)
		}
	}
	if strings.HasPrefix(opening, "#") {
		length := strings.IndexByte(opening, ')')
		if length < 0 {
			return fmt.Errorf("the comment (?# has no end")
		}
		t.depth--
		t.at += len("(?") + length + 1
		return nil
	}
	if m := groupFlags.FindStringSubmatch(t.rest()); m != nil {
		if bad := strings.Trim(m[1], "ims-"); bad != "" {
			return fmt.Errorf("the flag %q in (?%s is not one of i, m and s, which are all that Go's regexp shares with Python", bad, m[1])
		}
		if strings.HasSuffix(m[0], ")") {
			t.depth--
		}
		t.copy(len(m[0]))
		return nil
	}
	t.copy(1)
	return nil
}

var countedRepeat = regexp.MustCompile(`^\{(\d*)(,?)(\d*)\}`)

// repeat translates {m}, {m,}, {,n} and {m,n}. Any other brace is text.
func (t *translation) repeat() {
	m := countedRepeat.FindStringSubmatch(t.rest())
	switch {
	case m == nil || m[0] == "{}":
		t.write(`\x7b`, 1)
	case m[1] == "":
		t.write("{0"+m[2]+m[3]+"}", len(m[0]))
	default:
		t.copy(len(m[0]))
	}
}

// class translates a character class.
func (t *translation) class() error {
	t.copy(1)
	if strings.HasPrefix(t.rest(), "^") {
		t.copy(1)
	}
	if strings.HasPrefix(t.rest(), "]") {
		t.write(`\]`, 1)
	}
	for t.at < len(t.in) {
		switch c := t.in[t.at]; c {
		case ']':
			t.copy(1)
			return nil
		case '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		case '[': // Go would begin [:alpha:]
			t.write(`\[`, 1)
		case '{', '}':
			t.write(fmt.Sprintf(`\x%02x`, c), 1)
		default:
			t.copy(1)
		}
	}
	return fmt.Errorf("the class [ has no end")
}

var (
	octalEscape   = regexp.MustCompile(`^\\(0[0-7]{0,2}|[1-3][0-7]{2})`)
	unicodeEscape = regexp.MustCompile(`^\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))`)
)

// escape translates a backslash and what follows it.
func (t *translation) escape(inClass bool) error {
	if len(t.rest()) < 2 {
		return fmt.Errorf(`a \ at the end`)
	}
	if m := octalEscape.FindStringSubmatch(t.rest()); m != nil {
		var code int
		fmt.Sscanf(m[1], "%o", &code)
		t.write(fmt.Sprintf(`\x%02x`, code), len(m[0]))
		return nil
	}
	if m := unicodeEscape.FindStringSubmatch(t.rest()); m != nil {
		t.write(`\x{`+m[1]+m[2]+`}`, len(m[0]))
		return nil
	}
	c, size := utf8.DecodeRuneInString(t.in[t.at+1:])
	switch {
	case '1' <= c && c <= '9':
		return fmt.Errorf(`\%c is a backreference, which Go's regexp does not have; match more, and compare in the handler`, c)
	case strings.ContainsRune("NpPQECz", c):
		return fmt.Errorf(`\%c is not an escape that Python and Go share`, c)
	case c == 'Z':
		t.write(`\z`, 2)
	case c == 'b' && inClass:
		t.write(`\x08`, 2)
	case c == '{' || c == '}':
		t.write(fmt.Sprintf(`\x%02x`, c), 2)
	case c >= utf8.RuneSelf:
		t.write(string(c), 1+size)
	default:
		t.copy(2)
	}
	return nil
}
