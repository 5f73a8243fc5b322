package extract_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/i18n/extract"
)

func ExampleMessages() {
	messages, _, err := extract.Messages(fstest.MapFS{
		"pages/home.html": {Data: []byte(`<h1>{{t "Hello, %(name)s!" "name" .}}</h1>`)},
	}, extract.Options{})
	if err != nil {
		panic(err)
	}
	extract.WritePOT(os.Stdout, messages)
	// Output:
	// msgid ""
	// msgstr ""
	// "MIME-Version: 1.0\n"
	// "Content-Type: text/plain; charset=UTF-8\n"
	// "Content-Transfer-Encoding: 8bit\n"
	//
	// #: pages/home.html:1
	// #, python-format
	// msgid "Hello, %(name)s!"
	// msgstr ""
}

const page = `{{define "title"}}{{t "Title"}}{{end}}
<a href="?q={{t "in a URL"}}" title="{{t "attribute"}}">
<script>alert({{t "script"}})</script>
{{range .List}}{{t "row"}}{{else}}{{t "no rows"}}{{end}}
{{with .User}}{{th "<b>%(name)s</b>" "name" .}}{{end}}
{{if (t "condition")}}{{"piped" | t}}{{else if .X}}{{printf "%s" (t "inner")}}{{end}}
{{n "One entry" "%(num)s entries" .Count}} {{c "month" "May"}} {{nc "file" "One" "Many" 3}}
{{template "x" (t "argument")}}{{t .Error}}{{t "row"}}{{block "b" .}}{{t "block"}}{{end}}
{{template "title" .}}
`

const program = `package p

import "github.com/webapp2go/webapp2go/i18n"

var gone = i18n.Lazy("Gone" + ` + "` away`" + `)

func f(l *i18n.Locale, n int, s string) {
	l.T("From Go")
	l.N("One", "%(num)s", n)
	l.C("verb", "Open", "x", 1)
	l.T(s)
	_ = i18n.LazyN("One day", "%(num)s days", n)
	_ = i18n.Message{ID: "Composite", Context: "ctx"}
	x.Lazy("of another package")
}
`

func TestMessages(t *testing.T) {
	messages, problems, err := extract.Messages(fstest.MapFS{
		"page.html":          {Data: []byte(page)},
		"p.go":               {Data: []byte(program)},
		"p_test.go":          {Data: []byte(strings.ReplaceAll(program, "From Go", "From a test"))},
		"other.go":           {Data: []byte("package p\n\nfunc g(t T, y any) { t.T(y); t.N(1) }\n")},
		"testdata/page.html": {Data: []byte(`{{t "testdata"}}`)},
		"notes.md":           {Data: []byte(`{{t "markdown"}}`)},
	}, extract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range messages {
		got = append(got, strings.Trim(m.Context+"|"+m.ID+"|"+m.Plural, "|")+" "+strings.Join(m.Places, " "))
	}
	slices.Sort(got)
	want := []string{
		"<b>%(name)s</b> page.html:5", "Gone away p.go:5", "From Go p.go:8", "One|%(num)s p.go:9", "verb|Open p.go:10", "One day|%(num)s days p.go:12", "ctx|Composite p.go:13",
		"Title page.html:1", "in a URL page.html:2", "attribute page.html:2", "script page.html:3", "row page.html:4 page.html:8", "no rows page.html:4",
		"condition page.html:6", "piped page.html:6", "inner page.html:6", "One entry|%(num)s entries page.html:7", "month|May page.html:7", "file|One|Many page.html:7",
		"argument page.html:8", "block page.html:8",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var places []string
	for _, p := range problems {
		places = append(places, p.Place+" "+p.Text)
	}
	slices.Sort(places)
	if want := []string{"p.go:11 l.T(s)", "page.html:8 t .Error"}; !slices.Equal(places, want) {
		t.Errorf("problems: %q", places)
	}
}

// Abort with one constant has a message, and so do the functions that the application
// names.
func TestFunctions(t *testing.T) {
	const program = `package p

import "github.com/webapp2go/webapp2go/templates"

func f(h handler, s string) error {
	fail("name", "Choose a name.")
	x.fail("name", s)
	fail()
	templates.Lazy("lazy")
	h.T(s)
	framework.Abort(404, "No page.")
	h.Abort(404, "No book ", s)
	h.Abort(404, s)
	return h.Abort(404)
}
`
	messages, problems, err := extract.Messages(fstest.MapFS{"p.go": {Data: []byte(program)}}, extract.Options{Functions: map[string]int{"fail": 2}})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	if want := []string{"Choose a name.", "lazy", "No page."}; !slices.Equal(ids, want) || len(problems) != 1 || problems[0].Text != "h.T(s)" {
		t.Errorf("%q, %v", ids, problems)
	}
}

func TestUnreadable(t *testing.T) {
	_, _, err := extract.Messages(fstest.MapFS{
		"a.html": {Data: []byte(`{{t "a"`)}, "b.go": {Data: []byte("package")}, "c.html": {Data: make([]byte, 9<<20)},
	}, extract.Options{})
	for _, want := range []string{"a.html", "b.go", "c.html has more than"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// GNU msgfmt accepts what WritePOT writes.
func TestPOTIsGettexts(t *testing.T) {
	msgfmt, err := exec.LookPath("msgfmt")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no msgfmt: install gettext, as make packages does")
		}
		t.Skip("there is no msgfmt")
	}
	var pot bytes.Buffer
	extract.WritePOT(&pot, []extract.Message{{ID: "a \"b\"\n\\", Places: []string{"x.go:1"}}, {Context: "c", ID: "One %(num)s", Plural: "%(num)s"}})
	command := exec.Command(msgfmt, "--check-format", "-o", filepath.Join(t.TempDir(), "x.mo"), "-")
	command.Stdin = &pot
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}
