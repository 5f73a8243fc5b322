package framework

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// An App is a web application: a routing table, what its handlers share, and how it
// answers when something goes wrong. Make one with [New], set its fields and its
// routes, and then serve; it must not change after the first request. ServeHTTP, URL
// and the other methods that only read are safe for concurrent use.
type App struct {
	*Router // the routing table: Handle, HandleFunc, PathPrefix, Host, Use, Guard, Named, ...

	Debug         bool                        // error pages show the error and the stack
	Log           *slog.Logger                // nil: slog.Default()
	RequestLog    *slog.Logger                // gets one record for each request; nil: none, as where the platform keeps such a log itself
	Init          func(h Handler)             // called on every new handler, before Dispatch; nil: nothing
	Errors        map[int]ErrorHandler        // the site's error pages by status; New makes the map; others are plain
	Fallback      func() Handler              // makes the handler that answers where no route did (404, 405); nil: a plain one
	BaseURL       string                      // scheme and host for absolute URLs; the Host header is not trusted for them
	Prefix        string                      // path below which the App stands, like "/shop", with or without http.StripPrefix around it; part of the URLs that it builds; empty: none
	BufferSize    int                         // bytes of body that are held back; 0: 64 KiB
	MaxBodyBytes  int64                       // bytes of a request's body; 0: 32 MiB; negative: no limit
	CrossOrigin   *http.CrossOriginProtection // which cross-origin writes of browsers to let in; nil: none
	TrustedProxy  Proxy                       // whose headers to believe; none by default
	RequireGuards bool                        // Check reports every route that neither Router.Guard nor a Guard of its type covers

	frozen    atomic.Pointer[tree] // of the routing table; nil before the first request
	checked   atomic.Bool          // Check was called
	mutex     sync.Mutex           // guards endpoints
	freezing  sync.Mutex           // guards the making of the tree
	endpoints []*endpoint
	names     map[string]*Route

	warnedOfProxy atomic.Bool // that Proxy does not say what stands in front of the program
}

// An ErrorHandler answers an error of its status: webapp2's error_handlers. h is the
// handler of the request, or the one that App.Fallback made; it is an [io.Writer] to
// answer with, and has the methods of the site's base, such as Render:
//
//	app.Errors[404] = func(h framework.Handler, err error) error {
//		return h.(interface{ Render(string, any) error }).Render("lost", nil)
//	}
//
// The status is set, the body is empty, headers and cookies are kept. An error that it
// returns is answered with a plain page, HTML or JSON; return err to have that.
type ErrorHandler func(h Handler, err error) error

// New returns an App without routes and without error pages.
func New() *App {
	a := &App{Errors: map[int]ErrorHandler{}}
	a.Router = &Router{app: a}
	return a
}

var _ http.Handler = (*App)(nil)

// ServeHTTP takes one request through its life: match, build, dispatch, respond.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = a.withoutPrefix(r)
	var s search
	refused := a.find(&s, r)
	response, h := newResponse(w, r, s.found)
	defer response.removeUploads()
	if a.RequestLog != nil {
		defer a.logRequest(response, r, time.Now())
	}
	r = a.limitBody(response, r)
	response.core.Request = r
	switch {
	case refused != nil:
		a.refuse(response, r, refused)
	case s.route.chain == nil:
		s.route.ours.serve(response, r, h)
	default:
		if err := protect(func() error { s.route.chain.ServeHTTP(response, r); return nil }); err != nil {
			a.fail(response, r, err) // of middleware, or of an http.Handler that is none of ours
		}
	}
	a.finish(response, r)
}

// maxPath is the longest path that is looked up, in bytes. A regular expression takes 0.1
// ms for a kilobyte, and a 405 asks it for each method. RFC 9110 section 4.1 has everybody
// take URIs of 8,000 bytes.
const maxPath = 8 << 10

// find looks for the route that takes a request, and returns an error if none may.
func (a *App) find(s *search, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions: // which change nothing
	default:
		if err := a.crossOrigin().Check(r); err != nil {
			return &Error{Code: http.StatusForbidden, Message: fromAnotherSite, Err: err}
		}
	}
	if a.Router == nil {
		return errors.New("framework: an App without a Router: make it with framework.New")
	}
	if len(r.URL.Path) > maxPath {
		return Abort(http.StatusRequestURITooLong)
	}
	a.table().find(s, r, r.Method)
	switch {
	case s.failed != nil:
		s.found = found{}
		return s.failed
	case s.route != nil:
		r.Pattern = s.route.template
		return nil
	case s.refused:
		return Abort(http.StatusMethodNotAllowed)
	}
	return Abort(http.StatusNotFound)
}

// finish sends what is held, and answers the error of a hook that failed in that.
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
			a.logger().ErrorContext(r.Context(), "a change came after the header was sent: make it before the first flush, or keep less than App.BufferSize",
				"error", err, "method", r.Method, "path", r.URL.Path, "id", w.RequestID())
		}
	}
	w.finish()
	if w.broken && r.Context().Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
	}
}

// fail answers an error that no Dispatch returned: with the handler of the request,
// where it has one, else with that of the Fallback.
func (a *App) fail(w *Response, r *http.Request, err error) {
	h := w.core.outermost
	if w.core.App == nil { // it was made, and not given the request yet
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
	a.answer(h, err)
}

func (a *App) initialize(h Handler) {
	if a.Init != nil {
		a.Init(h)
	}
}

func (a *App) logger() *slog.Logger {
	return cmp.Or(a.Log, slog.Default())
}

// made remembers what serves routes, for Check.
func (a *App) made(e *endpoint) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.endpoints = append(a.endpoints, e)
}
