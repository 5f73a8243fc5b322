package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
)

// PrivateHandler is for pages whose users must be logged in. Its Guard checks that, so that
// no override of Dispatch can skip it. A handler that requires more embeds it and calls its
// Guard first:
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

// Ready also reports that nobody could log in: there are no Users, or the site has pages but
// no route named login.
func (h *PrivateHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	switch {
	case h.Site.Users == nil:
		return errNoUsers
	case h.Site.Templates != nil && h.App.Named("login") == nil:
		return errors.New(`handlers: no route is named "login", to which a PrivateHandler redirects browsers: call site.Routes, or name the route of your own login page with Name("login")`)
	}
	return nil
}

// Guard lets a request pass if a user is logged in. If nobody is, it redirects browsers to
// the route named login, with the page as "next", and answers 401 to other clients, and to
// browsers if there is no such route. A form that a browser has sent is not processed then:
// the login page and the page after the login say so, and "next" is the page of the form. If
// the users or the session cannot be read, the response is 503.
//
// A CORS preflight passes if the handler has an Options method, see
// [framework.RequestHandler.Preflight].
func (h *PrivateHandler) Guard() error {
	if h.Preflight() {
		return nil
	}
	user, err := h.User()
	if err != nil || user != nil {
		return err
	}
	if !h.acceptsHTML() || h.App.Named("login") == nil {
		h.challenge()
		return h.Abort(http.StatusUnauthorized, "Log in first.")
	}
	var pairs []any
	if next := framework.SafeNext(h.pageBefore(), ""); next != "" {
		pairs = append(pairs, "next", next)
	}
	if method := h.Request.Method; method != http.MethodGet && method != http.MethodHead {
		pairs = append(pairs, unprocessedField, "1")
	}
	login, err := h.URL("login", pairs...)
	if err != nil {
		return err
	}
	return h.RedirectAbort(login, http.StatusFound)
}

// acceptsHTML reports whether the client names HTML in Accept, as browsers do.
func (h *BaseHandler) acceptsHTML() bool {
	return strings.Contains(h.Request.Header.Get("Accept"), "text/html")
}

// challenge sets the header that every 401 must have (RFC 9110 section 11.6.1). The login is
// by a cookie, which has no registered scheme. Browsers show nothing for it.
func (h *BaseHandler) challenge() { h.Response.Header().Set("WWW-Authenticate", "Cookie") }

// pageBefore returns the page to come back to after a login: the page that was requested,
// or the page of the form that was sent, as the Referer says if it is of this site. It
// returns "" if that path does not serve GET.
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
