// A Guard that nothing would call.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return nil }

func (h *Page) Gaurd() error { return h.Abort(403) }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Serve(app)
}
