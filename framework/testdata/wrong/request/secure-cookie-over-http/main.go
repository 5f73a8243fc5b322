// A Secure cookie over plain http.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
	"github.com/webapp2go/webapp2go/handlers"
)

type Page struct{ handlers.BaseHandler }

func (h *Page) Get() error {
	h.Session().Set("visits", 1)
	return h.Render("home", nil)
}

func main() {
	site := shared.Site(shared.Home)
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Page](app))
	site.Routes(app)
	shared.Request(app)
}
