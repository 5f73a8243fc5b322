// Two files that would have one address.
package main

import (
	"testing/fstest"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
	"github.com/webapp2go/webapp2go/handlers"
)

type Page struct{ handlers.BaseHandler }

func (h *Page) Get() error { return h.Render("home", nil) }

func main() {
	app := framework.New()
	app.Init = shared.Site(fstest.MapFS{
		"home.html":            {Data: []byte("home")},
		"static/site.css":      {Data: []byte("p {}")},
		"root/static/site.css": {Data: []byte("b {}")},
	}).Init
	app.Handle("/", framework.To[Page](app))
	shared.Serve(app)
}
