package framework

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
)

// A Handler serves the requests of a route. A type becomes one by embedding
// [RequestHandler] by value; it cannot be implemented in another way, because of the
// unexported method.
type Handler interface {
	Dispatch() error
	HandleError(err error) error
	requestHandler() *RequestHandler
}

// RequestHandler is the type that every handler embeds: webapp2's class of the same name.
// Each request gets a new value of the outermost type, made by its route, so the fields
// of a handler belong to one request. A goroutine that outlives the request must not use
// the handler; give it the values that it needs. A zero RequestHandler is not usable: a
// route or [Init] fills it.
type RequestHandler struct {
	_ noCopy

	App      *App
	Request  *http.Request
	Response *Response

	outermost Handler   // the value that embeds this one
	endpoint  *endpoint // that has made it
	match               // the route of the request
}

func (h *RequestHandler) requestHandler() *RequestHandler { return h }

// RequestHandlerOf returns the RequestHandler that h embeds, with its request, response
// and variables. It is for functions that get any handler: App.Init, a guard of a Router,
// an [ErrorHandler].
func RequestHandlerOf(h Handler) *RequestHandler { return h.requestHandler() }

// A noCopy lets go vet report copies of handlers and methods with value receivers.
type noCopy struct{}

func (*noCopy) Lock() {}

func (*noCopy) Unlock() {}

// An endpoint serves the requests of one handler type. To, ToMethod, ToMethods and From
// make one.
type endpoint struct {
	app        *App
	newHandler func() Handler
	allocate   func() (*Response, Handler) // in one allocation; if the Handler is nil, newHandler makes it
	methods    *methodTable
	mistake    error // why it can serve nothing, see setMistake; else nil
}

var _ http.Handler = (*endpoint)(nil)

// serves reports whether the handlers have an action for an HTTP method.
func (e *endpoint) serves(method string) bool { return e.methods.action(method) != nil }

// ServeHTTP serves a request that the App did not route to this endpoint: one of another
// router, of a function of the program, or of a handler that passes its request on.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.unwrapAndServe(w, r, nil) }

// unwrapAndServe serves a request that may have come through middleware: it finds the
// Response behind w, or makes one. Route is the route that the App has chosen, nil if it
// has chosen none.
func (e *endpoint) unwrapAndServe(w http.ResponseWriter, r *http.Request, route *Route) {
	response, ok := w.(*Response)
	if ok {
		route.checkChosen(response)
		response.acted = true                               // for a Guard that passes its request on
		response.guarded = response.guarded && route == nil // middleware may have replaced the request
		var h Handler
		if core := response.core; route != nil && core.route == route && core.App == nil {
			h = core.outermost // if it was made with the Response
		}
		e.serve(response, r, h)
		return
	}
	// Middleware has wrapped the writer, or another router serves the request.
	var m fullMatch
	wrapped := responseOf(w)
	if wrapped != nil && wrapped.core.route != nil {
		route.checkChosen(wrapped)
		m = wrapped.fullMatch()
	} else if route != nil {
		m = route.matchBehind(r)
	}
	response = newResponseWithoutHandler(w, r, m)
	defer response.removeUploads()
	if wrapped != nil {
		response.sent = wrapped.sent
		if t := wrapped.tracer(); t != nil {
			response.needExtras().tracer = t
		}
	}
	e.serve(response, r, nil)
	e.app.finish(response, r)
}

// serve makes the handler, if h is nil, and calls App.Init, the guards of the route's
// Routers and Dispatch. It then responds to their errors.
func (e *endpoint) serve(w *Response, r *http.Request, h Handler) {
	app := e.app
	var core *RequestHandler
	before := w.delegated // true if another handler has passed its request on to this one
	w.delegated = false
	err := protect(func() error {
		if h == nil {
			h = e.newHandler()
		}
		core = h.requestHandler()
		core.fill(h, app, w, r, e, w.core.match)
		w.core = core
		t := w.tracer()
		if t == nil {
			app.initialize(h)
		} else {
			t.report(StepHandler, StepHappened, fmt.Sprintf("%T", h), nil)
			_ = t.run(StepInit, "App.Init", func() error { app.initialize(h); return nil })
		}
		if route := core.route; route != nil && len(route.guards) > 0 && !w.guarded {
			for _, guard := range route.guards {
				if passed, err := core.guard("Router.Guard", guard); !passed {
					w.delegated = true
					return err
				}
			}
			w.guarded = true
		}
		if t != nil {
			return t.dispatch(h)
		}
		return h.Dispatch()
	})
	delegated := w.delegated
	w.delegated = before || delegated
	if err == nil && delegated && w.failure() == nil {
		return
	}
	if err := protect(func() error { e.finishErrors(w, r, h, core, delegated, err); return nil }); err != nil {
		app.fail(w, r, err) // a panic: the handler has overwritten its Response, or the log panics
	}
}

// fill gives the handler its request.
func (h *RequestHandler) fill(outermost Handler, app *App, w *Response, r *http.Request, e *endpoint, m match) {
	h.App, h.Request, h.Response, h.outermost, h.endpoint, h.match = app, r, w, outermost, e, m
}

// Dispatch calls the handler's Guard, if it has one, and then the action: Get, Post or
// another method for the method of the request, or the one that was given to [ToMethod].
// A type that embeds RequestHandler overrides it to do something before and after, and
// calls the embedded Dispatch in between. An override that does not call it must respond
// by itself.
//
// A Guard lets a request pass if it returns nil and leaves the response alone. It refuses
// the request if it returns an error, or if it responds: after a redirect, a page, a
// status or a body the action does not run. A call of h.Abort or h.RedirectAbort refuses
// too, even if the error is not returned. Setting headers and cookies refuses nothing.
//
// A panic in Guard or in the action is returned as a *[PanicError], so that the part of
// an override after the embedded Dispatch always runs.
func (h *RequestHandler) Dispatch() error {
	if h.outermost == nil {
		return errors.New("framework: Dispatch of a handler without a request: serve it by a route, or call framework.Init")
	}
	h.Response.delegated = true
	if t := h.Response.tracer(); t != nil {
		return t.innermost(func() error { return protect(h.runAction) })
	}
	return protect(h.runAction)
}

// runAction calls Guard and the action.
func (h *RequestHandler) runAction() error {
	methods := h.endpoint.methods
	if methods.guarded {
		if passed, err := h.guard("Guard", ownGuard); !passed {
			return err
		}
	}
	if action := methods.action(h.Request.Method); action != nil {
		if t := h.Response.tracer(); t != nil {
			return t.action(h, action)
		}
		return h.callAction(action)
	}
	return h.refuseMethod()
}

func ownGuard(h Handler) error { return h.(guarder).Guard() }

// guard calls a guard and reports whether the request may pass.
func (h *RequestHandler) guard(name string, f func(Handler) error) (passed bool, err error) {
	if t := h.Response.tracer(); t != nil {
		return t.guard(h, name, f)
	}
	return h.callGuard(f)
}

func (h *RequestHandler) callGuard(f func(Handler) error) (passed bool, err error) {
	w := h.Response
	defer w.endNoting(w.beginNoting())
	w.acted = false
	if err := f(h.outermost); err != nil {
		return false, err
	}
	if aborted := w.noted(); aborted != nil {
		return false, aborted
	}
	return !w.acted, nil
}

// callAction calls the action. If the action has called Abort or RedirectAbort and
// returned nil, it returns that error: webapp2's abort ended a request by itself.
func (h *RequestHandler) callAction(action func(Handler) error) error {
	w := h.Response
	defer w.endNoting(w.beginNoting())
	if err := action(h.outermost); err != nil {
		return err
	}
	aborted := w.noted()
	if aborted == nil {
		return nil
	}
	h.App.logger().WarnContext(h.Context(), "the error of h.Abort or h.RedirectAbort was not returned: write return before the call",
		"handler", fmt.Sprintf("%T", h.outermost), "error", aborted, "method", h.Request.Method, "path", h.Request.URL.Path, "id", w.RequestID())
	if w.sent {
		return nil
	}
	return aborted
}

// The methods of a handler that are called by name, each as an interface. A handler type
// serves the HTTP methods whose interfaces it implements, so RequestHandler must not have
// a Get or Post of its own.
type (
	getter     interface{ Get() error }
	poster     interface{ Post() error }
	putter     interface{ Put() error }
	patcher    interface{ Patch() error }
	deleter    interface{ Delete() error }
	headServer interface{ Head() error }
	optionser  interface{ Options() error }
	guarder    interface{ Guard() error }
	readier    interface{ Ready() error }
)

// A methodTable holds what a handler type serves. It is made once, with its route.
type methodTable struct {
	get, head, post, put, patch, delete, options func(Handler) error // nil if not served

	only    func(Handler) error // serves all methods; for ToMethod, and for requests without a route
	guarded bool                // whether the type has a Guard
	allow   string              // the Allow header
	code    map[string]uintptr  // of ToMethods by HTTP method, of ToMethod as ""; for the debug page
}

// action returns the action for an HTTP method, nil if there is none.
func (m *methodTable) action(method string) func(Handler) error {
	if m.only != nil {
		return m.only
	}
	switch method {
	case http.MethodGet:
		return m.get
	case http.MethodHead:
		return m.head
	case http.MethodPost:
		return m.post
	case http.MethodPut:
		return m.put
	case http.MethodPatch:
		return m.patch
	case http.MethodDelete:
		return m.delete
	case http.MethodOptions:
		return m.options
	}
	return nil
}

// refuseMethod responds to a method that the handler does not serve: 204 to OPTIONS, else
// 405, both with Allow, and 501 to an unknown method (RFC 9110 sections 9.3.7, 15.5.6 and
// 15.6.2). Allow includes the methods that other routes serve at the same path.
func (h *RequestHandler) refuseMethod() error {
	if !knownMethod(h.Request.Method) {
		return Abort(http.StatusNotImplemented)
	}
	allows := h.endpoint.methods.allow
	if h.route != nil && h.route.endpoint == h.endpoint {
		probe, address := *h.Request, *h.Request.URL
		probe.URL, address.Path, address.RawPath = &address, strings.ReplaceAll(h.path, slashInValue, "/"), h.Request.URL.RawPath
		allows = allow(h.App.table().allowed(&probe))
	}
	h.Response.Header().Set("Allow", allows)
	if h.Request.Method == http.MethodOptions {
		h.Response.WriteHeader(http.StatusNoContent)
		return nil
	}
	return Abort(http.StatusMethodNotAllowed)
}

// knownMethod reports whether a method is defined by RFC 9110 section 9.3 or RFC 5789.
func knownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}

// protect calls f and returns a panic as a *PanicError. It does not recover
// http.ErrAbortHandler, which makes the server close the connection.
func protect(f func() error) (err error) {
	defer func() {
		switch value := recover(); value {
		case nil:
		case http.ErrAbortHandler:
			panic(value)
		default:
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return f()
}

// finishErrors responds to the error of serve, to a failed hook, and to a handler that
// did not respond at all.
func (e *endpoint) finishErrors(w *Response, r *http.Request, h Handler, core *RequestHandler, delegated bool, err error) {
	app := e.app
	err = checkError(err)
	if err == nil && !delegated && !w.begun() {
		err = fmt.Errorf("framework: %T.Dispatch has neither responded nor called the embedded Dispatch", h)
	}
	if failed := w.failure(); failed != nil && !errors.Is(err, failed) {
		if err != nil {
			app.report(w, r, err)
		}
		err = failed // also if the handler has responded: its changes were not saved
	}
	switch {
	case err == nil:
	case core == nil:
		app.fail(w, r, err) // no handler was made
	default:
		app.respondToError(h, err)
	}
}

// HandleError is called on the outermost handler, once, with the error that Dispatch has
// returned or panicked with: webapp2's handle_exception. The body has been dropped, the
// status is [Status](err), and headers and cookies are kept. Return nil after responding
// to the error. If it returns an error, App.Errors or a plain page responds to that. The
// default returns err.
func (h *RequestHandler) HandleError(err error) error { return err }

// HandlerOf is the type constraint of [To]: a pointer to a T that embeds
// [RequestHandler].
type HandlerOf[T any] interface {
	*T
	Handler
}

// To returns an http.Handler that serves requests with handlers of the type T, which
// embeds [RequestHandler]. Each request gets a new T. Its Get method serves GET, its Post
// method POST, and so on:
//
//	app.Handle("/login", framework.To[LoginHandler](app)).Name("login")
//
// The route needs no Methods: T has a method for each that it serves. If T has none, or one
// that is not a func() error, [App.Check] reports it, and every request gets a 500. To panics
// if app is nil.
//
// The result also works in other routers that set r.PathValue, such as net/http's
// ServeMux. There, h.Var returns the path values, and everything of the App but its
// routing table is used.
func To[T any, H HandlerOf[T]](app *App) http.Handler {
	return app.addEndpoint(newEndpointOf[T, H](app, nil))
}

// ToMethods is like [To], with a method of T for each HTTP method, so that one type can
// serve several pages. GET serves HEAD too, unless there is a method for HEAD. The route
// needs no Methods.
//
//	app.Handle("/books/new", framework.ToMethods(app, map[string]func(*BookHandler) error{
//		"GET": (*BookHandler).New, "POST": (*BookHandler).Create,
//	}))
func ToMethods[T any, H HandlerOf[T]](app *App, methods map[string]func(H) error) http.Handler {
	e := newEndpointOf[T, H](app, func(Handler) error { return nil })
	if e.mistake != nil {
		return app.addEndpoint(e)
	}
	e.methods = &methodTable{guarded: e.methods.guarded, code: map[string]uintptr{}}
	count := e.methods.fill(func(name string) func(Handler) error {
		method := methods[name]
		if method == nil {
			return nil
		}
		e.methods.code[name] = reflect.ValueOf(method).Pointer()
		return func(h Handler) error { return method(h.(H)) }
	})
	if count == 0 || count != len(methods) {
		e.setMistake(fmt.Errorf("framework: ToMethods of %v needs a method for at least one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, with its name in capitals, and none may be nil", reflect.TypeFor[H]()))
	}
	return app.addEndpoint(e)
}

// ToMethod is like [To], with one method of T for all HTTP methods: webapp2's
// handler_method. The route must name the HTTP methods:
//
//	app.Handle("/books", framework.ToMethod(app, (*BookHandler).List)).Methods("GET")
func ToMethod[T any, H HandlerOf[T]](app *App, method func(H) error) http.Handler {
	e := newEndpointOf[T, H](app, func(h Handler) error { return method(h.(H)) })
	switch {
	case e.mistake != nil:
	case method == nil:
		e.setMistake(fmt.Errorf("framework: ToMethod of %v was given nil: give it a method", reflect.TypeFor[H]()))
	default:
		e.methods.code = map[string]uintptr{"": reflect.ValueOf(method).Pointer()}
	}
	return app.addEndpoint(e)
}

// From is like [To] with a constructor, for handlers that need values in their fields.
// The constructor is called once for each request, and must return a new handler each
// time. It is also called by From and by [App.Check].
func From[H Handler](app *App, newHandler func() H) http.Handler {
	if newHandler == nil {
		e := newEndpoint(app, func() Handler { return new(plainHandler) }, func(Handler) error { return nil })
		e.setMistake(fmt.Errorf("framework: From of %v was given nil: give it a constructor", reflect.TypeFor[H]()))
		return app.addEndpoint(e)
	}
	return app.addEndpoint(newEndpoint(app, func() Handler { return newHandler() }, nil))
}

// newEndpointOf makes an endpoint whose handlers begin as zero values, so that a handler
// and its Response are one allocation. That saves a quarter of the floor of hello.
func newEndpointOf[T any, H HandlerOf[T]](app *App, only func(Handler) error) *endpoint {
	e := newEndpoint(app, func() Handler { return H(new(T)) }, only)
	if e.mistake != nil {
		return e
	}
	e.allocate = func() (*Response, Handler) {
		made := new(struct {
			handler  T
			response Response
		})
		h := H(&made.handler)
		made.response.core = h.requestHandler()
		return &made.response, h
	}
	return e
}

// newEndpoint makes an endpoint. If only is not nil, it is the action for all HTTP methods. The
// caller adds the endpoint to the App.
func newEndpoint(app *App, newHandler func() Handler, only func(Handler) error) *endpoint {
	panicWithoutApp(app)
	e := &endpoint{app: app, newHandler: newHandler, allocate: allocateResponse}
	if err := protect(func() (err error) { e.methods, err = checkedMethods(newHandler, only); return err }); err != nil {
		e.setMistake(err)
	}
	return e
}

// panicWithoutApp panics if there is no App, whose Check could report the mistake.
func panicWithoutApp(app *App) {
	if app == nil || app.Router == nil {
		panic("framework: a handler was made without an App: call framework.New first")
	}
}

// setMistake keeps a mistake for App.Check, and makes it the response to each request: if
// the route took none, a later route without a guard might.
func (e *endpoint) setMistake(err error) {
	e.mistake = err
	e.newHandler, e.allocate = func() Handler { return new(plainHandler) }, allocateResponse
	e.methods = &methodTable{only: func(Handler) error { return err }}
}

// construct calls a constructor of handlers, which may panic or return nil.
func construct(newHandler func() Handler, name string) (h Handler, err error) {
	if err := protect(func() error { h = newHandler(); return nil }); err != nil {
		return nil, fmt.Errorf("framework: %s: %w", name, err)
	}
	return h, checkNil(h, name)
}

// ofFrom is the name of a constructor in messages.
const ofFrom = "the constructor given to From"

// checkedMethods makes the method table of the handlers that a constructor makes. It returns
// an error if they cannot serve anything.
func checkedMethods(newHandler func() Handler, only func(Handler) error) (*methodTable, error) {
	h, err := construct(newHandler, ofFrom)
	if err != nil {
		return nil, err
	}
	if err := checkHandler(h); err != nil {
		return nil, err
	}
	if err := checkNames(h, only != nil); err != nil {
		return nil, err
	}
	m := methodsOf(h)
	if m.only = only; only == nil && m.allow == http.MethodOptions && m.options == nil {
		return nil, fmt.Errorf("framework: %T serves no request: it has no Get, Post, Put, Patch, Delete, Head or Options that is a func() error", h)
	}
	return m, nil
}

// ownActions are the actions of the methods that a handler type may have.
var ownActions = map[string]struct {
	has    func(Handler) bool
	action func(Handler) error
}{
	"GET":     {is[getter], func(h Handler) error { return h.(getter).Get() }},
	"HEAD":    {is[headServer], func(h Handler) error { return h.(headServer).Head() }},
	"POST":    {is[poster], func(h Handler) error { return h.(poster).Post() }},
	"PUT":     {is[putter], func(h Handler) error { return h.(putter).Put() }},
	"PATCH":   {is[patcher], func(h Handler) error { return h.(patcher).Patch() }},
	"DELETE":  {is[deleter], func(h Handler) error { return h.(deleter).Delete() }},
	"OPTIONS": {is[optionser], func(h Handler) error { return h.(optionser).Options() }},
}

// methodsOf makes the method table of a handler type.
func methodsOf(h Handler) *methodTable {
	m := new(methodTable)
	m.fill(func(method string) func(Handler) error {
		if own := ownActions[method]; own.has(h) {
			return own.action
		}
		return nil
	})
	m.guarded = is[guarder](h)
	return m
}

// fill sets the actions of the table, and its Allow header. It returns how many actions
// actionOf has, which returns nil for a method that is not served. The action for GET serves
// HEAD if there is none for HEAD (RFC 9110 section 9.3.2). OPTIONS is always allowed, see
// refuseMethod.
func (m *methodTable) fill(actionOf func(method string) func(Handler) error) (count int) {
	var allow []string
	for _, of := range []struct {
		method string
		field  *func(Handler) error
	}{
		{"GET", &m.get}, {"HEAD", &m.head}, {"POST", &m.post}, {"PUT", &m.put},
		{"PATCH", &m.patch}, {"DELETE", &m.delete}, {"OPTIONS", &m.options},
	} {
		if *of.field = actionOf(of.method); *of.field != nil {
			count++
		} else if of.method == "HEAD" {
			m.head = m.get
		}
		if *of.field != nil || of.method == "OPTIONS" {
			allow = append(allow, of.method)
		}
	}
	m.allow = strings.Join(allow, ", ")
	return count
}

// Init makes h the handler of a request and calls app.Init, as a route does before
// Dispatch. Tests use it to call one method of a handler. If w is not a *[Response], Init
// wraps it in one; call h.Response.Flush to write the buffered response.
func Init(w http.ResponseWriter, r *http.Request, app *App, h Handler) {
	panicWithoutApp(app)
	response, ok := w.(*Response)
	if !ok {
		response = newResponseWithoutHandler(w, r, fullMatch{})
	}
	h.requestHandler().fill(h, app, response, r, &endpoint{app: app, methods: methodsOf(h)}, response.core.match)
	app.initialize(h)
}

// Context returns the context of the request. Before [Init] it is context.Background.
func (h *RequestHandler) Context() context.Context {
	if h.Request == nil {
		return context.Background()
	}
	return h.Request.Context()
}

// Route returns the route that was chosen for the request: webapp2's request.route. It is
// nil if the App has chosen none, as in another router.
func (h *RequestHandler) Route() *Route { return h.route }

// Var returns the value of a variable of the route, or "" if the route has no such
// variable. If another router has called the handler, also one below a route of the App,
// it returns what r.PathValue or mux.Vars has too.
func (h *RequestHandler) Var(name string) string {
	value, ok := h.fullMatch().variable(name)
	if ok || h.isRouted() || h.Request == nil {
		return value
	}
	return cmp.Or(h.Request.PathValue(name), mux.Vars(h.Request)[name])
}

// Vars returns the variables of the route in a new map, or nil if it has none. If another
// router has called the handler, it adds the variables that r.Pattern or mux.Vars names.
func (h *RequestHandler) Vars() map[string]string {
	vars := h.fullMatch().vars()
	if h.isRouted() || h.Request == nil {
		return vars
	}
	all := maps.Clone(mux.Vars(h.Request))
	if all == nil {
		all = map[string]string{}
	}
	for _, name := range patternNames(h.Request.Pattern) {
		all[name] = h.Request.PathValue(name)
	}
	maps.Copy(all, vars)
	if len(all) == 0 {
		return nil
	}
	return all
}

// isRouted reports whether the handler is that of the route which the App has chosen.
func (h *RequestHandler) isRouted() bool { return h.route != nil && h.route.endpoint == h.endpoint }

// IntVar returns a variable of the route as an integer. If the value is not an integer of
// 64 bits, the error's status is 404.
func (h *RequestHandler) IntVar(name string) (int64, error) {
	text := h.Var(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n, nil
	}
	if _, ok := h.fullMatch().variable(name); !ok && text == "" {
		return 0, errors.New("framework: the route has no variable " + strconv.Quote(name))
	}
	return 0, &Error{Code: http.StatusNotFound, Err: err}
}

// fullMatch returns the match and the variables that are not in the path.
func (h *RequestHandler) fullMatch() fullMatch {
	if h.Response == nil {
		return fullMatch{match: h.match}
	}
	return fullMatch{h.match, h.Response.values()}
}

// Serves reports whether the handler has an action for an HTTP method, such as "GET". A
// Get serves HEAD too.
func (h *RequestHandler) Serves(method string) bool {
	return h.endpoint != nil && h.endpoint.serves(method)
}

// Preflight reports whether the request is a CORS preflight and the handler has an
// Options method for it. Browsers send a preflight without cookies (Fetch standard,
// "CORS-preflight request"), so a Guard that needs a user lets it pass:
//
//	if h.Preflight() {
//		return nil
//	}
func (h *RequestHandler) Preflight() bool {
	_, answers := h.outermost.(optionser)
	return answers && h.Request.Method == http.MethodOptions &&
		h.Request.Header.Get("Origin") != "" && h.Request.Header.Get("Access-Control-Request-Method") != "" &&
		h.endpoint.methods.only == nil
}

// Write appends to the body of the response, so that fmt.Fprintf(h, ...) works.
func (h *RequestHandler) Write(p []byte) (int, error) { return h.Response.Write(p) }

// Text responds with plain text in UTF-8. It keeps a Content-Type that was set before.
//
//	return h.Text("hello")
func (h *RequestHandler) Text(s string) error {
	h.Response.contentType("text/plain; charset=utf-8")
	_, err := h.Response.WriteString(s)
	return err
}

// HTML responds with an HTML page in UTF-8. It escapes nothing: use html/template for
// text that comes with a request. It keeps a Content-Type that was set before.
func (h *RequestHandler) HTML(s string) error {
	h.Response.contentType("text/html; charset=utf-8")
	_, err := h.Response.WriteString(s)
	return err
}

// JSON responds with v as JSON. It keeps a Content-Type that was set before. If v cannot
// be encoded, it returns an error and writes nothing.
func (h *RequestHandler) JSON(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("framework: JSON: %w", err)
	}
	h.Response.contentType("application/json")
	_, err = h.Write(append(body, '\n'))
	return err
}

// Abort returns an error with a status, like the function [Abort]:
//
//	return h.Abort(http.StatusNotFound)
//
// If a Guard or an action calls it and returns nil, the response is that error all the
// same, and a warning is logged. The code after the call has run, and its body is
// dropped. To make an error that is not the response, use the function.
func (h *RequestHandler) Abort(code int, message ...any) error {
	err := Abort(code, message...)
	h.noteCaller(err)
	return h.note(err)
}

// note keeps an error that a Guard or an action may forget to return. All goroutines of
// the request may call it.
func (h *RequestHandler) note(err error) error {
	if h.Response != nil && h.Response.noting {
		h.Response.needExtras().note(err)
	}
	return err
}

// beginNoting makes note keep errors. It returns whether note did so before, for a
// handler that has passed its request on to this one.
func (r *Response) beginNoting() (before bool) {
	before = r.noting
	r.endNoting(true)
	return before
}

// endNoting undoes beginNoting, whose result it gets, and drops the error that was kept.
func (r *Response) endNoting(before bool) {
	r.noting = before
	if e := r.extras.Load(); e != nil {
		e.note(nil)
	}
}

// noted returns the error that was kept, nil if there is none.
func (r *Response) noted() error {
	e := r.extras.Load()
	if e == nil {
		return nil
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.noted
}

func (e *extras) note(err error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.noted = err
}
