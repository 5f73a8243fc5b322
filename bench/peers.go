package main

import (
	"context"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	gincontrib "github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	gorilla "github.com/gorilla/sessions"
	echocontrib "github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
)

// gorillaMux is gorilla/mux with the CookieStore of gorilla/sessions. Sessions need no
// installation: a handler asks the store for one.
var gorillaMux = contender{
	name: "gorilla",
	sites: map[string]func() http.Handler{
		noSessions: func() http.Handler {
			router := mux.NewRouter()
			router.HandleFunc("/hello", hello).Methods("GET")
			return router
		},
		withSessions: gorillaSite,
	},
	table:   gorillaTable,
	cookies: true,
}

type gorillaValues map[any]any

func (v gorillaValues) get(key any) any    { return v[key] }
func (v gorillaValues) set(key, value any) { v[key] = value }

func gorillaSite() http.Handler {
	store := gorilla.NewCookieStore(signingKey)
	router := mux.NewRouter()
	router.HandleFunc("/hello", hello).Methods("GET")
	for _, p := range pages {
		router.HandleFunc(p.path, func(w http.ResponseWriter, r *http.Request) {
			user := ""
			if p.method == "POST" {
				user = r.PostFormValue("user")
			}
			session, _ := store.Get(r, "session") // a new one if the cookie is forged
			body, err := visit(gorillaValues(session.Values), p.path, user)
			if err == nil && p.changes {
				err = session.Save(r, w)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			writeText(w, body)
		}).Methods(p.method)
	}
	return router
}

func gorillaTable(t table) http.Handler {
	root := mux.NewRouter()
	router := root
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
		router.HandleFunc(r.pattern, r.handler(func(r *http.Request) string { return mux.Vars(r)["id"] })).Methods("GET")
	}
	return root
}

// chiRouter is chi, with the sessions of scs, which are in the memory of the process: the
// cookie holds a token. LoadAndSave reads the session in every request that brings one.
var chiRouter = contender{
	name: "chi",
	sites: map[string]func() http.Handler{
		noSessions: func() http.Handler {
			router := chi.NewRouter()
			router.Get("/hello", hello)
			return router
		},
		withSessions: chiSite,
	},
	table: chiTable,
}

type scsValues struct {
	manager *scs.SessionManager
	ctx     context.Context
}

func (v scsValues) get(key any) any    { return v.manager.Get(v.ctx, key.(string)) }
func (v scsValues) set(key, value any) { v.manager.Put(v.ctx, key.(string), value) }

// A goroutine that cleans up would keep the store alive after its measurement.
func chiSite() http.Handler { return scsSite(memstore.NewWithCleanupInterval(0)) }

// scsSite is the site of chi with its sessions in a store of scs.
func scsSite(store scs.Store) http.Handler {
	manager := scs.New()
	manager.Store = store
	manager.Cookie.Secure = true
	router := chi.NewRouter()
	router.Use(manager.LoadAndSave)
	router.Get("/hello", hello)
	for _, p := range pages {
		router.MethodFunc(p.method, p.path, func(w http.ResponseWriter, r *http.Request) {
			user := ""
			if p.method == "POST" {
				user = r.PostFormValue("user")
				if err := manager.RenewToken(r.Context()); err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
			}
			body, err := visit(scsValues{manager, r.Context()}, p.path, user)
			if err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			writeText(w, body)
		})
	}
	return router
}

func chiTable(t table) http.Handler {
	if t.host != "" {
		return nil
	}
	root := chi.NewRouter()
	fill := func(router chi.Router) {
		if t.use {
			router.Use(nothing)
		}
		for _, r := range t.routes {
			router.Get(r.pattern, r.handler(func(r *http.Request) string { return chi.URLParam(r, "id") }))
		}
	}
	if t.prefix != "" {
		root.Route(t.prefix, fill)
	} else {
		fill(root)
	}
	return root
}

// ginRouter is gin with the cookie store of gin-contrib/sessions, as gin.New makes it:
// without the logger and the recovery of gin.Default.
var ginRouter = contender{
	name: "gin",
	sites: map[string]func() http.Handler{
		noSessions: func() http.Handler {
			engine := newGin()
			engine.GET("/hello", ginHello)
			return engine
		},
		withSessions: ginSite,
	},
	table:   ginTable,
	cookies: true,
}

func newGin() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}

func ginHello(c *gin.Context) { c.String(http.StatusOK, helloBody) }

type ginValues struct{ gincontrib.Session }

func (v ginValues) get(key any) any    { return v.Get(key) }
func (v ginValues) set(key, value any) { v.Set(key, value) }

func ginSite() http.Handler {
	engine := newGin()
	engine.Use(gincontrib.Sessions("session", cookie.NewStore(signingKey)))
	engine.GET("/hello", ginHello)
	for _, p := range pages {
		engine.Handle(p.method, p.path, func(c *gin.Context) {
			user := ""
			if p.method == "POST" {
				user = c.PostForm("user")
			}
			session := gincontrib.Default(c)
			body, err := visit(ginValues{session}, p.path, user)
			if err == nil && p.changes {
				err = session.Save()
			}
			if err != nil {
				c.String(http.StatusForbidden, err.Error())
				return
			}
			c.String(http.StatusOK, body)
		})
	}
	return engine
}

func ginTable(t table) http.Handler {
	if t.host != "" {
		return nil
	}
	engine := newGin()
	group := engine.Group(t.prefix)
	if t.use {
		group.Use(func(c *gin.Context) { c.Next() })
	}
	for _, r := range t.routes {
		if r.hasID() {
			group.GET(r.colon(), func(c *gin.Context) { c.String(http.StatusOK, c.Param("id")) })
		} else {
			group.GET(r.colon(), func(c *gin.Context) { c.String(http.StatusOK, fixedBody) })
		}
	}
	return engine
}

// echoRouter is echo with its session middleware on the CookieStore of gorilla/sessions.
var echoRouter = contender{
	name: "echo",
	sites: map[string]func() http.Handler{
		noSessions: func() http.Handler {
			e := echo.New()
			e.GET("/hello", echoHello)
			return e
		},
		withSessions: echoSite,
	},
	table:   echoTable,
	cookies: true,
}

func echoHello(c echo.Context) error { return c.String(http.StatusOK, helloBody) }

func echoSite() http.Handler {
	e := echo.New()
	e.Use(echocontrib.Middleware(gorilla.NewCookieStore(signingKey)))
	e.GET("/hello", echoHello)
	for _, p := range pages {
		e.Add(p.method, p.path, func(c echo.Context) error {
			user := ""
			if p.method == "POST" {
				user = c.FormValue("user")
			}
			session, err := echocontrib.Get("session", c)
			if session == nil {
				return err
			}
			body, err := visit(gorillaValues(session.Values), p.path, user)
			if err != nil {
				return echo.NewHTTPError(http.StatusForbidden, err.Error())
			}
			if p.changes {
				if err := session.Save(c.Request(), c.Response()); err != nil {
					return err
				}
			}
			return c.String(http.StatusOK, body)
		})
	}
	return e
}

func echoTable(t table) http.Handler {
	e := echo.New()
	group := e.Group(t.prefix)
	if t.host != "" {
		group = e.Host(t.host)
	}
	if t.use {
		group.Use(func(next echo.HandlerFunc) echo.HandlerFunc { return func(c echo.Context) error { return next(c) } })
	}
	for _, r := range t.routes {
		if r.hasID() {
			group.GET(r.colon(), func(c echo.Context) error { return c.String(http.StatusOK, c.Param("id")) })
		} else {
			group.GET(r.colon(), func(c echo.Context) error { return c.String(http.StatusOK, fixedBody) })
		}
	}
	return e
}
