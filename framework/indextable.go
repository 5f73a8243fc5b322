package framework

import (
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// A tableRow is a route of mux that can take a request: an entry, or, where the index
// must leave it to mux, the text with which every path that it matches begins.
type tableRow struct {
	entry  *entry
	prefix string
}

// readTable lists the routes of a router in the order in which mux tries them. It
// returns false where the whole table is for mux: the router cleans or decodes paths
// its own way, has middleware beside the one of New, or is not of the version that this was written for.
func readTable(router *mux.Router) (rows []tableRow, ok bool) {
	if middlewares(router) > 1 || setting(router, "useEncodedPath") || !setting(router, "skipClean") {
		return nil, false
	}
	below := map[*mux.Route]bool{} // whether something above or in its router makes a route one for mux
	err := router.Walk(func(r *mux.Route, parent *mux.Router, ancestors []*mux.Route) error {
		if slices.ContainsFunc(ancestors, mountsRouter) {
			return nil // reached only through the route that mounts it, which is left to mux
		}
		leftToMux := false
		if len(ancestors) > 0 {
			above := ancestors[len(ancestors)-1]
			leftToMux = below[above] || special(above) || middlewares(parent) > 0 || hasAnswers(parent)
		}
		below[r] = leftToMux
		if r.GetError() != nil || setting(r, "buildOnly") {
			return nil
		}
		if r.GetHandler() == nil && slices.ContainsFunc(matchers(r), isSubrouter) {
			return nil // its own routes follow
		}
		template, _ := r.GetPathTemplate()
		row := tableRow{prefix: literalStart(template)}
		if !leftToMux && !special(r) && wholePath(r, template) {
			row.entry = newEntry(r, template)
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err == nil
}

// newEntry returns a route as the index knows it, nil where it cannot.
func newEntry(r *mux.Route, template string) *entry {
	if r.GetHandler() == nil {
		return nil
	}
	segments, ok := splitTemplate(template)
	if !ok {
		return nil
	}
	names := map[string]bool{}
	for _, s := range segments {
		for _, name := range s.names {
			if name != "" && names[name] {
				return nil // which of the two values counts is for mux to say
			}
			names[name] = true
		}
	}
	delete(names, "")
	e := &entry{template: template, segments: segments, named: len(names) > 0, mux: r}
	e.verbs, _ = r.GetMethods()
	e.route, _ = r.GetHandler().(*route)
	return e
}

// special tells whether something other than the path and the verbs decides about a
// route: a matcher of another kind, more than one list of verbs, or a setting.
func special(r *mux.Route) bool {
	if setting(r, "strictSlash") || setting(r, "useEncodedPath") {
		return true
	}
	verbs := 0
	for _, m := range matchers(r) {
		switch m.kind {
		case pathMatcher, prefixMatcher, subrouter:
		case verbMatcher:
			verbs++
		default:
			return true
		}
	}
	return verbs > 1
}

// wholePath tells whether a route's template is for whole paths, and all that mux
// asks of a path beside it are prefixes of the same text.
func wholePath(r *mux.Route, template string) bool {
	whole := 0
	for _, m := range matchers(r) {
		switch m.kind {
		case pathMatcher:
			whole++
		case prefixMatcher:
			if !strings.HasPrefix(template, m.template) || !takesSegments(m.template) {
				return false
			}
		}
	}
	return whole == 1
}

// takesSegments tells whether each variable of a prefix takes a whole segment. mux
// reads the variables of a subrouter's prefix again, from the prefix alone, where a
// pattern like "a|ab" can stop sooner than in the whole path.
func takesSegments(prefix string) bool {
	segments, ok := splitTemplate(prefix)
	return ok && !slices.ContainsFunc(segments, func(s segment) bool { return s.pattern != nil })
}

func mountsRouter(r *mux.Route) bool {
	_, mounts := r.GetHandler().(*mux.Router)
	return mounts
}

// middlewares counts those of a router. If it cannot it returns many, which leaves the
// routes to mux.
func middlewares(router *mux.Router) int {
	field := reflect.ValueOf(router).Elem().FieldByName("middlewares")
	if !field.IsValid() || field.Kind() != reflect.Slice {
		return math.MaxInt
	}
	return field.Len()
}

// hasAnswers tells whether a subrouter answers 404 or 405 itself.
func hasAnswers(router *mux.Router) bool {
	return router.NotFoundHandler != nil || router.MethodNotAllowedHandler != nil
}

// A matcher is one thing that decides about a route.
type matcher struct {
	kind     matcherKind
	template string // of a path or a prefix
}

type matcherKind int

const (
	unknownMatcher matcherKind = iota // of a host, a query, a header, a scheme, a function, or not to be read
	pathMatcher
	prefixMatcher
	verbMatcher
	subrouter
)

func isSubrouter(m matcher) bool { return m.kind == subrouter }

// matchers lists what decides about a route. mux does not tell, so unexported fields
// are read, which is safe; a field that is not there makes a matcher that nobody
// knows, and the route is left to mux.
func matchers(r *mux.Route) (list []matcher) {
	field := reflect.ValueOf(r).Elem().FieldByName("matchers")
	if !field.IsValid() || field.Kind() != reflect.Slice {
		return []matcher{{kind: unknownMatcher}}
	}
	for i := range field.Len() {
		list = append(list, readMatcher(field.Index(i).Elem()))
	}
	return list
}

func readMatcher(value reflect.Value) matcher {
	switch value.Type().String() {
	case "mux.methodMatcher":
		return matcher{kind: verbMatcher}
	case "*mux.Router":
		return matcher{kind: subrouter}
	case "*mux.routeRegexp":
		kind, template := value.Elem().FieldByName("regexpType"), value.Elem().FieldByName("template")
		if !kind.IsValid() || !kind.CanInt() || !template.IsValid() || template.Kind() != reflect.String {
			break
		}
		switch kind.Int() { // mux: path, host, prefix, query
		case 0:
			return matcher{pathMatcher, template.String()}
		case 2:
			return matcher{prefixMatcher, template.String()}
		}
	}
	return matcher{kind: unknownMatcher}
}

// setting reads a boolean that mux does not tell; unreadable is true, which leaves the
// most to mux.
func setting(of any, name string) bool {
	field := reflect.ValueOf(of).Elem().FieldByName(name)
	return !field.IsValid() || field.Kind() != reflect.Bool || field.Bool()
}

// literalStart returns the text with which every path that a template matches begins.
func literalStart(template string) string {
	literal, _, _ := strings.Cut(template, "{")
	return strings.TrimSuffix(literal, "/")
}
