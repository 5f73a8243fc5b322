package architecture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// Every piece of Go in the documents is a quotation of a file that is compiled, up to
// indentation.
func TestDocumentsQuoteWhatIsCompiled(t *testing.T) {
	var compiled strings.Builder
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		compiled.WriteString("\n" + unindented(string(text)) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	quoted := 0
	for _, document := range tracked(t, "*.md") {
		text, err := os.ReadFile(filepath.Join("../..", document))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
			quoted++
			if !strings.Contains(compiled.String(), "\n"+unindented(block[1])+"\n") {
				t.Errorf("%s quotes what is in no file:\n%s", document, block[1])
			}
		}
	}
	if quoted == 0 {
		t.Error("no document quotes anything")
	}
}

// unindented is a text without the space around its lines, and without empty lines.
func unindented(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// The deliberate differences that the migration guide lists are those that the tests
// against webapp2's recorded answers allow.
func TestDocumentsListTheDifferences(t *testing.T) {
	guide, err := os.ReadFile("../../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("../../internal/vectors/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && !strings.Contains(string(guide), cells[0]+" | "+cells[1]+" |") {
			t.Errorf("docs/migrating.md lacks the first two columns of this row of internal/vectors/differences.md:\n%s", line)
		}
	}
}
