// A method of a route that does not exist.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Books struct{ framework.RequestHandler }

func (h *Books) List() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.ToMethod(app, (*Books).Lst)).Methods("GET", "HEAD")
	log.Fatal(framework.Serve(context.Background(), app))
}
