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
// end of the request, when [Response.HeaderWritten] is true: it can change nothing any more.
//
// It is the one method here that all goroutines of the request may call: the first use
// of a session, which registers its save, may come from any of them.
func (r *Response) BeforeSend(f func(http.ResponseWriter) error) {
	e := r.needExtras()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.hooks = append(e.hooks, f)
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

// hooked reports whether there may be something to run before the header is written, or a
// failure to answer.
func (r *Response) hooked() bool { return r.saver != nil || r.extras.Load() != nil }

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
	if err := r.failure(); err != nil || r.sent {
		return err
	}
	if e := r.extras.Load(); e != nil && e.closed {
		return nil
	}
	var failed []error
	for !r.sent {
		ran, err := r.runNext()
		if !ran {
			break
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return r.fail(errors.Join(failed...))
	}
	return r.failure() // of a hook that ran while another sent the answer
}

// runLateHooks runs the hooks that came too late, and returns their errors.
func (r *Response) runLateHooks() (failed []error) {
	for {
		ran, err := r.runNext()
		if !ran {
			return failed
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
}

// runNext runs the oldest hook, or the Saver if there is none. It reports whether it ran
// one.
func (r *Response) runNext() (ran bool, err error) {
	if hook, ok := r.nextHook(); ok {
		r.committed = true
		return true, sound(protect(func() error { return hook(r) }))
	}
	if saver := r.saver; saver != nil {
		r.saver, r.committed = nil, true
		return true, sound(protect(func() error { return saver.Save(r) }))
	}
	return false, nil
}

// nextHook takes the oldest of the hooks that wait, if any does.
func (r *Response) nextHook() (hook func(http.ResponseWriter) error, ok bool) {
	e := r.extras.Load()
	if e == nil {
		return nil, false
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.hooks) == 0 {
		return nil, false
	}
	hook, e.hooks = e.hooks[0], e.hooks[1:]
	return hook, true
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
	if e := r.extras.Load(); e != nil {
		return e.failure
	}
	return nil
}
