package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/webapp2go/webapp2go/auth"
)

// Every function that sets a password refuses a bad one.
func TestBadPasswords(t *testing.T) {
	leaked := errors.New("the list of leaks is down")
	p := &auth.Passwords{Argon2: cheap, Words: []string{"Guestbook", "acme.example"}, Rule: func(_ context.Context, u *auth.User, password string) error {
		switch password {
		case "the site's name":
			return &auth.InvalidError{Field: "password", Message: "That is the name of the site."}
		case "leaked horse":
			return leaked
		}
		if u.Name == "" && u.Email == "" {
			t.Error("Rule knows neither name nor address")
		}
		return nil
	}}
	for _, test := range []struct {
		name, password string
		good           bool
	}{
		{"joe", "password", false}, {"joe", "Password", false}, {"joe", "P@ssw0rd", false}, {"joe", "12345678", false},
		{"joe", "qwertyuiop", false}, {"joe", "iloveyou", false}, {"joe", "letmein123", false}, {"joe", "ＰＡＳＳＷＯＲＤ", true},
		{"joe", "correcthorsebatterystaple", true}, {"joe", "correct horse", true}, {"joe", "joe correct horse", true},
		{"josephine", "josephine", false}, {"josephine", "JOSEPHINE", false}, {"josephine", "josephine1984!", false}, {"Josephine Baker", "josephine  baker", false},
		{"josephine", "1josephines", true}, {"josephine", "7919283746123", true}, {"20262026", "20262026", false}, {"joe", "joe12345", false},
		{"josephine@example.com", "josephine7", false}, {"joe@longexample.com", "longexample", false}, {"joe@longexample.com", "longexample.com", false},
		{"joe@x.org", "joe@x.org", false}, {"joe", "the site's name", false}, {"joe", strings.Repeat("x", 1025), false}, {"joe", "seven77", false}, {"joe", "Guestbook", false}, {"joe", "guestbook1!", false}, {"joe", "acme.example", false}, {"joe", "my guestbook", true}, {"joe", "\xff2345678", false},
	} {
		check := func(what string, err error) {
			t.Helper()
			_, invalid := errors.AsType[*auth.InvalidError](err)
			if test.good && err != nil || !test.good && !invalid {
				t.Errorf("%s of %q with %.40q: %v", what, test.name, test.password, err)
			}
		}
		u := &auth.User{Name: test.name}
		if strings.Contains(test.name, "@") {
			u = &auth.User{Email: test.name, Verified: true}
		}
		check("CheckNew", p.CheckNew(t.Context(), u, test.password))
		check("Set", p.Set(t.Context(), u.Clone(), test.password))
		check("SignUp", p.SignUp(t.Context(), auth.NewMemory(), u.Clone(), test.password))
		users := auth.NewMemory()
		if err := p.SignUp(t.Context(), users, u, "an old horse 7"); err != nil {
			t.Fatal(err)
		}
		check("Change", p.Change(t.Context(), users, &auth.User{ID: u.ID}, "an old horse 7", test.password))
	}
	if _, err := signUpAs(t.Context(), p, auth.NewMemory(), "joe", "leaked horse"); !errors.Is(err, leaked) || !errors.Is(err, auth.ErrRule) {
		t.Errorf("an error of Rule became %v", err)
	}
	if err := p.CheckNew(t.Context(), &auth.User{Name: "joe"}, "password"); errors.Is(err, auth.ErrRule) {
		t.Errorf("Rule was not asked: %v", err)
	}
	// A user who already has such a password can still log in.
	users := auth.NewMemory()
	hash, err := p.Hash("password")
	if err != nil {
		t.Fatal(err)
	}
	if err := users.Create(t.Context(), &auth.User{Name: "joe", Password: hash}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.LogIn(t.Context(), users, "joe", "password"); err != nil {
		t.Error(err)
	}
}

// The search relies on the order of the list, and finds each entry of it.
func TestCommonPasswords(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(auth.Common, "\n"), "\n")
	if !slices.IsSorted(lines) || len(lines) != 8479 {
		t.Errorf("%d lines, sorted: %v", len(lines), slices.IsSorted(lines))
	}
	for i, line := range lines {
		if len(line) < 8 || line != strings.ToLower(line) || i > 0 && line == lines[i-1] {
			t.Errorf("line %d is %q", i+1, line)
		}
		if !auth.IsCommon(line) || !auth.IsCommon(strings.ToUpper(line)) {
			t.Errorf("%q is not found", line)
		}
		if auth.IsCommon(line+"\x01") || auth.IsCommon(line+"\n") {
			t.Errorf("%q with something behind it is found", line)
		}
	}
	for _, other := range []string{"", "\n", "zzzzzzzzzzzzzzzz", "!", "\xff"} {
		if auth.IsCommon(other) {
			t.Errorf("%q is found", other)
		}
	}
}

// A stored hash is computed only if its costs are within the limits for a site.
func TestPlantedHash(t *testing.T) {
	stored := func(params auth.Argon2Params) string {
		return auth.StoredHash(params, argon2.IDKey([]byte("x"), []byte("0123456789abcdef"), 1, 8, 1, 32))
	}
	small := auth.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}
	for name, test := range map[string]struct {
		site, most, hash auth.Argon2Params
		computed         bool
	}{
		"OWASP's largest row":           {small, auth.Argon2Params{}, auth.Argon2Params{Time: 1, MemoryKiB: 47104, Threads: 1}, true},
		"more memory":                   {small, auth.Argon2Params{}, auth.Argon2Params{Time: 1, MemoryKiB: 47105, Threads: 1}, false},
		"more passes":                   {small, auth.Argon2Params{}, auth.Argon2Params{Time: 2, MemoryKiB: 47104, Threads: 1}, false},
		"a gigabyte":                    {auth.Argon2Params{}, auth.Argon2Params{}, auth.Argon2Params{Time: 4, MemoryKiB: 1 << 20, Threads: 1}, false},
		"a hundred passes":              {auth.Argon2Params{}, auth.Argon2Params{}, auth.Argon2Params{Time: 100, MemoryKiB: 19456, Threads: 1}, false},
		"four times the site's":         {auth.Argon2Params{}, auth.Argon2Params{}, auth.Argon2Params{Time: 2, MemoryKiB: 4 * 19456, Threads: 1}, true},
		"more than four times":          {auth.Argon2Params{}, auth.Argon2Params{}, auth.Argon2Params{Time: 2, MemoryKiB: 4*19456 + 1, Threads: 1}, false},
		"what MaxParams allows":         {small, auth.Argon2Params{Time: 3, MemoryKiB: 65536}, auth.Argon2Params{Time: 3, MemoryKiB: 65536, Threads: 4}, true},
		"more than what MaxParams says": {small, auth.Argon2Params{Time: 3, MemoryKiB: 65536}, auth.Argon2Params{Time: 4, MemoryKiB: 65536, Threads: 4}, false},
	} {
		p := &auth.Passwords{Argon2: test.site, MaxArgon2: test.most}
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, _, err := p.Verify("correct horse", stored(test.hash))
		if runs := p.Runs(); (runs == 1) != test.computed || (err == nil) != test.computed {
			t.Errorf("%s: computed %d times, %v", name, runs, err)
		}
	}
	if err := (&auth.Passwords{MaxArgon2: auth.Argon2Params{Time: 101}}).Check(); err == nil {
		t.Error("MaxParams of 101 passes pass Check")
	}
}
