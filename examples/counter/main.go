// Counter counts the visits of a session, and lets people sign up, log in and out.
package main

import (
	"context"
	"log"
	"log/slog"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
	"github.com/webapp2go/webapp2go/terminal"
)

const page = `{{define "title"}}Home{{end}}<h1>Visit {{.}}</h1>`

// Home embeds BaseHandler, which gives it the site, the sessions and the user.
type Home struct{ handlers.BaseHandler }

// The embedded Dispatch calls Get. What it does to the session is saved with the response.
func (h *Home) Get() error {
	return h.Render("home", h.Session().Incr("visits", 1))
}

func newApp(key sessions.Key) (*framework.App, error) {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{key},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true}}, // plain http, on a laptop
	})
	if err != nil {
		return nil, err
	}
	pages, err := templates.Parse(fstest.MapFS{"home.html": {Data: []byte(page)}}, nil)
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{Name: "Counter", Sessions: manager, Templates: pages, Users: auth.NewMemory()}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Home](app)).Name("home")
	site.Routes(app) // login, logout, signup, account, static files, error pages
	return app, nil
}

func main() {
	terminal.Use(terminal.Options{Name: "counter", Notes: [][2]string{{"log in", "sign up first"}, {"data", "in memory, gone when this ends"}}})
	app, err := newApp(sessions.RandomKey())
	if err != nil {
		log.Fatal(err)
	}
	app.RequestLog = slog.Default()
	if err := framework.Serve(context.Background(), app); err != nil {
		log.Fatal(err)
	}
}
