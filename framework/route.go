package framework

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
)

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
// Register it without mux's Methods: the type says which verbs it serves.
func To[T any, H HandlerOf[T]](app *App) http.Handler {
	return newRouteOf[T, H](app, nil)
}

// ToMethod is [To] with one method of T for every verb, webapp2's handler_method. Its
// route names the verbs:
//
//	app.Handle("/books", framework.ToMethod(app, (*BookHandler).List)).Methods("GET", "HEAD")
func ToMethod[T any, H HandlerOf[T]](app *App, method func(H) error) http.Handler {
	if method == nil {
		panic("framework: ToMethod was given no method")
	}
	return newRouteOf[T, H](app, func(h Handler) error { return method(h.(H)) })
}

// newRouteOf makes a route whose handlers begin as zero values. Where it is known
// before anything else of a request, a handler and its Response are one allocation.
func newRouteOf[T any, H HandlerOf[T]](app *App, only func(Handler) error) *route {
	rt := newRoute(app, func() Handler { return H(new(T)) }, only)
	rt.newWithResponse = func() (*Response, Handler) {
		made := new(struct {
			handler  T
			response Response
		})
		return &made.response, H(&made.handler)
	}
	return rt
}

// From is [To] with a constructor, for handlers that must not begin as zero values.
// It is called once for each request, and must return a new value each time.
func From[H Handler](app *App, newHandler func() H) http.Handler {
	if newHandler == nil {
		panic("framework: From was given no constructor")
	}
	return newRoute(app, func() Handler { return newHandler() }, nil)
}

// A route serves one handler type.
type route struct {
	app             *App
	newHandler      func() Handler
	newWithResponse func() (*Response, Handler) // makes both at one stroke; nil: newHandler must be called
	verbs           *verbs
	muxEntry        *entry // of the requests that the index did not find
}

func bareRoute(app *App, newHandler func() Handler, v *verbs) *route {
	rt := &route{app: app, newHandler: newHandler, verbs: v}
	rt.muxEntry = &entry{route: rt}
	return rt
}

var _ http.Handler = (*route)(nil)

func newRoute(app *App, newHandler func() Handler, only func(Handler) error) *route {
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
	v := verbsOf(probe)
	v.only = only
	if only == nil && v.allow == http.MethodOptions {
		panic(fmt.Sprintf("framework: %T serves no request: it has no Get, Post, Put, Patch, Delete, Head or Options that is a func() error", probe))
	}
	rt := bareRoute(app, newHandler, v)
	app.made(rt)
	return rt
}

// checkHandler returns what makes a handler unfit for any request.
func checkHandler(h Handler) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("framework: %T embeds its RequestHandler through a nil pointer: embed by value", h)
		}
	}()
	h.requestHandler().entry = nil // reached through every embedded pointer
	return checkMethods(h)
}

// checkNil refuses what a function made that should have made a handler.
func checkNil(h Handler, function string) error {
	if v := reflect.ValueOf(h); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("framework: %s returned nil, not a handler", function)
	}
	return nil
}

// ServeHTTP serves a request that mux matched, or one that came by another way: a
// route works without its App's ServeHTTP around it too.
func (rt *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, ours := w.(*Response)
	if ours {
		response.acted = true // if a Guard passed its request on to this route
		rt.muxEntry.serve(response, r, rt.app.variables(r), nil)
		return
	}
	// Middleware has wrapped the writer, or there is no App around.
	response, _ = rt.app.newResponse(w, r, nil)
	defer response.removeUploads()
	if outer := behind(w); outer != nil {
		response.sent = outer.sent
	}
	rt.muxEntry.serve(response, r, rt.app.variables(r), nil)
	rt.app.finish(response, r)
}

// serve is what happens to a handler: it is made, where h is nil, and then Init,
// Dispatch, and HandleError where they fail.
func (e *entry) serve(w *Response, r *http.Request, vars map[string]string, h Handler) {
	app := e.route.app
	var core *RequestHandler
	outer := w.delegated // of a handler that hands its request on to this one
	w.delegated = false
	err := protect(func() error {
		if h == nil {
			h = e.route.newHandler()
		}
		core = h.requestHandler()
		core.fill(h, app, w, r, vars, e.within(w))
		w.core = core
		app.initialize(h)
		return h.Dispatch()
	})
	delegated := w.delegated
	w.delegated = outer || delegated
	if err == nil && delegated && w.failure() == nil {
		return
	}
	if err := protect(func() error { e.conclude(w, r, h, core, delegated, err); return nil }); err != nil {
		app.fail(w, r, err) // of a handler that has lost its Response, or of the log
	}
}

// within returns the entry with what a handler is told of the route that took the
// request: where another handler handed it on, of that one's route.
func (e *entry) within(w *Response) *entry {
	if outer := w.core.entry; e.mux == nil && outer != nil {
		return &entry{route: e.route, mux: outer.mux, template: outer.template}
	}
	return e
}

// conclude answers what Dispatch has left to answer.
func (e *entry) conclude(w *Response, r *http.Request, h Handler, core *RequestHandler, delegated bool, err error) {
	app := e.route.app
	err = sound(err)
	if err == nil && !delegated && !w.answered() {
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
