package framework

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// What a variable takes that has no pattern of its own, as with mux.
const (
	anySegment = "[^/]+" // of a path
	anyLabel   = "[^.]+" // of a host
	anyQuery   = ".*"    // of a query's value
)

// slashInValue stands for an encoded slash (%2F) while a path is matched, so that a
// variable takes it and no slash of a template does. No path has this byte of its own.
const slashInValue = "\x00"

// The names of variables that webapp2.Template makes up, which no other template has:
// for text that is syntax in a template, and for what a host may be.
const (
	openBrace  = "-open"
	closeBrace = "-close"
	percent    = "-percent"
	hostPart   = "-host" // each unnamed variable of a host
)

// literalOf returns the text that a variable stands for, if webapp2.Template made it up.
func literalOf(name string) (text string, ok bool) {
	switch name {
	case openBrace:
		return "{", true
	case closeBrace:
		return "}", true
	case percent:
		return "%", true
	}
	return "", false
}

// isInvented reports whether webapp2.Template made a variable up.
func isInvented(name string) bool {
	_, literal := literalOf(name)
	return literal || name == hostPart
}

// A part of a template is literal text, or a variable with its pattern.
type part struct {
	text          string // of literal text
	name, pattern string // of a variable; name is empty if it is literal text
}

// parseTemplate takes a template of mux apart. The variables that webapp2.Template made for
// literal text become literal text.
func parseTemplate(template, anything string) (parts []part, err error) {
	if !utf8.ValidString(template) {
		return nil, fmt.Errorf("template %q is not UTF-8", template)
	}
	literal := func(text string) {
		if last := len(parts) - 1; last >= 0 && parts[last].name == "" {
			parts[last].text += text
		} else if text != "" {
			parts = append(parts, part{text: text})
		}
	}
	rest := template
	for {
		begin := strings.IndexAny(rest, "{}")
		if begin < 0 {
			literal(rest)
			return parts, nil
		}
		end := closing(rest[begin:])
		if end < 0 {
			return nil, fmt.Errorf("template %q has unbalanced braces", template)
		}
		literal(rest[:begin])
		name, pattern, given := strings.Cut(rest[begin+1:begin+end], ":")
		if !given {
			pattern = anything
		}
		if text, ok := literalOf(name); ok {
			literal(text)
		} else if err := checkVariable(name, pattern, given); err != nil {
			return nil, fmt.Errorf("template %q: %w", template, err)
		} else {
			parts = append(parts, part{name: name, pattern: pattern})
		}
		rest = rest[begin+end+1:]
	}
}

// patternNames lists the variables of a pattern that another router has set as the
// request's: net/http's {name} and {name...}, or {name:regex}.
func patternNames(pattern string) (list []string) {
	for {
		begin := strings.IndexByte(pattern, '{')
		if begin < 0 {
			return list
		}
		length := closing(pattern[begin:])
		if length < 0 {
			return list
		}
		name, _, _ := strings.Cut(pattern[begin+1:begin+length], ":")
		if name = strings.TrimSuffix(name, "..."); name != "$" && name != "" { // {$} is the end of the path
			list = append(list, name)
		}
		pattern = pattern[begin+length+1:]
	}
}

// closing returns where the brace that a text begins with is closed; -1: nowhere.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth <= 0 {
				if depth < 0 {
					return -1
				}
				return i
			}
		}
	}
	return -1
}

func checkVariable(name, pattern string, given bool) error {
	switch {
	case name == "$":
		return errors.New("{$} is net/http's: leave it out, a path without PathPrefix matches whole")
	case strings.HasSuffix(name, "...") && !given:
		return fmt.Errorf("{%s} is net/http's: write {%s:.*}", name, strings.TrimSuffix(name, "..."))
	case name == "":
		return errors.New("a variable has no name")
	case pattern == "":
		return fmt.Errorf("variable %q has an empty pattern", name)
	}
	compiled, err := regexp.Compile(pattern)
	if err == nil {
		_, err = regexp.Compile("(?:" + pattern + ")") // as it is used: \Q may be open
	}
	if err != nil {
		return fmt.Errorf("variable %q: %w", name, err)
	}
	if compiled.NumSubexp() > 0 {
		return fmt.Errorf("variable %q: the pattern has a group that captures: write (?:...) for (...)", name)
	}
	return nil
}

// checkPath refuses a path template that no request can match, or that is written in
// another router's syntax.
func checkPath(template string, parts []part) error {
	if template != "" && template[0] != '/' {
		if method, path, ok := strings.Cut(template, " "); ok && strings.HasPrefix(path, "/") {
			return fmt.Errorf("template %q begins with a method: write %q, and Methods(%q) unless a type of To says what it serves", template, path, method)
		}
		return fmt.Errorf("template %q must begin with a slash: write %q", template, "/"+template)
	}
	for i, p := range parts {
		if p.name != "" {
			continue
		}
		for j := range len(p.text) {
			if p.text[j] < ' ' || p.text[j] == 0x7f {
				return fmt.Errorf("template %q holds a control byte, which no request can have in its path", template)
			}
		}
		segments := strings.Split(p.text, "/")
		for j, segment := range segments {
			whole := (j > 0 || i == 0) && (j < len(segments)-1 || i == len(parts)-1) // no variable is beside it
			switch {
			case whole && dots(segment):
				return fmt.Errorf("template %q has the segment %q, which no request can have in its path", template, segment)
			case segment == "*" && whole:
				return fmt.Errorf("template %q: * is another router's: write {rest:.*}, or {star:\\*} for the character", template)
			case len(segment) > 1 && segment[0] == ':' && (j > 0 || i == 0) && isLetter(segment[1]):
				return fmt.Errorf("template %q: %s is another router's: write {%s}, or {colon::}%s for the text", template, segment, segment[1:], segment[1:])
			}
		}
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

func dots(segment string) bool { return segment == "." || segment == ".." }

// validPath reports whether a path can be one of ours: UTF-8, without control bytes,
// and without a segment that a browser or a file system would resolve.
func validPath(path string) bool {
	start, ascii := 0, true
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case '/' < c && c < 0x7f:
		case c == '/':
			if dots(path[start:i]) {
				return false
			}
			start = i + 1
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return !dots(path[start:]) && (ascii || utf8.ValidString(path))
}

// names lists the variables of a template.
func names(parts []part) (list []string) {
	for _, p := range parts {
		if p.name != "" {
			list = append(list, p.name)
		}
	}
	return list
}

// expression returns the regular expression of a template, with a group for each
// variable, without its end.
func expression(parts []part) string {
	var pattern strings.Builder
	pattern.WriteString("^")
	for _, p := range parts {
		if p.name == "" {
			pattern.WriteString(regexp.QuoteMeta(p.text))
		} else {
			pattern.WriteString("(" + p.pattern + ")")
		}
	}
	return pattern.String()
}

// A step is what the search does at a node: literal text, then one segment, or what is
// left of one, that a variable takes.
type step struct {
	literal string
	segment *segment // nil: none, this is the end
}

// A segment takes a path up to the next slash.
type segment struct {
	source  string // of its pattern, the same for segments that take the same
	after   string // text behind the variable, if that takes any text: {name}.html
	class   *class // nil: see pattern
	pattern *regexp.Regexp
}

// takes reports whether the segment takes a text without slashes.
func (s *segment) takes(text string) bool {
	switch {
	case s.class != nil:
		return s.class.takes(text)
	case s.pattern != nil:
		return s.pattern.MatchString(text)
	}
	return len(text) > len(s.after) && strings.HasSuffix(text, s.after)
}

// A variable is one of a route's. Where its value begins follows from the path: after so
// many slashes, and so many bytes.
type variable struct {
	name    string
	slashes int            // in the path before it
	offset  int            // bytes after the last of them
	after   int            // bytes of the segment behind the value
	rest    bool           // it takes all that is left, slashes too
	pattern *regexp.Regexp // that takes its text apart; nil: the text is the value
	group   int            // of the pattern, from 1
}

// value cuts the variable's value out of a path that its route has matched.
func (v *variable) value(path string) string {
	at := 0
	for n := v.slashes; n > 0; at++ {
		if path[at] == '/' {
			n--
		}
	}
	text := path[at+v.offset:]
	if end := strings.IndexByte(text, '/'); end >= 0 && !v.rest {
		text = text[:end]
	}
	text = text[:len(text)-v.after]
	if v.pattern != nil {
		m := v.pattern.FindStringSubmatchIndex(text)
		if m == nil || m[2*v.group] < 0 {
			return ""
		}
		text = text[m[2*v.group]:m[2*v.group+1]]
	}
	if strings.Contains(text, slashInValue) {
		text = strings.ReplaceAll(text, slashInValue, "/")
	}
	return text
}

// A plan says how the tree finds a route.
type plan struct {
	steps     []step
	open      bool           // more may follow
	least     int            // bytes that must follow, if it is open
	pattern   *regexp.Regexp // that decides about the whole path; nil: the steps do
	variables []variable
}

// planOf makes the plan of a path template that has been checked; prefix says that more
// may follow. A variable that may take a slash, or that does not know where it ends,
// leaves the decision to a regular expression for the whole path.
func planOf(parts []part, prefix bool) plan {
	p := plan{open: prefix}
	var literal strings.Builder
	slashes, offset := 0, 0
	pieces := split(parts)
	for i := 0; i < len(pieces); {
		piece := pieces[i]
		if piece.name == "" {
			literal.WriteString(piece.text)
			if offset += len(piece.text); piece.text == "/" {
				slashes, offset = slashes+1, 0
			}
			i++
			continue
		}
		end := i
		for end < len(pieces) && pieces[end].text != "/" {
			end++
		}
		within, last := pieces[i:end], end == len(pieces)
		if last && len(within) == 1 && (piece.pattern == ".*" || piece.pattern == ".+") {
			p.variables = append(p.variables, variable{name: piece.name, slashes: slashes, offset: offset, rest: true})
			p.open, p.least = true, strings.Count(piece.pattern, "+")
			break
		}
		taken := segmentOf(within)
		if taken == nil || last && prefix && taken.source != anySegment {
			return wholePlan(parts, prefix, p.steps, literal.String())
		}
		group := 0
		for _, w := range within {
			if w.name != "" {
				group++
				p.variables = append(p.variables, variable{name: w.name, slashes: slashes, offset: offset, after: len(taken.after), pattern: taken.pattern, group: group})
			}
		}
		p.steps = append(p.steps, step{literal.String(), taken})
		literal.Reset()
		i = end
	}
	p.steps = append(p.steps, step{literal: literal.String()})
	return p
}

func wholePlan(parts []part, prefix bool, before []step, literal string) plan {
	source := expression(parts)
	if !prefix {
		source += "$"
	}
	p := plan{steps: append(before, step{literal: literal}), open: true, pattern: regexp.MustCompile(source)}
	for i, name := range names(parts) {
		p.variables = append(p.variables, variable{name: name, rest: true, pattern: p.pattern, group: i + 1})
	}
	return p
}

// split splits the literal text of a template at its slashes, which are pieces too.
func split(parts []part) (pieces []part) {
	for _, p := range parts {
		if p.name != "" {
			pieces = append(pieces, p)
			continue
		}
		for i, text := range strings.Split(p.text, "/") {
			if i > 0 {
				pieces = append(pieces, part{text: "/"})
			}
			if text != "" {
				pieces = append(pieces, part{text: text})
			}
		}
	}
	return pieces
}

// segmentOf returns the segment that some parts take, nil if they may take a slash.
func segmentOf(parts []part) *segment {
	for _, p := range parts {
		if p.name != "" && !withinSegment(p.pattern) {
			return nil
		}
	}
	if len(parts) == 1 {
		source := parts[0].pattern
		if source == anySegment {
			return &segment{source: source}
		}
		if class := classOf(source); class != nil {
			return &segment{source: source, class: class}
		}
	}
	source := expression(parts) + "$"
	if len(parts) == 2 && parts[0].pattern == anySegment && parts[1].name == "" {
		return &segment{source: source, after: parts[1].text}
	}
	return &segment{source: source, pattern: regexp.MustCompile(source)}
}

// A class is a pattern like [0-9]+ or \d{4}: some characters of one set. It is told apart
// without a regular expression, in half the time.
type class struct {
	ascii    [2]uint64 // a bit for each character
	beyond   bool      // all others are in it too
	min, max int       // how many bytes; max -1: any number
}

func (c *class) takes(text string) bool {
	if len(text) < c.min || c.max >= 0 && len(text) > c.max {
		return false
	}
	for i := range len(text) {
		if b := text[i]; b >= utf8.RuneSelf && !c.beyond || b < utf8.RuneSelf && c.ascii[b>>6]>>(b&63)&1 == 0 {
			return false
		}
	}
	return true
}

// classOf returns the class of a pattern, nil if it is something else.
func classOf(pattern string) *class {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	c := &class{min: 1, max: 1}
	switch re.Op {
	case syntax.OpPlus:
		c.max = -1
	case syntax.OpStar:
		c.min, c.max = 0, -1
	case syntax.OpRepeat:
		c.min, c.max = re.Min, re.Max
	case syntax.OpCharClass:
		re = &syntax.Regexp{Sub: []*syntax.Regexp{re}}
	default:
		return nil
	}
	set := re.Sub[0]
	if set.Op != syntax.OpCharClass {
		return nil
	}
	for i := 0; i < len(set.Rune); i += 2 {
		low, high := set.Rune[i], set.Rune[i+1]
		for r := low; r <= min(high, utf8.RuneSelf-1); r++ {
			c.ascii[r>>6] |= 1 << (r & 63)
		}
		if high >= utf8.RuneSelf {
			if low > utf8.RuneSelf || high != utf8.MaxRune {
				return nil
			}
			c.beyond = true
		}
	}
	if c.beyond && (c.min > 1 || c.max >= 0) {
		return nil // which counts characters, not bytes
	}
	return c
}

// withinSegment reports whether a pattern never matches a slash and does not look at
// what stands around it.
func withinSegment(pattern string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	return err == nil && stays(parsed)
}

func stays(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return false
	case syntax.OpLiteral:
		return !slices.Contains(re.Rune, '/')
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i] <= '/' && '/' <= re.Rune[i+1] {
				return false
			}
		}
	}
	for _, sub := range re.Sub {
		if !stays(sub) {
			return false
		}
	}
	return true
}
