package auth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/webapp2"
)

// Which events give a user a new credential, and whether the user is imported afterwards.
func TestCredential(t *testing.T) {
	const old = "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl" // of correct horse
	passwords := func() *auth.Passwords { return &auth.Passwords{Argon2: cheap, Legacy: webapp2.PasswordHashes{}.Verify} }
	logIn := func(t *testing.T, s auth.Backend, u *auth.User) *auth.User {
		t.Helper()
		p := passwords()
		p.Argon2.MemoryKiB *= 2
		got, err := p.LogIn(t.Context(), s, u.Name, "correct horse")
		if err != nil || got.Password == u.Password {
			t.Fatalf("no new hash: %v", err)
		}
		return got
	}
	change := func(t *testing.T, s auth.Backend, u *auth.User) *auth.User {
		t.Helper()
		if err := passwords().Change(t.Context(), s, u, "correct horse", "battery staple"); err != nil {
			t.Fatal(err)
		}
		return u
	}
	update := func(f func(*auth.User)) func(*testing.T, auth.Backend, *auth.User) *auth.User {
		return func(t *testing.T, s auth.Backend, u *auth.User) *auth.User {
			t.Helper()
			f(u)
			if err := s.Update(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			return u
		}
	}
	rename := update(func(u *auth.User) { u.Name, u.Roles = "Anna", []string{"admin"} })
	restamp := update((*auth.User).Restamp)
	script := update(func(u *auth.User) { u.Password = strings.Replace(old, "26199", "26198", 1) })
	remove := update(func(u *auth.User) { u.Password = "" })
	tests := []struct {
		name           string
		imported, same bool // whether the user is imported, and whether the credential stays the same
		event          func(*testing.T, auth.Backend, *auth.User) *auth.User
		importedThen   bool
	}{
		{"rehash", false, true, logIn, false},
		{"rehash of an imported user", true, true, logIn, true},
		{"change", false, false, change, false},
		{"change of an imported user", true, false, change, false},
		{"name and roles", false, true, rename, false},
		{"name and roles of an imported user", true, true, rename, true},
		{"new stamp", false, false, restamp, false},
		{"new stamp of an imported user", true, false, restamp, false},
		{"a script", false, false, script, false},
		{"a script on an imported user", true, false, script, true}, // which sets no password with this package
		{"password removed", false, false, remove, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			users := auth.NewMemory()
			user := &auth.User{Name: "ann", Password: old}
			var err error
			if test.imported {
				err = users.Create(t.Context(), user)
			} else {
				user, err = signUpAs(t.Context(), passwords(), users, "ann", "correct horse")
			}
			if err != nil {
				t.Fatal(err)
			}
			if user.Imported() != test.imported {
				t.Errorf("imported: %v", user.Imported())
			}
			before := user.Credential()
			after := test.event(t, users, user)
			stored, err := users.ByID(t.Context(), user.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range []*auth.User{after, stored} {
				if same := u.Credential() == before; same != test.same || u.HasCredential(before) != test.same {
					t.Errorf("the same credential: %v, want %v", same, test.same)
				}
				if !u.HasCredential(u.Credential()) || u.HasCredential("") || u.Credential() == "" {
					t.Errorf("the credential is %q", u.Credential())
				}
				if u.Imported() != test.importedThen {
					t.Errorf("imported then: %v", u.Imported())
				}
			}
		})
	}
}

// Similar users have different credentials, which reveal nothing about the hash.
func TestCredentialsDiffer(t *testing.T) {
	users := auth.NewMemory()
	seen := map[string]bool{}
	for _, u := range []*auth.User{
		{ID: "1", Name: "ann"}, {ID: "2", Name: "bob"}, {ID: "3", Name: "eve", Password: "a$b$c"}, {ID: "4", Name: "joe", Password: "a$b$c"},
	} {
		if err := users.Create(context.Background(), u); err != nil {
			t.Fatal(err)
		}
		credential := u.Credential()
		if seen[credential] || strings.Contains(credential, "$") {
			t.Errorf("the credential of %s is %q", u.Name, credential)
		}
		seen[credential] = true
		// If an id is used again, it belongs to another user.
		again := u.Clone()
		again.Created = again.Created.Add(1000)
		if again.HasCredential(credential) {
			t.Errorf("%s is taken for who had the id before", u.Name)
		}
	}
	var nobody *auth.User
	if nobody.HasCredential("") {
		t.Error("nobody has a credential")
	}
}
