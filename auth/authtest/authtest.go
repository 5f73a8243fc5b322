// Package authtest holds every auth.Store to the same contract.
package authtest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// Run tests a [auth.Store]. newStore is called once for each subtest and returns
// an empty store.
func Run(t *testing.T, newStore func(t *testing.T) auth.Store) {
	tests := map[string]func(t *testing.T, s auth.Store){
		"nobody":                   nobody,
		"create":                   create,
		"create keeps an old ID":   createKeepsID,
		"create an existing name":  createExisting,
		"create without a name":    createNameless,
		"names":                    names,
		"long input costs nothing": long,
		"update":                   update,
		"update an older version":  updateConflict,
		"update nobody":            updateNobody,
		"rename":                   rename,
		"rename to an existing":    renameExisting,
		"rename in case only":      renameCase,
		"rename in spaces only":    renameSpaces,
		"values are copies":        copies,
		"one of many creates wins": createRace,
		"one of many updates wins": updateRace,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newStore(t)) })
	}
}

func joe() *auth.User {
	u := &auth.User{Name: "Joe", Password: "hash", Roles: []string{"admin", "editor"}}
	u.Restamp()
	return u
}

// mustCreate returns u as it was created.
func mustCreate(t *testing.T, s auth.Store, u *auth.User) *auth.User {
	t.Helper()
	if err := s.Create(t.Context(), u); err != nil {
		t.Fatalf("Create(%q): %v", u.Name, err)
	}
	return u
}

func mustByID(t *testing.T, s auth.Store, id string) *auth.User {
	t.Helper()
	u, err := s.ByID(t.Context(), id)
	if err != nil {
		t.Fatalf("ByID(%q): %v", id, err)
	}
	return u
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// wantSame compares users.
func wantSame(t *testing.T, got, want *auth.User) {
	t.Helper()
	if !got.Created.Equal(want.Created) {
		t.Errorf("Created is %v, want %v", got.Created, want.Created)
	}
	if got.Credential() != want.Credential() {
		t.Error("the credential is another one: logins would end")
	}
	g, w := *got, *want
	g.Created, w.Created = time.Time{}, time.Time{}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got %+v, want %+v", g, w)
	}
}

func nobody(t *testing.T, s auth.Store) {
	for _, text := range []string{"", "nobody", "a/b", "\x00", "日本"} {
		_, err := s.ByID(t.Context(), text)
		wantErr(t, fmt.Sprintf("ByID(%q)", text), err, auth.ErrNotFound)
		_, err = s.ByName(t.Context(), text)
		wantErr(t, fmt.Sprintf("ByName(%q)", text), err, auth.ErrNotFound)
	}
}

func create(t *testing.T, s auth.Store) {
	u := mustCreate(t, s, joe())
	if u.ID == "" || u.Version == 0 || u.Created.IsZero() {
		t.Fatalf("Create left ID %q, Version %d, Created %v", u.ID, u.Version, u.Created)
	}
	if age := time.Since(u.Created).Abs(); age > time.Hour {
		t.Errorf("Created is %v from now", age)
	}
	wantSame(t, mustByID(t, s, u.ID), u)
	byName, err := s.ByName(t.Context(), "Joe")
	if err != nil {
		t.Fatalf("ByName: %v", err)
	}
	wantSame(t, byName, u)

	other := mustCreate(t, s, &auth.User{Name: "Ann"})
	if other.ID == u.ID {
		t.Errorf("two users have the ID %q", u.ID)
	}
	wantSame(t, mustByID(t, s, other.ID), other)
}

func createKeepsID(t *testing.T, s auth.Store) {
	created := time.Date(2012, 3, 4, 5, 6, 7, 0, time.UTC)
	u := mustCreate(t, s, &auth.User{ID: "5629499534213120", Name: "Old", Created: created})
	if u.ID != "5629499534213120" || !u.Created.Equal(created) {
		t.Errorf("Create changed ID to %q, Created to %v", u.ID, u.Created)
	}
	wantSame(t, mustByID(t, s, "5629499534213120"), u)
	second := &auth.User{ID: "5629499534213120", Name: "Other"}
	wantErr(t, "Create with an ID that is taken", s.Create(t.Context(), second), auth.ErrExists)
	_, err := s.ByName(t.Context(), "Other")
	wantErr(t, "the name of a refused user", err, auth.ErrNotFound)
}

func createExisting(t *testing.T, s auth.Store) {
	first := mustCreate(t, s, joe())
	second := &auth.User{Name: " JOE ", Password: "other"}
	wantErr(t, "Create", s.Create(t.Context(), second), auth.ErrExists)
	if second.ID != "" || second.Version != 0 || !second.Created.IsZero() {
		t.Errorf("a failed Create changed the user: %+v", second)
	}
	wantSame(t, mustByID(t, s, first.ID), first)
}

func createNameless(t *testing.T, s auth.Store) {
	if err := s.Create(t.Context(), &auth.User{Name: " "}); err == nil {
		t.Error("Create took a user without a name")
	}
}

func names(t *testing.T, s auth.Store) {
	u := mustCreate(t, s, &auth.User{Name: "Zoë K"})
	for _, name := range []string{"zoë k", "ZOË K", "  Zoë K\n", "Zoe\u0308 K", "zoë \u212a", "Zoë   K", "Zoë\u00a0K"} {
		got, err := s.ByName(t.Context(), name)
		if err != nil {
			t.Errorf("ByName(%q): %v", name, err)
			continue
		}
		wantSame(t, got, u)
	}
	same := &auth.User{Name: "zoë  \u212a"}
	wantErr(t, "Create of a name that looks the same", s.Create(t.Context(), same), auth.ErrExists)
	greek := mustCreate(t, s, &auth.User{Name: "Οδυσσευς"})
	if got, err := s.ByName(t.Context(), "ΟΔΥΣΣΕΥΣ"); err != nil {
		t.Errorf("ByName in capitals: %v", err)
	} else {
		wantSame(t, got, greek)
	}
	for _, name := range []string{"zoe k", "zoëk", "zoë"} {
		_, err := s.ByName(t.Context(), name)
		wantErr(t, fmt.Sprintf("ByName(%q)", name), err, auth.ErrNotFound)
	}
}

// long asks for names and IDs that are as long as a form: they are refused before any
// work is done on them.
func long(t *testing.T, s auth.Store) {
	u := mustCreate(t, s, joe())
	text := strings.Repeat("\ufdfa", 1<<20/3) // a character that NFKC makes eleven times as long
	for what, f := range map[string]func() error{
		"ByName":             func() error { _, err := s.ByName(t.Context(), text); return err },
		"ByID":               func() error { _, err := s.ByID(t.Context(), text); return err },
		"Create":             func() error { return s.Create(t.Context(), &auth.User{Name: text}) },
		"Create with an ID":  func() error { return s.Create(t.Context(), &auth.User{Name: "Kim", ID: text}) },
		"Update":             func() error { return s.Update(t.Context(), &auth.User{Name: text, ID: u.ID, Version: u.Version}) },
		"Update, another ID": func() error { return s.Update(t.Context(), &auth.User{Name: "Joe", ID: text, Version: 1}) },
	} {
		allocated := uint64(math.MaxUint64)
		for range 3 { // other goroutines allocate, too
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := f()
			runtime.ReadMemStats(&after)
			allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
			if err == nil || len(err.Error()) > 1024 {
				t.Errorf("%s with a text of %d bytes: %.200v", what, len(text), err)
			}
			if strings.HasPrefix(what, "By") {
				wantErr(t, what, err, auth.ErrNotFound)
			}
		}
		if allocated > 256<<10 {
			t.Errorf("%s with a text of %d bytes allocates %d KiB", what, len(text), allocated>>10)
		}
	}
	wantSame(t, mustByID(t, s, u.ID), u)
}

func copies(t *testing.T, s auth.Store) {
	u := mustCreate(t, s, joe())
	u.Roles[0] = "changed"
	got := mustByID(t, s, u.ID)
	if got.Roles[0] != "admin" {
		t.Fatal("the store keeps the caller's slice")
	}
	got.Roles[0] = "changed"
	if mustByID(t, s, u.ID).Roles[0] != "admin" {
		t.Fatal("the store hands out its own slice")
	}
}

func createRace(t *testing.T, s auth.Store) {
	won := race(t, auth.ErrExists, func() error { return s.Create(t.Context(), joe()) })
	if won != 1 {
		t.Errorf("%d of the Creates of one name won, want 1", won)
	}
}

func updateRace(t *testing.T, s auth.Store) {
	id := mustCreate(t, s, joe()).ID
	u := mustByID(t, s, id)
	won := race(t, auth.ErrConflict, func() error { return s.Update(t.Context(), u.Clone()) })
	if won != 1 {
		t.Errorf("%d of the Updates of one version won, want 1", won)
	}
}

// race runs f eight times at once and counts the successes; every other outcome
// must be refused.
func race(t *testing.T, refused error, f func() error) (won int) {
	t.Helper()
	errs := make(chan error, 8)
	var wg sync.WaitGroup
	for range cap(errs) {
		wg.Go(func() { errs <- f() })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, refused):
			t.Errorf("%v, want %v", err, refused)
		}
	}
	return won
}
