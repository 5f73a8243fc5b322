package sessions

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// patience bounds one load and one save, so that a dead backend is an answer.
const patience = 2 * time.Second

// A deadline is the context of one call of a backend. It ends after patience, and not
// when the client hangs up: what its request has done is still to be kept.
//
// Its timer is made when somebody first waits for it. memcached's client never does,
// and to set a timer and stop it costs more than all else that a session costs.
//
// Safe for concurrent use.
type deadline struct {
	context.Context // the request's, without its end
	at              time.Time

	mutex sync.Mutex
	timed context.Context // the one with a timer, or one that has ended; nil: nobody has waited yet
	stop  context.CancelFunc
}

var _ interface {
	AfterFunc(func()) (stop func() bool)
} = (*deadline)(nil)

func newDeadline(r *http.Request) *deadline {
	return &deadline{Context: context.WithoutCancel(r.Context()), at: time.Now().Add(patience)}
}

// Deadline implements [context.Context].
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements [context.Context].
func (d *deadline) Done() <-chan struct{} { return d.wait().Done() }

// AfterFunc spares contexts made of this one a goroutine that waits for it.
func (d *deadline) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(d.wait(), f) }

// Err implements [context.Context].
func (d *deadline) Err() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	switch {
	case d.timed != nil:
		return d.timed.Err()
	case time.Now().Before(d.at):
		return nil
	}
	return context.DeadlineExceeded
}

func (d *deadline) wait() context.Context {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.timed == nil {
		d.timed, d.stop = context.WithDeadline(d.Context, d.at)
	}
	return d.timed
}

// cancel ends the deadline: the call has returned.
func (d *deadline) cancel() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.timed == nil {
		d.timed, d.stop = ended, func() {}
	}
	d.stop()
}

// ended is a context that is over.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
