// A method written as HTTP writes it.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) GET() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Serve(app)
}
