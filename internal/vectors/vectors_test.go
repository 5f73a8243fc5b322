package vectors

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/differences.golden anew")

// groups are those of the vectors that map to something that exists here. The others
// are of webapp2's own Request and Response classes, its App Engine services, and of
// the features that packages sessions/... test themselves.
var groups = []string{
	"method", "notfound", "abort", "error", "exception", "handle_exception",
	"error_handlers", "redirect", "redirect_to", "redirect_route", "dispatch",
	"session", "flash", "multi", "cookie_args", "expiry", "bad_cookie", "auth",
}

// A vector is a declared application, requests to it, and what webapp2 answered.
type vector struct {
	ID, Group, Title string
	App              appSpec
	Requests         []requestSpec
	Responses        []responseSpec

	authSteps map[string][]authStep // of the group auth, by handler
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/http_semantics.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		CaseCount int `json:"case_count"`
		Cases     []vector
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != file.CaseCount {
		t.Fatalf("%d cases, the file says %d", len(file.Cases), file.CaseCount)
	}
	return slices.DeleteFunc(file.Cases, func(v vector) bool { return !slices.Contains(groups, v.Group) })
}

var caseID = regexp.MustCompile("`([a-z_]+-[0-9]+)`")

// readDifferences returns the cases that differences.md names, in its order.
func readDifferences(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("differences.md")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range caseID.FindAllStringSubmatch(string(text), -1) {
		if slices.Contains(ids, m[1]) {
			t.Errorf("differences.md names %s twice", m[1])
		}
		ids = append(ids, m[1])
	}
	return ids
}

func TestHTTPSemantics(t *testing.T) {
	differences := readDifferences(t)
	golden := make(map[string]string)
	passed, different, unexplained := 0, 0, 0
	for _, v := range readVectors(t) {
		got, want := v.got(t), v.want()
		listed := slices.Contains(differences, v.ID)
		switch {
		case got == want && !listed:
			passed++
		case got == want:
			t.Errorf("%s is listed in differences.md, and is none:\n%s", v.ID, got)
		case listed:
			different++
			golden[v.ID] = fmt.Sprintf("## %s: %s\nwebapp2\n%shere\n%s", v.ID, v.Title, want, got)
		default:
			unexplained++
			t.Errorf("%s: %s\nwebapp2\n%shere\n%s", v.ID, v.Title, want, got)
		}
	}
	t.Logf("http_semantics.json: %d passed, %d deliberate differences, %d unexplained", passed, different, unexplained)
	if different != len(differences) {
		t.Errorf("differences.md names %d cases, %d of them differ", len(differences), different)
	}
	checkGolden(t, differences, golden)
}

// checkGolden compares what the cases of differences.md do with what they did when
// the list was looked at.
func checkGolden(t *testing.T, ids []string, outcomes map[string]string) {
	t.Helper()
	var text strings.Builder
	for _, id := range ids {
		text.WriteString(outcomes[id] + "\n")
	}
	const path = "testdata/differences.golden"
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == text.String() {
		return
	}
	for _, id := range ids {
		if !strings.Contains(string(want), outcomes[id]) {
			t.Errorf("differs from webapp2 in another way than before: if it should, run go test ./internal/vectors -update\n%s", outcomes[id])
		}
	}
	t.Errorf("%s has changed", path)
}
