package authtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
)

// rounds is how often two calls race. A Backend on a real server takes milliseconds for
// each call.
const rounds = 20

func createRace(t *testing.T, b auth.Backend) {
	won := race(t, auth.ErrExists, func(int) error { return b.Create(t.Context(), joe()) })
	if won != 1 {
		t.Errorf("%d of the Creates of one name won, want 1", won)
	}
}

func createEmailRace(t *testing.T, b auth.Backend) {
	won := race(t, auth.ErrExists, func(i int) error {
		u := &auth.User{Name: fmt.Sprint("joe ", i), Email: "joe@example.com", Verified: true}
		return b.Create(t.Context(), u)
	})
	if won != 1 {
		t.Errorf("%d of the Creates of one address won, want 1", won)
	}
	if all := pages(t, b, "", 100); len(all) != 1 {
		t.Errorf("%d users are kept, want 1", len(all))
	}
}

func updateRace(t *testing.T, b auth.Backend) {
	id := mustCreate(t, b, joe()).ID
	u := mustByID(t, b, id)
	won := race(t, auth.ErrConflict, func(int) error { return b.Update(t.Context(), u.Clone()) })
	if won != 1 {
		t.Errorf("%d of the Updates of one version won, want 1", won)
	}
}

func changeRace(t *testing.T, b auth.Backend) {
	users := make([]*auth.User, racers)
	for i := range users {
		users[i] = mustCreate(t, b, &auth.User{Name: fmt.Sprint("joe ", i)})
	}
	won := race(t, auth.ErrExists, func(i int) error {
		u := users[i].Clone()
		u.Email, u.Verified = "joe@example.com", true
		return b.Update(t.Context(), u)
	})
	if won != 1 {
		t.Errorf("%d of the Updates to one address won, want 1", won)
	}
}

// signUpAgainstChange lets somebody sign up with the address that a user changes to.
func signUpAgainstChange(t *testing.T, b auth.Backend) {
	for i := range rounds {
		u := mustCreate(t, b, &auth.User{Name: fmt.Sprint("a ", i)})
		address := fmt.Sprintf("new%d@example.com", i)
		errs := together(func() error {
			u.Email, u.Verified = address, true
			return b.Update(t.Context(), u)
		}, func() error {
			return b.Create(t.Context(), &auth.User{Email: address, Verified: true})
		})
		wantOne(t, errs, auth.ErrExists)
	}
}

// swapRace lets two users take each other's name at the same time. One of them may
// succeed, if the other has given up its name; both cannot have one name.
func swapRace(t *testing.T, b auth.Backend) {
	ann := mustCreate(t, b, &auth.User{Name: "ann", AuthIDs: []string{"x:1"}})
	bob := mustCreate(t, b, &auth.User{Name: "bob", AuthIDs: []string{"x:2"}})
	for range rounds {
		errs := together(func() error {
			u := ann.Clone()
			u.Name = "bob"
			return b.Update(t.Context(), u)
		}, func() error {
			u := bob.Clone()
			u.Name = "ann"
			return b.Update(t.Context(), u)
		})
		for _, err := range errs {
			wantErr(t, "Update to the name of the other", err, auth.ErrExists)
		}
		wantKeys(t, b, ann, "name:ann", "id:x:1")
		wantKeys(t, b, bob, "name:bob", "id:x:2")
	}
}

func deleteAgainstUpdate(t *testing.T, b auth.Backend) {
	for i := range rounds {
		old, next := auth.NameKey(fmt.Sprint("a ", i)), auth.NameKey(fmt.Sprint("b ", i))
		u := mustCreate(t, b, &auth.User{Name: fmt.Sprint("a ", i)})
		renamed := u.Clone()
		renamed.Name = fmt.Sprint("b ", i)
		errs := together(func() error { return b.Delete(t.Context(), u.Clone()) }, func() error { return b.Update(t.Context(), renamed) })
		switch {
		case errs[0] == nil:
			wantErr(t, "Update after Delete", errs[1], auth.ErrNotFound)
			wantKeys(t, b, nil, old, next)
		case errs[1] == nil:
			wantErr(t, "Delete after Update", errs[0], auth.ErrConflict)
			wantKeys(t, b, nil, old)
			wantKeys(t, b, u, next)
		default:
			t.Errorf("neither won: %v", errs)
		}
	}
}

func deleteAgainstCreate(t *testing.T, b auth.Backend) {
	u := mustCreate(t, b, joe())
	for range rounds {
		var next *auth.User
		errs := together(func() error { return b.Delete(t.Context(), u) }, func() error {
			made := joe()
			err := b.Create(t.Context(), made)
			if err == nil {
				next = made
			}
			return err
		})
		if errs[0] != nil {
			t.Fatalf("Delete: %v", errs[0])
		}
		if next == nil {
			wantErr(t, "Create before Delete", errs[1], auth.ErrExists)
			wantKeys(t, b, nil, joesKeys...)
			next = mustCreate(t, b, joe())
		}
		wantKeys(t, b, next, joesKeys...)
		u = next
	}
}

// racers is how many calls race in [race].
const racers = 8

// race calls f of 0 to 7 at the same time and counts the successes. Every other call must
// return the error refused.
func race(t *testing.T, refused error, f func(i int) error) (won int) {
	t.Helper()
	var calls []func() error
	for i := range racers {
		calls = append(calls, func() error { return f(i) })
	}
	for _, err := range together(calls...) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, refused):
			t.Errorf("%v, want %v", err, refused)
		}
	}
	return won
}

// together makes the calls at the same time and returns their errors.
func together(calls ...func() error) []error {
	errs := make([]error, len(calls))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, call := range calls {
		wg.Go(func() {
			<-start
			errs[i] = call()
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// wantOne checks that one call of two won, and that the other returned the error refused.
func wantOne(t *testing.T, errs []error, refused error) {
	t.Helper()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v, want one success", errs)
		return
	}
	wantErr(t, "the other", errors.Join(errs...), refused)
}

// tokenRace uses one token eight times at once, while the user is changed otherwise.
func tokenRace(t *testing.T, b auth.Backend) {
	key := make([]byte, 32)
	tokens := auth.NewTokens([][]byte{key})
	for range 5 {
		u := mustCreate(t, b, joe())
		token, err := tokens.Make(auth.LogInByLink, u, "")
		if err != nil {
			t.Fatal(err)
		}
		var calls []func() error
		for range racers {
			calls = append(calls, func() error {
				_, err := tokens.Use(t.Context(), b, auth.LogInByLink, token, nil)
				return err
			})
		}
		for range 2 {
			calls = append(calls, func() error {
				now, err := b.ByID(t.Context(), u.ID)
				if err == nil {
					now.Roles = append(now.Roles, "member")
					err = b.Update(t.Context(), now)
				}
				return err
			})
		}
		won := 0
		for i, err := range together(calls...) {
			switch {
			case i < racers && err == nil:
				won++
			case err != nil && !errors.Is(err, auth.ErrToken) && !errors.Is(err, auth.ErrConflict):
				t.Errorf("call %d: %v", i, err)
			}
		}
		now := mustByID(t, b, u.ID)
		if won != 1 || now.Links != u.Links+1 {
			t.Errorf("%d uses succeeded, the user has %d links after %d, want one use", won, now.Links, u.Links)
		}
		if err := b.Delete(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
}
