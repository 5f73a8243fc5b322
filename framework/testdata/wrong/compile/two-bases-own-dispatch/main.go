// Two bases that each embed RequestHandler, and methods of its own that choose.
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

func (h *Page) Dispatch() error             { return h.Admin.Dispatch() }
func (h *Page) HandleError(err error) error { return h.Admin.HandleError(err) }
func (h *Page) Get() error                  { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	log.Fatal(framework.Serve(context.Background(), app))
}
