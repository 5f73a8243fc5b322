package framework_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// guarded is a base that lets in who has the word.
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

// hasty skips the Dispatch of the base that it should call.
type hasty struct{ secret }

func (h *hasty) Dispatch() error { return h.RequestHandler.Dispatch() }

// stricter asks for more than its base does.
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
		verb, path, word string
		status           int
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
		t.Run(test.verb+" "+test.path+" "+test.word, func(t *testing.T) {
			r := request(t, test.verb, start(t, app).URL+test.path, "")
			r.Header.Set("Word", test.word)
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status {
				t.Errorf("answer %d, %v", answer.StatusCode, err)
			}
			if got := strings.Contains(body, "the secret"); got != (test.status == 200 && test.verb == "GET") {
				t.Errorf("body %q", body)
			}
			if test.word == "" && answer.Header.Get("Allow") != "" {
				t.Error("Allow was told to somebody who may not know it")
			}
		})
	}
}

// The Fallback's Guard holds as well, and its base's Dispatch runs.
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
