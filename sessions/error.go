package sessions

import (
	"fmt"
	"net/http"
)

// ErrSent is in the chain of what [Session.Err] and [Store.Save] return where a
// session was changed after its answer's header had gone. errors.Is holds it equal to
// any other error with a method HeaderSent, as framework.ErrHeaderWritten.
var ErrSent error = sentError{}

type sentError struct{}

func (sentError) Error() string {
	return "sessions: changed after the header was written: change sessions before the first byte of a stream, and on net/http before the first write"
}

func (sentError) HeaderSent() bool { return true }

func (sentError) Is(target error) bool {
	_, ok := target.(interface{ HeaderSent() bool })
	return ok
}

// failure is what sticks to a session.
type failure struct {
	session string // the Spec's name
	doing   string
	status  int
	err     error
}

func (f *failure) Error() string {
	return fmt.Sprintf("sessions: session %q: cannot %s: %v", f.session, f.doing, f.err)
}

func (f *failure) Unwrap() error { return f.err }

// HTTPStatus is 503 where the backend failed, 500 where the program asked for what
// cannot be done.
func (f *failure) HTTPStatus() int { return f.status }

// cannot is the failure of what the program asked for.
func (s *Session) cannot(doing string, err error) error {
	return &failure{session: s.spec.Name, doing: doing, status: http.StatusInternalServerError, err: err}
}

// down is the failure of the backend.
func (s *Session) down(doing string, err error) error {
	s.event(Event{Kind: EventDegraded, Err: err})
	return &failure{session: s.spec.Name, doing: doing, status: http.StatusServiceUnavailable, err: err}
}
