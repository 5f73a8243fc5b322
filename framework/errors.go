package framework

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// An Error is an error that says how to answer it.
type Error struct {
	Code    int    // the HTTP status, 300 to 599; anything else answers 500, and so does a redirect without a target
	Message string // shown to the client where Code is a 4xx; empty: the status text
	Err     error  // the cause, for the log; never shown outside Debug
}

// Error returns the status, the message and the cause.
func (e *Error) Error() string {
	if e == nil {
		return "framework: no error"
	}
	text := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Abort returns an *[Error] that answers with a status and a message, made of its
// arguments as by fmt.Sprint: webapp2's abort, which raised where this returns.
//
//	return framework.Abort(http.StatusConflict, "the name ", name, " is taken")
//
// A redirect needs a target: Abort with 301, 302, 303, 307 or 308 is a mistake that
// answers 500. Use [RequestHandler.RedirectAbort].
func Abort(code int, message ...any) error {
	e := &Error{Code: code, Message: fmt.Sprint(message...)}
	if redirects(code) {
		e.Err = fmt.Errorf("framework: Abort(%d) has no target: use RedirectAbort(to, %[1]d)", code)
	}
	return e
}

// A PanicError is a panic that was recovered. It answers 500, or the status of the
// error that was thrown.
type PanicError struct {
	Value any    // what was thrown
	Stack []byte // as runtime/debug.Stack printed it
}

// Error returns what was thrown.
func (e *PanicError) Error() string { return fmt.Sprintf("framework: panic: %v", e.Value) }

// Unwrap returns the error that was thrown, nil where it was no error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Status returns the HTTP status that answers an error: the Code of the first
// *[Error] in its chain, else what an HTTPStatus() int in the chain says, else 413
// for an *[http.MaxBytesError], else 500. A status outside 300 to 599 is 500, and so is
// a redirect that no RedirectAbort made; nil is 200.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	code := http.StatusInternalServerError
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		code = e.Code
		if _, has := errors.AsType[redirection](err); redirects(code) && !has {
			return http.StatusInternalServerError
		}
	} else if s, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok {
		code = s.HTTPStatus()
	} else if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		code = http.StatusRequestEntityTooLarge
	}
	if code < 300 || code > 599 {
		return http.StatusInternalServerError
	}
	return code
}

// ErrHeaderWritten says that a change came after the header had gone: a redirect, a status, or
// a change of a session, whose error matches it with errors.Is.
var ErrHeaderWritten error = headerWrittenError{}

type headerWrittenError struct{}

func (headerWrittenError) Error() string    { return "framework: the header has been sent already" }
func (headerWrittenError) HeaderSent() bool { return true }

// Is makes all errors with the same meaning match, of packages that cannot import
// each other.
func (headerWrittenError) Is(target error) bool {
	_, same := target.(interface{ HeaderSent() bool })
	return same
}

// sound returns err, and what it throws instead where its own methods panic, as those of
// a nil pointer do that was returned as an error.
func sound(err error) error {
	if err == nil {
		return nil
	}
	thrown := protect(func() error {
		_, _ = Status(err), err.Error()
		return nil
	})
	return cmp.Or(thrown, err)
}

// protect calls f and returns a panic of it as a *PanicError. http.ErrAbortHandler,
// which asks the server to drop the connection, passes through.
func protect(f func() error) (err error) {
	defer func() {
		switch value := recover(); value {
		case nil:
		case http.ErrAbortHandler:
			panic(value)
		default:
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return f()
}
