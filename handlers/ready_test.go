package handlers_test

import (
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// What a site lacks is found at start, whatever the order of its lines.
func TestMistakesAreFoundAtStart(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.Parse(nil, nil)
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
			app.Init = whole().Init
		}, ""},
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
		{"bad Passwords", func(app *framework.App) {
			site := whole()
			site.Passwords.MinLength = 1 << 20
			app.Init = site.Init
			site.Routes(app)
		}, "MinLength"},
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
