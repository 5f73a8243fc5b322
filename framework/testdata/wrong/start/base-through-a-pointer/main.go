// A base that is embedded by pointer, and nil.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Base struct{ framework.RequestHandler }

type Page struct{ *Base }

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Serve(app)
}
