package sessions

import (
	"context"
	"net/http"
	"time"
)

// patience bounds one load and one save, so that a dead backend is an answer.
const patience = 2 * time.Second

// newDeadline returns the context of one load or save. It ends after patience, and not
// when the client hangs up: what its request has done is still to be kept.
func newDeadline(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), patience)
}
