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
)

func Example() {
	server, err := datastoretest.New() // in production: nothing of this kind
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	os.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	defer os.Unsetenv("DATASTORE_EMULATOR_HOST")

	ctx := context.Background()
	client, err := gcds.NewClient(ctx, server.Project)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	users := datastore.New(client, datastore.Config{})

	var passwords auth.Passwords
	if _, err := passwords.SignUp(ctx, users, "Ann", "correct horse battery"); err != nil {
		log.Fatal(err)
	}
	user, err := passwords.LogIn(ctx, users, "ann", "correct horse battery")
	fmt.Println(user.Name, err)
	// Output: Ann <nil>
}
