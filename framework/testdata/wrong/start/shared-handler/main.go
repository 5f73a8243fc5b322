// A constructor that returns one handler for all requests.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	page := new(Page)
	app.Handle("/", framework.From(app, func() *Page { return page }))
	log.Fatal(framework.Serve(context.Background(), app))
}
