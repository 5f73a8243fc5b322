package gocode

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/source"
)

// types writes a file for each module that has handlers.
func (w *writer) types() map[string]string {
	for _, c := range w.app.Classes {
		w.guarded[c] = c.Guarded() || c.Base != nil && w.guarded[c.Base]
	}
	files := map[string]*bytes.Buffer{}
	order := map[string]*source.Module{}
	file := func(m *source.Module) *bytes.Buffer {
		name := fileName(m.File)
		if files[name] == nil {
			files[name] = new(bytes.Buffer)
			order[name] = m
		}
		return files[name]
	}
	for _, c := range w.app.Classes {
		w.class(file(c.Module), c)
	}
	for _, f := range w.app.Functions {
		b := file(f.Module)
		fmt.Fprintf(b, "\n// %s was the function %s of %s:%d.\n", w.functions[f], f.Name, f.Module.File, f.Line)
		fmt.Fprintf(b, "func %s(w http.ResponseWriter, r *http.Request) {\n// TODO: port this.\n//\n", w.functions[f])
		comment(b, f.Source)
		b.WriteString("http.Error(w, \"not ported yet\", http.StatusNotImplemented)\n}\n")
		w.verbs++
	}
	out := map[string]string{}
	for name, b := range files {
		text := b.String()
		var imports []string
		if uses(text, "http.") {
			imports = append(imports, `"net/http"`, "")
		}
		if uses(text, "handlers.BaseHandler") {
			imports = append(imports, strconv.Quote(home+"/handlers"))
		}
		head := fmt.Sprintf("// What was %s.\n\npackage main\n", order[name].File)
		if len(imports) > 0 {
			head += "\nimport (\n" + strings.Join(imports, "\n") + "\n)\n"
		}
		out[name] = head + text
	}
	return out
}

// fileName returns the name of the Go file of a module. It ends with _py.go, because a
// name such as admin_windows.go or views_test.go has a meaning in Go.
func fileName(file string) string {
	name := strings.TrimSuffix(file, ".py")
	if base := path.Base(name); base == "__init__" {
		name = strings.TrimSuffix(name, "__init__") + "init"
	}
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '_'
	}, name)
	return cmp.Or(strings.TrimLeft(name, "_"), "module") + "_py.go" // the go command ignores files that begin with _
}

// class writes a handler type.
func (w *writer) class(b *bytes.Buffer, c *source.Class) {
	name, parent := w.names[c], "BaseHandler"
	embedded := "handlers.BaseHandler"
	if c.Base != nil {
		parent = w.names[c.Base]
		embedded = parent
	}
	fmt.Fprintf(b, "\n// %s was the class %s of %s:%d", name, c.Name, c.Module.File, c.Line)
	if len(c.Bases) > 0 {
		fmt.Fprintf(b, ", with the bases %s", oneLine(strings.Join(c.Bases, ", ")))
	}
	b.WriteString(".\n")
	if root := c.Root; c.Base == nil && root != "webapp2.RequestHandler" && root != "google.appengine.ext.webapp.RequestHandler" {
		fmt.Fprintf(b, "//\n// TODO: its base %s is not in the sources; see REPORT.md.\n", oneLine(root))
	}
	fmt.Fprintf(b, "type %s struct{ %s }\n", name, embedded)

	actions := w.actions(c)
	done := map[*source.Method]bool{}
	for _, m := range c.Methods {
		if later := lastMethod(c, m.Name); later != m {
			continue // defined again below
		}
		switch {
		case m.Name == "dispatch" && m.Alias == "":
			done[m] = w.dispatch(b, c, m, parent)
		case m.Name == "handle_exception" && m.Alias == "":
			done[m] = true
			fmt.Fprintf(b, "\n// HandleError responds to an error that an action returned or panicked with.\nfunc (h *%s) HandleError(err error) error {\n// TODO: port this.\n//\n", name)
			comment(b, m.Source)
			fmt.Fprintf(b, "return h.%s.HandleError(err)\n}\n", parent)
		case actions[m.Name] != "":
			done[m] = true
			w.action(b, c, m, actions[m.Name])
		}
	}
	if c.Guarded() {
		w.guard(b, c, parent)
	}
	if w.routed(c) && !w.hasAction(c) {
		fmt.Fprintf(b, "\n// Get takes the place of the methods, which are not in the sources.\nfunc (h *%s) Get() error {\nreturn h.Abort(http.StatusNotImplemented)\n}\n", name)
	}
	for _, m := range c.Methods {
		if !done[m] && m.Alias == "" {
			fmt.Fprintf(b, "\n// TODO: %s.%s, %s\n//\n", c.Name, m.Name, where(c, m))
			comment(b, m.Source)
		}
	}
}

func lastMethod(c *source.Class, name string) *source.Method {
	var last *source.Method
	for _, m := range c.Methods {
		if m.Name == name {
			last = m
		}
	}
	return last
}

// actions returns the methods of a class that serve requests, with their Go names.
func (w *writer) actions(c *source.Class) map[string]string {
	names := map[string]string{}
	for verb, goName := range httpMethods {
		names[verb] = goName
	}
	for _, u := range w.routesOf[c] {
		if u.route.Method != "" && u.route.Problem == "" {
			names[u.route.Method] = actionName(u.route.Method)
		}
	}
	for _, m := range c.Methods { // post = show
		if m.Alias != "" && httpMethods[m.Name] != "" && names[m.Alias] == "" && lastMethod(c, m.Alias) != nil {
			names[m.Alias] = actionName(m.Alias)
		}
	}
	return names
}

// routed reports whether a route leads to the class itself and does not name a method.
func (w *writer) routed(c *source.Class) bool {
	return slices.ContainsFunc(w.routesOf[c], func(u use) bool { return u.route.Class == c && u.route.Method == "" && u.route.Problem == "" })
}

func (w *writer) hasAction(c *source.Class) bool {
	for ; c != nil; c = c.Base {
		for _, m := range c.Methods {
			if httpMethods[m.Name] != "" {
				return true
			}
		}
	}
	return false
}

// action writes the Go method for an HTTP method, or for a method that a route names.
func (w *writer) action(b *bytes.Buffer, c *source.Class, m *source.Method, goName string) {
	w.verbs++
	fmt.Fprintf(b, "\nfunc (h *%s) %s() error {\n", w.names[c], goName)
	if m.Alias != "" {
		if target := w.actions(c)[m.Alias]; target != "" && target != goName && c.Find(m.Alias) != nil {
			fmt.Fprintf(b, "return h.%s() // %s:%d: %s\n}\n", target, c.Module.File, m.Line, oneLine(m.Source))
			return
		}
	}
	declared := map[string]bool{}
	for i, parameter := range m.Parameters {
		name := local(parameter)
		if declared[name] {
			fmt.Fprintf(b, "// %s would have the name of another parameter\n", parameter)
			continue
		}
		declared[name] = true
		if v := w.variable(c, m, parameter, i); v != "" {
			fmt.Fprintf(b, "%s := h.Var(%q)\n_ = %s\n", name, v, name)
		} else {
			fmt.Fprintf(b, "// %s is set by no route\n", parameter)
		}
	}
	fmt.Fprintf(b, "// TODO: port this, %s.\n//\n", where(c, m))
	comment(b, m.Source)
	b.WriteString("return h.Abort(http.StatusNotImplemented)\n}\n")
}

// variable returns the route variable that is passed as a parameter of a method.
func (w *writer) variable(c *source.Class, m *source.Method, parameter string, i int) string {
	unnamed := ""
	for _, u := range w.routesOf[c] {
		if u.route.Method != "" && u.route.Method != m.Name {
			continue
		}
		if u.named[parameter] {
			return parameter
		}
		if i < u.count && len(u.named) == 0 {
			unnamed = strconv.Itoa(i)
		}
	}
	return unnamed
}

// dispatch writes an override of Dispatch, and reports whether it wrote the method's
// source.
func (w *writer) dispatch(b *bytes.Buffer, c *source.Class, m *source.Method, parent string) bool {
	switch m.Delegation() {
	case source.SavesSessions:
		fmt.Fprintf(b, "\n// %s.dispatch fetched and saved the sessions, which handlers.BaseHandler does.\n//\n", c.Name)
		comment(b, m.Source)
	case source.Never:
		fmt.Fprintf(b, "\n// Dispatch writes the response itself: %s.dispatch called no other.\nfunc (h *%s) Dispatch() error {\n// TODO: port this.\n//\n", c.Name, w.names[c])
		comment(b, m.Source)
		b.WriteString("return h.Abort(http.StatusNotImplemented)\n}\n")
	default:
		fmt.Fprintf(b, "\n// Dispatch does what %s.dispatch did before and after the action.\nfunc (h *%s) Dispatch() error {\n", c.Name, w.names[c])
		b.WriteString("// TODO: port this. Code after the call also runs after an error.\n")
		if m.Delegation() == source.Refuses {
			b.WriteString("// Port the checks that refuse requests to Guard.\n")
		}
		b.WriteString("//\n")
		comment(b, m.Source)
		fmt.Fprintf(b, "return h.%s.Dispatch()\n}\n", parent)
	}
	return true
}

// guard writes a Guard that refuses all requests until it is ported.
func (w *writer) guard(b *bytes.Buffer, c *source.Class, parent string) {
	fmt.Fprintf(b, "\n// Guard returns an error if a request may not use the handler. It refuses all until it is ported.\nfunc (h *%s) Guard() error {\n", w.names[c])
	if c.Base != nil && w.guarded[c.Base] {
		fmt.Fprintf(b, "if err := h.%s.Guard(); err != nil {\nreturn err\n}\n", parent)
	}
	if m := lastMethod(c, "dispatch"); m != nil && m.Delegation() == source.Refuses {
		fmt.Fprintf(b, "// TODO: %s.dispatch, %s:%d, refuses some requests.\nreturn h.Abort(http.StatusNotImplemented)\n}\n", c.Name, c.Module.File, m.Line)
		return
	}
	b.WriteString("switch h.Request.Method {\n")
	for _, m := range c.Methods {
		checks := m.Checks()
		if target := c.Find(m.Alias); m.Alias != "" && target != nil { // post = get has the decorators of get
			checks = target.Checks()
		}
		if len(checks) == 0 || lastMethod(c, m.Name) != m || httpMethods[m.Name] == "" {
			continue
		}
		methods := fmt.Sprintf("%q", strings.ToUpper(m.Name))
		if m.Name == "get" && lastMethod(c, "head") == nil {
			methods += `, "HEAD"`
		}
		fmt.Fprintf(b, "case %s:\n", methods)
		for _, check := range checks {
			fmt.Fprintf(b, "// TODO: @%s, %s:%d\n", strings.Join(strings.Fields(check), " "), c.Module.File, m.Line)
		}
		b.WriteString("return h.Abort(http.StatusNotImplemented)\n")
	}
	b.WriteString("}\nreturn nil\n}\n")
}

// where returns the position of a method in the sources.
func where(c *source.Class, m *source.Method) string {
	if m.From != nil {
		c = m.From
	}
	return fmt.Sprintf("%s:%d", c.Module.File, m.Line)
}
