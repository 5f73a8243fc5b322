package demo

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/templates"
)

// handlerFiles are the files with the handlers of the demo. Each page shows its own code.
//
//go:embed admin.go cart.go home.go outbox.go session.go session_try.go trace.go
var handlerFiles embed.FS

// A pageCode is the code that makes a page.
type pageCode struct {
	Parts   []codePart
	Type    string // if the handler is not part of the demo, such as handlers.LoginHandler; else empty
	Address string // of the documentation of Type
}

// A codePart is the code of a page in one file.
type codePart struct{ File, Text string }

const (
	ownPackage   = "github.com/webapp2go/webapp2go/handlers/demo"
	ownFolder    = "handlers/demo/"
	otherHandler = "github.com/webapp2go/webapp2go/handlers"
)

// showCode gives the layout the code of the handler's page.
func showCode(h framework.Handler) {
	paged, ok := h.(interface{ Page() *templates.Page })
	if !ok {
		return
	}
	if code := codeOf(reflect.TypeOf(h).Elem()); code != nil {
		paged.Page().Set("code", code)
	}
}

var codes sync.Map // *pageCode by reflect.Type

// codeOf returns the code of a type of handlers, or nil if it makes no page.
func codeOf(t reflect.Type) *pageCode {
	if known, ok := codes.Load(t); ok {
		return known.(*pageCode)
	}
	code := findCode(t.PkgPath(), t.Name())
	codes.Store(t, code)
	return code
}

func findCode(from, name string) *pageCode {
	switch {
	case from == ownPackage:
		return &pageCode{Parts: withTemplates(declarations(name))}
	case strings.HasPrefix(from, otherHandler) && ast.IsExported(name) && name != "StaticHandler":
		return &pageCode{Type: path.Base(from) + "." + name, Address: "https://pkg.go.dev/" + from + "#" + name}
	}
	return nil
}

// shownMethods are the methods of a handler that a page shows, and its type.
var shownMethods = []string{"Dispatch", "Guard", "Get", "Post"}

// declarations returns the declarations of a type of handlers, of its methods, and of the
// types of this package that it embeds, by file.
func declarations(name string) (parts []codePart) {
	wanted := []string{name}
	for i := 0; i < len(wanted); i++ {
		for _, file := range parsed() {
			wanted = append(wanted, file.embedded[wanted[i]]...)
		}
	}
	for _, file := range parsed() {
		var texts []string
		for _, d := range file.declared {
			if slices.Contains(wanted, d.of) {
				texts = append(texts, d.text)
			}
		}
		if texts != nil {
			parts = append(parts, codePart{ownFolder + file.name, strings.Join(texts, "\n\n")})
		}
	}
	return parts
}

var rendered = regexp.MustCompile(`h\.Render\("([\w-]+)"`)

// withTemplates adds the templates that the code renders.
func withTemplates(parts []codePart) []codePart {
	for _, part := range parts {
		for _, found := range rendered.FindAllStringSubmatch(part.Text, -1) {
			name := "pages/" + found[1] + ".html"
			text, err := pages.ReadFile(name)
			if err != nil || slices.ContainsFunc(parts, func(p codePart) bool { return p.File == ownFolder+name }) {
				continue
			}
			parts = append(parts, codePart{ownFolder + name, strings.TrimSpace(string(text))})
		}
	}
	return parts
}

// A handlerFile has the declarations of one of the handlerFiles.
type handlerFile struct {
	name     string
	declared []declaration
	embedded map[string][]string // the types that a struct embeds, by its name
}

// A declaration is that of a type, or of a method of it.
type declaration struct{ of, text string }

// parsed parses the handlerFiles. They are part of the program, so parsing them cannot fail.
var parsed = sync.OnceValue(func() (files []handlerFile) {
	entries, err := fs.ReadDir(handlerFiles, ".")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		source, err := handlerFiles.ReadFile(entry.Name())
		if err != nil {
			panic(err)
		}
		files = append(files, parseHandlers(entry.Name(), source))
	}
	return files
})

func parseHandlers(name string, source []byte) handlerFile {
	positions := token.NewFileSet()
	tree, err := parser.ParseFile(positions, name, source, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	file := handlerFile{name: name, embedded: map[string][]string{}}
	add := func(of string, doc *ast.CommentGroup, node ast.Node) {
		begin := node.Pos()
		if doc != nil {
			begin = doc.Pos()
		}
		file.declared = append(file.declared, declaration{of, string(source[positions.Position(begin).Offset:positions.Position(node.End()).Offset])})
	}
	for _, each := range tree.Decls {
		switch d := each.(type) {
		case *ast.GenDecl:
			if len(d.Specs) != 1 {
				continue
			}
			typ, ok := d.Specs[0].(*ast.TypeSpec)
			if !ok {
				continue
			}
			add(typ.Name.Name, d.Doc, d)
			if s, ok := typ.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					if base, ok := field.Type.(*ast.Ident); ok && field.Names == nil {
						file.embedded[typ.Name.Name] = append(file.embedded[typ.Name.Name], base.Name)
					}
				}
			}
		case *ast.FuncDecl:
			if d.Recv == nil || !slices.Contains(shownMethods, d.Name.Name) {
				continue
			}
			if pointer, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok {
				if of, ok := pointer.X.(*ast.Ident); ok {
					add(of.Name, d.Doc, d)
				}
			}
		}
	}
	return file
}
