package main

import (
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// A fullPage embeds the BaseHandler of package handlers, whose Site puts seven
// security headers into each answer. No other contender sends any, so this is not the
// one that is compared with them.
type fullPage struct{ handlers.BaseHandler }

func (h *fullPage) Get() error { return answer(&h.RequestHandler, helloBody) }

// webapp2goFullSite is the site with package handlers, of which only /hello is asked
// for.
func webapp2goFullSite() http.Handler {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{{Hash: signingKey}}})
	if err != nil {
		panic(err)
	}
	site := &handlers.Site{Sessions: manager}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/hello", framework.To[fullPage](app))
	return checked(app)
}
