// A private page, and no login page to send a browser to.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
	"github.com/webapp2go/webapp2go/handlers"
)

type Page struct{ handlers.PrivateHandler }

func (h *Page) Get() error { return h.Render("home", nil) }

func main() {
	site := shared.Site(shared.Home)
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Page](app))
	site.Pages(app)
	shared.Serve(app)
}
