package sessions

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
)

// restrict keeps a response that a session went into out of shared caches, and a personal
// one, or one that carries a cookie, out of all caches. A handler may decide for itself,
// but a session's cookie never goes out with a response that shared caches may keep.
func (s *Session) restrict(header http.Header, cookie, personal bool) {
	if vary := header["Vary"]; len(vary) == 0 {
		s.lines[0] = "Cookie"
		header["Vary"] = s.lines[0:1:1]
	} else if !hasField(vary, "*") && !hasField(vary, "Cookie") {
		header["Vary"] = append(vary, "Cookie")
	}
	own := header["Cache-Control"]
	control := "private, no-cache"
	switch {
	case len(own) > 0:
		if hasField(own, "public") {
			s.spec.manager.notice(s.store.request, cookie)
		}
		if !cookie || hasField(own, "private") || hasField(own, "no-store") {
			return
		}
		control = "no-store"
	case cookie:
		control = "no-store"
	case personal:
		control = s.spec.manager.personal
	}
	s.lines[1] = control
	header["Cache-Control"] = s.lines[1:2:2]
}

// hasField reports whether a comma-separated header has a field of this name.
func hasField(lines []string, name string) bool {
	for _, line := range lines {
		for field := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(trim(field), name) {
				return true
			}
		}
	}
	return false
}

// notices are the routes whose Cache-Control was complained of.
type notices struct {
	mu    sync.Mutex
	noted map[string]bool
}

// maxNotices bounds how many routes are told apart.
const maxNotices = 100

// notice logs, once for each route, that a response of a session is said to be public.
func (m *Manager) notice(r *http.Request, cookie bool) {
	route := r.Pattern
	if route == "" {
		route = r.URL.Path
	}
	key := fmt.Sprint(cookie, route)
	m.notices.mu.Lock()
	known := m.notices.noted[key] || len(m.notices.noted) >= maxNotices
	if !known {
		if m.notices.noted == nil {
			m.notices.noted = map[string]bool{}
		}
		m.notices.noted[key] = true
	}
	m.notices.mu.Unlock()
	switch {
	case known:
	case cookie:
		m.log.Error(`sessions: a response that sets a session's cookie has Cache-Control "public", which would hand the cookie to others: it is sent with "no-store"; leave Cache-Control out, or the session alone`, slog.String("route", route))
	default:
		m.log.Warn(`sessions: a response for which a session was read has Cache-Control "public": a shared cache that ignores Vary would show it to others; leave Cache-Control out, or the session alone`, slog.String("route", route))
	}
}

// checkPersonal returns what is wrong with Config.PersonalCache.
func checkPersonal(control string) error {
	if strings.ContainsFunc(control, func(c rune) bool { return c < ' ' || c >= 0x7f }) {
		return fmt.Errorf("sessions: Config.PersonalCache %q is no header value", control)
	}
	lines := []string{control}
	if !hasField(lines, "private") && !hasField(lines, "no-store") {
		return errors.New(`sessions: Config.PersonalCache lets shared caches keep the pages of users: say "no-store", or begin it with "private"`)
	}
	return nil
}
