package sessions

import (
	"iter"
	"log/slog"
	"slices"
	"strings"
)

// A Session is a dictionary that outlives the request. It is lazy: nothing is read,
// verified or decoded before the first use, and nothing is written without a change.
//
// Values are encoded when they are set and decoded when they are got, so that what Get
// returned may be changed without changing the session, and has the same type in this
// request and in the next: nil, bool, int64 for all integers but a uint64 above it,
// float64, string, []byte, time.Time, []any and map[string]any. Structs and other
// types come back through [Get] with their own type.
//
// With a Backend no update is lost. What a method returns is the answer of this
// request's working copy; where others have saved meanwhile, the changes are replayed
// on what they wrote. So Pop is no lock and Incr no generator of ids, and Get then Set
// makes its key the last writer's: use Incr or [Update] to build on a value.
//
// All methods may be called by all goroutines of the request. None of them fails:
// errors stick to the session, reads then give zero values, and Save returns them.
type Session struct {
	store *Store
	spec  *declared

	loaded bool
	saved  bool
	status Status
	err    error // the first; it sticks

	contents contents // the working copy
	text     string   // what was read of it, encoded; empty: nothing was
	log      []operation

	record record // the one in the backend; zero: it has none yet
	oldKey bool   // the cookie is signed with an older key

	gone      bool   // a tombstone was met: changes are dropped, and no cookie is sent
	renewed   bool   // Renew was called
	destroyed bool   // Destroy was called
	end       record // what it ends
	late      bool   // a change after Save was reported
}

// Get returns the value of key, nil where there is none. To tell a nil value from
// none, use [Get].
func (s *Session) Get(key string) any {
	value, _ := Get[any](s, key)
	return value
}

// Get returns the value of key as a T, and whether there is one that can be decoded
// as that. It decodes into structs, slices and maps too.
func Get[T any](s *Session, key string) (T, bool) {
	var value, zero T
	raw, found := s.raw(key)
	if !found {
		return zero, false
	}
	if err := decodeValue(raw, &value); err != nil {
		s.undecodable(key, err)
		return zero, false
	}
	return value, true
}

func (s *Session) raw(key string) (raw string, found bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.get(key)
}

// All yields the keys and their values, by ascending key, as they are when it begins.
func (s *Session) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		s.store.mu.Lock()
		s.load()
		entries := slices.Clone(s.contents.values)
		s.store.mu.Unlock()
		for _, e := range entries {
			value, _, err := readAny(e.raw)
			if err != nil {
				s.undecodable(e.key, err)
				continue
			}
			if !yield(e.key, value) {
				return
			}
		}
	}
}

// Set keeps value under key. One that cannot be encoded (a func, a channel) is an
// error in Err.
func (s *Session) Set(key string, value any) {
	raw, err := encodeValue(value)
	if err != nil {
		s.change(failing(s.cannot("set "+key, err)))
		return
	}
	s.change(setting(strings.Clone(key), raw))
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
	sum, err := add64(&s.contents, key, n)
	if err != nil {
		s.apply(failing(s.cannot("increment "+key, err)))
		return 0
	}
	s.apply(adding64(key, n))
	return sum
}

// Update sets key to f of its value, or of T's zero value where there is none. f may
// run again on what another request has saved: it depends on nothing but its
// argument, and must not use the session.
func Update[T any](s *Session, key string, f func(T) T) {
	op := updating(key, f)
	for {
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
}

// replace sets key to after if it is before still, and logs op for it.
func (s *Session) replace(key, before, after string, op operation) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if now, _ := s.contents.get(key); now != before {
		return false
	}
	s.do(setting(key, after), op)
	return true
}

// SetUser says whose session it is, by an id that never changes, for
// [Manager.UserSessions] and [Manager.EndUser]; empty: nobody's. Where that is another
// user than before, the session gets a new id, as by Renew, and its absolute timeout
// begins anew.
func (s *Session) SetUser(id string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.renewed = s.renewed || s.contents.user != id
	s.apply(owning(id, s.now().UnixMilli()))
}

// User returns whose session it is; empty: nobody's.
func (s *Session) User() string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.user
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
// its cookie is deleted, and it is empty. What is set after it in the same request
// begins a new session with a new id. A session in a signed cookie cannot be ended:
// only its cookie is deleted.
func (s *Session) Destroy() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.store.saved {
		s.tooLate()
		return
	}
	s.end, s.record = s.record, record{}
	s.destroyed, s.renewed = true, false
	s.log = nil
	status := StatusNew
	if s.gone || s.status == StatusDown {
		status = s.status
	}
	s.begin(status)
}

// Status says what the session is and why.
func (s *Session) Status() Status {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.status
}

// Err returns the first error of the session: of its backend, with a method
// HTTPStatus that returns 503; of a value that cannot be kept; or [ErrSent]. It does
// not tell of values that could not be decoded.
func (s *Session) Err() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.err
}

// ID returns the id that backends know, a hash of the one in the cookie: safe to show
// and to log. It is empty in a signed cookie, and until the session is first saved.
func (s *Session) ID() string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.record.id
}

func (s *Session) change(op operation) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.apply(op)
}

// apply changes the working copy and logs the change. The lock is held.
func (s *Session) apply(op operation) { s.do(op, op) }

// do applies now to the working copy and logs op, to be replayed. The lock is held.
func (s *Session) do(now, op operation) {
	if s.store.saved {
		s.tooLate()
		return
	}
	if err := now(&s.contents); err != nil {
		s.fail(err)
		return
	}
	s.log = append(s.log, op)
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
