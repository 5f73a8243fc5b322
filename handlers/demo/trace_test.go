package demo_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// Every page shows the steps up to its rendering. The page of the trace also shows the later
// ones.
func TestTrace(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/")
	_, page := b.get("/")
	for _, want := range []string{"<b>route</b> <code>/ (tree)</code>", "<b>handler</b> <code>*demo.HomeHandler</code>", "<b>init</b>",
		"<code>handlers.(*BaseHandler).Dispatch</code>", "<b>action</b> <code>demo.(*HomeHandler).Get</code>", "<b>sessions</b>", "<b>backend</b> <code>load</code>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	id := regexp.MustCompile(`href="(/trace/\w+)"`).FindStringSubmatch(page)
	if id == nil {
		t.Fatalf("no link to the trace in %s", page)
	}
	status, whole := b.get(id[1])
	if status != http.StatusOK || !strings.Contains(whole, "<b>header</b> <code>200 OK</code>") || !strings.Contains(whole, "<b>sent</b>") || !strings.Contains(whole, ".Save</code>") {
		t.Errorf("the trace is %d %s", status, whole)
	}
	if status, _ := b.get("/trace/NOTHING"); status != http.StatusNotFound {
		t.Errorf("a trace that is not kept is %d", status)
	}
	for range 100 {
		b.get("/cart")
	}
	if status, _ := b.get(id[1]); status != http.StatusNotFound {
		t.Errorf("an old trace is %d", status)
	}
}

// Without the page /session nothing is traced.
func TestNoTrace(t *testing.T) {
	b := open(t, serve(t))
	status, page := b.get("/")
	if status != http.StatusOK || strings.Contains(page, "/trace/") {
		t.Errorf("the page is %d %s", status, page)
	}
}
