// A verb written as HTTP writes it.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

func (h *Page) GET() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	log.Fatal(framework.Serve(context.Background(), app))
}
