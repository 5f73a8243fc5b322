package source

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/webapp2go/webapp2go/port/internal/pytree"
)

var kinds = map[string]Kind{
	"Route": Template, "BaseRoute": Template, "SimpleRoute": Tuple, "RedirectRoute": Redirect, "PathPrefixRoute": PathPrefix,
	"NamePrefixRoute": NamePrefix, "HandlerPrefixRoute": HandlerPrefix, "DomainRoute": Domain,
}

// parameters are the positional parameters of the kinds of routes.
var parameters = map[Kind][]string{
	Template:      {"template", "handler", "name", "defaults", "build_only", "handler_method", "methods", "schemes"},
	Redirect:      {"template", "handler", "name", "defaults", "build_only", "handler_method", "methods", "schemes", "redirect_to", "redirect_to_name", "strict_slash"},
	Tuple:         {"template", "handler", "name", "build_only"},
	PathPrefix:    {"prefix", "routes"},
	NamePrefix:    {"prefix", "routes"},
	HandlerPrefix: {"prefix", "routes"},
	Domain:        {"template", "routes"},
}

// routeKind returns the kind of route that a class of webapp2 creates.
func routeKind(dotted string) (Kind, bool) {
	module, name := path.Split(strings.ReplaceAll(dotted, ".", "/"))
	switch strings.Trim(module, "/") {
	case "webapp2", "webapp2_extras/routes":
		kind, ok := kinds[name]
		return kind, ok
	}
	return "", false
}

func isApp(dotted string) bool {
	switch dotted {
	case "webapp2.WSGIApplication", "google.appengine.ext.webapp.WSGIApplication", "webapp.WSGIApplication":
		return true
	}
	return false
}

// known reports whether a dotted name is a name of webapp2 that "import *" can define.
func known(dotted string) bool {
	if _, ok := routeKind(dotted); ok || isApp(dotted) {
		return true
	}
	return handlerRoots[dotted] || dotted == "webapp2.RedirectHandler"
}

// handlerRoots are the classes outside the sources from which handlers derive.
var handlerRoots = map[string]bool{
	"webapp2.RequestHandler":                                                  true,
	"google.appengine.ext.webapp.RequestHandler":                              true,
	"google.appengine.ext.webapp.blobstore_handlers.BlobstoreUploadHandler":   true,
	"google.appengine.ext.webapp.blobstore_handlers.BlobstoreDownloadHandler": true,
	"google.appengine.ext.webapp.mail_handlers.InboundMailHandler":            true,
	"google.appengine.ext.webapp.xmpp_handlers.CommandHandler":                true,
	"webapp2_extras.users.UserRequestHandler":                                 true,
}

// externalRoot returns the first class outside the sources from which a class derives.
func externalRoot(c *Class, depth int) string {
	if depth > maxDepth {
		return ""
	}
	for _, base := range c.bases {
		switch b := base.(type) {
		case dotted:
			if b != "object" {
				return string(b)
			}
		case *Class:
			if root := externalRoot(b, depth+1); root != "" {
				return root
			}
		}
	}
	return ""
}

// scan counts the places in a module that look like a route, before it is evaluated:
// calls of a route class, under its own or another name, and tuples of a path and a
// handler.
func (a *Application) scan(m *Module) {
	aliases := map[string]bool{}
	m.tree.Walk(func(n *pytree.Node) bool {
		switch n.Kind {
		case "aliased_import":
			if _, ok := kinds[last(n.Child("name").Text)]; ok {
				aliases[n.Child("alias").Text] = true
			}
		case "assignment":
			left, right := n.Child("left"), n.Child("right")
			if left != nil && right != nil && left.Kind == "identifier" && (right.Kind == "identifier" || right.Kind == "attribute") {
				if _, ok := kinds[last(right.Text)]; ok {
					aliases[left.Text] = true
				}
			}
		case "class_definition": // a class of the application that derives from a route class
			for _, base := range n.Child("superclasses").NamedChildren() {
				if _, ok := kinds[last(base.Text)]; ok {
					aliases[n.Child("name").Text] = true
				}
			}
		}
		return true
	})
	m.tree.Walk(func(n *pytree.Node) bool {
		switch n.Kind {
		case "call":
			name := n.Child("function").Text
			_, ok := kinds[last(name)]
			if ok || aliases[name] {
				a.mark(n, m)
			}
		case "tuple":
			if looksLikeRoute(n) {
				a.mark(n, m)
			}
		}
		return true
	})
}

func last(dotted string) string { return dotted[strings.LastIndex(dotted, ".")+1:] }

func (a *Application) mark(n *pytree.Node, m *Module) {
	if !a.marked[n] {
		a.marked[n] = true
		a.seen[n] = m
		a.RouteLike++
	}
}

var handlerText = regexp.MustCompile(`^[A-Za-z_][\w.]*\.[A-Za-z_]\w*(:[A-Za-z_]\w*)?$`)

// looksLikeRoute reports whether a tuple begins with a path, followed by a possible
// handler.
func looksLikeRoute(n *pytree.Node) bool {
	parts := n.NamedChildren()
	if len(parts) < 2 || len(parts) > 4 {
		return false
	}
	t, ok := literal(parts[0])
	if !ok {
		return parts[0].Kind == "binary_operator" && strings.Contains(parts[0].Text, "/") && (parts[1].Kind == "identifier" || parts[1].Kind == "attribute") && isClassName(last(parts[1].Text))
	}
	if !strings.HasPrefix(t, "/") && !strings.HasPrefix(t, "^/") && !strings.HasPrefix(t, "(/") && !strings.HasPrefix(t, ".*") {
		return false
	}
	if parent := parts[1].Kind; parent == "string" || parent == "concatenated_string" {
		handler, ok := literal(parts[1])
		return ok && handlerText.MatchString(handler)
	}
	return parts[1].Kind == "identifier" || parts[1].Kind == "attribute"
}

// isClassName reports whether a name is in the usual form of class names.
func isClassName(name string) bool {
	return name != "" && name[0] >= 'A' && name[0] <= 'Z' && strings.ToUpper(name) != name
}

// route returns the Route that a call makes.
func (r *runner) route(n *pytree.Node, kind Kind, positional []value, named map[string]value) *Route {
	r.a.mark(n, r.m)
	route := &Route{Kind: kind, File: r.m.File, Line: n.Line, Source: firstLine(n.Text), node: n, module: r.m, Condition: strings.Join(r.conditions, " and ")}
	args := map[string]value{}
	for i, v := range positional {
		if i < len(parameters[kind]) {
			args[parameters[kind][i]] = plain(v)
		}
	}
	for name, v := range named {
		args[name] = plain(v)
	}
	if _, ok := args["**"]; ok {
		route.Problem = "some of its arguments are not known"
	}
	template, ok := args["template"]
	if prefix, found := args["prefix"]; found {
		template, ok = prefix, true
	}
	if t, isText := template.(text); isText {
		route.Template = string(t)
	} else if ok {
		route.Problem = why("its template", template)
	} else {
		route.Problem = "it has no template"
	}
	if routes, ok := args["routes"]; ok {
		if l, ok := routes.(*list); ok {
			route.Children = r.routesOf(l)
		} else {
			route.Problem = why("its list of routes", routes)
		}
		return route
	}
	route.handler = args["handler"]
	route.HandlerText = argumentText(n, "handler", 1)
	if t, ok := args["name"].(text); ok {
		route.Name = string(t)
	} else if v, ok := args["name"].(unknown); ok {
		route.Problem = why("its name", v)
	}
	if t, ok := args["handler_method"].(text); ok {
		route.Method = string(t)
	}
	route.Methods, route.Schemes = texts(args["methods"]), texts(args["schemes"])
	for _, limit := range []string{"methods", "schemes"} {
		if v, ok := args[limit].(unknown); ok {
			route.Problem = why("the value of its "+limit, v)
		}
	}
	if b, ok := args["build_only"].(boolean); ok {
		route.BuildOnly = bool(b)
	}
	if b, ok := args["strict_slash"].(boolean); ok {
		route.StrictSlash = bool(b)
	}
	route.RedirectCode = 301
	if d, ok := args["defaults"].(*Dict); ok {
		for _, key := range d.Keys {
			v := d.Values[key]
			switch key {
			case "_uri":
				if t, ok := v.Text(); ok {
					route.RedirectTo = t
				}
			case "_permanent":
				if b, ok := v.Bool(); ok && !b {
					route.RedirectCode = 302
				}
			case "_code":
				if code, ok := v.Number(); ok {
					route.RedirectCode = int(code)
				}
			default:
				route.Defaults = append(route.Defaults, KeyValue{key, v.Source})
			}
		}
	}
	switch to := args["redirect_to"].(type) {
	case text:
		route.RedirectTo = string(to)
	case nil, none:
	default:
		route.Problem = "the target of its redirect is computed"
	}
	if t, ok := args["redirect_to_name"].(text); ok {
		route.RedirectToName = string(t)
	}
	return route
}

func why(what string, v value) string {
	if u, ok := v.(unknown); ok && u.why != "" {
		return what + " is not known: " + u.why
	}
	return what + " is not known"
}

func argumentText(n *pytree.Node, name string, position int) string {
	i := 0
	for _, arg := range n.Child("arguments").NamedChildren() {
		if arg.Kind == "keyword_argument" {
			if arg.Child("name").Text == name {
				return arg.Child("value").Text
			}
			continue
		}
		if i == position {
			return arg.Text
		}
		i++
	}
	return ""
}

func texts(v value) []string {
	l, ok := v.(*list)
	if !ok {
		if t, ok := v.(text); ok {
			return []string{string(t)}
		}
		return nil
	}
	var out []string
	for _, item := range l.items {
		if t, ok := plain(item).(text); ok {
			out = append(out, string(t))
		}
	}
	return out
}

// routesOf returns the routes in a list.
func (r *runner) routesOf(l *list) []*Route {
	var routes []*Route
	for _, item := range l.items {
		condition := ""
		if c, ok := item.(conditional); ok {
			item, condition = c.v, c.condition
		}
		var route *Route
		switch v := item.(type) {
		case *Route:
			copied := *v
			route = &copied
		case *list:
			if len(v.items) < 2 {
				if v.tuple {
					r.a.list(v.m, v.node, "a tuple of fewer than two elements is not a route")
				}
				continue
			}
			r.a.mark(v.node, v.m)
			route = &Route{Kind: Tuple, File: v.m.File, Line: v.node.Line, Source: firstLine(v.node.Text), node: v.node, module: v.m, handler: plain(v.items[1])}
			if parts := v.node.NamedChildren(); len(parts) > 1 {
				route.HandlerText = parts[1].Text
			}
			if t, ok := plain(v.items[0]).(text); ok {
				route.Template = string(t)
			} else {
				route.Problem = why("its regular expression", v.items[0])
			}
			if len(v.items) > 2 {
				if t, ok := plain(v.items[2]).(text); ok {
					route.Name = string(t)
				}
			}
		case unknown:
			n := v.node
			if n == nil {
				n = l.node
			}
			r.a.list(r.m, n, why("a part of the list of routes", v))
			continue
		default:
			what := "an element of the list of routes"
			if t, ok := v.(text); ok {
				what = fmt.Sprintf("%.80q in the list of routes", string(t))
			}
			r.a.list(r.m, l.node, what+" is not a route")
			continue
		}
		if condition != "" {
			route.Condition = condition
		}
		routes = append(routes, route)
	}
	return routes
}

// list records that a place was not converted.
func (a *Application) list(m *Module, n *pytree.Node, why string) {
	a.mark(n, m)
	a.failed[n] = why
}

// app returns the App that a call of WSGIApplication makes, and records it.
func (r *runner) app(n *pytree.Node, positional []value, named map[string]value) value {
	r.a.mark(n, r.m)
	delete(r.a.marked, n) // an application is not a route
	delete(r.a.seen, n)
	r.a.RouteLike--
	for _, app := range r.a.Apps {
		if app.node == n {
			return app
		}
	}
	app := &App{Module: r.m, Line: n.Line, node: n}
	routes, ok := named["routes"]
	if !ok && len(positional) > 0 {
		routes = positional[0]
	}
	switch v := plain(routes).(type) {
	case *list:
		app.Routes = r.routesOf(v)
	case nil, none:
	default:
		r.a.list(r.m, n, why("the list of routes of this application", v))
	}
	config := named["config"]
	if len(positional) > 2 {
		config = positional[2]
	}
	app.Config, _ = config.(*Dict)
	r.a.Apps = append(r.a.Apps, app)
	return app
}

// orderApps sorts the applications in the order of app.yaml, whose first match wins.
func (a *Application) orderApps() {
	rank := func(app *App) int {
		if a.YAML == nil {
			return 0
		}
		for i, h := range a.YAML.Handlers {
			script := strings.TrimSuffix(h.Script, ".py")
			if script != "" && (script == app.Module.Name+"."+app.Name || script == app.Module.Name || script == strings.ReplaceAll(app.Module.Name, ".", "/")) {
				return i
			}
		}
		return len(a.YAML.Handlers)
	}
	slices.SortStableFunc(a.Apps, func(x, y *App) int { return rank(x) - rank(y) })
}

// belowProblem is the problem of a route whose prefix or domain is not converted.
const belowProblem = "the route that holds it is not converted"

// mount resolves the handlers of mounted routes, and marks the places they came from.
func (a *Application) mount(routes []*Route, handlerPrefix string) {
	for _, route := range routes {
		if len(route.Children) > 0 || parameters[route.Kind][1] == "routes" {
			inner := handlerPrefix
			if route.Kind == HandlerPrefix {
				inner += route.Template
			}
			a.mount(route.Children, inner)
			if route.Kind == NamePrefix {
				prefixNames(route.Children, route.Template)
			}
		} else if route.Problem == "" {
			a.resolve(route, handlerPrefix)
		}
		if route.Problem == "" {
			route.Problem = templateProblem(route)
		}
		if route.Problem != "" {
			a.failed[route.node] = route.Problem
			a.walk(route.Children, func(below *Route) {
				if below.Problem == "" {
					below.Problem = belowProblem
					a.failed[below.node] = belowProblem
				}
			})
		} else {
			a.mounted[route.node] = true
		}
	}
}

func prefixNames(routes []*Route, prefix string) {
	for _, route := range routes {
		if route.Name != "" {
			route.Name = prefix + route.Name
		}
		prefixNames(route.Children, prefix)
	}
}

// resolve finds the handler of a route.
func (a *Application) resolve(route *Route, prefix string) {
	if route.RedirectTo != "" || route.RedirectToName != "" {
		return
	}
	v := route.handler
	for range 10 {
		switch h := v.(type) {
		case text:
			name := prefix + string(h)
			name, method, ok := strings.Cut(name, ":")
			if ok {
				route.Method = method
			}
			prefix = ""
			dot := strings.LastIndex(name, ".")
			if dot < 0 {
				v = unknown{route.node, fmt.Sprintf("the handler string %q names no module", name)}
				if found, ok := route.module.scope.names[name]; ok {
					v = found
				}
				continue
			}
			m := a.find(nil, name[:dot])
			if m == nil {
				m = a.find(route.module, name[:dot])
			}
			if m == nil {
				if isExternal(name) {
					v = dotted(name)
					continue
				}
				route.Problem = fmt.Sprintf("its handler %q is in no module of the sources", name)
				return
			}
			a.run(m)
			found, ok := m.scope.names[name[dot+1:]]
			if !ok {
				route.Problem = fmt.Sprintf("%s has no %s", m.File, name[dot+1:])
				return
			}
			v = found
		case *Class:
			a.link(h, 0)
			switch {
			case isApp(h.Root):
				route.Problem = "its handler is an application of its own"
			case route.Method != "" && methodOf(h, route.Method) == nil:
				route.Problem = fmt.Sprintf("%s has no method %s", h.Name, route.Method)
			}
			if h.Root == "webapp2.RedirectHandler" && route.Method == "" {
				h.Root = "webapp2.RequestHandler"
			}
			route.Class = h
			return
		case lambda:
			if h.node.Kind != "function_definition" {
				route.Problem = "its handler is a lambda"
				return
			}
			if h.m != nil && h.node.Child("name") != nil {
				route.Function = a.function(h)
			}
			return
		case dotted:
			if h == "webapp2.RedirectHandler" {
				route.Problem = "the target of its redirect is computed"
				return
			}
			route.Problem = fmt.Sprintf("its handler %s is not in the sources", string(h))
			return
		case none, nil:
			if route.BuildOnly {
				return
			}
			route.Problem = "it has no handler"
			return
		case unknown:
			route.Problem = why("its handler", h)
			return
		default:
			route.Problem = "its handler is not known"
			return
		}
	}
	route.Problem = "its handler is not known"
}

func (a *Application) function(l lambda) *Function {
	for _, f := range a.Functions {
		if f.node == l.node {
			return f
		}
	}
	f := &Function{Name: l.node.Child("name").Text, Module: l.m, Line: l.node.Line, Source: dedent(l.node), node: l.node}
	a.Functions = append(a.Functions, f)
	return f
}

// methodOf finds a method in a class or its bases.
func methodOf(c *Class, name string) *Method {
	for depth := 0; c != nil && depth < maxDepth; c, depth = c.Base, depth+1 {
		for _, m := range c.Methods {
			if m.Name == name {
				return m
			}
		}
	}
	return nil
}

// link sets the base of a class: the first one that derives from webapp2.RequestHandler,
// or else the first class in the sources.
func (a *Application) link(c *Class, depth int) {
	if c.linked || depth > maxDepth {
		return
	}
	c.linked = true
	a.linkBase(c, depth)
	for _, base := range c.bases { // in Go, the class itself has the methods of its other bases
		if b, ok := base.(*Class); ok && b != c.Base {
			a.link(b, depth+1)
			for other := b; other != nil; other = other.Base {
				for _, m := range other.Methods {
					if c.Find(m.Name) == nil {
						copied := *m
						copied.From = b
						c.Methods = append(c.Methods, &copied)
					}
				}
			}
		}
	}
}

func (a *Application) linkBase(c *Class, depth int) {
	for _, base := range c.bases {
		switch b := base.(type) {
		case *Class:
			a.link(b, depth+1)
			if handlerRoots[b.Root] {
				c.Base, c.Root = b, b.Root
				return
			}
		case dotted:
			if handlerRoots[string(b)] {
				c.Root = string(b)
				return
			}
		}
	}
	for i, base := range c.bases {
		switch b := base.(type) {
		case *Class:
			if c.Base == nil && depth < maxDepth {
				c.Base, c.Root = b, b.Root
			}
		case dotted:
			if c.Root == "" {
				c.Root = string(b)
			}
		default:
			if c.Root == "" {
				c.Root = c.Bases[i]
			}
		}
	}
}

var variable = regexp.MustCompile(`<([A-Za-z_]\w*)?(?::([^>]*))?>`)

// expressionText matches text that webapp2.Template refuses. It is the same as there.
var expressionText = regexp.MustCompile(`\\|\[[^\]/]+\][*+?{]|\.[*+]|\(\?|\([^()]*[\[|][^()]*\)|^\^|/\?\$?$|\)\?\$?$`)

// templateProblem returns the reason why a template or a regular expression is not valid
// in Go, or "" if it is.
func templateProblem(route *Route) string {
	if route.Kind == Tuple {
		if !strings.HasPrefix(route.Template, "/") || strings.ContainsAny(route.Template, `\^$*+?()[]{}|%`) {
			if _, err := Regex(route.Template); err != nil {
				return strings.TrimPrefix(err.Error(), "webapp2: ")
			}
			return ""
		}
		return segmentProblem(route.Template)
	}
	if route.Kind == NamePrefix || route.Kind == HandlerPrefix {
		return ""
	}
	names := map[string]bool{}
	for _, found := range variable.FindAllStringSubmatch(route.Template, -1) {
		if names[found[1]] && found[1] != "" {
			return fmt.Sprintf("two of its variables are named %q", found[1])
		}
		names[found[1]] = true
		if _, err := Compile(found[2]); err != nil {
			return "its variable has a regular expression that is not one of Go's: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		}
		if escape := notShared.FindString(found[2]); escape != "" {
			return fmt.Sprintf("its variable has %s, which Go and Python do not share", escape)
		}
	}
	if route.Kind != Domain {
		if problem := segmentProblem(variable.ReplaceAllString(route.Template, "<>")); problem != "" {
			return problem
		}
	}
	if found := expressionText.FindString(variable.ReplaceAllString(route.Template, "<>")); found != "" {
		return fmt.Sprintf("its template has %q, as a regular expression; webapp2 took that for text, which no path has", found)
	}
	return ""
}

// Compile compiles a regular expression of Python.
func Compile(expression string) (*regexp.Regexp, error) { return regexp.Compile(inGo(expression)) }

// notShared are the escapes of Go's regular expressions that webapp2.Template refuses.
var notShared = regexp.MustCompile(`\\[NpPQECz]`)

// segmentProblem returns the reason why package framework cannot have a route with the
// path, or "" if it can.
func segmentProblem(path string) string {
	if strings.ContainsFunc(path, unicode.IsControl) {
		return "its template has a control character, which no path can have"
	}
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case segment == ".", segment == "..":
			return fmt.Sprintf("its template has the segment %q, which no path can have", segment)
		case segment == "*", len(segment) > 1 && segment[0] == ':' && (segment[1]|32 >= 'a' && segment[1]|32 <= 'z' || segment[1] == '_'):
			return fmt.Sprintf("its template has the segment %q, which is the syntax of another router; webapp2 took it for text", segment)
		}
	}
	return ""
}

// uniqueNames removes a name from all of its routes but the last, because webapp2 kept
// that one.
func (a *Application) uniqueNames() {
	owner := map[string]*Route{}
	for _, app := range a.Apps {
		a.walk(app.Routes, func(route *Route) {
			if route.Name != "" && route.Problem == "" {
				owner[route.Name] = route
			}
		})
	}
	for _, app := range a.Apps {
		a.walk(app.Routes, func(route *Route) {
			last := owner[route.Name]
			if route.Name == "" || last == nil || last == route {
				return
			}
			a.Notes = append(a.Notes, Finding{File: route.File, Line: route.Line, Source: route.Source,
				Text: fmt.Sprintf("the name %q is given again at %s:%d, which webapp2 kept; this route has no name now", route.Name, last.File, last.Line)})
			route.Name = ""
		})
	}
}

func (a *Application) walk(routes []*Route, f func(*Route)) {
	for _, route := range routes {
		f(route)
		a.walk(route.Children, f)
	}
}

// collectClasses lists the classes that routes name, with their bases.
func (a *Application) collectClasses() {
	listed := map[*Class]bool{}
	var add func(c *Class)
	add = func(c *Class) {
		if c == nil || listed[c] {
			return
		}
		listed[c] = true
		add(c.Base)
		a.Classes = append(a.Classes, c)
	}
	for _, app := range a.Apps {
		a.walk(app.Routes, func(route *Route) {
			if route.Problem == "" {
				add(route.Class)
			}
		})
	}
}

// account lists the places that look like a route and were not converted.
func (a *Application) account() {
	var nodes []*pytree.Node
	for n := range a.marked {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(x, y *pytree.Node) int {
		if c := strings.Compare(a.seen[x].File, a.seen[y].File); c != 0 {
			return c
		}
		return x.Start - y.Start
	})
	for _, n := range nodes {
		reason, failed := a.failed[n]
		if a.mounted[n] && !failed {
			a.Converted++
			continue
		}
		if !failed {
			reason = "no application mounts it"
		}
		a.Unconverted = append(a.Unconverted, Finding{File: a.seen[n].File, Line: n.Line, Source: firstLine(n.Text), Text: reason})
	}
}

// Drop records why a mounted route cannot be written.
func (a *Application) Drop(route *Route, reason string) {
	route.Problem = reason
	for _, below := range route.Children {
		if below.Problem == "" {
			a.Drop(below, belowProblem)
		}
	}
	if _, already := a.failed[route.node]; already || !a.mounted[route.node] {
		return
	}
	a.failed[route.node] = reason
	a.Converted--
	a.Unconverted = append(a.Unconverted, Finding{File: route.File, Line: route.Line, Source: route.Source, Text: reason})
}
