package framework

import (
	"fmt"
	"reflect"
	"strings"
)

// A namedMethod is a method of a handler that is found by its name.
type namedMethod struct {
	does  string // what for
	right func(Handler) bool
	of    func(reflect.Type) (reflect.Method, bool)
}

// namedMethods are all of them. The names are constants because a loop over a type's
// methods, or a name that is computed, makes the linker keep every exported method of
// the program: 2 MB.
var namedMethods = []namedMethod{
	{"serve GET", is[getter], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Get") }},
	{"serve POST", is[poster], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Post") }},
	{"serve PUT", is[putter], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Put") }},
	{"serve PATCH", is[patcher], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Patch") }},
	{"serve DELETE", is[deleter], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Delete") }},
	{"serve HEAD", is[header], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Head") }},
	{"serve OPTIONS", is[optionser], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Options") }},
	{"be asked before the action", is[guarder], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Guard") }},
	{"be asked by Check", is[readier], func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Ready") }},
}

func is[T any](h Handler) bool {
	_, ok := h.(T)
	return ok
}

// checkMethods refuses a type that has a method of such a name which would never be
// called: one of another form, or one of a base that Go does not promote, because two
// bases have it or a field hides it. A Guard that is lost like that guards nothing.
func checkMethods(h Handler) error {
	t := reflect.TypeOf(h)
	for _, m := range namedMethods {
		if m.right(h) {
			continue
		}
		if method, has := m.of(t); has {
			return fmt.Errorf("framework: (%s).%s is a %s; to %s it must be a func() error", t, method.Name, form(method), m.does)
		}
		if base, method, has := m.lost(t); has {
			return fmt.Errorf("framework: %s does not get the %s of its %s, because another base or a field has the same name; to %s it needs a %[2]s of its own", t, method.Name, base, m.does)
		}
	}
	return nil
}

// lost finds the method in the bases of a type, which does not have it.
func (m namedMethod) lost(t reflect.Type) (base reflect.Type, method reflect.Method, has bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil, reflect.Method{}, false
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.Anonymous {
			continue
		}
		base := field.Type
		if base.Kind() == reflect.Struct {
			base = reflect.PointerTo(base)
		}
		if method, has := m.of(base); has && form(method) == "func() error" {
			return base, method, true
		}
		if base, method, has := m.lost(base); has {
			return base, method, true
		}
	}
	return nil, reflect.Method{}, false
}

// form prints the type of a method as its author wrote it, without the receiver.
func form(m reflect.Method) string {
	var in, out []string
	for i := 1; i < m.Type.NumIn(); i++ {
		in = append(in, m.Type.In(i).String())
	}
	if m.Type.IsVariadic() {
		in[len(in)-1] = "..." + m.Type.In(len(in)).Elem().String()
	}
	for i := range m.Type.NumOut() {
		out = append(out, m.Type.Out(i).String())
	}
	results := strings.Join(out, ", ")
	if len(out) > 1 {
		results = "(" + results + ")"
	}
	return strings.TrimSpace("func(" + strings.Join(in, ", ") + ") " + results)
}
