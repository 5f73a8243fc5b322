package datastore_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/webapp2"
)

// hash is webapp2's hash of "correct horse".
const hash = "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"

var signedUp = time.Date(2012, 3, 4, 5, 6, 7, 8000, time.UTC)

// putOld writes what webapp2_extras.appengine.auth.models.User.create_user does: the
// user, an Expando with properties of the application's own, and its Unique rows.
func putOld(t *testing.T, client *gcds.Client, namespace string, id int64, password any, authIDs ...any) {
	t.Helper()
	key := gcds.IDKey("User", id, nil)
	key.Namespace = namespace
	old := gcds.PropertyList{
		{Name: "created", Value: signedUp},
		{Name: "updated", Value: signedUp.Add(time.Hour)},
		{Name: "auth_ids", Value: authIDs},
		{Name: "password", Value: password},
		{Name: "is_admin", Value: id == 2},
	}
	if _, err := client.Put(t.Context(), key, &old); err != nil {
		t.Fatal(err)
	}
	for _, authID := range authIDs {
		unique := gcds.NameKey("Unique", fmt.Sprint("User.auth_id:", authID), nil)
		unique.Namespace = namespace
		if _, err := client.Put(t.Context(), unique, &gcds.PropertyList{}); err != nil {
			t.Fatal(err)
		}
	}
}

// oldUsers returns a server with three users of webapp2.
func oldUsers(t *testing.T) (*datastoretest.Server, *gcds.Client) {
	t.Helper()
	server := datastoretest.Start(t)
	client := server.Client(t.Context())
	putOld(t, client, "", 5629499534213120, hash, "joe", "joe@example.com")
	putOld(t, client, "", 2, hash, "Ann")
	putOld(t, client, "", 3, nil, "google:3") // who never had a password
	return server, client
}

func migrating(client *gcds.Client, w datastore.Webapp2) *datastore.Backend {
	return datastore.New(client, datastore.Config{Kind: "Account", Timeout: time.Minute, Webapp2: &w})
}

func TestWebapp2LogIn(t *testing.T) {
	_, client := oldUsers(t)
	users := migrating(client, datastore.Webapp2{})
	passwords := &auth.Passwords{Legacy: webapp2.PasswordHashes{}.Verify, Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 64}}
	if _, err := passwords.LogIn(t.Context(), users, "joe", "wrong horse"); !errors.Is(err, auth.ErrCredentials) {
		t.Fatalf("LogIn with a wrong password: %v", err)
	}
	joe, err := passwords.LogIn(t.Context(), users, " JOE ", "correct horse")
	if err != nil || joe.ID != "5629499534213120" || !joe.Created.Equal(signedUp) || !strings.HasPrefix(joe.Password, "$argon2id$") {
		t.Fatalf("LogIn: %+v, %v", joe, err)
	}
	for _, name := range []string{"google:3", "nobody"} {
		if _, err := passwords.LogIn(t.Context(), users, name, ""); !errors.Is(err, auth.ErrCredentials) {
			t.Errorf("LogIn of %s: %v, want ErrCredentials", name, err)
		}
	}
	// Once taken over, they no longer need the old application.
	after := datastore.New(client, datastore.Config{Kind: "Account"})
	if again, err := (&auth.Passwords{}).LogIn(t.Context(), after, "joe", "correct horse"); err != nil || again.ID != joe.ID {
		t.Errorf("LogIn after the migration: %+v, %v", again, err)
	}
	if _, err := after.ByLogin(t.Context(), "Ann"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("ByLogin of a user who has not come over: %v", err)
	}
}

func TestWebapp2Lookup(t *testing.T) {
	_, client := oldUsers(t)
	putOld(t, client, "old", 7, hash, "mail:x", "own:Zoe")
	for name, tt := range map[string]struct {
		webapp2        datastore.Webapp2
		byName, byID   string
		wantID, wantAs string // "": not found
		noPassword     bool
	}{
		"name":                   {byName: "joe", wantID: "5629499534213120", wantAs: "joe"},
		"another auth id":        {byName: "joe@example.com", wantID: "5629499534213120", wantAs: "joe"},
		"as it was written":      {byName: " Ann ", wantID: "2", wantAs: "Ann"},
		"in another case":        {byName: "JOE", wantID: "5629499534213120", wantAs: "joe"},
		"number":                 {byID: "2", wantID: "2", wantAs: "Ann"},
		"prefix":                 {webapp2: datastore.Webapp2{Prefix: "own:", Namespace: "old"}, byName: "Zoe", wantID: "7", wantAs: "Zoe"},
		"number and prefix":      {webapp2: datastore.Webapp2{Prefix: "own:", Namespace: "old"}, byID: "7", wantID: "7", wantAs: "Zoe"},
		"without the prefix":     {webapp2: datastore.Webapp2{Prefix: "own:", Namespace: "old"}, byName: "mail:x"},
		"no such prefix":         {webapp2: datastore.Webapp2{Prefix: "x:", Namespace: "old"}, byID: "7", wantID: "7"},
		"another namespace":      {byName: "own:Zoe"},
		"another kind":           {webapp2: datastore.Webapp2{Kind: "Member"}, byName: "joe"},
		"no number":              {byID: "joe"},
		"a number's other form":  {byID: "02"},
		"a negative number":      {byID: "-2"},
		"no user":                {byID: "99"},
		"a login from elsewhere": {byID: "3", wantID: "3", wantAs: "", noPassword: true},
		"an old unique row":      {byName: "User.auth_id:joe"},
	} {
		t.Run(name, func(t *testing.T) {
			c := datastore.Config{Kind: strings.ReplaceAll(name, " ", "-"), Webapp2: &tt.webapp2}
			users := datastore.New(client, c)
			for range 2 { // first taken over, then found in the new store
				var u *auth.User
				var err error
				if tt.byID != "" {
					u, err = users.ByID(t.Context(), tt.byID)
				} else {
					u, err = users.ByLogin(t.Context(), tt.byName)
				}
				if tt.wantID == "" {
					if !errors.Is(err, auth.ErrNotFound) {
						t.Errorf("%+v, %v, want ErrNotFound", u, err)
					}
				} else if err != nil || u.ID != tt.wantID || u.Name != tt.wantAs || u.Password != hash && !tt.noPassword || u.Version != 1 {
					t.Errorf("%+v, %v, want %s as %s", u, err, tt.wantID, tt.wantAs)
				}
			}
		})
	}
}

// The name of an old user is taken, even if that user has not been taken over yet.
func TestWebapp2Names(t *testing.T) {
	_, client := oldUsers(t)
	users := migrating(client, datastore.Webapp2{})
	for _, name := range []string{"joe", "Joe", "joe@example.com", "Ann"} {
		if err := users.Create(t.Context(), &auth.User{Name: name}); !errors.Is(err, auth.ErrExists) {
			t.Errorf("Create(%q): %v, want ErrExists", name, err)
		}
	}
	kim := &auth.User{Name: "Kim"}
	if err := users.Create(t.Context(), kim); err != nil {
		t.Fatal(err)
	}
	kim.Name = "joe"
	if err := users.Update(t.Context(), kim); !errors.Is(err, auth.ErrExists) {
		t.Errorf("Update to the name of an old user: %v, want ErrExists", err)
	}
	joe, err := users.ByLogin(t.Context(), "joe")
	if err != nil {
		t.Fatal(err)
	}
	joe.Name = "joe@example.com" // another auth id of the same user
	if err := users.Update(t.Context(), joe); err != nil {
		t.Errorf("Update to another auth id: %v", err)
	}
	for _, name := range []string{"joe", "joe@example.com"} {
		if u, err := users.ByLogin(t.Context(), name); err != nil || u.ID != joe.ID {
			t.Errorf("ByLogin(%q): %+v, %v", name, u, err)
		}
	}
}

func TestWebapp2Convert(t *testing.T) {
	_, client := oldUsers(t)
	broken := errors.New("broken")
	users := migrating(client, datastore.Webapp2{Convert: func(old gcds.PropertyList, u *auth.User) error {
		for _, p := range old {
			if p.Name == "is_admin" && p.Value == true {
				u.Roles = []string{"admin"}
			}
		}
		switch u.ID {
		case "3":
			return fmt.Errorf("%w: disabled", auth.ErrNotFound)
		case "5629499534213120":
			return broken
		}
		return nil
	}})
	if ann, err := users.ByLogin(t.Context(), "Ann"); err != nil || !ann.Has("admin") {
		t.Errorf("%+v, %v, want the role", ann, err)
	}
	if _, err := users.ByKey(t.Context(), "id:google:3"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a user who was left out: %v, want ErrNotFound", err)
	}
	if _, err := users.ByLogin(t.Context(), "joe"); !errors.Is(err, broken) {
		t.Errorf("an error of Convert: %v", err)
	}
}

// TestWebapp2Race takes one user over many times at once, and fails at first.
func TestWebapp2Race(t *testing.T) {
	server, client := oldUsers(t)
	users := migrating(client, datastore.Webapp2{})
	server.Fail(func(method string) error {
		if method == "Commit" {
			return status.Error(codes.PermissionDenied, "no")
		}
		return nil
	})
	if _, err := users.ByLogin(t.Context(), "joe"); err == nil || errors.Is(err, auth.ErrNotFound) {
		t.Errorf("ByLogin while nothing can be written: %v", err)
	}
	server.Fail(nil)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			name := []string{"joe", "joe@example.com"}[i%2]
			if u, err := users.ByLogin(t.Context(), name); err != nil || u.ID != "5629499534213120" {
				t.Errorf("ByLogin(%q): %+v, %v", name, u, err)
			}
		})
	}
	wait.Wait()
}

// The address, all auth ids and the properties of an old user are taken over.
func TestWebapp2Whole(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	born := time.Date(1990, 5, 6, 0, 0, 0, 0, time.UTC)
	author := gcds.IDKey("Author", 7, gcds.NameKey("Shelf", "a", nil))
	put := func(id int64, properties ...gcds.Property) {
		t.Helper()
		list := gcds.PropertyList(properties)
		if _, err := client.Put(t.Context(), gcds.IDKey("User", id, nil), &list); err != nil {
			t.Fatal(err)
		}
	}
	put(5, gcds.Property{Name: "auth_ids", Value: []any{"own:ann@example.com", "google:123", "own:annie", "facebook:9"}},
		gcds.Property{Name: "password", Value: hash}, gcds.Property{Name: "created", Value: signedUp}, gcds.Property{Name: "updated", Value: signedUp},
		gcds.Property{Name: "email", Value: "Ann@Example.com"}, gcds.Property{Name: "email_verified", Value: true},
		gcds.Property{Name: "last_name", Value: "Lee"}, gcds.Property{Name: "born", Value: born}, gcds.Property{Name: "points", Value: int64(42)},
		gcds.Property{Name: "ratio", Value: 0.5}, gcds.Property{Name: "tags", Value: []any{"a", "b"}}, gcds.Property{Name: "author", Value: author},
		gcds.Property{Name: "settings", Value: []byte(`{"theme":"dark"}`), NoIndex: true}, gcds.Property{Name: "nothing", Value: nil},
		gcds.Property{Name: "secret", Value: "x"})
	put(6, gcds.Property{Name: "auth_ids", Value: "own:bob@example.com"}, gcds.Property{Name: "email", Value: "not an address"}, gcds.Property{Name: "password", Value: hash})
	put(7, gcds.Property{Name: "auth_ids", Value: "google:7"}, gcds.Property{Name: "place", Value: gcds.GeoPoint{Lat: 1}})
	put(8, gcds.Property{Name: "auth_ids", Value: []any{}})
	verified := func(old gcds.PropertyList, u *auth.User) error {
		u.Verified, _ = auth.Get[bool](u, "email_verified")
		return u.Set("email_verified", nil)
	}
	users := datastore.New(client, datastore.Config{Kind: "Account", Timeout: time.Minute, Webapp2: &datastore.Webapp2{
		Prefix: "own:", Ignore: []string{"secret"}, Convert: verified,
	}})

	// Before old users are taken over, no other user can have their names or addresses.
	for field, u := range map[string]*auth.User{
		"name":   {Name: "annie"},
		"authid": {Name: "eve", AuthIDs: []string{"facebook:9"}},
		"email":  {Email: "ann@example.com", Verified: true},
	} {
		err := users.Create(t.Context(), u)
		if exists, ok := errors.AsType[*auth.ExistsError](err); !ok || exists.Field() != field {
			t.Errorf("Create of the %s of an old user: %v", field, err)
		}
	}
	ann, err := users.ByKey(t.Context(), auth.EmailKey("ann@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	want := &auth.User{
		ID: "5", Name: "ann@example.com", Email: "Ann@example.com", Verified: true,
		AuthIDs: []string{"google:123", "own:annie", "facebook:9"}, Password: hash, Created: signedUp, Version: 1,
	}
	for key, value := range map[string]any{
		"last_name": "Lee", "born": born, "points": 42, "ratio": 0.5, "tags": []string{"a", "b"}, "author": "Shelf,a/Author,7", "settings": []byte(`{"theme":"dark"}`),
	} {
		if err := want.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(ann, want) {
		t.Errorf("%+v, want %+v", ann, want)
		for key, data := range ann.Properties {
			if !bytes.Equal(data, want.Properties[key]) {
				t.Errorf("%s: %q, want %q", key, data, want.Properties[key])
			}
		}
	}
	for _, key := range []auth.Key{"id:google:123", "id:facebook:9", "name:ann@example.com"} {
		if u, err := users.ByKey(t.Context(), key); err != nil || u.ID != "5" {
			t.Errorf("ByKey(%q): %v, %v", key, u, err)
		}
	}
	// A user who logs in by a name that is an address can still do so. The address is not
	// verified.
	bob, err := users.ByLogin(t.Context(), "Bob@example.com")
	if err != nil || bob.ID != "6" || bob.Email != "bob@example.com" || bob.Verified {
		t.Errorf("%+v, %v", bob, err)
	}
	if email, _ := auth.Get[string](bob, "email"); email != "not an address" {
		t.Errorf("the property email is %q", email)
	}
	if _, err := users.ByKey(t.Context(), "email:bob@example.com"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("an unverified address: %v", err)
	}
	if _, err := users.ByKey(t.Context(), "id:google:7"); err == nil || !strings.Contains(err.Error(), `"place"`) {
		t.Errorf("a property that cannot come over: %v", err)
	}
	if _, err := users.ByID(t.Context(), "8"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a user without an auth id: %v", err)
	}
	// New users get numbers that no old user has.
	numbered := datastore.New(client, datastore.Config{Kind: "Account", Timeout: time.Minute, Numbers: true, Webapp2: &datastore.Webapp2{}})
	kim := &auth.User{Name: "Kim"}
	if err := numbered.Create(t.Context(), kim); err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.ParseInt(kim.ID, 10, 64); err != nil || n <= 8 {
		t.Errorf("the number is %q", kim.ID)
	}
}
