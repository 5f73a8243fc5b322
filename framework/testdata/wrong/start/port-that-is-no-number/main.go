// A right program, where the variable PORT is "none".
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
	app.Handle("/", framework.To[Page](app))
	log.Fatal(framework.Serve(context.Background(), app))
}
