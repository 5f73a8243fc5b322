package gocode

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/source"
)

// routes writes routes.go.
func (w *writer) routes() string {
	var body bytes.Buffer
	for i, app := range w.app.Apps {
		name := "routes"
		if len(w.app.Apps) > 1 {
			name += exported(app.Module.Name)
			if app.Name != "" && app.Name != "app" && app.Name != "application" {
				name += exported(app.Name)
			}
			name = w.unique(name, strconv.Itoa(i+1))
		}
		w.appFuncs = append(w.appFuncs, name)
		fmt.Fprintf(&body, "\n// %s registers the routes of %s:%d. The first route that matches takes a request.\n", name, app.Module.File, app.Line)
		fmt.Fprintf(&body, "func %s(app *framework.App) {\n", name)
		names := map[string]bool{"app": true}
		w.routeList(&body, "app", app.Routes, place{}, names)
		body.WriteString("}\n")
	}
	var out bytes.Buffer
	out.WriteString("package main\n\nimport (\n")
	if uses(body.String(), "http.HandlerFunc(") {
		out.WriteString("\"net/http\"\n\n")
	}
	if w.helpers["redirectToName"] {
		out.WriteString("\"" + home + "/handlers\"\n")
	}
	out.WriteString("\"" + home + "/framework\"\n")
	if uses(body.String(), "webapp2.") || w.helpers["regex"] || w.helpers["template"] {
		out.WriteString("\"" + home + "/webapp2\"\n")
	}
	out.WriteString(")\n")
	out.Write(body.Bytes())
	for _, name := range []string{"template", "regex", "redirectToName"} {
		if w.helpers[name] {
			out.WriteString(helpers[name])
		}
	}
	return out.String()
}

var helpers = map[string]string{
	"template": `
// template translates a route template of webapp2. It panics at startup if it cannot.
func template(t string) string {
	translated, err := webapp2.Template(t)
	if err != nil {
		panic(err)
	}
	return translated
}
`,
	"regex": `
// regex converts a regular expression, as webapp2 had in tuples, to a path. Its groups
// are the variables "0", "1" and so on. It panics at startup if it cannot.
func regex(expression string) string {
	translated, err := webapp2.Regex(expression)
	if err != nil {
		panic(err)
	}
	return translated
}
`,
	"redirectToName": `
// toName redirects to a named route, with the variables of its own route.
type toName struct {
	handlers.BaseHandler
	name string
}

func (h *toName) Get() error {
	var pairs []any
	for name, value := range h.Vars() {
		pairs = append(pairs, name, value)
	}
	to, err := h.URL(h.name, pairs...)
	if err != nil {
		return err
	}
	return h.RedirectCode(to, 301)
}
`,
}

// place is what a route inherits from the routes above it.
type place struct {
	path, host string
	variables  []string
}

func (w *writer) routeList(b *bytes.Buffer, router string, routes []*source.Route, at place, names map[string]bool) {
	for _, r := range routes {
		switch {
		case r.Problem != "":
			w.todo(b, r)
		case r.Kind == source.NamePrefix || r.Kind == source.HandlerPrefix:
			w.routeList(b, router, r.Children, at, names)
		case r.Kind == source.PathPrefix || r.Kind == source.Domain:
			inner := at
			method, name := "PathPrefix", r.Template
			if r.Kind == source.Domain {
				method, name = "Host", "host"
				inner.host += r.Template
			} else {
				inner.path += r.Template
			}
			if !inner.take(r) {
				w.app.Drop(r, "a variable of it has the name of one above it")
				w.todo(b, r)
				continue
			}
			sub := subName(name, names)
			fmt.Fprintf(b, "\n%s := %s.%s(%s).Subrouter() // %s:%d\n", sub, router, method, w.template(r), r.File, r.Line)
			before := w.count
			w.routeList(b, sub, r.Children, inner, names)
			if w.count == before {
				fmt.Fprintf(b, "_ = %s // no route below it was converted\n", sub)
			}
			b.WriteString("\n")
		default:
			w.route(b, router, r, at)
		}
	}
}

// take adds the variables of a route, and reports whether they are new.
func (p *place) take(r *source.Route) bool {
	p.variables = slices.Clone(p.variables)
	u := use{named: map[string]bool{}}
	u.add(r.Kind, r.Template)
	if r.Kind == source.Domain {
		u.count = 0
	}
	var names []string
	for name := range u.named {
		names = append(names, name)
	}
	for i := range u.count {
		names = append(names, strconv.Itoa(i))
	}
	for _, name := range names {
		if slices.Contains(p.variables, name) {
			return false
		}
		p.variables = append(p.variables, name)
	}
	return true
}

func subName(template string, names map[string]bool) string {
	base := ""
	for part := range strings.FieldsFuncSeq(variable.ReplaceAllString(template, "-$1-"), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	}) {
		base += "_" + part
	}
	if base = local(base); base == "x" || base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "sub"
	}
	name := base
	for i := 2; names[name]; i++ {
		name = base + strconv.Itoa(i)
	}
	names[name] = true
	return name
}

func (w *writer) todo(b *bytes.Buffer, r *source.Route) {
	fmt.Fprintf(b, "// TODO %s:%d: %s\n//\t%s\n", r.File, r.Line, oneLine(r.Problem), oneLine(r.Source))
}

// route writes one route.
func (w *writer) route(b *bytes.Buffer, router string, r *source.Route, at place) {
	inner := at
	if !inner.take(r) {
		w.app.Drop(r, "a variable of it has the name of one above it")
		w.todo(b, r)
		return
	}
	if r.Kind != source.Tuple && at.path+r.Template == "" {
		r.Template = "/"
	}
	if r.Kind != source.Tuple && r.Template != "" && r.Template[0] != '/' {
		w.app.Drop(r, "its template does not begin with a slash")
		w.todo(b, r)
		return
	}
	if reason := w.conflict(r); reason != "" {
		w.app.Drop(r, reason)
		w.todo(b, r)
		return
	}
	key := canonical(r, at)
	if before := w.takenBefore(key, r); before != "" {
		w.app.Drop(r, "it is never reached: "+before+" comes before it and takes all of its requests")
		w.todo(b, r)
		return
	}
	path := w.template(r)
	name, methods := "", r.Methods
	if r.Name != "" {
		name = fmt.Sprintf(".Name(%q)", r.Name)
	}
	if r.BuildOnly {
		fmt.Fprintf(b, "%s.Path(%s)%s.BuildOnly() // %s:%d\n", router, path, name, r.File, r.Line)
		w.count++
		return
	}
	var handler string
	switch {
	case r.RedirectTo != "":
		handler = fmt.Sprintf("webapp2.RedirectHandler(%q, %d)", r.RedirectTo, r.RedirectCode)
		u, err := url.Parse(r.RedirectTo)
		if err != nil || strings.Contains(r.RedirectTo, `\`) || (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") && (u.Scheme != "" || u.Host != "" || !strings.HasPrefix(r.RedirectTo, "/")) || strings.HasPrefix(r.RedirectTo, "//") {
			w.app.Drop(r, fmt.Sprintf("its target %q is neither a path nor a whole URL", r.RedirectTo))
			w.todo(b, r)
			return
		}
	case r.RedirectToName != "":
		w.helpers["redirectToName"] = true
		handler = fmt.Sprintf("framework.From(app, func() *toName { return &toName{name: %q} })", r.RedirectToName)
	case r.Function != nil:
		handler = "http.HandlerFunc(" + w.functions[r.Function] + ")"
	case r.Method != "":
		handler = fmt.Sprintf("framework.ToMethod(app, (*%s).%s)", w.names[r.Class], actionName(r.Method))
		if len(methods) == 0 {
			methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
		}
	default:
		handler = fmt.Sprintf("framework.To[%s](app)", w.names[r.Class])
	}
	limits := ""
	if len(methods) > 0 {
		var quoted []string
		for _, m := range methods {
			quoted = append(quoted, strconv.Quote(strings.ToUpper(m)))
		}
		limits += ".Methods(" + strings.Join(quoted, ", ") + ")"
	}
	if len(r.Schemes) > 0 {
		var quoted []string
		for _, s := range r.Schemes {
			quoted = append(quoted, strconv.Quote(s))
		}
		limits += ".Schemes(" + strings.Join(quoted, ", ") + ")"
	}
	if r.Condition != "" {
		fmt.Fprintf(b, "//\tif %s:\n", oneLine(r.Condition))
	}
	call := router + ".Handle("
	if w.strictSlash(r, at) {
		call = "webapp2.StrictSlash(" + router + ", "
		if router == "app" {
			call = "webapp2.StrictSlash(app.Router, "
		}
	}
	fmt.Fprintf(b, "%s%s, %s)%s%s // %s:%d", call, path, handler, limits, name, r.File, r.Line)
	for _, d := range r.Defaults {
		fmt.Fprintf(b, ", default %s = %s", oneLine(d.Key), oneLine(d.Value))
	}
	b.WriteString("\n")
	w.count++
}

// conflict returns the reason why the method that a route names cannot have its name in
// Go, or "" if it can.
func (w *writer) conflict(r *source.Route) string {
	if r.Method == "" || r.Class == nil {
		return ""
	}
	name := actionName(r.Method)
	for c := r.Class; c != nil; c = c.Base {
		if w.names[c] == name {
			return fmt.Sprintf("its method %s would have the name of the type %s", r.Method, name)
		}
		if other, taken := w.methods[c][name]; taken && other != r.Method {
			return fmt.Sprintf("its method %s would have the name %s, as %s has", r.Method, name, other)
		}
	}
	for c := r.Class; c != nil; c = c.Base {
		if w.methods[c] == nil {
			w.methods[c] = map[string]string{}
		}
		w.methods[c][name] = r.Method
	}
	return ""
}

// strictSlash reports whether a route redirects the other form of its path, and no
// earlier route takes that form.
func (w *writer) strictSlash(r *source.Route, at place) bool {
	if !r.StrictSlash || r.Kind == source.Tuple {
		return false
	}
	other := *r
	if strings.HasSuffix(r.Template, "/") {
		other.Template = strings.TrimSuffix(r.Template, "/")
	} else {
		other.Template += "/"
	}
	if at.path+other.Template == "" || at.path+r.Template == "" || other.Template == "" || r.Template == "" {
		return false
	}
	other.Methods = nil
	return w.takenBefore(canonical(&other, at), &other) == ""
}

// canonical returns the path of a route without the names of its variables.
func canonical(r *source.Route, at place) string {
	path := at.path + r.Template
	if r.Kind == source.Tuple {
		if literal, ok := plainPath(r.Template); ok {
			path = at.path + literal
		} else {
			path = "regex " + r.Template
		}
	}
	return at.host + " " + variable.ReplaceAllString(path, "<:$2>")
}

// takenBefore returns the position of an earlier route that takes all requests of r. If
// there is none, it records r and returns "".
func (w *writer) takenBefore(key string, r *source.Route) string {
	if r.BuildOnly {
		return ""
	}
	for _, t := range w.paths[key] {
		covers := !t.limited && (t.methods == nil || r.Methods != nil && !slices.ContainsFunc(r.Methods, func(m string) bool {
			return !slices.Contains(t.methods, strings.ToUpper(m))
		}))
		if covers {
			return t.where
		}
	}
	t := &taken{where: fmt.Sprintf("%s:%d", r.File, r.Line), limited: len(r.Schemes) > 0}
	for _, m := range r.Methods {
		t.methods = append(t.methods, strings.ToUpper(m))
	}
	w.paths[key] = append(w.paths[key], t)
	return ""
}

// simple matches the regular expressions of variables that are the same in webapp2 and
// webapp2go: no group, no alternative, no flag.
var simple = regexp.MustCompile(`^(?:[A-Za-z0-9_,.*+?^\-\[\]/ ]|\\[dwsDWS.\-/]|\{\d+(?:,\d*)?\})*$`)

// template returns the Go expression of a route's template.
func (w *writer) template(r *source.Route) string {
	if r.Kind == source.Tuple {
		if literal, ok := plainPath(r.Template); ok {
			return strconv.Quote(literal)
		}
		w.helpers["regex"] = true
		return "regex(" + quote(r.Template) + ")"
	}
	var out strings.Builder
	unnamed := 0
	rest := r.Template
	for {
		at := variable.FindStringSubmatchIndex(rest)
		text := rest
		if at != nil {
			text = rest[:at[0]]
		}
		if strings.ContainsAny(text, "{}%<>") || r.Kind == source.Domain {
			break
		}
		out.WriteString(text)
		if at == nil {
			return quote(out.String())
		}
		name, pattern := "", ""
		if at[2] >= 0 {
			name = rest[at[2]:at[3]]
		}
		if at[4] >= 0 {
			pattern = rest[at[4]:at[5]]
		}
		if !simple.MatchString(pattern) {
			break
		}
		if name == "" {
			name = strconv.Itoa(unnamed)
			unnamed++
		}
		if pattern != "" {
			name += ":" + pattern
		}
		out.WriteString("{" + name + "}")
		rest = rest[at[1]:]
	}
	w.helpers["template"] = true
	return "template(" + quote(r.Template) + ")"
}

func quote(s string) string {
	if strings.ContainsAny(s, `\"`) && strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

// plainPath returns the only path that a tuple's regular expression matches, if it has
// only one. It takes an unescaped dot as a literal dot, which is what the author meant.
func plainPath(expression string) (string, bool) {
	s := strings.TrimSuffix(strings.TrimPrefix(expression, "^"), "$")
	for _, escaped := range []string{`\.`, `\-`, `\/`, `\_`} {
		s = strings.ReplaceAll(s, escaped, escaped[1:])
	}
	return s, strings.HasPrefix(s, "/") && !strings.ContainsAny(s, `\^$*+?()[]{}|%`)
}
