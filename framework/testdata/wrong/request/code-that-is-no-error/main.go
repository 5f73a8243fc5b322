// An Abort with the status of a success.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return h.Abort(200) }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Request(app)
}
