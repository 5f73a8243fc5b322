package sessionstest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A faulty wraps the backend under test, counts its calls, and fails as a test specifies.
type faulty struct {
	sessions.Backend
	loads, creates, updates, deletes atomic.Int64

	fault atomic.Value // a func(ctx) error that is called before each call; if it returns nil, the call is made
	lose  atomic.Bool  // every Update is carried out, and then fails
}

var errDown = errors.New("sessionstest: the backend is down")

func newFaulty(b sessions.Backend) *faulty {
	f := &faulty{Backend: b}
	f.heal()
	return f
}

func (f *faulty) heal() {
	f.lose.Store(false)
	f.fail(func(context.Context) error { return nil })
}

func (f *faulty) down() { f.fail(func(context.Context) error { return errDown }) }

// hang makes every call wait until its context is done.
func (f *faulty) hang() {
	f.fail(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
}

// slow makes every call take some time.
func (f *faulty) slow() {
	f.fail(func(context.Context) error {
		time.Sleep(rand.N(10 * time.Millisecond))
		return nil
	})
}

// flap makes every third call fail.
func (f *faulty) flap() {
	var calls atomic.Int64
	f.fail(func(context.Context) error {
		if calls.Add(1)%3 == 0 {
			return errDown
		}
		return nil
	})
}

func (f *faulty) fail(fault func(context.Context) error) { f.fault.Store(fault) }

func (f *faulty) enter(ctx context.Context, calls *atomic.Int64) error {
	calls.Add(1)
	return f.fault.Load().(func(context.Context) error)(ctx)
}

// calls returns how many loads, creates, updates and deletes there were since the last call of
// calls.
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
	version, err := f.Backend.Update(ctx, id, r)
	if err == nil && f.lose.Load() {
		return 0, errDown
	}
	return version, err
}

func (f *faulty) Delete(ctx context.Context, id string) error {
	if err := f.enter(ctx, &f.deletes); err != nil {
		return err
	}
	return f.Backend.Delete(ctx, id)
}
