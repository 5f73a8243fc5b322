package i18n_test

import (
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing/fstest"
	"time"

	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"

	"github.com/webapp2go/webapp2go/i18n"
)

const german = `
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Hello, %(name)s!"
msgstr "Hallo, %(name)s!"

msgid "One message"
msgid_plural "%(num)s messages"
msgstr[0] "Eine Nachricht"
msgstr[1] "%(num)s Nachrichten"

msgctxt "month"
msgid "May"
msgstr "Mai"

msgid "Your entry is gone."
msgstr "Ihr Eintrag ist gelöscht."

msgid "Read the <b>rules</b>, %(name)s"
msgstr "Lies die <b>Regeln</b>, %(name)s"
`

func locales() *i18n.Locales {
	ls, err := i18n.New(i18n.Config{
		FS:       fstest.MapFS{"de/LC_MESSAGES/messages.po": {Data: []byte(german)}},
		Default:  "en",
		Sources:  []i18n.Source{i18n.Stored, i18n.Cookie("lang"), i18n.AcceptLanguage},
		Formats:  []i18n.Format{en.New(), de.New()},
		TimeZone: "Europe/Berlin",
	})
	if err != nil {
		panic(err)
	}
	return ls
}

func Example() {
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
	locale, vary := locales().ForRequest(request, nil)
	fmt.Println(locale.Lang(), vary)
	fmt.Println(locale.T("Hello, %(name)s!", "name", "Jim"))
	fmt.Println(locale.N("One message", "%(num)s messages", 1))
	fmt.Println(locale.N("One message", "%(num)s messages", 5))
	fmt.Println(locale.C("month", "May"))
	fmt.Printf("%s %q\n", locale.Number(1234.5, 2), locale.Money(1234.5, "EUR")) // with a space that does not break
	fmt.Println(locale.DateTime(time.Date(2012, 3, 4, 5, 6, 0, 0, time.UTC), "medium"))
	// Output:
	// de [Cookie Accept-Language]
	// Hallo, Jim!
	// Eine Nachricht
	// 5 Nachrichten
	// Mai
	// 1.234,50 "1.234,50\u00a0€"
	// 04.03.2012, 06:06:00
}

func ExampleNew() {
	_, err := i18n.New(i18n.Config{
		FS:      fstest.MapFS{"de/LC_MESSAGES/messages.po": {Data: []byte(`msgid "Hello`)}},
		Default: "en",
		Locales: []string{"de", "klingon!"},
	})
	fmt.Println(err)
	// Output:
	// i18n: catalogue de/LC_MESSAGES/messages.po: line 1: "msgid \"Hello" is neither a comment nor a keyword with a string in quotation marks
	// i18n: the locale "klingon!" is not a language tag such as "de" or "pt_BR"
}

func ExampleLazy() {
	gone := i18n.Lazy("Your entry is gone.") // kept in a session, as a flash
	de, _ := locales().Named("de")
	fmt.Println(gone)
	fmt.Println(de.Message(gone))
	// Output:
	// Your entry is gone.
	// Ihr Eintrag ist gelöscht.
}

func ExampleLocale_Funcs() {
	de, _ := locales().Named("de")
	page := template.Must(template.New("page").Funcs(de.Funcs()).Parse(
		`<html lang="{{lang}}" dir="{{dir}}"><p title="{{t "Hello, %(name)s!" "name" .}}">{{th "Read the <b>rules</b>, %(name)s" "name" .}}</p>
`))
	page.Execute(os.Stdout, `<i>"Jim"`)
	// Output:
	// <html lang="de" dir="ltr"><p title="Hallo, &lt;i&gt;&#34;Jim&#34;!">Lies die <b>Regeln</b>, &lt;i&gt;&#34;Jim&#34;</p>
}

func ExampleLocales_Named() {
	_, err := locales().Named("tlh")
	fmt.Println(err)
	// Output: i18n: there is no locale "tlh"; there are en, de
}

func ExampleLocales_ForRequest() {
	stored := func() string { return "de" } // a value of the session
	request := httptest.NewRequest("GET", "/", nil)
	locale, _ := locales().ForRequest(request, stored)
	fmt.Println(locale.Name())
	// Output: de
}

func ExampleLocale_In() {
	zone, err := i18n.Zone("Asia/Tokyo")
	if err != nil {
		panic(err)
	}
	de, _ := locales().Named("de")
	fmt.Println(de.In(zone).Time(time.Date(2012, 3, 4, 5, 6, 0, 0, time.UTC), "HH:mm"))
	// Output: 14:06
}

func ExampleLocale_Date() {
	de, _ := locales().Named("de")
	t := time.Date(2012, 3, 4, 5, 6, 0, 0, time.UTC)
	for _, layout := range []string{"short", "medium", "long", "full", "iso", "EEEE, d. MMMM y 'um' H:mm"} {
		fmt.Println(de.Date(t, layout))
	}
	// Output:
	// 04.03.12
	// 04.03.2012
	// 4. März 2012
	// Sonntag, 4. März 2012
	// 2012-03-04
	// Sonntag, 4. März 2012 um 6:06
}

// A message for n things, made before the language is known, and one with a context.
func ExampleLazyN() {
	de, _ := locales().Named("de")
	fmt.Println(de.Message(i18n.LazyN("One message", "%(num)s messages", 3)))
	fmt.Println(de.NC("mailbox", "One entry", "%(num)s entries", 2)) // has no translation
	// Output:
	// 3 Nachrichten
	// 2 entries
}

// The application has a Source of its own, the first label of the host.
func ExampleNewSource() {
	host := i18n.NewSource("Host", func(r *http.Request) string {
		label, _, _ := strings.Cut(r.Host, ".")
		return label
	})
	ls, err := i18n.New(i18n.Config{
		FS:      fstest.MapFS{"de/LC_MESSAGES/messages.po": {Data: []byte(german)}},
		Default: "en",
		Sources: []i18n.Source{host, i18n.Query("lang")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, url := range []string{"https://de.example.com/", "https://www.example.com/?lang=de", "https://www.example.com/"} {
		locale, _ := ls.ForRequest(httptest.NewRequest("GET", url, nil), nil)
		fmt.Println(locale.Name(), locale.Percent(0.25, 0))
	}
	// Output:
	// de 25%
	// de 25%
	// en 25%
}
