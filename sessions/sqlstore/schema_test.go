package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sqldb"
)

func TestMistakes(t *testing.T) {
	db := databases["SQLite"](t)
	for name, c := range map[string]struct {
		db     *sqldb.DB
		config sqlstore.Config
		want   string
	}{
		"no database":      {nil, sqlstore.Config{}, "DB.Write"},
		"no dialect":       {&sqldb.DB{Write: db.Write}, sqlstore.Config{}, "DB.Dialect"},
		"a bad table":      {db, sqlstore.Config{Table: "sessions; DROP TABLE x"}, "Config.Table"},
		"a table in upper": {db, sqlstore.Config{Table: "Sessions"}, "Config.Table"},
		"a bad timeout":    {db, sqlstore.Config{Timeout: -1}, "Config.Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := sqlstore.New(t.Context(), c.db, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %s", err, c.want)
			}
		})
	}
}

// TestOthersTable checks that a table with another schema is refused at startup.
func TestOthersTable(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			if err := db.Migrate(t.Context(), "users", []string{"CREATE TABLE users (id TEXT, version BIGINT)"}); err != nil {
				t.Fatal(err)
			}
			if _, err := sqlstore.New(t.Context(), db, sqlstore.Config{Table: "users"}); err == nil || !strings.Contains(err.Error(), "expires") {
				t.Errorf("error %v, want one that names a column", err)
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
			if err == nil || !strings.Contains(err.Error(), "version 9") || !strings.Contains(err.Error(), "up to 1") {
				t.Errorf("error %v, want one that names both versions", err)
			}
		})
	}
}

// TestTables checks that two tables of one database are separate.
func TestTables(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			one := newBackend(t, db, patient)
			other := newBackend(t, db, sqlstore.Config{Table: "others", Timeout: time.Minute})
			id := create(t, one, record("data"))
			if _, err := other.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
				t.Errorf("Load from another table: %v", err)
			}
		})
	}
}

// TestPlans checks that the queries of users and of DeleteExpired use their indexes, and that a
// change in PostgreSQL writes to no index.
func TestPlans(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			b := newBackend(t, db, patient)
			ids := make([]string, 3000)
			for i := range ids {
				ids[i] = create(t, b, sessions.Record{Data: make([]byte, 400), User: fmt.Sprint("user ", i%1000), Expires: time.Now().Add(time.Duration(i+10) * time.Minute)})
			}
			explain := "EXPLAIN "
			if db.Dialect == sqldb.SQLite {
				explain = "EXPLAIN QUERY PLAN "
			}
			if _, err := db.Write.ExecContext(t.Context(), "ANALYZE webapp2go_sessions"); err != nil {
				t.Fatal(err)
			}
			for index, query := range map[string]string{
				"webapp2go_sessions_owner": "SELECT id FROM webapp2go_sessions WHERE owner = $1 AND expires > 5",
				"webapp2go_sessions_sweep": "SELECT id FROM webapp2go_sessions WHERE sweep <= $1 AND expires <= 5 ORDER BY sweep LIMIT 500",
			} {
				var arg any = []byte("user 5")
				if strings.HasSuffix(index, "sweep") {
					arg = 5
				}
				rows, err := db.Write.QueryContext(t.Context(), db.Dialect.SQL(explain+query), arg)
				if err != nil {
					t.Fatal(err)
				}
				columns, _ := rows.Columns()
				var plan strings.Builder
				for rows.Next() {
					values := make([]any, len(columns))
					for i := range values {
						values[i] = new(any)
					}
					if err := rows.Scan(values...); err != nil {
						t.Fatal(err)
					}
					fmt.Fprintln(&plan, *values[len(values)-1].(*any))
				}
				rows.Close()
				if !strings.Contains(plan.String(), index) {
					t.Errorf("%s: does not use %s:\n%s", query, index, plan.String())
				}
			}
			if db.Dialect != sqldb.PostgreSQL {
				return
			}
			for _, id := range ids[:1000] {
				r := load(t, b, id)
				r.Expires = r.Expires.Add(time.Second)
				if _, err := b.Update(t.Context(), id, r); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, func() error {
				var all, hot int
				err := db.Write.QueryRowContext(t.Context(), "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'webapp2go_sessions' AND schemaname = current_schema()").Scan(&all, &hot)
				if err != nil || all < 900 {
					return fmt.Errorf("%d updates are counted: %w", all, err)
				}
				t.Logf("%d of %d updates wrote to no index", hot, all)
				if hot < all/2 {
					t.Errorf("%d of %d updates wrote to the indexes", all-hot, all)
				}
				return nil
			})
		})
	}
}

func TestDeleteExpired(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, open(t), patient)
			live := create(t, b, record("live"))
			const expired = 1005 // more than two batches
			for i := range expired {
				create(t, b, sessions.Record{Data: fmt.Append(nil, i), User: "ann", Expires: time.Now().Add(-2 * time.Hour)})
			}
			for _, step := range []struct{ limit, want int }{{-1, 0}, {0, 0}, {3, 3}, {600, 600}, {5000, expired - 603}, {5000, 0}} {
				if n, err := b.DeleteExpired(t.Context(), step.limit); n != step.want || err != nil {
					t.Errorf("DeleteExpired(%d) deleted %d, %v, want %d", step.limit, n, err, step.want)
				}
			}
			load(t, b, live)
		})
	}
}

// TestPooler runs statements of many clients over few connections of pgbouncer.
func TestPooler(t *testing.T) {
	_, url := postgrestest.Start(t).Pooler()
	db := openPostgreSQL(t, url+" default_query_exec_mode=exec")
	b := newBackend(t, db, patient)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				id := newID()
				if err := b.Create(t.Context(), id, sessions.Record{Data: []byte{0, 0xff, '\\', 'x'}, User: "ann\x00\xff", Expires: time.Now().Add(time.Hour)}); err != nil {
					t.Error(err)
					return
				}
				r, err := b.Load(t.Context(), id)
				if err != nil || string(r.Data) != "\x00\xff\\x" || r.User != "ann\x00\xff" {
					t.Errorf("Load: %+v, %v", r, err)
					return
				}
				if _, err := b.Update(t.Context(), id, r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()

	// Without the setting an error says what to add.
	var failed atomic.Pointer[error]
	wrong, err := sqlstore.New(t.Context(), openPostgreSQL(t, url), sqlstore.Config{Timeout: 5 * time.Second})
	for i := 0; i < 8 && err == nil; i++ {
		group.Go(func() {
			for range 50 {
				if err := wrong.Create(t.Context(), newID(), record("data")); err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
			}
		})
	}
	group.Wait()
	if e := failed.Load(); e != nil {
		err = *e
	}
	if err == nil {
		t.Skip("this pgbouncer keeps prepared statements apart")
	}
	if !strings.Contains(err.Error(), "default_query_exec_mode=exec") {
		t.Errorf("the error does not say what to add: %v", err)
	}
}
