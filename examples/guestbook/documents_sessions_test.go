package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

// What follows is quoted by docs/sessions.md.

// logIn is for a handler that has checked the password.
func logIn(h *handlers.BaseHandler, user *auth.User, remember bool) {
	h.LogIn(user, sessions.Login{Method: "password", Remembered: remember})
}

func logOut(h *handlers.BaseHandler) { h.Session().Destroy() }

// isLoggedIn reports whether there is a user; an error says that nobody can tell.
func isLoggedIn(h *handlers.BaseHandler) (bool, error) {
	user, err := h.User()
	return user != nil, err
}

var _, _, _ = logIn, logOut, isLoggedIn // they are only compiled

func twoSessions(client *gcds.Client) []sessions.Spec {
	return []sessions.Spec{
		{Backend: datastore.New(client, datastore.Config{TTLPolicy: true})},
		{Name: "cart", AbsoluteTimeout: 30 * 24 * time.Hour, Persistent: true},
	}
}

func putInCart(session *sessions.Session, item string) {
	sessions.Update(session, "cart", func(cart []string) []string {
		return append(cart, item)
	})
}

func endOthers(ctx context.Context, manager *sessions.Manager, session *sessions.Session) error {
	return manager.EndUser(ctx, "", session.User(), session.ID())
}

// visit makes a request that brings the cookies of an answer, uses its sessions, and
// returns its own answer.
func visit(t *testing.T, manager *sessions.Manager, before *http.Response, use func(*sessions.Store)) *http.Response {
	t.Helper()
	request := httptest.NewRequest("GET", "/", nil)
	if before != nil {
		for _, c := range before.Cookies() {
			request.AddCookie(c)
		}
	}
	store := manager.Store(request)
	use(store)
	answer := httptest.NewRecorder()
	if err := store.Save(answer); err != nil {
		t.Fatal(err)
	}
	return answer.Result()
}

func newManager(t *testing.T, now func() time.Time, specs ...sessions.Spec) *sessions.Manager {
	t.Helper()
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{secret}, Sessions: specs, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return manager
}

func TestQuotedTwoSessions(t *testing.T) {
	client := newClient(t, datastoretest.Start(t))
	manager := newManager(t, nil, twoSessions(client)...)
	first := visit(t, manager, nil, func(s *sessions.Store) {
		s.Session().SetUser("1")
		putInCart(s.Named("cart"), "tea")
	})
	second := visit(t, manager, nil, func(s *sessions.Store) { s.Session().SetUser("1") })
	visit(t, manager, first, func(s *sessions.Store) {
		putInCart(s.Named("cart"), "milk")
		cart, _ := sessions.Get[[]string](s.Named("cart"), "cart")
		if strings.Join(cart, " ") != "tea milk" {
			t.Errorf("the cart holds %v", cart)
		}
		if err := endOthers(t.Context(), manager, s.Session()); err != nil {
			t.Fatal(err)
		}
	})
	visit(t, manager, first, func(s *sessions.Store) {
		if got := s.Session().Status(); got != sessions.StatusLoaded {
			t.Errorf("the session that ended the others is %v", got)
		}
	})
	visit(t, manager, second, func(s *sessions.Store) {
		if got := s.Session().Status(); got != sessions.StatusGone {
			t.Errorf("the other session is %v", got)
		}
	})
}
