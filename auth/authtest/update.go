package authtest

import (
	"testing"

	"github.com/webapp2go/webapp2go/auth"
)

func update(t *testing.T, s auth.Store) {
	u := mustCreate(t, s, joe())
	before := u.Version
	u.Password, u.Roles = "new hash", nil
	if err := s.Update(t.Context(), u); err != nil {
		t.Fatalf("Update: %v", err)
	}
	if u.Version == before || u.Version == 0 {
		t.Errorf("Update left Version %d", u.Version)
	}
	wantSame(t, mustByID(t, s, u.ID), u)
	u.Roles = []string{"guest"}
	if err := s.Update(t.Context(), u); err != nil {
		t.Fatalf("second Update: %v", err)
	}
	wantSame(t, mustByID(t, s, u.ID), u)
}

func updateConflict(t *testing.T, s auth.Store) {
	old := mustCreate(t, s, joe())
	now := mustByID(t, s, old.ID)
	now.Password = "newer"
	if err := s.Update(t.Context(), now); err != nil {
		t.Fatalf("Update: %v", err)
	}
	old.Password = "older"
	version := old.Version
	wantErr(t, "Update over an older version", s.Update(t.Context(), old), auth.ErrConflict)
	if old.Version != version {
		t.Error("a failed Update changed Version")
	}
	wantSame(t, mustByID(t, s, old.ID), now)
}

func updateNobody(t *testing.T, s auth.Store) {
	u := &auth.User{ID: "nobody", Name: "Nobody", Version: 1}
	wantErr(t, "Update", s.Update(t.Context(), u), auth.ErrNotFound)
	_, err := s.ByName(t.Context(), "Nobody")
	wantErr(t, "Update created: ByName", err, auth.ErrNotFound)
}

func rename(t *testing.T, s auth.Store) {
	renameJoe(t, s, "Joseph", "joseph")
	_, err := s.ByName(t.Context(), "Joe")
	wantErr(t, "ByName of the old name", err, auth.ErrNotFound)
	mustCreate(t, s, joe())
}

func renameExisting(t *testing.T, s auth.Store) {
	u := mustCreate(t, s, joe())
	ann := mustCreate(t, s, &auth.User{Name: "Ann"})
	ann.Name = "joe"
	wantErr(t, "Update", s.Update(t.Context(), ann), auth.ErrExists)
	wantSame(t, mustByID(t, s, u.ID), u)
	if got := mustByID(t, s, ann.ID); got.Name != "Ann" {
		t.Errorf("a refused Update left the name %q", got.Name)
	}
}

func renameSpaces(t *testing.T, s auth.Store) {
	u := mustCreate(t, s, &auth.User{Name: "Ann x"})
	for _, name := range []string{"Ann  X", "Ann x", "Ανν ς", "ΑΝΝ σ"} {
		u.Name = name
		if err := s.Update(t.Context(), u); err != nil {
			t.Fatalf("Update to %q: %v", name, err)
		}
		got, err := s.ByName(t.Context(), name)
		if err != nil {
			t.Fatalf("ByName(%q): %v", name, err)
		}
		wantSame(t, got, u)
	}
	_, err := s.ByName(t.Context(), "Ann x")
	wantErr(t, "ByName of an old name", err, auth.ErrNotFound)
	mustCreate(t, s, &auth.User{Name: "ann x"})
}

func renameCase(t *testing.T, s auth.Store) { renameJoe(t, s, "JOE", "joe") }

// renameJoe gives a user another name and finds it under that, written otherwise.
func renameJoe(t *testing.T, s auth.Store, name, written string) {
	t.Helper()
	u := mustCreate(t, s, joe())
	u.Name = name
	if err := s.Update(t.Context(), u); err != nil {
		t.Fatalf("Update: %v", err)
	}
	got, err := s.ByName(t.Context(), written)
	if err != nil {
		t.Fatalf("ByName of the new name: %v", err)
	}
	wantSame(t, got, u)
}
