package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

var errDown = errors.New("connection refused")

// failingUsers and failingSessions are stores that can be switched off.
type failingUsers struct {
	auth.Store
	down *atomic.Bool
}

func (f failingUsers) ByID(ctx context.Context, id string) (*auth.User, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Store.ByID(ctx, id)
}

func (f failingUsers) ByName(ctx context.Context, name string) (*auth.User, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Store.ByName(ctx, name)
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

// Nobody is taken for nobody because a store is down, and nobody is logged out by it.
func TestStoreThatIsDown(t *testing.T) {
	var usersDown, sessionsDown atomic.Bool
	s := serve(t, failingSessions{sessions.NewMemory(), &sessionsDown}, func(s *server) {
		s.site.Users = failingUsers{s.site.Users, &usersDown}
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

func TestDeletedUserIsNobody(t *testing.T) {
	var gone atomic.Bool
	s := serve(t, sessions.NewMemory(), func(s *server) { s.site.Users = goneUsers{s.site.Users, &gone} })
	c := s.client(t)
	c.signUp("ann")
	c.get("/account").shows(t, 200)
	gone.Store(true)
	c.get("/account").redirects(t, "/login?next=%2Faccount")
}

type goneUsers struct {
	auth.Store
	gone *atomic.Bool
}

func (g goneUsers) ByID(ctx context.Context, id string) (*auth.User, error) {
	if g.gone.Load() {
		return nil, auth.ErrNotFound
	}
	return g.Store.ByID(ctx, id)
}
