package framework

import (
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/gorilla/mux"
)

// table returns the tree, made at the first request: from then on the routing table must
// not change. Mistakes that nobody has asked Check for are logged then.
func (a *App) table() *tree {
	if t := a.frozen.Load(); t != nil {
		return t
	}
	t := a.freeze()
	if !a.checked.Swap(true) {
		if err := a.Check(); err != nil {
			a.logger().Error("the App has mistakes: call its Check before it serves, to be told at start", "error", err)
		}
	}
	return t
}

func (a *App) freeze() *tree {
	a.freezing.Lock()
	defer a.freezing.Unlock()
	if t := a.frozen.Load(); t != nil {
		return t
	}
	t := &tree{root: node{first: math.MaxInt}, methods: []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE"}}
	if a.Router != nil {
		order := 0
		t.add(a.Router, nil, nil, nil, &order)
	}
	a.frozen.Store(t)
	return t
}

// add adds the routes of a Router and of those below it: with the middleware and the
// guards of the Routers above, and the handler that those of its routes have that have
// none.
func (t *tree) add(rt *Router, middleware []func(http.Handler) http.Handler, guards []func(Handler) error, h http.Handler, order *int) {
	middleware = slices.Concat(middleware, rt.middleware)
	guards = slices.Concat(guards, rt.guards)
	for _, r := range rt.routes {
		handler := r.handler
		if handler == nil {
			handler = h
		}
		switch {
		case len(r.mistakes) > 0 || r.buildOnly:
		case r.below != nil:
			t.add(r.below, middleware, guards, handler, order)
		case handler != nil:
			r.order, r.guards = *order, guards
			*order++
			if err := r.freeze(handler, middleware); err != nil {
				rt.app.logger().Error("a route takes no request", "route", r.template, "error", err)
				continue
			}
			t.insert(r)
		}
	}
}

// freeze makes what a request needs to know of the route.
func (r *Route) freeze(h http.Handler, middleware []func(http.Handler) http.Handler) (err error) {
	if r.asked, err = r.askedOf(); err != nil {
		return err
	}
	parts, _ := parseTemplate(r.template, anySegment)
	r.plan = planOf(parts, r.form != whole)
	if r.ours, _ = h.(*endpoint); r.ours != nil {
		if len(middleware) == 0 {
			return nil
		}
		h = routed{r}
	} else {
		h = foreign{r, removingUploads(h)}
	}
	failed := protect(func() error {
		for _, wrap := range slices.Backward(middleware) {
			if h = wrap(h); h == nil {
				return fmt.Errorf("framework: middleware of route %q returned nil, not a handler", r.template)
			}
		}
		return nil
	})
	if failed != nil {
		// The route takes its requests all the same: a later one may have no guard.
		r.router.app.logger().Error("a route answers 500", "route", r.template, "error", failed)
		h = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(failed) })
	}
	r.chain = h
	return nil
}

// matchBehind returns the match of a route whose middleware has hidden the Response, so
// that what was found is out of reach.
func (r *Route) matchBehind(request *http.Request) found {
	var s search
	if t := r.router.app.frozen.Load(); t != nil {
		t.find(&s, request, request.Method)
	}
	if s.route != r {
		panic(fmt.Sprintf("framework: middleware of route %q hides the Response and changes the request: give its ResponseWriter the method Unwrap", r.template))
	}
	return s.found
}

// checkTable reports the mistakes in the routing table, because of which routes never
// match, or not as they were meant to.
func (a *App) checkTable() (mistakes []error) {
	report := func(format string, arguments ...any) {
		mistakes = append(mistakes, fmt.Errorf("framework: "+format, arguments...))
	}
	names := map[string]string{}   // of the routes, with their templates
	first := map[string][]*Route{} // the routes of a path and a host
	// The function returns no error, so Walk does not.
	_ = a.Walk(func(r *Route, _ *Router, above []*Route) error {
		for _, mistake := range r.mistakes {
			report("route %q never matches: %w", r.template, mistake)
		}
		if len(r.mistakes) > 0 {
			return SkipRouter
		}
		if _, err := r.askedOf(); err != nil {
			report("route %q never matches: %w", r.template, err)
			return SkipRouter
		}
		if r.name != "" {
			if other, taken := names[r.name]; taken {
				report("routes %q and %q are both named %q: give one of them another name, or let one type serve both", other, r.template, r.name)
			}
			names[r.name] = r.template
		}
		if r.buildOnly {
			return SkipRouter
		}
		if r.below != nil {
			if r.handler != nil && !slices.ContainsFunc(r.below.routes, func(r *Route) bool { return r.handler == nil && r.below == nil }) {
				report("route %q has a handler and a Subrouter: the handler serves only routes below that have none; give it a route of its own", r.template)
			}
			return nil
		}
		h := r.handler
		for i := len(above) - 1; i >= 0 && h == nil; i-- {
			h = above[i].handler
		}
		if h == nil {
			report("route %q has no handler: give it one, or BuildOnly if it is there for its URL alone", r.template)
			return nil
		}
		ours, _ := h.(*endpoint)
		if ours != nil && ours.app != a {
			report("route %q serves a handler that was made for another App: give To the App whose route it is", r.template)
		}
		if ours != nil && ours.verbs.only != nil && r.methods == nil {
			report("route %q of ToMethod takes every method: name them with Methods", r.template)
		}
		if a.RequireGuards && len(r.allGuards()) == 0 && (ours == nil || !ours.verbs.guarded) {
			report("route %q has no guard: give its Router one with Guard (framework.Public lets everybody pass), or its type a Guard method", r.template)
		}
		key := fmt.Sprint(r.form, canonical(r.template), " ", r.hostName, r.host)
		for _, other := range first[key] {
			if covers(other, r) {
				report("route %q is never reached: %q comes before it and takes all of its requests; name the methods of each with Methods, or let one type serve both", r.template, other.template)
				break
			}
		}
		first[key] = append(first[key], r)
		return nil
	})
	return mistakes
}

// covers reports whether a route takes all requests that a later one of the same path
// and host could take.
func covers(first, later *Route) bool {
	if len(first.conditions) > 0 && (first.host == "" || len(first.conditions) > 1) {
		return false
	}
	return first.methods == nil || later.methods != nil && !slices.ContainsFunc(later.methods, func(method string) bool {
		return !slices.Contains(first.methods, method)
	})
}

// canonical returns a template without the names of its variables.
func canonical(template string) string {
	parts, _ := parseTemplate(template, anySegment)
	return expression(parts)
}

func (r *Route) allGuards() (guards []func(Handler) error) {
	for rt := r.router; rt != nil; {
		guards = append(guards, rt.guards...)
		if rt.above == nil {
			break
		}
		rt = rt.above.router
	}
	return guards
}

// routed serves a route of ours behind middleware.
type routed struct{ route *Route }

func (t routed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.route.ours.serveHTTP(w, r, t.route)
}

// foreign serves a route whose http.Handler is the program's own: it is given the
// variables in the places where others look for them, and asked for only behind the
// guards of its Routers.
type foreign struct {
	route   *Route
	handler http.Handler
}

func (f foreign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m found
	if response := behind(w); response != nil && response.core.route == f.route {
		m = response.found()
	} else {
		m = f.route.matchBehind(r)
	}
	if vars := m.vars(); len(vars) > 0 {
		r = mux.SetURLVars(r, vars)
		for name, value := range vars {
			r.SetPathValue(name, value)
		}
	}
	if len(f.route.guards) == 0 {
		f.handler.ServeHTTP(w, r)
		return
	}
	app := f.route.router.app
	response, ours := w.(*Response)
	if !ours {
		response = newBareResponse(w, r, m)
		defer response.removeUploads()
		defer app.finish(response, r)
	}
	app.withoutRoute(response, r, func(h Handler) error {
		f.handler.ServeHTTP(h.requestHandler().Response, h.requestHandler().Request)
		return nil
	})
}

// vars returns the variables of a match, nil if there are none.
func (m found) vars() map[string]string {
	if m.route == nil || len(m.route.plan.variables) == 0 && len(m.values) == 0 {
		return nil
	}
	vars := make(map[string]string, len(m.route.plan.variables)+len(m.values))
	for name, value := range m.values {
		vars[name] = value
	}
	for i := range m.route.plan.variables {
		v := &m.route.plan.variables[i]
		vars[v.name] = v.value(m.path)
	}
	return vars
}

// variable returns the value of a variable of a match.
func (m found) variable(name string) (value string, ok bool) {
	if m.route == nil {
		return "", false
	}
	for i := range m.route.plan.variables {
		if v := &m.route.plan.variables[i]; v.name == name {
			return v.value(m.path), true
		}
	}
	value, ok = m.values[name]
	return value, ok
}

// RouteOf returns the route that took the request that a writer answers, for middleware:
// nil if none did, or if w hides the [Response] behind a writer without Unwrap.
func RouteOf(w http.ResponseWriter) *Route {
	if response := behind(w); response != nil {
		return response.core.route
	}
	return nil
}

// VarOf returns a variable of the route that took the request that a writer answers, for
// middleware: empty if there is none, see [RouteOf].
func VarOf(w http.ResponseWriter, name string) string {
	if response := behind(w); response != nil {
		value, _ := response.found().variable(name)
		return value
	}
	return ""
}
