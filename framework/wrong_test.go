package framework_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The programs below testdata/wrong have one mistake each. The message for its author is in
// want.txt beside it. It comes from the compiler, from go vet, at startup, or at the request.
func TestWrongPrograms(t *testing.T) {
	for stage, tell := range map[string]func(t *testing.T, programs []string) map[string]string{
		"compile": func(t *testing.T, programs []string) map[string]string {
			return byProgram(goTool(t, append([]string{"build"}, programs...)...))
		},
		"vet": func(t *testing.T, programs []string) map[string]string {
			return byProgram(goTool(t, append([]string{"vet"}, programs...)...))
		},
		"start":   runEach,
		"request": runEach,
	} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			programs, err := filepath.Glob("testdata/wrong/" + stage + "/*")
			if err != nil || len(programs) == 0 {
				t.Fatalf("no programs: %v", err)
			}
			for i := range programs {
				programs[i] = "./" + filepath.ToSlash(programs[i])
			}
			told := tell(t, programs)
			for _, program := range programs {
				t.Run(filepath.Base(program), func(t *testing.T) { compareGolden(t, program+"/want.txt", told[program]) })
			}
		})
	}
}

func compareGolden(t *testing.T, golden, got string) {
	if got == "" {
		t.Fatal("nobody is told anything")
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
}

// goTool runs the go command, which may fail, and returns its output.
func goTool(t *testing.T, arguments ...string) string {
	output, _ := exec.CommandContext(t.Context(), "go", arguments...).CombinedOutput()
	return string(output)
}

var place = regexp.MustCompile(`^(?:vet: )?(?:\./)?(testdata/wrong/[\w-]+/[\w-]+)/(main\.go:.*\n)`)

// byProgram splits the output of the go command by program.
func byProgram(output string) map[string]string {
	told := map[string]string{}
	program := ""
	for line := range strings.Lines(output) {
		if found := place.FindStringSubmatch(line); found != nil {
			program, line = "./"+found[1], found[2]
		}
		if !strings.HasPrefix(line, "#") {
			told[program] += line
		}
	}
	return told
}

// runEach runs programs, and returns what each prints. They are built as one, because
// linking is what takes the time: an overlay gives them another package clause and
// another name for main.
func runEach(t *testing.T, programs []string) map[string]string {
	folder := t.TempDir()
	overlay := map[string]string{}
	replace := func(file, content string) {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		overlay[path] = filepath.Join(folder, fmt.Sprint(len(overlay), ".go"))
		if err := os.WriteFile(overlay[path], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	imports, cases := "", ""
	for i, program := range programs {
		source, err := os.ReadFile(program + "/main.go")
		if err != nil {
			t.Fatal(err)
		}
		replace(program+"/main.go", strings.NewReplacer("\npackage main\n", "\npackage program\n", "\nfunc main() {", "\nfunc Main() {").Replace(string(source)))
		imports += fmt.Sprintf("import p%d %q\n", i, "github.com/webapp2go/webapp2go/framework/"+program[2:])
		cases += fmt.Sprintf("case %q: p%d.Main()\n", program, i)
	}
	all := "./" + filepath.ToSlash(filepath.Dir(programs[0])) + "/all"
	replace(all+"/main.go", "package main\nimport \"os\"\n"+imports+"func main() {\nswitch os.Args[1] {\n"+cases+"}\n}\n")
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	list, binary := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "all")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if failed := goTool(t, "build", "-overlay", list, "-ldflags=-s -w", "-o", binary, all); failed != "" {
		t.Fatal(failed)
	}
	told := map[string]string{}
	for _, program := range programs {
		command := exec.CommandContext(t.Context(), binary, program)
		command.Env = append(os.Environ(), "PORT=none") // none of them should get as far as to listen
		output, _ := command.CombinedOutput()           // most of them end with an error
		told[program] = timeless(string(output))
	}
	return told
}

var changing = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |\n\ngoroutine (?s:.*)| id=\w+| stack="[^"]*"`)

// timeless removes the parts that differ in each run.
func timeless(output string) string {
	output = strings.ReplaceAll(output, "program.", "main.")
	if folder, err := os.Getwd(); err == nil {
		output = strings.ReplaceAll(output, folder, "/here")
	}
	return strings.TrimSpace(changing.ReplaceAllString(output, "")) + "\n"
}
