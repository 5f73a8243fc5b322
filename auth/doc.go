// Package auth keeps users: their names, addresses, passwords and roles, and the tokens in
// the links that are mailed to them. It knows nothing of requests and sessions: package
// handlers has the pages, and package sessions remembers who is logged in.
//
// A whole program:
//
//	package main
//
//	import (
//		"context"
//		"errors"
//		"fmt"
//
//		"github.com/webapp2go/webapp2go/auth"
//	)
//
//	func main() {
//		ctx := context.Background()
//		users := auth.NewMemory()
//		var passwords auth.Passwords // argon2id, as OWASP advises
//
//		joe := &auth.User{Name: "Joe"}
//		if err := passwords.SignUp(ctx, users, joe, "correct horse battery"); err != nil {
//			fmt.Println(err)
//		}
//		user, err := passwords.LogIn(ctx, users, "joe", "correct horse battery")
//		if errors.Is(err, auth.ErrCredentials) {
//			fmt.Println("a wrong password and an unknown user look the same")
//		}
//		fmt.Println(user.Name, user.ID == joe.ID)
//	}
//
// # Users
//
// A [User] is a plain value. A [Backend] keeps users: [Memory] for development and tests,
// packages auth/sqlstore and auth/datastore for production. Names, verified addresses and
// logins from elsewhere are [Key] values in one unique namespace. Values of the
// application are [Properties], read with [Get]. An application that already has users
// writes a [FinderFunc].
//
// # Passwords
//
// [Passwords] signs users up, logs them in, and sets and changes their passwords. Hashes
// are of argon2id (RFC 9106) in the PHC string format, with their costs. Hashes of an
// older system are understood if Passwords.Legacy is set, and are replaced at the first
// login. Every way of setting a password follows the same rules, see
// [Passwords.CheckNew].
//
// # Links in mails
//
// [Tokens] makes the tokens in links that are mailed to a user: to verify an address, to
// choose another password, to log in. They need no table: each is signed together with
// values that its use changes, so that it works once. A [Purpose] says which values.
//
// # Sessions
//
// A login is bound to [User.Credential], which changes with the password and with
// [User.Restamp]. A session keeps it; the user of a session is compared with it at each
// request, so that another password, or "log out everywhere", ends sessions that are kept
// anywhere, also in cookies.
//
// See the examples of [Passwords.Set], [Passwords.Reset], [Tokens.MakeFor], [FinderFunc] and
// [Memory.List].
package auth
