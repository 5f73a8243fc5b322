package sessions_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// An action is what a path of a test's site does with the sessions of a request. It returns the
// body of the response.
type action func(st *sessions.Store, r *http.Request) string

// A site is a real server that saves after every action, as a framework does. The response
// header Session-Status has the status of the default session.
type site struct {
	*httptest.Server
	t       testing.TB
	manager *sessions.Manager
}

func newSite(t testing.TB, c sessions.Config, actions map[string]action) *site {
	t.Helper()
	if c.Keys == nil {
		c.Keys = []sessions.Key{sessions.RandomKey()}
	}
	manager, err := sessions.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, manager: manager}
	mux := http.NewServeMux()
	for path, do := range actions {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, do) })
	}
	s.Server = httptest.NewTLSServer(mux)
	s.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64 // handshakes take most of the time
	t.Cleanup(s.Close)
	return s
}

func (s *site) answer(w http.ResponseWriter, r *http.Request, do action) {
	st := s.manager.Store(r)
	body := do(st, r)
	if err := st.Save(w); err != nil {
		var status interface{ HTTPStatus() int }
		if !errors.As(err, &status) {
			s.t.Errorf("an error without HTTPStatus: %v", err)
		}
		http.Error(w, err.Error(), status.HTTPStatus())
		return
	}
	if len(w.Header()["Vary"]) > 0 { // it was used
		w.Header().Set("Session-Status", st.Session().Status().String())
	}
	io.WriteString(w, body)
}

// A browser keeps cookies.
type browser struct {
	site   *site
	client *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := *s.Client()
	client.Jar = jar
	return &browser{s, &client}
}

// An answer is the response that a browser has received.
type answer struct {
	*http.Response
	body   string
	status string // of the default session
}

func (b *browser) get(path string) answer {
	b.site.t.Helper()
	return b.send(path, nil)
}

// send sends a request. If cookie is not nil, it replaces the cookies of the jar.
func (b *browser) send(path string, cookie *string) answer {
	b.site.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.site.URL+path, nil)
	if err != nil {
		b.site.t.Fatal(err)
	}
	client := b.client
	if cookie != nil {
		plain := *client
		plain.Jar = nil
		client = &plain
		if *cookie != "" {
			r.Header.Set("Cookie", *cookie)
		}
	}
	response, err := client.Do(r)
	if err != nil {
		b.site.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.site.t.Fatal(err)
	}
	return answer{response, string(body), response.Header.Get("Session-Status")}
}

// want gets path and compares the body with a text.
func (b *browser) want(path, body string) answer {
	b.site.t.Helper()
	a := b.get(path)
	if a.body != body {
		b.site.t.Errorf("%s: %q, want %q (status %d, session %s)", path, a.body, body, a.StatusCode, a.status)
	}
	return a
}

// cookie returns the Cookie header the browser would send.
func (b *browser) cookie() string {
	r, _ := http.NewRequest(http.MethodGet, b.site.URL, nil)
	for _, c := range b.client.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r.Header.Get("Cookie")
}

// twin is another browser with a copy of the cookies.
func (b *browser) twin() *browser {
	twin := b.site.browser()
	r, _ := http.NewRequest(http.MethodGet, b.site.URL, nil)
	cookies := b.client.Jar.Cookies(r.URL)
	for _, c := range cookies {
		c.Path, c.Secure = "/", true
	}
	twin.client.Jar.SetCookies(r.URL, cookies)
	return twin
}

// A clock is a Config.Now that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(by time.Duration) { c.ahead.Add(int64(by)) }

// A probe is a Memory that counts its calls, can be down, and calls a hook before each.
type probe struct {
	*sessions.Memory
	loads, creates, updates, deletes atomic.Int64
	dead                             atomic.Bool

	mu     sync.Mutex
	before func(method, id string)
	ids    []string // of all that was created
}

var errDead = errors.New("the backend is dead")

func newProbe() *probe { return &probe{Memory: sessions.NewMemory()} }

func (p *probe) hook(f func(method, id string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = f
}

func (p *probe) enter(n *atomic.Int64, method, id string) error {
	p.mu.Lock()
	before := p.before
	if method == "create" {
		p.ids = append(p.ids, id)
	}
	p.mu.Unlock()
	if before != nil {
		before(method, id)
	}
	n.Add(1)
	if p.dead.Load() {
		return errDead
	}
	return nil
}

func (p *probe) calls() int64 {
	return p.loads.Load() + p.creates.Load() + p.updates.Load() + p.deletes.Load()
}

// living counts the records that are not tombstones.
func (p *probe) living() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range p.ids {
		if r, err := p.Memory.Load(context.Background(), id); err == nil && !r.IsTombstone() {
			n++
		}
	}
	return n
}

func (p *probe) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := p.enter(&p.loads, "load", id); err != nil {
		return sessions.Record{}, err
	}
	return p.Memory.Load(ctx, id)
}

func (p *probe) Create(ctx context.Context, id string, r sessions.Record) error {
	if err := p.enter(&p.creates, "create", id); err != nil {
		return err
	}
	return p.Memory.Create(ctx, id, r)
}

func (p *probe) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if err := p.enter(&p.updates, "update", id); err != nil {
		return 0, err
	}
	return p.Memory.Update(ctx, id, r)
}

func (p *probe) Delete(ctx context.Context, id string) error {
	if err := p.enter(&p.deletes, "delete", id); err != nil {
		return err
	}
	return p.Memory.Delete(ctx, id)
}

// recorder returns a response and a request without a server, for tests that need none.
func recorder() (*httptest.ResponseRecorder, *http.Request) {
	return httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
}

// small is a Backend that keeps nothing.
type small struct{ *probe }

func (small) Create(context.Context, string, sessions.Record) error { return sessions.ErrTooLarge }
