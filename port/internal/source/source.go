// Package source reads a webapp2 application: it parses the Python files of a folder,
// evaluates what their modules do at import time, as far as that is possible, and returns the
// routes, handlers, settings and features that it found. It executes no Python.
//
// It lists every route that it cannot convert in [Application.Unconverted]: it counts each
// call or tuple that looks like a route before it evaluates the modules, and checks that each
// is mounted or listed at the end.
package source

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/port/internal/pytree"
)

// An Application is what was found in a folder.
type Application struct {
	Files       []string // the Python files that were read, with their paths from the folder
	Skipped     []string // files that were left out: tests, and copies of webapp2 itself
	Broken      []Finding
	Apps        []*App
	Classes     []*Class // all classes that routes name, and their bases; a base comes before its classes
	Functions   []*Function
	Models      []*Model
	RouteLike   int // calls and tuples in the source that look like routes
	Converted   int // those of them that an app mounts and whose handler was found
	Unconverted []Finding
	Notes       []Finding // what was converted and behaves differently
	Features    []Use
	Templates   []string // HTML files
	YAML        *AppYAML // nil if there is no app.yaml
	Jobs        []Job    // of cron.yaml and queue.yaml

	modules  map[string]*Module // by dotted name from the root
	packages map[string]bool    // names of folders with modules
	sorted   []*Module
	roots    []string // folders that imports are looked up in
	marked   map[*pytree.Node]bool
	failed   map[*pytree.Node]string
	seen     map[*pytree.Node]*Module
	mounted  map[*pytree.Node]bool
	steps    int
	stopped  Finding // where the evaluation stopped; if Text is empty, it did not
	secrets  map[string]Finding
	bytes    int // of Python that was read
}

// A Finding is a place in the source with a message about it.
type Finding struct {
	File   string
	Line   int
	Source string // the first line of the code; may be empty
	Text   string
}

// An App is one WSGIApplication.
type App struct {
	Module *Module
	Line   int
	Name   string // the variable that holds it; empty if there is none
	Routes []*Route
	Config *Dict // nil if there is none, or if it could not be read
	Errors []ErrorHandler

	node *pytree.Node
}

// An ErrorHandler is one assignment to app.error_handlers.
type ErrorHandler struct {
	Status int
	File   string
	Line   int
	Source string
}

// A Kind is a kind of route.
type Kind string

// The kinds of routes.
const (
	Template      Kind = "Route"              // webapp2.Route
	Tuple         Kind = "tuple"              // a tuple of a regular expression and a handler, or SimpleRoute
	Redirect      Kind = "RedirectRoute"      // webapp2_extras.routes.RedirectRoute
	PathPrefix    Kind = "PathPrefixRoute"    // has Children
	NamePrefix    Kind = "NamePrefixRoute"    // has Children
	HandlerPrefix Kind = "HandlerPrefixRoute" // has Children
	Domain        Kind = "DomainRoute"        // has Children
)

// A Route is one route, or a route that holds others.
type Route struct {
	Kind           Kind
	Template       string
	Name           string // with the prefixes of NamePrefixRoute
	Class          *Class // nil if the handler is not a class in the sources
	Method         string // of Class; if empty, the HTTP method chooses it
	Function       *Function
	HandlerText    string // the handler as written
	RedirectTo     string // the target, of a RedirectRoute or RedirectHandler
	RedirectToName string
	RedirectCode   int // 301 or 302
	Methods        []string
	Schemes        []string
	Defaults       []KeyValue
	BuildOnly      bool
	StrictSlash    bool
	Condition      string // the if around it; empty if there is none
	Problem        string // why it cannot be converted; empty if it can
	Children       []*Route
	File           string
	Line           int
	Source         string

	node    *pytree.Node
	module  *Module
	handler value
}

// A KeyValue is one entry of a route's defaults: the value is Python source.
type KeyValue struct{ Key, Value string }

// A Class is a class of Python.
type Class struct {
	Name    string
	Module  *Module
	Line    int
	Bases   []string // as written
	Base    *Class   // the base that derives from webapp2.RequestHandler; nil if that is the base itself or unknown
	Root    string   // "webapp2.RequestHandler", or the dotted name of a base that is not in the sources
	Methods []*Method
	Doc     string

	node   *pytree.Node
	scope  *scope
	bases  []value
	linked bool
}

// A Method is a method of a class.
type Method struct {
	Name       string
	Parameters []string // without self
	Decorators []string // as written, without "@"
	Source     string   // whole, with its decorators, not indented
	Line       int
	From       *Class // the other base that has the method; nil if the class itself has it
	Alias      string // of an assignment such as post = put: the name of the other method

	body *pytree.Node
}

// A Function is a function that serves a route.
type Function struct {
	Name   string
	Module *Module
	Line   int
	Source string

	node *pytree.Node
}

// A Module is a Python file.
type Module struct {
	Name string // dotted, from the root
	File string // path from the root, with slashes

	tree  *pytree.Node
	scope *scope
	state int // 0: not run, 1: running, 2: done
	stars []string
	isDir bool
}

// These limits are far above what a real application needs. A folder that exceeds one
// gets a message.
const (
	maxFiles = 20_000
	maxBytes = 32 << 20  // of Python, which needs 100 times as much memory
	maxSteps = 2_000_000 // of evaluation
	maxDepth = 60        // of nested calls
	maxLoop  = 1_000     // rounds of a loop over a literal
	maxItems = 100_000   // elements of a list
	maxText  = 1 << 16   // bytes of a computed string

	maxBroken = 10 // unreadable places that are listed for each file
)

// Read reads the application in dir.
func Read(dir string) (*Application, error) {
	a := &Application{
		modules: map[string]*Module{}, packages: map[string]bool{}, marked: map[*pytree.Node]bool{}, failed: map[*pytree.Node]string{},
		seen: map[*pytree.Node]*Module{}, mounted: map[*pytree.Node]bool{},
	}
	if err := a.readFiles(dir); err != nil {
		return nil, err
	}
	if len(a.Files) == 0 {
		return nil, fmt.Errorf("%s holds no Python files; give the folder of the application, the one with app.yaml", dir)
	}
	a.findRoots()
	for _, m := range a.ordered() {
		a.scan(m)
	}
	for _, m := range a.ordered() {
		a.run(m)
	}
	for _, m := range a.ordered() {
		a.runUncalled(m)
	}
	a.orderApps()
	for _, app := range a.Apps {
		a.mount(app.Routes, "")
	}
	a.uniqueNames()
	a.collectClasses()
	a.account()
	a.findModels()
	a.findFeatures()
	if a.stopped.Text != "" {
		a.Notes = append(a.Notes, a.stopped)
	}
	return a, nil
}

// Stopped returns where and why the evaluation stopped, or nil if it did not.
func (a *Application) Stopped() *Finding {
	if a.stopped.Text == "" {
		return nil
	}
	return &a.stopped
}

// step counts a step of the evaluation, and reports whether there were too many.
func (a *Application) step(n *pytree.Node, m *Module, work int) (stop bool) {
	a.steps += work
	if a.steps <= maxSteps {
		return false
	}
	if a.stopped.Text == "" {
		a.stopped = Finding{File: m.File, Line: n.Line, Source: firstLine(n.Text),
			Text: fmt.Sprintf("the evaluation stopped here, after %d steps: routes that come later are not converted", maxSteps)}
	}
	return true
}

// ordered returns the modules by file name.
func (a *Application) ordered() []*Module {
	if len(a.sorted) == len(a.Files) && a.sorted != nil {
		return a.sorted
	}
	var list []*Module
	for _, m := range a.modules {
		if m.tree != nil {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(x, y *Module) int { return cmp.Compare(x.File, y.File) })
	a.sorted = list
	return list
}

func (a *Application) readFiles(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is a file; give the folder of the application", dir)
	}
	root := os.DirFS(dir)
	return fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			a.unread(name, err)
			return nil
		case strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
			a.Skipped = append(a.Skipped, fmt.Sprintf("%q (a name with control characters)", name))
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.Type()&fs.ModeSymlink != 0 && (path.Ext(base) == "" || path.Ext(base) == ".py"):
			a.Skipped = append(a.Skipped, name+" (a link)")
			return nil
		}
		if entry.IsDir() {
			switch {
			case name == ".":
				return nil
			case strings.HasPrefix(base, "."), base == "node_modules", base == "__pycache__", base == "venv", base == "env" && exists(root, name+"/bin/activate"):
				return fs.SkipDir
			case base == "webapp2_extras" || base == "google" && exists(root, name+"/appengine"):
				a.Skipped = append(a.Skipped, name+"/ (a library that the framework takes the place of)")
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case name == "app.yaml" || name == "app.yml":
			data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
			if err == nil {
				a.YAML, err = parseAppYAML(name, data)
			}
			if err != nil {
				a.unread(name, err)
			}
			return nil
		case name == "cron.yaml" || name == "queue.yaml":
			data, err := os.ReadFile(filepath.Join(dir, name))
			var jobs []Job
			if err == nil {
				jobs, err = parseJobs(name, data)
			}
			if err != nil {
				a.unread(name, err)
			}
			a.Jobs = append(a.Jobs, jobs...)
			return nil
		case strings.HasSuffix(base, ".html") || strings.HasSuffix(base, ".htm") || strings.HasSuffix(base, ".jinja2"):
			a.Templates = append(a.Templates, name)
			return nil
		case !strings.HasSuffix(base, ".py") || !entry.Type().IsRegular():
			return nil
		case base == "webapp2.py":
			a.Skipped = append(a.Skipped, name+" (a copy of webapp2)")
			return nil
		case isTest(name):
			a.Skipped = append(a.Skipped, name+" (a test)")
			return nil
		}
		if len(a.Files) == maxFiles {
			return fmt.Errorf("more than %d Python files; give the folder of one application", maxFiles)
		}
		if err := a.readFile(dir, name); err != nil {
			a.unread(name, err)
		}
		if a.bytes > maxBytes {
			return fmt.Errorf("more than %d MiB of Python; give the folder of one application", maxBytes>>20)
		}
		return nil
	})
}

// unread records that a file or a folder was not read.
func (a *Application) unread(name string, err error) {
	a.Broken = append(a.Broken, Finding{File: name, Line: 1, Text: "not read: " + strings.Join(strings.Fields(err.Error()), " ")})
}

func exists(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}

func isTest(name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || strings.HasSuffix(base, "_tests.py") {
		return true
	}
	for _, part := range strings.Split(path.Dir(name), "/") {
		if part == "test" || part == "tests" {
			return true
		}
	}
	return false
}

func (a *Application) readFile(dir, name string) error {
	info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	if info.Size() > pytree.MaxFileBytes {
		return fmt.Errorf("the file has more than %d MiB", pytree.MaxFileBytes>>20)
	}
	src, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	a.bytes += len(src)
	decoded, whole := decode(src)
	if !whole {
		a.Notes = append(a.Notes, Finding{File: name, Line: 1, Text: "the file is not UTF-8, and names no encoding that is known: what is not ASCII was replaced"})
	}
	tree, broken, err := pytree.Parse(decoded)
	if err != nil {
		return err
	}
	for i, b := range broken {
		if i == maxBroken {
			a.Broken = append(a.Broken, Finding{File: name, Line: b.Line, Text: fmt.Sprintf("and %d more places of this file", len(broken)-i)})
			break
		}
		a.Broken = append(a.Broken, Finding{File: name, Line: b.Line, Source: b.Text,
			Text: fmt.Sprintf("not readable as Python 2 or 3 at column %d; the rest of the file was read", b.Column)})
	}
	a.Files = append(a.Files, name)
	dotted := strings.ReplaceAll(strings.TrimSuffix(name, ".py"), "/", ".")
	m := &Module{Name: dotted, File: name, tree: tree}
	if trimmed, ok := strings.CutSuffix(dotted, ".__init__"); ok {
		m.Name, m.isDir = trimmed, true
	}
	a.modules[m.Name] = m
	for pack := m.Name; strings.Contains(pack, "."); {
		pack = pack[:strings.LastIndex(pack, ".")]
		a.packages[pack] = true
	}
	return nil
}

// declared is the encoding that the first two lines of a Python source declare (PEP 263).
var declared = regexp.MustCompile(`^(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`)

// decode returns a source in UTF-8, and reports whether it could do so without replacing
// characters. It changes src.
func decode(src []byte) (decoded []byte, whole bool) {
	for i, b := range src { // a single CR ends a line in Python, but not in the parser's grammar
		if b == '\r' && (i+1 == len(src) || src[i+1] != '\n') {
			src[i] = '\n'
		}
	}
	if utf8.Valid(src) {
		return src, true
	}
	if found := declared.FindSubmatch(src); found != nil {
		switch strings.ReplaceAll(strings.ToLower(string(found[1])), "_", "-") {
		case "latin-1", "latin1", "iso-8859-1", "iso8859-1", "iso-8859-15", "cp1252", "windows-1252":
			runes := make([]rune, len(src))
			for i, b := range src {
				runes[i] = rune(b)
			}
			return []byte(string(runes)), true
		}
	}
	return []byte(strings.ToValidUTF8(string(src), "\uFFFD")), false
}

// findRoots sets the folders in which imports are looked up: the root, lib, libs, and the
// folders that a source adds to sys.path.
func (a *Application) findRoots() {
	a.roots = []string{"", "lib.", "libs."}
	for _, m := range a.ordered() {
		m.tree.Walk(func(n *pytree.Node) bool {
			if n.Kind != "call" {
				return true
			}
			f := n.Child("function")
			if f != nil && (f.Text == "sys.path.insert" || f.Text == "sys.path.append" || f.Text == "vendor.add") {
				n.Child("arguments").Walk(func(n *pytree.Node) bool {
					if n.Kind == "string" {
						s, ok := literal(n)
						s = strings.ReplaceAll(s, `\`, "/")
						if s = strings.Trim(strings.TrimPrefix(s, "./"), "/"); ok && s != "" && s != "." && s != ".." {
							a.roots = append(a.roots, strings.ReplaceAll(s, "/", ".")+".")
						}
					}
					return true
				})
			}
			return true
		})
	}
}

// find returns the module with the dotted name, as imported by a file of the module from.
func (a *Application) find(from *Module, dotted string) *Module {
	if isExternal(dotted) {
		return nil
	}
	own := packageOf(from)
	for _, root := range append([]string{own}, a.roots...) {
		if m, ok := a.modules[root+dotted]; ok {
			return m
		}
	}
	// A folder without __init__.py, as in Python 3 and in lib folders.
	for _, root := range append([]string{own}, a.roots...) {
		if a.packages[root+dotted] {
			m := &Module{Name: root + dotted, File: strings.ReplaceAll(root+dotted, ".", "/"), state: 2, isDir: true}
			m.scope = newScope(nil, m)
			a.modules[m.Name] = m
			return m
		}
	}
	return nil
}

// packageOf returns the package of a module with a dot at its end, or "" for the root.
func packageOf(m *Module) string {
	if m == nil {
		return ""
	}
	if m.isDir {
		return m.Name + "."
	}
	if i := strings.LastIndex(m.Name, "."); i >= 0 {
		return m.Name[:i+1]
	}
	return ""
}

func isExternal(dotted string) bool {
	first, _, _ := strings.Cut(dotted, ".")
	return first == "webapp2" || first == "webapp2_extras" || first == "google"
}

func firstLine(text string) string {
	line, rest, more := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	if len(line) > 100 {
		line, more = strings.ToValidUTF8(line[:100], ""), true
	}
	if more && rest != "" || more {
		line += " ..."
	}
	return line
}

// Resolve returns an error unless everything that looks like a route is converted or
// listed.
func (a *Application) Resolve() error {
	listed := 0
	for _, f := range a.Unconverted {
		if f.Line > 0 {
			listed++
		}
	}
	if a.Converted+listed != a.RouteLike {
		return errors.New(fmt.Sprint("a mistake of this tool: ", a.RouteLike, " places look like routes, ", a.Converted, " were converted and ", listed, " are listed"))
	}
	return nil
}

// Find returns the method with the name, of the class or a base, or nil if there is none.
func (c *Class) Find(name string) *Method { return methodOf(c, name) }

// Guarded reports whether the class itself has a method that may refuse a request before
// the action: a dispatch that does so, or a method such as get with a decorator that
// does.
func (c *Class) Guarded() bool {
	for _, m := range c.Methods {
		if m.Name == "dispatch" && m.Alias == "" && m.Delegation() == Refuses {
			return true
		}
		switch m.Name {
		case "get", "post", "put", "patch", "delete", "head", "options":
			if target := c.Find(m.Alias); len(m.Checks()) > 0 || m.Alias != "" && target != nil && len(target.Checks()) > 0 {
				return true
			}
		}
	}
	return false
}

// harmless are decorators that refuse no request.
var harmless = []string{"ndb.toplevel", "toplevel", "ndb.tasklet", "ndb.synctasklet", "ndb.transactional", "db.transactional", "staticmethod", "classmethod", "property", "cached_property", "webapp2.cached_property"}

// Checks returns the decorators that may refuse a request.
func (m *Method) Checks() []string {
	var checks []string
	for _, d := range m.Decorators {
		name, _, _ := strings.Cut(d, "(")
		if !slices.Contains(harmless, name) {
			checks = append(checks, d)
		}
	}
	return checks
}

// A Delegation is how a dispatch method calls that of its base.
type Delegation int

// The ways to delegate.
const (
	Always        Delegation = iota // calls it always, and does something else too
	SavesSessions                   // calls it always, and otherwise only fetches and saves the sessions
	Refuses                         // calls it or refuses the request
	Never
)

// Delegation returns how a dispatch method calls that of its base.
func (m *Method) Delegation() Delegation {
	var call *pytree.Node
	m.body.Walk(func(n *pytree.Node) bool {
		if call == nil && n.Kind == "call" && strings.HasSuffix(n.Child("function").Text, ".dispatch") {
			call = n
		}
		return call == nil
	})
	if call == nil {
		return Never
	}
	refuses, other := false, false
	m.body.Walk(func(n *pytree.Node) bool {
		switch n.Kind {
		case "if_statement", "conditional_expression", "boolean_operator", "while_statement", "for_statement":
			if n.Start <= call.Start && call.Start < n.Start+len(n.Text) {
				refuses = true
			}
		case "return_statement", "raise_statement":
			if n.Start+len(n.Text) < call.Start {
				refuses = true
			}
		case "call":
			name := last(n.Child("function").Text)
			if n.Start < call.Start && (name == "abort" || name == "redirect" || name == "redirect_to" || name == "error" || name == "set_status") {
				refuses = true
			}
		}
		return true
	})
	for _, statement := range m.body.NamedChildren() {
		switch text := statement.Text; {
		case statement.Kind == "try_statement", statement.Kind == "expression_statement" && statement.NamedChildren()[0].Kind == "string":
		case strings.Contains(text, ".dispatch"), strings.Contains(text, "get_store"), strings.Contains(text, "save_sessions"):
		default:
			other = true
		}
		if statement.Kind == "try_statement" {
			for _, part := range statement.NamedChildren() {
				if part.Kind == "except_clause" || part.Kind == "finally_clause" && !strings.Contains(part.Text, "save_sessions") || part.Kind == "block" && len(part.NamedChildren()) > 1 {
					other = true
				}
			}
		}
	}
	switch {
	case refuses:
		return Refuses
	case other || !strings.Contains(m.body.Text, "get_store"):
		return Always
	}
	return SavesSessions
}

// A Session is the configuration of one session of the application.
type Session struct {
	Name         string
	MaxAge       int64 // seconds; 0 if it is not set
	Domain, Path string
	Cookie       bool // in the signed cookie
	Backend      string
}

// Sessions returns the sessions that the configuration and the calls of get_session name,
// the default one first.
func (a *Application) Sessions() []Session {
	first := Session{Name: "session", Cookie: true}
	for _, app := range a.Apps {
		config, ok := app.Config.Get("webapp2_extras.sessions")
		if !ok {
			continue
		}
		d := config.Dict()
		if s, ok := d.Get("cookie_name"); ok {
			if name, ok := s.Text(); ok {
				first.Name = name
			}
		}
		if s, ok := d.Get("session_max_age"); ok {
			first.MaxAge, _ = s.Number()
		}
		if s, ok := d.Get("cookie_args"); ok {
			args := s.Dict()
			if s, ok := args.Get("domain"); ok {
				first.Domain, _ = s.Text()
			}
			if s, ok := args.Get("path"); ok {
				if first.Path, _ = s.Text(); first.Path == "/" {
					first.Path = ""
				}
			}
			if s, ok := args.Get("max_age"); ok && first.MaxAge == 0 {
				first.MaxAge, _ = s.Number()
			}
		}
	}
	others := map[string]Session{}
	var names []string
	for _, m := range a.ordered() {
		m.tree.Walk(func(n *pytree.Node) bool {
			if n.Kind != "call" || !strings.HasSuffix(n.Child("function").Text, ".get_session") {
				return true
			}
			s := Session{Cookie: true}
			for i, arg := range n.Child("arguments").NamedChildren() {
				value, name := arg, ""
				if arg.Kind == "keyword_argument" {
					value, name = arg.Child("value"), arg.Child("name").Text
				} else if i == 0 {
					name = "name"
				}
				t, _ := literal(value)
				switch name {
				case "name":
					s.Name = t
				case "backend":
					s.Backend, s.Cookie = t, t == "" || t == "securecookie"
				}
			}
			if s.Name == "" || s.Name == first.Name {
				if s.Backend != "" {
					first.Backend, first.Cookie = s.Backend, s.Cookie
				}
			} else if _, ok := others[s.Name]; !ok {
				others[s.Name] = s
				names = append(names, s.Name)
			}
			return true
		})
	}
	list := []Session{first}
	for _, name := range names {
		list = append(list, others[name])
	}
	return slices.DeleteFunc(list, func(s Session) bool { return !cookieName(s.Name) })
}

// cookieName reports whether a name is valid for a cookie (RFC 6265).
func cookieName(name string) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c) {
			return false
		}
	}
	return name != ""
}

// Secrets returns the strings in the sources whose name contains secret, password or
// api_key. They must not be copied.
func (a *Application) Secrets() map[string]Finding {
	if a.secrets != nil {
		return a.secrets
	}
	a.secrets = map[string]Finding{}
	for _, m := range a.ordered() {
		m.tree.Walk(func(n *pytree.Node) bool {
			var key, v *pytree.Node
			switch n.Kind {
			case "pair":
				key, v = n.Child("key"), n.Child("value")
			case "keyword_argument":
				key, v = n.Child("name"), n.Child("value")
			case "assignment":
				key, v = n.Child("left"), n.Child("right")
			}
			if key == nil || v == nil {
				return true
			}
			name := strings.ToLower(key.Text)
			if !strings.Contains(name, "secret") && !strings.Contains(name, "password") && !strings.Contains(name, "api_key") && !strings.Contains(name, "apikey") {
				return true
			}
			v.Walk(func(n *pytree.Node) bool {
				t, ok := literal(n)
				if !ok || len(t) < 6 || strings.Contains(t, " ") && !strings.Contains(name, "secret") {
					return true
				}
				for _, t := range []string{t, written(n)} {
					if _, ok := a.secrets[t]; !ok && len(t) >= 6 {
						a.secrets[t] = Finding{File: m.File, Line: n.Line, Source: key.Text}
					}
				}
				return true
			})
			return true
		})
	}
	return a.secrets
}
