package main

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

//go:embed pages
var files embed.FS

// csp lets pages load scripts of the site and connect to it, in addition to what
// handlers.StrictCSP allows.
const csp = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'"

// newApp makes the site and its routes. Programs write notes with key.
func newApp(manager *sessions.Manager, users auth.Backend, notes *Notes, key string) (*framework.App, error) {
	inside, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, err
	}
	pages, err := templates.Parse(inside, nil)
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{Name: "Board", Sessions: manager, Templates: pages, Users: users, CSP: csp}

	app := framework.New()
	app.Init = site.Init
	app.Use(compress, slowRequests(slog.Default(), time.Second))

	app.Handle("/", framework.From(app, func() *Home { return &Home{Notes: notes} })).Name("home")
	app.Handle("/write", framework.From(app, func() *Write { return &Write{Notes: notes} })).Name("write")
	app.Handle("/notes/{id}/photo", framework.From(app, func() *PhotoPage { return &PhotoPage{Notes: notes} })).Name("photo")
	app.Handle("/live", framework.From(app, func() *Live { return &Live{Notes: notes} })).Name("live")
	app.Handle("/chat", framework.From(app, func() *Chat { return &Chat{Notes: notes} })).Name("chat")

	api := app.PathPrefix("/api").Subrouter()
	api.Handle("/notes", framework.From(app, func() *NotesAPI { return &NotesAPI{API{Notes: notes, Key: key}} }))

	site.Routes(app) // login, logout, signup, account, static files, error pages

	app.CrossOrigin = http.NewCrossOriginProtection()
	return app, app.CrossOrigin.AddTrustedOrigin(Reader)
}

// compress makes responses smaller for clients that accept gzip.
func compress(next http.Handler) http.Handler { return gzhttp.GzipHandler(next) }

// slowRequests logs the requests that take longer than limit.
func slowRequests(log *slog.Logger, limit time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			next.ServeHTTP(w, r)
			stream := r.Header.Get("Upgrade") != "" || w.Header().Get("Content-Type") == "text/event-stream"
			if took := time.Since(began); took > limit && !stream {
				log.WarnContext(r.Context(), "slow request", "route", r.Pattern, "took", took)
			}
		})
	}
}
