package framework

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// plain is the handler that answers where no route did, for an App without a Fallback.
type plain struct{ RequestHandler }

// newFallback makes the handler that answers where no route did, without app.Init.
func (a *App) newFallback(w *Response, r *http.Request) Handler {
	var h Handler = new(plain)
	if a.Fallback != nil {
		h = a.Fallback()
	}
	core := h.requestHandler()
	core.fill(h, a, w, r, nil)
	core.verbs = new(verbs)
	return h
}

// withoutRoute answers a request that no route took: the Fallback's Dispatch runs, as
// that of any handler, and its action is to return err.
func (a *App) withoutRoute(w *Response, r *http.Request, err error) {
	h := a.newFallback(w, r)
	core := h.requestHandler()
	_, guarded := h.(guarder)
	core.verbs = &verbs{only: func(Handler) error { return err }, guarded: guarded}
	a.run(h, core)
}

// notFound is mux's NotFoundHandler.
func (a *App) notFound(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, http.StatusNotFound)
}

// methodNotAllowed is mux's MethodNotAllowedHandler, for the routes that name their
// methods. RFC 9110 section 15.5.6 asks for Allow, which mux does not send.
func (a *App) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", a.allowed(r))
	a.refuse(w, r, http.StatusMethodNotAllowed)
}

// refuse answers where mux found no route.
func (a *App) refuse(w http.ResponseWriter, r *http.Request, code int) {
	err := Abort(code)
	switch {
	case !knownVerb(r.Method):
		w.Header().Del("Allow")
		err = Abort(http.StatusNotImplemented)
	case code == http.StatusMethodNotAllowed && r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	response, ours := w.(*Response)
	if !ours {
		response = a.newResponse(w, r)
		defer a.finish(response, r)
	}
	a.withoutRoute(response, r, err)
}

// allowed asks the routing table which verbs the path of a request takes.
func (a *App) allowed(r *http.Request) string {
	var verbs []string
	probe := *r
	for _, verb := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE"} {
		probe.Method = verb
		var match mux.RouteMatch
		if !a.Router.Match(&probe, &match) || match.MatchErr != nil {
			continue
		}
		if rt, ours := match.Handler.(*route); ours && rt.verbs.action(verb) == nil {
			continue
		}
		verbs = append(verbs, verb)
	}
	return strings.Join(append(verbs, "OPTIONS"), ", ")
}

// checkFallback makes one handler as for a request, and asks it whether it is ready.
func (a *App) checkFallback() error {
	if a.Fallback == nil {
		return nil
	}
	h := a.Fallback()
	if h == nil {
		return errors.New("framework: App.Fallback returned no handler")
	}
	return a.probe(h)
}
