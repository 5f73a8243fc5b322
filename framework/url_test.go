package framework_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

func urlApp(t *testing.T) *framework.App {
	app, _ := newApp(t)
	h := framework.To[onlyGet](app)
	app.Handle("/", h).Name("home")
	app.Handle("/books/{id:[0-9]+}", h).Name("book")
	app.Handle("/files/{path:.*}", h).Name("file")
	app.Handle("/pick/{x:a|b}", h).Name("pick")
	app.Handle("/{name}", h).Name("page")
	app.NewRoute().Name("broken").Path("/{broken").Handler(h)
	app.Handle("/search", h).Queries("q", "{q}").Name("search")
	app.Host("{sub}.example.com").Path("/in").Handler(h).Name("inside")
	app.Host("www.example.com").Schemes("https").Path("/safe").Handler(h).Name("safe")
	app.PathPrefix("/deep").Subrouter().PathPrefix("/er").Subrouter().Handle("/{id}", h).Name("deep")
	return app
}

// These types have a String method, a slice as well as a number.
type (
	level  int
	levels []int
	kind   string
)

func (l level) String() string { return fmt.Sprint("level ", int(l)) }
func (l levels) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(l)), " ", "."), "[]")
}

func TestURL(t *testing.T) {
	app := urlApp(t)
	for _, test := range []struct {
		name  string
		pairs []any
		want  string // or a part of the error
	}{
		{"home", nil, "/"},
		{"book", []any{"id", 7}, "/books/7"},
		{"book", []any{"id", "7", "page", 2, "order", "name"}, "/books/7?order=name&page=2"},
		{"book", []any{"id", 7, "tag", "a b", "tag", "c&d"}, "/books/7?tag=a+b&tag=c%26d"},
		{"home", []any{"b", true, "a", 1.5, "C", "ü"}, "/?C=%C3%BC&a=1.5&b=true"},
		{"page", []any{"name", "a b/ü?"}, "/a%20b%2F%C3%BC%3F"},
		{"page", []any{"name", "a b ü?&%"}, "/a%20b%20%C3%BC%3F&%25"},
		{"search", []any{"q", "a&b"}, "/search?q=a%26b"},
		{"search", []any{"q", "a", "page", 2}, "/search?q=a&page=2"},
		{"inside", []any{"sub", "www", "x", 1}, "http://www.example.com/in?x=1"},
		{"safe", nil, "https://www.example.com/safe"},
		{"deep", []any{"id", "x"}, "/deep/er/x"},
		{"pick", []any{"x", "a"}, "/pick/a"},
		{"pick", []any{"x", "aXXX"}, `variable "x": "aXXX" does not match "a|b"`},
		{"pick", []any{"x", "b\n"}, "does not match"},

		{"home", []any{"t", []string{"a", "b&"}, "n", []int{1, 2}, "s", level(3)}, "/?n=1&n=2&s=level+3&t=a&t=b%26"},
		{"home", []any{"t", []string{}, "u", []any{"x", 7, true}}, "/?u=x&u=7&u=true"},
		{"home", []any{"l", levels{1, 2}, "p", kind("a")}, "/?l=1.2&p=a"},
		{"book", []any{"id", level(7)}, "does not match"},

		{"book", []any{"id", []string{"7"}}, `URL of "book": the value of "id" has the type []string: give one value for a variable of the path`},
		{"book", []any{"id", []string{}}, "give one value for a variable of the path"},
		{"home", []any{"t", []any{"a", nil}}, `URL of "home": the value of "t" holds one that is nil`},
		{"home", []any{"t", [][]string{{"a"}}}, `the value of "t" holds one that is a []string: give a string`},
		{"home", []any{"t", map[string]int{"a": 1}}, `the value of "t" is a map[string]int: give a string, a number, a boolean, what has a String method, or a slice of them`},
		{"home", []any{"t", struct{ A int }{1}}, "is a struct { A int }: give a string"},
		{"home", []any{"t", new(int)}, "is a *int: give a string"},
		{"home", []any{"t", (*url.URL)(nil)}, `the value of "t" is nil`},
		{"home", []any{"t", []byte("a")}, "is a []uint8: give a string"},
		{"home", []any{"t", [2]string{"a", "b"}}, "is a [2]string: give a string"},
		{"home", []any{"t", func() {}}, "is a func(): give a string"},

		{"broken", nil, `URL of "broken": template "/{broken" has unbalanced braces`},
		{"nowhere", nil, `framework: no route is named "nowhere"`},
		{"book", nil, `URL of "book": variable "id" is missing`},
		{"book", []any{"id"}, `URL of "book": there are 1 arguments after the name: give pairs of name and value`},
		{"book", []any{7, "id"}, `URL of "book": the name 7 has the type int: give a string`},
		{"book", []any{"id", nil}, `URL of "book": the value of "id" is nil`},
		{"book", []any{"id", "seven"}, "does not match"},
		{"file", []any{"path", "a/../b"}, `no request can have the path "/files/a/../b"`},
		{"file", []any{"path", "a\x00b"}, "no request can have the path"},
		{"file", []any{"path", "a\xffb"}, "no request can have the path"},
		{"page", []any{"name", ".."}, "no request can have the path"},
	} {
		u, err := app.URL(test.name, test.pairs...)
		if err != nil {
			if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "framework: ") {
				t.Errorf("%s %v: error %q, want %q", test.name, test.pairs, err, test.want)
			}
			continue
		}
		if u.String() != test.want {
			t.Errorf("%s %v: %q, want %q", test.name, test.pairs, u, test.want)
		}
	}
}

// A URL that the App builds leads to the route that it was built for.
func TestURLLeadsBack(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/{name}/{rest:.+}", do(app, func(h *action) error {
		_, err := h.Write([]byte(h.Var("name") + "|" + h.Var("rest")))
		return err
	})).Name("two")
	server := start(t, app)
	for _, name := range []string{"a", "a b", "ü", "100%", "a+b", "a;b", "a?b", "a#b", `"<>"`, "a:b", "%2F"} {
		u, err := app.URL("two", "name", name, "rest", "x/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if _, body := get(t, server.URL+u.String()); body != name+"|x/"+name {
			t.Errorf("%s leads to %q", u, body)
		}
	}
}

func TestAbsoluteURL(t *testing.T) {
	for name, test := range map[string]struct{ base, route, want string }{
		"of BaseURL":           {"https://www.example.com", "home", "https://www.example.com/"},
		"with a port":          {"http://localhost:8080/", "home", "http://localhost:8080/"},
		"the route's own host": {"https://www.example.com", "inside", "https://a.example.com/in"},
		"host, no BaseURL":     {"", "inside", "http://a.example.com/in"},
		"no BaseURL":           {"", "home", "set App.BaseURL"},
		"no scheme":            {"www.example.com", "home", "it must be a scheme and a host"},
		"another scheme":       {"ftp://www.example.com", "home", "it must be a scheme and a host"},
		"a path":               {"https://www.example.com/app", "home", "it must be a scheme and a host"},
		"a user":               {"https://ann@www.example.com", "home", "it must be a scheme and a host"},
		"a query":              {"https://www.example.com/?a", "home", "it must be a scheme and a host"},
		"not a URL":            {"https://www.example.com\n", "home", "App.BaseURL"},
		"no route":             {"https://www.example.com", "nowhere", "no route is named"},
	} {
		t.Run(name, func(t *testing.T) {
			app := urlApp(t)
			app.BaseURL = test.base
			var pairs []any
			if test.route == "inside" {
				pairs = []any{"sub", "a"}
			}
			u, err := app.AbsoluteURL(test.route, pairs...)
			if err != nil {
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %q", err)
				}
				return
			}
			if u.String() != test.want {
				t.Errorf("URL %q", u)
			}
		})
	}
}
