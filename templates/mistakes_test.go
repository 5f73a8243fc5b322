package templates_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/templates"
)

// A file that would be ignored, and a layout that shows no page, are reported with how to fix it.
func TestMistakesOfFiles(t *testing.T) {
	for name, test := range map[string]struct {
		pages fs.FS
		want  []string // parts of the error; none: there is no error
	}{
		"another ending":          {files("home.tmpl", "x", "a.gohtml", "x"), []string{"a.gohtml, home.tmpl would be ignored", "ends in .html"}},
		"another ending, static":  {files("home.html", "x", "static/a.tmpl", "x"), nil},
		"another ending, a part":  {files("home.html", "x", "parts/nav.tpl", "x"), []string{"parts/nav.tpl would be ignored"}},
		"no fs.Sub":               {files("web/home.html", "x", "web/layout.html", "x"), []string{`all files are in the folder "web"`, `fs.Sub(files, "web")`}},
		"no fs.Sub, deeper":       {files("web/admin/home.html", "x"), []string{`fs.Sub(files, "web")`}},
		"a folder of pages":       {files("home.html", "x", "admin/home.html", "x"), nil},
		"parts alone":             {files("parts/nav.html", "x"), nil},
		"static files alone":      {files("static/a.css", "x"), nil},
		"root files alone":        {files("root/robots.txt", "x"), nil},
		"layouts alone":           {files("layouts/print.html", `{{template "content" .Data}}`), nil},
		"a layout without":        {files("layouts/print.html", "<html>"), []string{"layouts/print.html shows no page", `{{template "content" .Data}}`}},
		"nothing":                 {files(), nil},
		"no folder":               {os.DirFS("nowhere"), []string{`the folder of the pages "nowhere" does not exist`, "working directory"}},
		"no content":              {files("layout.html", "<html>", "home.html", "x"), []string{"layout.html shows no page", `{{template "content" .Data}}`}},
		"content in a part":       {files("layout.html", `{{template "main" .}}`, "parts/main.html", `{{if .}}{{else}}{{template "content" .Data}}{{end}}`), nil},
		"content in a definition": {files("layout.html", `{{define "main"}}{{template "content" .Data}}{{end}}{{template "main" .}}`), nil},
		"content within with":     {files("layout.html", `{{with .}}{{range .Flashes}}{{end}}{{template "content" .Data}}{{end}}`), nil},
		"no end":                  {files("home.html", "<p>\n{{if .}}{{with .}}{{/* {{end}} */}}\n{{- end}}\n{{\"{{end}}\"}}\n"), []string{"home.html:5: unexpected EOF: {{if .}} in line 2 has no {{end}}"}},
		"no end in a part":        {files("parts/a.html", "{{range .}}"), []string{"unexpected EOF: {{range .}} in line 1 has no {{end}}"}},
		"no end in a layout":      {files("layout.html", `{{template "content" .Data}}{{with .}}`), []string{"{{with .}} in line 1 has no {{end}}"}},
		"content as a block":      {files("layout.html", `{{block "content" .Data}}{{end}}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := templates.Parse(test.pages, nil)
			if len(test.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

// The error of a template has its text, for the debug page.
func TestErrorsHaveTheSource(t *testing.T) {
	set, err := templates.Parse(files("home.html", "<p>one</p>\n<p>{{index .Data 7}}</p>", "parts/foot.html", "\n\n{{.No.Such}}", "other.html", `{{template "foot" .}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	set.SetRoutes(func(name string, _ ...any) (string, error) { return "/" + name, nil }, nil)
	_, broken := templates.Parse(files("home.html", "<p>\n{{if}}"), nil)
	for name, test := range map[string]struct {
		err  error
		file string
		line int
	}{
		"a page that fails":  {set.Render(io.Discard, "home", &templates.Page{Data: []int{1}}), "home.html", 2},
		"a part that fails":  {set.Render(io.Discard, "other", &templates.Page{Data: 1}), "parts/foot.html", 3},
		"one that is broken": {broken, "home.html", 2},
	} {
		var source interface {
			error
			TemplateSource() (name, text string, line int)
		}
		if !errors.As(test.err, &source) {
			t.Errorf("%s: no source in %v", name, test.err)
			continue
		}
		if file, text, line := source.TemplateSource(); file != test.file || line != test.line || text == "" {
			t.Errorf("%s: %s:%d %q of %v", name, file, line, text, test.err)
		}
	}
}
