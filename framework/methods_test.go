package framework_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// everyMethod responds with the name of the method.
type everyMethod struct{ framework.RequestHandler }

func (h *everyMethod) say(method string) error {
	h.Response.Header().Set("Verb", method)
	return nil
}

func (h *everyMethod) Get() error     { return h.say("GET") }
func (h *everyMethod) Post() error    { return h.say("POST") }
func (h *everyMethod) Put() error     { return h.say("PUT") }
func (h *everyMethod) Patch() error   { return h.say("PATCH") }
func (h *everyMethod) Delete() error  { return h.say("DELETE") }
func (h *everyMethod) Head() error    { return h.say("HEAD") }
func (h *everyMethod) Options() error { return h.say("OPTIONS") }
func (h *everyMethod) Any() error     { return h.say("any") }

type onlyPost struct{ framework.RequestHandler }

func (h *onlyPost) Post() error { return nil }

type onlyGet struct{ framework.RequestHandler }

func (h *onlyGet) Get() error {
	h.Response.Header().Set("Verb", "GET")
	return nil
}

// A route of a type allows the type's methods. ToMethod and Methods name theirs.
func TestMethodsOfRoutes(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/every", framework.To[everyMethod](app))
	app.Handle("/get", framework.To[onlyGet](app))
	app.Handle("/post", framework.To[onlyPost](app))
	app.Handle("/any", framework.ToMethod(app, (*everyMethod).Any)).Methods("GET", "HEAD", "POST", "PROPFIND")
	app.Handle("/split", framework.ToMethod(app, (*everyMethod).Any)).Methods("GET", "HEAD")
	app.Handle("/split", framework.To[onlyPost](app)).Methods("POST", "PUT")
	for _, test := range []struct {
		method, path string
		status       int
		answers      string
		allow        string
	}{
		{"GET", "/every", 200, "GET", ""},
		{"HEAD", "/every", 200, "HEAD", ""},
		{"POST", "/every", 200, "POST", ""},
		{"PUT", "/every", 200, "PUT", ""},
		{"PATCH", "/every", 200, "PATCH", ""},
		{"DELETE", "/every", 200, "DELETE", ""},
		{"OPTIONS", "/every", 200, "OPTIONS", ""},
		{"TRACE", "/every", 405, "", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"CONNECT", "/every", 405, "", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"get", "/every", 501, "", ""},
		{"PROPFIND", "/every", 501, "", ""},

		{"GET", "/get", 200, "GET", ""},
		{"HEAD", "/get", 200, "GET", ""},
		{"OPTIONS", "/get", 204, "", "GET, HEAD, OPTIONS"},
		{"POST", "/get", 405, "", "GET, HEAD, OPTIONS"},
		{"PATCH", "/get", 405, "", "GET, HEAD, OPTIONS"},

		{"GET", "/post", 405, "", "POST, OPTIONS"},
		{"HEAD", "/post", 405, "", "POST, OPTIONS"},
		{"OPTIONS", "/post", 204, "", "POST, OPTIONS"},

		{"GET", "/any", 200, "any", ""},
		{"HEAD", "/any", 200, "any", ""},
		{"POST", "/any", 200, "any", ""},
		{"PROPFIND", "/any", 200, "any", ""},
		{"PUT", "/any", 405, "", "GET, HEAD, POST, PROPFIND, OPTIONS"},
		{"OPTIONS", "/any", 204, "", "GET, HEAD, POST, PROPFIND, OPTIONS"},
		{"BREW", "/any", 501, "", ""},

		{"DELETE", "/split", 405, "", "GET, HEAD, POST, OPTIONS"},
		{"PUT", "/split", 405, "", "GET, HEAD, POST, OPTIONS"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			answer := ask(app, test.method, test.path)
			if answer.Code != test.status || answer.Header().Get("Verb") != test.answers || answer.Header().Get("Allow") != test.allow {
				t.Errorf("answer %d, method %q, Allow %q", answer.Code, answer.Header().Get("Verb"), answer.Header().Get("Allow"))
			}
		})
	}
}

// Middleware around a route's handler does not hide the type's methods from Allow.
func TestAllowBehindMiddleware(t *testing.T) {
	app, _ := newApp(t)
	app.Use(passOn)
	app.Handle("/", framework.To[onlyPost](app)).Methods("POST", "PUT")
	if allow := ask(app, "DELETE", "/").Header().Get("Allow"); allow != "POST, OPTIONS" {
		t.Errorf("Allow %q", allow)
	}
}

// Check reports the mistakes of handler types. Requests to their routes do not fall through to
// a later route, which may have no guard.
func TestMistakesOfATypeAreReported(t *testing.T) {
	for name, test := range map[string]struct {
		make func(app *framework.App) http.Handler
		want string
	}{
		"Get with an argument": {func(app *framework.App) http.Handler { return framework.To[getOfInt](app) },
			"framework: (*framework_test.getOfInt).Get is a func(int) error; to serve GET it must be a func() error"},
		"Get without an error": {func(app *framework.App) http.Handler { return framework.To[getOfNothing](app) },
			"framework: (*framework_test.getOfNothing).Get is a func(); to serve GET it must be a func() error"},
		"Post with two results": {func(app *framework.App) http.Handler { return framework.To[postOfTwo](app) },
			"framework: (*framework_test.postOfTwo).Post is a func(string, ...int) (int, error); to serve POST it must be a func() error"},
		"Guard of a bool": {func(app *framework.App) http.Handler { return framework.To[guardOfBool](app) },
			"framework: (*framework_test.guardOfBool).Guard is a func() bool; to be called before the action it must be a func() error"},
		"Guard of a bool, ToMethod": {func(app *framework.App) http.Handler { return framework.ToMethod(app, (*guardOfBool).Get) },
			"framework: (*framework_test.guardOfBool).Guard is a func() bool; to be called before the action it must be a func() error"},
		"Ready of a bool": {func(app *framework.App) http.Handler { return framework.To[readyOfBool](app) },
			"framework: (*framework_test.readyOfBool).Ready is a func() bool; to be called by Check it must be a func() error"},
		"no HTTP method": {func(app *framework.App) http.Handler { return framework.To[noMethod](app) },
			"framework: *framework_test.noMethod serves no request: it has no Get, Post, Put, Patch, Delete, Head or Options that is a func() error"},
		"a misspelt method": {func(app *framework.App) http.Handler { return framework.To[misspelling](app) },
			"framework: (*framework_test.misspelling).Pots is never called: did you mean Post? If not, give it a name that looks less like it"},
		"a misspelt Guard": {func(app *framework.App) http.Handler { return framework.ToMethod(app, (*misspelledGuard).Get) },
			"framework: (*framework_test.misspelledGuard).Gaurd is never called: did you mean Guard? If not, give it a name that looks less like it"},
		"a nil base": {func(app *framework.App) http.Handler { return framework.To[nilBase](app) },
			"framework: *framework_test.nilBase embeds its RequestHandler through a nil pointer: embed by value"},
		"a Guard of two bases": {func(app *framework.App) http.Handler {
			return framework.From(app, func() *twoGuards { return &twoGuards{auditor: auditor{}} })
		},
			"framework: *framework_test.twoGuards does not get the Guard of its *framework_test.guarded, because another base or a field has the same name; to be called before the action it needs a Guard of its own"},
		"a Guard behind a field": {func(app *framework.App) http.Handler { return framework.To[guardField](app) },
			"framework: *framework_test.guardField does not get the Guard of its *framework_test.guarded, because another base or a field has the same name; to be called before the action it needs a Guard of its own"},
		"a Guard deeper behind a field": {func(app *framework.App) http.Handler { return framework.To[deepGuardField](app) },
			"framework: *framework_test.deepGuardField does not get the Guard of its *framework_test.guarded, because another base or a field has the same name; to be called before the action it needs a Guard of its own"},
		"no method": {func(app *framework.App) http.Handler { return framework.ToMethod[onlyGet](app, nil) },
			"framework: ToMethod of *framework_test.onlyGet was given nil: give it a method"},
		"no constructor": {func(app *framework.App) http.Handler { return framework.From[*onlyGet](app, nil) },
			"framework: From of *framework_test.onlyGet was given nil: give it a constructor"},
		"a constructor of nil": {func(app *framework.App) http.Handler { return framework.From(app, func() *onlyGet { return nil }) },
			"framework: the constructor given to From returned nil: return a handler"},
		"a constructor that panics": {func(app *framework.App) http.Handler { return framework.From(app, func() *onlyGet { panic("no") }) },
			"framework: the constructor given to From: framework: panic: no"},
		"ToMethods of none": {func(app *framework.App) http.Handler { return framework.ToMethods[onlyGet](app, nil) },
			"framework: ToMethods of *framework_test.onlyGet needs a method for at least one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, with its name in capitals, and none may be nil"},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := newApp(t)
			app.Handle("/", test.make(app)).Methods("GET", "POST")
			app.Handle("/too", test.make(app)).Methods("GET", "POST")
			app.HandleFunc("/", func(http.ResponseWriter, *http.Request) { t.Error("a later route is called") })
			app.BaseURL = "example.com"
			err := app.Check()
			if err == nil || !strings.HasPrefix(err.Error(), test.want+"\nframework: App.BaseURL") || strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("Check returned\n %v\nwant\n %s, and the mistake of BaseURL", err, test.want)
			}
			for _, method := range []string{"GET", "POST"} {
				if answer := ask(app, method, "/"); answer.Code != 500 {
					t.Errorf("%s: status %d", method, answer.Code)
				}
			}
			if log.records("request failed", test.want) != 2 {
				t.Errorf("the log has\n%s", log)
			}
		})
	}
}

// Without an App, nothing could report the mistake later.
func TestHandlersOfNoAppPanic(t *testing.T) {
	for name, app := range map[string]*framework.App{"nil": nil, "not made by New": new(framework.App)} {
		for call, f := range map[string]func(){
			"To":        func() { framework.To[onlyGet](app) },
			"ToMethod":  func() { framework.ToMethod(app, (*onlyGet).Get) },
			"ToMethods": func() { framework.ToMethods(app, map[string]func(*onlyGet) error{"GET": (*onlyGet).Get}) },
			"From":      func() { framework.From(app, func() *onlyGet { return new(onlyGet) }) },
			"From nil":  func() { framework.From[*onlyGet](app, nil) },
			"Init": func() {
				framework.Init(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), app, new(onlyGet))
			},
		} {
			t.Run(name+", "+call, func(t *testing.T) {
				defer func() {
					if got := fmt.Sprint(recover()); got != "framework: a handler was made without an App: call framework.New first" {
						t.Errorf("panic %s", got)
					}
				}()
				f()
			})
		}
	}
	defer func() {
		if got := fmt.Sprint(recover()); got != "framework: this Router belongs to no App: use that of framework.New, or of Subrouter" {
			t.Errorf("panic %s", got)
		}
	}()
	new(framework.App).Handle("/", http.NotFoundHandler())
}

// onlyOptions serves OPTIONS alone.
type onlyOptions struct{ framework.RequestHandler }

func (h *onlyOptions) Options() error { return h.Text("options") }

func TestATypeMayServeOptionsAlone(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", framework.To[onlyOptions](app))
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	if answer := ask(app, "OPTIONS", "/"); answer.Code != 200 || answer.Body.String() != "options" {
		t.Errorf("OPTIONS: %d %q", answer.Code, answer.Body)
	}
	if answer := ask(app, "GET", "/"); answer.Code != 405 || answer.Header().Get("Allow") != "OPTIONS" {
		t.Errorf("GET: %d, Allow %q", answer.Code, answer.Header().Get("Allow"))
	}
}

type getOfInt struct{ framework.RequestHandler }

func (h *getOfInt) Get(int) error { return nil }

type getOfNothing struct{ framework.RequestHandler }

func (h *getOfNothing) Get() {}

type postOfTwo struct{ framework.RequestHandler }

func (h *postOfTwo) Post(string, ...int) (int, error) { return 0, nil }

type guardOfBool struct{ framework.RequestHandler }

func (h *guardOfBool) Guard() bool { return false }
func (h *guardOfBool) Get() error  { return nil }

type readyOfBool struct{ framework.RequestHandler }

func (h *readyOfBool) Ready() bool { return false }
func (h *readyOfBool) Get() error  { return nil }

type noMethod struct{ framework.RequestHandler }

func (h *noMethod) Fetch() error { return nil }
func (h *noMethod) List() error  { return nil }

// misspelling has methods that nothing would call. One of them is correct as an action of
// ToMethod.
type misspelling struct{ framework.RequestHandler }

func (h *misspelling) Get() error  { return nil }
func (h *misspelling) Pots() error { return nil }

type misspelledGuard struct{ framework.RequestHandler }

func (h *misspelledGuard) Get() error   { return nil }
func (h *misspelledGuard) Gaurd() error { return h.Abort(403) }

type nilBase struct{ *guarded }

func (h *nilBase) Get() error { return nil }

type auditor struct{}

func (auditor) Guard() error { return nil }

type twoGuards struct {
	guarded
	auditor
}

func (h *twoGuards) Get() error { return nil }

type guardField struct {
	guarded
	Guard int
}

func (h *guardField) Get() error { return nil }

type deepGuardField struct{ guardField }
