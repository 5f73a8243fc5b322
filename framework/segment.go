package framework

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// A segment is one part of a route's path, between two slashes: literal text, one
// variable, or text and variables that a pattern takes apart.
type segment struct {
	text    string         // as the template has it
	names   []string       // of its variables, in order; empty: one that Vars does not show
	pattern *regexp.Regexp // nil: literal text, or one variable that takes everything
}

func (s *segment) literal() bool { return len(s.names) == 0 }

// matches is asked of segments that are not literal.
func (s *segment) matches(text string) bool {
	if s.pattern == nil {
		return text != ""
	}
	return s.pattern.MatchString(text)
}

// extract adds the variables of a segment that matches and is not literal.
func (s *segment) extract(text string, vars map[string]string) {
	if s.pattern == nil {
		if s.names[0] != "" {
			vars[s.names[0]] = text
		}
		return
	}
	at := s.pattern.FindStringSubmatchIndex(text)
	for i, name := range s.names {
		if name != "" {
			vars[name] = text[at[2*i+2]:at[2*i+3]]
		}
	}
}

// splitTemplate takes a path template of mux apart. It returns false where a variable
// could match a slash, so that segments say nothing about what matches.
func splitTemplate(template string) (segments []segment, ok bool) {
	if !strings.HasPrefix(template, "/") {
		return nil, false
	}
	var (
		s       segment
		pattern strings.Builder
		start   = 1
		rest    = 1 // where the literal text after the last variable begins
		depth   int
		brace   int
	)
	end := func(at int) bool {
		s.text = template[start:at]
		if len(s.names) > 0 {
			pattern.WriteString(regexp.QuoteMeta(template[rest:at]))
			if s.text != "{"+s.names[0]+"}" {
				compiled, err := regexp.Compile("^" + pattern.String() + "$")
				if err != nil {
					return false
				}
				s.pattern = compiled
			}
			for i, name := range s.names {
				if isInvented(name) {
					s.names[i] = ""
				}
			}
		}
		segments = append(segments, s)
		s, start, rest = segment{}, at+1, at+1
		pattern.Reset()
		return true
	}
	for i := 1; i < len(template); i++ {
		switch c := template[i]; {
		case c == '{':
			if depth++; depth == 1 {
				brace = i
			}
		case c == '}':
			if depth--; depth == 0 {
				name, of, given := strings.Cut(template[brace+1:i], ":")
				if !given {
					of = "[^/]+"
				} else if !withinSegment(of) {
					return nil, false
				}
				pattern.WriteString(regexp.QuoteMeta(template[rest:brace]))
				pattern.WriteString("(?P<v" + strconv.Itoa(len(s.names)) + ">" + of + ")")
				s.names = append(s.names, name)
				rest = i + 1
			}
		case c == '/' && depth == 0:
			if !end(i) {
				return nil, false
			}
		}
	}
	return segments, depth == 0 && end(len(template))
}

// withinSegment tells whether a pattern never matches a slash and does not look at
// where the text begins and ends.
func withinSegment(pattern string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	return err == nil && stays(parsed)
}

func stays(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText:
		return false
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if c == '/' {
				return false
			}
		}
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
