package sessions_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// The events in the life of a session. They contain no secret.
func TestEvents(t *testing.T) {
	c := &clock{}
	for _, backend := range []sessions.Backend{sessions.NewMemory(), nil} {
		var events []sessions.Event
		site := newSite(t, sessions.Config{
			Sessions: []sessions.Spec{{Backend: backend}},
			Now:      c.now,
			OnEvent:  func(e sessions.Event) { events = append(events, e) },
		}, map[string]action{"/read": read, "/write": write, "/end": end, "/login": loggingIn})
		b, expired := site.browser(), site.browser()
		steps := []struct {
			do           func()
			server, data string // the events with a backend, and in a signed cookie
		}{
			{func() { b.get("/read") }, "", ""},
			{func() { b.get("/write") }, "created", "created"},
			{func() { b.get("/write") }, "", ""},
			{func() { b.get("/login") }, "renewed", ""},
			{func() { expired = b.twin() }, "", ""},
			{func() { b.get("/end") }, "destroyed", "destroyed"},
			{func() { expired.get("/read") }, "gone", ""},
			{func() { expired.send("/read", new("__Host-session=x")) }, "tampered", "tampered"},
			{func() { b.get("/write") }, "created", "created"},
			{func() { c.advance(13 * time.Hour); b.get("/read") }, "expired", "expired"},
		}
		for i, step := range steps {
			events = nil
			step.do()
			want := step.server
			if backend == nil {
				want = step.data
			}
			var kinds []string
			for _, e := range events {
				kinds = append(kinds, e.Kind.String())
				if known := backend != nil && e.Kind != sessions.EventTampered; (e.ID != "") != known || e.Session != "session" || e.Context.Value(http.ServerContextKey) == nil {
					t.Errorf("step %d: %+v", i, e)
				}
			}
			if got := strings.Join(kinds, " "); got != want {
				t.Errorf("step %d: %q, want %q", i, got, want)
			}
			for _, part := range slices.Compact(strings.FieldsFunc(b.cookie(), func(r rune) bool { return r == '=' })) {
				if len(part) > 20 && strings.Contains(fmt.Sprintf("%+v", events), part) {
					t.Errorf("step %d tells the cookie", i)
				}
			}
		}
	}
}
