package cached_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/internal/redistest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/memcache"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sessions/valkey"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// memcachedBeforeDatastore starts both and returns a function that makes processes with them.
func memcachedBeforeDatastore(t *testing.T) func() *cached.Backend {
	t.Helper()
	server := memcachetest.Start(t)
	store := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{Timeout: time.Minute})
	return func() *cached.Backend { return cached.New(newMemcache(t, server.Addr, time.Minute), store) }
}

// valkeyBeforePostgreSQL has a server that may evict any entry, as Memorystore's may.
func valkeyBeforePostgreSQL(t *testing.T) func() *cached.Backend {
	t.Helper()
	server := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	db, err := postgres.Open(postgrestest.Shared(t), postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	store := newSQLStore(t, db)
	return func() *cached.Backend {
		cache, err := valkey.New(t.Context(), valkey.Config{Addrs: []string{server.Addr}, Timeout: time.Minute, AnyPolicy: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cache.Close() })
		return cached.New(cache, store)
	}
}

func memcachedBeforeSQLite(t *testing.T) func() *cached.Backend {
	t.Helper()
	server := memcachetest.Start(t)
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "test.db"), sqlite.Config{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	store := newSQLStore(t, db)
	return func() *cached.Backend { return cached.New(newMemcache(t, server.Addr, time.Minute), store) }
}

func newSQLStore(t *testing.T, db *sqldb.DB) sessions.Backend {
	t.Helper()
	store, err := sqlstore.New(t.Context(), db, sqlstore.Config{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newMemcache(t *testing.T, addr string, timeout time.Duration) sessions.Backend {
	t.Helper()
	b, err := memcache.New(memcache.Config{Servers: []string{addr}, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// A site responds to requests with the state of a session.
type site struct {
	*httptest.Server
	t       *testing.T
	manager *sessions.Manager
}

// An answer is the response to a request, written after its session was saved.
type answer struct {
	Code   int    `json:"-"`
	Cookie string `json:"-"` // that the response sets; "-": it deletes it
	Err    string `json:"-"` // of a 503
	Status string
	User   string
	N      int64
	Values map[string]any
}

func newSite(t *testing.T, b sessions.Backend) *site {
	t.Helper()
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: b, Insecure: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, manager: manager}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	store := s.manager.Store(r)
	if r.URL.Path != "/untouched" {
		session := store.Session()
		session.Get("n")
		switch r.URL.Path {
		case "/login":
			session.Set("owner", r.FormValue("key"))
			session.SetUser("joe")
			session.Renew()
		case "/write":
			session.Incr("n", 1)
		case "/logout":
			session.Destroy()
		}
		a := answer{User: session.User(), Values: map[string]any{}}
		for key, value := range session.All() {
			a.Values[key] = value
		}
		a.N, _ = a.Values["n"].(int64)
		if err := store.Save(w); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		a.Status = session.Status().String() // as it is after the save
		json.NewEncoder(w).Encode(a)
	}
}

// do sends a request with a session's cookie. It may be called from any goroutine.
func (s *site) do(cookie, path string) answer {
	r, err := http.NewRequest("GET", s.URL+path, nil)
	if err != nil {
		s.t.Error(err)
		return answer{}
	}
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
	}
	response, err := s.Client().Do(r)
	if err != nil {
		s.t.Error(err)
		return answer{}
	}
	defer response.Body.Close()
	a := answer{Code: response.StatusCode}
	if a.Code != http.StatusOK {
		body, err := io.ReadAll(response.Body)
		if err != nil {
			s.t.Error(err)
		}
		a.Err = string(body)
	} else if path != "/untouched" {
		if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
			s.t.Errorf("%s: %v", path, err)
		}
	}
	for _, c := range response.Cookies() {
		a.Cookie = c.Value
		if c.MaxAge < 0 {
			a.Cookie = "-"
		}
	}
	return a
}

// slow reports whether a save exceeded its two seconds. On a busy machine that is not a fault
// of the backend, and the change may or may not have been made.
func (a answer) slow() bool {
	return a.Code == http.StatusServiceUnavailable && strings.Contains(a.Err, "deadline exceeded")
}

// login returns the cookie of a new session.
func (s *site) login(key string) string {
	s.t.Helper()
	a := s.do("", "/login?key="+key)
	for a.slow() {
		a = s.do("", "/login?key="+key)
	}
	if a.Code != http.StatusOK || a.Cookie == "" {
		s.t.Fatalf("login: %+v", a)
	}
	return a.Cookie
}

// TestUnlisted: EndUser ends sessions that the store cannot list, since it has lost its index.
func TestUnlisted(t *testing.T) {
	server := redistest.Start(t)
	store, err := valkey.New(t.Context(), valkey.Config{Addrs: []string{server.Addr}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := cached.New(sessions.NewMemory(), store)
	id := newID()
	if err := b.Create(t.Context(), id, sessions.Record{Data: []byte("data"), User: "joe", Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	server.Command("DEL", server.Command("KEYS", "session:user:*"))
	if err := b.EndUser(t.Context(), "joe"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("a session is alive after EndUser: %v", err)
	}
}
