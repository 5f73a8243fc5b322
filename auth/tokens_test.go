package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// tokenKey returns a key of 32 equal bytes.
func tokenKey(b byte) []byte { return []byte(strings.Repeat(string(rune(b)), 32)) }

var tokens = auth.NewTokens([][]byte{tokenKey('a')})

var purposes = []auth.Purpose{auth.VerifyEmail, auth.ResetPassword, auth.ChangeEmail, auth.LogInByLink, auth.DeleteByLink}

// annWithAddress is a new user with a value for everything that tokens are bound to.
func annWithAddress(t *testing.T, b auth.Backend) *auth.User {
	t.Helper()
	p := &auth.Passwords{Argon2: cheap}
	ann := &auth.User{Name: "ann", Email: "ann@example.com", Verified: true, AuthIDs: []string{"google:1"}}
	if err := p.SignUp(t.Context(), b, ann, "correct horse"); err != nil {
		t.Fatal(err)
	}
	return ann
}

func mustMake(t *testing.T, p auth.Purpose, u *auth.User, data string) string {
	t.Helper()
	token, err := tokens.Make(p, u, data)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// use uses a token as a page does.
func use(ctx context.Context, b auth.Backend, p auth.Purpose, token string) (*auth.User, error) {
	if p.Name == auth.ResetPassword.Name {
		return (&auth.Passwords{Argon2: cheap}).Reset(ctx, b, tokens, token, "battery staple")
	}
	return tokens.Use(ctx, b, p, token, nil)
}

// Which events end a token of each purpose, and which do not.
func TestTokenEvents(t *testing.T) {
	change := func(f func(u *auth.User)) func(*testing.T, auth.Backend, *auth.User) {
		return func(t *testing.T, b auth.Backend, u *auth.User) {
			f(u)
			if err := b.Update(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
	}
	used := func(p auth.Purpose) func(*testing.T, auth.Backend, *auth.User) {
		return func(t *testing.T, b auth.Backend, u *auth.User) {
			if _, err := use(t.Context(), b, p, mustMake(t, p, u, "new@example.com")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		event func(*testing.T, auth.Backend, *auth.User)
		ends  string // names of purposes
	}{
		"nothing": {func(*testing.T, auth.Backend, *auth.User) {}, ""},
		"a login": {func(t *testing.T, b auth.Backend, u *auth.User) {
			if _, err := (&auth.Passwords{Argon2: cheap}).LogIn(t.Context(), b, "ann", "correct horse"); err != nil {
				t.Fatal(err)
			}
		}, ""},
		"a hash made anew": {func(t *testing.T, b auth.Backend, u *auth.User) {
			p := &auth.Passwords{Argon2: auth.Argon2Params{Time: 2, MemoryKiB: 64}}
			now, err := p.LogIn(t.Context(), b, "ann", "correct horse")
			if err != nil || now.Password == u.Password {
				t.Fatalf("no new hash: %v", err)
			}
		}, ""},
		"another password": {func(t *testing.T, b auth.Backend, u *auth.User) {
			if err := (&auth.Passwords{Argon2: cheap}).Change(t.Context(), b, u, "correct horse", "battery staple"); err != nil {
				t.Fatal(err)
			}
		}, "reset email login delete"},
		"a password set by a program":    {change(func(u *auth.User) { u.Password = "x$sha1$y" }), "reset email login delete"},
		"log out everywhere":             {change((*auth.User).Restamp), "reset email login delete"},
		"an auth id more":                {change(func(u *auth.User) { _ = u.AddAuthID("google:2") }), "reset email login delete"},
		"an auth id less":                {change(func(u *auth.User) { _ = u.RemoveAuthID("google:1") }), "reset email login delete"},
		"another address":                {change(func(u *auth.User) { _ = u.SetEmail("kim@example.com", true) }), "verify reset email"},
		"the address no longer verified": {change(func(u *auth.User) { u.Verified = false }), "reset email"},
		"the address in another case":    {change(func(u *auth.User) { u.Email = "Ann@EXAMPLE.com" }), ""},
		"no address":                     {change(func(u *auth.User) { _ = u.SetEmail("", false) }), "verify reset email"},
		"another name":                   {change(func(u *auth.User) { u.Name = "anna" }), ""},
		"a role":                         {change(func(u *auth.User) { u.Roles = []string{"admin"} }), ""},
		"a property":                     {change(func(u *auth.User) { _ = u.Set("x", 1) }), ""},
		"disabled":                       {change(func(u *auth.User) { u.Disabled = true }), "verify reset email login delete"},
		"deleted": {func(t *testing.T, b auth.Backend, u *auth.User) {
			if err := b.Delete(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}, "verify reset email login delete"},
		"deleted, and the ID used again": {func(t *testing.T, b auth.Backend, u *auth.User) {
			if err := b.Delete(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			again := u.Clone()
			again.Created = again.Created.Add(time.Microsecond)
			if err := b.Create(t.Context(), again); err != nil {
				t.Fatal(err)
			}
		}, "verify reset email login delete"},
		"verified":          {used(auth.VerifyEmail), ""},
		"reset":             {used(auth.ResetPassword), "reset email login delete"},
		"address changed":   {used(auth.ChangeEmail), "verify reset email"},
		"logged in by link": {used(auth.LogInByLink), "login delete"},
		"confirmed by link": {used(auth.DeleteByLink), "login delete"},
		"a newer token": {func(t *testing.T, _ auth.Backend, u *auth.User) {
			for _, p := range purposes {
				mustMake(t, p, u, "other@example.com")
			}
		}, ""},
	} {
		for _, p := range purposes {
			t.Run(name+"/"+p.Name, func(t *testing.T) {
				users := auth.NewMemory()
				ann := annWithAddress(t, users)
				token := mustMake(t, p, ann, "new@example.com")
				test.event(t, users, ann.Clone())
				u, data, err := tokens.Verify(t.Context(), users, p, token)
				ended := strings.Contains(" "+test.ends+" ", " "+p.Name+" ")
				if ended != errors.Is(err, auth.ErrToken) || !ended && (err != nil || u.ID != ann.ID || data != "new@example.com") {
					t.Errorf("Verify: %v, %q, %v, want it ended: %v", u, data, err, ended)
				}
				u, err = use(t.Context(), users, p, token)
				if ended != errors.Is(err, auth.ErrToken) || !ended && (err != nil || u.ID != ann.ID) {
					t.Errorf("Use: %v, %v, want it ended: %v", u, err, ended)
				}
			})
		}
	}
}

// What the use of a token does for each purpose.
func TestTokenUses(t *testing.T) {
	users := auth.NewMemory()
	ann := annWithAddress(t, users)
	ann.Verified = false
	if err := users.Update(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	verify := mustMake(t, auth.VerifyEmail, ann, "")
	for range 2 {
		if u, err := tokens.Use(t.Context(), users, auth.VerifyEmail, verify, nil); err != nil || !u.Verified {
			t.Errorf("verify: %v, %v", u, err)
		}
	}
	now, _ := users.ByID(t.Context(), ann.ID)
	credential := now.Credential()
	changeEmail := mustMake(t, auth.ChangeEmail, now, "New@Example.com")
	u, err := tokens.Use(t.Context(), users, auth.ChangeEmail, changeEmail, nil)
	if err != nil || u.Email != "New@example.com" || !u.Verified || !u.HasCredential(credential) {
		t.Errorf("email: %v, %v, logins go on: %v", u, err, u.HasCredential(credential))
	}
	if _, err := users.ByKey(t.Context(), "email:ann@example.com"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the old address: %v", err)
	}
	// A new address that another user has taken meanwhile.
	late := mustMake(t, auth.ChangeEmail, u, "kim@example.com")
	if err := users.Create(t.Context(), &auth.User{Email: "kim@example.com", Verified: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Use(t.Context(), users, auth.ChangeEmail, late, nil); !errors.Is(err, auth.ErrExists) {
		t.Errorf("an address that is taken: %v", err)
	}
	reset := mustMake(t, auth.ResetPassword, u, "")
	p := &auth.Passwords{Argon2: cheap}
	if _, err := p.Reset(t.Context(), users, tokens, reset, "short"); err == nil || errors.Is(err, auth.ErrToken) {
		t.Errorf("a short password: %v", err)
	}
	if u, err = p.Reset(t.Context(), users, tokens, reset, "battery staple"); err != nil || u.HasCredential(credential) {
		t.Errorf("reset: %v, %v", u, err)
	}
	if _, err := p.LogIn(t.Context(), users, "new@example.com", "battery staple"); err != nil {
		t.Errorf("a login afterwards: %v", err)
	}
	runs := p.Runs()
	if _, err := p.Reset(t.Context(), users, tokens, reset, "another staple"); !errors.Is(err, auth.ErrToken) || p.Runs() != runs {
		t.Errorf("a used token: %v, after %d hashes", err, p.Runs()-runs)
	}
	link := mustMake(t, auth.LogInByLink, u, "")
	before := u.Credential()
	if u, err = tokens.Use(t.Context(), users, auth.LogInByLink, link, nil); err != nil || u.Links != 1 || !u.HasCredential(before) {
		t.Errorf("login: %v, %v", u, err)
	}
	// If the page returns an error, nothing is stored. A change that leaves the token valid is
	// an error.
	broken := errors.New("broken")
	link = mustMake(t, auth.LogInByLink, u, "")
	if _, err := tokens.Use(t.Context(), users, auth.LogInByLink, link, func(*auth.User) error { return broken }); err != broken {
		t.Errorf("an error of the change: %v", err)
	}
	if now, _ := users.ByID(t.Context(), u.ID); now.Version != u.Version {
		t.Error("a use that failed was stored")
	}
	forgetful := auth.Purpose{Name: "own", Life: time.Hour, Binds: func(u *auth.User) []string { return u.Roles }}
	token := mustMake(t, forgetful, u, "")
	if _, err := tokens.Use(t.Context(), users, forgetful, token, nil); err == nil || errors.Is(err, auth.ErrToken) {
		t.Errorf("a use that changes nothing: %v", err)
	}
	give := func(u *auth.User) error { u.Roles = append(u.Roles, "member"); return nil }
	if u, err := tokens.Use(t.Context(), users, forgetful, token, give); err != nil || !u.Has("member") {
		t.Errorf("a purpose of an application: %v, %v", u, err)
	}
}

// A token is invalid for another purpose, with another key, after it has expired, or if any
// byte has changed.
func TestTokenForgeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := auth.NewMemory()
		ann := annWithAddress(t, users)
		all := append([]auth.Purpose{auth.SignUpByEmail, auth.Invite}, purposes...)
		verify := func(ts *auth.Tokens, p auth.Purpose, token string) error {
			_, _, err := ts.Verify(t.Context(), users, p, token)
			_, _, errFor := ts.VerifyFor(p, token)
			if err == nil || errFor == nil {
				return nil
			}
			return errors.Join(err, errFor)
		}
		wantRefused := func(what string, ts *auth.Tokens, p auth.Purpose, token string) {
			t.Helper()
			if err := verify(ts, p, token); !errors.Is(err, auth.ErrToken) {
				t.Errorf("%s, purpose %s: %v, want ErrToken", what, p.Name, err)
			}
		}
		for i, p := range all {
			var token string
			if i < 2 {
				var err error
				if token, err = tokens.MakeFor(p, "ann@example.com", "data"); err != nil {
					t.Fatal(err)
				}
			} else {
				token = mustMake(t, p, ann, "data")
			}
			for _, other := range all {
				if err := verify(tokens, other, token); (err == nil) != (other.Name == p.Name) {
					t.Errorf("a token for %s as one for %s: %v", p.Name, other.Name, err)
				}
			}
			wantRefused("another key", auth.NewTokens([][]byte{tokenKey('b')}), p, token)
			wantRefused("no key", auth.NewTokens(nil), p, token)
			if err := verify(auth.NewTokens([][]byte{tokenKey('b'), tokenKey('a')}), p, token); err != nil {
				t.Errorf("after a change of keys: %v", err)
			}
			data, err := base64.RawURLEncoding.DecodeString(token)
			if err != nil {
				t.Fatal(err)
			}
			for i := range data {
				for _, flip := range []byte{1, 0x80, 0xff} {
					changed := []byte(string(data))
					changed[i] ^= flip
					wantRefused(fmt.Sprintf("byte %d flipped", i), tokens, p, base64.RawURLEncoding.EncodeToString(changed))
				}
				wantRefused("cut", tokens, p, base64.RawURLEncoding.EncodeToString(data[:i]))
			}
			for what, other := range map[string]string{
				"empty": "", "a space": token + " ", "a line end": token[:10] + "\n" + token[10:], "padded": token + "==", "twice": token + token,
				"longer": base64.RawURLEncoding.EncodeToString(append(data, 0)), "a megabyte": strings.Repeat("A", 1<<20), "no base64": "ä" + token,
			} {
				wantRefused(what, tokens, p, other)
			}
			time.Sleep(p.Life - time.Second)
			if err := verify(tokens, p, token); err != nil {
				t.Errorf("%s a second before its end: %v", p.Name, err)
			}
			time.Sleep(2 * time.Second)
			wantRefused("a second after its end", tokens, p, token)
		}
	})
}

// Of eight uses at the same time one succeeds, also while other fields are changed.
func TestTokenRace(t *testing.T) {
	for _, p := range purposes {
		t.Run(p.Name, func(t *testing.T) {
			for range 25 {
				users := auth.NewMemory()
				ann := annWithAddress(t, users)
				token := mustMake(t, p, ann, "new@example.com")
				passwords := &auth.Passwords{Argon2: cheap, MaxConcurrent: 8}
				var won atomic.Int32
				var wg sync.WaitGroup
				for i := range 8 {
					wg.Go(func() {
						var err error
						if p.Name == "reset" {
							_, err = passwords.Reset(t.Context(), users, tokens, token, fmt.Sprint("battery staple ", i))
						} else {
							_, err = tokens.Use(t.Context(), users, p, token, nil)
						}
						if err == nil {
							won.Add(1)
						} else if !errors.Is(err, auth.ErrToken) && !errors.Is(err, auth.ErrConflict) {
							t.Error(err)
						}
					})
					wg.Go(func() {
						u, err := users.ByID(t.Context(), ann.ID)
						if err == nil {
							u.Roles = append(u.Roles, "member")
							err = users.Update(t.Context(), u)
						}
						if err != nil && !errors.Is(err, auth.ErrConflict) {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if n := won.Load(); n != 1 && !p.Repeatable || n == 0 {
					t.Fatalf("%d uses succeeded, want 1", n)
				}
			}
		})
	}
}

// What cannot be a token, and what Check says at startup.
func TestTokensRefuse(t *testing.T) {
	stored := &auth.User{ID: "1"}
	long := strings.Repeat("x", auth.MaxTokenData+1)
	for what, err := range map[string]error{
		"no ID":          errOf(tokens.Make(auth.LogInByLink, &auth.User{}, "")),
		"a long ID":      errOf(tokens.Make(auth.LogInByLink, &auth.User{ID: long}, "")),
		"long data":      errOf(tokens.Make(auth.LogInByLink, stored, long)),
		"no name":        errOf(tokens.Make(auth.Purpose{Life: time.Hour}, stored, "")),
		"no life":        errOf(tokens.Make(auth.Purpose{Name: "x"}, stored, "")),
		"no keys":        errOf(auth.NewTokens(nil).Make(auth.LogInByLink, stored, "")),
		"a short key":    auth.NewTokens([][]byte{tokenKey('a'), []byte("short")}).Check(),
		"no keys, Check": auth.NewTokens(nil).Check(),
		"no address":     errOf(tokens.MakeFor(auth.SignUpByEmail, "ann", "")),
	} {
		if err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := tokens.Check(); err != nil {
		t.Error(err)
	}
	most := strings.Repeat("x", auth.MaxTokenData)
	if token, err := tokens.Make(auth.LogInByLink, &auth.User{ID: most}, most); err != nil || len(token) > 731 {
		t.Errorf("the longest token: %d, %v", len(token), err)
	}
	if token := mustMake(t, auth.LogInByLink, &auth.User{ID: strings.Repeat("x", 26)}, ""); len(token) != 88 {
		t.Errorf("a token has %d characters", len(token))
	}
	if text := fmt.Sprintf("%v %+v %#v", tokens, tokens, tokens); strings.Contains(text, "aaa") || strings.Contains(text, "97") {
		t.Errorf("tokens are printed as %s", text)
	}
	down := errors.New("connection refused")
	token := mustMake(t, auth.LogInByLink, stored, "")
	_, _, err := tokens.Verify(t.Context(), auth.FinderFunc(func(context.Context, string) (*auth.User, error) { return nil, down }), auth.LogInByLink, token)
	if !errors.Is(err, down) || errors.Is(err, auth.ErrToken) {
		t.Errorf("a backend that is down: %v", err)
	}
	if status := auth.ErrToken.(interface{ HTTPStatus() int }).HTTPStatus(); status != http.StatusForbidden {
		t.Errorf("the status is %d", status)
	}
}

func errOf(_ string, err error) error { return err }

func FuzzTokens(f *testing.F) {
	token, err := tokens.Make(auth.LogInByLink, &auth.User{ID: "1"}, "data")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add(base64.RawURLEncoding.EncodeToString([]byte("\x01\x00\x00\x00\x00\x00\xff" + strings.Repeat("x", 300))))
	users := auth.NewMemory()
	f.Fuzz(func(t *testing.T, token string) {
		if _, _, err := tokens.Verify(t.Context(), users, auth.LogInByLink, token); !errors.Is(err, auth.ErrToken) {
			t.Errorf("%q: %v", token, err)
		}
		if _, _, err := tokens.VerifyFor(auth.Invite, token); !errors.Is(err, auth.ErrToken) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
