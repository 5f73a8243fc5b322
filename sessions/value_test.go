package sessions_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

type point struct {
	X, Y int
	Name string `json:"name"`
}

// Get gives the same type in the request that has set a value and in the next.
func TestTypesAreKept(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 30, 15, 123456789, time.FixedZone("", 3600))
	tests := []struct {
		name      string
		set, want any
	}{
		{"nil", nil, nil},
		{"bool", true, true},
		{"false", false, false},
		{"int", 42, int64(42)},
		{"negative int", -42, int64(-42)},
		{"least int64", int64(math.MinInt64), int64(math.MinInt64)},
		{"largest int64", int64(math.MaxInt64), int64(math.MaxInt64)},
		{"uint8", uint8(200), int64(200)},
		{"uint64 that fits", uint64(math.MaxInt64), int64(math.MaxInt64)},
		{"uint64 above", uint64(math.MaxInt64) + 1, uint64(math.MaxInt64) + 1},
		{"largest uint64", uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{"float64", 0.1, 0.1},
		{"whole float64", 3.0, 3.0},
		{"float32", float32(0.5), 0.5},
		{"infinity", math.Inf(-1), math.Inf(-1)},
		{"string", "grüße", "grüße"},
		{"empty string", "", ""},
		{"string that is no UTF-8", "\xff\x00", "\xff\x00"},
		{"long string", strings.Repeat("x", 1000), strings.Repeat("x", 1000)},
		{"bytes", []byte{0, 1, 255}, []byte{0, 1, 255}},
		{"empty bytes", []byte{}, []byte{}},
		{"time", at, at},
		{"time in UTC", at.UTC(), at.UTC()},
		{"time in a zone of the 19th century", at.In(time.FixedZone("LMT", 1172)), at},
		{"zero time", time.Time{}, time.Time{}},
		{"slice", []any{"a", 1, nil}, []any{"a", int64(1), nil}},
		{"typed slice", []string{"a", "b"}, []any{"a", "b"}},
		{"map", map[string]any{"b": 1, "a": []int{2}}, map[string]any{"a": []any{int64(2)}, "b": int64(1)}},
		{"struct", point{1, -2, "p"}, map[string]any{"X": int64(1), "Y": int64(-2), "name": "p"}},
		{"time in a map", map[string]any{"at": at}, map[string]any{"at": at}},
		{"pointer", new(7), int64(7)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check := func(st *sessions.Store, _ *http.Request) string {
				got := st.Session().Get("v")
				want := test.want
				if at, ok := got.(time.Time); ok && at.Equal(want.(time.Time)) {
					return ""
				}
				if m, ok := got.(map[string]any); ok && m["at"] != nil && m["at"].(time.Time).Equal(at) {
					return ""
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got %T %v, want %T %v", got, got, want, want)
				}
				return ""
			}
			site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}}}, map[string]action{
				"/set": func(st *sessions.Store, r *http.Request) string {
					st.Session().Set("v", test.set)
					return check(st, r)
				},
				"/get": check,
			})
			b := site.browser()
			b.get("/set")
			b.get("/get")
		})
	}
}

func TestTypedGet(t *testing.T) {
	_, r := recorder()
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	s := manager.Store(r).Session()
	s.Set("int", 7)
	s.Set("text", "seven")
	s.Set("struct", point{1, 2, "p"})
	s.Set("list", []point{{3, 4, "q"}})
	s.Set("map", map[int]string{1: "one"})
	s.Set("large", uint64(math.MaxUint64))
	s.Set("time", time.Unix(5, 6))
	s.Set("bytes", []byte("b"))
	s.Set("nil", nil)
	s.Set("duration", time.Minute)
	is(t, s, "int", 7, true)
	is(t, s, "int", int8(7), true)
	is(t, s, "int", int64(7), true)
	is(t, s, "int", uint64(7), true)
	is(t, s, "int", 7.0, true)
	is[any](t, s, "int", int64(7), true)
	is(t, s, "int", "", false)
	is(t, s, "int", false, false)
	is(t, s, "text", "seven", true)
	is(t, s, "text", 0, false)
	is(t, s, "text", time.Time{}, false)
	is(t, s, "struct", point{1, 2, "p"}, true)
	is(t, s, "list", []point{{3, 4, "q"}}, true)
	is(t, s, "map", map[int]string{1: "one"}, true)
	is(t, s, "large", uint64(math.MaxUint64), true)
	is(t, s, "large", int64(0), false)
	is(t, s, "large", int8(0), false)
	is(t, s, "bytes", []byte("b"), true)
	is(t, s, "nil", "", true)
	is(t, s, "duration", time.Minute, true)
	is(t, s, "none", 0, false)
	if at, ok := sessions.Get[time.Time](s, "time"); !ok || !at.Equal(time.Unix(5, 6)) {
		t.Errorf("time: %v %v", at, ok)
	}
	if err := s.Err(); err != nil {
		t.Errorf("what cannot be decoded is an error: %v", err)
	}
}

func is[T any](t *testing.T, s *sessions.Session, key string, want T, found bool) {
	t.Helper()
	if got, ok := sessions.Get[T](s, key); ok != found || !reflect.DeepEqual(got, want) {
		t.Errorf("%s as %T: %v %v, want %v %v", key, want, got, ok, want, found)
	}
}

// The value that Get returns belongs to the caller: changing it does not change the session.
func TestValuesAreNotShared(t *testing.T) {
	_, r := recorder()
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	s := manager.Store(r).Session()
	list := []any{"a"}
	s.Set("list", list)
	s.Set("bytes", []byte("abc"))
	list[0] = "changed"
	s.Get("list").([]any)[0] = "changed"
	copied, _ := sessions.Get[[]byte](s, "bytes")
	copied[0] = 'x'
	s.Get("bytes").([]byte)[1] = 'x'
	if got := fmt.Sprintf("%v %s", s.Get("list"), s.Get("bytes")); got != "[a] abc" {
		t.Error(got)
	}
}

func TestValuesThatCannotBeKept(t *testing.T) {
	deep := []any{}
	for range 40 {
		deep = []any{deep}
	}
	tests := []struct {
		name string
		do   func(s *sessions.Session)
		want string
	}{
		{"channel", set("v", make(chan int)), `sessions: session "session": cannot set v: `},
		{"func in a struct", set("v", struct{ F func() }{}), "cannot set v"},
		{"nested too deep", set("v", deep), "nested deeper than 32"},
		{"too large", set("v", make([]byte, 2<<20)), "too large"},
		{"too large a string", set("v", strings.Repeat("x", 2<<20)), "too large"},
		{"too large together", func(s *sessions.Session) {
			for i := range 3 {
				s.Set(fmt.Sprint(i), make([]byte, 500<<10))
			}
		}, "too large"},
		{"flash", func(s *sessions.Session) { s.AddFlash(func() {}, "") }, "cannot keep a flash"},
		{"increment of a text", func(s *sessions.Session) { s.Set("v", "text"); s.Incr("v", 1) }, "cannot increment v: its value is not an integer"},
		{"increment past the end", func(s *sessions.Session) { s.Set("v", math.MaxInt64); s.Incr("v", 1) }, "does not fit"},
		{"decrement past the end", func(s *sessions.Session) { s.Set("v", math.MinInt64); s.Incr("v", -1) }, "does not fit"},
		{"update", func(s *sessions.Session) {
			sessions.Update(s, "v", func(any) any { return func() {} })
		}, "cannot update v"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}}}, map[string]action{
				"/": func(st *sessions.Store, _ *http.Request) string {
					st.Session().Set("before", true)
					test.do(st.Session())
					return ""
				},
			})
			a := site.browser().get("/")
			if a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, test.want) {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if a.Header["Set-Cookie"] != nil {
				t.Error("half of it was kept")
			}
		})
	}
}

func TestErrSticks(t *testing.T) {
	_, r := recorder()
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	s := manager.Store(r).Session()
	s.Set("first", make(chan int))
	s.Set("second", make(chan int))
	s.Set("third", 3)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "set first") || errors.Is(err, sessions.ErrHeaderWritten) {
		t.Errorf("%v", err)
	}
}
