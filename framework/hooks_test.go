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

// errDown is what a hook fails with: it asks for a 503, as a session's error does.
type errDown struct{}

func (errDown) Error() string   { return "the store is down" }
func (errDown) HTTPStatus() int { return http.StatusServiceUnavailable }

func fail(http.ResponseWriter) error { return errDown{} }

func bake(name string) func(http.ResponseWriter) error {
	return func(w http.ResponseWriter) error {
		http.SetCookie(w, &http.Cookie{Name: name, Value: "baked"})
		return nil
	}
}

// A hook runs once and before the header, however the action ends.
func TestHookRunsBeforeTheHeader(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(h *action) error
		status int
	}{
		"return":        {func(h *action) error { return nil }, 200},
		"write":         {func(h *action) error { _, err := io.WriteString(h, "page"); return err }, 200},
		"error":         {func(h *action) error { return errors.New("broken") }, 500},
		"abort":         {func(h *action) error { return h.Abort(404) }, 404},
		"redirect":      {func(h *action) error { return h.Redirect("/there") }, 302},
		"redirectAbort": {func(h *action) error { return h.RedirectAbort("/there") }, 302},
		"panic":         {func(h *action) error { panic("broken") }, 500},
		"flush":         {func(h *action) error { h.Response.Flush(); return nil }, 200},
		"commit":        {func(h *action) error { return h.Response.Commit() }, 200},
		"large":         {func(h *action) error { _, err := io.WriteString(h, strings.Repeat("x", 80<<10)); return err }, 200},
		"204":           {func(h *action) error { h.Response.WriteHeader(204); return nil }, 204},
		"304":           {func(h *action) error { h.Response.WriteHeader(304); return nil }, 304},
	} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			app, _ := appOf(t, func(h *action) error {
				h.Response.BeforeSend(bake("session"))
				h.Response.BeforeSend(func(http.ResponseWriter) error { runs++; return nil })
				return test.end(h)
			})
			answer, _ := get(t, start(t, app).URL+"/")
			if answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
			if runs != 1 {
				t.Errorf("the hook ran %d times", runs)
			}
			if cookies := answer.Cookies(); len(cookies) != 1 || cookies[0].Name != "session" {
				t.Errorf("cookies %v", cookies)
			}
		})
	}
}

func TestHooksRunInOrderThoseOfHooksToo(t *testing.T) {
	var order []string
	app, _ := appOf(t, func(h *action) error {
		for _, name := range []string{"a", "b"} {
			h.Response.BeforeSend(func(w http.ResponseWriter) error {
				order = append(order, name)
				if name == "a" {
					h.Response.BeforeSend(func(http.ResponseWriter) error { order = append(order, "c"); return nil })
				}
				if w.(interface{ Sent() bool }).Sent() {
					t.Error("a hook ran after the header had gone")
				}
				return nil
			})
		}
		return nil
	})
	ask(app, "GET", "/")
	if got := strings.Join(order, " "); got != "a b c" {
		t.Errorf("order %q", got)
	}
}

// A hook that fails replaces the answer, and all hooks run although one fails.
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
			if answer.Header.Get("Cache-Control") != "" {
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

// The Write that makes the header go returns the hook's error, and what follows of
// the body is dropped.
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

// A hook of the error page's own, after one has failed, runs late and once.
func TestHookOfAnErrorPageAfterAFailedHook(t *testing.T) {
	runs := 0
	app, log := appOf(t, func(h *action) error {
		h.Response.BeforeSend(fail)
		return nil
	})
	app.Errors = map[int]framework.ErrorHandler{503: func(h framework.Handler, err error) error {
		h.(*action).Response.BeforeSend(func(w http.ResponseWriter) error {
			runs++
			if !w.(*framework.Response).Sent() {
				t.Error("it ran before the header had gone")
			}
			return framework.ErrSent
		})
		_, err = io.WriteString(h.(*action), "site's page")
		return err
	}}
	answer, body := get(t, start(t, app).URL+"/")
	if answer.StatusCode != 503 || body != "site's page" || runs != 1 {
		t.Errorf("answer %d %q, %d runs", answer.StatusCode, body, runs)
	}
	if log.records("change after the header had gone") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

// A hook that comes after the header has gone runs at the end, and what it cannot do
// is logged once.
func TestHookRegisteredAfterFlush(t *testing.T) {
	for name, hook := range map[string]func(http.ResponseWriter) error{
		"fails":  func(w http.ResponseWriter) error { return fmt.Errorf("sessions: %w", framework.ErrSent) },
		"panics": func(w http.ResponseWriter) error { panic("late") },
	} {
		t.Run(name, func(t *testing.T) {
			ended := false
			app, log := appOf(t, func(h *action) error {
				h.Response.Flush()
				h.Response.BeforeSend(func(w http.ResponseWriter) error {
					if !ended || !w.(*framework.Response).Sent() {
						t.Error("it did not run at the end")
					}
					return hook(w)
				})
				_, err := io.WriteString(h, "page")
				ended = true
				return err
			})
			answer, body := get(t, start(t, app).URL+"/")
			if answer.StatusCode != 200 || body != "page" {
				t.Errorf("answer %d %q", answer.StatusCode, body)
			}
			if log.records("change after the header had gone") != 1 || log.records("level=ERROR") != 1 {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// After Commit nothing runs again, and what is registered then runs before the header.
func TestCommit(t *testing.T) {
	first, second := 0, 0
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(func(http.ResponseWriter) error { first++; return nil })
		for range 2 {
			if err := h.Response.Commit(); err != nil {
				return err
			}
		}
		if first != 1 || h.Response.Sent() {
			t.Errorf("after Commit: %d runs, sent: %v", first, h.Response.Sent())
		}
		h.Response.BeforeSend(func(http.ResponseWriter) error { second++; return nil })
		h.Response.Flush()
		return h.Response.Commit()
	})
	ask(app, "GET", "/")
	if first != 1 || second != 1 {
		t.Errorf("%d and %d runs", first, second)
	}
}

func TestHookMayRedirect(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(func(http.ResponseWriter) error { return h.Redirect("/login") })
		_, err := io.WriteString(h, "page")
		return err
	})
	answer, body := get(t, start(t, app).URL+"/")
	if answer.StatusCode != 302 || answer.Header.Get("Location") != "/login" || body != "" {
		t.Errorf("answer %d %v %q", answer.StatusCode, answer.Header, body)
	}
}
