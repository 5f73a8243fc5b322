package sqlstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/sqlstore"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	db, err := sqlite.Open(filepath.Join(dir, "app.db"), sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	users, err := sqlstore.New(ctx, db, sqlstore.Config{})
	if err != nil {
		log.Fatal(err)
	}

	var passwords auth.Passwords
	if err := passwords.SignUp(ctx, users, &auth.User{Name: "Zoë"}, "correct horse battery"); err != nil {
		log.Fatal(err)
	}
	user, err := passwords.LogIn(ctx, users, "ZOË", "correct horse battery")
	fmt.Println(user.Name, err)
	// Output: Zoë <nil>
}

// The users of an older system have numbers, and new ones get the next numbers.
func ExampleConfig_numbers() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(filepath.Join(dir, "app.db"), sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	users, err := sqlstore.New(ctx, db, sqlstore.Config{Numbers: true})
	if err != nil {
		log.Fatal(err)
	}

	ann := &auth.User{ID: "41", Name: "Ann"}
	bob := &auth.User{Name: "Bob"}
	for _, u := range []*auth.User{ann, bob} {
		if err := users.Create(ctx, u); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(ann.ID, bob.ID)
	// Output: 41 42
}
