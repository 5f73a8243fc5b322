// Package handlers is what most sites begin with: a [BaseHandler] that gives every
// handler its site, its sessions and its user, a [PrivateHandler] for those who are
// logged in, and the pages to log in, log out, sign up and see to one's account.
//
//	pages, err := templates.Parse(os.DirFS("pages"), nil)
//	...
//	site := &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
//	app := framework.New()
//	app.Init = site.Init
//	app.Handle("/", framework.To[Home](app)).Name("home")
//	site.Routes(app)
//	err = framework.Serve(ctx, app)
//
// where a page of the site's own is
//
//	type Home struct{ handlers.BaseHandler }
//
//	func (h *Home) Get() error {
//		return h.Render("home", h.Session().Incr("visits", 1))
//	}
//
// This is webapp2's shape: BaseHandler.Dispatch fetches the session store, delegates to
// the action, and has the sessions saved with the response. What webapp2 got wrong is
// repaired: an override further out can use a session before it delegates, and a change
// is saved however the request ends: by a return, an error, Abort, a redirect, a panic.
//
// Who may use a page is for Guard to say, not for Dispatch: an override of Dispatch
// that forgets the base it embeds leaves the page without what that base adds, but
// never without its Guard.
package handlers
