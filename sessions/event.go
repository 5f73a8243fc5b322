package sessions

import (
	"context"
	"log/slog"
)

// An Event says what happened to a session. Config.OnEvent receives it, for metrics and for
// the security log that OWASP asks for. It never holds the secret id or the cookie.
type Event struct {
	Kind    EventKind
	Session string          // the name of its Spec
	ID      string          // as [Session.ID]; empty for a signed cookie and for an unknown id
	Key     string          // of EventUndecodable: the key of the value
	Retries int             // of EventRetried: how often the save was repeated
	Err     error           // the cause, if there is one
	Context context.Context // that of the request in which it happened
}

// An EventKind says what happened.
type EventKind int

const (
	EventCreated     EventKind = iota // a new session was saved
	EventRenewed                      // a session got a new id
	EventDestroyed                    // Destroy, or a login, has ended a session
	EventExpired                      // a timeout of the session of a request has passed
	EventGone                         // another request has ended or renewed the session, or the Backend has lost it
	EventTampered                     // no key has signed the cookie
	EventUnreadable                   // the cookie is signed, but the session cannot be read
	EventUndecodable                  // one value cannot be decoded as the type that was asked for
	EventImported                     // the session of an older system was taken over
	EventRetried                      // a save conflicted with other requests and was repeated
	EventDown                         // the Backend failed
	EventLate                         // a change came after the session was saved, and is lost
	EventClock                        // the date of a cookie or a session is more than a minute ahead
)

var eventNames = [...]string{"created", "renewed", "destroyed", "expired", "gone", "tampered", "unreadable",
	"undecodable", "imported", "retried", "down", "late", "clock"}

// String returns the name in lower case, as "created".
func (k EventKind) String() string {
	if k < 0 || int(k) >= len(eventNames) {
		return "unknown"
	}
	return eventNames[k]
}

// report sends e, with the id of the session's record if e has none. The caller holds the
// lock, or is saving.
func (s *Session) report(e Event) {
	if e.ID == "" {
		e.ID = s.ref.id
	}
	s.send(e)
}

func (s *Session) send(e Event) {
	if onEvent := s.spec.manager.event; onEvent != nil {
		e.Session, e.Context = s.spec.Name, s.store.request.Context()
		onEvent(e)
	}
}

// undecodable reports a value that cannot be decoded. The others are not lost with it. The
// id is an argument, since the caller may or may not hold the lock.
func (s *Session) undecodable(id, key string, err error) {
	s.spec.manager.log.Warn("sessions: a value cannot be decoded",
		slog.String("session", s.spec.Name), slog.String("key", key), slog.Any("error", err))
	s.send(Event{Kind: EventUndecodable, ID: id, Key: key, Err: err})
}
