package sessions

import (
	"log/slog"
	"slices"
)

// Set keeps value under key. One that cannot be encoded (a func, a channel, a map that
// holds itself) is an error in Err. Of times, a zero time.Time inside another value, or
// behind a pointer, is kept as nil, which [Get] reads as a zero one where its T has a
// time.Time there.
func (s *Session) Set(key string, value any) {
	raw, err := encodeValue(value)
	if err != nil {
		s.change(failing(s.cannot("set "+key, err)))
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.do(setting(key, raw), func() operation { return setting(key, raw) })
}

// Delete removes key. That there is none is no error.
func (s *Session) Delete(key string) {
	s.change(deleting(key))
}

// Pop returns the value of key and removes it. Two requests in parallel may both get
// it.
func (s *Session) Pop(key string) any {
	value := s.Get(key)
	s.Delete(key)
	return value
}

// Clear removes all values and flashes. The session keeps its id and its user: to log
// somebody out, use Destroy.
func (s *Session) Clear() {
	s.change(clearing)
}

// Incr adds n to the integer of key, 0 where there is none, and returns the sum. With
// a Backend every request's n is counted. A value that is no integer, or a sum that
// does not fit, is an error in Err.
func (s *Session) Incr(key string, n int64) int64 {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	sum, err := increment(&s.contents, key, n)
	if err != nil {
		s.apply(failing(s.cannot("increment "+key, err)))
		return 0
	}
	s.do(incrementing(key, n), func() operation { return incrementing(key, n) })
	return sum
}

// Update sets key to f of its value, or of T's zero value where there is none. f may
// run again on what another request has saved: it depends on nothing but its
// argument, and must not use the session. A value that is no T is lost, and reported.
func Update[T any](s *Session, key string, f func(T) T) {
	op := updating(key, f, func(err error) { s.undecodable(s.ID(), key, err) })
	for range updateTries {
		raw, found := s.raw(key)
		before := &contents{}
		if found {
			before.set(key, raw)
		}
		err := op(before) // without the lock, so that an f that uses the session does not hang
		after, _ := before.get(key)
		if err != nil {
			s.change(failing(s.cannot("update "+key, err)))
			return
		}
		if s.replace(key, raw, after, op) {
			return
		}
	}
	s.change(failing(s.cannot("update "+key, errUnsettled)))
}

// updateTries is more than the goroutines of a request ever need, and ends an f that
// changes the key itself.
const updateTries = 1000

// replace sets key to after if it is before still, and logs op for it.
func (s *Session) replace(key, before, after string, op operation) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if now, _ := s.contents.get(key); now != before {
		return false
	}
	s.do(setting(key, after), func() operation { return op })
	return true
}

// SetUser says whose session it is, by an id that never changes, for
// [Manager.UserSessions] and [Manager.EndUser]; empty: nobody's. It is for sites that
// keep their users by themselves; [Session.LogIn] also keeps what the login was made of.
// If that is another user than before, the session gets a new id, as by Renew, and its
// absolute timeout begins anew.
func (s *Session) SetUser(id string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.contents.user == id {
		return
	}
	if !s.store.saved {
		s.renewed = true
	}
	s.apply(owning(id, s.now().UnixMilli()))
}

// Renew gives the session a new id, with the same data, when it is saved. Call it at
// every change of rights, so that an id known from before is worth nothing (OWASP,
// session fixation). The absolute timeout runs on. In a signed cookie there is no id,
// and Renew signs it anew.
func (s *Session) Renew() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.store.saved {
		s.tooLate()
		return
	}
	s.renewed = true
}

// Destroy ends the session: its record is worth nothing from the moment Save returns,
// its cookie is deleted, and it is empty. So are the other sessions under its name that
// the browser has cookies of. What is set after it in the same request begins a new
// session with a new id. A session in a signed cookie cannot be ended: only its cookie is
// deleted.
func (s *Session) Destroy() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.store.saved {
		s.tooLate()
		return
	}
	if s.record.id != "" {
		own := presented{record: s.record, own: true} // its version may be to be read
		s.presented, s.record = slices.Insert(s.presented, 0, own), record{}
	}
	s.destroyed, s.renewed, s.proved = true, false, false
	s.changed, s.log = false, nil
	status := StatusNew
	if s.dead || s.status == StatusDown {
		status = s.status
	}
	s.begin(status)
}

func (s *Session) change(op operation) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.apply(op)
}

// apply changes the working copy and logs the change. The lock is held.
func (s *Session) apply(op operation) { s.do(op, func() operation { return op }) }

// do applies op to the working copy and logs what logged returns. That is asked only
// where something may have to be replayed, so that a signed cookie does not pay for a
// log. The lock is held.
func (s *Session) do(op operation, logged func() operation) {
	if s.store.saved {
		s.tooLate()
		return
	}
	s.changed = true // also where it fails: then Save does, whatever WhenDown says
	if s.spec.Backend != nil {
		s.log = append(s.log, logged())
	}
	if err := op(&s.contents); err != nil {
		s.fail(err)
	}
}

// fail makes err stick. The lock is held.
func (s *Session) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// tooLate reports a change after Save, once: no caller is left to return it to.
func (s *Session) tooLate() {
	if s.late {
		return
	}
	s.late = true
	err := s.cannot("change a value", ErrSent)
	s.fail(err)
	s.spec.manager.log.Error("sessions: a change came after the session was saved and is lost",
		slog.String("session", s.spec.Name), slog.String("url", s.store.request.URL.Path))
	s.event(Event{Kind: EventLate, Err: err})
}
