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

func bake(name string) func(http.ResponseWriter) error {
	return func(w http.ResponseWriter) error {
		http.SetCookie(w, &http.Cookie{Name: name, Value: "baked"})
		return nil
	}
}

// A hook runs once, before the header is written, however the action ends.
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
		"redirectAbort": {func(h *action) error { return h.RedirectAbort("/there", http.StatusFound) }, 302},
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
				if w.(interface{ HeaderWritten() bool }).HeaderWritten() {
					t.Error("a hook ran after the header had been written")
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

// A hook that is registered after the header was written runs at the end. A change that it can
// no longer make is logged once.
func TestHookRegisteredAfterFlush(t *testing.T) {
	for name, hook := range map[string]func(http.ResponseWriter) error{
		"fails":  func(w http.ResponseWriter) error { return fmt.Errorf("sessions: %w", framework.ErrHeaderWritten) },
		"panics": func(w http.ResponseWriter) error { panic("late") },
	} {
		t.Run(name, func(t *testing.T) {
			ended := false
			app, log := appOf(t, func(h *action) error {
				h.Response.Flush()
				h.Response.BeforeSend(func(w http.ResponseWriter) error {
					if !ended || !w.(*framework.Response).HeaderWritten() {
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
			if log.records("a change came after the header was written", "method=GET", "path=/") != 1 || log.records("level=ERROR") != 1 {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// If a hook sends the header itself, later hooks cannot change it: one that it registers then
// runs at the end.
func TestHookOfAHookThatFlushed(t *testing.T) {
	ended, ran := false, 0
	app, log := appOf(t, func(h *action) error {
		h.Response.BeforeSend(func(w http.ResponseWriter) error {
			response := w.(*framework.Response)
			response.Flush()
			response.BeforeSend(func(http.ResponseWriter) error {
				if ran++; !ended {
					t.Error("it did not run at the end")
				}
				return framework.ErrHeaderWritten
			})
			return nil
		})
		if _, err := io.WriteString(h, "page"); err != nil {
			return err
		}
		h.Response.Flush()
		ended = true
		return nil
	})
	answer, body := get(t, start(t, app).URL+"/")
	if answer.StatusCode != 200 || body != "page" || ran != 1 {
		t.Errorf("answer %d %q, the hook ran %d times", answer.StatusCode, body, ran)
	}
	if log.records("a change came after the header was written", "method=GET", "path=/") != 1 || log.records("level=ERROR") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

// After Commit no hook runs again. A hook that is registered after it runs before the header.
func TestCommit(t *testing.T) {
	first, second := 0, 0
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(func(http.ResponseWriter) error { first++; return nil })
		for range 2 {
			if err := h.Response.Commit(); err != nil {
				return err
			}
		}
		if first != 1 || h.Response.HeaderWritten() {
			t.Errorf("after Commit: %d runs, sent: %v", first, h.Response.HeaderWritten())
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

// counted is a Saver that counts.
type counted struct {
	saves int
	fail  error
}

func (c *counted) Save(http.ResponseWriter) error { c.saves++; return c.fail }

// A Saver runs once, after all hooks, however the response begins. Its error becomes the
// response, like that of a hook. A second Saver runs too.
func TestSaveWith(t *testing.T) {
	for name, respond := range map[string]func(h *action) error{
		"return": func(h *action) error { return nil },
		"abort":  func(h *action) error { return h.Abort(404) },
		"panic":  func(h *action) error { panic("x") },
		"flush":  func(h *action) error { h.Response.Flush(); return nil },
		"commit": func(h *action) error { return h.Response.Commit() },
	} {
		for _, fail := range []error{nil, framework.Abort(503)} {
			first, second := &counted{fail: fail}, &counted{}
			order := ""
			app, _ := appOf(t, func(h *action) error {
				h.Response.SaveWith(first)
				h.Response.SaveWith(second)
				h.Response.BeforeSend(func(http.ResponseWriter) error {
					order += fmt.Sprint(first.saves)
					return nil
				})
				return respond(h)
			})
			answer := ask(app, "GET", "/")
			if first.saves != 1 || second.saves != 1 || order != "0" {
				t.Errorf("%s: saved %d and %d times, the hook saw %q", name, first.saves, second.saves, order)
			}
			if (answer.Code == 503) != (fail != nil) {
				t.Errorf("%s: status %d, the save failed: %v", name, answer.Code, fail != nil)
			}
		}
	}
}
