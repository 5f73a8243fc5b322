// An override of Dispatch that forgets the embedded one.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Dispatch() error {
	h.Response.Header().Set("Cache-Control", "no-store")
	return nil
}

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Request(app)
}
