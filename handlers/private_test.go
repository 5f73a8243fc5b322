package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// meHandler is a private handler of an API that scripts of other sites use.
type meHandler struct{ handlers.PrivateHandler }

func (h *meHandler) Get() error  { return h.JSON("secret") }
func (h *meHandler) List() error { return h.JSON("secret") }

func (h *meHandler) Options() error {
	h.Response.Header().Set("Access-Control-Allow-Origin", "https://app.example.com")
	h.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// If no user is logged in, the response is 401. It is a redirect only if there is a login page.
func TestPrivateHandlerWithoutALoginPage(t *testing.T) {
	const page, program = "text/html,*/*;q=0.8", "application/json"
	for name, test := range map[string]struct {
		login  bool
		accept string
		status int
	}{
		"a service, a program":   {false, program, http.StatusUnauthorized},
		"a service, no Accept":   {false, "", http.StatusUnauthorized},
		"a service, a browser":   {false, page, http.StatusUnauthorized},
		"a login page, program":  {true, program, http.StatusUnauthorized},
		"a login page, browser":  {true, page, http.StatusFound},
		"a login page, anything": {true, "*/*", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), nil)
			app := framework.New()
			site := handlers.Site{Sessions: s.site.Sessions, Users: s.site.Users}
			app.Init = site.Init
			app.Handle("/me", framework.To[meHandler](app))
			if test.login {
				app.Handle("/signin", framework.To[endingHandler](app)).Name("login")
			}
			if err := app.Check(); err != nil {
				t.Error(err)
			}
			r := httptest.NewRequest("GET", "/me", nil)
			r.Header.Set("Accept", test.accept)
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			if w.Code != test.status || (w.Code == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") {
				t.Errorf("answer %d %v %s", w.Code, w.Header(), w.Body)
			}
			if location := w.Header().Get("Location"); test.status == http.StatusFound && location != "/signin?next=%2Fme" {
				t.Errorf("goes to %q", location)
			}
		})
	}
}

// Options answers a preflight, which has no cookies. No other request passes the Guard.
func TestPreflightOfAPrivateHandler(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Handle("/me", framework.To[meHandler](s.app))
		s.app.Handle("/list", framework.ToMethod(s.app, (*meHandler).List)).Methods("GET", "HEAD", "OPTIONS")
		s.app.Handle("/who", framework.To[whoHandler](s.app))
	})
	const origin, method = "Origin", "Access-Control-Request-Method"
	for name, test := range map[string]struct {
		verb, path string
		header     []string
		status     int
	}{
		"a preflight":                   {"OPTIONS", "/me", []string{origin, "https://app.example.com", method, "PUT"}, 204},
		"OPTIONS without Origin":        {"OPTIONS", "/me", []string{method, "PUT"}, 401},
		"OPTIONS without a method":      {"OPTIONS", "/me", []string{origin, "https://app.example.com"}, 401},
		"GET":                           {"GET", "/me", []string{origin, "https://app.example.com", method, "PUT"}, 401},
		"a preflight of ToMethod":       {"OPTIONS", "/list", []string{origin, "https://app.example.com", method, "PUT"}, 401},
		"a preflight without Options":   {"OPTIONS", "/who", []string{origin, "https://app.example.com", method, "PUT"}, 401},
		"a preflight of the site's own": {"OPTIONS", "/account", []string{origin, "https://app.example.com", method, "PUT"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.client(t).do(test.verb, test.path, nil, append(test.header, "Accept", "*/*")...)
			a.shows(t, test.status)
			a.hides(t, "secret")
			if allowed := a.header.Get("Access-Control-Allow-Origin") != ""; allowed != (test.status == 204) {
				t.Errorf("header %v", a.header)
			}
		})
	}
}
