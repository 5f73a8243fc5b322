package memcache_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// newBackend returns a backend for servers. Unless the timeout is set it is long, so that a
// busy machine does not cause a failure.
func newBackend(t testing.TB, c memcache.Config, servers ...*memcachetest.Server) *memcache.Backend {
	t.Helper()
	for _, s := range servers {
		c.Servers = append(c.Servers, s.Addr)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	b, err := memcache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func newID() string {
	var id [32]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func record(data string) sessions.Record {
	return sessions.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)}
}

// A site is a real server with sessions in a backend.
type site struct{ *httptest.Server }

// newSite has paths that count (/count), read (/read) and do not touch (/plain) their
// session, or remember whose it is (/who?name).
func newSite(t testing.TB, b sessions.Backend) *site {
	t.Helper()
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: b, Insecure: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	handle := func(path string, do func(s *sessions.Session, r *http.Request) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			store := manager.Store(r)
			body := do(store.Session(), r)
			if err := store.Save(w); err != nil {
				code := http.StatusInternalServerError
				var status interface{ HTTPStatus() int }
				if errors.As(err, &status) {
					code = status.HTTPStatus()
				}
				http.Error(w, err.Error(), code)
				return
			}
			fmt.Fprint(w, body)
		})
	}
	handle("/count", func(s *sessions.Session, _ *http.Request) any { return s.Incr("n", 1) })
	handle("/read", func(s *sessions.Session, _ *http.Request) any { return s.Get("n") })
	handle("/plain", func(*sessions.Session, *http.Request) any { return "plain" })
	handle("/who", func(s *sessions.Session, r *http.Request) any {
		// Responds with the user of the session, and sets the caller's name in an empty one.
		who, _ := sessions.Get[string](s, "who")
		if who == "" {
			s.Set("who", r.URL.RawQuery)
		}
		s.Incr("n", 1)
		return who
	})
	s := &site{httptest.NewServer(mux)}
	t.Cleanup(s.Close)
	return s
}

// A browser keeps cookies.
type browser struct {
	site   *site
	client http.Client
}

func (s *site) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{site: s, client: *s.Client()}
	b.client.Jar = jar
	return b
}

// get returns status and body. If there is no response, the status is 0.
func (b *browser) get(t testing.TB, path string) (status int, body string) {
	t.Helper()
	response, err := b.client.Get(b.site.URL + path)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(text)
}

// want gets path and checks the status.
func (b *browser) want(t testing.TB, path string, status int) (body string) {
	t.Helper()
	got, body := b.get(t, path)
	if got != status {
		t.Fatalf("%s: status %d, want %d: %s", path, got, status, body)
	}
	return body
}
