package framework

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
)

// Handler is what a route serves. A type becomes one by embedding [RequestHandler],
// by value: the unexported method can be had in no other way.
type Handler interface {
	Dispatch() error
	HandleError(err error) error
	requestHandler() *RequestHandler
}

// RequestHandler is what every handler embeds, webapp2's class of the same name. A
// route makes one value of the outermost type for each request, so its fields belong
// to that request alone. A goroutine that outlives the request must take values from
// it, not the handler. The zero value is for a route, or [Init], to fill.
type RequestHandler struct {
	_ noCopy

	App      *App
	Request  *http.Request
	Response *Response

	outermost Handler   // the value that embeds this one, whose methods answer
	endpoint  *endpoint // that made it
	match               // the route that took the request
}

func (h *RequestHandler) requestHandler() *RequestHandler { return h }

// RequestHandlerOf returns the RequestHandler that h embeds, for code that is given any
// handler and needs its request, response or variables: App.Init, a guard of a Router, an
// [ErrorHandler].
func RequestHandlerOf(h Handler) *RequestHandler { return h.requestHandler() }

// noCopy lets go vet find value receivers and copies of handlers.
type noCopy struct{}

func (*noCopy) Lock() {}

func (*noCopy) Unlock() {}

// An endpoint serves one handler type.
type endpoint struct {
	app        *App
	newHandler func() Handler
	allocate   func() (*Response, Handler) // both in one allocation; a nil Handler is for newHandler to make
	verbs      *verbs
}

var _ http.Handler = (*endpoint)(nil)

// ServeHTTP serves a request that came by another way than the App's own table: behind a
// function of the program, by a handler that hands its request on, or in another router.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.serveHTTP(w, r, nil) }

// serveHTTP serves a request that may have come through middleware, of a route if the App
// has chosen it.
func (e *endpoint) serveHTTP(w http.ResponseWriter, r *http.Request, route *Route) {
	response, ok := w.(*Response)
	if ok {
		response.acted = true                               // if a Guard passed its request on to this one
		response.guarded = response.guarded && route == nil // middleware may come with another request
		var h Handler
		if core := response.core; route != nil && core.route == route && core.App == nil {
			h = core.outermost // made together with the Response; nil: it was not
		}
		e.serve(response, r, h)
		return
	}
	// Middleware has wrapped the writer, or there is no App around.
	var m found
	outer := responseOf(w)
	if outer != nil && outer.core.route != nil {
		m = outer.found()
	} else if route != nil {
		m = route.matchBehind(r)
	}
	response = newResponseWithoutHandler(w, r, m)
	defer response.removeUploads()
	if outer != nil {
		response.sent = outer.sent
	}
	e.serve(response, r, nil)
	e.app.finish(response, r)
}

// serve is what happens to a handler: it is made, if h is nil, and then Init, the guards
// of its Routers, Dispatch, and HandleError if they fail.
func (e *endpoint) serve(w *Response, r *http.Request, h Handler) {
	app := e.app
	var core *RequestHandler
	outer := w.delegated // of a handler that hands its request on to this one
	w.delegated = false
	err := protect(func() error {
		if h == nil {
			h = e.newHandler()
		}
		core = h.requestHandler()
		core.fill(h, app, w, r, e, w.core.match)
		w.core = core
		app.initialize(h)
		if route := core.route; route != nil && len(route.guards) > 0 && !w.guarded {
			for _, guard := range route.guards {
				if passed, err := core.guard(guard); !passed {
					w.delegated = true
					return err
				}
			}
			w.guarded = true
		}
		return h.Dispatch()
	})
	delegated := w.delegated
	w.delegated = outer || delegated
	if err == nil && delegated && w.failure() == nil {
		return
	}
	if err := protect(func() error { e.finishErrors(w, r, h, core, delegated, err); return nil }); err != nil {
		app.fail(w, r, err) // of a handler that has lost its Response, or of the log
	}
}

func (h *RequestHandler) fill(outermost Handler, app *App, w *Response, r *http.Request, e *endpoint, m match) {
	h.App, h.Request, h.Response, h.outermost, h.endpoint, h.match = app, r, w, outermost, e, m
}

// Dispatch calls the handler's Guard, if it has one, and then the action: the method
// for the request's method, or the one that [ToMethod] was given. Override it in a type
// that embeds this one to do something before or after, and call the embedded Dispatch
// in between. An override refuses a request by not calling it.
//
// A Guard lets a request pass by returning nil and leaving the response alone. It
// refuses by returning an error, or by answering: after a redirect, a page, a status or
// a body, and after a call of h.Abort or h.RedirectAbort even if their error was not
// returned, the action does not run. Headers and cookies alone are no answer.
//
// A panic in Guard or the action is returned as a *[PanicError], so that what comes
// after the embedded Dispatch always runs.
func (h *RequestHandler) Dispatch() error {
	if h.outermost == nil {
		return errors.New("framework: Dispatch of a handler that was never initialized: use a route or framework.Init")
	}
	h.Response.delegated = true
	return protect(h.runAction)
}

func (h *RequestHandler) runAction() error {
	verbs := h.endpoint.verbs
	if verbs.guarded {
		if passed, err := h.guard(ownGuard); !passed {
			return err
		}
	}
	if action := verbs.action(h.Request.Method); action != nil {
		return h.callAction(action)
	}
	return h.refuseMethod()
}

func ownGuard(h Handler) error { return h.(guarder).Guard() }

// guard asks a guard and reports whether the request may pass.
func (h *RequestHandler) guard(f func(Handler) error) (passed bool, err error) {
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

// perform calls the action. One that forgot to return what Abort or RedirectAbort made is
// answered with it all the same, as webapp2's abort ended a request by itself.
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
	h.App.logger().WarnContext(h.Context(), "an h.Abort or h.RedirectAbort was not returned: write return before it",
		"handler", fmt.Sprintf("%T", h.outermost), "error", aborted, "method", h.Request.Method, "path", h.Request.URL.Path, "id", w.RequestID())
	if w.sent {
		return nil
	}
	return aborted
}

// The verbs are one-method interfaces, and a handler type serves those it satisfies:
// the type is the list. So Get and the others are never defined on a base.
type (
	getter    interface{ Get() error }
	poster    interface{ Post() error }
	putter    interface{ Put() error }
	patcher   interface{ Patch() error }
	deleter   interface{ Delete() error }
	header    interface{ Head() error }
	optionser interface{ Options() error }
	guarder   interface{ Guard() error }
	readier   interface{ Ready() error }
)

// verbs is what a handler type answers, found once, when its route is made.
type verbs struct {
	get, head, post, put, patch, delete, options func(Handler) error // nil: not served

	only    func(Handler) error // of ToMethod and of the answers where no route took the request: for every verb
	guarded bool                // the type has a Guard
	allow   string              // the Allow header
}

// action returns what answers a verb; nil: nothing does.
func (v *verbs) action(verb string) func(Handler) error {
	if v.only != nil {
		return v.only
	}
	switch verb {
	case http.MethodGet:
		return v.get
	case http.MethodHead:
		return v.head
	case http.MethodPost:
		return v.post
	case http.MethodPut:
		return v.put
	case http.MethodPatch:
		return v.patch
	case http.MethodDelete:
		return v.delete
	case http.MethodOptions:
		return v.options
	}
	return nil
}

// refuseMethod answers a verb that the handler does not serve (RFC 9110 sections
// 9.3.7, 15.5.6 and 15.6.2). Of a route of the App, other routes may serve it.
func (h *RequestHandler) refuseMethod() error {
	if !knownMethod(h.Request.Method) {
		return Abort(http.StatusNotImplemented)
	}
	allows := h.endpoint.verbs.allow
	if h.route != nil && h.route.ours == h.endpoint {
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

// knownMethod tells whether HTTP knows a verb (RFC 9110 section 9.3, RFC 5789).
func knownMethod(verb string) bool {
	switch verb {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}

// protect calls f and returns a panic of it as a *PanicError. http.ErrAbortHandler,
// which asks the server to drop the connection, passes through.
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

// finishErrors answers what Dispatch has left to answer.
func (e *endpoint) finishErrors(w *Response, r *http.Request, h Handler, core *RequestHandler, delegated bool, err error) {
	app := e.app
	err = checkError(err)
	if err == nil && !delegated && !w.begun() {
		err = fmt.Errorf("framework: %T.Dispatch neither answered nor called the embedded Dispatch", h)
	}
	if failed := w.failure(); failed != nil && !errors.Is(err, failed) {
		if err != nil {
			app.report(w, r, err)
		}
		err = failed // whatever the handler made of it: what it did is not saved
	}
	switch {
	case err == nil:
	case core == nil:
		app.fail(w, r, err) // there is no handler
	default:
		app.answer(h, err)
	}
}

// HandleError is called once, on the outermost handler, with what Dispatch returned
// or panicked with: webapp2's handle_exception. The body written so far is gone and
// the status is [Status](err); headers and cookies are kept. Return nil when the
// error has been answered, else the error to answer. The default returns err.
func (h *RequestHandler) HandleError(err error) error { return err }

// HandlerOf is a pointer to a T that is a [Handler]: T embeds [RequestHandler].
type HandlerOf[T any] interface {
	*T
	Handler
}

// To makes the handler of a route from a type: each request gets a new T, and the
// method for its verb answers. It panics, saying the cure, where T has no such method
// or one of a wrong form.
//
//	app.Handle("/login", framework.To[LoginHandler](app)).Name("login")
//
// Register it without Methods: the type says which it serves.
//
// The result serves in other routers too, net/http's ServeMux and any that calls
// r.SetPathValue: h.Var has the variables then, and the App gives it everything but its
// routing table.
func To[T any, H HandlerOf[T]](app *App) http.Handler {
	return newEndpointOf[T, H](app, nil)
}

// ToMethods is [To] with a method of T for each method of HTTP, by its name, for two
// pages of one type. GET serves HEAD unless HEAD has its own. The route needs no Methods.
//
//	app.Handle("/books/new", framework.ToMethods(app, map[string]func(*BookHandler) error{
//		"GET": (*BookHandler).New, "POST": (*BookHandler).Create,
//	}))
func ToMethods[T any, H HandlerOf[T]](app *App, methods map[string]func(H) error) http.Handler {
	e := newEndpointOf[T, H](app, func(Handler) error { return nil })
	e.verbs.only = nil
	if err := e.verbs.set(func(verb string) func(Handler) error {
		method := methods[verb]
		if method == nil {
			return nil
		}
		return func(h Handler) error { return method(h.(H)) }
	}, len(methods)); err != nil {
		panic(err.Error())
	}
	return e
}

// ToMethod is [To] with one method of T for every verb, webapp2's handler_method. Its
// route names the verbs:
//
//	app.Handle("/books", framework.ToMethod(app, (*BookHandler).List)).Methods("GET", "HEAD")
func ToMethod[T any, H HandlerOf[T]](app *App, method func(H) error) http.Handler {
	if method == nil {
		panic("framework: ToMethod was given no method")
	}
	return newEndpointOf[T, H](app, func(h Handler) error { return method(h.(H)) })
}

// From is [To] with a constructor, for handlers that must not begin as zero values.
// It is called once for each request, and must return a new value each time.
func From[H Handler](app *App, newHandler func() H) http.Handler {
	if newHandler == nil {
		panic("framework: From was given no constructor")
	}
	return newEndpoint(app, func() Handler { return newHandler() }, nil)
}

// newEndpointOf makes a route whose handlers begin as zero values. Where it is known
// before anything else of a request, a handler and its Response are one allocation.
func newEndpointOf[T any, H HandlerOf[T]](app *App, only func(Handler) error) *endpoint {
	e := newEndpoint(app, func() Handler { return H(new(T)) }, only)
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

func newEndpoint(app *App, newHandler func() Handler, only func(Handler) error) *endpoint {
	if app == nil || app.Router == nil {
		panic("framework: a route was made without an App: make it with framework.New first")
	}
	probe := newHandler()
	if err := checkNil(probe, "the constructor given to From"); err != nil {
		panic(err.Error())
	}
	if err := checkHandler(probe); err != nil {
		panic(err.Error())
	}
	if err := checkNames(probe, only != nil); err != nil {
		panic(err.Error())
	}
	v := methodsOf(probe)
	v.only = only
	if only == nil && v.allow == http.MethodOptions {
		panic(fmt.Sprintf("framework: %T serves no request: it has no Get, Post, Put, Patch, Delete, Head or Options that is a func() error", probe))
	}
	e := &endpoint{app: app, newHandler: newHandler, allocate: allocateResponse, verbs: v}
	app.addEndpoint(e)
	return e
}

// methodsOf lists what the type of h answers. HEAD falls back to GET (RFC 9110 section
// 9.3.2); OPTIONS is always allowed, see refuseMethod.
func methodsOf(h Handler) *verbs {
	v := new(verbs)
	var allow []string
	add := func(served bool, verb string, field *func(Handler) error, action func(Handler) error) {
		if served {
			*field = action
			allow = append(allow, verb)
		}
	}
	_, get := h.(getter)
	_, head := h.(header)
	_, post := h.(poster)
	_, put := h.(putter)
	_, patch := h.(patcher)
	_, delete := h.(deleter)
	_, options := h.(optionser)
	add(get, "GET", &v.get, func(h Handler) error { return h.(getter).Get() })
	if head {
		add(true, "HEAD", &v.head, func(h Handler) error { return h.(header).Head() })
	} else {
		add(get, "HEAD", &v.head, v.get)
	}
	add(post, "POST", &v.post, func(h Handler) error { return h.(poster).Post() })
	add(put, "PUT", &v.put, func(h Handler) error { return h.(putter).Put() })
	add(patch, "PATCH", &v.patch, func(h Handler) error { return h.(patcher).Patch() })
	add(delete, "DELETE", &v.delete, func(h Handler) error { return h.(deleter).Delete() })
	add(options, "OPTIONS", &v.options, func(h Handler) error { return h.(optionser).Options() })
	if !options {
		allow = append(allow, "OPTIONS")
	}
	v.allow = strings.Join(allow, ", ")
	_, v.guarded = h.(guarder)
	return v
}

// set makes verbs of the methods of ToMethods, of which there are count.
func (v *verbs) set(method func(verb string) func(Handler) error, count int) error {
	*v = verbs{guarded: v.guarded}
	var allow []string
	for _, of := range []struct {
		verb  string
		field *func(Handler) error
	}{
		{"GET", &v.get}, {"HEAD", &v.head}, {"POST", &v.post}, {"PUT", &v.put},
		{"PATCH", &v.patch}, {"DELETE", &v.delete}, {"OPTIONS", &v.options},
	} {
		if *of.field = method(of.verb); *of.field != nil {
			count--
		} else if of.verb == "HEAD" {
			v.head = v.get
		}
		if *of.field != nil || of.verb == "OPTIONS" {
			allow = append(allow, of.verb)
		}
	}
	v.allow = strings.Join(allow, ", ")
	if count != 0 || len(allow) == 1 && v.options == nil {
		return errors.New("framework: ToMethods takes a method for GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, at least one of them, in capitals and not nil")
	}
	return nil
}

// Init makes h the handler of one request: what a route does before Dispatch, and
// what a test does to call one method of a handler. It ends with app.Init. A w that
// is no [Response] is wrapped in one; Flush it to see the answer.
func Init(w http.ResponseWriter, r *http.Request, app *App, h Handler) {
	response, ok := w.(*Response)
	if !ok {
		response = newResponseWithoutHandler(w, r, found{})
	}
	h.requestHandler().fill(h, app, response, r, &endpoint{app: app, verbs: methodsOf(h)}, response.core.match)
	app.initialize(h)
}

// Context returns the context of the request, or context.Background before [Init].
func (h *RequestHandler) Context() context.Context {
	if h.Request == nil {
		return context.Background()
	}
	return h.Request.Context()
}

// Route returns the route of the App that took the request: webapp2's request.route. It
// is nil if none did, as in another router.
func (h *RequestHandler) Route() *Route { return h.route }

// Var returns a variable of the route, empty if it has none of that name. In another
// router it is what r.PathValue or mux.Vars has.
func (h *RequestHandler) Var(name string) string {
	value, ok := h.found().variable(name)
	if ok || h.route != nil || h.Request == nil {
		return value
	}
	return cmp.Or(h.Request.PathValue(name), mux.Vars(h.Request)[name])
}

// Vars returns the variables of the route in a new map; nil if it has none. In another
// router it has those that r.Pattern or mux.Vars names.
func (h *RequestHandler) Vars() map[string]string {
	if h.route != nil || h.Request == nil {
		return h.found().vars()
	}
	vars := maps.Clone(mux.Vars(h.Request))
	for _, name := range patternNames(h.Request.Pattern) {
		if vars == nil {
			vars = map[string]string{}
		}
		vars[name] = h.Request.PathValue(name)
	}
	return vars
}

// IntVar returns a variable of the route as a number. A value that is no number of
// 64 bits is an error that answers 404.
func (h *RequestHandler) IntVar(name string) (int64, error) {
	text := h.Var(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n, nil
	}
	if _, ok := h.found().variable(name); !ok && text == "" {
		return 0, errors.New("framework: the route has no variable " + strconv.Quote(name))
	}
	return 0, &Error{Code: http.StatusNotFound, Err: err}
}

// found returns what the search for the route has found.
func (h *RequestHandler) found() found {
	if h.Response == nil {
		return found{match: h.match}
	}
	return found{h.match, h.Response.values()}
}

// Serves reports whether the handler has an action for a method, as for "GET". HEAD
// needs a Get or a Head.
func (h *RequestHandler) Serves(method string) bool {
	return h.endpoint != nil && h.endpoint.verbs.action(method) != nil
}

// Preflight reports whether the request is a CORS preflight that the handler's own Options
// method answers. Browsers send it without cookies (Fetch standard, "CORS-preflight
// request"), so a Guard that asks who the user is lets it pass:
//
//	if h.Preflight() {
//		return nil
//	}
func (h *RequestHandler) Preflight() bool {
	_, answers := h.outermost.(optionser)
	return answers && h.Request.Method == http.MethodOptions &&
		h.Request.Header.Get("Origin") != "" && h.Request.Header.Get("Access-Control-Request-Method") != "" &&
		h.endpoint.verbs.only == nil
}

// Write appends to the body, so that fmt.Fprintf(h, ...) works.
func (h *RequestHandler) Write(p []byte) (int, error) { return h.Response.Write(p) }

// Abort returns an error that answers with a status, like the function [Abort]:
//
//	return h.Abort(http.StatusNotFound)
//
// A Guard or an action that calls it and returns nil is answered with the error all the
// same, and a warning in the log: what came after the call was done, and its page is
// dropped. Use the function for an error that is not to be answered.
func (h *RequestHandler) Abort(code int, message ...any) error {
	return h.note(Abort(code, message...))
}

// note records an error that a Guard or an action may have forgotten to return. Any
// goroutine of the request may call it.
func (h *RequestHandler) note(err error) error {
	if h.Response != nil && h.Response.noting {
		h.Response.needExtras().note(err)
	}
	return err
}

// beginNoting begins to note what Abort and RedirectAbort make. It returns whether a
// handler that passed its request on to this one does so already.
func (r *Response) beginNoting() (outer bool) {
	outer = r.noting
	r.endNoting(true)
	return outer
}

func (r *Response) endNoting(outer bool) {
	r.noting = outer
	if e := r.extras.Load(); e != nil {
		e.note(nil)
	}
}

// noted returns what was noted, nil if nothing was.
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
