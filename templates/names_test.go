package templates_test

import (
	"errors"
	"html/template"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

// check parses pages and checks them for a site that has routes of these names.
func check(pages fstest.MapFS, funcs template.FuncMap, routes ...string) error {
	set, err := templates.Parse(pages, funcs)
	if err != nil {
		return err
	}
	set.SetRoutes(set.URL, func(name string) bool { return slices.Contains(routes, name) })
	return set.CheckURLs()
}

var builtinRoutes = []string{"login", "logout", "signup", "account"}

// A wrong name is reported with its place. The same page with the right name passes.
func TestWrongNamesAreReportedWithTheirPlace(t *testing.T) {
	for name, test := range map[string]struct{ page, place string }{
		"text":             {`<p>{{static "sytle.css"}}`, "1:5"},
		"a later line":     {"\n\n<a href=\"{{ static `sytle.css` }}\">", "3:12"},
		"after a comment":  {"{{/* static */}}\n{{- static \"sytle.css\" -}}\n", "2:4"},
		"if":               {`{{if static "sytle.css"}}{{end}}`, "1:5"},
		"then":             {`{{if .}}{{static "sytle.css"}}{{end}}`, "1:10"},
		"else":             {`{{if .}}{{else}}{{static "sytle.css"}}{{end}}`, "1:18"},
		"else if":          {`{{if .}}{{else if static "sytle.css"}}{{end}}`, "1:18"},
		"in a range":       {`{{range .}}{{break}}{{static "sytle.css"}}{{else}}{{end}}`, "1:22"},
		"of a range":       {`{{range $i, $x := static "sytle.css"}}{{end}}`, "1:18"},
		"with":             {`{{with static "sytle.css"}}{{.}}{{end}}`, "1:7"},
		"in an else with":  {`{{with .}}{{else with .}}{{static "sytle.css"}}{{end}}`, "1:27"},
		"define":           {"{{define \"head\"}}\n{{static \"sytle.css\"}}{{end}}", "2:2"},
		"block":            {`{{block "own" .}}{{static "sytle.css"}}{{end}}`, "1:19"},
		"for a template":   {`{{define "own"}}{{.}}{{end}}{{template "own" static "sytle.css"}}`, "1:45"},
		"variable":         {`{{$x := static "sytle.css"}}{{$x}}`, "1:8"},
		"handed on":        {`{{static "sytle.css" | printf "%s"}}`, "1:2"},
		"the last of many": {`{{"s" | print | printf (static "sytle.css")}}`, "1:24"},
		"parentheses":      {`{{print (print (static ("sytle.css")))}}`, "1:16"},
		"field":            {`{{if .}}{{else}}{{(static "sytle.css").Name}}{{end}}`, "1:19"},
	} {
		for _, function := range []string{"static", "url"} {
			t.Run(name+"/"+function, func(t *testing.T) {
				page := strings.ReplaceAll(test.page, "static", function)
				err := check(files("home.html", page), nil, builtinRoutes...)
				if err == nil || !strings.HasPrefix(err.Error(), "templates: home.html:"+test.place+": ") || strings.Count(err.Error(), "templates: ") != 1 {
					t.Errorf("got %v, want one mistake at %s", err, test.place)
				}
				right := strings.ReplaceAll(page, "sytle.css", "site.css")
				if err := check(files("home.html", right), nil, append(slices.Clip(builtinRoutes), "site.css")...); err != nil {
					t.Errorf("the right name: %v", err)
				}
			})
		}
	}
}

func TestOtherNamesAreNotChecked(t *testing.T) {
	own := func(string) string { return "" }
	for name, test := range map[string]struct {
		page  string
		funcs template.FuncMap
	}{
		"no call":                     {`static "sytle.css" {{"url"}} {{.}}`, nil},
		"a field":                     {`{{static .Name}}{{url .Name "next" "/"}}`, nil},
		"a variable":                  {`{{$name := "sytle.css"}}{{static $name}}{{url $name}}`, nil},
		"a result":                    {`{{static (print "sytle" ".css")}}{{print "hoem" | url}}`, nil},
		"handed over after the name":  {`{{"hoem" | url "login" "next"}}`, nil},
		"a route that is asked about": {`{{if hasRoute "hoem"}}{{url "hoem"}}{{end}}`, nil},
		"pairs":                       {`{{url "login" "hoem" "sytle.css"}}`, nil},
		"a field of that name":        {`{{.static "sytle.css"}}`, nil},
		"no argument":                 {`{{if .}}{{static}}{{url}}{{end}}`, nil},
		"functions of the site's own": {`{{static "sytle.css"}}{{url "hoem"}}`, template.FuncMap{"static": own, "url": own}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(files("home.html", test.page), test.funcs, builtinRoutes...); err != nil {
				t.Error(err)
			}
		})
	}
}

// One error reports all mistakes of all files, one in each line, in the order of the files.
func TestOneErrorReportsAllMistakes(t *testing.T) {
	pages := files(
		"a.html", `{{static "b.css"}}{{define "head"}}{{static "a.css"}}{{end}}`+"\n"+`{{static "a.css"}}`,
		"b.html", "{{end}}",
		"layout.html", `{{static "c.css"}}{{block "head" .}}{{end}}{{template "content"}}`,
		"parts/nav.html", `{{static "fonts-d.woff2"}}{{static "fonts/d.woff2"}}`,
		"static/fonts/d.woff2", "d")
	const only = ", only fonts/d.woff2, logo.svg, site.css\n"
	const want = `templates: a.html:1:2: there is no static file "b.css"` + only +
		`templates: a.html:1:37: there is no static file "a.css"` + only +
		`templates: a.html:2:2: there is no static file "a.css"` + only +
		`templates: layout.html:1:2: there is no static file "c.css"` + only +
		`templates: parts/nav.html:1:2: there is no static file "fonts-d.woff2"` + only
	for name, rest := range map[string]struct{ part, want string }{
		"a page that does not parse": {"", "templates: b.html: template: b.html:1: unexpected {{end}}"},
		"a part that does not parse": {"{{if}}", "templates: parts/footer.html: template: parts/footer.html:1: missing value for if"},
	} {
		t.Run(name, func(t *testing.T) {
			pages["parts/footer.html"] = &fstest.MapFile{Data: []byte(rest.part)}
			_, err := templates.Parse(pages, nil)
			if err == nil || err.Error() != want+rest.want {
				t.Errorf("got\n%v\nwant\n%s%s", err, want, rest.want)
			}
		})
	}
}

// Built-in pages link only to routes that exist. The site's own pages are checked only if the
// routes are known.
func TestCheckURLsWithoutRoutes(t *testing.T) {
	set, err := templates.Parse(files("home.html", `{{url "hoem"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	url := func(string, ...any) (string, error) { return "", errors.New("not to be called") }
	none := func(string) bool { return false }
	for _, step := range []struct {
		name     string
		do       func()
		mistakes int
	}{
		{"before SetRoutes", func() {}, 0},
		{"SetRoutes", func() { set.SetRoutes(url, none) }, 1},
		{"SetRoutes without known", func() { set.SetRoutes(url, nil) }, 0},
	} {
		step.do()
		got := 0
		if err := set.CheckURLs(); err != nil {
			got = strings.Count(err.Error(), "no route is named")
		}
		if got != step.mistakes {
			t.Errorf("%s: %d mistakes, want %d", step.name, got, step.mistakes)
		}
	}
}
