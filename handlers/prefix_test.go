package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

type privatePage struct{ handlers.PrivateHandler }

func (h *privatePage) Get() error { return h.Text("private " + h.Request.URL.Path) }

// addresses finds what a page links to.
var addresses = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// Below a prefix every URL of the site keeps it, whether the program has set App.Prefix or
// another handler removes the prefix from the path.
func TestBelowAPrefix(t *testing.T) {
	below := func(h http.Handler) http.Handler {
		router := http.NewServeMux()
		router.Handle("/shop/", h)
		return router
	}
	for name, test := range map[string]struct {
		prefix string
		serve  func(app http.Handler) http.Handler
	}{
		"StripPrefix":             {"", func(app http.Handler) http.Handler { return below(http.StripPrefix("/shop", app)) }},
		"StripPrefix, App.Prefix": {"/shop", func(app http.Handler) http.Handler { return below(http.StripPrefix("/shop", app)) }},
		"App.Prefix":              {"/shop", below},
		"App.Prefix alone":        {"/shop", func(app http.Handler) http.Handler { return app }},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), func(s *server) {
				s.app.Prefix = test.prefix
				s.app.Handle("/private", framework.To[privatePage](s.app))
			})
			s.Close()
			s.Server = httptest.NewServer(test.serve(s.app))
			t.Cleanup(s.Close)
			c := s.client(t)

			check := func(a answer, status int) {
				t.Helper()
				found := addresses.FindAllStringSubmatch(a.body, -1)
				if a.status != status || len(found) < 5 {
					t.Fatalf("status %d, %d addresses in %s", a.status, len(found), a.body)
				}
				for _, address := range found {
					if !strings.HasPrefix(address[1], "/shop/") && address[1] != "#layout-main" {
						t.Errorf("the page links to %q", address[1])
					}
				}
			}
			c.get("/shop/private").redirects(t, "/shop/login?next=%2Fshop%2Fprivate")
			login := c.get("/shop/login?next=%2Fshop%2Fprivate")
			check(login, 200)
			for _, address := range addresses.FindAllStringSubmatch(login.body, -1) {
				if strings.Contains(address[1], "static") {
					c.get(address[1]).shows(t, 200)
				}
			}
			c.get("/shop/static/site.css").redirects(t, regexp.MustCompile(`/shop/static/\w+/site\.css`).FindString(login.body))
			check(c.get("/shop/nothing"), 404)

			c.post("/shop/signup", "name", "ann", "password", "correct horse").redirects(t, "/shop/")
			c.get("/shop/private").shows(t, 200, "private /private")
			check(c.get("/shop/account"), 200)
			c.post("/shop/logout").redirects(t, "/shop/login?out=1")
			c.post("/shop/private", "x", "1").redirects(t, "/shop/login?next=%2Fshop%2Fprivate&unprocessed=1")
			c.post("/shop/login", "name", "ann", "password", "correct horse").redirects(t, "/shop/")
			c.get("/shop/login").redirects(t, "/shop/")
			c.get("/shop/login?next=%2Fshop%2Fprivate").redirects(t, "/shop/private")
		})
	}
}
