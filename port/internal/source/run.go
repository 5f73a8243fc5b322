package source

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/pytree"
)

// A runner evaluates the code of one module. It follows both branches of an if, unrolls
// loops over known values, and calls functions in the sources.
type runner struct {
	a          *Application
	m          *Module
	conditions []string // the conditions of the ifs around the statement
	second     int      // above 0 in the else of an if, in which a known name keeps its value
	depth      int
}

func (a *Application) runner(m *Module, depth int) *runner {
	return &runner{a: a, m: m, depth: depth}
}

// run evaluates a module once. It returns at once if the module is being evaluated, as in
// an import cycle.
func (a *Application) run(m *Module) {
	if m.state != 0 {
		return
	}
	m.state = 1
	m.scope = newScope(nil, m)
	m.scope.names["__name__"] = text(m.Name)
	a.runner(m, 0).block(m.tree, m.scope)
	m.state = 2
}

// runUncalled evaluates the functions that make an application and are called nowhere.
func (a *Application) runUncalled(m *Module) {
	m.tree.Walk(func(n *pytree.Node) bool {
		if n.Kind != "function_definition" || a.failed[n] == "called" {
			return true
		}
		makes := false
		n.Child("body").Walk(func(n *pytree.Node) bool {
			if n.Kind == "call" && strings.HasSuffix(n.Child("function").Text, "WSGIApplication") {
				makes = true
			}
			return !makes
		})
		if makes {
			a.runner(m, 0).call(lambda{n, m, m.scope}, nil, nil)
		}
		return false
	})
}

// result is the result of a statement.
type result struct {
	v        value
	returned bool
}

func (r *runner) block(n *pytree.Node, s *scope) result {
	var last result
	for _, statement := range n.NamedChildren() {
		got := r.statement(statement, s)
		if got.returned {
			if len(r.conditions) == 0 {
				return got
			}
			if !last.returned {
				last = got
			}
		}
	}
	return last
}

func (r *runner) statement(n *pytree.Node, s *scope) result {
	if r.a.step(n, r.m, 1) {
		return result{}
	}
	switch n.Kind {
	case "import_statement", "import_from_statement", "future_import_statement":
		r.imports(n, s)
	case "expression_statement":
		for _, child := range n.NamedChildren() {
			switch child.Kind {
			case "assignment":
				r.assignment(child, s)
			case "augmented_assignment":
				r.augmented(child, s)
			default:
				r.eval(child, s)
			}
		}
	case "class_definition":
		r.class(n, s)
	case "function_definition":
		r.bind(s, n.Child("name").Text, lambda{n, r.m, s})
	case "decorated_definition":
		return r.statement(n.Child("definition"), s)
	case "if_statement":
		return r.ifStatement(n, s)
	case "for_statement":
		return r.forStatement(n, s)
	case "while_statement", "with_statement":
		return r.block(n.Child("body"), s)
	case "try_statement":
		last := r.block(n.Child("body"), s)
		r.second++
		for _, child := range n.NamedChildren() {
			if child.Kind == "except_clause" || child.Kind == "except_group_clause" || child.Kind == "finally_clause" || child.Kind == "else_clause" {
				for _, b := range child.NamedChildren() {
					if b.Kind == "block" {
						if got := r.block(b, s); got.returned && !last.returned {
							last = got
						}
					}
				}
			}
		}
		r.second--
		return last
	case "return_statement":
		if named := n.NamedChildren(); len(named) > 0 {
			return result{r.eval(named[0], s), true}
		}
		return result{none{}, true}
	case "ERROR":
		return r.block(n, s)
	}
	return result{}
}

// bind sets the value of a name. In the second branch of an if, a known value stays.
func (r *runner) bind(s *scope, name string, v value) {
	if old, ok := s.names[name]; ok && r.second > 0 {
		if _, is := old.(unknown); !is {
			return
		}
	}
	s.names[name] = v
}

func (r *runner) ifStatement(n *pytree.Node, s *scope) result {
	condition := n.Child("condition")
	isMain := strings.Contains(condition.Text, "__name__")
	r.eval(condition, s)
	if !isMain {
		r.conditions = append(r.conditions, firstLine(condition.Text))
	}
	last := r.block(n.Child("consequence"), s)
	if !isMain {
		r.conditions = r.conditions[:len(r.conditions)-1]
	}
	for _, child := range n.NamedChildren() {
		if child.Kind != "elif_clause" && child.Kind != "else_clause" {
			continue
		}
		why := "not (" + firstLine(condition.Text) + ")"
		body := child.Child("body")
		if child.Kind == "elif_clause" {
			why, body = firstLine(child.Child("condition").Text), child.Child("consequence")
		}
		r.conditions = append(r.conditions, why)
		r.second++
		if got := r.block(body, s); got.returned && !last.returned {
			last = got
		}
		r.second--
		r.conditions = r.conditions[:len(r.conditions)-1]
	}
	return last
}

func (r *runner) forStatement(n *pytree.Node, s *scope) result {
	items, ok := r.items(n.Child("right"), s)
	if !ok {
		r.assign(n.Child("left"), unknown{n, "the loop is over a value that is not known"}, s)
		return r.block(n.Child("body"), s)
	}
	var last result
	for i, v := range items {
		if i == maxLoop || r.a.step(n, r.m, 0) {
			if r.holdsRoutes(n) {
				r.a.list(r.m, n, fmt.Sprintf("the loop has more than %d rounds, or the evaluation stopped in it", maxLoop))
			}
			break
		}
		r.assign(n.Child("left"), v, s)
		if got := r.block(n.Child("body"), s); got.returned && !last.returned {
			last = got
		}
	}
	return last
}

// holdsRoutes reports whether a statement contains something that looks like a route.
func (r *runner) holdsRoutes(n *pytree.Node) (holds bool) {
	n.Walk(func(n *pytree.Node) bool {
		holds = holds || r.a.marked[n]
		return !holds
	})
	return holds
}

// items returns the elements of a known sequence.
func (r *runner) items(n *pytree.Node, s *scope) ([]value, bool) {
	switch v := plain(r.eval(n, s)).(type) {
	case *list:
		r.a.step(n, r.m, len(v.items))
		return slices.Clone(v.items), true
	case *Dict:
		var items []value
		for _, key := range v.Keys {
			items = append(items, text(key))
		}
		return items, true
	}
	return nil, false
}

func plain(v value) value {
	if c, ok := v.(conditional); ok {
		return c.v
	}
	return v
}

func (r *runner) assignment(n *pytree.Node, s *scope) {
	right := n.Child("right")
	if right == nil { // x: int
		return
	}
	var v value
	if right.Kind == "assignment" { // a = b = c
		r.assignment(right, s)
		inner := right
		for inner.Kind == "assignment" {
			inner = inner.Child("left")
		}
		v = r.eval(inner, s)
	} else {
		v = r.eval(right, s)
	}
	r.assign(n.Child("left"), v, s)
}

func (r *runner) assign(left *pytree.Node, v value, s *scope) {
	switch left.Kind {
	case "identifier":
		if app, ok := v.(*App); ok && app.Name == "" {
			app.Name = left.Text
		}
		r.bind(s, left.Text, v)
	case "pattern_list", "tuple_pattern", "list_pattern", "tuple", "expression_list":
		targets := left.NamedChildren()
		l, ok := plain(v).(*list)
		for i, target := range targets {
			if ok && len(l.items) == len(targets) {
				r.assign(target, l.items[i], s)
			} else {
				r.assign(target, unknown{left, "its value is not known"}, s)
			}
		}
	case "parenthesized_expression":
		for _, c := range left.NamedChildren() {
			r.assign(c, v, s)
		}
	case "subscript":
		object := r.eval(left.Child("value"), s)
		index := r.eval(left.Child("subscript"), s)
		switch o := object.(type) {
		case *Dict:
			if key, ok := keyOf(index); ok {
				o.set(key, r.setting(left, v))
			}
		case errorHandlers:
			if code, ok := index.(number); ok {
				o.app.Errors = append(o.app.Errors, ErrorHandler{Status: int(code), File: r.m.File, Line: left.Line, Source: describe(v, left)})
			}
		}
	case "attribute":
		switch o := r.eval(left.Child("object"), s).(type) {
		case moduleRef:
			o.m.scope.names[left.Child("attribute").Text] = v
		case *App:
			if left.Child("attribute").Text == "error_handlers" {
				if d, ok := v.(*Dict); ok {
					for _, key := range d.Keys {
						if code, err := strconv.Atoi(key); err == nil {
							o.Errors = append(o.Errors, ErrorHandler{Status: code, File: r.m.File, Line: left.Line, Source: d.Values[key].Source})
						}
					}
				}
			}
		}
	}
}

func describe(v value, n *pytree.Node) string {
	switch v := v.(type) {
	case lambda:
		if name := v.node.Child("name"); name != nil {
			return name.Text
		}
	case *Class:
		return v.Name
	}
	return firstLine(n.Text)
}

func (r *runner) setting(n *pytree.Node, v value) Setting {
	return Setting{Source: n.Text, File: r.m.File, Line: n.Line, v: v}
}

func keyOf(v value) (string, bool) {
	switch v := v.(type) {
	case text:
		return string(v), true
	case number:
		return strconv.FormatInt(int64(v), 10), true
	}
	return "", false
}

func (r *runner) augmented(n *pytree.Node, s *scope) {
	left, right := n.Child("left"), r.eval(n.Child("right"), s)
	old := r.eval(left, s)
	operator := ""
	for _, c := range n.Children {
		if c.Field == "operator" {
			operator = c.Text
		}
	}
	if operator != "+=" {
		return
	}
	switch old := plain(old).(type) {
	case *list:
		if add, ok := plain(right).(*list); ok {
			r.add(old, n, r.under(add.items)...)
		} else {
			r.add(old, n, unknown{n, "what is added is not known"})
		}
	case text:
		if add, ok := plain(right).(text); ok {
			r.assign(left, r.textOf(string(old+add), n), s)
		}
	}
}

// add appends values to a list.
func (r *runner) add(l *list, n *pytree.Node, items ...value) {
	switch {
	case r.a.step(n, r.m, len(items)):
	case len(l.items) > maxItems:
	case len(l.items)+len(items) > maxItems:
		l.items = append(l.items, unknown{n, fmt.Sprintf("the list has more than %d elements", maxItems)})
		for len(l.items) <= maxItems && len(items) > 0 {
			l.items, items = append(l.items, items[0]), items[1:]
		}
	default:
		l.items = append(l.items, items...)
	}
}

// textOf returns a computed string. It is unknown if the string is too long.
func (r *runner) textOf(t string, n *pytree.Node) value {
	if len(t) > maxText {
		return unknown{n, fmt.Sprintf("the string has more than %d bytes", maxText)}
	}
	return text(t)
}

// under marks values with the conditions around the current statement.
func (r *runner) under(items []value) []value {
	if len(r.conditions) == 0 {
		return items
	}
	marked := make([]value, len(items))
	for i, v := range items {
		if _, ok := v.(conditional); ok {
			marked[i] = v
		} else {
			marked[i] = conditional{v, strings.Join(r.conditions, " and ")}
		}
	}
	return marked
}

func (r *runner) class(n *pytree.Node, s *scope) {
	c := &Class{Name: n.Child("name").Text, Module: r.m, Line: n.Line, node: n}
	for _, base := range n.Child("superclasses").NamedChildren() {
		if base.Kind != "keyword_argument" {
			c.Bases = append(c.Bases, base.Text)
			c.bases = append(c.bases, r.eval(base, s))
		}
	}
	c.scope = newScope(s, r.m)
	body := n.Child("body")
	for i, statement := range body.NamedChildren() {
		definition := statement
		if statement.Kind == "decorated_definition" {
			definition = statement.Child("definition")
		}
		switch {
		case definition.Kind == "function_definition":
			c.Methods = append(c.Methods, method(definition, statement))
		case i == 0 && statement.Kind == "expression_statement" && len(statement.NamedChildren()) == 1 && statement.NamedChildren()[0].Kind == "string":
			c.Doc, _ = literal(statement.NamedChildren()[0])
		case statement.Kind == "expression_statement" && len(statement.NamedChildren()) == 1 && statement.NamedChildren()[0].Kind == "assignment":
			for assignment := statement.NamedChildren()[0]; assignment != nil && assignment.Kind == "assignment"; assignment = assignment.Child("right") {
				if left := assignment.Child("left"); left != nil && left.Kind == "identifier" {
					last := assignment
					for last.Child("right") != nil && last.Kind == "assignment" {
						last = last.Child("right")
					}
					if last.Kind == "identifier" || last.Kind == "attribute" {
						c.Methods = append(c.Methods, &Method{Name: left.Text, Alias: last.Text, Line: statement.Line, Source: statement.Text})
					}
				}
			}
		}
	}
	r.block(body, c.scope)
	c.scope.outer = nil // the names of a class are not those of its methods; lookups go on in the module
	r.bind(s, c.Name, c)
}

func method(n, whole *pytree.Node) *Method {
	m := &Method{Name: n.Child("name").Text, Line: whole.Line, Source: dedent(whole), body: n.Child("body")}
	if whole != n {
		for _, d := range whole.NamedChildren() {
			if d.Kind == "decorator" {
				m.Decorators = append(m.Decorators, strings.TrimSpace(strings.TrimPrefix(d.Text, "@")))
			}
		}
	}
	for i, p := range n.Child("parameters").NamedChildren() {
		if i == 0 {
			continue
		}
		switch p.Kind {
		case "identifier":
			m.Parameters = append(m.Parameters, p.Text)
		case "default_parameter", "typed_default_parameter":
			m.Parameters = append(m.Parameters, p.Child("name").Text)
		case "typed_parameter":
			if named := p.NamedChildren(); len(named) > 0 && named[0].Kind == "identifier" {
				m.Parameters = append(m.Parameters, named[0].Text)
			}
		}
	}
	return m
}

// dedent removes the indentation of a node's first line from all of its lines.
func dedent(n *pytree.Node) string {
	lines := strings.Split(strings.ReplaceAll(n.Text, "\r\n", "\n"), "\n")
	for i := 1; i < len(lines); i++ {
		cut := 0
		for cut < n.Column-1 && cut < len(lines[i]) && (lines[i][cut] == ' ' || lines[i][cut] == '\t') {
			cut++
		}
		lines[i] = strings.TrimRight(lines[i][cut:], " \t")
	}
	return strings.Join(lines, "\n")
}

func (r *runner) imports(n *pytree.Node, s *scope) {
	if n.Kind == "future_import_statement" {
		return
	}
	if n.Kind == "import_statement" {
		for _, name := range n.NamedChildren() {
			if name.Kind == "aliased_import" {
				r.bind(s, name.Child("alias").Text, r.module(name.Child("name").Text))
				continue
			}
			first, _, dots := strings.Cut(name.Text, ".")
			if dots {
				r.module(name.Text) // runs it
			}
			r.bind(s, first, r.module(first))
		}
		return
	}
	from := n.Child("module_name")
	base := from.Text
	if from.Kind == "relative_import" {
		base = r.relative(from)
	}
	for _, child := range n.NamedChildren() {
		if child == from {
			continue
		}
		switch child.Kind {
		case "wildcard_import":
			if m := r.a.find(r.m, base); m != nil {
				r.a.run(m)
				for name, v := range m.scope.names {
					if !strings.HasPrefix(name, "_") {
						r.bind(s, name, v)
					}
				}
				r.m.stars = append(r.m.stars, m.stars...)
			} else {
				r.m.stars = append(r.m.stars, base)
			}
		case "aliased_import":
			r.bind(s, child.Child("alias").Text, r.member(base, child.Child("name").Text))
		case "dotted_name", "identifier":
			r.bind(s, child.Text, r.member(base, child.Text))
		}
	}
}

// relative returns the absolute name of a relative import.
func (r *runner) relative(n *pytree.Node) string {
	prefix, name := "", ""
	for _, c := range n.NamedChildren() {
		if c.Kind == "import_prefix" {
			prefix = c.Text
		} else {
			name = c.Text
		}
	}
	pack := strings.TrimSuffix(packageOf(r.m), ".")
	for range strings.Count(prefix, ".") - 1 {
		if i := strings.LastIndex(pack, "."); i >= 0 {
			pack = pack[:i]
		} else {
			pack = ""
		}
	}
	return strings.Trim(pack+"."+name, ".")
}

func (r *runner) module(dotted_ string) value {
	if m := r.a.find(r.m, dotted_); m != nil {
		r.a.run(m)
		return moduleRef{m}
	}
	return dotted(dotted_)
}

// member returns the value of name in "from base import name".
func (r *runner) member(base, name string) value {
	if base == "" {
		return r.module(name)
	}
	if m := r.a.find(r.m, base); m != nil {
		r.a.run(m)
		if v, ok := m.scope.names[name]; ok {
			return v
		}
		if sub, ok := r.a.modules[m.Name+"."+name]; ok {
			r.a.run(sub)
			return moduleRef{sub}
		}
		for _, star := range m.stars {
			if known(star + "." + name) {
				return dotted(star + "." + name)
			}
		}
		return unknown{nil, fmt.Sprintf("%s has no %s", m.File, name)}
	}
	return dotted(base + "." + name)
}
