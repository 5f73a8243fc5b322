package sqlstore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
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
	backend, err := sqlstore.New(context.Background(), db, sqlstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: backend}},
	})
	if err != nil {
		log.Fatal(err)
	}

	store := manager.Store(httptest.NewRequest(http.MethodGet, "/", nil))
	store.Session().Set("colour", "green")
	if err := store.Save(httptest.NewRecorder()); err != nil {
		log.Fatal(err)
	}
	record, err := backend.Load(context.Background(), store.Session().ID())
	fmt.Println(len(record.Data) > 0, err)
	// Output: true <nil>
}

// A scheduled job deletes expired sessions.
func ExampleBackend_DeleteExpired() {
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
	backend, err := sqlstore.New(context.Background(), db, sqlstore.Config{})
	if err != nil {
		log.Fatal(err)
	}

	const limit = 10_000
	for {
		deleted, err := backend.DeleteExpired(context.Background(), limit)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("deleted", deleted)
		if deleted < limit {
			break
		}
	}
	// Output: deleted 0
}
