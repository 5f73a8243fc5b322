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

// errDown is the error of a failing hook. Its status is 503, as that of a session's error.
type errDown struct{}

func (errDown) Error() string   { return "the store is down" }
func (errDown) HTTPStatus() int { return http.StatusServiceUnavailable }

func fail(http.ResponseWriter) error { return errDown{} }

// A hook that fails replaces the response. All hooks run, even if one fails.
func TestFailingHook(t *testing.T) {
	for name, test := range map[string]struct {
		hook   func(http.ResponseWriter) error
		end    func(h *action) error
		status int
	}{
		"after a page":      {fail, func(h *action) error { _, err := io.WriteString(h, "page"); return err }, 503},
		"after a redirect":  {fail, func(h *action) error { return h.Redirect("/there") }, 503},
		"after an error":    {fail, func(h *action) error { return h.Abort(404) }, 503},
		"in Commit":         {fail, func(h *action) error { return h.Response.Commit() }, 503},
		"in Commit, hidden": {fail, func(h *action) error { _ = h.Response.Commit(); return nil }, 503},
		"covered by a 404":  {fail, func(h *action) error { _ = h.Response.Commit(); return h.Abort(404) }, 503},
		"in Flush":          {fail, func(h *action) error { h.Response.Flush(); return nil }, 503},
		"in 101":            {fail, func(h *action) error { h.Response.WriteHeader(101); return nil }, 503},
		"panics":            {func(http.ResponseWriter) error { panic("hook") }, func(h *action) error { return nil }, 500},
		"panics in Flush":   {func(http.ResponseWriter) error { panic("hook") }, func(h *action) error { return h.Response.FlushError() }, 500},
	} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			app, log := appOf(t, func(h *action) error {
				h.Response.Header().Set("Cache-Control", "immutable")
				h.Response.BeforeSend(bake("first"))
				h.Response.BeforeSend(func(w http.ResponseWriter) error { runs++; return test.hook(w) })
				h.Response.BeforeSend(bake("last"))
				return test.end(h)
			})
			answer, body := get(t, start(t, app).URL+"/")
			if answer.StatusCode != test.status || strings.Contains(body, "page") || answer.Header.Get("Location") != "" {
				t.Errorf("answer %d %v %q", answer.StatusCode, answer.Header, body)
			}
			if control := answer.Header.Get("Cache-Control"); control != "no-store" {
				t.Error("the error may be cached for ever")
			}
			if runs != 1 {
				t.Errorf("the hook ran %d times", runs)
			}
			if n := len(answer.Cookies()); n != 2 {
				t.Errorf("%d cookies, want those of the other hooks", n)
			}
			if n := log.records("level=ERROR", fmt.Sprintf("status=%d", test.status)); n != 1 {
				t.Errorf("%d log records of the failure:\n%s", n, log)
			}
		})
	}
}

// The Write that sends the header returns the hook's error, and the rest of the body is
// dropped.
func TestHookFailsAfter80KB(t *testing.T) {
	var wrote []error
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(fail)
		for range 10 {
			_, err := h.Write(make([]byte, 8<<10))
			wrote = append(wrote, err)
		}
		h.Response.WriteHeader(http.StatusTeapot)
		if err := h.Response.FlushError(); !errors.Is(err, errDown{}) {
			t.Errorf("Flush returned %v", err)
		}
		if _, _, err := h.Response.Hijack(); !errors.Is(err, errDown{}) {
			t.Errorf("Hijack returned %v", err)
		}
		if n, err := h.Response.ReadFrom(strings.NewReader("more")); n != 0 || !errors.Is(err, errDown{}) {
			t.Errorf("ReadFrom returned %d, %v", n, err)
		}
		return nil
	})
	answer, body := get(t, start(t, app).URL+"/")
	if answer.StatusCode != 503 || !strings.Contains(body, "Service Unavailable") || strings.Contains(body, "\x00") {
		t.Errorf("answer %d, %d bytes: %.80q", answer.StatusCode, len(body), body)
	}
	for i, err := range wrote {
		if fits := i < 8; fits && err != nil || !fits && !errors.Is(err, errDown{}) {
			t.Errorf("write %d returned %v", i+1, err)
		}
	}
}

// A hook that the error page registers after another hook has failed runs late and once.
func TestHookOfAnErrorPageAfterAFailedHook(t *testing.T) {
	runs := 0
	app, log := appOf(t, func(h *action) error {
		h.Response.BeforeSend(fail)
		return nil
	})
	app.Errors = map[int]framework.ErrorHandler{503: func(h framework.Handler, _ error) error {
		h.(*action).Response.BeforeSend(func(w http.ResponseWriter) error {
			runs++
			if !w.(*framework.Response).HeaderWritten() {
				t.Error("it ran before the header had been written")
			}
			return framework.ErrHeaderWritten
		})
		_, err := io.WriteString(h.(*action), "site's page")
		return err
	}}
	answer, body := get(t, start(t, app).URL+"/")
	if answer.StatusCode != 503 || body != "site's page" || runs != 1 {
		t.Errorf("answer %d %q, %d runs", answer.StatusCode, body, runs)
	}
	if log.records("a change came after the header was written", "method=GET", "path=/") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

func TestHookFailsInReadFrom(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(fail)
		n, err := h.Response.ReadFrom(strings.NewReader(strings.Repeat("x", 80<<10)))
		if n != 64<<10 || !errors.Is(err, errDown{}) {
			t.Errorf("ReadFrom returned %d, %v", n, err)
		}
		if _, err := h.Response.WriteString("more"); !errors.Is(err, errDown{}) {
			t.Errorf("WriteString returned %v", err)
		}
		return nil
	})
	if answer, body := get(t, start(t, app).URL+"/"); answer.StatusCode != 503 || strings.Contains(body, "xxx") || strings.Contains(body, "more") {
		t.Errorf("answer %d %q", answer.StatusCode, body)
	}
}

func TestTwoHooksFail(t *testing.T) {
	app, log := appOf(t, func(h *action) error {
		h.Response.BeforeSend(func(http.ResponseWriter) error { return errors.New("the first") })
		h.Response.BeforeSend(fail)
		return nil
	})
	if answer := ask(app, "GET", "/"); answer.Code != 503 || log.records("the first", "the store is down") != 1 {
		t.Errorf("answer %d, log:\n%s", answer.Code, log)
	}
}
