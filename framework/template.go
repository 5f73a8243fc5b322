package framework

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// webapp2Variable is a variable of webapp2's route templates: <name>, <name:regex>,
// <:regex> or <>. What does not have this form is literal text.
var webapp2Variable = regexp.MustCompile(`<([A-Za-z_][\p{L}\p{N}_]*)?(?::([^>]*))?>`)

// Template turns a route template of webapp2 into one of gorilla/mux:
//
//	/archive/<year:\d{4}>/<slug>   becomes   /archive/{year:\d{4}}/{slug}
//
// It serves paths, prefixes of paths and, where the template does not begin with
// a slash, hosts. The result is for Handle, Path, PathPrefix and Host.
//
// An unnamed variable gets its number for a name: the values of "/<:\d+>/<:\w+>"
// are Vars["0"] and Vars["1"], also beside named ones, where webapp2 dropped them.
// The count starts anew with each template, so a prefix and its children should
// not both have unnamed ones.
//
// Groups in a regex become non-capturing, as mux wants them. Text that mux would
// take for its own, which is braces and the percent sign, becomes a variable with
// a name that [RequestHandler] keeps out of Vars and that [App.URL] fills in.
//
// What Python's re has and Go's regexp has not (lookaround, backreferences, the
// flags a, L, u and x, ...) is an error that names it; so is a name used twice.
// \d, \w, \s and \b mean ASCII, as they did to Python 2.
func Template(webapp2 string) (mux string, err error) {
	var out strings.Builder
	host := webapp2 != "" && webapp2[0] != '/'
	names := make(map[string]bool)
	unnamed := 0
	rest := webapp2
	for {
		at := webapp2Variable.FindStringSubmatchIndex(rest)
		if at == nil {
			writeLiteral(&out, rest)
			return out.String(), nil
		}
		writeLiteral(&out, rest[:at[0]])
		name, pattern := submatch(rest, at, 1), submatch(rest, at, 2)
		if name == "" {
			name = strconv.Itoa(unnamed)
			unnamed++
		}
		if names[name] {
			return "", fmt.Errorf("framework: route template %q: two variables are named %q; give one of them another name", webapp2, name)
		}
		names[name] = true
		if pattern != "" {
			translated, err := translatePattern(pattern, host)
			if err != nil {
				return "", fmt.Errorf("framework: route template %q: variable %q: %w", webapp2, name, err)
			}
			name += ":" + translated
		}
		out.WriteString("{" + name + "}")
		rest = rest[at[1]:]
	}
}

func submatch(text string, at []int, group int) string {
	if at[2*group] < 0 {
		return ""
	}
	return text[at[2*group]:at[2*group+1]]
}

// literalPrefix begins the name of a variable that stands for literal text. It
// begins no variable of webapp2's, and the rest of the name is the text in hex.
const literalPrefix = "-"

// writeLiteral writes text that stands for itself. mux reads braces as variables,
// and a percent sign breaks the URLs it builds.
func writeLiteral(out *strings.Builder, text string) {
	for i := range len(text) {
		switch c := text[i]; c {
		case '{', '}', '%':
			fmt.Fprintf(out, `{%s%02x:\x%02x}`, literalPrefix, c, c)
		default:
			out.WriteByte(c)
		}
	}
}

// literalOf returns the text that a variable stands for, where Template invented
// the variable for literal text.
func literalOf(name string) (text string, ok bool) {
	encoded, ok := strings.CutPrefix(name, literalPrefix)
	if !ok {
		return "", false
	}
	decoded, err := hex.DecodeString(encoded)
	return string(decoded), err == nil
}

// hideLiterals removes from the variables of a match those that Template invented.
func hideLiterals(vars map[string]string) {
	for name := range vars {
		if _, ok := literalOf(name); ok {
			delete(vars, name)
		}
	}
}
