package datastore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

func TestUser(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	of := func(user string) sessions.Record {
		r := record("x")
		r.User = user
		return r
	}
	mine, kept, theirs, nobodys := create(t, backend, of("joe")), create(t, backend, of("joe")), create(t, backend, of("jim")), create(t, backend, of(""))
	expired := of("joe")
	expired.Expires = time.Now().Add(-time.Minute)
	create(t, backend, expired)
	// A tombstone has no user.
	renewed := create(t, backend, of("joe"))
	tombstone := load(t, backend, renewed)
	tombstone.User = ""
	if _, err := backend.Update(t.Context(), renewed, tombstone); err != nil {
		t.Fatal(err)
	}

	infos, err := backend.Sessions(t.Context(), "joe")
	if err != nil || len(infos) != 2 {
		t.Fatalf("Sessions: %v, %v, want two", infos, err)
	}
	for _, info := range infos {
		if info.ID != mine && info.ID != kept || info.Expires.IsZero() {
			t.Errorf("Sessions has %+v", info)
		}
	}
	if err := backend.EndUser(t.Context(), "joe", kept); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.Load(t.Context(), mine); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load of a session that was ended: %v", err)
	}
	for _, id := range []string{kept, theirs, nobodys, renewed} {
		load(t, backend, id)
	}
	for _, user := range []string{"", "nobody"} {
		if infos, err := backend.Sessions(t.Context(), user); err != nil || len(infos) != 0 {
			t.Errorf("Sessions of %q: %v, %v, want none", user, infos, err)
		}
		if err := backend.EndUser(t.Context(), user); err != nil {
			t.Errorf("EndUser of %q: %v", user, err)
		}
	}
	load(t, backend, nobodys)
}

func TestExpired(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	r := record("x")
	id := create(t, backend, r)
	live := load(t, backend, id)
	live.Expires = time.Now().Add(-time.Second)
	if _, err := backend.Update(t.Context(), id, live); err != nil {
		t.Fatal(err)
	}
	live.Version++
	live.Expires = r.Expires
	if _, err := backend.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load of what has expired: %v", err)
	}
	if _, err := backend.Update(t.Context(), id, live); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Update of what has expired: %v", err)
	}
	if err := backend.Create(t.Context(), id, record("new")); err != nil {
		t.Errorf("Create over what has expired: %v", err)
	}
	if _, err := backend.Update(t.Context(), id, live); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("Update of a version from before: %v", err)
	}
}

func TestDeleteExpired(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	live := create(t, backend, record("live"))
	const expired = 105 // more than one batch
	for i := range expired {
		create(t, backend, sessions.Record{Data: fmt.Append(nil, i), Expires: time.Now().Add(-time.Minute)})
	}
	for _, step := range []struct{ limit, want int }{{-1, 0}, {0, 0}, {3, 3}, {1000, expired - 3}, {1000, 0}} {
		if n, err := backend.DeleteExpired(t.Context(), step.limit); n != step.want || err != nil {
			t.Errorf("DeleteExpired(%d) deleted %d, %v, want %d", step.limit, n, err, step.want)
		}
	}
	load(t, backend, live)
}

// TestRenewedBeforeDelete renews a session between the query and the deletion.
func TestRenewedBeforeDelete(t *testing.T) {
	server := datastoretest.Start(t)
	backend := datastore.New(server.Client(t.Context()), datastore.Config{})
	id := create(t, backend, sessions.Record{Data: []byte("x"), Expires: time.Now().Add(-time.Second)})
	server.LoseReply(func(method string) error {
		if method == "RunQuery" {
			server.LoseReply(nil)
			if err := backend.Create(t.Context(), id, record("renewed")); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if n, err := backend.DeleteExpired(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("DeleteExpired: %d, %v, want 0", n, err)
	}
	load(t, backend, id)
}

func TestTTLPolicy(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	backend := datastore.New(client, datastore.Config{TTLPolicy: true})
	create(t, backend, sessions.Record{Data: []byte("x"), Expires: time.Now().Add(-time.Minute)})
	if _, err := backend.DeleteExpired(t.Context(), 10); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("DeleteExpired: %v, want ErrUnsupported", err)
	}
	if n, err := datastore.New(client, datastore.Config{}).DeleteExpired(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("expires is indexed: %d found, %v", n, err)
	}
}
