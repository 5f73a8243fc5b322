package sessions

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// A Store holds the sessions of one request: webapp2's session store. All goroutines of
// the request may use it and its sessions, but not after the request.
type Store struct {
	manager *Manager
	request *http.Request
	began   time.Duration // when the Store was made, as the time since start; zero without a Backend

	mu       sync.Mutex // guards what follows and every field of the sessions
	sessions *Session   // a linked list of those that were asked for
	saved    bool
	bare     bool // the response cannot carry a cookie
}

// start is when the program began. A Store needs only a monotonic clock, and time.Since
// costs half of time.Now.
var start = time.Now()

// Store returns the Store of r. If r came through [Manager.Middleware], it is the one that
// the middleware saves. Otherwise it is a new one, which the caller keeps and saves. Store
// reads nothing yet. A site that uses package handlers calls BaseHandler.Session instead.
func (m *Manager) Store(r *http.Request) *Store {
	if st := m.fromContext(r); st != nil {
		return st
	}
	st := new(Store)
	st.begin(m, r)
	return st
}

// StoreIn is like [Manager.Store], but makes a new Store in room, which must be zero. It
// saves an allocation to a caller that keeps a Store in a larger value.
func (m *Manager) StoreIn(room *Store, r *http.Request) *Store {
	if st := m.fromContext(r); st != nil {
		return st
	}
	room.begin(m, r)
	return room
}

func (st *Store) begin(m *Manager, r *http.Request) {
	st.manager, st.request = m, r
	if m.backed { // only a Backend has tombstones
		st.began = time.Since(start)
	}
}

// age returns the time from a moment of the real clock until the Store was made.
func (st *Store) age(happened time.Time) time.Duration {
	return time.Since(happened) - (time.Since(start) - st.began)
}

// Session returns the default session, the first one of Config.Sessions. It reads nothing
// yet.
func (st *Store) Session() *Session {
	return st.open(0)
}

// Named returns the session that Config.Sessions declares with this name. If name is
// empty, it is the default session. Named panics if no session has this name.
func (st *Store) Named(name string) *Session {
	if name == "" {
		return st.open(0)
	}
	i := st.manager.index(name)
	if i < 0 {
		panic(st.manager.undeclared(name))
	}
	return st.open(i)
}

// Used reports whether a session of the Store has been read or changed.
func (st *Store) Used() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	for s := st.sessions; s != nil; s = s.next {
		if s.loaded {
			return true
		}
	}
	return false
}

func (st *Store) open(i int) *Session {
	st.mu.Lock()
	defer st.mu.Unlock()
	d := st.manager.specs[i]
	s := st.find(d)
	if s == nil {
		s = &Session{store: st, spec: d, next: st.sessions}
		st.sessions = s
	}
	return s
}

// find returns the session of d, or nil if it was not asked for. The caller holds the lock.
func (st *Store) find(d *declared) *Session {
	s := st.sessions
	for s != nil && s.spec != d {
		s = s.next
	}
	return s
}

// Save writes the changed sessions to their Backends and their cookies to the header of w.
// Call it once, before the header is written; package handlers and [Manager.Middleware] do
// that. A Backend has two seconds, even if the client has disconnected.
//
// A session that cannot be saved sets no cookie; the other sessions are saved. Save returns
// the errors joined. An error of a Backend has a method HTTPStatus that returns 503. If w
// has a method HeaderWritten() bool that returns true, Save saves nothing, and returns
// [ErrHeaderWritten] if a session was changed. If w has a method CanSetCookies() bool that
// returns false, as during a Hijack, a renewal that needs a cookie is left for the next
// request.
func (st *Store) Save(w http.ResponseWriter) error {
	if !st.close() {
		return nil
	}
	sent := false
	if w, ok := w.(interface{ HeaderWritten() bool }); ok {
		sent = w.HeaderWritten()
	}
	if w, ok := w.(interface{ CanSetCookies() bool }); ok {
		st.bare = !w.CanSetCookies()
	}
	header := w.Header()
	var errs []error
	var used *Session // the first one that was used
	set, personal := false, false
	for i := range st.manager.specs {
		s, failed := st.claim(i)
		if s == nil {
			continue
		}
		if used == nil {
			used = s
		}
		line, err := s.save(sent, failed)
		personal = personal || s.reader != "" || s.contents.user != ""
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if line == "" && s.ended && hasCookie(header, s.spec.cookie) {
			st.reportOtherStore(s)
		}
		if line != "" {
			set = true
			if setCookie(header, line, used.lines[2:2:3]) {
				st.reportOtherStore(s)
			}
			if old := s.spec.oldDeletion; old != "" {
				setCookie(header, old, nil)
			}
		}
	}
	if used != nil && !sent {
		used.restrict(header, set, personal)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// reportOtherStore logs that another Store has set the cookie of a session in this response.
func (st *Store) reportOtherStore(s *Session) {
	st.manager.log.Error("sessions: another Store has set the cookie of this session in this response, so that the changes of one of them are lost: use Manager.Middleware, or pass one Store on",
		slog.String("session", s.spec.Name), slog.String("url", st.request.URL.Path))
}

// close ends the time for changes. It reports whether a session was asked for.
func (st *Store) close() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.saved = true
	return st.sessions != nil
}

// claim returns the session of spec i, with its error, if it was used and is not saved
// yet. The caller saves it.
func (st *Store) claim(i int) (s *Session, failed error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s = st.find(st.manager.specs[i])
	if s == nil || !s.loaded || s.saved {
		return nil, nil
	}
	s.saved = true
	return s, s.err
}
