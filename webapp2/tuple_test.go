package webapp2_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

func ExampleRegex() {
	template, err := webapp2.Regex(`/vault/([a-z]+)/page/(?P<n>\d+)$`)
	fmt.Println(template, err)
	// Output: /vault/{0:[a-z]+}/page/{n:[0-9]+} <nil>
}

// echo answers with its variables.
type echo struct{ framework.RequestHandler }

func (h *echo) Get() error { return h.Text(fmt.Sprint(h.Var("0"), "|", h.Var("1"), "|", h.Var("id"))) }

func TestRegexMatches(t *testing.T) {
	for _, test := range []struct {
		expression string
		answers    map[string]string // by path; "404" for not found
	}{
		{`/filevault/([\w\d\-]*)/?$`, map[string]string{"/filevault/": "||", "/filevault/a-1": "a-1||", "/filevault/a-1/": "a-1||", "/filevault/a/b": "404"}},
		{`^/a\.txt$`, map[string]string{"/a.txt": "||", "/abtxt": "404"}},
		{`/(.*)`, map[string]string{"/": "||", "/a/b": "a/b||"}},
		{`/?$`, map[string]string{"/": "||", "/a": "404"}},
		{`^/?ui/(\d)$`, map[string]string{"/ui/7": "7||", "/": "404"}},
		{`.*`, map[string]string{"/": "||", "/a/b": "||"}},
		{`/api/(v1|v2)/(?P<id>\d{4})`, map[string]string{"/api/v1/2012": "v1||2012", "/api/v3/2012": "404", "/api/v1/20123": "404"}},
		{`/serve/([^/]+)?`, map[string]string{"/serve/": "||", "/serve/x": "x||", "/serve/x/": "404"}},
		{`/old/(?:x|y)/([0-9]{4})`, map[string]string{"/old/x/2012": "2012||", "/old/z/2012": "404"}},
		{`/feed/(atom|rss)/(\d+)`, map[string]string{"/feed/rss/3": "rss|3|"}},
		{`/x{2}/([{}]+)`, map[string]string{"/xx/%7B%7D": "{}||", "/x/%7B": "404"}},
		{`/100%/\{(\d)\}`, map[string]string{"/100%25/%7B7%7D": "7||"}},
		{`/(a|b)/.*`, map[string]string{"/a/x/y": "a||", "/c/": "404"}},
		{`/x/(a{,2})`, map[string]string{"/x/": "||", "/x/aa": "aa||", "/x/aaa": "404", "/x/a%7B,2%7D": "404"}},
		{`/x/([a{,2}]+)\Z`, map[string]string{"/x/%7B2,a%7D": "{2,a}||", "/x/": "404"}},
		{`/x/([]a]+\\Z\{,2\})`, map[string]string{`/x/]a%5CZ%7B,2%7D`: `]a\Z{,2}||`}},
		{`/a|/b`, map[string]string{"/a": "||", "/b": "||", "/ab": "404"}},
	} {
		template, err := webapp2.Regex(test.expression)
		if err != nil {
			t.Error(err)
			continue
		}
		app := framework.New()
		app.Handle(template, framework.To[echo](app))
		if err := app.Check(); err != nil {
			t.Error(err)
		}
		for path, want := range test.answers {
			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if got := w.Body.String(); w.Code == 404 && want != "404" || w.Code != 404 && got != want {
				t.Errorf("%s: %s: %d %q, want %q", test.expression, path, w.Code, got, want)
			}
		}
	}
}

func TestRegexRefuses(t *testing.T) {
	for expression, want := range map[string]string{
		`/((a)b)`:            "one group is in another",
		`/(a)+`:              "a group is repeated",
		`/(?:(a)|b)`:         "a group stands in a part",
		`/look(?!behind)`:    "not one of Go's",
		`/(?P<a>x)/(?P<a>y)`: `two groups are named "a"`,
		`(?i)/foo`:           "does not begin with a slash",
		`(/.*)`:              "does not begin with a slash",
		``:                   "does not begin with a slash",
		`/a/(\d+)|/b`:        "a group stands in a part",
		"/\xff":              "not UTF-8",
		`/` + strings.Repeat("(?:a{1000}){1000}", 2): "not one of Go's",
	} {
		template, err := webapp2.Regex(expression)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error with %q", expression, template, err, want)
		}
	}
}

// A part outside of the groups is no variable. A URL can be built if it may be empty.
func TestRegexURL(t *testing.T) {
	app := framework.New()
	for name, expression := range map[string]string{"slash": `/filevault/([\w-]*)/?$`, "text": `/old/(?:x|y)/([0-9]{4})`, "brace": `/\{(a)\}%/`} {
		template, err := webapp2.Regex(expression)
		if err != nil {
			t.Fatal(err)
		}
		route := app.Handle(template, framework.To[echo](app)).Name(name)
		if names := route.GetVarNames(); len(names) != 1 || names[0] != "0" {
			t.Errorf("%s: variables %q", expression, names)
		}
	}
	for _, test := range []struct{ name, value, want string }{
		{"slash", "a-1", "/filevault/a-1"}, {"slash", "a/b", "does not match"}, {"text", "2012", `"[xy]" outside of its groups`}, {"brace", "a", "/%7Ba%7D%25/"},
	} {
		u, err := app.URL(test.name, "0", test.value)
		if got := fmt.Sprint(u, err); !strings.Contains(got, test.want) {
			t.Errorf("%s %s: %s, want %s", test.name, test.value, got, test.want)
		}
	}
}
