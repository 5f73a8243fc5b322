package handlers

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// Site is what all handlers of a program share. Set its fields before the first request and
// do not change them later. It must not be copied.
type Site struct {
	// Sessions makes the session store of each request. It must be set.
	Sessions *sessions.Manager
	// Templates are the pages. If nil, the site can neither Render nor use Routes, as a
	// JSON service.
	Templates *templates.Set
	// Users are the users who can log in. If nil, there is no login.
	Users auth.Backend
	// FindUser returns the user with an ID, or an error that wraps auth.ErrNotFound. It is
	// for an application that keeps its users by itself, see [auth.FinderFunc]. If nil, it is
	// Users.ByID. With FindUser and without Users, a site has h.User, h.LogIn and
	// PrivateHandler, but no pages of accounts.
	FindUser func(ctx context.Context, id string) (*auth.User, error)
	// Passwords hashes and verifies passwords. The zero value follows OWASP's advice.
	Passwords auth.Passwords
	// Name is the name of the site, for the layout. It may be empty.
	Name string
	// LayoutValues returns values for the layout, such as the number of unread messages,
	// which shows them as {{.Values.name}}. It is called for every page, including those of
	// accounts and errors, and may use the handler's User, Session and Request. A value that
	// a handler has set with Page().Set is kept. An error becomes the response; an error
	// page is shown without the values then. If nil, the layout has the handlers' values
	// only.
	LayoutValues func(h *BaseHandler) (map[string]any, error)
	// Language returns the name of the language that the site keeps for a visitor, such as a
	// value of the session, or "". It is what i18n.Stored stands for. If it is nil or returns
	// "", that is the cookie of [LanguageHandler]. It must not use the handler's Locale or T.
	Language func(h *BaseHandler) string
	// CSP is the Content-Security-Policy. If empty, it is [StrictCSP]. If it has no
	// frame-ancestors, base-uri or form-action, that of StrictCSP is added, because
	// default-src does not cover them.
	//
	// The text {nonce} is replaced by 128 random bits, which differ in each response. The
	// layout has them as {{.Nonce}}, a handler as Nonce (CSP Level 3, section 2.3.1):
	//
	//	CSP: "default-src 'self'; script-src 'nonce-{nonce}'"
	//	<script nonce="{{.Nonce}}">
	CSP string
	// Headers replaces security headers by name; an empty value removes one. The usual ones
	// are the CSP, an X-Frame-Options that agrees with it, "X-Content-Type-Options: nosniff",
	// "Referrer-Policy: same-origin", Cross-Origin-Opener-Policy and
	// Cross-Origin-Resource-Policy with same-origin, and a Permissions-Policy without camera,
	// microphone, geolocation, payment and usb.
	//
	// Strict-Transport-Security is sent only if it is set here, only over https and not in
	// Debug. For as long as it says, browsers refuse plain http for the whole host with all
	// of its ports, so begin with a short time (RFC 6797).
	//
	//	Headers: map[string]string{
	//		"Strict-Transport-Security": "max-age=86400",
	//		"Referrer-Policy":           "",
	//	}
	Headers map[string]string
	// SignUp says who can sign up. The zero value is SignUpOpen.
	SignUp SignUp
	// Mail sends the mails of accounts. If nil, [Site.Accounts] leaves out the pages that
	// send some. If it is set, App.BaseURL must be set too, so that links in mails lead to
	// this site whatever Host a request names.
	Mail mail.Sender
	// MailTexts replaces built-in texts of mails, by name: reset.txt is the text of the mail
	// for a forgotten password, see the folder handlers/mails for all of them and [MailData]
	// for what they are given. If nil, all texts are built in.
	MailTexts fs.FS
	// LoginProviders are where users can log in with an account that they have elsewhere. Set
	// them with oidclogin.Add, which also adds their pages.
	LoginProviders []LoginProvider
	// OnDelete is called before a user who has asked for it is deleted, to delete what the
	// application keeps about the user. If it returns an error, the user is not deleted. It
	// may be called again for the same user. If nil, only the user is deleted.
	OnDelete func(ctx context.Context, user *auth.User) error
	// VerifyCaller returns nil if a request comes from a program that may start the jobs of
	// CronHandlers and TaskHandlers, such as Cloud Scheduler and Cloud Tasks; else an error,
	// which the security log gets. The method Verify of oidc.Callers does that by the token of
	// the request. If nil, only App Engine's own cron service and task queue can start them.
	VerifyCaller func(r *http.Request) error
	// Throttle limits how many passwords can be guessed. The zero value is on.
	Throttle Throttle
	// SecurityLog gets a record of every login, failed login and the like, see
	// [BaseHandler.LogSecurity]. If nil, App.Log gets them.
	SecurityLog *slog.Logger

	mailOnce      sync.Once
	mailTemplates map[string]*mail.Templates // by the name of the locale
	mailErr       error
	tokensOnce    sync.Once
	tokensMade    *auth.Tokens
	busy          oncePerMinute // warnings of auth.ErrBusy
	secureWarning sync.Once
	prepared      sync.Once
	sent          []securityHeader // made of CSP and Headers at the first request
}

// SignUp says who can sign up.
type SignUp int

const (
	// SignUpOpen lets everybody sign up with a name and a password, which is 409 if the name
	// is taken.
	SignUpOpen SignUp = iota
	// SignUpByEmail sends a link to an address. Whoever opens it chooses a name and a
	// password. Nothing is stored before, and no page shows whether an address has an
	// account.
	SignUpByEmail
	// SignUpByInvitation has no sign-up page. See [BaseHandler.Invite], which also works with
	// SignUpOpen and SignUpByEmail.
	SignUpByInvitation
	// SignUpClosed has no sign-up at all. Users are created by the program.
	SignUpClosed
)

// Init gives the site to a new handler that embeds a [BaseHandler], and sets the security
// headers of its response, which an error response keeps. It does nothing for other
// handlers. Set it as the App's Init:
//
//	app.Init = site.Init
func (s *Site) Init(h framework.Handler) {
	embedded, ok := h.(interface{ base() *BaseHandler })
	if !ok {
		return
	}
	base := embedded.base()
	base.Site = s
	s.Throttle.use(s, base.App)
	if nonce := s.setHeaders(base.Response.Header(), base.App.Scheme(base.Request) == "https" && !base.App.Debug); nonce != "" {
		base.Page().Nonce = nonce
	}
}

// Routes adds what most sites have: [Site.Accounts] and [Site.Pages]. The first route
// that matches a request serves it, so a route that was added before can replace one of
// these.
func (s *Site) Routes(app *framework.App) {
	s.Accounts(app)
	s.Pages(app)
}

// Accounts adds the pages of accounts. Each route has the name and the path in this list:
//
//	login            /login            LoginHandler
//	logout           /logout           LogoutHandler
//	signup           /signup           SignupHandler or SignupByEmailHandler, as SignUp says
//	account          /account          AccountHandler
//	confirm          /confirm          ConfirmHandler
//
// and if the site has Mail
//
//	signup-finish    /signup/finish    SignupFinishHandler, with SignUpByEmail
//	invitation       /invitation       InvitationHandler, unless SignUp is SignUpClosed
//	forgot           /forgot           ForgotHandler
//	reset            /reset            ResetHandler
//	email            /email            EmailHandler
//	verify           /verify           VerifyHandler
//	login-link       /login/link       LoginLinkHandler
//	sent             /sent             SentHandler
//
// A name that a route has already is skipped: to have a login page of your own, at any path,
// add it before with Name("login").
func (s *Site) Accounts(app *framework.App) {
	add := func(name, path string, handler http.Handler) {
		if app.Named(name) == nil {
			app.Handle(path, handler).Name(name)
		}
	}
	add("login", "/login", framework.To[LoginHandler](app))
	add("logout", "/logout", framework.To[LogoutHandler](app))
	switch s.SignUp {
	case SignUpOpen:
		add("signup", "/signup", framework.To[SignupHandler](app))
	case SignUpByEmail:
		add("signup", "/signup", framework.To[SignupByEmailHandler](app))
	}
	add("account", "/account", framework.To[AccountHandler](app))
	add("confirm", "/confirm", framework.To[ConfirmHandler](app))
	if s.Mail == nil {
		return
	}
	if s.SignUp == SignUpByEmail {
		add("signup-finish", "/signup/finish", framework.To[SignupFinishHandler](app))
	}
	if s.SignUp != SignUpClosed {
		add("invitation", "/invitation", framework.To[InvitationHandler](app))
	}
	add("forgot", "/forgot", framework.To[ForgotHandler](app))
	add("reset", "/reset", framework.To[ResetHandler](app))
	add("email", "/email", framework.To[EmailHandler](app))
	add("verify", "/verify", framework.To[VerifyHandler](app))
	add("login-link", "/login/link", framework.To[LoginLinkHandler](app))
	add("sent", "/sent", framework.To[SentHandler](app))
}

// Pages adds what every site with Templates needs, and no page of accounts: the static
// files, at a route named static, the files of the folder root, the error pages, and for more
// than one language the route named language, see [LanguageHandler]. It
// makes the routes known to the templates, so that App.Check can check the names in them.
// Errors, and requests that match no route, get a page in the site's layout, unless
// App.Errors or App.Fallback is set. [Site.Routes] calls it.
func (s *Site) Pages(app *framework.App) {
	app.Handle(templates.StaticPath+"{file:.+}", framework.To[StaticHandler](app)).Name("static")
	if s.Templates != nil { // if it is nil, StaticHandler.Ready reports it
		for _, name := range s.Templates.RootFiles() {
			app.Handle("/"+name, framework.To[rootHandler](app))
		}
		if languages := s.languages(); languages != nil && len(languages.Languages()) > 1 && app.Named("language") == nil {
			app.Handle("/language", framework.To[LanguageHandler](app)).Name("language")
		}
		s.Templates.SetRoutes(func(name string, pairs ...any) (string, error) {
			u, err := app.URL(name, pairs...)
			if err != nil {
				return "", err
			}
			if u.Host != "" {
				return u.String(), nil
			}
			// The page puts the prefix of its request before it.
			return strings.TrimPrefix(u.String(), (&url.URL{Path: app.Prefix}).EscapedPath()), nil
		}, func(name string) bool { return app.Named(name) != nil })
	}
	if app.Fallback == nil {
		app.Fallback = func() framework.Handler { return new(fallbackHandler) }
	}
	if app.Errors == nil {
		app.Errors = map[int]framework.ErrorHandler{}
	}
	for code := 400; code < 600; code++ {
		if _, ok := app.Errors[code]; !ok && http.StatusText(code) != "" {
			app.Errors[code] = errorPage
		}
	}
}
