package i18n_test

import (
	"io/fs"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/templates"
)

var _ templates.Languages = (*i18n.Locales)(nil)

const oneRule = "nplurals=2; plural=n != 1;"

// A library's catalogues are asked after the application's. Its own messages are in English.
func TestLibraries(t *testing.T) {
	library := mapFS(map[string][]byte{
		"de/LC_MESSAGES/lib.po":   po(oneRule, "msgid \"Log in\"\nmsgstr \"Anmelden\"\n\nmsgid \"Name\"\nmsgstr \"Name (Bibliothek)\"\n\nmsgctxt \"verb\"\nmsgid \"Open\"\nmsgstr \"Öffnen\"\n\nmsgid \"One\"\nmsgid_plural \"%(num)s things\"\nmsgstr[0] \"Eins\"\nmsgstr[1] \"%(num)s Dinge\"\n"),
		"de/LC_MESSAGES/other.mo": mo("", header, "Other", "Anderes"),
		"fr/LC_MESSAGES/lib.po":   po(oneRule, "msgid \"Log in\"\nmsgstr \"Connexion\"\n"),
	})
	own := mapFS(map[string][]byte{
		"de_AT/LC_MESSAGES/messages.po": po(oneRule, "msgid \"Name\"\nmsgstr \"Name (eigener)\"\n"),
		"pl/LC_MESSAGES/messages.po":    po(oneRule, ""),
		"en/LC_MESSAGES/messages.po":    po(oneRule, ""),
	})
	ls, err := i18n.New(i18n.Config{FS: own, Libraries: []fs.FS{library}, Default: "de_AT"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ locale, got, want string }{
		{"de_AT", named(t, ls, "de_AT").T("Log in"), "Anmelden"}, // of the language de
		{"de_AT", named(t, ls, "de_AT").T("Name"), "Name (eigener)"},
		{"de_AT", named(t, ls, "de_AT").T("Other"), "Anderes"},
		{"en", named(t, ls, "en").T("Log in"), "Log in"}, // and not the default's
		{"en", named(t, ls, "en").C("verb", "Open"), "Open"},
		{"en", named(t, ls, "en").N("One", "%(num)s things", 1) + named(t, ls, "en").N("One", "%(num)s things", 2), "One2 things"},
		{"pl", named(t, ls, "pl").T("Log in"), "Anmelden"}, // the default's
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.locale, test.got, test.want)
		}
	}
	if _, err := ls.Named("fr"); err == nil {
		t.Error("a library adds a locale to an application that has its own")
	}
	alone, err := i18n.New(i18n.Config{Libraries: []fs.FS{library}, Default: "en"})
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, l := range alone.Languages() {
		labels = append(labels, l.Label())
	}
	if got := strings.Join(labels, " "); got != "English Deutsch Français" {
		t.Error(got)
	}
	r := httptest.NewRequest("GET", "/", nil)
	if l, vary := alone.Language(r, func() string { return "de-CH" }); l.Name() != "de" || len(vary) != 0 {
		t.Errorf("%s, %q: Stored is not among the default Sources", l.Name(), vary)
	}
	for name, test := range map[string]struct {
		c    i18n.Config
		want string
	}{
		"nil":            {i18n.Config{Default: "en", Libraries: []fs.FS{nil}}, "Libraries[0] is nil"},
		"no such locale": {i18n.Config{Default: "en", Libraries: []fs.FS{library}, Locales: []string{"de_AT", "en_GB", "it"}}, "the locale it has no folder"},
		"own FS":         {i18n.Config{Default: "en", FS: own, Libraries: []fs.FS{library}, Locales: []string{"fr"}}, "the locale fr has no folder"},
		"broken":         {i18n.Config{Default: "de", Libraries: []fs.FS{mapFS(map[string][]byte{"de/LC_MESSAGES/lib.po": []byte("x")})}}, "de/LC_MESSAGES/lib.po: line 1"},
		"no folder":      {i18n.Config{Default: "de", Libraries: []fs.FS{mapFS(map[string][]byte{"de/lib.po": []byte("x")})}}, "cannot be read"},
	} {
		if _, err := i18n.New(test.c); err == nil || !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: %v; want %q alone", name, err, test.want)
		}
	}
}

func TestLabel(t *testing.T) {
	for name, want := range map[string]string{"de": "Deutsch", "pt_BR": "Português (BR)", "zh_Hant_TW": "中文 (Hant) (TW)", "tlh": "tlh", "fil": "Filipino"} {
		ls, err := i18n.New(i18n.Config{Default: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := ls.Default().Label(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
