package sqlstore_test

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/internal/proctest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// TestHungPostgreSQL checks that a call to a server that does not respond ends with its
// timeout, and that the server is used again when it responds.
func TestHungPostgreSQL(t *testing.T) {
	server := postgrestest.Start(t)
	db := openPostgreSQL(t, server.URL())
	b := newBackend(t, db, sqlstore.Config{Timeout: 300 * time.Millisecond})
	id := eventuallyCreate(t, b, record("data"))
	loaded := load(t, newBackend(t, db, patient), id)
	server.Pause()
	for method, call := range calls(t.Context(), b, id, loaded) {
		began := time.Now()
		if err := call(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, want the deadline", method, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %v", method, took)
		}
	}
	server.Resume()
	eventually(t, func() error {
		_, err := b.Load(t.Context(), id)
		return err
	})
}

// TestHungSQLite checks that if another process keeps the file locked, writers wait until their
// timeout and readers do not wait.
func TestHungSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	b := newBackend(t, openSQLite(t, path, sqlite.Config{}), sqlstore.Config{Timeout: 300 * time.Millisecond})
	id := eventuallyCreate(t, b, record("data"))
	other := openSQLite(t, path, sqlite.Config{})
	tx, err := other.Write.BeginTx(t.Context(), nil) // which locks
	if err != nil {
		t.Fatal(err)
	}
	loaded := load(t, b, id)
	for method, call := range calls(t.Context(), b, id, loaded) {
		err := call()
		if reads := method == "Load" || method == "Sessions"; reads != (err == nil) || !reads && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v", method, err)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		now, err := b.Load(t.Context(), id) // an Update that took too long may have been made
		if err == nil {
			_, err = b.Update(t.Context(), id, now)
		}
		return err
	})
}

func calls(ctx context.Context, b *sqlstore.Backend, id string, r sessions.Record) map[string]func() error {
	return map[string]func() error{
		"Load":          func() error { _, err := b.Load(ctx, id); return err },
		"Create":        func() error { return b.Create(ctx, newID(), record("other")) },
		"Update":        func() error { _, err := b.Update(ctx, id, r); return err },
		"Delete":        func() error { return b.Delete(ctx, newID()) },
		"Sessions":      func() error { _, err := b.Sessions(ctx, "ann"); return err },
		"EndUser":       func() error { return b.EndUser(ctx, "ann", id) },
		"DeleteExpired": func() error { _, err := b.DeleteExpired(ctx, 10); return err },
	}
}

func eventuallyCreate(t *testing.T, b sessions.Backend, r sessions.Record) (id string) {
	t.Helper()
	id = newID()
	eventually(t, func() error {
		err := b.Create(t.Context(), id, r)
		if errors.Is(err, sessions.ErrExists) { // an earlier one took too long
			return nil
		}
		return err
	})
	return id
}

// eventually waits until f succeeds.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still failing: %v", err)
		}
	}
}

// TestRestartUnderLoad kills PostgreSQL three times while eight writers are busy. No
// acknowledged write is lost.
func TestRestartUnderLoad(t *testing.T) {
	server := postgrestest.Start(t)
	b := newBackend(t, openPostgreSQL(t, server.URL()), sqlstore.Config{})
	var stop atomic.Bool
	var failed atomic.Int64
	var mu sync.Mutex
	var ids []string
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for !stop.Load() {
				id := newID()
				if err := b.Create(t.Context(), id, record(id)); err != nil {
					failed.Add(1)
					continue
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
			}
		})
	}
	for range 3 {
		time.Sleep(200 * time.Millisecond)
		server.Kill()
		server.Restart()
		eventually(t, func() error { return b.Delete(t.Context(), newID()) })
	}
	stop.Store(true)
	group.Wait()
	for _, id := range ids {
		if r := load(t, b, id); string(r.Data) != id {
			t.Fatalf("%s has the data %q", id, r.Data)
		}
	}
	t.Logf("%d creates were acknowledged, %d failed, none is lost", len(ids), failed.Load())
}

// TestFailover checks that if a server becomes read-only, as an old primary does, the client
// connects to the one that replaces it.
func TestFailover(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	db := openPostgreSQL(t, server.URL())
	b := newBackend(t, db, patient)
	id := create(t, b, record("data"))
	admin := openPostgreSQL(t, server.URL())
	for _, statement := range []string{
		"ALTER ROLE test SET default_transaction_read_only = off", // so that new connections lead to a server that can be written to
		"ALTER SYSTEM SET default_transaction_read_only = on",
		"SELECT pg_reload_conf()",
	} {
		if _, err := admin.Write.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() error {
		var setting string
		err := db.Write.QueryRow("SHOW default_transaction_read_only").Scan(&setting)
		if err == nil && setting != "on" {
			err = errors.New("the connection can still write")
		}
		return err
	})
	if _, err := b.Update(t.Context(), id, load(t, b, id)); err != nil {
		t.Error(err)
	}
}

// TestReadOnly checks that a replica is refused at startup, with an error that says how to fix
// it.
func TestReadOnly(t *testing.T) {
	url := postgrestest.Shared(t)
	newBackend(t, openPostgreSQL(t, url), patient)
	_, err := sqlstore.New(t.Context(), openPostgreSQL(t, url+" default_transaction_read_only=on"), sqlstore.Config{})
	if err == nil || !strings.Contains(err.Error(), "target_session_attrs=read-write") {
		t.Errorf("error %v, want one that says how to find the primary", err)
	}
}

// TestLocked checks that a change to a row that another transaction has locked ends with its
// timeout, however often the server reports a lock timeout.
func TestLocked(t *testing.T) {
	t.Parallel()
	url := postgrestest.Shared(t)
	b := newBackend(t, openPostgreSQL(t, url+" lock_timeout=50"), patient)
	strict := newBackend(t, openPostgreSQL(t, url+" statement_timeout=50"), patient)
	id := create(t, b, record("data"))
	r := load(t, b, id)
	tx, err := openPostgreSQL(t, url).Write.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("UPDATE webapp2go_sessions SET data = 'x' WHERE id = $1", id); err != nil {
		t.Fatal(err)
	}
	if _, err := strict.Update(t.Context(), id, r); err == nil || errors.Is(err, sessions.ErrConflict) || errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Update with a short statement_timeout: %v", err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := b.Update(t.Context(), id, r)
		result <- err
	}()
	select {
	case err := <-result:
		t.Errorf("Update before the lock is released: %v", err)
	case <-time.After(2 * time.Second): // longer than a server may be down
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil {
			t.Errorf("Update: %v", err)
		}
	}
}

// TestSerializable checks that with the strictest isolation, which an operator may set for the
// whole server, concurrent changes that fail in the database are repeated.
func TestSerializable(t *testing.T) {
	t.Parallel()
	db := openPostgreSQL(t, postgrestest.Shared(t)+" default_transaction_isolation=serializable")
	b := newBackend(t, db, patient)
	id := create(t, b, record(""))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for n := 0; n < 10; {
				r := load(t, b, id)
				r.Data = append(r.Data, 'x')
				if _, err := b.Update(t.Context(), id, r); err == nil {
					n++
				} else if !errors.Is(err, sessions.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if n := len(load(t, b, id).Data); n != 80 {
		t.Errorf("%d of 80 changes are there", n)
	}
}

// TestDownPostgreSQL checks that the first calls wait for the server to come back, and that the
// others fail at once.
func TestDownPostgreSQL(t *testing.T) {
	server := postgrestest.Start(t)
	b := newBackend(t, openPostgreSQL(t, server.URL()), patient)
	id := create(t, b, record("data"))
	server.Stop()
	failed := 0
	for began := time.Now(); time.Since(began) < 3*time.Second; failed++ {
		if _, err := b.Load(t.Context(), id); err == nil || errors.Is(err, sessions.ErrNotFound) {
			t.Fatalf("Load from a server that is down: %v", err)
		}
	}
	if failed < 50 {
		t.Errorf("%d calls failed in 3 seconds: each has waited", failed)
	}
	server.Restart()
	eventually(t, func() error { _, err := b.Load(t.Context(), id); return err })
}

// TestNoServerBehind has an address that accepts connections and closes them, as a pooler does
// if its server is down. The first call retries for a while, and each other call tries once.
func TestNoServerBehind(t *testing.T) {
	server := postgrestest.Start(t)
	var down atomic.Bool
	var dials atomic.Int64
	b := newBackend(t, openPostgreSQL(t, server.URLAt(through(t, server.Socket, &down, &dials))), patient)
	id := create(t, b, record("data"))
	down.Store(true)
	for call := range 3 {
		dials.Store(0)
		if _, err := b.Load(t.Context(), id); err == nil || errors.Is(err, sessions.ErrNotFound) {
			t.Fatalf("Load without a server: %v", err)
		}
		if n := dials.Load(); call > 0 && n > 2 {
			t.Errorf("call %d has connected %d times", call, n)
		}
	}
	down.Store(false)
	load(t, b, id)
}

// through returns the address of a listener that passes on to a unix socket, or closes each
// connection while down is true.
func through(t *testing.T, socket string, down *atomic.Bool, dials *atomic.Int64) string {
	return proctest.Listen(t, func(client net.Conn) {
		dials.Add(1)
		server, err := net.Dial("unix", socket)
		if err != nil || down.Load() {
			return
		}
		defer server.Close()
		go io.Copy(client, server)
		buffer := make([]byte, 64<<10)
		for {
			n, err := client.Read(buffer)
			if err != nil || down.Load() {
				return
			}
			server.Write(buffer[:n])
		}
	})
}

// TestConflictIsReported checks that an update that has changed nothing returns a conflict, even if
// the connection breaks at the query for the reason.
func TestConflictIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := openSQLite(t, path, sqlite.Config{Relaxed: true})
	var broken atomic.Bool
	read := sql.OpenDB(&onceConnector{db.Write.Driver(), "file:" + path, &broken})
	t.Cleanup(func() { read.Close() })
	b := newBackend(t, &sqldb.DB{Dialect: sqldb.SQLite, Write: db.Write, Read: read}, patient)
	id := create(t, b, record("data"))
	r := load(t, b, id)
	r.Version++
	broken.Store(true)
	if _, err := b.Update(t.Context(), id, r); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("error %v, want a conflict", err)
	}
	if broken.Load() {
		t.Error("the connection did not break: this test shows nothing")
	}
}

// A onceConnector makes connections that break at a query if broken is true, once.
type onceConnector struct {
	driver driver.Driver
	dsn    string
	broken *atomic.Bool
}

func (c *onceConnector) Driver() driver.Driver { return c.driver }

func (c *onceConnector) Connect(context.Context) (driver.Conn, error) {
	inner, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &onceConn{inner.(conn), c.broken}, nil
}

type onceConn struct {
	conn
	broken *atomic.Bool
}

func (c *onceConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if c.broken.Swap(false) {
		return nil, errBroken
	}
	return c.conn.QueryContext(ctx, text, args)
}

// A worker is another process, which runs TestWorker below.
type worker struct {
	process *exec.Cmd
	lines   *bufio.Scanner
}

// startWorker starts one that does a task in a database: the path of a SQLite file, or
// the URL of PostgreSQL.
func startWorker(t *testing.T, task, database string) *worker {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestWorker$", "-test.timeout=5m")
	c.Env = append(os.Environ(), "SQLSTORE_TASK="+task, "SQLSTORE_DATABASE="+database)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w := &worker{c, bufio.NewScanner(out)}
	t.Cleanup(w.kill)
	return w
}

func (w *worker) kill() {
	w.process.Process.Kill()
	w.process.Wait()
}

func TestWorker(t *testing.T) {
	task, database := os.Getenv("SQLSTORE_TASK"), os.Getenv("SQLSTORE_DATABASE")
	var db *sqldb.DB
	switch {
	case task == "":
		t.Skip("run by other tests")
	case strings.HasPrefix(database, "/"):
		db = openSQLite(t, database, sqlite.Config{Relaxed: true})
	default:
		db = openPostgreSQL(t, database)
	}
	b := newBackend(t, db, patient)
	switch name, id, _ := strings.Cut(task, " "); name {
	case "create": // until it is killed, and prints the acknowledged writes
		for {
			id := newID()
			if err := b.Create(t.Context(), id, record(id)); err != nil {
				t.Fatal(err)
			}
			fmt.Println("created", id)
		}
	case "append": // one byte 500 times to the record of id
		for range 500 {
			for {
				r := load(t, b, id)
				r.Data = append(r.Data, 'x')
				_, err := b.Update(t.Context(), id, r)
				if err == nil {
					break
				}
				if !errors.Is(err, sessions.ErrConflict) {
					t.Fatal(err)
				}
			}
		}
		fmt.Println("appended")
	}
}

// TestKilledProcess kills a process that writes, again and again. No write that it reported is
// lost.
func TestKilledProcess(t *testing.T) {
	for name, database := range databaseNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, database := database(t)
			kills, acknowledged := 50, 0
			if testing.Short() {
				kills = 5
			}
			for range kills {
				w := startWorker(t, "create", database)
				var ids []string
				for len(ids) < 20 && w.lines.Scan() {
					if id, ok := strings.CutPrefix(w.lines.Text(), "created "); ok {
						ids = append(ids, id)
					}
				}
				w.kill()
				for w.lines.Scan() { // the writes that it has reported since
					if id, ok := strings.CutPrefix(w.lines.Text(), "created "); ok && len(id) == 43 {
						ids = append(ids, id)
					}
				}
				if len(ids) < 20 {
					t.Fatal("the process ended by itself")
				}
				for _, id := range ids {
					if r := load(t, b, id); string(r.Data) != id {
						t.Fatalf("%s has the data %q", id, r.Data)
					}
				}
				acknowledged += len(ids)
			}
			t.Logf("%d kills, %d acknowledged, none lost", kills, acknowledged)
		})
	}
}

// databaseNames make an empty database of each kind, which other processes find by its name.
var databaseNames = map[string]func(t *testing.T) (*sqlstore.Backend, string){
	"SQLite": func(t *testing.T) (*sqlstore.Backend, string) {
		path := filepath.Join(t.TempDir(), "test.db")
		return newBackend(t, openSQLite(t, path, sqlite.Config{Relaxed: true}), patient), path
	},
	"PostgreSQL": func(t *testing.T) (*sqlstore.Backend, string) {
		url := postgrestest.Shared(t)
		return newBackend(t, openPostgreSQL(t, url), patient), url
	},
}

// TestTwoProcesses has two processes change one record.
func TestTwoProcesses(t *testing.T) {
	for name, database := range databaseNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, database := database(t)
			id := create(t, b, record(""))
			began := time.Now()
			workers := []*worker{startWorker(t, "append "+id, database), startWorker(t, "append "+id, database)}
			for _, w := range workers {
				for w.lines.Scan() {
				}
				if err := w.process.Wait(); err != nil {
					t.Errorf("a process: %v", err)
				}
			}
			if n := len(load(t, b, id).Data); n != 1000 {
				t.Errorf("%d of 1000 changes are there", n)
			}
			t.Logf("1000 changes of one record by two processes took %v, their starts included", time.Since(began))
		})
	}
}
