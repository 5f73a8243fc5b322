package handlers_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// trace records the steps of the handlers below.
type trace struct {
	mu    sync.Mutex
	steps []string
}

func (t *trace) add(step string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, step)
}

func (t *trace) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	steps := t.steps
	t.steps = nil
	return steps
}

var traced trace

// siteHandler, adminHandler and pageHandler are three levels of base handlers.
type siteHandler struct{ handlers.BaseHandler }

func (h *siteHandler) Dispatch() error {
	traced.add("site>")
	err := h.BaseHandler.Dispatch()
	h.Session().Incr("after", 1)
	traced.add("<site")
	return err
}

func (h *siteHandler) HandleError(err error) error {
	traced.add("site.HandleError")
	return h.BaseHandler.HandleError(err)
}

type adminHandler struct{ siteHandler }

func (h *adminHandler) Dispatch() error {
	traced.add("admin>")
	err := h.siteHandler.Dispatch()
	traced.add("<admin")
	return err
}

type pageHandler struct{ adminHandler }

func (h *pageHandler) Dispatch() error {
	traced.add("page>")
	err := h.adminHandler.Dispatch()
	traced.add("<page")
	return err
}

func (h *pageHandler) HandleError(err error) error {
	traced.add("page.HandleError")
	return h.adminHandler.HandleError(err)
}

func (h *pageHandler) Guard() error { traced.add("Guard"); return nil }
func (h *pageHandler) Get() error   { traced.add("Get"); return nil }
func (h *pageHandler) Post() error  { traced.add("Post"); return errors.New("broken") }
func (h *pageHandler) Put() error   { traced.add("Put"); panic("broken") }
func (h *pageHandler) Patch() error { traced.add("Patch"); return h.Redirect("/elsewhere") }

func TestChainRunsInOrder(t *testing.T) {
	tests := []struct {
		method string
		status int
		steps  string
	}{
		{"GET", 200, "page> admin> site> Guard Get <site <admin <page"},
		{"PATCH", 302, "page> admin> site> Guard Patch <site <admin <page"},
		{"POST", 500, "page> admin> site> Guard Post <site <admin <page page.HandleError site.HandleError"},
		{"PUT", 500, "page> admin> site> Guard Put <site <admin <page page.HandleError site.HandleError"},
		{"DELETE", 405, "page> admin> site> Guard <site <admin <page page.HandleError site.HandleError"},
	}
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serve(t, backend(), func(s *server) { s.app.Handle("/page", framework.To[pageHandler](s.app)) })
			for _, test := range tests {
				t.Run(test.method, func(t *testing.T) {
					traced.take()
					c := s.client(t)
					a := c.do(test.method, "/page", nil)
					if a.status != test.status {
						t.Errorf("status %d, want %d", a.status, test.status)
					}
					if got := traced.take(); !slices.Equal(got, strings.Fields(test.steps)) {
						t.Errorf("steps\n got %s\nwant %s", strings.Join(got, " "), test.steps)
					}
					if c.cookie("session") == "" {
						t.Error("what the after-part did to the session is lost")
					}
				})
			}
		})
	}
}

// earlyHandler reads the session, changes it and redirects before it delegates to the base.
// In webapp2 that fails, because the base opens the session store.
type earlyHandler struct{ handlers.BaseHandler }

func (h *earlyHandler) Dispatch() error {
	if seen, _ := sessions.Get[bool](h.Session(), "seen"); !seen {
		h.Session().Set("seen", true)
		h.Flash("This is your first time.", "info")
		return h.Redirect("/early")
	}
	return h.BaseHandler.Dispatch()
}

func (h *earlyHandler) Get() error { return h.Render("error", handlers.ErrorData{Text: "seen"}) }

func TestOverrideCanUseTheSessionAndRedirect(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serve(t, backend(), func(s *server) { s.app.Handle("/early", framework.To[earlyHandler](s.app)) })
			c := s.client(t)
			c.get("/early").redirects(t, "/early")
			c.get("/early").shows(t, 200, "seen", "This is your first time.")
		})
	}
}

// skippingHandler does not call the Dispatch of its base.
type skippingHandler struct{ handlers.PrivateHandler }

func (h *skippingHandler) Dispatch() error { return h.RequestHandler.Dispatch() }
func (h *skippingHandler) Get() error      { return h.Render("error", handlers.ErrorData{Text: "secret"}) }

func TestGuardRunsIfDispatchIsSkipped(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.app.Handle("/secret", framework.To[skippingHandler](s.app)) })
	c := s.client(t)
	a := c.get("/secret?x=1")
	a.redirects(t, "/login?next=%2Fsecret%3Fx%3D1")
	a.hides(t, "secret</h1>")
	c.signUp("ann")
	c.get("/secret").shows(t, 200, "secret")
}

func TestGuardRedirectsOnlyBrowsers(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	tests := []struct {
		name, method, accept string
		status               int
		location             string
	}{
		{"browser", "GET", "text/html,application/xhtml+xml", 302, "/login?next=%2Faccount"},
		{"browser's form", "POST", "text/html", 302, "/login?next=%2Faccount&unprocessed=1"},
		{"program", "GET", "application/json", http.StatusUnauthorized, ""},
		{"curl", "GET", "*/*", http.StatusUnauthorized, ""},
		{"none", "GET", "", http.StatusUnauthorized, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := s.client(t).do(test.method, "/account", nil, "Accept", test.accept)
			if a.status != test.status || a.header.Get("Location") != test.location {
				t.Errorf("%d to %q, want %d to %q", a.status, a.header.Get("Location"), test.status, test.location)
			}
			if a.status == http.StatusUnauthorized && a.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

// A path that accepts only POST is not used as next.
func TestOnlyAPageThatServesGETBecomesNext(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Handle("/post-only", framework.To[postOnlyHandler](s.app))
	})
	for _, method := range []string{"GET", "HEAD"} {
		s.client(t).do(method, "/post-only", nil, "Accept", "text/html").redirects(t, "/login")
		s.client(t).do(method, "/account", nil, "Accept", "text/html").redirects(t, "/login?next=%2Faccount")
	}
}

type postOnlyHandler struct{ handlers.PrivateHandler }

func (h *postOnlyHandler) Post() error { return nil }
