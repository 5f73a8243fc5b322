package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

const germanMessages = `msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n != 1;\n"

msgid "Welcome, %(name)s"
msgstr "Willkommen, %(name)s"

msgid "One entry"
msgid_plural "%(num)s entries"
msgstr[0] "Ein Eintrag"
msgstr[1] "%(num)s Einträge"
`

var translatedPages = fstest.MapFS{
	"welcome.html": {Data: []byte(`<p lang="{{lang}}">{{t "Welcome, %(name)s" "name" .}}: {{n "One entry" "%(num)s entries" 2}} <a href="{{url "welcome"}}">{{money 5 "EUR"}}</a></p>`)},
}

// What follows is quoted by docs/migrating.md.

type Welcome struct{ handlers.BaseHandler }

func (h *Welcome) Get() error { return h.Render("welcome", "Ann") }

// translatedApp has a Site for each locale: its pages have the functions of the locale.
func translatedApp(locales *i18n.Locales, newSite func(pages *templates.Set) *handlers.Site) (*framework.App, error) {
	app := framework.New()
	sites := map[*i18n.Locale]*handlers.Site{}
	for _, locale := range locales.All() {
		pages, err := templates.Parse(translatedPages, locale.Funcs())
		if err != nil {
			return nil, err
		}
		sites[locale] = newSite(pages)
	}
	app.Init = func(h framework.Handler) {
		rh := framework.RequestHandlerOf(h)
		locale, vary := locales.ForRequest(rh.Request, nil)
		for _, name := range vary {
			rh.Response.Header().Add("Vary", name)
		}
		sites[locale].Init(h)
	}
	app.Handle("/", framework.To[Welcome](app)).Name("welcome")
	sites[locales.Default()].Pages(app)
	for locale, s := range sites {
		if locale != locales.Default() {
			s.Templates.SetRoutes(routeURL(app), func(name string) bool { return app.Named(name) != nil })
		}
	}
	return app, nil
}

func routeURL(app *framework.App) func(name string, pairs ...any) (string, error) {
	return func(name string, pairs ...any) (string, error) {
		u, err := app.URL(name, pairs...)
		if err != nil {
			return "", err
		}
		return u.String(), nil
	}
}

func TestQuotedTranslation(t *testing.T) {
	locales, err := i18n.New(i18n.Config{
		FS:      fstest.MapFS{"de/LC_MESSAGES/messages.po": {Data: []byte(germanMessages)}},
		Default: "en",
		Sources: []i18n.Source{i18n.Cookie("lang"), i18n.AcceptLanguage},
		Formats: []i18n.Format{en.New(), de.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{secret}, Sessions: []sessions.Spec{{}}})
	if err != nil {
		t.Fatal(err)
	}
	app, err := translatedApp(locales, func(pages *templates.Set) *handlers.Site {
		return &handlers.Site{Sessions: manager, Templates: pages}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]string{
		"de-AT": `<p lang="de">Willkommen, Ann: 2 Einträge <a href="/">5,00` + "\u00a0" + `€</a></p>`,
		"fr":    `<p lang="en">Welcome, Ann: 2 entries <a href="/">€5.00</a></p>`,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) || strings.Join(w.Header().Values("Vary"), ", ") != "Cookie, Accept-Language" {
			t.Errorf("%s: %q\n%s", language, w.Header()["Vary"], w.Body)
		}
	}
}
