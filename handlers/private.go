package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// PrivateHandler is for pages whose users must be logged in. Its Guard checks that, so no
// override of Dispatch can reach the action without it. A handler that requires more embeds it and has a Guard
// of its own:
//
//	type AdminHandler struct{ handlers.PrivateHandler }
//
//	func (h *AdminHandler) Guard() error { return h.RequireRole("admin") }
//
// [RecentHandler] and [VerifiedHandler] are two such handlers.
type PrivateHandler struct{ BaseHandler }

// Ready also reports if nobody could log in, because the site has neither Users nor
// FindUser, or has pages but no route named login.
func (h *PrivateHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	switch {
	case h.Site.Users == nil && h.Site.FindUser == nil:
		return errNoUsers
	case h.Site.Templates != nil && h.App.Named("login") == nil:
		return errors.New(`handlers: no route is named "login", to which a PrivateHandler redirects browsers: call site.Routes, or name the route of your own login page with Name("login")`)
	}
	return nil
}

// Guard lets a request pass if a user is logged in. If nobody is, it redirects browsers to
// the route named login, with the page as "next", and responds with 401 to other clients, and to
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
	return h.detour("login")
}

// detour redirects to the login page, or to another page that comes back as it does.
func (h *PrivateHandler) detour(route string) error {
	var pairs []any
	if next := framework.SafeNext(h.pageBefore(), ""); next != "" {
		pairs = append(pairs, "next", next)
	}
	if method := h.Request.Method; method != http.MethodGet && method != http.MethodHead {
		pairs = append(pairs, unprocessedField, "1")
	}
	to, err := h.URL(route, pairs...)
	if err != nil {
		return err
	}
	return h.RedirectAbort(to, http.StatusFound)
}

// RequireRole is a Guard for users who have one of the roles. Other users get 403.
func (h *PrivateHandler) RequireRole(roles ...string) error {
	if err := h.Guard(); err != nil || h.Preflight() {
		return err
	}
	user, err := h.User()
	if err != nil || slices.ContainsFunc(roles, user.Has) {
		return err
	}
	return h.Abort(http.StatusForbidden)
}

// RequireRecent is a Guard for users who have proved within the last 15 minutes who they
// are, by a password, a link in a mail or a login elsewhere. It redirects the browsers of
// other users to the route named confirm, as Guard redirects to the login page. Other
// clients get 403, and so do browsers if there is no such route.
//
// Use it for what somebody who finds an open browser must not be able to do (OWASP ASVS 5.0,
// 7.5.1). A login that an older system has made is never recent.
func (h *PrivateHandler) RequireRecent() error {
	if err := h.Guard(); err != nil || h.Preflight() || h.IsRecent() {
		return err
	}
	if !h.acceptsHTML() || h.App.Named("confirm") == nil {
		return h.Abort(http.StatusForbidden, "Log in again first.")
	}
	return h.detour("confirm")
}

// recent is how long a login is recent.
const recent = 15 * time.Minute

// IsRecent reports whether the login of the session is recent, see
// [PrivateHandler.RequireRecent].
func (h *BaseHandler) IsRecent() bool {
	session := h.Session()
	login, ok := session.Login()
	return ok && login.Method != sessions.MethodImport && session.LoggedInWithin(recent)
}

// RequireVerified is a Guard for users with a verified mail address. It redirects the
// browsers of other users to the route named account, with a message. Other clients get 403,
// and so do browsers if there is no such route.
func (h *PrivateHandler) RequireVerified() error {
	if err := h.Guard(); err != nil || h.Preflight() {
		return err
	}
	user, err := h.User()
	if err != nil || user.Verified && user.Email != "" {
		return err
	}
	message := templates.Lazy("Confirm your mail address first.")
	if !h.acceptsHTML() || h.App.Named("account") == nil {
		return h.Abort(http.StatusForbidden, message.In(h.Locale()))
	}
	account, err := h.URL("account")
	if err != nil {
		return err
	}
	h.Flash(message, "warning")
	return h.RedirectAbort(account, http.StatusFound)
}

// RecentHandler is a PrivateHandler whose Guard is RequireRecent.
type RecentHandler struct{ PrivateHandler }

// Guard is [PrivateHandler.RequireRecent].
func (h *RecentHandler) Guard() error { return h.RequireRecent() }

// VerifiedHandler is a PrivateHandler whose Guard is RequireVerified.
type VerifiedHandler struct{ PrivateHandler }

// Guard is [PrivateHandler.RequireVerified].
func (h *VerifiedHandler) Guard() error { return h.RequireVerified() }

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
