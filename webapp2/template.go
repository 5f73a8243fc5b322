package webapp2

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// webapp2Variable is a variable of a route template of webapp2: <name>, <name:regex>,
// <:regex> or <>. Everything else in a template is text.
var webapp2Variable = regexp.MustCompile(`<([A-Za-z_][\p{L}\p{N}_]*)?(?::([^>]*))?>`)

// Template translates a route template of webapp2 into one of package framework, which
// has the syntax of gorilla/mux:
//
//	/archive/<year:\d{4}>/<slug>   becomes   /archive/{year:\d{4}}/{slug}
//
// It translates paths, prefixes of paths and, if the template does not begin with a
// slash, hosts. The result is for Handle, Path, PathPrefix and Host of
// [framework.Router].
//
// The name of an unnamed variable is its number: the values of "/<:\d+>/<:\w+>" are
// h.Var("0") and h.Var("1"), also if there are named variables, which made webapp2 drop
// them. Each template counts from 0, so a prefix and the routes below it should not both
// have unnamed variables. Unnamed variables of a host cannot be read, as in webapp2.
//
// Groups become non-capturing, as mux requires. Braces and percent signs in text become
// variables that [framework.App.URL] fills in and h.Vars leaves out.
//
// It is an error if the text of the template is a regular expression, as webapp2's tuples have:
// that is for [Regex]. It is an error, which names the place, if a regex uses a feature of Python's re that
// Go's regexp does not have, such as lookaround, backreferences and the flags a, L, u and
// x, and if two variables have one name. As in Python 2, \d, \w, \s and \b are ASCII.
func Template(webapp2 string) (template string, err error) {
	if !utf8.ValidString(webapp2) {
		return "", fmt.Errorf("webapp2: route template %q is not UTF-8", webapp2)
	}
	var out strings.Builder
	host := webapp2 != "" && webapp2[0] != '/'
	names := make(map[string]bool)
	unnamed := 0
	rest := webapp2
	for {
		at := webapp2Variable.FindStringSubmatchIndex(rest)
		if at == nil {
			if found := expressionText.FindString(webapp2Variable.ReplaceAllString(webapp2, "<>")); found != "" {
				return "", fmt.Errorf("webapp2: route template %q has %q in its text, as a regular expression: translate the whole of it with Regex, or put that part into a variable, <:...>", webapp2, found)
			}
			literals.WriteString(&out, rest)
			return out.String(), nil
		}
		literals.WriteString(&out, rest[:at[0]])
		name, pattern := submatch(rest, at, 1), submatch(rest, at, 2)
		if name == "" && host {
			name = hostPart
		}
		if name == "" {
			name = strconv.Itoa(unnamed)
			unnamed++
		}
		if names[name] && name != hostPart {
			return "", fmt.Errorf("webapp2: route template %q: two variables are named %q; give one of them another name", webapp2, name)
		}
		names[name] = true
		if pattern != "" {
			translated, err := translatePattern(pattern, host)
			if err != nil {
				return "", fmt.Errorf("webapp2: route template %q: variable %q: %w", webapp2, name, err)
			}
			name += ":" + translated
		}
		out.WriteString("{" + name + "}")
		rest = rest[at[1]:]
	}
}

// expressionText is in the text of a template if somebody took a regular expression for one: a
// backslash, a class that is repeated, ".*" or ".+", "(?", a group with a class or alternatives
// in it, "^" at the beginning, and "/?" or ")?" at the end.
var expressionText = regexp.MustCompile(`\\|\[[^\]/]+\][*+?{]|\.[*+]|\(\?|\([^()]*[\[|][^()]*\)|^\^|/\?\$?$|\)\?\$?$`)

// submatch returns a group of a match, "" if it did not take part.
func submatch(text string, at []int, group int) string {
	if at[2*group] < 0 {
		return ""
	}
	return text[at[2*group]:at[2*group+1]]
}

// The names of the variables that Template makes. Package framework knows them: it leaves
// them out of the variables of a route, and fills them in when it builds a URL.
const (
	openBrace  = "-open"
	closeBrace = "-close"
	percent    = "-percent"
	hostPart   = "-host" // every unnamed variable of a host
)

var literals = strings.NewReplacer(
	"{", "{"+openBrace+`:\x7b}`,
	"}", "{"+closeBrace+`:\x7d}`,
	"%", "{"+percent+`:\x25}`,
)
