package main

import (
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/go-chi/chi/v5"
)

// chi with scs, whose sessions are in the memory of the process: the cookie holds a
// token. LoadAndSave reads the session in every request that brings one.

func chiPlain() http.Handler {
	router := chi.NewRouter()
	router.Get("/hello", floorHello)
	return router
}

func chiSite() http.Handler {
	manager := scs.New()
	manager.Store = memstore.NewWithCleanupInterval(0) // the goroutine of the other would keep what a measurement has made for those that follow
	manager.Cookie.Secure = true
	router := chi.NewRouter()
	router.Use(manager.LoadAndSave)
	router.Get("/hello", floorHello)
	router.Get("/start", func(w http.ResponseWriter, r *http.Request) {
		v, ctx := firstVisitor, r.Context()
		manager.Put(ctx, "user", v.User)
		manager.Put(ctx, "name", v.Name)
		manager.Put(ctx, "visits", v.Visits)
		manager.Put(ctx, "return", v.Return)
		manager.Put(ctx, "csrf", v.CSRF)
		writeText(w, helloBody)
	})
	router.Get("/read", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if !manager.Exists(ctx, "name") {
			http.Error(w, errNoSession.Error(), http.StatusForbidden)
			return
		}
		writeText(w, greeting(manager.GetString(ctx, "name"), manager.GetInt(ctx, "visits")))
	})
	router.Get("/readall", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if !manager.Exists(ctx, "name") {
			http.Error(w, errNoSession.Error(), http.StatusForbidden)
			return
		}
		writeText(w, everything(visitor{
			User:   manager.GetString(ctx, "user"),
			Name:   manager.GetString(ctx, "name"),
			Visits: manager.GetInt(ctx, "visits"),
			Return: manager.GetString(ctx, "return"),
			CSRF:   manager.GetString(ctx, "csrf"),
		}))
	})
	router.Get("/write", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if !manager.Exists(ctx, "visits") {
			http.Error(w, errNoSession.Error(), http.StatusForbidden)
			return
		}
		visits := manager.GetInt(ctx, "visits") + 1
		manager.Put(ctx, "visits", visits)
		writeText(w, counted(visits))
	})
	router.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		user, ctx := r.PostFormValue("user"), r.Context()
		if err := manager.RenewToken(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		manager.Put(ctx, "user", user)
		writeText(w, welcome(user))
	})
	return router
}

func chiTable(routes []route) http.Handler {
	router := chi.NewRouter()
	for _, r := range routes {
		if r.hasID() {
			router.Get(r.pattern, func(w http.ResponseWriter, r *http.Request) { writeText(w, chi.URLParam(r, "id")) })
		} else {
			router.Get(r.pattern, func(w http.ResponseWriter, r *http.Request) { writeText(w, fixedBody) })
		}
	}
	return router
}
