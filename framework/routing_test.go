package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

// telling makes a handler that responds with a name and the variables of its route.
func telling(app *framework.App, name string) http.Handler {
	return do(app, func(h *action) error { return h.Text(fmt.Sprint(name, h.Vars())) })
}

// The intended differences from mux, each with mux's result.
func TestDifferencesFromMux(t *testing.T) {
	request := func(method, url, host string) *http.Request {
		r := httptest.NewRequest(method, url, nil)
		if host != "" {
			r.Host = host
		}
		r.URL.Scheme, r.URL.Host = "", ""
		return r
	}
	yes := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "yes"+fmt.Sprint(mux.Vars(r))) }
	for name, test := range map[string]struct {
		ours      func(app *framework.App)
		plain     func(router *mux.Router)
		request   *http.Request
		want, mux int
	}{
		"a 405 is not lost to a later matcher": {
			func(app *framework.App) {
				app.HandleFunc("/api-docs", yes).Methods("GET")
				app.PathPrefix("/api").Subrouter().HandleFunc("/x", yes)
			},
			func(router *mux.Router) {
				router.HandleFunc("/api-docs", yes).Methods("GET")
				router.PathPrefix("/api").Subrouter().HandleFunc("/x", yes)
			},
			request("POST", "/api-docs", ""), 405, 404,
		},
		"GET is HEAD too": {
			func(app *framework.App) { app.HandleFunc("/a", yes).Methods("GET") },
			func(router *mux.Router) { router.HandleFunc("/a", yes).Methods("GET") },
			request("HEAD", "/a", ""), 200, 405,
		},
		"capitals of a host": {
			func(app *framework.App) { app.Host("www.example").Path("/a").HandlerFunc(yes) },
			func(router *mux.Router) { router.Host("www.example").Path("/a").HandlerFunc(yes) },
			request("GET", "/a", "WWW.example.:80"), 200, 404,
		},
		"capitals of a host with variables": {
			func(app *framework.App) { app.Host("{x:[a-z]+}.Example").Path("/a").HandlerFunc(yes) },
			func(router *mux.Router) { router.Host("{x:[a-z]+}.Example").Path("/a").HandlerFunc(yes) },
			request("GET", "/a", "wWw.eXample."), 200, 404,
		},
		"an address of IPv6": {
			func(app *framework.App) { app.Host("[::1]").Path("/a").HandlerFunc(yes) },
			func(router *mux.Router) { router.Host("[::1]").Path("/a").HandlerFunc(yes) },
			request("GET", "/a", "[::1]:8080"), 200, 404,
		},
		"a condition after Subrouter lets nobody in": {
			func(app *framework.App) {
				r := app.PathPrefix("/a")
				r.Subrouter().HandleFunc("/x", yes)
				r.Headers("X-Never", "1")
			},
			func(router *mux.Router) {
				r := router.PathPrefix("/a")
				r.Subrouter().HandleFunc("/x", yes)
				r.Headers("X-Never", "1")
				router.HandleFunc("/a/x", http.NotFound)
			},
			request("GET", "/a/x", ""), 404, 200,
		},
		"a route without a handler hides nothing": {
			func(app *framework.App) { app.Path("/a"); app.HandleFunc("/a", yes) },
			func(router *mux.Router) { router.Path("/a"); router.HandleFunc("/a", yes) },
			request("GET", "/a", ""), 200, 404,
		},
		"no method is left": {
			func(app *framework.App) { app.Methods("POST").Subrouter().HandleFunc("/a", yes).Methods("GET") },
			func(router *mux.Router) { router.Methods("POST").Subrouter().HandleFunc("/a", yes).Methods("GET") },
			request("GET", "/a", ""), 404, 405,
		},
		"an encoded slash is part of a value": {
			func(app *framework.App) { app.HandleFunc("/{x}", yes) },
			func(router *mux.Router) { router.HandleFunc("/{x}", yes) },
			request("GET", "/a%2Fb", ""), 200, 404,
		},
		"a handler and a Subrouter": {
			func(app *framework.App) {
				sub := app.Path("/2").HandlerFunc(yes).Subrouter()
				sub.Use(deny)
				sub.NewRoute().HandlerFunc(yes)
			},
			func(router *mux.Router) {
				sub := router.Path("/2").HandlerFunc(yes).Subrouter()
				sub.Use(deny)
				sub.NewRoute().HandlerFunc(yes)
			},
			request("GET", "/2", ""), 401, 401,
		},
		"a repeated variable takes nothing": {
			func(app *framework.App) { app.HandleFunc("/{x}/{x}", yes) },
			func(router *mux.Router) { router.HandleFunc("/{x}", yes); router.HandleFunc("/{x}/{y}", yes) },
			request("GET", "/a/b", ""), 404, 200,
		},
	} {
		app, _ := newApp(t)
		test.ours(app)
		router := mux.NewRouter()
		test.plain(router)
		if answer := ask2(app, test.request); answer.Code != test.want {
			t.Errorf("%s: %d, want %d", name, answer.Code, test.want)
		}
		if answer := ask2(router, test.request); answer.Code != test.mux {
			t.Errorf("%s: mux says %d, not %d any more", name, answer.Code, test.mux)
		}
	}
}

func ask2(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.Clone(r.Context()))
	return w
}

// 405, Allow, OPTIONS and HEAD are correct at every depth and with every condition.
func TestRefusalsAtEveryDepth(t *testing.T) {
	app, _ := newApp(t)
	api := app.PathPrefix("/api").Subrouter()
	api.Use(passOn)
	api.Handle("/books", framework.ToMethod(app, (*onlyGet).Get)).Methods("GET")
	api.Handle("/books/{id}", framework.ToMethod(app, (*everyMethod).Any)).Methods("PUT")
	deep := api.PathPrefix("/{x}").Subrouter().Headers("H", "1").Subrouter()
	deep.Handle("/deep", framework.To[onlyPost](app))
	deep.Handle("/q", framework.To[onlyPost](app)).Queries("q", "{q}").Methods("POST", "PURGE")
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"POST", "/api/books", 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/api/books", 204, "GET, HEAD, OPTIONS"},
		{"HEAD", "/api/books", 200, ""},
		{"POST", "/api/books/7", 405, "PUT, OPTIONS"},
		{"BREW", "/api/books/7", 501, ""},
		{"GET", "/api/1/deep", 405, "POST, OPTIONS"},
		{"GET", "/api/1/q?q=x", 405, "POST, OPTIONS"},
		{"GET", "/api/1/q", 404, ""},
		{"OPTIONS", "/api/nothing/at/all", 404, ""},
	} {
		r := httptest.NewRequest(test.method, test.path, nil)
		r.Header.Set("H", "1")
		if answer := ask2(app, r); answer.Code != test.status || answer.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: %d, Allow %q, want %d, %q", test.method, test.path, answer.Code, answer.Header().Get("Allow"), test.status, test.allow)
		}
	}
}

// Each kind of handler finds the variables, whatever is between it and the router.
func TestVariables(t *testing.T) {
	app, _ := newApp(t)
	var seen string
	app.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = fmt.Sprint(r.Pattern, " ", framework.RouteOf(w).GetName(), " ", framework.VarOf(w, "id"))
			next.ServeHTTP(w, r)
		})
	})
	hidden := app.PathPrefix("/hidden").Subrouter()
	hidden.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	})
	say := func(h *action) error {
		n, err := h.IntVar("id")
		return h.Text(fmt.Sprint(h.Var("id"), n, err, h.Vars(), h.Var("none"), h.Route().GetName()))
	}
	app.Handle("/ours/{id}", do(app, say)).Name("ours")
	hidden.Handle("/{id}", do(app, say)).Name("hidden")
	app.HandleFunc("/plain/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("id"), mux.Vars(r), r.Pattern)
	}).Name("plain")
	app.Handle("/asked/{id}/{rest:.*}", do(app, func(h *action) error { return h.Text(fmt.Sprint(h.Vars())) })).Queries("q", "{q}").Name("asked")
	for path, want := range map[string][2]string{
		"/ours/7":          {"77 <nil> map[id:7]ours", "/ours/{id} ours 7"},
		"/hidden/7":        {"77 <nil> map[id:7]hidden", "/hidden/{id} hidden 7"},
		"/plain/7":         {"7map[id:7]/plain/{id}", "/plain/{id} plain 7"},
		"/asked/7/a/b?q=x": {"map[id:7 q:x rest:a/b]", "/asked/{id}/{rest:.*} asked 7"},
	} {
		if answer := ask(app, "GET", path); answer.Body.String() != want[0] || seen != want[1] {
			t.Errorf("%s: %q, and middleware saw %q; want %q", path, answer.Body, seen, want)
		}
	}
	if answer := ask(app, "GET", "/ours/x"); !strings.Contains(answer.Body.String(), "x0") {
		t.Errorf("%q", answer.Body)
	}
}

// A handler of To works in any router that sets path values. It has everything of its App
// except the routing table, also after the App's first request.
func TestToInOtherRouters(t *testing.T) {
	app, _ := newApp(t)
	ask(app, "GET", "/")
	h := telling(app, "told")
	number := do(app, func(h *action) error {
		n, err := h.IntVar("id")
		if err != nil {
			return err
		}
		return h.Text(fmt.Sprint(n, h.Route() == nil, h.Serves("GET")))
	})
	serveMux := http.NewServeMux()
	serveMux.Handle("/a/{id}", h)
	serveMux.Handle("/n/{id}", number)
	serveMux.Handle("/rest/{id}/{rest...}", h)
	serveMux.Handle("GET /end/{id}/{$}", h)
	serveMux.Handle("/none", number)
	plain := mux.NewRouter()
	plain.Handle("/a/{id}", h)
	plain.Handle("/n/{id}", number)
	chi := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // as chi does it
		r.SetPathValue("id", r.URL.Path[len("/n/"):])
		number.ServeHTTP(w, r)
	})
	for _, test := range []struct {
		router http.Handler
		path   string
		status int
		want   string
	}{
		{serveMux, "/a/7", 200, "toldmap[id:7]"}, {plain, "/a/7", 200, "toldmap[id:7]"},
		{serveMux, "/n/7", 200, "7 true true"}, {plain, "/n/7", 200, "7 true true"}, {chi, "/n/7", 200, "7 true true"},
		{serveMux, "/rest/7/a/b", 200, "toldmap[id:7 rest:a/b]"}, {serveMux, "/end/7/", 200, "toldmap[id:7]"},
		{serveMux, "/n/x", 404, ""}, {chi, "/n/x", 404, ""}, {serveMux, "/none", 500, ""},
	} {
		if answer := ask(test.router, "GET", test.path); answer.Code != test.status || test.want != "" && answer.Body.String() != test.want {
			t.Errorf("%s: %d %q", test.path, answer.Code, answer.Body)
		}
	}
}

// If the App is below a prefix, it matches paths below it, and its URLs and redirects keep the
// prefix.
func TestBelowAPrefix(t *testing.T) {
	build := func(prefix string) *framework.App {
		app, _ := newApp(t)
		app.Prefix = prefix
		app.Handle("/a/{x}", do(app, func(h *action) error {
			u, err := h.URL("a", "x", "b/c")
			if err != nil {
				return err
			}
			return h.Text(h.Var("x") + " " + u)
		})).Name("a")
		app.Handle("/form", do(app, func(h *action) error { return h.RedirectTo("a", "x", "y") }))
		app.Handle("/form/", framework.SlashRedirect())
		return app
	}
	mounted := func(h http.Handler) http.Handler {
		router := http.NewServeMux()
		router.Handle("/shop/", h)
		return router
	}
	for name, h := range map[string]http.Handler{
		"StripPrefix":                 mounted(http.StripPrefix("/shop", build(""))),
		"StripPrefix, with Prefix":    mounted(http.StripPrefix("/shop", build("/shop"))),
		"as it comes, with Prefix":    mounted(build("/shop")),
		"a server of its own, Prefix": build("/shop"),
	} {
		for path, want := range map[string]string{
			"http://example.com/shop/a/1?q=1": "1 /shop/a/b%2Fc", // as a proxy receives it
			"/shop/a/1":                       "1 /shop/a/b%2Fc", "/shop/a/b%2Fc": "b/c /shop/a/b%2Fc",
			"/shop/form": "/shop/a/y", "/shop/form/?q=1": "/shop/form?q=1", "/shop/nothing": "404",
		} {
			answer := ask(h, "GET", path)
			got := answer.Body.String()
			if answer.Code >= 300 {
				got = answer.Header().Get("Location")
			}
			if answer.Code == 404 {
				got = "404"
			}
			if got != want {
				t.Errorf("%s: %s is %q, want %q", name, path, got, want)
			}
		}
	}
	outer := http.StripPrefix("/v1", build("/v1/shop")) // which removes a part of the prefix
	if answer := ask(outer, "GET", "/v1/shop/a/1"); answer.Body.String() != "1 /v1/shop/a/b%2Fc" {
		t.Errorf("%d %q", answer.Code, answer.Body)
	}
	app := build("/shop")
	if u, err := app.URL("a", "x", "y"); err != nil || u.String() != "/shop/a/y" {
		t.Errorf("%v, %v", u, err)
	}
	for _, wrong := range []string{"shop", "/shop/", "//shop", "/a/../b"} {
		if err := build(wrong).Check(); err == nil || !strings.Contains(err.Error(), "App.Prefix") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// The longest path is 8 KiB, which limits the time that a pattern takes.
func TestLongPath(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/{x}-{y}", telling(app, "pattern"))
	app.Handle("/{file}.html", telling(app, "suffix"))
	app.Handle("/pre{file}.txt", telling(app, "both"))
	for _, test := range []struct {
		path   string
		status int
		want   string
	}{
		{"/" + strings.Repeat("x", 8<<10-len("/-1")) + "-1", 200, ""},
		{"/" + strings.Repeat("x", 8<<10-len("/-1")) + "y-1", 414, ""},
		{"/a.html", 200, "suffixmap[file:a]"}, {"/a.html.html", 200, "suffixmap[file:a.html]"}, {"/.html", 404, ""},
		{"/a%2Fb.html", 200, "suffixmap[file:a/b]"}, {"/prea.txt", 200, "bothmap[file:a]"}, {"/pre.txt", 404, ""},
	} {
		if answer := ask(app, "GET", test.path); answer.Code != test.status || test.want != "" && answer.Body.String() != test.want {
			t.Errorf("%.20s: %d %.60q, want %d %q", test.path, answer.Code, answer.Body, test.status, test.want)
		}
	}
}

// A path that a client sends appears in a URL only if a handler has removed it as a prefix.
func TestNoPrefixOfTheClients(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/a", do(app, func(h *action) error {
		u, err := h.URL("a")
		return errors.Join(err, h.Text(u))
	})).Name("a")
	for _, path := range []string{"/a", "//evil.example/a", "/x/a", `/\evil.example/a`, "http://evil.example/a"} {
		r := httptest.NewRequest("GET", "/a", nil)
		r.RequestURI = path
		if got := ask2(app, r).Body.String(); got != "/a" && got != "/x/a" {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// A URL with a slash in a value leads back to the value. If no route takes it as a value, it
// leads to a router's own slashes.
func TestSlashInAValue(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/repositories/{id}/{branch}", telling(app, "branch")).Name("branch")
	app.Handle("/{a}/{b}/{c}/{d}", telling(app, "four"))
	app.Handle("/text/literal", telling(app, "literal"))
	app.Handle("/files/{path:.*}", telling(app, "file")).Name("file")
	server := start(t, app)
	for _, value := range []string{"feature/task1", "/", "a/b c/ü%2F", "a//b"} {
		u, err := app.URL("branch", "id", 1, "branch", value)
		if err != nil {
			t.Fatal(err)
		}
		if _, body := get(t, server.URL+u.String()); body != fmt.Sprintf("branchmap[branch:%s id:1]", value) {
			t.Errorf("%s leads to %q", u, body)
		}
	}
	if u, err := app.URL("file", "path", "a/b"); err != nil || u.String() != "/files/a/b" {
		t.Errorf("%v, %v", u, err)
	}
	if _, err := app.URL("branch", "id", 1, "branch", "a/../b"); err == nil {
		t.Error("a path that no request can have was built")
	}
	for path, want := range map[string]int{"/text%2Fliteral": 200, "/repositories/1/..%2F..%2Fx": 404, "/repositories/1/a%2F%00": 404, "/repositories/1/a%2f%2e%2e": 404} {
		if answer, body := get(t, server.URL+path); answer.StatusCode != want {
			t.Errorf("%s: %d %q", path, answer.StatusCode, body)
		}
	}
}

// A domain that is one of several builds paths, as in webapp2.
func TestURLInADomain(t *testing.T) {
	app, _ := newApp(t)
	template, err := webapp2.Template(`<:a\.example|localhost>`)
	if err != nil {
		t.Fatal(err)
	}
	app.Host(template).Subrouter().Handle("/page/{id}", telling(app, "page")).Name("page")
	u, err := app.URL("page", "id", 7)
	if err != nil || u.String() != "/page/7" {
		t.Errorf("%v, %v", u, err)
	}
	r := httptest.NewRequest("GET", "/page/7", nil)
	r.Host = "LOCALHOST:8080"
	if answer := ask2(app, r); answer.Code != 200 || answer.Body.String() != "pagemap[id:7]" {
		t.Errorf("%d %q", answer.Code, answer.Body)
	}
}

// openHandler embeds no base of the site, and its Dispatch calls no guard.
type openHandler struct{ framework.RequestHandler }

func (h *openHandler) Get() error      { return h.Text("secret") }
func (h *openHandler) Dispatch() error { return h.Get() }

// knownHandler is of a type with an interface for a guard.
type knownHandler struct{ framework.RequestHandler }

func (h *knownHandler) IsAdmin() bool { return h.Request.Header.Get("Admin") == "1" }
func (h *knownHandler) Get() error    { return h.Text("secret") }

// A Router's guard is called before every handler below it, whatever the type and whatever is
// in between. If the guard fails, the request is refused.
func TestRouterGuard(t *testing.T) {
	refusals := map[string]func(h framework.Handler) error{
		"an error": func(h framework.Handler) error { return framework.Abort(403) },
		"a panic":  func(h framework.Handler) error { panic("broken guard") },
	}
	for name, refuse := range refusals {
		app, _ := newApp(t)
		asked := 0
		admin := app.PathPrefix("/admin").Subrouter()
		below := admin.PathPrefix("/deep").Subrouter()
		below.Use(passOn)
		below.Handle("/open", framework.To[openHandler](app))
		below.Handle("/known", framework.To[knownHandler](app))
		below.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "secret") })
		below.Handle("/wrapped", http.StripPrefix("", framework.To[openHandler](app)))
		below.Handle("/mounted", http.HandlerFunc(framework.To[openHandler](app).ServeHTTP))
		admin.Guard(func(h framework.Handler) error {
			asked++
			if admin, ok := h.(interface{ IsAdmin() bool }); ok && admin.IsAdmin() {
				return nil
			}
			return refuse(h)
		})
		app.Handle("/open", framework.To[openHandler](app))
		for _, path := range []string{"/admin/deep/open", "/admin/deep/known", "/admin/deep/plain", "/admin/deep/wrapped", "/admin/deep/mounted"} {
			asked = 0
			if answer := ask(app, "GET", path); answer.Code < 400 || strings.Contains(answer.Body.String(), "secret") || asked != 1 {
				t.Errorf("%s, %s: %d %q, asked %d times", name, path, answer.Code, answer.Body, asked)
			}
		}
		r := httptest.NewRequest("GET", "/admin/deep/known", nil)
		r.Header.Set("Admin", "1")
		if answer := ask2(app, r); answer.Code != 200 || answer.Body.String() != "secret" {
			t.Errorf("%s: who may is answered %d %q", name, answer.Code, answer.Body)
		}
		if answer := ask(app, "GET", "/open"); answer.Code != 200 {
			t.Errorf("%s: outside: %d", name, answer.Code)
		}
	}
}

// A guard that responds has refused. A guard that lets a request pass is called once.
func TestRouterGuardAnswersOrPasses(t *testing.T) {
	app, _ := newApp(t)
	var order []string
	sub := app.PathPrefix("/a").Subrouter()
	app.Guard(func(h framework.Handler) error { order = append(order, "outer"); return nil })
	sub.Guard(func(h framework.Handler) error {
		order = append(order, "inner")
		if a, ok := h.(*action); ok && a.Request.URL.RawQuery != "" {
			return a.Redirect("/login")
		}
		return nil
	})
	sub.Handle("/x", do(app, func(h *action) error { order = append(order, "action"); return h.Text("x") }))
	sub.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		order = append(order, "action")
		fmt.Fprint(w, "plain", r.Header.Get("A"))
	})
	for path, want := range map[string]string{
		"/a/x": "200 x [outer inner action]", "/a/plain": "200 plain [outer inner action]", "/a/x?out": "302  [outer inner]",
	} {
		order = nil
		answer := ask(app, "GET", path)
		if got := fmt.Sprint(answer.Code, " ", answer.Body, " ", order); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// bookHandler is one type with two pages.
type bookHandler struct{ framework.RequestHandler }

func (h *bookHandler) New() error    { return h.Text("new") }
func (h *bookHandler) Create() error { return h.Text("created") }

func TestToMethods(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/books/new", framework.ToMethods(app, map[string]func(*bookHandler) error{"GET": (*bookHandler).New, "POST": (*bookHandler).Create}))
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]string{"GET": "200new", "HEAD": "200", "POST": "200created", "PUT": "405", "OPTIONS": "204"} {
		answer := ask(app, method, "/books/new")
		got := fmt.Sprint(answer.Code)
		if answer.Code == 200 {
			got += answer.Body.String()
		} else if allow := answer.Header().Get("Allow"); allow != "GET, HEAD, POST, OPTIONS" {
			t.Errorf("%s: Allow %q", method, allow)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
	for name, methods := range map[string]map[string]func(*bookHandler) error{
		"none": {}, "nil": {"GET": nil}, "small letters": {"get": (*bookHandler).New}, "unknown": {"GET": (*bookHandler).New, "PURGE": (*bookHandler).New},
	} {
		app, _ := newApp(t)
		app.Handle("/", framework.ToMethods(app, methods))
		if err := app.Check(); err == nil || !strings.Contains(err.Error(), "framework: ToMethods of *framework_test.bookHandler needs a method for at least one of GET") {
			t.Errorf("%s: Check returned %v", name, err)
		}
	}
}

// Middleware that calls next twice gets two handlers. Middleware that panics before it calls
// next, or that cannot be built, lets no request through.
func TestOddMiddleware(t *testing.T) {
	app, log := newApp(t)
	twice := app.PathPrefix("/twice").Subrouter()
	twice.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r); next.ServeHTTP(w, r) })
	})
	twice.Handle("/a", framework.To[countingHandler](app))
	panics := app.PathPrefix("/panics").Subrouter()
	panics.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") })
	})
	panics.Handle("/a", framework.To[countingHandler](app))
	built := 0
	app.Use(func(next http.Handler) http.Handler { built++; return next })
	none := app.PathPrefix("/none").Subrouter()
	none.Use(func(http.Handler) http.Handler { return nil })
	none.Handle("/a", framework.To[countingHandler](app))
	for path, want := range map[string]string{"/twice/a": "200 11", "/panics/a": "500", "/none/a": "500"} {
		answer := ask(app, "GET", path)
		got := fmt.Sprint(answer.Code)
		if answer.Code == 200 {
			got += " " + answer.Body.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if !strings.Contains(log.String(), "returned nil: return a handler") {
		t.Errorf("the log says nothing: %s", log)
	}
	if built != 2 {
		t.Errorf("middleware was built %d times for 2 routes and 3 requests", built)
	}
}

type countingHandler struct {
	framework.RequestHandler
	n int
}

func (h *countingHandler) Get() error {
	h.n++
	_, err := fmt.Fprint(h, h.n)
	return err
}

// Text and HTML set the Content-Type, unless it is set.
func TestTextAndHTML(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/text", do(app, func(h *action) error { return h.Text("a") }))
	app.Handle("/html", do(app, func(h *action) error { return h.HTML("<p>") }))
	app.Handle("/own", do(app, func(h *action) error {
		h.Response.Header().Set("Content-Type", "text/css")
		return h.Text("a{}")
	}))
	app.Handle("/added", do(app, func(h *action) error {
		err := h.Text("a")
		h.Response.Header().Add("Content-Type", "text/css")
		return err
	}))
	app.Handle("/fails", do(app, func(h *action) error { return errors.Join(h.Text("a"), h.Abort(404)) }))
	for path, want := range map[string]string{
		"/text": "[text/plain; charset=utf-8] a", "/html": "[text/html; charset=utf-8] <p>", "/own": "[text/css] a{}",
		"/added": "[text/plain; charset=utf-8 text/css] a",
	} {
		answer := ask(app, "GET", path)
		if got := fmt.Sprint(answer.Header()["Content-Type"], " ", answer.Body); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if answer := ask(app, "GET", "/fails"); answer.Code != 404 || answer.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
}

// Walk visits all routes, and Named finds one before and after the first request.
func TestWalkAndNamed(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/a", telling(app, "a")).Name("a")
	sub := app.PathPrefix("/b").Methods("GET", "POST").Subrouter()
	sub.Handle("/{x}", telling(app, "b")).Methods("GET").Name("b")
	app.PathPrefix("/c").Subrouter().Handle("/d", telling(app, "d"))
	walk := func() string {
		var list []string
		err := app.Walk(func(r *framework.Route, _ *framework.Router, above []*framework.Route) error {
			list = append(list, fmt.Sprint(r.GetPathTemplate(), len(above), r.GetMethods(), r.GetVarNames()))
			if r.GetPathTemplate() == "/c" {
				return framework.SkipRouter
			}
			return nil
		})
		return fmt.Sprint(list, err)
	}
	want := "[/a0 [] [] /b0 [GET POST HEAD] [] /b/{x}1 [GET HEAD] [x] /c0 [] []] <nil>"
	for range 2 {
		if got := walk(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if app.Named("b").GetName() != "b" || app.Named("none") != nil || sub.Named("a") == nil {
			t.Error("Named")
		}
		ask(app, "GET", "/a")
	}
	broken := errors.New("broken")
	if err := app.Walk(func(*framework.Route, *framework.Router, []*framework.Route) error { return broken }); err != broken {
		t.Errorf("Walk returned %v", err)
	}
}

// A slash of the path written as %2F does not lead past the guard of a route: the first route
// of the table that matches the path in either form is used.
func TestEncodedSlashPassesNoGuard(t *testing.T) {
	files := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "file ", r.URL.Path) })
	app, _ := newApp(t)
	admin := app.PathPrefix("/admin/").Subrouter()
	admin.Guard(func(framework.Handler) error { return framework.Abort(http.StatusForbidden) })
	admin.PathPrefix("/").Handler(files)
	private := app.PathPrefix("/uploads/private/").Subrouter()
	private.Guard(func(framework.Handler) error { return framework.Abort(http.StatusForbidden) })
	private.Handle("/{file:.+}", files)
	app.Handle("/uploads/{file:.+}", files)
	app.Handle("/value/{x}", do(app, func(h *action) error { return h.Text(h.Var("x")) }))
	app.PathPrefix("/").Handler(files)
	for path, want := range map[string]string{
		"/admin/secret": "403", "/admin%2Fsecret": "403", "/admin%2fsecret": "403",
		"/uploads/private/s": "403", "/uploads/private%2Fs": "403", "/uploads%2Fprivate%2Fs": "403",
		"/uploads/a": "200 file /uploads/a", "/value/a%2Fb": "200 a/b", "/value/a": "200 a",
	} {
		answer := ask(app, "GET", path)
		got := fmt.Sprint(answer.Code)
		if answer.Code == 200 {
			got += " " + answer.Body.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// If the middleware of a route cannot be built, the route responds with 500: its requests do
// not fall through to a later route that may have no guard.
func TestBrokenMiddlewareLeavesNoRequests(t *testing.T) {
	for name, broken := range map[string]func(http.Handler) http.Handler{
		"nil": func(http.Handler) http.Handler { return nil }, "panic": func(http.Handler) http.Handler { panic("broken") },
	} {
		app, log := newApp(t)
		private := app.PathPrefix("/files/private").Subrouter()
		private.Use(broken)
		private.Handle("/secret", http.HandlerFunc(serveSecret))
		app.PathPrefix("/files/").Handler(http.HandlerFunc(serveSecret))
		if answer := ask(app, "GET", "/files/private/secret"); answer.Code != 500 || answer.Header().Get("Secret") != "" {
			t.Errorf("%s: %d %v", name, answer.Code, answer.Header())
		}
		if !strings.Contains(log.String(), "/secret") {
			t.Errorf("%s: the log does not name the route: %s", name, log)
		}
	}
}

// Middleware may build handlers at the first request.
func TestMiddlewareMakesHandlers(t *testing.T) {
	app, _ := newApp(t)
	app.Use(func(next http.Handler) http.Handler {
		login := framework.To[countingHandler](app)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("login") {
				login.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	app.Handle("/", do(app, func(h *action) error { return h.Text("page") }))
	served := make(chan string, 1)
	go func() { served <- ask(app, "GET", "/").Body.String() + ask(app, "GET", "/?login").Body.String() }()
	select {
	case got := <-served:
		if got != "page1" {
			t.Errorf("%q", got)
		}
	case <-time.After(time.Minute):
		t.Fatal("the first request hangs")
	}
}

// The guard checks each request that middleware passes on.
func TestGuardOfEachRequestOfAMiddleware(t *testing.T) {
	app, _ := newApp(t)
	sub := app.PathPrefix("/").Subrouter()
	sub.Guard(func(h framework.Handler) error {
		if h.(*action).Request.Header.Get("Word") != "sesame" {
			return framework.Abort(http.StatusForbidden)
		}
		return nil
	})
	sub.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			privileged := r.Clone(r.Context())
			privileged.Header.Set("Word", "sesame")
			next.ServeHTTP(w, privileged)
			next.ServeHTTP(w, r)
		})
	})
	runs := 0
	sub.Handle("/", do(app, func(h *action) error { runs++; return nil }))
	if ask(app, "GET", "/"); runs != 1 {
		t.Errorf("the action ran %d times, want once, for the request that may", runs)
	}
}

// Middleware that hides the Response loses no variable of the route.
func TestVariablesBehindAHiddenResponse(t *testing.T) {
	app, _ := newApp(t)
	app.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	})
	app.Handle("/value/{x}", do(app, func(h *action) error { return h.Text(h.Var("x")) }))
	app.Host("{tenant}.example.com").Path("/tenant").Handler(do(app, func(h *action) error { return h.Text(h.Var("tenant")) }))
	for target, want := range map[string]string{"http://a/value/a%2Fb": "a/b", "http://ann.example.com/tenant": "ann"} {
		if answer := ask(app, "GET", target); answer.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", target, answer.Code, answer.Body, want)
		}
	}
}

func TestMatcherThatPanics(t *testing.T) {
	app, log := newApp(t)
	app.Handle("/", do(app, func(h *action) error { return h.Text("secret") })).MatcherFunc(func(*http.Request, *mux.RouteMatch) bool { panic("matcher") })
	if answer := ask(app, "GET", "/"); answer.Code != 500 || strings.Contains(answer.Body.String(), "secret") || !strings.Contains(log.String(), "matcher") {
		t.Errorf("%d, log %s", answer.Code, log)
	}
}

func TestMoreMistakesOfRoutes(t *testing.T) {
	for name, add := range map[string]func(app *framework.App){
		"an open quotation": func(app *framework.App) { app.HandleFunc(`/{x:\Qa+b}`, serveSecret) },
		"a host of dots":    func(app *framework.App) { app.Host(".").Path("/").HandlerFunc(serveSecret) },
	} {
		app, _ := newApp(t)
		add(app)
		if app.Check() == nil {
			t.Errorf("%s is no mistake", name)
		}
		if answer := ask(app, "GET", "/"); answer.Code != 404 {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
}

// Middleware that calls the handler of another route, or one handler with two requests, cannot
// bypass a guard.
func TestGuardBehindWrongMiddleware(t *testing.T) {
	secret := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "secret") }
	wrappers := map[string]func(w http.ResponseWriter) http.ResponseWriter{
		"as it is": func(w http.ResponseWriter) http.ResponseWriter { return w },
		"wrapped":  func(w http.ResponseWriter) http.ResponseWriter { return unwrapped{w} },
		"hidden":   func(w http.ResponseWriter) http.ResponseWriter { return struct{ http.ResponseWriter }{w} },
	}
	for name, wrap := range wrappers {
		for _, plain := range []bool{false, true} {
			build := func(middleware func(next http.Handler) http.Handler) *framework.App {
				app, _ := newApp(t)
				app.Use(middleware)
				app.Handle("/open", framework.To[openHandler](app))
				admin := app.PathPrefix("/admin").Subrouter()
				admin.Guard(func(h framework.Handler) error {
					if framework.RequestHandlerOf(h).Request.Header.Get("Admin") == "" {
						return framework.Abort(403)
					}
					return nil
				})
				if plain {
					admin.HandleFunc("/x", secret)
				} else {
					admin.Handle("/x", framework.To[openHandler](app))
				}
				return app
			}
			var last http.Handler
			one := build(func(next http.Handler) http.Handler {
				last = next
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { last.ServeHTTP(wrap(w), r) })
			})
			if response := ask(one, "GET", "/open"); response.Code != 500 || strings.Contains(response.Body.String(), "secret") {
				t.Errorf("%s, plain %v, the handler of another route: %d %q", name, plain, response.Code, response.Body)
			}
			two := build(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					allowed := r.Clone(r.Context())
					allowed.Header.Set("Admin", "1")
					next.ServeHTTP(wrap(discarding{w}), allowed)
					next.ServeHTTP(wrap(w), r)
				})
			})
			if response := ask(two, "GET", "/admin/x"); strings.Contains(response.Body.String(), "secret") {
				t.Errorf("%s, plain %v, two requests: %d %q", name, plain, response.Code, response.Body)
			}
		}
	}
}

// A discarding writer drops what is written, and embeds the Response.
type discarding struct{ http.ResponseWriter }

func (w discarding) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w discarding) Header() http.Header         { return http.Header{} }
func (w discarding) WriteHeader(int)             {}
func (w discarding) Write(p []byte) (int, error) { return len(p), nil }

// A handler that is called by another router below a route of the App has its variables.
func TestVarsOfARouterBelow(t *testing.T) {
	app, _ := newApp(t)
	below := http.NewServeMux()
	below.Handle("GET /{site}/books/{id}", telling(app, "book"))
	app.PathPrefix("/{site}/books/").Handler(below)
	if response := ask(app, "GET", "/a/books/7"); response.Body.String() != "bookmap[id:7 site:a]" {
		t.Errorf("%d %q", response.Code, response.Body)
	}
	app, _ = newApp(t)
	below = http.NewServeMux()
	below.Handle("GET /books/{id}", do(app, func(h *action) error { return h.Text(h.Var("id")) }))
	app.PathPrefix("/books/").Handler(below)
	if response := ask(app, "GET", "/books/7"); response.Body.String() != "7" {
		t.Errorf("%d %q", response.Code, response.Body)
	}
}

// http.StripPrefix can remove the whole path. The home page is served then, and its URLs
// keep the prefix.
func TestNothingAfterThePrefix(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", do(app, func(h *action) error {
		u, err := h.URL("home")
		return errors.Join(err, h.Text(u))
	})).Name("home")
	if response := ask(http.StripPrefix("/shop", app), "GET", "/shop"); response.Code != 200 || response.Body.String() != "/shop/" {
		t.Errorf("%d %q", response.Code, response.Body)
	}
	if response := ask(http.StripPrefix("/shop", app), "DELETE", "/shop"); response.Code != 405 || response.Header().Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("%d %q", response.Code, response.Header())
	}
}

// A route whose Methods its handler does not have is a mistake.
func TestMethodsThatTheHandlerDoesNotHave(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/a", framework.To[openHandler](app)).Methods("POST")
	app.Handle("/b", framework.To[openHandler](app)).Methods("GET", "POST")
	app.Handle("/c", framework.ToMethod(app, (*openHandler).Get)).Methods("POST")
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), `route "/a" serves no request`) || strings.Contains(err.Error(), `"/b"`) || strings.Contains(err.Error(), `"/c"`) {
		t.Error(err)
	}
}
