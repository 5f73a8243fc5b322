package sqlstore_test

import (
	"context"
	"errors"
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

// copyUsers copies all users to another store, with their IDs, passwords and keys. It may be
// run again after an error.
func copyUsers(ctx context.Context, from, to auth.Backend) error {
	for after := ""; ; {
		users, next, err := from.List(ctx, "", after, auth.MaxPage)
		if err != nil {
			return err
		}
		for _, u := range users {
			err := to.Create(ctx, u)
			if taken, ok := errors.AsType[*auth.ExistsError](err); ok && taken.ID != "" {
				continue // an earlier run has copied it
			}
			if err != nil {
				return fmt.Errorf("user %s: %w", u.ID, err)
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// Users of another store move to SQLite. They keep their IDs and passwords.
func Example_move() {
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

	old := auth.NewMemory()
	var passwords auth.Passwords
	if err := passwords.SignUp(ctx, old, &auth.User{ID: "7", Name: "Zoë"}, "correct horse battery"); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		if err := copyUsers(ctx, old, users); err != nil {
			log.Fatal(err)
		}
	}
	user, err := passwords.LogIn(ctx, users, "zoë", "correct horse battery")
	fmt.Println(user.ID, user.Name, err)
	// Output: 7 Zoë <nil>
}
