package handlers

import (
	"context"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// clientContext is the context of the request, and says to [auth.Passwords] from where it
// comes.
func (h *BaseHandler) clientContext() context.Context {
	return auth.WithClient(h.Context(), h.App.ClientIP(h.Request))
}

// busy notes an [auth.ErrBusy], and returns what the page says, whose status is 503. In a
// flood there are thousands of them, which are one warning a minute in the log.
func (h *BaseHandler) busy() string {
	if refused, due := h.Site.busy.due(time.Now()); due {
		h.logger().WarnContext(h.Context(), "handlers: too many passwords to check at once", "refused", refused)
	}
	h.retryAfter(2 * time.Second)
	return "Too many people log in at this moment. Please try again in a few seconds."
}

// oncePerMinute counts what happens, and says when it is time to speak of it. The zero
// value is ready; safe for concurrent use.
type oncePerMinute struct {
	mu    sync.Mutex
	count int
	last  time.Time
}

// due counts one more. If nothing was said within the last minute, it returns how many
// were counted since.
func (o *oncePerMinute) due(now time.Time) (count int, due bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	if now.Sub(o.last) < time.Minute {
		return 0, false
	}
	count, o.count, o.last = o.count, 0, now
	return count, true
}
