// No App.Init, in an App that another server serves.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
	"github.com/webapp2go/webapp2go/handlers"
)

type Page struct{ handlers.BaseHandler }

func (h *Page) Get() error { return h.Render("home", nil) }

func main() {
	site := shared.Site(shared.Home)
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	site.Routes(app)
	shared.Request(app)
}
