package sessionstest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/webapp2go/webapp2go/sessions"
)

// A faulty backend counts its calls and fails as a test tells it, in front of the
// backend under test.
type faulty struct {
	sessions.Backend
	loads, creates, updates, deletes atomic.Int64

	fault atomic.Value // a func(ctx) error, asked before each call; nil error: go on
}

var errDown = errors.New("sessionstest: the backend is down")

func newFaulty(b sessions.Backend) *faulty {
	f := &faulty{Backend: b}
	f.heal()
	return f
}

func (f *faulty) heal() { f.fail(func(context.Context) error { return nil }) }
func (f *faulty) down() { f.fail(func(context.Context) error { return errDown }) }

// hang lets every call wait until its context is over.
func (f *faulty) hang() {
	f.fail(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
}

func (f *faulty) fail(fault func(context.Context) error) { f.fault.Store(fault) }

func (f *faulty) enter(ctx context.Context, calls *atomic.Int64) error {
	calls.Add(1)
	return f.fault.Load().(func(context.Context) error)(ctx)
}

// calls returns how many loads, creates, updates and deletes there were since it was
// last asked.
func (f *faulty) calls() [4]int64 {
	return [4]int64{f.loads.Swap(0), f.creates.Swap(0), f.updates.Swap(0), f.deletes.Swap(0)}
}

func (f *faulty) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := f.enter(ctx, &f.loads); err != nil {
		return sessions.Record{}, err
	}
	return f.Backend.Load(ctx, id)
}

func (f *faulty) Create(ctx context.Context, id string, r sessions.Record) error {
	if err := f.enter(ctx, &f.creates); err != nil {
		return err
	}
	return f.Backend.Create(ctx, id, r)
}

func (f *faulty) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if err := f.enter(ctx, &f.updates); err != nil {
		return 0, err
	}
	return f.Backend.Update(ctx, id, r)
}

func (f *faulty) Delete(ctx context.Context, id string) error {
	if err := f.enter(ctx, &f.deletes); err != nil {
		return err
	}
	return f.Backend.Delete(ctx, id)
}
