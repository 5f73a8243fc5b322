package framework

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The patterns of variables without a pattern, as in mux.
const (
	anySegment = "[^/]+" // of a path
	anyLabel   = "[^.]+" // of a host
	anyQuery   = ".*"    // of a query's value
)

// slashInValue stands for an encoded slash (%2F) while a path is matched, so that
// variables match it and slashes of templates do not. No valid path has this byte.
const slashInValue = "\x00"

// The names of the variables that webapp2.Template and webapp2.Regex make: for text that has
// a meaning in templates, for the unnamed variables of a host, and for the parts of a
// regular expression outside of its groups. No other template has them.
const (
	openBrace  = "-open"
	closeBrace = "-close"
	percent    = "-percent"
	hostPart   = "-host" // each unnamed variable of a host
	anyPart    = "-any"  // and a number
)

// literalOf returns the text of a variable that webapp2.Template has made for text.
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

// isHidden reports whether webapp2.Template or webapp2.Regex has made a variable.
func isHidden(name string) bool {
	_, literal := literalOf(name)
	return literal || name == hostPart || strings.HasPrefix(name, anyPart)
}

// A part of a template is text or a variable.
type part struct {
	text          string // if it is text
	name, pattern string // if it is a variable; else empty
}

// parseTemplate splits a template of mux into its parts. Anything is the pattern of
// variables without a pattern. Variables that webapp2.Template has made for text become
// text.
func parseTemplate(template, anything string) (parts []part, err error) {
	if !utf8.ValidString(template) {
		return nil, fmt.Errorf("template %q is not UTF-8: correct its encoding", template)
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
		if at := webapp2Variable.FindStringIndex(rest); at != nil && (begin < 0 || at[0] < begin) {
			return nil, webapp2Syntax(template, rest[at[0]:at[1]])
		}
		if begin < 0 {
			literal(rest)
			return parts, nil
		}
		end := closing(rest[begin:])
		if end < 0 {
			return nil, fmt.Errorf("template %q has unbalanced braces: close each brace", template)
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

// webapp2Variable is a variable in webapp2's syntax: <name>, <name:regex>, <:regex> or <>.
// The templates that webapp2.Template returns have none in their text.
var webapp2Variable = regexp.MustCompile(`<([A-Za-z_][\p{L}\p{N}_]*)?(:[^>]*)?>`)

// webapp2Syntax returns the error of a template that has a variable in webapp2's syntax.
func webapp2Syntax(template, variable string) error {
	groups := webapp2Variable.FindStringSubmatch(variable)
	return fmt.Errorf("template %q: %s is webapp2's syntax: write {%s%s}, or translate the whole template with webapp2.Template, or write {lt:<}%s for the text",
		template, variable, cmp.Or(groups[1], "name"), strings.TrimSuffix(groups[2], ":"), variable[1:])
}

// patternNames returns the variables in the pattern of another router: {name} and
// {name...} of net/http, {name:regexp} of others.
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

// closing returns the index of the brace that closes the first brace of text, or -1.
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

// checkVariable returns an error for a variable that cannot be used.
func checkVariable(name, pattern string, given bool) error {
	switch {
	case name == "$":
		return errors.New("{$} is the syntax of net/http: remove it, because a path matches as a whole")
	case strings.HasSuffix(name, "...") && !given:
		return fmt.Errorf("{%s} is the syntax of net/http: write {%s:.*}", name, strings.TrimSuffix(name, "..."))
	case name == "":
		return errors.New("a variable has no name: write {name}")
	case pattern == "":
		return fmt.Errorf("variable %q has an empty pattern: remove the colon", name)
	}
	compiled, err := regexp.Compile(pattern)
	if err == nil {
		_, err = regexp.Compile("(?:" + pattern + ")") // as it is used: a \Q may be open
	}
	if err != nil {
		return fmt.Errorf("variable %q: %w", name, err)
	}
	if compiled.NumSubexp() > 0 {
		return fmt.Errorf("variable %q: the pattern has a capturing group: write (?:...) for (...)", name)
	}
	return nil
}

// checkPath returns an error for a path template that no request can match, or that has
// the syntax of another router.
func checkPath(template string, parts []part) error {
	if template != "" && template[0] != '/' {
		if method, path, ok := strings.Cut(template, " "); ok && strings.HasPrefix(path, "/") {
			return fmt.Errorf("template %q begins with a method: write %q, and Methods(%q) if the handler is not made by To", template, path, method)
		}
		return fmt.Errorf("template %q must begin with a slash: write %q", template, "/"+template)
	}
	for i, p := range parts {
		if p.name != "" {
			continue
		}
		for j := range len(p.text) {
			if p.text[j] < ' ' || p.text[j] == 0x7f {
				return fmt.Errorf("template %q has a control character, which no path can have", template)
			}
		}
		segments := strings.Split(p.text, "/")
		for j, segment := range segments {
			whole := (j > 0 || i == 0) && (j < len(segments)-1 || i == len(parts)-1) // whether it is next to no variable
			switch {
			case whole && isDotSegment(segment):
				return fmt.Errorf("template %q has the segment %q, which no path can have", template, segment)
			case segment == "*" && whole:
				return fmt.Errorf("template %q: * is the syntax of another router: write {rest:.*}, or {star:\\*} for the character", template)
			case len(segment) > 1 && segment[0] == ':' && (j > 0 || i == 0) && isLetter(segment[1]):
				return fmt.Errorf("template %q: %s is the syntax of another router: write {%s}, or {colon::}%s for the text", template, segment, segment[1:], segment[1:])
			}
		}
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

// isDotSegment reports whether a segment is "." or "..".
func isDotSegment(segment string) bool { return segment == "." || segment == ".." }

// validPath reports whether a path may be served: it is UTF-8, and has no control
// characters and no dot segments, which a browser or a file system would resolve.
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

// variableNames returns the variables of a template.
func variableNames(parts []part) (list []string) {
	for _, p := range parts {
		if p.name != "" {
			list = append(list, p.name)
		}
	}
	return list
}

// expression returns the regular expression of a template, with a group for each
// variable. It matches at the beginning of a text.
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
