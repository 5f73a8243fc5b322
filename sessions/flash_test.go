package sessions_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A message that no page has shown for a day is dropped when newer ones are shown.
func TestOldFlashesAreNotShown(t *testing.T) {
	for name, backend := range map[string]sessions.Backend{"cookie": nil, "memory": sessions.NewMemory()} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			site := newSite(t, sessions.Config{
				Sessions: []sessions.Spec{{Backend: backend, IdleTimeout: 72 * time.Hour, AbsoluteTimeout: 90 * time.Hour}},
				Now:      func() time.Time { return now },
			}, map[string]action{
				"/add":  func(st *sessions.Store, r *http.Request) string { st.Session().AddFlash(r.URL.RawQuery, ""); return "" },
				"/show": func(st *sessions.Store, _ *http.Request) string { return fmt.Sprint(st.Session().Flashes()) },
			})
			b := site.browser()
			b.get("/add?old")
			now = now.Add(23 * time.Hour)
			b.get("/add?yesterday")
			now = now.Add(2 * time.Hour)
			b.get("/add?new")
			b.want("/show", "[{yesterday } {new }]")
			b.want("/show", "[]")
		})
	}
}
