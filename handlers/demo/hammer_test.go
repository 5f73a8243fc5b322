package demo_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// Logins, logouts, trials and what the script loads, of several browsers at once, leave no
// stream open and answer no request with an error of the server.
func TestManyAtOnce(t *testing.T) {
	watch, handler := watched(t, sessions.NewMemory())
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			b := open(t, server)
			name := "user" + strconv.Itoa(i/2) // two browsers have one user
			b.get("/session")
			s := b.live()
			var each sync.WaitGroup
			each.Go(func() {
				for s.lines.Scan() {
				}
			})
			for _, path := range []string{"/session", "/session/now", "/"} {
				each.Go(func() {
					for range 20 {
						if status, page := b.get(path); status >= 500 {
							t.Errorf("%s: %d\n%s", path, status, page)
						}
					}
				})
			}
			each.Go(func() {
				for range 5 {
					b.post("/signup", "name", name, "password", "correct horse")
					b.post("/login", "name", name, "password", "correct horse")
					b.post("/account", "action", "end-others")
					b.request(http.MethodPost, "/session", map[string][]string{"try": {"elsewhere"}})
					b.request(http.MethodPost, "/session", map[string][]string{"try": {"count"}})
					b.post("/logout")
				}
				s.leave()
			})
			each.Wait()
		})
	}
	all.Wait()
	for deadline := time.Now().Add(10 * time.Second); watch.Streams() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d streams stay open", watch.Streams())
		}
	}
}
