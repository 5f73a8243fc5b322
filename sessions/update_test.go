package sessions_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

const writers, rounds = 16, 100

// blind is a Backend without versions, as in every other library. It shows that the tests below
// can fail.
type blind struct{ *sessions.Memory }

func (b blind) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	for {
		now, err := b.Load(ctx, id)
		if err != nil {
			return 0, err
		}
		r.Version = now.Version
		if version, err := b.Memory.Update(ctx, id, r); err == nil {
			return version, nil
		}
	}
}

// lost counts the lost updates of writers that have all read the same version before any of
// them saves.
func lost(t *testing.T, backend sessions.Backend) (increments, keys, flashes int) {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: backend}},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := func(cookie string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		return r
	}
	for round := range rounds {
		st, w := manager.Store(request("")), httptest.NewRecorder()
		st.Session().Set("n", 0)
		if err := st.Save(w); err != nil {
			t.Fatal(err)
		}
		cookie := w.Result().Cookies()[0].String()
		var read, done sync.WaitGroup
		read.Add(writers)
		for writer := range writers {
			done.Go(func() {
				st := manager.Store(request(cookie))
				s := st.Session()
				s.Incr("n", 1)
				s.Set(fmt.Sprint("key ", writer), true)
				s.AddFlash(writer, "info")
				sessions.Update(s, "list", func(l []int) []int { return append(l, writer) })
				read.Done()
				read.Wait()
				if err := st.Save(httptest.NewRecorder()); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		s := manager.Store(request(cookie)).Session()
		n, _ := sessions.Get[int](s, "n")
		if list, _ := sessions.Get[[]int](s, "list"); len(list) != n {
			t.Errorf("round %d: Update counted %d, Incr %d", round, len(list), n)
		}
		increments += writers - n
		keys += writers - (len(maps.Collect(s.All())) - 2)
		flashes += writers - len(s.Flashes())
	}
	return increments, keys, flashes
}

func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	increments, keys, flashes := lost(t, sessions.NewMemory())
	if increments != 0 || keys != 0 || flashes != 0 {
		t.Errorf("of %d each, lost: %d increments, %d keys, %d flashes", writers*rounds, increments, keys, flashes)
	}
}

func TestABlindBackendLosesUpdates(t *testing.T) {
	t.Parallel()
	increments, keys, flashes := lost(t, blind{sessions.NewMemory()})
	if least := 1000; increments < least || keys < least || flashes < least {
		t.Errorf("a backend that overwrites lost only %d, %d, %d of %d: the test above shows nothing",
			increments, keys, flashes, writers*rounds)
	}
}

// The result of each operation if another request has written since the session was read.
func TestReplay(t *testing.T) {
	tests := []struct {
		name         string
		first, other func(s *sessions.Session)
		want         string
	}{
		{"set and set of other keys", set("a", 1), set("b", 2), "a=1 b=2 start=0"},
		{"set and set of one key: the last writer's", set("start", 1), set("start", 2), "start=1"},
		{"delete and set of another", del("start"), set("b", 2), "b=2"},
		{"delete of what is deleted", del("start"), del("start"), ""},
		{"clear takes what was written meanwhile", func(s *sessions.Session) { s.Clear() }, set("b", 2), ""},
		{"clear, then set", func(s *sessions.Session) { s.Clear(); s.Set("a", 1) }, set("b", 2), "a=1"},
		{"increments add", incr("start", 1), incr("start", 10), "start=11"},
		{"increment of what is no integer now", incr("new", 1), set("new", "text"), "error"},
		{"pop and incr", func(s *sessions.Session) { s.Pop("start") }, incr("b", 1), "b=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newProbe()
			var meanwhile func()
			site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: p}}}, map[string]action{
				"/start": func(st *sessions.Store, _ *http.Request) string { st.Session().Set("start", 0); return "" },
				"/first": func(st *sessions.Store, _ *http.Request) string {
					test.first(st.Session())
					meanwhile()
					return ""
				},
				"/other": func(st *sessions.Store, _ *http.Request) string { test.other(st.Session()); return "" },
				"/show":  func(st *sessions.Store, _ *http.Request) string { return show(st.Session()) },
			})
			b := site.browser()
			b.get("/start")
			twin := b.twin()
			meanwhile = func() { twin.get("/other") }
			if a := b.get("/first"); test.want == "error" {
				if a.StatusCode != http.StatusInternalServerError {
					t.Errorf("status %d, want 500", a.StatusCode)
				}
				return
			}
			b.want("/show", test.want)
		})
	}
}

func set(key string, value any) func(*sessions.Session) {
	return func(s *sessions.Session) { s.Set(key, value) }
}
func del(key string) func(*sessions.Session) { return func(s *sessions.Session) { s.Delete(key) } }
func incr(key string, n int64) func(*sessions.Session) {
	return func(s *sessions.Session) { s.Incr(key, n) }
}

// show prints all values, by key.
func show(s *sessions.Session) string {
	text := ""
	for key, value := range s.All() {
		if text != "" {
			text += " "
		}
		text += fmt.Sprintf("%s=%v", key, value)
	}
	return text
}

func TestFlashesAreTakenExactly(t *testing.T) {
	var pause func()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}}}, map[string]action{
		"/add": func(st *sessions.Store, _ *http.Request) string { st.Session().AddFlash("saved", "info"); return "" },
		"/take": func(st *sessions.Store, _ *http.Request) string {
			n := len(st.Session().Flashes())
			pause()
			return fmt.Sprint(n)
		},
	})
	b := site.browser()
	b.get("/add")
	twin := b.twin()
	pause = func() { twin.get("/add") } // the same words again
	b.want("/take", "1")
	pause = func() {}
	b.want("/take", "1")
	b.want("/take", "0")
}

func TestRetriesAreReported(t *testing.T) {
	p, retries := newProbe(), atomic.Int64{}
	var kinds []sessions.EventKind
	site := newSite(t, sessions.Config{
		Sessions: []sessions.Spec{{Backend: p}},
		OnEvent: func(e sessions.Event) {
			kinds = append(kinds, e.Kind)
			if e.Kind == sessions.EventRetried {
				retries.Add(int64(e.Retries))
			}
		},
	}, map[string]action{
		"/": func(st *sessions.Store, _ *http.Request) string { return fmt.Sprint(st.Session().Incr("n", 1)) },
	})
	b := site.browser()
	b.get("/")
	twin := b.twin()
	p.hook(func(method, _ string) {
		if method == "update" { // once, during the save
			p.hook(nil)
			twin.get("/")
		}
	})
	b.want("/", "2") // the value of the working copy
	b.want("/", "4")
	if retries.Load() != 1 || !slices.Contains(kinds, sessions.EventCreated) {
		t.Errorf("%d retries, events %v", retries.Load(), kinds)
	}
}
