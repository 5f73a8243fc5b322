package sessions

import (
	"iter"
	"slices"
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
	next  *Session  // of the Store; nil: this is the last
	lines [3]string // of the response's header, if this is the first that was used: Vary, Cache-Control and Set-Cookie

	loaded bool
	saved  bool
	began  int64 // when it was loaded, in Unix milliseconds
	status Status
	err    error // the first; it sticks

	contents contents    // the working copy
	text     string      // what was read of it, encoded; empty: nothing was
	reader   string      // the user that was read
	changed  bool        // an operation was applied
	log      []operation // the changes, if there is a Backend

	record    record      // the one in the backend; zero: it has none yet
	presented []presented // the other records that the browser has cookies of, first what Destroy ends
	brought   bool        // the request has a cookie of this name, whatever it holds
	oldKey    bool        // the cookie is signed with an older key

	imported  bool // what an older system kept was taken over
	dead      bool // it was ended or renewed elsewhere: without a login nothing is saved
	proved    bool // LogIn was called
	renewed   bool // it gets a new id
	destroyed bool // Destroy was called
	late      bool // a change after Save was reported

	room [5]entry // for the values of contents: most sessions have few
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
		s.undecodable(s.ID(), key, err)
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
		for _, e := range s.entries() {
			value, _, err := readAny(e.raw)
			if err != nil {
				s.undecodable(s.ID(), e.key, err)
				continue
			}
			if !yield(e.key, value) {
				return
			}
		}
	}
}

func (s *Session) entries() []entry {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return slices.Clone(s.contents.values)
}

// User returns whose session it is; empty: nobody's.
func (s *Session) User() string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.user
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
