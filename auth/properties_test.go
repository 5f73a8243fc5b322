package auth_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// Values that were set are returned with their types, also after the user was stored.
func TestProperties(t *testing.T) {
	type point struct{ X, Y int }
	u := &auth.User{Name: "ann"}
	at := time.Date(2026, 11, 29, 20, 0, 0, 5, time.UTC)
	for key, value := range map[string]any{
		"text": "naïve\x00\xff", "number": 7, "negative": -7, "float": 1.5, "bool": true, "bytes": []byte{0, 255},
		"time": at, "struct": point{1, 2}, "pointer": &point{3, 4}, "list": []string{"a", ""}, "map": map[string]int{"a": 1},
	} {
		if err := u.Set(key, value); err != nil {
			t.Errorf("Set(%q): %v", key, err)
		}
	}
	data, err := u.Properties.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	stored := &auth.User{}
	if err := stored.Properties.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	for _, u := range []*auth.User{u, u.Clone(), stored} {
		wantProperty(t, u, "text", "naïve\x00\xff")
		wantProperty(t, u, "number", 7)
		wantProperty(t, u, "number", int64(7))
		wantProperty(t, u, "number", any(int64(7)))
		wantProperty(t, u, "negative", any(int64(-7)))
		wantProperty(t, u, "float", 1.5)
		wantProperty(t, u, "bool", true)
		wantProperty(t, u, "bytes", []byte{0, 255})
		wantProperty(t, u, "time", at)
		wantProperty(t, u, "time", any(at))
		wantProperty(t, u, "struct", point{1, 2})
		wantProperty(t, u, "pointer", point{3, 4})
		wantProperty(t, u, "list", []string{"a", ""})
		wantProperty(t, u, "list", any([]any{"a", ""}))
		wantProperty(t, u, "map", map[string]int{"a": 1})
		if _, ok := auth.Get[int](u, "text"); ok {
			t.Error("a text was got as a number")
		}
		if _, ok := auth.Get[int8](u, "missing"); ok {
			t.Error("a missing property was got")
		}
	}
	before := u.Clone()
	if err := u.Set("text", nil); err != nil {
		t.Fatal(err)
	}
	if _, ok := auth.Get[string](u, "text"); ok {
		t.Error("a removed property is there")
	}
	wantProperty(t, before, "text", "naïve\x00\xff")
	if _, ok := auth.Get[string](nil, "text"); ok {
		t.Error("a nil user has a property")
	}
	if text := fmt.Sprintf("%v %+v %#v", u, u, *u); strings.Contains(text, "naïve") || !strings.Contains(text, "number") {
		t.Errorf("a user is printed as %s", text)
	}
}

func wantProperty[T any](t *testing.T, u *auth.User, key string, want T) {
	t.Helper()
	got, ok := auth.Get[T](u, key)
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("Get[%T](%q) = %v, %v, want %v", want, key, got, ok, want)
	}
}

// A value that cannot be stored is refused, and nothing changes.
func TestPropertiesRefuse(t *testing.T) {
	type ring struct{ Next *ring }
	self := &ring{}
	self.Next = self
	object := map[string]any{}
	object["self"] = object
	for name, value := range map[string]any{
		"a func": func() {}, "a channel": make(chan int), "a ring": self, "a map in itself": object,
		"much text": strings.Repeat("x", 64<<10), "many values": make([]int, 20_000),
	} {
		u := &auth.User{}
		if err := u.Set("key", value); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
		if u.Properties != nil {
			t.Errorf("%s was kept", name)
		}
	}
	u := &auth.User{}
	for i := range 100 {
		if err := u.Set(fmt.Sprint(i), i); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.Set("one more", 1); err == nil || len(u.Properties) != 100 {
		t.Errorf("property 101: %v, %d", err, len(u.Properties))
	}
	for _, key := range []string{"", strings.Repeat("k", 255)} {
		if err := (&auth.User{}).Set(key, 1); err == nil {
			t.Errorf("the key %.10q was kept", key)
		}
	}
	for _, data := range []string{"x", "\xa1", "\xa1\x61a", "\x80", "\xbf\xff"} {
		var p auth.Properties
		if err := p.UnmarshalBinary([]byte(data)); err == nil {
			t.Errorf("%q was decoded", data)
		}
	}
}
