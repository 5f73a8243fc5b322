package handlers

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// Site is what all handlers share. It is built once and then only read.
type Site struct {
	// Sessions makes the session store of each request. It must be set.
	Sessions *sessions.Manager
	// Templates are the pages. A site without, such as a JSON service, can neither
	// Render nor use Routes.
	Templates *templates.Set
	// Users are those who can log in; nil: nobody can.
	Users auth.Store
	// Passwords hashes and checks passwords. The zero value is OWASP's advice.
	Passwords auth.Passwords
	// Name is the site's, for the layout; it may be empty.
	Name string
	// LayoutValues gives the layout what it shows beside the page, as {{.Values.name}}: the
	// number of unread messages, a language. It is asked for every page, those of accounts
	// and of errors too, and may use the handler's User, Session and Request. What a handler
	// has set by Page().Set stays. An error becomes the response; an error page is then
	// shown without the values. If nil, the layout has the values that handlers set.
	LayoutValues func(h *BaseHandler) (map[string]any, error)
	// Policy is the Content-Security-Policy; empty: [StrictPolicy]. A policy without
	// frame-ancestors, base-uri or form-action gets those of StrictPolicy, because its
	// default-src does not cover them.
	//
	// The text {nonce} in it becomes 128 random bits, others in each response, which the
	// layout knows as {{.Nonce}} and a handler as Nonce (CSP Level 3, section 2.3.1):
	//
	//	Policy: "default-src 'self'; script-src 'nonce-{nonce}'"
	//	<script nonce="{{.Nonce}}">
	Policy string
	// Headers are security headers in the place of the usual ones, by name; an empty value
	// turns one off. If nil, each response has the Policy, X-Frame-Options as the Policy
	// says it, "X-Content-Type-Options: nosniff", "Referrer-Policy: same-origin",
	// Cross-Origin-Opener-Policy and Cross-Origin-Resource-Policy with same-origin, and a
	// Permissions-Policy without camera, microphone, geolocation, payment and usb.
	//
	// Strict-Transport-Security is sent only if it is here, over https and not in Debug:
	// browsers then refuse plain http for the whole host and all of its ports, for as long
	// as it says, so begin with a short time (RFC 6797).
	//
	//	Headers: map[string]string{
	//		"Strict-Transport-Security": "max-age=86400",
	//		"Referrer-Policy":           "",
	//	}
	Headers map[string]string
	// SignUpClosed leaves the page to sign up out of [Site.Accounts]: users are made in
	// another way.
	SignUpClosed bool
	// Throttle bounds how many passwords can be guessed. The zero value is on.
	Throttle Throttle
	// SecurityLog gets a record of every login, failed login and so on; nil: App.Log. See
	// [BaseHandler.LogSecurity].
	SecurityLog *slog.Logger

	busy          oncePerMinute // warnings of auth.ErrBusy
	secureWarning sync.Once
	prepared      sync.Once
	sent          []securityHeader // made of Policy and Headers at the first request
}

// Init hands the site to a new handler that embeds a [BaseHandler], and puts the
// security headers into its answer, where they stay also if the answer becomes an
// error. Any other handler is left alone. Set it as the App's Init:
//
//	app.Init = site.Init
func (s *Site) Init(h framework.Handler) {
	embedded, ok := h.(interface{ base() *BaseHandler })
	if !ok {
		return
	}
	base := embedded.base()
	base.Site = s
	s.Throttle.in(s, base.App)
	base.nonce = s.secure(base.Response.Header(), base.App.Scheme(base.Request) == "https" && !base.App.Debug)
}

// Pages adds to app what every site with Templates needs, and no account page: the static
// files, at a route named static, the files of the folder root, each at its own name, and
// the error pages. It makes the routes known to the
// templates, whose names App.Check then checks, and answers errors, and paths that lead
// nowhere, in the site's layout: wherever App.Errors has no entry and where App.Fallback
// is nil. [Site.Routes] calls it.
func (s *Site) Pages(app *framework.App) {
	app.Handle(templates.StaticPath+"{file:.+}", framework.To[StaticHandler](app)).Name("static")
	if s.Templates != nil { // else the handler above is not Ready
		for _, name := range s.Templates.RootFiles() {
			app.Handle("/"+name, framework.To[rootHandler](app))
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
		app.Fallback = func() framework.Handler { return new(FallbackHandler) }
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

// Accounts adds the pages of accounts to app: login, logout, signup unless SignUpClosed,
// and account, each under its name and at the path of that name. A name that a route has
// already is left to that route: to have a login page of your own, at whatever path, add it
// before, with Name("login").
func (s *Site) Accounts(app *framework.App) {
	add := func(name string, handler http.Handler) {
		if app.Named(name) == nil {
			app.Handle("/"+name, handler).Name(name)
		}
	}
	add("login", framework.To[LoginHandler](app))
	add("logout", framework.To[LogoutHandler](app))
	if !s.SignUpClosed {
		add("signup", framework.To[SignupHandler](app))
	}
	add("account", framework.To[AccountHandler](app))
}

// Routes adds what most sites have: [Site.Accounts] and [Site.Pages].
//
// Routes answer in order, so a route that was added before may take a path over.
func (s *Site) Routes(app *framework.App) {
	s.Accounts(app)
	s.Pages(app)
}
