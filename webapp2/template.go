package webapp2

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
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
// are h.Var("0") and h.Var("1"), also beside named ones, where webapp2 dropped them.
// The count starts anew with each template, so a prefix and its children should
// not both have unnamed ones. Unnamed variables of a host are in no Vars, as in
// webapp2.
//
// Groups in a regex become non-capturing, as mux wants them. Text that mux would
// take for its own, which is braces and the percent sign, becomes a variable that
// [framework.App.URL] fills in and that is kept out of Vars.
//
// What Python's re has and Go's regexp has not (lookaround, backreferences, the
// flags a, L, u and x, ...) is an error that names it; so is a name used twice.
// \d, \w, \s and \b mean ASCII, as they did to Python 2.
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

func submatch(text string, at []int, group int) string {
	if at[2*group] < 0 {
		return ""
	}
	return text[at[2*group]:at[2*group+1]]
}

// The names of the variables that Template makes up. Package framework knows them: it
// leaves them out of the variables of a route, and fills them in when it builds a URL.
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
