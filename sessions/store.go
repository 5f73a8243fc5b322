package sessions

import (
	"errors"
	"net/http"
	"sync"
)

// A Store hands out the sessions of one request. It and its sessions may be used by
// all goroutines of that request, and not after it.
type Store struct {
	manager *Manager
	request *http.Request

	mu     sync.Mutex // guards what follows and every field of the sessions
	opened []*Session // as in manager.specs; nil: not asked for
	few    [2]*Session
	saved  bool
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

func (st *Store) open(i int) *Session {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.opened == nil {
		if n := len(st.manager.specs); n <= len(st.few) {
			st.opened = st.few[:n] // one allocation less
		} else {
			st.opened = make([]*Session, n)
		}
	}
	if st.opened[i] == nil {
		st.opened[i] = &Session{store: st, spec: st.manager.specs[i]}
	}
	return st.opened[i]
}

// Save writes what has changed to the backends and the cookies to w's header. It is
// called once, before the header is sent: with framework, by Response.BeforeSend. A
// backend is given two seconds, whether the client still waits or not.
//
// A session that cannot be saved sets no cookie, while the others keep theirs; its
// error is among those returned, joined. Those of a dead backend have a method
// HTTPStatus that returns 503. Where w says by a method Sent() bool that the header
// has gone, nothing is written and a session that was changed yields [ErrSent].
func (st *Store) Save(w http.ResponseWriter) error {
	response, ok := w.(interface{ Sent() bool })
	sent := ok && response.Sent()
	header := w.Header()
	var errs []error
	used, set := false, false
	for i := range st.manager.specs {
		s := st.close(i)
		if s == nil {
			continue
		}
		used = true
		line, err := s.save(sent)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if line != "" {
			set = true
			setCookie(header, line)
			if old := s.spec.oldDeletion; old != "" {
				setCookie(header, old)
			}
		}
	}
	if used && !sent {
		forbidSharing(header, set)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// close takes no more changes, and returns the session of the spec if it was used and
// is not saved yet.
func (st *Store) close(i int) *Session {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.saved = true
	if st.opened == nil {
		return nil
	}
	s := st.opened[i]
	if s == nil || !s.loaded || s.saved {
		return nil
	}
	s.saved = true
	return s
}
