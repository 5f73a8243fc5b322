package sessions_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/webapp2go/webapp2go/internal/alloctest"
	"github.com/webapp2go/webapp2go/sessions"
)

// five fills a session with five keys in about 195 bytes.
func five(s *sessions.Session) {
	s.Set("user", "user-0123456789")
	s.Set("role", "editor")
	s.Set("csrf", "kZ8w1n0cPq3rT5vX7yB9dF2hJ4lN6pR8sU0wY2aC4eG")
	s.Set("locale", "de-CH")
	s.Set("visits", 41)
}

// stored returns a request that has a session of five keys.
func stored(tb testing.TB, manager *sessions.Manager) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	st := manager.Store(r)
	five(st.Session())
	if err := st.Save(w); err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Cookie", "theme=dark; "+w.Result().Cookies()[0].String()+"; other=1")
	return r
}

func newManager(tb testing.TB, backend sessions.Backend) *sessions.Manager {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: backend}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return manager
}

func readFive(st *sessions.Store, w http.ResponseWriter) bool {
	s := st.Session()
	user, _ := sessions.Get[string](s, "user")
	role, _ := sessions.Get[string](s, "role")
	csrf, _ := sessions.Get[string](s, "csrf")
	locale, _ := sessions.Get[string](s, "locale")
	visits, _ := sessions.Get[int](s, "visits")
	return st.Save(w) == nil && len(user)+len(role)+len(csrf)+len(locale)+visits == 110
}

func TestAllocations(t *testing.T) {
	tests := []struct {
		name    string
		backend sessions.Backend
		do      func(st *sessions.Store, w http.ResponseWriter) bool
		most    float64
	}{
		{"untouched", nil, func(st *sessions.Store, w http.ResponseWriter) bool { return st.Save(w) == nil }, 1},
		{"asked for and not used", nil, func(st *sessions.Store, w http.ResponseWriter) bool {
			return st.Session() != nil && st.Save(w) == nil
		}, 2},
		{"read from a cookie", nil, readFive, 4},
		{"written to a cookie", nil, func(st *sessions.Store, w http.ResponseWriter) bool {
			return st.Session().Incr("visits", 1) == 42 && st.Save(w) == nil
		}, 7},
		{"read from memory", sessions.NewMemory(), readFive, 11},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			manager := newManager(t, test.backend)
			r, w := stored(t, manager), alloctest.NewWriter()
			alloctest.Check(t, test.most, func() {
				w.Reset()
				if !test.do(manager.Store(r), w) {
					t.Fatal("it does not do what is measured")
				}
			})
		})
	}
}

func TestUntouchedCostsNothing(t *testing.T) {
	p := newProbe()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: p}}}, map[string]action{"/": write, "/untouched": untouched})
	b := site.browser()
	b.get("/")
	before := p.calls()
	a := b.get("/untouched")
	for _, name := range []string{"Set-Cookie", "Vary", "Cache-Control"} {
		if a.Header[name] != nil {
			t.Errorf("%s: %q", name, a.Header[name])
		}
	}
	if p.calls() != before {
		t.Error("the backend was called")
	}
}

func TestAReadIsOneLoad(t *testing.T) {
	p := newProbe()
	b := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: p}}}, map[string]action{"/": write, "/read": read}).browser()
	b.get("/read") // no cookie: no call
	if p.calls() != 0 {
		t.Errorf("%d calls without a cookie", p.calls())
	}
	b.get("/")
	b.get("/read")
	b.get("/")
	if l, c, u := p.loads.Load(), p.creates.Load(), p.updates.Load(); l != 2 || c != 1 || u != 1 {
		t.Errorf("%d loads, %d creates, %d updates; want 2, 1, 1", l, c, u)
	}
}

func BenchmarkUntouched(b *testing.B) {
	manager := newManager(b, nil)
	r, w := stored(b, manager), alloctest.NewWriter()
	b.ReportAllocs()
	for b.Loop() {
		_ = manager.Store(r).Save(w)
	}
}

func BenchmarkReadCookie(b *testing.B) {
	manager := newManager(b, nil)
	r, w := stored(b, manager), alloctest.NewWriter()
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		readFive(manager.Store(r), w)
	}
}

func BenchmarkWriteCookie(b *testing.B) {
	manager := newManager(b, nil)
	r, w := stored(b, manager), alloctest.NewWriter()
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		st := manager.Store(r)
		st.Session().Incr("visits", 1)
		_ = st.Save(w)
	}
}

func BenchmarkReadMemory(b *testing.B) {
	manager := newManager(b, sessions.NewMemory())
	r, w := stored(b, manager), alloctest.NewWriter()
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		readFive(manager.Store(r), w)
	}
}

func BenchmarkWriteMemory(b *testing.B) {
	manager := newManager(b, sessions.NewMemory())
	r, w := stored(b, manager), alloctest.NewWriter()
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		st := manager.Store(r)
		st.Session().Incr("visits", 1)
		_ = st.Save(w)
	}
}

// A login of another user each time, by a browser without a cookie.
func BenchmarkLogIn(b *testing.B) {
	manager := newManager(b, sessions.NewMemory())
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), alloctest.NewWriter()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		w.Reset()
		st := manager.Store(r)
		st.Session().LogIn("user-"+strconv.Itoa(n), sessions.Login{Method: "password", Agent: "Mozilla/5.0", Address: "192.0.2.1"})
		_ = st.Save(w)
	}
}
