package sessions_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// wrapped is a server on net/http whose handlers share the Store of the middleware.
func wrapped(t *testing.T, spec sessions.Spec, handler func(m *sessions.Manager, w http.ResponseWriter, r *http.Request)) (*site, *logbook) {
	t.Helper()
	log := new(logbook)
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{spec},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, manager: manager}
	server := httptest.NewUnstartedServer(manager.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(manager, w, r)
	})))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	s.Server = server
	t.Cleanup(s.Close)
	return s, log
}

// A logbook keeps the log.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// However a response begins, the sessions are saved before it.
func TestMiddlewareSavesOnEveryWayOut(t *testing.T) {
	ways := map[string]struct {
		respond func(w http.ResponseWriter, r *http.Request)
		status  int
		body    string
	}{
		"return":      {func(http.ResponseWriter, *http.Request) {}, 200, ""},
		"Write":       {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }, 200, "hello"},
		"WriteHeader": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); io.WriteString(w, "made") }, 201, "made"},
		"http.Error":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, 403, "no\n"},
		"redirect":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", http.StatusSeeOther) }, 303, ""},
		"early hints": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(204) }, 204, ""},
		"Flush":       {func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); io.WriteString(w, "later") }, 200, "later"},
		"controller": {func(w http.ResponseWriter, _ *http.Request) {
			c := http.NewResponseController(w)
			c.SetWriteDeadline(time.Now().Add(time.Minute))
			c.Flush()
		}, 200, ""},
		"copy": {func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, strings.NewReader("copied")) }, 200, "copied"},
		"content": {func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("content"))
		}, 200, "content"},
	}
	for name, way := range ways {
		for _, backend := range []sessions.Backend{nil, sessions.NewMemory()} {
			s, _ := wrapped(t, sessions.Spec{Backend: backend}, func(m *sessions.Manager, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/show" {
					fmt.Fprint(w, m.Store(r).Session().Get("n"))
					return
				}
				m.Store(r).Session().Incr("n", 1)
				m.Store(r.Clone(r.Context())).Session().Incr("n", 1) // the same Store
				way.respond(w, r)
			})
			b := s.browser()
			b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			a := b.get("/")
			if a.StatusCode != way.status || way.body != "" && a.body != way.body {
				t.Errorf("%s: %d %q", name, a.StatusCode, a.body)
			}
			b.want("/show", "2")
		}
	}
}

// A panic closes the connection, as in net/http, or gets a response from outer middleware.
// Changes that the request made before it are saved.
func TestMiddlewareSavesBeforeAPanicPasses(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	inner := manager.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := manager.Store(r).Session().Incr("n", 1); r.URL.Path == "/panic" {
			panic("on purpose")
		} else {
			fmt.Fprint(w, n)
		}
	}))
	s := &site{t: t, manager: manager, Server: httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "sorry", 500)
			}
		}()
		inner.ServeHTTP(w, r)
	}))}
	t.Cleanup(s.Close)
	b := s.browser()
	if a := b.get("/panic"); a.StatusCode != 500 {
		t.Errorf("status %d", a.StatusCode)
	}
	b.want("/", "2")
}

// If the sessions cannot be saved, no part of the handler's response is sent.
func TestMiddlewareAnswersAFailedSave(t *testing.T) {
	p := newProbe()
	var written error
	s, log := wrapped(t, sessions.Spec{Backend: p}, func(m *sessions.Manager, w http.ResponseWriter, r *http.Request) {
		m.Store(r).Session().Incr("n", 1)
		w.Header().Set("Etag", `"x"`)
		w.Header().Set("Cache-Control", "public, max-age=86400")
		w.WriteHeader(201)
		_, written = io.WriteString(w, "thank you for your order")
	})
	p.dead.Store(true)
	a := s.browser().get("/")
	if a.StatusCode != 503 || strings.Contains(a.body, "order") || a.Header["Set-Cookie"] != nil || a.Header["Etag"] != nil || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q %v", a.StatusCode, a.body, a.Header)
	}
	if written == nil || !strings.Contains(log.String(), "could not be saved") {
		t.Errorf("the handler's write: %v; the log: %s", written, log)
	}
	p.dead.Store(false)
	if a := s.browser().get("/"); a.StatusCode != 201 || len(a.Cookies()) != 1 {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

// A hijacked connection cannot send a cookie: a renewal waits for a later response, and a
// change is an error.
func TestMiddlewareHijack(t *testing.T) {
	hijacks := make(chan error, 1)
	s, _ := wrapped(t, sessions.Spec{IdleTimeout: time.Hour}, func(m *sessions.Manager, w http.ResponseWriter, r *http.Request) {
		session := m.Store(r).Session()
		session.Get("n")
		if r.URL.Path != "/read" {
			session.Incr("n", 1)
		}
		if r.URL.Path == "/write" {
			return
		}
		connection, buffered, err := w.(http.Hijacker).Hijack()
		hijacks <- err
		if err != nil {
			http.Error(w, "no", 500)
			return
		}
		defer connection.Close()
		takeOver(buffered, connection)
	})
	b := s.browser()
	b.get("/write")
	cookie := b.cookie()
	if a := s.browser().send("/read", &cookie); a.StatusCode != 200 || a.body != "taken over" {
		t.Errorf("a read: %d %q", a.StatusCode, a.body)
	}
	if err := <-hijacks; err != nil {
		t.Error(err)
	}
	if a := s.browser().send("/change", &cookie); a.StatusCode != 500 {
		t.Errorf("a change: %d %q", a.StatusCode, a.body)
	}
	if err := <-hijacks; err == nil || !strings.Contains(err.Error(), "would lose a cookie") {
		t.Errorf("a change that no cookie can carry: %v", err)
	}
}

func takeOver(w *bufio.ReadWriter, connection net.Conn) {
	fmt.Fprint(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\ntaken over")
	w.Flush()
}

// An idle renewal of a signed cookie waits for a response that can send it.
func TestRenewalThatCannotBeSentWaits(t *testing.T) {
	for _, backend := range []sessions.Backend{nil, sessions.NewMemory()} {
		c := &clock{}
		old, next := sessions.RandomKey(), sessions.RandomKey()
		spec := sessions.Spec{Backend: backend, IdleTimeout: time.Hour}
		first, err := sessions.New(sessions.Config{Keys: []sessions.Key{old}, Sessions: []sessions.Spec{spec}, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		second, err := sessions.New(sessions.Config{Keys: []sessions.Key{next, old}, Sessions: []sessions.Spec{spec}, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		w, r := recorder()
		st := first.Store(r)
		st.Session().Set("n", 1)
		if err := st.Save(w); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", w.Result().Cookies()[0].String())
		c.advance(30 * time.Minute)
		for _, bare := range []bool{true, false} {
			w := &bareWriter{httptest.NewRecorder(), bare}
			st := second.Store(r)
			st.Session().Get("n")
			if err := st.Save(w); err != nil {
				t.Errorf("bare %v: %v", bare, err)
			}
			if n, want := len(w.Header()["Set-Cookie"]), 1; bare && n != 0 || !bare && backend == nil && n != want {
				t.Errorf("bare %v: %d cookies", bare, n)
			}
		}
	}
}

// A bareWriter reports that it cannot send a cookie.
type bareWriter struct {
	*httptest.ResponseRecorder
	bare bool
}

func (w *bareWriter) CanSetCookies() bool { return !w.bare }

// Two Stores that change one session in one request are a mistake, and are logged.
func TestTwoStoresAreLogged(t *testing.T) {
	log := new(logbook)
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()}, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	w, r := recorder()
	for _, key := range []string{"a", "b"} {
		st := manager.Store(r)
		st.Session().Set(key, 1)
		if err := st.Save(w); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(log.String(), "another Store"); told != (key == "b") {
			t.Errorf("after %s the log is %q", key, log)
		}
	}
	if lines := w.Header()["Set-Cookie"]; len(lines) != 1 {
		t.Errorf("%q", lines)
	}
}

// The same with a Backend: the second Store finds what the first has renewed.
func TestTwoStoresOnABackendAreLogged(t *testing.T) {
	log := new(logbook)
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()}, Log: slog.New(slog.NewTextHandler(log, nil)),
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w, r := recorder()
	st := manager.Store(r)
	st.Session().Set("n", 1)
	if err := st.Save(w); err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", w.Result().Cookies()[0].String())
	w = httptest.NewRecorder()
	first, second := manager.Store(r), manager.Store(r)
	first.Session().LogIn("ann", sessions.Login{})
	second.Session().Set("cart", "tea")
	for _, st := range []*sessions.Store{first, second} {
		if err := st.Save(w); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(log.String(), "another Store") != 1 {
		t.Errorf("the log: %s", log)
	}
}

// The Middleware of one Manager does not affect the sessions of another. If a request already
// has its Store, it passes the request on.
func TestMiddlewareTwice(t *testing.T) {
	key := []sessions.Key{sessions.RandomKey()}
	one, err := sessions.New(sessions.Config{Keys: key})
	if err != nil {
		t.Fatal(err)
	}
	two, err := sessions.New(sessions.Config{Keys: key, Sessions: []sessions.Spec{{Name: "two"}}})
	if err != nil {
		t.Fatal(err)
	}
	handler := one.Middleware(two.Middleware(one.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Store(r).Session().Set("a", 1)
		two.Store(r).Session().Set("b", 2)
		if first, again := one.Store(r), one.Store(r.Clone(r.Context())); first != again || first == two.Store(r) {
			t.Error("not one Store a request and Manager")
		}
	}))))
	w, r := recorder()
	handler.ServeHTTP(w, r)
	if lines := w.Result().Header["Set-Cookie"]; len(lines) != 2 {
		t.Errorf("%q", lines)
	}
}

// If a response used a session and says public, that is logged once for each route.
func TestPublicResponsesAreLogged(t *testing.T) {
	log := new(logbook)
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()}, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		for _, path := range []string{"/a", "/b"} {
			for _, do := range []action{read, write} {
				w, r := recorder()
				r.URL.Path = path
				w.Header().Set("Cache-Control", "public, max-age=600")
				st := manager.Store(r)
				do(st, r)
				if err := st.Save(w); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if errors, warnings := strings.Count(log.String(), "level=ERROR"), strings.Count(log.String(), "level=WARN"); errors != 2 || warnings != 2 {
		t.Errorf("%d errors and %d warnings, want 2 and 2:\n%s", errors, warnings, log)
	}
}

func TestPersonalPages(t *testing.T) {
	for _, test := range []struct{ config, own, nobody, user string }{
		{"", "", "private, no-cache", "no-store"},
		{"private, no-cache", "", "private, no-cache", "private, no-cache"},
		{"", "max-age=60", "max-age=60", "max-age=60"},
	} {
		manager, err := sessions.New(sessions.Config{
			Keys: []sessions.Key{sessions.RandomKey()}, PersonalCache: test.config,
			Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w, r := recorder()
		st := manager.Store(r)
		st.Session().LogIn("ann", sessions.Login{})
		if err := st.Save(w); err != nil || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("a login: %v, %v", err, w.Header())
		}
		cookie := w.Result().Cookies()[0].String()
		for who, want := range map[string]string{"": test.nobody, cookie: test.user} {
			w, r := recorder()
			r.Header.Set("Cookie", who)
			if test.own != "" {
				w.Header().Set("Cache-Control", test.own)
			}
			st := manager.Store(r)
			st.Session().Get("n")
			if err := st.Save(w); err != nil || w.Header().Get("Cache-Control") != want {
				t.Errorf("%+v, user %v: %v, %q, want %q", test, who != "", err, w.Header().Get("Cache-Control"), want)
			}
		}
	}
	for _, bad := range []string{"public", "no-cache", "private\r\nX: y"} {
		if _, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}, PersonalCache: bad}); err == nil {
			t.Errorf("PersonalCache %q is taken", bad)
		}
	}
}
