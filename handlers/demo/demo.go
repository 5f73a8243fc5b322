// Package demo is the demo: a small shop that shows what webapp2go does. It is a
// site like any other, made of handlers that embed those of package handlers, and of
// pages of its own over the built-in ones. Nothing in the library depends on it.
package demo

import (
	"embed"
	"io/fs"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

//go:embed pages
var pages embed.FS

// Pages returns the demo's pages, for templates.Parse.
func Pages() fs.FS {
	inside, err := fs.Sub(pages, "pages")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return inside
}

// New returns the whole demo, ready to be served: the site's own pages and those of
// package handlers. Events may be nil. It sets the site's LayoutValues.
func New(site *handlers.Site, events *Events) *framework.App {
	site.LayoutValues = cartValues
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[HomeHandler](app)).Name("home")
	app.Handle("/cart", framework.To[CartHandler](app)).Name("cart")
	app.Handle("/admin", framework.From(app, func() *OverviewHandler {
		return &OverviewHandler{events: events}
	})).Name("admin")
	site.Routes(app)
	return app
}

// formBytes bounds the demo's forms, whose fields are a name, a product and an action.
const formBytes = 4 << 10

// CartCookie is the name of the session that keeps the cart: one in a signed cookie,
// which costs the site nothing however long a visitor takes to come back.
const CartCookie = "cart"

// Sessions declares the demo's two sessions: logins in backend, or in the signed
// cookie itself where that is nil, and the cart in a signed cookie. Insecure lets
// their cookies travel over plain http. Logins of an older site are taken over by old,
// which may be nil.
func Sessions(backend sessions.Backend, insecure bool, old *sessions.Import) []sessions.Spec {
	return []sessions.Spec{
		{Name: "session", Backend: backend, Insecure: insecure, Import: old},
		{Name: CartCookie, AbsoluteTimeout: cartLife, Persistent: true, Insecure: insecure},
	}
}
