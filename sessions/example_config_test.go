package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// The second step of a change of keys: every instance knows both keys, and the new one, which
// is first now, signs. Sessions that the old one has signed are still read.
func ExampleConfig_keys() {
	old, current := sessions.RandomKey(), sessions.RandomKey()
	before, err := sessions.New(sessions.Config{Keys: []sessions.Key{old}})
	if err != nil {
		panic(err)
	}
	after, err := sessions.New(sessions.Config{Keys: []sessions.Key{current, old}})
	if err != nil {
		panic(err)
	}
	v := &visitor{manager: before}
	v.request(func(s *sessions.Session) { s.Set("name", "Ann") })
	v.manager = after
	v.request(func(s *sessions.Session) { fmt.Println(s.Get("name")) })
	// Output: Ann
}

func ExampleConfig_onEvent() {
	manager, err := sessions.New(sessions.Config{
		Keys:    []sessions.Key{sessions.RandomKey()},
		OnEvent: func(e sessions.Event) { fmt.Println(e.Session, e.Kind) },
	})
	if err != nil {
		panic(err)
	}
	v := &visitor{manager: manager, cookie: "__Host-session=forged"}
	v.request(func(s *sessions.Session) { s.Get("user") })
	// Output: session tampered
}

func ExampleSpec() {
	v := newVisitor(sessions.Spec{
		Name:            "login",
		Backend:         sessions.NewMemory(),
		IdleTimeout:     15 * time.Minute,
		AbsoluteTimeout: 8 * time.Hour,
		Domain:          "example.com", // and all hosts below it
		SameSite:        http.SameSiteStrictMode,
	})
	w := httptest.NewRecorder()
	store := v.manager.Store(httptest.NewRequest(http.MethodGet, "/", nil))
	store.Session().SetUser("ann")
	if err := store.Save(w); err != nil {
		panic(err)
	}
	_, attributes, _ := strings.Cut(w.Header().Get("Set-Cookie"), "; ")
	fmt.Println(w.Result().Cookies()[0].Name, attributes)
	// Output: __Secure-login Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Strict
}

// A site whose pages are useful without sessions shows them while the backend is down.
func ExampleDownPolicy() {
	backend := &flaky{Memory: sessions.NewMemory()}
	v := newVisitor(sessions.Spec{Backend: backend, WhenDown: sessions.EmptyWhenDown})
	v.request(func(s *sessions.Session) { s.Set("name", "Ann") })
	backend.down = true
	err := v.request(func(s *sessions.Session) { fmt.Println(s.Get("name"), s.Status()) })
	fmt.Println("read:", err)
	err = v.request(func(s *sessions.Session) { s.Set("name", "Bea") })
	fmt.Println("change:", err)
	// Output:
	// <nil> down
	// read: <nil>
	// change: sessions: session "session": cannot load: no route to host
}

// flaky is a Backend that may be down.
type flaky struct {
	*sessions.Memory
	down bool
}

func (f *flaky) Load(ctx context.Context, id string) (sessions.Record, error) {
	if f.down {
		return sessions.Record{}, errors.New("no route to host")
	}
	return f.Memory.Load(ctx, id)
}

func ExampleImport() {
	v := newVisitor(sessions.Spec{Import: &sessions.Import{
		Cookie: "PHPSESSID",
		Read: func(r *http.Request) sessions.Imported {
			cookie, err := r.Cookie("PHPSESSID")
			if err != nil || cookie.Value != "one that the old system knows" {
				return sessions.Imported{}
			}
			return sessions.Imported{Values: map[string]any{"language": "de"}, User: "ann"}
		},
	}})
	v.cookie = "PHPSESSID=one that the old system knows"
	v.request(func(s *sessions.Session) { fmt.Println(s.Get("language"), s.User()) })
	// Output: de ann
}

func ExampleCheckID() {
	fmt.Println(sessions.CheckID("../../etc/passwd"))
	// Output: sessions: bad id: 16 characters, not 43
}

func ExampleMemory() {
	ctx, m := context.Background(), sessions.NewMemory()
	id := strings.Repeat("A", 43)
	err := m.Create(ctx, id, sessions.Record{Data: []byte("data"), Expires: time.Now().Add(time.Hour)})
	fmt.Println(err)
	r, err := m.Load(ctx, id)
	fmt.Printf("%s %v\n", r.Data, err)
	_, err = m.Update(ctx, id, r)
	fmt.Println(err)
	_, err = m.Update(ctx, id, r) // r has an older version now
	fmt.Println(err)
	// Output:
	// <nil>
	// data <nil>
	// <nil>
	// sessions: changed since it was read
}

// After a leak, Since ends all sessions that began before.
func ExampleConfig_since() {
	keys, backend := []sessions.Key{sessions.RandomKey()}, sessions.NewMemory()
	specs := []sessions.Spec{{Backend: backend}}
	before, err := sessions.New(sessions.Config{Keys: keys, Sessions: specs})
	if err != nil {
		panic(err)
	}
	v := &visitor{manager: before}
	v.request(func(s *sessions.Session) { s.SetUser("ann") })

	time.Sleep(2 * time.Millisecond) // a session keeps milliseconds
	after, err := sessions.New(sessions.Config{Keys: keys, Sessions: specs, Since: time.Now()})
	if err != nil {
		panic(err)
	}
	v.manager = after
	v.request(func(s *sessions.Session) { fmt.Printf("%q %v\n", s.User(), s.Status()) })
	// Output: "" expired
}

// The pages of users are not kept by any cache unless PersonalCache says so.
func ExampleConfig_personalCache() {
	for _, control := range []string{"", "private, no-cache"} {
		manager, err := sessions.New(sessions.Config{
			Keys:          []sessions.Key{sessions.RandomKey()},
			Sessions:      []sessions.Spec{{Backend: sessions.NewMemory()}},
			PersonalCache: control,
		})
		if err != nil {
			panic(err)
		}
		v := &visitor{manager: manager}
		v.request(func(s *sessions.Session) { s.SetUser("ann") })
		r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		r.Header.Set("Cookie", v.cookie)
		store := manager.Store(r)
		user := store.Session().User()
		if err := store.Save(w); err != nil {
			panic(err)
		}
		fmt.Println(user, w.Header().Get("Cache-Control"))
	}
	// Output:
	// ann no-store
	// ann private, no-cache
}

// spy is a Backend that shows what is written. It embeds a Memory, whose LoadIsCurrent says
// that its Load is never stale.
type spy struct{ *sessions.Memory }

func (s spy) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	fmt.Println("tombstone:", r.IsTombstone(), "user:", r.User != "", "current:", s.LoadIsCurrent())
	return s.Memory.Update(ctx, id, r)
}

// A logout writes a tombstone over the session.
func ExampleRecord_IsTombstone() {
	v := newVisitor(sessions.Spec{Backend: spy{sessions.NewMemory()}})
	v.request(func(s *sessions.Session) { s.SetUser("ann") })
	v.request(func(s *sessions.Session) { s.Set("language", "de") })
	v.request(func(s *sessions.Session) { s.Destroy() })
	// Output:
	// tombstone: false user: true current: true
	// tombstone: true user: false current: true
}

// A Backend that lists the sessions of a user describes each record by Info.
func ExampleRecord_Info() {
	ctx, m := context.Background(), sessions.NewMemory()
	v := newVisitor(sessions.Spec{Backend: m})
	v.request(func(s *sessions.Session) { s.LogIn("ann", sessions.Login{Method: "password"}) })
	v.request(func(s *sessions.Session) {
		r, err := m.Load(ctx, s.ID())
		if err != nil {
			panic(err)
		}
		info := r.Info(s.ID())
		fmt.Println(info.ID == s.ID(), info.Login.Method, info.Expires.After(info.Created))
	})
	// Output: true password true
}
