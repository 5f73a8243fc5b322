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

// To change keys, put the new one first. What the old one has signed is read until the
// longest session has ended; then take it out.
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

// A site whose pages are worth something without their sessions shows them while the
// backend is down.
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
	_, err = m.Update(ctx, id, r) // r is of an older version now
	fmt.Println(err)
	// Output:
	// <nil>
	// data <nil>
	// <nil>
	// sessions: changed since it was read
}
