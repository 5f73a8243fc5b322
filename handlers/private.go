package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

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
// to the route named login, and from there back to where it was. If it has sent a form,
// which is not processed, that page and the one after the login say so, and the way back is
// to the page of the form. Any other client gets 401, and so does a browser of a site
// without that route. A CORS preflight passes if the handler has an Options method, see
// [framework.RequestHandler.Preflight]. If the users or the session cannot be read the
// answer is 503.
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
	if next := framework.SafeNext(h.pageBefore(), ""); next != "" {
		pairs = append(pairs, "next", next)
	}
	if method := h.Request.Method; method != http.MethodGet && method != http.MethodHead {
		pairs = append(pairs, unsentField, "1")
	}
	login, err := h.URL("login", pairs...)
	if err != nil {
		return err
	}
	return h.RedirectAbort(login, http.StatusFound)
}

// pageBefore returns the page to come back to after a login: the one that was asked for,
// or the one whose form was sent, as the Referer says if it is of this site. A path that
// does not answer GET is none; empty: there is none.
func (h *PrivateHandler) pageBefore() string {
	own := h.Prefix() + h.Request.URL.RequestURI()
	method := h.Request.Method
	if method != http.MethodGet && method != http.MethodHead {
		page, err := url.Parse(h.Request.Referer())
		if err == nil && page.Host != "" && strings.EqualFold(page.Host, h.Request.Host) {
			if page.EscapedPath() != h.Prefix()+h.Request.URL.EscapedPath() {
				return page.RequestURI()
			}
			own = page.RequestURI()
		}
	}
	if !h.Serves(http.MethodGet) {
		return ""
	}
	return own
}
