package datastore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	gcds "cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxAttempts is how often a transaction that was aborted is tried again. The deadline
// of the call ends it sooner.
const maxAttempts = 20

// errApplied is what a transaction says that finds its own mark.
var errApplied = errors.New("auth/datastore: applied already")

// A refusal is an outcome that another attempt would not change.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// change runs f in a transaction, and again while others are in the way. A failed
// commit may have been applied all the same, so it is followed by one more attempt,
// which finds the mark of the first.
func (s *Store) change(ctx context.Context, doing string, f func(*gcds.Transaction) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := s.transact(ctx, f)
		if err == nil || errors.Is(err, errApplied) {
			return nil
		}
		if refused, ok := errors.AsType[*refusal](err); ok {
			return refused.error
		}
		aborted := errors.Is(err, gcds.ErrConcurrentTransaction) || status.Code(err) == codes.Aborted
		if ctx.Err() != nil || !aborted && attempt > 1 || attempt == maxAttempts {
			return failure(ctx, doing, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(rand.N(time.Duration(attempt) * 5 * time.Millisecond)):
		}
	}
}

// transact runs f in a transaction, once, and waits no longer than ctx says. The
// client would: its rollback after a failure has a time of its own.
func (s *Store) transact(ctx context.Context, f func(*gcds.Transaction) error) error {
	done := make(chan error, 1)
	go func() {
		_, err := s.client.RunInTransaction(ctx, f, gcds.BeginLater, gcds.MaxAttempts(1))
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failure wraps an error of the client, whose timeouts errors.Is does not know.
func failure(ctx context.Context, doing string, err error) error {
	switch {
	case status.Code(err) == codes.DeadlineExceeded || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("auth/datastore: %s: no answer in time: %w: %w", doing, context.DeadlineExceeded, err)
	case ctx.Err() != nil:
		return fmt.Errorf("auth/datastore: %s: %w: %w", doing, context.Canceled, err)
	}
	return fmt.Errorf("auth/datastore: %s: %w", doing, err)
}
