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

// A tree finds the first route of the routing table that takes a request, in the order in
// which the routes were made. It checks path, method and host. For queries, headers,
// schemes, functions and hosts with variables it calls Match of the route's mux.Route.
type tree struct {
	root    node
	methods []string // all methods, in the order of Allow
}

// A node is a place in the tree, which a beginning of a path leads to.
type node struct {
	text     string // the text that leads here from the node above
	heads    string // the first byte of the text of each child
	children []*node
	segments []*branch // the nodes behind a segment with variables
	ends     []*Route  // the routes whose path ends here
	opens    []*Route  // the routes whose path may go on, or that have a pattern
	first    int       // the order of the first route at or below this node
}

// A branch is a node behind a segment that has variables.
type branch struct {
	segment *segment
	node    node
}

// A match is the route of a request.
type match struct {
	route *Route
	path  string // the path that it has matched
}

// A fullMatch is a match and the variables that are not in the path, such as those of the
// host.
type fullMatch struct {
	match
	values map[string]string
}

// A lookup finds the route of one request. Its fullMatch is the best so far.
type lookup struct {
	fullMatch
	request     *http.Request
	method      string
	host        string // of the request, if hasHost is true
	failed      error  // the panic of a MatcherFunc
	wrongMethod bool   // whether a route does not match because of its method alone
	hasHost     bool
	checked     bool // whether valid is set
	valid       bool // the result of validPath
}

// find looks for the route of a request, as if its method were method.
func (t *tree) find(l *lookup, r *http.Request, method string) {
	l.request, l.method = r, method
	if r.URL.RawPath != "" {
		if path, ok := withSlashes(r.URL); ok {
			// The slash is part of a value, or separates segments. The first route that matches
			// in either way is taken: a handler may read the path by itself, so that encoding a
			// slash must not lead past a route that has a guard.
			if l.checked, l.valid = true, validPath(r.URL.Path); !l.valid {
				return
			}
			l.path = path
			t.root.search(l, 0)
			valued := l.fullMatch
			l.path = r.URL.Path
			if t.root.search(l, 0); l.route == valued.route {
				l.fullMatch = valued
			}
			return
		}
	}
	if l.path = r.URL.Path; l.path == "" && r.Method != http.MethodConnect {
		l.path = "/" // as if it was sent (RFC 9110 section 4.2.3); http.StripPrefix may have removed all of it
	}
	t.root.search(l, 0)
}

// withSlashes returns the path of a URL with slashInValue for each encoded slash, and
// whether there is one.
func withSlashes(u *url.URL) (path string, ok bool) {
	if !strings.Contains(u.RawPath, "%2F") && !strings.Contains(u.RawPath, "%2f") || u.EscapedPath() != u.RawPath || strings.Contains(u.Path, slashInValue) {
		return "", false
	}
	path, err := url.PathUnescape(strings.NewReplacer("%2F", "%00", "%2f", "%00").Replace(u.RawPath))
	return path, err == nil
}

// search looks for a better route at and below n. The first at bytes of the path have led
// to n: for the path "/books/7/edit" and the template "/books/{id}/edit", the text "/books/"
// leads to one node, the segment {id} to a second one, and the text "/edit" to a third one, at
// which the path ends.
func (n *node) search(l *lookup, at int) {
	if l.route != nil && n.first > l.route.order {
		return // all routes here come after the best so far
	}
	path := l.path
	// Literal text leads to one child at most, because no two begin with the same byte.
	if at == len(path) {
		for _, r := range n.ends {
			if l.offer(r) {
				break
			}
		}
	} else if i := strings.IndexByte(n.heads, path[at]); i >= 0 {
		if next := n.children[i]; strings.HasPrefix(path[at:], next.text) {
			next.search(l, at+len(next.text))
		}
	}
	// Several segments may take the same text, as {name} and {id:[0-9]+} do.
	if len(n.segments) > 0 {
		if end, ok := l.segmentAt(at); ok {
			for _, b := range n.segments {
				if b.segment.takes(path[at:end]) {
					b.node.search(l, end)
				}
			}
		}
	}
	// The path may go on from here: after a prefix, and if a pattern decides about all of it.
	for _, r := range n.opens {
		if l.route != nil && r.order > l.route.order {
			break
		}
		if len(path)-at >= r.plan.least && l.validPath() && (r.plan.pattern == nil || r.plan.pattern.MatchString(path)) && l.offer(r) {
			break
		}
	}
}

// segmentAt returns the end of the segment at a place in the path, and whether that
// segment may be served. Only segments with variables need the check: templates were
// checked when they were registered.
func (l *lookup) segmentAt(at int) (end int, ok bool) {
	path, odd := l.path, false
	for end = at; end < len(path) && path[end] != '/'; end++ {
		if c := path[end]; c <= ' ' || c >= 0x7f {
			odd = true
		}
	}
	if l.checked {
		return end, l.valid
	}
	if end-at <= 2 || odd {
		start := strings.LastIndexByte(path[:at], '/') + 1
		return end, validPath(path[start:end])
	}
	return end, true
}

// validPath reports whether the whole path may be served. It is computed once.
func (l *lookup) validPath() bool {
	if !l.checked {
		l.checked, l.valid = true, validPath(l.path)
	}
	return l.valid
}

// offer takes a route whose path matches, if its other conditions match too and it comes
// before the best route so far. It reports whether the routes after it at this node
// cannot be better.
func (l *lookup) offer(r *Route) bool {
	if l.route != nil && r.order > l.route.order {
		return true
	}
	takes := r.methods == nil || slices.Contains(r.methods, l.method)
	if !takes && l.wrongMethod || r.hostName != "" && !l.hostIs(r.hostName) {
		return false
	}
	var values map[string]string
	if r.muxRoute != nil {
		var ok bool
		if values, ok = l.askMux(r); !ok {
			return false
		}
	}
	if !takes {
		l.wrongMethod = true
		return false
	}
	l.route, l.values = r, values
	return true
}

// askMux checks the conditions that mux must check, and returns the variables that they
// have.
func (l *lookup) askMux(r *Route) (values map[string]string, ok bool) {
	request := l.request
	if r.host != "" {
		request = lowerHost(request)
	}
	if request.Method != l.method {
		probe := *request
		probe.Method = l.method
		request = &probe
	}
	var result mux.RouteMatch
	matches := false
	// A MatcherFunc may panic.
	if err := protect(func() error { matches = r.muxRoute.Match(request, &result); return nil }); err != nil {
		l.failed = err
	}
	if !matches {
		return nil, false
	}
	for name := range result.Vars {
		if isHidden(name) {
			delete(result.Vars, name)
		}
	}
	if len(result.Vars) == 0 {
		return nil, true
	}
	return result.Vars, true
}

// lowerHost returns a request whose host is in lower case and has no trailing dot, as
// templates have it (RFC 9110 section 4.2.3).
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

// hostIs reports whether the request is for a host.
func (l *lookup) hostIs(name string) bool {
	if !l.hasHost {
		host, _ := splitPort(hostOf(l.request))
		l.host, l.hasHost = strings.TrimSuffix(host, "."), true
	}
	return strings.EqualFold(l.host, name)
}

// hostOf returns the host of a request, with its port.
func hostOf(r *http.Request) string {
	if r.URL.IsAbs() {
		return r.URL.Host
	}
	return r.Host
}

// splitPort splits a host, which may be an IPv6 address in brackets, from its port.
func splitPort(host string) (name, port string) {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i], host[i:]
	}
	return host, ""
}

// allowed returns the methods for which a request would be served.
func (t *tree) allowed(r *http.Request) (list []string) {
	for _, method := range t.methods {
		var l lookup
		if t.find(&l, r, method); l.route != nil && l.route.serves(method) {
			list = append(list, method)
		}
	}
	return list
}

// allow returns the Allow header for some methods (RFC 9110 section 10.2.1).
func allow(methods []string) string { return strings.Join(append(methods, "OPTIONS"), ", ") }

// insert adds a route.
func (t *tree) insert(r *Route) {
	n := &t.root
	n.first = min(n.first, r.order)
	for _, s := range r.plan.steps {
		n = n.literalChild(s.literal, r.order)
		if s.segment != nil {
			n = n.segmentChild(s.segment)
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

// literalChild returns the node that a text leads to from n. It adds what is missing.
func (n *node) literalChild(text string, order int) *node {
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
	return next.literalChild(text[same:], order)
}

// segmentChild returns the node behind a segment. It adds what is missing.
func (n *node) segmentChild(s *segment) *node {
	for _, b := range n.segments {
		if b.segment.source == s.source {
			return &b.node
		}
	}
	b := &branch{segment: s, node: node{first: math.MaxInt}}
	n.segments = append(n.segments, b)
	return &b.node
}

// A step is one step of a plan: literal text, and then the rest of a segment that has
// variables.
type step struct {
	literal string
	segment *segment // nil at the end of the template
}

// A segment matches text up to the next slash that has variables.
type segment struct {
	source  string         // of its pattern; equal for segments that match the same
	after   string         // the text after the variable, of a segment like {name}.html
	class   *class         // of a segment that is one variable with such a pattern; else nil
	pattern *regexp.Regexp // of other segments; else nil
}

// takes reports whether the segment matches a text without slashes.
func (s *segment) takes(text string) bool {
	switch {
	case s.class != nil:
		return s.class.takes(text)
	case s.pattern != nil:
		return s.pattern.MatchString(text)
	}
	return len(text) > len(s.after) && strings.HasSuffix(text, s.after)
}

// A variable is a variable of a path. Its value is cut out of the path when it is asked
// for: it begins some slashes, and then some bytes, after the beginning.
type variable struct {
	name    string
	slashes int            // slashes in the path before it
	offset  int            // bytes between the last of them and the value
	after   int            // bytes between the value and the end of the segment
	rest    bool           // whether the value goes on to the end of the path
	pattern *regexp.Regexp // whose group is the value; nil if the text is the value
	group   int
}

// value returns the value of the variable in a path that the route has matched.
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

// A plan is how the tree finds a route.
type plan struct {
	steps     []step
	open      bool           // whether the path may go on after the steps
	least     int            // how many bytes must follow, if open is true
	pattern   *regexp.Regexp // must match the whole path; nil if the steps do
	variables []variable
}

// planOf returns the plan for the path template of a route. Prefix says that the path may
// go on. If a variable can match a slash, or can end anywhere, a regular expression must
// match the whole path.
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

// wholePlan returns a plan with a regular expression for the whole path.
func wholePlan(parts []part, prefix bool, before []step, literal string) plan {
	source := expression(parts)
	if !prefix {
		source += "$"
	}
	p := plan{steps: append(before, step{literal: literal}), open: true, pattern: regexp.MustCompile(source)}
	for i, name := range variableNames(parts) {
		p.variables = append(p.variables, variable{name: name, rest: true, pattern: p.pattern, group: i + 1})
	}
	return p
}

// split splits the text of a template at its slashes, and keeps those as parts.
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

// segmentOf returns the segment for some parts, nil if they can match a slash.
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

// A class is a pattern such as [0-9]+ or \d{4}: characters of one set. It takes half the
// time of a regular expression.
type class struct {
	ascii    [2]uint64 // a bit for each ASCII character
	beyond   bool      // whether all other characters are in the set
	min, max int       // the number of bytes; max is -1 if there is no maximum
}

// takes reports whether the class matches a text.
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

// classOf returns the class of a pattern, nil if it is another kind of pattern.
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
		return nil // the pattern counts characters, not bytes
	}
	return c
}

// withinSegment reports whether a pattern matches no slash and does not depend on the
// text around it.
func withinSegment(pattern string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	return err == nil && staysInSegment(parsed)
}

// staysInSegment is withinSegment for a parsed pattern.
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

// vars returns all variables, nil if there are none.
func (m fullMatch) vars() map[string]string {
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

// variable returns the value of a variable, and whether there is one.
func (m fullMatch) variable(name string) (value string, ok bool) {
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
