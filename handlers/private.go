package handlers

import (
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

// Guard lets a user pass. Nobody is sent to the login page, and from there back to
// where it was, if it is a browser that asks for a page; any other client gets 401.
// Where it cannot be known who asks, the answer is 503.
func (h *PrivateHandler) Guard() error {
	user, err := h.User()
	if err != nil || user != nil {
		return err
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
	if h.wantsPage() {
		return h.RedirectAbort(login, http.StatusFound)
	}
	h.challenge()
	return h.Abort(http.StatusUnauthorized, "Log in first.")
}
