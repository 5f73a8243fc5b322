package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/authtest"
	"github.com/webapp2go/webapp2go/auth/sqlstore"
	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// patient has a timeout that is not reached even on a busy machine.
var patient = sqlstore.Config{Timeout: time.Minute}

func openSQLite(t testing.TB, path string) *sqldb.DB {
	t.Helper()
	db, err := sqlite.Open(path, sqlite.Config{})
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

// databases opens an empty database of each kind.
var databases = map[string]func(t testing.TB) *sqldb.DB{
	"SQLite":     func(t testing.TB) *sqldb.DB { return openSQLite(t, filepath.Join(t.TempDir(), "test.db")) },
	"PostgreSQL": func(t testing.TB) *sqldb.DB { return openPostgreSQL(t, postgrestest.Shared(t)) },
}

func TestConformance(t *testing.T) {
	for name, open := range databases {
		for _, numbers := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, numbers %v", name, numbers), func(t *testing.T) {
				t.Parallel()
				db := open(t)
				n := 0
				authtest.Run(t, func(t *testing.T) auth.Backend {
					n++
					return newBackend(t, db, sqlstore.Config{Table: fmt.Sprint("users", n), Timeout: time.Minute, Numbers: numbers})
				})
			})
		}
	}
}

func TestMistakes(t *testing.T) {
	db := databases["SQLite"](t)
	for name, c := range map[string]struct {
		db     *sqldb.DB
		config sqlstore.Config
		want   string
	}{
		"no database":   {nil, sqlstore.Config{}, "DB.Write"},
		"a bad table":   {db, sqlstore.Config{Table: "users; DROP TABLE x"}, "Config.Table"},
		"a bad timeout": {db, sqlstore.Config{Timeout: -1}, "Config.Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := sqlstore.New(t.Context(), c.db, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %s", err, c.want)
			}
		})
	}
}

func TestNewerTable(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			newBackend(t, db, patient)
			if _, err := db.Write.ExecContext(t.Context(), "UPDATE webapp2go_schema SET version = 9"); err != nil {
				t.Fatal(err)
			}
			_, err := sqlstore.New(t.Context(), db, patient)
			if err == nil || !strings.Contains(err.Error(), "version 9") {
				t.Errorf("error %v, want one that names both versions", err)
			}
		})
	}
}

// TestTwoStarts opens an empty database many times at once.
func TestTwoStarts(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					if _, err := sqlstore.New(context.Background(), db, patient); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		})
	}
}

// TestTexts checks that text that PostgreSQL cannot store is refused before a query is sent,
// and that all other text is stored unchanged.
func TestTexts(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, open(t), patient)
			for _, bad := range []string{"a\x00b", "a\xffb"} {
				for field, u := range map[string]*auth.User{
					"ID":       {ID: bad, Name: "Ann"},
					"Name":     {Name: bad},
					"Email":    {Name: "Ann", Email: bad},
					"Password": {Name: "Ann", Password: bad},
					"Stamp":    {Name: "Ann", Stamp: bad},
					"Roles":    {Name: "Ann", Roles: []string{bad}},
				} {
					if err := b.Create(t.Context(), u); err == nil || !strings.Contains(err.Error(), field) {
						t.Errorf("Create with %s %q: error %v, want one that names it", field, bad, err)
					}
				}
				for what, err := range map[string]error{
					"ByID":    second(b.ByID(t.Context(), bad)),
					"ByKey":   second(b.ByKey(t.Context(), auth.Key("name:"+bad))),
					"ByLogin": second(b.ByLogin(t.Context(), bad)),
					"Update":  b.Update(t.Context(), &auth.User{ID: bad, Name: "Ann"}),
					"Delete":  b.Delete(t.Context(), &auth.User{ID: bad}),
				} {
					if !errors.Is(err, auth.ErrNotFound) {
						t.Errorf("%s of %q: %v, want not found", what, bad, err)
					}
				}
				if users, next, err := b.List(t.Context(), auth.Key("name:"+bad), bad, 10); len(users) != 0 || next != "" || err != nil {
					t.Errorf("List of %q: %v, %q, %v", bad, users, next, err)
				}
			}
			if users, _, err := b.List(t.Context(), "", "", 10); len(users) != 0 || err != nil {
				t.Errorf("refused users were kept: %v, %v", users, err)
			}
			odd := "ZOË İ <&>\u2028\u212a \\' \" %_ ?1 $1 \U0001f600"
			u := &auth.User{ID: odd, Name: odd, Email: odd, Password: odd, Roles: []string{odd, ""}, AuthIDs: []string{odd}, Links: 1<<64 - 1}
			if err := u.Set(odd, []byte{0, 0xff}); err != nil {
				t.Fatal(err)
			}
			if err := b.Create(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			got, err := b.ByKey(t.Context(), auth.NameKey(strings.ToLower(odd)))
			if err != nil {
				t.Fatal(err)
			}
			if value, _ := auth.Get[[]byte](got, odd); string(value) != "\x00\xff" || got.ID != odd || got.Name != odd || got.Roles[0] != odd || got.Roles[1] != "" || got.AuthIDs[0] != odd || got.Links != u.Links {
				t.Errorf("got %+v, want %+v", got, u)
			}
		})
	}
}

func second(_ *auth.User, err error) error { return err }

// TestNumbers checks that no number is given twice, also after deletions.
func TestNumbers(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			config := sqlstore.Config{Timeout: time.Minute, Numbers: true}
			b, other := newBackend(t, db, config), newBackend(t, db, config)
			for _, id := range []string{"7", "8", "9223372036854775807", "99999999999999999999", "x"} {
				if err := b.Create(t.Context(), &auth.User{ID: id, Name: "old " + id}); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex
			given := map[string]bool{}
			var group sync.WaitGroup
			for i := range 40 {
				group.Go(func() {
					u := &auth.User{Name: fmt.Sprint("new ", i)}
					if err := []*sqlstore.Backend{b, other}[i%2].Create(t.Context(), u); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if given[u.ID] || len(u.ID) > 2 || u.ID == "7" || u.ID == "8" {
						t.Errorf("the number %q is given again, or is none", u.ID)
					}
					given[u.ID] = true
				})
			}
			group.Wait()
			// A number that an older system gave and that the store does not know.
			if _, err := db.Write.ExecContext(t.Context(), "UPDATE webapp2go_users_numbers SET last = 6"); err != nil {
				t.Fatal(err)
			}
			u := &auth.User{Name: "late"}
			if err := b.Create(t.Context(), u); err != nil || given[u.ID] {
				t.Errorf("Create after an import: %q, %v", u.ID, err)
			}
		})
	}
}

// TestNumbersAreBehind checks that many numbers that were given elsewhere cost a few attempts,
// not one each.
func TestNumbersAreBehind(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			b := newBackend(t, db, sqlstore.Config{Timeout: time.Minute, Numbers: true})
			const users = 20_000
			insert := db.Dialect.SQL(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
				INSERT INTO webapp2go_users (id, version, name, email, verified, disabled, auth_ids, roles, password, stamp, properties, links, created)
				SELECT CAST(i AS TEXT), 1, 'x', '', FALSE, FALSE, 'null', 'null', '', '', {pg:''::bytea}{lite:x''}, 0, 0 FROM n`)
			if _, err := db.Write.ExecContext(t.Context(), insert, users); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			u := &auth.User{Name: "Ann"}
			if err := b.Create(ctx, u); err != nil {
				t.Fatal(err)
			}
			if n, err := strconv.Atoi(u.ID); err != nil || n <= users || n > 2*users {
				t.Errorf("the number %q is given", u.ID)
			}
		})
	}
}

// TestOthersTable checks that a table with another schema is refused at startup.
func TestOthersTable(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			if err := db.Migrate(t.Context(), "sessions", []string{"CREATE TABLE sessions (id TEXT, version BIGINT)"}); err != nil {
				t.Fatal(err)
			}
			if _, err := sqlstore.New(t.Context(), db, sqlstore.Config{Table: "sessions"}); err == nil || !strings.Contains(err.Error(), "name") {
				t.Errorf("error %v, want one that names a column", err)
			}
		})
	}
}

// TestSwaps has two users take each other's names repeatedly. The database must not detect a
// deadlock, which takes PostgreSQL a second each time.
func TestSwaps(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			b := newBackend(t, db, patient)
			names := []string{"Ann", "Bob", "Kim"}
			users := make([]*auth.User, len(names))
			for i, name := range names {
				users[i] = &auth.User{Name: name, AuthIDs: []string{fmt.Sprint("x:", i)}}
				if err := b.Create(t.Context(), users[i]); err != nil {
					t.Fatal(err)
				}
			}
			var group sync.WaitGroup
			for i := range names {
				group.Go(func() {
					for range 60 {
						u := users[i].Clone()
						u.Name, u.AuthIDs = names[(i+1)%3], []string{fmt.Sprint("y:", i), fmt.Sprint("x:", (i+2)%3)}
						if err := b.Update(t.Context(), u); !errors.Is(err, auth.ErrExists) {
							t.Errorf("Update to what others have: %v", err)
						}
					}
				})
			}
			group.Wait()
			if db.Dialect == sqldb.PostgreSQL {
				var deadlocks int
				if err := db.Write.QueryRowContext(t.Context(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&deadlocks); err != nil || deadlocks > 0 {
					t.Errorf("%d deadlocks, %v", deadlocks, err)
				}
			}
		})
	}
}

// TestUnreadable checks that a row that was damaged by hand is an error at once, and does not
// affect other rows.
func TestUnreadable(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			b := newBackend(t, db, patient)
			if err := b.Create(t.Context(), &auth.User{ID: "1", Name: "Ann"}); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Write.ExecContext(t.Context(), "UPDATE webapp2go_users SET roles = 'admin'"); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, err := b.ByID(t.Context(), "1")
			if err == nil || !strings.Contains(err.Error(), "cannot be read") || time.Since(began) > time.Second {
				t.Errorf("error %v after %v", err, time.Since(began))
			}
		})
	}
}
