package main

import (
	"net/http"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// newApp makes the site and its routes. dev is the value of the flag -dev.
func newApp(keys []sessions.Key, kept sessions.Backend, users auth.Backend, dev bool) (*framework.App, error) {
	manager, err := sessions.New(sessions.Config{
		Keys:     keys,
		Sessions: []sessions.Spec{{Name: "myapp", Backend: handlers.TraceBackend(kept), Insecure: dev}},
	})
	if err != nil {
		return nil, err
	}
	pages, err := openPages(dev)
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{Name: "myapp", Sessions: manager, Users: users, Templates: pages}
	app := framework.New()
	app.Init, app.Debug = site.Init, dev
	app.Handle("/", framework.To[Home](app)).Name("home")
	app.Handle("/list", framework.To[List](app)).Name("list")
	site.Routes(app) // login, logout, signup, account, static files, error pages
	if dev {
		framework.ShowTraces(app) // /trace shows what was done for each request
	}
	return app, nil
}

// Member is the base of the pages for users.
type Member struct{ handlers.PrivateHandler }

// Dispatch runs before and after the action of each page.
func (h *Member) Dispatch() error {
	h.Page().BodyClass = "member"
	err := h.PrivateHandler.Dispatch()
	h.Response.Header().Set("Cache-Control", "no-store")
	return err
}

// Guard lets users see these pages, unless they have the role "blocked".
func (h *Member) Guard() error {
	if err := h.PrivateHandler.Guard(); err != nil {
		return err
	}
	user, err := h.User()
	if err == nil && user.Has("blocked") {
		err = h.Abort(http.StatusForbidden, "You may not use this page.")
	}
	return err
}

// Home is the front page.
type Home struct{ handlers.BaseHandler }

// Get counts the visits in this session.
func (h *Home) Get() error { return h.Render("home", h.Session().Incr("visits", 1)) }

const mostItems, mostBytes = 50, 200 // items on a list, bytes of an item

// List is a list that a user keeps in the session.
type List struct{ Member }

// Get shows the list and the form.
func (h *List) Get() error {
	items, _ := sessions.Get[[]string](h.Session(), "items")
	return h.Render("list", items)
}

// Post adds the item in the form, redirects to the list, and shows a message there.
func (h *List) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	item := h.Request.PostForm.Get("item")
	if item == "" || len(item) > mostBytes {
		return h.Abort(http.StatusBadRequest, "An item has 1 to ", mostBytes, " bytes.")
	}
	sessions.Update(h.Session(), "items", func(items []string) []string {
		items = append(items, item)
		return items[max(0, len(items)-mostItems):]
	})
	h.Flash("Added: "+item, "success")
	return h.RedirectTo("list")
}
