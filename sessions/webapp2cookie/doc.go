// Package webapp2cookie reads the signed cookies of a webapp2 application, so that
// its users stay logged in while the application moves over. It never writes one.
//
// [Import] makes what a session's Spec asks if a browser brings no cookie of
// ours: the old cookie is read once, its data becomes a session of ours, and the
// next answer sets our cookie and expires the old one. [Decode] is the reading
// alone.
//
// Only webapp2's default sessions, those of the backend "securecookie", have
// their data in the cookie. A cookie of its backends "memcache" and "datastore"
// holds an id for data that is elsewhere: it cannot be read, and its user logs in
// again.
//
// # Who is logged in
//
// webapp2_extras.auth keeps a cookie of its own, called "auth" unless configured
// otherwise, whose dictionary has the key "_user": a list of the user's id, the
// "remember" choice, a token, and two times. The id becomes the user of the new session.
// A site whose users have other ids maps it:
//
//	old, err := webapp2cookie.Import(secret, "auth", 21*24*time.Hour)
//	...
//	read := old.Read
//	old.Read = func(r *http.Request) sessions.Imported {
//		imported := read(r)
//		imported.User = newIDs[imported.User]
//		return imported
//	}
//
// The token is not looked up: it lives in the old application's datastore. So a
// cookie that somebody copied, from before a logout too, works until it is older
// than maxAge or the migration ends; package handlers believes it only until the user
// has been given a password here. webapp2 itself believed such a cookie for an
// hour. Choose maxAge as short as users bear, and remove the Import when the old
// cookies are gone.
//
// # Flashes
//
// webapp2 keeps flash messages under the key "_flash", a list of [value, level].
// A Read that hands them on under that key makes them flashes of the new session.
package webapp2cookie
