package main

import (
	"bufio"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// A person in a terminal sees an address to click, how to log in, where data is kept and
// how to stop. Then there is a short line for each page, and none for its static files.
func TestInATerminal(t *testing.T) {
	command := program(t, "--addr=127.0.0.1:0")
	command.Env = append(command.Env, "TERM=xterm", "NO_COLOR=1")
	screen, err := pty.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	lines := bufio.NewReader(screen)
	until := func(text string) (seen string) {
		t.Helper()
		for !strings.Contains(seen, text) {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("%q, %v", seen, err)
			}
			seen += line
		}
		return seen
	}
	seen := until("Ctrl-C")
	for _, want := range []string{`webapp2go demo   http://127\.0\.0\.1:\d+\r\n`, `log in as +admin  [A-Z2-7]{16} `, `data +sessions and users in memory, gone when this ends`} {
		if !regexp.MustCompile(want).MatchString(seen) {
			t.Errorf("missing %s in\n%s", want, seen)
		}
	}
	if strings.Contains(seen, "settings.") {
		t.Errorf("it lists the settings:\n%s", seen)
	}
	url := regexp.MustCompile(`http://[\w.:]+`).FindString(seen)
	get := func(path string) string {
		t.Helper()
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		page, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	css := regexp.MustCompile(`/static/\w+/site\.css`).FindString(get("/"))
	get(css)
	get("/cart")
	if seen := until("/cart"); !regexp.MustCompile(`200  GET    /  +\d`).MatchString(seen) || strings.Contains(seen, "/static/") {
		t.Errorf("the requests are shown as\n%s", seen)
	}
	if _, err := screen.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	until("stopped")
	if got := exitStatus(t, command.Wait()); got != 0 {
		t.Errorf("Ctrl-C: status %d, want 0", got)
	}
}
