// Package extract finds the messages of package i18n in html/template files and Go files, and
// writes them as a template of catalogues for gettext's tools: msginit begins a catalogue
// with it, msgmerge brings one up to date.
//
// The example of [Messages] finds the messages of a page.
package extract

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// A Message is one message with the places that use it.
type Message struct {
	Context, ID, Plural string
	Places              []string // "pages/home.html:3"
}

// A Problem is a place where the message is not a constant, so that it cannot be found.
type Problem struct {
	Place string // "handlers.go:12"
	Text  string
}

// Options say what to look for. The zero value finds the messages of package i18n.
type Options struct {
	// Extensions are the extensions of the template files. If nil, they are .html, .tmpl
	// and .txt.
	Extensions []string
	// Left and Right are the templates' delimiters. If empty, they are {{ and }}.
	Left, Right string
	// Functions are further functions and methods in Go that take a message. The value is
	// the number of that argument: 2 for fail("name", "Please choose a name."). Calls
	// with a variable are ignored.
	Functions map[string]int
}

const maxFileBytes = 8 << 20

// Messages returns the messages of a folder's templates and Go files, in the order of their
// first place. It does not read Go tests, or files below vendor, testdata, node_modules and
// folders whose names begin with a dot. In templates it finds the functions t, th, n, c and nc with a
// string, piped or not; in Go the methods T, N, C and NC with the messages first, Lazy, LazyN
// and composite Messages of packages i18n and templates, and the function and method Abort with
// one constant after the status, which the error pages of package handlers translate.
//
// A call with a variable is a Problem, unless the variable is a Message, whose string is found
// at the place that makes it. The error joins an error for each file that cannot be read or
// parsed.
func Messages(fsys fs.FS, o Options) ([]Message, []Problem, error) {
	if o.Extensions == nil {
		o.Extensions = []string{".html", ".tmpl", ".txt"}
	}
	x := extractor{byKey: map[string]int{}, o: o}
	var mistakes []error
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "vendor" || base == "testdata" || base == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		isGo := strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go")
		if !isGo && !slices.Contains(o.Extensions, path.Ext(base)) {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxFileBytes {
			mistakes = append(mistakes, fmt.Errorf("extract: %s has more than %d bytes", name, maxFileBytes))
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err == nil && isGo {
			err = x.goFile(name, data)
		} else if err == nil {
			err = x.template(name, string(data))
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("extract: %w", err))
		}
		return nil
	})
	return x.messages, x.problems, errors.Join(append(mistakes, err)...)
}

type extractor struct {
	messages []Message
	byKey    map[string]int
	problems []Problem
	o        Options
}

func (x *extractor) add(place, context, id, plural string) {
	if id == "" {
		return
	}
	key := context + "\x04" + id
	i, ok := x.byKey[key]
	if !ok {
		i = len(x.messages)
		x.byKey[key] = i
		x.messages = append(x.messages, Message{Context: context, ID: id})
	}
	m := &x.messages[i]
	m.Plural = cmp.Or(m.Plural, plural)
	if !slices.Contains(m.Places, place) {
		m.Places = append(m.Places, place)
	}
}

func (x *extractor) problem(place, text string) {
	x.problems = append(x.problems, Problem{place, text})
}

// template reads one template file.
func (x *extractor) template(name, text string) error {
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, x.o.Left, x.o.Right, trees); err != nil {
		return err
	}
	for _, key := range slices.Sorted(func(yield func(string) bool) {
		for key := range trees {
			if !yield(key) {
				return
			}
		}
	}) {
		if t := trees[key]; t.Root != nil {
			x.node(t, t.Root)
		}
	}
	if trees[name] == nil && tree.Root != nil {
		x.node(tree, tree.Root)
	}
	return nil
}

// node walks a template.
func (x *extractor) node(t *parse.Tree, n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				x.node(t, child)
			}
		}
	case *parse.ActionNode:
		x.pipe(t, n.Pipe)
	case *parse.IfNode:
		x.branch(t, &n.BranchNode)
	case *parse.RangeNode:
		x.branch(t, &n.BranchNode)
	case *parse.WithNode:
		x.branch(t, &n.BranchNode)
	case *parse.TemplateNode:
		x.pipe(t, n.Pipe)
	}
}

func (x *extractor) branch(t *parse.Tree, n *parse.BranchNode) {
	x.pipe(t, n.Pipe)
	x.node(t, n.List)
	if n.ElseList != nil {
		x.node(t, n.ElseList)
	}
}

func (x *extractor) pipe(t *parse.Tree, p *parse.PipeNode) {
	if p == nil {
		return
	}
	for i, command := range p.Cmds {
		for _, argument := range command.Args {
			if inner, ok := argument.(*parse.PipeNode); ok {
				x.pipe(t, inner)
			}
		}
		function, ok := command.Args[0].(*parse.IdentifierNode)
		if !ok {
			continue
		}
		shape, ok := templateFunctions[function.Ident]
		if !ok {
			continue
		}
		arguments := command.Args[1:]
		if i > 0 && len(arguments) < shape.length() { // "x" | t
			arguments = append(arguments[:len(arguments):len(arguments)], p.Cmds[i-1].Args[0])
		}
		var texts []string
		for _, argument := range arguments[:min(len(arguments), shape.length())] {
			if s, ok := argument.(*parse.StringNode); ok {
				texts = append(texts, s.Text)
			}
		}
		location, _ := t.ErrorContext(command)
		place := location[:max(strings.LastIndex(location, ":"), 0)] // without the column
		x.found(place, command.String(), shape, texts)
	}
}

// A shape has the positions of the context, the message and the plural among the first
// arguments of a function.
type shape string

func (s shape) length() int { return len(s) }

var templateFunctions = map[string]shape{"t": "m", "th": "m", "n": "mp", "c": "cm", "nc": "cmp"}

var goFunctions = map[string]shape{"T": "m", "N": "mp", "C": "cm", "NC": "cmp", "Lazy": "m", "LazyN": "mp"}

func (x *extractor) found(place, source string, s shape, texts []string) {
	if len(texts) < s.length() {
		x.problem(place, source)
		return
	}
	var context, id, plural string
	for i, part := range s {
		switch part {
		case 'c':
			context = texts[i]
		case 'm':
			id = texts[i]
		case 'p':
			plural = texts[i]
		}
	}
	x.add(place, context, id, plural)
}

// goFile reads one Go file.
func (x *extractor) goFile(name string, data []byte) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, data, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	imported := importNames(file)
	ast.Inspect(file, func(n ast.Node) bool {
		place := ""
		if n != nil {
			position := files.Position(n.Pos())
			place = fmt.Sprintf("%s:%d", name, position.Line)
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			selector, ok := n.Fun.(*ast.SelectorExpr)
			name := ""
			if identifier, isName := n.Fun.(*ast.Ident); isName {
				name = identifier.Name
			} else if ok {
				name = selector.Sel.Name
			}
			at, found := x.o.Functions[name]
			if name == "Abort" && len(n.Args) == 2 {
				at, found = 2, true
			}
			if found && 0 < at && at <= len(n.Args) {
				if text, ok := constant(n.Args[at-1]); ok {
					x.add(place, "", text, "")
				}
			}
			if !ok {
				return true
			}
			s, ok := goFunctions[name]
			if !ok {
				return true
			}
			identifier, isName := selector.X.(*ast.Ident)
			if strings.HasPrefix(name, "Lazy") != (isName && imported[identifier.Name]) {
				return true
			}
			var texts []string
			for _, argument := range n.Args[:min(len(n.Args), s.length())] {
				if text, ok := constant(argument); ok {
					texts = append(texts, text)
				}
			}
			if len(texts) == 0 && len(imported) == 0 { // a method of the same name
				return true
			}
			x.found(place, string(data[files.Position(n.Pos()).Offset:files.Position(n.End()).Offset]), s, texts)
		case *ast.CompositeLit: // i18n.Message{ID: "..."}
			selector, ok := n.Type.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "Message" {
				return true
			}
			if identifier, ok := selector.X.(*ast.Ident); !ok || !imported[identifier.Name] {
				return true
			}
			fields := map[string]string{}
			for _, element := range n.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					if key, ok := pair.Key.(*ast.Ident); ok {
						fields[key.Name], _ = constant(pair.Value)
					}
				}
			}
			x.add(place, fields["Context"], fields["ID"], fields["Plural"])
		}
		return true
	})
	return nil
}

// importNames returns the names under which a file imports the packages that have
// messages.
func importNames(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, spec := range file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		name, ok := strings.CutPrefix(p, "github.com/webapp2go/webapp2go/")
		if !ok || name != "i18n" && name != "templates" && name != "handlers" {
			continue
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = true
	}
	return names
}

// constant returns the text of a string literal, or of a concatenation of them.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return s, err == nil
		}
	case *ast.BinaryExpr:
		left, ok := constant(e.X)
		right, ok2 := constant(e.Y)
		return left + right, ok && ok2 && e.Op == token.ADD
	case *ast.ParenExpr:
		return constant(e.X)
	}
	return "", false
}

// WritePOT writes messages as a template of catalogues, a .pot file.
func WritePOT(w io.Writer, messages []Message) error {
	b := bufio.NewWriter(w)
	b.WriteString(`msgid ""
msgstr ""
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
`)
	for _, m := range messages {
		b.WriteString("\n")
		for _, place := range m.Places {
			fmt.Fprintf(b, "#: %s\n", place)
		}
		if strings.Contains(m.ID, "%(") {
			b.WriteString("#, python-format\n")
		}
		if m.Context != "" {
			fmt.Fprintf(b, "msgctxt %s\n", quote(m.Context))
		}
		fmt.Fprintf(b, "msgid %s\n", quote(m.ID))
		if m.Plural != "" {
			fmt.Fprintf(b, "msgid_plural %s\nmsgstr[0] \"\"\nmsgstr[1] \"\"\n", quote(m.Plural))
		} else {
			b.WriteString("msgstr \"\"\n")
		}
	}
	return b.Flush()
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`)

func quote(s string) string { return `"` + quoter.Replace(s) + `"` }
