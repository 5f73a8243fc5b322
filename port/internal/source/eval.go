package source

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/pytree"
)

// eval returns what is known about the value of an expression.
func (r *runner) eval(n *pytree.Node, s *scope) value {
	if n == nil {
		return none{}
	}
	if r.a.step(n, r.m, 1) {
		return unknown{n, "the sources are too large to be evaluated"}
	}
	switch n.Kind {
	case "string", "concatenated_string":
		if t, ok := literal(n); ok {
			return text(t)
		}
		return unknown{n, "the string is computed"}
	case "integer":
		digits := strings.TrimRight(strings.ReplaceAll(n.Text, "_", ""), "lL")
		if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
			digits = "0o" + digits[1:]
		}
		if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
			return number(i)
		}
	case "true":
		return boolean(true)
	case "false":
		return boolean(false)
	case "none":
		return none{}
	case "identifier":
		return r.name(n, s)
	case "attribute":
		return r.attribute(n, s)
	case "parenthesized_expression":
		if named := n.NamedChildren(); len(named) == 1 {
			return r.eval(named[0], s)
		}
	case "list", "tuple", "expression_list", "set":
		l := &list{tuple: n.Kind != "list", node: n, m: r.m}
		for _, child := range n.NamedChildren() {
			if child.Kind == "list_splat" {
				if items, ok := r.items(child.NamedChildren()[0], s); ok {
					l.items = append(l.items, items...)
				} else {
					l.items = append(l.items, unknown{child, "the list that is put in is not known"})
				}
				continue
			}
			l.items = append(l.items, r.eval(child, s))
		}
		if !l.tuple {
			l.items = r.under(l.items)
		}
		return l
	case "dictionary":
		d := &Dict{Values: map[string]Setting{}}
		for _, pair := range n.NamedChildren() {
			if pair.Kind == "pair" {
				if key, ok := keyOf(r.eval(pair.Child("key"), s)); ok {
					d.set(key, r.setting(pair.Child("value"), r.eval(pair.Child("value"), s)))
				}
			} else if pair.Kind == "dictionary_splat" {
				if other, ok := r.eval(pair.NamedChildren()[0], s).(*Dict); ok {
					for _, key := range other.Keys {
						d.set(key, other.Values[key])
					}
				}
			}
		}
		return d
	case "binary_operator":
		return r.binary(n, s)
	case "list_comprehension", "generator_expression":
		return r.comprehension(n, s)
	case "conditional_expression":
		if named := n.NamedChildren(); len(named) == 3 {
			first := r.eval(named[0], s)
			r.eval(named[2], s)
			return first
		}
	case "boolean_operator":
		left, right := r.eval(n.Child("left"), s), r.eval(n.Child("right"), s)
		if _, ok := left.(unknown); ok {
			return right
		}
		return left
	case "subscript":
		switch o := plain(r.eval(n.Child("value"), s)).(type) {
		case *Dict:
			if key, ok := keyOf(r.eval(n.Child("subscript"), s)); ok {
				if v, ok := o.Values[key]; ok {
					return v.v
				}
			}
		case *list:
			if i, ok := r.eval(n.Child("subscript"), s).(number); ok && i >= 0 && int(i) < len(o.items) {
				return o.items[i]
			}
		}
	case "call":
		return r.evalCall(n, s)
	case "named_expression":
		v := r.eval(n.Child("value"), s)
		r.assign(n.Child("name"), v, s)
		return v
	}
	return unknown{n, "it is computed"}
}

func (r *runner) name(n *pytree.Node, s *scope) value {
	if v, ok := s.lookup(n.Text); ok {
		return v
	}
	if v, ok := r.m.scope.names[n.Text]; ok {
		return v
	}
	for _, star := range r.m.stars {
		if known(star + "." + n.Text) {
			return dotted(star + "." + n.Text)
		}
	}
	return unknown{n, n.Text + " is defined nowhere in the sources"}
}

func (r *runner) attribute(n *pytree.Node, s *scope) value {
	name := n.Child("attribute").Text
	switch o := r.eval(n.Child("object"), s).(type) {
	case dotted:
		return dotted(string(o) + "." + name)
	case moduleRef:
		if o.m.scope != nil {
			if v, ok := o.m.scope.names[name]; ok {
				return v
			}
		}
		if sub, ok := r.a.modules[o.m.Name+"."+name]; ok {
			r.a.run(sub)
			return moduleRef{sub}
		}
		return unknown{n, fmt.Sprintf("%s has no %s", o.m.File, name)}
	case *Class:
		if v, ok := member(o, name, 0); ok {
			return v
		}
	case *App:
		switch name {
		case "router":
			return router{o}
		case "error_handlers":
			return errorHandlers{o}
		}
	}
	return unknown{n, "it is computed"}
}

func member(c *Class, name string, depth int) (value, bool) {
	if v, ok := c.scope.names[name]; ok {
		return v, true
	}
	for _, base := range c.bases {
		if b, ok := base.(*Class); ok && depth < maxDepth {
			if v, ok := member(b, name, depth+1); ok {
				return v, true
			}
		}
	}
	return nil, false
}

func (r *runner) binary(n *pytree.Node, s *scope) value {
	left, right := plain(r.eval(n.Child("left"), s)), plain(r.eval(n.Child("right"), s))
	switch n.Child("operator").Text {
	case "+":
		switch l := left.(type) {
		case text:
			if add, ok := right.(text); ok {
				return r.textOf(string(l+add), n)
			}
		case *list:
			sum := &list{tuple: l.tuple, node: n, m: r.m}
			r.add(sum, n, l.items...)
			if add, ok := right.(*list); ok {
				r.add(sum, n, add.items...)
			} else {
				r.add(sum, n, unknown{n.Child("right"), "this list is not known"})
			}
			return sum
		default:
			if add, ok := right.(*list); ok {
				sum := &list{tuple: add.tuple, node: n, m: r.m}
				r.add(sum, n, unknown{n.Child("left"), "this list is not known"})
				r.add(sum, n, add.items...)
				return sum
			}
		}
	case "%":
		if format, ok := left.(text); ok {
			if t, ok := sprintf(string(format), right); ok {
				return r.textOf(t, n)
			}
		}
	}
	return unknown{n, "it is computed"}
}

// sprintf evaluates Python's % for strings and numbers.
func sprintf(format string, args value) (string, bool) {
	var values []value
	named, _ := args.(*Dict)
	switch v := args.(type) {
	case *list:
		values = v.items
	default:
		values = []value{v}
	}
	var out strings.Builder
	for {
		before, after, more := strings.Cut(format, "%")
		out.WriteString(before)
		if !more {
			return out.String(), true
		}
		if after == "" {
			return "", false
		}
		var v value
		if after[0] == '(' {
			key, rest, ok := strings.Cut(after[1:], ")")
			setting, found := named.Get(key)
			if !ok || !found || rest == "" {
				return "", false
			}
			v, after = setting.v, rest
		} else if after[0] != '%' {
			if len(values) == 0 {
				return "", false
			}
			v, values = values[0], values[1:]
		}
		switch after[0] {
		case '%':
			out.WriteByte('%')
		case 's', 'd', 'i':
			t, ok := keyOf(plain(v))
			if !ok {
				return "", false
			}
			out.WriteString(t)
		default:
			return "", false
		}
		format = after[1:]
	}
}

func (r *runner) comprehension(n *pytree.Node, s *scope) value {
	l := &list{node: n, m: r.m}
	body := n.Child("body")
	var clauses []*pytree.Node
	for _, c := range n.NamedChildren() {
		if c.Kind == "for_in_clause" || c.Kind == "if_clause" {
			clauses = append(clauses, c)
		}
	}
	var walk func(i int, s *scope)
	walk = func(i int, s *scope) {
		if len(l.items) > maxLoop {
			if _, said := l.items[maxLoop].(unknown); !said {
				l.items[maxLoop] = unknown{n, fmt.Sprintf("it has more than %d elements", maxLoop)}
			}
			return
		}
		if r.a.step(n, r.m, 0) {
			return
		}
		if i == len(clauses) {
			l.items = append(l.items, r.under([]value{r.eval(body, s)})...)
			return
		}
		c := clauses[i]
		if c.Kind == "if_clause" {
			condition := c.NamedChildren()[0]
			if b, ok := r.eval(condition, s).(boolean); ok && !bool(b) {
				return
			}
			r.conditions = append(r.conditions, firstLine(condition.Text))
			walk(i+1, s)
			r.conditions = r.conditions[:len(r.conditions)-1]
			return
		}
		items, ok := r.items(c.Child("right"), s)
		if !ok {
			l.items = append(l.items, unknown{n, "it goes over a value that is not known"})
			return
		}
		for _, v := range items {
			inner := newScope(s, r.m)
			r.assign(c.Child("left"), v, inner)
			walk(i+1, inner)
		}
	}
	walk(0, s)
	return l
}

// arguments evaluates the arguments of a call.
func (r *runner) arguments(n *pytree.Node, s *scope) (positional []value, named map[string]value, nodes []*pytree.Node) {
	named = map[string]value{}
	if n == nil {
		return
	}
	if n.Kind == "generator_expression" {
		return []value{r.eval(n, s)}, named, []*pytree.Node{n}
	}
	for _, arg := range n.NamedChildren() {
		switch arg.Kind {
		case "keyword_argument":
			named[arg.Child("name").Text] = r.eval(arg.Child("value"), s)
		case "list_splat":
			if items, ok := r.items(arg.NamedChildren()[0], s); ok {
				for _, v := range items {
					positional, nodes = append(positional, v), append(nodes, arg)
				}
			} else {
				positional, nodes = append(positional, unknown{arg, "its arguments are not known"}), append(nodes, arg)
			}
		case "dictionary_splat":
			if d, ok := r.eval(arg.NamedChildren()[0], s).(*Dict); ok {
				for _, key := range d.Keys {
					named[key] = d.Values[key].v
				}
			} else {
				named["**"] = unknown{arg, "its keyword arguments are not known"}
			}
		default:
			positional, nodes = append(positional, r.eval(arg, s)), append(nodes, arg)
		}
	}
	return
}

func (r *runner) evalCall(n *pytree.Node, s *scope) value {
	function := n.Child("function")
	positional, named, _ := r.arguments(n.Child("arguments"), s)
	if function.Kind == "attribute" {
		if v, ok := r.methodCall(n, function, positional, s); ok {
			return v
		}
	}
	if function.Kind == "identifier" && len(positional) > 0 {
		if _, ok := s.lookup(function.Text); !ok {
			switch function.Text {
			case "list", "tuple", "sorted", "reversed", "set":
				if l, ok := plain(positional[0]).(*list); ok {
					copied := &list{node: n, m: r.m}
					r.add(copied, n, l.items...)
					switch function.Text {
					case "reversed":
						slices.Reverse(copied.items)
					case "sorted":
						r.noteOrder(l, n)
					}
					return copied
				}
			case "enumerate":
				if l, ok := plain(positional[0]).(*list); ok {
					pairs := &list{node: n, m: r.m}
					for i, v := range l.items {
						pairs.items = append(pairs.items, &list{items: []value{number(i), v}, tuple: true, node: n, m: r.m})
					}
					return pairs
				}
			case "str", "unicode":
				return positional[0]
			}
		}
	}
	if function.Kind == "identifier" && function.Text == "dict" {
		d := &Dict{Values: map[string]Setting{}}
		if len(positional) > 0 {
			if first, ok := positional[0].(*Dict); ok {
				for _, key := range first.Keys {
					d.set(key, first.Values[key])
				}
			}
		}
		for _, arg := range n.Child("arguments").NamedChildren() {
			if arg.Kind == "keyword_argument" {
				d.set(arg.Child("name").Text, r.setting(arg.Child("value"), named[arg.Child("name").Text]))
			}
		}
		return d
	}
	switch f := r.eval(function, s).(type) {
	case dotted:
		if kind, ok := routeKind(string(f)); ok {
			return r.route(n, kind, positional, named)
		}
		if isApp(string(f)) {
			return r.app(n, positional, named)
		}
	case *Class:
		if root := externalRoot(f, 0); root != "" {
			if kind, ok := routeKind(root); ok {
				route := r.route(n, kind, positional, named)
				return route
			}
			if isApp(root) {
				return r.app(n, positional, named)
			}
		}
	case lambda:
		return r.call(f, positional, named)
	}
	for _, v := range positional { // a wrapper around the application
		if app, ok := v.(*App); ok {
			return app
		}
	}
	return unknown{n, "it is what a call returns"}
}

// methodCall evaluates methods of lists, strings, dictionaries and the router.
func (r *runner) methodCall(n, function *pytree.Node, args []value, s *scope) (value, bool) {
	name := function.Child("attribute").Text
	switch o := plain(r.eval(function.Child("object"), s)).(type) {
	case *list:
		switch {
		case name == "append" && len(args) == 1:
			r.add(o, n, r.under(args)...)
		case name == "insert" && len(args) == 2:
			at, ok := args[0].(number)
			if !ok || at < 0 || int(at) > len(o.items) {
				at = number(len(o.items))
			}
			o.items = append(o.items[:at:at], append(r.under(args[1:]), o.items[at:]...)...)
		case name == "extend" && len(args) == 1:
			if l, ok := plain(args[0]).(*list); ok {
				r.add(o, n, r.under(l.items)...)
			} else {
				r.add(o, n, unknown{n, "the list that is put in is not known"})
			}
		case name == "reverse" && len(args) == 0:
			slices.Reverse(o.items)
		case name == "sort", name == "pop", name == "remove", name == "clear":
			r.noteOrder(o, n)
		}
		return none{}, true
	case *Dict:
		switch name {
		case "items", "iteritems":
			l := &list{node: n, m: r.m}
			for _, key := range o.Keys {
				l.items = append(l.items, &list{items: []value{text(key), o.Values[key].v}, tuple: true, node: n, m: r.m})
			}
			return l, true
		case "values", "itervalues":
			l := &list{node: n, m: r.m}
			for _, key := range o.Keys {
				l.items = append(l.items, o.Values[key].v)
			}
			return l, true
		case "keys", "iterkeys":
			l := &list{node: n, m: r.m}
			for _, key := range o.Keys {
				l.items = append(l.items, text(key))
			}
			return l, true
		case "get":
			if len(args) > 0 {
				if key, ok := keyOf(args[0]); ok {
					if v, ok := o.Values[key]; ok {
						return v.v, true
					}
				}
			}
			if len(args) > 1 {
				return args[1], true
			}
			return none{}, true
		case "update":
			if len(args) == 1 {
				if other, ok := args[0].(*Dict); ok {
					for _, key := range other.Keys {
						o.set(key, other.Values[key])
					}
				}
			}
			return none{}, true
		}
	case text:
		switch name {
		case "format":
			t, ok := format(string(o), args, n, r, s)
			if ok {
				return r.textOf(t, n), true
			}
		case "lower":
			return text(strings.ToLower(string(o))), true
		case "upper":
			return text(strings.ToUpper(string(o))), true
		case "strip":
			if len(args) == 0 {
				return text(strings.TrimSpace(string(o))), true
			}
		case "rstrip", "lstrip":
			if len(args) == 1 {
				if cut, ok := args[0].(text); ok && name == "rstrip" {
					return text(strings.TrimRight(string(o), string(cut))), true
				} else if ok {
					return text(strings.TrimLeft(string(o), string(cut))), true
				}
			}
		case "join":
			if len(args) == 1 {
				if l, ok := plain(args[0]).(*list); ok {
					var parts []string
					for _, v := range l.items {
						t, ok := plain(v).(text)
						if !ok {
							return unknown{n, "it is computed"}, true
						}
						parts = append(parts, string(t))
					}
					return r.textOf(strings.Join(parts, string(o)), n), true
				}
			}
		}
		return unknown{n, "it is computed"}, true
	case router:
		if name == "add" && len(args) == 1 {
			o.app.Routes = append(o.app.Routes, r.routesOf(&list{items: r.under(args), node: n, m: r.m})...)
		}
		return none{}, true
	}
	return nil, false
}

// noteOrder records that the sources reorder a list of routes or remove some, which is
// not evaluated.
func (r *runner) noteOrder(l *list, n *pytree.Node) {
	for _, v := range l.items {
		v := plain(v)
		_, holds := v.(*Route)
		if t, ok := v.(*list); ok {
			holds = r.a.marked[t.node]
		}
		if holds {
			r.a.Notes = append(r.a.Notes, Finding{File: r.m.File, Line: n.Line, Source: firstLine(n.Text),
				Text: "the routes are as they were before this: check their order and number"})
			return
		}
	}
}

// format evaluates str.format for {}, {0} and {name}.
func format(f string, args []value, n *pytree.Node, r *runner, s *scope) (string, bool) {
	_, named, _ := r.arguments(n.Child("arguments"), s)
	var out strings.Builder
	for next := 0; ; {
		before, rest, more := strings.Cut(f, "{")
		out.WriteString(strings.ReplaceAll(before, "}}", "}"))
		if !more {
			return out.String(), true
		}
		if strings.HasPrefix(rest, "{") {
			out.WriteByte('{')
			f = rest[1:]
			continue
		}
		field, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", false
		}
		v := named[field]
		if field == "" {
			field = strconv.Itoa(next)
			next++
		}
		if i, err := strconv.Atoi(field); err == nil {
			if i >= len(args) {
				return "", false
			}
			v = args[i]
		}
		t, ok := keyOf(plain(v))
		if !ok {
			return "", false
		}
		out.WriteString(t)
		f = after
	}
}

// call evaluates a call of a function in the sources.
func (r *runner) call(f lambda, positional []value, named map[string]value) value {
	r.a.failed[f.node] = "called"
	if r.depth > maxDepth {
		return unknown{f.node, "the function calls itself"}
	}
	inner := &runner{a: r.a, m: f.m, depth: r.depth + 1}
	outer := f.outer
	s := newScope(outer, f.m)
	i := 0
	for _, p := range f.node.Child("parameters").NamedChildren() {
		var name string
		var v value = unknown{p, "it is a parameter"}
		switch p.Kind {
		case "identifier":
			name = p.Text
		case "default_parameter", "typed_default_parameter":
			name = p.Child("name").Text
			v = inner.eval(p.Child("value"), outer)
		case "typed_parameter":
			if list := p.NamedChildren(); len(list) > 0 {
				name = list[0].Text
			}
		case "list_splat_pattern":
			rest := &list{tuple: true, node: p, m: f.m}
			if i < len(positional) {
				rest.items, i = positional[i:], len(positional)
			}
			s.names[strings.TrimPrefix(p.Text, "*")] = rest
			continue
		case "dictionary_splat_pattern":
			d := &Dict{Values: map[string]Setting{}}
			for key, v := range named {
				d.set(key, inner.setting(p, v))
			}
			s.names[strings.TrimPrefix(p.Text, "**")] = d
			continue
		default:
			continue
		}
		if given, ok := named[name]; ok {
			v = given
		} else if i < len(positional) {
			v = positional[i]
			i++
		}
		s.names[name] = v
	}
	got := inner.block(f.node.Child("body"), s)
	if !got.returned {
		return none{}
	}
	return got.v
}
