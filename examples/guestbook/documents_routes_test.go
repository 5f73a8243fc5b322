package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

// What follows is quoted by docs/migrating.md.

type Archive struct{ framework.RequestHandler }

func (h *Archive) Get() error {
	year, err := h.IntVar("year")
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(h, year, h.Var("slug"))
	return err
}

type About struct{ framework.RequestHandler }

func (h *About) Get() error  { _, err := fmt.Fprint(h, "about"); return err }
func (h *About) Post() error { _, err := fmt.Fprint(h, "posted"); return err }

func archiveRoute(app *framework.App) error {
	path, err := webapp2.Template(`/archive/<year:\d{4}>/<slug>`)
	if err != nil {
		return err
	}
	app.Handle(path, framework.To[Archive](app)).Name("archive")
	return nil
}

func aboutRoute(app *framework.App) {
	webapp2.StrictSlash(app.Router, "/about", framework.To[About](app)).Name("about")
}

func prefixRoutes(app *framework.App) {
	admin := app.PathPrefix("/of/{user}").Subrouter()
	admin.Handle("", framework.To[About](app))
	admin.Handle("/more", framework.To[About](app))
}

func importSession(secret []byte, backend sessions.Backend) (sessions.Spec, error) {
	old, err := webapp2.ImportCookies(secret, "session", 30*24*time.Hour)
	return sessions.Spec{Backend: backend, Import: old}, err
}

type AdminHandler struct{ handlers.PrivateHandler }

func (h *AdminHandler) Guard() error {
	if err := h.PrivateHandler.Guard(); err != nil {
		return err
	}
	user, err := h.User()
	if err == nil && !user.Has("admin") {
		err = h.Abort(http.StatusForbidden)
	}
	return err
}

func (h *AdminHandler) Dispatch() error {
	h.Page().BodyClass = "admin"
	err := h.PrivateHandler.Dispatch()
	h.Response.Header().Set("Cache-Control", "no-store")
	return err
}

type Admin struct{ AdminHandler }

func (h *Admin) Get() error { return h.Render("error", handlers.ErrorData{Text: "admin"}) }

func TestQuotedRoutes(t *testing.T) {
	app := framework.New()
	if err := archiveRoute(app); err != nil {
		t.Fatal(err)
	}
	aboutRoute(app)
	prefixRoutes(app)
	for _, c := range []struct {
		method, target, location string
		status                   int
	}{
		{"GET", "/archive/2012/hello", "", 200},
		{"GET", "/archive/12/hello", "", 404},
		{"GET", "/about", "", 200},
		{"GET", "/about/?a=b", "/about?a=b", 308},
		{"POST", "/about/", "/about", 308},
		{"GET", "/of/ann", "", 200},
		{"GET", "/of/ann/more", "", 200},
		{"GET", "/of//more", "", 404},
	} {
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, httptest.NewRequest(c.method, c.target, nil))
		if answer.Code != c.status || answer.Header().Get("Location") != c.location {
			t.Errorf("%s %s: %d to %q, not %d to %q", c.method, c.target, answer.Code, answer.Header().Get("Location"), c.status, c.location)
		}
	}
}

func TestQuotedImport(t *testing.T) {
	spec, err := importSession([]byte(webapp2Secret), sessions.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{secret}, Sessions: []sessions.Spec{spec}})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest("GET", "/", nil)
	request.AddCookie(oldCookieOf("session", `{"book":"default","_flash":[["Hello","info"]]}`, time.Hour))
	session := manager.Store(request).Session()
	flashes := session.Flashes()
	if book, _ := sessions.Get[string](session, "book"); book != "default" || len(flashes) != 1 || flashes[0].Value != "Hello" {
		t.Errorf("the session has the book %q and the flashes %v", book, flashes)
	}
}

func TestQuotedGuard(t *testing.T) {
	kept := inMemory()
	server := serve(t, kept, config{}, func(app *framework.App) {
		app.Handle("/admin", framework.To[Admin](app))
	})

	visitor := newBrowser(t, server)
	visitor.get("/admin", 200, "Log in")
	visitor.post("/signup", form("name", "Ann", "password", "a long enough one"), 200)
	visitor.get("/admin", 403)
	user, err := kept.users.ByLogin(t.Context(), "ann")
	if err == nil {
		user.Roles = []string{"admin"}
		err = kept.users.Update(t.Context(), user)
	}
	if err != nil {
		t.Fatal(err)
	}
	visitor.get("/admin", 200, `<body class="admin">`)
}
