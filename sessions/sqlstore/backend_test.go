package sqlstore_test

import (
	"crypto/rand"
	"encoding/base64"
	"path/filepath"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// patient has a timeout that is not reached even on a busy machine.
var patient = sqlstore.Config{Timeout: time.Minute}

func openSQLite(t testing.TB, path string, c sqlite.Config) *sqldb.DB {
	t.Helper()
	db, err := sqlite.Open(path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openPostgreSQL(t testing.TB, url string) *sqldb.DB {
	t.Helper()
	db, err := postgres.Open(url, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newBackend(t testing.TB, db *sqldb.DB, c sqlstore.Config) *sqlstore.Backend {
	t.Helper()
	b, err := sqlstore.New(t.Context(), db, c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// databases opens an empty database of each kind. None waits for the disk, which other
// programs may keep busy.
var databases = map[string]func(t testing.TB) *sqldb.DB{
	"SQLite": func(t testing.TB) *sqldb.DB {
		return openSQLite(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{Relaxed: true})
	},
	"PostgreSQL": func(t testing.TB) *sqldb.DB { return openPostgreSQL(t, postgrestest.Shared(t)) },
}

func TestConformance(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, open(t), patient)
			sessionstest.Run(t, func(*testing.T) sessions.Backend { return b })
		})
	}
}

func newID() string {
	var id [32]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func record(data string) sessions.Record {
	return sessions.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)}
}

func create(t testing.TB, b sessions.Backend, r sessions.Record) (id string) {
	t.Helper()
	id = newID()
	if err := b.Create(t.Context(), id, r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return id
}

func load(t testing.TB, b sessions.Backend, id string) sessions.Record {
	t.Helper()
	r, err := b.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return r
}
