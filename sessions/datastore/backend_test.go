package datastore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"sort"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

func newID() string {
	var id [32]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func record(data string) sessions.Record {
	return sessions.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)}
}

// create keeps a record under a new id.
func create(t *testing.T, b sessions.Backend, r sessions.Record) (id string) {
	t.Helper()
	id = newID()
	if err := b.Create(t.Context(), id, r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return id
}

func load(t *testing.T, b sessions.Backend, id string) sessions.Record {
	t.Helper()
	r, err := b.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return r
}

func TestRecord(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	want := sessions.Record{Data: []byte("data"), User: "joe", Expires: time.Now().Add(time.Hour)}
	id := create(t, backend, want)
	want.Data[0] = 'x' // the slice of the caller, not that of the backend
	got := load(t, backend, id)
	if string(got.Data) != "data" || got.User != "joe" || got.Version == 0 || got.Expires.Sub(want.Expires).Abs() > time.Microsecond {
		t.Errorf("Load: %+v, want what was created", got)
	}
	got.Data, got.User = nil, newID()
	if _, err := backend.Update(t.Context(), id, got); err != nil {
		t.Fatalf("Update without data: %v", err)
	}
	if empty := load(t, backend, id); len(empty.Data) != 0 || empty.User != got.User {
		t.Errorf("Load: %+v, want no data and user %s", empty, got.User)
	}
	if err := backend.Create(t.Context(), newID(), sessions.Record{Data: []byte("x")}); err == nil {
		t.Error("a record that never expires was kept")
	}
}

// TestReservedName has an id that Datastore does not accept as a name.
func TestReservedName(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	id := "__" + newID()[:39] + "__"
	if err := backend.Create(t.Context(), id, record("x")); err != nil {
		t.Fatal(err)
	}
	load(t, backend, id)
}

// TestContract runs the whole suite. With -short, it runs a tenth of its races.
func TestContract(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	sessionstest.Run(t, func(*testing.T) sessions.Backend {
		return datastore.New(client, datastore.Config{Timeout: time.Minute})
	})
}

// TestCreatedAgain keeps a version while its id is deleted and created again.
func TestCreatedAgain(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	id := create(t, backend, record("first"))
	old := load(t, backend, id)
	if err := backend.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := backend.Create(t.Context(), id, record("second")); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.Update(t.Context(), id, old); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("Update of a version from before: %v, want ErrConflict", err)
	}
}

func TestKindAndNamespace(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	backend := datastore.New(client, datastore.Config{})
	id := create(t, backend, sessions.Record{Data: []byte("x"), User: "joe", Expires: time.Now().Add(-time.Hour)})
	for name, c := range map[string]datastore.Config{
		"kind":      {Kind: "Other"},
		"namespace": {Namespace: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			other := datastore.New(client, c)
			if n, err := other.DeleteExpired(t.Context(), 9); n != 0 || err != nil {
				t.Errorf("DeleteExpired deleted %d of another place: %v", n, err)
			}
			r := record("theirs")
			r.User = "joe"
			if err := other.Create(t.Context(), id, r); err != nil {
				t.Fatalf("Create of an id that another place has: %v", err)
			}
			if infos, err := other.Sessions(t.Context(), "joe"); len(infos) != 1 || err != nil {
				t.Errorf("Sessions: %v, %v, want the one of this place", infos, err)
			}
		})
	}
}

// TestTooLarge writes the largest record that Backend accepts, which the server must accept
// too, and one that is a byte larger.
func TestTooLarge(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	id := create(t, backend, record("small"))
	r := load(t, backend, id)
	fits := func(size int) bool {
		err := backend.Create(t.Context(), newID(), sessions.Record{Data: make([]byte, size), Expires: r.Expires})
		if err != nil && !errors.Is(err, sessions.ErrTooLarge) {
			t.Fatalf("Create with %d bytes: %v", size, err)
		}
		return err == nil
	}
	const enough = 1_000_000
	size := enough + sort.Search(100_000, func(n int) bool { return !fits(enough + n) }) - 1
	if size < enough {
		t.Fatalf("%d bytes of data do not fit", enough)
	}
	r.Data = make([]byte, size)
	version, err := backend.Update(t.Context(), id, r)
	if err != nil {
		t.Fatalf("Update with %d bytes: %v", size, err)
	}
	r.Version = version
	r.Data = append(r.Data, 'x')
	if _, err := backend.Update(t.Context(), id, r); !errors.Is(err, sessions.ErrTooLarge) {
		t.Errorf("Update with %d bytes: %v, want ErrTooLarge", size+1, err)
	}
	if got := load(t, backend, id); len(got.Data) != size {
		t.Errorf("%d bytes are kept of %d", len(got.Data), size)
	}
	r.Data, r.User = nil, string(bytes.Repeat([]byte("x"), 1501))
	if _, err := backend.Update(t.Context(), id, r); !errors.Is(err, sessions.ErrTooLarge) {
		t.Errorf("Update with a user of 1501 bytes: %v, want ErrTooLarge", err)
	}
}

// TestCosts counts the calls that the package's documentation states.
func TestCosts(t *testing.T) {
	server := datastoretest.Start(t)
	backend := datastore.New(server.Client(t.Context()), datastore.Config{})
	var id string
	var r sessions.Record
	for _, step := range []struct {
		name string
		do   func()
		want map[string]int
	}{
		{"Create", func() { id = create(t, backend, record("x")) }, map[string]int{"Commit": 1}},
		{"Load", func() { r = load(t, backend, id) }, map[string]int{"Lookup": 1}},
		{"Update", func() {
			if _, err := backend.Update(t.Context(), id, r); err != nil {
				t.Error(err)
			}
		}, map[string]int{"BeginTransaction": 1, "Lookup": 1, "Commit": 1}},
		{"conflict", func() {
			if _, err := backend.Update(t.Context(), id, r); !errors.Is(err, sessions.ErrConflict) {
				t.Error(err)
			}
			for server.Calls()["Rollback"] == 0 { // which Update does not wait for
				time.Sleep(time.Millisecond)
			}
		}, map[string]int{"BeginTransaction": 1, "Lookup": 1, "Rollback": 1}},
		{"Delete", func() { backend.Delete(t.Context(), id) }, map[string]int{"Commit": 1}},
		{"EndUser", func() {
			create(t, backend, sessions.Record{Data: []byte("x"), User: "joe", Expires: r.Expires})
			create(t, backend, sessions.Record{Data: []byte("x"), User: "joe", Expires: r.Expires})
			backend.EndUser(t.Context(), "joe")
		}, map[string]int{"RunQuery": 1, "Commit": 3}},
	} {
		before := server.Calls()
		step.do()
		for method, n := range server.Calls() {
			if n -= before[method]; n != step.want[method] {
				t.Errorf("%s: %d times %s, want %d", step.name, n, method, step.want[method])
			}
		}
	}
}

func TestCanceled(t *testing.T) {
	backend := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backend.Load(ctx, newID()); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v, want context.Canceled", err)
	}
	if _, err := backend.Update(ctx, newID(), record("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v, want context.Canceled", err)
	}
}
