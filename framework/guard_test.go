package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// guarded is a base that admits requests with a password.
type guarded struct{ framework.RequestHandler }

func (h *guarded) Guard() error {
	if h.Request.Header.Get("Word") != "sesame" {
		return h.Abort(http.StatusForbidden)
	}
	return nil
}

func (h *guarded) Dispatch() error {
	h.Response.Header().Set("Base", "dispatched")
	return h.RequestHandler.Dispatch()
}

type secret struct{ guarded }

func (h *secret) Get() error {
	_, err := io.WriteString(h, "the secret")
	return err
}

func (h *secret) List() error { return h.Get() }

// hasty does not call the Dispatch of its base.
type hasty struct{ secret }

func (h *hasty) Dispatch() error { return h.RequestHandler.Dispatch() }

// stricter requires more than its base does.
type stricter struct{ secret }

func (h *stricter) Guard() error {
	if err := h.secret.Guard(); err != nil {
		return err
	}
	if h.Request.Header.Get("Second") == "" {
		return errors.New("no second word")
	}
	return nil
}

type panicky struct{ secret }

func (h *panicky) Guard() error { panic("guard") }

func TestGuardIsAskedBeforeTheAction(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/secret", framework.To[secret](app))
	app.Handle("/list", framework.ToMethod(app, (*secret).List)).Methods("GET", "HEAD")
	app.Handle("/hasty", framework.To[hasty](app))
	app.Handle("/stricter", framework.To[stricter](app))
	app.Handle("/panicky", framework.To[panicky](app))
	for _, test := range []struct {
		method, path, word string
		status             int
	}{
		{"GET", "/secret", "", 403},
		{"HEAD", "/secret", "", 403},
		{"POST", "/secret", "", 403},
		{"OPTIONS", "/secret", "", 403},
		{"BREW", "/secret", "", 403},
		{"GET", "/list", "", 403},
		{"GET", "/hasty", "", 403},
		{"GET", "/stricter", "", 403},
		{"GET", "/stricter", "sesame", 500},
		{"GET", "/panicky", "sesame", 500},
		{"GET", "/secret", "sesame", 200},
		{"GET", "/list", "sesame", 200},
		{"GET", "/hasty", "sesame", 200},
		{"POST", "/secret", "sesame", 405},
		{"OPTIONS", "/secret", "sesame", 204},
		{"BREW", "/secret", "sesame", 501},
	} {
		t.Run(test.method+" "+test.path+" "+test.word, func(t *testing.T) {
			r := request(t, test.method, start(t, app).URL+test.path, "")
			r.Header.Set("Word", test.word)
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status {
				t.Errorf("answer %d, %v", answer.StatusCode, err)
			}
			if got := strings.Contains(body, "the secret"); got != (test.status == 200 && test.method == "GET") {
				t.Errorf("body %q", body)
			}
			if test.word == "" && answer.Header.Get("Allow") != "" {
				t.Error("Allow was told to somebody who may not know it")
			}
		})
	}
}

// The Fallback's Guard applies too, and its base's Dispatch runs.
func TestFallbackHasAGuard(t *testing.T) {
	app, _ := newApp(t)
	app.Fallback = func() framework.Handler { return new(secret) }
	for word, status := range map[string]int{"": 403, "sesame": 404} {
		r := request(t, "GET", start(t, app).URL+"/nowhere", "")
		r.Header.Set("Word", word)
		answer, body, _ := fetch(t, r)
		if answer.StatusCode != status || answer.Header.Get("Base") != "dispatched" || strings.Contains(body, "the secret") {
			t.Errorf("word %q: answer %d %v %q", word, answer.StatusCode, answer.Header, body)
		}
	}
}

// A Guard that has responded has refused: if it has set the status or written a body, the
// action does not run, even if the Guard returns nil.
func TestGuardThatAnswersRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		guard    func(h *refuser) error
		status   int
		body     string
		location string
	}{
		"Redirect":              {func(h *refuser) error { return h.Redirect("/in") }, 302, "", "/in"},
		"RedirectCode":          {func(h *refuser) error { return h.RedirectCode("/in", 303) }, 303, "", "/in"},
		"RedirectTo":            {func(h *refuser) error { return h.RedirectTo("in") }, 302, "", "/in"},
		"RedirectTo, forgotten": {func(h *refuser) error { h.RedirectTo("nowhere"); return nil }, 500, "", ""},
		"Redirect, forgotten":   {func(h *refuser) error { h.Redirect(""); return nil }, 400, "", ""},
		"RedirectAbort":         {func(h *refuser) error { return h.RedirectAbort("/in", 303) }, 303, "", "/in"},
		"RedirectAbort, forgotten": {func(h *refuser) error {
			h.RedirectAbort("/in", 307)
			return nil
		}, 307, "", "/in"},
		"Abort":            {func(h *refuser) error { return h.Abort(403, "no") }, 403, "no", ""},
		"Abort, forgotten": {func(h *refuser) error { h.Abort(403, "no"); return nil }, 403, "no", ""},
		"Abort, then a status": {func(h *refuser) error {
			h.Abort(403, "no")
			h.Response.WriteHeader(200)
			return nil
		}, 403, "no", ""},
		"WriteHeader":     {func(h *refuser) error { h.Response.WriteHeader(403); return nil }, 403, "", ""},
		"WriteHeader 200": {func(h *refuser) error { h.Response.WriteHeader(200); return nil }, 200, "", ""},
		"Write":           {func(h *refuser) error { io.WriteString(h, "no"); return nil }, 200, "no", ""},
		"WriteString":     {func(h *refuser) error { h.Response.WriteString("no"); return nil }, 200, "no", ""},
		"ReadFrom": {func(h *refuser) error {
			_, err := h.Response.ReadFrom(strings.NewReader("no"))
			return err
		}, 200, "no", ""},
		"http.Error":    {func(h *refuser) error { http.Error(h.Response, "no", http.StatusUnauthorized); return nil }, 401, "no", ""},
		"http.Redirect": {func(h *refuser) error { http.Redirect(h.Response, h.Request, "/in", http.StatusSeeOther); return nil }, 303, "", "/in"},
		"Flush":         {func(h *refuser) error { h.Response.Flush(); return nil }, 200, "", ""},
		"Reset":         {func(h *refuser) error { h.Response.WriteHeader(403); h.Response.Reset(); return nil }, 200, "", ""},
		"passed on":     {func(h *refuser) error { h.other.ServeHTTP(h.Response, h.Request); return nil }, 200, "", ""},
	} {
		for _, again := range []bool{false, true} { // Dispatch set the same status before
			for _, method := range []string{"GET", "POST", "HEAD"} {
				t.Run(fmt.Sprint(name, again, method), func(t *testing.T) {
					app, _ := newApp(t)
					ran := false
					other, before := framework.To[blank](app), 0
					if again {
						before = test.status
					}
					app.Handle("/", framework.From(app, func() *refuser {
						return &refuser{refuse: test.guard, ran: &ran, before: before, other: other}
					}))
					app.Handle("/in", framework.To[blank](app)).Name("in")
					answer, body := asked(t, app, method, "/")
					if ran {
						t.Error("the action ran")
					}
					if answer.StatusCode != test.status || answer.Header.Get("Location") != test.location {
						t.Errorf("answer %d to %q", answer.StatusCode, answer.Header.Get("Location"))
					}
					if strings.Contains(body, "the secret") || method != "HEAD" && !strings.Contains(body, test.body) {
						t.Errorf("body %q", body)
					}
				})
			}
		}
	}
}

// Headers and cookies alone are not a response, nor is a 103 or a commit: the action runs.
func TestGuardMayPrepareTheResponse(t *testing.T) {
	for name, guard := range map[string]func(h *refuser) error{
		"nothing": func(h *refuser) error { return nil },
		"header":  func(h *refuser) error { h.Response.Header().Set("X", "y"); return nil },
		"cookie":  func(h *refuser) error { http.SetCookie(h.Response, &http.Cookie{Name: "a", Value: "b"}); return nil },
		"103":     func(h *refuser) error { h.Response.WriteHeader(103); return nil },
		"Commit":  func(h *refuser) error { return h.Response.Commit() },
		"Abort of the package, handled": func(h *refuser) error {
			if err := framework.Abort(403); err == nil {
				return errors.New("no error")
			}
			return nil
		},
	} {
		for _, before := range []int{0, 201} {
			app, _ := newApp(t)
			ran := false
			app.Handle("/", framework.From(app, func() *refuser {
				return &refuser{refuse: guard, ran: &ran, before: before}
			}))
			answer, body := asked(t, app, "GET", "/")
			if want := max(before, 200); !ran || answer.StatusCode != want || !strings.Contains(body, "the secret") {
				t.Errorf("%s, status %d before: ran %v, answer %d %q", name, before, ran, answer.StatusCode, body)
			}
		}
	}
}

// asked sends one request to a server of app.
func asked(t *testing.T, app *framework.App, method, path string) (*http.Response, string) {
	t.Helper()
	answer, body, err := fetch(t, request(t, method, start(t, app).URL+path, ""))
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

// refuser has a Guard that the test gives it, and records whether its action ran.
type refuser struct {
	framework.RequestHandler
	refuse func(*refuser) error
	ran    *bool
	before int
	other  http.Handler
}

func (h *refuser) Dispatch() error {
	if h.before != 0 {
		h.Response.WriteHeader(h.before)
	}
	return h.RequestHandler.Dispatch()
}

func (h *refuser) Guard() error { return h.refuse(h) }

func (h *refuser) Get() error {
	*h.ran = true
	_, err := io.WriteString(h, "the secret")
	return err
}

func (h *refuser) Post() error { return h.Get() }

// blank responds with an empty 200.
type blank struct{ framework.RequestHandler }

func (h *blank) Get() error  { return nil }
func (h *blank) Post() error { return nil }

// A redirect without a target is a mistake of the program, not a response.
func TestAbortOfARedirectIsAMistake(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		for name, fail := range map[string]error{
			"Abort": framework.Abort(code), "Error": &framework.Error{Code: code},
		} {
			app, log := appOf(t, func(h *action) error {
				h.Response.Header().Set("Location", "/there")
				return fail
			})
			answer, _ := asked(t, app, "GET", "/")
			if answer.StatusCode != 500 || answer.Header.Get("Location") != "" {
				t.Errorf("%s(%d): answer %d to %q", name, code, answer.StatusCode, answer.Header.Get("Location"))
			}
			if name == "Abort" && !strings.Contains(log.String(), "use RedirectAbort") {
				t.Errorf("Abort(%d): the log does not say how to fix it: %s", code, log)
			}
		}
	}
	if got := framework.Status(framework.Abort(304)); got != 304 {
		t.Errorf("304 answers %d", got)
	}
}
