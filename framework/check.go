package framework

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// Check returns the mistakes that can be found before the first request, all of them
// joined, or nil if there are none. [Serve] and [Server.Run] call it. If another server
// serves the App, or middleware without a Check method is around it, call it in main; if
// nothing does, the first request logs the mistakes.
//
// Check reports mistakes of the routing table, see [Router], of handler types, see [To], and
// of the fields of the App. It also makes a handler of each type, calls App.Init with it and
// a request for "/", and calls its method Ready() error, if it has one. A handler reports
// there what it lacks, such as a field that App.Init must set. If the http.Handler of a
// route has a method Check() error, as another App has, Check calls it.
func (a *App) Check() error {
	a.checked.Store(true)
	if a.Router == nil {
		return errNoRouter
	}
	if a.Router.app != a {
		return errors.New("framework: App.Router belongs to another App: keep the one that framework.New has made")
	}
	mistakes := a.checkTable()
	a.mutex.Lock()
	endpoints := slices.Clone(a.endpoints)
	a.mutex.Unlock()
	var ofHandlers []error
	for _, e := range endpoints {
		ofHandlers = append(ofHandlers, a.checkEndpoint(e))
	}
	mistakes = append(mistakes, joinSame(append(ofHandlers, a.checkFallback()))...)
	for status := range a.Errors {
		if status < 300 || status > 599 {
			mistakes = append(mistakes, fmt.Errorf("framework: App.Errors[%d] is never called: use a status from 300 to 599", status))
		}
	}
	if _, err := a.base(); err != nil {
		mistakes = append(mistakes, err)
	}
	mistakes = append(mistakes, a.checkPrefix(), a.TrustedProxy.check())
	return errors.Join(mistakes...)
}

// checkEndpoint returns the mistake of an endpoint. If it has none, it makes two handlers
// and probes one.
func (a *App) checkEndpoint(e *endpoint) error {
	if e.mistake != nil {
		return e.mistake
	}
	first, err := construct(e.newHandler, ofFrom)
	if err != nil {
		return err
	}
	second, err := construct(e.newHandler, ofFrom)
	if err != nil {
		return err
	}
	err = protect(func() error { // a base may be a nil pointer
		if first.requestHandler() == second.requestHandler() {
			return fmt.Errorf("framework: the constructor given to From returned the same %T twice: make a new one for each request", first)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.probe(first)
}

// checkFallback makes a handler of App.Fallback and probes it.
func (a *App) checkFallback() error {
	if a.Fallback == nil {
		return nil
	}
	h, err := construct(a.Fallback, "App.Fallback")
	if err != nil {
		return err
	}
	if err := errors.Join(checkHandler(h), checkNames(h, true)); err != nil {
		return err
	}
	return a.probe(h)
}

// probe gives a handler a request, as a route does, and calls its Ready.
func (a *App) probe(h Handler) error {
	r, _ := http.NewRequest(http.MethodGet, "/", http.NoBody) // cannot fail with constants
	err := protect(func() error {
		Init(discardWriter{}, r, a, h)
		if h, ok := h.(readier); ok {
			return h.Ready()
		}
		return nil
	})
	if err != nil {
		return &unready{fmt.Sprintf("%T", h), err}
	}
	return nil
}

// An unready is the error of a Ready method, with the types of the handlers.
type unready struct {
	types string
	err   error
}

// Error leaves the types out if a template has the mistake: the text names its file.
func (u *unready) Error() string {
	if _, ok := errors.AsType[templateError](u.err); ok {
		return "framework: " + u.err.Error()
	}
	return "framework: " + u.types + ": " + u.err.Error()
}

func (u *unready) Unwrap() error { return u.err }

// joinSame returns the errors of handlers, one of those with the same text: what the App
// lacks is reported once, not for each type, and what a type lacks once, not for each route.
func joinSame(all []error) (joined []error) {
	types := map[string][]string{}
	for _, err := range all {
		if err == nil {
			continue
		}
		u, ok := err.(*unready)
		if !ok {
			if !slices.ContainsFunc(joined, func(other error) bool { return other.Error() == err.Error() }) {
				joined = append(joined, err)
			}
			continue
		}
		message := u.err.Error()
		if types[message] == nil {
			joined = append(joined, u)
		}
		if !slices.Contains(types[message], u.types) {
			types[message] = append(types[message], u.types)
		}
	}
	for _, err := range joined {
		if u, ok := err.(*unready); ok {
			if all := types[u.err.Error()]; len(all) > 3 {
				u.types = fmt.Sprintf("%s, %s and %d types more", all[0], all[1], len(all)-2)
			} else {
				u.types = strings.Join(all, ", ")
			}
		}
	}
	return joined
}

// A discardWriter is the writer of the Response of a probe.
type discardWriter http.Header

func (n discardWriter) Header() http.Header { return http.Header(n) }

func (n discardWriter) Write(p []byte) (int, error) { return len(p), nil }

func (n discardWriter) WriteHeader(int) {}

// checkTable returns the mistakes of the routing table.
func (a *App) checkTable() (mistakes []error) {
	report := func(format string, arguments ...any) {
		mistakes = append(mistakes, fmt.Errorf("framework: "+format, arguments...))
	}
	mistakes = append(mistakes, a.Router.mistakes...)
	names := map[string]string{}   // of the routes, with their templates
	first := map[string][]*Route{} // the routes of a path and a host
	// The function returns no error.
	_ = a.Walk(func(r *Route, _ *Router, above []*Route) error {
		for _, mistake := range r.mistakes {
			report("route %q never matches: %w", r.template, mistake)
		}
		if len(r.mistakes) > 0 {
			return SkipRouter
		}
		if _, err := r.newMuxRoute(); err != nil {
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
			mistakes = append(mistakes, r.below.mistakes...)
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
		e, _ := h.(*endpoint)
		switch {
		case e == nil:
			if checker, ok := h.(interface{ Check() error }); ok {
				if err := checker.Check(); err != nil {
					report("route %q: %w", r.template, err)
				}
			}
		case e.app != a:
			report("route %q serves a handler that was made for another App: give To the App whose route it is", r.template)
		case e.mistake != nil: // checkEndpoint reports it
		case r.methods != nil && !slices.ContainsFunc(r.methods, e.serves):
			report("route %q serves no request: its Methods are %s, and its handler has no method for them; remove Methods, because To knows the methods of its type", r.template, strings.Join(r.methods, ", "))
		case e.methods.only != nil && r.methods == nil:
			report("route %q of ToMethod takes every method: name them with Methods", r.template)
		}
		if a.RequireGuards && len(r.allGuards()) == 0 && (e == nil || e.mistake == nil && !e.methods.guarded) {
			report("route %q has no guard: give its Router one with Guard (framework.Public lets everybody pass), or its type a Guard method", r.template)
		}
		key := fmt.Sprint(r.form, templateShape(r.template), " ", r.hostName, r.host)
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

// covers reports whether a route takes all requests that a later one with the same path
// and host could take.
func covers(first, later *Route) bool {
	if len(first.conditions) > 0 && (first.host == "" || len(first.conditions) > 1) {
		return false
	}
	return first.methods == nil || later.methods != nil && !slices.ContainsFunc(later.methods, func(method string) bool {
		return !slices.Contains(first.methods, method)
	})
}

// templateShape returns a template without the names of its variables.
func templateShape(template string) string {
	parts, _ := parseTemplate(template, anySegment)
	return expression(parts)
}

// allGuards returns the guards of the route's Routers, innermost first.
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

// checkPrefix returns an error if App.Prefix is not a path prefix.
func (a *App) checkPrefix() error {
	if p := a.Prefix; p != "" && (p[0] != '/' || p[len(p)-1] == '/' || strings.HasPrefix(p, "//") || !validPath(p)) {
		return fmt.Errorf("framework: App.Prefix is %q: it must begin with a slash and not end with one, like \"/shop\"", p)
	}
	return nil
}

// checkHandler returns an error if a handler could serve no request.
func checkHandler(h Handler) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("framework: %T embeds its RequestHandler through a nil pointer: embed by value", h)
		}
	}()
	h.requestHandler().endpoint = nil // which panics if it is embedded through a nil pointer
	return checkMethods(h)
}

// checkNil returns an error if a constructor has returned nil.
func checkNil(h Handler, function string) error {
	if v := reflect.ValueOf(h); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("framework: %s returned nil: return a handler", function)
	}
	return nil
}

// A namedMethod is a method of a handler that is called by its name.
type namedMethod struct {
	does  string // what it is for
	right func(Handler) bool
	of    func(reflect.Type) (reflect.Method, bool)
}

// The names are constants because a computed name, or a loop over the methods of a type,
// makes the linker keep every exported method of the program: 2 MB.
var namedMethods = []namedMethod{
	{"serve GET", is[getter], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Get") }},
	{"serve POST", is[poster], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Post") }},
	{"serve PUT", is[putter], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Put") }},
	{"serve PATCH", is[patcher], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Patch") }},
	{"serve DELETE", is[deleter], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Delete") }},
	{"serve HEAD", is[headServer], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Head") }},
	{"serve OPTIONS", is[optionser], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Options") }},
	{"be called before the action", is[guarder], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Guard") }},
	{"be called by Check", is[readier], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Ready") }},
}

// misspelt are likely misspellings of those names. They are constants for the same
// reason.
var misspelt = []struct {
	name, right string
	has         func(Handler) bool
}{
	{"Gaurd", "Guard", is[interface{ Gaurd() error }]},
	{"Gurad", "Guard", is[interface{ Gurad() error }]},
	{"Guadr", "Guard", is[interface{ Guadr() error }]},
	{"Gard", "Guard", is[interface{ Gard() error }]},
	{"Gurd", "Guard", is[interface{ Gurd() error }]},
	{"Guad", "Guard", is[interface{ Guad() error }]},
	{"Guar", "Guard", is[interface{ Guar() error }]},
	{"Guards", "Guard", is[interface{ Guards() error }]},
	{"Gaurds", "Guard", is[interface{ Gaurds() error }]},
	{"Guart", "Guard", is[interface{ Guart() error }]},
	{"GUARD", "Guard", is[interface{ GUARD() error }]},
	{"Redy", "Ready", is[interface{ Redy() error }]},
	{"Raedy", "Ready", is[interface{ Raedy() error }]},
	{"Reday", "Ready", is[interface{ Reday() error }]},
	{"Gte", "Get", is[interface{ Gte() error }]},
	{"GET", "Get", is[interface{ GET() error }]},
	{"Pots", "Post", is[interface{ Pots() error }]},
	{"Psot", "Post", is[interface{ Psot() error }]},
	{"Pos", "Post", is[interface{ Pos() error }]},
	{"POST", "Post", is[interface{ POST() error }]},
	{"Ptu", "Put", is[interface{ Ptu() error }]},
	{"PUT", "Put", is[interface{ PUT() error }]},
	{"Pacth", "Patch", is[interface{ Pacth() error }]},
	{"Ptach", "Patch", is[interface{ Ptach() error }]},
	{"Pathc", "Patch", is[interface{ Pathc() error }]},
	{"PATCH", "Patch", is[interface{ PATCH() error }]},
	{"Delte", "Delete", is[interface{ Delte() error }]},
	{"Delet", "Delete", is[interface{ Delet() error }]},
	{"Dleete", "Delete", is[interface{ Dleete() error }]},
	{"Deltee", "Delete", is[interface{ Deltee() error }]},
	{"Deleet", "Delete", is[interface{ Deleet() error }]},
	{"DELETE", "Delete", is[interface{ DELETE() error }]},
	{"Haed", "Head", is[interface{ Haed() error }]},
	{"HEAD", "Head", is[interface{ HEAD() error }]},
	{"Option", "Options", is[interface{ Option() error }]},
	{"Opitons", "Options", is[interface{ Opitons() error }]},
	{"Optoins", "Options", is[interface{ Optoins() error }]},
	{"OPTIONS", "Options", is[interface{ OPTIONS() error }]},
}

func is[T any](h Handler) bool {
	_, ok := h.(T)
	return ok
}

// checkMethods returns an error if a type has a method with one of the names that would
// never be called: because its signature is another, or because Go does not promote it,
// if two bases have it or a field hides it. Such a Guard would guard nothing.
func checkMethods(h Handler) error {
	t := reflect.TypeOf(h)
	for _, m := range namedMethods {
		if m.right(h) {
			continue
		}
		if method, has := m.of(t); has {
			return fmt.Errorf("framework: (%s).%s is a %s; to %s it must be a func() error", t, method.Name, signature(method), m.does)
		}
		if base, method, has := m.lost(t); has {
			return fmt.Errorf("framework: %s does not get the %s of its %s, because another base or a field has the same name; to %s it needs a %[2]s of its own", t, method.Name, base, m.does)
		}
	}
	return nil
}

// checkNames returns an error for a method whose name is a misspelling: a Gaurd guards
// nothing. If anyAction is true, only Guard and Ready are checked: the action of ToMethod
// may have any name.
func checkNames(h Handler, anyAction bool) error {
	for _, m := range misspelt {
		if m.has(h) && (!anyAction || m.right == "Guard" || m.right == "Ready") {
			return fmt.Errorf("framework: (%T).%s is never called: did you mean %s? If not, give it a name that looks less like it", h, m.name, m.right)
		}
	}
	return nil
}

// lost finds the method in the bases of a type that does not have it.
func (m namedMethod) lost(t reflect.Type) (base reflect.Type, method reflect.Method, has bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil, reflect.Method{}, false
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.Anonymous {
			continue
		}
		base := field.Type
		if base.Kind() == reflect.Struct {
			base = reflect.PointerTo(base)
		}
		if method, has := m.of(base); has && signature(method) == "func() error" {
			return base, method, true
		}
		if base, method, has := m.lost(base); has {
			return base, method, true
		}
	}
	return nil, reflect.Method{}, false
}

// signature returns the type of a method, without the receiver.
func signature(m reflect.Method) string {
	var in, out []string
	for i := 1; i < m.Type.NumIn(); i++ {
		in = append(in, m.Type.In(i).String())
	}
	if m.Type.IsVariadic() {
		in[len(in)-1] = "..." + m.Type.In(len(in)).Elem().String()
	}
	for i := range m.Type.NumOut() {
		out = append(out, m.Type.Out(i).String())
	}
	results := strings.Join(out, ", ")
	if len(out) > 1 {
		results = "(" + results + ")"
	}
	return strings.TrimSpace("func(" + strings.Join(in, ", ") + ") " + results)
}
