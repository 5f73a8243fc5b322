package source

import (
	"strconv"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/pytree"
)

// A value is what is known about the value of a Python expression.
type value interface{}

type (
	text    string // str
	number  int64
	boolean bool
	none    struct{}
	// dotted is a name that the sources do not define: "webapp2.Route".
	dotted string
	// list is a list or a tuple.
	list struct {
		items []value
		tuple bool
		node  *pytree.Node
		m     *Module
	}
	// lambda is a function in the sources.
	lambda struct {
		node  *pytree.Node
		m     *Module
		outer *scope
	}
	moduleRef struct{ m *Module }
	// unknown is a value that cannot be known.
	unknown struct {
		node *pytree.Node
		why  string
	}
	// item is a tuple in a list of routes, or a route, with the condition under which it
	// was added.
	conditional struct {
		v         value
		condition string
	}
	router struct{ app *App }
	// errorHandlers is app.error_handlers.
	errorHandlers struct{ app *App }
)

// A Dict is a dictionary whose keys are strings or numbers.
type Dict struct {
	Keys   []string
	Values map[string]Setting
}

// A Setting is one value of a Dict.
type Setting struct {
	Source string // as written
	File   string
	Line   int
	v      value
}

// Text returns the value if it is a string.
func (s Setting) Text() (string, bool) { t, ok := s.v.(text); return string(t), ok }

// Number returns the value if it is a whole number.
func (s Setting) Number() (int64, bool) { n, ok := s.v.(number); return int64(n), ok }

// Bool returns the value if it is True or False.
func (s Setting) Bool() (value, ok bool) { b, ok := s.v.(boolean); return bool(b), ok }

// Dict returns the value if it is a dictionary, and nil otherwise.
func (s Setting) Dict() *Dict { d, _ := s.v.(*Dict); return d }

// Get returns the setting of a key. It may be called on nil.
func (d *Dict) Get(key string) (Setting, bool) {
	if d == nil {
		return Setting{}, false
	}
	s, ok := d.Values[key]
	return s, ok
}

func (d *Dict) set(key string, s Setting) {
	if _, ok := d.Values[key]; !ok {
		d.Keys = append(d.Keys, key)
	}
	d.Values[key] = s
}

// A scope holds the names of a module, a class or a call.
type scope struct {
	names map[string]value
	outer *scope
	m     *Module
}

func newScope(outer *scope, m *Module) *scope {
	return &scope{names: map[string]value{}, outer: outer, m: m}
}

func (s *scope) lookup(name string) (value, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.names[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// literal returns the text of a string node without interpolation.
func literal(n *pytree.Node) (string, bool) {
	if n.Kind == "concatenated_string" {
		var out strings.Builder
		for _, part := range n.NamedChildren() {
			s, ok := literal(part)
			if !ok {
				return "", false
			}
			out.WriteString(s)
		}
		return out.String(), true
	}
	if n.Kind != "string" || len(n.Children) < 2 {
		return "", false
	}
	first, last := n.Children[0], n.Children[len(n.Children)-1]
	if first.Kind != "string_start" || last.Kind != "string_end" {
		return "", false
	}
	for _, c := range n.Children {
		if c.Kind == "interpolation" {
			return "", false
		}
	}
	prefix := strings.ToLower(strings.TrimRight(first.Text, `'"`))
	body := n.Text[len(first.Text) : len(n.Text)-len(last.Text)]
	if strings.Contains(prefix, "r") {
		return body, true
	}
	return unescape(body), true
}

// written returns the text between the quotation marks of a string, with its escapes.
func written(n *pytree.Node) string {
	if n.Kind != "string" || len(n.Children) < 2 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(n.Text, n.Children[0].Text), n.Children[len(n.Children)-1].Text)
}

// unescape replaces the escapes of a Python string.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case '\n':
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case 'r':
			out.WriteByte('\r')
		case '\\', '\'', '"':
			out.WriteByte(c)
		case 'x', 'u', 'U':
			digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if i+digits < len(s) {
				if code, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32); err == nil {
					out.WriteRune(rune(code))
					i += digits
					continue
				}
			}
			out.WriteString(`\` + string(c))
		default: // Python keeps an unknown escape
			out.WriteString(`\` + string(c))
		}
	}
	return out.String()
}
