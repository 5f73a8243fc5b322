package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// TestStorm shows what a login does if all slots are taken: it waits until its timeout or the
// end of its request, and computes no hash.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &auth.Passwords{Argon2: cheap, MaxConcurrent: 2, MaxWait: 3 * time.Second}
		users := auth.NewMemory()
		release, err := p.TakeSlots(2)
		if err != nil {
			t.Fatal(err)
		}

		start := time.Now()
		_, err = p.LogIn(t.Context(), users, "joe", "correct horse")
		if !errors.Is(err, auth.ErrBusy) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v, want ErrBusy after 3 s", err, time.Since(start))
		}
		if status, ok := err.(interface{ HTTPStatus() int }); !ok || status.HTTPStatus() != 503 {
			t.Errorf("%v has no HTTPStatus 503", err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = p.LogIn(ctx, users, "joe", "correct horse")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want the context's error after 1 s", err, time.Since(start))
		}
		if p.Runs() != 0 {
			t.Errorf("%d hashes were computed", p.Runs())
		}

		waiting := make(chan error)
		go func() {
			_, err := p.LogIn(t.Context(), users, "joe", "correct horse")
			waiting <- err
		}()
		synctest.Wait()
		release()
		if err := <-waiting; !errors.Is(err, auth.ErrCredentials) {
			t.Errorf("after the storm: %v", err)
		}
	})
}

// One client can fill only its share of the queue. Others wait as if it were not there. Each
// attempt beyond the share fails at once and computes no hash.
func TestShareOfAClient(t *testing.T) {
	for name, test := range map[string]struct {
		per, tries int
		addresses  []string // of the client
		refused    int
	}{
		"one address":     {3, 10, []string{"192.0.2.1"}, 7},
		"the default":     {0, 20, []string{"192.0.2.1"}, 4},
		"without a bound": {-1, 20, []string{"192.0.2.1"}, 0},
		"a network of 64": {3, 10, []string{"2001:db8::1", "2001:db8::2", "2001:DB8:0:0:1:2:3:4"}, 7},
		"mapped":          {3, 10, []string{"192.0.2.1", "::ffff:192.0.2.1"}, 7},
		"two networks":    {3, 10, []string{"2001:db8::1", "2001:db8:0:1::1"}, 4},
		"two addresses":   {3, 10, []string{"192.0.2.1", "192.0.2.2"}, 4},
		"no address":      {3, 10, []string{"unix"}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &auth.Passwords{Argon2: cheap, MaxConcurrent: 1, PerClient: test.per, MaxWait: time.Hour}
				users := auth.NewMemory()
				release, err := p.TakeSlots(1)
				if err != nil {
					t.Fatal(err)
				}
				results := make(chan error, test.tries)
				for i := range test.tries {
					ctx := auth.WithClient(t.Context(), test.addresses[i%len(test.addresses)])
					go func() {
						_, err := p.LogIn(ctx, users, "joe", "correct horse")
						results <- err
					}()
				}
				synctest.Wait()
				if len(results) != test.refused {
					t.Errorf("%d of %d tries ended at once, want %d", len(results), test.tries, test.refused)
				}
				for range len(results) {
					if err := <-results; !errors.Is(err, auth.ErrBusy) {
						t.Errorf("a try beyond the share: %v", err)
					}
				}
				other := make(chan error, 1)
				go func() {
					_, err := p.LogIn(auth.WithClient(t.Context(), "198.51.100.7"), users, "joe", "correct horse")
					other <- err
				}()
				synctest.Wait()
				release()
				if err := <-other; !errors.Is(err, auth.ErrCredentials) {
					t.Errorf("the other client: %v", err)
				}
				for range test.tries - test.refused {
					if err := <-results; !errors.Is(err, auth.ErrCredentials) {
						t.Errorf("a try within the share: %v", err)
					}
				}
				if n := p.Clients(); n != 0 {
					t.Errorf("%d clients are remembered when nobody waits", n)
				}
			})
		})
	}
}

// If a client gives up, its next attempt can take its place.
func TestShareIsGivenBack(t *testing.T) {
	p := &auth.Passwords{Argon2: cheap, MaxConcurrent: 1, PerClient: 1}
	release, err := p.TakeSlots(1)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(auth.WithClient(t.Context(), "192.0.2.1"))
	cancel()
	for range 5 {
		if _, err := p.LogIn(ctx, auth.NewMemory(), "joe", "correct horse"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	if p.Clients() != 0 {
		t.Error("the client is still counted")
	}
}
