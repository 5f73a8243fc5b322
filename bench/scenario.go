package main

import (
	"fmt"
	"net/http"
	"strings"
)

// A scenario is one thing that a client asks for, over and over.
type scenario struct {
	name   string
	method string
	path   string
	body   string // the form that is posted
	want   string // what the answer begins with; all of it but for the counter
	// session says that the client brings the cookie that /start gave it.
	session bool
	// changes says that the answer may bring a new cookie, which the client keeps.
	changes bool
}

var (
	hello     = scenario{name: "hello", method: "GET", path: "/hello", want: helloBody}
	anonymous = scenario{name: "anonymous", method: "GET", path: "/hello", want: helloBody}
	untouched = scenario{name: "session untouched", method: "GET", path: "/hello", want: helloBody, session: true}
	read      = scenario{name: "session read", method: "GET", path: "/read", want: greeting(firstVisitor.Name, firstVisitor.Visits), session: true}
	readAll   = scenario{name: "session read, all five", method: "GET", path: "/readall", want: everything(firstVisitor), session: true}
	write     = scenario{name: "session write", method: "GET", path: "/write", want: "visit 100", session: true, changes: true}
	login     = scenario{name: "login", method: "POST", path: "/login", body: loginForm, want: welcome(loginUser)}
	loginKept = scenario{name: "login, with a session before", method: "POST", path: "/login", body: loginForm, want: welcome(loginUser), session: true, changes: true}

	// Those of webapp2go alone: package handlers with its security headers, and a login
	// that the session remembers the making of, one user a visitor.
	fullSite = scenario{name: "anonymous, with security headers", method: "GET", path: "/hello", want: helloBody}
	logIn    = scenario{name: "login by LogIn", method: "POST", path: "/log-in", body: loginForm, want: welcome(loginUser)}
)

// sessionScenarios are those of a site with sessions installed.
var sessionScenarios = []scenario{untouched, anonymous, read, readAll, write, login, loginKept}

// start asks handler for a session and returns the Cookie header that brings it back.
func start(handler http.Handler) (string, error) {
	w := newReusedWriter()
	handler.ServeHTTP(w, newRequest("GET", "/start", ""))
	if w.status != http.StatusOK || len(w.header["Set-Cookie"]) != 1 {
		return "", fmt.Errorf("/start answers %d with %d cookies", w.status, len(w.header["Set-Cookie"]))
	}
	return cookiePair(w.header["Set-Cookie"][0]), nil
}

// cookiePair returns the name=value of a Set-Cookie line.
func cookiePair(line string) string {
	pair, _, _ := strings.Cut(line, ";")
	return pair
}

// newClient returns a client that plays the scenario to handler.
func (s scenario) newClient(handler http.Handler) (*client, error) {
	cookie := ""
	if s.session {
		var err error
		if cookie, err = start(handler); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	c := &client{handler: handler, writer: newReusedWriter(), form: s.body, keepCookie: s.changes}
	c.requests = []*http.Request{newRequest(s.method, s.path, cookie)}
	c.want = []string{s.want}
	return c, c.check()
}

// newTableClient returns a client that asks handler for the mix of routes in turn.
func newTableClient(handler http.Handler, routes []route) (*client, error) {
	c := &client{handler: handler, writer: newReusedWriter()}
	for _, r := range mix(routes) {
		c.requests = append(c.requests, newRequest("GET", r.path, ""))
		c.want = append(c.want, r.body)
	}
	return c, c.check()
}
