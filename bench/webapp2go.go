package main

import (
	"cmp"
	"log/slog"
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// webapp2go is measured as applications use it: handlers that embed handlers.BaseHandler,
// buffered responses, recovered panics, refused cross-origin writes, the session in a
// signed cookie with both its timeouts. Its security headers are off except on the
// withHeaders site, because no other contender sends them.
var webapp2go = contender{
	name: "webapp2go",
	sites: map[string]func() http.Handler{
		noSessions:   func() http.Handler { return webapp2goPlain(framework.To[helloText]) },
		withSessions: func() http.Handler { return webapp2goSite(nil) },
		withHeaders:  func() http.Handler { return webapp2goSecured(framework.To[visitText]) },
		withLogIn:    func() http.Handler { return webapp2goSite(nil) },
	},
	table:   func(t table) http.Handler { return webapp2goTable(t, framework.To[routeText]) },
	cookies: true,
}

// webapp2goSet has the pages whose handlers set the header themselves instead of calling
// Text. The pages with sessions are the same, and are not measured twice.
var webapp2goSet = contender{
	name: "webapp2go, Set",
	sites: map[string]func() http.Handler{
		noSessions: func() http.Handler { return webapp2goPlain(framework.To[helloSet]) },
		withSessions: func() http.Handler {
			app := newApp(nil, noHeaders)
			app.Handle("/hello", framework.To[visitSet](app))
			app.Handle("/start", framework.To[startPage](app))
			return checked(app)
		},
		withHeaders: func() http.Handler { return webapp2goSecured(framework.To[visitSet]) },
	},
	table: func(t table) http.Handler { return webapp2goTable(t, framework.To[routeSet]) },
}

// The pages without sessions.
type (
	helloText struct{ framework.RequestHandler }
	helloSet  struct{ framework.RequestHandler }
	routeText struct{ framework.RequestHandler }
	routeSet  struct{ framework.RequestHandler }
)

func (h *helloText) Get() error { return h.Text(helloBody) }
func (h *helloSet) Get() error  { return writeText(h.Response, helloBody) }
func (h *routeText) Get() error { return h.Text(cmp.Or(h.Var("id"), fixedBody)) }
func (h *routeSet) Get() error  { return writeText(h.Response, cmp.Or(h.Var("id"), fixedBody)) }

// The pages of a site with sessions.
type (
	visitText   struct{ handlers.BaseHandler }
	visitSet    struct{ handlers.BaseHandler }
	startPage   struct{ handlers.BaseHandler }
	readPage    struct{ handlers.BaseHandler }
	readAllPage struct{ handlers.BaseHandler }
	writePage   struct{ handlers.BaseHandler }
	loginPage   struct{ handlers.BaseHandler }
	logInPage   struct{ handlers.BaseHandler }
)

func (h *visitText) Get() error { return h.Text(helloBody) }
func (h *visitSet) Get() error  { return writeText(h.Response, helloBody) }

func (h *startPage) Get() error {
	session, v := h.Session(), firstVisitor
	session.Set("user", v.User)
	session.Set("name", v.Name)
	session.Set("visits", v.Visits)
	session.Set("return", v.Return)
	session.Set("csrf", v.CSRF)
	return h.Text(helloBody)
}

func (h *readPage) Get() error {
	name, found := sessions.Get[string](h.Session(), "name")
	if !found {
		return h.Abort(http.StatusForbidden, errNoSession.Error())
	}
	visits, _ := sessions.Get[int](h.Session(), "visits")
	return h.Text(greeting(name, visits))
}

func (h *readAllPage) Get() error {
	session := h.Session()
	var v visitor
	var found bool
	if v.Name, found = sessions.Get[string](session, "name"); !found {
		return h.Abort(http.StatusForbidden, errNoSession.Error())
	}
	v.User, _ = sessions.Get[string](session, "user")
	v.Visits, _ = sessions.Get[int](session, "visits")
	v.Return, _ = sessions.Get[string](session, "return")
	v.CSRF, _ = sessions.Get[string](session, "csrf")
	return h.Text(everything(v))
}

func (h *writePage) Get() error { return h.Text(counted(int(h.Session().Incr("visits", 1)))) }

func (h *loginPage) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	user := h.Request.PostForm.Get("user")
	h.Session().Renew()
	h.Session().Set("user", user)
	return h.Text(welcome(user))
}

// A logInPage logs in as the login page of package handlers does: the session records how
// and when the user logged in.
func (h *logInPage) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	user := h.Request.PostForm.Get("user")
	h.Session().LogIn(user, sessions.Login{
		Credential: "kZ8w1n0cPq3rT5vX7yB9dF2hJ4lN6pR8", Method: "password",
		Agent: h.Request.UserAgent(), Address: h.App.ClientIP(h.Request),
	})
	return h.Text(welcome(user))
}

// noHeaders turns the security headers off.
var noHeaders = map[string]string{
	"Content-Security-Policy": "", "X-Frame-Options": "", "X-Content-Type-Options": "", "Referrer-Policy": "",
	"Permissions-Policy": "", "Cross-Origin-Opener-Policy": "", "Cross-Origin-Resource-Policy": "",
}

// newApp makes an app whose handlers have one session, in the backend or, if that is nil,
// in a signed cookie. If headers is nil, it sends all security headers.
func newApp(backend sessions.Backend, headers map[string]string) *framework.App {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{{Hash: signingKey}},
		Sessions: []sessions.Spec{{Backend: backend}},
	})
	if err != nil {
		panic(err)
	}
	app := framework.New()
	app.Log = slog.New(slog.DiscardHandler)
	app.Init = (&handlers.Site{Sessions: manager, Headers: headers}).Init
	return app
}

// checked panics unless the app passes its own check.
func checked(app *framework.App) *framework.App {
	if err := app.Check(); err != nil {
		panic(err)
	}
	return app
}

func webapp2goPlain(page func(*framework.App) http.Handler) http.Handler {
	app := framework.New()
	app.Handle("/hello", page(app))
	return checked(app)
}

func webapp2goSecured(page func(*framework.App) http.Handler) http.Handler {
	app := newApp(nil, nil)
	app.Handle("/hello", page(app))
	app.Handle("/start", framework.To[startPage](app))
	return checked(app)
}

// webapp2goSite is the site with its sessions in the backend or, if that is nil, in a signed
// cookie.
func webapp2goSite(backend sessions.Backend) http.Handler {
	app := newApp(backend, noHeaders)
	app.Handle("/hello", framework.To[visitText](app))
	app.Handle("/start", framework.To[startPage](app))
	app.Handle("/read", framework.To[readPage](app))
	app.Handle("/readall", framework.To[readAllPage](app))
	app.Handle("/write", framework.To[writePage](app))
	app.Handle("/login", framework.To[loginPage](app))
	app.Handle("/log-in", framework.To[logInPage](app))
	return checked(app)
}

func webapp2goTable(t table, page func(*framework.App) http.Handler) http.Handler {
	app := framework.New()
	router := app.Router
	if t.host != "" {
		router = router.Host(t.host).Subrouter()
	}
	if t.prefix != "" {
		router = router.PathPrefix(t.prefix).Subrouter()
	}
	if t.use {
		router.Use(nothing)
	}
	for _, r := range t.routes {
		router.Handle(r.pattern, page(app))
	}
	return checked(app)
}
