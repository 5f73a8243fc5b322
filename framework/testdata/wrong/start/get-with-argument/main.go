// A Get that wants an argument.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get(id int) error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	log.Fatal(framework.Serve(context.Background(), app))
}
