package framework_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

func TestErrorPageByAccept(t *testing.T) {
	app, _ := appOf(t, func(h *action) error { return h.Abort(404, "no <b>page</b>") })
	server := start(t, app)
	const asHTML, asJSON = "text/html; charset=utf-8", "application/json"
	for accept, want := range map[string]string{
		"":                                  asHTML,
		"*/*":                               asHTML,
		"text/plain":                        asHTML,
		"application/json":                  asJSON,
		"Application/JSON":                  asJSON,
		"application/json, text/html;q=0.9": asJSON,
		"text/html, application/json;q=0.9": asHTML,
		"text/html, application/json":       asHTML,
		"application/json;q=0":              asHTML,
		"application/json;q=wrong":          asJSON,
		"application/problem+json":          asJSON,
		"image/svg+json":                    asHTML,
		"text/html,application/xhtml+xml,*/*;q=0.8": asHTML,
		"application/json;charset=utf-8;q=0.5, */*": asJSON,
		";;;,,,=": asHTML,
	} {
		t.Run(accept, func(t *testing.T) {
			r := request(t, "GET", server.URL+"/", "")
			r.Header.Set("Accept", accept)
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != 404 || answer.Header.Get("Content-Type") != want {
				t.Errorf("answer %d %q, %v", answer.StatusCode, answer.Header.Get("Content-Type"), err)
			}
			if answer.Header.Get("Vary") != "Accept, Sec-Fetch-Dest" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("header %v", answer.Header)
			}
			if want == asHTML {
				if !strings.Contains(body, "no &lt;b&gt;page&lt;/b&gt;") {
					t.Errorf("page %q", body)
				}
				return
			}
			var page struct {
				Status                            int
				Error, Message, ID, Detail, Stack string
			}
			if err := json.Unmarshal([]byte(body), &page); err != nil {
				t.Fatal(err)
			}
			if page.Status != 404 || page.Error != "Not Found" || page.Message != "no <b>page</b>" || page.ID+page.Detail+page.Stack != "" {
				t.Errorf("page %+v", page)
			}
		})
	}
}

// apiHandler reports that it is an API.
type apiHandler struct{ action }

func (h *apiHandler) IsAPI() bool { return true }

// If Accept names neither JSON nor HTML, the error is JSON for a client or a handler that uses
// JSON.
func TestErrorsOfAnAPIAreJSON(t *testing.T) {
	refuse := func(h *action) error { return h.Abort(422, "no") }
	for name, test := range map[string]struct {
		handler framework.Handler
		header  map[string]string
		body    string
		status  int
		json    bool
	}{
		"a page":                     {&action{do: refuse}, nil, "", 422, false},
		"a page's form":              {&action{do: refuse}, map[string]string{"Content-Type": asForm}, "a=b", 422, false},
		"a JSON body":                {&action{do: refuse}, map[string]string{"Content-Type": "application/json; charset=utf-8"}, "{}", 422, true},
		"a JSON body of another":     {&action{do: refuse}, map[string]string{"Content-Type": "application/merge-patch+json"}, "{}", 422, true},
		"a JSON answer":              {&action{do: func(h *action) error { h.JSON(1); return refuse(h) }}, nil, "", 422, true},
		"a JSON type":                {&action{do: func(h *action) error { h.Response.Header().Set("Content-Type", "application/json"); panic("x") }}, nil, "", 500, true},
		"DecodeJSON of a form":       {&action{do: func(h *action) error { return h.DecodeJSON(new(int)) }}, map[string]string{"Content-Type": asForm}, "a=b", 415, true},
		"DecodeJSON of nothing":      {&action{do: func(h *action) error { return h.DecodeJSON(new(int)) }}, nil, "", 415, true},
		"a script":                   {&action{do: refuse}, map[string]string{"Sec-Fetch-Dest": "empty"}, "", 422, true},
		"a navigation":               {&action{do: refuse}, map[string]string{"Sec-Fetch-Dest": "document"}, "", 422, false},
		"an API":                     {&apiHandler{action{do: refuse}}, nil, "", 422, true},
		"an API, any type":           {&apiHandler{action{do: refuse}}, map[string]string{"Accept": "*/*"}, "", 422, true},
		"an API, in a browser":       {&apiHandler{action{do: refuse}}, map[string]string{"Accept": "text/html,*/*;q=0.8"}, "", 422, false},
		"a JSON body, in a browser":  {&action{do: refuse}, map[string]string{"Accept": "text/html", "Content-Type": "application/json"}, "{}", 422, false},
		"a script that wants HTML":   {&action{do: refuse}, map[string]string{"Accept": "text/html", "Sec-Fetch-Dest": "empty"}, "", 422, false},
		"a script that refuses HTML": {&action{do: refuse}, map[string]string{"Accept": "*/*, text/html;q=0", "Sec-Fetch-Dest": "empty"}, "", 422, true},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := newApp(t)
			app.Handle("/", framework.From(app, func() framework.Handler { return test.handler }))
			r := request(t, "POST", start(t, app).URL+"/", test.body)
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status {
				t.Fatalf("answer %d %q, %v", answer.StatusCode, body, err)
			}
			var page struct{ Status int }
			if got := json.Unmarshal([]byte(body), &page) == nil; got != test.json || got && (page.Status != test.status || answer.Header.Get("Content-Type") != asJSON) {
				t.Errorf("answer %v %q", answer.Header, body)
			}
		})
	}
}

// If no route matches, the Fallback decides whether the site is an API.
func TestErrorsOfASiteThatIsAnAPI(t *testing.T) {
	app, _ := newApp(t)
	app.Fallback = func() framework.Handler { return new(apiFallback) }
	app.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("broken") })
	for _, path := range []string{"/nowhere", "/panic"} {
		if got := ask(app, "GET", path).Header().Get("Content-Type"); got != asJSON {
			t.Errorf("%s: an error of the type %q", path, got)
		}
	}
}

type apiFallback struct{ framework.RequestHandler }

func (h *apiFallback) IsAPI() bool { return true }

// A 4xx shows its message, and a 5xx shows the id of its log record. Only Debug shows the
// error.
func TestErrorPageTells(t *testing.T) {
	secret := errors.New("the secret <cause>")
	for name, test := range map[string]struct {
		end            func(h *action) error
		shown, inDebug []string
		hidden         []string
	}{
		"4xx": {func(h *action) error { return &framework.Error{Code: 409, Message: "taken", Err: secret} },
			[]string{"Conflict", "taken"}, []string{"the secret &lt;cause&gt;"}, []string{"the secret"}},
		"5xx": {func(h *action) error { return &framework.Error{Code: 503, Message: "private", Err: secret} },
			[]string{"Service Unavailable", "The log has this as"}, []string{"private", "the secret &lt;cause&gt;"}, []string{"private", "the secret"}},
		"panic": {func(h *action) error { panic(secret) },
			[]string{"Internal Server Error", "The log has this as"}, []string{"the secret &lt;cause&gt;", "errorpage_test.go"}, []string{"the secret", "errorpage_test.go"}},
		"unknown status": {func(h *action) error { return h.Abort(499) }, []string{"499", "Error"}, nil, nil},
	} {
		for _, debug := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " Debug ", debug), func(t *testing.T) {
				app, log := appOf(t, test.end)
				app.Debug = debug
				_, body := get(t, start(t, app).URL+"/")
				want := test.shown
				if debug {
					want = append(test.inDebug, want...)
				} else {
					for _, text := range test.hidden {
						if strings.Contains(body, text) {
							t.Errorf("%q is shown", text)
						}
					}
				}
				for _, text := range want {
					if !strings.Contains(body, text) {
						t.Errorf("%q is not shown in %q", text, body)
					}
				}
				if id := regexp.MustCompile(`<code>(\w+)</code>`).FindStringSubmatch(body); id != nil && log.records("id="+id[1]) != 1 {
					t.Errorf("the log does not have %s:\n%s", id[1], log)
				}
			})
		}
	}
}
