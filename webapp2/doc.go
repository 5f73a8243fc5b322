// Package webapp2 holds what only programs that come from webapp2, the framework of App
// Engine's Python years, need.
//
// [Template] translates the route templates of webapp2, so that they can stay as they are:
//
//	package main
//
//	import (
//		"context"
//		"log"
//
//		"github.com/webapp2go/webapp2go/framework"
//		"github.com/webapp2go/webapp2go/webapp2"
//	)
//
//	type Archive struct{ framework.RequestHandler }
//
//	func (h *Archive) Get() error { return h.Text(h.Var("year") + ": " + h.Var("slug") + "\n") }
//
//	func main() {
//		path, err := webapp2.Template(`/archive/<year:\d{4}>/<slug>`)
//		if err != nil {
//			log.Fatal(err)
//		}
//		app := framework.New()
//		app.Handle(path, framework.To[Archive](app)).Name("archive")
//		if err := framework.Serve(context.Background(), app); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// [Regex] translates the regular expression of a route that is a tuple. [StrictSlash] and
// [RedirectHandler] are what RedirectRoute did. [PasswordHashes] accepts the password hashes
// that webapp2 has made.
//
// [Get], [GetAll], [GetRange], [Arguments] and [Body] read the request in the order and with
// the rules of webapp2's request, so that a method can be translated line by line. Package
// webapp2/ndb shares the entities of ndb.
//
// [ImportCookies] reads the signed cookies of a webapp2 application, so that its users stay
// logged in while the application moves. It never writes one: each old cookie is read once,
// its data become a new session, and the response sets the new cookie and deletes the old
// one. Only webapp2's default sessions, those of the backend "securecookie", have their data
// in the cookie. A cookie of its backends "memcache" and "datastore" holds only an id: its
// user logs in again.
//
// webapp2_extras.auth has a cookie of its own, called "auth" by default, with the id of the
// user. That id becomes the user of the new session. The token in the cookie is not looked
// up, since it is in the old application's datastore. So a copy of a cookie, also from
// before a logout, is valid until it is older than maxAge or until the Import is removed;
// package handlers believes it only until the user has a password here. Choose a short
// maxAge, and remove the Import when the old cookies are gone.
//
// docs/migrating.md has the rest: what each part of webapp2 is here. See the examples of
// [Template], [Regex], [StrictSlash], [ImportCookies] and [PasswordHashes].
package webapp2
