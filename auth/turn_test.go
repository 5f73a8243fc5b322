package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// TestStorm shows what a login does where all turns are taken: it waits, then
// gives up by itself or with its request, and computes nothing.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &auth.Passwords{Params: cheap, Concurrent: 2, Wait: 3 * time.Second}
		users := auth.NewMemory()
		release, err := p.TakeTurns(2)
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
