package framework

import (
	"errors"
	"fmt"
	"regexp"
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

// isHidden reports whether webapp2.Template made a variable up.
func isHidden(name string) bool {
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
			case whole && isDotSegment(segment):
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

func isDotSegment(segment string) bool { return segment == "." || segment == ".." }

// validPath reports whether a path can be one of ours: UTF-8, without control bytes,
// and without a segment that a browser or a file system would resolve.
func validPath(path string) bool {
	start, ascii := 0, true
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case '/' < c && c < 0x7f:
		case c == '/':
			if isDotSegment(path[start:i]) {
				return false
			}
			start = i + 1
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return !isDotSegment(path[start:]) && (ascii || utf8.ValidString(path))
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
