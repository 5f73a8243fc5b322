// A table with the mistakes that mux keeps to itself.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
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
	app.Handle("/get", framework.ToMethod(app, (*Page).Get)).Methods("GET")
	app.StrictSlash(true)
	app.Handle("/strict/", page)
	app.NotFoundHandler = http.NotFoundHandler()
	log.Fatal(framework.Serve(context.Background(), app))
}
