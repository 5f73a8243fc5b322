package handlers_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// whoHandler shows the user and counts.
type whoHandler struct{ handlers.PrivateHandler }

func (h *whoHandler) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(h, "%s %v %d", user.Name, h.Session().Get("mine"), h.Session().Incr("visits", 1))
	return err
}

func (h *whoHandler) Post() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	h.Session().Set("mine", "of "+user.Name)
	return nil
}

// In a thousand parallel requests of fifty users, each user sees their own session, and every
// visit that was acknowledged is counted. On a busy machine a save may time out, which is 503.
func TestParallelRequestsDoNotMixUsers(t *testing.T) {
	const users, requests = 50, 20
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.site.Throttle.SignUps = -1
		s.app.Handle("/who", framework.To[whoHandler](s.app))
	})
	clients := make([]*client, users)
	for i := range clients {
		clients[i] = s.client(t)
		clients[i].signUp(fmt.Sprintf("user%d", i))
		clients[i].post("/who").shows(t, 200)
	}
	var wait sync.WaitGroup
	var acknowledged [users]atomic.Int64
	for i, c := range clients {
		for range requests {
			wait.Go(func() {
				status, body, err := fetch(c, "/who")
				switch want := fmt.Sprintf("user%d of user%d ", i, i); {
				case err != nil:
					t.Error(err)
				case status == http.StatusServiceUnavailable:
				case status != 200 || !strings.HasPrefix(body, want):
					t.Errorf("status %d and %q, want %q", status, body, want)
				default:
					acknowledged[i].Add(1)
				}
			})
		}
	}
	wait.Wait()
	var all int64
	for i, c := range clients {
		n := acknowledged[i].Load()
		all += n
		if want := fmt.Sprintf("user%d of user%d %d", i, i, n+1); c.get("/who").body != want {
			t.Errorf("a visit of user%d is lost", i)
		}
	}
	if all < users*requests/2 {
		t.Errorf("only %d of %d requests were served", all, users*requests)
	}
}

// fetch is client.get for a goroutine, which must not end the test.
func fetch(c *client, path string) (status int, body string, err error) {
	res, err := c.Get(c.server.URL + path)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}
