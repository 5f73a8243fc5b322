package source

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Regex turns a whole regular expression, as webapp2's routes had it in tuples, into a path
// with variables:
//
//	/vault/([a-z]+)/page/(?P<n>\d+)$   becomes   /vault/{0:[a-z]+}/page/{n:[0-9]+}
//
// As in webapp2 the expression must match the whole path, with or without ^ and $. Its groups
// are the variables "0", "1" and so on, and a named group, (?P<id>...), has its name. A group
// that matched nothing is the empty string, which was None.
//
// A part outside of the groups that is not text is matched, but does not become a
// variable. A URL can be built if that part may be empty, such as "/?", which the URL
// then leaves out.
//
// Regex returns an error if the expression is not one of Go's (look-around and
// back-references are not), if it does not begin with a slash, "/?" or ".*", if one group is in
// another, if a group is repeated, and if a group stands in one of several alternatives: each
// is a route of its own.
func Regex(expression string) (template string, err error) {
	if !utf8.ValidString(expression) {
		return "", fmt.Errorf("webapp2: regular expression %q is not UTF-8", expression)
	}
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("webapp2: regular expression %q: %w", expression, err)
	}
	tree, err := syntax.Parse(inGo(expression), syntax.Perl)
	if err != nil {
		return fail(fmt.Errorf("not one of Go's: %w", err))
	}
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	var out strings.Builder
	variables, hidden := 0, 0
	names := map[string]bool{}
	for i, part := range parts {
		group := part
		if (part.Op == syntax.OpQuest || part.Op == syntax.OpStar || part.Op == syntax.OpPlus || part.Op == syntax.OpRepeat) && part.Sub[0].Op == syntax.OpCapture {
			group = part.Sub[0]
		}
		switch {
		case part.Op == syntax.OpQuest && out.Len() == 0 && part.Sub[0].String() == "/":
			out.WriteString("/") // which every path has
		case part.Op == syntax.OpBeginText && i == 0, part.Op == syntax.OpEndText && i == len(parts)-1, part.Op == syntax.OpEmptyMatch:
		case part.Op == syntax.OpLiteral && part.Flags&syntax.FoldCase == 0:
			text := strings.NewReplacer("{", `{-open:\x7b}`, "}", `{-close:\x7d}`, "%", `{-percent:\x25}`)
			out.WriteString(text.Replace(string(part.Rune)))
		case group.Op == syntax.OpCapture:
			if group != part && part.Op != syntax.OpQuest {
				return fail(errors.New("a group is repeated: put the repetition into the group"))
			}
			inner := group.Sub[0]
			if inner.MaxCap() > 0 {
				return fail(errors.New("one group is in another: take the brackets of one out, or write (?:...)"))
			}
			name := group.Name
			if name == "" {
				name = strconv.Itoa(variables)
				variables++
			}
			if names[name] {
				return fail(fmt.Errorf("two groups are named %q", name))
			}
			names[name] = true
			pattern := inner.String()
			if group != part {
				pattern = "(?:" + pattern + ")?"
			}
			fmt.Fprintf(&out, "{%s:%s}", name, braces(pattern))
		case part.MaxCap() > 0:
			return fail(errors.New("a group stands in a part that is repeated or has alternatives: make each alternative a route"))
		case part.Op == syntax.OpAlternate && len(parts) == 1:
			return fail(errors.New("alternatives at the top: make each a route"))
		default:
			fmt.Fprintf(&out, "{-any%d:%s}", hidden, braces(part.String()))
			hidden++
		}
	}
	template = out.String()
	if !strings.HasPrefix(template, "/") {
		first := parts[0]
		if first.Op != syntax.OpStar || first.Sub[0].Op != syntax.OpAnyCharNotNL {
			return fail(errors.New("it does not begin with a slash as text"))
		}
		template = "/" + template // .* takes the slash
	}
	return template, nil
}

// differing are the parts of an expression that could be otherwise in Go: an escape, a class
// and a repetition without its lower bound.
var differing = regexp.MustCompile(`(?s)\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{,\d*\}`)

// inGo writes in Go's way what Python has otherwise: \Z for the end, and {,n}.
func inGo(expression string) string {
	return differing.ReplaceAllStringFunc(expression, func(part string) string {
		switch {
		case part == `\Z`:
			return `\z`
		case part[0] == '{':
			return "{0" + part[1:]
		}
		return part
	})
}

// braces writes the braces of a pattern that are text in another way: a template's variable
// ends with the brace that balances its first one.
func braces(pattern string) string {
	if strings.Contains(pattern, "|") {
		pattern = "(?:" + pattern + ")"
	}
	return strings.NewReplacer(`\\`, `\\`, `\{`, `\x7b`, `\}`, `\x7d`).Replace(pattern)
}
