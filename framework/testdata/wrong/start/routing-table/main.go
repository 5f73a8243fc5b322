// A table with the mistakes of a beginner.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	page := framework.To[Page](app)
	app.Handle("nolead", page)
	app.Handle("/{id", page)
	app.Handle("/{id:[}", page)
	app.Handle("/a", page).Name("page")
	app.PathPrefix("/s").Subrouter().Handle("/b", page).Name("page")
	app.Handle("/{x}/{x}", page)
	app.Handle("/method", framework.ToMethod(app, (*Page).Get))
	app.Handle("/a", page)
	app.Handle("/{$}", page)
	app.Handle("/static/*", page)
	app.Handle("GET /x", page)
	above := app.PathPrefix("/above")
	above.Subrouter().Handle("/x", page)
	above.Host("admin.example.com")
	app.Path("/nothing")
	shared.Serve(app)
}
