package handlers_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// Missing settings of a site are reported at startup, whatever the order of its calls.
func TestMistakesAreReportedAtStartup(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	links, err := templates.Parse(fstest.MapFS{"home.html": {Data: []byte(`{{url "visits"}}`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := templates.Parse(fstest.MapFS{"layout.html": {Data: []byte(`{{template "content" .Data}}`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := func() *handlers.Site {
		return &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
	}
	tests := []struct {
		name  string
		build func(app *framework.App)
		want  string
	}{
		{"nothing", func(app *framework.App) {
			app.Handle("/visits", framework.To[visitsHandler](app))
			site := whole()
			app.Init = site.Init
			site.Pages(app)
		}, ""},
		{"pages without Pages", func(app *framework.App) {
			app.Handle("/visits", framework.To[visitsHandler](app))
			app.Init = whole().Init
		}, `the pages use static files, but no route is named "static": call site.Pages(app)`},
		{"pages with a StaticHandler alone", func(app *framework.App) {
			app.Init = whole().Init
			app.Handle("/visits", framework.To[visitsHandler](app))
			app.Handle("/static/{file:.+}", framework.To[handlers.StaticHandler](app)).Name("static")
		}, ""},
		{"pages of links without Pages", func(app *framework.App) {
			site := whole()
			site.Templates = links
			app.Init = site.Init
			app.Handle("/visits", framework.To[visitsHandler](app))
			app.Handle("/static/{file:.+}", framework.To[handlers.StaticHandler](app)).Name("static")
		}, "the pages use url, but the routes are not known to them: call site.Pages(app)"},
		{"a layout of its own without files and links", func(app *framework.App) {
			site := whole()
			site.Templates = bare
			app.Init = site.Init
			app.Handle("/visits", framework.To[visitsHandler](app))
		}, ""},
		{"a policy of two lines", func(app *framework.App) {
			app.Init = (&handlers.Site{Sessions: manager, CSP: "default-src 'self';\nimg-src *"}).Init
			app.Handle("/visits", framework.To[visitsHandler](app))
		}, "write it in one line"},
		{"two policies", func(app *framework.App) {
			app.Init = (&handlers.Site{Sessions: manager, CSP: "default-src 'self'", Headers: map[string]string{"content-security-policy": ""}}).Init
			app.Handle("/visits", framework.To[visitsHandler](app))
		}, "Site.CSP and Site.Headers both set the Content-Security-Policy"},
		{"a header of two lines", func(app *framework.App) {
			app.Init = (&handlers.Site{Sessions: manager, Headers: map[string]string{"Referrer-Policy": "a\r\nSet-Cookie: b"}}).Init
			app.Handle("/visits", framework.To[visitsHandler](app))
		}, "remove the control character"},
		{"a header without a name", func(app *framework.App) {
			app.Init = (&handlers.Site{Sessions: manager, Headers: map[string]string{"Referrer Policy": "a"}}).Init
			app.Handle("/visits", framework.To[visitsHandler](app))
		}, `"Referrer Policy" is not the name of a header`},
		{"no Init", func(app *framework.App) {
			app.Handle("/visits", framework.To[visitsHandler](app))
		}, "set app.Init = site.Init"},
		{"no Sessions", func(app *framework.App) {
			app.Init = (&handlers.Site{}).Init
			app.Handle("/visits", framework.To[visitsHandler](app))
		}, "Site.Sessions is nil"},
		{"no Users", func(app *framework.App) {
			site := whole()
			site.Users = nil
			app.Init = site.Init
			site.Routes(app)
		}, "Site.Users is nil"},
		{"a private page without Users", func(app *framework.App) {
			app.Init = (&handlers.Site{Sessions: manager}).Init
			app.Handle("/me", framework.To[whoHandler](app))
		}, "Site.Users is nil"},
		{"a private page without a login page", func(app *framework.App) {
			site := whole()
			app.Init = site.Init
			site.Pages(app)
			app.Handle("/me", framework.To[whoHandler](app))
		}, `no route is named "login"`},
		{"a private page, and the login page later", func(app *framework.App) {
			site := whole()
			app.Init = site.Init
			site.Pages(app)
			app.Handle("/me", framework.To[whoHandler](app))
			app.Handle("/signin", framework.To[handlers.LoginHandler](app)).Name("login")
		}, ""},
		{"a private page of a service", func(app *framework.App) {
			app.Init = (&handlers.Site{Sessions: manager, Users: auth.NewMemory()}).Init
			app.Handle("/me", framework.To[whoHandler](app))
		}, ""},
		{"bad Passwords", func(app *framework.App) {
			site := whole()
			site.Passwords.MinLength = 1 << 20
			app.Init = site.Init
			site.Routes(app)
		}, "MinLength"},
		{"files that are nowhere", func(app *framework.App) {
			site := whole()
			app.Init = site.Init
			site.Pages(app)
			app.Handle("/files/{file:.+}", framework.To[handlers.FileHandler](app))
		}, "FileHandler.Files is nil"},
		{"static files without Templates", func(app *framework.App) {
			app.Init = (&handlers.Site{Sessions: manager}).Init
			app.Handle("/static/{file:.+}", framework.To[handlers.StaticHandler](app))
		}, "Site.Templates is nil"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			app := framework.New()
			test.build(app)
			err := app.Check()
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// Names of routes in pages are checked once for all handlers, if Routes was called, whatever
// the order of the routes.
func TestLinksAreCheckedAtStartup(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	page := func(app *framework.App) *framework.Route {
		return app.Handle("/visits", framework.To[visitsHandler](app))
	}
	tests := []struct {
		name  string
		build func(app *framework.App, site *handlers.Site)
		want  []string // the places of the mistakes
	}{
		{"no such route", func(app *framework.App, site *handlers.Site) {
			page(app)
			site.Routes(app)
		}, []string{`home.html:2:4: no route is named "visits"`, `parts/footer.html:1:2: no route is named "visits"`}},
		{"the route before Routes", func(app *framework.App, site *handlers.Site) {
			page(app).Name("visits")
			site.Routes(app)
		}, nil},
		{"the route after Routes", func(app *framework.App, site *handlers.Site) {
			site.Routes(app)
			page(app).Name("visits")
		}, nil},
		{"the route in a subrouter", func(app *framework.App, site *handlers.Site) {
			site.Routes(app)
			app.PathPrefix("/more").Subrouter().Handle("/visits", framework.To[visitsHandler](app)).Name("visits")
		}, nil},
		{"only a name to build", func(app *framework.App, site *handlers.Site) {
			site.Routes(app)
			app.Path("/elsewhere").BuildOnly().Name("visits")
		}, nil},
		{"Pages alone", func(app *framework.App, site *handlers.Site) {
			page(app).Name("visits")
			site.Pages(app)
		}, nil},
		{"names of the site's own", func(app *framework.App, site *handlers.Site) {
			site.Routes(app)
			site.Templates.SetRoutes(func(name string, _ ...any) (string, error) { return "/" + name, nil }, nil)
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pages, err := templates.Parse(fstest.MapFS{
				"home.html":         {Data: []byte("{{.}}\n{{- url \"visits\" \"from\" .}}")},
				"parts/footer.html": {Data: []byte(`{{url "visits"}}`)},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			site := &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
			app := framework.New()
			app.Init = site.Init
			test.build(app, site)
			err = app.Check()
			if len(test.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || strings.Count(err.Error(), "\n")+1 != len(test.want) {
				t.Fatalf("got %v, want %d lines", err, len(test.want))
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing %q in %v", want, err)
				}
			}
		})
	}
}
