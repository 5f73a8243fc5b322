package handlers_test

import (
	"fmt"
	"io/fs"
	"log"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/i18n/builtin"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// Link says how long a link works.
type Link struct{ handlers.BaseHandler }

func (h *Link) Get() error {
	return h.Text(h.T("The link works once, for %(life)s.", "life", h.N("1 hour", "%(num)s hours", 2)))
}

// A handler responds in the language of the request.
func ExampleBaseHandler_T() {
	locales, err := i18n.New(i18n.Config{Default: "en", Libraries: []fs.FS{builtin.Messages}})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := templates.ParseIn(locales, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		log.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager, Templates: pages}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[Link](app))
	site.Pages(app) // with the language switch, a LanguageHandler
	for _, language := range []string{"de-AT", "fr", "pl"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(w.Body)
	}
	// Output:
	// Der Link funktioniert einmal und gilt 2 Stunden.
	// Le lien fonctionne une seule fois et est valable 2 heures.
	// The link works once, for 2 hours.
}
