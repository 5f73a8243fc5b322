// Package adopting moves a small program from chi and scs, one step at a time. Each step is
// a program that works, and the same test passes with every one of them.
// docs/adopting.md tells the story.
package adopting

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/chi/v5"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// Before is the program as it was: chi routes, scs sessions.
func Before(m *scs.SessionManager) http.Handler {
	r := chi.NewRouter()
	r.Use(m.LoadAndSave)
	r.Get("/", func(w http.ResponseWriter, r *http.Request) {
		visits := m.GetInt(r.Context(), "visits") + 1
		m.Put(r.Context(), "visits", visits)
		fmt.Fprintf(w, "visit %d", visits)
	})
	r.Get("/books/{id}", func(w http.ResponseWriter, r *http.Request) {
		user := m.GetString(r.Context(), "user")
		if user == "" {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		fmt.Fprintf(w, "book %s of %s", chi.URLParam(r, "id"), user)
	})
	r.Get("/login", loginForm)
	r.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := m.RenewToken(r.Context()); err != nil {
			http.Error(w, "try again", http.StatusInternalServerError)
			return
		}
		m.Put(r.Context(), "user", r.FormValue("name")) // a real one checks a password
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	r.Post("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(r.Context()); err != nil {
			http.Error(w, "try again", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	return r
}

func loginForm(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, `<form method="post"><input name="name"></form>`)
}

// SessionsFirst is the first step: the routes are chi's, the sessions are new.
func SessionsFirst(m *sessions.Manager) http.Handler {
	r := chi.NewRouter()
	r.Use(m.Middleware)
	r.Get("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "visit %d", m.Store(r).Session().Incr("visits", 1))
	})
	r.Get("/books/{id}", func(w http.ResponseWriter, r *http.Request) {
		user := m.Store(r).Session().User()
		if user == "" {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		fmt.Fprintf(w, "book %s of %s", chi.URLParam(r, "id"), user)
	})
	r.Get("/login", loginForm)
	r.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		m.Store(r).Session().LogIn(r.FormValue("name"), sessions.Login{Method: "password"})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	r.Post("/logout", func(w http.ResponseWriter, r *http.Request) {
		m.Store(r).Session().Destroy()
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	return r
}

// Book is the first page that has moved: a handler, which chi serves.
type Book struct{ handlers.BaseHandler }

// Guard lets users through. A Guard of the site's base would do it for all handlers.
func (h *Book) Guard() error {
	if h.Session().User() == "" {
		return h.RedirectAbort("/login", http.StatusSeeOther)
	}
	return nil
}

func (h *Book) Get() error {
	return h.Text(fmt.Sprintf("book %s of %s", h.Var("id"), h.Session().User()))
}

// PathByPath is the second step: one path after the other is a handler of the framework.
func PathByPath(m *sessions.Manager) http.Handler {
	app := framework.New()
	app.Init = (&handlers.Site{Sessions: m}).Init

	r := chi.NewRouter()
	r.Use(m.Middleware)
	r.Handle("/books/{id}", framework.To[Book](app))
	rest := SessionsFirst(m) // the paths that have not moved
	r.Handle("/*", rest)
	return r
}

//go:embed pages
var pages embed.FS

// Home shows a page of the templates.
type Home struct{ handlers.BaseHandler }

func (h *Home) Get() error { return h.Render("home", h.Session().Incr("visits", 1)) }

// Login is the old program's login.
type Login struct{ handlers.BaseHandler }

func (h *Login) Get() error { return h.Render("enter", nil) }

func (h *Login) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	h.Session().LogIn(h.Request.PostForm.Get("name"), sessions.Login{Method: "password"})
	return h.RedirectCode("/", http.StatusSeeOther)
}

// Logout ends the session.
type Logout struct{ handlers.BaseHandler }

func (h *Logout) Post() error {
	h.Session().Destroy()
	return h.RedirectCode("/login", http.StatusSeeOther)
}

// Templates is the last step: all routes are the App's, pages are templates, and chi is
// gone.
func Templates(m *sessions.Manager) (*framework.App, error) {
	files, err := fs.Sub(pages, "pages")
	if err != nil {
		return nil, err
	}
	set, err := templates.Parse(files, nil)
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{Name: "Books", Sessions: m, Templates: set}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Home](app))
	app.Handle("/books/{id}", framework.To[Book](app))
	app.Handle("/login", framework.To[Login](app)).Name("login")
	app.Handle("/logout", framework.To[Logout](app)).Name("logout")
	site.Pages(app) // static files and error pages; the site's own login stays
	return app, app.Check()
}
