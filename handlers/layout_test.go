package handlers_test

import (
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/templates"
)

// shopBase is a base handler that gives the layout a value.
type shopBase struct{ handlers.BaseHandler }

func (h *shopBase) Dispatch() error {
	h.Page().Set("section", "shop")
	h.Page().Layout = h.Request.URL.Query().Get("layout")
	return h.BaseHandler.Dispatch()
}

// shopPage shows its nonce, or does what the query value "how" says.
type shopPage struct{ shopBase }

func (h *shopPage) Get() error {
	switch h.Request.URL.Query().Get("how") {
	case "flash":
		h.Flash("saved", "success")
		return h.Redirect("/shop?layout=none")
	case "abort":
		return h.Abort(404)
	case "fail":
		return errors.New("wrong")
	}
	return h.Render("shop", h.Nonce())
}

const ownLayout = `[{{.Values.unread}}|{{.Values.section}}|{{.Nonce}}|{{range .Flashes}}{{.Message}}{{end}}]{{template "content" .Data}}`

func serveLayout(t *testing.T, values func(h *handlers.BaseHandler) (map[string]any, error), policy string) *server {
	pages := files("layout.html", ownLayout, "layouts/print.html", `<print>{{.Values.unread}}{{template "content" .Data}}</print>`,
		"shop.html", "shop {{.}}", "error.html", "error {{.Status}}", "login.html", "login", "signup.html", "signup", "account.html", "account")
	return serveFiles(t, pages, func(s *server) {
		s.site.LayoutValues, s.site.CSP, s.site.Users = values, policy, auth.NewMemory()
		s.site.Accounts(s.app)
		s.app.Handle("/shop", framework.To[shopPage](s.app))
	})
}

// Every page has the values of the site, and those of its base handler, which take precedence.
func TestLayoutValues(t *testing.T) {
	s := serveLayout(t, func(h *handlers.BaseHandler) (map[string]any, error) {
		return map[string]any{"unread": h.Request.URL.Path, "section": "none"}, nil
	}, "script-src 'nonce-{nonce}'")
	c := s.client(t)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/login":                       {200, "[/login|none|"},
		"/signup":                      {200, "[/signup|none|"},
		"/nowhere":                     {404, "[/nowhere|none|"},
		"/shop":                        {200, "[/shop|shop|"},
		"/shop?how=abort":              {404, "[/shop|shop|"},
		"/shop?how=fail":               {500, "[/shop|shop|"},
		"/shop?layout=print":           {200, "<print>/shopshop "},
		"/shop?layout=print&how=abort": {404, "<print>/shoperror 404"},
	} {
		c.get(path).shows(t, want.status, want.text)
	}
	if a := c.get("/shop?layout=none&how=abort"); a.status != 404 || a.body != "error 404" {
		t.Errorf("without the layout: %d %q", a.status, a.body)
	}
	c.get("/shop?layout=fancy").shows(t, 500)
}

// A value that was not set is shown as empty text. If LayoutValues fails, an error page is
// still shown.
func TestLayoutWithoutItsValues(t *testing.T) {
	s := serveLayout(t, nil, "script-src 'nonce-{nonce}'")
	s.client(t).get("/nowhere").shows(t, 404, "[||")
	s = serveLayout(t, func(*handlers.BaseHandler) (map[string]any, error) {
		return map[string]any{"section": "part"}, framework.Abort(503)
	}, "script-src 'nonce-{nonce}'")
	c := s.client(t)
	c.get("/nowhere").shows(t, 404, "[|part|")
	c.get("/login").shows(t, 503, "error 503")
}

// A page without a layout leaves the flashes for a page that shows them.
func TestPageWithoutLayout(t *testing.T) {
	c := serveLayout(t, nil, "script-src 'nonce-{nonce}'").client(t)
	c.get("/shop?how=flash").redirects(t, "/shop?layout=none")
	if a := c.get("/shop?layout=none"); a.status != 200 || !regexp.MustCompile(`^shop [\w-]{22}$`).MatchString(a.body) {
		t.Errorf("%d %q", a.status, a.body)
	}
	c.get("/shop").shows(t, 200, "|saved]")
}

// Policy, layout and handler have the same nonce, which is new in each response.
func TestNonce(t *testing.T) {
	c := serveLayout(t, nil, "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'").client(t)
	seen := map[string]bool{}
	for _, path := range []string{"/shop", "/shop", "/login", "/nowhere", "/shop?how=fail"} {
		a := c.get(path)
		found := regexp.MustCompile(`^script-src 'nonce-([\w-]{22})'; style-src 'nonce-([\w-]{22})'; `).FindStringSubmatch(a.header.Get("Content-Security-Policy"))
		if found == nil || found[1] != found[2] || !strings.Contains(a.body, "|"+found[1]+"|") || seen[found[1]] {
			t.Fatalf("%s: policy %q, page %q", path, a.header.Get("Content-Security-Policy"), a.body)
		}
		seen[found[1]] = true
		if strings.HasPrefix(path, "/shop") && a.status == 200 && !strings.HasSuffix(a.body, "shop "+found[1]) {
			t.Errorf("the handler's nonce: %q", a.body)
		}
	}
}

// A layout that uses the nonce needs a policy that has one.
func TestNonceIsInThePolicy(t *testing.T) {
	for name, test := range map[string]struct {
		layout, policy string
		headers        map[string]string
		want           bool
	}{
		"both":              {`<script nonce="{{.Nonce}}">`, "script-src 'nonce-{nonce}'", nil, true},
		"no policy":         {`<script nonce="{{.Nonce}}">`, "", nil, false},
		"another policy":    {`{{with .Nonce}}{{.}}{{end}}`, "script-src 'self'", nil, false},
		"a header":          {`<script nonce="{{.Nonce}}">`, "", map[string]string{"content-security-policy": "script-src 'nonce-{nonce}'"}, true},
		"a report":          {`{{- $.Nonce -}}`, "", map[string]string{"Content-Security-Policy-Report-Only": "script-src 'nonce-{nonce}'"}, true},
		"a comment":         {`{{- /* .Nonce */ -}}{{/* .Nonce */}}`, "", nil, true},
		"no use":            {`.Nonce {{.Nonces}}{{.Site}}.Nonce`, "", nil, true},
		"a policy, no use":  {``, "script-src 'nonce-{nonce}'", nil, true},
		"in another layout": {`{{if .Site}}{{printf "%s" .Nonce}}{{end}}`, "", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := templates.Parse(files("layouts/own.html", test.layout+`</script>{{template "content" .Data}}`), nil)
			if err != nil {
				t.Fatal(err)
			}
			app := framework.New()
			site := &handlers.Site{Sessions: serveFiles(t, nil, nil).site.Sessions, Templates: set, CSP: test.policy, Headers: test.headers}
			app.Init = site.Init
			site.Pages(app)
			err = app.Check()
			if test.want != (err == nil) || err != nil && !strings.Contains(err.Error(), "'nonce-{nonce}' in Site.CSP") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Sign-up can be closed, and a login page of the site's own replaces the built-in one.
func TestAccounts(t *testing.T) {
	s := serveFiles(t, nil, func(s *server) {
		s.site.Users, s.site.SignUp = auth.NewMemory(), handlers.SignUpClosed
		s.app.Handle("/signin", framework.To[handlers.LoginHandler](s.app)).Name("login")
		s.site.Accounts(s.app)
	})
	c := s.client(t)
	for _, form := range []string{"GET", "POST"} {
		c.do(form, "/signup", nil).shows(t, 404)
	}
	page := c.get("/signin")
	page.shows(t, 200, "<h1>Log in</h1>")
	page.hides(t, "Sign up", "/signup")
	c.get("/login").shows(t, 404)
	c.get("/account").shows(t, 302)

	app := framework.New()
	app.Init = s.site.Init
	s.site.Pages(app)
	app.Handle("/join", framework.To[handlers.SignupHandler](app))
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), "Site.SignUp is not SignUpOpen, but a route has a SignupHandler") {
		t.Errorf("got %v", err)
	}
	w := httptest.NewRecorder()
	s.app.ServeHTTP(w, httptest.NewRequest("GET", "/account", nil))
	if w.Code != 401 {
		t.Errorf("a program gets %d", w.Code)
	}
}
