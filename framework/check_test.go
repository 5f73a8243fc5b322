package framework_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/webapp2go/webapp2go/framework"
)

// needy is a handler that needs a value from App.Init.
type needy struct {
	framework.RequestHandler
	given string
}

func (h *needy) Get() error { return nil }

func (h *needy) Ready() error {
	if h.given == "" {
		return errors.New("set app.Init = site.Init")
	}
	return nil
}

type site struct{ framework.RequestHandler }

func (h *site) Get() error { return nil }

func TestCheck(t *testing.T) {
	get := func(app *framework.App) http.Handler { return framework.To[onlyGet](app) }
	for name, test := range map[string]struct {
		build func(app *framework.App)
		want  []string // one for each mistake; if empty, the app has none
	}{
		"nothing": {func(app *framework.App) {}, nil},
		"a right table": {func(app *framework.App) {
			app.Init = func(h framework.Handler) {}
			app.BaseURL = "https://example.com"
			app.Fallback = func() framework.Handler { return new(site) }
			app.Errors = map[int]framework.ErrorHandler{404: nil, 500: nil}
			app.Handle("/", get(app)).Name("home")
			app.Handle("/list", framework.ToMethod(app, (*onlyGet).Get)).Methods("GET", "HEAD")
			app.HandleFunc("/post", func(http.ResponseWriter, *http.Request) {}).Methods("POST")
			app.Handle("/split", get(app)).Methods("HEAD")
			app.Handle("/split", get(app)).Methods("GET")
			sub := app.PathPrefix("/sub").Methods("GET", "HEAD").Subrouter()
			sub.Handle("/list", framework.ToMethod(app, (*onlyGet).Get))
			app.Path("/built/{x}").BuildOnly().Name("built")
			app.PathPrefix("/router/").Handler(mux.NewRouter())
			app.PathPrefix("/static/").Handler(http.NotFoundHandler())
		}, nil},
		"To before Init": {func(app *framework.App) {
			app.Handle("/", framework.To[needy](app))
			app.Init = func(h framework.Handler) { h.(*needy).given = "something" }
		}, nil},
		"no Init": {func(app *framework.App) { app.Handle("/", framework.To[needy](app)) },
			[]string{"framework: *framework_test.needy: set app.Init = site.Init"}},
		"Init that panics": {func(app *framework.App) {
			app.Init = func(h framework.Handler) { _ = h.(*needy) }
			app.Handle("/", get(app))
		}, []string{"framework: *framework_test.onlyGet: framework: panic: interface conversion"}},
		"From of one pointer": {func(app *framework.App) {
			one := new(onlyGet)
			app.Handle("/", framework.From(app, func() *onlyGet { return one }))
		}, []string{"framework: the constructor given to From returned the same *framework_test.onlyGet twice: make a new one for each request"}},
		"From that panics later": {func(app *framework.App) {
			calls := 0
			app.Handle("/", framework.From(app, func() *onlyGet {
				if calls++; calls > 1 {
					panic("no more")
				}
				return new(onlyGet)
			}))
		}, []string{"framework: panic: no more"}},
		"a Fallback not ready": {func(app *framework.App) { app.Fallback = func() framework.Handler { return new(needy) } },
			[]string{"framework: *framework_test.needy: set app.Init = site.Init"}},
		"a Fallback of nil": {func(app *framework.App) { app.Fallback = func() framework.Handler { return nil } },
			[]string{"framework: App.Fallback returned nil: return a handler"}},
		"a Fallback with a bad Guard": {func(app *framework.App) { app.Fallback = func() framework.Handler { return new(guardOfBool) } },
			[]string{"framework: (*framework_test.guardOfBool).Guard is a func() bool; to be called before the action it must be a func() error"}},
		"a Fallback that panics": {func(app *framework.App) { app.Fallback = func() framework.Handler { panic("no fallback") } },
			[]string{"framework: panic: no fallback"}},
		"no leading slash": {func(app *framework.App) { app.Handle("nolead", get(app)) },
			[]string{`never matches: template "nolead" must begin with a slash: write "/nolead"`}},
		"a bad pattern": {func(app *framework.App) { app.Handle("/{id:[}", get(app)) },
			[]string{"error parsing regexp"}},
		"unbalanced braces": {func(app *framework.App) { app.Handle("/{id", get(app)) },
			[]string{`never matches: template "/{id" has unbalanced braces`}},
		"a name twice": {func(app *framework.App) {
			app.Handle("/a", get(app)).Name("x")
			app.PathPrefix("/s").Subrouter().Handle("/b", get(app)).Name("x")
		}, []string{`framework: routes "/a" and "/s/b" are both named "x"`}},
		"a variable twice": {func(app *framework.App) { app.Handle("/{x}/{x}", get(app)) },
			[]string{`it has two variables named "x"`}},
		"no proxies":       {func(app *framework.App) { app.TrustedProxy = framework.Proxies(0) }, []string{"framework: App.TrustedProxy must be NoProxy"}},
		"too many proxies": {func(app *framework.App) { app.TrustedProxy = framework.Proxies(101) }, []string{"Proxies(1) to Proxies(100): give Proxies the number"}},
		"another Router": {func(app *framework.App) { app.Router = framework.New().Router },
			[]string{"framework: App.Router belongs to another App: keep the one that framework.New has made"}},
		"ToMethod without methods": {func(app *framework.App) { app.Handle("/a", framework.ToMethod(app, (*onlyGet).Get)) },
			[]string{`framework: route "/a" of ToMethod takes every method: name them with Methods`}},
		"no handler": {func(app *framework.App) {
			app.Path("/a").Name("a")
			app.Handle("/b", nil)
			app.PathPrefix("/s").Subrouter().Path("/c")
		}, []string{`framework: route "/a" has no handler`, `route "/b" has no handler`, `route "/s/c" has no handler`}},
		"a handler of another App": {func(app *framework.App) { app.Handle("/a", get(framework.New())) },
			[]string{`framework: route "/a" serves a handler that was made for another App`}},
		"GET is HEAD too": {func(app *framework.App) {
			app.Handle("/a", framework.ToMethod(app, (*onlyGet).Get)).Methods("GET")
			app.PathPrefix("/s").Methods("GET", "POST").Subrouter().Handle("/a", get(app))
		}, nil},
		"HEAD after GET": {func(app *framework.App) {
			app.Handle("/a", get(app)).Methods("GET")
			app.Handle("/a", get(app)).Methods("HEAD")
		}, []string{`framework: route "/a" is never reached: "/a" comes before it`}},
		"a path twice": {func(app *framework.App) {
			app.Handle("/a/{x}", get(app))
			app.Handle("/a/{y}", get(app))
			app.Handle("/b", get(app)).Queries("q", "1")
			app.Handle("/b", get(app))
			app.Handle("/b", get(app)).Headers("A", "b")
			app.Host("a.example").Path("/c").Handler(get(app))
			app.Host("b.example").Path("/c").Handler(get(app))
			app.Handle("/c", get(app))
			app.PathPrefix("/c").Handler(get(app))
		}, []string{`framework: route "/a/{y}" is never reached: "/a/{x}" comes before it`, `route "/b" is never reached`}},
		"net/http's syntax": {func(app *framework.App) {
			app.Handle("/{$}", get(app))
			app.Handle("/f/{rest...}", get(app))
			app.Handle("GET /x", get(app))
		}, []string{"{$} is the syntax of net/http: remove it", "write {rest:.*}", `begins with a method: write "/x", and Methods("GET")`}},
		"chi's, gin's and echo's syntax": {func(app *framework.App) {
			app.Handle("/f/*", get(app))
			app.Handle("/u/:id/x", get(app))
			app.Handle("/f/*x", get(app)) // is text
			app.Handle("/12:30", get(app))
		}, []string{`* is the syntax of another router: write {rest:.*}`, `:id is the syntax of another router: write {id}`}},
		"webapp2's syntax": {func(app *framework.App) {
			app.Handle(`/x/<id:\d{4}>`, get(app))
			app.Handle("/y/{a}/<name>", get(app))
			app.Handle(`/z/<:\w+>`, get(app))
			app.Host("<sub>.a.example").Path("/").Handler(get(app))
			app.Handle("/1/<2>/<a", get(app)) // is text
			app.Handle("/2/{lt:<}name>", get(app))
			app.Handle("/3/{lt:<a>}", get(app))
		}, []string{
			`<id:\d{4}> is webapp2's syntax: write {id:\d{4}}, or translate the whole template with webapp2.Template`,
			"<name> is webapp2's syntax: write {name},", `<:\w+> is webapp2's syntax: write {name:\w+},`, "<sub> is webapp2's syntax: write {sub},",
		}},
		"a matcher after Subrouter": {func(app *framework.App) {
			for _, limit := range []func(*framework.Route){
				func(r *framework.Route) { r.Host("a.example") },
				func(r *framework.Route) { r.Headers("A", "b") },
				func(r *framework.Route) { r.Path("/x") },
				func(r *framework.Route) { r.Methods("GET") },
				func(r *framework.Route) { r.Schemes("https") },
				func(r *framework.Route) { r.Queries("a", "b") },
				func(r *framework.Route) { r.MatcherFunc(func(*http.Request, *mux.RouteMatch) bool { return false }) },
			} {
				r := app.PathPrefix("/a")
				r.Subrouter().Handle("/x", get(app))
				limit(r)
			}
		}, []string{"Host was called after Subrouter, whose routes would not have it: call it before Subrouter", "Headers was called after", "Path was called after", "Methods was called after", "Schemes was called after", "Queries was called after", "MatcherFunc was called after"}},
		"two Subrouters": {func(app *framework.App) {
			r := app.PathPrefix("/a")
			r.Subrouter().Handle("/x", get(app))
			r.Subrouter().Handle("/y", get(app))
		}, []string{`route "/a" never matches: it has two Subrouters: make a route for each`}},
		"two hosts": {func(app *framework.App) {
			app.Host("{x}.example").Subrouter().Host("a.example").Path("/a").Handler(get(app))
		}, []string{"it has two hosts"}},
		"no method is left": {func(app *framework.App) {
			app.Methods("POST").Subrouter().Handle("/a", get(app)).Methods("GET")
		}, []string{"it takes no method"}},
		"dots and bad UTF-8": {func(app *framework.App) {
			app.Handle("/a/../b", get(app))
			app.Handle("/a/.", get(app))
			app.Handle("/\xff", get(app))
			app.Handle("/a\n", get(app))
		}, []string{`the segment ".."`, `the segment "."`, "is not UTF-8", "control character"}},
		"a path below a whole path": {func(app *framework.App) {
			app.Path("/a").Subrouter().Handle("/b", get(app))
			app.Path("/c").Subrouter().NewRoute().Handler(get(app))
		}, []string{`nothing can follow the path "/a"`}},
		"a prefix with a slash": {func(app *framework.App) {
			app.PathPrefix("/a/").Subrouter().Handle("", get(app))
			app.PathPrefix("/b/").Subrouter().Handle("/x", get(app))
		}, []string{"remove the slash at the end of the prefix"}},
		"a handler and a Subrouter": {func(app *framework.App) {
			app.PathPrefix("/a").Handler(get(app)).Subrouter().Handle("/x", get(app))
			app.PathPrefix("/b").Handler(get(app)).Subrouter().Path("/x")
		}, []string{`route "/a" has a handler and a Subrouter`}},
		"two names":         {func(app *framework.App) { app.Handle("/a", get(app)).Name("x").Name("y") }, []string{`it has two names, "x" and "y"`}},
		"a group":           {func(app *framework.App) { app.Handle("/{x:(a)}", get(app)) }, []string{"write (?:...) for (...)"}},
		"a group of a host": {func(app *framework.App) { app.Host("{x:(a)}.example").Handler(get(app)) }, []string{"write (?:...) for (...)"}},
		"conditions that mux refuses": {func(app *framework.App) {
			app.Handle("/a", get(app)).Headers("A")
			app.Handle("/b", get(app)).HeadersRegexp("A", "(")
			app.Handle("/c", get(app)).Queries("q", "{q")
			app.Handle("/d", get(app)).Queries("q")
		}, []string{"number of parameters must be multiple of 2", "error parsing regexp", "unbalanced braces", "give pairs of name and value"}},
		"no guard": {func(app *framework.App) {
			app.RequireGuards = true
			app.Handle("/open", get(app))
			app.HandleFunc("/plain", func(http.ResponseWriter, *http.Request) {})
			sub := app.PathPrefix("/in").Subrouter()
			sub.Guard(framework.Public)
			sub.PathPrefix("/deep").Subrouter().Handle("/a", get(app))
		}, []string{`route "/open" has no guard`, `route "/plain" has no guard`}},
		"Errors out of range": {func(app *framework.App) { app.Errors = map[int]framework.ErrorHandler{200: nil} },
			[]string{"framework: App.Errors[200] is never called"}},
		"BaseURL": {func(app *framework.App) { app.BaseURL = "example.com" }, []string{`framework: App.BaseURL is "example.com"`}},
		"functions that are nil": {func(app *framework.App) {
			app.Use(nil)
			app.Guard(nil)
			sub := app.PathPrefix("/in").Subrouter()
			sub.Guard(framework.Public)
			sub.Use(nil, nil)
			sub.Handle("/a", get(app))
		}, []string{"framework: Use of the App's Router was given nil: give it a function", "framework: Guard of the App's Router was given nil",
			`framework: Use of the Subrouter of "/in" was given nil`}},
		"a handler with a Check": {func(app *framework.App) {
			other := framework.New()
			other.BaseURL = "example.com"
			app.PathPrefix("/other").Handler(other)
		}, []string{`framework: route "/other": framework: App.BaseURL is "example.com"`}},
		"one type in two routes": {func(app *framework.App) {
			app.Handle("/a", framework.To[noMethod](app))
			app.Handle("/b", framework.To[noMethod](app)).Methods("GET")
		}, []string{"framework: *framework_test.noMethod serves no request"}},
		"all at once": {func(app *framework.App) {
			app.Handle("nolead", get(app))
			app.Handle("/a", framework.To[needy](app)).Name("x")
			app.Handle("/b", framework.To[needy](app)).Name("x")
			app.Handle("/c", framework.To[noMethod](app))
			app.Handle("/d", framework.To[misspelling](app))
			app.BaseURL = "example.com"
		}, []string{"nolead", "both named", "needy", "noMethod", "misspelling", "App.BaseURL"}},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := newApp(t)
			test.build(app)
			err := app.Check()
			if len(test.want) == 0 {
				if err != nil {
					t.Fatalf("mistakes:\n%v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("no mistake found")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("%d mistakes, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, want := range test.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("mistake\n %s\nwant\n %s", lines[i], want)
				}
				if !strings.HasPrefix(lines[i], "framework: ") {
					t.Errorf("%q does not say whose it is", lines[i])
				}
			}
		})
	}
}

func TestCheckOfAnAppNotOfNew(t *testing.T) {
	if err := new(framework.App).Check(); err == nil || !strings.Contains(err.Error(), "make it with framework.New") {
		t.Errorf("Check returned %v", err)
	}
}

// The handler that Check probes has a request to GET "/" and a Response that is discarded. No
// client is served.
func TestCheckProbesWithARequest(t *testing.T) {
	app, _ := newApp(t)
	probes := 0
	app.Init = func(h framework.Handler) {
		probes++
		a := h.(*action)
		if a.Request.Method != "GET" || a.Request.URL.Path != "/" || a.Request.Body == nil || a.Response == nil || a.App != app {
			t.Errorf("the probe has %+v", a.Request)
		}
		a.Response.BeforeSend(func(http.ResponseWriter) error { t.Error("a hook of a probe ran"); return nil })
		a.Response.Header().Set("A", "b")
		a.Write([]byte("page"))
	}
	app.Handle("/", do(app, func(*action) error { t.Error("the action of a probe ran"); return nil }))
	if err := app.Check(); err != nil || probes != 1 {
		t.Errorf("Check returned %v, %d probes", err, probes)
	}
}

func TestRoutesAreMadeBeforeTheFirstRequest(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", framework.To[onlyGet](app))
	ask(app, "GET", "/")
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "make all routes before the App serves") {
			t.Errorf("panic %q", text)
		}
	}()
	app.Handle("/late", framework.To[onlyGet](app))
}
