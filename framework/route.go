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

// From is [To] with a constructor, for handlers that must not begin as zero values.
// It is called once for each request, and must return a new value each time.
func From[H Handler](app *App, newHandler func() H) http.Handler {
	if newHandler == nil {
		panic("framework: From was given no constructor")
	}
	return newEndpoint(app, func() Handler { return newHandler() }, nil)
}

// An endpoint serves one handler type.
type endpoint struct {
	app        *App
	newHandler func() Handler
	allocate   func() (*Response, Handler) // both in one allocation; a nil Handler is for newHandler to make
	verbs      *verbs
}

var _ http.Handler = (*endpoint)(nil)

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
	v := verbsOf(probe)
	v.only = only
	if only == nil && v.allow == http.MethodOptions {
		panic(fmt.Sprintf("framework: %T serves no request: it has no Get, Post, Put, Patch, Delete, Head or Options that is a func() error", probe))
	}
	e := &endpoint{app: app, newHandler: newHandler, allocate: allocateBare, verbs: v}
	app.made(e)
	return e
}

// checkHandler returns what makes a handler unfit for any request.
func checkHandler(h Handler) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("framework: %T embeds its RequestHandler through a nil pointer: embed by value", h)
		}
	}()
	h.requestHandler().endpoint = nil // reached through every embedded pointer
	return checkMethods(h)
}

// checkNil refuses what a function made that should have made a handler.
func checkNil(h Handler, function string) error {
	if v := reflect.ValueOf(h); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("framework: %s returned nil, not a handler", function)
	}
	return nil
}

// ServeHTTP serves a request that came by another way than the App's own table: behind a
// function of the program, by a handler that hands its request on, or in another router.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.serveHTTP(w, r, nil) }

// serveHTTP serves a request that may have come through middleware, of a route if the App
// has chosen it.
func (e *endpoint) serveHTTP(w http.ResponseWriter, r *http.Request, route *Route) {
	response, ours := w.(*Response)
	if ours {
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
	outer := behind(w)
	if outer != nil && outer.core.route != nil {
		m = outer.found()
	} else if route != nil {
		m = route.matchBehind(r)
	}
	response = newBareResponse(w, r, m)
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
	if err := protect(func() error { e.conclude(w, r, h, core, delegated, err); return nil }); err != nil {
		app.fail(w, r, err) // of a handler that has lost its Response, or of the log
	}
}

// conclude answers what Dispatch has left to answer.
func (e *endpoint) conclude(w *Response, r *http.Request, h Handler, core *RequestHandler, delegated bool, err error) {
	app := e.app
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
