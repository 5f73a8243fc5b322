package cached_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/webapp2go/webapp2go/sessions"
)

// A hooked is a Backend whose calls a test can delay, fail and count.
type hooked struct {
	sessions.Backend

	mu     sync.Mutex
	before func(method, id string) error // if it returns an error, the call returns it and does nothing
	after  func(method, id string) error // if it returns an error, the call returns it although it has been made
	calls  map[string]int
}

func hook(b sessions.Backend) *hooked { return &hooked{Backend: b, calls: map[string]int{}} }

// set replaces both hooks.
func (h *hooked) set(before, after func(method, id string) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before, h.after = before, after
}

// took returns how many calls of method there were, and resets all counts.
func (h *hooked) took(method string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.calls[method]
	clear(h.calls)
	return n
}

func (h *hooked) do(method, id string, call func() error) error {
	h.mu.Lock()
	h.calls[method]++
	before, after := h.before, h.after
	h.mu.Unlock()
	if before != nil {
		if err := before(method, id); err != nil {
			return err
		}
	}
	err := call()
	if after != nil {
		if failure := after(method, id); failure != nil {
			return failure
		}
	}
	return err
}

func (h *hooked) Load(ctx context.Context, id string) (r sessions.Record, err error) {
	err = h.do("Load", id, func() error { r, err = h.Backend.Load(ctx, id); return err })
	if err != nil {
		return sessions.Record{}, err
	}
	return r, nil
}

func (h *hooked) Create(ctx context.Context, id string, r sessions.Record) error {
	return h.do("Create", id, func() error { return h.Backend.Create(ctx, id, r) })
}

func (h *hooked) Update(ctx context.Context, id string, r sessions.Record) (version uint64, err error) {
	err = h.do("Update", id, func() error { version, err = h.Backend.Update(ctx, id, r); return err })
	return version, err
}

func (h *hooked) Delete(ctx context.Context, id string) error {
	return h.do("Delete", id, func() error { return h.Backend.Delete(ctx, id) })
}

var errDown = errors.New("the cache is down")

// faulty fails that share of all calls. Half of those are made before they fail.
func faulty(b sessions.Backend, share float64) *hooked {
	h := hook(b)
	fail := func(string, string) error {
		if rand.Float64() < share/2 {
			return errDown
		}
		return nil
	}
	if share == 1 {
		fail = func(string, string) error { return errDown }
	}
	h.set(fail, fail)
	return h
}

// onItsWay is a network that delivers what was sent, even if the caller no longer waits for the
// response.
type onItsWay struct{ sessions.Backend }

func (o onItsWay) Create(ctx context.Context, id string, r sessions.Record) error {
	return o.Backend.Create(context.WithoutCancel(ctx), id, r)
}

// forgetful evicts its entries, one time in three.
type forgetful struct{ *sessions.Memory }

func (f forgetful) Load(ctx context.Context, id string) (sessions.Record, error) {
	if rand.N(3) == 0 && sessions.CheckID(id) == nil {
		if err := f.Memory.Delete(ctx, id); err != nil {
			return sessions.Record{}, err
		}
	}
	return f.Memory.Load(ctx, id)
}

// small refuses large records, as memcached does.
type small struct{ *sessions.Memory }

func (s small) Create(ctx context.Context, id string, r sessions.Record) error {
	if len(r.Data) > 128 {
		return sessions.ErrTooLarge
	}
	return s.Memory.Create(ctx, id, r)
}

func (s small) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if len(r.Data) > 128 {
		return 0, sessions.ErrTooLarge
	}
	return s.Memory.Update(ctx, id, r)
}
