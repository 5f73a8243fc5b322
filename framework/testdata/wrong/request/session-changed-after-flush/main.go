// A change of a session after the header was sent.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
	"github.com/webapp2go/webapp2go/handlers"
)

type Page struct{ handlers.BaseHandler }

func (h *Page) Get() error {
	h.Response.Flush()
	h.Session().Set("visits", 1)
	return nil
}

func main() {
	site := shared.Site(shared.Home)
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Page](app))
	site.Routes(app)
	shared.Request(app)
}
