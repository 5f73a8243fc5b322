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

	"github.com/webapp2go/webapp2go/sessions"
)

// maxAttempts is how often a transaction that was aborted is tried again though
// nobody's change is to be seen, as happens in pessimistic databases. The deadline
// of the call ends it sooner.
const maxAttempts = 20

var errApplied = errors.New("sessions/datastore: applied already")

// A refusal is what decide said in a transaction.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// change replaces the entity of id with what decide makes of the old one (nil:
// there is none), and returns an error of decide as it is. Decide runs once for
// each attempt, counted from 1, and must not change what they share.
//
// A failed commit may have been applied all the same, so another attempt follows,
// whose lookup tells: by the mark, ours was applied; by the version, somebody else
// was faster; else it is made again.
func (b *Backend) change(ctx context.Context, doing, id string, mark []byte, decide func(old *entity, attempt int) (*entity, error)) error {
	key := b.key(id)
	for attempt := 1; ; attempt++ {
		err := b.transact(ctx, func(tx *gcds.Transaction) error {
			old := new(entity)
			switch err := tx.Get(key, old); {
			case errors.Is(err, gcds.ErrNoSuchEntity):
				old = nil
			case err != nil:
				return err
			case old.writes.has(mark):
				return errApplied
			}
			next, err := decide(old, attempt)
			if err != nil {
				return &refusal{err}
			}
			_, err = tx.Mutate(gcds.NewUpdate(key, next)) // which never creates, in any mode of concurrency
			return err
		})
		if err == nil || errors.Is(err, errApplied) {
			return nil
		}
		if refused, ok := errors.AsType[*refusal](err); ok {
			return refused.error
		}
		aborted := errors.Is(err, gcds.ErrConcurrentTransaction) || status.Code(err) == codes.Aborted
		switch {
		case ctx.Err() != nil, !aborted && attempt > 1:
			return failure(ctx, doing, err)
		case attempt == maxAttempts:
			return fmt.Errorf("%w: %w", sessions.ErrConflict, err)
		case attempt > 1:
			pause(ctx, rand.N(time.Duration(attempt)*5*time.Millisecond))
		}
	}
}

// transact runs f in a transaction, once, and waits no longer than ctx says, nor for
// the rollback where f fails. The client would: a rollback has 5 seconds of its own, so
// that no lock stays behind. It goes on without the caller.
func (b *Backend) transact(ctx context.Context, f func(tx *gcds.Transaction) error) error {
	done := make(chan error, 2)
	go func() {
		_, err := b.client.RunInTransaction(ctx, func(tx *gcds.Transaction) error {
			err := f(tx)
			if err != nil {
				done <- err
			}
			return err
		}, gcds.BeginLater, gcds.MaxAttempts(1))
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
