package sessions_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// sent is a response that reports whether its header was sent, as framework's does.
type sent struct {
	*httptest.ResponseRecorder
	gone bool
}

func (s sent) HeaderWritten() bool { return s.gone }

// headerSent is another package's error of the same kind.
type headerSent struct{}

func (headerSent) Error() string    { return "too late" }
func (headerSent) HeaderSent() bool { return true }

func TestAChangeThatComesTooLate(t *testing.T) {
	changes := map[string]func(s *sessions.Session){
		"set":     set("a", 1),
		"delete":  del("n"),
		"clear":   func(s *sessions.Session) { s.Clear() },
		"incr":    incr("n", 1),
		"flash":   func(s *sessions.Session) { s.AddFlash("x", "") },
		"user":    func(s *sessions.Session) { s.SetUser("ann") },
		"renew":   func(s *sessions.Session) { s.Renew() },
		"destroy": func(s *sessions.Session) { s.Destroy() },
		"update":  func(s *sessions.Session) { sessions.Update(s, "n", func(n int) int { return n + 1 }) },
	}
	check := func(t *testing.T, s *sessions.Session, header http.Header) {
		t.Helper()
		if err := s.Err(); !errors.Is(err, sessions.ErrHeaderWritten) || !errors.Is(err, headerSent{}) || errors.Is(err, errDead) {
			t.Errorf("Err: %v", err)
		}
		if len(header) != 0 {
			t.Errorf("header: %v", header)
		}
	}
	for name, change := range changes {
		for _, backend := range []sessions.Backend{nil, sessions.NewMemory()} {
			var log bytes.Buffer
			site := newSite(t, sessions.Config{
				Sessions: []sessions.Spec{{Backend: backend}},
				Log:      slog.New(slog.NewTextHandler(&log, nil)),
			}, map[string]action{"/": write, "/read": read})
			b := site.browser()
			b.get("/")
			request := func() *http.Request {
				_, r := recorder()
				r.Header.Set("Cookie", b.cookie())
				return r
			}
			t.Run(name+" after the header", func(t *testing.T) {
				st, w := site.manager.Store(request()), sent{httptest.NewRecorder(), true}
				change(st.Session())
				if err := st.Save(w); !errors.Is(err, sessions.ErrHeaderWritten) {
					t.Errorf("Save: %v", err)
				}
				check(t, st.Session(), w.Header())
				if log.Len() > 0 {
					t.Errorf("returned, and logged too: %s", &log)
				}
			})
			t.Run(name+" after Save", func(t *testing.T) {
				st, w := site.manager.Store(request()), sent{httptest.NewRecorder(), false}
				if err := st.Save(w); err != nil {
					t.Error(err)
				}
				change(st.Session())
				change(st.Session())
				check(t, st.Session(), w.Header())
				if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
					t.Errorf("%d log records: %s", n, &log)
				}
			})
			b.want("/read", "n=1")
		}
	}
}

func TestReadingTooLateIsNotAnError(t *testing.T) {
	site := newSite(t, sessions.Config{}, map[string]action{"/": write})
	b := site.browser()
	b.get("/")
	_, r := recorder()
	r.Header.Set("Cookie", b.cookie())
	st, w := site.manager.Store(r), sent{httptest.NewRecorder(), true}
	if n := st.Session().Get("n"); n != int64(1) {
		t.Errorf("n is %v", n)
	}
	if err := st.Save(w); err != nil || len(w.Header()) > 0 {
		t.Errorf("%v, header %v", err, w.Header())
	}
}
