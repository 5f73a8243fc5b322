package framework

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// A Router holds routes, in the vocabulary of gorilla/mux: the App has one, and each
// [Route.Subrouter] makes one. It serves nothing by itself: the App does. The first
// route that matches takes a request, in the order in which they were made, those of a
// subrouter in the place of the route that has it.
//
// For somebody who knows mux:
//
//	the same                      Handle, HandleFunc, Path, PathPrefix, Host, Methods, Schemes, Headers,
//	                              HeadersRegexp, Queries, MatcherFunc, NewRoute, Name, Use, Walk, Subrouter,
//	                              BuildOnly; templates, and that a prefix is text: "/static" matches "/staticfoo"
//	Get, GetRoute                 Named
//	Methods("GET")                takes HEAD too
//	405 and OPTIONS               always with Allow, at every depth
//	a host                        capitals and a dot at the end do not matter; [::1]:8080 is host [::1]
//	middleware                    is built once for each route, at the first request, not once for each request
//	a handler and a Subrouter     the handler is that of the routes below that have none of their own
//	mux.Vars, mux.CurrentRoute    h.Var and h.Route; mux.Vars and r.PathValue in an http.Handler that is
//	                              not made by To, VarOf and RouteOf in middleware
//	StrictSlash                   SlashRedirect
//	CleanPath                     none: a path is matched as it comes
//	a path of any length          longer than 8 KiB is 414
//	NotFoundHandler               App.Fallback, App.Errors
//
// What mux lets pass and would serve to nobody, or to anybody, is a mistake that
// [App.Check] reports with how to fix it: a matcher after Subrouter, two subrouters of a
// route, two hosts or a variable twice on one way down, a route without a handler, two
// routes of which the second is never reached, another router's syntax. A route that has
// such a mistake takes no request, nor does any below it.
//
// Routes are made before the first request, by one goroutine; a change after it panics.
type Router struct {
	app        *App
	above      *Route // whose Subrouter this is; nil: the App's own
	routes     []*Route
	middleware []func(http.Handler) http.Handler
	guards     []func(Handler) error
}

// NewRoute makes a route that matches every request, for the methods of [Route] to
// limit.
func (rt *Router) NewRoute() *Route {
	rt.change()
	r := &Route{router: rt}
	if above := rt.above; above != nil {
		r.conditionsOf = above.conditionsOf
		r.conditions = slices.Clip(r.conditions)
	}
	rt.routes = append(rt.routes, r)
	return r
}

func (rt *Router) change() {
	if rt.app == nil {
		panic("framework: a Router that was not made by framework.New or Subrouter: it belongs to no App")
	}
	if rt.app.frozen.Load() != nil {
		panic("framework: the routing table was changed after the first request: make all routes before serving")
	}
}

// Handle makes a route for a path. A handler made by [To] says itself which methods it
// serves.
func (rt *Router) Handle(path string, h http.Handler) *Route {
	return rt.NewRoute().Path(path).Handler(h)
}

// HandleFunc makes a route for a path.
func (rt *Router) HandleFunc(path string, f func(http.ResponseWriter, *http.Request)) *Route {
	return rt.NewRoute().Path(path).HandlerFunc(f)
}

// Path makes a route for a path, see [Route.Path].
func (rt *Router) Path(template string) *Route { return rt.NewRoute().Path(template) }

// PathPrefix makes a route for all paths with a beginning, see [Route.PathPrefix].
func (rt *Router) PathPrefix(template string) *Route { return rt.NewRoute().PathPrefix(template) }

// Host makes a route for a host, see [Route.Host].
func (rt *Router) Host(template string) *Route { return rt.NewRoute().Host(template) }

// Methods makes a route for some methods, see [Route.Methods].
func (rt *Router) Methods(methods ...string) *Route { return rt.NewRoute().Methods(methods...) }

// Schemes makes a route for some schemes, see [Route.Schemes].
func (rt *Router) Schemes(schemes ...string) *Route { return rt.NewRoute().Schemes(schemes...) }

// Headers makes a route for requests with some headers, see [Route.Headers].
func (rt *Router) Headers(pairs ...string) *Route { return rt.NewRoute().Headers(pairs...) }

// Queries makes a route for requests with a query, see [Route.Queries].
func (rt *Router) Queries(pairs ...string) *Route { return rt.NewRoute().Queries(pairs...) }

// MatcherFunc makes a route for requests that a function chooses, see
// [Route.MatcherFunc].
func (rt *Router) MatcherFunc(f mux.MatcherFunc) *Route { return rt.NewRoute().MatcherFunc(f) }

// Name makes a route with a name, see [Route.Name].
func (rt *Router) Name(name string) *Route { return rt.NewRoute().Name(name) }

// Use adds middleware around all routes of the Router and of those below it, whether
// they are made before or after this: the first that was added is the outermost, and a
// Router's is around that of those below. It does not run for 404 and for what no route
// takes by its method. Each function is called once for each route, at the first request.
func (rt *Router) Use(middleware ...func(http.Handler) http.Handler) {
	rt.change()
	rt.middleware = append(rt.middleware, middleware...)
}

// Guard asks f before each handler of the Router and of those below it, after App.Init
// and before the handler's Dispatch, so that no type below is open because it forgot a
// base. f lets a request pass by returning nil and leaving the response alone; it refuses
// by returning an error, or by answering, as the Guard of a handler does. Handlers are of
// many types: what f cannot ask, it refuses.
//
//	admin := app.PathPrefix("/admin").Subrouter()
//	admin.Guard(func(h framework.Handler) error {
//		if user, ok := h.(interface{ IsAdmin() bool }); !ok || !user.IsAdmin() {
//			return framework.Abort(http.StatusForbidden)
//		}
//		return nil
//	})
//
// Before an http.Handler that [To] did not make, f is asked with a handler of
// App.Fallback. The guards of the Routers above are asked first. See App.RequireGuards.
// A handler of [To] that another router serves is no route of the App, and this guard does
// not cover it: give its type a Guard method.
func (rt *Router) Guard(f func(h Handler) error) {
	rt.change()
	if f == nil {
		panic("framework: Router.Guard was given no function")
	}
	rt.guards = append(rt.guards, f)
}

// Named returns the route of a name, of any Router of the App; nil: there is none. It is
// mux's Get.
func (rt *Router) Named(name string) *Route { return rt.app.names[name] }

// Walk calls f for the routes of the Router and of those below, in the order in which
// they match, with the routes whose Subrouters lead there. It ends with the first error
// that f returns, but for [SkipRouter].
func (rt *Router) Walk(f func(route *Route, router *Router, ancestors []*Route) error) error {
	return rt.walk(f, nil)
}

func (rt *Router) walk(f func(*Route, *Router, []*Route) error, ancestors []*Route) error {
	for _, r := range rt.routes {
		switch err := f(r, rt, ancestors); {
		case err == SkipRouter:
			continue
		case err != nil:
			return err
		}
		if r.below != nil {
			if err := r.below.walk(f, append(slices.Clip(ancestors), r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// SkipRouter is what the function of [Router.Walk] returns to leave out the routes below
// a route.
var SkipRouter error = skipRouter{}

type skipRouter struct{}

func (skipRouter) Error() string { return "framework: skip the routes below" }

// Public is a guard for [Router.Guard] that lets everybody pass: for App.RequireGuards it says
// that a Router is open on purpose.
func Public(Handler) error { return nil }

// A Route is one row of the routing table, in the vocabulary of mux's Route. Its methods
// return it, so that they can be chained; those that limit it come before Subrouter.
type Route struct {
	conditionsOf
	router    *Router
	name      string
	handler   http.Handler
	buildOnly bool
	below     *Router // its Subrouter
	mistakes  []error // because of which it takes no request

	frozen
}

// What decides about a route, which the routes below it inherit.
type conditionsOf struct {
	template   string // of the path, with what stands above
	form       reach
	host       string   // template, if it has variables or a port
	hostName   string   // without them
	methods    []string // nil: all
	scheme     string   // for URLs
	queries    []string // templates for URLs
	conditions []func(*mux.Route)
}

// What a template of a path is for.
type reach uint8

const (
	noPath reach = iota
	prefix
	whole
)

// What is made of a route when the table is frozen.
type frozen struct {
	order  int
	plan   plan
	ours   *endpoint             // that serves it; nil: an http.Handler of the program's own
	chain  http.Handler          // with its middleware around it; nil: there is no more to it than ours
	asked  *mux.Route            // about the conditions that mux knows; nil: there are none
	guards []func(Handler) error // of its Routers, the outermost first
}

func (r *Route) wrong(format string, arguments ...any) *Route {
	r.mistakes = append(r.mistakes, fmt.Errorf(format, arguments...))
	return r
}

// limit is called by what limits a route.
func (r *Route) limit(method string) {
	r.router.change()
	if r.below != nil {
		r.wrong("%s after Subrouter does not hold below it: call it before Subrouter", method)
	}
}

// Path limits the route to a path. Variables are written {name} or {name:pattern}; the
// first takes one segment, and a pattern is a regular expression without groups that
// capture. Below a Subrouter's prefix the template is what follows it.
func (r *Route) Path(template string) *Route { return r.path("Path", template, whole) }

// PathPrefix limits the route to the paths that begin with a template, which is text:
// "/a" takes "/ab" too.
func (r *Route) PathPrefix(template string) *Route { return r.path("PathPrefix", template, prefix) }

func (r *Route) path(method, template string, f reach) *Route {
	r.limit(method)
	above, had := r.template, r.form
	joined := template
	if had != noPath {
		joined = strings.TrimRight(above, "/") + template
	}
	parts, err := parseTemplate(template, anySegment)
	if err == nil {
		err = checkPath(template, parts)
	}
	if err == nil { // the parts of both, which may be more than those of each
		if parts, err = parseTemplate(joined, anySegment); err == nil {
			err = checkPath(joined, parts)
		}
	}
	r.template, r.form = joined, f
	switch {
	case err != nil:
		r.wrong("%w", err)
	case had == whole && (joined != above || f != whole):
		r.wrong("nothing can follow the path %q, which is whole: use PathPrefix above", above)
	case had == prefix && !strings.HasPrefix(joined, above):
		r.wrong("%q below the prefix %q is %q, which does not begin with the prefix: leave the slash at the end of the prefix out", template, above, joined)
	}
	return r.distinct()
}

// distinct refuses a variable that the route has twice, in its path, host or queries.
func (r *Route) distinct() *Route {
	variables := r.GetVarNames()
	for i, name := range variables {
		if slices.Contains(variables[:i], name) {
			return r.wrong("it has two variables named %q: give one of them another name", name)
		}
	}
	return r
}

// Host limits the route to a host, with or without a port. Capitals and a dot at the end
// do not matter (RFC 9110 section 4.2.3). Variables are as in a path and take one label,
// unless they have a pattern.
func (r *Route) Host(template string) *Route {
	r.limit("Host")
	if r.host != "" || r.hostName != "" {
		return r.wrong("it has two hosts, %q and %q: one on each way down", r.host+r.hostName, template)
	}
	parts, err := parseTemplate(template, anyLabel)
	if err != nil {
		return r.wrong("%w", err)
	}
	if strings.Trim(template, ".") == "" || strings.Contains(template, "/") && len(parts) == 1 {
		return r.wrong("the host %q is none: write it without scheme and path", template)
	}
	if _, port := splitPort(template); port == "" && len(parts) == 1 && parts[0].name == "" {
		r.hostName = strings.TrimSuffix(template, ".")
		return r
	}
	r.host = template
	return r.condition(func(m *mux.Route) { m.Host(lowerLiterals(template)) }).distinct()
}

// Methods limits the route to some methods; GET takes HEAD too. Together with those
// above, both lists hold.
func (r *Route) Methods(methods ...string) *Route {
	r.limit("Methods")
	var list []string
	for _, method := range methods {
		method = strings.ToUpper(method)
		switch {
		case method == "" || strings.ContainsAny(method, " ,;/"):
			r.wrong("Methods(%q): each argument is one method, as in Methods(\"GET\", \"POST\")", method)
		case !slices.Contains(list, method):
			list = append(list, method)
		}
	}
	if slices.Contains(list, http.MethodGet) && !slices.Contains(list, http.MethodHead) {
		list = append(list, http.MethodHead)
	}
	if r.methods != nil {
		above := r.methods
		list = slices.DeleteFunc(list, func(method string) bool { return !slices.Contains(above, method) })
	}
	if r.methods = list; len(list) == 0 {
		r.methods = []string{}
		r.wrong("no method is left to it: name one that the routes above have too")
	}
	return r
}

// Schemes limits the route to http or https, as the request came to this program: behind
// a proxy, redirect by [App.Scheme] instead. The first is that of the route's URLs.
func (r *Route) Schemes(schemes ...string) *Route {
	r.limit("Schemes")
	if r.scheme == "" && len(schemes) > 0 {
		r.scheme = strings.ToLower(schemes[0])
	}
	return r.condition(func(m *mux.Route) { m.Schemes(schemes...) })
}

// Headers limits the route to requests that have some headers, given as pairs of name
// and value. An empty value is any.
func (r *Route) Headers(pairs ...string) *Route {
	r.limit("Headers")
	return r.condition(func(m *mux.Route) { m.Headers(pairs...) })
}

// HeadersRegexp is Headers with regular expressions for values.
func (r *Route) HeadersRegexp(pairs ...string) *Route {
	r.limit("HeadersRegexp")
	return r.condition(func(m *mux.Route) { m.HeadersRegexp(pairs...) })
}

// Queries limits the route to requests whose query has some pairs. Values are templates,
// whose variables take any text unless they have a pattern.
func (r *Route) Queries(pairs ...string) *Route {
	r.limit("Queries")
	if len(pairs)%2 != 0 {
		return r.wrong("Queries has %d arguments: they must be pairs of name and value", len(pairs))
	}
	r.queries = slices.Clip(r.queries)
	for i := 0; i < len(pairs); i += 2 {
		if _, err := parseTemplate(pairs[i+1], anyQuery); err != nil {
			return r.wrong("%w", err)
		}
		r.queries = append(r.queries, pairs[i]+"="+pairs[i+1])
	}
	return r.condition(func(m *mux.Route) { m.Queries(pairs...) }).distinct()
}

// MatcherFunc limits the route to the requests for which f returns true. f may add to the
// Vars of its RouteMatch; what else it sets has no effect. It is also asked which methods
// the path takes, so it must change nothing.
func (r *Route) MatcherFunc(f mux.MatcherFunc) *Route {
	r.limit("MatcherFunc")
	if f == nil {
		return r.wrong("MatcherFunc was given no function")
	}
	return r.condition(func(m *mux.Route) {
		m.MatcherFunc(func(request *http.Request, found *mux.RouteMatch) bool {
			var own mux.RouteMatch
			own.Vars = found.Vars
			ok := f(request, &own)
			found.Vars = own.Vars
			return ok
		})
	})
}

func (r *Route) condition(add func(*mux.Route)) *Route {
	r.conditions = append(r.conditions, add)
	return r
}

// Handler sets what serves the route.
func (r *Route) Handler(h http.Handler) *Route {
	r.router.change()
	r.handler = h
	return r
}

// HandlerFunc sets a function that serves the route.
func (r *Route) HandlerFunc(f func(http.ResponseWriter, *http.Request)) *Route {
	r.router.change()
	if r.handler = nil; f != nil {
		r.handler = http.HandlerFunc(f)
	}
	return r
}

// Name gives the route a name, for [App.URL] and [Router.Named]. No other route of the
// App may have it. An empty name is none.
func (r *Route) Name(name string) *Route {
	r.router.change()
	if name == "" {
		return r
	}
	if r.name != "" {
		return r.wrong("it has two names, %q and %q", r.name, name)
	}
	r.name = name
	if app := r.router.app; app.names[name] == nil {
		if app.names == nil {
			app.names = map[string]*Route{}
		}
		app.names[name] = r
	}
	return r
}

// BuildOnly makes the route one that takes no request, nor does any below it: it is there
// for its URL.
func (r *Route) BuildOnly() *Route {
	r.router.change()
	r.buildOnly = true
	return r
}

// Subrouter makes a Router for routes that match only if this one does. A route has one.
func (r *Route) Subrouter() *Router {
	r.router.change()
	if r.below != nil {
		r.wrong("it has two Subrouters: make a route for each")
	}
	r.below = &Router{app: r.router.app, above: r}
	return r.below
}

// GetName returns the route's name, empty if it has none.
func (r *Route) GetName() string { return r.name }

// GetHandler returns what serves the route, nil if nothing does.
func (r *Route) GetHandler() http.Handler { return r.handler }

// GetMethods returns the methods that the route takes, with what holds above it; nil if
// it takes all.
func (r *Route) GetMethods() []string { return slices.Clone(r.methods) }

// GetPathTemplate returns the template of the route's path, with what stands above it;
// empty if it has none.
func (r *Route) GetPathTemplate() string { return r.template }

// GetVarNames returns the names of the variables of path, host and queries.
func (r *Route) GetVarNames() (list []string) {
	for _, parts := range r.parts() {
		list = append(list, names(parts)...)
	}
	return slices.DeleteFunc(list, isHidden)
}

// parts returns the templates of host, path and queries, taken apart.
func (r *Route) parts() (all [][]part) {
	add := func(template, anything string) {
		parts, _ := parseTemplate(template, anything) // what is wrong was reported
		all = append(all, parts)
	}
	add(r.host, anyLabel)
	add(r.template, anySegment)
	for _, query := range r.queries {
		add(query, anyQuery)
	}
	return all
}

// serves reports whether the route serves a method that it takes.
func (r *Route) serves(method string) bool {
	return r.ours == nil || r.ours.verbs.action(method) != nil
}

// lowerLiterals writes the text of a template in small letters, not its variables.
func lowerLiterals(template string) string {
	var out strings.Builder
	depth := 0
	for i := range len(template) {
		c := template[i]
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case depth == 0 && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		out.WriteByte(c)
	}
	return out.String()
}

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
	if r.asked, err = r.newMuxRoute(); err != nil {
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

// newMuxRoute makes the route that mux is asked about: what is not path, method or a host
// without variables.
func (r *Route) newMuxRoute() (*mux.Route, error) {
	if len(r.conditions) == 0 {
		return nil, nil
	}
	asked := mux.NewRouter().NewRoute()
	var panicked error
	func() {
		defer func() {
			if v := recover(); v != nil { // of a pattern with a group that captures
				panicked = fmt.Errorf("%v", v)
			}
		}()
		for _, condition := range r.conditions {
			condition(asked)
		}
	}()
	return asked, errors.Join(panicked, asked.GetError())
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
	if response := responseOf(w); response != nil && response.core.route == f.route {
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
	response, ok := w.(*Response)
	if !ok {
		response = newResponseWithoutHandler(w, r, m)
		defer response.removeUploads()
		defer app.finish(response, r)
	}
	app.respondByFallback(response, r, func(h Handler) error {
		f.handler.ServeHTTP(h.requestHandler().Response, h.requestHandler().Request)
		return nil
	})
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

// RouteOf returns the route that took the request that a writer answers, for middleware:
// nil if none did, or if w hides the [Response] behind a writer without Unwrap.
func RouteOf(w http.ResponseWriter) *Route {
	if response := responseOf(w); response != nil {
		return response.core.route
	}
	return nil
}

// VarOf returns a variable of the route that took the request that a writer answers, for
// middleware: empty if there is none, see [RouteOf].
func VarOf(w http.ResponseWriter, name string) string {
	if response := responseOf(w); response != nil {
		value, _ := response.found().variable(name)
		return value
	}
	return ""
}
