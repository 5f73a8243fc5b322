package sessions_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/webapp2go/webapp2go/sessions"
)

// A request with a dead cookie that logs in gets the same response as one from a browser
// without a cookie, byte for byte except for ids and times. So nobody gains anything by sending
// a dead cookie.
func TestALoginOverADeadCookieBeginsFromNothing(t *testing.T) {
	const programs = 400
	for dead, kill := range deaths {
		for n := range programs {
			seed := uint64(n)
			p := newProbe()
			manager, err := sessions.New(sessions.Config{
				Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{{Backend: p}},
			})
			if err != nil {
				t.Fatal(err)
			}
			// The victim's session has data of every kind.
			w, r := recorder()
			st := manager.Store(r)
			fillUp(st.Session())
			if err := st.Save(w); err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", w.Result().Cookies()[0].String())
			id := p.ids[0]

			if !kill.amid {
				kill.by(t, manager, p, r, id)
			}
			st = manager.Store(r)
			st.Session().Get("n") // reads what is there
			if kill.amid {
				kill.by(t, manager, p, r, id)
			}
			program(st.Session(), seed)
			got := saved(t, p, st)

			_, bare := recorder()
			st = manager.Store(bare)
			st.Session().Get("n")
			program(st.Session(), seed)
			if want := saved(t, p, st); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s, program %d:\ngot  %v\nwant %v", dead, n, got, want)
			}
		}
	}
}

type death struct {
	amid bool
	by   func(t *testing.T, m *sessions.Manager, p *probe, r *http.Request, id string)
}

var deaths = map[string]death{
	"ended":             {false, another((*sessions.Session).Destroy)},
	"renewed":           {false, another((*sessions.Session).Renew)},
	"another's":         {false, another(func(s *sessions.Session) { s.LogIn("eve", sessions.Login{}) })},
	"not found":         {false, evicted},
	"ended at save":     {true, another((*sessions.Session).Destroy)},
	"renewed at save":   {true, another((*sessions.Session).Renew)},
	"another's at save": {true, another(func(s *sessions.Session) { s.LogIn("eve", sessions.Login{}) })},
	"not found at save": {true, evicted},
	"ended, long before": {false, func(t *testing.T, m *sessions.Manager, p *probe, r *http.Request, id string) {
		another((*sessions.Session).Destroy)(t, m, p, r, id)
		stone, err := p.Memory.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		stone.Expires = stone.Expires.Add(-30 * time.Second)
		if _, err := p.Memory.Update(t.Context(), id, stone); err != nil {
			t.Fatal(err)
		}
	}},
}

func evicted(t *testing.T, _ *sessions.Manager, p *probe, _ *http.Request, id string) {
	if err := p.Memory.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// another is another request with the same cookie.
func another(do func(*sessions.Session)) func(*testing.T, *sessions.Manager, *probe, *http.Request, string) {
	return func(t *testing.T, m *sessions.Manager, _ *probe, r *http.Request, _ string) {
		st := m.Store(r)
		do(st.Session())
		if err := st.Save(httptest.NewRecorder()); err != nil {
			t.Fatal(err)
		}
	}
}

func fillUp(s *sessions.Session) {
	s.LogIn("victim", sessions.Login{Remembered: true, Credential: "old", Agent: "theirs", Address: "192.0.2.7"})
	for i := range 4 {
		s.Set(fmt.Sprint("k", i), i)
	}
	s.Set("n", 40)
	s.AddFlash("for the victim alone", "info")
}

// program changes a session as a handler does that ignores its state, and logs in.
func program(s *sessions.Session, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	steps := func() {
		for range random.IntN(6) {
			key := fmt.Sprint("k", random.IntN(5))
			switch random.IntN(10) {
			case 0:
				s.Set(key, random.IntN(100))
			case 1:
				s.Delete(key)
			case 2:
				s.Clear()
			case 3:
				s.Incr("n", int64(random.IntN(5)))
			case 4:
				sessions.Update(s, "list", func(l []int) []int { return append(l, 1) })
			case 5:
				s.AddFlash("hello", "")
			case 6:
				s.Flashes()
			case 7:
				s.Pop(key)
			case 8:
				s.Renew()
			case 9:
				s.SetUser("somebody")
			}
		}
	}
	steps()
	s.LogIn("ann", sessions.Login{Remembered: seed%2 == 0, Credential: "new", Agent: "mine"})
	steps()
	if seed%3 == 0 {
		s.LogIn("ann", sessions.Login{Credential: "newer"})
	}
}

// saved saves the session. It returns the stored data and the response, without ids and times.
func saved(t *testing.T, p *probe, st *sessions.Store) []any {
	t.Helper()
	before := len(p.ids)
	w := httptest.NewRecorder()
	if err := st.Save(w); err != nil {
		t.Fatal(err)
	}
	var kept []any
	for _, id := range p.ids[before:] {
		r, err := p.Memory.Load(t.Context(), id)
		if err != nil || r.IsTombstone() {
			continue
		}
		var list []any
		if err := cbor.Unmarshal(r.Data[1:], &list); err != nil {
			t.Fatal(err)
		}
		list[0], list[1] = 0, 0
		if login, ok := list[2].([]any); ok && r.Data[0] == 2 {
			login[0] = 0
		}
		for _, flash := range list[len(list)-2].([]any) {
			flash.([]any)[0] = 0
		}
		kept = append(kept, r.User, list)
	}
	cookie := w.Result().Cookies()
	return append(kept, len(cookie), cookie[0].MaxAge, w.Header()["Cache-Control"], w.Header()["Vary"])
}
