package sqldb_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

func ExampleDB_Migrate() {
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
	err = db.Migrate(ctx, "notes",
		[]string{"CREATE TABLE notes (id TEXT PRIMARY KEY, text {pg:BYTEA}{lite:BLOB})"},
		[]string{"ALTER TABLE notes ADD COLUMN author TEXT"}, // added in a later version of the program
	)
	if err != nil {
		log.Fatal(err)
	}
	insert := db.Dialect.SQL("INSERT INTO notes (id, text, author) VALUES ($1, $2, $3)")
	if _, err := db.Write.ExecContext(ctx, insert, "1", []byte("hello"), "ann"); err != nil {
		log.Fatal(err)
	}
	var author string
	if err := db.Reader().QueryRowContext(ctx, "SELECT author FROM notes").Scan(&author); err != nil {
		log.Fatal(err)
	}
	fmt.Println(author)
	// Output: ann
}

func TestSQL(t *testing.T) {
	const text = "SELECT {pg:a}{lite:b} FROM {pg:c}d WHERE e = $1{lite: AND f}"
	for dialect, want := range map[sqldb.Dialect]string{
		sqldb.PostgreSQL: "SELECT a FROM cd WHERE e = $1",
		sqldb.SQLite:     "SELECT b FROM d WHERE e = ?1 AND f",
	} {
		if got := dialect.SQL(text); got != want {
			t.Errorf("%v: %q, want %q", dialect, got, want)
		}
	}
}

func open(t *testing.T) map[string]*sqldb.DB {
	t.Helper()
	lite, err := sqlite.Open(filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lite.Close() })
	pg, err := postgres.Open(postgrestest.Shared(t), postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pg.Close() })
	return map[string]*sqldb.DB{"SQLite": lite, "PostgreSQL": pg}
}

func TestMigrate(t *testing.T) {
	one := []string{"CREATE TABLE a (x TEXT)", "INSERT INTO a (x) VALUES ('1')"}
	two := []string{"INSERT INTO a (x) VALUES ('2')"}
	wrong := []string{"INSERT INTO a (x) VALUES ('3')", "INSERT INTO nowhere (x) VALUES ('3')"}
	for name, db := range open(t) {
		t.Run(name, func(t *testing.T) {
			rows := func() (n int) {
				if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM a").Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			for i, steps := range [][][]string{{one}, {one}, {one, two}, {one, two}} {
				if err := db.Migrate(t.Context(), "a", steps...); err != nil {
					t.Fatal(err)
				}
				if n := rows(); n != len(steps) {
					t.Errorf("%d: %d rows, want %d: each step runs once", i, n, len(steps))
				}
			}
			if err := db.Migrate(t.Context(), "a", one); err == nil || !strings.Contains(err.Error(), "version 2") {
				t.Errorf("tables of a later version: %v", err)
			}
			if err := db.Migrate(t.Context(), "a", one, two, wrong); err == nil || !strings.Contains(err.Error(), "nowhere") {
				t.Errorf("a wrong step: %v", err)
			}
			if n := rows(); n != 2 {
				t.Errorf("%d rows: a step that failed has left something behind", n)
			}
			if err := db.Migrate(t.Context(), "b"); err != nil {
				t.Errorf("a part without tables: %v", err)
			}
		})
	}
}

// TestMigrateWithoutRights: a program that may not change tables starts if there is nothing
// to change.
func TestMigrateWithoutRights(t *testing.T) {
	url := postgrestest.Shared(t)
	owner, err := postgres.Open(url, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	step := []string{"CREATE TABLE a (x TEXT)"}
	if err := owner.Migrate(t.Context(), "a", step); err != nil {
		t.Fatal(err)
	}
	var schema string
	if err := owner.Write.QueryRowContext(t.Context(), "SELECT current_schema()").Scan(&schema); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"CREATE ROLE app LOGIN", "GRANT USAGE ON SCHEMA " + schema + " TO app", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO app"} {
		if _, err := owner.Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	app, err := postgres.Open(url+" user=app", postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	if err := app.Migrate(t.Context(), "a", step); err != nil {
		t.Errorf("there is nothing to change: %v", err)
	}
	if err := app.Migrate(t.Context(), "a", step, step); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("there is something to change: %v", err)
	}
}

func TestProbe(t *testing.T) {
	for name, db := range open(t) {
		if err := db.Probe(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		db.Close()
		if err := db.Probe(t.Context()); err == nil {
			t.Errorf("%s: a closed database answers", name)
		}
	}
}
