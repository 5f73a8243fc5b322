package handlers_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// ExampleBadge logs in the user of a badge, instead of by a password.
type ExampleBadge struct{ handlers.BaseHandler }

func (h *ExampleBadge) Post() error {
	// A real handler verifies the badge here.
	user, err := h.Site.Users.ByLogin(h.Context(), "ann")
	if err != nil {
		return err
	}
	h.LogIn(user, sessions.Login{Method: "badge"})
	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
	h.LogSecurity(handlers.LoginSuccess, user)
	return nil
}

func (h *ExampleBadge) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	login, _ := h.Session().Login()
	_, err = fmt.Fprintf(h, "%s, by %s", user.Name, login.Method)
	return err
}

// A handler with a login of its own calls LogIn once it knows who the user is.
func ExampleBaseHandler_LogIn() {
	site, app := exampleSite()
	app.Handle("/badge", framework.To[ExampleBadge](app))
	server := httptest.NewServer(app)
	defer server.Close()
	ann := &auth.User{Name: "ann"}
	if err := site.Users.Create(context.Background(), ann); err != nil {
		log.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	res, err := browser.Post(server.URL+"/badge", "", nil)
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	show(browser, server.URL+"/badge")
	// Output: 200 ann, by badge
}

// ExampleNews is the base of the pages of one part of a site.
type ExampleNews struct{ handlers.BaseHandler }

// Dispatch sets what the layout shows, before the action, and a header after it.
func (h *ExampleNews) Dispatch() error {
	h.Page().BodyClass = "news"
	h.Page().Set("visits", h.Session().Incr("visits", 1))
	err := h.BaseHandler.Dispatch()
	h.Response.Header().Set("X-Section", "news")
	return err
}

// ExampleHeadlines is one of those pages.
type ExampleHeadlines struct{ ExampleNews }

func (h *ExampleHeadlines) Get() error {
	_, err := fmt.Fprint(h, h.Page().BodyClass, ", visit ", h.Page().Values["visits"])
	return err
}

// An override of Dispatch can use the session before and after it delegates.
func ExampleBaseHandler_Dispatch() {
	_, app := exampleSite()
	app.Handle("/", framework.To[ExampleHeadlines](app))
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Header().Get("X-Section"), strings.Contains(w.Header().Get("Set-Cookie"), "session="))
	fmt.Println(w.Body)
	// Output:
	// news true
	// news, visit 1
}

// ExampleScript has a script of its own inside the page.
type ExampleScript struct{ handlers.BaseHandler }

func (h *ExampleScript) Get() error {
	return h.HTML(fmt.Sprintf("<script nonce=%q>alert(1)</script>", h.Nonce()))
}

// A policy with {nonce} allows the scripts that have the nonce of the response.
func ExampleBaseHandler_Nonce() {
	site, app := exampleSite()
	site.CSP = "default-src 'self'; script-src 'nonce-{nonce}'"
	app.Handle("/script", framework.To[ExampleScript](app))
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/script", nil))
	_, rest, _ := strings.Cut(w.Body.String(), `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	fmt.Println(nonce != "", strings.Contains(w.Header().Get("Content-Security-Policy"), "'nonce-"+nonce+"'"))
	// Output: true true
}
