package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/bradfitz/gomemcache/memcache"
	"github.com/jackc/pgx/v5/pgxpool"
	goredis "github.com/redis/go-redis/v9"

	"github.com/webapp2go/webapp2go/sessions"
	wmemcache "github.com/webapp2go/webapp2go/sessions/memcache"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sessions/valkey"
	"github.com/webapp2go/webapp2go/sqldb"
	wpostgres "github.com/webapp2go/webapp2go/sqldb/postgres"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// A store is a place outside of the process that keeps the sessions of two sites: one of
// webapp2go, and one that it is compared with.
type store struct {
	name   string // begins the names of its rows
	below  string // what webapp2go is compared with
	server string // the server that it runs; empty if it has none
	// open makes both sites. If counting is true, they may be slow.
	open        func(counting bool) (*storeSites, error)
	read, write most // the limits of its two rows
}

// storeSites are two sites whose sessions are in one store.
type storeSites struct {
	below, above http.Handler
	// count returns the commands or statements that do sends, by name.
	count func(do func()) (counts, error)
	close func()
}

var stores = []store{
	{name: "memcached", below: floor.name, server: "memcached", open: inMemcached, read: most{text: 1.0}, write: most{text: 1.05}},
	{name: "sqlite", below: "scs sqlite3store", open: inSQLite},
	{name: "postgresql", below: "scs pgxstore", server: "/usr/lib/postgresql/*/bin/postgres", open: inPostgres},
	{name: "valkey", below: "scs goredisstore", server: "redis-server", open: inValkey},
}

// rows are session reads and writes in the store.
func (s store) rows(run time.Duration) []row {
	return []row{s.row(sessionRead, run, s.read), s.row(sessionWrite, run, s.write)}
}

func (s store) row(visit scenario, run time.Duration, most most) row {
	return row{s.name + ", " + visit.name, network, run, most, []contender{webapp2go}, func(contender) (pair, error) {
		sites, below, above, err := s.clients(visit, false)
		if err != nil {
			return pair{}, err
		}
		p := servedPair(below, above, run, passedTime)
		p.close = sites.close
		p.finish = func(r *result) error {
			r.Below = s.below
			r.Commands, err = s.commands(visit, 1000)
			return err
		}
		return p, nil
	}}
}

// clients opens the store, and returns a client for each of its sites.
func (s store) clients(visit scenario, counting bool) (sites *storeSites, below, above *client, err error) {
	if sites, err = s.open(counting); err != nil {
		return nil, nil, nil, err
	}
	if below, err = visit.newClient(sites.below); err != nil {
		err = fmt.Errorf("%s: %w", s.below, err)
	} else {
		above, err = visit.newClient(sites.above)
	}
	if err != nil {
		sites.close()
		return nil, nil, nil, err
	}
	return sites, below, above, nil
}

// commands returns the commands of a request on each site, averaged over n requests. It
// opens the store for this alone, because counting may be slow.
func (s store) commands(visit scenario, n int) (texts []string, err error) {
	sites, below, above, err := s.clients(visit, true)
	if err != nil {
		return nil, err
	}
	defer sites.close()
	for _, c := range []*client{below, above} {
		found, err := sites.count(func() { c.run(n) })
		if err != nil {
			return nil, err
		}
		texts = append(texts, found.text(n))
	}
	return texts, nil
}

// counts are commands of a store by name.
type counts map[string]int

// text formats the commands of one of n requests: "1 get + 1 cas". A command that only
// some of the requests send is a fraction.
func (c counts) text(n int) string {
	order := func(name string) int {
		if i := slices.Index([]string{"get", "GET", "SELECT"}, name); i >= 0 {
			return i // commands that read come first
		}
		return 3
	}
	var names []string
	for name, count := range c {
		if count != 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := order(a) - order(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = strconv.FormatFloat(float64(c[name])/float64(n), 'g', 3, 64) + " " + name
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, " + ")
}

func inMemcached(bool) (*storeSites, error) {
	server, err := startMemcached()
	if err != nil {
		return nil, err
	}
	backend, err := wmemcache.New(wmemcache.Config{Servers: []string{server.addr}})
	if err != nil {
		server.stop()
		return nil, err
	}
	return &storeSites{
		floorSite(floorMemcached{memcache.New(server.addr)}), webapp2goSite(backend), server.count,
		func() { backend.Close(); server.stop() },
	}, nil
}

func inValkey(bool) (*storeSites, error) {
	server, err := startRedis()
	if err != nil {
		return nil, err
	}
	backend, err := valkey.New(context.Background(), valkey.Config{Addrs: []string{server.addr}})
	if err != nil {
		server.stop()
		return nil, err
	}
	client := goredis.NewClient(&goredis.Options{Addr: server.addr})
	return &storeSites{
		scsSite(goredisstore.New(client)), webapp2goSite(backend), server.count,
		func() { client.Close(); backend.Close(); server.stop() },
	}, nil
}

func inPostgres(counting bool) (*storeSites, error) {
	server, err := startPostgres(counting)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, server.url)
	if err != nil {
		server.stop()
		return nil, err
	}
	_, err = pool.Exec(ctx, "CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL); CREATE INDEX sessions_expiry_idx ON sessions (expiry)")
	var db *sqldb.DB
	var backend sessions.Backend
	if err == nil {
		db, err = wpostgres.Open(server.url, wpostgres.Config{})
	}
	if err == nil {
		backend, err = sqlstore.New(ctx, db, sqlstore.Config{})
	}
	closeAll := func() {
		pool.Close()
		if db != nil {
			db.Close()
		}
		server.stop()
	}
	if err != nil {
		closeAll()
		return nil, err
	}
	return &storeSites{scsSite(pgxstore.NewWithCleanupInterval(pool, 0)), webapp2goSite(backend), server.count, closeAll}, nil
}

// inSQLite opens a file for each site, with the same driver and the same settings: a
// write is on the disk when it is acknowledged.
func inSQLite(counting bool) (*storeSites, error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	var counter statements
	closers := []func(){func() { os.RemoveAll(folder) }}
	closeAll := func() {
		for _, c := range slices.Backward(closers) {
			c()
		}
	}
	open := func(name string) (*sqldb.DB, error) {
		path := filepath.Join(folder, name)
		db, err := sqlite.Open(path, sqlite.Config{})
		if err != nil {
			return nil, err
		}
		closers = append(closers, func() { db.Close() })
		if counting {
			counted := sql.OpenDB(&countingConnector{db.Write.Driver(), "file:" + path + "?_pragma=busy_timeout(5000)", &counter})
			counted.SetMaxOpenConns(1)
			closers = append(closers, func() { counted.Close() })
			db = &sqldb.DB{Dialect: sqldb.SQLite, Write: counted}
		}
		return db, nil
	}
	theirs, err := open("scs.db")
	if err == nil {
		_, err = theirs.Write.Exec("CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL); CREATE INDEX sessions_expiry_idx ON sessions(expiry)")
	}
	var ours *sqldb.DB
	var backend sessions.Backend
	if err == nil {
		ours, err = open("webapp2go.db")
	}
	if err == nil {
		backend, err = sqlstore.New(context.Background(), ours, sqlstore.Config{})
	}
	if err != nil {
		closeAll()
		return nil, err
	}
	return &storeSites{scsSite(sqlite3store.NewWithCleanupInterval(theirs.Write, 0)), webapp2goSite(backend), counter.count, closeAll}, nil
}

// statements counts the statements that its connections run, by their first word.
type statements struct {
	mu sync.Mutex
	n  counts
}

func (s *statements) add(text string) {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n != nil {
		s.n[strings.ToUpper(word)]++
	}
}

func (s *statements) count(do func()) (counts, error) {
	s.mu.Lock()
	s.n = counts{}
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n, nil
}

// A countingConnector makes connections whose statements are counted.
type countingConnector struct {
	driver  driver.Driver
	dsn     string
	counter *statements
}

func (c *countingConnector) Driver() driver.Driver { return c.driver }

func (c *countingConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &countingConn{conn.(sqlConn), c.counter}, nil
}

type sqlConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
}

type countingConn struct {
	sqlConn
	counter *statements
}

func (c *countingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.counter.add(text)
	return c.sqlConn.ExecContext(ctx, text, args)
}

func (c *countingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.counter.add(text)
	return c.sqlConn.QueryContext(ctx, text, args)
}

func (c *countingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.sqlConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &countingStmt{s.(sqlStmt), text, c.counter}, nil
}

type sqlStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type countingStmt struct {
	sqlStmt
	text    string
	counter *statements
}

func (s *countingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.counter.add(s.text)
	return s.sqlStmt.ExecContext(ctx, args)
}

func (s *countingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.counter.add(s.text)
	return s.sqlStmt.QueryContext(ctx, args)
}
