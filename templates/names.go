package templates

import (
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A call is a call of static, url or hasRoute in a file whose first argument is a constant.
type call struct {
	place          string // file:line:column
	function, name string
}

// Parsing with text/template/parse would find more calls, such as {{"a.css" | static}}.
// Those are found when the page is rendered.
const constant = `"(?:\\.|[^"\\])*"|` + "`[^`]*`"

// checked are the functions whose first argument is checked if it is a constant.
var checked = []string{"static", "url", "hasRoute"}

var (
	comment   = regexp.MustCompile(`(?s)\{\{(?:- )?/\*.*?\*/(?: -)?\}\}`)
	named     = regexp.MustCompile(constant + `|[\s({|=,](` + strings.Join(checked, "|") + `)\s+\(*(` + constant + `)`)
	content   = regexp.MustCompile(`\{\{-?\s*(?:template|block)\s+["` + "`" + `]content["` + "`" + `]`)
	blockWord = regexp.MustCompile(`^\{\{(?:- )?\s*(if|range|with|block|define|end)\b`)
	nonce     = regexp.MustCompile(`\{\{[^}]*\.Nonce\b`)
)

// withoutComments returns a file with spaces instead of its comments, so that every place
// in it stays the same.
func withoutComments(file string) string {
	if !strings.Contains(file, "/*") {
		return file
	}
	return comment.ReplaceAllStringFunc(file, func(c string) string {
		return strings.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}, c)
	})
}

// actions returns where the actions of a file begin and end. What looks like an end within a
// constant is none. An action without an end is left out.
func actions(file string) (all [][2]int) {
	for at := 0; ; {
		begin := strings.Index(file[at:], "{{")
		if begin < 0 {
			return all
		}
		begin += at
		at = begin + 2
		if end := endOfAction(file, at); end >= 0 {
			all = append(all, [2]int{begin, end})
			at = end
		} else {
			at = begin + 1
		}
	}
}

// endOfAction returns the place after the action whose inside begins at a place, or -1.
func endOfAction(file string, at int) int {
	for at < len(file) {
		switch c := file[at]; {
		case strings.HasPrefix(file[at:], "}}"):
			return at + 2
		case c == '"' || c == '\'' || c == '`':
			if at = endOfConstant(file, at); at < 0 {
				return -1
			}
		default:
			at++
		}
	}
	return -1
}

// endOfConstant returns the place after the constant whose quotation mark is at a place, or -1.
func endOfConstant(file string, at int) int {
	mark := file[at]
	for at++; at < len(file); at++ {
		switch c := file[at]; {
		case c == mark:
			return at + 1
		case c == '\\' && mark != '`':
			at++
		}
	}
	return -1
}

// callsIn returns the calls in a file, in order. The file has no comments.
func callsIn(name, file string) (calls []call) {
	for _, a := range actions(file) {
		if text := file[a[0]:a[1]]; !slices.ContainsFunc(checked, func(f string) bool { return strings.Contains(text, f) }) {
			continue
		}
		for _, c := range named.FindAllStringSubmatchIndex(file[a[0]:a[1]], -1) {
			if c[2] < 0 {
				continue // a constant
			}
			argument, err := strconv.Unquote(file[a[0]+c[4] : a[0]+c[5]])
			if err != nil {
				continue // which html/template reports
			}
			before := file[:a[0]+c[2]]
			line := strings.Count(before, "\n") + 1
			column := len(before) - strings.LastIndexByte(before, '\n') - 1
			place := fmt.Sprintf("%s:%d:%d", name, line, column)
			calls = append(calls, call{place, file[a[0]+c[2] : a[0]+c[3]], argument})
		}
	}
	return calls
}

// checkNames looks for the calls of static and url in all files, by their names without
// .html. It keeps those of url in the site's own files for CheckURLs, unless the file asks
// hasRoute about the name, and returns a mistake for each static file that does not exist.
func (s *Set) checkNames(files map[string]string, own map[string]bool, funcs template.FuncMap) (mistakes []error) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		calls := callsIn(name+".html", files[name])
		asked := map[string]bool{}
		for _, c := range calls {
			asked[c.name] = asked[c.name] || c.function == "hasRoute"
		}
		for _, c := range calls {
			switch {
			case funcs[c.function] != nil: // a function of the site, whose argument may mean anything
			case c.function == "hasRoute":
			case c.function == "url":
				if own[name] && !asked[c.name] {
					s.urls = append(s.urls, c)
				}
			default:
				s.static = true
				if s.files[c.name].Type == "" {
					mistakes = append(mistakes, fmt.Errorf("templates: %s: %s", c.place, s.noStatic(c.name)))
				}
			}
		}
	}
	return mistakes
}

// showsContent reports whether a layout, or a part that it may use, shows the page.
func showsContent(layout string, files map[string]string) bool {
	for name, file := range files {
		if (name == layout || isPart(name)) && content.MatchString(file) {
			return true
		}
	}
	return false
}
