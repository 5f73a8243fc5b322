package framework

import (
	"math"
	"slices"
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
	literal  children  // by the segment that follows
	variable []*branch // by a segment that is or holds a variable
	endings  []*entry  // routes that end here, in mux's order
	first    int       // the least order of a route at or below this node
}

// children are the nodes that literal segments lead to. A few are compared faster than
// a map finds one of them.
type children struct {
	few  []child
	many map[string]*node // instead of few, where there are more than mostCompared
}

type child struct {
	text string
	node *node
}

const mostCompared = 6

func (l *children) next(segment string) *node {
	if l.many != nil {
		return l.many[segment]
	}
	for i := range l.few {
		if l.few[i].text == segment {
			return l.few[i].node
		}
	}
	return nil
}

// add returns the node of a segment, which is made where there is none.
func (l *children) add(segment string) *node {
	if n := l.next(segment); n != nil {
		return n
	}
	n := &node{first: math.MaxInt}
	if l.many != nil {
		l.many[segment] = n
		return n
	}
	l.few = append(l.few, child{segment, n})
	if len(l.few) > mostCompared {
		l.many = make(map[string]*node, len(l.few))
		for _, f := range l.few {
			l.many[f.text] = f.node
		}
		l.few = nil
	}
	return n
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

// table returns the index, made at the first request: from then on the routing table
// must not change. Mistakes that nobody has asked Check for are told in the log then.
func (a *App) table() *index {
	if x := a.index.Load(); x != nil {
		return x
	}
	x := a.makeTable()
	if !a.checked.Swap(true) {
		if err := a.Check(); err != nil {
			a.logger().Error("the App has mistakes: call its Check before it serves, to be told at start", "error", err)
		}
	}
	return x
}

func (a *App) makeTable() *index {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if x := a.index.Load(); x != nil {
		return x
	}
	x := newIndex(a.Router)
	if a.Router != nil {
		// The function returns no error, so Walk does not.
		_ = a.Walk(func(entry *mux.Route, _ *mux.Router, _ []*mux.Route) error {
			switch h := entry.GetHandler().(type) {
			case nil, *route, *mux.Router:
			default:
				entry.Handler(removingUploads(h))
			}
			return nil
		})
	}
	a.index.Store(x)
	return x
}

// find returns the route that mux would choose, nil where that is for mux to say.
func (x *index) find(verb string, path *splitPath) *entry {
	if path.count == 0 {
		return nil
	}
	found := x.root.search(verb, path, 0, nil)
	if found == nil || found.route == nil {
		return nil
	}
	for i := range x.unknown {
		u := &x.unknown[i]
		if u.order > found.order {
			break
		}
		if strings.HasPrefix(path.text, u.prefix) {
			return nil
		}
	}
	return found
}

// search returns the first route, in mux's order, at or below a node, which the
// segments before the i-th have led to: best or one that comes before it.
func (n *node) search(verb string, path *splitPath, i int, best *entry) *entry {
	if best != nil && n.first > best.order {
		return best
	}
	if i == path.count {
		return n.ending(verb, best)
	}
	segment := path.segment(i)
	if next := n.literal.next(segment); next != nil {
		best = next.search(verb, path, i+1, best)
	}
	for _, b := range n.variable {
		if b.segment.matches(segment) {
			best = b.node.search(verb, path, i+1, best)
		}
	}
	return best
}

// ending returns the first route that ends at a node: best or one that comes before it.
func (n *node) ending(verb string, best *entry) *entry {
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
	return e.verbs == nil || slices.Contains(e.verbs, verb)
}

// variables returns the variables in a path that the entry matches, nil where it has
// none.
func (e *entry) variables(path *splitPath) map[string]string {
	if !e.named {
		return nil
	}
	vars := make(map[string]string, 4)
	for i := range e.segments {
		if s := &e.segments[i]; !s.literal() {
			s.extract(path.segment(i), vars)
		}
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
		return n.literal.add(s.text)
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
	x := &index{root: node{first: math.MaxInt}}
	if router == nil {
		return x
	}
	x.invented = hasInvented(router)
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
