// Package sessions keeps data of a site's visitors between their requests, in signed
// cookies or in a backend such as memcached or a database. No update is lost, no session
// comes back after a logout, and the cookies are safe by default.
//
// A whole program:
//
//	package main
//
//	import (
//		"fmt"
//		"log"
//		"net/http"
//
//		"github.com/webapp2go/webapp2go/sessions"
//	)
//
//	func main() {
//		manager, err := sessions.New(sessions.Config{
//			Keys:     []sessions.Key{sessions.RandomKey()},
//			Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true}},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
//			store := manager.Store(r)
//			visits := store.Session().Incr("visits", 1)
//			if err := store.Save(w); err != nil { // before the first byte of the response
//				w.Header().Set("Retry-After", "2")
//				http.Error(w, "try again later", http.StatusServiceUnavailable)
//				return
//			}
//			fmt.Fprintf(w, "Visit %d\n", visits)
//		})
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
//	}
//
// [New] makes a [Manager] from a [Config], which declares every session of the site by a
// [Spec]. The Manager makes the [Store] of each request, and the Store holds the request's
// sessions. A [Session] is a dictionary. [Store.Save] writes what has changed. Package
// handlers does all this in its BaseHandler, and [Manager.Middleware] does it for any other
// program on net/http.
//
// # Where the data are
//
// If the Spec has a [Backend], the cookie holds a random id of 256 bits, signed, and the
// Backend knows only the hash of the id. If the Spec has no Backend, the cookie holds the
// data, signed, and encrypted if the key has a Block. The server cannot end such a session
// before its timeouts, and the last response to reach the browser wins. So keep logins in a
// Backend.
//
// # What a session costs
//
// A session that a request does not use costs nothing: no cryptography, no call of the
// Backend, no header. A read costs one Load. It also costs one Update if a fifth of the
// idle timeout, or an hour, has passed since the last one. A change costs one Update of the
// version that was read. If another request has saved meanwhile, the record is loaded
// again, the changes are made again, and the Update is repeated, for at most two seconds.
//
// # Timeouts
//
// The server checks two: the time since the session was last used, and the time since it
// was created or its user logged in. Renew does not extend the second one. A remembered
// login has longer timeouts, and a cookie that outlives the browser.
//
// # Logins
//
// [Session.LogIn] logs a user in: the session gets a new id, and keeps the details of the
// login apart from its values. [Session.SetUser] is for sites that manage their users
// without package auth. [Session.Destroy] logs out.
//
// # Sessions that another request has ended
//
// Destroy and Renew leave a tombstone for a minute in place of the session. A request that
// finds it, when it reads or when it saves, has [StatusGone]: the session is empty, its
// changes are dropped, and its response sets no cookie, since that might overwrite a newer
// one. So a slow request neither brings a session back after a logout nor keeps the old id
// after a login.
//
// There are two exceptions. A request that logs a user in begins a new session, which holds
// only the changes of that request. And if the session ended more than five seconds before
// the request, a change begins a new session, as if the browser had sent no cookie.
// docs/sessions.md has all the rules, with diagrams.
//
// # Errors
//
// The methods of a Session return no errors. The session keeps the first one, and
// [Session.Err] and [Store.Save] return it. An error of a Backend has a method HTTPStatus
// that returns 503. A cookie or a stored value that is wrong is a [Status], not an error: a
// new session begins.
//
// # Writing a Backend
//
// [Backend], [UserBackend], [CurrentBackend], [Record], [CheckID], [NextVersion] and the
// errors beside them are for authors of a Backend. Others need none of them. Package
// sessionstest tests a Backend.
//
// # The cookie
//
// Its value has the format of gorilla/securecookie v1.1.2 with securecookie.NopEncoder. The
// signed name consists of the name of the cookie, the letter i or d, and Config.Site, with
// spaces between them, so that a program with that library can verify it. The payload is a
// version byte, the letter again, and then the 32 bytes of the id (i) or the data (d). A
// Backend keeps the same data: a version byte and a CBOR array (RFC 8949) of the times of
// creation and last use in milliseconds, the login if there is one (version 2), the map of
// values, the flashes and the user.
//
// See the examples of [Session.LogIn], [Session.Incr], [Manager.Middleware],
// [Manager.EndUser], [Spec] and [ParseKeys].
package sessions
