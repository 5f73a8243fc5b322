// Package sessions keeps what a site knows of its visitors between their requests,
// in signed cookies or in a backend, so that no update is lost, no session comes back
// after logout, and the cookies are safe as they come.
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
//			if err := store.Save(w); err != nil { // before the first byte of the answer
//				w.Header().Set("Retry-After", "2")
//				http.Error(w, "try again later", http.StatusServiceUnavailable)
//				return
//			}
//			fmt.Fprintf(w, "Visit %d\n", visits)
//		})
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
//	}
//
// A [Manager] is made once, from a [Config] that declares every session of the site
// by a [Spec]. It makes the [Store] of each request, which hands out its sessions. A
// [Session] is a dictionary; Save writes what has changed. Package handlers does all
// this in its BaseHandler, and [Manager.Middleware] does it for any other program on
// net/http.
//
// # Where the data is
//
// With a [Backend] the cookie holds a random id of 256 bits, signed, and the backend
// knows only its hash. Without one the cookie holds the data itself, signed, and
// encrypted if the key has a Block. Such a session cannot be ended before its timeouts
// and the last answer to reach the browser wins, so that logins belong in a Backend.
//
// # What a change costs
//
// A session that a request does not touch costs nothing: no cryptography, no call of a
// backend, no header. One that is only read costs one load, and one update as
// soon as a fifth of the idle timeout, or an hour, has passed since the last. A change is one update more, over the
// version that was read. Where another request has written meanwhile, the record is
// read again, the changes are made again on it, and the update is tried again, for at
// most two seconds.
//
// # Timeouts
//
// Both are judged by the server, from times inside the record: one since the session
// was last used, one since it was created or its user last logged in. Renew lets the
// second run on. A login that is remembered has longer ones, and a cookie that outlives
// the browser.
//
// # Logins
//
// [Session.LogIn] makes a session that of a user who has proved who it is: under a new id,
// with what the login was made of kept apart from the session's keys. [Session.SetUser]
// is for sites that keep their users by themselves. [Session.Destroy] logs out.
//
// # Ended or renewed elsewhere
//
// Destroy and Renew leave a tombstone for a minute where the session was. A request
// that meets it, when it reads or when it saves, is told [StatusGone]: what it reads
// is empty, what it changes is dropped, and its response goes out without a cookie,
// which might overwrite the browser's newer one. So a slow request neither brings a
// session back after logout, nor keeps an id alive that a login has renewed.
//
// A request that logs in is never refused like that: it begins a new session, from its
// own changes alone. And five seconds after the session was ended, its cookie is worth
// as much as none. docs/sessions.md has the rules, with diagrams.
//
// # Errors
//
// Methods of a Session do not return errors. The first one sticks: Err returns it, and
// so does Save. That of a dead backend has a method HTTPStatus that returns 503. What
// is wrong with a cookie or a stored value is no error but a [Status]: the session
// begins anew.
//
// # The cookie
//
// Its value is in the format of gorilla/securecookie v1.1.2 with securecookie.NopEncoder,
// under a name made of the cookie's own, the letter i or d, and Config.Site, with a
// space between each two: whatever knows that library can verify it. The payload is a
// version byte, the letter again, and then: for i, the 32 bytes of the id; for d, the
// data, which is what a Backend keeps too: a version byte and a CBOR array (RFC 8949)
// of the times of creation and last use in milliseconds, the login if there was one
// (version 2), the map of values, the flashes and the user.
package sessions
