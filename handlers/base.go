package handlers

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// BaseHandler gives a handler its site, its sessions and its user. Handlers embed it
// by value and add Get, Post and so on. One value serves one request: a goroutine
// that outlives the request takes values out of it, never the handler.
//
// An override of Dispatch calls h.BaseHandler.Dispatch. What comes before that call
// may already use everything here; what comes after it may still change sessions and
// header, as long as the answer has not been sent:
//
//	func (h *AdminHandler) Dispatch() error {
//		h.Page().BodyClass = "admin"
//		err := h.BaseHandler.Dispatch()
//		h.Response.Header().Set("Cache-Control", "no-store")
//		return err
//	}
type BaseHandler struct {
	framework.RequestHandler
	Site *Site // set by Site.Init

	own     sessions.Store // the session store, unless a middleware has made one
	store   atomic.Pointer[sessions.Store]
	opening sync.Mutex
	page    *templates.Page
	nonce   string // of the policy; empty: it has none
	user    *auth.User
	err     error  // of asking for user
	known   bool   // whether user has been asked for
	owner   string // whose the session was then
}

// Dispatch fetches the session store, delegates to the action, and has the sessions
// saved with the response.
func (h *BaseHandler) Dispatch() error {
	h.Store() // reads nothing yet; its Save is registered to run just before the header
	return h.RequestHandler.Dispatch()
}

// Ready reports what the handler lacks, at start: App.Check asks a handler of every route.
func (h *BaseHandler) Ready() error {
	switch {
	case h.Site == nil:
		return errNoSite
	case h.Site.Sessions == nil:
		return errNoSessions
	}
	return errors.Join(h.Site.checkHeaders(), h.Site.checkTemplates(h.App))
}

var (
	errNoSite     = errors.New("handlers: no Site: set app.Init = site.Init")
	errNoSessions = errors.New("handlers: Site.Sessions is nil: make it with sessions.New")
)

// Store returns the session store of this request: that of sessions.Manager.Middleware,
// if the request came through it, else one that lives in the handler. Its changed
// sessions are saved just before the header is written. An override of Dispatch may use
// it before it delegates.
//
// All goroutines of the request may ask for it, and for what is in it. If the first use
// comes after the header has been written, a change is lost: that is an error in the
// log, and at the end of the request in the session's Err.
func (h *BaseHandler) Store() *sessions.Store {
	if store := h.store.Load(); store != nil {
		return store
	}
	h.opening.Lock()
	defer h.opening.Unlock()
	if store := h.store.Load(); store != nil {
		return store // another goroutine was faster
	}
	switch {
	case h.Site == nil:
		panic(errNoSite)
	case h.Site.Sessions == nil:
		panic(errNoSessions)
	}
	store := h.Site.Sessions.StoreIn(&h.own, h.Request)
	h.store.Store(store)
	h.Response.SaveWith((*saver)(h))
	return store
}

// A saver is a BaseHandler that saves its sessions.
type saver BaseHandler

func (s *saver) Save(w http.ResponseWriter) error {
	h := (*BaseHandler)(s)
	err := h.store.Load().Save(w)
	h.warnOfSecureCookies(w.Header())
	return err
}

// warnOfSecureCookies says once in the log that browsers refuse a cookie of the response:
// one that is Secure, over plain http, on another host than their own.
func (h *BaseHandler) warnOfSecureCookies(header http.Header) {
	if len(header["Set-Cookie"]) == 0 || h.App.Scheme(h.Request) == "https" || isLocal(h.Request.Host) {
		return
	}
	for _, line := range header["Set-Cookie"] {
		if strings.Contains(line, "; Secure") {
			h.Site.secureWarning.Do(func() {
				h.logger().WarnContext(h.Context(), "handlers: a Secure cookie was sent over plain http, where browsers refuse it, so that no session lasts: serve https; if a proxy does, set App.Proxy; on a laptop set Spec.Insecure",
					"host", h.Request.Host)
			})
			return
		}
	}
}

// isLocal reports whether browsers take a host for their own machine, where they accept
// Secure cookies over plain http.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1" || host == "[::1]"
}

// Session returns the default session of this request. Others are by name in Store.
func (h *BaseHandler) Session() *sessions.Session { return h.Store().Session() }

// User returns who is logged in: the user whose login the default session keeps. Nil and
// no error is nobody, and so is a user who has been deleted, one who has got another
// password since this session's login, and one whom SetUser alone has put into the
// session. An error says that nobody can tell, because the session or the users could not
// be read; it answers 503. The users are asked once in a request, unless the session
// becomes another's: a store that did not answer is not asked again.
//
// A user whom an older system had logged in (see [sessions.Import]) is logged in here, as
// long as the user has not been given a password here: a copy of the old cookie is worth
// nothing then.
func (h *BaseHandler) User() (*auth.User, error) {
	session := h.Session()
	id := session.User()
	if h.known && h.owner == id {
		return h.user, h.err
	}
	if session.Status() == sessions.StatusDown {
		return nil, unavailable("reading the session", session.Err())
	}
	var user *auth.User
	if login, ok := session.Login(); ok && h.Site.Users != nil {
		found, err := h.Site.Users.ByID(h.Context(), id)
		switch {
		case errors.Is(err, auth.ErrNotFound):
		case err != nil:
			h.user, h.err, h.known, h.owner = nil, unavailable("reading the user", err), true, id
			return nil, h.err
		case found.HasCredential(login.Credential):
			user = found
		case login.Method == sessions.MethodImport && login.Credential == "" && found.Imported():
			h.LogIn(found, login)
			user = found
		}
	}
	h.user, h.err, h.known, h.owner = user, nil, true, session.User()
	return h.user, nil
}

// LogIn makes the session that of user, for whoever has checked who it is: the pages of
// this package, or a login of the site's own. How is what the session keeps of the login;
// its Credential is set to the user's, and its Agent and Address, if empty, to those of
// the request. See [sessions.Session.LogIn]; what another user left in the session is
// dropped.
//
//	h.LogIn(user, sessions.Login{Method: "password", Remembered: remember})
func (h *BaseHandler) LogIn(user *auth.User, how sessions.Login) {
	session := h.Session()
	if before := session.User(); before != "" && before != user.ID {
		session.Clear()
	}
	how.Credential = user.Credential()
	if how.Agent == "" {
		how.Agent = h.Request.UserAgent()
	}
	if how.Address == "" {
		how.Address = h.App.ClientIP(h.Request)
	}
	session.LogIn(user.ID, how)
	h.user, h.err, h.known, h.owner = user, nil, true, user.ID
}

// unavailable is the error of a store that did not answer: 503, unless it says another.
func unavailable(doing string, err error) error {
	err = fmt.Errorf("handlers: %s: %w", doing, err)
	if code := framework.Status(err); code != http.StatusInternalServerError {
		return err
	}
	return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
}

// Flash keeps a message for the next page that the session's owner sees. Level is
// "success", "info", "warning", "error", or what the site's style sheet knows.
func (h *BaseHandler) Flash(message any, level string) { h.Session().AddFlash(message, level) }

// Page is what the layout will be given. An override of Dispatch, or an action, may set its
// Title, its Look and its Layout, and give it values; Render fills in the rest. So does an
// error page that the handler's request becomes.
//
//	h.Page().Set("cart", count) // {{.Values.cart}}
//	h.Page().Layout = "print"   // layouts/print.html; templates.NoLayout: the page alone
func (h *BaseHandler) Page() *templates.Page {
	if h.page == nil {
		h.page = new(templates.Page)
	}
	return h.page
}

// Render answers with a page of the site's templates within the layout. The content's
// dot is data. The layout shows the user and the flashes, which are read from the
// session by this. Where the session cannot be read the page is for nobody, and its
// Spec's WhenDown says whether that may be sent.
func (h *BaseHandler) Render(page string, data any) error {
	if _, err := h.User(); err != nil && h.Session().Status() != sessions.StatusDown {
		return err
	}
	if err := h.setLayoutValues(); err != nil {
		return err
	}
	if p := h.Page(); p.Layout != templates.NoLayout {
		for _, flash := range h.Session().Flashes() {
			p.Flashes = append(p.Flashes, templates.Flash{Message: flash.Value, Level: flash.Level})
		}
	}
	return h.render(page, data)
}

// setLayoutValues gives the page the values of the site, beside those that the handler has
// set.
func (h *BaseHandler) setLayoutValues() error {
	if h.Site.LayoutValues == nil {
		return nil
	}
	values, err := h.Site.LayoutValues(h)
	p := h.Page()
	for name, value := range values {
		if _, set := p.Values[name]; !set {
			p.Set(name, value)
		}
	}
	return err
}

// Nonce is the nonce of this response's Content-Security-Policy, for a page that has a
// script or a style in its text; empty if the policy has no {nonce}. See [Site.Policy].
func (h *BaseHandler) Nonce() string { return h.nonce }

// render is Render without the session: the user is shown if it is known already.
func (h *BaseHandler) render(page string, data any) error {
	if h.Site.Templates == nil {
		return errors.New("handlers: Render: Site.Templates is nil: make it with templates.Parse")
	}
	p := h.Page()
	p.Site, p.Path, p.Prefix, p.Nonce, p.Data = h.Site.Name, h.Request.URL.Path, h.Prefix(), h.nonce, data
	if h.user != nil {
		p.User, p.Roles = h.user.Name, h.user.Roles
	}
	if header := h.Response.Header(); header.Get("Content-Type") == "" {
		header.Set("Content-Type", "text/html; charset=utf-8")
	}
	return h.Site.Templates.Render(h.Response, page, p)
}

func (h *BaseHandler) base() *BaseHandler { return h }
