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

// A troubled handler fails. Its HandleError is a function of the test.
type troubled struct {
	framework.RequestHandler
	err    error
	handle func(h *troubled, err error) error
	calls  int
}

func (h *troubled) Get() error {
	h.Response.Header().Set("Kept", "by the error")
	h.Response.Header().Set("Etag", `"of the page"`)
	io.WriteString(h, "half a page")
	return h.err
}

func (h *troubled) HandleError(err error) error {
	h.calls++
	if h.Response.Header().Get("Etag") != "" || h.Response.Status() != framework.Status(err) {
		return fmt.Errorf("the answer was not made ready: status %d", h.Response.Status())
	}
	return h.handle(h, err)
}

var errOther = errors.New("another error")

func TestHandleError(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		handle func(h *troubled, err error) error
		status int
		body   string // that the response must contain
		logged int
	}{
		"passes on":        {framework.Abort(404), func(h *troubled, err error) error { return err }, 404, "Not Found", 0},
		"answers":          {framework.Abort(404), func(h *troubled, _ error) error { _, err := io.WriteString(h, "own page"); return err }, 404, "own page", 0},
		"says nothing":     {io.EOF, func(h *troubled, err error) error { return nil }, 500, "", 0},
		"sets a status":    {io.EOF, func(h *troubled, err error) error { h.Response.WriteHeader(202); return nil }, 202, "", 0},
		"redirects":        {framework.Abort(401), func(h *troubled, err error) error { return h.Redirect("/login") }, 302, "", 0},
		"translates":       {io.EOF, func(h *troubled, err error) error { return &framework.Error{Code: 404, Err: err} }, 404, "Not Found", 0},
		"fails itself":     {framework.Abort(404), func(h *troubled, err error) error { return errOther }, 500, "Internal Server Error", 1},
		"half an answer":   {io.EOF, func(h *troubled, err error) error { io.WriteString(h, "half"); return err }, 500, "Internal Server Error", 1},
		"panics":           {framework.Abort(404), func(h *troubled, err error) error { panic("in HandleError") }, 500, "Internal Server Error", 1},
		"panics on a 500":  {io.EOF, func(h *troubled, err error) error { panic("in HandleError") }, 500, "Internal Server Error", 2},
		"throws its error": {framework.Abort(404), func(h *troubled, err error) error { panic(err) }, 404, "Not Found", 0},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := newApp(t)
			var h *troubled
			app.Handle("/", framework.From(app, func() *troubled {
				h = &troubled{err: test.err, handle: test.handle}
				return h
			}))
			answer, body := get(t, start(t, app).URL+"/")
			if answer.StatusCode != test.status || !strings.Contains(body, test.body) || strings.Contains(body, "half") || test.body == "" && body != "" {
				t.Errorf("answer %d %q", answer.StatusCode, body)
			}
			if answer.Header.Get("Kept") == "" || answer.Header.Get("Etag") != "" {
				t.Errorf("header %v", answer.Header)
			}
			if h.calls != 1 {
				t.Errorf("HandleError was called %d times", h.calls)
			}
			if n := log.records("level=ERROR"); n != test.logged {
				t.Errorf("%d log records, want %d:\n%s", n, test.logged, log)
			}
		})
	}
}

func TestSiteErrors(t *testing.T) {
	for name, test := range map[string]struct {
		handler framework.ErrorHandler // of the 404
		status  int
		body    string
		logged  int
	}{
		"answers": {func(h framework.Handler, _ error) error {
			_, err := io.WriteString(h.(*action), "own 404")
			return err
		}, 404, "own 404", 0},
		"passes on":      {func(h framework.Handler, err error) error { return err }, 404, "Not Found", 0},
		"half an answer": {func(h framework.Handler, err error) error { io.WriteString(h.(*action), "half"); return err }, 404, "Not Found", 0},
		"fails":          {func(h framework.Handler, err error) error { return errOther }, 500, "Internal Server Error", 1},
		"panics":         {func(h framework.Handler, err error) error { panic("in the handler") }, 500, "Internal Server Error", 1},
		"redirects":      {func(h framework.Handler, err error) error { return h.(*action).Redirect("/") }, 302, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			app, log := appOf(t, func(h *action) error { return h.Abort(404) })
			app.Errors = map[int]framework.ErrorHandler{
				404: func(h framework.Handler, err error) error { calls++; return test.handler(h, err) },
				500: func(framework.Handler, error) error { t.Error("the 500 of an error page was asked for"); return nil },
			}
			answer, body := get(t, start(t, app).URL+"/")
			if answer.StatusCode != test.status || !strings.Contains(body, test.body) || strings.Contains(body, "half") {
				t.Errorf("answer %d %q", answer.StatusCode, body)
			}
			if calls != 1 || log.records("level=ERROR") != test.logged {
				t.Errorf("%d calls, log:\n%s", calls, log)
			}
		})
	}
}

// An error page that has begun to stream cannot be replaced.
func TestSiteErrorFailsAfterSending(t *testing.T) {
	app, log := appOf(t, func(h *action) error { return h.Abort(404) })
	app.Errors = map[int]framework.ErrorHandler{404: func(h framework.Handler, err error) error {
		io.WriteString(h.(*action), "half")
		h.(*action).Response.Flush()
		return errOther
	}}
	answer, body, err := fetch(t, request(t, "GET", start(t, app).URL+"/", ""))
	if answer.StatusCode != 404 || body != "half" || err == nil {
		t.Errorf("answer %d %q, ended by %v", answer.StatusCode, body, err)
	}
	if log.records("level=ERROR", "another error") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

// What App.Errors can do with a redirect that is an error, webapp2's redirect(abort=True).
func TestSiteErrorsOfARedirect(t *testing.T) {
	app, _ := appOf(t, func(h *action) error { return h.RedirectAbort("/there", http.StatusFound) })
	app.Errors = map[int]framework.ErrorHandler{302: func(h framework.Handler, _ error) error {
		_, err := io.WriteString(h.(*action), "gone there")
		return err
	}}
	answer, body := get(t, start(t, app).URL+"/")
	if answer.StatusCode != 302 || answer.Header.Get("Location") != "/there" || body != "gone there" {
		t.Errorf("answer %d %v %q", answer.StatusCode, answer.Header, body)
	}
}

// If a redirect is replaced by another error, it has no Location.
func TestErrorAroundARedirectHasNoLocation(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		return &framework.Error{Code: 403, Err: h.RedirectAbort("/there", http.StatusFound)}
	})
	if answer := ask(app, "GET", "/"); answer.Code != 403 || answer.Header().Get("Location") != "" {
		t.Errorf("answer %d %v", answer.Code, answer.Header())
	}
}

func TestOnlyErrorsOfTheServerAreLogged(t *testing.T) {
	for status, logged := range map[int]int{304: 0, 400: 0, 404: 0, 499: 0, 500: 1, 501: 0, 503: 1, 599: 1} {
		app, log := appOf(t, func(h *action) error { return h.Abort(status) })
		if answer := ask(app, "GET", "/"); answer.Code != status || log.records("level=ERROR") != logged {
			t.Errorf("%d: answer %d, log:\n%s", status, answer.Code, log)
		}
	}
}

// Every 503 has a Retry-After, however it is made. A value that the program sets stays. If it
// is nil, there is no Retry-After.
func TestRetryAfter(t *testing.T) {
	type result = func(h *action) error
	after := func(value []string, then result) result {
		return func(h *action) error {
			h.Response.Header()["Retry-After"] = value
			return then(h)
		}
	}
	abort := func(code int) result { return func(h *action) error { return h.Abort(code) } }
	status := func(code int) result {
		return func(h *action) error { h.Response.WriteHeader(code); return nil }
	}
	for name, test := range map[string]struct {
		do   result
		want string
	}{
		"an error": {abort(503), "2"},
		"thrown":   {func(h *action) error { panic(framework.Abort(503)) }, "2"},
		"a status": {status(503), "2"},
		"streamed": {func(h *action) error { h.Response.WriteHeader(503); return h.Response.FlushError() }, "2"},
		"of a hook": {func(h *action) error {
			h.Response.BeforeSend(func(http.ResponseWriter) error { return framework.Abort(503) })
			return nil
		}, "2"},
		"of the site's page":  {abort(502), "2"},
		"said":                {after([]string{"120"}, abort(503)), "120"},
		"said with a status":  {after([]string{"Fri, 31 Dec 1999 23:59:59 GMT"}, status(503)), "Fri, 31 Dec 1999 23:59:59 GMT"},
		"declined":            {after(nil, abort(503)), ""},
		"another error":       {abort(500), ""},
		"another that says":   {after([]string{"7"}, abort(429)), "7"},
		"no error":            {status(200), ""},
		"an error taken back": {func(h *action) error { h.Response.WriteHeader(503); h.Response.Reset(); return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := appOf(t, test.do)
			app.Errors = map[int]framework.ErrorHandler{502: func(h framework.Handler, _ error) error {
				h.(*action).Response.WriteHeader(503)
				return nil
			}}
			server := start(t, app)
			for _, method := range []string{"GET", "HEAD"} {
				answer, _, err := fetch(t, request(t, method, server.URL+"/", ""))
				if err != nil {
					t.Fatal(err)
				}
				if got := answer.Header.Get("Retry-After"); got != test.want {
					t.Errorf("%s: %d with Retry-After %q, want %q", method, answer.StatusCode, got, test.want)
				}
			}
		})
	}
}

// The same holds for any http.Handler that an App serves.
func TestRetryAfterOfAnHTTPHandler(t *testing.T) {
	app, _ := newApp(t)
	app.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	if answer := ask(app, "GET", "/health"); answer.Code != 503 || answer.Header().Get("Retry-After") != "2" {
		t.Errorf("answer %d %v", answer.Code, answer.Header())
	}
}
