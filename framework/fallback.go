package framework

import "net/http"

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
	h.requestHandler().fill(h, a, w, r, &endpoint{app: a, verbs: new(verbs)}, w.core.match)
	return h, err
}

// withoutRoute responds to a request that no handler of ours has taken: the Fallback's
// Dispatch runs, as that of any handler, with an action of ours.
func (a *App) withoutRoute(w *Response, r *http.Request, action func(Handler) error) {
	h, failed := a.newFallback(w, r)
	if failed != nil {
		action = func(Handler) error { return failed }
	}
	_, guarded := h.(guarder)
	e := &endpoint{app: a, newHandler: func() Handler { return h }, verbs: &verbs{only: action, guarded: guarded}}
	e.serve(w, r, nil)
}

// refuse responds to a request that no route takes, or may take (RFC 9110 sections 9.3.7,
// 15.5.6 and 15.6.2).
func (a *App) refuse(w *Response, r *http.Request, err error) {
	code := Status(err)
	switch {
	case code == http.StatusForbidden:
	case code == http.StatusNotFound && a.asksWhetherStarted(r):
		w.WriteHeader(http.StatusOK)
		return
	case !knownVerb(r.Method):
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
	a.withoutRoute(w, r, func(Handler) error { return err })
}
