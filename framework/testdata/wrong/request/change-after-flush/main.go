// A redirect after the header has been written.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error {
	h.Response.Flush()
	return h.Redirect("/there")
}

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Request(app)
}
