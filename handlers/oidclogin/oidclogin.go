// Package oidclogin adds logins with OpenID Connect, such as those with Google, to a site of
// package handlers: buttons on the login page and on the account page, and the pages behind
// them. A program that does not import it does not link a client of OpenID Connect.
//
//	site := &handlers.Site{Sessions: manager, Templates: pages, Users: users}
//	app := framework.New()
//	app.Init, app.BaseURL = site.Init, "https://www.example.com"
//	google, err := oidc.New(oidc.Google(clientID, clientSecret,
//		oidclogin.CallbackURL(app, "google"), manager.Derive("oidc")))
//	...
//	oidclogin.Add(app, site, "Google", google)
//	site.Routes(app)
//
// # How users are found
//
// A user is found by the auth id, such as "google:1234", and never by the mail address of the
// account elsewhere: whoever has that address there would get the user's account here. So a
// user who has an account here already logs in as before, and adds the login on the account
// page.
//
// Somebody without an account gets one, if Site.SignUp is SignUpOpen or SignUpByEmail. Its
// address is verified if the provider decides about it, see oidc.Config.Authoritative.
//
// The example of [Add] is a whole site.
package oidclogin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// CallbackURL returns the address to which the provider called name sends browsers back. It is
// what the provider must know, and oidc.Config.RedirectURL.
func CallbackURL(app *framework.App, name string) string {
	return strings.TrimSuffix(app.BaseURL, "/") + app.Prefix + "/login/" + name + "/callback"
}

// Add adds a provider to a site, with a button that says title. The routes are
// /login/NAME for the buttons, with the name login-NAME, and /login/NAME/callback.
func Add(app *framework.App, site *handlers.Site, title string, provider *oidc.Provider) {
	site.LoginProviders = append(site.LoginProviders, handlers.LoginProvider{
		Name: provider.Name(), Title: title, Origins: provider.Origins,
	})
	path := "/login/" + provider.Name()
	app.Handle(path, framework.From(app, func() *BeginHandler {
		return &BeginHandler{page{provider: provider, title: title}}
	})).Name("login-" + provider.Name())
	app.Handle(path+"/callback", framework.From(app, func() *CallbackHandler {
		return &CallbackHandler{page{provider: provider, title: title}}
	})).Name("login-" + provider.Name() + "-callback")
}

// A page is the base of both handlers.
type page struct {
	handlers.BaseHandler
	provider *oidc.Provider
	title    string
}

// Ready also reports if the site has no users.
func (h *page) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	if h.Site.Users == nil || h.provider == nil {
		return errors.New("oidclogin: Site.Users is nil, or the handler was not added by oidclogin.Add")
	}
	return nil
}

// The purposes of a login.
const (
	purposeLogin   = "login"
	purposeLink    = "link"    // adds the login to the user who is logged in
	purposeConfirm = "confirm" // makes the login of the user recent
)

// BeginHandler sends a browser to the provider.
type BeginHandler struct{ page }

// Post begins a login. The form value "next" is the path to go to afterwards. The form
// value "purpose" is "login" or empty, "link", which needs a recent login, or "confirm".
// Only a POST begins a login, so that no page of another site can.
func (h *BeginHandler) Post() error {
	if err := h.ParseFields(8 << 10); err != nil {
		return err
	}
	form := h.Request.PostForm
	login := oidc.Login{Purpose: form.Get("purpose"), Next: framework.SafeNext(form.Get("next"), "")}
	if len(login.Next) > 1024 {
		login.Next = ""
	}
	switch login.Purpose {
	case "":
		login.Purpose = purposeLogin
	case purposeLogin:
	case purposeLink, purposeConfirm:
		user, err := h.User()
		if err != nil {
			return err
		}
		if user == nil {
			return h.Abort(http.StatusUnauthorized, "Log in first.")
		}
		if login.Purpose == purposeLink && !h.IsRecent() {
			return h.RedirectTo("confirm", "next", h.accountPath())
		}
		login.User, login.Again = user.ID, login.Purpose == purposeConfirm
	default:
		return h.Abort(http.StatusBadRequest, `The form value "purpose" must be login, link or confirm.`)
	}
	to, err := h.provider.Begin(h.Response, h.Request, login)
	if err != nil {
		return err
	}
	return h.RedirectCode(to, http.StatusSeeOther)
}

func (h *page) accountPath() string {
	path, err := h.URL("account")
	if err != nil {
		return h.Prefix() + "/"
	}
	return path
}

// CallbackHandler is where the provider sends the browser back.
type CallbackHandler struct{ page }

// Dispatch keeps the code of the provider out of caches and the Referer header.
func (h *CallbackHandler) Dispatch() error {
	h.Response.Header().Set("Referrer-Policy", "no-referrer")
	h.Response.Header().Set("Cache-Control", "no-store")
	return h.page.Dispatch()
}

// Get finishes a login.
func (h *CallbackHandler) Get() error {
	current, err := h.User()
	if err != nil {
		return err
	}
	who, err := h.provider.Finish(h.Response, h.Request)
	switch {
	case errors.Is(err, oidc.ErrState) && current != nil: // a double click, or Back
		return h.Redirect(h.Prefix() + "/")
	case errors.Is(err, oidc.ErrState):
		return h.Abort(http.StatusForbidden, "This login was not begun in this browser, or took too long. Please log in again.")
	case errors.Is(err, oidc.ErrDenied):
		h.Flash(templates.Lazy("The login with %(provider)s was cancelled.", "provider", h.title), "info")
		return h.RedirectTo("login")
	case err != nil:
		return err
	}
	user, err := h.Site.Users.ByKey(h.Context(), auth.AuthIDKey(who.AuthID))
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
	}
	known := err == nil
	if who.Login.Purpose != purposeLogin && (current == nil || current.ID != who.Login.User) {
		return h.Abort(http.StatusForbidden, "Another user was logged in when you began. Please try again.")
	}
	switch {
	case known && user.Disabled:
		return h.Abort(http.StatusForbidden, "This account cannot log in.")
	case who.Login.Purpose == purposeLink && known && user.ID != current.ID:
		return h.Abort(http.StatusConflict, h.T("Another user logs in with this account at %(provider)s.", "provider", h.title))
	case who.Login.Purpose == purposeLink:
		return h.link(current, who)
	case who.Login.Purpose == purposeConfirm && (!known || user.ID != current.ID):
		return h.Abort(http.StatusForbidden, h.T("You confirmed with another account at %(provider)s. Please try again.", "provider", h.title))
	case !known:
		return h.create(who)
	}
	var message templates.Message
	if who.Login.Purpose == purposeLogin {
		message = templates.Lazy("Welcome back, %(name)s.", "name", handlers.DisplayName(user))
	}
	return h.enter(user, who, handlers.LoginSuccess, message)
}

// enter logs in and goes on.
func (h *CallbackHandler) enter(user *auth.User, who *oidc.Identity, event handlers.SecurityEvent, message templates.Message) error {
	how := sessions.Login{Method: "oidc:" + h.provider.Name()}
	if before, ok := h.Session().Login(); ok && h.Session().User() == user.ID {
		how.Remembered = before.Remembered
	}
	h.LogIn(user, how)
	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
	h.LogSecurity(event, user)
	if message.ID != "" {
		h.Flash(message, "success")
	}
	return h.Redirect(framework.SafeNext(who.Login.Next, h.Prefix()+"/"))
}

// link adds the login to a user. That changes the user's credential, so that this session is
// logged in again and all others end.
func (h *CallbackHandler) link(user *auth.User, who *oidc.Identity) error {
	if err := h.UpdateUser(user, func(u *auth.User) error { return u.AddAuthID(who.AuthID) }); err != nil {
		if errors.Is(err, auth.ErrExists) {
			return h.Abort(http.StatusConflict, h.T("Another user logs in with this account at %(provider)s.", "provider", h.title))
		}
		return err
	}
	who.Login.Next = h.accountPath()
	return h.enter(user, who, handlers.UserUpdated, templates.Lazy("You can now log in with %(provider)s.", "provider", h.title))
}

// create makes a user for an account that is not known here.
func (h *CallbackHandler) create(who *oidc.Identity) error {
	if h.Site.SignUp != handlers.SignUpOpen && h.Site.SignUp != handlers.SignUpByEmail {
		return h.Abort(http.StatusForbidden, h.T("No user logs in with this account at %(provider)s, and this site is not open for new users.", "provider", h.title))
	}
	if wait := h.Site.Throttle.WaitSignUp(h.Request); wait > 0 {
		return h.Abort(http.StatusTooManyRequests)
	}
	defer h.Site.Throttle.Done(h.Request)
	h.Site.Throttle.SignedUp(h.Request)
	user := &auth.User{Email: who.Email, Verified: who.Verified && who.Email != "", AuthIDs: []string{who.AuthID}}
	if suggested, err := auth.ParseName(who.Name); err == nil {
		user.Name = suggested
	}
	if err := h.KeepLanguage(user); err != nil {
		return err
	}
	user.Restamp()
	err := h.Site.Users.Create(h.Context(), user)
	if exists, ok := errors.AsType[*auth.ExistsError](err); ok && exists.Field() == "name" {
		user.Name = ""
		err = h.Site.Users.Create(h.Context(), user)
	}
	if exists, ok := errors.AsType[*auth.ExistsError](err); ok {
		switch exists.Field() {
		case "email": // only the owner of the mailbox learns that
			return h.Abort(http.StatusConflict, h.T("You have an account here with the address %(address)s. Log in as before, and add %(provider)s on your account page.", "address", who.Email, "provider", h.title))
		default: // the same login, twice at once
			return h.Abort(http.StatusConflict, "Please log in again.")
		}
	}
	if err != nil {
		return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
	}
	return h.enter(user, who, handlers.UserCreated, templates.Lazy("Welcome, %(name)s.", "name", handlers.DisplayName(user)))
}
