// Package handlers is what most sites begin with: a [BaseHandler] that gives every handler
// its site, its sessions and its user, a [PrivateHandler] for users who are logged in, and
// the pages to log in, log out, sign up and manage an account.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"os"
//
//		"github.com/webapp2go/webapp2go/auth"
//		"github.com/webapp2go/webapp2go/framework"
//		"github.com/webapp2go/webapp2go/handlers"
//		"github.com/webapp2go/webapp2go/sessions"
//		"github.com/webapp2go/webapp2go/templates"
//	)
//
//	// Home is a page of the site: pages/home.html.
//	type Home struct{ handlers.BaseHandler }
//
//	func (h *Home) Get() error {
//		return h.Render("home", h.Session().Incr("visits", 1))
//	}
//
//	func main() {
//		manager, err := sessions.New(sessions.Config{
//			Keys:     []sessions.Key{sessions.RandomKey()},
//			Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true}},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		pages, err := templates.Parse(os.DirFS("pages"), nil)
//		if err != nil {
//			log.Fatal(err)
//		}
//		site := &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
//		app := framework.New()
//		app.Init = site.Init
//		app.Handle("/", framework.To[Home](app)).Name("home")
//		site.Routes(app)
//		if err := framework.Serve(context.Background(), app); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// This is webapp2's shape. [BaseHandler.Dispatch] fetches the session store, delegates to
// the action, and has the sessions saved with the response. Unlike in webapp2, an override
// of Dispatch can use the sessions before it delegates, and a change is saved however the
// request ends: by a return, an error, Abort, a redirect or a panic.
//
// A handler's Guard decides who may use a page. Do not check that in an override of Dispatch:
// an override further out can skip it by not calling the Dispatch of its base. Guard runs
// before every action. Only an override that responds without calling any embedded Dispatch
// runs neither.
//
// # Jobs
//
// [CronHandler] and [TaskHandler] are for requests of a cron service and of a task queue, and
// let nobody else in: [Site.VerifyCaller] says how, outside of App Engine.
//
// # Accounts
//
// [Site.Accounts] adds the pages of accounts; Site.SignUp, Site.Mail and Site.LoginProviders
// decide which. No page tells a stranger who has an account. Handlers require more than a
// login with [PrivateHandler.RequireRole], [PrivateHandler.RequireRecent] and
// [PrivateHandler.RequireVerified]. docs/accounts.md describes each flow.
//
// See the examples of [BaseHandler.Dispatch], [PrivateHandler], [BaseHandler.LogIn],
// [Site.Accounts], [TaskHandler] and [Throttle].
package handlers
