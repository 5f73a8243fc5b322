package postgres_test

import (
	"fmt"
	"log"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
)

func ExampleOpen() {
	db, err := postgres.Open("postgres://app:secret@db.example.org/app?sslmode=verify-full", postgres.Config{MaxConns: 20})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println(db.Dialect, db.Write.Stats().MaxOpenConnections)
	// Output: PostgreSQL 20
}

func TestOpen(t *testing.T) {
	db, err := postgres.Open(postgrestest.Shared(t), postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := db.Write.QueryRow("SHOW application_name").Scan(&name); err != nil || name != "webapp2go" {
		t.Errorf("application_name is %q, %v", name, err)
	}
	if n := db.Write.Stats().MaxOpenConnections; n != 8 {
		t.Errorf("%d connections at most, want 8", n)
	}
}

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		url    string
		config postgres.Config
		want   string
	}{
		"no URL":      {"db.example.org", postgres.Config{}, "postgres://user:password@host/database"},
		"connections": {"postgres://localhost/app", postgres.Config{MaxConns: -1}, "Config.MaxConns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(c.url, c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
	_, err := postgres.Open("postgres://ann:secret@host:notaport/app", postgres.Config{})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v, want one without the password", err)
	}
}
