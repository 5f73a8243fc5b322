package stores

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/internal/redistest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/memcache"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sessions/valkey"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// A store makes a backend. It connects to its servers through addresses that through
// returns; a test passes one that counts.
type store struct {
	name string
	open func(b testing.TB, through func(network, addr string) string) sessions.Backend
}

var stores = []store{
	{"Memory", func(testing.TB, func(string, string) string) sessions.Backend { return sessions.NewMemory() }},
	{"SQLite, relaxed", func(b testing.TB, _ func(string, string) string) sessions.Backend {
		return inSQLite(b, sqlite.Config{Relaxed: true})
	}},
	{"SQLite", func(b testing.TB, _ func(string, string) string) sessions.Backend {
		return inSQLite(b, sqlite.Config{})
	}},
	{"PostgreSQL", inPostgreSQL},
	{"Valkey", inValkey},
	{"memcached", inMemcached},
	{"Valkey before PostgreSQL", func(b testing.TB, through func(string, string) string) sessions.Backend {
		return cached.New(inValkey(b, through), inPostgreSQL(b, through))
	}},
	{"memcached before SQLite", func(b testing.TB, through func(string, string) string) sessions.Backend {
		return cached.New(inMemcached(b, through), inSQLite(b, sqlite.Config{}))
	}},
}

func inSQLite(b testing.TB, c sqlite.Config) sessions.Backend {
	db, err := sqlite.Open(filepath.Join(b.TempDir(), "test.db"), c)
	if err != nil {
		b.Fatal(err)
	}
	return inSQL(b, db)
}

// PostgreSQL has fsync on here, as outside of tests.
func inPostgreSQL(b testing.TB, through func(network, addr string) string) sessions.Backend {
	server := postgrestest.Start(b, "fsync=on")
	db, err := postgres.Open(server.URLAt(through("unix", server.Socket)), postgres.Config{})
	if err != nil {
		b.Fatal(err)
	}
	return inSQL(b, db)
}

func inSQL(b testing.TB, db *sqldb.DB) sessions.Backend {
	b.Cleanup(func() { db.Close() })
	backend, err := sqlstore.New(b.Context(), db, sqlstore.Config{Timeout: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	return backend
}

func inValkey(b testing.TB, through func(network, addr string) string) sessions.Backend {
	backend, err := valkey.New(b.Context(), valkey.Config{Addrs: []string{through("tcp", redistest.Start(b).Addr)}, Timeout: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { backend.Close() })
	return backend
}

func inMemcached(b testing.TB, through func(network, addr string) string) sessions.Backend {
	backend, err := memcache.New(memcache.Config{Servers: []string{through("unix", memcachetest.Start(b).Addr)}, Timeout: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { backend.Close() })
	return backend
}

// proxy returns the address of a listener that passes on to a server and back, and adds
// each request to trips.
func proxy(b testing.TB, network, addr string, trips *atomic.Int64) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	pass := func(from, to net.Conn, count *atomic.Int64) {
		defer from.Close()
		defer to.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			if count != nil {
				count.Add(1)
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, addr)
			if err != nil {
				client.Close()
				continue
			}
			go pass(client, server, trips)
			go pass(server, client, nil)
		}
	}()
	return listener.Addr().String()
}

// A visitor sends requests to a Manager, which do not travel.
type visitor struct {
	b       testing.TB
	manager *sessions.Manager
	cookie  string
}

func (v *visitor) request(handle func(s *sessions.Session)) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", v.cookie)
	w := httptest.NewRecorder()
	s := v.manager.Store(r)
	handle(s.Session())
	if err := s.Save(w); err != nil {
		v.b.Error(err)
	}
	for _, c := range w.Result().Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
}

var works = []struct {
	name   string
	before func(v *visitor) // is not measured
	do     func(v *visitor)
}{
	{"read", nil, func(v *visitor) { v.request(func(s *sessions.Session) { s.Get("n") }) }},
	{"change", nil, func(v *visitor) { v.request(func(s *sessions.Session) { s.Incr("n", 1) }) }},
	{"new", func(v *visitor) { v.cookie = "" }, fill},
	{"login", func(v *visitor) { v.cookie = ""; fill(v) }, func(v *visitor) {
		v.request(func(s *sessions.Session) { s.LogIn("ann", sessions.Login{}) })
	}},
	{"logout", func(v *visitor) {
		v.cookie = ""
		v.request(func(s *sessions.Session) { s.LogIn("bob", sessions.Login{}) })
	}, func(v *visitor) { v.request((*sessions.Session).Destroy) }},
}

// fill begins a session of some 230 bytes.
func fill(v *visitor) {
	v.request(func(s *sessions.Session) { s.Set("n", 0); s.Set("text", strings.Repeat("x", 200)) })
}

func newVisitor(b testing.TB, backend sessions.Backend) *visitor {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: backend, MaxPerUser: -1}},
	})
	if err != nil {
		b.Fatal(err)
	}
	v := &visitor{b: b, manager: manager}
	fill(v)
	return v
}

// BenchmarkStores reports the median of one request's time, how many requests to servers it
// makes, and how many changes of eight visitors there are in a second. PostgreSQL and
// memcached, which listen on a unix socket here, are reached through a proxy.
func BenchmarkStores(b *testing.B) {
	for _, store := range stores {
		b.Run(store.name, func(b *testing.B) {
			var trips atomic.Int64
			counted := newVisitor(b, store.open(b, func(network, addr string) string { return proxy(b, network, addr, &trips) }))
			// A client that speaks to a unix socket has no port to give: through a proxy then.
			var ignored atomic.Int64
			measured := newVisitor(b, store.open(b, func(network, addr string) string {
				if network == "unix" {
					return proxy(b, network, addr, &ignored)
				}
				return addr
			}))
			for _, work := range works {
				b.Run(work.name, func(b *testing.B) {
					before := func(v *visitor) {
						if work.before != nil {
							work.before(v)
						}
					}
					counted.b, measured.b = b, b
					const repeats = 20
					sum := int64(0)
					for i := range repeats + 3 { // the first ones connect and prepare
						before(counted)
						began := trips.Load()
						work.do(counted)
						if i >= 3 {
							sum += trips.Load() - began
						}
					}
					var took []time.Duration
					for range b.N {
						before(measured)
						began := time.Now()
						work.do(measured)
						took = append(took, time.Since(began))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "µs-median")
					b.ReportMetric(float64(sum)/repeats, "trips/op")
					b.ReportMetric(0, "ns/op")
				})
			}
			b.Run("8 changes at once", func(b *testing.B) {
				visitors := make([]*visitor, 8)
				for i := range visitors {
					visitors[i] = &visitor{b: b, manager: measured.manager}
					fill(visitors[i])
				}
				began := time.Now()
				var group sync.WaitGroup
				for _, v := range visitors {
					group.Go(func() {
						for range b.N {
							v.request(func(s *sessions.Session) { s.Incr("n", 1) })
						}
					})
				}
				group.Wait()
				b.ReportMetric(float64(len(visitors)*b.N)/time.Since(began).Seconds(), "changes/s")
				b.ReportMetric(0, "ns/op")
			})
		})
	}
}

func TestStores(t *testing.T) {
	for _, store := range stores {
		t.Run(store.name, func(t *testing.T) {
			var trips atomic.Int64
			v := newVisitor(t, store.open(t, func(network, addr string) string { return proxy(t, network, addr, &trips) }))
			for _, work := range works {
				if work.before != nil {
					work.before(v)
				}
				work.do(v)
			}
		})
	}
}
