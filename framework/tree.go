package framework

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// A tree finds the first route of a table that takes a request, in the order in which
// they were registered. It knows paths, methods and hosts; about queries, headers,
// schemes, functions and hosts with variables it asks mux, one route at a time.
type tree struct {
	root    node
	methods []string // that a path may be asked for, in the order of Allow
}

// A node is a place in the tree. Text leads to it, byte by byte.
type node struct {
	text     string // that leads here from the node above
	heads    string // the first bytes of the texts of children
	children []*node
	segments []*branch // by a segment that a variable takes
	ends     []*Route  // the path ends here
	opens    []*Route  // more may follow, or the route's pattern decides
	first    int       // the least order of a route at or below this node
}

type branch struct {
	segment *segment
	node    node
}

// A match is a route that takes a request.
type match struct {
	route *Route
	path  string // what it matched; the values of variables are cut out of it when asked for
}

// A found is a match with the values of the variables that are not in the path; nil: there
// are none.
type found struct {
	match
	values map[string]string
}

// A search looks for the route of one request.
type search struct {
	found
	request *http.Request
	method  string
	host    string // of the request, if hosted
	failed  error  // of a MatcherFunc that panicked
	refused bool   // a route would have taken the request but for its method
	hosted  bool
	checked bool // whether valid is known
	valid   bool // see validPath
}

// find looks for the route of a request, with method in place of its own.
func (t *tree) find(s *search, r *http.Request, method string) {
	s.request, s.method = r, method
	if r.URL.RawPath != "" {
		if path, ok := withSlashes(r.URL); ok {
			// The slash is part of a value or one of the path. The first route counts that takes
			// the one or the other: handlers may read the path by themselves, so that a guarded
			// route must not be passed by writing its slash in the other way.
			if s.checked, s.valid = true, validPath(r.URL.Path); !s.valid {
				return
			}
			s.path = path
			t.root.search(s, 0)
			valued := s.found
			s.path = r.URL.Path
			if t.root.search(s, 0); s.route == valued.route {
				s.found = valued
			}
			return
		}
	}
	s.path = r.URL.Path
	t.root.search(s, 0)
}

// withSlashes returns the path of a URL with slashInValue for each encoded slash. It
// returns false if there is none.
func withSlashes(u *url.URL) (path string, ok bool) {
	if !strings.Contains(u.RawPath, "%2F") && !strings.Contains(u.RawPath, "%2f") || u.EscapedPath() != u.RawPath || strings.Contains(u.Path, slashInValue) {
		return "", false
	}
	path, err := url.PathUnescape(strings.NewReplacer("%2F", "%00", "%2f", "%00").Replace(u.RawPath))
	return path, err == nil
}

// search looks at and below a node, which the first at bytes of the path have led to.
func (n *node) search(s *search, at int) {
	if s.route != nil && n.first > s.route.order {
		return
	}
	path := s.path
	if at == len(path) {
		for _, r := range n.ends {
			if s.offer(r) {
				break
			}
		}
	} else if i := strings.IndexByte(n.heads, path[at]); i >= 0 {
		if next := n.children[i]; strings.HasPrefix(path[at:], next.text) {
			next.search(s, at+len(next.text))
		}
	}
	if len(n.segments) > 0 {
		if end, ok := s.segmentAt(at); ok {
			for _, b := range n.segments {
				if b.segment.takes(path[at:end]) {
					b.node.search(s, end)
				}
			}
		}
	}
	for _, r := range n.opens {
		if s.route != nil && r.order > s.route.order {
			break
		}
		if len(path)-at >= r.plan.least && s.validPath() && (r.plan.pattern == nil || r.plan.pattern.MatchString(path)) && s.offer(r) {
			break
		}
	}
}

// segmentAt returns where the segment that holds a place of a path ends, and whether it
// is one that may be served. Literal text was checked when it was registered.
func (s *search) segmentAt(at int) (end int, ok bool) {
	path, odd := s.path, false
	for end = at; end < len(path) && path[end] != '/'; end++ {
		if c := path[end]; c <= ' ' || c >= 0x7f {
			odd = true
		}
	}
	if s.checked {
		return end, s.valid
	}
	if end-at <= 2 || odd {
		start := strings.LastIndexByte(path[:at], '/') + 1
		return end, validPath(path[start:end])
	}
	return end, true
}

func (s *search) validPath() bool {
	if !s.checked {
		s.checked, s.valid = true, validPath(s.path)
	}
	return s.valid
}

// offer reports whether a route that the path matches is the best so far, or comes after
// the best: then no later one at this node can be it.
func (s *search) offer(r *Route) bool {
	if s.route != nil && r.order > s.route.order {
		return true
	}
	takes := r.methods == nil || slices.Contains(r.methods, s.method)
	if !takes && s.refused || r.hostName != "" && !s.hostIs(r.hostName) {
		return false
	}
	var values map[string]string
	if r.asked != nil {
		var ok bool
		if values, ok = s.ask(r); !ok {
			return false
		}
	}
	if !takes {
		s.refused = true
		return false
	}
	s.route, s.values = r, values
	return true
}

// ask asks mux about the conditions that only it knows.
func (s *search) ask(r *Route) (values map[string]string, ok bool) {
	request := s.request
	if r.host != "" {
		request = lowerHost(request)
	}
	if request.Method != s.method {
		probe := *request
		probe.Method = s.method
		request = &probe
	}
	var found mux.RouteMatch
	matches := false
	// A function of the program may panic.
	if err := protect(func() error { matches = r.asked.Match(request, &found); return nil }); err != nil {
		s.failed = err
	}
	if !matches {
		return nil, false
	}
	for name := range found.Vars {
		if isInvented(name) {
			delete(found.Vars, name)
		}
	}
	if len(found.Vars) == 0 {
		return nil, true
	}
	return found.Vars, true
}

// lowerHost returns a request whose host is written as templates write it: in small
// letters and without a dot at the end (RFC 9110 section 4.2.3).
func lowerHost(r *http.Request) *http.Request {
	host := requestHost(r)
	name, port := splitPort(host)
	lower := strings.ToLower(strings.TrimSuffix(name, ".")) + port
	if lower == host {
		return r
	}
	probe, address := *r, *r.URL
	probe.Host, probe.URL = lower, &address
	if address.Host != "" {
		address.Host = lower
	}
	return &probe
}

func (s *search) hostIs(name string) bool {
	if !s.hosted {
		host, _ := splitPort(requestHost(s.request))
		s.host, s.hosted = strings.TrimSuffix(host, "."), true
	}
	return strings.EqualFold(s.host, name)
}

func requestHost(r *http.Request) string {
	if r.URL.IsAbs() {
		return r.URL.Host
	}
	return r.Host
}

// splitPort takes the port off a host, an address of IPv6 in brackets included.
func splitPort(host string) (name, port string) {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i], host[i:]
	}
	return host, ""
}

// allowed lists the methods for which a request would be served.
func (t *tree) allowed(r *http.Request) (list []string) {
	for _, method := range t.methods {
		var s search
		if t.find(&s, r, method); s.route != nil && s.route.serves(method) {
			list = append(list, method)
		}
	}
	return list
}

// allow returns the Allow header of some methods (RFC 9110 section 10.2.1).
func allow(methods []string) string { return strings.Join(append(methods, "OPTIONS"), ", ") }

// insert adds a route to the tree.
func (t *tree) insert(r *Route) {
	n := &t.root
	n.first = min(n.first, r.order)
	for _, s := range r.plan.steps {
		n = n.along(s.literal, r.order)
		if s.segment != nil {
			n = n.branch(s.segment)
			n.first = min(n.first, r.order)
		}
	}
	if r.plan.open {
		n.opens = append(n.opens, r)
	} else {
		n.ends = append(n.ends, r)
	}
	for _, method := range r.methods {
		if method != http.MethodOptions && !slices.Contains(t.methods, method) {
			t.methods = append(t.methods, method)
		}
	}
}

// along returns the node to which a text leads from this one, which is made if there is
// none.
func (n *node) along(text string, order int) *node {
	if text == "" {
		return n
	}
	i := strings.IndexByte(n.heads, text[0])
	if i < 0 {
		next := &node{text: text, first: order}
		n.heads += text[:1]
		n.children = append(n.children, next)
		return next
	}
	next := n.children[i]
	same := 0
	for same < len(text) && same < len(next.text) && text[same] == next.text[same] {
		same++
	}
	if same < len(next.text) {
		upper := &node{text: next.text[:same], heads: next.text[same : same+1], children: []*node{next}, first: next.first}
		next.text = next.text[same:]
		n.children[i] = upper
		next = upper
	}
	next.first = min(next.first, order)
	return next.along(text[same:], order)
}

func (n *node) branch(s *segment) *node {
	for _, b := range n.segments {
		if b.segment.source == s.source {
			return &b.node
		}
	}
	b := &branch{segment: s, node: node{first: math.MaxInt}}
	n.segments = append(n.segments, b)
	return &b.node
}

// askedOf makes the route that mux is asked about: what is not path, method or a host
// without variables.
func (r *Route) askedOf() (*mux.Route, error) {
	if len(r.conditions) == 0 {
		return nil, nil
	}
	asked := mux.NewRouter().NewRoute()
	var panicked error
	func() {
		defer func() {
			if v := recover(); v != nil { // of a pattern with a group that captures
				panicked = fmt.Errorf("%v", v)
			}
		}()
		for _, condition := range r.conditions {
			condition(asked)
		}
	}()
	return asked, errors.Join(panicked, asked.GetError())
}
