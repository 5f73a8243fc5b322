package webapp2_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

type searchHandler struct{ framework.RequestHandler }

func (h *searchHandler) Get() error {
	page := webapp2.GetRange(h, "page", 1, 100, 1)
	return h.Text(fmt.Sprintln(webapp2.Get(h, "q", "nothing"), page, webapp2.GetAll(h, "tag"), webapp2.Arguments(h)))
}

func ExampleGet() {
	app := framework.New()
	app.Handle("/search", framework.To[searchHandler](app))
	for _, query := range []string{"?q=go&page=7&tag=a&tag=b", "?page=1000", "?page=x"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest("GET", "/search"+query, nil))
		fmt.Print(w.Body)
	}
	// Output:
	// go 7 [a b] [q page tag]
	// nothing 100 [] [page]
	// nothing 1 [] [page]
}

func ExampleStrictSlash() {
	app := framework.New()
	webapp2.StrictSlash(app.Router, "/search", framework.To[searchHandler](app)).Name("search")
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/search/?q=go", nil))
	fmt.Println(w.Code, w.Header().Get("Location"), app.Check())
	// Output: 308 /search?q=go <nil>
}

// parameters responds with what the functions return.
type parameters struct{ framework.RequestHandler }

func (h *parameters) Post() error {
	first := webapp2.Get(h, "a", "none")
	body, err := webapp2.Body(h)
	if err != nil {
		return err
	}
	rest, err := io.ReadAll(h.Request.Body)
	if err != nil {
		return err
	}
	return h.Text(fmt.Sprintf("%s %q %q body %d %d", first, webapp2.GetAll(h, "a"), webapp2.Arguments(h), len(body), len(rest)))
}

func (h *parameters) Put() error {
	body, err := webapp2.Body(h)
	if err != nil {
		return err
	}
	return h.Text(fmt.Sprintf("%s after %d", webapp2.Get(h, "a", "none"), len(body)))
}

func (h *parameters) Get() error    { return h.Text(webapp2.Get(h, "a", "none")) }
func (h *parameters) Delete() error { return h.Text(webapp2.Get(h, "a", "none")) }

func TestParameters(t *testing.T) {
	app := framework.New()
	app.MaxBodyBytes = 1000
	app.Handle("/", framework.To[parameters](app))
	const form = "application/x-www-form-urlencoded"
	var upload bytes.Buffer
	writer := multipart.NewWriter(&upload)
	writer.WriteField("z", "field")
	file, _ := writer.CreateFormFile("a", "a.txt")
	io.WriteString(file, "the file")
	writer.Close()

	for _, test := range []struct {
		method, url, kind, body string
		status                  int
		want                    string
	}{
		{"GET", "/?a=1&a=2&b=&c=caf%C3%A9", "", "", 200, "1"},
		{"GET", "/?b=1", "", "", 200, "none"},
		{"GET", "/?a=", "", "", 200, ""},
		{"GET", "/?a=%zz", "", "", 400, ""},
		{"POST", "/?a=query", form, "a=form&b=1&a=more", 200, `query ["query" "form" "more"] ["a" "b"] body 17 17`},
		{"POST", "/", form + "; charset=utf-8", "b=x+y&a=form", 200, `form ["form"] ["b" "a"] body 12 12`},
		{"POST", "/?z=1&a=query", "application/json", `{"a": 1}`, 200, `query ["query"] ["z" "a"] body 8 8`},
		{"POST", "/?a=1", "", "", 200, `1 ["1"] ["a"] body 0 0`},
		{"POST", "/?a=query", writer.FormDataContentType(), upload.String(), 200, `query ["query" "the file"] ["a" "z"] body 0 0`},
		{"POST", "/", writer.FormDataContentType(), upload.String(), 200, `the file ["the file"] ["a" "z"] body 0 0`},
		{"POST", "/", form, "a=%zz", 400, ""},
		{"POST", "/", form, strings.Repeat("a", 2000), 413, ""},
		{"POST", "/", "text/plain", strings.Repeat("a", 2000), 413, ""},
		{"POST", "/", writer.FormDataContentType(), "no multipart", 400, ""},
		{"PUT", "/", form, "a=f", 200, "f after 3"},
		{"DELETE", "/?a=1", form, "a=f", 200, "1"},
	} {
		r := httptest.NewRequest(test.method, test.url, strings.NewReader(test.body))
		if test.kind != "" {
			r.Header.Set("Content-Type", test.kind)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if w.Code != test.status || w.Code == 200 && w.Body.String() != test.want {
			t.Errorf("%s %s %.30q: %d %q, want %d %q", test.method, test.url, test.body, w.Code, w.Body, test.status, test.want)
		}
	}
}

// readFirst reads its body twice before it asks for values.
type readFirst struct{ framework.RequestHandler }

func (h *readFirst) Post() error {
	if _, err := webapp2.Body(h); err != nil {
		return err
	}
	body, err := io.ReadAll(h.Request.Body)
	if err != nil {
		return err
	}
	return h.Text(fmt.Sprintf("%s %s %q", body, webapp2.Get(h, "a", "none"), webapp2.Arguments(h)))
}

// A handler that has read all of h.Request.Body after Body still gets the values.
func TestValuesAfterTheBody(t *testing.T) {
	app := framework.New()
	app.Handle("/", framework.To[readFirst](app))
	r := httptest.NewRequest("POST", "/", strings.NewReader("a=form"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	if got, want := w.Body.String(), `a=form form ["a"]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The values are those that webapp2 gave.
func TestGetRange(t *testing.T) {
	for query, want := range map[string]int{
		"n=5": 5, "n=50": 10, "n=-5": 0, "n=": 3, "n=1.5": 3, "n=1_0": 10, "n=%207%20": 7, "": 3, "n=abc": 3, "n=_1": 3,
		"n=99999999999999999999": 10, "n=-99999999999999999999": 0, "n=%2B4": 4,
	} {
		r := httptest.NewRequest("GET", "/?"+query, nil)
		var h searchHandler
		framework.Init(httptest.NewRecorder(), r, framework.New(), &h)
		if got := webapp2.GetRange(&h, "n", 0, 10, 3); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
		if got := webapp2.GetRange(&h, "missing", 0, 10, 30); got != 10 {
			t.Errorf("the default is limited too: %d", got)
		}
	}
}

func TestStrictSlash(t *testing.T) {
	app := framework.New()
	webapp2.StrictSlash(app.Router, "/", framework.To[parameters](app))
	webapp2.StrictSlash(app.Router, "/with/", framework.To[parameters](app)).Name("with")
	sub := app.PathPrefix("/sub").Subrouter()
	webapp2.StrictSlash(sub, "/{id:[0-9]+}", framework.To[parameters](app)).Name("id")
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "200", "/with/": "200", "/with": "308 /with/", "/sub/7": "200", "/sub/7/": "308 /sub/7", "/sub/x/": "404"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("Location"))); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
