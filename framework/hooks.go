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
func (r *Response) BeforeSend(f func(http.ResponseWriter) error) {
	if r.hook == nil && (r.rare == nil || len(r.rare.hooks) == 0) {
		r.hook = f
		return
	}
	rare := r.rarely()
	rare.hooks = append(rare.hooks, f)
}

// hooked tells whether there may be a hook or a failure: for most requests neither.
func (r *Response) hooked() bool { return r.hook != nil || r.rare != nil }

// nextHook takes the next function that BeforeSend was given; nil: there is none.
func (r *Response) nextHook() (hook func(http.ResponseWriter) error) {
	switch {
	case r.hook != nil:
		hook, r.hook = r.hook, nil
	case r.rare != nil && len(r.rare.hooks) > 0:
		hook, r.rare.hooks = r.rare.hooks[0], r.rare.hooks[1:]
	}
	return hook
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
		hook := r.nextHook()
		if hook == nil {
			break
		}
		if err := r.call(hook); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return r.fail(errors.Join(failed...))
	}
	return nil
}

// fail drops the body: the error of a hook, or of what the hooks have set, is to be
// answered.
func (r *Response) fail(err error) error {
	r.dropBody()
	r.rarely().failure = err
	return err
}

// failure returns the error that is to be answered instead of the body; nil: none.
func (r *Response) failure() error {
	if r.rare == nil {
		return nil
	}
	return r.rare.failure
}

// runLateHooks runs the hooks that came too late, and returns their errors.
func (r *Response) runLateHooks() (failed []error) {
	for hook := r.nextHook(); hook != nil; hook = r.nextHook() {
		if err := r.call(hook); err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

func (r *Response) call(hook func(http.ResponseWriter) error) error {
	return protect(func() error { return hook(r) })
}
