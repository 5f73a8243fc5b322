package framework_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// shopBase is a base with a Dispatch of its own.
type shopBase struct{ framework.RequestHandler }

func (h *shopBase) Dispatch() error { return h.RequestHandler.Dispatch() }

func (h *shopBase) DebugInfo() map[string]string {
	return map[string]string{"Session": "alive, 2 keys"}
}

// shopHandler fails in several ways.
type shopHandler struct{ shopBase }

func (h *shopHandler) Get() error {
	switch h.Var("how") {
	case "panic":
		prices := noPrices()
		prices["pencil"] = 1 // the line of the panic
	case "abort":
		return h.Abort(500, "aborted") // the line of the Abort
	case "template":
		return fmt.Errorf("rendering: %w", templateFailure{})
	}
	return fmt.Errorf("adding up: %w", errors.New("no <price>"))
}

func noPrices() map[string]int { return nil }

// templateFailure is an error in a template.
type templateFailure struct{}

func (templateFailure) Error() string { return "template: cart.html:2: no field" }

func (templateFailure) TemplateSource() (name, text string, line int) {
	return "cart.html", "<h1>Cart</h1>\n<p>{{.Totl}}</p>\n<p>end</p>", 2
}

// debugShop is an App in Debug.
func debugShop(t *testing.T) *framework.App {
	app, _ := newApp(t)
	app.Debug = true
	app.Init = func(h framework.Handler) {
		framework.RequestHandlerOf(h).Response.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'")
	}
	app.Handle("/shop/{how}", framework.To[shopHandler](app)).Name("shop")
	app.Handle("/hello", framework.To[hello](app)).Name("hello")
	app.Handle("/books/{id}/edit", framework.To[hello](app)).Name("edit").Methods("GET")
	return app
}

// lineOf returns the number of the line of this file that ends with a comment.
func lineOf(t *testing.T, comment string) int {
	t.Helper()
	text, err := os.ReadFile("debug_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasSuffix(line, "// "+comment) {
			return i + 1
		}
	}
	t.Fatalf("no line with %q", comment)
	return 0
}

func debugRequest(t *testing.T, url string) *http.Request {
	r := request(t, "GET", url+"?token=hidden-in-query", "")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", "session=hidden-in-cookie; theme=hidden-too")
	r.Header.Set("Authorization", "Bearer hidden-in-authorization")
	r.Header.Set("X-Api-Key", "hidden-in-key")
	r.Header.Set("Referer", "http://example.com/from?code=hidden-in-referer")
	r.Header.Set("User-Agent", "a browser <b>")
	return r
}

func TestDebugPage(t *testing.T) {
	server := start(t, debugShop(t))
	for how, test := range map[string]struct {
		line int // the marked line
		want []string
	}{
		"panic":    {lineOf(t, "the line of the panic"), []string{"assignment to entry in nil map", "runtime.plainError", "prices[&#34;pencil&#34;] = 1"}},
		"abort":    {lineOf(t, "the line of the Abort"), []string{"aborted", "*framework.Error"}},
		"error":    {0, []string{"adding up: no &lt;price&gt;", "*fmt.wrapError", "*errors.errorString", "func (h *shopHandler) Get() error"}},
		"template": {2, []string{"cart.html", "{{.Totl}}", "&lt;h1&gt;Cart&lt;/h1&gt;"}},
	} {
		t.Run(how, func(t *testing.T) {
			answer, body, err := fetch(t, debugRequest(t, server.URL+"/shop/"+how))
			if err != nil || answer.StatusCode != 500 {
				t.Fatalf("answer %d, %v", answer.StatusCode, err)
			}
			want := append(test.want, "GET", "/shop/"+how, "/shop/{how}", "*framework_test.shopHandler", "framework_test.shopBase",
				"framework.RequestHandler", "alive, 2 keys", "token", "a browser &lt;b&gt;", "http://example.com/from", "theme", "Authorization", "<details", "go1.",
				"What was done for the request", "action framework_test.(*shopHandler).Get")
			if test.line > 0 {
				want = append(want, fmt.Sprintf(`<mark><i>%d</i>`, test.line))
			}
			for _, text := range want {
				if !strings.Contains(body, text) {
					t.Errorf("the page does not have %q", text)
				}
			}
			for _, text := range []string{"hidden", "<script", "<price>", "http-equiv"} {
				if strings.Contains(body, text) {
					t.Errorf("the page has %q", text)
				}
			}
			if t.Failed() {
				t.Log(body)
			}
		})
	}
}

// The page has its own policy, which allows its one style and nothing else. The site's policy
// applies everywhere else.
func TestDebugPagePolicy(t *testing.T) {
	server := start(t, debugShop(t))
	answer, body, _ := fetch(t, debugRequest(t, server.URL+"/shop/error"))
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body)
	if style == nil || strings.Count(body, "<style") != 1 || strings.Contains(body, "style=") {
		t.Fatalf("the page has not one style:\n%s", body)
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if got := answer.Header.Values("Content-Security-Policy"); len(got) != 1 || got[0] != want {
		t.Errorf("policy %q, want %q", got, want)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	next, _ := get(t, server.URL+"/hello")
	if got := next.Header.Get("Content-Security-Policy"); got != "default-src 'none'; style-src 'self'" {
		t.Errorf("the next response has the policy %q", got)
	}
}

// The frames of the framework and of the standard library are collapsed.
func TestDebugPageFoldsFrames(t *testing.T) {
	_, body, _ := fetch(t, debugRequest(t, start(t, debugShop(t)).URL+"/shop/panic"))
	open, folded, ok := strings.Cut(body, `<details class="folded">`)
	if !ok {
		t.Fatalf("no folded frames:\n%s", body)
	}
	if !strings.Contains(open, "(*shopHandler).Get") || !strings.Contains(open, "(*shopBase).Dispatch") {
		t.Error("own frames are not open")
	}
	if strings.Contains(open, "(*App).ServeHTTP") || !strings.Contains(folded, "framework.(*App).ServeHTTP") || !strings.Contains(folded, "net/http/server.go") {
		t.Error("frames of others are not folded")
	}
}

func TestDebugPageListsRoutes(t *testing.T) {
	server := start(t, debugShop(t))
	for _, test := range []struct {
		method, path string
		status       int
		first        string // the route at the top of the list
		want         []string
	}{
		{"GET", "/helo", 404, "/hello", []string{"framework_test.hello", "GET, HEAD, OPTIONS"}},
		{"GET", "/hello/", 404, "/hello", nil},
		{"GET", "/book/7/edit", 404, "/books/{id}/edit", []string{"edit"}},
		{"GET", "/shops/error", 404, "/shop/{how}", []string{"shop"}},
		{"POST", "/hello", 405, "/hello", []string{"GET, HEAD, OPTIONS"}},
		{"DELETE", "/books/7/edit", 405, "/books/{id}/edit", []string{"GET, HEAD, OPTIONS"}},
	} {
		t.Run(test.method+test.path, func(t *testing.T) {
			r := request(t, test.method, server.URL+test.path, "")
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status {
				t.Fatalf("answer %d, %v", answer.StatusCode, err)
			}
			first := regexp.MustCompile(`(?s)<table class="routes">.*?<td><code>(.*?)</code>`).FindStringSubmatch(body)
			if first == nil || first[1] != test.first {
				t.Errorf("the first route is %q, want %q", first, test.first)
			}
			for _, text := range test.want {
				if !strings.Contains(body, text) {
					t.Errorf("the page does not have %q", text)
				}
			}
			if t.Failed() {
				t.Log(body)
			}
		})
	}
}

func TestDebugJSON(t *testing.T) {
	server := start(t, debugShop(t))
	r := debugRequest(t, server.URL+"/shop/panic")
	r.Header.Set("Accept", "application/json")
	_, body, _ := fetch(t, r)
	var page struct {
		Status int
		Detail string
		Debug  struct {
			Errors []struct{ Type, Text string }
			Source struct {
				File  string
				Line  int
				Lines []string
			}
			Frames []struct {
				Function, File string
				Line           int
				Own            bool
			}
			Facts map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	d := page.Debug
	if page.Status != 500 || !strings.Contains(page.Detail, "nil map") || filepath.Base(d.Source.File) != "debug_test.go" ||
		d.Source.Line != lineOf(t, "the line of the panic") || len(d.Source.Lines) < 5 || len(d.Frames) < 5 || len(d.Errors) != 2 ||
		d.Facts["Request"]["Path"] != "/shop/panic" || d.Facts["Handler"]["Route"] != "/shop/{how}" {
		t.Errorf("%s", body)
	}
	if strings.Contains(body, "hidden") {
		t.Errorf("a secret is shown: %s", body)
	}
	r = request(t, "GET", server.URL+"/helo", "")
	r.Header.Set("Accept", "application/json")
	_, body, _ = fetch(t, r)
	var lost struct {
		Debug struct{ Routes []struct{ Path, Name string } }
	}
	if err := json.Unmarshal([]byte(body), &lost); err != nil || len(lost.Debug.Routes) != 3 || lost.Debug.Routes[0].Name != "hello" {
		t.Errorf("%s, %v", body, err)
	}
}

// If Debug is not set, no part of the debug page is shown.
func TestNoDebugPage(t *testing.T) {
	app := debugShop(t)
	app.Debug = false
	server := start(t, app)
	for _, path := range []string{"/shop/panic", "/shop/abort", "/shop/error", "/shop/template", "/helo"} {
		for _, accept := range []string{"text/html", "application/json"} {
			r := debugRequest(t, server.URL+path)
			r.Header.Set("Accept", accept)
			answer, body, _ := fetch(t, r)
			if len(body) > 400 || strings.Contains(body, "shop") || strings.Contains(body, "<style") || strings.Contains(body, "debug") {
				t.Errorf("%s: %s", path, body)
			}
			if got := answer.Header.Get("Content-Security-Policy"); strings.Contains(got, "sha256") {
				t.Errorf("%s: policy %q", path, got)
			}
		}
	}
}

// A form's keys are shown, its values are not.
func TestDebugPageOfAForm(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		if err := h.ParseForm(); err != nil {
			return err
		}
		return errors.New("no")
	})
	app.Debug = true
	r := request(t, "POST", start(t, app).URL+"/", "password=hidden&name=hidden")
	r.Header.Set("Content-Type", asForm)
	_, body, _ := fetch(t, r)
	if !strings.Contains(body, "name, password") || strings.Contains(body, "hidden") {
		t.Error(body)
	}
}

// The size of the page is bounded, however much a client sends.
func TestDebugPageIsBounded(t *testing.T) {
	app := debugShop(t)
	for i := range 1000 {
		app.Handle(fmt.Sprintf("/many/%d", i), framework.To[hello](app))
	}
	server := start(t, app)
	r := request(t, "GET", server.URL+"/"+strings.Repeat("x/", 3000)+"?"+strings.Repeat("a", 1000)+"=1", "")
	for i := range 200 {
		r.Header.Set(fmt.Sprintf("X-%d", i), strings.Repeat("v", 100))
	}
	r.Header.Set("User-Agent", strings.Repeat("u", 10_000))
	answer, body, err := fetch(t, r)
	if err != nil || answer.StatusCode != 404 || len(body) > 100_000 {
		t.Errorf("answer %d of %d bytes, %v", answer.StatusCode, len(body), err)
	}
}
