package framework

import (
	"math"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// An index narrows a routing table: it finds the route for a path without trying the
// regular expression of every route in turn, as mux does.
//
// mux stays the authority. The index is made from mux's own routes, knows only those
// it can prove to match as mux would match them, and gives everything else to mux: a
// request that none of its routes takes, a route whose handler is not made by [To],
// and every case in which a route that it does not know could have come first. A
// route is known if nothing but its path and its verbs decide about it: no host,
// query, header, scheme or matcher of its own, no subrouter with middleware above it.
type index struct {
	root    node
	unknown []unknown // the routes left to mux, in mux's order

	invented bool // some route has variables that Template made up
}

// A node is a place in the tree of path segments.
type node struct {
	literal  map[string]*node // by the segment that follows
	variable []*branch        // by a segment that is or holds a variable
	endings  []*entry         // routes that end here, in mux's order
	first    int              // the least order of a route at or below this node
}

// A branch is followed by the segments that its pattern matches.
type branch struct {
	segment segment
	node    node
}

// An entry is a route that the index knows.
type entry struct {
	order    int
	template string   // as the route was given it
	verbs    []string // nil: every verb
	segments []segment
	named    bool       // whether there is a variable to hand out
	mux      *mux.Route // what Route tells a handler
	route    *route     // nil: an http.Handler that wants what mux puts into its request
}

// An unknown route may match any path that begins with its prefix.
type unknown struct {
	order  int
	prefix string
}

// serveIndexed serves a request whose route the index finds, and tells whether it did.
func (a *App) serveIndexed(w *Response, r *http.Request) bool {
	e := a.table().find(r)
	if e == nil {
		return false
	}
	w.found = e
	e.route.serve(w, r, e.variables(r.URL.Path))
	return true
}

// table returns the index, made at the first request: from then on the routing table
// must not change.
func (a *App) table() *index {
	if x := a.index.Load(); x != nil {
		return x
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if x := a.index.Load(); x != nil {
		return x
	}
	x := newIndex(a.Router)
	a.index.Store(x)
	return x
}

// find returns the route that mux would choose, nil where that is for mux to say.
func (x *index) find(r *http.Request) *entry {
	path := r.URL.Path
	if path == "" || path[0] != '/' {
		return nil
	}
	found := x.root.search(r.Method, path[1:], nil)
	if found == nil || found.route == nil {
		return nil
	}
	for _, u := range x.unknown {
		if u.order > found.order {
			break
		}
		if strings.HasPrefix(path, u.prefix) {
			return nil
		}
	}
	return found
}

// search returns the first route, in mux's order, at or below a node: best or one
// that comes before it.
func (n *node) search(verb, rest string, best *entry) *entry {
	if best != nil && n.first > best.order {
		return best
	}
	segment, rest, more := strings.Cut(rest, "/")
	if next := n.literal[segment]; next != nil {
		best = next.follow(verb, rest, more, best)
	}
	for _, b := range n.variable {
		if b.segment.matches(segment) {
			best = b.node.follow(verb, rest, more, best)
		}
	}
	return best
}

func (n *node) follow(verb, rest string, more bool, best *entry) *entry {
	if more {
		return n.search(verb, rest, best)
	}
	for _, e := range n.endings {
		if best != nil && e.order > best.order {
			break
		}
		if e.takes(verb) {
			return e
		}
	}
	return best
}

func (e *entry) takes(verb string) bool {
	if e.verbs == nil {
		return true
	}
	for _, v := range e.verbs {
		if v == verb {
			return true
		}
	}
	return false
}

// variables returns the variables in a path that the entry matches, nil where it has
// none.
func (e *entry) variables(path string) map[string]string {
	if !e.named {
		return nil
	}
	vars := make(map[string]string, 4)
	rest := path[1:]
	for i := range e.segments {
		var text string
		text, rest, _ = strings.Cut(rest, "/")
		e.segments[i].extract(text, vars)
	}
	return vars
}

// insert adds an entry below the root.
func (x *index) insert(e *entry) {
	n := &x.root
	for _, s := range e.segments {
		n.first = min(n.first, e.order)
		n = n.child(s)
	}
	n.first = min(n.first, e.order)
	n.endings = append(n.endings, e)
}

func (n *node) child(s segment) *node {
	if s.literal() {
		next := n.literal[s.text]
		if next == nil {
			if n.literal == nil {
				n.literal = map[string]*node{}
			}
			next = &node{first: math.MaxInt}
			n.literal[s.text] = next
		}
		return next
	}
	for _, b := range n.variable {
		if b.segment.text == s.text {
			return &b.node
		}
	}
	b := &branch{segment: s, node: node{first: math.MaxInt}}
	n.variable = append(n.variable, b)
	return &b.node
}

// newIndex reads a routing table. Where it cannot, it knows no route.
func newIndex(router *mux.Router) *index {
	x := &index{root: node{first: math.MaxInt}, invented: hasInvented(router)}
	table, ok := readTable(router)
	if !ok {
		return x
	}
	for order, known := range table {
		if known.entry == nil {
			x.unknown = append(x.unknown, unknown{order, known.prefix})
			continue
		}
		known.entry.order = order
		x.insert(known.entry)
	}
	return x
}
