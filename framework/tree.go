package framework

import (
	"math"
	"net/http"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

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
		if isHidden(name) {
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
	host := hostOf(r)
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
		host, _ := splitPort(hostOf(s.request))
		s.host, s.hosted = strings.TrimSuffix(host, "."), true
	}
	return strings.EqualFold(s.host, name)
}

func hostOf(r *http.Request) string {
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

// A step is what the search does at a node: literal text, then one segment, or what is
// left of one, that a variable takes.
type step struct {
	literal string
	segment *segment // nil: none, this is the end
}

// A segment takes a path up to the next slash.
type segment struct {
	source  string // of its pattern, the same for segments that take the same
	after   string // text behind the variable, if that takes any text: {name}.html
	class   *class // nil: see pattern
	pattern *regexp.Regexp
}

// takes reports whether the segment takes a text without slashes.
func (s *segment) takes(text string) bool {
	switch {
	case s.class != nil:
		return s.class.takes(text)
	case s.pattern != nil:
		return s.pattern.MatchString(text)
	}
	return len(text) > len(s.after) && strings.HasSuffix(text, s.after)
}

// A variable is one of a route's. Where its value begins follows from the path: after so
// many slashes, and so many bytes.
type variable struct {
	name    string
	slashes int            // in the path before it
	offset  int            // bytes after the last of them
	after   int            // bytes of the segment behind the value
	rest    bool           // it takes all that is left, slashes too
	pattern *regexp.Regexp // that takes its text apart; nil: the text is the value
	group   int            // of the pattern, from 1
}

// value cuts the variable's value out of a path that its route has matched.
func (v *variable) value(path string) string {
	at := 0
	for n := v.slashes; n > 0; at++ {
		if path[at] == '/' {
			n--
		}
	}
	text := path[at+v.offset:]
	if end := strings.IndexByte(text, '/'); end >= 0 && !v.rest {
		text = text[:end]
	}
	text = text[:len(text)-v.after]
	if v.pattern != nil {
		m := v.pattern.FindStringSubmatchIndex(text)
		if m == nil || m[2*v.group] < 0 {
			return ""
		}
		text = text[m[2*v.group]:m[2*v.group+1]]
	}
	if strings.Contains(text, slashInValue) {
		text = strings.ReplaceAll(text, slashInValue, "/")
	}
	return text
}

// A plan says how the tree finds a route.
type plan struct {
	steps     []step
	open      bool           // more may follow
	least     int            // bytes that must follow, if it is open
	pattern   *regexp.Regexp // that decides about the whole path; nil: the steps do
	variables []variable
}

// planOf makes the plan of a path template that has been checked; prefix says that more
// may follow. A variable that may take a slash, or that does not know where it ends,
// leaves the decision to a regular expression for the whole path.
func planOf(parts []part, prefix bool) plan {
	p := plan{open: prefix}
	var literal strings.Builder
	slashes, offset := 0, 0
	pieces := split(parts)
	for i := 0; i < len(pieces); {
		piece := pieces[i]
		if piece.name == "" {
			literal.WriteString(piece.text)
			if offset += len(piece.text); piece.text == "/" {
				slashes, offset = slashes+1, 0
			}
			i++
			continue
		}
		end := i
		for end < len(pieces) && pieces[end].text != "/" {
			end++
		}
		within, last := pieces[i:end], end == len(pieces)
		if last && len(within) == 1 && (piece.pattern == ".*" || piece.pattern == ".+") {
			p.variables = append(p.variables, variable{name: piece.name, slashes: slashes, offset: offset, rest: true})
			p.open, p.least = true, strings.Count(piece.pattern, "+")
			break
		}
		taken := segmentOf(within)
		if taken == nil || last && prefix && taken.source != anySegment {
			return wholePlan(parts, prefix, p.steps, literal.String())
		}
		group := 0
		for _, w := range within {
			if w.name != "" {
				group++
				p.variables = append(p.variables, variable{name: w.name, slashes: slashes, offset: offset, after: len(taken.after), pattern: taken.pattern, group: group})
			}
		}
		p.steps = append(p.steps, step{literal.String(), taken})
		literal.Reset()
		i = end
	}
	p.steps = append(p.steps, step{literal: literal.String()})
	return p
}

func wholePlan(parts []part, prefix bool, before []step, literal string) plan {
	source := expression(parts)
	if !prefix {
		source += "$"
	}
	p := plan{steps: append(before, step{literal: literal}), open: true, pattern: regexp.MustCompile(source)}
	for i, name := range names(parts) {
		p.variables = append(p.variables, variable{name: name, rest: true, pattern: p.pattern, group: i + 1})
	}
	return p
}

// split splits the literal text of a template at its slashes, which are pieces too.
func split(parts []part) (pieces []part) {
	for _, p := range parts {
		if p.name != "" {
			pieces = append(pieces, p)
			continue
		}
		for i, text := range strings.Split(p.text, "/") {
			if i > 0 {
				pieces = append(pieces, part{text: "/"})
			}
			if text != "" {
				pieces = append(pieces, part{text: text})
			}
		}
	}
	return pieces
}

// segmentOf returns the segment that some parts take, nil if they may take a slash.
func segmentOf(parts []part) *segment {
	for _, p := range parts {
		if p.name != "" && !withinSegment(p.pattern) {
			return nil
		}
	}
	if len(parts) == 1 {
		source := parts[0].pattern
		if source == anySegment {
			return &segment{source: source}
		}
		if class := classOf(source); class != nil {
			return &segment{source: source, class: class}
		}
	}
	source := expression(parts) + "$"
	if len(parts) == 2 && parts[0].pattern == anySegment && parts[1].name == "" {
		return &segment{source: source, after: parts[1].text}
	}
	return &segment{source: source, pattern: regexp.MustCompile(source)}
}

// A class is a pattern like [0-9]+ or \d{4}: some characters of one set. It is told apart
// without a regular expression, in half the time.
type class struct {
	ascii    [2]uint64 // a bit for each character
	beyond   bool      // all others are in it too
	min, max int       // how many bytes; max -1: any number
}

func (c *class) takes(text string) bool {
	if len(text) < c.min || c.max >= 0 && len(text) > c.max {
		return false
	}
	for i := range len(text) {
		if b := text[i]; b >= utf8.RuneSelf && !c.beyond || b < utf8.RuneSelf && c.ascii[b>>6]>>(b&63)&1 == 0 {
			return false
		}
	}
	return true
}

// classOf returns the class of a pattern, nil if it is something else.
func classOf(pattern string) *class {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	c := &class{min: 1, max: 1}
	switch re.Op {
	case syntax.OpPlus:
		c.max = -1
	case syntax.OpStar:
		c.min, c.max = 0, -1
	case syntax.OpRepeat:
		c.min, c.max = re.Min, re.Max
	case syntax.OpCharClass:
		re = &syntax.Regexp{Sub: []*syntax.Regexp{re}}
	default:
		return nil
	}
	set := re.Sub[0]
	if set.Op != syntax.OpCharClass {
		return nil
	}
	for i := 0; i < len(set.Rune); i += 2 {
		low, high := set.Rune[i], set.Rune[i+1]
		for r := low; r <= min(high, utf8.RuneSelf-1); r++ {
			c.ascii[r>>6] |= 1 << (r & 63)
		}
		if high >= utf8.RuneSelf {
			if low > utf8.RuneSelf || high != utf8.MaxRune {
				return nil
			}
			c.beyond = true
		}
	}
	if c.beyond && (c.min > 1 || c.max >= 0) {
		return nil // which counts characters, not bytes
	}
	return c
}

// withinSegment reports whether a pattern never matches a slash and does not look at
// what stands around it.
func withinSegment(pattern string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	return err == nil && staysInSegment(parsed)
}

func staysInSegment(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return false
	case syntax.OpLiteral:
		return !slices.Contains(re.Rune, '/')
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i] <= '/' && '/' <= re.Rune[i+1] {
				return false
			}
		}
	}
	for _, sub := range re.Sub {
		if !staysInSegment(sub) {
			return false
		}
	}
	return true
}

// vars returns the variables of a match, nil if there are none.
func (m found) vars() map[string]string {
	if m.route == nil || len(m.route.plan.variables) == 0 && len(m.values) == 0 {
		return nil
	}
	vars := make(map[string]string, len(m.route.plan.variables)+len(m.values))
	for name, value := range m.values {
		vars[name] = value
	}
	for i := range m.route.plan.variables {
		v := &m.route.plan.variables[i]
		vars[v.name] = v.value(m.path)
	}
	return vars
}

// variable returns the value of a variable of a match.
func (m found) variable(name string) (value string, ok bool) {
	if m.route == nil {
		return "", false
	}
	for i := range m.route.plan.variables {
		if v := &m.route.plan.variables[i]; v.name == name {
			return v.value(m.path), true
		}
	}
	value, ok = m.values[name]
	return value, ok
}
