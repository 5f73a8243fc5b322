package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// A contender is one way to write the same sites. Its handlers send the same bytes as
// those of every other contender.
type contender struct {
	name string
	// sites has a function for each site, by name. A contender is not measured on a site
	// that is missing.
	sites map[string]func() http.Handler
	// table makes a site of GET routes, or nil if the contender cannot match the host.
	table func(table) http.Handler
	// cookies is true if the session is in a signed cookie, not in memory.
	cookies bool
}

// The sites. All but noSessions have sessions, and the pages of [pages].
const (
	noSessions   = "no sessions" // GET /hello, without sessions
	withSessions = "sessions"    // GET /hello, which does not use the session, and the pages
	withHeaders  = "headers"     // the same with security headers, which only webapp2go sends
	withLogIn    = "LogIn"       // the same with a login that the session remembers, which only webapp2go has
)

// contenders are the floor and its subjects, the contenders that are compared with it.
var contenders = []contender{floor, webapp2go, webapp2goSet, gorillaMux, chiRouter, ginRouter, echoRouter}

// A visitor is the session of the scenarios: five keys, 195 bytes as JSON. The floor
// keeps it as this struct. A contender whose session is a dictionary keeps the same
// values under the same keys.
type visitor struct {
	User   string `json:"user"`
	Name   string `json:"name"`
	Visits int    `json:"visits"`
	Return string `json:"return"`
	CSRF   string `json:"csrf"`
}

// firstVisitor is the session that /start makes. Visits begins with six digits so
// that counting never changes the length of a response.
var firstVisitor = visitor{
	User:   "6f1e0c52-8a4b-4d0e-9c1f-2b7d5e3a9f10",
	Name:   "Ada Lovelace",
	Visits: 100041,
	Return: "/books/4711/chapters/12/sections/7/notes/2026",
	CSRF:   "q7Xn2vR8kT0sLwYb5mZc1dFgHj3pAe6uCi9oVtKxSrM",
}

const (
	helloBody = "Hello, world!"
	fixedBody = "fixed"                             // of a route without variables
	loginForm = "user=grace&password=correct+horse" // the body of a login
	loginUser = "grace"                             // the user that it names
	plainText = "text/plain; charset=utf-8"
)

// signingKey is the key of every signed cookie: 32 bytes, as HMAC-SHA256 asks for.
var signingKey = []byte("a key of the benchmark, 32 bytes")

var errNoSession = errors.New("no session")

// The bodies of the pages. Every contender builds them with these functions, so that the
// text is the same work for all.

func greeting(name string, visits int) string {
	return name + ", visit " + strconv.Itoa(visits)
}

func everything(v visitor) string {
	return strings.Join([]string{v.User, v.Name, strconv.Itoa(v.Visits), v.Return, v.CSRF}, " ")
}

func counted(visits int) string { return "visit " + strconv.Itoa(visits) }

func welcome(user string) string { return "welcome " + user }

// A page is one of those that use the session.
type page struct {
	method, path string
	changes      bool // the session, which has to be saved
}

var pages = []page{
	{"GET", "/start", true}, // makes the session
	{"GET", "/read", false}, // reads a string and an integer of it
	{"GET", "/readall", false},
	{"GET", "/write", true}, // counts the integer up
	{"POST", "/login", true},
}

// values is a session that is a dictionary. Keys are of type any and the pages are
// generic, so that no contender pays for a conversion to an interface.
type values interface {
	get(key any) any
	set(key, value any)
}

// visit does what the page at path does with a session, and returns the body. On /login,
// user is the name in the form.
func visit[V values](session V, path, user string) (string, error) {
	switch path {
	case "/start":
		v := firstVisitor
		session.set("user", v.User)
		session.set("name", v.Name)
		session.set("visits", v.Visits)
		session.set("return", v.Return)
		session.set("csrf", v.CSRF)
		return helloBody, nil
	case "/login":
		session.set("user", user)
		return welcome(user), nil
	}
	visits, found := session.get("visits").(int)
	if !found {
		return "", errNoSession
	}
	if path == "/write" {
		visits++
		session.set("visits", visits)
		return counted(visits), nil
	}
	v := visitor{Visits: visits}
	v.Name, _ = session.get("name").(string)
	if path == "/read" {
		return greeting(v.Name, v.Visits), nil
	}
	v.User, _ = session.get("user").(string)
	v.Return, _ = session.get("return").(string)
	v.CSRF, _ = session.get("csrf").(string)
	return everything(v), nil
}

// A table is a routing table.
type table struct {
	routes []route
	use    bool   // middleware that does nothing is around all routes
	prefix string // the routes are below a subrouter of this path, which has the middleware
	host   string // the routes are limited to this host
}

// A route is one GET route of a table.
type route struct {
	pattern string // in the syntax of net/http, gorilla/mux and chi
	path    string // a path that the pattern matches
	body    string // of the response: the variable id, or fixedBody if there is none
}

func (r route) hasID() bool { return strings.Contains(r.pattern, "{id}") }

// handler responds with the variable id, which id returns, or with fixedBody.
func (r route) handler(id func(*http.Request) string) http.HandlerFunc {
	if r.hasID() {
		return func(w http.ResponseWriter, r *http.Request) { writeText(w, id(r)) }
	}
	return func(w http.ResponseWriter, _ *http.Request) { writeText(w, fixedBody) }
}

// colon returns the pattern in the syntax of gin and echo.
func (r route) colon() string { return strings.NewReplacer("{", ":", "}", "").Replace(r.pattern) }

// newRoutes returns n routes like those of a site with resources. Each resource has five
// routes: two are fixed, and three have variables. The fixed route /new comes after one
// with a variable.
func newRoutes(n int) []route {
	shapes := []string{"/{id}/edit", "/new", "/{id}", "", "/{id}/comments/{comment}"}
	names := []string{"books", "authors", "orders", "invoices", "users", "groups", "photos", "tags", "events", "pages"}
	fill := strings.NewReplacer("{id}", "4711", "{comment}", "12")
	routes := make([]route, n)
	for i := range routes {
		resource := i / len(shapes)
		pattern := fmt.Sprintf("/%s%d%s", names[resource%len(names)], resource/len(names), shapes[i%len(shapes)])
		r := route{pattern: pattern, path: fill.Replace(pattern), body: fixedBody}
		if r.hasID() {
			r.body = "4711"
		}
		routes[i] = r
	}
	return routes
}

// mix returns 50 routes that are spread evenly over the table and have all shapes. It
// returns all routes of a smaller table.
func mix(routes []route) []route {
	const size = 50
	step := len(routes) / size
	if step < 2 {
		return routes
	}
	mixed := make([]route, size)
	for i := range mixed {
		mixed[i] = routes[i*step+i%min(step, 5)]
	}
	return mixed
}

// nothing is middleware that does nothing.
func nothing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}
