package sessions

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type contextKey struct{}

func deadlineOf(ctx context.Context) *deadline {
	return newDeadline(new(http.Request).WithContext(ctx))
}

// Whether somebody waits for it or not, a deadline ends after patience, with what was
// made of it, and not with the request.
func TestDeadlineEnds(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context) <-chan struct{}{
		"nobody waits": func(context.Context) <-chan struct{} { return nil },
		"it itself":    context.Context.Done,
		"a child": func(ctx context.Context) <-chan struct{} {
			child, cancel := context.WithCancel(ctx)
			t.Cleanup(cancel)
			return child.Done()
		},
		"a function": func(ctx context.Context) <-chan struct{} {
			done := make(chan struct{})
			context.AfterFunc(ctx, func() { close(done) })
			return done
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, hangUp := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "kept"))
				d := deadlineOf(parent)
				defer d.cancel()
				done := wait(d)
				hangUp()
				time.Sleep(patience - time.Nanosecond)
				synctest.Wait()
				select {
				case <-done:
					t.Error("it has ended too soon")
				default:
				}
				if at, ok := d.Deadline(); d.Err() != nil || d.Value(contextKey{}) != "kept" || !ok || time.Until(at) != time.Nanosecond {
					t.Errorf("before its end: error %v, value %v, deadline %v", d.Err(), d.Value(contextKey{}), at)
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if done != nil {
					<-done
				}
				if !errors.Is(d.Err(), context.DeadlineExceeded) {
					t.Errorf("after its end: error %v", d.Err())
				}
			})
		})
	}
}

// A backend whose call has returned is told that nobody waits for it any more.
func TestDeadlineIsCancelled(t *testing.T) {
	for name, waited := range map[string]bool{"nobody waited": false, "somebody waited": true} {
		t.Run(name, func(t *testing.T) {
			d := deadlineOf(t.Context())
			if waited {
				d.Done()
			}
			d.cancel()
			<-d.Done()
			if !errors.Is(d.Err(), context.Canceled) {
				t.Errorf("error %v", d.Err())
			}
		})
	}
}

func TestDeadlineIsSafeForConcurrentUse(t *testing.T) {
	d := deadlineOf(t.Context())
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() { <-d.Done() })
		calls.Go(func() { _ = d.Err() })
		calls.Go(d.cancel)
	}
	calls.Wait()
}
