package cached_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func newID() string {
	var id [32]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// create keeps a record under a new id.
func create(t *testing.T, b sessions.Backend, data, user string) (id string) {
	t.Helper()
	id = newID()
	if err := b.Create(t.Context(), id, sessions.Record{Data: []byte(data), User: user, Expires: time.Now().Add(time.Hour)}); err != nil {
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

// update writes data to the record that b loads now.
func update(t *testing.T, b sessions.Backend, id, data string) {
	t.Helper()
	r := load(t, b, id)
	r.Data = []byte(data)
	if _, err := b.Update(t.Context(), id, r); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func wantData(t *testing.T, b sessions.Backend, id, want string) {
	t.Helper()
	if r := load(t, b, id); string(r.Data) != want {
		t.Errorf("Load: %q, want %q", r.Data, want)
	}
}

// wantEnded fails if id has a living session.
func wantEnded(t *testing.T, b sessions.Backend, id string) {
	t.Helper()
	r, err := b.Load(t.Context(), id)
	if err == nil && len(r.Data) > 0 || err != nil && !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load: %q, %v; want the session ended", r.Data, err)
	}
}
