package framework

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// An App is a web application: a routing table, what its handlers share, and how it
// responds to errors. Make one with [New], set its fields, add its routes, and serve it with
// [Serve], a [Server] or net/http. It must not change after the first request. ServeHTTP,
// URL and the other methods that only read are safe for concurrent use.
type App struct {
	// Router is the routing table, made by New: app.Handle, app.PathPrefix, app.Use, ...
	*Router

	// Debug makes the error pages show the error, the source around it, the calls, the request
	// without cookies and values of forms, and the steps of the request; for 404 and 405 they
	// list the routes. A method DebugInfo() map[string]string of the handler adds to them.
	// Anybody can read them, so set it on your own machine only.
	Debug bool
	// Log gets the errors of the App itself: those whose response is a 5xx, and
	// warnings. If nil, slog.Default().
	Log *slog.Logger
	// RequestLog gets one record for each request. If nil, there are none: App Engine and
	// Cloud Run keep such a log by themselves.
	RequestLog *slog.Logger

	// Init is called with every new handler, before Dispatch. It gives handlers what the
	// site shares. [RequestHandlerOf] has the request and the response.
	Init func(h Handler)
	// Trace is called at the beginning of each request. It returns the request, which may
	// have another context, and a function that gets each [Step] of it. That function is
	// called by all goroutines of the request that call [BeginStep]. If that
	// function is nil, the request is not traced. If Trace is nil, no request is traced, and
	// that costs nothing. Requests that another router serves are not traced. The program examples/otel makes spans of OpenTelemetry of
	// the steps.
	Trace func(r *http.Request) (*http.Request, func(Step))
	// Traces keeps the steps of the newest requests in memory, see [ShowTraces]. If nil, none
	// are kept, and that costs nothing.
	Traces *Traces
	// Errors are the site's error pages by status, 300 to 599. New makes the map. A status
	// without an entry gets a plain page, HTML or JSON.
	Errors map[int]ErrorHandler
	// Fallback makes the handler that responds if no route does (404, 405) and that serves
	// error pages then. If nil, a handler without methods of its own.
	Fallback func() Handler

	// BaseURL is the scheme and host of absolute URLs, like "https://www.example.com".
	// Without it they cannot be built, because the Host header of a request is chosen by
	// its sender.
	BaseURL string
	// Prefix is the path below which the App is served, like "/shop". It is removed from
	// the path of each request, unless http.StripPrefix has done so, and put before each
	// URL. A path without it is served as it is, for proxies that remove the prefix.
	// Behind http.StripPrefix it is only needed for URLs without a request, such as those
	// in mails. Behind chi's Mount, which leaves the path as it is, it must be set.
	Prefix string

	// BufferSize is how many bytes of a response's body are held back until Dispatch has
	// returned. If 0, 64 KiB.
	BufferSize int
	// MaxBodyBytes bounds the body of a request; a larger one gets a 413. If 0, 32 MiB.
	// If negative, there is no limit.
	MaxBodyBytes int64

	// CrossOrigin configures the protection against cross-site request forgery (CSRF). If
	// nil, every unsafe request that a browser sends from another origin gets a 403. Use
	// [http.CrossOriginProtection.AddTrustedOrigin] for sibling subdomains and for an
	// Origin of null.
	CrossOrigin *http.CrossOriginProtection
	// TrustedProxy is the proxy whose headers are believed. If zero, there is none.
	TrustedProxy Proxy
	// RequireGuards makes Check report each route that has no guard, see [Router.Guard].
	RequireGuards bool

	names  map[string]*Route    // the routes that have a name
	frozen atomic.Pointer[tree] // the routing table, made at the first request; nil before it

	freezing  sync.Mutex  // is held while the tree is made
	mutex     sync.Mutex  // guards endpoints
	endpoints []*endpoint // of all routes, for Check
	checked   atomic.Bool // whether Check was called, so that the first request need not call it

	warnedOfProxy atomic.Bool // whether a wrong TrustedProxy was logged
}

// An ErrorHandler responds to an error of its status: webapp2's error_handlers. Its
// handler is that of the request, or the one that App.Fallback made. It has the methods
// of the site's base, such as Render; [RequestHandlerOf] has the request and the
// response:
//
//	app.Errors[404] = func(h framework.Handler, err error) error {
//		return h.(interface{ Render(string, any) error }).Render("lost", nil)
//	}
//
// When it is called, the status is set, the body is empty, and headers and cookies are
// kept. If it returns an error, which may be err, the response is a plain page, HTML or
// JSON.
type ErrorHandler func(h Handler, err error) error

// New returns an App without routes. Protection against cross-site request forgery is on:
// an unsafe request from another origin is 403, see App.CrossOrigin.
func New() *App {
	a := &App{Errors: map[int]ErrorHandler{}}
	a.Router = &Router{app: a}
	return a
}

var _ http.Handler = (*App)(nil)

// ServeHTTP serves one request: it finds the route, makes the handler, calls its Dispatch
// and sends the response.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var t *tracer
	if a.Trace != nil || a.Traces != nil || a.Debug {
		received := r
		r, t = a.beginTrace(r)
		defer func() { received.Pattern = r.Pattern }()
	}
	r = a.withoutPrefix(r)
	var l lookup
	refused := a.findRoute(&l, r)
	response, h := newResponse(w, r, l.fullMatch)
	if t != nil {
		response.needExtras().tracer = t
		t.reportRoute(l.route, refused)
		defer t.reportSent(response)
	}
	defer response.removeUploads()
	if a.RequestLog != nil {
		defer a.logRequest(response, r, time.Now())
	}
	r = a.limitBody(response, r)
	response.core.Request = r
	switch {
	case refused != nil:
		a.refuse(response, r, refused)
	case l.route.wrapped == nil:
		l.route.endpoint.serve(response, r, h)
	default:
		if err := protect(func() error { l.route.wrapped.ServeHTTP(response, r); return nil }); err != nil {
			a.fail(response, r, err) // a panic in middleware or in an http.Handler
		}
	}
	a.finish(response, r)
}

// findRoute looks for the route that takes a request. It returns an error if there is none
// (404, 405), or if the request is refused before that (403, 414).
func (a *App) findRoute(l *lookup, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions: // safe, so that they need no check
	default:
		if err := a.crossOrigin().Check(r); err != nil {
			return &Error{Code: http.StatusForbidden, Message: crossOriginMessage, Err: err}
		}
	}
	if a.Router == nil {
		return errNoRouter
	}
	if len(r.URL.Path) > maxPath {
		return Abort(http.StatusRequestURITooLong)
	}
	a.table().find(l, r, r.Method)
	switch {
	case l.failed != nil:
		l.fullMatch = fullMatch{}
		return l.failed
	case l.route != nil:
		r.Pattern = l.route.template
		return nil
	case l.wrongMethod:
		return Abort(http.StatusMethodNotAllowed)
	}
	return Abort(http.StatusNotFound)
}

var errNoRouter = errors.New("framework: the App has no Router: make it with framework.New")

// maxPath is the longest path that is looked up, in bytes. A longer one is 414: some
// patterns take 0.1 ms for each kilobyte, and a 405 asks them once for each method.
// Servers should support URIs of at least 8,000 bytes (RFC 9110 section 4.1).
const maxPath = 8 << 10

// sameOriginOnly refuses every unsafe request that a browser sends from another origin.
var sameOriginOnly = http.NewCrossOriginProtection()

// crossOriginMessage is what the client is told. The cause of the error is net/http's own
// text, for the operator.
const crossOriginMessage = "This request came from another site, so nothing was done. Open this site and try again from there."

// crossOrigin returns the protection against cross-site requests. It lets clients pass
// that are not browsers: they send neither Sec-Fetch-Site nor Origin. It does not cover
// the upgrade of a WebSocket, which is a GET: check its Origin in the handler.
func (a *App) crossOrigin() *http.CrossOriginProtection {
	if a.CrossOrigin != nil {
		return a.CrossOrigin
	}
	return sameOriginOnly
}

// withoutPrefix returns the request without App.Prefix in its path, or without the rest of
// it if http.StripPrefix has removed its beginning. If there is nothing to remove, it returns
// r.
func (a *App) withoutPrefix(r *http.Request) *http.Request {
	if a.Prefix == "" {
		return r
	}
	escaped, ok := strings.CutPrefix((&url.URL{Path: a.Prefix}).EscapedPath(), removedPrefix(r))
	if !ok || !strings.HasPrefix(escaped, "/") {
		return r
	}
	prefix, err := url.PathUnescape(escaped)
	if err != nil {
		return r
	}
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok || path != "" && path[0] != '/' {
		return r
	}
	below, address := *r, *r.URL
	address.Path = cmp.Or(path, "/")
	address.RawPath = strings.TrimPrefix(r.URL.RawPath, escaped)
	below.URL = &address
	return &below
}

// limitBody bounds the body of a request by App.MaxBodyBytes.
func (a *App) limitBody(w *Response, r *http.Request) *http.Request {
	most := a.MaxBodyBytes
	if most == 0 {
		most = 32 << 20
	}
	if most < 0 || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	return withLimit(w, r, most)
}

// finish sends what is held back. It responds to the error of a hook that fails then.
func (a *App) finish(w *Response, r *http.Request) {
	err := w.send(true)
	if err != nil && !w.sent {
		a.fail(w, r, err)
		err = w.send(true)
	}
	if err != nil {
		a.report(w, r, err)
	}
	if w.hooked() {
		for _, err := range w.runLateHooks() {
			a.logger().ErrorContext(r.Context(), "a change came after the header was written: make it before the first flush, or set a larger App.BufferSize",
				"error", err, "method", r.Method, "path", r.URL.Path, "id", w.RequestID())
		}
	}
	w.finish()
	if w.broken && r.Context().Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler) // the client must not take half a response for a whole one
	}
}

// fail responds to an error that did not come from Dispatch, with the handler of the
// request. If there is none yet, with that of App.Fallback.
func (a *App) fail(w *Response, r *http.Request, err error) {
	h := w.core.outermost
	if w.core.App == nil { // the handler does not exist, or was not given the request
		var failed error
		h, failed = a.newFallback(w, r)
		w.core = h.requestHandler()
		if failed == nil {
			failed = protect(func() error { a.initialize(h); return nil })
		}
		if failed != nil {
			err = errors.Join(err, failed)
		}
	}
	a.respondToError(h, err)
}

// refuse responds to an error of findRoute. For a 405 it adds Allow. OPTIONS gets 204, and a
// method that nobody knows 501 (RFC 9110 sections 9.3.7, 15.5.6 and 15.6.2).
func (a *App) refuse(w *Response, r *http.Request, err error) {
	code := Status(err)
	switch {
	case code == http.StatusForbidden:
	case code == http.StatusNotFound && a.isWarmup(r):
		w.WriteHeader(http.StatusOK)
		return
	case !knownMethod(r.Method):
		err = Abort(http.StatusNotImplemented)
	case code == http.StatusMethodNotAllowed:
		methods := a.table().allowed(r)
		if methods == nil {
			err = Abort(http.StatusNotFound)
			break
		}
		w.Header().Set("Allow", allow(methods))
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	a.respondByFallback(w, r, func(Handler) error { return err })
}

// respondByFallback responds to a request that has no handler of its own. The handler of
// App.Fallback goes through Init, Guard and Dispatch like any other, with action in place
// of its own methods.
func (a *App) respondByFallback(w *Response, r *http.Request, action func(Handler) error) {
	h, failed := a.newFallback(w, r)
	if failed != nil {
		action = func(Handler) error { return failed }
	}
	_, guarded := h.(guarder)
	e := &endpoint{app: a, newHandler: func() Handler { return h }, methods: &methodTable{only: action, guarded: guarded}}
	e.serve(w, r, nil)
}

// newFallback makes the handler of App.Fallback, without calling App.Init. If
// App.Fallback is nil, fails or returns nil, it makes a plainHandler.
func (a *App) newFallback(w *Response, r *http.Request) (h Handler, err error) {
	h = new(plainHandler)
	if a.Fallback != nil {
		made, failed := construct(a.Fallback, "App.Fallback")
		if err = failed; failed == nil {
			h = made
		}
	}
	h.requestHandler().fill(h, a, w, r, &endpoint{app: a, methods: new(methodTable)}, w.core.match)
	return h, err
}

// A plainHandler is the handler that responds if no route does and App.Fallback is nil.
type plainHandler struct{ RequestHandler }

// isWarmup reports whether App Engine asks a new instance to get ready: by GET /_ah/warmup,
// if app.yaml has "inbound_services: warmup" and App Engine has foreseen the instance, or
// by GET /_ah/start with manual and basic scaling. The response is an empty 200, because whatever a program
// does before [Serve] has been done. A route of the App for these paths comes first.
func (a *App) isWarmup(r *http.Request) bool {
	if a.TrustedProxy != AppEngine || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return r.URL.Path == "/_ah/warmup" || r.URL.Path == "/_ah/start"
}

func (a *App) initialize(h Handler) {
	if a.Init != nil {
		a.Init(h)
	}
}

func (a *App) logger() *slog.Logger {
	return cmp.Or(a.Log, slog.Default())
}

// addEndpoint keeps an endpoint for Check, and returns it. The endpoint must be complete,
// because Check may run in another goroutine.
func (a *App) addEndpoint(e *endpoint) http.Handler {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.endpoints = append(a.endpoints, e)
	return e
}
