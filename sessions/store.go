package sessions

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
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

// forbidSharing keeps an answer that a session went into out of shared caches, and
// one that carries a cookie out of all, unless the handler has decided for itself.
func forbidSharing(header http.Header, cookie bool) {
	lines := new([2]string) // one allocation for both
	if vary := header["Vary"]; len(vary) == 0 {
		lines[0] = "Cookie"
		header["Vary"] = lines[0:1:1]
	} else if !variesByCookie(vary) {
		header["Vary"] = append(vary, "Cookie")
	}
	if len(header["Cache-Control"]) == 0 {
		lines[1] = "private, no-cache"
		if cookie {
			lines[1] = "no-store"
		}
		header["Cache-Control"] = lines[1:2:2]
	}
}

func variesByCookie(vary []string) bool {
	for _, line := range vary {
		for field := range strings.SplitSeq(line, ",") {
			if field = trim(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return true
			}
		}
	}
	return false
}

func (m *Manager) index(name string) int {
	for i, d := range m.specs {
		if d.Name == name {
			return i
		}
	}
	return -1
}

func (m *Manager) undeclared(name string) string {
	var names []string
	for _, d := range m.specs {
		names = append(names, fmt.Sprintf("%q", d.Name))
	}
	return fmt.Sprintf("sessions: no session %q is declared: add a Spec to Config.Sessions, or use one of %s", name, strings.Join(names, ", "))
}
