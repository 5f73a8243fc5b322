// A handler given to mux as it is, without To.
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
	app.Handle("/", &Page{})
	log.Fatal(framework.Serve(context.Background(), app))
}
