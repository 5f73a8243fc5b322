// Two files that would have one address.
package main

import (
	"context"
	"log"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

func newSite() *handlers.Site {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := templates.Parse(fstest.MapFS{
		"home.html":            {Data: []byte("home")},
		"static/site.css":      {Data: []byte("p {}")},
		"root/static/site.css": {Data: []byte("b {}")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	return &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
}

type Page struct{ handlers.BaseHandler }

func (h *Page) Get() error { return h.Render("home", nil) }

func main() {
	app := framework.New()
	app.Init = newSite().Init
	app.Handle("/", framework.To[Page](app))
	log.Fatal(framework.Serve(context.Background(), app))
}
