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
	if r.hooks == nil {
		r.hooks = r.first[:0]
	}
	r.hooks = append(r.hooks, f)
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
	if r.failure != nil || r.sent || r.closed {
		return r.failure
	}
	var failed []error
	for len(r.hooks) > 0 && !r.sent {
		hook := r.hooks[0]
		r.hooks = r.hooks[1:]
		if err := r.call(hook); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		r.dropBody()
		r.failure = errors.Join(failed...)
	}
	return r.failure
}

// runLateHooks runs the hooks that came too late, and returns their errors.
func (r *Response) runLateHooks() (failed []error) {
	for len(r.hooks) > 0 {
		hook := r.hooks[0]
		r.hooks = r.hooks[1:]
		if err := r.call(hook); err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

func (r *Response) call(hook func(http.ResponseWriter) error) error {
	return protect(func() error { return hook(r) })
}
