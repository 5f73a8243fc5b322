package handlers_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// draftHandler is a private page with a form.
type draftHandler struct{ handlers.PrivateHandler }

func (h *draftHandler) Get() error { return h.JSON(h.Page().Values) }

func (h *draftHandler) Post() error { return h.Abort(418, "The form was processed.") }

// saveHandler receives the form of another page.
type saveHandler struct{ handlers.PrivateHandler }

func (h *saveHandler) Post() error { return h.Abort(418, "The form was processed.") }

func serveDrafts(t *testing.T, backend sessions.Backend) *server {
	return serve(t, backend, func(s *server) {
		s.app.Handle("/draft", framework.To[draftHandler](s.app))
		s.app.Handle("/save", framework.To[saveHandler](s.app))
	})
}

const (
	notProcessed = "The form that you sent was not processed."
	sendAgain    = "so it was not processed. Please send it again."
)

// The login page explains why the visitor sees it.
func TestLoginPageSaysWhy(t *testing.T) {
	const needed, expired, ended = "Please log in to continue.", "Your session has expired. Please log in again.", "Your session has ended. Please log in again."
	for backend, newBackend := range backends {
		for name, test := range map[string]struct {
			before func(s *server, c *client)
			want   string
			only   string // the backend that can
		}{
			"a stranger":      {func(*server, *client) {}, needed, ""},
			"a short while":   {func(s *server, c *client) { c.signUp("ann"); s.clock.Advance(61 * time.Minute) }, expired, ""},
			"nobody's cookie": {func(s *server, c *client) { c.Jar.SetCookies(s.url(), cookieOf("session", "nonsense")) }, ended, ""},
			"ended elsewhere": {func(s *server, c *client) {
				c.signUp("ann")
				there := s.client(t)
				there.post("/login", "name", "ann", "password", "correct horse")
				there.post("/account", "action", "end-others")
			}, ended, "memory"},
			"another password": {func(s *server, c *client) {
				c.signUp("ann")
				there := s.client(t)
				there.post("/login", "name", "ann", "password", "correct horse")
				there.post("/account", "action", "password", "old", "correct horse", "new", "another horse")
			}, ended, ""},
			"a logout": {func(s *server, c *client) { c.signUp("ann"); c.post("/logout") }, needed, ""},
		} {
			if test.only != "" && test.only != backend {
				continue
			}
			t.Run(backend+"/"+name, func(t *testing.T) {
				s := serveDrafts(t, newBackend())
				c := s.client(t)
				test.before(s, c)
				a := c.get("/draft")
				a.redirects(t, "/login?next=%2Fdraft")
				page := c.get(a.header.Get("Location"))
				page.shows(t, 200, `<p class="notice" role="status">`+test.want+"</p>")
				page.hides(t, notProcessed)
				c.post("/login", "name", "nobody", "password", "x", "next", "/draft").hides(t, test.want)
			})
		}
	}
}

// A form that was sent without a login is not processed. The login page and the page after it
// say so.
func TestFormWithoutLoginIsReported(t *testing.T) {
	for name, newBackend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serveDrafts(t, newBackend())
			c := s.client(t)
			c.signUp("ann")
			s.clock.Advance(61 * time.Minute)
			a := c.post("/draft", "text", "half an hour of typing")
			a.redirects(t, "/login?next=%2Fdraft&unprocessed=1")
			page := c.get(a.header.Get("Location"))
			page.shows(t, 200, "Your session has expired.", notProcessed, `name="unprocessed" value="1"`, `name="next" value="/draft"`)
			wrong := c.post("/login", "name", "ann", "password", "wrong", "next", "/draft", "unprocessed", "1")
			wrong.shows(t, 401, `name="unprocessed" value="1"`)
			c.post("/login", "name", "ann", "password", "correct horse", "next", "/draft", "unprocessed", "1").redirects(t, "/draft")
			c.get("/account").shows(t, 200, sendAgain)
			c.get("/account").hides(t, sendAgain)
			c.post("/draft").shows(t, 418)
		})
	}
}

// The same after a sign-up. Without a form, no page says it.
func TestFormWithoutLoginThenSignUp(t *testing.T) {
	s := serveDrafts(t, sessions.NewMemory())
	c := s.client(t)
	page := c.get("/login?next=%2Fdraft&unprocessed=1")
	page.shows(t, 200, `href="/signup?next=%2Fdraft&amp;unprocessed=1"`, "Please log in to continue. "+notProcessed)
	c.get("/signup?next=%2Fdraft&unprocessed=1").shows(t, 200, `name="unprocessed" value="1"`)
	c.post("/signup", "name", "ann", "password", "correct horse", "next", "/draft", "unprocessed", "1").redirects(t, "/draft")
	c.get("/account").shows(t, 200, sendAgain)
	other := s.client(t)
	other.signUp("bert")
	other.get("/account").hides(t, sendAgain)
}

// The login leads back to the page of the form, if that is a page of this site.
func TestLoginLeadsBackToTheForm(t *testing.T) {
	s := serveDrafts(t, sessions.NewMemory())
	for name, test := range map[string]struct{ path, referer, next string }{
		"its own page":           {"/draft?id=1", "", "/draft?id=1"},
		"the page as it was":     {"/draft", "{site}/draft?id=7", "/draft?id=7"},
		"another page":           {"/save", "{site}/draft?id=7", "/draft?id=7"},
		"no Referer":             {"/save", "", ""},
		"another site":           {"/save", "https://evil.example/draft", ""},
		"another site's path":    {"/draft", "https://evil.example/draft?x=1", "/draft"},
		"a page that has no GET": {"/save", "{site}/save", ""},
		"no address":             {"/save", "{site}//evil.example/", ""},
		"a broken one":           {"/save", "http://[", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.client(t)
			a := c.do("POST", test.path, url.Values{}, "Referer", strings.ReplaceAll(test.referer, "{site}", s.URL))
			want := "/login?unprocessed=1"
			if test.next != "" {
				want = "/login?next=" + url.QueryEscape(test.next) + "&unprocessed=1"
			}
			a.redirects(t, want)
		})
	}
}

// The query cannot choose a text.
func TestQueryOfTheLoginPageIsNotShown(t *testing.T) {
	s := serveDrafts(t, sessions.NewMemory())
	page := s.client(t).get("/login?unprocessed=EVIL&why=EVIL&notice=EVIL&error=EVIL&name=EVIL&field=EVIL&next=//EVIL&out=EVIL")
	page.shows(t, 200)
	page.hides(t, "EVIL")
}
