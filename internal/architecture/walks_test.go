package architecture

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// walks has the most files that a section of docs/architecture.md may name, and the most
// times that it may go back to a file that it has named before.
var walks = map[string]struct{ files, back int }{
	"A request":       {6, 5},
	"A session value": {8, 12},
	"A login":         {14, 5},
	"A route":         {6, 5},
}

var named = regexp.MustCompile("\\[`([A-Za-z0-9.]+)`\\]\\(\\.\\./([a-z0-9/_]+\\.go)(#L\\d+)?\\)")

// What docs/architecture.md names exists, in the file that it links to, and its walks are
// as short as they are meant to be.
func TestWalks(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	declarations := map[string]map[string]int{}
	seen := 0
	for _, section := range strings.Split(string(text), "\n## ") {
		title, _, _ := strings.Cut(section, "\n")
		files, last, back := map[string]bool{}, "", 0
		for _, found := range named.FindAllStringSubmatch(section, -1) {
			name, file := found[1], found[2]
			if declarations[file] == nil {
				declarations[file] = declared(t, file)
			}
			if declarations[file][name] == 0 {
				t.Errorf("docs/architecture.md, %q: %s does not declare %s", title, file, name)
			}
			if files[file] && file != last {
				back++
			}
			files[file], last = true, file
		}
		if limit, ok := walks[title]; ok {
			seen++
			if len(files) > limit.files || back > limit.back {
				t.Errorf("docs/architecture.md, %q: %d files and %d times back, at most %d and %d are meant", title, len(files), back, limit.files, limit.back)
			}
			if !strings.Contains(section, "```mermaid") {
				t.Errorf("docs/architecture.md, %q has no diagram", title)
			}
			t.Logf("%s: %d files, %d times back", title, len(files), back)
		}
	}
	if seen != len(walks) {
		t.Errorf("%d walks, want %d", seen, len(walks))
	}
}

// What docs/how-sessions-work.md names exists, at the line that it links to, and what it
// tells people to click is on the page of the demo.
func TestHowSessionsWork(t *testing.T) {
	const document = "../../docs/how-sessions-work.md"
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	links := named.FindAllSubmatch(text, -1)
	right := named.ReplaceAllFunc(text, func(link []byte) []byte {
		found := named.FindSubmatch(link)
		name, file := string(found[1]), string(found[2])
		line := declared(t, file)[name]
		if line == 0 {
			t.Errorf("docs/how-sessions-work.md: %s does not declare %s", file, name)
		}
		return fmt.Appendf(nil, "[`%s`](../%s#L%d)", name, file, line)
	})
	switch {
	case *update:
		if err := os.WriteFile(document, right, 0o644); err != nil {
			t.Fatal(err)
		}
	case !bytes.Equal(text, right):
		t.Error("a link of docs/how-sessions-work.md leads to another line than that of its function: run make golden")
	}
	if diagrams := strings.Count(string(text), "```mermaid"); len(links) < 15 || diagrams != 4 {
		t.Errorf("it has %d links to code and %d diagrams", len(links), diagrams)
	}
	var page strings.Builder
	for _, file := range []string{"handlers/demo/session_try.go", "handlers/demo/pages/session.html"} {
		part, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		page.Write(part)
	}
	for _, button := range []string{"Send a forged cookie", "Log out, send the old cookie again", "Move the clock by 31 minutes",
		"Take the backend down for ten seconds", "End this session from elsewhere", "Count twice at once", "A page that is late"} {
		if !strings.Contains(string(text), "*"+button+"*") || !strings.Contains(page.String(), button) {
			t.Errorf("the button %q is not in the document and on the page", button)
		}
	}
	for _, cookie := range []string{"known-browser", "ended", "language", "watch"} {
		if !strings.Contains(string(text), "\n- `"+cookie+"`: ") {
			t.Errorf("the cookie %q, which the page of the demo lists, is not in the document", cookie)
		}
	}
}

// declared returns the lines of the functions and types of a file, and of its methods as
// Type.Method.
func declared(t *testing.T, file string) map[string]int {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, filepath.Join("../..", file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	line := func(n ast.Node) int { return files.Position(n.Pos()).Line }
	for _, declaration := range parsed.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				receiver := d.Recv.List[0].Type
				if star, ok := receiver.(*ast.StarExpr); ok {
					receiver = star.X
				}
				if identifier, ok := receiver.(*ast.Ident); ok {
					name = identifier.Name + "." + name
				}
			}
			names[name] = line(d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok {
					names[s.Name.Name] = line(s)
				}
			}
		}
	}
	return names
}
