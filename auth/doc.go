// Package auth keeps users and their passwords.
//
// A [Store] keeps users: [Memory] for development and tests, package
// auth/datastore for production. [Passwords] signs users up, logs them in and
// changes their passwords over any Store:
//
//	users := auth.NewMemory()
//	var passwords auth.Passwords // argon2id, as OWASP advises
//
//	user, err := passwords.SignUp(ctx, users, "Joe", "correct horse battery")
//	...
//	user, err = passwords.LogIn(ctx, users, "joe", "correct horse battery")
//	if errors.Is(err, auth.ErrCredentials) {
//		// a wrong password and an unknown user look the same
//	}
//
// Who is logged in is the session's affair, not this package's.
//
// Passwords are hashed with argon2id (RFC 9106) and kept in the PHC string
// format, with their parameters. Hashes that webapp2 made are understood where
// Passwords is told so, and are replaced at the first good login.
package auth
