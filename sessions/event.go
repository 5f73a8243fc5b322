package sessions

import "log/slog"

// An Event tells Config.OnEvent what became of a session: for metrics, and for the
// security log that OWASP asks for. It never holds the id or the cookie.
type Event struct {
	Kind    EventKind
	Session string // the Spec's name
	ID      string // the hashed id, as in [Session.ID]; empty for signed cookies and unknown ids
	Key     string // of EventUndecodable: the value that was lost
	Retries int    // of EventRetried: how often the save was tried again
	Err     error  // the cause, where there is one
}

// An EventKind names what happened.
type EventKind int

const (
	EventCreated     EventKind = iota // a new session was saved
	EventRenewed                      // a session got a new id
	EventDestroyed                    // a session was ended by Destroy
	EventExpired                      // a request came with a session past one of its timeouts
	EventGone                         // a request met a session that was ended or renewed elsewhere, or is lost
	EventTampered                     // a cookie was refused
	EventUnreadable                   // a session of ours could not be read
	EventUndecodable                  // one value could not be decoded as what was asked for
	EventImported                     // an older system's cookie was taken over
	EventRetried                      // a save met others and was replayed on what they wrote
	EventDegraded                     // the backend failed
	EventLate                         // a change came after the session was saved
	EventClock                        // a cookie or a session is dated more than a minute ahead
)

var eventNames = [...]string{"created", "renewed", "destroyed", "expired", "gone", "tampered", "unreadable",
	"undecodable", "imported", "retried", "degraded", "late", "clock"}

// String returns the name in lower case.
func (k EventKind) String() string {
	if k < 0 || int(k) >= len(eventNames) {
		return "unknown"
	}
	return eventNames[k]
}

// event tells of the session's record where e names no other. The lock is held, or
// this is the save, which alone changes it then.
func (s *Session) event(e Event) {
	if e.ID == "" {
		e.ID = s.record.id
	}
	s.tell(e)
}

func (s *Session) tell(e Event) {
	if onEvent := s.spec.manager.event; onEvent != nil {
		e.Session = s.spec.Name
		onEvent(e)
	}
}

// undecodable reports a value that is there and cannot be had: it is lost alone. The
// id is given, since the lock may be held or not.
func (s *Session) undecodable(id, key string, err error) {
	s.spec.manager.log.Warn("sessions: a value cannot be decoded",
		slog.String("session", s.spec.Name), slog.String("key", key), slog.Any("error", err))
	s.tell(Event{Kind: EventUndecodable, ID: id, Key: key, Err: err})
}
