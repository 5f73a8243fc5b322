package sessions_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// A backend that is down fails only the requests that use its session.
func TestABackendThatIsDown(t *testing.T) {
	actions := map[string]action{
		"/write": write, "/read": read, "/end": end, "/untouched": untouched,
		"/renew":  func(st *sessions.Store, _ *http.Request) string { st.Session().Renew(); return "" },
		"/broken": func(st *sessions.Store, _ *http.Request) string { st.Session().Set("n", func() {}); return "" },
		"/err": func(st *sessions.Store, _ *http.Request) string {
			err := st.Session().Err()
			status, ok := err.(interface{ HTTPStatus() int })
			return fmt.Sprint(st.Session().Get("n"), ok && status.HTTPStatus() == 503, st.Session().Status())
		},
	}
	tests := []struct {
		name   string
		policy sessions.DownPolicy
		status map[string]int
	}{
		{"fail", sessions.FailWhenDown, map[string]int{
			"/write": 503, "/read": 503, "/end": 503, "/renew": 503, "/broken": 503, "/err": 503, "/untouched": 200}},
		{"empty", sessions.EmptyWhenDown, map[string]int{
			"/write": 503, "/read": 200, "/end": 503, "/renew": 503, "/broken": 503, "/err": 200, "/untouched": 200}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			p := newProbe()
			b := newSite(t, sessions.Config{
				Sessions: []sessions.Spec{{Backend: p, WhenDown: test.policy}},
				Log:      slog.New(slog.NewTextHandler(&log, nil)),
			}, actions).browser()
			b.get("/write")
			p.dead.Store(true)
			for path, status := range test.status {
				log.Reset()
				a := b.get(path)
				if a.StatusCode != status || a.Header["Set-Cookie"] != nil {
					t.Errorf("%s: status %d, cookies %q", path, a.StatusCode, a.Header["Set-Cookie"])
				}
				if status == 503 && !strings.Contains(a.body, errDead.Error()) {
					t.Errorf("%s: %s", path, a.body)
				}
				logged := strings.Contains(log.String(), errDead.Error())
				if hidden := status == 200 && path != "/untouched"; logged != hidden {
					t.Errorf("%s: logged %v, want it where the answer does not tell: %s", path, logged, &log)
				}
			}
			if test.policy == sessions.EmptyWhenDown {
				b.want("/err", "<nil> true down")
			}
			// A request without a cookie does not wait for the backend.
			before := p.calls()
			if a := b.site.browser().get("/read"); a.StatusCode != http.StatusOK || p.calls() != before {
				t.Errorf("no cookie: status %d", a.StatusCode)
			}
			p.dead.Store(false)
			b.want("/read", "n=1")
		})
	}
}

func TestTooLargeForTheBackend(t *testing.T) {
	b := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: small{newProbe()}}}}, map[string]action{"/": write}).browser()
	if a := b.get("/"); a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, "too large") {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}
