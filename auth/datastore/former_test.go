package datastore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

// plant writes a user as releases did that kept names under auth.FormerNameKey.
func plant(t *testing.T, client *gcds.Client, id, name string) {
	t.Helper()
	type user struct {
		Name    string `datastore:"name,noindex"`
		Version int64  `datastore:"version,noindex"`
	}
	type owner struct {
		User string `datastore:"user,noindex"`
	}
	if _, err := client.Put(t.Context(), gcds.NameKey("User", id, nil), &user{name, 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(t.Context(), gcds.NameKey("UserName", "="+auth.FormerNameKey(name), nil), &owner{id}); err != nil {
		t.Fatal(err)
	}
}

// Users whose names older releases kept under another key are found, and their names
// are taken. Two of them who would have one key today stay apart.
func TestFormerNameKeys(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	s := datastore.New(client, datastore.Config{Timeout: time.Minute})
	plant(t, client, "wide", "Ann  x")
	plant(t, client, "narrow", "Ann x")
	plant(t, client, "greek", "ΟΔΥΣΣΕΥΣ")
	plant(t, client, "alone", "Kim   y")
	found := func(name, id string) {
		t.Helper()
		u, err := s.ByName(t.Context(), name)
		if id == "" {
			if !errors.Is(err, auth.ErrNotFound) {
				t.Errorf("ByName(%q): %v, %v, want ErrNotFound", name, u, err)
			}
		} else if err != nil || u.ID != id {
			t.Errorf("ByName(%q): %v, %v, want %s", name, u, err, id)
		}
	}
	found("ann  X", "wide")
	found("ann x", "narrow")
	found("οδυσσευσ", "greek")
	found("ΟΔΥΣΣΕΥΣ", "greek")
	found("kim   Y", "alone")
	for _, name := range []string{"ANN  x", "Ann x", "kim   y", "ΟΔΥΣΣΕΥΣ"} {
		if err := s.Create(t.Context(), &auth.User{Name: name}); !errors.Is(err, auth.ErrExists) {
			t.Errorf("Create(%q): %v", name, err)
		}
	}

	rename := func(id, name string, want error) {
		t.Helper()
		u, err := s.ByID(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		u.Name = name
		if err := s.Update(t.Context(), u); !errors.Is(err, want) {
			t.Errorf("renaming %s to %q: %v, want %v", id, name, err, want)
		}
	}
	rename("wide", "ann x", auth.ErrExists)
	rename("wide", "Bert", nil)
	found("bert", "wide")
	found("ann x", "narrow") // whose key it was too
	found("ann  x", "narrow")
	rename("narrow", "Ann   X", nil) // the same name today
	found("ann x", "narrow")
	rename("alone", "Kim y", nil)
	found("kim y", "alone")
	found("kim   y", "alone")
	rename("greek", "Odysseus", nil)
	found("ΟΔΥΣΣΕΥΣ", "")
}
