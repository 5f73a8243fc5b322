// A layout with a nonce, and a policy without.
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
	site := shared.Site(fstest.MapFS{
		"home.html":   {Data: []byte("home")},
		"layout.html": {Data: []byte(`<script nonce="{{.Nonce}}">start()</script>{{template "content" .Data}}`)},
	})
	app.Init = site.Init
	app.Handle("/", framework.To[Page](app))
	site.Routes(app)
	shared.Serve(app)
}
