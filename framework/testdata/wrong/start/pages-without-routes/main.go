// A layout that uses static files, and no site.Routes.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
	"github.com/webapp2go/webapp2go/handlers"
)

type Page struct{ handlers.BaseHandler }

func (h *Page) Get() error { return h.Render("home", nil) }

func main() {
	app := framework.New()
	app.Init = shared.Site(shared.Home).Init
	app.Handle("/", framework.To[Page](app))
	shared.Serve(app)
}
