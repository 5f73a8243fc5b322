package demo

import (
	"sync/atomic"

	"github.com/webapp2go/webapp2go/sessions"
)

// Events counts the events of the site's sessions, for the admin page. The zero value is
// ready. It is safe for concurrent use.
type Events struct {
	counts [64]atomic.Int64 // by kind
}

// An EventCount is the number of events of one kind.
type EventCount struct {
	Kind  string
	Count int64
}

// Count counts an event. It is an OnEvent of sessions.Config.
func (e *Events) Count(event sessions.Event) {
	if k := int(event.Kind); 0 <= k && k < len(e.counts) {
		e.counts[k].Add(1)
	}
}

// Counts returns the kinds of events that happened. If e is nil, there are none.
func (e *Events) Counts() []EventCount {
	if e == nil {
		return nil
	}
	var list []EventCount
	for k := range e.counts {
		if n := e.counts[k].Load(); n > 0 {
			list = append(list, EventCount{sessions.EventKind(k).String(), n})
		}
	}
	return list
}
