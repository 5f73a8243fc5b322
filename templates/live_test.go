package templates_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/templates"
)

// A change of a file is seen at the next request, a mistake is reported until it is
// corrected, and Parse does not look at the files again.
func TestParseLive(t *testing.T) {
	folder := t.TempDir()
	age := time.Now().Add(-time.Hour)
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		age = age.Add(time.Second) // two changes within one tick of the clock differ
		if err := os.Chtimes(file, age, age); err != nil {
			t.Fatal(err)
		}
	}
	write("layout.html", `{{template "content" .Data}} {{static "a.css"}}`)
	write("home.html", "<p>one</p>")
	write("static/a.css", "p { color: red }")

	still, err := templates.Parse(os.DirFS(folder), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := templates.ParseLive(os.DirFS(folder), nil)
	if err != nil {
		t.Fatal(err)
	}
	set.SetRoutes(func(name string, pairs ...any) (string, error) { return "/" + name, nil }, func(name string) bool { return name == "cart" })
	render := func(set *templates.Set) (page, css string) {
		t.Helper()
		var out strings.Builder
		if err := set.Render(&out, "home", new(templates.Page)); err != nil {
			t.Fatal(err)
		}
		page, css, _ = strings.Cut(out.String(), " ")
		return page, css
	}
	_, first := render(set)

	write("home.html", `<p>{{url "cart"}}</p>`)
	write("static/a.css", "p { color: teal }")
	page, css := render(set)
	if page != "<p>/cart</p>" || css == first {
		t.Errorf("after a change: %q, %q", page, css)
	}
	if file, ok := set.Static(strings.TrimPrefix(css, templates.StaticPath)); !ok || string(file.Data) != "p { color: teal }" {
		t.Errorf("the new style sheet: %v %q", ok, file.Data)
	}
	if current, ok := set.CurrentURL(strings.TrimPrefix(first, templates.StaticPath)); !ok || current != css {
		t.Errorf("the old address leads to %q, %v", current, ok)
	}
	for _, broken := range []string{"{{if}}", `{{static "b.css"}}`, `{{url "crat"}}`} {
		write("home.html", broken)
		for range 2 {
			if err := set.Render(io.Discard, "home", new(templates.Page)); err == nil || !strings.Contains(err.Error(), "home.html") {
				t.Errorf("%s: %v", broken, err)
			}
		}
		if _, ok := set.Static(strings.TrimPrefix(css, templates.StaticPath)); !ok {
			t.Errorf("%s: the style sheet is gone", broken)
		}
	}
	write("home.html", "<p>two</p>")
	write("more.html", "a new page")
	if page, _ := render(set); page != "<p>two</p>" {
		t.Errorf("after the correction: %q", page)
	}
	if err := set.Render(io.Discard, "more", new(templates.Page)); err != nil {
		t.Error(err)
	}
	if page, _ := render(still); page != "<p>one</p>" {
		t.Errorf("Parse has read the files again: %q", page)
	}
}

// A mistake at startup is reported as Parse does.
func TestParseLiveAtStartup(t *testing.T) {
	if _, err := templates.ParseLive(os.DirFS("nowhere"), nil); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Error(err)
	}
	if _, err := templates.ParseLive(nil, nil); err != nil {
		t.Error(err)
	}
}
