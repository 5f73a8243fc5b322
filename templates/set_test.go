package templates_test

import (
	"html/template"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

// parse parses pages and makes up the routes that the built-in menu links to.
func parse(t *testing.T, pages fstest.MapFS) *templates.Set {
	t.Helper()
	set, err := templates.Parse(pages, nil)
	if err != nil {
		t.Fatal(err)
	}
	set.SetRoutes(func(name string, _ ...any) (string, error) { return "/" + name, nil }, nil)
	return set
}

func render(t *testing.T, set *templates.Set, page string, p *templates.Page) string {
	t.Helper()
	var b strings.Builder
	if err := set.Render(&b, page, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRender(t *testing.T) {
	tests := []struct {
		name  string
		pages fstest.MapFS
		page  templates.Page
		want  []string
		not   []string
	}{
		{"the content's dot is the data", files("home.html", "<h1>{{.}}</h1>"),
			templates.Page{Data: "ann"}, []string{"<h1>ann</h1>", "<title>home</title>"}, nil},
		{"data is escaped", files("home.html", `<h1 title="{{.}}">{{.}}</h1>`),
			templates.Page{Data: `"><script>`}, []string{`<h1 title="&#34;&gt;&lt;script&gt;">&#34;&gt;&lt;script&gt;</h1>`}, []string{"<script>"}},
		{"a page names its title", files("home.html", `{{define "title"}}Hello {{.}}{{end}}x`),
			templates.Page{Data: "<ann>", Site: "Shop"}, []string{"<title>Hello &lt;ann&gt; · Shop</title>"}, nil},
		{"the handler names its title", files("home.html", `{{define "title"}}Hello{{end}}x`),
			templates.Page{Title: "A & B"}, []string{"<title>A &amp; B</title>"}, []string{"Hello"}},
		{"a page adds to the head", files("home.html", `{{define "head"}}<meta name="robots" content="none">{{end}}x`),
			templates.Page{}, []string{`<meta name="robots" content="none">`}, nil},
		{"only definitions", files("home.html", `{{define "title"}}Bare{{end}}`),
			templates.Page{}, []string{"<title>Bare</title>"}, nil},
		{"flashes", files("home.html", ""),
			templates.Page{Flashes: []templates.Flash{{Message: "1 < 2", Level: "success"}}},
			[]string{`<li class="flash success">1 &lt; 2</li>`}, nil},
		{"nobody", files("home.html", ""), templates.Page{}, []string{"/login", "/signup"}, []string{"/logout", "<ul class=\"flashes\""}},
		{"somebody", files("home.html", ""), templates.Page{User: "ann"}, []string{"ann", `action="/logout"`}, []string{"/login"}},
		{"the class of the body", files("home.html", ""), templates.Page{BodyClass: "admin"}, []string{`<body class="admin">`}, nil},
		{"a layout of the site's own", files("home.html", "x", "layout.html", `[{{template "content" .Data}}]`),
			templates.Page{}, []string{"[x]"}, []string{"<html"}},
		{"a menu of the site's own", files("home.html", "x", "parts/nav.html", `<b>{{.User}}{{if .Has "admin"}}!{{end}}</b>`),
			templates.Page{User: "ann", Roles: []string{"admin"}}, []string{"<b>ann!</b>"}, []string{"/logout"}},
		{"a part in a page", files("home.html", `{{template "price" .}}`, "parts/price.html", "{{.}} €"),
			templates.Page{Data: 5}, []string{"5 €"}, nil},
		{"a route", files("home.html", `<a href="{{url "cart"}}">x</a>`), templates.Page{}, []string{`<a href="/cart">`}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := render(t, parse(t, test.pages), "home", &test.page)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("missing %q in\n%s", want, got)
				}
			}
			for _, not := range test.not {
				if strings.Contains(got, not) {
					t.Errorf("unwanted %q in\n%s", not, got)
				}
			}
		})
	}
}

func TestParseFindsMistakes(t *testing.T) {
	tests := []struct {
		name  string
		pages fstest.MapFS
		want  []string
	}{
		{"syntax", files("home.html", "\n{{if}}"), []string{"home.html:2", "missing value for if"}},
		{"function", files("home.html", "{{nope}}"), []string{"home.html:1", `function "nope" not defined`}},
		{"template", files("home.html", `{{template "nope"}}`), []string{"home.html", `no such template "nope"`}},
		{"context", files("home.html", "\n\n<a href='{{.}}"), []string{"home.html", "ends in a non-text context"}},
		{"layout", files("layout.html", "{{"), []string{"layout.html:1"}},
		{"part", files("parts/nav.html", "{{end}}"), []string{"parts/nav.html:1", "unexpected {{end}}"}},
		{"two pages", files("a.html", "{{end}}", "b.html", "{{end}}"), []string{"a.html:1", "b.html:1"}},
		{"built-in page over a layout without nav", files("layout.html", `{{template "menu" .}}`), []string{"layout.html", `no such template "menu"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := templates.Parse(test.pages, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(test.want, "templates: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing %q in %v", want, err)
				}
			}
		})
	}
}

func TestParseRunsNothing(t *testing.T) {
	pages := files("home.html", `{{boom}}`)
	_, err := templates.Parse(pages, template.FuncMap{"boom": func() string { panic("was run at start") }})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingPage(t *testing.T) {
	set := parse(t, files("home.html", "", "admin/users.html", ""))
	err := set.Render(&strings.Builder{}, "hom", &templates.Page{})
	const want = `templates: there is no page "hom", only account, admin/users, confirm, error, forgot, home, link, link-failed, login, reset, sent, signup, signup-email, signup-finish`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestURLWithoutRoutes(t *testing.T) {
	set, err := templates.Parse(files("home.html", `{{url "cart"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = set.Render(&strings.Builder{}, "home", &templates.Page{})
	if err == nil || !strings.Contains(err.Error(), "call handlers.Site.Routes") {
		t.Errorf("got %v", err)
	}
}

// A page below a prefix has it in every address, also if pages of several prefixes are
// rendered at the same time.
func TestPrefix(t *testing.T) {
	set := parse(t, files("layout.html", `{{template "content" .Data}}`, "static/a.css", "",
		"home.html", `{{path "/"}} {{url "cart"}} {{url "elsewhere"}} {{static "a.css"}}{{.}}`))
	set.SetRoutes(func(name string, _ ...any) (string, error) {
		if name == "elsewhere" {
			return "https://elsewhere.example/", nil
		}
		return "/" + name, nil
	}, nil)
	static, err := set.StaticURL("a.css")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			prefix := []string{"", "/a", "/b"}[i%3]
			for range 20 {
				var page strings.Builder
				err := set.Render(&page, "home", &templates.Page{Prefix: prefix, Data: "<"})
				want := prefix + "/ " + prefix + "/cart https://elsewhere.example/ " + prefix + static + "&lt;"
				if err != nil || page.String() != want {
					t.Errorf("%q: got %q, %v; want %q", prefix, page.String(), err, want)
					return
				}
			}
		})
	}
	group.Wait()
}

// A site parses its pages once, at startup. In development it does so after each change.
func BenchmarkParse(b *testing.B) {
	pages := files("home.html", `{{define "title"}}Home{{end}}<h1>Hello {{.}}</h1>`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := templates.Parse(pages, nil); err != nil {
			b.Fatal(err)
		}
	}
}
