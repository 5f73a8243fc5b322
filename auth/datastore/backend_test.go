package datastore_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/authtest"
	"github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

func TestBackend(t *testing.T) {
	authtest.Run(t, func(t *testing.T) auth.Backend {
		return datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{Timeout: time.Minute})
	})
}

// A Backend that takes over users of webapp2 keeps the same contract.
func TestBackendWithWebapp2(t *testing.T) {
	authtest.Run(t, func(t *testing.T) auth.Backend {
		client := datastoretest.Start(t).Client(t.Context())
		return datastore.New(client, datastore.Config{Timeout: time.Minute, Webapp2: &datastore.Webapp2{}})
	})
}

func newBackend(t *testing.T, timeout time.Duration) (*datastoretest.Server, *datastore.Backend) {
	t.Helper()
	server := datastoretest.Start(t)
	return server, datastore.New(server.Client(t.Context()), datastore.Config{Timeout: timeout})
}

// If the response to a commit that was applied is lost, the user exists, and no error says that
// the name is taken.
func TestLostReply(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.Internal, codes.Unknown, codes.Aborted} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			server, users := newBackend(t, time.Minute)
			lose := func() {
				var commits atomic.Int32
				server.LoseReply(func(method string) error {
					if method != "Commit" || commits.Add(1) != 1 {
						return nil
					}
					return status.Error(code, "the connection broke")
				})
			}
			lose()
			u := &auth.User{ID: "from-elsewhere", Name: "Joe", Roles: []string{"admin"}}
			if err := users.Create(t.Context(), u); err != nil || u.Version != 1 {
				t.Fatalf("Create: version %d, %v", u.Version, err)
			}
			lose()
			u.Name, u.Password = "Joseph", "hash"
			if err := users.Update(t.Context(), u); err != nil || u.Version != 2 {
				t.Fatalf("Update: version %d, %v", u.Version, err)
			}
			server.LoseReply(nil)
			got, err := users.ByLogin(t.Context(), "joseph")
			if err != nil || got.Version != 2 || got.Password != "hash" {
				t.Errorf("%+v, %v", got, err)
			}
			lose()
			if err := users.Delete(t.Context(), u); err != nil {
				t.Errorf("Delete: %v", err)
			}
			server.LoseReply(nil)
			if _, err := users.ByID(t.Context(), u.ID); !errors.Is(err, auth.ErrNotFound) {
				t.Errorf("after Delete: %v", err)
			}
		})
	}
}

// If Datastore does not respond, a call takes the timeout, not the client's minutes. A call
// that failed has changed nothing.
func TestDown(t *testing.T) {
	server, users := newBackend(t, 200*time.Millisecond)
	u := &auth.User{Name: "Joe"}
	server.Stop()
	for name, call := range map[string]func() error{
		"ByID":         func() error { _, err := users.ByID(t.Context(), "x"); return err },
		"ByLogin":      func() error { _, err := users.ByLogin(t.Context(), "x"); return err },
		"ByKey":        func() error { _, err := users.ByKey(t.Context(), "id:x"); return err },
		"Delete":       func() error { return users.Delete(t.Context(), &auth.User{ID: "x"}) },
		"List":         func() error { _, _, err := users.List(t.Context(), "", "", 1); return err },
		"List, prefix": func() error { _, _, err := users.List(t.Context(), "name:a", "", 1); return err },
		"Create":       func() error { return users.Create(t.Context(), u) },
		"Update":       func() error { return users.Update(t.Context(), &auth.User{ID: "x", Name: "x"}) },
	} {
		err := call()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "auth/datastore: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if u.ID != "" || u.Version != 0 || !u.Created.IsZero() {
		t.Errorf("a failed Create changed the user: %+v", u)
	}
	server.Restart()
	users = datastore.New(server.Client(t.Context()), datastore.Config{Timeout: time.Minute})
	if err := users.Create(t.Context(), u); err != nil {
		t.Error(err)
	}
}

func TestPermissionDenied(t *testing.T) {
	server, users := newBackend(t, time.Minute)
	server.Fail(func(string) error { return status.Error(codes.PermissionDenied, "no role") })
	if _, err := users.ByLogin(t.Context(), "joe"); status.Code(errors.Unwrap(err)) != codes.PermissionDenied {
		t.Errorf("%v", err)
	}
}

// Names and IDs that Datastore reserves or cannot store.
func TestHostileNames(t *testing.T) {
	_, users := newBackend(t, time.Minute)
	reserved := &auth.User{Name: "__name__"}
	if err := users.Create(t.Context(), reserved); err != nil {
		t.Fatal(err)
	}
	if got, err := users.ByLogin(t.Context(), "__NAME__"); err != nil || got.ID != reserved.ID {
		t.Errorf("%+v, %v", got, err)
	}
	long := strings.Repeat("x", 1501)
	for _, id := range []string{"__id__", long, "\xff"} {
		if _, err := users.ByID(t.Context(), id); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("ByID(%.20q): %v", id, err)
		}
		if err := users.Create(t.Context(), &auth.User{ID: id, Name: "Ann"}); err == nil {
			t.Errorf("Create with the ID %.20q", id)
		}
	}
	if _, err := users.ByLogin(t.Context(), long); !errors.Is(err, auth.ErrNotFound) {
		t.Error(err)
	}
	if err := users.Create(t.Context(), &auth.User{Name: long}); err == nil {
		t.Error("a name that is too long was kept")
	}
}

// A property that a later release adds does not keep users from logging in with an older one.
func TestUnknownProperty(t *testing.T) {
	server, users := newBackend(t, time.Minute)
	u := &auth.User{Name: "Joe"}
	if err := users.Create(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	client, key := server.Client(t.Context()), gcds.NameKey("User", u.ID, nil)
	var properties gcds.PropertyList
	if err := client.Get(t.Context(), key, &properties); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(t.Context(), key, new(append(properties, gcds.Property{Name: "later", Value: true}))); err != nil {
		t.Fatal(err)
	}
	got, err := users.ByLogin(t.Context(), "joe")
	if err != nil || got.Name != "Joe" {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := users.Update(t.Context(), got); err != nil {
		t.Error(err)
	}
}

func TestKindAndNamespace(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	for _, c := range []datastore.Config{{}, {Kind: "Person"}, {Namespace: "other"}} {
		if err := datastore.New(client, c).Create(t.Context(), &auth.User{Name: "Joe"}); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A commit that fails leaves nothing behind: no user without its keys, and no key without
// its user.
func TestFailedCommit(t *testing.T) {
	server, users := newBackend(t, time.Minute)
	ann := &auth.User{Name: "Ann", AuthIDs: []string{"google:1"}}
	if err := users.Create(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	server.Fail(func(method string) error {
		if method == "Commit" {
			return status.Error(codes.PermissionDenied, "no role")
		}
		return nil
	})
	bob := &auth.User{Name: "Bob", Email: "bob@example.com", Verified: true}
	renamed := ann.Clone()
	renamed.Name, renamed.AuthIDs = "Anna", nil
	for name, err := range map[string]error{
		"Create": users.Create(t.Context(), bob), "Update": users.Update(t.Context(), renamed), "Delete": users.Delete(t.Context(), ann.Clone()),
	} {
		if err == nil || errors.Is(err, auth.ErrNotFound) || errors.Is(err, auth.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Fail(nil)
	for key, want := range map[auth.Key]string{
		"name:ann": ann.ID, "id:google:1": ann.ID, "name:anna": "", "name:bob": "", "email:bob@example.com": "",
	} {
		if u, err := users.ByKey(t.Context(), key); (want == "") != errors.Is(err, auth.ErrNotFound) || err == nil && u.ID != want {
			t.Errorf("%s: %v, %v, want %q", key, u, err, want)
		}
	}
	for _, u := range []*auth.User{bob, renamed} {
		if u.Version > ann.Version {
			t.Errorf("a call that failed changed %v", u)
		}
	}
	if err := users.Create(t.Context(), bob); err != nil {
		t.Error(err)
	}
}
