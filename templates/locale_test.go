package templates_test

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/templates"
)

// shouting is English in capital letters.
type shouting struct {
	templates.Locale
	lang string
}

func (s shouting) Lang() string { return s.lang }
func (s shouting) T(message string, pairs ...any) string {
	return strings.ToUpper(templates.English.T(message, pairs...))
}
func (s shouting) C(_, message string, pairs ...any) string { return s.T(message, pairs...) }
func (s shouting) Funcs() template.FuncMap {
	funcs := templates.Functions(s)
	funcs["number"] = func() string { return "7 in " + s.lang }
	return funcs
}

type languages []templates.Locale

func (l languages) Languages() []templates.Locale { return l }
func (l languages) Language(*http.Request, func() string) (templates.Locale, []string) {
	return l[0], nil
}

// A message that is kept is translated when it is shown.
func ExampleLazy() {
	welcome := templates.Lazy("Welcome, %(name)s.", "name", "Ann")
	days := templates.LazyN("One day", "%(num)s days", 3)
	fmt.Println(welcome, days.In(templates.English))
	// Output: Welcome, Ann. 3 days
}

// Pages translate also if nothing else is set: into English.
func ExampleEnglish() {
	set, err := templates.Parse(files(
		"layout.html", `<html lang="{{lang}}" dir="{{dir}}">{{template "content" .Data}}`,
		"home.html", `{{t "Hello, %(name)s" "name" .Name}}: {{n "one entry" "%(num)s entries" .Count}}, {{c "month" "May"}}, since {{date .Since "long"}}`), nil)
	if err != nil {
		panic(err)
	}
	var out strings.Builder
	if err := set.Render(&out, "home", &templates.Page{Data: map[string]any{
		"Name": "<Ann>", "Count": 2, "Since": time.Date(2012, 3, 4, 5, 6, 0, 0, time.UTC),
	}}); err != nil {
		panic(err)
	}
	fmt.Println(out.String())
	// Output: <html lang="en" dir="ltr">Hello, &lt;Ann&gt;: 2 entries, May, since 4 March 2012
}

func ExampleFunctions() {
	page := template.Must(template.New("").Funcs(templates.Functions(templates.English)).Parse(
		`{{t "Mention %(id)s, %(name)s." "id" (tag "code" .ID) "name" .Name}} {{t "Seen %(time)s" "time" (datetimeTag .Time "short")}}`))
	var out strings.Builder
	page.Execute(&out, map[string]any{"ID": "<7>", "Name": "<Ann>", "Time": time.Date(2012, 3, 4, 5, 6, 0, 0, time.UTC)})
	fmt.Println(out.String())
	// Output: Mention <code>&lt;7&gt;</code>, &lt;Ann&gt;. Seen <time datetime="2012-03-04T05:06:00Z">4 Mar, 05:06 UTC</time>
}

func TestFunctions(t *testing.T) {
	for _, test := range []struct {
		page, want string // in English; want "" is an error
	}{
		{`{{t "a"}}`, "a"},
		{`{{"piped" | t}}`, "piped"},
		{`{{t .Message}}`, "3 days"},
		{`{{t .Number}}`, ""},
		{`{{n "one" "%(num)s" 1}}{{n "one" "%(num)s" -1}}{{n "one" "%(num)s" 0}}`, "oneone0"},
		{`{{n "one" "%(num)s" .Big}}{{n "one" "%(num)s" .Small}}{{nc "x" "one" "%(num)s" .Big}}`, "7one7"},
		{`{{n "one" "%(num)s" "7"}}`, ""},
		{`{{n "one" "%(num)s" 1.5}}`, ""},
		{`{{nc "x" "one %(a)s" "%(num)s %(a)s" 2 "a" "<"}}`, "2 &lt;"},
		{`<a title="{{t "say %(x)s" "x" (tag "b" "\"")}}">`, `<a title="say &#34;">`}, // tags are removed in an attribute
		{`<a href="?q={{t "a b"}}">`, `<a href="?q=a%20b">`},
		{`<script>x = {{t "</script>%(x)s" "x" (tag "b" "y")}}</script>`, `<script>x = "\u0026lt;/script\u0026gt;\u003cb\u003ey\u003c/b\u003e"</script>`},
		{`{{t "%(a)s%(b)s" "a" "` + "\ue0013\ue001" + `" "b" (tag "b" "x")}}`, "\ue0013\ue001<b>x</b>"},
		{`{{t "<i>%(a)s" "a" (tag "b" .List)}}`, "&lt;i&gt;<b>x</b>, <b>&lt;</b>"},
		{`{{th "<i>%(a)s" "a" "<"}}`, "<i>&lt;"},
		{`{{tag "script" "x"}}`, ""},
		{`{{tag "b onclick=x" "x"}}`, ""},
		{`{{date .Zero "long"}}{{datetime .Zero "short"}}{{dateTag .Time ""}}`, `<time datetime="2012-03-04T05:06:00Z">4 Mar 2012</time>`},
		{`{{t "%(a)s"}} {{t "100%%"}} {{t "%(a)s" "b" 1}}`, "%(a)s 100% %(a)s"},
	} {
		set, err := templates.Parse(files("layout.html", `{{template "content" .Data}}`, "home.html", test.page), nil)
		if err != nil {
			t.Fatalf("%s: %v", test.page, err)
		}
		var out strings.Builder
		err = set.Render(&out, "home", &templates.Page{Data: map[string]any{
			"Message": templates.LazyN("one day", "%(num)s days", 3), "Number": 7, "Big": int64(7), "Small": uint8(1), "List": []string{"x", "<"}, "Zero": time.Time{}, "Time": time.Date(2012, 3, 4, 5, 6, 0, 0, time.UTC),
		}})
		if (err != nil) != (test.want == "") || err == nil && out.String() != test.want {
			t.Errorf("%s: %q, %v; want %q", test.page, &out, err, test.want)
		}
	}
}

// Each language has its own functions, below a prefix too. A page in a language that the set
// does not have is in the first one.
func TestLanguages(t *testing.T) {
	two := languages{templates.English, shouting{templates.English, "eo"}}
	loud := shouting{templates.English, "la"}
	pages := files("layout.html", `{{lang}} {{template "content" .Data}} {{path "/x"}}`, "home.html", `{{t "hello"}} {{t .}}`)
	set, err := templates.ParseIn(two, pages, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		locale templates.Locale
		prefix string
		want   string
	}{
		{nil, "", "en hello you /x"}, {two[1], "", "eo HELLO YOU /x"}, {two[1], "/a", "eo HELLO YOU /a/x"}, {nil, "/a", "en hello you /a/x"}, {loud, "", "en hello you /x"},
	} {
		var out strings.Builder
		if err := set.Render(&out, "home", &templates.Page{Locale: test.locale, Prefix: test.prefix, Data: "you"}); err != nil || out.String() != test.want {
			t.Errorf("%v %q: %q, %v; want %q", test.locale, test.prefix, &out, err, test.want)
		}
	}
	if set.Languages() == nil {
		t.Error("no Languages")
	}
	if _, err := templates.ParseIn(languages{}, pages, nil); err == nil || !strings.Contains(err.Error(), "without a locale") {
		t.Error(err)
	}
	_, err = templates.ParseIn(languages{shouting{templates.English, "eo"}, templates.English}, files("home.html", `{{number}}`), nil)
	if err == nil || !strings.Contains(err.Error(), `in the language en`) || !strings.Contains(err.Error(), `"number" not defined`) {
		t.Error(err)
	}
	_, err = templates.ParseIn(two, files("home.html", `{{if}}`), nil)
	if err == nil || strings.Count(err.Error(), "missing value for if") != 1 {
		t.Errorf("a mistake of every language is said once: %v", err)
	}
}

// The built-in pages use our functions also if the site has others of the same names.
func TestFunctionsOfTheSite(t *testing.T) {
	other := func(...any) (string, error) { return "", errors.New("called") }
	funcs := template.FuncMap{"tag": other, "n": other, "dateTag": other, "date": other, "t": func(s string) string { return "mine: " + s }}
	set, err := templates.Parse(files("home.html", `{{t "hello"}}`), funcs)
	if err != nil {
		t.Fatal(err)
	}
	set.SetRoutes(func(name string, _ ...any) (string, error) { return "/" + name, nil }, nil)
	for name, data := range builtinData {
		var out strings.Builder
		if err := set.Render(&out, name, &templates.Page{Data: data}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(out.String(), "mine") || strings.Contains(out.String(), "%(") {
			t.Errorf("%s: %s", name, &out)
		}
	}
	var out strings.Builder
	if err := set.Render(&out, "home", &templates.Page{}); err != nil || !strings.Contains(out.String(), "mine: hello") {
		t.Errorf("%v\n%s", err, &out)
	}
}
