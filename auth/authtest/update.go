package authtest

import (
	"errors"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
)

func update(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	before := u.Version
	u.Password, u.Roles, u.Properties, u.Disabled = "new hash", nil, nil, true
	if err := b.Update(t.Context(), u); err != nil {
		t.Fatalf("Update: %v", err)
	}
	if u.Version == before || u.Version == 0 {
		t.Errorf("Update left Version %d", u.Version)
	}
	wantSame(t, mustByID(t, b, u.ID), u)
	u.Roles, u.Disabled = []string{"guest"}, false
	if err := b.Update(t.Context(), u); err != nil {
		t.Fatalf("second Update: %v", err)
	}
	wantSame(t, mustByID(t, b, u.ID), u)
	wantKeys(t, b, u, joesKeys...)
}

func updateConflict(t *testing.T, b auth.Backend) {
	old := mustCreate(t, b, joe())
	now := mustByID(t, b, old.ID)
	now.Password = "newer"
	if err := b.Update(t.Context(), now); err != nil {
		t.Fatalf("Update: %v", err)
	}
	old.Password, old.Name = "older", "Joseph"
	version := old.Version
	wantErr(t, "Update over an older version", b.Update(t.Context(), old), auth.ErrConflict)
	if old.Version != version {
		t.Error("a failed Update changed Version")
	}
	wantErr(t, "Delete of an older version", b.Delete(t.Context(), old), auth.ErrConflict)
	wantSame(t, mustByID(t, b, old.ID), now)
	wantKeys(t, b, nil, "name:joseph")
	wantKeys(t, b, now, joesKeys...)
}

func updateNobody(t *testing.T, b auth.Backend) {
	u := &auth.User{ID: "nobody", Name: "Nobody", Version: 1}
	wantErr(t, "Update", b.Update(t.Context(), u), auth.ErrNotFound)
	wantKeys(t, b, nil, "name:nobody")
}

func rename(t *testing.T, b auth.Backend) {
	u := renameJoe(t, b, "Joseph", "joseph")
	wantKeys(t, b, nil, "name:joe")
	mustCreate(t, b, &auth.User{Name: "joe"})
	wantKeys(t, b, u, "name:joseph", "id:google:1")
}

func renameExisting(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	ann := mustCreate(t, b, &auth.User{Name: "Ann"})
	ann.Name, ann.AuthIDs = "joe", []string{"new:1"}
	wantExists(t, "Update", b.Update(t.Context(), ann), "name")
	wantSame(t, mustByID(t, b, u.ID), u)
	if got := mustByID(t, b, ann.ID); got.Name != "Ann" {
		t.Errorf("a refused Update left the name %q", got.Name)
	}
	wantKeys(t, b, nil, "id:new:1")
	wantKeys(t, b, ann, "name:ann")
}

func renameSpaces(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, &auth.User{Name: "Ann x"})
	for _, name := range []string{"Ann  X", "Ann x", "Ανν ς", "ΑΝΝ σ"} {
		u.Name = name
		if err := b.Update(t.Context(), u); err != nil {
			t.Fatalf("Update to %q: %v", name, err)
		}
		got, err := b.ByKey(t.Context(), auth.NameKey(name))
		if err != nil {
			t.Fatalf("ByKey of %q: %v", name, err)
		}
		wantSame(t, got, u)
	}
	wantKeys(t, b, nil, "name:ann x")
	mustCreate(t, b, &auth.User{Name: "ann x"})
}

func renameCase(t *testing.T, b auth.Backend) { renameJoe(t, b, "JOE", "joe") }

// renameJoe gives a user another name and finds it under that, written otherwise.
func renameJoe(t *testing.T, b auth.Backend, name, written string) *auth.User {
	t.Helper()
	u := mustCreate(t, b, joe())
	u.Name = name
	if err := b.Update(t.Context(), u); err != nil {
		t.Fatalf("Update: %v", err)
	}
	got, err := b.ByKey(t.Context(), auth.NameKey(written))
	if err != nil {
		t.Fatalf("ByKey of the new name: %v", err)
	}
	wantSame(t, got, u)
	return u
}

// changeKeys changes all keys of a user at once, and moves one to another user.
func changeKeys(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	u.Name, u.Email, u.AuthIDs = "Joseph", "joseph@example.com", []string{"own:joe", "github:2"}
	if err := b.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	wantSame(t, mustByID(t, b, u.ID), u)
	wantKeys(t, b, u, "name:joseph", "email:joseph@example.com", "id:own:joe", "id:github:2")
	wantKeys(t, b, nil, "name:joe", "email:joe@example.com", "id:google:1")

	other := mustCreate(t, b, &auth.User{Name: "Joe", Email: "joe@example.com", Verified: true, AuthIDs: []string{"google:1"}})
	wantKeys(t, b, other, "name:joe", "email:joe@example.com", "id:google:1")
	u.Verified = false
	if err := b.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, b, nil, "email:joseph@example.com")
	other.Email = "joseph@example.com"
	if err := b.Update(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, b, other, "email:joseph@example.com")
	u.Verified = true
	wantExists(t, "verifying an address that is taken", b.Update(t.Context(), u), "email")
}

func deleteUser(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	other := mustCreate(t, b, &auth.User{Name: "Ann"})
	if err := b.Delete(t.Context(), &auth.User{ID: u.ID, Version: u.Version}); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	_, err := b.ByID(t.Context(), u.ID)
	wantErr(t, "ByID of a deleted user", err, auth.ErrNotFound)
	wantKeys(t, b, nil, joesKeys...)
	wantErr(t, "Delete again", b.Delete(t.Context(), u), auth.ErrNotFound)
	wantErr(t, "Update of a deleted user", b.Update(t.Context(), u), auth.ErrNotFound)
	wantSame(t, mustByID(t, b, other.ID), other)
	again := mustCreate(t, b, joe())
	wantKeys(t, b, again, joesKeys...)
	if all := pages(t, b, "", 10); len(all) != 2 {
		t.Errorf("%d users are listed, want 2", len(all))
	}
}

// idAgain deletes the newest user and creates one: if it gets the same ID, it is somebody
// else all the same.
func idAgain(t *testing.T, b auth.Backend) {
	for _, id := range []string{"", "7"} {
		old := mustCreate(t, b, &auth.User{ID: id, Name: "Ann"})
		credential := old.Credential()
		if err := b.Delete(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		u := mustCreate(t, b, &auth.User{ID: id, Name: "Ann"})
		if u.HasCredential(credential) {
			t.Errorf("with the ID %q: a session of a deleted user is the new one's", id)
		}
		err := b.Update(t.Context(), &auth.User{ID: old.ID, Name: "Ann", Version: 99})
		if !errors.Is(err, auth.ErrNotFound) && !errors.Is(err, auth.ErrConflict) {
			t.Errorf("Update of the old user: %v", err)
		}
		if err := b.Delete(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
}
