// Package authtest has the tests that every [auth.Backend] must pass:
//
//	func TestBackend(t *testing.T) {
//		authtest.Run(t, func(t *testing.T) auth.Backend { return newBackend(t) })
//	}
package authtest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// Run tests an [auth.Backend]. It calls newBackend once for each subtest, which returns an
// empty Backend.
func Run(t *testing.T, newBackend func(t *testing.T) auth.Backend) {
	tests := map[string]func(t *testing.T, b auth.Backend){
		"nobody":                               nobody,
		"create":                               create,
		"create keeps an old ID":               createKeepsID,
		"create refuses what is taken":         createTaken,
		"create refuses what has no key":       createKeyless,
		"names":                                names,
		"keys":                                 keys,
		"long input costs nothing":             long,
		"update":                               update,
		"update an older version":              updateConflict,
		"update nobody":                        updateNobody,
		"rename":                               rename,
		"rename to an existing":                renameExisting,
		"rename in case only":                  renameCase,
		"rename in spaces only":                renameSpaces,
		"change every key":                     changeKeys,
		"delete":                               deleteUser,
		"an ID that is used again":             idAgain,
		"values are copies":                    copies,
		"list":                                 list,
		"list while users come and go":         listMeanwhile,
		"race: creating one name":              createRace,
		"race: creating one address":           createEmailRace,
		"race: updates of one version":         updateRace,
		"race: changing to one address":        changeRace,
		"race: a new address against its user": signUpAgainstChange,
		"race: two users swap names":           swapRace,
		"race: deletion against update":        deleteAgainstUpdate,
		"race: deletion against creation":      deleteAgainstCreate,
		"race: uses of one token":              tokenRace,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newBackend(t)) })
	}
}

// joe returns a user with all fields.
func joe() *auth.User {
	u := &auth.User{
		Name: "Joe", Email: "Joe@example.com", Verified: true, AuthIDs: []string{"google:1", "own:joe"},
		Password: "hash", Roles: []string{"admin", "editor"}, Links: 3,
	}
	if err := errors.Join(u.Set("theme", "dark"), u.Set("lines", 25)); err != nil {
		panic(err)
	}
	u.Restamp()
	return u
}

// joesKeys are the keys of joe.
var joesKeys = []auth.Key{"email:joe@example.com", "id:google:1", "id:own:joe", "name:joe"}

// mustCreate returns u as it was created.
func mustCreate(t *testing.T, b auth.Backend, u *auth.User) *auth.User {
	t.Helper()
	if err := b.Create(t.Context(), u); err != nil {
		t.Fatalf("Create(%q): %v", u.Name, err)
	}
	return u
}

func mustByID(t *testing.T, b auth.Backend, id string) *auth.User {
	t.Helper()
	u, err := b.ByID(t.Context(), id)
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

// wantExists checks that err names what is taken.
func wantExists(t *testing.T, what string, err error, field string) {
	t.Helper()
	exists, ok := errors.AsType[*auth.ExistsError](err)
	if !ok || !errors.Is(err, auth.ErrExists) || exists.Field() != field {
		t.Errorf("%s: %v, want an ExistsError of %s", what, err, field)
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

// wantKeys checks whose the keys are; a nil user is nobody.
func wantKeys(t *testing.T, b auth.Backend, u *auth.User, keys ...auth.Key) {
	t.Helper()
	for _, key := range keys {
		got, err := b.ByKey(t.Context(), key)
		switch {
		case u == nil && !errors.Is(err, auth.ErrNotFound):
			t.Errorf("ByKey(%q): %v, %v, want nobody", key, got, err)
		case u != nil && err != nil:
			t.Errorf("ByKey(%q): %v", key, err)
		case u != nil && got.ID != u.ID:
			t.Errorf("ByKey(%q) is the user %q, want %q", key, got.ID, u.ID)
		}
	}
}

func nobody(t *testing.T, b auth.Backend) {
	for _, text := range []string{"", "nobody", "a/b", "\x00", "日本", "__x__", "\xff"} {
		_, err := b.ByID(t.Context(), text)
		wantErr(t, fmt.Sprintf("ByID(%q)", text), err, auth.ErrNotFound)
		wantKeys(t, b, nil, auth.NameKey(text), auth.EmailKey(text), auth.AuthIDKey(text), auth.Key(text))
	}
	users, next, err := b.List(t.Context(), "", "", 10)
	if len(users) != 0 || next != "" || err != nil {
		t.Errorf("List: %v, %q, %v", users, next, err)
	}
	wantErr(t, "Delete", b.Delete(t.Context(), &auth.User{ID: "nobody", Version: 1}), auth.ErrNotFound)
}

func create(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	if u.ID == "" || u.Version == 0 || u.Created.IsZero() {
		t.Fatalf("Create left ID %q, Version %d, Created %v", u.ID, u.Version, u.Created)
	}
	if age := time.Since(u.Created).Abs(); age > time.Hour {
		t.Errorf("Created is %v from now", age)
	}
	wantSame(t, mustByID(t, b, u.ID), u)
	for _, key := range joesKeys {
		byKey, err := b.ByKey(t.Context(), key)
		if err != nil {
			t.Fatalf("ByKey(%q): %v", key, err)
		}
		wantSame(t, byKey, u)
	}
	if theme, ok := auth.Get[string](mustByID(t, b, u.ID), "theme"); theme != "dark" || !ok {
		t.Errorf("the property is %q, %v", theme, ok)
	}

	other := mustCreate(t, b, &auth.User{Name: "Ann", Disabled: true})
	if other.ID == u.ID {
		t.Errorf("two users have the ID %q", u.ID)
	}
	wantSame(t, mustByID(t, b, other.ID), other)
}

func createKeepsID(t *testing.T, b auth.Backend) {
	created := time.Date(2012, 3, 4, 5, 6, 7, 0, time.UTC)
	u := mustCreate(t, b, &auth.User{ID: "5629499534213120", Name: "Old", Created: created})
	if u.ID != "5629499534213120" || !u.Created.Equal(created) {
		t.Errorf("Create changed ID to %q, Created to %v", u.ID, u.Created)
	}
	wantSame(t, mustByID(t, b, "5629499534213120"), u)
	second := &auth.User{ID: "5629499534213120", Name: "Other"}
	wantExists(t, "Create with an ID that is taken", b.Create(t.Context(), second), "id")
	wantKeys(t, b, nil, "name:other")
}

func createTaken(t *testing.T, b auth.Backend) {
	first := mustCreate(t, b, joe())
	for field, second := range map[string]*auth.User{
		"name":   {Name: " JOE ", Email: "new@example.com", Verified: true, AuthIDs: []string{"new:1"}},
		"email":  {Name: "New", Email: "JOE@example.com", Verified: true, AuthIDs: []string{"new:1"}},
		"authid": {Name: "New", Email: "new@example.com", Verified: true, AuthIDs: []string{"new:1", "own:joe"}},
	} {
		before := second.Clone()
		wantExists(t, "Create with a taken "+field, b.Create(t.Context(), second), field)
		if !reflect.DeepEqual(second, before) {
			t.Errorf("a failed Create changed the user: %+v", second)
		}
		wantKeys(t, b, nil, "name:new", "email:new@example.com", "id:new:1")
	}
	wantSame(t, mustByID(t, b, first.ID), first)
	// An unverified address keeps nobody away.
	mustCreate(t, b, &auth.User{Name: "Eve", Email: "joe@example.com"})
	wantKeys(t, b, first, joesKeys...)
}

func createKeyless(t *testing.T, b auth.Backend) {
	for _, u := range []*auth.User{{}, {Name: " "}, {Email: "ann@example.com"}, {Name: "Ann", AuthIDs: []string{""}}, {Name: "Ann", ID: strings.Repeat("x", auth.MaxID+1)}} {
		if err := b.Create(t.Context(), u); err == nil {
			t.Errorf("Create kept %+v", u)
		}
	}
	u := mustCreate(t, b, joe())
	before := u.Clone()
	u.Name, u.AuthIDs, u.Verified = "", nil, false
	if err := b.Update(t.Context(), u); err == nil {
		t.Error("Update kept a user without a key")
	}
	wantSame(t, mustByID(t, b, u.ID), before)
}

func names(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, &auth.User{Name: "Zoë K"})
	for _, name := range []string{"zoë k", "ZOË K", "  Zoë K\n", "Zoe\u0308 K", "zoë \u212a", "Zoë   K", "Zoë\u00a0K"} {
		wantKeys(t, b, u, auth.NameKey(name))
	}
	same := &auth.User{Name: "zoë  \u212a"}
	wantExists(t, "Create of a name that looks the same", b.Create(t.Context(), same), "name")
	greek := mustCreate(t, b, &auth.User{Name: "Οδυσσευς"})
	wantKeys(t, b, greek, auth.NameKey("ΟΔΥΣΣΕΥΣ"))
	wantKeys(t, b, nil, auth.NameKey("zoe k"), auth.NameKey("zoëk"), auth.NameKey("zoë"))
	mustCreate(t, b, &auth.User{Name: "__name__"})
}

// keys looks for keys of one kind under another, and for what people type to log in.
func keys(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	ann := mustCreate(t, b, &auth.User{Name: "google:1", AuthIDs: []string{"Google:1"}})
	old := mustCreate(t, b, &auth.User{Name: "Kim@example.com"}) // of an older system
	wantKeys(t, b, ann, "name:google:1", "id:Google:1")
	wantKeys(t, b, nil, "name:joe@example.com", "name:own:joe", "id:GOOGLE:1", "joe", "google:1", "")
	for text, want := range map[string]*auth.User{
		" JOE": u, "JOE@example.com": u, "google:1": ann, "Google:1": ann, "kim@EXAMPLE.com": old,
		"": nil, "own:joe": nil, "name:joe": nil, "joe@example.org": nil, "kim": nil,
	} {
		got, err := b.ByLogin(t.Context(), text)
		if want == nil && !errors.Is(err, auth.ErrNotFound) || want != nil && (err != nil || got.ID != want.ID) {
			t.Errorf("ByLogin(%q): %v, %v, want %v", text, got, err, want)
		}
	}
	mustCreate(t, b, &auth.User{Email: "kim@example.com", Verified: true})
	if got, err := b.ByLogin(t.Context(), "kim@example.com"); err != nil || got.ID == old.ID {
		t.Errorf("ByLogin of a verified address: %v, %v", got, err)
	}
}

// long uses names and IDs that are as long as a form: they are refused before any work is
// done on them.
func long(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	text := strings.Repeat("\ufdfa", 1<<20/3) // a character that NFKC makes eleven times as long
	address := "ann@" + text
	for what, f := range map[string]func() error{
		"ByLogin, name":    func() error { _, err := b.ByLogin(t.Context(), text); return err },
		"ByLogin, address": func() error { _, err := b.ByLogin(t.Context(), address); return err },
		"ByKey, auth id":   func() error { _, err := b.ByKey(t.Context(), auth.AuthIDKey(text)); return err },
		"ByKey":            func() error { _, err := b.ByKey(t.Context(), auth.Key(text)); return err },
		"ByID":             func() error { _, err := b.ByID(t.Context(), text); return err },
		"Create":           func() error { return b.Create(t.Context(), &auth.User{Name: text}) },
		"Create, ID":       func() error { return b.Create(t.Context(), &auth.User{Name: "Kim", ID: text}) },
		"Create, auth id": func() error {
			return b.Create(t.Context(), &auth.User{Name: "Kim", AuthIDs: []string{text}})
		},
		"Update":     func() error { return b.Update(t.Context(), &auth.User{Name: text, ID: u.ID, Version: u.Version}) },
		"Update, ID": func() error { return b.Update(t.Context(), &auth.User{Name: "Joe", ID: text, Version: 1}) },
		"Delete, ID": func() error { return b.Delete(t.Context(), &auth.User{ID: text, Version: 1}) },
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
	wantSame(t, mustByID(t, b, u.ID), u)
}

func copies(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	change := func(u *auth.User) {
		u.Roles[0], u.AuthIDs[0], u.Properties["theme"][1] = "changed", "changed", 'x'
	}
	change(u)
	got := mustByID(t, b, u.ID)
	wantUnchanged := func(u *auth.User, what string) {
		t.Helper()
		theme, _ := auth.Get[string](u, "theme")
		if u.Roles[0] != "admin" || u.AuthIDs[0] != "google:1" || theme != "dark" {
			t.Fatalf("%s: %v", what, u)
		}
	}
	wantUnchanged(got, "the backend keeps the caller's values")
	change(got)
	wantUnchanged(mustByID(t, b, u.ID), "the backend hands out its own values")
}

// list reads pages of all users, and of those with a prefix.
func list(t *testing.T, b auth.Backend) {
	want := map[string]bool{}
	for i := range 25 {
		u := &auth.User{Name: fmt.Sprintf("Ann %02d", i), AuthIDs: []string{fmt.Sprint("x:", i)}}
		if i%5 == 0 {
			u.Name, u.Email, u.Verified = fmt.Sprintf("Bob %02d", i), fmt.Sprintf("bob%02d@example.com", i), true
		}
		want[mustCreate(t, b, u).ID] = true
	}
	all := pages(t, b, "", 7)
	var ids []string
	for _, u := range all {
		ids = append(ids, u.ID)
		delete(want, u.ID)
	}
	if len(all) != 25 || len(want) != 0 || !slices.IsSorted(ids) {
		t.Errorf("%d users, %d are missing, in the order of IDs: %v", len(all), len(want), slices.IsSorted(ids))
	}
	for prefix, n := range map[auth.Key]int{
		auth.NamePrefix("ANN"): 20, auth.NamePrefix("bob 0"): 2, auth.NamePrefix("Bob 05"): 1, auth.NamePrefix("c"): 0,
		auth.EmailPrefix("BOB"): 5, auth.EmailPrefix("bob0"): 2, auth.NamePrefix(""): 25, auth.EmailPrefix(""): 5,
	} {
		for _, limit := range []int{1, 3, 100, 0, -1, 1000} {
			got := pages(t, b, prefix, limit)
			sorted := slices.IsSortedFunc(got, func(a, b *auth.User) int { return strings.Compare(a.Name, b.Name) })
			if len(got) != n || !sorted {
				t.Errorf("List(%q) by %d: %d users, sorted: %v, want %d", prefix, limit, len(got), sorted, n)
			}
		}
	}
	u := mustCreate(t, b, joe())
	for _, got := range pages(t, b, auth.NamePrefix("joe"), 10) {
		wantSame(t, got, u)
	}
}

// pages returns what all pages together hold.
func pages(t *testing.T, b auth.Backend, prefix auth.Key, limit int) (all []*auth.User) {
	t.Helper()
	after := ""
	for range 1000 {
		users, next, err := b.List(t.Context(), prefix, after, limit)
		if err != nil {
			t.Fatalf("List(%q, %q, %d): %v", prefix, after, limit, err)
		}
		if len(users) > auth.MaxPage || limit > 0 && len(users) > limit {
			t.Errorf("a page of %d users, the limit is %d", len(users), limit)
		}
		all = append(all, users...)
		if next == "" {
			return all
		}
		after = next
	}
	t.Fatal("List does not end")
	return nil
}

func listMeanwhile(t *testing.T, b auth.Backend) {
	var users []*auth.User
	for i := range 20 {
		users = append(users, mustCreate(t, b, &auth.User{Name: fmt.Sprintf("Ann %02d", i)}))
	}
	first, next, err := b.List(t.Context(), auth.NamePrefix("ann"), "", 5)
	if err != nil || len(first) != 5 {
		t.Fatalf("%d users, %v", len(first), err)
	}
	mustCreate(t, b, &auth.User{Name: "Ann 00 b"})
	for _, u := range users[3:8] {
		if err := b.Delete(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	rest := map[string]bool{}
	for next != "" {
		var page []*auth.User
		if page, next, err = b.List(t.Context(), auth.NamePrefix("ann"), next, 5); err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			rest[u.Name] = true
		}
	}
	if len(rest) != 12 || rest["Ann 00"] || rest["Ann 07"] || !rest["Ann 08"] || !rest["Ann 19"] {
		t.Errorf("the other pages have %v", rest)
	}
}
