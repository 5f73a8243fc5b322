// Two bases that each embed RequestHandler.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Admin struct{ framework.RequestHandler }
type Audit struct{ framework.RequestHandler }

type Page struct {
	Admin
	Audit
}

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	log.Fatal(framework.Serve(context.Background(), app))
}
