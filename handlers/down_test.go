package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

var errDown = errors.New("connection refused")

// failingUsers and failingSessions are backends that can be switched off.
type failingUsers struct {
	auth.Backend
	down *atomic.Bool
	asks atomic.Int32 // of ByID, while it was down
}

func (f *failingUsers) ByID(ctx context.Context, id string) (*auth.User, error) {
	if f.down.Load() {
		f.asks.Add(1)
		return nil, errDown
	}
	return f.Backend.ByID(ctx, id)
}

func (f *failingUsers) ByLogin(ctx context.Context, name string) (*auth.User, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Backend.ByLogin(ctx, name)
}

type failingSessions struct {
	sessions.UserBackend
	down *atomic.Bool
}

func (f failingSessions) Load(ctx context.Context, id string) (sessions.Record, error) {
	if f.down.Load() {
		return sessions.Record{}, errDown
	}
	return f.UserBackend.Load(ctx, id)
}

// While a backend is down, a user is neither logged out nor treated as a new visitor.
func TestStoreThatIsDown(t *testing.T) {
	var usersDown, sessionsDown atomic.Bool
	s := serve(t, failingSessions{sessions.NewMemory(), &sessionsDown}, func(s *server) {
		s.site.Users = &failingUsers{Backend: s.site.Users, down: &usersDown}
	})
	c := s.client(t)
	c.signUp("ann")
	before := c.cookie("session")
	for name, down := range map[string]*atomic.Bool{"users": &usersDown, "sessions": &sessionsDown} {
		t.Run(name, func(t *testing.T) {
			down.Store(true)
			defer down.Store(false)
			for _, path := range []string{"/account", "/login"} {
				a := c.get(path)
				a.shows(t, http.StatusServiceUnavailable, `<p class="status"`, "Service Unavailable")
				a.hides(t, "refused")
			}
			if c.cookie("session") != before {
				t.Error("the cookie has changed")
			}
		})
	}
	t.Run("login", func(t *testing.T) {
		usersDown.Store(true)
		defer usersDown.Store(false)
		s.client(t).post("/login", "name", "ann", "password", "correct horse").shows(t, http.StatusServiceUnavailable)
	})
	c.get("/account").shows(t, 200, "<h1>ann</h1>")
}

// An error page keeps its status if a backend is down that only its layout uses. A request does
// not call a backend again after it has failed.
func TestErrorPageWhileAStoreIsDown(t *testing.T) {
	for name, sessionsToo := range map[string]bool{"users": false, "sessions": true} {
		t.Run(name, func(t *testing.T) {
			var usersDown, sessionsDown atomic.Bool
			var users *failingUsers
			backend := &countingSessions{failingSessions: failingSessions{sessions.NewMemory(), &sessionsDown}}
			s := serve(t, backend, func(s *server) {
				users = &failingUsers{Backend: s.site.Users, down: &usersDown}
				s.site.Users = users
				s.app.Handle("/end/{how}", framework.To[refusingHandler](s.app))
				s.app.Handle("/touch", framework.To[touchingHandler](s.app))
			})
			c := s.client(t)
			c.signUp("ann")
			usersDown.Store(!sessionsToo)
			sessionsDown.Store(sessionsToo)
			for _, test := range []struct {
				method, path string
				status       int
			}{
				{"GET", "/nowhere", 404},
				{"DELETE", "/login", 405},
				{"GET", "/end/abort", 418},
				{"GET", "/end/error", 500},
				{"GET", "/end/panic", 500},
				{"GET", "/account", 503},
				{"GET", "/touch", 503}, // asks twice
				{"GET", "/login", 503},
			} {
				users.asks.Store(0)
				backend.loads.Store(0)
				a := c.do(test.method, test.path, nil)
				a.shows(t, test.status, `<p class="status"`)
				a.hides(t, ">ann</a>")
				if asked := users.asks.Load() + backend.loads.Load(); asked != 1 {
					t.Errorf("%s %s asked the store that is down %d times", test.method, test.path, asked)
				}
			}
		})
	}
}

type countingSessions struct {
	failingSessions
	loads atomic.Int32 // while it was down
}

func (c *countingSessions) Load(ctx context.Context, id string) (sessions.Record, error) {
	if c.down.Load() {
		c.loads.Add(1)
	}
	return c.failingSessions.Load(ctx, id)
}

// refusingHandler fails without using the sessions.
type refusingHandler struct{ handlers.BaseHandler }

func (h *refusingHandler) Get() error {
	switch h.Var("how") {
	case "abort":
		return h.Abort(http.StatusTeapot)
	case "panic":
		panic("broken")
	}
	return errors.New("broken")
}

// touchingHandler continues after an error and uses the session again.
type touchingHandler struct{ handlers.BaseHandler }

func (h *touchingHandler) Get() error {
	if _, err := h.User(); err == nil {
		return errors.New("the user is known")
	}
	return h.Render("login", handlers.LoginData{})
}

func TestDeletedUserIsNotLoggedIn(t *testing.T) {
	var gone atomic.Bool
	s := serve(t, sessions.NewMemory(), func(s *server) { s.site.Users = goneUsers{s.site.Users, &gone} })
	c := s.client(t)
	c.signUp("ann")
	c.get("/account").shows(t, 200)
	gone.Store(true)
	c.get("/account").redirects(t, "/login?next=%2Faccount")
}

type goneUsers struct {
	auth.Backend
	gone *atomic.Bool
}

func (g goneUsers) ByID(ctx context.Context, id string) (*auth.User, error) {
	if g.gone.Load() {
		return nil, auth.ErrNotFound
	}
	return g.Backend.ByID(ctx, id)
}
