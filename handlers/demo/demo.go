// Package demo is the demo: a small shop that shows what webapp2go does. It is a site like
// any other: its handlers embed those of package handlers, and its pages replace some of the
// built-in ones. The library does not depend on it. Package cmd/demo serves it:
//
//	site := &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
//	app := demo.New(site, events)
//	err := framework.Serve(ctx, app)
package demo

import (
	"embed"
	"io/fs"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/mail"
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

//go:embed locale
var locale embed.FS

// Catalogs returns the translations of the demo's own messages, for i18n.Config.
func Catalogs() fs.FS {
	inside, err := fs.Sub(locale, "locale")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return inside
}

// New returns the demo as an App. It sets the site's LayoutValues. Events may be nil. If the
// site's Mail is a mail.Outbox, the page /outbox shows the mails.
func New(site *handlers.Site, events *Events) *framework.App {
	site.LayoutValues = cartValues
	app := framework.New()
	app.Init = func(h framework.Handler) {
		site.Init(h)
		showCode(h)
	}
	app.Handle("/", framework.To[HomeHandler](app)).Name("home")
	app.Handle("/cart", framework.To[CartHandler](app)).Name("cart")
	app.Handle("/admin", framework.From(app, func() *OverviewHandler {
		return &OverviewHandler{events: events}
	})).Name("admin")
	if outbox, ok := site.Mail.(*mail.Outbox); ok {
		app.Handle("/outbox", framework.From(app, func() *OutboxHandler {
			return &OutboxHandler{outbox: outbox}
		})).Name("outbox")
	}
	site.Routes(app)
	return app
}

// formBytes bounds the demo's forms. Their fields are a name, a product and an action.
const formBytes = 4 << 10

// CartCookie is the name of the session of the cart. It is in a signed cookie, so that it
// takes no space on the server, however long a visitor stays away.
const CartCookie = "cart"

// Sessions returns the demo's two sessions: that of the login, in the backend, or in a signed
// cookie if backend is nil, and that of the cart, in a signed cookie. Insecure allows plain
// http. Old imports the logins of an older site; it may be nil.
func Sessions(backend sessions.Backend, insecure bool, old *sessions.Import) []sessions.Spec {
	return []sessions.Spec{
		{Name: "session", Backend: backend, Insecure: insecure, Import: old},
		{Name: CartCookie, AbsoluteTimeout: cartLife, Persistent: true, Insecure: insecure},
	}
}
