package handlers_test

import (
	"fmt"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// userPage reads the user, changes the session and reads the user again.
type userPage struct{ handlers.BaseHandler }

func (h *userPage) Get() error {
	before := h.who()
	switch then := h.Request.URL.Query().Get("then"); then {
	case "destroy":
		h.Session().Destroy()
	case "nobody":
		h.Session().SetUser("nobody's id")
	case "setbob", "loginbob":
		bob, err := h.Site.Users.ByLogin(h.Context(), "bob")
		if err != nil {
			return err
		}
		if then == "loginbob" {
			h.LogIn(bob, sessions.Login{})
		} else {
			h.Session().SetUser(bob.ID)
		}
	case "key":
		h.Session().Clear()
		for _, key := range []string{"imported user", "user", "_user", "credential of x"} {
			h.Session().Set(key, "bob")
		}
	}
	_, err := fmt.Fprint(h, before, ", ", h.who())
	return err
}

func (h *userPage) who() string {
	switch user, err := h.User(); {
	case err != nil:
		return fmt.Sprint("error ", framework.Status(err))
	case user == nil:
		return "nobody"
	default:
		return user.Name
	}
}

// User returns the user of the session, also after a change by the same request.
func TestUserIsThatOfTheSession(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serve(t, backend(), func(s *server) {
				s.app.Handle("/who", framework.To[userPage](s.app))
			})
			s.client(t).signUp("bob")
			for then, want := range map[string]string{
				"": "ann, ann", "destroy": "ann, nobody", "nobody": "ann, nobody", "loginbob": "ann, bob",
				"setbob": "ann, nobody", // a user without a login is not logged in
				"key":    "ann, ann",    // setting a value does not change the login
			} {
				c := s.client(t)
				c.post("/signup", "name", "ann", "password", "correct horse")
				c.post("/login", "name", "ann", "password", "correct horse")
				if a := c.get("/who?then=" + then); a.status != 200 || a.body != want {
					t.Errorf("%q: %d %q, want %q", then, a.status, a.body, want)
				}
			}
		})
	}
}

// If a value cannot be stored, that is a mistake of the program and a 500. The user is still
// known.
func TestUserDespiteABrokenValue(t *testing.T) {
	seen := ""
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Handle("/broken", framework.ToMethod(s.app, func(h *userPage) error {
			h.Session().Set("broken", func() {})
			seen = h.who()
			return nil
		})).Methods("GET", "HEAD")
	})
	c := s.client(t)
	c.signUp("ann")
	if a := c.get("/broken"); a.status != 500 || seen != "ann" {
		t.Errorf("status %d, want 500; the user is %s\n%s", a.status, seen, a.body)
	}
}

// A login with an empty user is a mistake of the program and a 500. It logs no user in and does
// not panic.
func TestLogInOfNil(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serve(t, backend(), func(s *server) {
				s.app.Handle("/nil", framework.ToMethod(s.app, func(h *userPage) error {
					h.LogIn(nil, sessions.Login{})
					_, err := fmt.Fprint(h, "in")
					return err
				})).Methods("POST")
			})
			c := s.client(t)
			a := c.post("/nil")
			a.shows(t, 500)
			a.hides(t, "panic")
			c.get("/account").redirects(t, "/login?next=%2Faccount")
		})
	}
}
