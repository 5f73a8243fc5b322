package framework

import (
	"errors"
	"net/http"
)

// BeforeSend registers a function that may still change the header: it runs once,
// when the header is about to go out, whatever made it go. This is where sessions are
// saved. Its argument is this Response. Functions run in the order they were
// registered, all of them even where one fails.
//
// Where one fails or panics, what is held is dropped and the error is answered
// instead; the Write, Flush or Hijack that made the header go returns it, and no
// function runs again. One that is registered after the header has gone runs at the
// end of the request, when [Response.Sent] is true: it can change nothing any more.
//
// It is the one method here that all goroutines of the request may call: the first use
// of a session, which registers its save, may come from any of them.
func (r *Response) BeforeSend(f func(http.ResponseWriter) error) {
	for h := (&hook{run: f}); ; {
		h.before = r.hooks.Load()
		if r.hooks.CompareAndSwap(h.before, h) {
			return
		}
	}
}

// A Saver has something to save before a response goes out, as a session store has.
type Saver interface {
	Save(w http.ResponseWriter) error
}

// SaveWith registers a Saver whose Save runs after the functions of
// [Response.BeforeSend], as the last thing before the header is written. In all else it
// is such a function, but registering it allocates nothing. It must be called by the
// goroutine that serves the request.
func (r *Response) SaveWith(s Saver) {
	if r.saver != nil {
		r.BeforeSend(s.Save)
		return
	}
	r.saver = s
}

// A hook is a function that waits to be run.
type hook struct {
	run    func(http.ResponseWriter) error
	before *hook // the one that was registered before it; nil: there is none
}

// hooked reports whether there is something to run before the header is written, or a
// failure to answer.
func (r *Response) hooked() bool {
	return r.saver != nil || r.hooks.Load() != nil || r.extras != nil
}

// nextHook takes the oldest of the hooks that wait; nil: none does. Only the goroutine
// that sends the answer takes hooks.
func (r *Response) nextHook() *hook {
	for {
		newest := r.hooks.Load()
		if newest == nil {
			return nil
		}
		if newest.before == nil {
			if r.hooks.CompareAndSwap(newest, nil) {
				return newest
			}
			continue // another has been registered meanwhile
		}
		second := newest
		for second.before.before != nil {
			second = second.before
		}
		oldest := second.before
		second.before = nil
		return oldest
	}
}

// Commit runs the functions of [Response.BeforeSend] now, and not again, without
// sending anything: an action that calls it knows that what it did is saved.
func (r *Response) Commit() error {
	if r.sent {
		return nil
	}
	return r.runHooks()
}

// runHooks runs each hook once, those included that a hook registers.
func (r *Response) runHooks() error {
	if err := r.failure(); err != nil || r.sent || r.closed {
		return err
	}
	var failed []error
	for !r.sent {
		run := r.next()
		if run == nil {
			break
		}
		r.committed = true
		if err := r.call(run); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return r.fail(errors.Join(failed...))
	}
	return r.failure() // of a hook that ran while another sent the answer
}

// fail drops the body: the error of a hook, or of what the hooks have set, is to be
// answered.
func (r *Response) fail(err error) error {
	r.dropBody()
	r.needExtras().failure = err
	return err
}

// failure returns the error that is to be answered instead of the body; nil: none.
func (r *Response) failure() error {
	if r.extras == nil {
		return nil
	}
	return r.extras.failure
}

// runLateHooks runs the hooks that came too late, and returns their errors.
func (r *Response) runLateHooks() (failed []error) {
	for run := r.next(); run != nil; run = r.next() {
		if err := r.call(run); err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// next takes what is to run next: the oldest hook, then the Saver; nil: nothing.
func (r *Response) next() Saver {
	if hook := r.nextHook(); hook != nil {
		return hook
	}
	saver := r.saver
	r.saver = nil
	return saver
}

// Save runs the hook.
func (h *hook) Save(w http.ResponseWriter) error { return h.run(w) }

func (r *Response) call(s Saver) error {
	return sound(protect(func() error { return s.Save(r) }))
}
