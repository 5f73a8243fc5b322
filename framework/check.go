package framework

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/gorilla/mux"
)

// Check returns the mistakes that can be found before the first request, all of them
// joined, nil if there are none. [Serve] calls it.
//
// It makes a handler of every type that has a route, runs App.Init on it with a GET
// of "/" and a Response that goes nowhere, and asks its Ready() error where it has
// one. And it reports what mux keeps to itself: templates that are wrong, names of
// routes and of a route's variables given twice, StrictSlash, a NotFoundHandler or MethodNotAllowedHandler that was replaced,
// a route of [ToMethod] that names no verbs, one that takes GET and not HEAD.
func (a *App) Check() error {
	mistakes := a.checkTable()
	a.mutex.Lock()
	routes := slices.Clone(a.routes)
	a.mutex.Unlock()
	for _, rt := range routes {
		mistakes = append(mistakes, a.checkRoute(rt))
	}
	mistakes = append(mistakes, a.checkFallback())
	for status := range a.Errors {
		if status < 300 || status > 599 {
			mistakes = append(mistakes, fmt.Errorf("framework: App.Errors[%d] is never called: an error's status is 300 to 599", status))
		}
	}
	if _, err := a.base(); err != nil {
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

func (a *App) checkRoute(rt *route) error {
	first, second := rt.newHandler(), rt.newHandler()
	if first == nil || second == nil {
		return errors.New("framework: the constructor given to From returned no handler")
	}
	if first.requestHandler() == second.requestHandler() {
		return fmt.Errorf("framework: the constructor given to From returned the same %T twice: it must make a new one for each request", first)
	}
	return a.probe(first)
}

// probe gives a handler all that it gets for a request, and asks whether it is ready.
func (a *App) probe(h Handler) error {
	r, err := http.NewRequest(http.MethodGet, "/", http.NoBody)
	if err != nil {
		return err
	}
	err = protect(func() error {
		Init(h, a, nowhere{}, r)
		if h, ok := h.(readier); ok {
			return h.Ready()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("framework: %T: %w", h, err)
	}
	return nil
}

// nowhere is the writer behind the Response of a probe.
type nowhere http.Header

func (n nowhere) Header() http.Header         { return http.Header(n) }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

// checkTable reports what mux does not.
func (a *App) checkTable() (mistakes []error) {
	report := func(format string, arguments ...any) {
		mistakes = append(mistakes, fmt.Errorf("framework: "+format, arguments...))
	}
	if !same(a.NotFoundHandler, a.noRoute) || !same(a.MethodNotAllowedHandler, a.noMethod) {
		report("NotFoundHandler or MethodNotAllowedHandler was replaced: use App.Fallback and App.Errors")
	}
	names := map[string]string{}
	err := a.Walk(func(entry *mux.Route, router *mux.Router, _ []*mux.Route) error {
		template, _ := entry.GetPathTemplate()
		if err := entry.GetError(); err != nil {
			report("route %q never matches: %v", template, err)
			return nil
		}
		if router != a.Router && (router.NotFoundHandler != nil && !same(router.NotFoundHandler, a.noRoute) ||
			router.MethodNotAllowedHandler != nil && !same(router.MethodNotAllowedHandler, a.noMethod)) {
			report("the subrouter of %q has a NotFoundHandler or MethodNotAllowedHandler: use App.Fallback and App.Errors", template)
		}
		if name := entry.GetName(); name != "" {
			if other, taken := names[name]; taken {
				report("routes %q and %q are both named %q", other, template, name)
			}
			names[name] = template
		}
		if name := repeated(entry); name != "" {
			report("route %q has two variables named %q: give one of them another name", template, name)
		}
		if strictSlash(entry) {
			report("route %q has StrictSlash, after whose redirect a POST comes back as a GET: make a route for the other form", template)
		}
		methods, _ := entry.GetMethods()
		if rt, ours := entry.GetHandler().(*route); ours && rt.verbs.only != nil && len(methods) == 0 {
			report("route %q of ToMethod takes every verb: name them with Methods", template)
		}
		if slices.Contains(methods, http.MethodGet) && !slices.Contains(methods, http.MethodHead) {
			report("route %q takes GET and not HEAD: add HEAD to Methods", template)
		}
		return nil
	})
	if err != nil {
		mistakes = append(mistakes, fmt.Errorf("framework: %w", err))
	}
	return mistakes
}

// same tells whether two handlers are the same function or value.
func same(a, b http.Handler) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if x, ok := a.(http.HandlerFunc); ok {
		y, ok := b.(http.HandlerFunc)
		return ok && reflect.ValueOf(x).Pointer() == reflect.ValueOf(y).Pointer()
	}
	return false
}

// repeated returns a name that two variables of a route have, "" if there is none: mux
// takes it, and keeps one of the values.
func repeated(route *mux.Route) string {
	names, _ := route.GetVarNames()
	for i, name := range names {
		if slices.Contains(names[:i], name) && !isInvented(name) {
			return name
		}
	}
	return ""
}

// strictSlash reads the setting of a route, which mux does not tell.
func strictSlash(route *mux.Route) bool {
	field := reflect.ValueOf(route).Elem().FieldByName("strictSlash")
	return field.IsValid() && field.Kind() == reflect.Bool && field.Bool()
}
