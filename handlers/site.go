package handlers

import (
	"log/slog"
	"net/http"

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
	// Policy is the Content-Security-Policy; empty: [StrictPolicy].
	Policy string
	// Throttle bounds how many passwords can be guessed. The zero value is on.
	Throttle Throttle
	// SecurityLog gets a record of every login, failed login and so on; nil: App.Log. See
	// [BaseHandler.LogSecurity].
	SecurityLog *slog.Logger

	busy oncePerMinute // warnings of auth.ErrBusy
}

// StrictPolicy lets a page load style sheets and pictures of its own site, send
// forms to it, and nothing else: no script at all, no frame, no inline style.
const StrictPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

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
	s.secure(base.Response.Header(), base.App.Scheme(base.Request) == "https" && !base.App.Debug)
}

// secure sets the security headers. Their values are a request's own, in one
// allocation: what one handler does to them is not in the answers of the others.
func (s *Site) secure(header http.Header, https bool) {
	values := new([len(securityHeaders) + 1]string)
	set := func(at int, name, value string) {
		values[at] = value
		header[name] = values[at : at+1 : at+1]
	}
	for at := range securityHeaders {
		set(at, securityHeaders[at].name, securityHeaders[at].value)
	}
	if s.Policy != "" {
		set(0, "Content-Security-Policy", s.Policy)
	}
	if https {
		set(len(securityHeaders), "Strict-Transport-Security", transportSecurity)
	}
}

// securityHeaders are those of every answer (OWASP Secure Headers Project).
var securityHeaders = [...]struct{ name, value string }{
	{"Content-Security-Policy", StrictPolicy},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
}

// transportSecurity keeps a browser on https for a year. Subdomains are for their own
// sites to decide.
const transportSecurity = "max-age=31536000"

// Routes adds the site's own pages to app: login, logout, signup and account, each
// under its name and at the path of that name, and the static files, named static.
// It makes the routes known to the templates, whose names App.Check then checks, and
// answers errors, and paths that lead nowhere, in the site's layout: wherever App.Errors
// has no entry and where App.Fallback is nil.
//
// Routes answer in order, so a route that was added before may take a path over.
func (s *Site) Routes(app *framework.App) {
	app.Handle("/login", framework.To[LoginHandler](app)).Name("login")
	app.Handle("/logout", framework.To[LogoutHandler](app)).Name("logout")
	app.Handle("/signup", framework.To[SignupHandler](app)).Name("signup")
	app.Handle("/account", framework.To[AccountHandler](app)).Name("account")
	app.Handle(templates.StaticPath+"{file}", framework.To[StaticHandler](app)).Name("static")

	if s.Templates != nil { // else the handlers above are not Ready
		s.Templates.SetRoutes(func(name string, pairs ...any) (string, error) {
			u, err := app.URL(name, pairs...)
			if err != nil {
				return "", err
			}
			return u.String(), nil
		}, func(name string) bool { return app.Get(name) != nil })
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
