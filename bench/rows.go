package main

import (
	"fmt"
	"net/http"
	"time"
)

// A row is one thing that is measured for several contenders.
type row struct {
	name     string
	harness  harness
	run      time.Duration // of one run
	most     most
	subjects []contender
	prepare  func(subject contender) (pair, error)
}

// key names the row for -run and in the file of results.
func (r row) key() string { return r.name + "/" + string(r.harness) }

// A most has the upper limits for figures of webapp2go. Zero means no limit.
type most struct {
	text        float64 // time as a ratio to the floor's, as served, if the handler calls Text
	set         float64 // the same, if the handler sets the header itself
	plain       float64 // time as a ratio to the floor's, as a plain benchmark, with Text
	allocations float64
}

// A harness is a way to measure.
type harness string

const (
	served  harness = "served"  // in process, as a server behaves
	plain   harness = "plain"   // in process, as a benchmark of package testing
	network harness = "network" // with another process, or with the disk
)

// A scenario is one request that a client sends over and over.
type scenario struct {
	name         string
	site         string // of the contender
	method, path string
	form         string // that is posted
	want         string // the beginning of the response's body: all of it, except for a counter
	session      bool   // the client brings the cookie that /start gave it
	changes      bool   // the response may bring a new cookie, which the client keeps
	most         most
}

var (
	sessionRead  = scenario{"session read", withSessions, "GET", "/read", "", greeting(firstVisitor.Name, firstVisitor.Visits), true, false, most{0.50, 0, 0.45, 8}}
	sessionWrite = scenario{"session write", withSessions, "GET", "/write", "", "visit 100", true, true, most{0.48, 0, 0.45, 0}}
	scenarios    = []scenario{
		{"hello", noSessions, "GET", "/hello", "", helloBody, false, false, most{1.25, 1.5, 1.7, 1}},
		{"anonymous", withSessions, "GET", "/hello", "", helloBody, false, false, most{2.2, 0, 0, 0}},
		{"session untouched", withSessions, "GET", "/hello", "", helloBody, true, false, most{1.5, 1.75, 1.9, 0}},
		{"session untouched, security headers", withHeaders, "GET", "/hello", "", helloBody, true, false, most{2.2, 2.4, 2.8, 0}},
		sessionRead,
		{"session read, all five", withSessions, "GET", "/readall", "", everything(firstVisitor), true, false, most{0.55, 0, 0, 0}},
		sessionWrite,
		{"login", withSessions, "POST", "/login", loginForm, welcome(loginUser), false, false, most{0.88, 0, 0.85, 0}},
		{"login, a session before", withSessions, "POST", "/login", loginForm, welcome(loginUser), true, true, most{0.60, 0, 0, 0}},
		{"login by LogIn", withLogIn, "POST", "/log-in", loginForm, welcome(loginUser), false, false, most{}},
	}
)

// newClient returns a client that plays the scenario to handler. Its responses have been
// checked.
func (s scenario) newClient(handler http.Handler) (*client, error) {
	cookie := ""
	if s.session {
		var err error
		if cookie, err = start(handler); err != nil {
			return nil, err
		}
	}
	c := &client{handler: handler, form: s.form, keepCookie: s.changes, want: []string{s.want}}
	c.requests = []*http.Request{newRequest(s.method, s.path, "", cookie)}
	return c, c.check()
}

// subjects are the contenders that the scenario is measured for. The pages that webapp2go
// has in two versions are /hello and those of the tables.
func (s scenario) subjects() (subjects []contender) {
	for _, c := range contenders[1:] {
		if c.sites[s.site] != nil && (c.name != webapp2goSet.name || s.path == "/hello") {
			subjects = append(subjects, c)
		}
	}
	return subjects
}

// newClient returns a client that requests the mix of the table's routes in turn. Its
// responses have been checked.
func (t table) newClient(handler http.Handler) (*client, error) {
	c := &client{handler: handler}
	for _, r := range mix(t.routes) {
		c.requests = append(c.requests, newRequest("GET", t.prefix+r.path, t.host, ""))
		c.want = append(c.want, r.body)
	}
	return c, c.check()
}

// subjects are the contenders that can serve the table.
func (t table) subjects() (subjects []contender) {
	for _, c := range contenders[1:] {
		if c.table(table{host: t.host}) != nil {
			subjects = append(subjects, c)
		}
	}
	return subjects
}

const controlName = "control: the floor against itself"

// tables are the kinds of routing tables that are measured. A row is named after the
// number of routes and the kind.
var tables = []struct {
	kind string
	table
	most map[int]most // by the number of routes
}{
	{"", table{}, map[int]most{1: {1.0, 1.2, 1.7, 1}, 50: {1.1, 1.3, 1.6, 0}, 200: {1.15, 1.4, 1.5, 0}, 1000: {1.5, 1.7, 1.6, 0}}},
	{oneUse, table{use: true}, mostWithMiddleware},
	{", below a subrouter", table{use: true, prefix: "/api"}, mostWithMiddleware},
	{", on a host", table{host: "books.example"}, mostWithMiddleware},
}

const oneUse = ", one Use"

var (
	mostWithMiddleware = map[int]most{1: {1.1, 1.3, 1.8, 0}, 50: {1.2, 1.45, 1.7, 0}, 200: {1.25, 1.55, 1.6, 0}, 1000: {1.65, 1.85, 1.7, 0}}
	tableSizes         = []int{1, 50, 200, 1000}
)

func routingName(kind string, n int) string { return fmt.Sprintf("routing, n = %d%s", n, kind) }

// allRows lists what can be measured. A run in process has the length given, a run with
// other processes or the disk five times that. Tables come before sites, because what
// sites leave in memory slows down small tables.
func allRows(run time.Duration) []row {
	var all []row
	add := func(name string, h harness, most most, subjects []contender, newClient func(http.Handler) (*client, error), site func(contender) http.Handler) {
		all = append(all, row{name, h, run, most, subjects, func(subject contender) (pair, error) {
			below, above, err := newClients(newClient, site(floor), site(subject))
			if err != nil {
				return pair{}, err
			}
			if h == plain {
				return plainPair(below, above, run), nil
			}
			p := servedPair(below, above, run, processorTime)
			p.finish = allocations(below, above)
			return p, nil
		}})
	}
	for _, h := range []harness{served, plain} {
		add(controlName, h, most{}, []contender{floor}, sessionRead.newClient, func(c contender) http.Handler { return c.sites[sessionRead.site]() })
		for _, t := range tables {
			for _, n := range tableSizes {
				t := t
				t.routes = newRoutes(n)
				add(routingName(t.kind, n), h, t.most[n], t.subjects(), t.newClient, func(c contender) http.Handler { return c.table(t.table) })
			}
		}
	}
	for _, h := range []harness{served, plain} {
		for _, s := range scenarios {
			add(s.name, h, s.most, s.subjects(), s.newClient, func(c contender) http.Handler { return c.sites[s.site]() })
		}
	}
	for _, s := range stores {
		all = append(all, s.rows(5*run)...)
	}
	return append(all, endToEndRow(5*run))
}

// newClients returns a client for the floor and one for the subject.
func newClients(newClient func(http.Handler) (*client, error), floorSite, subjectSite http.Handler) (below, above *client, err error) {
	if below, err = newClient(floorSite); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", floor.name, err)
	}
	above, err = newClient(subjectSite)
	return below, above, err
}
