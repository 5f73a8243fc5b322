// Package datastoretx runs transactions of Datastore whose outcome must be known.
package datastoretx

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxAttempts is how often a transaction that was aborted is tried again though f
// sees nobody's change, as happens in pessimistic databases. The deadline of the call
// ends it sooner.
const maxAttempts = 20

// ErrApplied is what f returns if it finds that an earlier attempt was applied.
var ErrApplied = errors.New("datastoretx: applied already")

// Refuse returns err as an outcome that another attempt would not change. It is
// returned by f, and [Run] returns err.
func Refuse(err error) error { return &refusal{err} }

type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// Run runs f in a transaction and commits it. A failed commit may have been applied
// all the same, so another attempt follows, in which f must tell by what is stored:
// it returns [ErrApplied] if its own change is there, refuses if another change
// was faster, and makes the change again if nothing has happened. Attempts are
// counted from 1. f must not change what they share: an attempt that the deadline of
// ctx has overtaken may still be running.
//
// It costs a call to begin, those of f, and one to commit. The client's BeginLater would
// begin with the first read, but with it Google's Firestore emulator in Datastore mode
// (1.19.9) has a transaction wait for a lock of its own until it is aborted, and whether
// production does otherwise could not be tried.
//
// An error of the client is returned as a [Failure] of doing. It wraps
// [datastore.ErrConcurrentTransaction] if every attempt was aborted.
func Run(ctx context.Context, client *datastore.Client, doing string, f func(tx *datastore.Transaction, attempt int) error) error {
	for attempt := 1; ; attempt++ {
		began := time.Now()
		err := once(ctx, client, func(tx *datastore.Transaction) error { return f(tx, attempt) })
		if err == nil || errors.Is(err, ErrApplied) {
			return nil
		}
		if refused, ok := errors.AsType[*refusal](err); ok {
			return refused.error
		}
		aborted := errors.Is(err, datastore.ErrConcurrentTransaction) || status.Code(err) == codes.Aborted
		switch {
		case ctx.Err() != nil, !aborted && attempt > 1, attempt == maxAttempts:
			return Failure(ctx, doing, err)
		case aborted:
			// If transactions lock what they read, those that want to write the same
			// wait for each other and are aborted together, after seconds. One that is
			// back before the others have let go has them all wait once more.
			took := max(time.Since(began), 10*time.Millisecond)
			pause(ctx, rand.N(took*time.Duration(attempt)/2))
		}
	}
}

// once runs f in a transaction, once, and waits no longer than ctx says, nor for the
// rollback if f fails. The client would: a rollback has 5 seconds of its own, so
// that no lock stays behind. It goes on without the caller.
func once(ctx context.Context, client *datastore.Client, f func(tx *datastore.Transaction) error) error {
	done := make(chan error, 2)
	go func() {
		_, err := client.RunInTransaction(ctx, func(tx *datastore.Transaction) error {
			err := f(tx)
			if err != nil {
				done <- err
			}
			return err
		}, datastore.MaxAttempts(1))
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

// Failure wraps an error of the client with what was being done, such as
// "sessions/datastore: load". The client's timeouts are gRPC statuses, which errors.Is
// does not know as what they are: here they wrap context.DeadlineExceeded.
func Failure(ctx context.Context, doing string, err error) error {
	switch {
	case status.Code(err) == codes.DeadlineExceeded || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer in time: %w: %w", doing, context.DeadlineExceeded, err)
	case status.Code(err) == codes.Canceled || ctx.Err() != nil:
		return fmt.Errorf("%s: %w: %w", doing, context.Canceled, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
