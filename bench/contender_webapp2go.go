package main

import (
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// webapp2go as its users have it: handlers that embed BaseHandler, the answer held
// back, panics recovered, cross-origin writes refused, the session in a signed cookie.

// baseHandler is handlers.BaseHandler as far as it concerns sessions.
type baseHandler struct {
	framework.RequestHandler
	manager *sessions.Manager
	own     sessions.Store
	store   *sessions.Store
}

func (h *baseHandler) use(m *sessions.Manager) { h.manager = m }

func (h *baseHandler) Dispatch() error {
	h.store = h.manager.StoreIn(&h.own, h.Request)
	h.Response.SaveWith(h.store)
	return h.RequestHandler.Dispatch()
}

func (h *baseHandler) Session() *sessions.Session { return h.store.Session() }

// answer answers a plain text.
func answer(h *framework.RequestHandler, body string) error {
	writeText(h.Response, body)
	return nil
}

// A plainPage has no session.
type plainPage struct{ framework.RequestHandler }

func (h *plainPage) Get() error { return answer(&h.RequestHandler, helloBody) }

func webapp2goPlain() http.Handler {
	app := framework.New()
	app.Handle("/hello", framework.To[plainPage](app))
	return checked(app)
}

// checked panics unless the app passes its own check.
func checked(app *framework.App) *framework.App {
	if err := app.Check(); err != nil {
		panic(err)
	}
	return app
}

type helloPage struct{ baseHandler }

func (h *helloPage) Get() error { return answer(&h.RequestHandler, helloBody) }

type startPage struct{ baseHandler }

func (h *startPage) Get() error {
	session, v := h.Session(), firstVisitor
	session.Set("user", v.User)
	session.Set("name", v.Name)
	session.Set("visits", v.Visits)
	session.Set("return", v.Return)
	session.Set("csrf", v.CSRF)
	return answer(&h.RequestHandler, helloBody)
}

type readPage struct{ baseHandler }

func (h *readPage) Get() error {
	name, found := sessions.Get[string](h.Session(), "name")
	if !found {
		return h.Abort(http.StatusForbidden, errNoSession.Error())
	}
	visits, _ := sessions.Get[int](h.Session(), "visits")
	return answer(&h.RequestHandler, greeting(name, visits))
}

type readAllPage struct{ baseHandler }

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
	return answer(&h.RequestHandler, everything(v))
}

type writePage struct{ baseHandler }

func (h *writePage) Get() error {
	return answer(&h.RequestHandler, counted(int(h.Session().Incr("visits", 1))))
}

type loginPage struct{ baseHandler }

func (h *loginPage) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	user := h.Request.PostForm.Get("user")
	h.Session().Renew()
	h.Session().Set("user", user)
	return answer(&h.RequestHandler, welcome(user))
}

// A logInPage logs in as package handlers does: the session keeps what the login was
// made of.
type logInPage struct{ baseHandler }

func (h *logInPage) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	user := h.Request.PostForm.Get("user")
	h.Session().LogIn(user, sessions.Login{
		Credential: "kZ8w1n0cPq3rT5vX7yB9dF2hJ4lN6pR8", Method: "password",
		Agent: h.Request.UserAgent(), Address: h.App.ClientIP(h.Request),
	})
	return answer(&h.RequestHandler, welcome(user))
}

// A routePage answers the variable of its route. Like the tables of the others it has
// no sessions.
type routePage struct{ framework.RequestHandler }

func (h *routePage) Get() error {
	if id := h.Var("id"); id != "" {
		return answer(&h.RequestHandler, id)
	}
	return answer(&h.RequestHandler, fixedBody)
}

func webapp2goSite() http.Handler { return webapp2goSiteWith(nil) }

func webapp2goSiteWith(backend sessions.Backend) http.Handler {
	app := newApp(backend)
	app.Handle("/hello", framework.To[helloPage](app))
	app.Handle("/start", framework.To[startPage](app))
	app.Handle("/read", framework.To[readPage](app))
	app.Handle("/readall", framework.To[readAllPage](app))
	app.Handle("/write", framework.To[writePage](app))
	app.Handle("/login", framework.To[loginPage](app))
	app.Handle("/log-in", framework.To[logInPage](app))
	return checked(app)
}

func webapp2goTable(routes []route) http.Handler {
	app := framework.New()
	for _, r := range routes {
		app.Handle(r.pattern, framework.To[routePage](app))
	}
	return checked(app)
}

// newApp makes an app whose handlers have one session, in the backend or, if that is
// nil, in a signed cookie.
func newApp(backend sessions.Backend) *framework.App {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{{Hash: signingKey}},
		Sessions: []sessions.Spec{{Backend: backend}},
	})
	if err != nil {
		panic(err)
	}
	app := framework.New()
	app.Init = func(h framework.Handler) {
		if base, ok := h.(interface{ use(*sessions.Manager) }); ok {
			base.use(manager)
		}
	}
	return app
}
