// A change of a session after the header was sent.
package main

import (
	"fmt"
	"log"
	"net/http/httptest"
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
	pages, err := templates.Parse(fstest.MapFS{"home.html": {Data: []byte("home")}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	return &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
}

type Page struct{ handlers.BaseHandler }

func (h *Page) Get() error {
	h.Response.Flush()
	h.Session().Set("visits", 1)
	return nil
}

func main() {
	log.SetFlags(0)
	site := newSite()
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Page](app))
	site.Routes(app)
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	fmt.Println("answer:", answer.Code)
}
