package auth_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/webapp2"
)

func Example() {
	ctx := context.Background()
	users := auth.NewMemory()
	var passwords auth.Passwords

	joe := &auth.User{Name: "Joe"}
	err := passwords.SignUp(ctx, users, joe, "correct horse battery")
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
	joe := &auth.User{Name: "joe"}
	if err := passwords.SignUp(ctx, users, joe, "correct horse battery"); err != nil {
		panic(err)
	}
	err := passwords.Change(ctx, users, joe, "correct horse battery", "short")
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		fmt.Println(invalid.Message)
	}
	fmt.Println(passwords.Change(ctx, users, joe, "correct horse battery", "a staple this time"))
	// Output:
	// A password must have at least 8 characters.
	// <nil>
}

func ExampleNameKey() {
	fmt.Println(auth.NameKey(" Joe ") == auth.NameKey("JOE"))
	fmt.Println(auth.NameKey("Ann  x") == auth.NameKey("Ann x"))
	// Output:
	// true
	// true
}

func ExampleUser_Has() {
	joe := &auth.User{Name: "joe", Roles: []string{"editor"}}
	fmt.Println(joe.Has("editor"), joe.Has("admin"))
	// Output: true false
}

// A hash contains the costs that it was made with. Verify reports one with lower costs as
// stale.
func ExamplePasswords_Verify() {
	cheap := auth.Passwords{Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 1024}}
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

// A user who is logged in confirms an action with the password.
func ExamplePasswords_Confirm() {
	ctx, users := context.Background(), auth.NewMemory()
	var passwords auth.Passwords
	ann := &auth.User{Name: "ann"}
	if err := passwords.SignUp(ctx, users, ann, "correct horse"); err != nil {
		panic(err)
	}
	fmt.Println(passwords.Confirm(ctx, users, ann, "wrong horse"))
	fmt.Println(passwords.Confirm(ctx, users, ann, "correct horse"))
	// Output:
	// auth: wrong name or password
	// <nil>
}

// The words of a site cannot be passwords.
func ExamplePasswords_CheckNew() {
	p := auth.Passwords{Words: []string{"Guestbook"}}
	for _, password := range []string{"password", "guestbook 2026", "josephine!", "correct horse"} {
		fmt.Println(p.CheckNew(context.Background(), &auth.User{Name: "Josephine"}, password))
	}
	// Output:
	// auth: bad password: Many people have this password, so it is tried first. Please choose another.
	// auth: bad password: This password is easy to guess on this site. Please choose another.
	// auth: bad password: Your name or address cannot be your password. Please choose another.
	// <nil>
}

// A program that gives a user a new password sets it and stores the user.
func ExamplePasswords_Set() {
	ctx := context.Background()
	users := auth.NewMemory()
	ann := &auth.User{Email: "ann@example.com", Verified: true}
	if err := users.Create(ctx, ann); err != nil {
		panic(err)
	}
	var passwords auth.Passwords
	if err := passwords.Set(ctx, ann, "correct horse battery"); err != nil {
		panic(err)
	}
	if err := users.Update(ctx, ann); err != nil {
		panic(err)
	}
	_, err := passwords.LogIn(ctx, users, "Ann@Example.com", "correct horse battery")
	fmt.Println(err)
	// Output: <nil>
}

// The context of a request has the client's address, so that no client can fill the queue
// of hashes.
func ExampleWithClient() {
	p := auth.Passwords{PerClient: 4}
	ctx := auth.WithClient(context.Background(), "192.0.2.1") // in a handler: h.App.ClientIP(h.Request)
	_, err := p.LogIn(ctx, auth.NewMemory(), "joe", "correct horse")
	fmt.Println(err)
	// Output: auth: wrong name or password
}

// A secret is used as a string, and not printed.
func ExampleSecret() {
	pepper := auth.Secret("from the old application")
	fmt.Println(pepper, len(string(pepper)))
	// Output: (secret) 24
}

// A session keeps the credential of its login. A new password gives the user a new
// credential, which ends the session.
func ExampleUser_Credential() {
	ctx := context.Background()
	users := auth.NewMemory()
	var passwords auth.Passwords
	joe := &auth.User{Name: "joe"}
	if err := passwords.SignUp(ctx, users, joe, "correct horse battery"); err != nil {
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

// A credential is compared in constant time. An empty one belongs to no user.
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
	joe := &auth.User{Name: "joe"}
	if err := passwords.SignUp(ctx, users, joe, "correct horse battery"); err != nil {
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

// A user of an older system counts as imported until a password was set here. A login
// here, which only replaces the hash, does not change that.
func ExampleUser_Imported() {
	ctx := context.Background()
	users := auth.NewMemory()
	joe := &auth.User{Name: "joe", Password: "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"}
	if err := users.Create(ctx, joe); err != nil {
		panic(err)
	}
	passwords := auth.Passwords{Legacy: webapp2.PasswordHashes{}.Verify}
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

// An application that already has users finds them by ID, and needs no Backend.
func ExampleFinderFunc() {
	type member struct{ ID, Login, PasswordHash string }
	members := map[string]member{"7": {"7", "ann", "$2b$12$..."}}

	var users auth.Finder = auth.FinderFunc(func(_ context.Context, id string) (*auth.User, error) {
		m, ok := members[id]
		if !ok {
			return nil, auth.ErrNotFound
		}
		return &auth.User{ID: m.ID, Name: m.Login, Roles: []string{"member"}, Stamp: m.PasswordHash}, nil
	})
	ann, err := users.ByID(context.Background(), "7")
	fmt.Println(ann.Name, ann.Has("member"), err)
	// Output: ann true <nil>
}

// A user can have values of the application.
func ExampleGet() {
	type settings struct {
		Theme string
		Lines int
	}
	ann := &auth.User{Name: "ann"}
	if err := ann.Set("settings", settings{"dark", 25}); err != nil {
		panic(err)
	}
	kept, ok := auth.Get[settings](ann, "settings")
	fmt.Println(kept.Theme, kept.Lines, ok)
	_, ok = auth.Get[string](ann, "birthday")
	fmt.Println(ok)
	// Output:
	// dark 25 true
	// false
}

// A user who has logged in here and at another system adds the account there to the one
// here.
func ExampleUser_AddAuthID() {
	ctx := context.Background()
	users := auth.NewMemory()
	ann := &auth.User{Name: "ann"}
	if err := users.Create(ctx, ann); err != nil {
		panic(err)
	}
	if err := ann.AddAuthID("google:1234"); err != nil {
		panic(err)
	}
	if err := users.Update(ctx, ann); err != nil {
		panic(err)
	}
	found, err := users.ByKey(ctx, auth.AuthIDKey("google:1234"))
	fmt.Println(found.Name, err)
	// Output: ann <nil>
}

// Names, addresses and auth ids cannot be mixed up, and the case of the first two is
// ignored.
func ExampleUser_Keys() {
	ann := &auth.User{Name: "Ann", Email: "Ann@Example.com", Verified: true, AuthIDs: []string{"google:1234"}}
	fmt.Println(ann.Keys())
	ann.Verified = false
	fmt.Println(ann.Keys())
	// Output:
	// [email:ann@example.com id:google:1234 name:ann] <nil>
	// [id:google:1234 name:ann] <nil>
}

func ExampleEmailKey() {
	fmt.Println(auth.EmailKey("Ann@BÜCHER.example"), auth.EmailKey("ann@xn--bcher-kva.example"))
	fmt.Printf("%q\n", auth.EmailKey("Ann <ann@example.com>"))
	// Output:
	// email:ann@xn--bcher-kva.example email:ann@xn--bcher-kva.example
	// ""
}

func ExampleParseName() {
	fmt.Println(auth.ParseName("  Ann   x "))
	_, err := auth.ParseName("ann@example.com")
	fmt.Println(err)
	// Output:
	// Ann x <nil>
	// auth: bad name: A name cannot have an @ in it: that is for addresses.
}

func ExampleParseEmail() {
	fmt.Println(auth.ParseEmail(" Ann@Bücher.Example "))
	_, err := auth.ParseEmail("ann@localhost")
	fmt.Println(err)
	// Output:
	// Ann@xn--bcher-kva.example <nil>
	// auth: bad email: Please enter a mail address like ann@example.com.
}

// All users whose names begin with "an", in pages.
func ExampleMemory_List() {
	ctx := context.Background()
	users := auth.NewMemory()
	for _, name := range []string{"Bob", "Anna", "Ann"} {
		if err := users.Create(ctx, &auth.User{Name: name}); err != nil {
			panic(err)
		}
	}
	for after := ""; ; {
		page, next, err := users.List(ctx, auth.NamePrefix("An"), after, 1)
		if err != nil {
			panic(err)
		}
		for _, u := range page {
			fmt.Println(u.Name)
		}
		if next == "" {
			break
		}
		after = next
	}
	// Output:
	// Ann
	// Anna
}

// A Backend says which key of a new user is taken.
func ExampleExistsError() {
	ctx, users := context.Background(), auth.NewMemory()
	if err := users.Create(ctx, &auth.User{Name: "Ann"}); err != nil {
		panic(err)
	}
	err := users.Create(ctx, &auth.User{Name: "ann", Email: "ann@example.com", Verified: true})
	if exists, ok := errors.AsType[*auth.ExistsError](err); ok {
		fmt.Println(exists.Field(), exists.Key, errors.Is(err, auth.ErrExists))
	}
	// Output: name name:ann true
}

// The message of an InvalidError is for the person who chose the value.
func ExampleInvalidError() {
	_, err := auth.ParseName("ann@home")
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		fmt.Println(invalid.Field, invalid.HTTPStatus())
	}
	// Output: name 400
}

// Only a verified address is a key of its user.
func ExampleUser_SetEmail() {
	ann := &auth.User{Name: "Ann"}
	if err := ann.SetEmail("Ann@EXAMPLE.com", false); err != nil {
		panic(err)
	}
	fmt.Println(ann.Email, ann.Verified)
	fmt.Println(ann.Keys())
	fmt.Println(ann.SetEmail("Ann", true))
	// Output:
	// Ann@example.com false
	// [name:ann] <nil>
	// auth: bad email: Please enter a mail address like ann@example.com.
}

// The text that a user types to log in can be an address or a name.
func ExampleLoginKeys() {
	fmt.Println(auth.LoginKeys("Ann"), auth.LoginKeys("Ann@example.com"))
	// Output: [name:ann] [email:ann@example.com name:ann@example.com]
}
