package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/webapp2"
)

// signUpAs makes a user with a name and a password.
func signUpAs(ctx context.Context, p *auth.Passwords, b auth.Backend, name, password string) (*auth.User, error) {
	u := &auth.User{Name: name}
	if err := p.SignUp(ctx, b, u, password); err != nil {
		return nil, err
	}
	return u, nil
}

func signUp(t *testing.T, p *auth.Passwords, s auth.Backend, name, password string) *auth.User {
	t.Helper()
	u, err := signUpAs(t.Context(), p, s, name, password)
	if err != nil {
		t.Fatalf("SignUp(%q): %v", name, err)
	}
	return u
}

func TestSignUpAndLogIn(t *testing.T) {
	p, users := &auth.Passwords{Argon2: cheap}, auth.NewMemory()
	joe := signUp(t, p, users, "  Joe ", "correct horse")
	if joe.Name != "Joe" || joe.ID == "" || strings.Contains(joe.Password, "horse") {
		t.Errorf("SignUp made %+v", joe)
	}
	got, err := p.LogIn(t.Context(), users, "JOE", "correct horse")
	if err != nil || got.ID != joe.ID {
		t.Errorf("LogIn = %+v, %v", got, err)
	}
	if _, err := signUpAs(t.Context(), p, users, "jOE", "another horse"); !errors.Is(err, auth.ErrExists) {
		t.Errorf("the same name again: %v", err)
	}
}

func TestSignUpRefuses(t *testing.T) {
	tests := map[string]struct{ name, password, field string }{
		"no name":             {"", "correct horse", "name"},
		"spaces":              {" \t\n", "correct horse", "name"},
		"control character":   {"jo\x00e", "correct horse", "name"},
		"newline inside":      {"jo\ne", "correct horse", "name"},
		"right to left":       {"jo\u202ee", "correct horse", "name"},
		"zero width":          {"jo\u200be", "correct horse", "name"},
		"not UTF-8":           {"jo\xffe", "correct horse", "name"},
		"long name":           {strings.Repeat("x", 255), "correct horse", "name"},
		"long in its key":     {strings.Repeat("\ufdfa", 80), "correct horse", "name"},
		"no password":         {"joe", "", "password"},
		"short":               {"joe", "1234567", "password"},
		"short in characters": {"joe", "日本語日本語日", "password"},
		"long password":       {"joe", strings.Repeat("x", 1025), "password"},
		"password not UTF-8":  {"joe", "correct\xff horse", "password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &auth.Passwords{Argon2: cheap}
			_, err := signUpAs(t.Context(), p, auth.NewMemory(), test.name, test.password)
			invalid, ok := errors.AsType[*auth.InvalidError](err)
			if !ok || invalid.Field != test.field || invalid.HTTPStatus() != 400 {
				t.Errorf("SignUp: %v, want an InvalidError of %s", err, test.field)
			}
			if p.Runs() != 0 {
				t.Error("a hash was computed for nothing")
			}
		})
	}
	p := &auth.Passwords{Argon2: cheap, MinLength: 15}
	if _, err := signUpAs(t.Context(), p, auth.NewMemory(), "joe", "correct horse"); err == nil {
		t.Error("13 characters passed a MinLength of 15")
	}
	for _, name := range []string{"joe_7", "Zoë", "山田 太郎", "O'Neil-Smith", "नमस्ते"} {
		if _, err := signUpAs(t.Context(), p, auth.NewMemory(), name, "correct horse battery"); err != nil {
			t.Errorf("SignUp(%q): %v", name, err)
		}
	}
}

// TestSameWork counts hashes, because time cannot be tested reliably. Each way to fail costs
// one hash, like a success.
func TestSameWork(t *testing.T) {
	p, users := &auth.Passwords{Argon2: cheap, Legacy: webapp2.PasswordHashes{}.Verify}, auth.NewMemory()
	signUp(t, p, users, "joe", "correct horse")
	for name, stored := range map[string]string{
		"nopass":  "",
		"old":     "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl",
		"plain":   "correct horse$plain$",
		"broken":  "$argon2id$v=19$m=4294967295,t=1,p=1$x$y",
		"unknown": "x$hmac$y",
	} {
		if err := users.Create(t.Context(), &auth.User{Name: name, Password: stored}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"joe", "nobody", "nopass", "old", "plain", "broken", "unknown"} {
		t.Run(name, func(t *testing.T) {
			before := p.Runs()
			u, err := p.LogIn(t.Context(), users, name, "wrong horse")
			if u != nil || !errors.Is(err, auth.ErrCredentials) {
				t.Errorf("LogIn = %v, %v, want ErrCredentials", u, err)
			}
			if n := p.Runs() - before; n != 1 {
				t.Errorf("%d hashes, want 1", n)
			}
			unreadable := name == "plain" || name == "broken" || name == "unknown"
			if said := err != auth.ErrCredentials; said != unreadable {
				t.Errorf("LogIn = %v: a cause for the log: %v, want %v", err, said, unreadable)
			}
		})
	}
	before := p.Runs()
	if _, err := p.LogIn(t.Context(), users, "joe", "correct horse"); err != nil {
		t.Fatal(err)
	}
	if n := p.Runs() - before; n != 1 {
		t.Errorf("a success cost %d hashes, want 1", n)
	}
	for _, name := range []string{"joe", "nobody"} {
		before := p.Runs()
		_, err := p.LogIn(t.Context(), users, name, strings.Repeat("x", auth.MaxPassword+1))
		if err != auth.ErrCredentials || p.Runs() != before {
			t.Errorf("an endless password for %s: %v after %d hashes", name, err, p.Runs()-before)
		}
	}
}

func TestRehash(t *testing.T) {
	users := auth.NewMemory()
	old := signUp(t, &auth.Passwords{Argon2: cheap}, users, "joe", "correct horse")
	p := &auth.Passwords{Argon2: auth.Argon2Params{Time: 2, MemoryKiB: 64, Threads: 1}}
	if _, err := p.LogIn(t.Context(), users, "joe", "wrong horse"); !errors.Is(err, auth.ErrCredentials) {
		t.Fatal(err)
	}
	if now, _ := users.ByID(t.Context(), old.ID); now.Password != old.Password {
		t.Fatal("a failed login changed the hash")
	}
	got, err := p.LogIn(t.Context(), users, "joe", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	now, err := users.ByID(t.Context(), old.ID)
	if err != nil || !strings.Contains(now.Password, "t=2") {
		t.Fatalf("the stored hash is %.30q, %v", now.Password, err)
	}
	if got.Version != now.Version || got.Password != now.Password {
		t.Errorf("LogIn returned version %d, stored is %d", got.Version, now.Version)
	}
	before := p.Runs()
	if _, err := p.LogIn(t.Context(), users, "joe", "correct horse"); err != nil || p.Runs() != before+1 {
		t.Errorf("the next login: %v after %d hashes", err, p.Runs()-before)
	}
}

// If two logins replace a stale hash at once, both return the user as stored.
func TestRehashRace(t *testing.T) {
	users := auth.NewMemory()
	signUp(t, &auth.Passwords{Argon2: cheap}, users, "joe", "correct horse")
	p := &auth.Passwords{Argon2: auth.Argon2Params{Time: 2, MemoryKiB: 64, Threads: 1}}
	for name, meanwhile := range map[string]struct {
		password string
		stored   bool
	}{
		"another login":        {"correct horse", true},
		"a change of password": {"battery staple", false},
	} {
		t.Run(name, func(t *testing.T) {
			hash, err := (&auth.Passwords{Argon2: cheap}).Hash("correct horse")
			if err != nil {
				t.Fatal(err)
			}
			u, err := users.ByLogin(t.Context(), "joe")
			if err != nil {
				t.Fatal(err)
			}
			u.Password = hash
			if err := users.Update(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			late := &overtaken{Memory: users, by: func() {
				u.Password, err = p.Hash(meanwhile.password)
				err = errors.Join(err, users.Update(t.Context(), u))
			}}
			got, loginErr := p.LogIn(t.Context(), late, "joe", "correct horse")
			if err != nil || loginErr != nil {
				t.Fatal(err, loginErr)
			}
			if (got.Password == u.Password) != meanwhile.stored {
				t.Errorf("LogIn returned the hash %.40q, stored is %.40q", got.Password, u.Password)
			}
		})
	}
}

// overtaken is a Backend in which another write comes just before each Update.
type overtaken struct {
	*auth.Memory
	by func()
}

func (o *overtaken) Update(ctx context.Context, u *auth.User) error {
	o.by()
	return o.Memory.Update(ctx, u)
}

// failing is a Backend whose Update fails. If down is set, its reads fail too.
type failing struct {
	*auth.Memory
	update, down error
}

func (f failing) Update(context.Context, *auth.User) error { return f.update }

func (f failing) ByLogin(ctx context.Context, text string) (*auth.User, error) {
	if f.down != nil {
		return nil, f.down
	}
	return f.Memory.ByLogin(ctx, text)
}

func TestRehashFails(t *testing.T) {
	users := auth.NewMemory()
	signUp(t, &auth.Passwords{Argon2: cheap}, users, "joe", "correct horse")
	for name, test := range map[string]struct {
		update error
		logged bool
	}{
		"another login was first": {auth.ErrConflict, false},
		"store down":              {errors.New("disk full"), true},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			p := &auth.Passwords{Argon2: auth.Argon2Params{Time: 2, MemoryKiB: 64}, Log: slog.New(slog.NewTextHandler(&log, nil))}
			if _, err := p.LogIn(t.Context(), failing{Memory: users, update: test.update}, "joe", "correct horse"); err != nil {
				t.Errorf("LogIn: %v", err)
			}
			if logged := strings.Contains(log.String(), "disk full"); logged != test.logged {
				t.Errorf("log: %q", log.String())
			}
		})
	}
}

func TestStoreDown(t *testing.T) {
	down := errors.New("connection refused")
	_, err := (&auth.Passwords{Argon2: cheap}).LogIn(t.Context(), failing{Memory: auth.NewMemory(), down: down}, "joe", "x")
	if !errors.Is(err, down) || errors.Is(err, auth.ErrCredentials) {
		t.Errorf("LogIn = %v", err)
	}
}

func TestChange(t *testing.T) {
	p, users := &auth.Passwords{Argon2: cheap}, auth.NewMemory()
	joe := signUp(t, p, users, "joe", "correct horse")
	if err := p.Change(t.Context(), users, joe, "wrong horse", "battery staple"); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("with a wrong old password: %v", err)
	}
	if err := p.Change(t.Context(), users, joe, "correct horse", "short"); err == nil || errors.Is(err, auth.ErrCredentials) {
		t.Errorf("to a short password: %v", err)
	}
	stale := joe.Clone()
	if err := p.Change(t.Context(), users, joe, "correct horse", "battery staple"); err != nil {
		t.Fatal(err)
	}
	if now, _ := users.ByID(t.Context(), joe.ID); now.Version != joe.Version || now.Password != joe.Password {
		t.Error("the user in hand is not the stored one")
	}
	if _, err := p.LogIn(t.Context(), users, "joe", "correct horse"); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("the old password: %v", err)
	}
	if _, err := p.LogIn(t.Context(), users, "joe", "battery staple"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if err := p.Change(t.Context(), users, stale, "correct horse", "third password"); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("the password of an older copy still changes it: %v", err)
	}
	if err := p.Change(t.Context(), failing{Memory: users, update: auth.ErrConflict}, joe, "battery staple", "third password"); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("a race with another change: %v", err)
	}
	if err := p.Change(t.Context(), users, &auth.User{ID: "nobody"}, "correct horse", "third password"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("of a user who is gone: %v", err)
	}
}

func TestHas(t *testing.T) {
	var nobody *auth.User
	if nobody.Has("admin") {
		t.Error("nobody is an admin")
	}
	u := &auth.User{Roles: []string{"editor", "admin"}}
	if !u.Has("admin") || u.Has("Admin") || u.Has("") {
		t.Error("Has does not compare whole roles")
	}
}

// A disabled user cannot log in, and the sessions have ended.
func TestDisabled(t *testing.T) {
	p, users := &auth.Passwords{Argon2: cheap}, auth.NewMemory()
	joe := signUp(t, p, users, "joe", "correct horse")
	credential := joe.Credential()
	joe.Disabled = true
	if err := users.Update(t.Context(), joe); err != nil {
		t.Fatal(err)
	}
	if joe.HasCredential(credential) {
		t.Error("a session goes on")
	}
	if _, err := p.LogIn(t.Context(), users, "joe", "correct horse"); !errors.Is(err, auth.ErrCredentials) || !errors.Is(err, auth.ErrDisabled) {
		t.Errorf("LogIn: %v", err)
	}
	if _, err := p.LogIn(t.Context(), users, "joe", "wrong horse"); !errors.Is(err, auth.ErrCredentials) || errors.Is(err, auth.ErrDisabled) {
		t.Errorf("LogIn with a wrong password: %v", err)
	}
}

// A verified address logs in. An unverified one does not, and other users can have it.
func TestLogInByAddress(t *testing.T) {
	p, users := &auth.Passwords{Argon2: cheap}, auth.NewMemory()
	for _, name := range []string{"eve", "joe"} {
		u := &auth.User{Name: name, Email: "Ann@example.com"}
		if err := p.SignUp(t.Context(), users, u, "correct horse"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.LogIn(t.Context(), users, "ann@example.com", "correct horse"); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("an unverified address: %v", err)
	}
	ann := &auth.User{Email: "Ann@Example.com", Verified: true}
	if err := p.SignUp(t.Context(), users, ann, "battery staple"); err != nil || ann.Email != "Ann@example.com" {
		t.Fatalf("%v, %q", err, ann.Email)
	}
	if u, err := p.LogIn(t.Context(), users, "ANN@example.com", "battery staple"); err != nil || u.ID != ann.ID {
		t.Errorf("LogIn: %v, %v", u, err)
	}
	second := &auth.User{Name: "kim", Email: "ann@example.com", Verified: true}
	if err := p.SignUp(t.Context(), users, second, "battery staple"); !errors.Is(err, auth.ErrExists) {
		t.Errorf("the address again: %v", err)
	}
	bad := &auth.User{Name: "kim", Email: "ann"}
	if err := p.SignUp(t.Context(), users, bad, "battery staple"); err == nil || bad.Password != "" {
		t.Errorf("no address: %v, %v", err, bad)
	}
	// A user of an older system whose name is an address is found by it, if nobody has verified
	// that address.
	old := &auth.User{Name: "old@example.com", Password: second.Password}
	if err := users.Create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	for _, verified := range []bool{false, true} {
		u, err := users.ByLogin(t.Context(), "Old@example.com")
		if err != nil || (u.ID == old.ID) == verified {
			t.Errorf("verified %v: %v, %v", verified, u, err)
		}
		if err := users.Create(t.Context(), &auth.User{Email: "old@example.com", Verified: true}); err != nil != verified {
			t.Error(err)
		}
	}
}
