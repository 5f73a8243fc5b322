package main

import (
	"io/fs"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/fr"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/i18n/builtin"
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

msgid "Thank you, %(name)s."
msgstr "Danke, %(name)s."
`

var translatedPages = fstest.MapFS{
	"welcome.html": {Data: []byte(`<p lang="{{lang}}">{{t "Welcome, %(name)s" "name" .}}: {{n "One entry" "%(num)s entries" 2}} <a href="{{url "welcome"}}">{{money 5 "EUR"}}</a></p>`)},
}

// What follows is quoted by docs/i18n.md.

type Welcome struct{ handlers.BaseHandler }

func (h *Welcome) Get() error { return h.Render("welcome", "Ann") }

type Count struct{ handlers.BaseHandler }

// Get says how many entries there are, in the language of the request.
func (h *Count) Get() error {
	return h.Text(h.N("One entry", "%(num)s entries", 2))
}

// Post leaves a message. The page that shows it translates it.
func (h *Count) Post() error {
	h.Flash(i18n.Lazy("Thank you, %(name)s.", "name", h.Request.PostFormValue("name")), "success")
	return h.RedirectTo("welcome")
}

// newTranslatedApp has a site in English, German and French.
func newTranslatedApp(catalogs fs.FS, site *handlers.Site) (*framework.App, error) {
	locales, err := i18n.New(i18n.Config{
		FS:        catalogs, // de/LC_MESSAGES/messages.po, fr/LC_MESSAGES/messages.po
		Libraries: []fs.FS{builtin.Messages},
		Default:   "en",
		Sources:   []i18n.Source{i18n.Stored, i18n.AcceptLanguage},
		Formats:   []i18n.Format{en.New(), de.New(), fr.New()},
	})
	if err != nil {
		return nil, err
	}
	if site.Templates, err = templates.ParseIn(locales, translatedPages, nil); err != nil {
		return nil, err
	}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Welcome](app)).Name("welcome")
	site.Routes(app)
	return app, nil
}

func TestQuotedTranslation(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{secret}, Sessions: []sessions.Spec{{Insecure: true}}})
	if err != nil {
		t.Fatal(err)
	}
	app, err := newTranslatedApp(fstest.MapFS{
		"de/LC_MESSAGES/messages.po": {Data: []byte(germanMessages)},
		"fr/LC_MESSAGES/messages.po": {Data: []byte(strings.Split(germanMessages, "\n\n")[0])},
	}, &handlers.Site{Sessions: manager, Users: auth.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	app.Handle("/count", framework.To[Count](app))
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	get := func(path, language, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Language", language)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w
	}
	for language, want := range map[string]string{
		"de-AT": `<p lang="de">Willkommen, Ann: 2 Einträge <a href="/">5,00` + "\u00a0" + `€</a></p>`,
		"fr":    `<p lang="fr">Welcome, Ann: 2 entries <a href="/">5,00` + "\u00a0" + `€</a></p>`,
		"pl":    `<p lang="en">Welcome, Ann: 2 entries <a href="/">€5.00</a></p>`,
	} {
		w := get("/", language, "")
		vary := strings.Join(w.Header().Values("Vary"), ", ")
		if !strings.Contains(w.Body.String(), want) || !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Accept-Language") {
			t.Errorf("%s: %q\n%s", language, vary, w.Body)
		}
	}
	if w := get("/login", "fr", ""); !strings.Contains(w.Body.String(), "Mot de passe") {
		t.Errorf("the built-in page: %s", w.Body)
	}
	if got := get("/count", "de", "").Body.String(); got != "2 Einträge" {
		t.Error(got)
	}
	r := httptest.NewRequest("POST", "/count", strings.NewReader(url.Values{"name": {"Ann"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	if got := get("/", "de", cookie).Body.String(); !strings.Contains(got, "Danke, Ann.") {
		t.Errorf("the flash: %s", got)
	}
}
