package webapp2_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

// varsPage hands its variables to the test.
type varsPage struct {
	framework.RequestHandler
	seen *map[string]string
}

func (p *varsPage) Get() error {
	*p.seen = p.Vars()
	return p.Redirect("/")
}

func mustTemplate(t testing.TB, text string) string {
	t.Helper()
	template, err := webapp2.Template(text)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// TestTemplateLeavesNoInventedVars shows that the variables which carry literal text
// for mux are seen by nobody and filled in by URL.
func TestTemplateLeavesNoInventedVars(t *testing.T) {
	tests := map[string]struct {
		prefix, template, target, url string
		vars                          map[string]string
	}{
		"braces":              {"", "/a{2}", "/a{2}", "/a%7B2%7D", nil},
		"escaped braces":      {"", "/a{2}", "/a%7B2%7D", "/a%7B2%7D", nil},
		"one brace":           {"", "/a{", "/a%7B", "/a%7B", nil},
		"percent":             {"", "/100%/x", "/100%25/x", "/100%25/x", nil},
		"beside a variable":   {"", "/{<x>}%", "/%7B7%7D%25", "/%7B7%7D%25", map[string]string{"x": "7"}},
		"beside an unnamed":   {"", "/{/<:\\d+>", "/%7B/7", "/%7B/7", map[string]string{"0": "7"}},
		"in prefix and child": {"/{a}", "/{<x>}", "/%7Ba%7D/%7B7%7D", "/%7Ba%7D/%7B7%7D", map[string]string{"x": "7"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := framework.New()
			router := app.Router
			if test.prefix != "" {
				router = app.PathPrefix(mustTemplate(t, test.prefix)).Subrouter()
			}
			seen := map[string]string{"nothing": "was called"}
			page := framework.From(app, func() *varsPage { return &varsPage{seen: &seen} })
			router.Handle(mustTemplate(t, test.template), page).Name("page")
			if err := app.Check(); err != nil {
				t.Fatal(err)
			}

			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest("GET", test.target, nil))
			if w.Code != http.StatusFound || !maps.Equal(seen, test.vars) {
				t.Errorf("GET %s: %d with %v, want %v", test.target, w.Code, seen, test.vars)
			}

			var pairs []any
			for name, value := range test.vars {
				pairs = append(pairs, name, value)
			}
			if u, err := app.URL("page", pairs...); err != nil || u.EscapedPath() != test.url {
				t.Errorf("URL = %v, %v, want %s", u, err, test.url)
			}
		})
	}
}

// TestCheckRepeatedVariables covers what mux takes in silence: it keeps one value.
func TestCheckRepeatedVariables(t *testing.T) {
	tests := map[string]struct{ prefix, template, says string }{
		"in one":              {"", "/{id}/{id}", `two variables named "id"`},
		"in prefix and child": {"/{id}", "/{id:[0-9]+}", `two variables named "id"`},
		"unnamed":             {mustTemplate(t, "/<:\\w+>"), mustTemplate(t, "/<:\\d+>"), `two variables named "0"`},
		"literal text":        {mustTemplate(t, "/{%}"), mustTemplate(t, "/{%}"), ""},
		"different":           {"/{id}", "/{name}", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := framework.New()
			var seen map[string]string
			page := framework.From(app, func() *varsPage { return &varsPage{seen: &seen} })
			app.PathPrefix(test.prefix).Subrouter().Handle(test.template, page)
			err := app.Check()
			if test.says == "" && err != nil || test.says != "" && !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("Check = %v, want %q", err, test.says)
			}
		})
	}
}

// FuzzTemplate shows that mux takes whatever Template makes: it panics for a group
// that captures, and refuses braces that do not balance.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{`/<year:\d{4}>/<:(a|b)>`, `/a{2}/100%`, `/<x:[]{[]\}(?#)(?i:b{,3})>`, `/<x:(?!a)>`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		template, err := webapp2.Template(text)
		if err != nil || !strings.HasPrefix(template, "/") {
			return
		}
		if err := mux.NewRouter().Path(template).GetError(); err != nil {
			t.Errorf("%q became %q: %v", text, template, err)
		}
	})
}
