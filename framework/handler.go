package framework

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
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

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Init makes h the handler of one request: what a route does before Dispatch, and
// what a test does to call one method of a handler. It ends with app.Init. A w that
// is no [Response] is wrapped in one; Flush it to see the answer.
func Init(w http.ResponseWriter, r *http.Request, app *App, h Handler) {
	response, ok := w.(*Response)
	if !ok {
		response = newBareResponse(w, r, found{})
	}
	h.requestHandler().fill(h, app, response, r, &endpoint{app: app, verbs: verbsOf(h)}, response.core.match)
	app.initialize(h)
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
	return protect(h.act)
}

func (h *RequestHandler) act() error {
	verbs := h.endpoint.verbs
	if verbs.guarded {
		if passed, err := h.guard(ownGuard); !passed {
			return err
		}
	}
	if action := verbs.action(h.Request.Method); action != nil {
		return h.perform(action)
	}
	return h.withoutAction()
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
func (h *RequestHandler) perform(action func(Handler) error) error {
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

// note records an error that a Guard or an action may have forgotten to return. Any
// goroutine of the request may call it.
func (h *RequestHandler) note(err error) error {
	if h.Response != nil && h.Response.noting {
		h.Response.needExtras().note(err)
	}
	return err
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

// withoutAction answers a verb that the handler does not serve (RFC 9110 sections
// 9.3.7, 15.5.6 and 15.6.2). Of a route of the App, other routes may serve it.
func (h *RequestHandler) withoutAction() error {
	if !knownVerb(h.Request.Method) {
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

// HandleError is called once, on the outermost handler, with what Dispatch returned
// or panicked with: webapp2's handle_exception. The body written so far is gone and
// the status is [Status](err); headers and cookies are kept. Return nil when the
// error has been answered, else the error to answer. The default returns err.
func (h *RequestHandler) HandleError(err error) error { return err }

// Context returns the context of the request, or context.Background before [Init].
func (h *RequestHandler) Context() context.Context {
	if h.Request == nil {
		return context.Background()
	}
	return h.Request.Context()
}

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

// Write appends to the body, so that fmt.Fprintf(h, ...) works.
func (h *RequestHandler) Write(p []byte) (int, error) { return h.Response.Write(p) }
