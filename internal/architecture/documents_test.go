package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var block = regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```")

// quoted has the files that a document quotes in blocks of each language. Other blocks,
// such as commands, are not checked.
var quoted = map[string][]string{
	"yaml":       {"*.yml", "*.yaml"},
	"go":         {"*.go"},
	"js":         {"*.js"},
	"nginx":      {"*.conf"},
	"caddy":      {"*Caddyfile"},
	"ini":        {"*.service", "*.socket"},
	"sh":         {"*demo-backup"},
	"dockerfile": {"*Dockerfile"},
}

// What a document shows of a program is a quotation of a file that is compiled or tested,
// up to indentation.
func TestDocumentsQuoteFiles(t *testing.T) {
	texts := map[string]string{}
	for language, patterns := range quoted {
		var all strings.Builder
		for _, name := range tracked(t, patterns...) {
			text, err := os.ReadFile(filepath.Join("../..", name))
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString("\n" + unindented(string(text)) + "\n")
		}
		texts[language] = all.String()
	}
	quotations := 0
	for _, document := range tracked(t, "*.md") {
		text, err := os.ReadFile(filepath.Join("../..", document))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range block.FindAllStringSubmatch(string(text), -1) {
			files, ok := texts[found[1]]
			if !ok {
				continue
			}
			quotations++
			if !strings.Contains(files, "\n"+unindented(found[2])+"\n") {
				t.Errorf("%s quotes what is in no file:\n%s", document, found[2])
			}
		}
	}
	if quotations == 0 {
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

// The deliberate differences that the migration guide shows are among those that the tests
// against webapp2's recorded responses allow.
func TestDocumentsShowDifferences(t *testing.T) {
	guide, err := os.ReadFile("../../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("../../internal/vectors/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(guide), "| Here | In webapp2 |\n| --- | --- |\n")
	shown, _, _ = strings.Cut(shown, "\n\n")
	rows := strings.Split(shown, "\n")
	if len(rows) < 5 {
		t.Errorf("docs/migrating.md shows %d differences", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(string(table), strings.TrimSuffix(row, "|")+"| ") {
			t.Errorf("docs/migrating.md shows a difference whose two columns are in no row of internal/vectors/differences.md:\n%s", row)
		}
	}
}

// CONTRIBUTING.md says what is in each folder.
func TestFoldersAreDescribed(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tracked(t) {
		if folder, _, below := strings.Cut(name, "/"); below && folder != ".github" && !strings.Contains(string(text), "`"+folder+"/") {
			t.Errorf("CONTRIBUTING.md does not say what is in %s", folder)
			return
		}
	}
}
