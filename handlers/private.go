package handlers

import (
	"errors"
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
)

// PrivateHandler lets only users through who are logged in. It does so in its Guard,
// so that no override of Dispatch can skip it. A handler that asks for more embeds it
// and calls its Guard first:
//
//	func (h *AdminHandler) Guard() error {
//		if err := h.PrivateHandler.Guard(); err != nil {
//			return err
//		}
//		if user, err := h.User(); err != nil || !user.Has("admin") {
//			return cmp.Or(err, framework.Abort(http.StatusForbidden))
//		}
//		return nil
//	}
type PrivateHandler struct{ BaseHandler }

// Ready also reports that nobody could log in: there are no Users, or the site has pages
// and no route named login, to which a browser is sent.
func (h *PrivateHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	switch {
	case h.Site.Users == nil:
		return errNoUsers
	case h.Site.Templates != nil && h.App.Named("login") == nil:
		return errors.New(`handlers: no route is named "login", where a PrivateHandler sends a browser: call site.Routes, or give your own login page its name with Name("login")`)
	}
	return nil
}

// Guard lets a user pass. A browser that asks for a page without being logged in is sent
// to the route named login, and from there back to where it was. Any other client gets
// 401, and so does a browser of a site without that route. A CORS preflight passes if the
// handler has an Options method, see [framework.RequestHandler.Preflight]. If the users or
// the session cannot be read the answer is 503.
func (h *PrivateHandler) Guard() error {
	if h.Preflight() {
		return nil
	}
	user, err := h.User()
	if err != nil || user != nil {
		return err
	}
	if !h.wantsPage() || h.App.Named("login") == nil {
		h.challenge()
		return h.Abort(http.StatusUnauthorized, "Log in first.")
	}
	var pairs []any
	if method := h.Request.Method; (method == http.MethodGet || method == http.MethodHead) && h.Serves(http.MethodGet) {
		if next := framework.SafeNext(h.Request.URL.RequestURI(), ""); next != "" {
			pairs = []any{"next", next}
		}
	}
	login, err := h.URL("login", pairs...)
	if err != nil {
		return err
	}
	return h.RedirectAbort(login, http.StatusFound)
}
