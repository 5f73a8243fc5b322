package handlers_test

import (
	"net/http"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/internal/alloctest"
	"github.com/webapp2go/webapp2go/sessions"
)

// helloPage does not use the session, readPage reads a value, visitPage changes one.
type (
	helloPage struct{ handlers.BaseHandler }
	readPage  struct{ handlers.BaseHandler }
	visitPage struct{ handlers.BaseHandler }
)

func (h *helloPage) Get() error {
	_, err := h.Response.WriteString("hello")
	return err
}

func (h *readPage) Get() error {
	if visits, _ := sessions.Get[int](h.Session(), "visits"); visits == 0 {
		return h.Abort(http.StatusForbidden)
	}
	return nil
}

func (h *visitPage) Get() error {
	h.Session().Incr("visits", 1)
	return nil
}

// A request to a whole site with its security headers allocates nothing for features that it
// does not use.
func TestAllocations(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/hello", framework.To[helloPage](app))
	app.Handle("/read", framework.To[readPage](app))
	app.Handle("/visit", framework.To[visitPage](app))
	get := func(path string) *http.Request {
		r, err := http.NewRequest(http.MethodGet, path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	w := alloctest.NewWriter()
	app.ServeHTTP(w, get("/visit"))
	cookie, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path      string
		anonymous bool
		most      float64
	}{
		"anonymous":            {"/hello", true, 2}, // the handler with its Response, the security headers
		"a session left alone": {"/hello", false, 2},
		"a session read":       {"/read", false, 8}, // and the store, the hook that saves it, the session, its text, Vary and Cache-Control
		"a session changed":    {"/visit", false, 10},
		"a session made":       {"/visit", true, 9},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(test.path)
			if !test.anonymous {
				r.AddCookie(cookie)
			}
			alloctest.Check(t, test.most, func() {
				w.Reset()
				app.ServeHTTP(w, r)
			})
		})
	}
}
