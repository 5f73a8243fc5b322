package demo_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/handlers/demo"
	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/i18n/builtin"
	"github.com/webapp2go/webapp2go/i18n/extract"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

func demoLocales(t *testing.T) *i18n.Locales {
	t.Helper()
	locales, err := i18n.New(i18n.Config{FS: demo.Catalogs(), Libraries: []fs.FS{builtin.Messages}, Default: "en"})
	if err != nil {
		t.Fatal(err)
	}
	return locales
}

// The switch in the footer changes the language of the demo's frame and of the built-in pages.
func TestLanguages(t *testing.T) {
	server := serveSite(t, sessions.NewMemory(), func(site *handlers.Site) {
		pages, err := templates.ParseIn(demoLocales(t), demo.Pages(), nil)
		if err != nil {
			t.Fatal(err)
		}
		site.Templates, site.Mail = pages, new(mail.Outbox)
	})
	b := open(t, server)
	_, _, page := b.request(http.MethodGet, "/cart", nil)
	for _, text := range []string{`<html lang="en"`, ">Shop<", `action="/language"`, `name="next" value="/cart"`, ">Deutsch</button>", ">Français</button>"} {
		if !strings.Contains(page, text) {
			t.Errorf("no %q in\n%s", text, page)
		}
	}
	for language, texts := range map[string][]string{
		"de": {`<html lang="de"`, ">Laden<", ">Postausgang<", ">Anmelden<", "ohne Tracking"},
		"fr": {`<html lang="fr"`, ">Boutique<", ">Boîte d’envoi<", ">Se connecter<", "sans traçage"},
	} {
		status, page := b.post("/language", "language", language, "next", "/cart")
		if status != 200 {
			t.Errorf("%s: %d", language, status)
		}
		for _, text := range texts {
			if !strings.Contains(page, text) {
				t.Errorf("no %q in\n%s", text, page)
			}
		}
	}
}

// Each message of the demo's pages has a translation.
func TestCatalogs(t *testing.T) {
	messages, _, err := extract.Messages(demo.Pages(), extract.Options{})
	if err != nil || len(messages) < 9 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	locales := demoLocales(t)
	for _, l := range locales.All()[1:] {
		for _, m := range messages {
			if l.T(m.ID) == m.ID {
				t.Errorf("%s: %q is not translated", l.Name(), m.ID)
			}
		}
	}
	for name, count := range locales.Untranslated() {
		if count > 0 {
			t.Errorf("%s: %d messages without a translation", name, count)
		}
	}
}
