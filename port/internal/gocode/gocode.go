// Package gocode writes a Go module from what package source found in a webapp2
// application: routes, handler types with a method for each of their HTTP methods, a main
// function, and REPORT.md.
package gocode

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/port/internal/source"
)

// Options are the path of the module and the place of the framework.
type Options struct {
	Module  string // path of the new module
	Replace string // folder of a copy of the framework, for go.mod; if empty, the newest release is used
}

// A Module is the files of the new module, by name.
type Module struct {
	Files  map[string][]byte
	Routes int // that routes.go registers, without redirects of strict_slash
	Types  int
	Verbs  int // methods for HTTP methods, and those that routes name

	app *source.Application
	o   Options
}

const home = "github.com/webapp2go/webapp2go"

// Write makes the module without REPORT.md. Call [Module.Report] for that, when it is
// known whether the module builds.
func Write(app *source.Application, o Options) (*Module, error) {
	w := &writer{
		app: app, names: map[*source.Class]string{}, functions: map[*source.Function]string{}, used: map[string]bool{},
		paths: map[string][]*taken{}, routesOf: map[*source.Class][]use{}, guarded: map[*source.Class]bool{}, methods: map[*source.Class]map[string]string{},
	}
	w.nameAll()
	w.collectUses()
	m := &Module{Files: map[string][]byte{}, app: app, o: o}
	routes := w.routes()
	files := w.types()
	if m.Routes, m.Types, m.Verbs = w.count, len(app.Classes), w.verbs; m.Routes == 0 {
		return nil, noRoute(app)
	}
	files["routes.go"] = routes
	files["main.go"] = w.main()
	files["main_test.go"] = checkTest
	if models := w.models(); models != "" {
		files["models.go"] = models
	}
	for name, text := range files {
		out, err := format.Source([]byte(notInGo.Replace(redact(app, text))))
		if err != nil {
			return nil, fmt.Errorf("a mistake of this tool: %s: %w\n%s", name, err, text)
		}
		m.Files[name] = out
	}
	m.Files["go.mod"] = goMod(o)
	return m, nil
}

// noRoute returns the error for an application of which no route could be converted.
func noRoute(app *source.Application) error {
	text := fmt.Sprintf("no route was found in %d Python files: is this the folder of a webapp2 application?", len(app.Files))
	findings := slices.Concat(app.Broken, app.Unconverted)
	if stopped := app.Stopped(); stopped != nil {
		findings = append([]source.Finding{*stopped}, findings...)
	}
	for i, f := range findings {
		if i == 10 {
			text += fmt.Sprintf("\nand %d more", len(findings)-i)
			break
		}
		text += fmt.Sprintf("\n%s:%d: %s", f.File, f.Line, f.Text)
	}
	return errors.New(text)
}

// notInGo replaces characters that are not allowed in Go source, not even in a comment.
var notInGo = strings.NewReplacer("\x00", "\uFFFD", "\uFEFF", "\uFFFD")

func goMod(o Options) []byte {
	text := "module " + o.Module + "\n\ngo 1.26.0\n"
	if o.Replace != "" {
		text += "\nrequire " + home + " v0.0.0\n\nreplace " + home + " => " + strconv.Quote(o.Replace) + "\n"
	}
	return []byte(text)
}

const checkTest = `package main

import "testing"

func TestCheck(t *testing.T) {
	app, err := newApp()
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Check(); err != nil {
		t.Error(err)
	}
}
`

type writer struct {
	app       *source.Application
	names     map[*source.Class]string
	functions map[*source.Function]string
	used      map[string]bool
	paths     map[string][]*taken
	routesOf  map[*source.Class][]use
	methods   map[*source.Class]map[string]string // of the methods that routes name, the Python name by the Go name
	guarded   map[*source.Class]bool
	helpers   map[string]bool
	count     int
	verbs     int
	appFuncs  []string
}

// taken is a route that has a path.
type taken struct {
	where   string
	methods []string
	limited bool
}

// use is a route that a class serves, with its variables.
type use struct {
	route *source.Route
	named map[string]bool
	count int // of unnamed variables or groups
}

var httpMethods = map[string]string{
	"get": "Get", "post": "Post", "put": "Put", "patch": "Patch", "delete": "Delete", "head": "Head", "options": "Options",
}

// promoted are the names that a handler inherits from its base. A type or method with
// such a name would hide the inherited one.
var promoted = strings.Fields(`App Request Response Site Abort Context DecodeJSON Dispatch HTML HandleError IntVar
	Int64Var IsAPI JSON LimitBody ParseFields ParseForm Preflight Redirect RedirectAbort RedirectError RedirectCode RedirectTo
	Route Serves StreamContext Text URL Var Vars WantsJSON Write Flash LogIn LogSecurity Nonce Page Ready Render Session Store
	User Guard Init Locale T N C SetLocale Get Post Put Patch Delete Head Options Trace Connect`)

// nameAll gives each class and function a Go name.
func (w *writer) nameAll() {
	w.helpers = map[string]bool{}
	for _, c := range w.app.Classes {
		name := exported(c.Name)
		isBase := slices.ContainsFunc(w.app.Classes, func(other *source.Class) bool { return other.Base == c })
		if isBase && slices.Contains(promoted, name) {
			name += "Handler"
		}
		w.names[c] = w.unique(name, c.Module.Name)
	}
	for _, f := range w.app.Functions {
		name := exported(f.Name)
		w.functions[f] = w.unique(lowered(name)+"Func", f.Module.Name)
	}
}

// unique returns a name that is not used. If name is used, it adds the module's name,
// then a number.
func (w *writer) unique(name, module string) string {
	for i := 0; w.used[name]; i++ {
		switch i {
		case 0:
			name += "Of" + exported(module[strings.LastIndex(module, ".")+1:])
		default:
			name = strings.TrimRight(name, "0123456789") + strconv.Itoa(i+1)
		}
	}
	w.used[name] = true
	return name
}

// exported converts a Python name to an exported Go name.
func exported(name string) string {
	var out strings.Builder
	up := true
	for _, c := range name {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			up = true
		case up:
			out.WriteRune(unicode.ToUpper(c))
			up = false
		default:
			out.WriteRune(c)
		}
	}
	s := out.String()
	if s == "" || !token.IsExported(s) {
		s = "X" + s
	}
	return s
}

// local converts a Python name to the name of a Go variable.
func local(name string) string {
	s := lowered(exported(name))
	if token.IsKeyword(s) || s == "h" || s == "app" || s == "string" || s == "len" || s == "error" || s == "nil" || s == "true" || s == "false" || s == "template" || s == "regex" {
		s += "_"
	}
	return s
}

// lowered returns a name with its first letter in lower case.
func lowered(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(first)) + name[size:]
}

// uses reports whether Go code contains a text outside of its comments.
func uses(text, name string) bool {
	for line := range strings.Lines(text) {
		if code, _, _ := strings.Cut(line, "//"); strings.Contains(code, name) {
			return true
		}
	}
	return false
}

// oneLine returns a text as one line, for a comment.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// actionName returns the name of the Go method for a Python method that a route names.
func actionName(python string) string {
	if verb, ok := httpMethods[python]; ok {
		return verb
	}
	name := exported(python)
	for _, known := range promoted {
		if distance(name, known) <= 1 {
			return name + "Page"
		}
	}
	return name
}

// distance returns 0 if the names are equal, 1 if they differ by one edit, and 2
// otherwise.
func distance(a, b string) int {
	if strings.EqualFold(a, b) {
		return 0
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return 2
	}
	i := 0
	for i < len(a) && a[i]|32 == b[i]|32 {
		i++
	}
	if len(a) == len(b) {
		if i < len(a) && (strings.EqualFold(a[i+1:], b[i+1:]) || i+1 < len(a) && a[i]|32 == b[i+1]|32 && a[i+1]|32 == b[i]|32 && strings.EqualFold(a[i+2:], b[i+2:])) {
			return 1
		}
		return 2
	}
	if strings.EqualFold(a[i:], b[i+1:]) {
		return 1
	}
	return 2
}

// collectUses records, for each class, the routes that lead to it or to a class derived
// from it.
func (w *writer) collectUses() {
	var walk func(routes []*source.Route, above []string)
	walk = func(routes []*source.Route, above []string) {
		for _, r := range routes {
			templates := append(slices.Clone(above), r.Template)
			if r.Kind == source.NamePrefix || r.Kind == source.HandlerPrefix {
				templates = above
			}
			if len(r.Children) > 0 {
				walk(r.Children, templates)
				continue
			}
			u := use{route: r, named: map[string]bool{}}
			for _, t := range templates {
				u.add(r.Kind, t)
			}
			for c := r.Class; c != nil; c = c.Base {
				w.routesOf[c] = append(w.routesOf[c], u)
			}
		}
	}
	for _, app := range w.app.Apps {
		walk(app.Routes, nil)
	}
}

func (u *use) add(kind source.Kind, template string) {
	if kind == source.Tuple {
		if re, err := source.Compile(template); err == nil {
			for _, name := range re.SubexpNames()[1:] {
				if name != "" {
					u.named[name] = true
				} else {
					u.count++
				}
			}
		}
		return
	}
	for _, found := range variable.FindAllStringSubmatch(template, -1) {
		if found[1] != "" {
			u.named[found[1]] = true
		} else {
			u.count++
		}
	}
}

var variable = regexp.MustCompile(`<([A-Za-z_]\w*)?(?::([^>]*))?>`)

// redact removes the secrets of the sources from comments.
func redact(app *source.Application, text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		code, note, ok := strings.Cut(line, "//")
		if ok {
			lines[i] = code + "//" + redactAll(app, note)
		}
	}
	return strings.Join(lines, "\n")
}

func redactAll(app *source.Application, text string) string {
	for secret := range app.Secrets() {
		text = strings.ReplaceAll(text, secret, "(removed)")
	}
	return text
}

// comment writes Python as a comment.
func comment(b *bytes.Buffer, python string) {
	for line := range strings.SplitSeq(strings.TrimRight(python, "\n"), "\n") {
		b.WriteString("//\t" + strings.ReplaceAll(line, "\t", "    ") + "\n")
	}
}
