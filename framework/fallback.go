package framework

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// plain is the handler that answers where no route did, for an App without a Fallback.
type plain struct{ RequestHandler }

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
	h.requestHandler().fill(h, a, w, r, nil, bareRoute(a, nil, new(verbs)).muxEntry)
	return h, err
}

// withoutRoute answers a request that no route took: the Fallback's Dispatch runs, as
// that of any handler, and its action is to return err.
func (a *App) withoutRoute(w *Response, r *http.Request, err error) {
	h, failed := a.newFallback(w, r)
	if failed != nil {
		err = failed
	}
	_, guarded := h.(guarder)
	rt := bareRoute(a, func() Handler { return h }, &verbs{only: func(Handler) error { return err }, guarded: guarded})
	rt.muxEntry.serve(w, r, nil, nil)
}

// A refusal is what mux calls where no route took the request: its NotFoundHandler,
// and its MethodNotAllowedHandler for the routes that name their methods.
type refusal struct {
	app  *App
	code int
}

func (f refusal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.app.refuse(w, r, Abort(f.code))
}

// refuse answers a request that no route takes, or may take. RFC 9110 section 15.5.6
// asks for Allow in a 405, which mux does not send.
func (a *App) refuse(w http.ResponseWriter, r *http.Request, err error) {
	code := Status(err)
	switch {
	case code == http.StatusForbidden:
	case code == http.StatusNotFound && a.asksWhetherStarted(r):
		w.WriteHeader(http.StatusOK)
		return
	case !knownVerb(r.Method):
		err = Abort(http.StatusNotImplemented)
	case code == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", a.allowed(r))
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	response, ours := w.(*Response)
	if !ours {
		response, _ = a.newResponse(w, r, nil)
		defer response.removeUploads()
		defer a.finish(response, r)
	}
	a.withoutRoute(response, r, err)
}

// allowed asks the routing table which verbs the path of a request takes: of those of
// HTTP and those that routes name.
func (a *App) allowed(r *http.Request) string {
	verbs := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE"}
	// The function returns no error, so Walk does not.
	_ = a.Walk(func(entry *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		named, _ := entry.GetMethods()
		for _, verb := range named {
			if verb != http.MethodOptions && !slices.Contains(verbs, verb) {
				verbs = append(verbs, verb)
			}
		}
		return nil
	})
	var taken []string
	probe := *r
	for _, verb := range verbs {
		probe.Method = verb
		var match mux.RouteMatch
		if !a.Router.Match(&probe, &match) || match.MatchErr != nil {
			continue
		}
		// The route's own handler: match.Handler has the middleware around it.
		if rt, ours := match.Route.GetHandler().(*route); ours && rt.verbs.action(verb) == nil {
			continue
		}
		taken = append(taken, verb)
	}
	return strings.Join(append(taken, "OPTIONS"), ", ")
}
