package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
)

func Example() {
	ctx := context.Background()
	users := auth.NewMemory()
	var passwords auth.Passwords

	joe, err := passwords.SignUp(ctx, users, "Joe", "correct horse battery")
	fmt.Println(joe.Name, err)

	_, err = passwords.LogIn(ctx, users, "joe", "a wrong guess")
	fmt.Println(errors.Is(err, auth.ErrCredentials))
	_, err = passwords.LogIn(ctx, users, "nobody", "a wrong guess")
	fmt.Println(errors.Is(err, auth.ErrCredentials))

	joe, err = passwords.LogIn(ctx, users, "joe", "correct horse battery")
	fmt.Println(joe.Name, err)
	// Output:
	// Joe <nil>
	// true
	// true
	// Joe <nil>
}

func ExamplePasswords_Change() {
	ctx := context.Background()
	users := auth.NewMemory()
	var passwords auth.Passwords
	joe, err := passwords.SignUp(ctx, users, "joe", "correct horse battery")
	if err != nil {
		panic(err)
	}
	err = passwords.Change(ctx, users, joe, "correct horse battery", "short")
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		fmt.Println(invalid.Message)
	}
	fmt.Println(passwords.Change(ctx, users, joe, "correct horse battery", "a staple this time"))
	// Output:
	// A password must have at least 8 characters.
	// <nil>
}

// A user of a webapp2 application logs in with the old hash, which is replaced.
func ExamplePasswords_webapp2() {
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
	passwords := auth.Passwords{Webapp2: true}
	joe, err := passwords.LogIn(ctx, users, "joe", "correct horse")
	if err != nil {
		panic(err)
	}
	fmt.Println(joe.ID, joe.Password[:10])
	// Output: 5629499534213120 $argon2id$
}

func ExampleVerifyWebapp2() {
	const stored = "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"
	fmt.Println(auth.VerifyWebapp2("correct horse", stored, ""))
	fmt.Println(auth.VerifyWebapp2("wrong horse", stored, ""))
	_, err := auth.VerifyWebapp2("x", "x$plain$", "")
	fmt.Println(err)
	// Output:
	// true <nil>
	// false <nil>
	// auth: a webapp2 password that was stored in the clear is refused
}

func ExampleNameKey() {
	fmt.Println(auth.NameKey(" Joe ") == auth.NameKey("JOE"))
	fmt.Println(auth.NameKey("Ann  x") == auth.NameKey("Ann x"))
	// Output:
	// true
	// true
}

// A Store that has users of older releases looks under both keys.
func ExampleFormerNameKey() {
	fmt.Printf("%q %q\n", auth.FormerNameKey("Ann  x"), auth.NameKey("Ann  x"))
	// Output: "ann  x" "ann x"
}

func ExampleUser_Has() {
	joe := &auth.User{Name: "joe", Roles: []string{"editor"}}
	fmt.Println(joe.Has("editor"), joe.Has("admin"))
	// Output: true false
}

// A hash says by itself how it was made, so that it can be made anew with more.
func ExamplePasswords_Verify() {
	cheap := auth.Passwords{Params: auth.Params{Time: 1, MemoryKiB: 1024}}
	hash, err := cheap.Hash("correct horse battery")
	if err != nil {
		panic(err)
	}
	var passwords auth.Passwords
	fmt.Println(passwords.Verify("correct horse battery", hash))
	fmt.Println(passwords.Verify("a wrong guess", hash))
	// Output:
	// true true <nil>
	// false false <nil>
}

// A site refuses passwords that hold its own name.
func ExamplePasswords_rule() {
	p := auth.Passwords{Rule: func(_ context.Context, u *auth.User, password string) error {
		if strings.Contains(strings.ToLower(password), "example") {
			return &auth.InvalidError{Field: "password", Message: "The name of this site is no password."}
		}
		return nil
	}}
	for _, password := range []string{"password", "example.com 7", "correct horse"} {
		fmt.Println(p.CheckNew(context.Background(), &auth.User{Name: "joe"}, password))
	}
	// Output:
	// auth: bad password: Many people have this password, so it is tried first. Please choose another.
	// auth: Passwords.Rule: auth: bad password: The name of this site is no password.
	// <nil>
}

// Each request says from where it comes, so that no client can fill the queue of hashes.
func ExampleWithClient() {
	p := auth.Passwords{PerClient: 4}
	ctx := auth.WithClient(context.Background(), "192.0.2.1") // in a handler: h.App.ClientIP(h.Request)
	_, err := p.LogIn(ctx, auth.NewMemory(), "joe", "correct horse")
	fmt.Println(err)
	// Output: auth: wrong name or password
}

// A secret is used as a string, and not printed.
func ExampleSecret() {
	p := auth.Passwords{Webapp2: true, Pepper: auth.Secret("from the old application")}
	fmt.Println(p.Pepper, len(string(p.Pepper)))
	// Output: (secret) 24
}

// A session keeps the credential of its login. Another password gives the user another
// one, so that the session is not the user's any more.
func ExampleUser_Credential() {
	ctx := context.Background()
	users := auth.NewMemory()
	var passwords auth.Passwords
	joe, err := passwords.SignUp(ctx, users, "joe", "correct horse battery")
	if err != nil {
		panic(err)
	}
	kept := joe.Credential()
	joe.Roles = []string{"editor"}
	fmt.Println(joe.Credential() == kept)

	if err := passwords.Change(ctx, users, joe, "correct horse battery", "a staple this time"); err != nil {
		panic(err)
	}
	fmt.Println(joe.Credential() == kept)
	// Output:
	// true
	// false
}

// A credential is compared in constant time. Nobody has one.
func ExampleUser_HasCredential() {
	joe := &auth.User{ID: "1", Name: "joe"}
	var nobody *auth.User
	fmt.Println(joe.HasCredential(joe.Credential()), joe.HasCredential(""), nobody.HasCredential(""))
	// Output: true false false
}

// A new stamp logs a user out everywhere, once it is stored.
func ExampleUser_Restamp() {
	ctx := context.Background()
	users := auth.NewMemory()
	var passwords auth.Passwords
	joe, err := passwords.SignUp(ctx, users, "joe", "correct horse battery")
	if err != nil {
		panic(err)
	}
	kept := joe.Credential()
	joe.Restamp()
	if err := users.Update(ctx, joe); err != nil {
		panic(err)
	}
	fmt.Println(joe.HasCredential(kept))
	// Output: false
}

// A user of an older system counts as imported until there is a password that was set
// here. A login here, which only makes the hash anew, changes nothing of that.
func ExampleUser_Imported() {
	ctx := context.Background()
	users := auth.NewMemory()
	joe := &auth.User{Name: "joe", Password: "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"}
	if err := users.Create(ctx, joe); err != nil {
		panic(err)
	}
	passwords := auth.Passwords{Webapp2: true}
	joe, err := passwords.LogIn(ctx, users, "joe", "correct horse")
	if err != nil {
		panic(err)
	}
	fmt.Println(joe.Imported())
	if err := passwords.Change(ctx, users, joe, "correct horse", "a staple this time"); err != nil {
		panic(err)
	}
	fmt.Println(joe.Imported())
	// Output:
	// true
	// false
}
