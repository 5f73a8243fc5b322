package main

import (
	"fmt"
	"strings"
)

// A route is one GET route of a table: its pattern in the syntax of net/http,
// gorilla/mux and chi, and a request that it serves.
type route struct {
	pattern string
	path    string // a path that the pattern matches
	body    string // what is answered: the variable id, or fixedBody where there is none
}

const (
	fixedBody   = "fixed"
	mixedRoutes = 50 // how many routes of a table are asked for in turn
)

// hasID reports whether the pattern has the variable id, which the handler answers.
func (r route) hasID() bool { return strings.Contains(r.pattern, "{id}") }

// colon returns the pattern in the syntax of gin and echo.
func (r route) colon() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(r.pattern)
}

// newRoutes makes a table of n routes as a site with resources has them: five for
// each, two of which are fixed, one of which hides behind a variable one.
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

// mix returns mixedRoutes routes spread evenly over the table, of all shapes; of a
// smaller table, all of it.
func mix(routes []route) []route {
	step := len(routes) / mixedRoutes
	if step < 2 {
		return routes
	}
	mixed := make([]route, mixedRoutes)
	for i := range mixed {
		mixed[i] = routes[i*step+i%min(step, 5)]
	}
	return mixed
}
