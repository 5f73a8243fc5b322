package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// If a client disconnects, nothing is lost: neither the read nor the save is canceled.
func TestAClientThatHangsUp(t *testing.T) {
	p := newProbe()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: p}}}, map[string]action{"/": write, "/read": read})
	b := site.browser()
	b.get("/")
	ctx, hangUp := context.WithCancel(context.Background())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("Cookie", b.cookie())
	hangUp()
	st := site.manager.Store(r)
	st.Session().Incr("n", 1)
	if err := st.Save(httptest.NewRecorder()); err != nil {
		t.Error(err)
	}
	b.want("/read", "n=2")
}

// stuck is a Backend that returns only when its context ends.
type stuck struct{ *sessions.Memory }

func (stuck) Load(ctx context.Context, _ string) (sessions.Record, error) {
	<-ctx.Done()
	return sessions.Record{}, ctx.Err()
}

func TestStuckBackendGets503(t *testing.T) {
	t.Parallel()
	memory := sessions.NewMemory()
	keys := []sessions.Key{sessions.RandomKey()}
	b := newSite(t, sessions.Config{Keys: keys, Sessions: []sessions.Spec{{Backend: memory}}}, map[string]action{"/": write}).browser()
	b.get("/")
	cookie := b.cookie()
	site := newSite(t, sessions.Config{Keys: keys, Sessions: []sessions.Spec{{Backend: stuck{memory}}}}, map[string]action{"/": write})
	a := site.browser().send("/", &cookie)
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, context.DeadlineExceeded.Error()) {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

// contended is a Backend whose records another writer always changes first.
type contended struct{ *sessions.Memory }

func (contended) Update(context.Context, string, sessions.Record) (uint64, error) {
	return 0, sessions.ErrConflict
}

func TestConflictsEnd(t *testing.T) {
	for _, path := range []string{"/write", "/renew", "/end"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			memory := sessions.NewMemory()
			site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: contended{memory}}}}, map[string]action{
				"/write": write,
				"/end":   end,
				"/renew": func(st *sessions.Store, _ *http.Request) string { st.Session().Renew(); return "" },
			})
			b := site.browser()
			b.get("/write")
			a := b.get(path)
			if a.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// If one backend is down, only its own session is lost, not the others.
func TestOthersKeepTheirs(t *testing.T) {
	p := newProbe()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Name: "a"}, {Name: "b", Backend: p}, {Name: "c", Backend: sessions.NewMemory()}}}, map[string]action{
		"/": func(st *sessions.Store, _ *http.Request) string {
			for _, name := range []string{"a", "b", "c"} {
				st.Named(name).Incr("n", 1)
			}
			return ""
		},
	})
	p.dead.Store(true)
	a := site.browser().get("/")
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, errDead.Error()) {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	var names []string
	for _, c := range a.Cookies() {
		names = append(names, c.Name)
	}
	if fmt.Sprint(names) != "[__Host-a __Host-c]" {
		t.Errorf("cookies of %v", names)
	}
}

func TestSaveJoinsErrors(t *testing.T) {
	p, q := newProbe(), newProbe()
	p.dead.Store(true)
	q.dead.Store(true)
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Name: "p", Backend: p}, {Name: "q", Backend: q}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w, r := recorder()
	st := manager.Store(r)
	st.Named("p").Set("a", 1)
	st.Named("q").Set("a", 1)
	err = st.Save(w)
	var status interface{ HTTPStatus() int }
	if !errors.Is(err, errDead) || !errors.As(err, &status) || status.HTTPStatus() != 503 {
		t.Errorf("%v", err)
	}
	if text := err.Error(); !strings.Contains(text, `session "p"`) || !strings.Contains(text, `session "q"`) {
		t.Error(text)
	}
	if err := st.Named("p").Err(); !errors.Is(err, errDead) {
		t.Errorf("Err: %v", err)
	}
}

// Goroutines of a request that still run may use the session during Save.
func TestGoroutinesOfOneRequest(t *testing.T) {
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}}, Log: slog.New(slog.DiscardHandler)}, map[string]action{
		"/": func(st *sessions.Store, _ *http.Request) string {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 10 {
						st.Session().Incr("n", 1)
						sessions.Update(st.Session(), "m", func(n int) int { return n + 1 })
						st.Session().AddFlash("x", "")
						for range st.Session().All() {
							st.Session().Get("n")
						}
					}
				})
			}
			all.Wait()
			st.Session().Set("text", "no integer")
			st.Session().Renew()
			for range 4 {
				go func() {
					st.Session().Incr("late", 1)
					sessions.Get[int](st.Session(), "text")
					st.Session().Flashes()
					st.Session().Get("n")
					_ = st.Session().Err()
				}()
			}
			return ""
		},
		"/read": func(st *sessions.Store, _ *http.Request) string {
			return fmt.Sprint(st.Session().Get("n"), st.Session().Get("m"))
		},
	})
	b := site.browser()
	b.get("/")
	b.want("/read", "80 80")
}

// If f uses its session, which is not allowed, it does not hang.
func TestUpdateThatUsesTheSession(t *testing.T) {
	_, r := recorder()
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	s := manager.Store(r).Session()
	sessions.Update(s, "n", func(n int) int {
		if n < 3 {
			s.Set("n", n+1)
		}
		return n * 10
	})
	if n := s.Get("n"); n != int64(30) {
		t.Errorf("n is %v", n)
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	sessions.Update(s, "n", func(n int64) int64 { return s.Incr("n", 1) })
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "again and again") {
		t.Errorf("an f that always changes its key: %v", err)
	}
}

func TestNothingMixedUp(t *testing.T) {
	const users, requests = 50, 20
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}, {Name: "cart"}}}, map[string]action{
		"/": func(st *sessions.Store, r *http.Request) string {
			me := r.URL.Query().Get("me")
			s := st.Session()
			if had := s.Get("me"); had != nil && had != me {
				return fmt.Sprintf("%v, not %s", had, me)
			}
			s.Set("me", me)
			if had := st.Named("cart").Get("me"); had != nil && had != me {
				return fmt.Sprintf("cart of %v, not %s", had, me)
			}
			st.Named("cart").Set("me", me)
			s.Incr("n", 1)
			return ""
		},
		"/read": func(st *sessions.Store, _ *http.Request) string { return fmt.Sprint(st.Session().Get("n")) },
	})
	var all sync.WaitGroup
	for user := range users {
		b := site.browser()
		path := fmt.Sprint("/?me=", user)
		b.want(path, "")
		for range 4 {
			all.Go(func() {
				for range requests / 4 {
					if a := b.get(path); a.body != "" || a.StatusCode != http.StatusOK {
						t.Error(a.StatusCode, a.body)
					}
				}
			})
		}
		t.Cleanup(func() { b.want("/read", fmt.Sprint(requests+1)) })
	}
	all.Wait()
}

func TestDeadlineIsKept(t *testing.T) {
	var left time.Duration
	p := newProbe()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: watched{p, &left}}}}, map[string]action{"/": write})
	site.browser().get("/")
	if left <= 0 || left > 2*time.Second {
		t.Errorf("a save has %v", left)
	}
}

type watched struct {
	*probe
	left *time.Duration
}

func (w watched) Create(ctx context.Context, id string, r sessions.Record) error {
	if at, ok := ctx.Deadline(); ok {
		*w.left = time.Until(at)
	}
	return w.probe.Create(ctx, id, r)
}
