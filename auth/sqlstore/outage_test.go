package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/sqlstore"
	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/internal/proctest"
	"github.com/webapp2go/webapp2go/sqldb"
)

// A cutter reports whether the connection breaks at a commit: before it is carried out, or
// after it, so that the response is lost.
type cutter func(done bool) bool

// breakable opens an empty database of each kind whose connection breaks if cut returns true,
// and opens the same database without that.
var breakable = map[string]func(t *testing.T, cut cutter) (broken, direct *sqldb.DB){
	"SQLite": func(t *testing.T, cut cutter) (broken, direct *sqldb.DB) {
		path := filepath.Join(t.TempDir(), "test.db")
		direct = openSQLite(t, path)
		write := sql.OpenDB(&breakingConnector{direct.Write.Driver(), "file:" + path + "?_pragma=busy_timeout(5000)&_txlock=immediate", cut})
		write.SetMaxOpenConns(1)
		t.Cleanup(func() { write.Close() })
		return &sqldb.DB{Dialect: sqldb.SQLite, Write: write, Read: direct.Read}, direct
	},
	"PostgreSQL": func(t *testing.T, cut cutter) (broken, direct *sqldb.DB) {
		server := postgrestest.Start(t)
		return openPostgreSQL(t, server.URLAt(proxy(t, server.Socket, cut))), openPostgreSQL(t, server.URL())
	},
}

// TestLostCommit breaks the connection at the commit of each change, before or after it is
// carried out: the call tries again, and nothing is done twice.
func TestLostCommit(t *testing.T) {
	for name, open := range breakable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var armed atomic.Pointer[bool] // whether the next commit is carried out before the break
			broken, direct := open(t, func(done bool) bool {
				at := armed.Load()
				return at != nil && *at == done && armed.CompareAndSwap(at, nil)
			})
			b, other := newBackend(t, broken, patient), newBackend(t, direct, patient)
			for _, done := range []bool{false, true} {
				t.Run(fmt.Sprint("carried out ", done), func(t *testing.T) {
					name := fmt.Sprint("Ann ", done)
					arm := func() { armed.Store(&done) }
					wantBroken := func(what string) {
						t.Helper()
						if armed.Load() != nil {
							t.Fatalf("%s: the connection did not break", what)
						}
					}
					u := &auth.User{Name: name, AuthIDs: []string{"x:1"}}
					arm()
					if err := b.Create(t.Context(), u); err != nil {
						t.Fatal(err)
					}
					wantBroken("Create")
					u.Name, u.Links = name+" b", 5
					arm()
					if err := b.Update(t.Context(), u); err != nil {
						t.Fatal(err)
					}
					wantBroken("Update")
					got, err := other.ByKey(t.Context(), auth.NameKey(name+" b"))
					if err != nil || got.ID != u.ID || got.Version != u.Version || got.Links != 5 {
						t.Fatalf("%+v, %v, want %+v", got, err, u)
					}
					if _, err := other.ByKey(t.Context(), auth.NameKey(name)); !errors.Is(err, auth.ErrNotFound) {
						t.Errorf("the old name: %v", err)
					}
					arm()
					if err := b.Create(t.Context(), &auth.User{Name: "Kim", AuthIDs: []string{"x:1"}}); !errors.Is(err, auth.ErrExists) {
						t.Errorf("Create of a key that is taken: %v", err)
					}
					arm()
					if err := b.Delete(t.Context(), u); err != nil {
						t.Fatal(err)
					}
					wantBroken("Delete")
					if users, _, err := other.List(t.Context(), auth.NamePrefix(""), "", 10); len(users) != 0 || err != nil {
						t.Errorf("left: %v, %v", users, err)
					}
					if err := b.Create(t.Context(), &auth.User{ID: u.ID, Name: name}); err != nil {
						t.Errorf("the keys are not free: %v", err)
					}
					if err := b.Delete(t.Context(), must(b.ByID(t.Context(), u.ID))); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

func must(u *auth.User, err error) *auth.User {
	if err != nil {
		panic(err)
	}
	return u
}

// TestLostAnswers counts with eight writers while every seventh commit breaks. No increment is
// lost or made twice, and every user has all of its keys or none.
func TestLostAnswers(t *testing.T) {
	for name, open := range breakable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var commits atomic.Int64
			broken, direct := open(t, func(done bool) bool {
				if done {
					return commits.Load()%14 == 0
				}
				return commits.Add(1)%14 == 7
			})
			b, other := newBackend(t, broken, patient), newBackend(t, direct, patient)
			u := &auth.User{ID: "1", Name: "count"}
			if err := b.Create(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			var counted, unknown atomic.Int64
			var group sync.WaitGroup
			for writer := range 8 {
				group.Go(func() {
					for i := 0; i < 30; {
						u, err := other.ByID(t.Context(), "1")
						if err != nil {
							t.Error(err)
							return
						}
						u.Links++
						u.AuthIDs = []string{fmt.Sprint("x:", writer), fmt.Sprint("x:", u.Links%5)}
						switch err := b.Update(t.Context(), u); {
						case err == nil:
							counted.Add(1)
							i++
						case errors.Is(err, auth.ErrConflict):
						case strings.Contains(err.Error(), "may have been carried out"):
							unknown.Add(1)
							i++
						default:
							t.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			got := must(other.ByID(t.Context(), "1"))
			links := int64(got.Links)
			if links < counted.Load() || links > counted.Load()+unknown.Load() {
				t.Errorf("%d are counted, after %d acknowledged and %d unknown", links, counted.Load(), unknown.Load())
			}
			var keys int
			if err := direct.Write.QueryRowContext(t.Context(), "SELECT count(*) FROM webapp2go_users_keys").Scan(&keys); err != nil {
				t.Fatal(err)
			}
			if want, _ := got.Keys(); keys != len(want) {
				t.Errorf("%d keys are kept, want %d", keys, len(want))
			}
			t.Logf("%d commits, %d acknowledged, %d unknown, %d counted", commits.Load(), counted.Load(), unknown.Load(), links)
		})
	}
}

// TestHung checks that a call to a server that does not respond ends with its timeout.
func TestHung(t *testing.T) {
	server := postgrestest.Start(t)
	db := openPostgreSQL(t, server.URL())
	u := &auth.User{ID: "1", Name: "Ann"}
	if err := newBackend(t, db, patient).Create(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	b := newBackend(t, db, sqlstore.Config{Timeout: 300 * time.Millisecond})
	server.Pause()
	for method, call := range map[string]func() error{
		"ByID":    func() error { return second(b.ByID(t.Context(), "1")) },
		"ByLogin": func() error { return second(b.ByLogin(t.Context(), "ann")) },
		"Create":  func() error { return b.Create(t.Context(), &auth.User{Name: "Bob"}) },
		"Update":  func() error { return b.Update(t.Context(), u.Clone()) },
		"Delete":  func() error { return b.Delete(t.Context(), u) },
		"List":    func() error { _, _, err := b.List(t.Context(), "", "", 10); return err },
	} {
		began := time.Now()
		if err := call(); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
			t.Errorf("%s: error %v after %v", method, err, time.Since(began))
		}
	}
	server.Resume()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := b.ByID(t.Context(), "1"); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("still failing: %v", err)
		}
	}
}

// TestKilledInCommit kills PostgreSQL while it commits a change. When it is back the change
// has been made once, with all keys of the user.
func TestKilledInCommit(t *testing.T) {
	for name, front := range map[string]func(s *postgrestest.Server) (socket, mode string){
		"direct": func(s *postgrestest.Server) (socket, mode string) { return s.Socket, "" },
		"behind a pooler": func(s *postgrestest.Server) (socket, mode string) {
			socket, _ = s.Pooler()
			return socket, "&default_query_exec_mode=exec"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := postgrestest.Start(t)
			socket, mode := front(server)
			var armed atomic.Bool
			commits := make(chan bool, 1)
			addr := proxy(t, socket, func(done bool) bool {
				if !done && armed.CompareAndSwap(true, false) {
					commits <- true
				}
				return false
			})
			b := newBackend(t, openPostgreSQL(t, server.URLAt(addr)+mode), patient)
			u := &auth.User{Name: "Ann", AuthIDs: []string{"x:1"}}
			for _, step := range []struct {
				change string
				do     func() error
			}{
				{"Create", func() error { return b.Create(t.Context(), u) }},
				{"Update", func() error {
					u.Name, u.AuthIDs, u.Links = "Bob", []string{"x:2", "x:3"}, 5
					return b.Update(t.Context(), u)
				}},
			} {
				armed.Store(true)
				result := make(chan error, 1)
				go func() { result <- step.do() }()
				select {
				case <-commits:
				case err := <-result:
					t.Fatalf("%s ended before its commit: %v", step.change, err)
				}
				server.Kill()
				server.Restart()
				if err := <-result; err != nil {
					t.Fatalf("%s: %v", step.change, err)
				}
				wantKept(t, b, u)
			}
			if err := b.Delete(t.Context(), u); err != nil {
				t.Error(err)
			}
		})
	}
}

// wantKept fails unless u is stored unchanged, with its keys and no others.
func wantKept(t *testing.T, b *sqlstore.Backend, u *auth.User) {
	t.Helper()
	keys, err := u.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if got, err := b.ByKey(t.Context(), key); err != nil || got.ID != u.ID || got.Version != u.Version || got.Links != u.Links {
			t.Errorf("under %s there is %+v, %v, want %+v", key, got, err, u)
		}
	}
	kept := 0
	for _, prefix := range []auth.Key{auth.NamePrefix(""), "id:"} {
		users, _, err := b.List(t.Context(), prefix, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		kept += len(users)
	}
	if kept != len(keys) {
		t.Errorf("%d keys are kept, want %d", kept, len(keys))
	}
}

// TestPooler has many clients change users over two connections of pgbouncer.
func TestPooler(t *testing.T) {
	t.Parallel()
	_, url := postgrestest.Start(t).Pooler()
	b := newBackend(t, openPostgreSQL(t, url+" default_query_exec_mode=exec"), patient)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 5 {
				u := &auth.User{Name: fmt.Sprintf("Zoë %d.%d", i, n), AuthIDs: []string{fmt.Sprintf("x:%d.%d", i, n)}, Roles: []string{`a "role"`}}
				if err := u.Set("bytes", []byte{0, 0xff, '\\'}); err != nil {
					t.Error(err)
				}
				if err := b.Create(t.Context(), u); err != nil {
					t.Error(err)
					return
				}
				if err := b.Create(t.Context(), &auth.User{Name: u.Name}); !errors.Is(err, auth.ErrExists) {
					t.Errorf("Create under a name that is taken: %v", err)
				}
				u.Name += " b"
				if err := b.Update(t.Context(), u); err != nil {
					t.Error(err)
					return
				}
				got, err := b.ByLogin(t.Context(), strings.ToUpper(u.Name))
				if err != nil {
					t.Error(err)
					return
				}
				if value, _ := auth.Get[[]byte](got, "bytes"); string(value) != "\x00\xff\\" || got.Roles[0] != u.Roles[0] || got.Version != u.Version {
					t.Errorf("ByLogin: %+v, want %+v", got, u)
				}
				if err := b.Delete(t.Context(), u); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if users, _, err := b.List(t.Context(), "", "", 10); len(users) != 0 || err != nil {
		t.Errorf("left: %v, %v", users, err)
	}
}

// databaseNames make an empty database of each kind, which other processes find by its name.
var databaseNames = map[string]func(t *testing.T) (*sqldb.DB, string){
	"SQLite": func(t *testing.T) (*sqldb.DB, string) {
		path := filepath.Join(t.TempDir(), "test.db")
		return openSQLite(t, path), path
	},
	"PostgreSQL": func(t *testing.T) (*sqldb.DB, string) {
		url := postgrestest.Shared(t)
		return openPostgreSQL(t, url), url
	},
}

// TestTwoProcesses has two processes change one user, and create users of the same names.
func TestTwoProcesses(t *testing.T) {
	const names = 20
	for name, database := range databaseNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, place := database(t)
			b := newBackend(t, db, patient)
			if err := b.Create(t.Context(), &auth.User{ID: "1", Name: "count"}); err != nil {
				t.Fatal(err)
			}
			var workers []*exec.Cmd
			for i := range 2 {
				w := exec.Command(os.Args[0], "-test.run=^TestWorker$", "-test.timeout=5m")
				w.Env = append(os.Environ(), "SQLSTORE_DATABASE="+place, fmt.Sprint("SQLSTORE_WORKER=", i))
				w.Stderr = os.Stderr
				if err := w.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { w.Process.Kill() })
				workers = append(workers, w)
			}
			for _, w := range workers {
				if err := w.Wait(); err != nil {
					t.Errorf("a process: %v", err)
				}
			}
			if u := must(b.ByID(t.Context(), "1")); u.Links != 200 {
				t.Errorf("%d of 200 changes are there", u.Links)
			}
			users, _, err := b.List(t.Context(), auth.NamePrefix("same"), "", 100)
			if len(users) != names || err != nil {
				t.Errorf("%d users of %d names, %v", len(users), names, err)
			}
			var keys, all int
			row := db.Write.QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM webapp2go_users_keys), (SELECT count(*) FROM webapp2go_users)")
			if err := row.Scan(&keys, &all); err != nil || keys != names+2 || all != names+1 {
				t.Errorf("%d keys of %d users are kept, %v", keys, all, err)
			}
		})
	}
}

// TestWorker is the code of the other processes.
func TestWorker(t *testing.T) {
	database, worker := os.Getenv("SQLSTORE_DATABASE"), os.Getenv("SQLSTORE_WORKER")
	var db *sqldb.DB
	switch {
	case worker == "":
		t.Skip("run by other tests")
	case strings.HasPrefix(database, "/"):
		db = openSQLite(t, database)
	default:
		db = openPostgreSQL(t, database)
	}
	b := newBackend(t, db, patient)
	for i := range 20 {
		if err := b.Create(t.Context(), &auth.User{Name: fmt.Sprint("same ", i)}); err != nil && !errors.Is(err, auth.ErrExists) {
			t.Fatal(err)
		}
	}
	for n := 0; n < 100; {
		u := must(b.ByID(t.Context(), "1"))
		u.Links++
		u.AuthIDs = []string{"x:" + worker}
		if err := b.Update(t.Context(), u); err == nil {
			n++
		} else if !errors.Is(err, auth.ErrConflict) {
			t.Fatal(err)
		}
	}
}

// proxy returns the address of a listener that forwards to PostgreSQL, and closes the
// connection at a commit if cut returns true.
func proxy(t *testing.T, socket string, cut cutter) (addr string) {
	return proctest.Listen(t, func(client net.Conn) {
		server, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		defer server.Close()
		pass(client, server, cut)
	})
}

// pass copies between a client that waits for each response and its server.
func pass(client, server net.Conn, cut cutter) {
	var committing atomic.Bool
	go func() {
		defer client.Close()
		defer server.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if n > 0 && committing.Swap(false) && cut(true) {
				return
			}
			if _, writeErr := client.Write(buffer[:n]); err != nil || writeErr != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if bytes.Contains(buffer[:n], []byte("commit\x00")) {
			if cut(false) {
				return
			}
			committing.Store(true)
		}
		if _, writeErr := server.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// A breakingConnector makes connections that break if cut returns true.
type breakingConnector struct {
	driver driver.Driver
	dsn    string
	cut    cutter
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
	cut    cutter
	broken atomic.Bool
}

// IsValid implements [driver.Validator].
func (c *breakingConn) IsValid() bool { return !c.broken.Load() }

func (c *breakingConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.conn.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	return &breakingTx{tx, c}, nil
}

type breakingTx struct {
	driver.Tx
	conn *breakingConn
}

var errBroken = errors.New("the connection broke")

func (tx *breakingTx) Commit() error {
	if tx.conn.cut(false) {
		tx.conn.broken.Store(true)
		tx.Tx.Rollback()
		return errBroken
	}
	err := tx.Tx.Commit()
	if tx.conn.cut(true) {
		tx.conn.broken.Store(true)
		return errBroken
	}
	return err
}
