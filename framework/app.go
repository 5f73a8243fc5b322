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

// find looks for the route that takes a request, and returns an error if none may.
func (a *App) find(s *search, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions: // which change nothing
	default:
		if err := a.crossOrigin().Check(r); err != nil {
			return &Error{Code: http.StatusForbidden, Message: crossOriginMessage, Err: err}
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

// maxPath is the longest path that is looked up, in bytes. A regular expression takes 0.1
// ms for a kilobyte, and a 405 asks it for each method. RFC 9110 section 4.1 has everybody
// take URIs of 8,000 bytes.
const maxPath = 8 << 10

// sameOriginOnly refuses every write that a browser sends from another origin.
var sameOriginOnly = http.NewCrossOriginProtection()

// crossOriginMessage is what the user is told of a refused write. What net/http found is the
// cause of the error: it speaks to who runs the site.
const crossOriginMessage = "This request came from another site, so nothing was done. Open this site and try again from there."

// crossOrigin returns the rules for writes from other origins. Clients that are no
// browsers send neither Sec-Fetch-Site nor Origin and pass; an Origin of null and
// sibling subdomains have to be trusted by name, with
// [http.CrossOriginProtection.AddTrustedOrigin]. The upgrade of a WebSocket is a GET
// and is not covered: check its Origin in the handler.
func (a *App) crossOrigin() *http.CrossOriginProtection {
	if a.CrossOrigin != nil {
		return a.CrossOrigin
	}
	return sameOriginOnly
}

// withoutPrefix returns the request with App.Prefix taken off its path, unless it has been
// taken off already.
func (a *App) withoutPrefix(r *http.Request) *http.Request {
	if a.Prefix == "" || takenOff(r) != "" {
		return r
	}
	path, ok := strings.CutPrefix(r.URL.Path, a.Prefix)
	if !ok || path != "" && path[0] != '/' {
		return r
	}
	below, address := *r, *r.URL
	address.Path = cmp.Or(path, "/")
	address.RawPath = strings.TrimPrefix(r.URL.RawPath, (&url.URL{Path: a.Prefix}).EscapedPath())
	below.URL = &address
	return &below
}

// limitBody bounds what a handler can read.
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

// refuse responds to a request that no route takes, or may take (RFC 9110 sections 9.3.7,
// 15.5.6 and 15.6.2).
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

// respondByFallback responds to a request that no handler of ours has taken: the Fallback's
// Dispatch runs, as that of any handler, with an action of ours.
func (a *App) respondByFallback(w *Response, r *http.Request, action func(Handler) error) {
	h, failed := a.newFallback(w, r)
	if failed != nil {
		action = func(Handler) error { return failed }
	}
	_, guarded := h.(guarder)
	e := &endpoint{app: a, newHandler: func() Handler { return h }, verbs: &verbs{only: action, guarded: guarded}}
	e.serve(w, r, nil)
}

// newFallback makes the handler that answers where no route did, without App.Init:
// the plain one, and an error, where App.Fallback panics or returns none.
func (a *App) newFallback(w *Response, r *http.Request) (h Handler, err error) {
	h = new(plain)
	if a.Fallback != nil {
		err = protect(func() error {
			made := a.Fallback()
			if err := checkNil(made, "App.Fallback"); err != nil {
				return err
			}
			h = made
			return nil
		})
	}
	h.requestHandler().fill(h, a, w, r, &endpoint{app: a, verbs: new(verbs)}, w.core.match)
	return h, err
}

// plain is the handler that answers where no route did, for an App without a Fallback.
type plain struct{ RequestHandler }

// isWarmup tells whether App Engine asks a new instance to get ready:
// GET /_ah/warmup before it sends users (where app.yaml has inbound_services: warmup),
// GET /_ah/start with manual and basic scaling. Nothing is left to do then: what a
// program does before [Serve] is done before anybody can ask. A route of the App's own
// at these paths comes first.
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

// made remembers what serves routes, for Check.
func (a *App) addEndpoint(e *endpoint) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.endpoints = append(a.endpoints, e)
}
