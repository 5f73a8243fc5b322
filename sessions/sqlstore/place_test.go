package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

func TestPlaceSQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openSQLite(t, path, sqlite.Config{})
	sessionstest.RunPlace(t, sessionstest.Place{
		Open: func(t *testing.T) sessions.Backend { return newBackend(t, db, patient) },
		Breakable: func(t *testing.T, cut func(done bool) bool) sessions.Backend {
			write := sql.OpenDB(&breakingConnector{db.Write.Driver(), "file:" + path + "?_pragma=busy_timeout(5000)&_txlock=immediate", cut})
			write.SetMaxOpenConns(1)
			t.Cleanup(func() { write.Close() })
			return newBackend(t, &sqldb.DB{Dialect: sqldb.SQLite, Write: write, Read: db.Read}, patient)
		},
		Small: func(t *testing.T) (sessions.Backend, func()) {
			b := newBackend(t, openSQLite(t, filepath.Join(t.TempDir(), "small.db"), sqlite.Config{MaxBytes: 1 << 20}), patient)
			return b, func() { fill(t, b) }
		},
		Empty: func(t *testing.T) func() (sessions.Backend, error) {
			path := filepath.Join(t.TempDir(), "test.db")
			return func() (sessions.Backend, error) {
				db, err := sqlite.Open(path, sqlite.Config{})
				if err != nil {
					return nil, err
				}
				t.Cleanup(func() { db.Close() })
				return sqlstore.New(t.Context(), db, patient)
			}
		},
	})
}

// fill makes records until there is no room for one more, large or small.
func fill(t *testing.T, b sessions.Backend) {
	for _, size := range []int{10_000, 100} {
		var err error
		for i := 0; err == nil; i++ {
			if i == 10_000 {
				t.Fatal("it is never full")
			}
			err = b.Create(t.Context(), newID(), record(string(bytes.Repeat([]byte("x"), size))))
		}
		t.Logf("full: %v", err)
	}
}

func TestPlacePostgreSQL(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	db := openPostgreSQL(t, server.URL())
	schemas := 0
	sessionstest.RunPlace(t, sessionstest.Place{
		Open: func(t *testing.T) sessions.Backend { return newBackend(t, db, patient) },
		Breakable: func(t *testing.T, cut func(done bool) bool) sessions.Backend {
			return newBackend(t, openPostgreSQL(t, server.URLAt(sessionstest.Proxy(t, "unix", server.Socket, cut))), patient)
		},
		Empty: func(t *testing.T) func() (sessions.Backend, error) {
			schemas++
			schema := fmt.Sprint("s", schemas)
			if _, err := db.Write.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
				t.Fatal(err)
			}
			return func() (sessions.Backend, error) {
				db, err := postgres.Open(server.URL()+" search_path="+schema, postgres.Config{MaxConns: 2})
				if err != nil {
					return nil, err
				}
				t.Cleanup(func() { db.Close() })
				return sqlstore.New(t.Context(), db, patient)
			}
		},
	})
}

// A breakingConnector makes connections that break if cut returns true.
type breakingConnector struct {
	driver driver.Driver
	dsn    string
	cut    func(done bool) bool
}

func (c *breakingConnector) Driver() driver.Driver { return c.driver }

func (c *breakingConnector) Connect(context.Context) (driver.Conn, error) {
	inner, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &breakingConn{conn: inner.(conn), cut: c.cut}, nil
}

type conn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
}

type breakingConn struct {
	conn
	cut    func(done bool) bool
	broken atomic.Bool
}

var errBroken = errors.New("the connection broke")

// exec runs a statement, unless the connection breaks before.
func (c *breakingConn) exec(args []driver.NamedValue, run func() (driver.Result, error)) (driver.Result, error) {
	marked := false
	for _, arg := range args {
		data, ok := arg.Value.([]byte)
		marked = marked || ok && sessionstest.Marked(data)
	}
	if marked && c.cut(false) {
		c.broken.Store(true)
		return nil, errBroken
	}
	result, err := run()
	if marked && c.cut(true) {
		c.broken.Store(true)
		return nil, errBroken
	}
	return result, err
}

func (c *breakingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return c.exec(args, func() (driver.Result, error) { return c.conn.ExecContext(ctx, text, args) })
}

func (c *breakingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &breakingStmt{s.(stmt), c}, nil
}

// IsValid implements [driver.Validator].
func (c *breakingConn) IsValid() bool { return !c.broken.Load() }

type stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type breakingStmt struct {
	stmt
	conn *breakingConn
}

func (s *breakingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.exec(args, func() (driver.Result, error) { return s.stmt.ExecContext(ctx, args) })
}
