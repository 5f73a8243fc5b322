// A constructor that returns one handler for all requests.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	page := new(Page)
	app.Handle("/", framework.From(app, func() *Page { return page }))
	shared.Serve(app)
}
