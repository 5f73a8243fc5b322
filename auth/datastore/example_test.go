package datastore_test

import (
	"context"
	"fmt"
	"log"
	"os"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/webapp2"
)

// emulate runs the example against a Datastore of this process, as
// DATASTORE_EMULATOR_HOST does for a whole program, in a project of its own.
func emulate() (project string, stop func()) {
	server, err := datastoretest.New()
	if err != nil {
		log.Fatal(err)
	}
	before := os.Getenv("DATASTORE_EMULATOR_HOST")
	os.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	return server.Project, func() {
		os.Setenv("DATASTORE_EMULATOR_HOST", before)
		server.Close()
	}
}

func Example() {
	project, stop := emulate()
	defer stop()
	ctx := context.Background()
	client, err := gcds.NewClient(ctx, project)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	users := datastore.New(client, datastore.Config{})

	var passwords auth.Passwords
	if err := passwords.SignUp(ctx, users, &auth.User{Name: "Ann"}, "correct horse battery"); err != nil {
		log.Fatal(err)
	}
	user, err := passwords.LogIn(ctx, users, "ann", "correct horse battery")
	fmt.Println(user.Name, err)
	// Output: Ann <nil>
}

// A user of a webapp2 application logs in for the first time.
func ExampleWebapp2() {
	project, stop := emulate()
	defer stop()
	ctx := context.Background()
	client, err := gcds.NewClient(ctx, project)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Put(ctx, gcds.IDKey("User", 5629499534213120, nil), &gcds.PropertyList{ // as webapp2 wrote it
		{Name: "auth_ids", Value: []any{"own:joe"}},
		{Name: "password", Value: "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"},
	}); err != nil {
		log.Fatal(err)
	}

	users := datastore.New(client, datastore.Config{
		Kind:    "Account",
		Webapp2: &datastore.Webapp2{Prefix: "own:"},
	})
	passwords := auth.Passwords{Legacy: webapp2.PasswordHashes{}.Verify}
	user, err := passwords.LogIn(ctx, users, "joe", "correct horse")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.ID, user.Name, user.Password[:10])
	// Output: 5629499534213120 joe $argon2id$
}
