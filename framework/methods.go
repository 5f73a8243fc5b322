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

// misspelt are the likely ways to write these names wrong. They are constants for the same
// reason.
var misspelt = []struct {
	name, right string
	has         func(Handler) bool
}{
	{"Gaurd", "Guard", is[interface{ Gaurd() error }]},
	{"Gurad", "Guard", is[interface{ Gurad() error }]},
	{"Guadr", "Guard", is[interface{ Guadr() error }]},
	{"Gard", "Guard", is[interface{ Gard() error }]},
	{"Gurd", "Guard", is[interface{ Gurd() error }]},
	{"Guad", "Guard", is[interface{ Guad() error }]},
	{"Guar", "Guard", is[interface{ Guar() error }]},
	{"Guards", "Guard", is[interface{ Guards() error }]},
	{"Gaurds", "Guard", is[interface{ Gaurds() error }]},
	{"Guart", "Guard", is[interface{ Guart() error }]},
	{"GUARD", "Guard", is[interface{ GUARD() error }]},
	{"Redy", "Ready", is[interface{ Redy() error }]},
	{"Raedy", "Ready", is[interface{ Raedy() error }]},
	{"Reday", "Ready", is[interface{ Reday() error }]},
	{"Gte", "Get", is[interface{ Gte() error }]},
	{"GET", "Get", is[interface{ GET() error }]},
	{"Pots", "Post", is[interface{ Pots() error }]},
	{"Psot", "Post", is[interface{ Psot() error }]},
	{"Pos", "Post", is[interface{ Pos() error }]},
	{"POST", "Post", is[interface{ POST() error }]},
	{"Ptu", "Put", is[interface{ Ptu() error }]},
	{"PUT", "Put", is[interface{ PUT() error }]},
	{"Pacth", "Patch", is[interface{ Pacth() error }]},
	{"Ptach", "Patch", is[interface{ Ptach() error }]},
	{"Pathc", "Patch", is[interface{ Pathc() error }]},
	{"PATCH", "Patch", is[interface{ PATCH() error }]},
	{"Delte", "Delete", is[interface{ Delte() error }]},
	{"Delet", "Delete", is[interface{ Delet() error }]},
	{"Dleete", "Delete", is[interface{ Dleete() error }]},
	{"Deltee", "Delete", is[interface{ Deltee() error }]},
	{"Deleet", "Delete", is[interface{ Deleet() error }]},
	{"DELETE", "Delete", is[interface{ DELETE() error }]},
	{"Haed", "Head", is[interface{ Haed() error }]},
	{"HEAD", "Head", is[interface{ HEAD() error }]},
	{"Option", "Options", is[interface{ Option() error }]},
	{"Opitons", "Options", is[interface{ Opitons() error }]},
	{"Optoins", "Options", is[interface{ Optoins() error }]},
	{"OPTIONS", "Options", is[interface{ OPTIONS() error }]},
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

// checkNames refuses a method that nothing would call because its name is misspelt: a
// Gaurd guards nothing. ToMethod may have any method as its action, so that of its types,
// and of a Fallback's, only Guard and Ready are looked for.
func checkNames(h Handler, anyAction bool) error {
	for _, m := range misspelt {
		if m.has(h) && (!anyAction || m.right == "Guard" || m.right == "Ready") {
			return fmt.Errorf("framework: (%T).%s is never called: did you mean %s? If not, give it a name that looks less like it", h, m.name, m.right)
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
