// Package datastoretx runs transactions of Datastore, and finds out whether a commit that
// failed was applied.
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

// maxAttempts is how often a transaction is tried that is aborted although f sees no
// change of others, as happens in databases with pessimistic locks. The deadline of the
// call usually ends it sooner.
const maxAttempts = 20

// ErrApplied is what f returns if it finds that an earlier attempt was applied.
var ErrApplied = errors.New("datastoretx: applied already")

// Refuse marks err as final. If f returns it, [Run] makes no other attempt and returns
// err.
func Refuse(err error) error { return &refusal{err} }

type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// Run runs f in a transaction and commits it. A commit that failed may have been applied,
// so another attempt follows, in which f looks at what is stored: it returns [ErrApplied]
// if its own change is there, refuses if another change was faster, and makes the change
// again if nothing has happened. Attempts are counted from 1. f must not change values
// that attempts share, because an attempt may still run after the deadline of ctx.
//
// It costs one call to begin, those of f, and one to commit. The client's option
// BeginLater would begin with the first read. With it, a transaction in Google's
// Firestore emulator in Datastore mode (1.19.9) waits for a lock of its own until it is
// aborted. Whether production does so was not tried.
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
			// If transactions lock what they read, those that write the same entity wait
			// for each other, and are aborted together after seconds. One that tries
			// again before the others have ended makes all of them wait again.
			took := max(time.Since(began), 10*time.Millisecond)
			pause(ctx, rand.N(took*time.Duration(attempt)/2))
		}
	}
}

// once runs f in a transaction. It does not wait longer than ctx, and does not wait for
// the rollback if f fails. The client would: its rollback has 5 seconds of its own, so
// that no lock remains. The rollback goes on after once has returned.
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
// "sessions/datastore: load". The client's timeouts are gRPC statuses; Failure makes them
// wrap context.DeadlineExceeded, and cancellations context.Canceled.
func Failure(ctx context.Context, doing string, err error) error {
	switch {
	case status.Code(err) == codes.DeadlineExceeded || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer in time: %w: %w", doing, context.DeadlineExceeded, err)
	case status.Code(err) == codes.Canceled || ctx.Err() != nil:
		return fmt.Errorf("%s: %w: %w", doing, context.Canceled, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
