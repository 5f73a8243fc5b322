package sessionstest

import (
	"context"
	"sync"

	"github.com/webapp2go/webapp2go/sessions"
)

// A wire wraps the backend under test. It knows every record that was created, and a test can
// act before and after each call.
type wire struct {
	sessions.Backend

	mu     sync.Mutex
	ids    []string                                                  // of all that was created
	before func(method, id string, r sessions.Record) error          // if nil, the call is made
	after  func(method, id string, r sessions.Record, e error) error // if nil, e is returned
}

func (w *wire) LoadIsCurrent() bool {
	b, ok := w.Backend.(sessions.CurrentBackend)
	return ok && b.LoadIsCurrent()
}

// cut sets f to be called before each call. It replaces an earlier one.
func (w *wire) cut(f func(method, id string, r sessions.Record) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = f
}

// bend sets f to change what each call returns. It replaces an earlier one.
func (w *wire) bend(f func(method, id string, r sessions.Record, err error) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after = f
}

func (w *wire) enter(method, id string, r sessions.Record) error {
	w.mu.Lock()
	before := w.before
	if method == "create" {
		w.ids = append(w.ids, id)
	}
	w.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(method, id, r)
}

func (w *wire) leave(method, id string, r sessions.Record, err error) error {
	w.mu.Lock()
	after := w.after
	w.mu.Unlock()
	if after == nil {
		return err
	}
	return after(method, id, r, err)
}

// living counts the records that are not tombstones.
func (w *wire) living(ctx context.Context) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.ids {
		if r, err := w.Backend.Load(ctx, id); err == nil && !r.IsTombstone() {
			n++
		}
	}
	return n
}

func (w *wire) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := w.enter("load", id, sessions.Record{}); err != nil {
		return sessions.Record{}, err
	}
	r, err := w.Backend.Load(ctx, id)
	return r, w.leave("load", id, r, err)
}

func (w *wire) Create(ctx context.Context, id string, r sessions.Record) error {
	if err := w.enter("create", id, r); err != nil {
		return err
	}
	return w.leave("create", id, r, w.Backend.Create(ctx, id, r))
}

func (w *wire) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if err := w.enter("update", id, r); err != nil {
		return 0, err
	}
	version, err := w.Backend.Update(ctx, id, r)
	return version, w.leave("update", id, r, err)
}

func (w *wire) Delete(ctx context.Context, id string) error {
	if err := w.enter("delete", id, sessions.Record{}); err != nil {
		return err
	}
	return w.leave("delete", id, sessions.Record{}, w.Backend.Delete(ctx, id))
}
