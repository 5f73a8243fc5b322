package framework

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
)

// An App is a web application: a routing table, what its handlers share, and how it
// answers when something goes wrong. Make one with [New], set its fields and its
// routes, and then serve; it must not change after the first request. ServeHTTP, URL
// and the other methods that only read are safe for concurrent use.
type App struct {
	*mux.Router // all of mux: Handle, Host, Schemes, PathPrefix, Subrouter, Name, Use, ...

	Debug       bool                        // error pages show the error and the stack
	Log         *slog.Logger                // nil: slog.Default()
	RequestLog  *slog.Logger                // gets one record for each request; nil: none, as where the platform keeps such a log itself
	Init        func(h Handler)             // called on every new handler, before Dispatch; nil: nothing
	Errors      map[int]ErrorHandler        // the site's error pages by status; New makes the map; others are plain
	Fallback    func() Handler              // makes the handler that answers where no route did (404, 405); nil: a plain one
	BaseURL     string                      // scheme and host for absolute URLs; the Host header is not trusted for them
	Buffer      int                         // bytes of body that are held back; 0: 64 KiB
	MaxBody     int64                       // bytes of a request's body; 0: 32 MiB; negative: no limit
	CrossOrigin *http.CrossOriginProtection // which cross-origin writes of browsers to let in; nil: none
	Proxy       Proxy                       // whose headers to believe; none by default

	index   atomic.Pointer[index] // nil before the first request
	checked atomic.Bool           // Check was called
	mutex   sync.Mutex            // guards routes while they are made, and the making of index
	routes  []*route

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
	a := &App{Router: mux.NewRouter(), Errors: map[int]ErrorHandler{}}
	a.NotFoundHandler = refusal{a, http.StatusNotFound}
	a.MethodNotAllowedHandler = refusal{a, http.StatusMethodNotAllowed}
	// Paths are matched as they come: mux would answer an unclean one with a redirect,
	// after which a POST comes back as a GET.
	a.SkipClean(true)
	a.Use(removingUploads)
	return a
}

var _ http.Handler = (*App)(nil)

// ServeHTTP takes one request through its life: match, build, dispatch, answer.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var path splitPath
	found, refused := a.find(r, &path)
	response, h := a.newResponse(w, r, found)
	defer response.removeUploads()
	if a.RequestLog != nil {
		defer a.logRequest(response, r, time.Now())
	}
	r = a.limitBody(response, r)
	switch {
	case refused != nil:
		a.refuse(response, r, refused)
	case found != nil:
		found.serve(response, r, found.variables(&path), h)
	default:
		if err := protect(func() error { a.Router.ServeHTTP(response, r); return nil }); err != nil {
			a.fail(response, r, err) // of middleware, or of an http.Handler that is none of ours
		}
	}
	a.finish(response, r)
}

// find returns the route that takes a request, nil where that is for mux to say, and an
// error where no route may. It splits the path.
func (a *App) find(r *http.Request, path *splitPath) (*entry, error) {
	if err := a.crossOrigin().Check(r); err != nil {
		return nil, &Error{Code: http.StatusForbidden, Message: fromAnotherSite, Err: err}
	}
	if !path.split(r.URL.Path) {
		return nil, Abort(http.StatusNotFound)
	}
	return a.table().find(r.Method, path), nil
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
			a.logger().ErrorContext(r.Context(), "a change came after the header was sent: make it before the first flush, or keep less than App.Buffer",
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
	if h == nil {
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

// made remembers a route for Check. The routing table is read without a lock, so it has
// to be whole before it is used.
func (a *App) made(rt *route) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.index.Load() != nil {
		panic("framework: a route was made after the first request: make all of them before serving")
	}
	a.routes = append(a.routes, rt)
}
