package sessions

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// A Store hands out the sessions of one request. It and its sessions may be used by
// all goroutines of that request, and not after it.
type Store struct {
	manager *Manager
	request *http.Request
	began   time.Duration // when the Store was made, after start, if the manager has a Backend

	mu       sync.Mutex // guards what follows and every field of the sessions
	sessions *Session   // those that were asked for, linked; nil: none
	saved    bool
	bare     bool // the response cannot carry a cookie
}

// start is when the program began: a monotonic clock is all that a Store needs, and costs
// half of time.Now.
var start = time.Now()

// Store returns the sessions of r: those of [Manager.Middleware], if r came through it,
// else a new Store, which the caller keeps and saves. It reads nothing yet.
func (m *Manager) Store(r *http.Request) *Store {
	if st := m.fromContext(r); st != nil {
		return st
	}
	st := new(Store)
	st.begin(m, r)
	return st
}

// StoreIn is [Manager.Store], but a new Store is made in room, which must not have been
// used before. It spares an allocation to whoever keeps a Store in a larger value.
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

// age returns how old something was when the Store was made that happened at a time of
// the real clock.
func (st *Store) age(happened time.Time) time.Duration {
	return time.Since(happened) - (time.Since(start) - st.began)
}

// Session returns the default session, the first that the Config declares. It reads
// nothing yet.
func (st *Store) Session() *Session {
	return st.open(0)
}

// Named returns the session that was declared with this name; an empty name is the
// default one. It panics for a name that was not declared, which is a mistake of the
// program.
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

// find returns the session of a spec; nil: it was not asked for. The lock is held.
func (st *Store) find(d *declared) *Session {
	s := st.sessions
	for s != nil && s.spec != d {
		s = s.next
	}
	return s
}

// Save writes what has changed to the backends and the cookies to w's header. It is
// called once, before the header is sent: with framework, by Response.BeforeSend. A
// backend is given two seconds, whether the client still waits or not.
//
// A session that cannot be saved sets no cookie, while the others keep theirs; its
// error is among those returned, joined. Those of a dead backend have a method
// HTTPStatus that returns 503. If w says by a method HeaderWritten() bool that the header has
// been written, nothing is saved and a session that was changed yields [ErrSent]. If w
// says by a method CanSetCookies() bool that it cannot send a cookie, as a connection
// that is taken over, a renewal that needs one is left for the next request.
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
	var used *Session // the first that was
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
		if line == "" && s.dead && hasCookie(header, s.spec.cookie) {
			st.twice(s)
		}
		if line != "" {
			set = true
			if setCookie(header, line, used.lines[2:2:3]) {
				st.twice(s)
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

// twice reports that another Store has set the cookie of a session in this response.
func (st *Store) twice(s *Session) {
	st.manager.log.Error("sessions: another Store has set the cookie of this session in this response, so that what one of them has changed is lost; use Manager.Middleware, or hand one Store on",
		slog.String("session", s.spec.Name), slog.String("url", st.request.URL.Path))
}

// close takes no more changes. It reports whether a session was asked for.
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
