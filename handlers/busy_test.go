package handlers_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

// A logbook keeps the log of a site. It is safe for concurrent use.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// If too many passwords are to be verified at once, some logins get a 503 with the form and
// Retry-After. Together they cause one warning in the log, and no error.
func TestFloodIsOneWarning(t *testing.T) {
	for name, test := range map[string]struct {
		path  string
		pairs []string
		fails int // the status of an attempt that is not refused
	}{
		"login":    {"/login", []string{"name", "ann", "password", "wrong horse"}, 401},
		"sign-up":  {"/signup", []string{"name", "ann", "password", "correct horse"}, 409},
		"password": {"/account", []string{"action", "password", "old", "wrong horse", "new", "another horse"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			var log logbook
			s := serve(t, sessions.NewMemory(), func(s *server) {
				s.app.Log = slog.New(slog.NewTextHandler(&log, nil))
				s.site.Passwords.Argon2 = auth.Argon2Params{} // slow enough for others to arrive
				s.site.Passwords.MaxConcurrent, s.site.Passwords.MaxWait = 1, time.Nanosecond
				s.site.Throttle.Failures, s.site.Throttle.Address, s.site.Throttle.Name, s.site.Throttle.SignUps = -1, -1, -1, -1
			})
			ann := s.client(t)
			ann.signUp("ann")
			var mu sync.Mutex
			seen := map[int]int{}
			for seen[http.StatusServiceUnavailable] < 3 {
				var wait sync.WaitGroup
				for range 8 {
					wait.Go(func() {
						a := ann.post(test.path, test.pairs...)
						mu.Lock()
						defer mu.Unlock()
						seen[a.status]++
						if a.status == http.StatusServiceUnavailable {
							if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Please try again in a few seconds") || !strings.Contains(a.body, "<form") {
								t.Errorf("Retry-After %q, %s", a.header.Get("Retry-After"), a.body)
							}
						} else if a.status != test.fails {
							t.Errorf("status %d", a.status)
						}
					})
				}
				wait.Wait()
			}
			if text := log.String(); strings.Count(text, "too many passwords to verify at once") != 1 || strings.Contains(text, "level=ERROR") {
				t.Errorf("%v, log:\n%s", seen, text)
			}
		})
	}
}

// One address cannot fill the queue for hashes. Its attempts beyond PerClient are refused at
// once, even if the site has room for others.
func TestFloodOfOneAddress(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.site.Passwords.Argon2 = auth.Argon2Params{}
		s.site.Passwords.MaxConcurrent, s.site.Passwords.PerClient, s.site.Passwords.MaxWait = 1, 1, time.Hour
		s.site.Throttle.Failures, s.site.Throttle.Address, s.site.Throttle.Name, s.site.Throttle.SignUps = -1, -1, -1, -1
	})
	busy := 0
	for busy == 0 {
		var mu sync.Mutex
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				a := s.client(t).post("/login", "name", "ann", "password", "wrong horse")
				mu.Lock()
				defer mu.Unlock()
				switch a.status {
				case http.StatusServiceUnavailable:
					busy++
				case http.StatusUnauthorized:
				default:
					t.Errorf("status %d", a.status)
				}
			})
		}
		wait.Wait()
	}
}
