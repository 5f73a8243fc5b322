package architecture

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var program = regexp.MustCompile(`(?m)^//\tpackage main\n(?://(?:\t.*)?\n)*`)

// The whole programs in package comments compile.
func TestProgramsInCommentsCompile(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	arguments := []string{"build", "-overlay", filepath.Join(t.TempDir(), "overlay.json")}
	for _, name := range tracked(t, "*.go") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range program.FindAllString(string(text), -1) {
			source := regexp.MustCompile(`(?m)^//\t?`).ReplaceAllString(found, "")
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			folder := fmt.Sprintf("comments/%d_of_%s", len(overlay.Replace), strings.ReplaceAll(filepath.Dir(name), "/", "_"))
			overlay.Replace[filepath.Join(root, folder, "main.go")] = file
			arguments = append(arguments, "./"+folder)
		}
	}
	if len(overlay.Replace) < 2 {
		t.Fatalf("only %d programs", len(overlay.Replace))
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(arguments[2], text, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := run("go", arguments...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
