package framework

import (
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
	return newRoute(app, func() Handler { return H(new(T)) }, nil)
}

// ToMethod is [To] with one method of T for every verb, webapp2's handler_method. Its
// route names the verbs:
//
//	app.Handle("/books", framework.ToMethod(app, (*BookHandler).List)).Methods("GET", "HEAD")
func ToMethod[T any, H HandlerOf[T]](app *App, method func(H) error) http.Handler {
	if method == nil {
		panic("framework: ToMethod was given no method")
	}
	return newRoute(app, func() Handler { return H(new(T)) }, func(h Handler) error { return method(h.(H)) })
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
	app        *App
	newHandler func() Handler
	verbs      *verbs
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
	v := verbsOf(probe)
	v.only = only
	if only == nil && v.allow == http.MethodOptions {
		panic(fmt.Sprintf("framework: %T serves no request: it has no Get, Post, Put, Patch, Delete, Head or Options that is a func() error", probe))
	}
	rt := &route{app: app, newHandler: newHandler, verbs: v}
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
	h.requestHandler().verbs = nil // reached through every embedded pointer
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
		rt.serve(response, r, rt.app.variables(r))
		return
	}
	// Middleware has wrapped the writer, or there is no App around.
	response = rt.app.newResponse(w, r)
	if outer := behind(w); outer != nil {
		response.sent = outer.sent
	}
	rt.serve(response, r, rt.app.variables(r))
	rt.app.finish(response, r)
}

// serve makes the handler of one request and runs it.
func (rt *route) serve(w *Response, r *http.Request, vars map[string]string) {
	h := rt.newHandler()
	core := h.requestHandler()
	core.fill(h, rt.app, w, r, vars)
	core.verbs = rt.verbs
	rt.app.run(h, core)
}
