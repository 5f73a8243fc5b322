package i18n_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/locales/ar"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/ja"
	"github.com/go-playground/locales/pl"

	"github.com/webapp2go/webapp2go/i18n"
)

func TestForRequest(t *testing.T) {
	files := map[string][]byte{}
	for _, name := range []string{"en_US", "de_DE", "pt_BR", "zh_CN", "ar", "fil"} {
		files[name+"/LC_MESSAGES/messages.mo"] = mo("", header)
	}
	query, path := i18n.Query("hl"), i18n.PathPrefix
	ls, err := i18n.New(i18n.Config{FS: mapFS(files), Default: "en_US",
		Sources: []i18n.Source{path, query, i18n.Stored, i18n.Cookie("lang"), i18n.NewSource("X-Lang", func(r *http.Request) string { return r.Header.Get("X-Lang") }), i18n.AcceptLanguage}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		url, stored, cookie, accept, want string
		vary                              []string
	}{
		{url: "/", want: "en_US", vary: []string{"Cookie", "X-Lang", "Accept-Language"}},
		{url: "/de/about", accept: "ar", want: "de_DE"},
		{url: "/de_DE/about", want: "de_DE"},
		{url: "/about?hl=pt-br", accept: "ar", want: "pt_BR"},
		{url: "/about?hl=xx", stored: "ar", want: "ar"},
		{url: "/", stored: "nothing!", cookie: "fil", want: "fil", vary: []string{"Cookie"}},
		{url: "/", accept: "de-AT", want: "de_DE"},
		{url: "/", accept: "pt-PT", want: "pt_BR"},
		{url: "/", accept: "gsw", want: "de_DE"},
		{url: "/", accept: "zh-TW", want: "en_US"},
		{url: "/", accept: "fr, *;q=0.1", want: "en_US"},
		{url: "/", accept: "fr;q=x,,;;", want: "en_US"},
		{url: "/", accept: "xx,!?,de;q=0.5,ar;q=nan,pt;q=7,fil;q=0.2,ar;q=0", want: "de_DE"}, // what cannot be read does not spoil the rest
		{url: "/", accept: strings.Repeat("de,", 1000), want: "en_US"},
		{url: "/", cookie: strings.Repeat("d", 3000), accept: "ar", want: "ar"},
	} {
		r := httptest.NewRequest("GET", test.url, nil)
		if test.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "lang", Value: test.cookie})
		}
		if test.accept != "" {
			r.Header.Set("Accept-Language", test.accept)
		}
		l, vary := ls.ForRequest(r, func() string { return test.stored })
		if l.Name() != test.want || test.vary != nil && !slices.Equal(vary, test.vary) {
			t.Errorf("%+v: %s, Vary %q", test, l.Name(), vary)
		}
	}
	if got := named(t, ls, "ar").Dir() + named(t, ls, "pt-br").Dir(); got != "rtlltr" {
		t.Errorf("directions: %s", got)
	}
	if got := len(ls.All()); got != 6 || ls.Default().Name() != "en_US" || ls.All()[0] != ls.Default() {
		t.Errorf("%d locales", got)
	}
}

func TestFormats(t *testing.T) {
	var files = map[string][]byte{}
	for _, name := range []string{"de", "fr", "pl", "ja", "ar"} {
		files[name+"/LC_MESSAGES/messages.mo"] = mo("", header)
	}
	ls, err := i18n.New(i18n.Config{FS: mapFS(files), Default: "en",
		Formats: []i18n.Format{en.New(), de.New(), fr.New(), pl.New(), ja.New(), ar.New()}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2012, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, test := range []struct{ locale, number, percent, euro, yen, franc, date, long, clock string }{
		{"en", "1,234.50", "25%", "€1,234.50", "¥1,235", "CHF\u00a05.00", "Mar 4, 2012", "March 4, 2012", "5:06 am"},
		{"de", "1.234,50", "25\u00a0%", "1.234,50\u00a0€", "1.235\u00a0¥", "5,00\u00a0CHF", "04.03.2012", "4. März 2012", "05:06"},
		{"fr", "1\u202f234,50", "25\u00a0%", "1\u202f234,50\u00a0€", "1\u202f235\u00a0¥", "5,00\u00a0CHF", "4 mars 2012", "4 mars 2012", "05:06"},
		{"pl", "1\u00a0234,50", "25%", "1\u00a0234,50\u00a0€", "1\u00a0235\u00a0¥", "5,00\u00a0CHF", "4 mar 2012", "4 marca 2012", "05:06"},
	} {
		l := named(t, ls, test.locale)
		for _, pair := range [][3]string{
			{"number", l.Number(1234.5, 2), test.number}, {"percent", l.Percent(0.25, 0), test.percent},
			{"euro", l.Money(1234.5, "EUR"), test.euro}, {"yen", l.Money(1234.6, "JPY"), test.yen}, {"franc", l.Money(5, "CHF"), test.franc},
			{"date", l.Date(at, ""), test.date}, {"long", l.Date(at, "long"), test.long}, {"clock", l.Time(at, "short"), test.clock},
		} {
			if pair[1] != pair[2] {
				t.Errorf("%s %s: %q, want %q", test.locale, pair[0], pair[1], pair[2])
			}
		}
	}
	de := named(t, ls, "de")
	for _, test := range []struct{ got, want string }{
		{de.Money(-5, "EUR"), "-5,00\u00a0€"}, {de.Money(5, "XQQ"), "5,00\u00a0XQQ"}, {de.Money("x", "EUR"), "x"},
		{de.Number(uint8(7), 0), "7"}, {de.Number(float32(0.5), 1), "0,5"}, {de.Number("x", 1), "x"}, {de.Number(1, 99), "1,000000000000000"},
		{de.Percent("x", 1), "x"}, {de.Number(-1, -5), "-1"},
		{de.Date(time.Time{}, "long"), ""}, {de.DateTime(at, "iso"), "2012-03-04T05:06:07Z"}, {de.DateTime(at, "yy-MM-dd''hh 'Uhr' a ?E"), "12-03-04'05 Uhr AM ?So."},
		{de.Date(at, strings.Repeat("y", 300)), ""}, {de.Time(at, "iso"), "05:06:07"}, {de.Time(at, "full"), "05:06:07 UTC"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

// A <time> element says the time zone, once.
func TestTimeElements(t *testing.T) {
	formats, err := i18n.New(i18n.Config{
		FS: mapFS(map[string][]byte{"de/LC_MESSAGES/messages.mo": mo("", header)}), Default: "en",
		TimeZone: "Europe/Berlin", Formats: []i18n.Format{en.New(), de.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
	none, err := i18n.New(i18n.Config{Default: "de"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2012, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, test := range []struct {
		locale       *i18n.Locale
		layout, want string
	}{
		{formats.Default(), "short", "3/4/12, 6:06 am CET"}, {formats.Default(), "", "Mar 4, 2012, 6:06:07 am CET"},
		{named(t, formats, "de"), "medium", "04.03.2012, 06:06:07 CET"}, {formats.Default(), "full", "Sunday, March 4, 2012, 6:06:07 am CET"},
		{formats.Default(), "iso", "2012-03-04T06:06:07+01:00"}, {none.Default(), "short", "2012-03-04T05:06:07Z"},
	} {
		page := template.Must(template.New("").Funcs(test.locale.Funcs()).Parse(`{{datetimeTag .At .Layout}}`))
		var out strings.Builder
		err := page.Execute(&out, map[string]any{"At": at, "Layout": test.layout})
		if want := `<time datetime="2012-03-04T05:06:07Z">` + test.want + "</time>"; err != nil || out.String() != want {
			t.Errorf("%q: %s, %v; want %s", test.layout, &out, err, want)
		}
	}
}

// Without Formats everything is written as ISO 8601 and Go have it.
func TestWithoutFormats(t *testing.T) {
	ls, err := i18n.New(i18n.Config{Default: "de"})
	if err != nil {
		t.Fatal(err)
	}
	l, at := ls.Default(), time.Date(2012, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, test := range []struct{ got, want string }{
		{l.Number(1234.5, 2), "1234.50"}, {l.Percent(0.25, 1), "25.0%"}, {l.Money(5, "JPY"), "5 JPY"},
		{l.Date(at, "long"), "2012-03-04"}, {l.Time(at, ""), "05:06:07"}, {l.DateTime(at, "full"), "2012-03-04T05:06:07Z"},
		{l.Date(at, "EEE, EEEE MMM MMMM"), "Sun, Sunday Mar March"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

// What a package needs that shows translated pages and does not import this one: it declares
// the interface itself, so that only programs that translate link catalogues.
var _ interface {
	Lang() string // for the lang attribute, and as the key of the set of templates
	Dir() string
	Funcs() template.FuncMap
	T(message string, pairs ...any) string
	N(one, more string, n int, pairs ...any) string
} = (*i18n.Locale)(nil)

func BenchmarkT(b *testing.B) {
	l, err := locales().Named("de")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.T("Your entry is gone.")
	}
}
