package demo_test

import (
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// Every page of the demo shows its code: the handler's methods, the bases of the demo that it
// embeds, and its template.
func TestCodeOfThePage(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.code = true
	b.post("/signup", "name", "ann", "password", "correct horse")
	_, home := b.get("/")
	trace := regexp.MustCompile(`href="(/trace/\w+)"`).FindStringSubmatch(home)
	if trace == nil {
		t.Fatal("no trace")
	}
	for path, want := range map[string][]string{
		"/":              {"handlers/demo/home.go", "func (h *HomeHandler) Get() error {", "handlers/demo/pages/home.html", "How you got this page"},
		"/cart":          {"handlers/demo/cart.go", "type CartHandler struct{ handlers.BaseHandler }", "func (h *CartHandler) Post() error {", "handlers/demo/pages/cart.html", `{{range .Products}}`},
		"/session":       {"handlers/demo/session.go", "func (h *SessionHandler) Get() error {", "handlers/demo/pages/session.html"},
		"/admin":         {"handlers/demo/admin.go", "func (h *AdminHandler) Guard() error {", "func (h *AdminHandler) Dispatch() error {"},
		"/session/error": {"handlers/demo/session_try.go", "return errFailing"},
		"/session/panic": {"handlers/demo/session_try.go", "return h.Text(none[len(none)])"},
		trace[1]:         {"handlers/demo/trace.go", `trace := h.App.Traces.Find(h.Var("id"))`, "handlers/demo/pages/trace.html"},
		"/account":       {`<a href="https://pkg.go.dev/github.com/webapp2go/webapp2go/handlers#AccountHandler"><code>handlers.AccountHandler</code></a>`},
	} {
		t.Run(path, func(t *testing.T) {
			_, page := b.get(path)
			_, fold, found := strings.Cut(page, `<summary>The code of this page</summary>`)
			if !found {
				t.Fatalf("it shows no code\n%s", page)
			}
			text := html.UnescapeString(fold)
			for _, each := range want {
				if !strings.Contains(text, each) {
					t.Errorf("missing %q in\n%s", each, text)
				}
			}
			if strings.Contains(fold, "{{define \"title\"}}<") || strings.Contains(fold, `<script`) {
				t.Error("a template is not escaped")
			}
			// The code that is shown is the code in the files.
			for _, found := range regexp.MustCompile(`<pre class="source"[^>]*aria-label="handlers/demo/([^"]+)"><code>((?s:.*?))</code></pre>`).FindAllStringSubmatch(fold, -1) {
				file, err := os.ReadFile(found[1])
				if err != nil {
					t.Fatal(err)
				}
				for piece := range strings.SplitSeq(html.UnescapeString(found[2]), "\n\n") {
					if !strings.Contains(string(file), piece) {
						t.Errorf("%s does not have\n%s", found[1], piece)
					}
				}
			}
		})
	}
	if _, page := b.get("/nowhere"); strings.Contains(page, "The code of this page") {
		t.Error("a page without a handler of its own shows code")
	}
}

// Only the code of the methods of a handler is shown.
func TestCodeIsOfTheHandler(t *testing.T) {
	b := open(t, serve(t))
	b.code = true
	_, page := b.get("/cart")
	_, fold, _ := strings.Cut(page, `<summary>The code of this page</summary>`)
	for _, other := range []string{"func openCart", "HomeHandler", "func cartValues"} {
		if strings.Contains(fold, other) {
			t.Errorf("the cart shows %q", other)
		}
	}
}
