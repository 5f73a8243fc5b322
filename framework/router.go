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

// A Router holds routes, in the vocabulary of gorilla/mux. The App has one, and
// [Route.Subrouter] makes others. A Router serves nothing by itself; the App does. The
// first route that matches a request gets it, in the order in which the routes were made.
// The routes of a subrouter are in the place of the route that has it.
//
// For those who know mux:
//
//	the same                   Handle, HandleFunc, Path, PathPrefix, Host, Methods, Schemes, Headers,
//	                           HeadersRegexp, Queries, MatcherFunc, NewRoute, Name, Use, Walk, Subrouter,
//	                           BuildOnly; templates; a prefix is text: "/static" matches "/staticfoo"
//	Get, GetRoute              Named
//	Methods("GET")             matches HEAD too
//	405 and OPTIONS            always with Allow, at every depth
//	Host                       ignores case and a trailing dot; [::1]:8080 is the host [::1]
//	middleware                 is called once for each route, at the first request
//	a handler and a Subrouter  the handler serves the routes below that have none
//	mux.Vars, CurrentRoute     h.Var and h.Route; in middleware VarOf and RouteOf; an http.Handler that To
//	                           did not make has mux.Vars and r.PathValue
//	StrictSlash                SlashRedirect
//	CleanPath                  none: a path is matched as it comes
//	NotFoundHandler            App.Fallback, App.Errors
//	a path of any length       longer than 8 KiB is 414
//
// Some tables that mux accepts serve requests in an unexpected way, or never. [App.Check]
// reports them: a matcher after Subrouter, two subrouters of one route, two hosts or one
// variable twice on the way down, a route without a handler, a route that is never
// reached, the syntax of another router. A route with such a mistake takes no request,
// nor do the routes below it.
//
// Make all routes before the first request, in one goroutine. A change after it panics.
type Router struct {
	app        *App
	above      *Route // the route that has this Subrouter; nil for the App's Router
	routes     []*Route
	middleware []func(http.Handler) http.Handler
	guards     []func(Handler) error
	mistakes   []error // for Check; the routes of a nil middleware or guard respond with 500
}

// NewRoute makes a route that matches every request. Its methods limit it.
func (rt *Router) NewRoute() *Route {
	rt.panicIfServing()
	r := &Route{router: rt}
	if above := rt.above; above != nil {
		r.conditionsOf = above.conditionsOf
		r.conditions = slices.Clip(r.conditions)
	}
	rt.routes = append(rt.routes, r)
	return r
}

// panicIfServing panics if the App has served a request.
func (rt *Router) panicIfServing() {
	if rt == nil || rt.app == nil {
		panic("framework: this Router belongs to no App: use that of framework.New, or of Subrouter")
	}
	if rt.app.frozen.Load() != nil {
		panic("framework: the routing table was changed after the first request: make all routes before the App serves")
	}
}

// Handle makes a route for a path. A handler made by [To] needs no Methods.
func (rt *Router) Handle(path string, h http.Handler) *Route {
	return rt.NewRoute().Path(path).Handler(h)
}

// HandleFunc makes a route for a path, with a function as its handler.
func (rt *Router) HandleFunc(path string, f func(http.ResponseWriter, *http.Request)) *Route {
	return rt.NewRoute().Path(path).HandlerFunc(f)
}

// Path makes a route for a path. See [Route.Path].
func (rt *Router) Path(template string) *Route { return rt.NewRoute().Path(template) }

// PathPrefix makes a route for the paths with a prefix. See [Route.PathPrefix].
func (rt *Router) PathPrefix(template string) *Route { return rt.NewRoute().PathPrefix(template) }

// Host makes a route for a host. See [Route.Host].
func (rt *Router) Host(template string) *Route { return rt.NewRoute().Host(template) }

// Methods makes a route for some HTTP methods. See [Route.Methods].
func (rt *Router) Methods(methods ...string) *Route { return rt.NewRoute().Methods(methods...) }

// Schemes makes a route for some schemes. See [Route.Schemes].
func (rt *Router) Schemes(schemes ...string) *Route { return rt.NewRoute().Schemes(schemes...) }

// Headers makes a route for requests with some headers. See [Route.Headers].
func (rt *Router) Headers(pairs ...string) *Route { return rt.NewRoute().Headers(pairs...) }

// Queries makes a route for requests with a query. See [Route.Queries].
func (rt *Router) Queries(pairs ...string) *Route { return rt.NewRoute().Queries(pairs...) }

// MatcherFunc makes a route for the requests that a function matches. See
// [Route.MatcherFunc].
func (rt *Router) MatcherFunc(f mux.MatcherFunc) *Route { return rt.NewRoute().MatcherFunc(f) }

// Name makes a route with a name. See [Route.Name].
func (rt *Router) Name(name string) *Route { return rt.NewRoute().Name(name) }

// Use adds middleware around all routes of the Router and of the Routers below, including
// routes that were made before. The first is the outermost, and the middleware of a
// Router is outside that of the Routers below. It does not run for a request that no
// route matches, even if only the method does not match. Each function is called once for
// each route, at the first request.
func (rt *Router) Use(middleware ...func(http.Handler) http.Handler) {
	rt.panicIfServing()
	if slices.ContainsFunc(middleware, func(f func(http.Handler) http.Handler) bool { return f == nil }) {
		rt.addMistake("Use")
	}
	rt.middleware = append(rt.middleware, middleware...)
}

// addMistake keeps for Check that a method was given nil for a function.
func (rt *Router) addMistake(method string) {
	of := "the App's Router"
	if rt.above != nil {
		of = fmt.Sprintf("the Subrouter of %q", rt.above.template)
	}
	rt.mistakes = append(rt.mistakes, fmt.Errorf("framework: %s of %s was given nil: give it a function", method, of))
}

// Guard adds a guard for all handlers of the Router and of the Routers below, so that a
// type that forgets its base is not open. The guard is called after App.Init and the
// guards of the Routers above, and before the handler's Dispatch. It lets a request pass
// if it returns nil and leaves the response alone, and refuses one in the same way as a
// handler's Guard, see [RequestHandler.Dispatch]. It should refuse handlers of a type
// that it does not know:
//
//	admin := app.PathPrefix("/admin").Subrouter()
//	admin.Guard(func(h framework.Handler) error {
//		if user, ok := h.(interface{ IsAdmin() bool }); !ok || !user.IsAdmin() {
//			return framework.Abort(http.StatusForbidden)
//		}
//		return nil
//	})
//
// If [To] did not make the http.Handler of a route, the guard gets a handler of
// App.Fallback.
//
// Guards of a Router do not cover handlers that another router serves. Give such a type a
// Guard method. App.RequireGuards makes Check report routes without a guard.
func (rt *Router) Guard(f func(h Handler) error) {
	rt.panicIfServing()
	if f == nil {
		rt.addMistake("Guard")
	}
	rt.guards = append(rt.guards, f)
}

// Named returns the route with a name, of any Router of the App, or nil if there is none.
// It is mux's Get.
func (rt *Router) Named(name string) *Route { return rt.app.names[name] }

// Walk calls f for each route of the Router and of the Routers below, in the order in
// which they match, with the route's Router and the routes above. It returns the first
// error of f that is not [SkipRouter].
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

// SkipRouter is returned by the function of [Router.Walk] to skip the routes below a
// route.
var SkipRouter error = skipRouter{}

type skipRouter struct{}

func (skipRouter) Error() string { return "framework: skip the routes below" }

// Public is a guard for [Router.Guard] that lets all requests pass. With
// App.RequireGuards, it says that a Router is meant to be open.
func Public(Handler) error { return nil }

// A Route is one entry of the routing table, in the vocabulary of mux's Route. Its
// methods return it, so that calls can be chained. Those that limit it must come before
// Subrouter.
type Route struct {
	conditionsOf
	router    *Router
	name      string
	handler   http.Handler
	buildOnly bool
	below     *Router // the Subrouter
	mistakes  []error // if there are any, the route takes no request

	frozen
}

// conditionsOf are the conditions of a route. The routes below inherit them.
type conditionsOf struct {
	template   string // the path, with those of the routes above
	form       reach
	host       string   // the host, if it has variables or a port
	hostName   string   // the host otherwise
	methods    []string // nil for all
	scheme     string   // for URLs
	queries    []string // templates for URLs
	conditions []func(*mux.Route)
}

// A reach says what the path template of a route matches.
type reach uint8

const (
	noPath reach = iota // every path
	prefix              // paths that begin with it
	whole               // one path
)

// frozen is what the first request makes of a route.
type frozen struct {
	order    int                   // its place in the table
	plan     plan                  // how the tree finds it
	endpoint *endpoint             // of its handler, if To made that; else nil
	wrapped  http.Handler          // the handler with its middleware; nil if endpoint has none
	muxRoute *mux.Route            // for the conditions that the tree does not check; nil if there are none
	guards   []func(Handler) error // of its Routers, outermost first
}

// addMistake adds a mistake, because of which the route takes no request.
func (r *Route) addMistake(format string, arguments ...any) *Route {
	r.mistakes = append(r.mistakes, fmt.Errorf(format, arguments...))
	return r
}

// beforeSubrouter is called by each method that limits a route.
func (r *Route) beforeSubrouter(method string) {
	r.router.panicIfServing()
	if r.below != nil {
		r.addMistake("%s was called after Subrouter, whose routes would not have it: call it before Subrouter", method)
	}
}

// Path limits the route to a path. Variables are written {name} or {name:pattern}. The
// first form matches one segment. A pattern is a regular expression without capturing
// groups. Below a Subrouter the template is the part of the path after the Subrouter's
// prefix.
func (r *Route) Path(template string) *Route { return r.path("Path", template, whole) }

// PathPrefix limits the route to paths with a prefix. The prefix is text: "/a" matches
// "/ab" too.
func (r *Route) PathPrefix(template string) *Route { return r.path("PathPrefix", template, prefix) }

func (r *Route) path(method, template string, f reach) *Route {
	r.beforeSubrouter(method)
	above, had := r.template, r.form
	joined := template
	if had != noPath {
		joined = strings.TrimRight(above, "/") + template
	}
	parts, err := parseTemplate(template, anySegment)
	if err == nil {
		err = checkPath(template, parts)
	}
	if err == nil { // variables may begin above and end here
		if parts, err = parseTemplate(joined, anySegment); err == nil {
			err = checkPath(joined, parts)
		}
	}
	r.template, r.form = joined, f
	switch {
	case err != nil:
		r.addMistake("%w", err)
	case had == whole && (joined != above || f != whole):
		r.addMistake("nothing can follow the path %q: use PathPrefix for the route above", above)
	case had == prefix && !strings.HasPrefix(joined, above):
		r.addMistake("%q below the prefix %q is %q, which does not begin with the prefix: remove the slash at the end of the prefix", template, above, joined)
	}
	return r.distinct()
}

// distinct adds a mistake if a variable is in the path, host or queries twice.
func (r *Route) distinct() *Route {
	variables := r.GetVarNames()
	for i, name := range variables {
		if slices.Contains(variables[:i], name) {
			return r.addMistake("it has two variables named %q: give one of them another name", name)
		}
	}
	return r
}

// Host limits the route to a host, with or without a port. It ignores case and a trailing
// dot (RFC 9110 section 4.2.3). Variables are written as in a path; without a pattern
// they match one label.
func (r *Route) Host(template string) *Route {
	r.beforeSubrouter("Host")
	if r.host != "" || r.hostName != "" {
		return r.addMistake("it has two hosts, %q and %q: remove one", r.host+r.hostName, template)
	}
	parts, err := parseTemplate(template, anyLabel)
	if err != nil {
		return r.addMistake("%w", err)
	}
	if strings.Trim(template, ".") == "" || strings.Contains(template, "/") && len(parts) == 1 {
		return r.addMistake("%q is not a host: write it without scheme and path", template)
	}
	if _, port := splitPort(template); port == "" && len(parts) == 1 && parts[0].name == "" {
		r.hostName = strings.TrimSuffix(template, ".")
		return r
	}
	r.host = template
	return r.condition(func(m *mux.Route) { m.Host(lowerLiterals(template)) }).distinct()
}

// Methods limits the route to some HTTP methods. GET includes HEAD. Methods of the routes
// above hold too.
func (r *Route) Methods(methods ...string) *Route {
	r.beforeSubrouter("Methods")
	var list []string
	for _, method := range methods {
		method = strings.ToUpper(method)
		switch {
		case method == "" || strings.ContainsAny(method, " ,;/"):
			r.addMistake("Methods(%q): each argument is one method, as in Methods(\"GET\", \"POST\")", method)
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
		r.addMistake("it takes no method: name one that the routes above take too")
	}
	return r
}

// Schemes limits the route to "http" or "https", as this program has received the
// request. Behind a proxy, use [App.Scheme] in the handler instead. The first is the
// scheme of the route's URLs.
func (r *Route) Schemes(schemes ...string) *Route {
	r.beforeSubrouter("Schemes")
	if r.scheme == "" && len(schemes) > 0 {
		r.scheme = strings.ToLower(schemes[0])
	}
	return r.condition(func(m *mux.Route) { m.Schemes(schemes...) })
}

// Headers limits the route to requests that have some headers, given as pairs of name and
// value. An empty value matches any.
func (r *Route) Headers(pairs ...string) *Route {
	r.beforeSubrouter("Headers")
	return r.condition(func(m *mux.Route) { m.Headers(pairs...) })
}

// HeadersRegexp is like Headers, with regular expressions as values.
func (r *Route) HeadersRegexp(pairs ...string) *Route {
	r.beforeSubrouter("HeadersRegexp")
	return r.condition(func(m *mux.Route) { m.HeadersRegexp(pairs...) })
}

// Queries limits the route to requests whose query has some values, given as pairs of
// name and value. A value is a template. Its variables match any text unless they have a
// pattern.
func (r *Route) Queries(pairs ...string) *Route {
	r.beforeSubrouter("Queries")
	if len(pairs)%2 != 0 {
		return r.addMistake("Queries has %d arguments: give pairs of name and value", len(pairs))
	}
	r.queries = slices.Clip(r.queries)
	for i := 0; i < len(pairs); i += 2 {
		if _, err := parseTemplate(pairs[i+1], anyQuery); err != nil {
			return r.addMistake("%w", err)
		}
		r.queries = append(r.queries, pairs[i]+"="+pairs[i+1])
	}
	return r.condition(func(m *mux.Route) { m.Queries(pairs...) }).distinct()
}

// MatcherFunc limits the route to requests for which a function returns true. The
// function may add to the Vars of its RouteMatch, and must not change anything else: it
// is also called to find the methods for Allow.
func (r *Route) MatcherFunc(f mux.MatcherFunc) *Route {
	r.beforeSubrouter("MatcherFunc")
	if f == nil {
		return r.addMistake("MatcherFunc was given nil: give it a function")
	}
	return r.condition(func(m *mux.Route) {
		m.MatcherFunc(func(request *http.Request, match *mux.RouteMatch) bool {
			var own mux.RouteMatch
			own.Vars = match.Vars
			ok := f(request, &own)
			match.Vars = own.Vars
			return ok
		})
	})
}

func (r *Route) condition(add func(*mux.Route)) *Route {
	r.conditions = append(r.conditions, add)
	return r
}

// Handler sets the handler of the route.
func (r *Route) Handler(h http.Handler) *Route {
	r.router.panicIfServing()
	r.handler = h
	return r
}

// HandlerFunc sets a function as the handler of the route.
func (r *Route) HandlerFunc(f func(http.ResponseWriter, *http.Request)) *Route {
	r.router.panicIfServing()
	if r.handler = nil; f != nil {
		r.handler = http.HandlerFunc(f)
	}
	return r
}

// Name gives the route a name, for [App.URL] and [Router.Named]. Names are unique in an
// App. An empty name is none.
func (r *Route) Name(name string) *Route {
	r.router.panicIfServing()
	if name == "" {
		return r
	}
	if r.name != "" {
		return r.addMistake("it has two names, %q and %q: remove one", r.name, name)
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

// BuildOnly makes the route one that is only for URLs: neither it nor the routes below
// take requests.
func (r *Route) BuildOnly() *Route {
	r.router.panicIfServing()
	r.buildOnly = true
	return r
}

// Subrouter makes a Router for routes that match only if this one does. A route has one
// Subrouter at most.
func (r *Route) Subrouter() *Router {
	r.router.panicIfServing()
	if r.below != nil {
		r.addMistake("it has two Subrouters: make a route for each")
	}
	r.below = &Router{app: r.router.app, above: r}
	return r.below
}

// GetName returns the name of the route, "" if it has none.
func (r *Route) GetName() string { return r.name }

// GetHandler returns the handler of the route, nil if it has none.
func (r *Route) GetHandler() http.Handler { return r.handler }

// GetMethods returns the HTTP methods that the route takes, also because of the routes
// above. It is nil if the route takes all.
func (r *Route) GetMethods() []string { return slices.Clone(r.methods) }

// GetPathTemplate returns the whole template of the path, with those of the routes above.
// It is "" if the route has none.
func (r *Route) GetPathTemplate() string { return r.template }

// GetVarNames returns the names of the variables of the host, the path and the queries.
func (r *Route) GetVarNames() (list []string) {
	for _, parts := range r.parts() {
		list = append(list, variableNames(parts)...)
	}
	return slices.DeleteFunc(list, isHidden)
}

// parts returns the parsed templates of the host, the path and the queries.
func (r *Route) parts() (all [][]part) {
	add := func(template, anything string) {
		parts, _ := parseTemplate(template, anything) // errors were reported as mistakes
		all = append(all, parts)
	}
	add(r.host, anyLabel)
	add(r.template, anySegment)
	for _, query := range r.queries {
		add(query, anyQuery)
	}
	return all
}

// serves reports whether the handler of the route serves a method that the route takes.
func (r *Route) serves(method string) bool {
	return r.endpoint == nil || r.endpoint.serves(method)
}

// lowerLiterals returns a template with its text, but not its variables, in lower case.
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

// table returns the tree of the routing table, which the first request makes. Mistakes
// are logged then, if Check was never called.
func (a *App) table() *tree {
	if t := a.frozen.Load(); t != nil {
		return t
	}
	t := a.freeze()
	if !a.checked.Swap(true) {
		if err := a.Check(); err != nil {
			a.logger().Error("the App has mistakes: call App.Check in main to see them at startup", "error", err)
		}
	}
	return t
}

// freeze makes the tree, at its first call.
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

// add adds the routes of a Router and of those below to the tree. Middleware and guards
// are those of the Routers above. H serves routes that have no handler.
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

// freeze makes what a request needs of the route.
func (r *Route) freeze(h http.Handler, middleware []func(http.Handler) http.Handler) (err error) {
	if r.muxRoute, err = r.newMuxRoute(); err != nil {
		return err
	}
	parts, _ := parseTemplate(r.template, anySegment)
	r.plan = planOf(parts, r.form != whole)
	if r.endpoint, _ = h.(*endpoint); r.endpoint != nil {
		if len(middleware) == 0 {
			return nil
		}
		h = wrappedRoute{r}
	} else {
		h = plainRoute{r, removingUploads(h)}
	}
	failed := protect(func() error {
		for _, wrap := range slices.Backward(middleware) {
			if h = wrap(h); h == nil {
				return fmt.Errorf("framework: middleware of route %q returned nil: return a handler", r.template)
			}
		}
		return nil
	})
	if failed != nil {
		// The route takes its requests all the same: a later route may have no guard.
		r.router.app.logger().Error("a route responds with 500 to every request", "route", r.template, "error", failed)
		h = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(failed) })
	}
	r.wrapped = h
	return nil
}

// newMuxRoute makes the route of mux for the conditions that the tree does not check. It
// is nil if there are none.
func (r *Route) newMuxRoute() (*mux.Route, error) {
	if len(r.conditions) == 0 {
		return nil, nil
	}
	asked := mux.NewRouter().NewRoute()
	var panicked error
	func() {
		defer func() {
			if v := recover(); v != nil { // because a pattern has a capturing group
				panicked = fmt.Errorf("%v", v)
			}
		}()
		for _, condition := range r.conditions {
			condition(asked)
		}
	}()
	return asked, errors.Join(panicked, asked.GetError())
}

// A wrappedRoute serves a handler that To has made behind middleware.
type wrappedRoute struct{ route *Route }

func (t wrappedRoute) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.route.endpoint.unwrapAndServe(w, r, t.route)
}

// A plainRoute serves an http.Handler that To did not make. It puts the variables of the
// route where other packages look for them, and calls the guards of its Routers.
type plainRoute struct {
	route   *Route
	handler http.Handler
}

func (f plainRoute) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m fullMatch
	if response := responseOf(w); response != nil && response.core.route != nil {
		f.route.checkChosen(response)
		m = response.fullMatch()
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
	if ok {
		response.guarded = false // middleware may have replaced the request
	} else {
		response = newResponseWithoutHandler(w, r, m)
		defer response.removeUploads()
		defer app.finish(response, r)
	}
	app.respondByFallback(response, r, func(h Handler) error {
		f.handler.ServeHTTP(h.requestHandler().Response, h.requestHandler().Request)
		return nil
	})
}

// checkChosen panics if the App has chosen another route for the request, whose guards
// are not those of r. It accepts a nil r.
func (r *Route) checkChosen(w *Response) {
	if chosen := w.core.route; r != nil && chosen != nil && chosen != r {
		panic(fmt.Sprintf("framework: middleware has passed a request of route %q to the handler of route %q: call the handler that this call of the middleware was given", chosen.template, r.template))
	}
}

// matchBehind searches again for the route of a request. It is for middleware that hides
// the Response, and with it the first match.
func (r *Route) matchBehind(request *http.Request) fullMatch {
	var l lookup
	if t := r.router.app.frozen.Load(); t != nil {
		t.find(&l, request, request.Method)
	}
	if l.route != r {
		panic(fmt.Sprintf("framework: middleware of route %q hides the Response and changes the request: give its ResponseWriter a method Unwrap", r.template))
	}
	return l.fullMatch
}

// RouteOf returns the route of the request that w responds to, for middleware. It is nil
// if no route matched, or if w hides the [Response] and has no method Unwrap.
func RouteOf(w http.ResponseWriter) *Route {
	if response := responseOf(w); response != nil {
		return response.core.route
	}
	return nil
}

// VarOf returns a variable of the route of the request that w responds to, for
// middleware. It is "" if there is none, see [RouteOf].
func VarOf(w http.ResponseWriter, name string) string {
	if response := responseOf(w); response != nil {
		value, _ := response.fullMatch().variable(name)
		return value
	}
	return ""
}
