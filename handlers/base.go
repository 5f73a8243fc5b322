package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// BaseHandler gives a handler its site, its sessions and its user. A handler embeds it by
// value and adds Get, Post and so on. One value serves one request. A goroutine that
// outlives the request must not use the handler, only values that it took from it.
//
// An override of Dispatch calls h.BaseHandler.Dispatch. Code before that call can already
// use everything here. Code after it can still change sessions and header, unless the
// response has been sent:
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

	ownStore sessions.Store                 // used unless a middleware has made a store
	opened   atomic.Pointer[sessions.Store] // nil until Store was called
	opening  sync.Mutex
	page     *templates.Page // nil until something sets a field of it
	read     *readUser       // nil until User was called
}

// A readUser is the result of User for a session whose user is id.
type readUser struct {
	user *auth.User
	err  error
	id   string
}

// Dispatch fetches the session store, delegates to the action, and has the sessions
// saved with the response.
func (h *BaseHandler) Dispatch() error {
	h.Store() // reads nothing yet; its Save is registered to run just before the header
	return h.RequestHandler.Dispatch()
}

// Ready returns an error if the handler lacks something, such as its Site. App.Check
// calls it at startup for the handler of every route.
func (h *BaseHandler) Ready() error {
	switch {
	case h.Site == nil:
		return errNoSite
	case h.Site.Sessions == nil:
		return errNoSessions
	}
	return errors.Join(h.Site.checkHeaders(), h.Site.checkTemplates(h.App), h.Site.checkMail(h.App), h.Site.checkProviders())
}

var (
	errNoSite     = errors.New("handlers: no Site: set app.Init = site.Init")
	errNoSessions = errors.New("handlers: Site.Sessions is nil: make it with sessions.New")
)

// Store returns the session store of this request. That is the one of
// sessions.Manager.Middleware, if the request came through it, else one in the handler.
// Changed sessions are saved just before the header is written.
//
// All goroutines of the request can use it and its sessions. If it is used for the first
// time after the header has been written, a change is lost: the session's Err returns that,
// and the log has an error.
func (h *BaseHandler) Store() *sessions.Store {
	if store := h.opened.Load(); store != nil {
		return store
	}
	h.opening.Lock()
	defer h.opening.Unlock()
	if store := h.opened.Load(); store != nil {
		return store // another goroutine was faster
	}
	switch {
	case h.Site == nil:
		panic(errNoSite)
	case h.Site.Sessions == nil:
		panic(errNoSessions)
	}
	store := h.Site.Sessions.StoreIn(&h.ownStore, h.Request)
	h.opened.Store(store)
	if h.App.Trace != nil || h.App.Traces != nil || h.App.Debug {
		framework.BeginStep(h.Context(), "sessions", "Store")(nil)
	}
	h.Response.SaveWith((*saver)(h))
	return store
}

// A saver is a BaseHandler whose Save method saves its sessions.
type saver BaseHandler

func (s *saver) Save(w http.ResponseWriter) error {
	h := (*BaseHandler)(s)
	err := h.opened.Load().Save(w)
	h.warnOfSecureCookies(w.Header())
	return err
}

// warnOfSecureCookies logs once that browsers refuse a cookie of the response: a Secure one
// over plain http, unless the host is the browser's own machine.
func (h *BaseHandler) warnOfSecureCookies(header http.Header) {
	if len(header["Set-Cookie"]) == 0 || h.App.Scheme(h.Request) == "https" || isLocal(h.Request.Host) {
		return
	}
	for _, line := range header["Set-Cookie"] {
		if strings.Contains(line, "; Secure") {
			h.Site.secureWarning.Do(func() {
				h.logger().WarnContext(h.Context(), "handlers: a Secure cookie was sent over plain http, where browsers refuse it, so that no session lasts: serve https; if a proxy does, set App.TrustedProxy; on a laptop set Spec.Insecure",
					"host", h.Request.Host)
			})
			return
		}
	}
}

// isLocal reports whether browsers accept Secure cookies of a host over plain http.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1" || host == "[::1]"
}

// Session returns the default session of this request. Store has the others, by name.
func (h *BaseHandler) Session() *sessions.Session { return h.Store().Session() }

// User returns the user who is logged in, by the login of the default session. It returns
// nil and no error if nobody is. That includes a user who was deleted, who has changed
// the password since that login, or who was put into the session by SetUser alone. An
// error means that the session or the users could not be read; its status is 503. The
// users are read once in a request, also if that fails, unless the session becomes that
// of another user.
//
// A user whom an older system has logged in (see [sessions.Import]) is logged in here too,
// but only until that user has been given a password here. A copy of the old cookie is
// worthless from then on.
func (h *BaseHandler) User() (*auth.User, error) {
	session := h.Session()
	id := session.User()
	if h.read != nil && h.read.id == id {
		return h.read.user, h.read.err
	}
	if session.Status() == sessions.StatusDown {
		return nil, unavailable("reading the session", session.Err())
	}
	var user *auth.User
	if login, ok := session.Login(); ok && (h.Site.Users != nil || h.Site.FindUser != nil) {
		found, err := h.Site.findUser(h.Context(), id)
		switch {
		case errors.Is(err, auth.ErrNotFound):
		case err != nil:
			h.setUser(nil, unavailable("reading the user", err), id)
			return nil, h.read.err
		case found.HasCredential(login.Credential):
			user = found
		case login.Method == sessions.MethodImport && login.Credential == "" && found.Imported():
			h.LogIn(found, login)
			user = found
		}
	}
	h.setUser(user, nil, session.User())
	return user, nil
}

// knownUser returns the user if User has found one.
func (h *BaseHandler) knownUser() *auth.User {
	if h.read == nil {
		return nil
	}
	return h.read.user
}

// findUser returns the user with an ID.
func (s *Site) findUser(ctx context.Context, id string) (*auth.User, error) {
	if s.FindUser != nil {
		return s.FindUser(ctx, id)
	}
	return s.Users.ByID(ctx, id)
}

func (h *BaseHandler) setUser(user *auth.User, err error, id string) {
	h.read = &readUser{user, err, id}
}

// LogIn makes the session that of a user who has just proved to be that user. The pages of
// this package call it, and so does a login of the site's own. The session gets a new id,
// and forgets what another user has left in it, see [sessions.Session.LogIn].
//
// How is what the session keeps about the login. LogIn sets its Credential, and its Agent
// and Address if they are empty. If user is nil, the session has an error, which becomes the
// response.
//
//	h.LogIn(user, sessions.Login{Method: "password", Remembered: remember})
func (h *BaseHandler) LogIn(user *auth.User, how sessions.Login) {
	session := h.Session()
	if user == nil {
		session.LogIn("", how)
		return
	}
	if before := session.User(); before != "" && before != user.ID {
		session.Clear()
	}
	how.Credential = user.Credential()
	how.Agent = cmp.Or(how.Agent, h.Request.UserAgent())
	how.Address = cmp.Or(how.Address, h.App.ClientIP(h.Request))
	session.LogIn(user.ID, how)
	h.setUser(user, nil, user.ID)
}

// unavailable returns an error with status 503, unless err has a status of its own.
func unavailable(doing string, err error) error {
	err = fmt.Errorf("handlers: %s: %w", doing, err)
	if code := framework.Status(err); code != http.StatusInternalServerError {
		return err
	}
	return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
}

// DisplayName returns what to call a user: the name, the address of a user without a name, or
// else "Member".
func DisplayName(user *auth.User) string { return cmp.Or(user.Name, user.Email, "Member") }

// displayName is DisplayName in the language of the request.
func (h *BaseHandler) displayName(user *auth.User) string {
	if name := cmp.Or(user.Name, user.Email); name != "" {
		return name
	}
	return h.T("Member")
}

// UpdateUser changes a user and stores it. If another request has changed the user at the
// same moment, it reads the user and calls change again, so change must only assign. On
// success user is as it is stored.
//
//	err := h.UpdateUser(user, func(u *auth.User) error { return u.Set("theme", "dark") })
//
// Errors are those of change and of Site.Users, such as auth.ErrNotFound and auth.ErrExists.
func (h *BaseHandler) UpdateUser(user *auth.User, change func(u *auth.User) error) error {
	for range 10 {
		now, err := h.Site.Users.ByID(h.Context(), user.ID)
		if err != nil {
			return err
		}
		if err := change(now); err != nil {
			return err
		}
		switch err = h.Site.Users.Update(h.Context(), now); {
		case err == nil:
			*user = *now
			return nil
		case !errors.Is(err, auth.ErrConflict):
			return err
		}
	}
	return auth.ErrConflict
}

// Flash keeps a message for the next page that this session's visitor sees. The built-in
// style sheet knows the levels "success", "info", "warning" and "error". An i18n.Message is
// translated when it is shown.
func (h *BaseHandler) Flash(message any, level string) {
	h.Session().AddFlash(h.Site.kept(message), level)
}

// Page returns what the layout will be given. An override of Dispatch, or an action, can set
// its Title, BodyClass and Layout, and give it values. Render sets the other fields. An
// error page for the same request uses it too.
//
//	h.Page().Set("cart", count) // {{.Values.cart}}
//	h.Page().Layout = "print"   // layouts/print.html; templates.NoLayout: the page alone
func (h *BaseHandler) Page() *templates.Page {
	if h.page == nil {
		h.page = new(templates.Page)
	}
	return h.page
}

// Render writes a page of the site's templates, within the layout. Data is the dot of the
// page. The layout shows the user and takes the flashes of the session. If the session
// cannot be read, the page is rendered without a user, and the Spec's WhenDown decides
// whether it is sent.
func (h *BaseHandler) Render(page string, data any) error {
	if _, err := h.User(); err != nil && h.Session().Status() != sessions.StatusDown {
		return err
	}
	if err := h.setLayoutValues(); err != nil {
		return err
	}
	if p := h.Page(); p.Layout != templates.NoLayout {
		for _, flash := range h.Session().Flashes() {
			p.Flashes = append(p.Flashes, templates.Flash{Message: h.shown(flash), Level: flash.Level})
		}
	}
	return h.renderWithoutSession(page, data)
}

// setLayoutValues adds the site's LayoutValues to those that the handler has set.
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

// renderWithoutSession is Render without reading the session: it shows the user if that is
// known already.
func (h *BaseHandler) renderWithoutSession(page string, data any) error {
	if h.Site.Templates == nil {
		return errors.New("handlers: Render: Site.Templates is nil: make it with templates.Parse")
	}
	p := h.Page()
	p.Site, p.Path, p.Prefix, p.Data = h.Site.Name, h.Request.URL.Path, h.Prefix(), data
	h.showLanguages(p)
	if user := h.knownUser(); user != nil {
		p.User, p.Roles = h.displayName(user), user.Roles
	}
	if header := h.Response.Header(); header.Get("Content-Type") == "" {
		header.Set("Content-Type", "text/html; charset=utf-8")
	}
	return h.Site.Templates.Render(h.Response, page, p)
}

// Nonce returns the nonce of this response's Content-Security-Policy, for a script or a style
// inside a page, or "" if the policy has no {nonce}. See [Site.CSP].
func (h *BaseHandler) Nonce() string {
	if h.page == nil {
		return ""
	}
	return h.page.Nonce
}

func (h *BaseHandler) logger() *slog.Logger { return cmp.Or(h.App.Log, slog.Default()) }

func (h *BaseHandler) base() *BaseHandler { return h }
