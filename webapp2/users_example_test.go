package webapp2_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/webapp2"
)

// What User.create_user did, with a unique e-mail address and a property of the
// application.
//
//	ok, user = User.create_user('own:joe', unique_properties=['email'],
//	                            email='joe@example.com', last_name='Lee', password_raw='...')
func Example_createUser() {
	ctx := context.Background()
	users := auth.NewMemory()
	var passwords auth.Passwords

	joe := &auth.User{Name: "joe", Email: "joe@example.com", Verified: true}
	if err := joe.Set("last_name", "Lee"); err != nil {
		panic(err)
	}
	if err := passwords.SignUp(ctx, users, joe, "correct horse battery"); err != nil {
		panic(err)
	}

	other := &auth.User{Name: "joey", Email: "Joe@Example.com", Verified: true}
	err := passwords.SignUp(ctx, users, other, "correct horse battery")
	if exists, ok := errors.AsType[*auth.ExistsError](err); ok {
		fmt.Println("taken:", exists.Field()) // webapp2's list of unique properties that clash
	}
	// Output: taken: email
}

// What user.add_auth_id and User.get_by_auth_id did.
//
//	ok, info = user.add_auth_id('google:123')
//	user = User.get_by_auth_id('google:123')
func Example_authIDs() {
	ctx := context.Background()
	users := auth.NewMemory()
	joe := &auth.User{Name: "joe"}
	if err := users.Create(ctx, joe); err != nil {
		panic(err)
	}

	if err := joe.AddAuthID("google:123"); err != nil {
		panic(err)
	}
	if err := users.Update(ctx, joe); err != nil { // auth.ErrExists: somebody else has it
		panic(err)
	}
	found, err := users.ByKey(ctx, auth.AuthIDKey("google:123"))
	fmt.Println(found.Name, err)
	// Output: joe <nil>
}

// What User.create_signup_token, validate_signup_token and delete_signup_token did, and the
// same three for a forgotten password.
//
//	token = User.create_signup_token(user.get_id())
//	if User.validate_signup_token(user_id, token):
//	    user.verified = True
//	    user.put()
//	    User.delete_signup_token(user_id, token)
func Example_tokens() {
	ctx := context.Background()
	users := auth.NewMemory()
	tokens := auth.NewTokens([][]byte{make([]byte, 32)}) // a site: auth.NewTokens(manager.Derive("one-time tokens"))
	joe := &auth.User{Name: "joe", Email: "joe@example.com"}
	if err := users.Create(ctx, joe); err != nil {
		panic(err)
	}

	token, err := tokens.Make(auth.VerifyEmail, joe, "") // goes into the link of a mail
	if err != nil {
		panic(err)
	}
	joe, _, err = tokens.Verify(ctx, users, auth.VerifyEmail, token) // GET: shows a button
	fmt.Println(joe.Name, err)
	joe, err = tokens.Use(ctx, users, auth.VerifyEmail, token, nil) // POST
	fmt.Println(joe.Verified, err)
	// Output:
	// joe <nil>
	// true <nil>
}

// Hashes of the old application are verified, and replaced at the first login.
func ExamplePasswordHashes() {
	ctx := context.Background()
	users := auth.NewMemory()
	err := users.Create(ctx, &auth.User{
		ID:       "5629499534213120", // the old one, so that old data still points at it
		Name:     "joe",
		Password: "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl",
	})
	if err != nil {
		panic(err)
	}
	passwords := auth.Passwords{Legacy: webapp2.PasswordHashes{}.Verify}
	joe, err := passwords.LogIn(ctx, users, "joe", "correct horse")
	if err != nil {
		panic(err)
	}
	fmt.Println(joe.ID, joe.Password[:10])
	// Output: 5629499534213120 $argon2id$
}

func ExamplePasswordHashes_Verify() {
	const stored = "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"
	var hashes webapp2.PasswordHashes
	fmt.Println(hashes.Verify("correct horse", stored))
	fmt.Println(hashes.Verify("wrong horse", stored))
	_, err := hashes.Verify("x", "x$plain$")
	fmt.Println(err)
	// Output:
	// true <nil>
	// false <nil>
	// webapp2: a password that was stored in the clear is refused
}
